// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers that a client brings (USERPTR): part of its mapping of /dev/rmem, memory that happens to
 * be physically contiguous, or, through a bounce buffer, any memory.
 */
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <media/frame_vector.h>

#include "tx_isp.h"

/* Both planes' addresses; the hardware's need is unknown, its strides are multiples of this. */
#define ADDRESS_ALIGNMENT 16

/*
 * Uses user memory that lies in the client's mapping of /dev/rmem: 1, 0 if it lies elsewhere, or an
 * error. Only what the client may write to, and still holds, is written for it.
 */
static int find_in_rmem(struct tx_isp_memory *memory, unsigned long user)
{
	struct device *dev = memory->isp->v4l2_dev.dev;
	struct vm_area_struct *vma;
	u64 address;
	int ret = 0;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, user);
	if (!vma || !vma->vm_file || !tx_isp_is_rmem(vma->vm_file, memory->isp))
		goto unlock;
	ret = -EINVAL;
	address = ((u64)vma->vm_pgoff << PAGE_SHIFT) + (user - vma->vm_start);
	if ((vma->vm_flags & (VM_SHARED | VM_WRITE)) != (VM_SHARED | VM_WRITE))
		dev_err_ratelimited(dev,
				    "USERPTR: /dev/rmem must be mapped shared and writable\n");
	else if (memory->bytes > vma->vm_end - user)
		dev_err_ratelimited(dev, "USERPTR: %lu bytes reach past the mapping of /dev/rmem\n",
				    memory->bytes);
	else if (!IS_ALIGNED(address, ADDRESS_ALIGNMENT))
		dev_err_ratelimited(dev, "USERPTR: 0x%llx is not a multiple of %u\n", address,
				    ADDRESS_ALIGNMENT);
	else if (tx_isp_rmem_use(memory, vma->vm_file, address))
		dev_err_ratelimited(dev,
				    "USERPTR: %lu bytes at 0x%llx are no block of this client\n",
				    memory->bytes, address);
	else
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

	if (memory->kind == TX_ISP_USER_PAGES && memory->is_mapped)
		dma_unmap_page(memory->isp->dma_device, memory->address, memory->bytes,
			       DMA_FROM_DEVICE);
	if (memory->user)
		vm_unmap_ram((void *)((unsigned long)memory->user & PAGE_MASK), count);
	if (!IS_ERR(pages))
		for (index = 0; index < count; index++)
			set_page_dirty_lock(pages[index]);
	vb2_destroy_framevec(memory->pages);
}

static int use_pages(struct tx_isp_memory *memory, unsigned long user)
{
	unsigned long offset = offset_in_page(user);
	struct page **pages;
	unsigned int count;
	int ret;

	memory->pages = tx_isp_pin(user, memory->bytes);
	if (IS_ERR(memory->pages))
		return PTR_ERR(memory->pages);
	pages = frame_vector_pages(memory->pages);
	count = frame_vector_count(memory->pages);
	if (IS_ERR(pages)) {
		vb2_destroy_framevec(memory->pages);
		return PTR_ERR(pages);
	}
	if (are_contiguous(pages, count) && IS_ALIGNED(offset, ADDRESS_ALIGNMENT)) {
		memory->address = dma_map_page(memory->isp->dma_device, pages[0], offset,
					       memory->bytes, DMA_FROM_DEVICE);
		memory->is_mapped = !dma_mapping_error(memory->isp->dma_device, memory->address);
		if (memory->is_mapped)
			return 0;
		unpin(memory);
		return -EIO;
	}
	ret = tx_isp_bounce_alloc(memory, pages, count, offset);
	if (ret)
		unpin(memory);
	return ret;
}

void *tx_isp_get_userptr(struct vb2_buffer *vb, struct device *dev, unsigned long user,
			 unsigned long bytes)
{
	struct tx_isp_video *video = vb2_get_drv_priv(vb->vb2_queue);
	struct tx_isp_memory *memory;
	struct tx_isp_layout layout = {};
	int ret;

	if (!user || !access_ok((void __user *)user, bytes)) {
		dev_err_ratelimited(video->isp->v4l2_dev.dev,
				    "USERPTR: %lu bytes at 0x%lx are no memory of a process\n",
				    bytes, user);
		return ERR_PTR(-EFAULT);
	}
	/* However large the client's buffer is, a picture takes no more than this of it. */
	tx_isp_video_layout(video, &layout);
	if (bytes < layout.sizeimage)
		return ERR_PTR(-EINVAL);
	memory = tx_isp_memory_new(video->isp, TX_ISP_RMEM_MAPPING, layout.sizeimage);
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
		tx_isp_rmem_put(memory);
	tx_isp_memory_put(memory);
}
