/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/rmem for C programs. The meaning of each field is documented in abi/src/rmem.rs, whose tests
 * hold the numbers.
 */
#ifndef TX_ISP_RMEM_UAPI_H
#define TX_ISP_RMEM_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define RMEM_OWNER_BYTES 16

struct rmem_query {
	__u32 base;
	__u32 total;
	__u32 free;
	__u32 largest;
	__u32 reserved;
};

struct rmem_block {
	__u32 index;
	__u32 address;
	__u32 bytes;
	__u32 used;
	__u8 owner[RMEM_OWNER_BYTES];
};

struct rmem_allocate {
	__u32 bytes;
	__u32 alignment;
	__u8 owner[RMEM_OWNER_BYTES];
	__u32 address;
};

struct rmem_reserve {
	__u32 bytes;
	__u32 alignment;
	__u8 owner[RMEM_OWNER_BYTES];
};

struct rmem_export {
	__u32 address;
	__s32 fd;
};

struct rmem_cache {
	__u32 address;
	__u32 bytes;
	__u32 direction;
};

#define RMEM_CACHE _IOWR('r', 0x00, struct rmem_cache)
#define RMEM_QUERY _IOR('r', 0x10, struct rmem_query)
#define RMEM_BLOCK _IOWR('r', 0x11, struct rmem_block)
#define RMEM_ALLOCATE _IOWR('r', 0x12, struct rmem_allocate)
#define RMEM_FREE _IOW('r', 0x13, __u32)
#define RMEM_RESERVE _IOW('r', 0x14, struct rmem_reserve)
#define RMEM_EXPORT _IOWR('r', 0x15, struct rmem_export)

#endif
