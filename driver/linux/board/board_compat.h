/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kernels call differently, from 6.1 to 7.3. The rest of the module is written for the newest.
 */
#ifndef BOARD_COMPAT_H
#define BOARD_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
/* gpio_chip.set has no result. */
#define BOARD_GPIO_SET_TELLS_NOTHING
#endif

#endif
