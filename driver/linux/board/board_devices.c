// SPDX-License-Identifier: GPL-2.0-only
/*
 * The platform devices of the ISP, by the vendor's names and with its resources (T31 1.1, 1.2), and
 * the folder in which its drivers have their files.
 */
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/platform_device.h>

#include "board.h"

static bool platform_devices = true;
module_param(platform_devices, bool, 0444);
MODULE_PARM_DESC(platform_devices,
		 "make the ISP's platform devices; N for a driver that makes them itself (Y)");

static const struct resource isp_m0[] = {
	DEFINE_RES_MEM_NAMED(0x13300000, 0x10000, "isp-device"),
	DEFINE_RES_IRQ_NAMED(BOARD_IRQ(BOARD_SOURCE_ISP), "isp-irq"),
};

static const struct resource isp_w02[] = {
	DEFINE_RES_MEM_NAMED(0x133e0000, 0x10000, "isp-device"),
	DEFINE_RES_IRQ_NAMED(BOARD_IRQ(BOARD_SOURCE_VIC), "isp-irq"),
};

static const struct resource isp_w01[] = {
	DEFINE_RES_MEM_NAMED(0x10023000, 0x1000, "isp-device"),
};

static const struct {
	const char *name;
	const struct resource *resources;
	unsigned int count;
} board_devices[] = {
	{ "isp-m0", isp_m0, ARRAY_SIZE(isp_m0) },
	{ "isp-w02", isp_w02, ARRAY_SIZE(isp_w02) },
	{ "isp-w01", isp_w01, ARRAY_SIZE(isp_w01) },
	{ "isp-w00", NULL, 0 },
	{ "isp-fs", NULL, 0 },
};

static struct platform_device *made[ARRAY_SIZE(board_devices)];
static struct proc_dir_entry *proc_jz;

/* A folder of that name in /proc/jz; the caller removes it. */
struct proc_dir_entry *jz_proc_mkdir(char *name)
{
	return proc_jz ? proc_mkdir(name, proc_jz) : NULL;
}
EXPORT_SYMBOL(jz_proc_mkdir);

/* The carve-out for raw pictures (ispmem= on a T31's command line), which no camera here has. */
unsigned long ispmem_base;
EXPORT_SYMBOL(ispmem_base);
unsigned long ispmem_size;
EXPORT_SYMBOL(ispmem_size);

int board_devices_init(struct board *board)
{
	int i;

	proc_jz = proc_mkdir("jz", NULL);
	if (!proc_jz)
		return -ENOMEM;
	for (i = 0; platform_devices && i < ARRAY_SIZE(board_devices); i++) {
		struct platform_device_info info = {
			.parent = &board->pci->dev,
			.name = board_devices[i].name,
			.id = PLATFORM_DEVID_NONE,
			.res = board_devices[i].resources,
			.num_res = board_devices[i].count,
			.dma_mask = DMA_BIT_MASK(32),
		};
		struct platform_device *device = platform_device_register_full(&info);

		if (IS_ERR(device)) {
			board_devices_exit();
			return dev_err_probe(&board->pci->dev, PTR_ERR(device), "no device %s\n",
					     info.name);
		}
		made[i] = device;
	}
	return 0;
}

void board_devices_exit(void)
{
	int i;

	for (i = ARRAY_SIZE(made) - 1; i >= 0; i--) {
		platform_device_unregister(made[i]);
		made[i] = NULL;
	}
	proc_remove(proc_jz);
	proc_jz = NULL;
}
