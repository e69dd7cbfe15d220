// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wrong calls, each of which has its error.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vendor.h"

static void try_sensor_errors(struct camera *camera)
{
	struct sensor_info info = { .name = "imx307", .cbus = 1, .type = "imx307", .address = 0x1a };
	struct input input = { 0 };
	struct isp_buffer buffer;
	int index = -1;

	must(camera->isp, GET_INPUT, &index, "G_INPUT");
	ok(index == -1, "G_INPUT without a sensor answers -1, not %d", index);
	fails(camera->isp, ENUM_INPUT, &input, EINVAL, "ENUMINPUT without a sensor");
	fails(camera->isp, REGISTER_SENSOR, &info, EINVAL, "another sensor");
	fails(camera->isp, STREAM_ON, NULL, EPERM, "STREAMON without a sensor");
	fails(camera->isp, RELEASE_SENSOR, &info, EINVAL, "RELEASE of an unknown sensor");
	must(camera->isp, GET_BUF, &buffer, "GET_BUF without a sensor");
	ok(buffer.size == 0, "GET_BUF without a sensor is 0, not %u", buffer.size);
	index = 2;
	fails(camera->isp, CREATE_LINKS, &index, EINVAL, "CREATE_LINKS 2");
	fails(camera->isp, 0x800456ffu, &index, ENOTTY, "an unknown number");
	fails(camera->isp, 0x800456ddu, &index, ENOTTY, "a number that is not served");
	fails(camera->isp, SET_INPUT, NULL, EFAULT, "S_INPUT of nowhere");
}

static void try_buffer_errors(struct channel *channel)
{
	struct reqbufs mmap = { 2, 1, 1, { 0 } };
	struct buffer buffer;
	int type = 1, other = 9;

	fails(channel->fd, DQBUF, &(struct buffer){ .type = 1, .memory = 2 }, EINVAL,
	      "DQBUF while not streaming");
	fails(channel->fd, STREAM_OFF, &type, EINVAL, "STREAMOFF while not streaming");
	fails(channel->fd, STREAM_ON, &other, EINVAL, "STREAMON of another kind");
	fails(channel->fd, REQBUFS, &mmap, EINVAL, "REQBUFS of the driver's memory");
	/* That has freed the buffers. */
	buffer = channel_buffer(channel, 0);
	fails(channel->fd, QBUF, &buffer, EINVAL, "QBUF without buffers");
	must(channel->fd, REQBUFS, &(struct reqbufs){ channel->count, 1, 2, { 0 } }, "REQBUFS");
	buffer.length--;
	fails(channel->fd, QBUF, &buffer, EINVAL, "QBUF with a wrong length");
	buffer = channel_buffer(channel, 0);
	buffer.index = channel->count;
	fails(channel->fd, QBUF, &buffer, EINVAL, "QBUF of a number that there is not");
	buffer = channel_buffer(channel, 0);
	buffer.memory = 1;
	fails(channel->fd, QBUF, &buffer, EINVAL, "QBUF of other memory");
	buffer = channel_buffer(channel, 0);
	buffer.userptr = 0;
	fails(channel->fd, QBUF, &buffer, EINVAL, "QBUF of memory that is the kernel's");
	buffer.userptr = rmem_base() + rmem_bytes() - 4096;
	fails(channel->fd, QBUF, &buffer, EINVAL, "QBUF beyond the carve-out");
	for (uint32_t index = 0; index < channel->count; index++)
		ok(!channel_queue(channel, index), "QBUF %u: %s", index, strerror(errno));
	buffer = channel_buffer(channel, 0);
	fails(channel->fd, QBUF, &buffer, EINVAL, "QBUF twice");
	must(channel->fd, QUERYBUF, &buffer, "QUERYBUF");
	ok(buffer.flags == 0x2002, "QUERYBUF of a queued buffer: %#x", buffer.flags);
}

/* Behind a panic of the driver nothing works, and says so. */
void try_dead(void)
{
	static const char *const names[] = { "/dev/framechan0", "/dev/isp-m0" };
	int index, isp = open("/dev/tx-isp", OPEN_FLAGS);

	if (isp < 0)
		die("/dev/tx-isp: %s", strerror(errno));
	fails(isp, GET_INPUT, &index, EIO, "G_INPUT");
	fails(isp, SET_INPUT, &index, EIO, "S_INPUT");
	fails(isp, 0x800456ffu, &index, EIO, "an unknown number");
	for (int name = 0; name < 2; name++) {
		int fd = open(names[name], OPEN_FLAGS);

		ok(fd < 0 && errno == EIO, "%s: %s", names[name], strerror(errno));
	}
}

void try_errors(void)
{
	struct channel channel;
	struct camera camera;
	struct format format;
	struct buffer buffer;
	struct call stop = { .number = STREAM_OFF, .after_ms = 300 };
	int type = 1, fd;

	fd = open("/dev/framechan1", OPEN_FLAGS);
	ok(fd < 0 && errno == EPERM, "framechan1 before tx-isp: %s", strerror(errno));
	fd = open("/dev/isp-m0", OPEN_FLAGS);
	ok(fd < 0 && errno == EPERM, "isp-m0 before tx-isp: %s", strerror(errno));
	rmem_open();
	camera_open(&camera);
	try_sensor_errors(&camera);
	camera_add_sensor(&camera);
	fails(camera.isp, REGISTER_SENSOR, &camera.info, EINVAL, "REGISTER_SENSOR twice");
	fails(camera.isp, RELEASE_SENSOR, &camera.info, EINVAL, "RELEASE_SENSOR of the one in use");
	fails(camera.isp, SET_BUF, &(struct isp_buffer){ camera.ncu, 4096 }, EFAULT,
	      "SET_BUF of too little");
	fails(camera.isp, SET_BUF, &(struct isp_buffer){ 0, 5000000 }, EINVAL,
	      "SET_BUF of the kernel's memory");
	camera_enable_sensor(&camera);
	/* Where the open library repeats itself. */
	camera_enable_sensor(&camera);
	channel_open(&channel, 1, 640, 360);
	format = channel.format;
	format.colorspace = 0;
	fails(channel.fd, SET_FORMAT, &format, EINVAL, "SET_FMT with another colour space");
	format = channel.format;
	format.type = 2;
	fails(channel.fd, SET_FORMAT, &format, EINVAL, "SET_FMT of another kind");
	fails(channel.fd, SET_FORMAT, NULL, ENOMEM, "SET_FMT of nowhere");
	format = channel.format;
	format.width = 100;
	fails(channel.fd, SET_FORMAT, &format, EINVAL, "SET_FMT of a size that cannot be");
	format = channel.format;
	format.crop_enable = 1;
	format.crop_left = 600;
	format.crop_width = 640;
	format.crop_height = 360;
	fails(channel.fd, SET_FORMAT, &format, EINVAL, "SET_FMT with a crop that is not inside");
	fails(channel.fd, GET_FORMAT, NULL, EFAULT, "GET_FMT to nowhere");
	must(channel.fd, GET_FORMAT, &format, "GET_FMT");
	ok(format.width == 640 && format.sizeimage == 353280, "GET_FMT: %u, %u", format.width,
	   format.sizeimage);
	must(channel.fd, SET_BANKS, &type, "SET_BANKS");
	channel_buffers(&channel, 2);
	try_buffer_errors(&channel);
	channel_on(&channel);
	fails(channel.fd, STREAM_ON, &type, EPERM, "STREAMON twice");
	fails(channel.fd, REQBUFS, &(struct reqbufs){ 2, 1, 2, { 0 } }, EBUSY, "REQBUFS while streaming");
	fails(channel.fd, SET_FORMAT, &channel.format, EBUSY, "SET_FMT while streaming");
	fails(channel.fd, 0xc0445610u, &buffer, ENOTTY, "an unknown number of a channel");
	/* Both buffers are taken and not queued again: who waits then is freed by STREAMOFF. */
	channel_take(&channel, &buffer);
	channel_take(&channel, &buffer);
	stop.fd = channel.fd;
	stop.argument = &type;
	call_begin(&stop);
	buffer = (struct buffer){ .type = 1, .memory = 2 };
	fails(channel.fd, DQBUF, &buffer, EINVAL, "DQBUF while STREAMOFF comes");
	ok(!call_end(&stop), "STREAMOFF: %s", strerror(errno));
	fails(channel.fd, STREAM_OFF, &type, EINVAL, "STREAMOFF twice");
	channel_close(&channel);
	rmem_free(channel.pool);
	camera_stop(&camera);
}
