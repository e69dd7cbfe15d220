// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frame buffers: physically contiguous memory from the carve-out, or coherent system memory where
 * there is none. The stock videobuf2 allocators cannot serve a carve-out without struct pages.
 */
#include <linux/cacheflush.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "tx_isp.h"

struct tx_isp_memory *tx_isp_memory_new(struct tx_isp *isp, enum tx_isp_memory_kind kind,
					unsigned long bytes)
{
	struct tx_isp_memory *memory = kzalloc(sizeof(*memory), GFP_KERNEL);

	if (!memory)
		return NULL;
	memory->isp = isp;
	memory->kind = kind;
	memory->bytes = bytes;
	refcount_set(&memory->users, 1);
	memory->handler.refcount = &memory->users;
	memory->handler.put = tx_isp_memory_put;
	memory->handler.arg = memory;
	return memory;
}

static struct device *dma_device(struct tx_isp *isp)
{
	return isp->dma_device;
}

/*
 * The DMA API syncs memory that has struct pages; the carve-out has none. What is exported instead
 * writes back and forgets the primary caches; a second level that does not see DMA needs more.
 */
void tx_isp_sync_range(struct device *dev, void *virtual, unsigned long bytes)
{
#if defined(CONFIG_MIPS) && defined(CONFIG_DMA_NONCOHERENT)
	if (bytes && !dev_is_dma_coherent(dev))
		__flush_kernel_vmap_range((unsigned long)virtual, bytes);
#endif
}

void tx_isp_pool_wipe(struct tx_isp *isp, u32 address, u32 bytes)
{
	void *virtual = isp->rmem_virtual + (address - isp->rmem.base);

	memset(virtual, 0, bytes);
	tx_isp_sync_range(dma_device(isp), virtual, bytes);
}

/* The block that holds the byte at address, free or not. The caller holds carve_out_lock. */
static bool tx_isp_pool_find(struct tx_isp *isp, u32 address, struct tx_isp_block *block)
{
	u32 index;

	for (index = 0; tx_isp_carve_out_block(isp->carve_out, index, block); index++)
		if (address >= block->address && address - block->address < block->bytes)
			return true;
	return false;
}

/* Who mapped the block may have written to the rest of its last page, too, if nobody held that. */
int tx_isp_pool_free_locked(struct tx_isp *isp, u32 address)
{
	struct tx_isp_block block, run;
	u64 from, to;
	int ret;

	if (!tx_isp_pool_find(isp, address, &block))
		return -EINVAL;
	ret = tx_isp_carve_out_free(isp->carve_out, address);
	if (ret || !tx_isp_pool_find(isp, address, &run))
		return ret;
	from = max_t(u64, run.address, address & PAGE_MASK);
	to = min_t(u64, (u64)run.address + run.bytes, PAGE_ALIGN((u64)address + block.bytes));
	tx_isp_pool_wipe(isp, from, to - from);
	return 0;
}

void tx_isp_pool_free(struct tx_isp *isp, u32 address)
{
	mutex_lock(&isp->carve_out_lock);
	tx_isp_pool_free_locked(isp, address);
	mutex_unlock(&isp->carve_out_lock);
	schedule_work(&isp->pressure_work);
}

/* Gives the memory itself back, whatever it is part of. */
static void free_memory(struct tx_isp_memory *memory)
{
	if (memory->coherent)
		dma_free_coherent(dma_device(memory->isp), memory->bytes, memory->virtual,
				  memory->address);
	else
		tx_isp_pool_free(memory->isp, memory->address);
}

void tx_isp_memory_put(void *priv)
{
	struct tx_isp_memory *memory = priv;

	if (!refcount_dec_and_test(&memory->users))
		return;
	if (memory->kind == TX_ISP_OWN || memory->kind == TX_ISP_BOUNCE)
		free_memory(memory);
	kfree(memory);
}

void tx_isp_memory_quarantine(struct tx_isp_memory *memory)
{
	if (memory->quarantined)
		return;
	memory->quarantined = true;
	refcount_inc(&memory->users);
	v4l2_device_get(&memory->isp->v4l2_dev);
	__module_get(THIS_MODULE);
	dev_err(memory->isp->v4l2_dev.dev,
		"%lu bytes at %pad are lost: no reset keeps the hardware from writing them\n",
		memory->bytes, &memory->address);
}

/* Makes memory of the block at address, which its user gives back. */
static void use_block(struct tx_isp_memory *memory, u32 address)
{
	struct tx_isp *isp = memory->isp;

	memory->address = address;
	/* It is zero: frames of an earlier client do not show. */
	memory->virtual = isp->rmem_virtual + (address - isp->rmem.base);
}

static int allocate_coherent(struct tx_isp_memory *memory)
{
	memory->virtual = dma_alloc_coherent(dma_device(memory->isp), memory->bytes,
					     &memory->address, GFP_KERNEL | __GFP_NOWARN);
	if (!memory->virtual) {
		dev_warn_ratelimited(dma_device(memory->isp),
				     "no %lu contiguous bytes of system memory\n", memory->bytes);
		return -ENOMEM;
	}
	memory->coherent = true;
	return 0;
}

int tx_isp_memory_allocate(struct tx_isp_memory *memory, const char *name)
{
	struct tx_isp *isp = memory->isp;
	struct tx_isp_request request;
	u32 addresses[VB2_MAX_FRAME];
	int ret;

	tx_isp_video_request(memory->video, &request, 1, memory->bytes, name);
	if (!isp->carve_out)
		return allocate_coherent(memory);
	mutex_lock(&isp->carve_out_lock);
	ret = tx_isp_carve_out_grant(isp->carve_out, &request, addresses);
	mutex_unlock(&isp->carve_out_lock);
	schedule_work(&isp->pressure_work);
	if (ret < 0)
		return ret;
	use_block(memory, addresses[0]);
	return 0;
}

/* Free blocks are counted, not taken: who only asks must not drive others' memory out. */
u32 tx_isp_available_coherent(unsigned long bytes)
{
	struct pglist_data *node = NODE_DATA(numa_node_id());
	unsigned int order, wanted = get_order(bytes);
	unsigned long count = 0;
	struct zone *zone;

	for (zone = node->node_zones; zone < node->node_zones + MAX_NR_ZONES; zone++) {
		if (!populated_zone(zone) || is_highmem(zone))
			continue;
		for (order = wanted; order < NR_PAGE_ORDERS; order++)
			count += READ_ONCE(zone->free_area[order].nr_free) << (order - wanted);
	}
	/* The kernel keeps some free for itself. */
	return min_t(unsigned long, count, si_mem_available() >> wanted);
}

static void *memory_alloc(struct vb2_buffer *vb, struct device *dev, unsigned long size)
{
	struct tx_isp_video *video = vb2_get_drv_priv(vb->vb2_queue);
	struct tx_isp_memory *memory = tx_isp_memory_new(video->isp, TX_ISP_OWN, PAGE_ALIGN(size));
	int ret = 0;

	if (!memory)
		return ERR_PTR(-ENOMEM);
	if (!video->isp->carve_out) {
		ret = allocate_coherent(memory);
	} else {
		if (video->granted_next == video->granted_count)
			ret = tx_isp_video_take(video);
		if (!ret)
			use_block(memory, video->granted[video->granted_next++]);
	}
	if (ret) {
		kfree(memory);
		return ERR_PTR(ret);
	}
	video->fetched++;
	return memory;
}

int tx_isp_memory_mmap(void *priv, struct vm_area_struct *vma)
{
	struct tx_isp_memory *memory = priv;
	unsigned long bytes = vma->vm_end - vma->vm_start;
	int ret;

	if (bytes > memory->bytes)
		return -EINVAL;
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	if (memory->coherent) {
		vma->vm_pgoff = 0;
		ret = dma_mmap_coherent(dma_device(memory->isp), vma, memory->virtual,
					memory->address, memory->bytes);
	} else {
		ret = remap_pfn_range(vma, vma->vm_start, PHYS_PFN(memory->address), bytes,
				      vma->vm_page_prot);
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
	struct tx_isp_memory *memory = priv;

	return memory->virtual;
}

static unsigned int memory_num_users(void *priv)
{
	struct tx_isp_memory *memory = priv;

	return refcount_read(&memory->users);
}

/*
 * Before and after DMA. Coherent memory needs neither, and a dma-buf's exporter does it itself.
 */
void tx_isp_memory_sync(struct tx_isp_memory *memory, bool for_device)
{
	struct tx_isp *isp = memory->isp;

	atomic_inc(for_device ? &isp->syncs_for_device : &isp->syncs_for_cpu);
	if (memory->coherent || memory->quarantined)
		return;
	switch (memory->kind) {
	case TX_ISP_OWN:
	case TX_ISP_RMEM_MAPPING:
	case TX_ISP_BOUNCE:
		tx_isp_sync_range(dma_device(memory->isp), memory->virtual, memory->bytes);
		break;
	case TX_ISP_USER_PAGES:
		if (for_device)
			dma_sync_single_for_device(dma_device(memory->isp), memory->address,
						   memory->bytes, DMA_FROM_DEVICE);
		else
			dma_sync_single_for_cpu(dma_device(memory->isp), memory->address,
						memory->bytes, DMA_FROM_DEVICE);
		break;
	case TX_ISP_DMABUF:
		break;
	}
}

static void memory_prepare(void *priv)
{
	tx_isp_memory_sync(priv, true);
}

static void memory_finish(void *priv)
{
	tx_isp_memory_sync(priv, false);
}

const struct vb2_mem_ops tx_isp_mem_ops = {
	.alloc = memory_alloc,
	.put = tx_isp_memory_put,
	.mmap = tx_isp_memory_mmap,
	.vaddr = memory_vaddr,
	.num_users = memory_num_users,
	.prepare = memory_prepare,
	.finish = memory_finish,
	.get_userptr = tx_isp_get_userptr,
	.put_userptr = tx_isp_put_userptr,
	.get_dmabuf = tx_isp_get_dmabuf,
	.attach_dmabuf = tx_isp_attach_dmabuf,
	.detach_dmabuf = tx_isp_detach_dmabuf,
	.map_dmabuf = tx_isp_map_dmabuf,
	.unmap_dmabuf = tx_isp_unmap_dmabuf,
};

dma_addr_t tx_isp_memory_address(struct vb2_buffer *vb)
{
	struct tx_isp_memory *memory = vb->planes[0].mem_priv;

	return memory->address;
}

/* The carve-out that was asked for; no bytes if none was. */
static struct tx_isp_range wanted;

int tx_isp_memory_configure(const char *range)
{
	char text[64];
	int length, ret;

	if (!*range || !strcmp(range, "none"))
		return 0;
	length = snprintf(text, sizeof(text), "rmem=%s", range);
	if (length >= sizeof(text)) {
		pr_err("tx-isp: rmem= must be SIZE@BASE, for example 29M@0x6300000\n");
		return -EINVAL;
	}
	ret = tx_isp_rmem_parse(text, length, &wanted);
	return ret < 0 ? ret : 0;
}

int tx_isp_memory_claim(struct tx_isp *isp)
{
	struct device *dev = isp->v4l2_dev.dev;

	isp->rmem = wanted;
	if (!isp->rmem.bytes) {
		dev_info(dev, "no parameter rmem=SIZE@BASE: frame buffers come from system memory\n");
		return 0;
	}
	if (!PAGE_ALIGNED(isp->rmem.base) || !PAGE_ALIGNED(isp->rmem.bytes)) {
		dev_err(dev, "rmem=%u@0x%x must begin and end on a page of %lu bytes\n",
			isp->rmem.bytes, isp->rmem.base, PAGE_SIZE);
		return -EINVAL;
	}
	if (!request_mem_region(isp->rmem.base, isp->rmem.bytes, "rmem")) {
		dev_err(dev,
			"rmem=%u@0x%x belongs to somebody else; does mem= leave it out, and does no client still hold buffers?\n",
			isp->rmem.bytes, isp->rmem.base);
		return -EBUSY;
	}
	isp->rmem_virtual = memremap(isp->rmem.base, isp->rmem.bytes, MEMREMAP_WB);
	isp->carve_out = kzalloc(tx_isp_carve_out_size(), GFP_KERNEL);
	if (!isp->rmem_virtual || !isp->carve_out) {
		if (isp->rmem_virtual)
			memunmap(isp->rmem_virtual);
		kfree(isp->carve_out);
		isp->rmem_virtual = NULL;
		isp->carve_out = NULL;
		release_mem_region(isp->rmem.base, isp->rmem.bytes);
		return -ENOMEM;
	}
	isp->rmem_claimed = true;
	tx_isp_pool_wipe(isp, isp->rmem.base, isp->rmem.bytes);
	tx_isp_carve_out_create(isp->carve_out, &isp->rmem);
	dev_info(dev, "rmem: %u bytes at 0x%08x\n", isp->rmem.bytes, isp->rmem.base);
	return 0;
}

static void let_go(struct tx_isp *isp)
{
	if (isp->rmem_virtual)
		memunmap(isp->rmem_virtual);
	if (isp->rmem_claimed)
		release_mem_region(isp->rmem.base, isp->rmem.bytes);
	isp->rmem_virtual = NULL;
	isp->rmem_claimed = false;
}

void tx_isp_memory_retire(struct tx_isp *isp)
{
	struct tx_isp_owner owner = { .name = "retired" };
	struct tx_isp_pool_state state = {};
	u32 address;

	if (!isp->carve_out)
		return;
	mutex_lock(&isp->carve_out_lock);
	tx_isp_carve_out_state(isp->carve_out, &state);
	/* Clients that still have files open get nothing any more. */
	if (state.free == state.total &&
	    !tx_isp_carve_out_allocate(isp->carve_out, state.total, 0, &owner, &address))
		let_go(isp);
	mutex_unlock(&isp->carve_out_lock);
}

void tx_isp_memory_release(struct tx_isp *isp)
{
	let_go(isp);
	kfree(isp->carve_out);
}
