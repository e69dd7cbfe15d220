// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which ioctls there are, and arguments for them.
 */
#include <linux/media.h>
#include <linux/v4l2-subdev.h>
#include <linux/videodev2.h>
#include <string.h>
#include <sys/ioctl.h>

#include "../../../driver/linux/tx_isp_rmem_uapi.h"
#include "fuzz.h"

static const uint32_t video[] = {
	VIDIOC_QUERYCAP, VIDIOC_ENUM_FMT, VIDIOC_G_FMT, VIDIOC_S_FMT, VIDIOC_TRY_FMT,
	VIDIOC_REQBUFS, VIDIOC_QUERYBUF, VIDIOC_QBUF, VIDIOC_DQBUF, VIDIOC_EXPBUF,
	VIDIOC_STREAMON, VIDIOC_STREAMOFF, VIDIOC_CREATE_BUFS, VIDIOC_PREPARE_BUF,
	VIDIOC_G_PARM, VIDIOC_S_PARM, VIDIOC_G_INPUT, VIDIOC_S_INPUT, VIDIOC_ENUMINPUT,
	VIDIOC_G_CTRL, VIDIOC_S_CTRL, VIDIOC_QUERYCTRL, VIDIOC_QUERYMENU, VIDIOC_G_EXT_CTRLS,
	VIDIOC_S_EXT_CTRLS, VIDIOC_TRY_EXT_CTRLS, VIDIOC_QUERY_EXT_CTRL, VIDIOC_G_SELECTION,
	VIDIOC_S_SELECTION, VIDIOC_ENUM_FRAMESIZES, VIDIOC_ENUM_FRAMEINTERVALS,
	VIDIOC_SUBSCRIBE_EVENT, VIDIOC_UNSUBSCRIBE_EVENT, VIDIOC_DQEVENT, VIDIOC_G_PRIORITY,
	VIDIOC_S_PRIORITY, VIDIOC_G_STD, VIDIOC_CROPCAP,
};

static const uint32_t subdev[] = {
	VIDIOC_SUBDEV_QUERYCAP, VIDIOC_SUBDEV_G_FMT, VIDIOC_SUBDEV_S_FMT,
	VIDIOC_SUBDEV_ENUM_MBUS_CODE, VIDIOC_SUBDEV_ENUM_FRAME_SIZE,
	VIDIOC_SUBDEV_ENUM_FRAME_INTERVAL, VIDIOC_SUBDEV_G_FRAME_INTERVAL,
	VIDIOC_SUBDEV_S_FRAME_INTERVAL, VIDIOC_SUBDEV_G_SELECTION, VIDIOC_SUBDEV_S_SELECTION,
	VIDIOC_SUBDEV_G_CROP, VIDIOC_SUBDEV_S_CROP, VIDIOC_G_CTRL, VIDIOC_S_CTRL, VIDIOC_QUERYCTRL,
	VIDIOC_G_EXT_CTRLS, VIDIOC_S_EXT_CTRLS, VIDIOC_SUBSCRIBE_EVENT, VIDIOC_UNSUBSCRIBE_EVENT,
	VIDIOC_DQEVENT,
};

static const uint32_t rmem[] = {
	RMEM_CACHE, RMEM_QUERY, RMEM_BLOCK, RMEM_ALLOCATE, RMEM_FREE, RMEM_RESERVE, RMEM_EXPORT,
};

static const uint32_t media[] = {
	MEDIA_IOC_DEVICE_INFO, MEDIA_IOC_ENUM_ENTITIES, MEDIA_IOC_ENUM_LINKS, MEDIA_IOC_SETUP_LINK,
	MEDIA_IOC_G_TOPOLOGY,
};

/* The vendor's numbers, as in vendor-client/vendor.h. */
static const uint32_t vendor_isp[] = {
	0x805056c1, 0x805056c2, 0xc050561a, 0xc0045627, 0x40045626, 0x80045612, 0x80045613,
	0x800456d0, 0x800456d1, 0x800456d2, 0x800456d3, 0x800856d4, 0x800856d5, 0x800856d6,
	0x800856d7, 0x800456d8, 0x800456d9, 0xc00456e6, 0xc00456e7, 0xc00456c7, 0xc00456c8,
};

static const uint32_t vendor_channel[] = {
	0xc07056c3, 0x407056c4, 0x800456c5, 0x400456bf, 0xc0145608, 0xc0445609,
	0xc044560f, 0xc0445611, 0x80045612, 0x80045613,
};

static const uint32_t vendor_tuning[] = { 0xc00c56c6, 0xc008561b, 0xc008561c };
static const uint32_t vendor_encoder[] = { 0xc008710a, 0xc008710b, 0xc004710c, 0x20007101 };

#define LIST(numbers) { numbers, sizeof(numbers) / sizeof(*(numbers)) }

static const struct {
	const uint32_t *numbers;
	uint32_t count;
} known[NODES] = {
	[VIDEO] = LIST(video),
	[SUBDEV] = LIST(subdev),
	[RMEM] = LIST(rmem),
	[MEDIA] = LIST(media),
	[VENDOR_ISP] = LIST(vendor_isp),
	[VENDOR_CHANNEL] = LIST(vendor_channel),
	[VENDOR_TUNING] = LIST(vendor_tuning),
	[VENDOR_ENCODER] = LIST(vendor_encoder),
};

static const uint32_t formats[] = {
	V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_NV21, V4L2_PIX_FMT_RGB565, V4L2_PIX_FMT_BGR32,
	V4L2_PIX_FMT_YUYV,
};

uint32_t any(struct random *random)
{
	random->state ^= random->state << 13;
	random->state ^= random->state >> 7;
	random->state ^= random->state << 17;
	return random->state >> 16;
}

uint32_t below(struct random *random, uint32_t below)
{
	return any(random) % below;
}

uint32_t value(struct random *random, const struct arena *arena)
{
	static const uint32_t odd[] = {
		0, 1, 2, 3, 4, 0xff, 0xfff, 0x1000, 0xffff, 0x7fffffff, 0x80000000, 0xffffe000,
		0xfffff000, 0xffffffff,
	};

	uint32_t kept = (uintptr_t)arena->kept;
	uint32_t word;

	switch (below(random, 6)) {
	case 0:
		/* Whoever names what is kept as a place to write to has offered it. */
		word = any(random);
		return word - kept < KEPT_BYTES || kept - word < LENT_BYTES ? 0 : word;
	case 1:
	case 2:
		return below(random, 8);
	case 3:
		return (uintptr_t)arena->lent[below(random, LENT)] + below(random, 2) * 16;
	case 4:
		return arena->base + below(random, (arena->bytes >> 12) + 2) * 4096;
	default:
		return odd[below(random, sizeof(odd) / sizeof(*odd))];
	}
}

static void fill_video(struct random *random, uint32_t number, const struct arena *arena,
		       void *argument)
{
	static const uint32_t memories[] = { V4L2_MEMORY_MMAP, V4L2_MEMORY_USERPTR,
					     V4L2_MEMORY_DMABUF };
	struct v4l2_create_buffers *create = argument;
	struct v4l2_requestbuffers *request = argument;
	struct v4l2_selection *selection = argument;
	struct v4l2_exportbuffer *export = argument;
	struct v4l2_ext_controls *controls = argument;
	struct v4l2_control *control = argument;
	struct v4l2_streamparm *parm = argument;
	struct v4l2_format *format = argument;
	struct v4l2_buffer *buffer = argument;
	uint32_t memory = memories[below(random, 3)];

	switch (number) {
	case VIDIOC_S_FMT:
	case VIDIOC_TRY_FMT:
		memset(format, 0, sizeof(*format));
		format->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
		format->fmt.pix.width = one_in(random, 4) ? value(random, arena) : 160;
		format->fmt.pix.height = one_in(random, 4) ? value(random, arena) : 128;
		format->fmt.pix.pixelformat = formats[below(random, 5)];
		break;
	case VIDIOC_REQBUFS:
		memset(request, 0, sizeof(*request));
		request->count = one_in(random, 8) ? value(random, arena) : below(random, 6);
		request->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
		request->memory = memory;
		break;
	case VIDIOC_CREATE_BUFS:
		memset(create, 0, sizeof(*create));
		create->count = one_in(random, 8) ? value(random, arena) : below(random, 4);
		create->memory = memory;
		create->format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
		create->format.fmt.pix.width = 160;
		create->format.fmt.pix.height = 128;
		create->format.fmt.pix.pixelformat = formats[below(random, 5)];
		create->format.fmt.pix.sizeimage = one_in(random, 4) ? value(random, arena) : LENT_BYTES;
		break;
	case VIDIOC_QUERYBUF:
	case VIDIOC_QBUF:
	case VIDIOC_DQBUF:
	case VIDIOC_PREPARE_BUF:
		memset(buffer, 0, sizeof(*buffer));
		buffer->index = one_in(random, 16) ? value(random, arena) : below(random, 5);
		buffer->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
		buffer->memory = memory;
		buffer->m.userptr = one_in(random, 6) ? value(random, arena) :
							(uintptr_t)arena->lent[below(random, LENT)];
		if (memory == V4L2_MEMORY_DMABUF)
			buffer->m.fd = below(random, 24);
		buffer->length = one_in(random, 6) ? value(random, arena) : LENT_BYTES;
		break;
	case VIDIOC_EXPBUF:
		memset(export, 0, sizeof(*export));
		export->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
		export->index = below(random, 5);
		export->flags = one_in(random, 2) ? 02 : 0;
		break;
	case VIDIOC_STREAMON:
	case VIDIOC_STREAMOFF:
		*(uint32_t *)argument = V4L2_BUF_TYPE_VIDEO_CAPTURE;
		break;
	case VIDIOC_G_SELECTION:
	case VIDIOC_S_SELECTION:
		selection->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
		selection->target = below(random, 4);
		selection->flags = below(random, 8);
		break;
	case VIDIOC_G_PARM:
	case VIDIOC_S_PARM:
		parm->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
		break;
	case VIDIOC_G_CTRL:
	case VIDIOC_S_CTRL:
		control->id = one_in(random, 2) ? V4L2_CID_EXPOSURE + below(random, 3) :
						  (V4L2_CID_USER_BASE | 0x1f00) + below(random, 3);
		break;
	case VIDIOC_G_EXT_CTRLS:
	case VIDIOC_S_EXT_CTRLS:
	case VIDIOC_TRY_EXT_CTRLS:
		controls->which = below(random, 3) ? 0 : value(random, arena);
		controls->count = one_in(random, 4) ? value(random, arena) : below(random, 4);
		controls->controls = (void *)(uintptr_t)value(random, arena);
		break;
	default:
		break;
	}
}

static void fill_subdev(struct random *random, uint32_t number, const struct arena *arena,
			uint32_t *words)
{
	switch (number) {
	case VIDIOC_G_CTRL:
	case VIDIOC_S_CTRL:
		words[0] = V4L2_CID_EXPOSURE + below(random, 3);
		break;
	case VIDIOC_G_EXT_CTRLS:
	case VIDIOC_S_EXT_CTRLS:
		fill_video(random, number, arena, words);
		break;
	default:
		/* Which of tries and active formats, and which pad: the first words of most structures. */
		words[0] = below(random, 3);
		words[1] = below(random, 3);
	}
}

static void fill_rmem(struct random *random, uint32_t number, const struct arena *arena,
		      void *argument)
{
	struct rmem_allocate *allocate = argument;

	if (number == RMEM_ALLOCATE || number == RMEM_RESERVE) {
		allocate->bytes = one_in(random, 8) ? value(random, arena) :
						      1 + below(random, 1 << 18);
		allocate->alignment = one_in(random, 8) ? value(random, arena) : 1u << below(random, 13);
	}
}

/* The words of the vendor's structures that matter, by their places. */
static void fill_vendor(struct random *random, uint32_t number, const struct arena *arena,
			uint32_t *words)
{
	switch (number) {
	case 0x805056c1:
	case 0x805056c2:
		memset(words, 0, 0x50);
		memcpy(words, "gc2053", 7);
		memcpy(words + 9, "gc2053", 7);
		words[8] = 1;
		words[14] = 0x37;
		break;
	case 0xc0045627:
	case 0x800456d0:
	case 0x800456d1:
		words[0] = one_in(random, 4) ? value(random, arena) : below(random, 2) - 1u;
		break;
	case 0xc07056c3:
		memset(words, 0, 0x70);
		words[0] = 1;
		words[1] = one_in(random, 4) ? value(random, arena) : 160;
		words[2] = one_in(random, 4) ? value(random, arena) : 128;
		words[3] = formats[below(random, 5)];
		words[7] = 8;
		words[18] = 1;
		words[19] = words[1];
		words[20] = words[2];
		words[22] = 1;
		break;
	case 0xc0145608:
		words[0] = one_in(random, 4) ? value(random, arena) : below(random, 6);
		words[1] = 1;
		words[2] = 2;
		break;
	case 0xc0445609:
	case 0xc044560f:
	case 0xc0445611:
		words[0] = below(random, 6);
		words[1] = 1;
		words[12] = 2;
		words[13] = arena->base + below(random, (arena->bytes >> 12) + 2) * 4096;
		words[14] = one_in(random, 4) ? value(random, arena) : LENT_BYTES;
		break;
	default:
		break;
	}
}

unsigned long pick(struct random *random, enum node node, const struct arena *arena,
		   uint8_t *argument)
{
	uint32_t number = known[node].numbers[below(random, known[node].count)];
	uint32_t *words = (uint32_t *)argument;
	unsigned int word;

	for (word = 0; word < ARGUMENT_BYTES / 4; word++)
		words[word] = value(random, arena);
	/* Now and then a number of another kind, or of another size. */
	if (one_in(random, 32))
		return number ^ 1u << below(random, 32);
	if (one_in(random, 64))
		return any(random);
	if (one_in(random, 8))
		return number;
	if (node == VIDEO)
		fill_video(random, number, arena, argument);
	else if (node == SUBDEV)
		fill_subdev(random, number, arena, words);
	else if (node == RMEM)
		fill_rmem(random, number, arena, argument);
	else if (node != MEDIA)
		fill_vendor(random, number, arena, words);
	return number;
}
