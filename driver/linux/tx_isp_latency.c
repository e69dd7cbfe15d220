// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long answers of the chip were waited for, counted in buckets: see tx_isp.h.
 */
#include "tx_isp.h"

/* The opposite of tx_isp_latency_from(). */
static unsigned int tx_isp_latency_bucket(u64 ns)
{
	u32 time = min_t(u64, ns, U32_MAX);
	int shift = fls(time) - TX_ISP_LATENCY_BITS - 1;

	if (shift < 0)
		return time;
	return (shift << TX_ISP_LATENCY_BITS) + (time >> shift);
}

u64 tx_isp_latency_from(unsigned int bucket)
{
	unsigned int row = bucket >> TX_ISP_LATENCY_BITS;
	u64 column = bucket & (BIT(TX_ISP_LATENCY_BITS) - 1);

	return row ? (column + BIT(TX_ISP_LATENCY_BITS)) << (row - 1) : column;
}

void tx_isp_latency_count(struct tx_isp *isp, u64 ns)
{
	isp->latency[tx_isp_latency_bucket(ns)]++;
}
