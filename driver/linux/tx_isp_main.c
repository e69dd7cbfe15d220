// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: binds to the virtio device that carries the mailbox, and ties its parts together.
 */
#include <linux/bug.h>
#include <linux/init.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/virtio_ids.h>

#include "tx_isp.h"

/* How often the backend is asked for a sign of life while a node streams and nothing happens. */
#define WATCH_INTERVAL msecs_to_jiffies(1000)

static char *rmem = "";
module_param(rmem, charp, 0444);
MODULE_PARM_DESC(rmem, "carve-out as SIZE@BASE, or none, in place of the kernel command line's rmem=");

static char *strategy = "hybrid";
module_param(strategy, charp, 0444);
MODULE_PARM_DESC(strategy, "who allocates frame buffers: driver, client or hybrid (default)");

static unsigned int margin = 2;
module_param(margin, uint, 0444);
MODULE_PARM_DESC(margin, "hybrid: this many times what is granted must be free in one piece (2)");

static unsigned int reserve;
module_param(reserve, uint, 0444);
MODULE_PARM_DESC(reserve, "hybrid: bytes of the largest free run that are never granted (0)");

void tx_isp_print(u32 level, const u8 *text, u32 length)
{
	static const char *const prefixes[] = { KERN_ERR, KERN_WARNING, KERN_INFO };

	printk("%stx-isp: %.*s\n", prefixes[min_t(u32, level, ARRAY_SIZE(prefixes) - 1)], (int)length,
	       text);
}

void tx_isp_complain(const u8 *text, u32 length)
{
	pr_warn_ratelimited("tx-isp: %.*s\n", (int)length, text);
}

void __noreturn tx_isp_panic(const u8 *text, u32 length)
{
	pr_emerg("tx-isp: %.*s\n", (int)length, text);
	BUG();
}

static bool streams(struct tx_isp *isp)
{
	u32 channel;

	for (channel = 0; channel < TX_ISP_CHANNELS; channel++)
		if (vb2_is_streaming(&isp->videos[channel].queue))
			return true;
	return tx_isp_vendor_streams(isp);
}

/* The backend does not answer: every waiting client gets an error. The caller holds core_lock. */
static void give_up(struct tx_isp *isp)
{
	u32 channel;

	tx_isp_core_abandon(isp->core);
	for (channel = 0; channel < TX_ISP_CHANNELS; channel++)
		vb2_queue_error(&isp->videos[channel].queue);
	tx_isp_vendor_give_up(isp);
}

void tx_isp_raised(struct virtio_device *vdev)
{
	struct tx_isp *isp = vdev->priv;

	atomic64_set(&isp->interrupt_time, ktime_get_ns());
	kthread_queue_work(isp->worker, &isp->interrupt_work);
}

/* Hands finished buffers to their queues; a negative count is an error. */
static void deliver(struct tx_isp *isp, const struct tx_isp_completed *done, int count, u64 time)
{
	int index;

	for (index = 0; index < count; index++)
		if (!tx_isp_vendor_complete(isp, &done[index]))
			tx_isp_video_complete(&isp->videos[done[index].channel], &done[index], time);
	if (count < 0)
		give_up(isp);
}

static void handle_interrupt(struct kthread_work *work)
{
	struct tx_isp *isp = container_of(work, struct tx_isp, interrupt_work);
	struct tx_isp_completed done[TX_ISP_MAX_COMPLETED];
	int count;

	mutex_lock(&isp->core_lock);
	count = isp->core_ready ? tx_isp_core_interrupt(isp->core, done) : 0;
	/* The newest: a frame may have ended, and raised its own, since this one was raised. */
	deliver(isp, done, count, atomic64_read(&isp->interrupt_time));
	mutex_unlock(&isp->core_lock);
}

/* Frames whose interrupt was lost, and an ISP that has stalled. */
static void check_stream(struct tx_isp *isp)
{
	struct tx_isp_completed done[TX_ISP_MAX_COMPLETED];
	u64 time = ktime_get_ns();
	int count;

	mutex_lock(&isp->core_lock);
	count = isp->core_ready ? tx_isp_core_check(isp->core, time, done) : 0;
	deliver(isp, done, count, time);
	mutex_unlock(&isp->core_lock);
}

static void watch(struct work_struct *work)
{
	struct tx_isp *isp = container_of(to_delayed_work(work), struct tx_isp, watchdog);
	u64 received = READ_ONCE(isp->transport.received);

	if (streams(isp) && received == isp->interrupts_at_last_watch) {
		mutex_lock(&isp->core_lock);
		if (tx_isp_core_ping(isp->core))
			give_up(isp);
		mutex_unlock(&isp->core_lock);
	}
	if (streams(isp))
		check_stream(isp);
	isp->interrupts_at_last_watch = received;
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
	isp->core_ready = !ret;
	mutex_unlock(&isp->core_lock);
	if (!ret)
		ret = tx_isp_sensor_create_controls(isp);
	if (ret) {
		channel = 0;
		goto unregister_videos;
	}
	for (channel = 0; channel < TX_ISP_CHANNELS; channel++) {
		ret = tx_isp_video_register(isp, channel, strategy);
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
	WRITE_ONCE(isp->transport.dead, true);
	kthread_flush_worker(isp->worker);
	mutex_lock(&isp->core_lock);
	isp->core_ready = false;
	mutex_unlock(&isp->core_lock);
	tx_isp_transport_stop(&isp->transport);
	return ret;
}

static int probe(struct virtio_device *vdev)
{
	struct tx_isp *isp;
	int ret, chosen;

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
	give_up(isp);
	isp->core_ready = false;
	WRITE_ONCE(isp->transport.dead, true);
	mutex_unlock(&isp->core_lock);
	tx_isp_transport_stop(&isp->transport);
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
