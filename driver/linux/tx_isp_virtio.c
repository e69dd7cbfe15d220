// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mailbox's carrier: queue 0 takes batches of register operations (tx_isp_virtio_requests.c),
 * queue 1 brings interrupts. The words' meaning is tx_isp_abi::mailbox's business.
 */
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/virtio_config.h>

#include "tx_isp.h"

#define TX_ISP_EVENT_BUFFERS 32

/* Offers an event buffer to the backend. The caller holds the lock or is alone. */
static int tx_isp_offer_event(struct tx_isp_transport *transport, __le32 *buffer, gfp_t gfp)
{
	struct scatterlist sg;

	sg_init_one(&sg, buffer, sizeof(*buffer));
	return virtqueue_add_inbuf(transport->events, &sg, 1, buffer, gfp);
}

/* The interrupt's thread takes the buffers and offers them again, in batches of bounded length. */
static void tx_isp_events_done(struct virtqueue *queue)
{
	virtqueue_disable_cb(queue);
	tx_isp_raised(queue->vdev);
}

bool tx_isp_transport_take_events(struct tx_isp_transport *transport)
{
	unsigned int used, count = 0;
	unsigned long flags;
	bool notify, more;
	__le32 *buffer;

	if (transport->stopped || !transport->events)
		return false;
	spin_lock_irqsave(&transport->lock, flags);
	while (count < TX_ISP_EVENT_BUFFERS) {
		buffer = virtqueue_get_buf(transport->events, &used);
		if (!buffer)
			break;
		count++;
		transport->received++;
		/* Registers tell which lines rose: an event of another length is one, too. */
		if (used != sizeof(*buffer)) {
			transport->odd_events++;
			dev_warn_ratelimited(&transport->vdev->dev,
					     "an event of %u bytes, where there are %zu\n", used,
					     sizeof(*buffer));
		}
		tx_isp_offer_event(transport, buffer, GFP_ATOMIC);
	}
	more = !virtqueue_enable_cb(transport->events);
	/* A backend that is short of buffers may wait for them. */
	notify = virtqueue_kick_prepare(transport->events) || count > TX_ISP_EVENT_BUFFERS / 2;
	spin_unlock_irqrestore(&transport->lock, flags);
	if (notify && count)
		virtqueue_notify(transport->events);
	return more;
}

bool tx_isp_transport_has_events(struct tx_isp_transport *transport)
{
	unsigned long flags;
	bool any;

	if (transport->stopped || !transport->events)
		return false;
	spin_lock_irqsave(&transport->lock, flags);
	any = !virtqueue_enable_cb(transport->events);
	spin_unlock_irqrestore(&transport->lock, flags);
	return any;
}

static void tx_isp_free_buffers(struct tx_isp_transport *transport)
{
	kfree(transport->event_buffers);
	kfree(transport->request);
	kfree(transport->response);
	transport->event_buffers = NULL;
	transport->request = NULL;
	transport->response = NULL;
}

u32 *tx_isp_transport_request(struct tx_isp_transport *transport)
{
	return transport->request;
}

u32 *tx_isp_transport_response(struct tx_isp_transport *transport)
{
	return transport->response;
}

/* Sets the queues up and tells the backend that the driver is there. */
static int tx_isp_open_queues(struct tx_isp_transport *transport)
{
	static const char *const names[] = { "requests", "events" };
	vq_callback_t *callbacks[] = { tx_isp_requests_done, tx_isp_events_done };
	struct virtqueue *queues[2];
	unsigned int index;
	int ret;

	ret = tx_isp_find_queues(transport->vdev, queues, callbacks, names);
	if (ret)
		return ret;
	transport->requests = queues[0];
	transport->events = queues[1];
	virtqueue_disable_cb(transport->requests);
	for (index = 0; index < TX_ISP_EVENT_BUFFERS; index++)
		if (tx_isp_offer_event(transport, &transport->event_buffers[index], GFP_KERNEL))
			break;
	virtio_device_ready(transport->vdev);
	virtqueue_notify(transport->events);
	return 0;
}

/* Resets the device: it reads and writes no memory any more. What it still owned is ours again. */
static void tx_isp_close_queues(struct tx_isp_transport *transport)
{
	unsigned long flags;

	virtio_reset_device(transport->vdev);
	if (!transport->requests)
		return;
	spin_lock_irqsave(&transport->lock, flags);
	tx_isp_requests_detach(transport);
	while (virtqueue_detach_unused_buf(transport->events))
		;
	transport->requests = NULL;
	transport->events = NULL;
	spin_unlock_irqrestore(&transport->lock, flags);
	transport->vdev->config->del_vqs(transport->vdev);
}

/* What the virtio core does before probe(), once more behind a reset. */
static int tx_isp_negotiate_again(struct virtio_device *vdev)
{
	int ret;

	virtio_add_status(vdev, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	virtio_add_status(vdev, VIRTIO_CONFIG_S_DRIVER);
	ret = vdev->config->finalize_features(vdev);
	if (ret)
		return ret;
	virtio_add_status(vdev, VIRTIO_CONFIG_S_FEATURES_OK);
	return vdev->config->get_status(vdev) & VIRTIO_CONFIG_S_FEATURES_OK ? 0 : -ENODEV;
}

int tx_isp_transport_reset(struct tx_isp_transport *transport)
{
	struct virtio_device *vdev = transport->vdev;
	int ret;

	if (transport->stopped)
		return -ENODEV;
	tx_isp_close_queues(transport);
	ret = tx_isp_negotiate_again(vdev);
	if (!ret)
		ret = tx_isp_open_queues(transport);
	if (ret) {
		dev_err(&vdev->dev, "cannot be set up again behind a reset: %d\n", ret);
		virtio_add_status(vdev, VIRTIO_CONFIG_S_FAILED);
		transport->stopped = true;
	} else {
		dev_warn_ratelimited(&vdev->dev, "the device was reset\n");
	}
	/* Whether or not it goes on, the device does no DMA any more. */
	return 0;
}

int tx_isp_transport_start(struct tx_isp_transport *transport, struct virtio_device *vdev)
{
	int ret;

	transport->vdev = vdev;
	spin_lock_init(&transport->lock);
	transport->event_buffers = kcalloc(TX_ISP_EVENT_BUFFERS, sizeof(__le32), GFP_KERNEL);
	transport->request = kcalloc(tx_isp_request_words(), sizeof(u32), GFP_KERNEL);
	transport->response = kcalloc(tx_isp_response_words(), sizeof(u32), GFP_KERNEL);
	if (!transport->event_buffers || !transport->request || !transport->response)
		ret = -ENOMEM;
	else
		ret = tx_isp_open_queues(transport);
	if (ret)
		tx_isp_free_buffers(transport);
	return ret;
}

void tx_isp_transport_stop(struct tx_isp_transport *transport)
{
	transport->stopped = true;
	tx_isp_close_queues(transport);
	tx_isp_free_buffers(transport);
}
