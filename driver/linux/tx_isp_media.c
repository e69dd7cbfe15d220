// SPDX-License-Identifier: GPL-2.0-only
/*
 * The media device: the way of a picture as a graph, from the sensor to the capture nodes. All
 * links are fixed, as in the chip.
 */
#include <linux/module.h>
#include <media/media-device.h>
#include <media/media-entity.h>
#include <media/v4l2-subdev.h>

#include "tx_isp.h"

#define FIXED (MEDIA_LNK_FL_ENABLED | MEDIA_LNK_FL_IMMUTABLE)

void tx_isp_media_init(struct tx_isp *isp, struct device *dev)
{
	strscpy(isp->media.driver_name, "tx-isp", sizeof(isp->media.driver_name));
	strscpy(isp->media.model, "Ingenic T31 ISP", sizeof(isp->media.model));
	snprintf(isp->media.bus_info, sizeof(isp->media.bus_info), "%s:%s", isp->bus->name,
		 dev_name(isp->dma_device));
	/* Who opens a sub-device's node holds the module of this device's driver: ours. */
	isp->media.dev = dev;
	media_device_init(&isp->media);
	isp->v4l2_dev.mdev = &isp->media;
}

static int tx_isp_media_link(struct tx_isp_subdev *from, struct media_entity *to)
{
	struct media_pad *source = tx_isp_subdev_source(from);

	return media_create_pad_link(source->entity, source->index, to, 0, FIXED);
}

/* From the sensor to the core one after the other; behind it a resizer for each channel. */
static int tx_isp_media_create_links(struct tx_isp *isp)
{
	struct tx_isp_subdev *subdevs = isp->subdevs;
	unsigned int kind, channel;
	int ret = 0;

	for (kind = TX_ISP_CSI; !ret && kind <= TX_ISP_CORE; kind++)
		ret = tx_isp_media_link(&subdevs[kind - 1], &subdevs[kind].sd.entity);
	for (channel = 0; !ret && channel < TX_ISP_CHANNELS; channel++) {
		struct tx_isp_subdev *resizer = &subdevs[TX_ISP_RESIZER + channel];

		ret = tx_isp_media_link(&subdevs[TX_ISP_CORE], &resizer->sd.entity);
		if (!ret)
			ret = tx_isp_media_link(resizer, &isp->videos[channel].vdev.entity);
	}
	return ret;
}

/* Completes the graph around the nodes, which are registered, and shows it. */
int tx_isp_media_register(struct tx_isp *isp)
{
	unsigned int index;
	int ret = 0;

	for (index = 0; !ret && index < TX_ISP_SUBDEVS; index++)
		ret = tx_isp_subdev_register(isp, &isp->subdevs[index],
					     min_t(unsigned int, index, TX_ISP_RESIZER),
					     index < TX_ISP_RESIZER ? 0 : index - TX_ISP_RESIZER);
	if (!ret)
		ret = tx_isp_media_create_links(isp);
	if (!ret)
		ret = v4l2_device_register_subdev_nodes(&isp->v4l2_dev);
	if (!ret)
		ret = media_device_register(&isp->media);
	if (ret)
		return ret;
	mutex_lock(&isp->core_lock);
	isp->graph_complete = true;
	mutex_unlock(&isp->core_lock);
	return 0;
}

/* No node streams any more. */
void tx_isp_media_unregister(struct tx_isp *isp)
{
	unsigned int index;

	for (index = 0; index < TX_ISP_SUBDEVS; index++)
		v4l2_device_unregister_subdev(&isp->subdevs[index].sd);
	media_device_unregister(&isp->media);
}

void tx_isp_media_cleanup(struct tx_isp *isp)
{
	media_device_cleanup(&isp->media);
}
