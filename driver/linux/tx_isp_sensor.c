// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sensor: its controls, its frame interval, and the part of its picture that a node shows.
 * There is one sensor: controls and interval are the same at every node, and change the picture of
 * all.
 */
#include <media/v4l2-ctrls.h>
#include <media/v4l2-dev.h>

#include "tx_isp.h"

/* Gain is given in this many parts of one. */
#define GAIN_UNITY 256

/* What a control of the pair is to be: the one that is set has a value, the other keeps its own. */
static s32 value_of(const struct v4l2_ctrl *control, const struct v4l2_ctrl *set)
{
	return control == set ? set->val : control->cur.val;
}

static int apply_sensor_control(struct tx_isp *isp, const struct v4l2_ctrl *control)
{
	switch (control->id) {
	case V4L2_CID_EXPOSURE:
		return tx_isp_core_set_exposure(isp->core, control->val);
	case V4L2_CID_GAIN:
		return tx_isp_core_set_gain(isp->core, control->val, GAIN_UNITY);
	default:
		return tx_isp_core_set_flips(isp->core, value_of(isp->mirror, control),
					     value_of(isp->flip, control));
	}
}

static int set_sensor_control(struct v4l2_ctrl *control)
{
	struct tx_isp *isp = container_of(control->handler, struct tx_isp, sensor_controls);
	int ret = 0;

	mutex_lock(&isp->core_lock);
	/* A sensor that is gone takes nothing; the values stay for whoever asks. */
	if (isp->core_ready)
		ret = apply_sensor_control(isp, control);
	mutex_unlock(&isp->core_lock);
	return ret;
}

static const struct v4l2_ctrl_ops sensor_control_ops = {
	.s_ctrl = set_sensor_control,
};

int tx_isp_sensor_create_controls(struct tx_isp *isp)
{
	struct v4l2_ctrl_handler *handler = &isp->sensor_controls;
	struct tx_isp_sensor_limits limits = {};

	mutex_lock(&isp->core_lock);
	tx_isp_core_sensor_limits(isp->core, GAIN_UNITY, &limits);
	mutex_unlock(&isp->core_lock);
	v4l2_ctrl_handler_init(handler, 4);
	isp->exposure = v4l2_ctrl_new_std(handler, &sensor_control_ops, V4L2_CID_EXPOSURE, 1,
					  limits.max_exposure, 1, limits.default_exposure);
	v4l2_ctrl_new_std(handler, &sensor_control_ops, V4L2_CID_GAIN, GAIN_UNITY, limits.max_gain,
			  1, GAIN_UNITY);
	isp->mirror = v4l2_ctrl_new_std(handler, &sensor_control_ops, V4L2_CID_HFLIP, 0, 1, 1, 0);
	isp->flip = v4l2_ctrl_new_std(handler, &sensor_control_ops, V4L2_CID_VFLIP, 0, 1, 1, 0);
	return handler->error;
}

static void fill_parameters(struct v4l2_streamparm *parm, struct v4l2_fract interval)
{
	struct v4l2_captureparm *capture = &parm->parm.capture;

	memset(capture, 0, sizeof(*capture));
	capture->capability = V4L2_CAP_TIMEPERFRAME;
	capture->readbuffers = TX_ISP_MIN_BUFFERS;
	capture->timeperframe = interval;
}

int tx_isp_get_parameters(struct file *file, void *fh, struct v4l2_streamparm *parm)
{
	struct tx_isp_video *video = video_drvdata(file);
	struct tx_isp *isp = video->isp;
	struct v4l2_fract interval = {};

	if (parm->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return -EINVAL;
	mutex_lock(&isp->core_lock);
	tx_isp_core_frame_interval(isp->core, &interval.numerator, &interval.denominator);
	mutex_unlock(&isp->core_lock);
	fill_parameters(parm, interval);
	return 0;
}

/* Nothing is exposed for longer than a frame lasts; what is set is shortened with it. */
static void tx_isp_limit_exposure(struct tx_isp *isp)
{
	struct v4l2_ctrl *exposure = isp->exposure;
	u32 max;

	mutex_lock(&isp->core_lock);
	max = tx_isp_core_max_exposure(isp->core);
	mutex_unlock(&isp->core_lock);
	if (max)
		v4l2_ctrl_modify_range(exposure, exposure->minimum, max, exposure->step,
				       min_t(s64, exposure->default_value, max));
}

/* The interval is the sensor's: it changes for every channel. */
int tx_isp_set_parameters(struct file *file, void *fh, struct v4l2_streamparm *parm)
{
	struct tx_isp_video *video = video_drvdata(file);
	struct tx_isp *isp = video->isp;
	struct v4l2_fract interval = {};
	int ret = -ENODEV;

	if (parm->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return -EINVAL;
	interval = parm->parm.capture.timeperframe;
	mutex_lock(&isp->core_lock);
	if (isp->core_ready)
		ret = tx_isp_core_set_frame_interval(isp->core, &interval.numerator,
						     &interval.denominator);
	mutex_unlock(&isp->core_lock);
	if (ret)
		return ret;
	tx_isp_limit_exposure(isp);
	fill_parameters(parm, interval);
	return 0;
}

static struct v4l2_rect to_v4l2(const struct tx_isp_rectangle *part)
{
	return (struct v4l2_rect){ part->left, part->top, part->width, part->height };
}

int tx_isp_get_part(struct tx_isp *isp, u32 channel, u32 target, struct v4l2_rect *rectangle)
{
	struct tx_isp_rectangle part = {};
	int ret = 0;

	mutex_lock(&isp->core_lock);
	switch (target) {
	case V4L2_SEL_TGT_CROP_DEFAULT:
	case V4L2_SEL_TGT_CROP_BOUNDS:
		tx_isp_core_sensor_size(isp->core, &part);
		break;
	case V4L2_SEL_TGT_CROP:
		tx_isp_core_source(isp->core, channel, &part);
		break;
	default:
		ret = -EINVAL;
	}
	mutex_unlock(&isp->core_lock);
	*rectangle = to_v4l2(&part);
	return ret;
}

/* Which part of the sensor's picture the node shows. */
int tx_isp_get_selection(struct file *file, void *fh, struct v4l2_selection *selection)
{
	struct tx_isp_video *video = video_drvdata(file);

	if (selection->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return -EINVAL;
	return tx_isp_get_part(video->isp, video->channel, selection->target, &selection->r);
}

/* Whether the part that is near keeps to what the flags ask for. */
static bool tx_isp_keeps_flags(u32 flags, const struct tx_isp_rectangle *part,
			       const struct v4l2_rect *wanted)
{
	if ((flags & V4L2_SEL_FLAG_GE) &&
	    (part->width < wanted->width || part->height < wanted->height))
		return false;
	return !(flags & V4L2_SEL_FLAG_LE) ||
	       (part->width <= wanted->width && part->height <= wanted->height);
}

int tx_isp_set_selection(struct file *file, void *fh, struct v4l2_selection *selection)
{
	struct tx_isp_video *video = video_drvdata(file);
	struct tx_isp_rectangle part;
	int ret = -ERANGE;

	if (selection->type != V4L2_BUF_TYPE_VIDEO_CAPTURE ||
	    selection->target != V4L2_SEL_TGT_CROP)
		return -EINVAL;
	if (vb2_is_busy(&video->queue) || tx_isp_vendor_owns(video->isp, video->channel))
		return -EBUSY;
	part = (struct tx_isp_rectangle){
		.left = max(selection->r.left, 0),
		.top = max(selection->r.top, 0),
		.width = selection->r.width,
		.height = selection->r.height,
	};
	mutex_lock(&video->isp->core_lock);
	tx_isp_core_nearest_source(video->isp->core, video->channel, &part);
	if (tx_isp_keeps_flags(selection->flags, &part, &selection->r))
		ret = tx_isp_core_set_source(video->isp->core, video->channel, &part);
	mutex_unlock(&video->isp->core_lock);
	if (!ret)
		selection->r = to_v4l2(&part);
	return ret;
}
