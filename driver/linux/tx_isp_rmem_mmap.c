// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of /dev/rmem: who may map what, and what the caches have of it.
 */
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "tx_isp.h"
#include "tx_isp_rmem.h"
#include "tx_isp_rmem_uapi.h"

/*
 * A mapping of a block: the block stays its client's until the last part of the mapping is gone.
 * The file that is mapped cannot be closed before, so only RMEM_FREE has to ask.
 */
struct tx_isp_rmem_mapping {
	struct tx_isp *isp;
	refcount_t users;
	/* One of isp->rmem_mappings; guarded by carve_out_lock. */
	struct list_head list;
	u32 address;
	u32 bytes;
};

/* Mapping everything means owning everything: it must all be free, or be this client's already. */
static int tx_isp_rmem_take_whole(struct tx_isp_rmem_client *client)
{
	struct tx_isp *isp = client->isp;
	struct tx_isp_owner owner = { .name = "rmem", .client = client->number };
	struct tx_isp_block block;
	u32 address;

	if (tx_isp_rmem_find_block(client, isp->rmem.base, isp->rmem.bytes, &block))
		return 0;
	if (tx_isp_carve_out_allocate(isp->carve_out, isp->rmem.bytes, 0, &owner, &address)) {
		dev_err_ratelimited(isp->v4l2_dev.dev,
				    "/dev/rmem: cannot be mapped whole while blocks are in use\n");
		return -EBUSY;
	}
	return 0;
}

static void tx_isp_rmem_vma_open(struct vm_area_struct *vma)
{
	struct tx_isp_rmem_mapping *mapping = vma->vm_private_data;

	refcount_inc(&mapping->users);
}

static void tx_isp_rmem_vma_close(struct vm_area_struct *vma)
{
	struct tx_isp_rmem_mapping *mapping = vma->vm_private_data;

	if (!refcount_dec_and_mutex_lock(&mapping->users, &mapping->isp->carve_out_lock))
		return;
	list_del(&mapping->list);
	mutex_unlock(&mapping->isp->carve_out_lock);
	kfree(mapping);
}

static const struct vm_operations_struct tx_isp_rmem_vm_ops = {
	.open = tx_isp_rmem_vma_open,
	.close = tx_isp_rmem_vma_close,
};

/*
 * Whether the client may map these pages: everything, or pages of one of its blocks. No other
 * client's block begins in the last of them, and what nobody holds is zero.
 */
static int tx_isp_rmem_may_map(struct tx_isp_rmem_client *client, u64 address, u64 bytes)
{
	struct tx_isp *isp = client->isp;
	struct tx_isp_block block;

	if (address == isp->rmem.base && bytes == isp->rmem.bytes)
		return tx_isp_rmem_take_whole(client);
	if (!tx_isp_rmem_find_block(client, address, 1, &block) ||
	    address + bytes > PAGE_ALIGN((u64)block.address + block.bytes))
		return -EINVAL;
	return 0;
}

int tx_isp_rmem_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct tx_isp_rmem_client *client = file->private_data;
	struct tx_isp *isp = client->isp;
	u64 address = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 bytes = vma->vm_end - vma->vm_start;
	struct tx_isp_rmem_mapping *mapping;
	int ret;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	mapping = kzalloc(sizeof(*mapping), GFP_KERNEL);
	if (!mapping)
		return -ENOMEM;
	mapping->isp = isp;
	mapping->address = address;
	mapping->bytes = bytes;
	refcount_set(&mapping->users, 1);
	mutex_lock(&isp->carve_out_lock);
	ret = tx_isp_rmem_may_map(client, address, bytes);
	if (!ret)
		list_add(&mapping->list, &isp->rmem_mappings);
	mutex_unlock(&isp->carve_out_lock);
	if (ret)
		goto free;
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	ret = remap_pfn_range(vma, vma->vm_start, vma->vm_pgoff, bytes, vma->vm_page_prot);
	if (ret) {
		mutex_lock(&isp->carve_out_lock);
		list_del(&mapping->list);
		mutex_unlock(&isp->carve_out_lock);
		goto free;
	}
	vma->vm_private_data = mapping;
	vma->vm_ops = &tx_isp_rmem_vm_ops;
	return 0;

free:
	kfree(mapping);
	return ret;
}

bool tx_isp_rmem_is_mapped(struct tx_isp *isp, const struct tx_isp_block *block)
{
	struct tx_isp_rmem_mapping *mapping;

	list_for_each_entry(mapping, &isp->rmem_mappings, list)
		if (mapping->address >= block->address &&
		    mapping->address - block->address < block->bytes)
			return true;
	return false;
}

long tx_isp_rmem_flush_cache(struct file *file, void __user *argument)
{
	struct tx_isp_rmem_client *client = file->private_data;
	struct tx_isp *isp = client->isp;
	struct vm_area_struct *vma;
	struct rmem_cache request;
	long ret = -EINVAL;
	u64 offset;

	if (copy_from_user(&request, argument, sizeof(request)))
		return -EFAULT;
	if (request.direction > DMA_FROM_DEVICE)
		return -EINVAL;
	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, request.address);
	if (vma && vma->vm_file == file && request.bytes <= vma->vm_end - request.address) {
		offset = ((u64)vma->vm_pgoff << PAGE_SHIFT) + (request.address - vma->vm_start) -
			 isp->rmem.base;
		tx_isp_sync_range(isp->dma_device, isp->rmem_virtual + offset, request.bytes);
		ret = 0;
	}
	mmap_read_unlock(current->mm);
	return ret;
}
