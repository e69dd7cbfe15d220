// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frame buffers: physically contiguous memory from the carve-out, or coherent system memory where
 * there is none. The stock videobuf2 allocators cannot serve a carve-out without struct pages.
 */
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <media/videobuf2-memops.h>

#include "tx_isp.h"

#define COMMAND_LINE_SIZE_MAX 4096

struct memory {
	struct tx_isp *isp;
	dma_addr_t address;
	void *virtual;
	unsigned long bytes;
	/* For coherent memory only: the device it was allocated for. */
	struct device *dma_device;
	refcount_t users;
	struct vb2_vmarea_handler handler;
};

static bool in_pool(const struct memory *memory)
{
	return !memory->dma_device;
}

static void memory_put(void *priv)
{
	struct memory *memory = priv;

	if (!refcount_dec_and_test(&memory->users))
		return;
	if (in_pool(memory)) {
		mutex_lock(&memory->isp->pool_lock);
		tx_isp_pool_free(memory->isp->pool, memory->address);
		mutex_unlock(&memory->isp->pool_lock);
	} else {
		dma_free_coherent(memory->dma_device, memory->bytes, memory->virtual, memory->address);
	}
	kfree(memory);
}

static int allocate_from_pool(struct memory *memory, const char *owner)
{
	struct tx_isp *isp = memory->isp;
	u8 name[TX_ISP_OWNER_LENGTH] = {};
	u32 address;
	int ret;

	strscpy(name, owner, sizeof(name));
	mutex_lock(&isp->pool_lock);
	ret = tx_isp_pool_allocate(isp->pool, memory->bytes, PAGE_SIZE, name, &address);
	mutex_unlock(&isp->pool_lock);
	if (ret)
		return ret;
	memory->address = address;
	memory->virtual = isp->rmem_virtual + (address - isp->rmem.base);
	/* Frames of an earlier client must not show. */
	memset(memory->virtual, 0, memory->bytes);
	return 0;
}

static int allocate_coherent(struct memory *memory)
{
	/* The virtio device's parent is the bus device that can do DMA. */
	struct device *device = memory->isp->v4l2_dev.dev->parent;

	memory->virtual = dma_alloc_coherent(device, memory->bytes, &memory->address,
					     GFP_KERNEL | __GFP_NOWARN);
	if (!memory->virtual) {
		dev_warn(memory->isp->v4l2_dev.dev, "no %lu contiguous bytes of system memory\n",
			 memory->bytes);
		return -ENOMEM;
	}
	memory->dma_device = device;
	return 0;
}

static void *memory_alloc(struct vb2_buffer *vb, struct device *dev, unsigned long size)
{
	struct tx_isp_video *video = vb2_get_drv_priv(vb->vb2_queue);
	struct memory *memory = kzalloc(sizeof(*memory), GFP_KERNEL);
	int ret;

	if (!memory)
		return ERR_PTR(-ENOMEM);
	memory->isp = video->isp;
	memory->bytes = PAGE_ALIGN(size);
	refcount_set(&memory->users, 1);
	memory->handler.refcount = &memory->users;
	memory->handler.put = memory_put;
	memory->handler.arg = memory;
	ret = video->isp->pool ? allocate_from_pool(memory, video_device_node_name(&video->vdev)) :
				 allocate_coherent(memory);
	if (ret) {
		kfree(memory);
		return ERR_PTR(ret);
	}
	return memory;
}

static int memory_mmap(void *priv, struct vm_area_struct *vma)
{
	struct memory *memory = priv;
	unsigned long bytes = vma->vm_end - vma->vm_start;
	int ret;

	if (bytes > memory->bytes)
		return -EINVAL;
	vma->vm_flags |= VM_DONTEXPAND | VM_DONTDUMP;
	if (in_pool(memory)) {
		ret = remap_pfn_range(vma, vma->vm_start, PHYS_PFN(memory->address), bytes,
				      vma->vm_page_prot);
	} else {
		vma->vm_pgoff = 0;
		ret = dma_mmap_coherent(memory->dma_device, vma, memory->virtual, memory->address,
					memory->bytes);
	}
	if (ret)
		return ret;
	vma->vm_private_data = &memory->handler;
	vma->vm_ops = &vb2_common_vm_ops;
	vma->vm_ops->open(vma);
	return 0;
}

static void *memory_vaddr(struct vb2_buffer *vb, void *priv)
{
	struct memory *memory = priv;

	return memory->virtual;
}

static unsigned int memory_num_users(void *priv)
{
	struct memory *memory = priv;

	return refcount_read(&memory->users);
}

const struct vb2_mem_ops tx_isp_mem_ops = {
	.alloc = memory_alloc,
	.put = memory_put,
	.mmap = memory_mmap,
	.vaddr = memory_vaddr,
	.num_users = memory_num_users,
};

dma_addr_t tx_isp_memory_address(struct vb2_buffer *vb)
{
	struct memory *memory = vb->planes[0].mem_priv;

	return memory->address;
}

/* The kernel keeps its command line from modules, but not from files. */
static int read_command_line(char *text, size_t room)
{
	struct file *file = filp_open("/proc/cmdline", O_RDONLY, 0);
	loff_t position = 0;
	ssize_t length;

	if (IS_ERR(file))
		return PTR_ERR(file);
	length = kernel_read(file, text, room, &position);
	filp_close(file, NULL);
	return length;
}

static int find_rmem(struct tx_isp *isp, const char *range)
{
	char *text;
	int length, ret;

	text = kzalloc(COMMAND_LINE_SIZE_MAX, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	if (*range)
		length = scnprintf(text, COMMAND_LINE_SIZE_MAX, "rmem=%s", range);
	else
		length = read_command_line(text, COMMAND_LINE_SIZE_MAX);
	ret = length < 0 ? length : tx_isp_rmem_parse(text, length, &isp->rmem);
	kfree(text);
	return ret;
}

int tx_isp_memory_claim(struct tx_isp *isp, const char *range)
{
	struct device *dev = isp->v4l2_dev.dev;
	int ret = find_rmem(isp, range);

	if (ret < 0)
		return ret;
	if (!ret) {
		dev_info(dev, "no rmem= given: frame buffers come from system memory\n");
		return 0;
	}
	if (!request_mem_region(isp->rmem.base, isp->rmem.bytes, "rmem")) {
		dev_err(dev, "rmem=%u@0x%x belongs to somebody else; does mem= leave it out?\n",
			isp->rmem.bytes, isp->rmem.base);
		return -EBUSY;
	}
	isp->rmem_virtual = memremap(isp->rmem.base, isp->rmem.bytes, MEMREMAP_WB);
	isp->pool = kzalloc(tx_isp_pool_size(), GFP_KERNEL);
	if (!isp->rmem_virtual || !isp->pool) {
		tx_isp_memory_release(isp);
		return -ENOMEM;
	}
	tx_isp_pool_create(isp->pool, &isp->rmem);
	dev_info(dev, "rmem: %u bytes at 0x%08x\n", isp->rmem.bytes, isp->rmem.base);
	return 0;
}

void tx_isp_memory_release(struct tx_isp *isp)
{
	if (isp->rmem_virtual)
		memunmap(isp->rmem_virtual);
	if (isp->rmem_virtual || isp->pool)
		release_mem_region(isp->rmem.base, isp->rmem.bytes);
	kfree(isp->pool);
	isp->rmem_virtual = NULL;
	isp->pool = NULL;
}
