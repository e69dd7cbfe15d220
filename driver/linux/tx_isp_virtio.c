// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mailbox's carrier: queue 0 takes batches of register operations, queue 1 brings interrupts.
 * The words' meaning is tx_isp_abi::mailbox's business.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/virtio_config.h>

#include "tx_isp.h"

#define EVENT_BUFFERS 32
/* A request that takes longer than this will not be answered any more. */
#define DEADLINE msecs_to_jiffies(1000)
/* A backend on another processor answers sooner than an interrupt would arrive. */
#define SPIN_NS (100 * NSEC_PER_USEC)

/* A request on its way. Its owner is the backend until it comes back through the queue. */
struct request {
	struct completion answered;
	/* Somebody waits; guarded by the transport's lock. */
	bool awaited;
	u32 request_words;
	u32 words[];
};

static struct request *request_new(const u32 *words, u32 request_words, u32 response_words)
{
	struct request *request =
		kmalloc(struct_size(request, words, request_words + response_words), GFP_KERNEL);

	if (!request)
		return NULL;
	init_completion(&request->answered);
	request->awaited = false;
	request->request_words = request_words;
	memcpy(request->words, words, request_words * sizeof(u32));
	return request;
}

/* Takes finished requests from the queue. The caller holds the lock. */
static void reap(struct tx_isp_transport *transport)
{
	struct request *request;
	unsigned int used;

	while ((request = virtqueue_get_buf(transport->requests, &used))) {
		if (request->awaited)
			complete(&request->answered);
		else
			kfree(request);
	}
}

static void requests_done(struct virtqueue *queue)
{
	struct tx_isp *isp = queue->vdev->priv;
	unsigned long flags;

	spin_lock_irqsave(&isp->transport.lock, flags);
	virtqueue_disable_cb(queue);
	reap(&isp->transport);
	spin_unlock_irqrestore(&isp->transport.lock, flags);
}

static int submit(struct tx_isp_transport *transport, struct request *request, u32 response_words)
{
	struct scatterlist out, in, *sgs[] = { &out, &in };
	unsigned long flags;
	bool notify;
	int ret;

	sg_init_one(&out, request->words, request->request_words * sizeof(u32));
	sg_init_one(&in, request->words + request->request_words, response_words * sizeof(u32));

	spin_lock_irqsave(&transport->lock, flags);
	reap(transport);
	ret = virtqueue_add_sgs(transport->requests, sgs, 1, 1, request, GFP_ATOMIC);
	notify = !ret && virtqueue_kick_prepare(transport->requests);
	spin_unlock_irqrestore(&transport->lock, flags);
	if (notify)
		virtqueue_notify(transport->requests);
	return ret;
}

static bool spin_until_answered(struct tx_isp_transport *transport, struct request *request)
{
	u64 end = ktime_get_ns() + SPIN_NS;
	unsigned long flags;

	do {
		if (!virtqueue_is_broken(transport->requests)) {
			spin_lock_irqsave(&transport->lock, flags);
			reap(transport);
			spin_unlock_irqrestore(&transport->lock, flags);
		}
		if (try_wait_for_completion(&request->answered))
			return true;
		cpu_relax();
	} while (ktime_get_ns() < end);
	return false;
}

static bool sleep_until_answered(struct tx_isp_transport *transport, struct request *request)
{
	unsigned long flags;

	spin_lock_irqsave(&transport->lock, flags);
	/* An answer that came before the interrupt was enabled is taken here. */
	while (!virtqueue_enable_cb(transport->requests))
		reap(transport);
	spin_unlock_irqrestore(&transport->lock, flags);
	return wait_for_completion_timeout(&request->answered, DEADLINE);
}

/* Gives a request up that was not answered: the backend still owns it. True if it came back now. */
static bool abandon(struct tx_isp_transport *transport, struct request *request)
{
	unsigned long flags;
	bool answered;

	spin_lock_irqsave(&transport->lock, flags);
	reap(transport);
	answered = try_wait_for_completion(&request->answered);
	request->awaited = false;
	transport->dead |= !answered;
	spin_unlock_irqrestore(&transport->lock, flags);
	return answered;
}

/* The opposite of tx_isp_latency_from(). */
static unsigned int latency_bucket(u64 ns)
{
	u32 time = min_t(u64, ns, U32_MAX);
	int shift = fls(time) - TX_ISP_LATENCY_BITS - 1;

	if (shift < 0)
		return time;
	return (shift << TX_ISP_LATENCY_BITS) + (time >> shift);
}

u64 tx_isp_latency_from(unsigned int bucket)
{
	unsigned int row = bucket >> TX_ISP_LATENCY_BITS;
	u64 column = bucket & (BIT(TX_ISP_LATENCY_BITS) - 1);

	return row ? (column + BIT(TX_ISP_LATENCY_BITS)) << (row - 1) : column;
}

int tx_isp_transport_execute(struct tx_isp_transport *transport, const u32 *words, u32 request_words,
			     u32 *response, u32 response_words)
{
	struct request *request;
	u64 begin;
	int ret;

	if (READ_ONCE(transport->dead))
		return -ETIMEDOUT;
	request = request_new(words, request_words, response_words);
	if (!request)
		return -ENOMEM;
	request->awaited = true;
	begin = ktime_get_ns();
	ret = submit(transport, request, response_words);
	if (ret) {
		kfree(request);
		return ret;
	}
	transport->waited++;
	if (!spin_until_answered(transport, request) && !sleep_until_answered(transport, request) &&
	    !abandon(transport, request)) {
		dev_err(&transport->vdev->dev, "the backend did not answer within 1 s; giving it up\n");
		return -ETIMEDOUT;
	}
	transport->latency[latency_bucket(ktime_get_ns() - begin)]++;
	memcpy(response, request->words + request_words, response_words * sizeof(u32));
	kfree(request);
	return 0;
}

/* The response's header: the backend answers each request, nobody reads this one. */
#define POST_RESPONSE_WORDS 2

int tx_isp_transport_post(struct tx_isp_transport *transport, const u32 *words, u32 request_words)
{
	struct request *request;
	int ret;

	if (READ_ONCE(transport->dead))
		return -ETIMEDOUT;
	request = request_new(words, request_words, POST_RESPONSE_WORDS);
	if (!request)
		return -ENOMEM;
	ret = submit(transport, request, POST_RESPONSE_WORDS);
	if (ret) {
		kfree(request);
		return ret;
	}
	transport->posted++;
	return 0;
}

void tx_isp_sleep(u32 microseconds)
{
	fsleep(microseconds);
}

/* Offers an event buffer to the backend. The caller holds the lock or is alone. */
static int offer_event(struct tx_isp_transport *transport, __le32 *buffer, gfp_t gfp)
{
	struct scatterlist sg;

	sg_init_one(&sg, buffer, sizeof(*buffer));
	return virtqueue_add_inbuf(transport->events, &sg, 1, buffer, gfp);
}

static void events_done(struct virtqueue *queue)
{
	struct tx_isp *isp = queue->vdev->priv;
	struct tx_isp_transport *transport = &isp->transport;
	unsigned long flags;
	unsigned int used;
	bool raised = false;
	bool notify;
	__le32 *buffer;

	spin_lock_irqsave(&transport->lock, flags);
	do {
		virtqueue_disable_cb(queue);
		while ((buffer = virtqueue_get_buf(queue, &used))) {
			raised = true;
			transport->received++;
			offer_event(transport, buffer, GFP_ATOMIC);
		}
	} while (!virtqueue_enable_cb(queue));
	notify = raised && virtqueue_kick_prepare(queue);
	spin_unlock_irqrestore(&transport->lock, flags);
	if (notify)
		virtqueue_notify(queue);
	if (raised)
		tx_isp_raised(queue->vdev);
}

static void free_buffers(struct tx_isp_transport *transport)
{
	kfree(transport->event_buffers);
	kfree(transport->request);
	kfree(transport->response);
}

u32 *tx_isp_transport_request(struct tx_isp_transport *transport)
{
	return transport->request;
}

u32 *tx_isp_transport_response(struct tx_isp_transport *transport)
{
	return transport->response;
}

int tx_isp_transport_start(struct tx_isp_transport *transport, struct virtio_device *vdev)
{
	static const char *const names[] = { "requests", "events" };
	vq_callback_t *callbacks[] = { requests_done, events_done };
	struct virtqueue *queues[2];
	unsigned int index;
	int ret;

	transport->vdev = vdev;
	spin_lock_init(&transport->lock);
	transport->event_buffers = kcalloc(EVENT_BUFFERS, sizeof(__le32), GFP_KERNEL);
	transport->request = kcalloc(tx_isp_request_words(), sizeof(u32), GFP_KERNEL);
	transport->response = kcalloc(tx_isp_response_words(), sizeof(u32), GFP_KERNEL);
	if (!transport->event_buffers || !transport->request || !transport->response)
		ret = -ENOMEM;
	else
		ret = virtio_find_vqs(vdev, ARRAY_SIZE(queues), queues, callbacks, names, NULL);
	if (ret) {
		free_buffers(transport);
		return ret;
	}
	transport->requests = queues[0];
	transport->events = queues[1];
	virtqueue_disable_cb(transport->requests);
	for (index = 0; index < min_t(unsigned int, EVENT_BUFFERS, transport->events->num_free); index++)
		if (offer_event(transport, &transport->event_buffers[index], GFP_KERNEL))
			break;
	virtio_device_ready(vdev);
	virtqueue_kick(transport->events);
	return 0;
}

void tx_isp_transport_stop(struct tx_isp_transport *transport)
{
	struct request *request;

	virtio_reset_device(transport->vdev);
	reap(transport);
	while ((request = virtqueue_detach_unused_buf(transport->requests)))
		kfree(request);
	while (virtqueue_detach_unused_buf(transport->events))
		;
	transport->vdev->config->del_vqs(transport->vdev);
	free_buffers(transport);
}
