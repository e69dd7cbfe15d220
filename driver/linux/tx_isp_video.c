// SPDX-License-Identifier: GPL-2.0-only
/*
 * A capture node: its video device, with its ioctls (tx_isp_video_ioctl.c) and its buffer queue
 * (tx_isp_video_queue.c).
 */
#include <linux/module.h>
#include <media/v4l2-ioctl.h>

#include "tx_isp.h"

void tx_isp_video_layout(struct tx_isp_video *video, struct tx_isp_layout *layout)
{
	mutex_lock(&video->isp->core_lock);
	tx_isp_core_layout(video->isp->core, video->channel, layout);
	mutex_unlock(&video->isp->core_lock);
}

static long tx_isp_video_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	return tx_isp_has_panicked() ? -EIO : video_ioctl2(file, command, argument);
}

static const struct v4l2_file_operations tx_isp_video_file_ops = {
	.owner = THIS_MODULE,
	.open = v4l2_fh_open,
	.release = vb2_fop_release,
	.poll = vb2_fop_poll,
	.mmap = vb2_fop_mmap,
	.read = vb2_fop_read,
	.unlocked_ioctl = tx_isp_video_ioctl,
};

static const struct media_entity_operations tx_isp_video_entity_ops = {
	.link_validate = tx_isp_video_link_validate,
};

static void tx_isp_video_release(struct video_device *vdev)
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
	queue->ops = &tx_isp_video_queue_ops;
	queue->mem_ops = &tx_isp_mem_ops;
	queue->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | V4L2_BUF_FLAG_TSTAMP_SRC_EOF;
	tx_isp_queue_needs(queue, TX_ISP_MIN_BUFFERS);
	queue->lock = &video->lock;
	ret = vb2_queue_init(queue);
	if (ret)
		goto free_controls;
	tx_isp_queue_takes(queue, TX_ISP_MIN_BUFFERS);

	video->pad.flags = MEDIA_PAD_FL_SINK;
	vdev->entity.ops = &tx_isp_video_entity_ops;
	ret = media_entity_pads_init(&vdev->entity, 1, &video->pad);
	if (ret)
		goto free_controls;
	snprintf(vdev->name, sizeof(vdev->name), "tx-isp channel %u", channel);
	vdev->v4l2_dev = &isp->v4l2_dev;
	vdev->fops = &tx_isp_video_file_ops;
	vdev->ioctl_ops = &tx_isp_video_ioctl_ops;
	vdev->release = tx_isp_video_release;
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
