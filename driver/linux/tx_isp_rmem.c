// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/rmem: the carve-out for clients, whole or piece by piece (abi/src/rmem.rs).
 */
#include <linux/dma-buf.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "tx_isp.h"
#include "tx_isp_rmem_uapi.h"

/* An open file of /dev/rmem: what its blocks and reservations belong to. */
struct client {
	struct tx_isp *isp;
	u32 number;
};

static int rmem_open(struct inode *inode, struct file *file)
{
	/* misc_open() left the device here. */
	struct tx_isp *isp = container_of(file->private_data, struct tx_isp, rmem_device);
	struct client *client = kzalloc(sizeof(*client), GFP_KERNEL);

	if (!client)
		return -ENOMEM;
	client->isp = isp;
	client->number = atomic_inc_return(&isp->next_client);
	file->private_data = client;
	v4l2_device_get(&isp->v4l2_dev);
	return 0;
}

static int rmem_release(struct inode *inode, struct file *file)
{
	struct client *client = file->private_data;
	struct tx_isp *isp = client->isp;

	mutex_lock(&isp->carve_out_lock);
	tx_isp_carve_out_release(isp->carve_out, client->number);
	mutex_unlock(&isp->carve_out_lock);
	schedule_work(&isp->pressure_work);
	flush_work(&isp->pressure_work);
	kfree(client);
	v4l2_device_put(&isp->v4l2_dev);
	return 0;
}

/* The block of this client that holds the range; the caller holds carve_out_lock. */
static bool find_block(struct client *client, u64 address, u64 bytes, struct tx_isp_block *block)
{
	u32 index;

	for (index = 0; tx_isp_carve_out_block(client->isp->carve_out, index, block); index++)
		if (block->used && block->client == client->number && address >= block->address &&
		    address + bytes <= (u64)block->address + block->bytes)
			return true;
	return false;
}

/* Mapping everything means owning everything: it must all be free, or be this client's already. */
static int take_whole(struct client *client)
{
	struct tx_isp *isp = client->isp;
	struct tx_isp_owner owner = { .name = "rmem", .client = client->number };
	struct tx_isp_block block;
	u32 address;

	if (find_block(client, isp->rmem.base, isp->rmem.bytes, &block))
		return 0;
	if (tx_isp_carve_out_allocate(isp->carve_out, isp->rmem.bytes, 0, &owner, &address)) {
		dev_err(isp->v4l2_dev.dev, "/dev/rmem: cannot be mapped whole while blocks are in use\n");
		return -EBUSY;
	}
	return 0;
}

static int rmem_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct client *client = file->private_data;
	struct tx_isp *isp = client->isp;
	u64 address = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 bytes = vma->vm_end - vma->vm_start;
	struct tx_isp_block block;
	int ret = 0;

	mutex_lock(&isp->carve_out_lock);
	if (address == isp->rmem.base && bytes == isp->rmem.bytes)
		ret = take_whole(client);
	/* The last page of a block is mapped as a whole. */
	else if (!find_block(client, address, 1, &block) ||
		 address + bytes > PAGE_ALIGN((u64)block.address + block.bytes))
		ret = -EINVAL;
	mutex_unlock(&isp->carve_out_lock);
	if (ret)
		return ret;
	vma->vm_flags |= VM_DONTEXPAND | VM_DONTDUMP;
	return remap_pfn_range(vma, vma->vm_start, vma->vm_pgoff, bytes, vma->vm_page_prot);
}

static long query(struct client *client, void __user *argument)
{
	struct tx_isp *isp = client->isp;
	struct rmem_query query = { .base = isp->rmem.base };
	struct tx_isp_pool_state state;

	mutex_lock(&isp->carve_out_lock);
	tx_isp_carve_out_state(isp->carve_out, &state);
	mutex_unlock(&isp->carve_out_lock);
	query.total = state.total;
	query.free = state.free;
	query.largest = state.largest;
	query.reserved = state.reserved;
	return copy_to_user(argument, &query, sizeof(query)) ? -EFAULT : 0;
}

static long block(struct client *client, void __user *argument)
{
	struct tx_isp *isp = client->isp;
	struct tx_isp_block found;
	struct rmem_block block;
	int any;

	if (copy_from_user(&block, argument, sizeof(block)))
		return -EFAULT;
	mutex_lock(&isp->carve_out_lock);
	any = tx_isp_carve_out_block(isp->carve_out, block.index, &found);
	mutex_unlock(&isp->carve_out_lock);
	if (!any)
		return -EINVAL;
	block.address = found.address;
	block.bytes = found.bytes;
	block.used = found.used;
	memcpy(block.owner, found.owner, sizeof(block.owner));
	return copy_to_user(argument, &block, sizeof(block)) ? -EFAULT : 0;
}

static void set_owner(struct tx_isp_owner *owner, const struct client *client, const __u8 *name)
{
	memcpy(owner->name, name, sizeof(owner->name));
	owner->client = client->number;
}

static long allocate(struct client *client, void __user *argument)
{
	struct tx_isp *isp = client->isp;
	struct rmem_allocate request;
	struct tx_isp_owner owner;
	int ret;

	if (copy_from_user(&request, argument, sizeof(request)))
		return -EFAULT;
	set_owner(&owner, client, request.owner);
	mutex_lock(&isp->carve_out_lock);
	ret = tx_isp_carve_out_allocate(isp->carve_out, request.bytes, request.alignment, &owner,
					&request.address);
	mutex_unlock(&isp->carve_out_lock);
	schedule_work(&isp->pressure_work);
	if (ret)
		return ret;
	return copy_to_user(argument, &request, sizeof(request)) ? -EFAULT : 0;
}

void tx_isp_rmem_hold(struct tx_isp_memory *memory, struct file *file)
{
	struct tx_isp *isp = memory->isp;

	memory->file = get_file(file);
	mutex_lock(&isp->carve_out_lock);
	list_add(&memory->rmem_user, &isp->rmem_users);
	mutex_unlock(&isp->carve_out_lock);
}

void tx_isp_rmem_unhold(struct tx_isp_memory *memory)
{
	struct tx_isp *isp = memory->isp;

	mutex_lock(&isp->carve_out_lock);
	list_del(&memory->rmem_user);
	mutex_unlock(&isp->carve_out_lock);
	fput(memory->file);
}

/*
 * Whether a queue or a dma-buf uses part of the block; the caller holds carve_out_lock. What it uses
 * begins in its block, but is counted in pages: its end may lie in the next one.
 */
static bool is_in_use(struct tx_isp *isp, const struct tx_isp_block *block)
{
	struct tx_isp_memory *memory;

	list_for_each_entry(memory, &isp->rmem_users, rmem_user)
		if (memory->address >= block->address &&
		    memory->address < (u64)block->address + block->bytes)
			return true;
	return false;
}

static long free_block(struct client *client, void __user *argument)
{
	struct tx_isp *isp = client->isp;
	struct tx_isp_block found;
	u32 address;
	long ret = -EINVAL;

	if (copy_from_user(&address, argument, sizeof(address)))
		return -EFAULT;
	mutex_lock(&isp->carve_out_lock);
	if (find_block(client, address, 1, &found) && found.address == address)
		ret = is_in_use(isp, &found) ? -EBUSY : tx_isp_carve_out_free(isp->carve_out, address);
	mutex_unlock(&isp->carve_out_lock);
	schedule_work(&isp->pressure_work);
	return ret;
}

static long reserve(struct client *client, void __user *argument)
{
	struct tx_isp *isp = client->isp;
	struct rmem_reserve request;
	struct tx_isp_owner owner;
	int ret;

	if (copy_from_user(&request, argument, sizeof(request)))
		return -EFAULT;
	set_owner(&owner, client, request.owner);
	mutex_lock(&isp->carve_out_lock);
	ret = tx_isp_carve_out_reserve(isp->carve_out, request.bytes, request.alignment, &owner);
	mutex_unlock(&isp->carve_out_lock);
	return ret;
}

static long export(struct file *file, void __user *argument)
{
	struct client *client = file->private_data;
	struct tx_isp *isp = client->isp;
	struct rmem_export request;
	struct tx_isp_memory *memory;
	struct tx_isp_block found;
	struct dma_buf *dmabuf;
	bool held;

	if (copy_from_user(&request, argument, sizeof(request)))
		return -EFAULT;
	mutex_lock(&isp->carve_out_lock);
	held = find_block(client, request.address, 1, &found) && found.address == request.address;
	mutex_unlock(&isp->carve_out_lock);
	if (!held || !PAGE_ALIGNED(found.address))
		return -EINVAL;
	memory = tx_isp_memory_new(isp, TX_ISP_RMEM_MAPPING, PAGE_ALIGN(found.bytes));
	if (!memory)
		return -ENOMEM;
	memory->address = found.address;
	memory->virtual = isp->rmem_virtual + (found.address - isp->rmem.base);
	tx_isp_rmem_hold(memory, file);
	dmabuf = tx_isp_export(memory, O_RDWR);
	if (IS_ERR(dmabuf)) {
		tx_isp_rmem_unhold(memory);
		tx_isp_memory_put(memory);
		return PTR_ERR(dmabuf);
	}
	request.fd = dma_buf_fd(dmabuf, O_CLOEXEC);
	if (request.fd < 0) {
		dma_buf_put(dmabuf);
		return request.fd;
	}
	return copy_to_user(argument, &request, sizeof(request)) ? -EFAULT : 0;
}

/* The emulated machine's caches are coherent with its DMA: there is nothing to flush. */
static long flush_cache(void __user *argument)
{
	struct rmem_cache request;

	return copy_from_user(&request, argument, sizeof(request)) ? -EFAULT : 0;
}

static long rmem_ioctl(struct file *file, unsigned int command, unsigned long value)
{
	struct client *client = file->private_data;
	void __user *argument = (void __user *)value;

	switch (command) {
	case RMEM_CACHE:
		return flush_cache(argument);
	case RMEM_QUERY:
		return query(client, argument);
	case RMEM_BLOCK:
		return block(client, argument);
	case RMEM_ALLOCATE:
		return allocate(client, argument);
	case RMEM_FREE:
		return free_block(client, argument);
	case RMEM_RESERVE:
		return reserve(client, argument);
	case RMEM_EXPORT:
		return export(file, argument);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations rmem_fops = {
	.owner = THIS_MODULE,
	.open = rmem_open,
	.release = rmem_release,
	.mmap = rmem_mmap,
	.unlocked_ioctl = rmem_ioctl,
	.llseek = noop_llseek,
};

bool tx_isp_is_rmem(const struct file *file, const struct tx_isp *isp)
{
	const struct client *client = file->private_data;

	return file->f_op == &rmem_fops && client->isp == isp;
}

int tx_isp_rmem_register(struct tx_isp *isp)
{
	if (!isp->carve_out)
		return 0;
	isp->rmem_device.minor = MISC_DYNAMIC_MINOR;
	isp->rmem_device.name = "rmem";
	isp->rmem_device.fops = &rmem_fops;
	isp->rmem_device.mode = 0600;
	return misc_register(&isp->rmem_device);
}

void tx_isp_rmem_unregister(struct tx_isp *isp)
{
	if (isp->carve_out)
		misc_deregister(&isp->rmem_device);
}
