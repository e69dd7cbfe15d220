// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: binds to the virtio device that carries the mailbox, and ties its parts together.
 */
#include <linux/init.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#include "tx_isp.h"

/* How often the backend is asked for a sign of life while a node streams and nothing happens. */
#define WATCH_INTERVAL msecs_to_jiffies(1000)

static char *rmem = "";
module_param(rmem, charp, 0444);
MODULE_PARM_DESC(rmem,
		 "carve-out as SIZE@BASE, or none, in place of the kernel command line's rmem=");

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

static bool streams(struct tx_isp *isp)
{
	u32 channel;

	for (channel = 0; channel < TX_ISP_CHANNELS; channel++)
		if (vb2_is_streaming(&isp->videos[channel].queue))
			return true;
	return tx_isp_vendor_streams(isp);
}

void tx_isp_raised(struct virtio_device *vdev)
{
	struct tx_isp *isp = vdev->priv;

	atomic64_set(&isp->interrupt_time, ktime_get_ns());
	kthread_queue_work(isp->worker, &isp->interrupt_work);
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

static void handle_interrupt(struct kthread_work *work)
{
	struct tx_isp *isp = container_of(work, struct tx_isp, interrupt_work);
	struct tx_isp_completed done[TX_ISP_MAX_COMPLETED];
	bool more;

	mutex_lock(&isp->core_lock);
	more = tx_isp_transport_take_events(&isp->transport);
	if (isp->core_ready)
		/* The newest time: a frame may have ended, and raised its own, meanwhile. */
		deliver(isp, done, tx_isp_core_interrupt(isp->core, done),
			atomic64_read(&isp->interrupt_time));
	/* The way to the chip has put what was stored in order: see tx_isp_virtio.c. */
	more |= tx_isp_transport_has_events(&isp->transport);
	mutex_unlock(&isp->core_lock);
	if (more)
		kthread_queue_work(isp->worker, &isp->interrupt_work);
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
	u64 received;

	mutex_lock(&isp->core_lock);
	tx_isp_give_up_if_panicked(isp);
	received = isp->transport.received;
	if (isp->core_ready && streams(isp)) {
		tx_isp_transport_nudge(&isp->transport);
		if (received == isp->interrupts_at_last_watch)
			tx_isp_core_ping(isp->core);
		check_stream(isp);
	}
	isp->interrupts_at_last_watch = received;
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

static int start(struct tx_isp *isp, struct virtio_device *vdev, u32 strategy)
{
	u32 channel;
	int ret;

	ret = tx_isp_transport_start(&isp->transport, vdev);
	if (ret)
		return ret;
	mutex_lock(&isp->core_lock);
	ret = tx_isp_core_probe(isp->core, &isp->transport);
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
	/* A sensor that does not answer now is told when it is set up. */
	if (v4l2_ctrl_handler_setup(&isp->sensor_controls))
		dev_warn(&vdev->dev, "the sensor takes no exposure and gain yet\n");
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
		goto unregister_media;
	ret = tx_isp_vendor_register(isp);
	if (ret)
		goto unregister_rmem;
	schedule_delayed_work(&isp->watchdog, WATCH_INTERVAL);
	schedule_work(&isp->pressure_work);
	tx_isp_debugfs_create(isp);
	return 0;

unregister_rmem:
	tx_isp_rmem_unregister(isp);
unregister_media:
	tx_isp_media_unregister(isp);
unregister_videos:
	while (channel--)
		tx_isp_video_unregister(&isp->videos[channel]);
	mutex_lock(&isp->core_lock);
	isp->core_ready = false;
	tx_isp_transport_stop(&isp->transport);
	mutex_unlock(&isp->core_lock);
	return ret;
}

/*
 * Whether a device of these types may carry the mailbox: the configuration of a GPIO device is
 * nothing but zeros then, while any GPIO controller has lines. Nothing is asked of another device.
 */
static bool tx_isp_is_carrier(struct virtio_device *vdev)
{
	/* struct virtio_gpio_config: the number of lines comes first. */
	u8 config[8] = {};

	if (!virtio_has_feature(vdev, VIRTIO_F_VERSION_1))
		return false;
	if (vdev->id.device == VIRTIO_ID_GPIO)
		virtio_cread_bytes(vdev, 0, config, sizeof(config));
	return !memchr_inv(config, 0, sizeof(config));
}

static int probe(struct virtio_device *vdev)
{
	struct tx_isp *isp;
	int ret, chosen;

	if (!tx_isp_is_carrier(vdev))
		return -ENODEV;
	chosen = tx_isp_strategy_parse(strategy, strlen(strategy));
	if (chosen < 0)
		return chosen;
	if (WARN_ON(tx_isp_max_completed() != TX_ISP_MAX_COMPLETED))
		return -EINVAL;
	isp = kzalloc(sizeof(*isp), GFP_KERNEL);
	if (!isp)
		return -ENOMEM;
	vdev->priv = isp;
	mutex_init(&isp->core_lock);
	mutex_init(&isp->carve_out_lock);
	atomic_set(&isp->next_client, 0);
	INIT_LIST_HEAD(&isp->rmem_users);
	INIT_LIST_HEAD(&isp->rmem_mappings);
	INIT_WORK(&isp->pressure_work, tx_isp_pressure_update);
	isp->margin = margin;
	isp->reserve = reserve;
	isp->dma_device = get_device(vdev->dev.parent);
	kthread_init_work(&isp->interrupt_work, handle_interrupt);
	INIT_DELAYED_WORK(&isp->watchdog, watch);
	isp->v4l2_dev.release = release;
	tx_isp_media_init(isp);
	ret = v4l2_device_register(&vdev->dev, &isp->v4l2_dev);
	if (ret) {
		tx_isp_media_cleanup(isp);
		put_device(isp->dma_device);
		kfree(isp);
		return ret;
	}
	isp->core = kzalloc(tx_isp_core_size(), GFP_KERNEL);
	if (!isp->core) {
		ret = -ENOMEM;
		goto put;
	}
	ret = tx_isp_memory_claim(isp);
	if (ret)
		goto put;
	isp->worker = kthread_create_worker(0, "tx-isp");
	if (IS_ERR(isp->worker)) {
		ret = PTR_ERR(isp->worker);
		goto put;
	}
	sched_set_fifo(isp->worker->task);
	ret = start(isp, vdev, chosen);
	if (!ret)
		return 0;
	kthread_destroy_worker(isp->worker);
put:
	v4l2_device_put(&isp->v4l2_dev);
	return ret;
}

static void remove(struct virtio_device *vdev)
{
	struct tx_isp *isp = vdev->priv;
	u32 channel;

	tx_isp_debugfs_remove(isp);
	tx_isp_vendor_unregister(isp);
	tx_isp_rmem_unregister(isp);
	tx_isp_media_unregister(isp);
	for (channel = 0; channel < TX_ISP_CHANNELS; channel++)
		tx_isp_video_unregister(&isp->videos[channel]);
	cancel_delayed_work_sync(&isp->watchdog);
	v4l2_device_disconnect(&isp->v4l2_dev);
	mutex_lock(&isp->core_lock);
	tx_isp_core_shut_down(isp->core);
	tx_isp_give_up_if_panicked(isp);
	tx_isp_vendor_give_up(isp);
	isp->core_ready = false;
	tx_isp_transport_stop(&isp->transport);
	mutex_unlock(&isp->core_lock);
	kthread_destroy_worker(isp->worker);
	tx_isp_memory_retire(isp);
	v4l2_device_put(&isp->v4l2_dev);
}

/*
 * The generic vhost-user device carries the mailbox as a video encoder, a stock QEMU as a GPIO
 * device; who answers is asked before anything else.
 */
static const struct virtio_device_id ids[] = {
	{ VIRTIO_ID_VIDEO_ENCODER, VIRTIO_DEV_ANY_ID },
	{ VIRTIO_ID_GPIO, VIRTIO_DEV_ANY_ID },
	{},
};
MODULE_DEVICE_TABLE(virtio, ids);

static struct virtio_driver tx_isp_driver = {
	.driver.name = "tx-isp",
	.driver.owner = THIS_MODULE,
	.id_table = ids,
	.probe = probe,
	.remove = remove,
};

static int __init enter(void)
{
	int ret = tx_isp_memory_configure(rmem);

	return ret ? ret : register_virtio_driver(&tx_isp_driver);
}

static void __exit leave(void)
{
	unregister_virtio_driver(&tx_isp_driver);
}

module_init(enter);
module_exit(leave);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Ingenic T31 ISP");
