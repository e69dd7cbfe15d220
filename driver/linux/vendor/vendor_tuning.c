// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/isp-m0: the vendor's controls.
 */
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "tx_isp_vendor.h"

/* The chip counts while somebody has the node open. Without memory all is 0; core_lock. */
static void tx_isp_tuning_count(struct tx_isp_vendor *vendor)
{
	struct tx_isp *isp = vendor->isp;

	u32 bytes = tx_isp_vendor_statistics_bytes();

	if (!vendor->statistics)
		vendor->statistics = dma_alloc_coherent(isp->dma_device, bytes,
							&vendor->statistics_address,
							GFP_KERNEL | __GFP_ZERO);
	if (vendor->statistics && isp->core_ready)
		tx_isp_vendor_set_statistics(isp->core, vendor->statistics_address);
}

void tx_isp_vendor_tuning_free(struct tx_isp_vendor *vendor)
{
	if (vendor->statistics)
		dma_free_coherent(vendor->isp->dma_device, tx_isp_vendor_statistics_bytes(),
				  vendor->statistics, vendor->statistics_address);
}

static int tx_isp_tuning_open(struct inode *inode, struct file *file)
{
	/* misc_open() left the device here. */
	struct tx_isp_vendor *vendor =
		container_of(file->private_data, struct tx_isp_vendor, tuning);
	struct tx_isp *isp = vendor->isp;
	int ret;

	file->private_data = vendor;
	mutex_lock(&isp->core_lock);
	ret = tx_isp_has_panicked() ? -EIO : tx_isp_vendor_tuning_open(vendor->front);
	if (!ret)
		tx_isp_tuning_count(vendor);
	mutex_unlock(&isp->core_lock);
	if (!ret)
		v4l2_device_get(&isp->v4l2_dev);
	return ret;
}

static int tx_isp_tuning_release(struct inode *inode, struct file *file)
{
	struct tx_isp_vendor *vendor = file->private_data;
	struct tx_isp *isp = vendor->isp;

	mutex_lock(&isp->core_lock);
	tx_isp_vendor_tuning_close(vendor->front);
	if (isp->core_ready)
		tx_isp_vendor_set_statistics(isp->core, 0);
	mutex_unlock(&isp->core_lock);
	v4l2_device_put(&isp->v4l2_dev);
	return 0;
}

/* Fills what a control's pointer points to. */
static long tx_isp_tuning_copy_statistics(struct tx_isp_vendor *vendor,
					  const struct tx_isp_vendor_tuning_request *request)
{
	u32 *words = kmalloc_array(TX_ISP_VENDOR_STATISTICS_WORDS, sizeof(*words), GFP_KERNEL);
	void __user *to = (void __user *)(unsigned long)request->value;
	struct tx_isp *isp = vendor->isp;
	long ret;

	if (!words)
		return -ENOMEM;
	mutex_lock(&isp->core_lock);
	ret = tx_isp_vendor_ready(isp);
	if (!ret)
		ret = tx_isp_vendor_statistics(isp->core, request->get, request->id,
					       vendor->statistics, words);
	mutex_unlock(&isp->core_lock);
	if (ret > 0)
		ret = copy_to_user(to, words, ret * sizeof(*words)) ? -EFAULT : 0;
	kfree(words);
	return ret;
}

static long tx_isp_tuning_call(void *context, u32 number, u32 *words)
{
	struct tx_isp_vendor *vendor = context;
	struct tx_isp *isp = vendor->isp;
	long ret;

	mutex_lock(&isp->core_lock);
	ret = tx_isp_vendor_ready(isp);
	if (!ret)
		ret = tx_isp_vendor_tuning(vendor->front, isp->core, number, words,
					   vendor->statistics);
	mutex_unlock(&isp->core_lock);
	if (ret || number == TX_ISP_VENDOR_SET_CONTROL || number == TX_ISP_VENDOR_GET_CONTROL)
		return ret;
	return tx_isp_tuning_copy_statistics(vendor, (void *)words);
}

static long tx_isp_tuning_ioctl(struct file *file, unsigned int number, unsigned long argument)
{
	struct tx_isp_vendor *vendor = file->private_data;

	return tx_isp_vendor_ioctl(vendor->isp, TX_ISP_VENDOR_NODE_TUNING, number, argument,
				   tx_isp_tuning_call, vendor);
}

static const struct file_operations tx_isp_tuning_fops = {
	.owner = THIS_MODULE,
	.open = tx_isp_tuning_open,
	.release = tx_isp_tuning_release,
	.unlocked_ioctl = tx_isp_tuning_ioctl,
	.llseek = noop_llseek,
};

int tx_isp_vendor_tuning_register(struct tx_isp_vendor *vendor)
{
	vendor->tuning.minor = MISC_DYNAMIC_MINOR;
	vendor->tuning.name = "isp-m0";
	vendor->tuning.fops = &tx_isp_tuning_fops;
	vendor->tuning.mode = 0600;
	return misc_register(&vendor->tuning);
}
