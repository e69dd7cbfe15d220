/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the two files of /dev/rmem share.
 */
#ifndef TX_ISP_RMEM_H
#define TX_ISP_RMEM_H

#include <linux/fs.h>

#include "tx_isp.h"

/* An open file of /dev/rmem: what its blocks and reservations belong to. */
struct tx_isp_rmem_client {
	struct tx_isp *isp;
	u32 number;
};

/* The block of this client that holds the range; the caller holds carve_out_lock. */
bool tx_isp_rmem_find_block(struct tx_isp_rmem_client *client, u64 address, u64 bytes,
			    struct tx_isp_block *block);

/* tx_isp_rmem_mmap.c */
int tx_isp_rmem_mmap(struct file *file, struct vm_area_struct *vma);
/* Whether a process maps part of the block; the caller holds carve_out_lock. */
bool tx_isp_rmem_is_mapped(struct tx_isp *isp, const struct tx_isp_block *block);
/* Writes back and forgets what the caches have of a part of the caller's mapping. */
long tx_isp_rmem_flush_cache(struct file *file, void __user *argument);

#endif
