// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether memory for buffers is short: in the carve-out, or in the system's memory where there is
 * none. What the kernel knows of tasks that wait for memory, it tells in /proc/pressure, not to
 * modules.
 */
#include <linux/mm.h>

#include "tx_isp.h"

/* What there is. How many buffers could be had of system memory is counted for each size. */
static void measure(struct tx_isp *isp, struct tx_isp_pool_state *state)
{
	struct sysinfo memory;

	if (isp->carve_out) {
		mutex_lock(&isp->carve_out_lock);
		tx_isp_carve_out_state(isp->carve_out, state);
		mutex_unlock(&isp->carve_out_lock);
		return;
	}
	si_meminfo(&memory);
	*state = (struct tx_isp_pool_state){
		.total = memory.totalram * memory.mem_unit,
		.free = si_mem_available() * PAGE_SIZE,
		.largest = 0,
	};
}

static bool is_short(struct tx_isp_video *video, const struct tx_isp_pool_state *state, u32 *bytes)
{
	struct tx_isp_pool_state largest = {};
	struct tx_isp_layout layout = {};

	tx_isp_video_layout(video, &layout);
	*bytes = PAGE_ALIGN(layout.sizeimage);
	if (!video->isp->carve_out) {
		largest.largest =
			min_t(u64, U32_MAX, (u64)tx_isp_available_coherent(*bytes) * *bytes);
		state = &largest;
	}
	return tx_isp_is_pressure(state, video->isp->margin, video->isp->reserve, *bytes);
}

void tx_isp_pressure_update(struct work_struct *work)
{
	struct tx_isp *isp = container_of(work, struct tx_isp, pressure_work);
	struct tx_isp_pool_state state = {};
	u32 channel, bytes;

	measure(isp, &state);
	for (channel = 0; channel < TX_ISP_CHANNELS; channel++)
		v4l2_ctrl_s_ctrl(isp->videos[channel].pressure,
				 is_short(&isp->videos[channel], &state, &bytes));
}

void tx_isp_pressure_show(struct seq_file *file, struct tx_isp *isp)
{
	struct tx_isp_pool_state state = {};
	u32 channel, bytes;
	bool pressure;

	measure(isp, &state);
	seq_printf(file, "%s: total %u available %u",
		   isp->carve_out ? "carve-out" : "system memory", state.total, state.free);
	if (isp->carve_out)
		seq_printf(file, " largest %u", state.largest);
	seq_putc(file, '\n');
	for (channel = 0; channel < TX_ISP_CHANNELS; channel++) {
		pressure = is_short(&isp->videos[channel], &state, &bytes);
		seq_printf(file, "%s: buffers of %u, %s\n",
			   video_device_node_name(&isp->videos[channel].vdev), bytes,
			   pressure ? "pressure" : "none");
	}
}
