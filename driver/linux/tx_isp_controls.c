// SPDX-License-Identifier: GPL-2.0-only
/*
 * A node's own controls: who allocates its buffers, whether memory is short, and where the chroma
 * plane begins.
 */
#include "tx_isp.h"

#define CID_STRATEGY (V4L2_CID_USER_BASE | 0x1f00)
#define CID_PRESSURE (V4L2_CID_USER_BASE | 0x1f01)
#define CID_ALIGN_CHROMA (V4L2_CID_USER_BASE | 0x1f02)

static const char *const strategy_names[] = { "Driver", "Client", "Hybrid", NULL };

unsigned int tx_isp_video_io_modes(const struct tx_isp_video *video)
{
	u32 strategy = video->strategy;

	return (tx_isp_strategy_accepts(strategy, V4L2_MEMORY_MMAP) ? VB2_MMAP | VB2_READ : 0) |
	       (tx_isp_strategy_accepts(strategy, V4L2_MEMORY_USERPTR) ? VB2_USERPTR : 0) |
	       (tx_isp_strategy_accepts(strategy, V4L2_MEMORY_DMABUF) ? VB2_DMABUF : 0);
}

static int set_strategy(struct tx_isp_video *video, u32 strategy)
{
	if (strategy == video->strategy)
		return 0;
	if (vb2_is_busy(&video->queue) || tx_isp_vendor_owns(video->isp, video->channel))
		return -EBUSY;
	video->strategy = strategy;
	video->queue.io_modes = tx_isp_video_io_modes(video);
	return 0;
}

static int align_chroma(struct tx_isp_video *video, bool aligned)
{
	struct tx_isp *isp = video->isp;
	int ret;

	if (vb2_is_busy(&video->queue) || tx_isp_vendor_owns(video->isp, video->channel))
		return -EBUSY;
	mutex_lock(&isp->core_lock);
	ret = tx_isp_core_align_chroma(isp->core, video->channel, aligned);
	mutex_unlock(&isp->core_lock);
	return ret;
}

static int set_control(struct v4l2_ctrl *control)
{
	struct tx_isp_video *video = container_of(control->handler, struct tx_isp_video, controls);

	switch (control->id) {
	case CID_STRATEGY:
		return set_strategy(video, control->val);
	case CID_ALIGN_CHROMA:
		return align_chroma(video, control->val);
	default:
		return -EINVAL;
	}
}

static const struct v4l2_ctrl_ops control_ops = {
	.s_ctrl = set_control,
};

int tx_isp_video_create_controls(struct tx_isp_video *video)
{
	const struct v4l2_ctrl_config strategy = {
		.ops = &control_ops,
		.id = CID_STRATEGY,
		.name = "Buffer Allocation Strategy",
		.type = V4L2_CTRL_TYPE_MENU,
		.max = ARRAY_SIZE(strategy_names) - 2,
		.def = video->strategy,
		.qmenu = strategy_names,
	};
	const struct v4l2_ctrl_config pressure = {
		.id = CID_PRESSURE,
		.name = "Memory Pressure",
		.type = V4L2_CTRL_TYPE_BOOLEAN,
		.flags = V4L2_CTRL_FLAG_READ_ONLY,
		.max = 1,
		.step = 1,
	};
	const struct v4l2_ctrl_config align_chroma = {
		.ops = &control_ops,
		.id = CID_ALIGN_CHROMA,
		.name = "Align Chroma Plane to 16 Lines",
		.type = V4L2_CTRL_TYPE_BOOLEAN,
		.max = 1,
		.step = 1,
	};

	v4l2_ctrl_handler_init(&video->controls, 3);
	v4l2_ctrl_new_custom(&video->controls, &strategy, NULL);
	v4l2_ctrl_new_custom(&video->controls, &align_chroma, NULL);
	video->pressure = v4l2_ctrl_new_custom(&video->controls, &pressure, NULL);
	v4l2_ctrl_add_handler(&video->controls, &video->isp->sensor_controls, NULL, false);
	return video->controls.error;
}
