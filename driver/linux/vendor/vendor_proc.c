// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/jz/isp: the vendor's files.
 */
#include <linux/mm.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "tx_isp_vendor.h"

/* The longest of them: three channels with 64 buffers each. */
#define TX_ISP_PROC_ROOM SZ_32K

/* In the order of Rust's File. */
static const char *const tx_isp_proc_names[TX_ISP_VENDOR_FILES] = {
	"isp-m0", "isp-fs", "isp-w00", "isp-w01", "isp-w02"
};

static int tx_isp_proc_show(struct seq_file *file, struct tx_isp_vendor *vendor, u32 number)
{
	struct tx_isp *isp = vendor->isp;
	u8 *text = kvmalloc(TX_ISP_PROC_ROOM, GFP_KERNEL);
	int ret;

	if (!text)
		return -ENOMEM;
	mutex_lock(&isp->core_lock);
	ret = tx_isp_vendor_ready(isp);
	if (!ret)
		ret = tx_isp_vendor_show(vendor->front, isp->core, number, vendor->frames, text,
					 TX_ISP_PROC_ROOM);
	mutex_unlock(&isp->core_lock);
	if (ret > 0)
		seq_write(file, text, ret);
	kvfree(text);
	return min(ret, 0);
}

static int tx_isp_proc_show_file(struct seq_file *file, void *unused)
{
	const struct tx_isp_vendor_file *opened = file->private;

	return tx_isp_proc_show(file, opened->vendor, opened->number);
}

static int tx_isp_proc_open(struct inode *inode, struct file *file)
{
	return single_open(file, tx_isp_proc_show_file, pde_data(inode));
}

/* The vendor's driver takes commands here; which, is decided in Rust. */
static ssize_t tx_isp_proc_write(struct file *file, const char __user *user, size_t bytes,
				 loff_t *position)
{
	const struct tx_isp_vendor_file *opened = pde_data(file_inode(file));
	char text[64] = "";
	int ret;

	if (copy_from_user(text, user, min(bytes, sizeof(text))))
		return -EFAULT;
	ret = tx_isp_vendor_store(opened->number, text, min(bytes, sizeof(text)));
	return ret ? ret : bytes;
}

static const struct proc_ops tx_isp_proc_fops = {
	.proc_open = tx_isp_proc_open,
	.proc_read = seq_read,
	.proc_write = tx_isp_proc_write,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
};

int tx_isp_vendor_proc_create(struct tx_isp_vendor *vendor)
{
	struct proc_dir_entry *isp;
	u32 number;

	if (vendor->isp->bus->has_proc_jz) {
		isp = proc_mkdir("jz/isp", NULL);
		vendor->proc = isp;
	} else {
		vendor->proc = proc_mkdir("jz", NULL);
		isp = vendor->proc ? proc_mkdir("isp", vendor->proc) : NULL;
	}
	if (!isp)
		goto remove;
	for (number = 0; number < ARRAY_SIZE(tx_isp_proc_names); number++) {
		vendor->files[number].vendor = vendor;
		vendor->files[number].number = number;
		if (!proc_create_data(tx_isp_proc_names[number], 0644, isp, &tx_isp_proc_fops,
				      &vendor->files[number]))
			goto remove;
	}
	return 0;
remove:
	proc_remove(vendor->proc);
	return -ENOMEM;
}
