// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/avpu: the vendor's library does not start without the video encoder's node. There is no encoder
 * here: the registers that it looks at tell what it expects, others hold what was written, and no
 * interrupt comes.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "tx_isp_vendor.h"

#define ENCODER_READ 0xc008710b
#define ENCODER_WRITE 0xc008710a
#define ENCODER_WAIT 0xc004710c
#define ENCODER_UNBLOCK 0x20007101
/* Where the encoder says who it is, and what the library expects there. */
#define ENCODER_ID 0x8018
#define ENCODER_ID_VALUE 0x72000460

struct tx_isp_vendor_register {
	u32 offset, value;
};

static u32 *find_register(struct tx_isp_vendor_encoder *encoder, u32 offset)
{
	u32 place;

	for (place = 0; place < encoder->used; place++)
		if (encoder->written[place][0] == offset)
			return &encoder->written[place][1];
	return NULL;
}

static void write_register(struct tx_isp_vendor_encoder *encoder, u32 offset, u32 value)
{
	u32 *word = find_register(encoder, offset);

	pr_warn_once("tx-isp: vendor: there is no video encoder behind /dev/avpu: what is written there has no effect, and no interrupt will come\n");
	if (!word && encoder->used < ARRAY_SIZE(encoder->written)) {
		encoder->written[encoder->used][0] = offset;
		word = &encoder->written[encoder->used++][1];
	}
	if (word)
		*word = value;
}

static long wait_for_interrupt(struct tx_isp_vendor_encoder *encoder)
{
	u32 seen = READ_ONCE(encoder->unblocked);
	int ret = wait_event_interruptible(encoder->wait, READ_ONCE(encoder->unblocked) != seen);

	return ret ? ret : -EINTR;
}

static long encoder_call(void *context, u32 number, u32 *words)
{
	struct tx_isp_vendor_encoder *encoder = context;
	struct tx_isp_vendor_register *request = (void *)words;
	u32 *word;

	if (number == ENCODER_WAIT)
		return wait_for_interrupt(encoder);
	mutex_lock(&encoder->lock);
	switch (number) {
	case ENCODER_READ:
		word = find_register(encoder, request->offset);
		request->value = word ? *word : request->offset == ENCODER_ID ? ENCODER_ID_VALUE : 0;
		break;
	case ENCODER_WRITE:
		write_register(encoder, request->offset, request->value);
		break;
	case ENCODER_UNBLOCK:
		WRITE_ONCE(encoder->unblocked, encoder->unblocked + 1);
		wake_up_all(&encoder->wait);
		break;
	}
	mutex_unlock(&encoder->lock);
	return 0;
}

static long encoder_ioctl(struct file *file, unsigned int number, unsigned long argument)
{
	struct tx_isp_vendor *vendor = file->private_data;

	return tx_isp_vendor_ioctl(vendor->isp, TX_ISP_VENDOR_NODE_ENCODER, number, argument,
				   encoder_call, &vendor->encoder);
}

static int encoder_open(struct inode *inode, struct file *file)
{
	/* misc_open() left the device here. */
	struct tx_isp_vendor *vendor =
		container_of(file->private_data, struct tx_isp_vendor, encoder.device);

	file->private_data = vendor;
	v4l2_device_get(&vendor->isp->v4l2_dev);
	return 0;
}

static int encoder_release(struct inode *inode, struct file *file)
{
	struct tx_isp_vendor *vendor = file->private_data;

	v4l2_device_put(&vendor->isp->v4l2_dev);
	return 0;
}

static const struct file_operations encoder_fops = {
	.owner = THIS_MODULE,
	.open = encoder_open,
	.release = encoder_release,
	.unlocked_ioctl = encoder_ioctl,
	.llseek = noop_llseek,
};

int tx_isp_vendor_encoder_register(struct tx_isp_vendor *vendor)
{
	struct tx_isp_vendor_encoder *encoder = &vendor->encoder;

	init_waitqueue_head(&encoder->wait);
	mutex_init(&encoder->lock);
	encoder->device.minor = MISC_DYNAMIC_MINOR;
	encoder->device.name = "avpu";
	encoder->device.fops = &encoder_fops;
	encoder->device.mode = 0600;
	return misc_register(&encoder->device);
}
