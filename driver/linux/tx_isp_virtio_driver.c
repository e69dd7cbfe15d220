// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver of the virtio device that carries the mailbox, and the thread that handles its
 * interrupts.
 */
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#include "tx_isp.h"

void tx_isp_raised(struct virtio_device *vdev)
{
	struct tx_isp *isp = vdev->priv;

	atomic64_set(&isp->interrupt_time, ktime_get_ns());
	kthread_queue_work(isp->worker, &isp->interrupt_work);
}

static void tx_isp_virtio_interrupt(struct kthread_work *work)
{
	struct tx_isp *isp = container_of(work, struct tx_isp, interrupt_work);
	bool more;

	mutex_lock(&isp->core_lock);
	more = tx_isp_transport_take_events(&isp->transport);
	tx_isp_handle_interrupt(isp);
	/* The way to the chip has put what was stored in order: see tx_isp_virtio_requests.c. */
	more |= tx_isp_transport_has_events(&isp->transport);
	mutex_unlock(&isp->core_lock);
	if (more)
		kthread_queue_work(isp->worker, &isp->interrupt_work);
}

static int tx_isp_virtio_start(struct tx_isp *isp)
{
	int ret;

	isp->worker = kthread_create_worker(0, "tx-isp");
	if (IS_ERR(isp->worker))
		return PTR_ERR(isp->worker);
	sched_set_fifo(isp->worker->task);
	ret = tx_isp_transport_start(&isp->transport, isp->transport.vdev);
	if (ret)
		kthread_destroy_worker(isp->worker);
	return ret;
}

static int tx_isp_virtio_probe_core(struct tx_isp *isp)
{
	return tx_isp_core_probe(isp->core, &isp->transport);
}

/* Events come from the start on. */
static int tx_isp_virtio_enable(struct tx_isp *isp)
{
	return 0;
}

static void tx_isp_virtio_close(struct tx_isp *isp)
{
	tx_isp_transport_stop(&isp->transport);
}

static void tx_isp_virtio_release(struct tx_isp *isp)
{
	kthread_destroy_worker(isp->worker);
}

static void tx_isp_virtio_nudge(struct tx_isp *isp)
{
	tx_isp_transport_nudge(&isp->transport);
}

/* V4L2 knows no name for virtio; the bus below it is PCI. */
static const struct tx_isp_bus tx_isp_virtio_bus = {
	.name = "PCI",
	.start = tx_isp_virtio_start,
	.probe = tx_isp_virtio_probe_core,
	.enable = tx_isp_virtio_enable,
	.close = tx_isp_virtio_close,
	.release = tx_isp_virtio_release,
	.nudge = tx_isp_virtio_nudge,
};

static void tx_isp_virtio_prepare(struct tx_isp *isp, void *data)
{
	struct virtio_device *vdev = data;

	vdev->priv = isp;
	isp->transport.vdev = vdev;
	kthread_init_work(&isp->interrupt_work, tx_isp_virtio_interrupt);
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

static int tx_isp_virtio_probe(struct virtio_device *vdev)
{
	if (!tx_isp_is_carrier(vdev))
		return -ENODEV;
	return PTR_ERR_OR_ZERO(tx_isp_create(&vdev->dev, vdev->dev.parent, &tx_isp_virtio_bus,
					     tx_isp_virtio_prepare, vdev));
}

static void tx_isp_virtio_remove(struct virtio_device *vdev)
{
	tx_isp_destroy(vdev->priv);
}

/*
 * The generic vhost-user device carries the mailbox as a video encoder, a stock QEMU as a GPIO
 * device; who answers is asked before anything else.
 */
static const struct virtio_device_id tx_isp_virtio_ids[] = {
	{ VIRTIO_ID_VIDEO_ENCODER, VIRTIO_DEV_ANY_ID },
	{ VIRTIO_ID_GPIO, VIRTIO_DEV_ANY_ID },
	{},
};
MODULE_DEVICE_TABLE(virtio, tx_isp_virtio_ids);

static struct virtio_driver tx_isp_virtio_driver = {
	.driver.name = "tx-isp",
	.driver.owner = THIS_MODULE,
	.id_table = tx_isp_virtio_ids,
	.probe = tx_isp_virtio_probe,
	.remove = tx_isp_virtio_remove,
};

int tx_isp_virtio_register(void)
{
	return register_virtio_driver(&tx_isp_virtio_driver);
}

void tx_isp_virtio_unregister(void)
{
	unregister_virtio_driver(&tx_isp_virtio_driver);
}
