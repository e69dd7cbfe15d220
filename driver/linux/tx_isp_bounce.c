// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bounce buffers: where a client's pages are scattered, the chip writes to a buffer of the driver's
 * in their place, and each frame is copied to the client's memory when its buffer is finished.
 */
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "tx_isp.h"

int tx_isp_bounce_alloc(struct tx_isp_memory *memory, struct page **pages, unsigned int count,
			unsigned long offset)
{
	struct tx_isp_video *video = memory->video;
	void *mapped;
	int ret;

	if (!tx_isp_strategy_bounces(video->strategy)) {
		dev_err_ratelimited(video->isp->v4l2_dev.dev,
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
		dev_warn_ratelimited(video->isp->v4l2_dev.dev,
				     "USERPTR: no room for a bounce buffer of %lu bytes\n",
				     memory->bytes);
	else
		memory->kind = TX_ISP_BOUNCE;
	return ret;
}

void tx_isp_bounce_copy(struct tx_isp_memory *memory)
{
	if (memory->kind != TX_ISP_BOUNCE || memory->quarantined)
		return;
	memcpy(memory->user, memory->virtual, memory->user_bytes);
	memory->video->bounced++;
}
