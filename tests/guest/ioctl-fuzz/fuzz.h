/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hostile program: random calls on all of the driver's nodes, from several processes and threads at
 * once. What it does follows from its seed.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Memory that is offered as buffers: blocks of so many bytes. */
#define LENT 6
#define LENT_BYTES (160 * 128 * 2)
/* Memory of the same process that is offered to nobody. */
#define KEPT_BYTES (1 << 20)
/* Largest argument of an ioctl. */
#define ARGUMENT_BYTES 512

/* Nodes that are tried; a node that is not there is left out. */
enum node {
	VIDEO,
	SUBDEV,
	RMEM,
	MEDIA,
	VENDOR_ISP,
	VENDOR_CHANNEL,
	VENDOR_TUNING,
	VENDOR_ENCODER,
	NODES,
};

/* What the threads of a process share. */
struct arena {
	uint8_t *lent[LENT];
	uint8_t *kept;
	/* The carve-out; 0 bytes if there is none. */
	uint32_t base, bytes;
};

struct random {
	uint64_t state;
};

uint32_t any(struct random *random);
/* 0 to below - 1. */
uint32_t below(struct random *random, uint32_t below);
static inline bool one_in(struct random *random, uint32_t count)
{
	return below(random, count) == 0;
}

/* A value that drivers tend to stumble over, or one that is usual. */
uint32_t value(struct random *random, const struct arena *arena);

/* calls.c */
/* A number that a node knows, mostly, and an argument that makes sense, mostly. */
unsigned long pick(struct random *random, enum node node, const struct arena *arena,
		   uint8_t *argument);

#endif
