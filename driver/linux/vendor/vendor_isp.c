// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vendor's front: /dev/tx-isp, and what all its nodes share.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "tx_isp_vendor.h"

static bool vendor;
module_param(vendor, bool, 0444);
MODULE_PARM_DESC(vendor, "whether there are the vendor's device nodes: /dev/tx-isp and others (off)");

static unsigned int isp_memopt;
module_param(isp_memopt, uint, 0444);
MODULE_PARM_DESC(isp_memopt, "vendor: 1 asks for a third less memory for noise reduction (0)");

static unsigned int isp_clk = 100000000;
module_param(isp_clk, uint, 0444);
MODULE_PARM_DESC(isp_clk, "vendor: the ISP's clock in Hz; kept and shown, frames do not depend on it");

static char *quirks = "none";
module_param(quirks, charp, 0444);
MODULE_PARM_DESC(quirks, "vendor: none, or vendor for the faults of the vendor's driver (none)");

static char *answers = "";
module_param(answers, charp, 0444);
MODULE_PARM_DESC(answers, "vendor: what calls answer instead, to try a client library: get-buf=N, -N, +N or error, also sizeimage, reqbufs and qbuf (none)");

/* Memory of the caller */

static struct file *tx_isp_vendor_mapped_rmem(struct tx_isp *isp, u32 address, u32 bytes)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	struct file *file = NULL;
	struct vma_iterator area;

	vma_iter_init(&area, mm, 0);
	mmap_read_lock(mm);
	for_each_vma(area, vma) {
		u64 begin = (u64)vma->vm_pgoff << PAGE_SHIFT;
		u64 end = begin + (vma->vm_end - vma->vm_start);

		if (!vma->vm_file || !tx_isp_is_rmem(vma->vm_file, isp) ||
		    !(vma->vm_flags & VM_WRITE))
			continue;
		if (address < begin || (u64)address + bytes > end)
			continue;
		file = get_file(vma->vm_file);
		break;
	}
	mmap_read_unlock(mm);
	return file;
}

struct tx_isp_memory *tx_isp_vendor_memory(struct tx_isp *isp, u32 address, u32 bytes)
{
	struct tx_isp_memory *memory;
	struct file *file = tx_isp_vendor_mapped_rmem(isp, address, bytes);

	if (!file)
		return NULL;
	memory = tx_isp_memory_new(isp, TX_ISP_RMEM_MAPPING, bytes);
	if (memory && tx_isp_rmem_use(memory, file, address)) {
		tx_isp_memory_put(memory);
		memory = NULL;
	}
	fput(file);
	return memory;
}

void tx_isp_vendor_memory_put(struct tx_isp_memory *memory)
{
	if (!memory)
		return;
	/* The hardware may write it for ever: its block stays as it is. */
	if (!memory->quarantined)
		tx_isp_rmem_put(memory);
	tx_isp_memory_put(memory);
}

/* ioctls */

int tx_isp_vendor_ready(const struct tx_isp *isp)
{
	lockdep_assert_held(&isp->core_lock);
	if (tx_isp_has_panicked())
		return -EIO;
	return isp->core_ready ? 0 : -ENODEV;
}

long tx_isp_vendor_ioctl(struct tx_isp *isp, enum tx_isp_vendor_node node, unsigned int number,
			 unsigned long argument,
			 long (*call)(void *context, u32 number, u32 *words), void *context)
{
	u32 words[TX_ISP_VENDOR_ARGUMENT_WORDS] = {};
	void __user *user = (void __user *)argument;
	struct tx_isp_vendor_extent extent;
	long fault;
	long ret = tx_isp_has_panicked() ? -EIO : tx_isp_vendor_argument(node, number, &extent);

	if (ret)
		return ret;
	if (extent.read > sizeof(words) || extent.written > sizeof(words))
		return -ENOTTY;
	/* The vendor's driver has another error for one of them (T31 3.2). */
	fault = number == TX_ISP_VENDOR_SET_FORMAT ? -ENOMEM : -EFAULT;
	if (copy_from_user(words, user, extent.read))
		return fault;
	ret = call(context, number, words);
	if (ret)
		return ret;
	return copy_to_user(user, words, extent.written) ? fault : 0;
}

static void tx_isp_vendor_wake_all(struct tx_isp_vendor *vendor)
{
	u32 channel;

	for (channel = 0; channel < TX_ISP_CHANNELS; channel++) {
		tx_isp_vendor_release_idle(&vendor->channels[channel]);
		tx_isp_vendor_wake(&vendor->channels[channel]);
	}
}

/*
 * The noise reduction has no memory once no sensor is chosen, or the way to the chip is closed; the
 * caller holds core_lock.
 */
static void tx_isp_vendor_release_noise_reduction(struct tx_isp_vendor *vendor)
{
	if (vendor->isp->core_ready && tx_isp_vendor_is_selected(vendor->front))
		return;
	tx_isp_vendor_memory_put(vendor->noise_reduction);
	vendor->noise_reduction = NULL;
}

static long tx_isp_vendor_set_buffer(struct tx_isp_vendor *vendor, u32 *words)
{
	const struct tx_isp_vendor_isp_buffer *buffer = (void *)words;
	struct tx_isp_memory *memory;
	struct tx_isp *isp = vendor->isp;
	long ret;

	memory = tx_isp_vendor_memory(isp, buffer->address, buffer->bytes);
	if (!memory && !vendor->quirks) {
		pr_warn_ratelimited("tx-isp: vendor: SET_BUF wants memory of /dev/rmem that the caller has mapped, not %u bytes at %#010x\n",
				    buffer->bytes, buffer->address);
		return -EINVAL;
	}
	mutex_lock(&isp->core_lock);
	ret = tx_isp_vendor_ready(isp);
	if (!ret)
		ret = tx_isp_vendor_isp(vendor->front, isp->core, TX_ISP_VENDOR_SET_BUFFER, words);
	/* With the vendor's faults registers may be told of memory that was refused. */
	if (!ret || (ret == -EFAULT && vendor->quirks))
		swap(memory, vendor->noise_reduction);
	mutex_unlock(&isp->core_lock);
	tx_isp_vendor_memory_put(memory);
	return ret;
}

/* How much memory a client library is asked to allocate; the caller holds core_lock. */
static void tx_isp_vendor_ask_for_less(struct tx_isp_vendor *vendor)
{
	struct tx_isp *isp = vendor->isp;
	struct tx_isp_vendor_room room = {
		.strategy = isp->videos[0].strategy,
		.available = U32_MAX,
		.margin = isp->margin,
		.reserve = isp->reserve,
	};
	struct tx_isp_pool_state state;

	if (isp->carve_out) {
		mutex_lock(&isp->carve_out_lock);
		tx_isp_carve_out_state(isp->carve_out, &state);
		mutex_unlock(&isp->carve_out_lock);
		/* What a client has mapped whole is one block: nobody sees what is in there. */
		room.available = state.free ? state.largest : state.total;
		room.reserved = state.reserved;
	}
	tx_isp_vendor_negotiate(vendor->front, isp->core, &room);
}

/* Stops what an ioctl, or the last close, would stop; the caller holds core_lock. */
static void tx_isp_vendor_stop_all(struct tx_isp_vendor *vendor)
{
	u32 channel;

	for (channel = 0; channel < TX_ISP_CHANNELS; channel++)
		tx_isp_vendor_stop(vendor->isp, channel);
}

static long tx_isp_node_call(void *context, u32 number, u32 *words)
{
	struct tx_isp_vendor *vendor = context;
	struct tx_isp *isp = vendor->isp;
	long ret;

	if (number == TX_ISP_VENDOR_SET_BUFFER)
		return tx_isp_vendor_set_buffer(vendor, words);
	mutex_lock(&isp->core_lock);
	if (number == TX_ISP_VENDOR_STREAM_OFF || number == TX_ISP_VENDOR_DESTROY_LINKS)
		tx_isp_vendor_stop_all(vendor);
	if (number == TX_ISP_VENDOR_GET_BUFFER && isp->core_ready)
		tx_isp_vendor_ask_for_less(vendor);
	ret = tx_isp_vendor_ready(isp);
	if (!ret)
		ret = tx_isp_vendor_isp(vendor->front, isp->core, number, words);
	tx_isp_vendor_release_noise_reduction(vendor);
	tx_isp_vendor_wake_all(vendor);
	mutex_unlock(&isp->core_lock);
	return ret;
}

static long tx_isp_node_ioctl(struct file *file, unsigned int number, unsigned long argument)
{
	struct tx_isp_vendor *vendor = file->private_data;

	return tx_isp_vendor_ioctl(vendor->isp, TX_ISP_VENDOR_NODE_ISP, number, argument,
				   tx_isp_node_call, vendor);
}

static int tx_isp_node_open(struct inode *inode, struct file *file)
{
	/* misc_open() left the device here. */
	struct tx_isp_vendor *vendor =
		container_of(file->private_data, struct tx_isp_vendor, device);
	struct tx_isp *isp = vendor->isp;

	file->private_data = vendor;
	mutex_lock(&isp->core_lock);
	tx_isp_vendor_open(vendor->front);
	mutex_unlock(&isp->core_lock);
	v4l2_device_get(&isp->v4l2_dev);
	return 0;
}

static int tx_isp_node_release(struct inode *inode, struct file *file)
{
	struct tx_isp_vendor *vendor = file->private_data;
	struct tx_isp *isp = vendor->isp;

	mutex_lock(&isp->core_lock);
	tx_isp_give_up_if_panicked(isp);
	if (tx_isp_vendor_is_last(vendor->front))
		tx_isp_vendor_stop_all(vendor);
	if (isp->core_ready)
		tx_isp_vendor_close(vendor->front, isp->core);
	tx_isp_vendor_release_noise_reduction(vendor);
	tx_isp_vendor_wake_all(vendor);
	mutex_unlock(&isp->core_lock);
	v4l2_device_put(&isp->v4l2_dev);
	return 0;
}

static const struct file_operations tx_isp_node_fops = {
	.owner = THIS_MODULE,
	.open = tx_isp_node_open,
	.release = tx_isp_node_release,
	.unlocked_ioctl = tx_isp_node_ioctl,
	.llseek = noop_llseek,
};

/* What the rest of the module asks */

bool tx_isp_vendor_owns(const struct tx_isp *isp, u32 channel)
{
	return isp->vendor && isp->vendor->channels[channel].opens;
}

bool tx_isp_vendor_streams(const struct tx_isp *isp)
{
	u32 channel;

	if (!isp->vendor)
		return false;
	for (channel = 0; channel < TX_ISP_CHANNELS; channel++)
		if (tx_isp_vendor_channel_started(isp->vendor->front, channel))
			return true;
	return false;
}

bool tx_isp_vendor_complete(struct tx_isp *isp, const struct tx_isp_completed *done)
{
	struct tx_isp_vendor *vendor = isp->vendor;
	struct tx_isp_vendor_channel *channel;

	if (!vendor || !tx_isp_vendor_channel_started(vendor->front, done->channel))
		return false;
	channel = &vendor->channels[done->channel];
	vendor->frames++;
	/* The vendor's time stamps are of the raw clock. */
	tx_isp_vendor_finish(vendor->front, isp->core, done->channel, done->index, done->intact,
			     ktime_get_raw_ns());
	tx_isp_vendor_release_idle(channel);
	tx_isp_vendor_wake(channel);
	return true;
}

void tx_isp_vendor_give_up(struct tx_isp *isp)
{
	if (!isp->vendor)
		return;
	tx_isp_vendor_abandon(isp->vendor->front);
	tx_isp_vendor_release_noise_reduction(isp->vendor);
	tx_isp_vendor_wake_all(isp->vendor);
}

void tx_isp_vendor_provoke_panic(struct tx_isp *isp)
{
	if (!isp->vendor)
		return;
	mutex_lock(&isp->core_lock);
	/* There is no such channel. */
	tx_isp_vendor_channel_runs(isp->vendor->front, TX_ISP_CHANNELS);
	mutex_unlock(&isp->core_lock);
}

/* Coming and going */

static int tx_isp_vendor_register_nodes(struct tx_isp_vendor *vendor)
{
	int ret;

	vendor->device.minor = MISC_DYNAMIC_MINOR;
	vendor->device.name = "tx-isp";
	vendor->device.fops = &tx_isp_node_fops;
	vendor->device.mode = 0600;
	ret = misc_register(&vendor->device);
	if (ret)
		return ret;
	ret = tx_isp_vendor_tuning_register(vendor);
	if (ret)
		goto remove_isp;
	ret = tx_isp_vendor_encoder_register(vendor);
	if (ret)
		goto remove_tuning;
	ret = tx_isp_vendor_mem_register(vendor);
	if (ret)
		goto remove_encoder;
	ret = tx_isp_vendor_channels_register(vendor);
	if (ret)
		goto remove_mem;
	ret = tx_isp_vendor_proc_create(vendor);
	if (!ret)
		return 0;
	tx_isp_vendor_channels_unregister(vendor);
remove_mem:
	tx_isp_vendor_mem_unregister(vendor);
remove_encoder:
	misc_deregister(&vendor->encoder.device);
remove_tuning:
	misc_deregister(&vendor->tuning);
remove_isp:
	misc_deregister(&vendor->device);
	return ret;
}

int tx_isp_vendor_register(struct tx_isp *isp)
{
	struct tx_isp_vendor *state;
	bool wants_quirks = !strcmp(quirks, "vendor");
	int ret;

	if (!vendor)
		return 0;
	if (!wants_quirks && strcmp(quirks, "none")) {
		pr_err("tx-isp: quirks=%s is unknown: there are none and vendor\n", quirks);
		return -EINVAL;
	}
	if (isp_memopt > 1) {
		pr_err("tx-isp: isp_memopt=%u is unknown: there are 0 and 1\n", isp_memopt);
		return -EINVAL;
	}
	state = kvzalloc(sizeof(*state), GFP_KERNEL);
	if (!state)
		return -ENOMEM;
	state->front = kvzalloc(tx_isp_front_size(), GFP_KERNEL);
	if (!state->front) {
		kvfree(state);
		return -ENOMEM;
	}
	state->isp = isp;
	state->quirks = wants_quirks;
	ret = tx_isp_front_create(state->front, isp_memopt, wants_quirks, answers, strlen(answers));
	if (ret) {
		kvfree(state->front);
		kvfree(state);
		return ret;
	}
	mutex_lock(&isp->core_lock);
	isp->vendor = state;
	mutex_unlock(&isp->core_lock);
	ret = tx_isp_vendor_register_nodes(state);
	if (ret) {
		mutex_lock(&isp->core_lock);
		isp->vendor = NULL;
		mutex_unlock(&isp->core_lock);
		kvfree(state->front);
		kvfree(state);
		return ret;
	}
	pr_info("tx-isp: the vendor's nodes are there: isp_memopt=%u isp_clk=%u quirks=%s\n",
		isp_memopt, isp_clk, quirks);
	return 0;
}

void tx_isp_vendor_unregister(struct tx_isp *isp)
{
	struct tx_isp_vendor *vendor = isp->vendor;

	if (!vendor)
		return;
	proc_remove(vendor->proc);
	tx_isp_vendor_channels_unregister(vendor);
	tx_isp_vendor_mem_unregister(vendor);
	misc_deregister(&vendor->encoder.device);
	misc_deregister(&vendor->tuning);
	misc_deregister(&vendor->device);
}

void tx_isp_vendor_free(struct tx_isp *isp)
{
	if (!isp->vendor)
		return;
	tx_isp_vendor_memory_put(isp->vendor->noise_reduction);
	tx_isp_vendor_tuning_free(isp->vendor);
	kvfree(isp->vendor->front);
	kvfree(isp->vendor);
	isp->vendor = NULL;
}
