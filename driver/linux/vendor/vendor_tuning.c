// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/isp-m0: the vendor's controls.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "tx_isp_vendor.h"

static int tuning_open(struct inode *inode, struct file *file)
{
	/* misc_open() left the device here. */
	struct tx_isp_vendor *vendor = container_of(file->private_data, struct tx_isp_vendor, tuning);
	struct tx_isp *isp = vendor->isp;
	int ret;

	file->private_data = vendor;
	mutex_lock(&isp->core_lock);
	ret = tx_isp_vendor_tuning_open(vendor->front);
	mutex_unlock(&isp->core_lock);
	if (!ret)
		v4l2_device_get(&isp->v4l2_dev);
	return ret;
}

static int tuning_release(struct inode *inode, struct file *file)
{
	struct tx_isp_vendor *vendor = file->private_data;
	struct tx_isp *isp = vendor->isp;

	mutex_lock(&isp->core_lock);
	tx_isp_vendor_tuning_close(vendor->front);
	mutex_unlock(&isp->core_lock);
	v4l2_device_put(&isp->v4l2_dev);
	return 0;
}

static long tuning_call(void *context, u32 number, u32 *words)
{
	struct tx_isp_vendor *vendor = context;
	const struct tx_isp_vendor_tuning_request *request = (void *)words;
	struct tx_isp *isp = vendor->isp;
	u32 bytes;
	long ret;

	mutex_lock(&isp->core_lock);
	ret = isp->core_ready ? tx_isp_vendor_tuning(vendor->front, isp->core, number, words) : -ENODEV;
	mutex_unlock(&isp->core_lock);
	if (ret)
		return ret;
	/* Statistics, which nobody computes here: zeros. */
	bytes = tx_isp_vendor_tuning_bytes(request->get, request->id);
	return clear_user((void __user *)(unsigned long)request->value, bytes) ? -EFAULT : 0;
}

static long tuning_ioctl(struct file *file, unsigned int number, unsigned long argument)
{
	struct tx_isp_vendor *vendor = file->private_data;

	return tx_isp_vendor_ioctl(vendor->isp, TX_ISP_VENDOR_NODE_TUNING, number, argument, tuning_call,
				   vendor);
}

static const struct file_operations tuning_fops = {
	.owner = THIS_MODULE,
	.open = tuning_open,
	.release = tuning_release,
	.unlocked_ioctl = tuning_ioctl,
	.llseek = noop_llseek,
};

int tx_isp_vendor_tuning_register(struct tx_isp_vendor *vendor)
{
	vendor->tuning.minor = MISC_DYNAMIC_MINOR;
	vendor->tuning.name = "isp-m0";
	vendor->tuning.fops = &tuning_fops;
	vendor->tuning.mode = 0600;
	return misc_register(&vendor->tuning);
}
