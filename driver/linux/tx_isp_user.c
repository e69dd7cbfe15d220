// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers that a client brings (USERPTR): part of its mapping of /dev/rmem, memory that happens to
 * be physically contiguous, or, through a bounce buffer, any memory.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <media/frame_vector.h>

#include "tx_isp.h"

/* Both planes' addresses; the hardware's need is unknown, this is what a stride of it divides by. */
#define ADDRESS_ALIGNMENT 16

/* The physical address of user memory that lies in the client's mapping of /dev/rmem; 0 elsewhere. */
static int find_in_rmem(struct tx_isp_memory *memory, unsigned long user)
{
	struct tx_isp *isp = memory->isp;
	struct vm_area_struct *vma;
	u64 address;
	int ret = 0;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, user);
	if (!vma || !vma->vm_file || !tx_isp_is_rmem(vma->vm_file, isp))
		goto unlock;
	address = ((u64)vma->vm_pgoff << PAGE_SHIFT) + (user - vma->vm_start);
	if (user + memory->bytes > vma->vm_end) {
		dev_err(isp->v4l2_dev.dev, "USERPTR: %lu bytes reach past the mapping of /dev/rmem\n",
			memory->bytes);
		ret = -EINVAL;
		goto unlock;
	}
	if (!IS_ALIGNED(address, ADDRESS_ALIGNMENT)) {
		dev_err(isp->v4l2_dev.dev, "USERPTR: 0x%llx is not a multiple of %u\n", address,
			ADDRESS_ALIGNMENT);
		ret = -EINVAL;
		goto unlock;
	}
	memory->address = address;
	memory->virtual = isp->rmem_virtual + (address - isp->rmem.base);
	tx_isp_rmem_hold(memory, vma->vm_file);
	ret = 1;
unlock:
	mmap_read_unlock(current->mm);
	return ret;
}

static bool are_contiguous(struct page **pages, unsigned int count)
{
	unsigned int index;

	for (index = 1; index < count; index++)
		if (page_to_pfn(pages[index]) != page_to_pfn(pages[0]) + index)
			return false;
	return true;
}

static void unpin(struct tx_isp_memory *memory)
{
	struct page **pages = frame_vector_pages(memory->pages);
	unsigned int index, count = frame_vector_count(memory->pages);

	if (memory->user)
		vm_unmap_ram((void *)((unsigned long)memory->user & PAGE_MASK), count);
	if (!IS_ERR(pages))
		for (index = 0; index < count; index++)
			set_page_dirty_lock(pages[index]);
	vb2_destroy_framevec(memory->pages);
}

/* The client's pages are scattered: the chip gets a buffer of ours in their place. */
static int bounce_through_own(struct tx_isp_memory *memory, struct page **pages, unsigned int count,
			      unsigned long offset)
{
	struct tx_isp_video *video = memory->video;
	void *mapped;
	int ret;

	if (!tx_isp_strategy_bounces(video->strategy)) {
		dev_err(video->isp->v4l2_dev.dev,
			"USERPTR: %lu bytes are scattered; the chip needs them in one piece, as in /dev/rmem\n",
			memory->bytes);
		return -EINVAL;
	}
	mapped = vm_map_ram(pages, count, NUMA_NO_NODE);
	if (!mapped)
		return -ENOMEM;
	memory->user = mapped + offset;
	memory->user_bytes = memory->bytes;
	memory->bytes = PAGE_ALIGN(memory->bytes);
	ret = tx_isp_memory_allocate(memory, "bounce");
	if (ret)
		dev_warn(video->isp->v4l2_dev.dev, "USERPTR: no room for a bounce buffer of %lu bytes\n",
			 memory->bytes);
	else
		memory->kind = TX_ISP_BOUNCE;
	return ret;
}

static int use_pages(struct tx_isp_memory *memory, unsigned long user)
{
	unsigned long offset = offset_in_page(user);
	struct page **pages;
	unsigned int count;
	int ret;

	memory->pages = vb2_create_framevec(user, memory->bytes);
	if (IS_ERR(memory->pages))
		return PTR_ERR(memory->pages);
	pages = frame_vector_pages(memory->pages);
	count = frame_vector_count(memory->pages);
	if (IS_ERR(pages)) {
		vb2_destroy_framevec(memory->pages);
		return PTR_ERR(pages);
	}
	if (are_contiguous(pages, count) && IS_ALIGNED(offset, ADDRESS_ALIGNMENT)) {
		memory->address = page_to_phys(pages[0]) + offset;
		return 0;
	}
	ret = bounce_through_own(memory, pages, count, offset);
	if (ret)
		unpin(memory);
	return ret;
}

void *tx_isp_get_userptr(struct vb2_buffer *vb, struct device *dev, unsigned long user,
			 unsigned long bytes)
{
	struct tx_isp_video *video = vb2_get_drv_priv(vb->vb2_queue);
	struct tx_isp_memory *memory = tx_isp_memory_new(video->isp, TX_ISP_RMEM_MAPPING, bytes);
	int ret;

	if (!memory)
		return ERR_PTR(-ENOMEM);
	memory->video = video;
	ret = find_in_rmem(memory, user);
	if (!ret) {
		memory->kind = TX_ISP_USER_PAGES;
		ret = use_pages(memory, user);
	}
	if (ret < 0) {
		kfree(memory);
		return ERR_PTR(ret);
	}
	return memory;
}

void tx_isp_put_userptr(void *priv)
{
	struct tx_isp_memory *memory = priv;

	if (memory->quarantined) {
		tx_isp_memory_put(memory);
		return;
	}
	if (memory->pages)
		unpin(memory);
	if (memory->file)
		tx_isp_rmem_unhold(memory);
	tx_isp_memory_put(memory);
}

void tx_isp_bounce(struct tx_isp_memory *memory)
{
	memcpy(memory->user, memory->virtual, memory->user_bytes);
	memory->video->bounced++;
}
