// SPDX-License-Identifier: GPL-2.0-only
/*
 * A capture node: V4L2 and videobuf2 on one side, a channel of the ISP on the other.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <media/v4l2-event.h>
#include <media/v4l2-ioctl.h>

#include "tx_isp.h"

static struct tx_isp_video *to_video(struct file *file)
{
	return video_drvdata(file);
}

static void fill_format(struct v4l2_pix_format *pix, const struct tx_isp_layout *layout)
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

void tx_isp_video_layout(struct tx_isp_video *video, struct tx_isp_layout *layout)
{
	mutex_lock(&video->isp->core_lock);
	tx_isp_core_layout(video->isp->core, video->channel, layout);
	mutex_unlock(&video->isp->core_lock);
}

/* ioctls */

static int querycap(struct file *file, void *fh, struct v4l2_capability *cap)
{
	struct tx_isp_video *video = to_video(file);
	struct tx_isp *isp = video->isp;

	strscpy(cap->driver, "tx-isp", sizeof(cap->driver));
	snprintf(cap->card, sizeof(cap->card), "T31 ISP channel %u", video->channel);
	snprintf(cap->bus_info, sizeof(cap->bus_info), "%s:%s", isp->bus->name,
		 dev_name(isp->dma_device));
	return 0;
}

static int enum_format(struct file *file, void *fh, struct v4l2_fmtdesc *desc)
{
	u32 fourcc = tx_isp_core_format(desc->index);

	if (!fourcc)
		return -EINVAL;
	desc->pixelformat = fourcc;
	return 0;
}

static int get_format(struct file *file, void *fh, struct v4l2_format *format)
{
	struct tx_isp_layout layout = {};

	tx_isp_video_layout(to_video(file), &layout);
	fill_format(&format->fmt.pix, &layout);
	return 0;
}

static void nearest(struct tx_isp_video *video, struct v4l2_format *format,
		    struct tx_isp_layout *layout)
{
	layout->fourcc = format->fmt.pix.pixelformat;
	layout->width = format->fmt.pix.width;
	layout->height = format->fmt.pix.height;
	mutex_lock(&video->isp->core_lock);
	tx_isp_core_nearest(video->isp->core, video->channel, layout);
	mutex_unlock(&video->isp->core_lock);
	fill_format(&format->fmt.pix, layout);
}

static int try_format(struct file *file, void *fh, struct v4l2_format *format)
{
	struct tx_isp_layout layout = {};

	nearest(to_video(file), format, &layout);
	return 0;
}

static int set_format(struct file *file, void *fh, struct v4l2_format *format)
{
	struct tx_isp_video *video = to_video(file);
	struct tx_isp_layout layout = {};
	int ret;

	if (vb2_is_busy(&video->queue) || tx_isp_vendor_owns(video->isp, video->channel))
		return -EBUSY;
	nearest(video, format, &layout);
	mutex_lock(&video->isp->core_lock);
	ret = tx_isp_core_set_layout(video->isp->core, video->channel, &layout);
	mutex_unlock(&video->isp->core_lock);
	return ret;
}

static bool is_supported(u32 fourcc)
{
	u32 index, candidate;

	for (index = 0; (candidate = tx_isp_core_format(index)); index++)
		if (candidate == fourcc)
			return true;
	return false;
}

static int enum_frame_sizes(struct file *file, void *fh, struct v4l2_frmsizeenum *sizes)
{
	struct tx_isp_video *video = to_video(file);
	struct tx_isp_limits limits = {};

	if (sizes->index || !is_supported(sizes->pixel_format))
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

static int enum_frame_intervals(struct file *file, void *fh, struct v4l2_frmivalenum *intervals)
{
	struct tx_isp_video *video = to_video(file);
	struct tx_isp_sensor_limits limits = {};
	struct tx_isp_layout layout = {
		.fourcc = intervals->pixel_format,
		.width = intervals->width,
		.height = intervals->height,
	};

	if (intervals->index || !is_supported(intervals->pixel_format))
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

static int enum_input(struct file *file, void *fh, struct v4l2_input *input)
{
	struct tx_isp *isp = to_video(file)->isp;

	if (input->index)
		return -EINVAL;
	input->type = V4L2_INPUT_TYPE_CAMERA;
	mutex_lock(&isp->core_lock);
	tx_isp_core_sensor_name(isp->core, input->name, sizeof(input->name));
	mutex_unlock(&isp->core_lock);
	return 0;
}

static int get_input(struct file *file, void *fh, unsigned int *index)
{
	*index = 0;
	return 0;
}

static int set_input(struct file *file, void *fh, unsigned int index)
{
	return index ? -EINVAL : 0;
}

/* Forgets what was decided; blocks that were taken and not fetched go back. */
static void drop_plan(struct tx_isp_video *video)
{
	while (video->granted_next < video->granted_count)
		tx_isp_pool_free(video->isp, video->granted[video->granted_next++]);
	video->granted_next = 0;
	video->granted_count = 0;
	video->planned_count = 0;
	video->fetched = 0;
}

static int request_buffers(struct file *file, void *fh, struct v4l2_requestbuffers *request)
{
	int ret;

	drop_plan(to_video(file));
	ret = vb2_ioctl_reqbufs(file, fh, request);
	drop_plan(to_video(file));
	return ret;
}

static int create_buffers(struct file *file, void *fh, struct v4l2_create_buffers *request)
{
	int ret;

	drop_plan(to_video(file));
	ret = vb2_ioctl_create_bufs(file, fh, request);
	drop_plan(to_video(file));
	return ret;
}

/*
 * What the driver knows, in the kernel's log: the node's controls, picture and queue, the counts.
 */
static int tx_isp_log_status(struct file *file, void *fh)
{
	struct tx_isp_video *video = to_video(file);
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

static const struct v4l2_ioctl_ops ioctl_ops = {
	.vidioc_log_status = tx_isp_log_status,
	.vidioc_querycap = querycap,
	.vidioc_enum_fmt_vid_cap = enum_format,
	.vidioc_g_fmt_vid_cap = get_format,
	.vidioc_try_fmt_vid_cap = try_format,
	.vidioc_s_fmt_vid_cap = set_format,
	.vidioc_enum_framesizes = enum_frame_sizes,
	.vidioc_enum_frameintervals = enum_frame_intervals,
	.vidioc_g_parm = tx_isp_get_parameters,
	.vidioc_s_parm = tx_isp_set_parameters,
	.vidioc_g_selection = tx_isp_get_selection,
	.vidioc_s_selection = tx_isp_set_selection,
	.vidioc_enum_input = enum_input,
	.vidioc_g_input = get_input,
	.vidioc_s_input = set_input,
	.vidioc_reqbufs = request_buffers,
	.vidioc_create_bufs = create_buffers,
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

static long tx_isp_video_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	return tx_isp_has_panicked() ? -EIO : video_ioctl2(file, command, argument);
}

static const struct v4l2_file_operations file_ops = {
	.owner = THIS_MODULE,
	.open = v4l2_fh_open,
	.release = vb2_fop_release,
	.poll = vb2_fop_poll,
	.mmap = vb2_fop_mmap,
	.read = vb2_fop_read,
	.unlocked_ioctl = tx_isp_video_ioctl,
};

/* videobuf2 */

void tx_isp_video_request(struct tx_isp_video *video, struct tx_isp_request *request,
			  unsigned int count, unsigned int bytes, const char *owner)
{
	*request = (struct tx_isp_request){
		.strategy = video->strategy,
		.margin = video->isp->margin,
		.reserve = video->isp->reserve,
		.count = count,
		.bytes = PAGE_ALIGN(bytes),
		.alignment = PAGE_SIZE,
	};
	strscpy(request->owner, owner ? owner : video_device_node_name(&video->vdev),
		sizeof(request->owner));
}

int tx_isp_video_take(struct tx_isp_video *video)
{
	struct tx_isp *isp = video->isp;
	struct tx_isp_request request;
	int ret;

	if (!video->planned_count)
		return -ENOMEM;
	tx_isp_video_request(video, &request, video->planned_count, video->planned_bytes, NULL);
	video->planned_count = 0;
	mutex_lock(&isp->carve_out_lock);
	ret = tx_isp_carve_out_grant(isp->carve_out, &request, video->granted);
	mutex_unlock(&isp->carve_out_lock);
	schedule_work(&isp->pressure_work);
	if (ret < 0)
		return ret;
	video->granted_next = 0;
	video->granted_count = ret;
	return 0;
}

/* Decides how many MMAP buffers are granted. */
static int negotiate(struct tx_isp_video *video, unsigned int count, unsigned int bytes)
{
	struct tx_isp *isp = video->isp;
	struct tx_isp_request request;
	int ret;

	tx_isp_video_request(video, &request, count, bytes, NULL);
	if (!isp->carve_out)
		return tx_isp_grant_coherent(&request, tx_isp_available_coherent(request.bytes));
	mutex_lock(&isp->carve_out_lock);
	ret = tx_isp_carve_out_decide(isp->carve_out, &request);
	mutex_unlock(&isp->carve_out_lock);
	return ret;
}

/*
 * Called a second time if fewer buffers could be had than were granted: those are enough, then.
 * Nothing is taken here: the allocator does it.
 */
static int queue_setup(struct vb2_queue *queue, unsigned int *buffers, unsigned int *planes,
		       unsigned int sizes[], struct device *devices[])
{
	struct tx_isp_video *video = vb2_get_drv_priv(queue);
	struct tx_isp_layout layout = {};
	int granted;

	if (*planes && video->fetched && *buffers <= video->fetched)
		return 0;
	/* A channel has one front at a time. */
	if (tx_isp_vendor_owns(video->isp, video->channel))
		return -EBUSY;
	tx_isp_video_layout(video, &layout);
	if (!*planes) {
		*planes = 1;
		sizes[0] = layout.sizeimage;
	} else if (*planes != 1 || sizes[0] < layout.sizeimage) {
		return -EINVAL;
	}
	if (queue->memory != VB2_MEMORY_MMAP)
		return 0;
	drop_plan(video);
	video->planned_bytes = max(sizes[0], tx_isp_buffer_bytes(layout.fourcc, layout.width,
								 layout.height));
	granted = negotiate(video, *buffers, video->planned_bytes);
	if (granted < 0)
		return granted;
	video->planned_count = granted;
	*buffers = granted;
	return 0;
}

static int buf_prepare(struct vb2_buffer *vb)
{
	struct tx_isp_video *video = vb2_get_drv_priv(vb->vb2_queue);
	struct tx_isp *isp = video->isp;
	struct tx_isp_layout layout = {};
	int ret;

	tx_isp_video_layout(video, &layout);
	if (vb2_plane_size(vb, 0) < layout.sizeimage)
		return -EINVAL;
	mutex_lock(&isp->core_lock);
	ret = tx_isp_core_prepare(isp->core, video->channel, vb->index, tx_isp_memory_address(vb));
	mutex_unlock(&isp->core_lock);
	if (ret)
		return ret;
	vb2_set_plane_payload(vb, 0, layout.sizeimage);
	return 0;
}

/* The client takes a buffer back; what the chip wrote in its place goes to it now. */
static void buf_finish(struct vb2_buffer *vb)
{
	struct tx_isp_video *video = vb2_get_drv_priv(vb->vb2_queue);
	struct tx_isp *isp = video->isp;

	if (vb->state == VB2_BUF_STATE_DONE)
		tx_isp_bounce_copy(vb->planes[0].mem_priv);
	mutex_lock(&isp->core_lock);
	tx_isp_core_release(isp->core, video->channel, vb->index);
	mutex_unlock(&isp->core_lock);
}

static void buf_queue(struct vb2_buffer *vb)
{
	struct tx_isp_video *video = vb2_get_drv_priv(vb->vb2_queue);
	struct tx_isp *isp = video->isp;
	int ret;

	mutex_lock(&isp->core_lock);
	ret = tx_isp_core_queue(isp->core, video->channel, vb->index, tx_isp_memory_address(vb));
	mutex_unlock(&isp->core_lock);
	if (ret)
		vb2_queue_error(vb->vb2_queue);
}

/* A device that was reset for good writes nothing. */
static bool tx_isp_may_write(struct tx_isp *isp, const struct tx_isp_memory *memory)
{
	return !isp->given_up && tx_isp_core_may_write(isp->core, memory->address, memory->bytes);
}

/*
 * Gives every buffer that the driver holds back to videobuf2. The caller holds core_lock; the
 * channel has stopped. Of what the hardware may write all the same only the number goes back.
 */
static void return_buffers(struct vb2_queue *queue, enum vb2_buffer_state state)
{
	struct tx_isp_video *video = vb2_get_drv_priv(queue);
	struct tx_isp_memory *memory;
	struct vb2_buffer *vb;
	unsigned int index;

	for (index = 0; index < vb2_get_num_buffers(queue); index++) {
		vb = vb2_get_buffer(queue, index);
		if (!vb || vb->state != VB2_BUF_STATE_ACTIVE)
			continue;
		memory = vb->planes[0].mem_priv;
		if (tx_isp_may_write(video->isp, memory)) {
			tx_isp_memory_quarantine(memory);
			vb2_buffer_done(vb, VB2_BUF_STATE_ERROR);
		} else {
			vb2_buffer_done(vb, state);
		}
	}
}

static void leave_pipeline(struct tx_isp_video *video)
{
	if (video->in_pipeline)
		video_device_pipeline_stop(&video->vdev);
	video->in_pipeline = false;
}

static int start_streaming(struct vb2_queue *queue, unsigned int count)
{
	struct tx_isp_video *video = vb2_get_drv_priv(queue);
	struct tx_isp *isp = video->isp;
	bool is_complete;
	int ret;

	mutex_lock(&isp->core_lock);
	is_complete = isp->graph_complete;
	mutex_unlock(&isp->core_lock);
	/* Checks that all formats of the graph fit. */
	ret = is_complete ? video_device_pipeline_start(&video->vdev, &isp->pipeline) : -ENODEV;
	video->in_pipeline = !ret;
	mutex_lock(&isp->core_lock);
	if (!ret)
		ret = isp->core_ready ? tx_isp_core_stream_on(isp->core, video->channel) : -ENODEV;
	if (ret) {
		tx_isp_core_take_back(isp->core, video->channel);
		tx_isp_give_up_if_panicked(isp);
		return_buffers(queue, VB2_BUF_STATE_QUEUED);
	}
	mutex_unlock(&isp->core_lock);
	if (ret)
		leave_pipeline(video);
	return ret;
}

static void stop_streaming(struct vb2_queue *queue)
{
	struct tx_isp_video *video = vb2_get_drv_priv(queue);
	struct tx_isp *isp = video->isp;

	mutex_lock(&isp->core_lock);
	if (isp->core_ready)
		tx_isp_core_stop_begin(isp->core, video->channel);
	while (isp->core_ready && tx_isp_core_stop_step(isp->core, video->channel)) {
		/* The other channels go on meanwhile. */
		mutex_unlock(&isp->core_lock);
		fsleep(1000);
		mutex_lock(&isp->core_lock);
	}
	tx_isp_give_up_if_panicked(isp);
	return_buffers(queue, VB2_BUF_STATE_ERROR);
	mutex_unlock(&isp->core_lock);
	leave_pipeline(video);
}

static const struct vb2_ops queue_ops = {
	.queue_setup = queue_setup,
	.buf_prepare = buf_prepare,
	.buf_finish = buf_finish,
	.buf_queue = buf_queue,
	.start_streaming = start_streaming,
	.stop_streaming = stop_streaming,
#ifdef TX_ISP_QUEUE_LETS_GO
	.wait_prepare = vb2_ops_wait_prepare,
	.wait_finish = vb2_ops_wait_finish,
#endif
};

/* A frame is in memory. The caller holds core_lock, so the queue cannot stop meanwhile. */
void tx_isp_video_complete(struct tx_isp_video *video, const struct tx_isp_completed *done,
			   u64 time)
{
	struct vb2_buffer *vb = vb2_get_buffer(&video->queue, done->index);
	struct vb2_v4l2_buffer *buffer = to_vb2_v4l2_buffer(vb);

	vb->timestamp = time;
	buffer->sequence = done->sequence;
	buffer->field = V4L2_FIELD_NONE;
	vb2_buffer_done(vb, done->intact ? VB2_BUF_STATE_DONE : VB2_BUF_STATE_ERROR);
}

static const struct media_entity_operations entity_ops = {
	.link_validate = tx_isp_video_link_validate,
};

static void video_release(struct video_device *vdev)
{
	struct tx_isp_video *video = video_get_drvdata(vdev);

	v4l2_device_put(&video->isp->v4l2_dev);
}

int tx_isp_video_init(struct tx_isp *isp, u32 channel, u32 strategy)
{
	struct tx_isp_video *video = &isp->videos[channel];
	struct vb2_queue *queue = &video->queue;
	struct video_device *vdev = &video->vdev;
	int ret;

	video->isp = isp;
	video->channel = channel;
	video->strategy = strategy;
	mutex_init(&video->lock);
	ret = tx_isp_video_create_controls(video);
	if (ret)
		goto free_controls;

	queue->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	queue->io_modes = tx_isp_video_io_modes(video);
	queue->drv_priv = video;
	queue->buf_struct_size = sizeof(struct vb2_v4l2_buffer);
	queue->ops = &queue_ops;
	queue->mem_ops = &tx_isp_mem_ops;
	queue->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | V4L2_BUF_FLAG_TSTAMP_SRC_EOF;
	tx_isp_queue_needs(queue, TX_ISP_MIN_BUFFERS);
	queue->lock = &video->lock;
	ret = vb2_queue_init(queue);
	if (ret)
		goto free_controls;
	tx_isp_queue_takes(queue, TX_ISP_MIN_BUFFERS);

	video->pad.flags = MEDIA_PAD_FL_SINK;
	vdev->entity.ops = &entity_ops;
	ret = media_entity_pads_init(&vdev->entity, 1, &video->pad);
	if (ret)
		goto free_controls;
	snprintf(vdev->name, sizeof(vdev->name), "tx-isp channel %u", channel);
	vdev->v4l2_dev = &isp->v4l2_dev;
	vdev->fops = &file_ops;
	vdev->ioctl_ops = &ioctl_ops;
	vdev->release = video_release;
	vdev->lock = &video->lock;
	vdev->queue = queue;
	vdev->ctrl_handler = &video->controls;
	vdev->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING | V4L2_CAP_READWRITE;
	video_set_drvdata(vdev, video);
	return 0;

free_controls:
	v4l2_ctrl_handler_free(&video->controls);
	return ret;
}

int tx_isp_video_register(struct tx_isp_video *video)
{
	int ret;

	v4l2_device_get(&video->isp->v4l2_dev);
	ret = video_register_device(&video->vdev, VFL_TYPE_VIDEO, video->channel);
	if (ret)
		v4l2_device_put(&video->isp->v4l2_dev);
	return ret;
}

void tx_isp_video_unregister(struct tx_isp_video *video)
{
	vb2_video_unregister_device(&video->vdev);
}
