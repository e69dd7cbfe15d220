// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a capture node: formats and sizes, the input, requests for buffers.
 */
#include <media/v4l2-event.h>
#include <media/v4l2-ioctl.h>

#include "tx_isp.h"

static struct tx_isp_video *tx_isp_to_video(struct file *file)
{
	return video_drvdata(file);
}

static void tx_isp_video_fill_format(struct v4l2_pix_format *pix,
				     const struct tx_isp_layout *layout)
{
	memset(pix, 0, sizeof(*pix));
	pix->width = layout->width;
	pix->height = layout->height;
	pix->pixelformat = layout->fourcc;
	pix->field = V4L2_FIELD_NONE;
	pix->bytesperline = layout->bytesperline;
	pix->sizeimage = layout->sizeimage;
	pix->colorspace = V4L2_COLORSPACE_SRGB;
	pix->ycbcr_enc = V4L2_YCBCR_ENC_601;
	pix->quantization = tx_isp_core_is_rgb(layout->fourcc) ? V4L2_QUANTIZATION_FULL_RANGE :
								 V4L2_QUANTIZATION_LIM_RANGE;
	pix->xfer_func = V4L2_XFER_FUNC_SRGB;
}

static int tx_isp_video_querycap(struct file *file, void *fh, struct v4l2_capability *cap)
{
	struct tx_isp_video *video = tx_isp_to_video(file);
	struct tx_isp *isp = video->isp;

	strscpy(cap->driver, "tx-isp", sizeof(cap->driver));
	snprintf(cap->card, sizeof(cap->card), "T31 ISP channel %u", video->channel);
	snprintf(cap->bus_info, sizeof(cap->bus_info), "%s:%s", isp->bus->name,
		 dev_name(isp->dma_device));
	return 0;
}

static int tx_isp_video_enum_format(struct file *file, void *fh, struct v4l2_fmtdesc *desc)
{
	u32 fourcc = tx_isp_core_format(desc->index);

	if (!fourcc)
		return -EINVAL;
	desc->pixelformat = fourcc;
	return 0;
}

static int tx_isp_video_get_format(struct file *file, void *fh, struct v4l2_format *format)
{
	struct tx_isp_layout layout = {};

	tx_isp_video_layout(tx_isp_to_video(file), &layout);
	tx_isp_video_fill_format(&format->fmt.pix, &layout);
	return 0;
}

static void tx_isp_video_nearest(struct tx_isp_video *video, struct v4l2_format *format,
				 struct tx_isp_layout *layout)
{
	layout->fourcc = format->fmt.pix.pixelformat;
	layout->width = format->fmt.pix.width;
	layout->height = format->fmt.pix.height;
	mutex_lock(&video->isp->core_lock);
	tx_isp_core_nearest(video->isp->core, video->channel, layout);
	mutex_unlock(&video->isp->core_lock);
	tx_isp_video_fill_format(&format->fmt.pix, layout);
}

static int tx_isp_video_try_format(struct file *file, void *fh, struct v4l2_format *format)
{
	struct tx_isp_layout layout = {};

	tx_isp_video_nearest(tx_isp_to_video(file), format, &layout);
	return 0;
}

static int tx_isp_video_set_format(struct file *file, void *fh, struct v4l2_format *format)
{
	struct tx_isp_video *video = tx_isp_to_video(file);
	struct tx_isp_layout layout = {};
	int ret;

	if (vb2_is_busy(&video->queue) || tx_isp_vendor_owns(video->isp, video->channel))
		return -EBUSY;
	tx_isp_video_nearest(video, format, &layout);
	mutex_lock(&video->isp->core_lock);
	ret = tx_isp_core_set_layout(video->isp->core, video->channel, &layout);
	mutex_unlock(&video->isp->core_lock);
	return ret;
}

static bool tx_isp_video_is_supported(u32 fourcc)
{
	u32 index, candidate;

	for (index = 0; (candidate = tx_isp_core_format(index)); index++)
		if (candidate == fourcc)
			return true;
	return false;
}

static int tx_isp_video_enum_frame_sizes(struct file *file, void *fh,
					 struct v4l2_frmsizeenum *sizes)
{
	struct tx_isp_video *video = tx_isp_to_video(file);
	struct tx_isp_limits limits = {};

	if (sizes->index || !tx_isp_video_is_supported(sizes->pixel_format))
		return -EINVAL;
	mutex_lock(&video->isp->core_lock);
	tx_isp_core_limits(video->isp->core, video->channel, &limits);
	mutex_unlock(&video->isp->core_lock);
	sizes->type = V4L2_FRMSIZE_TYPE_STEPWISE;
	sizes->stepwise.min_width = limits.min_width;
	sizes->stepwise.max_width = limits.max_width;
	sizes->stepwise.step_width = limits.step_width;
	sizes->stepwise.min_height = limits.min_height;
	sizes->stepwise.max_height = limits.max_height;
	sizes->stepwise.step_height = limits.step_height;
	return 0;
}

static int tx_isp_video_enum_frame_intervals(struct file *file, void *fh,
					     struct v4l2_frmivalenum *intervals)
{
	struct tx_isp_video *video = tx_isp_to_video(file);
	struct tx_isp_sensor_limits limits = {};
	struct tx_isp_layout layout = {
		.fourcc = intervals->pixel_format,
		.width = intervals->width,
		.height = intervals->height,
	};

	if (intervals->index || !tx_isp_video_is_supported(intervals->pixel_format))
		return -EINVAL;
	mutex_lock(&video->isp->core_lock);
	tx_isp_core_nearest(video->isp->core, video->channel, &layout);
	tx_isp_core_sensor_limits(video->isp->core, 1, &limits);
	mutex_unlock(&video->isp->core_lock);
	if (layout.width != intervals->width || layout.height != intervals->height)
		return -EINVAL;
	intervals->type = V4L2_FRMIVAL_TYPE_CONTINUOUS;
	intervals->stepwise.min = (struct v4l2_fract){ 1, limits.max_fps };
	intervals->stepwise.max = (struct v4l2_fract){ 1, limits.min_fps };
	intervals->stepwise.step = (struct v4l2_fract){ 1, 1 };
	return 0;
}

static int tx_isp_video_enum_input(struct file *file, void *fh, struct v4l2_input *input)
{
	struct tx_isp *isp = tx_isp_to_video(file)->isp;

	if (input->index)
		return -EINVAL;
	input->type = V4L2_INPUT_TYPE_CAMERA;
	mutex_lock(&isp->core_lock);
	tx_isp_core_sensor_name(isp->core, input->name, sizeof(input->name));
	mutex_unlock(&isp->core_lock);
	return 0;
}

static int tx_isp_video_get_input(struct file *file, void *fh, unsigned int *index)
{
	*index = 0;
	return 0;
}

static int tx_isp_video_set_input(struct file *file, void *fh, unsigned int index)
{
	return index ? -EINVAL : 0;
}

static int tx_isp_video_request_buffers(struct file *file, void *fh,
					struct v4l2_requestbuffers *request)
{
	int ret;

	tx_isp_video_drop_plan(tx_isp_to_video(file));
	ret = vb2_ioctl_reqbufs(file, fh, request);
	tx_isp_video_drop_plan(tx_isp_to_video(file));
	return ret;
}

static int tx_isp_video_create_buffers(struct file *file, void *fh,
				       struct v4l2_create_buffers *request)
{
	int ret;

	tx_isp_video_drop_plan(tx_isp_to_video(file));
	ret = vb2_ioctl_create_bufs(file, fh, request);
	tx_isp_video_drop_plan(tx_isp_to_video(file));
	return ret;
}

/*
 * What the driver knows, in the kernel's log: the node's controls, picture and queue, the counts.
 */
static int tx_isp_video_log_status(struct file *file, void *fh)
{
	struct tx_isp_video *video = tx_isp_to_video(file);
	struct device *dev = video->isp->v4l2_dev.dev;
	struct tx_isp_layout layout = {};
	struct tx_isp_health health = {};

	v4l2_ctrl_log_status(file, fh);
	tx_isp_video_layout(video, &layout);
	mutex_lock(&video->isp->core_lock);
	tx_isp_core_health(video->isp->core, &health);
	mutex_unlock(&video->isp->core_lock);
	dev_info(dev, "channel %u: %ux%u %p4cc, %s, %llu frames bounced\n", video->channel,
		 layout.width, layout.height, &layout.fourcc,
		 vb2_is_streaming(&video->queue) ? "streaming" : "stopped", video->bounced);
	dev_info(dev,
		 "damaged frames %u, lost interrupts %u, storms %u, restarts %u, resets %u, quarantined %u\n",
		 health.damaged_frames, health.lost_interrupts, health.storms, health.restarts,
		 health.recoveries + health.device_resets, health.quarantined);
	return 0;
}

const struct v4l2_ioctl_ops tx_isp_video_ioctl_ops = {
	.vidioc_log_status = tx_isp_video_log_status,
	.vidioc_querycap = tx_isp_video_querycap,
	.vidioc_enum_fmt_vid_cap = tx_isp_video_enum_format,
	.vidioc_g_fmt_vid_cap = tx_isp_video_get_format,
	.vidioc_try_fmt_vid_cap = tx_isp_video_try_format,
	.vidioc_s_fmt_vid_cap = tx_isp_video_set_format,
	.vidioc_enum_framesizes = tx_isp_video_enum_frame_sizes,
	.vidioc_enum_frameintervals = tx_isp_video_enum_frame_intervals,
	.vidioc_g_parm = tx_isp_get_parameters,
	.vidioc_s_parm = tx_isp_set_parameters,
	.vidioc_g_selection = tx_isp_get_selection,
	.vidioc_s_selection = tx_isp_set_selection,
	.vidioc_enum_input = tx_isp_video_enum_input,
	.vidioc_g_input = tx_isp_video_get_input,
	.vidioc_s_input = tx_isp_video_set_input,
	.vidioc_reqbufs = tx_isp_video_request_buffers,
	.vidioc_create_bufs = tx_isp_video_create_buffers,
	.vidioc_prepare_buf = vb2_ioctl_prepare_buf,
	.vidioc_querybuf = vb2_ioctl_querybuf,
	.vidioc_qbuf = vb2_ioctl_qbuf,
	.vidioc_dqbuf = vb2_ioctl_dqbuf,
	.vidioc_expbuf = vb2_ioctl_expbuf,
	.vidioc_streamon = vb2_ioctl_streamon,
	.vidioc_streamoff = vb2_ioctl_streamoff,
	.vidioc_subscribe_event = v4l2_ctrl_subscribe_event,
	.vidioc_unsubscribe_event = v4l2_event_unsubscribe,
};
