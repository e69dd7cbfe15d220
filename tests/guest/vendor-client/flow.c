// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls of the vendor's library, in its order and with its arguments.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vendor.h"

void camera_open(struct camera *camera)
{
	memset(camera, 0, sizeof(*camera));
	camera->isp = open("/dev/tx-isp", OPEN_FLAGS);
	if (camera->isp < 0)
		die("/dev/tx-isp: %s", strerror(errno));
}

void camera_close(struct camera *camera)
{
	close(camera->isp);
}

void camera_add_sensor(struct camera *camera)
{
	struct sensor_info *info = &camera->info;
	struct isp_buffer buffer;
	struct input input;
	uint32_t index, found = -1;

	memset(info, 0, sizeof(*info));
	strcpy(info->name, "gc2053");
	strcpy(info->type, "gc2053");
	info->cbus = 1;
	info->address = 0x37;
	must(camera->isp, REGISTER_SENSOR, info, "REGISTER_SENSOR");
	/* The library walks to the end, and takes the last that has the name. */
	for (index = 0; index < 16; index++) {
		memset(&input, 0, sizeof(input));
		input.index = index;
		if (ioctl(camera->isp, ENUM_INPUT, &input) < 0)
			break;
		if (!strcmp(input.name, info->name))
			found = index;
	}
	ok(errno == EINVAL && index < 16, "ENUMINPUT ends with EINVAL, not %s", strerror(errno));
	if (found == (uint32_t)-1)
		die("ENUMINPUT names no %s", info->name);
	index = found;
	must(camera->isp, SET_INPUT, &index, "S_INPUT");
	ok(index == (1920u << 16 | 1080), "S_INPUT answers with the size, not %#x", index);
	memset(&buffer, 0xff, sizeof(buffer));
	must(camera->isp, GET_BUF, &buffer, "GET_BUF");
	ok(buffer.paddr == 0, "GET_BUF writes 0 for the address, not %#x", buffer.paddr);
	printf("ncubuf %u\n", buffer.size);
	camera->ncu = rmem_alloc(buffer.size, "ncubuf");
	if (!camera->ncu)
		die("no memory for ncubuf");
	buffer.paddr = camera->ncu;
	must(camera->isp, SET_BUF, &buffer, "SET_BUF");
}

void camera_enable_sensor(struct camera *camera)
{
	int index = -1;

	must(camera->isp, GET_INPUT, &index, "G_INPUT");
	ok(index == 0, "G_INPUT answers 0, not %d", index);
	must(camera->isp, STREAM_ON, NULL, "STREAMON of the sensor");
	index = 0;
	must(camera->isp, CREATE_LINKS, &index, "CREATE_LINKS");
	must(camera->isp, LINKS_ON, NULL, "LINKS_STREAMON");
}

void camera_disable_sensor(struct camera *camera)
{
	int index;

	must(camera->isp, GET_INPUT, &index, "G_INPUT");
	must(camera->isp, LINKS_OFF, NULL, "LINKS_STREAMOFF");
	index = -1;
	must(camera->isp, DESTROY_LINKS, &index, "DESTROY_LINKS");
	must(camera->isp, STREAM_OFF, NULL, "STREAMOFF of the sensor");
}

void camera_delete_sensor(struct camera *camera)
{
	int index = -1;

	must(camera->isp, SET_INPUT, &index, "S_INPUT -1");
	must(camera->isp, RELEASE_SENSOR, &camera->info, "RELEASE_SENSOR");
	rmem_free(camera->ncu);
}

void channel_open(struct channel *channel, int number, uint32_t width, uint32_t height)
{
	struct format *format = &channel->format;
	char name[32];
	int tries = 258;

	memset(channel, 0, sizeof(*channel));
	channel->number = number;
	snprintf(name, sizeof(name), "/dev/framechan%d", number);
	while ((channel->fd = open(name, OPEN_FLAGS)) < 0 && --tries)
		usleep(10000);
	if (channel->fd < 0)
		die("%s: %s", name, strerror(errno));
	format->type = 1;
	format->width = width;
	format->height = height;
	format->fourcc = NV12;
	format->colorspace = 8;
	format->rate_mask = 1;
	if (width != 1920 || height != 1080) {
		format->scaler_enable = 1;
		format->scaler_width = width;
		format->scaler_height = height;
	}
	must(channel->fd, SET_FORMAT, format, "SET_FMT");
	ok(format->field == 4, "SET_FMT makes field 0 to 4, not %u", format->field);
}

void channel_buffers(struct channel *channel, uint32_t count)
{
	const struct format *format = &channel->format;
	struct reqbufs request = { count, 1, 2, { 0 } };
	uint32_t computed, index;
	char owner[32];

	computed = (format->width + 15) / 16 * 16 * 12 / 8 * ((format->height + 15) / 16 * 16);
	channel->frame_bytes = format->sizeimage > computed ? format->sizeimage : computed;
	ok(format->sizeimage == computed, "sizeimage is %u, the library computes %u", format->sizeimage,
	   computed);
	snprintf(owner, sizeof(owner), "VBMPool%d", channel->number);
	channel->pool = rmem_alloc(channel->frame_bytes * count, owner);
	if (!channel->pool)
		die("no memory for %s", owner);
	printf("pool %d %#x\n", channel->number, channel->pool);
	must(channel->fd, REQBUFS, &request, "REQBUFS");
	if (request.count < count)
		die("Insufficient buffer memory: %u of %u", request.count, count);
	channel->count = count;
	for (index = 0; index < count; index++) {
		channel->addresses[index] = channel->pool + index * channel->frame_bytes;
		if (channel_queue(channel, index) < 0)
			die("QBUF %u of channel %d: %s", index, channel->number, strerror(errno));
	}
}

struct buffer channel_buffer(const struct channel *channel, uint32_t index)
{
	struct buffer buffer = { .index = index, .type = 1, .memory = 2 };

	buffer.userptr = channel->addresses[index];
	buffer.length = channel->format.sizeimage;
	return buffer;
}

int channel_queue(struct channel *channel, uint32_t index)
{
	struct buffer buffer = channel_buffer(channel, index);
	int ret = ioctl(channel->fd, QBUF, &buffer);

	if (!ret)
		ok(buffer.flags == 0x2002, "QBUF answers flags 0x2002, not %#x", buffer.flags);
	return ret;
}

void channel_on(struct channel *channel)
{
	int type = 1;

	must(channel->fd, STREAM_ON, &type, "STREAMON of a channel");
}

void channel_off(struct channel *channel)
{
	struct reqbufs none = { 0, 1, 2, { 0 } };
	int type = 1;

	must(channel->fd, STREAM_OFF, &type, "STREAMOFF of a channel");
	must(channel->fd, REQBUFS, &none, "REQBUFS 0");
	if (channel->pool)
		rmem_free(channel->pool);
	channel->pool = 0;
}

void channel_close(struct channel *channel)
{
	close(channel->fd);
}

void channel_take(struct channel *channel, struct buffer *buffer)
{
	int listened = 0;

	must(channel->fd, LISTEN_BUF, &listened, "LISTEN_BUF");
	ok(listened >= 1, "LISTEN_BUF tells of at least one frame, not %d", listened);
	memset(buffer, 0, sizeof(*buffer));
	buffer->type = 1;
	buffer->memory = 2;
	buffer->userptr = 0x1234;
	must(channel->fd, DQBUF, buffer, "DQBUF");
	ok(buffer->userptr == 0x1234 && buffer->length == 0,
	   "DQBUF leaves userptr and length alone: %#x, %u", buffer->userptr, buffer->length);
	ok(buffer->sequence == 0, "sequence is 0, not %u", buffer->sequence);
	if (buffer->index >= channel->count)
		die("DQBUF answers index %u of %u", buffer->index, channel->count);
}

void channel_end(struct channel *channel)
{
	channel_off(channel);
	channel_close(channel);
}

void camera_start(struct camera *camera)
{
	rmem_open();
	camera_open(camera);
	camera_add_sensor(camera);
	camera_enable_sensor(camera);
}

void camera_stop(struct camera *camera)
{
	camera_disable_sensor(camera);
	camera_delete_sensor(camera);
	camera_close(camera);
	rmem_close();
}
