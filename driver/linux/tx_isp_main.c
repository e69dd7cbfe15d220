// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: its parameters, and what ties its parts together, whichever bus the chip is on.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "tx_isp.h"

/* How often the backend is asked for a sign of life while a node streams and nothing happens. */
#define WATCH_INTERVAL msecs_to_jiffies(1000)

static char *rmem = "";
module_param(rmem, charp, 0444);
MODULE_PARM_DESC(rmem,
		 "carve-out as SIZE@BASE, memory that mem= keeps from the kernel; or none (default)");

static char *strategy = "hybrid";
module_param(strategy, charp, 0444);
MODULE_PARM_DESC(strategy, "who allocates frame buffers: driver, client or hybrid (default)");

static unsigned int margin = 2;
module_param(margin, uint, 0444);
MODULE_PARM_DESC(margin, "hybrid: this many times what is granted must be free in one piece (2)");

static unsigned int reserve;
module_param(reserve, uint, 0444);
MODULE_PARM_DESC(reserve, "hybrid: bytes of the largest free run that are never granted (0)");

/*
 * Nobody can fill the log: neither a client that asks for nonsense nor a backend that is gone. Each
 * level has a budget of its own, so that a storm of warnings hides no failure.
 */
static DEFINE_RATELIMIT_STATE(tx_isp_error_limit, 5 * HZ, 20);
static DEFINE_RATELIMIT_STATE(tx_isp_warning_limit, 5 * HZ, 20);
static DEFINE_RATELIMIT_STATE(tx_isp_info_limit, 5 * HZ, 100);

void tx_isp_print(u32 level, const u8 *text, u32 length)
{
	struct ratelimit_state *limit = &tx_isp_info_limit;

	if (level == 0)
		limit = &tx_isp_error_limit;
	else if (level == 1)
		limit = &tx_isp_warning_limit;
	if (!__ratelimit(limit))
		return;
	if (level == 0)
		pr_err("tx-isp: %.*s\n", (int)length, text);
	else if (level == 1)
		pr_warn("tx-isp: %.*s\n", (int)length, text);
	else
		pr_info("tx-isp: %.*s\n", (int)length, text);
}

void tx_isp_complain(const u8 *text, u32 length)
{
	pr_warn_ratelimited("tx-isp: %.*s\n", (int)length, text);
}

void tx_isp_sleep(u32 microseconds)
{
	fsleep(microseconds);
}

u64 tx_isp_now(void)
{
	return ktime_get_ns();
}

static bool streams(struct tx_isp *isp)
{
	u32 channel;

	for (channel = 0; channel < TX_ISP_CHANNELS; channel++)
		if (vb2_is_streaming(&isp->videos[channel].queue))
			return true;
	return tx_isp_vendor_streams(isp);
}

/* Hands finished buffers to their queues. The caller holds core_lock. */
static void deliver(struct tx_isp *isp, const struct tx_isp_completed *done, int count, u64 time)
{
	int index;

	for (index = 0; index < count; index++)
		if (!tx_isp_vendor_complete(isp, &done[index]))
			tx_isp_video_complete(&isp->videos[done[index].channel], &done[index],
					      time);
}

void tx_isp_handle_interrupt(struct tx_isp *isp)
{
	struct tx_isp_completed done[TX_ISP_MAX_COMPLETED];

	isp->interrupts++;
	if (isp->core_ready)
		/* The newest time: a frame may have ended, and raised its own, meanwhile. */
		deliver(isp, done, tx_isp_core_interrupt(isp->core, done),
			atomic64_read(&isp->interrupt_time));
}

/* Frames whose interrupt was lost, and an ISP that has stalled or was out of reach. */
static void check_stream(struct tx_isp *isp)
{
	struct tx_isp_completed done[TX_ISP_MAX_COMPLETED];
	u64 time = ktime_get_ns();
	int count, channel;

	count = tx_isp_core_check(isp->core, time, done);
	deliver(isp, done, count, time);
	if (count >= 0)
		return;
	/* Nothing streams any more: every waiting client gets an error. */
	for (channel = 0; channel < TX_ISP_CHANNELS; channel++)
		vb2_queue_error(&isp->videos[channel].queue);
	tx_isp_vendor_give_up(isp);
}

static void watch(struct work_struct *work)
{
	struct tx_isp *isp = container_of(to_delayed_work(work), struct tx_isp, watchdog);

	mutex_lock(&isp->core_lock);
	tx_isp_give_up_if_panicked(isp);
	if (isp->core_ready && streams(isp)) {
		if (isp->bus->nudge)
			isp->bus->nudge(isp);
		if (isp->interrupts == isp->interrupts_at_last_watch)
			tx_isp_core_ping(isp->core);
		check_stream(isp);
	}
	isp->interrupts_at_last_watch = isp->interrupts;
	mutex_unlock(&isp->core_lock);
	/* Others take system memory without telling. */
	if (!isp->carve_out)
		schedule_work(&isp->pressure_work);
	schedule_delayed_work(&isp->watchdog, WATCH_INTERVAL);
}

/* The last user of a node or of the device is gone. */
static void release(struct v4l2_device *v4l2_dev)
{
	struct tx_isp *isp = container_of(v4l2_dev, struct tx_isp, v4l2_dev);
	u32 channel;

	v4l2_device_unregister(&isp->v4l2_dev);
	cancel_work_sync(&isp->pressure_work);
	for (channel = 0; channel < TX_ISP_CHANNELS; channel++)
		v4l2_ctrl_handler_free(&isp->videos[channel].controls);
	v4l2_ctrl_handler_free(&isp->sensor_controls);
	tx_isp_media_cleanup(isp);
	tx_isp_vendor_free(isp);
	tx_isp_memory_release(isp);
	put_device(isp->dma_device);
	kfree(isp->core);
	kfree(isp);
}

static int start(struct tx_isp *isp, u32 strategy)
{
	u32 channel;
	int ret;

	ret = isp->bus->start(isp);
	if (ret)
		return ret;
	mutex_lock(&isp->core_lock);
	ret = isp->bus->probe(isp);
	mutex_unlock(&isp->core_lock);
	if (!ret)
		ret = tx_isp_sensor_create_controls(isp);
	for (channel = 0; !ret && channel < TX_ISP_CHANNELS; channel++)
		ret = tx_isp_video_init(isp, channel, strategy);
	channel = 0;
	if (ret)
		goto unregister_videos;
	/* From here on whatever a client may ask for is there. */
	mutex_lock(&isp->core_lock);
	isp->core_ready = true;
	mutex_unlock(&isp->core_lock);
	ret = isp->bus->enable(isp);
	if (ret)
		goto unregister_videos;
	/* A sensor that does not answer now is told when it is set up. */
	if (v4l2_ctrl_handler_setup(&isp->sensor_controls))
		dev_warn(isp->v4l2_dev.dev, "the sensor takes no exposure and gain yet\n");
	for (; channel < TX_ISP_CHANNELS; channel++) {
		ret = tx_isp_video_register(&isp->videos[channel]);
		if (ret)
			goto unregister_videos;
	}
	ret = tx_isp_media_register(isp);
	if (ret)
		goto unregister_videos;
	ret = tx_isp_rmem_register(isp);
	if (ret)
		goto unregister_videos;
	ret = tx_isp_vendor_register(isp);
	if (ret)
		goto unregister_rmem;
	schedule_delayed_work(&isp->watchdog, WATCH_INTERVAL);
	schedule_work(&isp->pressure_work);
	tx_isp_debugfs_create(isp);
	return 0;

unregister_rmem:
	tx_isp_rmem_unregister(isp);
unregister_videos:
	while (channel--)
		tx_isp_video_unregister(&isp->videos[channel]);
	/* Behind the nodes: a stream that ends gives its part of the graph back. */
	tx_isp_media_unregister(isp);
	mutex_lock(&isp->core_lock);
	isp->core_ready = false;
	isp->bus->close(isp);
	mutex_unlock(&isp->core_lock);
	isp->bus->release(isp);
	return ret;
}

struct tx_isp *tx_isp_create(struct device *dev, struct device *dma_device,
			     const struct tx_isp_bus *bus,
			     void (*prepare)(struct tx_isp *isp, void *data), void *data)
{
	struct tx_isp *isp;
	int ret, chosen;

	chosen = tx_isp_strategy_parse(strategy, strlen(strategy));
	if (chosen < 0)
		return ERR_PTR(chosen);
	if (WARN_ON(tx_isp_max_completed() != TX_ISP_MAX_COMPLETED))
		return ERR_PTR(-EINVAL);
	isp = kzalloc(sizeof(*isp), GFP_KERNEL);
	if (!isp)
		return ERR_PTR(-ENOMEM);
	mutex_init(&isp->core_lock);
	mutex_init(&isp->carve_out_lock);
	atomic_set(&isp->next_client, 0);
	atomic_set(&isp->syncs_for_device, 0);
	atomic_set(&isp->syncs_for_cpu, 0);
	INIT_LIST_HEAD(&isp->rmem_users);
	INIT_LIST_HEAD(&isp->rmem_mappings);
	INIT_WORK(&isp->pressure_work, tx_isp_pressure_update);
	INIT_DELAYED_WORK(&isp->watchdog, watch);
	isp->margin = margin;
	isp->reserve = reserve;
	isp->bus = bus;
	isp->dma_device = get_device(dma_device);
	prepare(isp, data);
	isp->v4l2_dev.release = release;
	tx_isp_media_init(isp, dev);
	ret = v4l2_device_register(dev, &isp->v4l2_dev);
	if (ret) {
		tx_isp_media_cleanup(isp);
		put_device(isp->dma_device);
		kfree(isp);
		return ERR_PTR(ret);
	}
	isp->core = kzalloc(tx_isp_core_size(), GFP_KERNEL);
	ret = isp->core ? tx_isp_memory_claim(isp) : -ENOMEM;
	if (!ret)
		ret = start(isp, chosen);
	if (!ret)
		return isp;
	v4l2_device_put(&isp->v4l2_dev);
	return ERR_PTR(ret);
}

void tx_isp_destroy(struct tx_isp *isp)
{
	u32 channel;

	tx_isp_debugfs_remove(isp);
	tx_isp_vendor_unregister(isp);
	tx_isp_rmem_unregister(isp);
	for (channel = 0; channel < TX_ISP_CHANNELS; channel++)
		tx_isp_video_unregister(&isp->videos[channel]);
	/* Behind the nodes: a stream that ends gives its part of the graph back. */
	tx_isp_media_unregister(isp);
	cancel_delayed_work_sync(&isp->watchdog);
	v4l2_device_disconnect(&isp->v4l2_dev);
	mutex_lock(&isp->core_lock);
	tx_isp_core_shut_down(isp->core);
	tx_isp_give_up_if_panicked(isp);
	tx_isp_vendor_give_up(isp);
	isp->core_ready = false;
	isp->bus->close(isp);
	mutex_unlock(&isp->core_lock);
	isp->bus->release(isp);
	tx_isp_memory_retire(isp);
	v4l2_device_put(&isp->v4l2_dev);
}

static int __init tx_isp_init(void)
{
	int ret = tx_isp_memory_configure(rmem);

	if (!ret)
		ret = tx_isp_virtio_register();
	if (ret)
		return ret;
	ret = tx_isp_platform_register();
	if (ret)
		tx_isp_virtio_unregister();
	return ret;
}

static void __exit tx_isp_exit(void)
{
	tx_isp_platform_unregister();
	tx_isp_virtio_unregister();
}

module_init(tx_isp_init);
module_exit(tx_isp_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Ingenic T31 ISP");
