// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/rmem: the carve-out for clients, whole or piece by piece (abi/src/rmem.rs). Mappings are in
 * tx_isp_rmem_mmap.c.
 */
#include <linux/dma-buf.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "tx_isp.h"
#include "tx_isp_rmem.h"
#include "tx_isp_rmem_uapi.h"

static int tx_isp_rmem_open(struct inode *inode, struct file *file)
{
	/* misc_open() left the device here. */
	struct tx_isp *isp = container_of(file->private_data, struct tx_isp, rmem_device);
	struct tx_isp_rmem_client *client = kzalloc(sizeof(*client), GFP_KERNEL);

	if (!client)
		return -ENOMEM;
	client->isp = isp;
	client->number = atomic_inc_return(&isp->next_client);
	file->private_data = client;
	v4l2_device_get(&isp->v4l2_dev);
	return 0;
}

/* The caller holds carve_out_lock. */
static bool tx_isp_rmem_any_block(struct tx_isp_rmem_client *client, struct tx_isp_block *block)
{
	u32 index;

	for (index = 0; tx_isp_carve_out_block(client->isp->carve_out, index, block); index++)
		if (block->used && block->client == client->number)
			return true;
	return false;
}

static int tx_isp_rmem_release(struct inode *inode, struct file *file)
{
	struct tx_isp_rmem_client *client = file->private_data;
	struct tx_isp *isp = client->isp;
	struct tx_isp_block block;

	mutex_lock(&isp->carve_out_lock);
	while (tx_isp_rmem_any_block(client, &block))
		if (tx_isp_pool_free_locked(isp, block.address))
			break;
	tx_isp_carve_out_release(isp->carve_out, client->number);
	mutex_unlock(&isp->carve_out_lock);
	schedule_work(&isp->pressure_work);
	flush_work(&isp->pressure_work);
	kfree(client);
	v4l2_device_put(&isp->v4l2_dev);
	return 0;
}

bool tx_isp_rmem_find_block(struct tx_isp_rmem_client *client, u64 address, u64 bytes,
			    struct tx_isp_block *block)
{
	u32 index;

	for (index = 0; tx_isp_carve_out_block(client->isp->carve_out, index, block); index++)
		if (block->used && block->client == client->number && address >= block->address &&
		    address + bytes <= (u64)block->address + block->bytes)
			return true;
	return false;
}

static long tx_isp_rmem_query(struct tx_isp_rmem_client *client, void __user *argument)
{
	struct tx_isp *isp = client->isp;
	struct rmem_query query = { .base = isp->rmem.base };
	struct tx_isp_pool_state state = {};

	mutex_lock(&isp->carve_out_lock);
	tx_isp_carve_out_state(isp->carve_out, &state);
	mutex_unlock(&isp->carve_out_lock);
	query.total = state.total;
	query.free = state.free;
	query.largest = state.largest;
	query.reserved = state.reserved;
	return copy_to_user(argument, &query, sizeof(query)) ? -EFAULT : 0;
}

static long tx_isp_rmem_block(struct tx_isp_rmem_client *client, void __user *argument)
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

static void tx_isp_rmem_set_owner(struct tx_isp_owner *owner,
				  const struct tx_isp_rmem_client *client, const __u8 *name)
{
	memcpy(owner->name, name, sizeof(owner->name));
	owner->client = client->number;
}

static long tx_isp_rmem_allocate(struct tx_isp_rmem_client *client, void __user *argument)
{
	struct tx_isp *isp = client->isp;
	struct rmem_allocate request;
	struct tx_isp_owner owner;
	int ret;

	if (copy_from_user(&request, argument, sizeof(request)))
		return -EFAULT;
	tx_isp_rmem_set_owner(&owner, client, request.owner);
	mutex_lock(&isp->carve_out_lock);
	ret = tx_isp_carve_out_allocate(isp->carve_out, request.bytes, request.alignment, &owner,
					&request.address);
	mutex_unlock(&isp->carve_out_lock);
	schedule_work(&isp->pressure_work);
	if (ret)
		return ret;
	return copy_to_user(argument, &request, sizeof(request)) ? -EFAULT : 0;
}

/* The caller holds carve_out_lock. */
static void tx_isp_rmem_hold(struct tx_isp_memory *memory, struct file *file)
{
	memory->file = get_file(file);
	list_add(&memory->rmem_user, &memory->isp->rmem_users);
}

void tx_isp_rmem_put(struct tx_isp_memory *memory)
{
	struct tx_isp *isp = memory->isp;

	mutex_lock(&isp->carve_out_lock);
	list_del(&memory->rmem_user);
	mutex_unlock(&isp->carve_out_lock);
	fput(memory->file);
}

int tx_isp_rmem_use(struct tx_isp_memory *memory, struct file *file, u64 address)
{
	struct tx_isp_rmem_client *client = file->private_data;
	struct tx_isp *isp = memory->isp;
	struct tx_isp_block block;
	int ret = -EINVAL;

	mutex_lock(&isp->carve_out_lock);
	if (tx_isp_rmem_find_block(client, address, memory->bytes, &block)) {
		memory->address = address;
		memory->virtual = isp->rmem_virtual + (address - isp->rmem.base);
		tx_isp_rmem_hold(memory, file);
		ret = 0;
	}
	mutex_unlock(&isp->carve_out_lock);
	return ret;
}

/*
 * Whether a queue or a dma-buf uses part of the block, or a process maps it; the caller holds
 * carve_out_lock. What uses it begins in it, but is counted in pages: the rest of its last page may
 * be another block of this client.
 */
static bool tx_isp_rmem_is_in_use(struct tx_isp *isp, const struct tx_isp_block *block)
{
	struct tx_isp_memory *memory;

	list_for_each_entry(memory, &isp->rmem_users, rmem_user)
		if (memory->address >= block->address &&
		    memory->address - block->address < block->bytes)
			return true;
	return tx_isp_rmem_is_mapped(isp, block);
}

static long tx_isp_rmem_free_block(struct tx_isp_rmem_client *client, void __user *argument)
{
	struct tx_isp *isp = client->isp;
	struct tx_isp_block found;
	u32 address;
	long ret = -EINVAL;

	if (copy_from_user(&address, argument, sizeof(address)))
		return -EFAULT;
	mutex_lock(&isp->carve_out_lock);
	if (tx_isp_rmem_find_block(client, address, 1, &found) && found.address == address)
		ret = tx_isp_rmem_is_in_use(isp, &found) ? -EBUSY :
							   tx_isp_pool_free_locked(isp, address);
	mutex_unlock(&isp->carve_out_lock);
	schedule_work(&isp->pressure_work);
	return ret;
}

static long tx_isp_rmem_reserve(struct tx_isp_rmem_client *client, void __user *argument)
{
	struct tx_isp *isp = client->isp;
	struct rmem_reserve request;
	struct tx_isp_owner owner;
	int ret;

	if (copy_from_user(&request, argument, sizeof(request)))
		return -EFAULT;
	tx_isp_rmem_set_owner(&owner, client, request.owner);
	mutex_lock(&isp->carve_out_lock);
	ret = tx_isp_carve_out_reserve(isp->carve_out, request.bytes, request.alignment, &owner);
	mutex_unlock(&isp->carve_out_lock);
	schedule_work(&isp->pressure_work);
	return ret;
}

static long tx_isp_rmem_export(struct file *file, void __user *argument)
{
	struct tx_isp_rmem_client *client = file->private_data;
	struct tx_isp *isp = client->isp;
	struct rmem_export request;
	struct tx_isp_memory *memory;
	struct tx_isp_block found;
	struct dma_buf *dmabuf;
	int fd, ret = -EINVAL;

	if (copy_from_user(&request, argument, sizeof(request)))
		return -EFAULT;
	memory = tx_isp_memory_new(isp, TX_ISP_RMEM_MAPPING, 0);
	if (!memory)
		return -ENOMEM;
	mutex_lock(&isp->carve_out_lock);
	if (PAGE_ALIGNED(request.address) &&
	    tx_isp_rmem_find_block(client, request.address, 1, &found) &&
	    found.address == request.address) {
		/* The rest of the last page is nobody else's. */
		memory->bytes = PAGE_ALIGN(found.bytes);
		memory->address = found.address;
		memory->virtual = isp->rmem_virtual + (found.address - isp->rmem.base);
		tx_isp_rmem_hold(memory, file);
		ret = 0;
	}
	mutex_unlock(&isp->carve_out_lock);
	if (ret) {
		tx_isp_memory_put(memory);
		return ret;
	}
	dmabuf = tx_isp_export(memory, O_RDWR);
	if (IS_ERR(dmabuf)) {
		tx_isp_rmem_put(memory);
		tx_isp_memory_put(memory);
		return PTR_ERR(dmabuf);
	}
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		dma_buf_put(dmabuf);
		return fd;
	}
	request.fd = fd;
	if (copy_to_user(argument, &request, sizeof(request))) {
		put_unused_fd(fd);
		dma_buf_put(dmabuf);
		return -EFAULT;
	}
	fd_install(fd, dmabuf->file);
	return 0;
}

static long tx_isp_rmem_ioctl(struct file *file, unsigned int command, unsigned long value)
{
	struct tx_isp_rmem_client *client = file->private_data;
	void __user *argument = (void __user *)value;

	if (tx_isp_has_panicked())
		return -EIO;
	switch (command) {
	case RMEM_CACHE:
		return tx_isp_rmem_flush_cache(file, argument);
	case RMEM_QUERY:
		return tx_isp_rmem_query(client, argument);
	case RMEM_BLOCK:
		return tx_isp_rmem_block(client, argument);
	case RMEM_ALLOCATE:
		return tx_isp_rmem_allocate(client, argument);
	case RMEM_FREE:
		return tx_isp_rmem_free_block(client, argument);
	case RMEM_RESERVE:
		return tx_isp_rmem_reserve(client, argument);
	case RMEM_EXPORT:
		return tx_isp_rmem_export(file, argument);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations tx_isp_rmem_fops = {
	.owner = THIS_MODULE,
	.open = tx_isp_rmem_open,
	.release = tx_isp_rmem_release,
	.mmap = tx_isp_rmem_mmap,
	.unlocked_ioctl = tx_isp_rmem_ioctl,
	.llseek = noop_llseek,
};

bool tx_isp_is_rmem(const struct file *file, const struct tx_isp *isp)
{
	const struct tx_isp_rmem_client *client = file->private_data;

	return file->f_op == &tx_isp_rmem_fops && client->isp == isp;
}

int tx_isp_rmem_register(struct tx_isp *isp)
{
	if (!isp->carve_out)
		return 0;
	isp->rmem_device.minor = MISC_DYNAMIC_MINOR;
	isp->rmem_device.name = "rmem";
	isp->rmem_device.fops = &tx_isp_rmem_fops;
	isp->rmem_device.mode = 0600;
	return misc_register(&isp->rmem_device);
}

void tx_isp_rmem_unregister(struct tx_isp *isp)
{
	if (isp->carve_out)
		misc_deregister(&isp->rmem_device);
}
