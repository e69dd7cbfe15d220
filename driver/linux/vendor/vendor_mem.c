// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/tx-isp-mem: /dev/mem for client libraries, where the SoC's registers are not in the
 * machine's memory. A mapping shows what the registers said when it was made
 * (driver/src/vendor/pages.rs); what is written to it goes nowhere. Memory is not mapped: that is
 * what /dev/rmem is for. Where the registers are at their own addresses, /dev/mem is the kernel's.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "tx_isp_vendor.h"

static int tx_isp_mem_map_page(struct tx_isp *isp, struct vm_area_struct *vma, u32 address,
			       unsigned long at)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	int ret;

	if (!page)
		return -ENOMEM;
	mutex_lock(&isp->core_lock);
	ret = tx_isp_vendor_ready(isp);
	if (!ret)
		ret = tx_isp_vendor_page(isp->core, address, page_address(page));
	mutex_unlock(&isp->core_lock);
	if (!ret) {
		flush_dcache_page(page);
		ret = vm_insert_page(vma, at, page);
	}
	/* The mapping has its own reference. */
	put_page(page);
	return ret;
}

static int tx_isp_mem_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct tx_isp_vendor *vendor = file->private_data;
	u64 address = (u64)vma->vm_pgoff << PAGE_SHIFT;
	unsigned long bytes = vma->vm_end - vma->vm_start;
	unsigned long offset;
	int ret;

	if (address > U32_MAX || !tx_isp_vendor_may_map(address, bytes))
		return -EPERM;
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	for (offset = 0; offset < bytes; offset += PAGE_SIZE) {
		ret = tx_isp_mem_map_page(vendor->isp, vma, address + offset,
					  vma->vm_start + offset);
		if (ret)
			return ret;
	}
	return 0;
}

static int tx_isp_mem_open(struct inode *inode, struct file *file)
{
	/* misc_open() left the device here. */
	struct tx_isp_vendor *vendor = container_of(file->private_data, struct tx_isp_vendor, mem);

	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;
	file->private_data = vendor;
	v4l2_device_get(&vendor->isp->v4l2_dev);
	return 0;
}

static int tx_isp_mem_release(struct inode *inode, struct file *file)
{
	struct tx_isp_vendor *vendor = file->private_data;

	v4l2_device_put(&vendor->isp->v4l2_dev);
	return 0;
}

static const struct file_operations tx_isp_mem_fops = {
	.owner = THIS_MODULE,
	.open = tx_isp_mem_open,
	.release = tx_isp_mem_release,
	.mmap = tx_isp_mem_mmap,
	.llseek = noop_llseek,
};

static bool tx_isp_vendor_mem_is_needed(const struct tx_isp_vendor *vendor)
{
	return vendor->isp->transport.vdev;
}

int tx_isp_vendor_mem_register(struct tx_isp_vendor *vendor)
{
	if (!tx_isp_vendor_mem_is_needed(vendor))
		return 0;
	vendor->mem.minor = MISC_DYNAMIC_MINOR;
	vendor->mem.name = "tx-isp-mem";
	vendor->mem.fops = &tx_isp_mem_fops;
	vendor->mem.mode = 0600;
	return misc_register(&vendor->mem);
}

void tx_isp_vendor_mem_unregister(struct tx_isp_vendor *vendor)
{
	if (tx_isp_vendor_mem_is_needed(vendor))
		misc_deregister(&vendor->mem);
}
