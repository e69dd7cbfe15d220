// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/jz/isp: the vendor's files.
 */
#include <linux/mm.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include "tx_isp_vendor.h"

/* The longest of them: three channels with 64 buffers each. */
#define ROOM SZ_32K

/* In the order of Rust's File. */
static const char *const names[] = { "isp-m0", "isp-fs", "isp-w00", "isp-w01", "isp-w02" };

static int proc_show(struct seq_file *file, u32 number)
{
	struct tx_isp_vendor *vendor = file->private;
	struct tx_isp *isp = vendor->isp;
	u8 *text = kvmalloc(ROOM, GFP_KERNEL);
	int ret = -ENODEV;

	if (!text)
		return -ENOMEM;
	mutex_lock(&isp->core_lock);
	if (isp->core_ready)
		ret = tx_isp_vendor_show(vendor->front, isp->core, number, vendor->frames, text, ROOM);
	mutex_unlock(&isp->core_lock);
	if (ret > 0)
		seq_write(file, text, ret);
	kvfree(text);
	return min(ret, 0);
}

#define PROC_FILE(number)                                                                      \
	static int proc_show_##number(struct seq_file *file, void *unused)                     \
	{                                                                                      \
		return proc_show(file, number);                                                \
	}

PROC_FILE(0)
PROC_FILE(1)
PROC_FILE(2)
PROC_FILE(3)
PROC_FILE(4)

int tx_isp_vendor_proc_create(struct tx_isp_vendor *vendor)
{
	static int (*const shows[])(struct seq_file *file, void *unused) = {
		proc_show_0, proc_show_1, proc_show_2, proc_show_3, proc_show_4,
	};
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
	for (number = 0; number < ARRAY_SIZE(names); number++)
		if (!proc_create_single_data(names[number], 0444, isp, shows[number], vendor))
			goto remove;
	return 0;
remove:
	proc_remove(vendor->proc);
	return -ENOMEM;
}
