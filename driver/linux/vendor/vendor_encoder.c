// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/avpu: the vendor's library does not start without the video encoder's node. There is no
 * encoder here: the registers that it looks at tell what it expects, others hold what was written,
 * and no interrupt comes.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "tx_isp_vendor.h"

#define TX_ISP_ENCODER_READ 0xc008710b
#define TX_ISP_ENCODER_WRITE 0xc008710a
#define TX_ISP_ENCODER_WAIT 0xc004710c
#define TX_ISP_ENCODER_UNBLOCK 0x20007101
/* Where the encoder says who it is, and what the library expects there (T31 4.6). */
#define TX_ISP_ENCODER_ID 0x8018
#define TX_ISP_ENCODER_ID_VALUE 0x72000460
/* Where the open library looks for it: without, it does not end its thread. */
#define TX_ISP_ENCODER_BOARD 0x8004

/**
 * struct tx_isp_encoder_register - a register and what it holds
 * @offset: bytes from where the encoder begins
 * @value: what it holds
 */
struct tx_isp_encoder_register {
	u32 offset, value;
};

/**
 * struct tx_isp_encoder_client - who has the node open
 * @vendor: the front
 * @unblocked: how often waiting had been ended when it came
 */
struct tx_isp_encoder_client {
	struct tx_isp_vendor *vendor;
	u32 unblocked;
};

static u32 *tx_isp_encoder_find(struct tx_isp_vendor_encoder *encoder, u32 offset)
{
	u32 place = (offset - TX_ISP_ENCODER_START) / 4;

	if (offset < TX_ISP_ENCODER_START || offset % 4 || place >= ARRAY_SIZE(encoder->words))
		return NULL;
	return &encoder->words[place];
}

static long tx_isp_encoder_read(struct tx_isp_vendor_encoder *encoder,
				struct tx_isp_encoder_register *request)
{
	const u32 *word = tx_isp_encoder_find(encoder, request->offset);

	if (!word)
		return -EINVAL;
	if (request->offset == TX_ISP_ENCODER_ID || request->offset == TX_ISP_ENCODER_BOARD)
		request->value = TX_ISP_ENCODER_ID_VALUE;
	else
		request->value = *word;
	return 0;
}

static long tx_isp_encoder_write(struct tx_isp_vendor_encoder *encoder,
				 const struct tx_isp_encoder_register *request)
{
	u32 *word = tx_isp_encoder_find(encoder, request->offset);

	if (!word)
		return -EINVAL;
	pr_warn_once("tx-isp: vendor: there is no video encoder behind /dev/avpu: what is written there has no effect, and no interrupt will come\n");
	*word = request->value;
	return 0;
}

/* Ends at once where waiting was ended since the client came: its thread may be late. */
static long tx_isp_encoder_wait(struct tx_isp_vendor_encoder *encoder, u32 seen)
{
	int ret = wait_event_interruptible(encoder->wait, READ_ONCE(encoder->unblocked) != seen);

	return ret ? ret : -EINTR;
}

static long tx_isp_encoder_call(void *context, u32 number, u32 *words)
{
	struct tx_isp_encoder_client *client = context;
	struct tx_isp_vendor_encoder *encoder = &client->vendor->encoder;
	long ret = 0;

	if (number == TX_ISP_ENCODER_WAIT)
		return tx_isp_encoder_wait(encoder, client->unblocked);
	mutex_lock(&encoder->lock);
	switch (number) {
	case TX_ISP_ENCODER_READ:
		ret = tx_isp_encoder_read(encoder, (void *)words);
		break;
	case TX_ISP_ENCODER_WRITE:
		ret = tx_isp_encoder_write(encoder, (void *)words);
		break;
	case TX_ISP_ENCODER_UNBLOCK:
		WRITE_ONCE(encoder->unblocked, encoder->unblocked + 1);
		wake_up_all(&encoder->wait);
		break;
	}
	mutex_unlock(&encoder->lock);
	return ret;
}

static long tx_isp_encoder_ioctl(struct file *file, unsigned int number, unsigned long argument)
{
	struct tx_isp_encoder_client *client = file->private_data;

	return tx_isp_vendor_ioctl(client->vendor->isp, TX_ISP_VENDOR_NODE_ENCODER, number,
				   argument, tx_isp_encoder_call, client);
}

static int tx_isp_encoder_open(struct inode *inode, struct file *file)
{
	/* misc_open() left the device here. */
	struct tx_isp_vendor *vendor =
		container_of(file->private_data, struct tx_isp_vendor, encoder.device);
	struct tx_isp_encoder_client *client = kzalloc(sizeof(*client), GFP_KERNEL);

	if (!client)
		return -ENOMEM;
	client->vendor = vendor;
	client->unblocked = READ_ONCE(vendor->encoder.unblocked);
	file->private_data = client;
	v4l2_device_get(&vendor->isp->v4l2_dev);
	return 0;
}

static int tx_isp_encoder_release(struct inode *inode, struct file *file)
{
	struct tx_isp_encoder_client *client = file->private_data;
	struct tx_isp *isp = client->vendor->isp;

	kfree(client);
	v4l2_device_put(&isp->v4l2_dev);
	return 0;
}

static const struct file_operations tx_isp_encoder_fops = {
	.owner = THIS_MODULE,
	.open = tx_isp_encoder_open,
	.release = tx_isp_encoder_release,
	.unlocked_ioctl = tx_isp_encoder_ioctl,
	.llseek = noop_llseek,
};

int tx_isp_vendor_encoder_register(struct tx_isp_vendor *vendor)
{
	struct tx_isp_vendor_encoder *encoder = &vendor->encoder;

	init_waitqueue_head(&encoder->wait);
	mutex_init(&encoder->lock);
	encoder->device.minor = MISC_DYNAMIC_MINOR;
	encoder->device.name = "avpu";
	encoder->device.fops = &tx_isp_encoder_fops;
	encoder->device.mode = 0600;
	return misc_register(&encoder->device);
}
