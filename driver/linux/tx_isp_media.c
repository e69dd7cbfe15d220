// SPDX-License-Identifier: GPL-2.0-only
/*
 * The media device: the way of a picture as a graph, sensor to capture nodes. All links are fixed,
 * as in the chip.
 */
#include <linux/module.h>
#include <media/media-device.h>
#include <media/media-entity.h>

#include "tx_isp.h"

#define FIXED (MEDIA_LNK_FL_ENABLED | MEDIA_LNK_FL_IMMUTABLE)

static const struct {
	const char *name;
	u32 function;
	u16 sinks;
	u16 sources;
} blocks[TX_ISP_BLOCKS] = {
	/* The sensor's name is its own. */
	{ NULL, MEDIA_ENT_F_CAM_SENSOR, 0, 1 },
	{ "tx-isp csi", MEDIA_ENT_F_VID_IF_BRIDGE, 1, 1 },
	{ "tx-isp vic", MEDIA_ENT_F_VID_MUX, 1, 1 },
	{ "tx-isp core", MEDIA_ENT_F_PROC_VIDEO_SCALER, 1, TX_ISP_CHANNELS },
};

static int add_block(struct tx_isp *isp, unsigned int index)
{
	struct tx_isp_block_entity *block = &isp->blocks[index];
	u16 pad, pads = blocks[index].sinks + blocks[index].sources;
	int ret;

	if (blocks[index].name)
		strscpy(block->name, blocks[index].name, sizeof(block->name));
	else
		tx_isp_core_sensor_name(isp->core, block->name, sizeof(block->name));
	block->entity.obj_type = MEDIA_ENTITY_TYPE_BASE;
	block->entity.name = block->name;
	block->entity.function = blocks[index].function;
	for (pad = 0; pad < pads; pad++)
		block->pads[pad].flags = pad < blocks[index].sinks ? MEDIA_PAD_FL_SINK :
								     MEDIA_PAD_FL_SOURCE;
	ret = media_entity_pads_init(&block->entity, pads, block->pads);
	if (ret)
		return ret;
	return media_device_register_entity(&isp->media, &block->entity);
}

void tx_isp_media_init(struct tx_isp *isp)
{
	strscpy(isp->media.driver_name, "tx-isp", sizeof(isp->media.driver_name));
	strscpy(isp->media.model, "Ingenic T31 ISP", sizeof(isp->media.model));
	snprintf(isp->media.bus_info, sizeof(isp->media.bus_info), "%s:%s", isp->bus->name,
		 dev_name(isp->dma_device));
	isp->media.dev = isp->dma_device;
	media_device_init(&isp->media);
	isp->v4l2_dev.mdev = &isp->media;
}

/* Completes the graph around the nodes, which are registered, and shows it. */
int tx_isp_media_register(struct tx_isp *isp)
{
	struct media_entity *core = &isp->blocks[TX_ISP_BLOCKS - 1].entity;
	unsigned int index, channel;
	int ret;

	for (index = 0; index < TX_ISP_BLOCKS; index++) {
		ret = add_block(isp, index);
		if (ret)
			return ret;
	}
	for (index = 1; index < TX_ISP_BLOCKS; index++) {
		struct media_entity *from = &isp->blocks[index - 1].entity;

		ret = media_create_pad_link(from, from->num_pads - 1, &isp->blocks[index].entity, 0,
					    FIXED);
		if (ret)
			return ret;
	}
	for (channel = 0; channel < TX_ISP_CHANNELS; channel++) {
		ret = media_create_pad_link(core, 1 + channel, &isp->videos[channel].vdev.entity, 0,
					    FIXED);
		if (ret)
			return ret;
	}
	return media_device_register(&isp->media);
}

void tx_isp_media_unregister(struct tx_isp *isp)
{
	media_device_unregister(&isp->media);
}

void tx_isp_media_cleanup(struct tx_isp *isp)
{
	media_device_cleanup(&isp->media);
}
