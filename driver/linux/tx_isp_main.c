// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bug.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/printk.h>

u64 tx_isp_selftest(u64 count);
void __noreturn tx_isp_panic(void);

void __noreturn tx_isp_panic(void)
{
	pr_emerg("tx-isp: Rust panic\n");
	BUG();
}

static int __init tx_isp_init(void)
{
	pr_info("tx-isp: selftest %llu\n", tx_isp_selftest(100));
	return 0;
}

static void __exit tx_isp_exit(void)
{
	pr_info("tx-isp: unloaded\n");
}

module_init(tx_isp_init);
module_exit(tx_isp_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Ingenic T31 ISP");
