// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/framechanN: the vendor's frame channels.
 */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "tx_isp_vendor.h"

/*
 * LISTEN_BUF says so when no frame has come for so long. The library's thread looks whether it is
 * to end only between two such calls: behind a client that holds all buffers it would never.
 */
#define TX_ISP_LISTEN_LIMIT (2 * HZ)

void tx_isp_vendor_wake(struct tx_isp_vendor_channel *channel)
{
	WRITE_ONCE(channel->changes, channel->changes + 1);
	wake_up_all(&channel->wait);
}

void tx_isp_vendor_release_idle(struct tx_isp_vendor_channel *channel)
{
	struct tx_isp *isp = channel->isp;
	struct tx_isp_front *front = isp->vendor->front;
	struct tx_isp_memory *memory;
	u32 index;

	/* Nobody knows what the chip has until the device is reset; then it has nothing. */
	if (tx_isp_has_panicked() && !isp->given_up)
		return;
	for (index = 0; index < TX_ISP_VENDOR_BUFFERS; index++) {
		memory = channel->held[index];
		if (!memory || tx_isp_vendor_holds(front, channel->number, index))
			continue;
		if (!isp->given_up &&
		    tx_isp_core_may_write(isp->core, memory->address, memory->bytes))
			tx_isp_memory_quarantine(memory);
		tx_isp_vendor_memory_put(channel->held[index]);
		channel->held[index] = NULL;
	}
}

void tx_isp_vendor_stop(struct tx_isp *isp, u32 channel)
{
	struct tx_isp_front *front = isp->vendor->front;

	lockdep_assert_held(&isp->core_lock);
	if (!isp->core_ready || !tx_isp_vendor_stop_begin(front, isp->core, channel))
		return;
	while (isp->core_ready && tx_isp_core_stop_step(isp->core, channel)) {
		mutex_unlock(&isp->core_lock);
		fsleep(1000);
		mutex_lock(&isp->core_lock);
	}
}

/* An ioctl that does not sleep for a frame. */
static long tx_isp_frame_channel_call_once(struct tx_isp_vendor_channel *channel, u32 number,
					   u32 *words)
{
	struct tx_isp *isp = channel->isp;
	int ret = tx_isp_vendor_ready(isp);

	if (ret)
		return ret;
	return tx_isp_vendor_channel(isp->vendor->front, isp->core, channel->number, number, words);
}

/*
 * A buffer must lie in memory of /dev/rmem that the caller has mapped: the chip will write to it.
 * The vendor's driver takes any address.
 */
static long tx_isp_frame_channel_queue(struct tx_isp_vendor_channel *channel, u32 *words)
{
	const struct tx_isp_vendor_buffer *buffer = (void *)words;
	struct tx_isp *isp = channel->isp;
	struct tx_isp_memory *memory;
	u32 index = buffer->index;
	u32 address = buffer->address;
	u32 bytes = buffer->length;
	u32 written;
	long ret;

	/* The chip writes what it writes, whatever the client calls the length. */
	mutex_lock(&isp->core_lock);
	if (isp->core_ready) {
		written = tx_isp_vendor_written_bytes(isp->vendor->front, isp->core,
						      channel->number);
		bytes = max(bytes, written);
	}
	mutex_unlock(&isp->core_lock);
	memory = tx_isp_vendor_memory(isp, address, bytes);
	mutex_lock(&isp->core_lock);
	ret = tx_isp_vendor_check(isp->vendor->front, channel->number, buffer);
	if (!ret && !memory && !isp->vendor->quirks) {
		pr_warn_ratelimited("tx-isp: vendor: QBUF wants memory of /dev/rmem that the caller has mapped, not %u bytes at %#010x\n",
				    bytes, address);
		ret = -EINVAL;
	}
	if (!ret)
		ret = tx_isp_frame_channel_call_once(channel, TX_ISP_VENDOR_QUEUE, words);
	if (!ret && index < TX_ISP_VENDOR_BUFFERS)
		swap(memory, channel->held[index]);
	mutex_unlock(&isp->core_lock);
	tx_isp_vendor_memory_put(memory);
	return ret;
}

/* The vendor's driver goes back to sleep whatever the signal: its client cannot be killed. */
static long tx_isp_frame_channel_wait_stubbornly(struct tx_isp_vendor_channel *channel, u32 seen)
{
	while (wait_event_interruptible(channel->wait, READ_ONCE(channel->changes) != seen))
		cond_resched();
	return 0;
}

/* Until something has changed, or for ever where left is MAX_SCHEDULE_TIMEOUT. */
static long tx_isp_frame_channel_wait_for_change(struct tx_isp_vendor_channel *channel, u32 seen,
						 long *left)
{
	long ret = wait_event_interruptible_timeout(channel->wait,
						    READ_ONCE(channel->changes) != seen, *left);

	if (ret < 0)
		return ret;
	*left = ret;
	return ret ? 0 : -ETIMEDOUT;
}

/* DQBUF and LISTEN_BUF: again and again, until there is a frame or an error. */
static long tx_isp_frame_channel_wait(struct tx_isp_vendor_channel *channel, u32 number,
				      u32 *words)
{
	struct tx_isp *isp = channel->isp;
	long left = MAX_SCHEDULE_TIMEOUT;
	u32 seen;
	long ret;

	/* The vendor's driver waits without end. */
	if (number == TX_ISP_VENDOR_LISTEN && !isp->vendor->quirks)
		left = TX_ISP_LISTEN_LIMIT;

	for (;;) {
		mutex_lock(&isp->core_lock);
		seen = channel->changes;
		ret = tx_isp_frame_channel_call_once(channel, number, words);
		mutex_unlock(&isp->core_lock);
		if (ret != -EAGAIN)
			return ret;
		if (number == TX_ISP_VENDOR_DEQUEUE && isp->vendor->quirks)
			ret = tx_isp_frame_channel_wait_stubbornly(channel, seen);
		else
			ret = tx_isp_frame_channel_wait_for_change(channel, seen, &left);
		if (ret)
			return ret;
	}
}

static long tx_isp_frame_channel_call(void *context, u32 number, u32 *words)
{
	struct tx_isp_vendor_channel *channel = context;
	struct tx_isp *isp = channel->isp;
	long ret;

	switch (number) {
	case TX_ISP_VENDOR_LISTEN:
	case TX_ISP_VENDOR_DEQUEUE:
		return tx_isp_frame_channel_wait(channel, number, words);
	case TX_ISP_VENDOR_QUEUE:
		return tx_isp_frame_channel_queue(channel, words);
	default:
		mutex_lock(&isp->core_lock);
		if (number == TX_ISP_VENDOR_STREAM_OFF &&
		    words[0] == V4L2_BUF_TYPE_VIDEO_CAPTURE)
			tx_isp_vendor_stop(isp, channel->number);
		ret = tx_isp_frame_channel_call_once(channel, number, words);
		tx_isp_vendor_release_idle(channel);
		tx_isp_vendor_wake(channel);
		mutex_unlock(&isp->core_lock);
		return ret;
	}
}

static long tx_isp_frame_channel_ioctl(struct file *file, unsigned int number,
				       unsigned long argument)
{
	struct tx_isp_vendor_channel *channel = file->private_data;
	long ret;

	ret = tx_isp_vendor_ioctl(channel->isp, TX_ISP_VENDOR_NODE_CHANNEL, number, argument,
				  tx_isp_frame_channel_call, channel);
	/* The error's number is the vendor's answer, too. */
	if (number == TX_ISP_VENDOR_LISTEN && (ret == -ERESTARTSYS || ret == -ETIMEDOUT) &&
	    put_user((int)ret, (int __user *)argument))
		return -EFAULT;
	return ret;
}

static int tx_isp_frame_channel_open(struct inode *inode, struct file *file)
{
	/* misc_open() left the device here. */
	struct tx_isp_vendor_channel *channel =
		container_of(file->private_data, struct tx_isp_vendor_channel, device);
	struct tx_isp *isp = channel->isp;
	struct tx_isp_video *video = &isp->videos[channel->number];
	int ret = -EBUSY;

	file->private_data = channel;
	mutex_lock(&video->lock);
	/* The vendor's driver shares it. */
	if (vb2_is_busy(&video->queue) || (channel->opens && !isp->vendor->quirks))
		goto unlock;
	mutex_lock(&isp->core_lock);
	ret = tx_isp_vendor_ready(isp);
	if (!ret)
		ret = tx_isp_vendor_channel_open(isp->vendor->front, isp->core, channel->number);
	mutex_unlock(&isp->core_lock);
	if (ret)
		goto unlock;
	channel->opens++;
	v4l2_device_get(&isp->v4l2_dev);
unlock:
	mutex_unlock(&video->lock);
	return ret;
}

static int tx_isp_frame_channel_release(struct inode *inode, struct file *file)
{
	struct tx_isp_vendor_channel *channel = file->private_data;
	struct tx_isp *isp = channel->isp;
	struct tx_isp_video *video = &isp->videos[channel->number];

	mutex_lock(&video->lock);
	mutex_lock(&isp->core_lock);
	tx_isp_give_up_if_panicked(isp);
	tx_isp_vendor_stop(isp, channel->number);
	channel->opens--;
	/* Without a core the chip is gone, and has been kept from memory. */
	tx_isp_vendor_channel_close(isp->vendor->front, isp->core, channel->number,
				    !channel->opens);
	tx_isp_vendor_release_idle(channel);
	mutex_unlock(&isp->core_lock);
	mutex_unlock(&video->lock);
	v4l2_device_put(&isp->v4l2_dev);
	return 0;
}

static const struct file_operations tx_isp_frame_channel_fops = {
	.owner = THIS_MODULE,
	.open = tx_isp_frame_channel_open,
	.release = tx_isp_frame_channel_release,
	.unlocked_ioctl = tx_isp_frame_channel_ioctl,
	.llseek = noop_llseek,
};

int tx_isp_vendor_channels_register(struct tx_isp_vendor *vendor)
{
	struct tx_isp_vendor_channel *channel;
	u32 number;
	int ret;

	for (number = 0; number < TX_ISP_CHANNELS; number++) {
		channel = &vendor->channels[number];
		channel->isp = vendor->isp;
		channel->number = number;
		init_waitqueue_head(&channel->wait);
	}
	for (number = 0; number < TX_ISP_CHANNELS; number++) {
		channel = &vendor->channels[number];
		snprintf(channel->name, sizeof(channel->name), "framechan%u", number);
		channel->device.minor = MISC_DYNAMIC_MINOR;
		channel->device.name = channel->name;
		channel->device.fops = &tx_isp_frame_channel_fops;
		channel->device.mode = 0600;
		ret = misc_register(&channel->device);
		if (ret)
			goto remove;
	}
	return 0;
remove:
	while (number--)
		misc_deregister(&vendor->channels[number].device);
	return ret;
}

void tx_isp_vendor_channels_unregister(struct tx_isp_vendor *vendor)
{
	u32 number;

	for (number = 0; number < TX_ISP_CHANNELS; number++)
		misc_deregister(&vendor->channels[number].device);
}
