// SPDX-License-Identifier: GPL-2.0-only
/*
 * The blocks of the chip as sub-devices: what format each of their pads has. All of them follow
 * from the sensor and from the formats of the capture nodes, so they can be read and not set.
 */
#include <linux/media-bus-format.h>
#include <media/v4l2-ctrls.h>
#include <media/v4l2-event.h>
#include <media/v4l2-subdev.h>

#include "tx_isp.h"

static struct tx_isp_subdev *tx_isp_to_subdev(struct v4l2_subdev *sd)
{
	return container_of(sd, struct tx_isp_subdev, sd);
}

/* What a resizer makes of the picture: colours converted or not. */
static const u32 tx_isp_resized_codes[] = { MEDIA_BUS_FMT_YUYV8_1X16, MEDIA_BUS_FMT_RGB888_1X24 };

/* Whether a pad is behind the resizer, or else behind the core, where pictures are YUV. */
static bool tx_isp_is_resized(const struct tx_isp_subdev *subdev, u32 pad)
{
	return subdev->kind == TX_ISP_RESIZER && pad == 1;
}

static bool tx_isp_is_processed(const struct tx_isp_subdev *subdev, u32 pad)
{
	return subdev->kind == TX_ISP_RESIZER || (subdev->kind == TX_ISP_CORE && pad == 1);
}

static u32 tx_isp_bayer_code(const struct tx_isp *isp)
{
	/* By the value of the core's Bayer register. */
	static const u32 ten_bits[] = { MEDIA_BUS_FMT_SRGGB10_1X10, MEDIA_BUS_FMT_SBGGR10_1X10,
					MEDIA_BUS_FMT_SGRBG10_1X10, MEDIA_BUS_FMT_SGBRG10_1X10 };
	static const u32 twelve_bits[] = { MEDIA_BUS_FMT_SRGGB12_1X12, MEDIA_BUS_FMT_SBGGR12_1X12,
					   MEDIA_BUS_FMT_SGRBG12_1X12, MEDIA_BUS_FMT_SGBRG12_1X12 };
	u32 order = min_t(u32, tx_isp_core_bayer_order(isp->core), ARRAY_SIZE(ten_bits) - 1);

	return tx_isp_core_raw_bits(isp->core) == 12 ? twelve_bits[order] : ten_bits[order];
}

/* The format that a pad has now. The caller holds core_lock. */
static void tx_isp_pad_format_locked(const struct tx_isp_subdev *subdev, u32 pad,
				     struct v4l2_mbus_framefmt *format)
{
	struct tx_isp *isp = subdev->isp;
	struct tx_isp_rectangle whole = {};
	struct tx_isp_layout layout = {};

	memset(format, 0, sizeof(*format));
	format->field = V4L2_FIELD_NONE;
	tx_isp_core_sensor_size(isp->core, &whole);
	format->width = whole.width;
	format->height = whole.height;
	format->ycbcr_enc = V4L2_YCBCR_ENC_601;
	if (!tx_isp_is_processed(subdev, pad)) {
		format->code = tx_isp_bayer_code(isp);
		format->colorspace = V4L2_COLORSPACE_RAW;
		format->quantization = V4L2_QUANTIZATION_FULL_RANGE;
		format->xfer_func = V4L2_XFER_FUNC_NONE;
		return;
	}
	format->code = tx_isp_resized_codes[0];
	format->colorspace = V4L2_COLORSPACE_SRGB;
	format->quantization = V4L2_QUANTIZATION_LIM_RANGE;
	format->xfer_func = V4L2_XFER_FUNC_SRGB;
	if (!tx_isp_is_resized(subdev, pad))
		return;
	tx_isp_core_layout(isp->core, subdev->channel, &layout);
	format->width = layout.width;
	format->height = layout.height;
	if (tx_isp_core_is_rgb(layout.fourcc)) {
		format->code = tx_isp_resized_codes[1];
		format->quantization = V4L2_QUANTIZATION_FULL_RANGE;
	}
}

static void tx_isp_pad_format(const struct tx_isp_subdev *subdev, u32 pad,
			      struct v4l2_mbus_framefmt *format)
{
	mutex_lock(&subdev->isp->core_lock);
	tx_isp_pad_format_locked(subdev, pad, format);
	mutex_unlock(&subdev->isp->core_lock);
}

static int tx_isp_subdev_get_format(struct v4l2_subdev *sd, struct v4l2_subdev_state *state,
				    struct v4l2_subdev_format *format)
{
	tx_isp_pad_format(tx_isp_to_subdev(sd), format->pad, &format->format);
	return 0;
}

static int tx_isp_subdev_enum_code(struct v4l2_subdev *sd, struct v4l2_subdev_state *state,
				   struct v4l2_subdev_mbus_code_enum *code)
{
	const struct tx_isp_subdev *subdev = tx_isp_to_subdev(sd);
	struct v4l2_mbus_framefmt format;

	if (tx_isp_is_resized(subdev, code->pad)) {
		if (code->index >= ARRAY_SIZE(tx_isp_resized_codes))
			return -EINVAL;
		code->code = tx_isp_resized_codes[code->index];
		return 0;
	}
	if (code->index)
		return -EINVAL;
	tx_isp_pad_format(subdev, code->pad, &format);
	code->code = format.code;
	return 0;
}

static int tx_isp_subdev_enum_size(struct v4l2_subdev *sd, struct v4l2_subdev_state *state,
				   struct v4l2_subdev_frame_size_enum *size)
{
	const struct tx_isp_subdev *subdev = tx_isp_to_subdev(sd);
	struct v4l2_mbus_framefmt format;
	struct tx_isp_limits limits = {};

	if (size->index)
		return -EINVAL;
	if (tx_isp_is_resized(subdev, size->pad)) {
		if (size->code != tx_isp_resized_codes[0] && size->code != tx_isp_resized_codes[1])
			return -EINVAL;
		mutex_lock(&subdev->isp->core_lock);
		tx_isp_core_limits(subdev->isp->core, subdev->channel, &limits);
		mutex_unlock(&subdev->isp->core_lock);
		size->min_width = limits.min_width;
		size->max_width = limits.max_width;
		size->min_height = limits.min_height;
		size->max_height = limits.max_height;
		return 0;
	}
	tx_isp_pad_format(subdev, size->pad, &format);
	if (size->code != format.code)
		return -EINVAL;
	size->min_width = format.width;
	size->max_width = format.width;
	size->min_height = format.height;
	size->max_height = format.height;
	return 0;
}

/* A resizer takes part of the sensor's picture: the one that its node's selection has. */
static int tx_isp_subdev_get_selection(struct v4l2_subdev *sd, struct v4l2_subdev_state *state,
				       struct v4l2_subdev_selection *selection)
{
	const struct tx_isp_subdev *subdev = tx_isp_to_subdev(sd);

	if (subdev->kind != TX_ISP_RESIZER || selection->pad)
		return -EINVAL;
	return tx_isp_get_part(subdev->isp, subdev->channel, selection->target, &selection->r);
}

static int tx_isp_subdev_set_selection(struct v4l2_subdev *sd, struct v4l2_subdev_state *state,
				       struct v4l2_subdev_selection *selection)
{
	if (selection->target != V4L2_SEL_TGT_CROP)
		return -EINVAL;
	return tx_isp_subdev_get_selection(sd, state, selection);
}

static const struct v4l2_subdev_pad_ops tx_isp_pad_ops = {
	.enum_mbus_code = tx_isp_subdev_enum_code,
	.enum_frame_size = tx_isp_subdev_enum_size,
	.get_fmt = tx_isp_subdev_get_format,
	/* Whatever is asked for, it stays as it is. */
	.set_fmt = tx_isp_subdev_get_format,
	.link_validate = v4l2_subdev_link_validate_default,
};

static const struct v4l2_subdev_pad_ops tx_isp_resizer_pad_ops = {
	.enum_mbus_code = tx_isp_subdev_enum_code,
	.enum_frame_size = tx_isp_subdev_enum_size,
	.get_fmt = tx_isp_subdev_get_format,
	.set_fmt = tx_isp_subdev_get_format,
	.get_selection = tx_isp_subdev_get_selection,
	.set_selection = tx_isp_subdev_set_selection,
	.link_validate = v4l2_subdev_link_validate_default,
};

static const struct v4l2_subdev_core_ops tx_isp_sensor_core_ops = {
	.log_status = v4l2_ctrl_subdev_log_status,
	.subscribe_event = v4l2_ctrl_subdev_subscribe_event,
	.unsubscribe_event = v4l2_event_subdev_unsubscribe,
};

static const struct v4l2_subdev_ops tx_isp_sensor_ops = {
	.core = &tx_isp_sensor_core_ops,
	.pad = &tx_isp_pad_ops,
};

static const struct v4l2_subdev_ops tx_isp_block_ops = {
	.pad = &tx_isp_pad_ops,
};

static const struct v4l2_subdev_ops tx_isp_resizer_ops = {
	.pad = &tx_isp_resizer_pad_ops,
};

static const struct media_entity_operations tx_isp_subdev_entity_ops = {
	.link_validate = v4l2_subdev_link_validate,
};

static const struct {
	/* The sensor's name is its own, a resizer's has a number. */
	const char *name;
	u32 function;
	const struct v4l2_subdev_ops *ops;
} tx_isp_blocks[] = {
	[TX_ISP_SENSOR] = { NULL, MEDIA_ENT_F_CAM_SENSOR, &tx_isp_sensor_ops },
	[TX_ISP_CSI] = { "tx-isp csi", MEDIA_ENT_F_VID_IF_BRIDGE, &tx_isp_block_ops },
	[TX_ISP_VIC] = { "tx-isp vic", MEDIA_ENT_F_VID_IF_BRIDGE, &tx_isp_block_ops },
	[TX_ISP_CORE] = { "tx-isp core", MEDIA_ENT_F_PROC_VIDEO_ISP, &tx_isp_block_ops },
	[TX_ISP_RESIZER] = { "tx-isp resizer", MEDIA_ENT_F_PROC_VIDEO_SCALER, &tx_isp_resizer_ops },
};

static void tx_isp_subdev_name(struct tx_isp_subdev *subdev)
{
	struct v4l2_subdev *sd = &subdev->sd;

	if (subdev->kind == TX_ISP_SENSOR) {
		mutex_lock(&subdev->isp->core_lock);
		tx_isp_core_sensor_name(subdev->isp->core, sd->name, sizeof(sd->name));
		mutex_unlock(&subdev->isp->core_lock);
		return;
	}
	if (subdev->kind == TX_ISP_RESIZER)
		snprintf(sd->name, sizeof(sd->name), "%s %u", tx_isp_blocks[subdev->kind].name,
			 subdev->channel);
	else
		strscpy(sd->name, tx_isp_blocks[subdev->kind].name, sizeof(sd->name));
}

int tx_isp_subdev_register(struct tx_isp *isp, struct tx_isp_subdev *subdev,
			   enum tx_isp_subdev_kind kind, u32 channel)
{
	struct v4l2_subdev *sd = &subdev->sd;
	u16 pads = 0;
	int ret;

	subdev->isp = isp;
	subdev->kind = kind;
	subdev->channel = channel;
	v4l2_subdev_init(sd, tx_isp_blocks[kind].ops);
	tx_isp_subdev_name(subdev);
	sd->owner = THIS_MODULE;
	sd->dev = isp->v4l2_dev.dev;
	sd->flags = V4L2_SUBDEV_FL_HAS_DEVNODE;
	sd->entity.function = tx_isp_blocks[kind].function;
	sd->entity.ops = &tx_isp_subdev_entity_ops;
	if (kind == TX_ISP_SENSOR) {
		sd->flags |= V4L2_SUBDEV_FL_HAS_EVENTS;
		sd->ctrl_handler = &isp->sensor_controls;
	} else {
		subdev->pads[pads++].flags = MEDIA_PAD_FL_SINK;
	}
	subdev->pads[pads++].flags = MEDIA_PAD_FL_SOURCE;
	ret = media_entity_pads_init(&sd->entity, pads, subdev->pads);
	return ret ? ret : v4l2_device_register_subdev(&isp->v4l2_dev, sd);
}

struct media_pad *tx_isp_subdev_source(struct tx_isp_subdev *subdev)
{
	return &subdev->pads[subdev->sd.entity.num_pads - 1];
}

int tx_isp_video_link_validate(struct media_link *link)
{
	struct video_device *vdev = media_entity_to_video_device(link->sink->entity);
	struct tx_isp_subdev *source =
		tx_isp_to_subdev(media_entity_to_v4l2_subdev(link->source->entity));
	struct v4l2_mbus_framefmt format;
	struct tx_isp_layout layout = {};
	bool is_rgb;

	tx_isp_pad_format(source, link->source->index, &format);
	tx_isp_video_layout(video_get_drvdata(vdev), &layout);
	is_rgb = tx_isp_core_is_rgb(layout.fourcc);
	if (format.width != layout.width || format.height != layout.height ||
	    format.code != tx_isp_resized_codes[is_rgb])
		return -EPIPE;
	return 0;
}
