// SPDX-License-Identifier: GPL-2.0-only
/*
 * The buffer queue of a capture node: videobuf2 on one side, a channel of the ISP on the other.
 */
#include <linux/delay.h>

#include "tx_isp.h"

void tx_isp_video_drop_plan(struct tx_isp_video *video)
{
	while (video->granted_next < video->granted_count)
		tx_isp_pool_free(video->isp, video->granted[video->granted_next++]);
	video->granted_next = 0;
	video->granted_count = 0;
	video->planned_count = 0;
	video->fetched = 0;
}

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
static int tx_isp_video_negotiate(struct tx_isp_video *video, unsigned int count,
				  unsigned int bytes)
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
static int tx_isp_video_queue_setup(struct vb2_queue *queue, unsigned int *buffers,
				    unsigned int *planes, unsigned int sizes[],
				    struct device *devices[])
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
	tx_isp_video_drop_plan(video);
	video->planned_bytes = max(sizes[0], tx_isp_buffer_bytes(layout.fourcc, layout.width,
								 layout.height));
	granted = tx_isp_video_negotiate(video, *buffers, video->planned_bytes);
	if (granted < 0)
		return granted;
	video->planned_count = granted;
	*buffers = granted;
	return 0;
}

static int tx_isp_video_buf_prepare(struct vb2_buffer *vb)
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
static void tx_isp_video_buf_finish(struct vb2_buffer *vb)
{
	struct tx_isp_video *video = vb2_get_drv_priv(vb->vb2_queue);
	struct tx_isp *isp = video->isp;

	if (vb->state == VB2_BUF_STATE_DONE)
		tx_isp_bounce_copy(vb->planes[0].mem_priv);
	mutex_lock(&isp->core_lock);
	tx_isp_core_release(isp->core, video->channel, vb->index);
	mutex_unlock(&isp->core_lock);
}

static void tx_isp_video_buf_queue(struct vb2_buffer *vb)
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
static void tx_isp_video_return_buffers(struct vb2_queue *queue, enum vb2_buffer_state state)
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

static void tx_isp_video_leave_pipeline(struct tx_isp_video *video)
{
	if (video->in_pipeline)
		video_device_pipeline_stop(&video->vdev);
	video->in_pipeline = false;
}

static int tx_isp_video_start_streaming(struct vb2_queue *queue, unsigned int count)
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
		tx_isp_video_return_buffers(queue, VB2_BUF_STATE_QUEUED);
	}
	mutex_unlock(&isp->core_lock);
	if (ret)
		tx_isp_video_leave_pipeline(video);
	return ret;
}

static void tx_isp_video_stop_streaming(struct vb2_queue *queue)
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
	tx_isp_video_return_buffers(queue, VB2_BUF_STATE_ERROR);
	mutex_unlock(&isp->core_lock);
	tx_isp_video_leave_pipeline(video);
}

const struct vb2_ops tx_isp_video_queue_ops = {
	.queue_setup = tx_isp_video_queue_setup,
	.buf_prepare = tx_isp_video_buf_prepare,
	.buf_finish = tx_isp_video_buf_finish,
	.buf_queue = tx_isp_video_buf_queue,
	.start_streaming = tx_isp_video_start_streaming,
	.stop_streaming = tx_isp_video_stop_streaming,
#ifdef TX_ISP_QUEUE_LETS_GO
	.wait_prepare = vb2_ops_wait_prepare,
	.wait_finish = vb2_ops_wait_finish,
#endif
};

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
