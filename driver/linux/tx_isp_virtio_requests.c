// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queue 0 of the mailbox: batches of register operations on their way to the backend and back.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "tx_isp.h"

/* A request that takes longer than this has failed. */
#define TX_ISP_DEADLINE msecs_to_jiffies(1000)
/* While earlier requests are not answered, so long is waited before another is refused. */
#define TX_ISP_RETRY_MS 100
/* A backend on another processor answers sooner than an interrupt would arrive. */
#define TX_ISP_SPIN_NS (100 * NSEC_PER_USEC)
/*
 * The first look at the queue of somebody who sleeps, in case an interrupt was lost; each further
 * one is twice as late, up to the last, from which on the backend is kicked again, too.
 */
#define TX_ISP_FIRST_LOOK_MS 8
#define TX_ISP_LAST_LOOK_MS 64
/* Bytes of the shortest response: its header. */
#define TX_ISP_HEADER_BYTES 8

/*
 * On a machine with one processor QEMU up to 7.2 carries out no memory barrier of the guest,
 * although the backend runs on another of the host's: what the guest stores may become visible
 * behind what it loads next. So neither "the backend does not want a kick" nor "nothing came before
 * the interrupt was enabled" can be relied upon. A write to a register of the device, which each
 * kick is, orders both. Requests are therefore always kicked, and who sleeps looks again by
 * himself.
 */

/* A request on its way. Its owner is the backend until it comes back through the queue. */
struct tx_isp_mail {
	struct completion answered;
	/* Somebody waits; guarded by the transport's lock. */
	bool awaited;
	/* Bytes of the response that the backend says it has written. */
	u32 used;
	u32 request_words;
	u32 response_words;
	u32 words[];
};

static struct tx_isp_mail *tx_isp_mail_new(const u32 *words, u32 request_words, u32 response_words)
{
	struct tx_isp_mail *mail =
		kzalloc(struct_size(mail, words, request_words + response_words), GFP_KERNEL);

	if (!mail)
		return NULL;
	init_completion(&mail->answered);
	mail->request_words = request_words;
	mail->response_words = response_words;
	memcpy(mail->words, words, request_words * sizeof(u32));
	return mail;
}

/* The backend does not own the request any more. The caller holds the lock. */
static void tx_isp_mail_back(struct tx_isp_transport *transport, struct tx_isp_mail *mail)
{
	transport->outstanding--;
	if (mail->awaited) {
		transport->awaited--;
		complete(&mail->answered);
		return;
	}
	if (mail->request_words == 0)
		transport->lost--;
	kfree(mail);
}

/* Takes finished requests from the queue. The caller holds the lock. */
static void tx_isp_reap(struct tx_isp_transport *transport)
{
	struct tx_isp_mail *mail;
	unsigned int used;

	if (!transport->requests || virtqueue_is_broken(transport->requests))
		return;
	while ((mail = virtqueue_get_buf(transport->requests, &used))) {
		mail->used = used;
		tx_isp_mail_back(transport, mail);
	}
}

/*
 * Nobody waits for most requests, and then no interrupt is wanted. While somebody does, it stays
 * enabled, whichever request it was raised for.
 */
void tx_isp_requests_done(struct virtqueue *queue)
{
	struct tx_isp *isp = queue->vdev->priv;
	struct tx_isp_transport *transport = &isp->transport;
	unsigned long flags;

	spin_lock_irqsave(&transport->lock, flags);
	do {
		virtqueue_disable_cb(queue);
		tx_isp_reap(transport);
	} while (transport->awaited && !virtqueue_enable_cb(queue));
	spin_unlock_irqrestore(&transport->lock, flags);
}

static int tx_isp_submit(struct tx_isp_transport *transport, struct tx_isp_mail *mail)
{
	struct scatterlist out, in, *sgs[] = { &out, &in };
	unsigned long flags;
	int ret;

	sg_init_one(&out, mail->words, mail->request_words * sizeof(u32));
	sg_init_one(&in, mail->words + mail->request_words, mail->response_words * sizeof(u32));

	spin_lock_irqsave(&transport->lock, flags);
	tx_isp_reap(transport);
	ret = virtqueue_add_sgs(transport->requests, sgs, 1, 1, mail, GFP_ATOMIC);
	if (!ret) {
		transport->outstanding++;
		transport->awaited += mail->awaited;
		/* Only for the queue's own account: see above. */
		virtqueue_kick_prepare(transport->requests);
	}
	spin_unlock_irqrestore(&transport->lock, flags);
	if (!ret)
		virtqueue_notify(transport->requests);
	/* The ring is full, or the queue was broken off. */
	return ret == -ENOSPC ? -EBUSY : ret;
}

/* Waits until requests that were not answered in time are, but not for long. */
static int tx_isp_wait_for_lost(struct tx_isp_transport *transport)
{
	unsigned int tries;
	unsigned long flags;
	u32 lost;

	for (tries = 0; tries < TX_ISP_RETRY_MS / 10; tries++) {
		spin_lock_irqsave(&transport->lock, flags);
		tx_isp_reap(transport);
		lost = transport->lost;
		spin_unlock_irqrestore(&transport->lock, flags);
		if (!lost)
			return 0;
		if (!tries)
			virtqueue_notify(transport->requests);
		usleep_range(10000, 12000);
	}
	return -ETIMEDOUT;
}

/* Sends a request, with some patience if the ring is full. */
static int tx_isp_send(struct tx_isp_transport *transport, struct tx_isp_mail *mail)
{
	unsigned int tries;
	int ret;

	ret = READ_ONCE(transport->lost) ? tx_isp_wait_for_lost(transport) : 0;
	if (ret)
		return ret;
	ret = tx_isp_submit(transport, mail);
	for (tries = 0; ret == -EBUSY && tries < TX_ISP_RETRY_MS / 10; tries++) {
		transport->full++;
		virtqueue_notify(transport->requests);
		usleep_range(10000, 12000);
		ret = tx_isp_submit(transport, mail);
	}
	return ret;
}

static bool tx_isp_look(struct tx_isp_transport *transport, struct tx_isp_mail *mail)
{
	unsigned long flags;

	spin_lock_irqsave(&transport->lock, flags);
	tx_isp_reap(transport);
	spin_unlock_irqrestore(&transport->lock, flags);
	return try_wait_for_completion(&mail->answered);
}

static bool tx_isp_spin(struct tx_isp_transport *transport, struct tx_isp_mail *mail)
{
	u64 end = ktime_get_ns() + TX_ISP_SPIN_NS;

	do {
		if (tx_isp_look(transport, mail))
			return true;
		cpu_relax();
	} while (ktime_get_ns() < end);
	return false;
}

static bool tx_isp_sleep_until_answered(struct tx_isp_transport *transport,
					struct tx_isp_mail *mail)
{
	unsigned long end = jiffies + TX_ISP_DEADLINE;
	unsigned int look = TX_ISP_FIRST_LOOK_MS;
	unsigned long flags;

	spin_lock_irqsave(&transport->lock, flags);
	/* An answer that came before the interrupt was enabled is taken here. */
	while (!virtqueue_enable_cb(transport->requests))
		tx_isp_reap(transport);
	spin_unlock_irqrestore(&transport->lock, flags);

	do {
		if (wait_for_completion_timeout(&mail->answered, msecs_to_jiffies(look)))
			return true;
		if (tx_isp_look(transport, mail)) {
			transport->lost_interrupts++;
			return true;
		}
		if (look < TX_ISP_LAST_LOOK_MS) {
			look *= 2;
			continue;
		}
		transport->kicked_again++;
		virtqueue_notify(transport->requests);
	} while (time_before(jiffies, end));
	return false;
}

/* Gives a request up that was not answered: the backend still owns it. True if it came back now. */
static bool tx_isp_give_up(struct tx_isp_transport *transport, struct tx_isp_mail *mail)
{
	unsigned long flags;
	bool answered;

	spin_lock_irqsave(&transport->lock, flags);
	tx_isp_reap(transport);
	answered = try_wait_for_completion(&mail->answered);
	if (!answered) {
		mail->awaited = false;
		/* Marks it as lost. */
		mail->request_words = 0;
		transport->awaited--;
		transport->lost++;
	}
	spin_unlock_irqrestore(&transport->lock, flags);
	return answered;
}

int tx_isp_transport_execute(struct tx_isp_transport *transport, const u32 *words,
			     u32 request_words, u32 *response, u32 response_words)
{
	u32 room = response_words * sizeof(u32);
	struct tx_isp_mail *mail;
	u64 begin;
	int ret;

	if (transport->stopped)
		return -ENODEV;
	mail = tx_isp_mail_new(words, request_words, response_words);
	if (!mail)
		return -ENOMEM;
	mail->awaited = true;
	begin = ktime_get_ns();
	ret = tx_isp_send(transport, mail);
	if (ret) {
		kfree(mail);
		return ret;
	}
	transport->waited++;
	if (!tx_isp_spin(transport, mail) && !tx_isp_sleep_until_answered(transport, mail) &&
	    !tx_isp_give_up(transport, mail)) {
		dev_err_ratelimited(&transport->vdev->dev,
				    "the backend did not answer within 1 s\n");
		return -ETIMEDOUT;
	}
	tx_isp_latency_count(container_of(transport, struct tx_isp, transport),
			     ktime_get_ns() - begin);
	if (mail->used < TX_ISP_HEADER_BYTES || mail->used > room) {
		dev_err_ratelimited(&transport->vdev->dev,
				    "a response of %u bytes, where %u to %u fit\n", mail->used,
				    TX_ISP_HEADER_BYTES, room);
		ret = -EPROTO;
	} else {
		ret = mail->used / sizeof(u32);
		memcpy(response, mail->words + request_words, ret * sizeof(u32));
	}
	kfree(mail);
	return ret;
}

/* The response's header: the backend answers each request, nobody reads this one. */
#define TX_ISP_POST_RESPONSE_WORDS 2

int tx_isp_transport_post(struct tx_isp_transport *transport, const u32 *words, u32 request_words)
{
	struct tx_isp_mail *mail;
	int ret;

	if (transport->stopped)
		return -ENODEV;
	mail = tx_isp_mail_new(words, request_words, TX_ISP_POST_RESPONSE_WORDS);
	if (!mail)
		return -ENOMEM;
	ret = tx_isp_send(transport, mail);
	if (ret) {
		kfree(mail);
		return ret;
	}
	transport->posted++;
	return 0;
}

void tx_isp_transport_nudge(struct tx_isp_transport *transport)
{
	unsigned long flags;
	u32 outstanding;

	if (transport->stopped || !transport->requests)
		return;
	spin_lock_irqsave(&transport->lock, flags);
	tx_isp_reap(transport);
	outstanding = transport->outstanding;
	spin_unlock_irqrestore(&transport->lock, flags);
	if (outstanding) {
		transport->kicked_again++;
		virtqueue_notify(transport->requests);
	}
}

void tx_isp_requests_detach(struct tx_isp_transport *transport)
{
	struct tx_isp_mail *mail;

	while ((mail = virtqueue_detach_unused_buf(transport->requests)))
		tx_isp_mail_back(transport, mail);
}
