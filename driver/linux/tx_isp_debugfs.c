// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/tx-isp: the pool, one line a block, and the mailbox's counters.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "tx_isp.h"

static int pool_show(struct seq_file *file, void *data)
{
	struct tx_isp *isp = file->private;
	u32 index, total = 0, used = 0, largest = 0;
	struct tx_isp_block block;

	if (!isp->pool) {
		seq_puts(file, "no carve-out\n");
		return 0;
	}
	mutex_lock(&isp->pool_lock);
	for (index = 0; tx_isp_pool_block(isp->pool, index, &block); index++) {
		seq_printf(file, "0x%08x %10u %.*s\n", block.address, block.bytes, TX_ISP_OWNER_LENGTH,
			   block.used ? (const char *)block.owner : "-");
		total += block.bytes;
		if (block.used)
			used += block.bytes;
		else
			largest = max(largest, block.bytes);
	}
	mutex_unlock(&isp->pool_lock);
	seq_printf(file, "total %u used %u free %u largest %u\n", total, used, total - used, largest);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(pool);

static int mailbox_show(struct seq_file *file, void *data)
{
	struct tx_isp *isp = file->private;

	seq_printf(file, "posted %llu waited %llu events %llu\n", isp->transport.posted,
		   isp->transport.waited, isp->transport.received);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mailbox);

void tx_isp_debugfs_create(struct tx_isp *isp)
{
	isp->debugfs = debugfs_create_dir("tx-isp", NULL);
	debugfs_create_file("pool", 0444, isp->debugfs, isp, &pool_fops);
	debugfs_create_file("mailbox", 0444, isp->debugfs, isp, &mailbox_fops);
}

void tx_isp_debugfs_remove(struct tx_isp *isp)
{
	debugfs_remove_recursive(isp->debugfs);
}
