// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers that are shared with other drivers and other nodes as dma-bufs.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "tx_isp.h"

TX_ISP_IMPORT_DMA_BUF;

/* Export */

/*
 * The addresses are those of the importer's device, whatever lies between it and memory. The caches
 * are ours to look after: a block of the carve-out has no struct pages to do it by.
 */
static int tx_isp_export_map_pages(struct tx_isp_memory *memory, struct device *importer,
				   struct sg_table *table, enum dma_data_direction direction)
{
	int ret = dma_get_sgtable(memory->isp->dma_device, table, memory->virtual, memory->address,
				  memory->bytes);

	if (ret)
		return ret;
	ret = dma_map_sgtable(importer, table, direction, DMA_ATTR_SKIP_CPU_SYNC);
	if (ret)
		sg_free_table(table);
	return ret;
}

/* An importer gets an address to do DMA with, and nothing else. */
static int tx_isp_export_map_block(struct tx_isp_memory *memory, struct device *importer,
				   struct sg_table *table, enum dma_data_direction direction)
{
	int ret = sg_alloc_table(table, 1, GFP_KERNEL);
	dma_addr_t address;

	if (ret)
		return ret;
	address = dma_map_resource(importer, memory->address, memory->bytes, direction,
				   DMA_ATTR_SKIP_CPU_SYNC);
	if (dma_mapping_error(importer, address)) {
		sg_free_table(table);
		return -EIO;
	}
	table->sgl->length = memory->bytes;
	sg_dma_address(table->sgl) = address;
	sg_dma_len(table->sgl) = memory->bytes;
	return 0;
}

static struct sg_table *export_map(struct dma_buf_attachment *attachment,
				   enum dma_data_direction direction)
{
	struct tx_isp_memory *memory = attachment->dmabuf->priv;
	struct sg_table *table = kzalloc(sizeof(*table), GFP_KERNEL);
	int ret;

	if (!table)
		return ERR_PTR(-ENOMEM);
	ret = memory->coherent ?
		      tx_isp_export_map_pages(memory, attachment->dev, table, direction) :
		      tx_isp_export_map_block(memory, attachment->dev, table, direction);
	if (ret) {
		kfree(table);
		return ERR_PTR(ret);
	}
	tx_isp_memory_sync(memory, true);
	return table;
}

static void export_unmap(struct dma_buf_attachment *attachment, struct sg_table *table,
			 enum dma_data_direction direction)
{
	struct tx_isp_memory *memory = attachment->dmabuf->priv;

	if (memory->coherent)
		dma_unmap_sgtable(attachment->dev, table, direction, DMA_ATTR_SKIP_CPU_SYNC);
	else
		dma_unmap_resource(attachment->dev, sg_dma_address(table->sgl), memory->bytes,
				   direction, DMA_ATTR_SKIP_CPU_SYNC);
	tx_isp_memory_sync(memory, false);
	sg_free_table(table);
	kfree(table);
}

/* The processor is going to read or write: what devices wrote is to be seen, and what it writes. */
static int export_begin_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction direction)
{
	tx_isp_memory_sync(dmabuf->priv, false);
	return 0;
}

static int export_end_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction direction)
{
	tx_isp_memory_sync(dmabuf->priv, true);
	return 0;
}

static int export_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	if (vma->vm_pgoff)
		return -EINVAL;
	return tx_isp_memory_mmap(dmabuf->priv, vma);
}

static int export_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct tx_isp_memory *memory = dmabuf->priv;

	iosys_map_set_vaddr(map, memory->virtual);
	return 0;
}

static void export_release(struct dma_buf *dmabuf)
{
	struct tx_isp_memory *memory = dmabuf->priv;
	struct tx_isp *isp = memory->isp;

	if (memory->file)
		tx_isp_rmem_put(memory);
	tx_isp_memory_put(memory);
	v4l2_device_put(&isp->v4l2_dev);
}

static const struct dma_buf_ops export_ops = {
	.map_dma_buf = export_map,
	.unmap_dma_buf = export_unmap,
	.begin_cpu_access = export_begin_cpu_access,
	.end_cpu_access = export_end_cpu_access,
	.mmap = export_mmap,
	.vmap = export_vmap,
	.release = export_release,
};

/* Exports memory; the dma-buf takes the caller's reference to it over. */
struct dma_buf *tx_isp_export(struct tx_isp_memory *memory, unsigned long flags)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *dmabuf;

	info.ops = &export_ops;
	info.size = memory->bytes;
	info.flags = flags;
	info.priv = memory;
	dmabuf = dma_buf_export(&info);
	if (!IS_ERR(dmabuf))
		v4l2_device_get(&memory->isp->v4l2_dev);
	return dmabuf;
}

struct dma_buf *tx_isp_get_dmabuf(struct vb2_buffer *vb, void *priv, unsigned long flags)
{
	struct tx_isp_memory *memory = priv;
	struct dma_buf *dmabuf;

	refcount_inc(&memory->users);
	dmabuf = tx_isp_export(memory, flags);
	if (IS_ERR(dmabuf)) {
		tx_isp_memory_put(memory);
		return NULL;
	}
	return dmabuf;
}

/* Import */

void *tx_isp_attach_dmabuf(struct vb2_buffer *vb, struct device *dev, struct dma_buf *dmabuf,
			   unsigned long size)
{
	struct tx_isp_video *video = vb2_get_drv_priv(vb->vb2_queue);
	struct tx_isp_memory *memory;

	if (dmabuf->size < size)
		return ERR_PTR(-EINVAL);
	memory = tx_isp_memory_new(video->isp, TX_ISP_DMABUF, size);
	if (!memory)
		return ERR_PTR(-ENOMEM);
	memory->attachment = dma_buf_attach(dmabuf, video->isp->dma_device);
	if (IS_ERR(memory->attachment)) {
		int ret = PTR_ERR(memory->attachment);

		kfree(memory);
		return ERR_PTR(ret);
	}
	return memory;
}

void tx_isp_detach_dmabuf(void *priv)
{
	struct tx_isp_memory *memory = priv;

	if (memory->quarantined) {
		tx_isp_memory_put(memory);
		return;
	}
	if (memory->table)
		tx_isp_unmap_dmabuf(memory);
	dma_buf_detach(memory->attachment->dmabuf, memory->attachment);
	tx_isp_memory_put(memory);
}

/* Bytes from the table's beginning that follow one another. */
static unsigned long contiguous_bytes(struct sg_table *table)
{
	dma_addr_t expected = sg_dma_address(table->sgl);
	unsigned long bytes = 0;
	struct scatterlist *entry;
	unsigned int index;

	for_each_sgtable_dma_sg(table, entry, index) {
		if (sg_dma_address(entry) != expected)
			break;
		expected += sg_dma_len(entry);
		bytes += sg_dma_len(entry);
	}
	return bytes;
}

int tx_isp_map_dmabuf(void *priv)
{
	struct tx_isp_memory *memory = priv;
	struct sg_table *table = dma_buf_map_attachment(memory->attachment, DMA_FROM_DEVICE);

	if (IS_ERR(table))
		return PTR_ERR(table);
	if (contiguous_bytes(table) < memory->bytes) {
		dev_err_ratelimited(memory->isp->v4l2_dev.dev,
				    "DMABUF: %lu bytes are scattered, and must be in one piece\n",
				    memory->bytes);
		dma_buf_unmap_attachment(memory->attachment, table, DMA_FROM_DEVICE);
		return -EINVAL;
	}
	memory->table = table;
	memory->address = sg_dma_address(table->sgl);
	return 0;
}

void tx_isp_unmap_dmabuf(void *priv)
{
	struct tx_isp_memory *memory = priv;

	if (memory->quarantined)
		return;
	dma_buf_unmap_attachment(memory->attachment, memory->table, DMA_FROM_DEVICE);
	memory->table = NULL;
}
