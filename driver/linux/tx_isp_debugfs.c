// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/tx-isp: the pool, one line a block; whether it is short, one line a node; the
 * queues, one line a buffer; what the hardware did wrong, one line a count; what went over the
 * mailbox or to registers, and how long answers took.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "tx_isp.h"

/* So many accesses are timed, for no longer than a second. */
#define ACCESSES 200

static void show_name(struct seq_file *file, const struct tx_isp_block *block)
{
	seq_printf(file, "%.*s", TX_ISP_OWNER_LENGTH, block->owner);
	if (block->client)
		seq_printf(file, " (client %u)", block->client);
	seq_putc(file, '\n');
}

static int pool_show(struct seq_file *file, void *data)
{
	struct tx_isp *isp = file->private;
	struct tx_isp_pool_state state = {};
	struct tx_isp_block block;
	u32 index;

	if (!isp->carve_out) {
		seq_puts(file, "no carve-out\n");
		return 0;
	}
	mutex_lock(&isp->carve_out_lock);
	for (index = 0; tx_isp_carve_out_block(isp->carve_out, index, &block); index++) {
		seq_printf(file, "0x%08x %10u ", block.address, block.bytes);
		if (block.used)
			show_name(file, &block);
		else
			seq_puts(file, "-\n");
	}
	for (index = 0; tx_isp_carve_out_reservation(isp->carve_out, index, &block); index++) {
		seq_printf(file, "reserved   %10u ", block.bytes);
		show_name(file, &block);
	}
	tx_isp_carve_out_state(isp->carve_out, &state);
	mutex_unlock(&isp->carve_out_lock);
	seq_printf(file, "total %u used %u free %u largest %u reserved %u\n", state.total,
		   state.total - state.free, state.free, state.largest, state.reserved);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(pool);

static int pressure_show(struct seq_file *file, void *data)
{
	tx_isp_pressure_show(file, file->private);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(pressure);

static int mailbox_show(struct seq_file *file, void *data)
{
	struct tx_isp *isp = file->private;

	seq_printf(file, "posted %llu waited %llu events %llu\n", isp->transport.posted,
		   isp->transport.waited, isp->transport.received);
	seq_printf(file, "kicked-again %llu lost-interrupts %llu ring-full %llu\n",
		   isp->transport.kicked_again, isp->transport.lost_interrupts,
		   isp->transport.full);
	seq_printf(file, "outstanding %u lost %u odd-events %llu\n", isp->transport.outstanding,
		   isp->transport.lost, isp->transport.odd_events);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mailbox);

static int registers_show(struct seq_file *file, void *data)
{
	struct tx_isp *isp = file->private;

	mutex_lock(&isp->core_lock);
	tx_isp_platform_show(file, isp);
	mutex_unlock(&isp->core_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(registers);

/* A line for each bucket that is not empty: from and to in ns, and how many requests. */
static int latency_show(struct seq_file *file, void *data)
{
	struct tx_isp *isp = file->private;
	unsigned int bucket;
	u32 count;

	for (bucket = 0; bucket < TX_ISP_LATENCY_BUCKETS; bucket++) {
		count = READ_ONCE(isp->latency[bucket]);
		if (count)
			seq_printf(file, "%llu %llu %u\n", tx_isp_latency_from(bucket),
				   tx_isp_latency_from(bucket + 1), count);
	}
	return 0;
}

static int latency_open(struct inode *inode, struct file *file)
{
	return single_open(file, latency_show, inode->i_private);
}

/* Whatever is written, counting begins anew; a request that is answered meanwhile may get lost. */
static ssize_t latency_write(struct file *file, const char __user *text, size_t length,
			     loff_t *offset)
{
	struct seq_file *seq = file->private_data;
	struct tx_isp *isp = seq->private;

	memset(isp->latency, 0, sizeof(isp->latency));
	return length;
}

static const struct file_operations latency_fops = {
	.owner = THIS_MODULE,
	.open = latency_open,
	.read = seq_read,
	.write = latency_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static const char *const memory_names[] = { "unknown", "MMAP", "USERPTR", "OVERLAY", "DMABUF" };
static const char *const kind_names[] = { "own", "rmem", "pages", "bounce", "dmabuf" };
static const char *const state_names[] = { "dequeued", "in-request", "preparing", "queued",
					   "active", "done", "error" };

static void show_queue(struct seq_file *file, struct tx_isp_video *video)
{
	struct vb2_queue *queue = &video->queue;
	unsigned int index, count = vb2_get_num_buffers(queue);
	struct tx_isp_memory *memory;
	struct vb2_buffer *vb;

	seq_printf(file, "%s: %s, %u buffers, %s, %llu frames bounced\n",
		   video_device_node_name(&video->vdev),
		   vb2_is_streaming(queue) ? "streaming" : "stopped", count,
		   count ? memory_names[queue->memory] : "-", video->bounced);
	for (index = 0; index < count; index++) {
		vb = vb2_get_buffer(queue, index);
		if (!vb)
			continue;
		memory = vb->planes[0].mem_priv;
		seq_printf(file, "  %2u %10u ", index, vb->planes[0].length);
		if (memory)
			seq_printf(file, "%pad %s ", &memory->address, kind_names[memory->kind]);
		seq_printf(file, "%s\n", state_names[vb->state]);
	}
}

static int queues_show(struct seq_file *file, void *data)
{
	struct tx_isp *isp = file->private;
	u32 channel;

	for (channel = 0; channel < TX_ISP_CHANNELS; channel++) {
		mutex_lock(&isp->videos[channel].lock);
		show_queue(file, &isp->videos[channel]);
		mutex_unlock(&isp->videos[channel].lock);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(queues);

static int health_show(struct seq_file *file, void *data)
{
	struct tx_isp *isp = file->private;
	struct tx_isp_health health = {};

	mutex_lock(&isp->core_lock);
	tx_isp_core_health(isp->core, &health);
	mutex_unlock(&isp->core_lock);
	seq_printf(file, "unmatched %u\n", health.unmatched);
	seq_printf(file, "dropped-buffers %u\n", health.dropped_buffers);
	seq_printf(file, "damaged-frames %u\n", health.damaged_frames);
	seq_printf(file, "core-errors %u\n", health.core_errors);
	seq_printf(file, "vic-errors %u\n", health.vic_errors);
	seq_printf(file, "vic-recoveries %u\n", health.vic_recoveries);
	seq_printf(file, "lost-interrupts %u\n", health.lost_interrupts);
	seq_printf(file, "storms %u\n", health.storms);
	seq_printf(file, "restarts %u\n", health.restarts);
	seq_printf(file, "stale-addresses %u\n", health.stale_addresses);
	seq_printf(file, "recoveries %u\n", health.recoveries);
	seq_printf(file, "device-resets %u\n", health.device_resets);
	seq_printf(file, "quarantined %u\n", health.quarantined);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(health);

static int syncs_show(struct seq_file *file, void *data)
{
	struct tx_isp *isp = file->private;

	seq_printf(file, "for-device %u\n", atomic_read(&isp->syncs_for_device));
	seq_printf(file, "for-cpu %u\n", atomic_read(&isp->syncs_for_cpu));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(syncs);

/* Measured whenever it is read: a load, which is waited for, and a store, which is not. */
static int access_cost_show(struct seq_file *file, void *data)
{
	struct tx_isp *isp = file->private;
	u64 begin, load = 0, store;
	unsigned int loads;
	int ret = -ENODEV;

	mutex_lock(&isp->core_lock);
	if (!isp->core_ready)
		goto unlock;
	begin = ktime_get_ns();
	for (loads = 0; loads < ACCESSES && load < NSEC_PER_SEC; loads++) {
		tx_isp_core_ping(isp->core);
		load = ktime_get_ns() - begin;
	}
	begin = ktime_get_ns();
	ret = tx_isp_core_store_straps(isp->core, ACCESSES);
	store = ktime_get_ns() - begin;
	seq_printf(file, "load %llu store %llu\n", div_u64(load, loads), div_u64(store, ACCESSES));
unlock:
	mutex_unlock(&isp->core_lock);
	return ret;
}
DEFINE_SHOW_ATTRIBUTE(access_cost);

static bool provoke;
module_param(provoke, bool, 0444);
MODULE_PARM_DESC(provoke,
		 "for tests: whether a write to a debugfs file panic makes the driver panic (off)");

static ssize_t panic_write(struct file *file, const char __user *text, size_t length,
			   loff_t *offset)
{
	struct tx_isp *isp = file->private_data;

	mutex_lock(&isp->core_lock);
	tx_isp_provoke_panic();
	mutex_unlock(&isp->core_lock);
	return tx_isp_has_panicked() ? -EIO : length;
}

static const struct file_operations panic_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = panic_write,
};

/* The same in a call of the vendor's nodes. */
static ssize_t panic_vendor_write(struct file *file, const char __user *text, size_t length,
				  loff_t *offset)
{
	tx_isp_vendor_provoke_panic(file->private_data);
	return tx_isp_has_panicked() ? -EIO : length;
}

static const struct file_operations panic_vendor_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = panic_vendor_write,
};

void tx_isp_debugfs_create(struct tx_isp *isp)
{
	isp->debugfs = debugfs_create_dir("tx-isp", NULL);
	debugfs_create_file("pool", 0444, isp->debugfs, isp, &pool_fops);
	debugfs_create_file("pressure", 0444, isp->debugfs, isp, &pressure_fops);
	debugfs_create_file("queues", 0444, isp->debugfs, isp, &queues_fops);
	debugfs_create_file("health", 0444, isp->debugfs, isp, &health_fops);
	debugfs_create_file("syncs", 0444, isp->debugfs, isp, &syncs_fops);
	if (isp->transport.vdev)
		debugfs_create_file("mailbox", 0444, isp->debugfs, isp, &mailbox_fops);
	else
		debugfs_create_file("registers", 0444, isp->debugfs, isp, &registers_fops);
	debugfs_create_file("access-cost", 0400, isp->debugfs, isp, &access_cost_fops);
	debugfs_create_file("latency", 0644, isp->debugfs, isp, &latency_fops);
	if (provoke) {
		debugfs_create_file("panic", 0200, isp->debugfs, isp, &panic_fops);
		debugfs_create_file("panic-vendor", 0200, isp->debugfs, isp, &panic_vendor_fops);
	}
}

void tx_isp_debugfs_remove(struct tx_isp *isp)
{
	debugfs_remove_recursive(isp->debugfs);
}
