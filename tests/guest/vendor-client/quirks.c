// SPDX-License-Identifier: GPL-2.0-only
/*
 * The faults of the vendor's driver, with quirks=vendor.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vendor.h"

#define WAIT_MS 1500
/* Longer than LISTEN_BUF waits without the faults. */
#define LISTEN_MS 3000

/* A client that is gone has left its sensor behind: the next one cannot register it. */
static void try_left_sensor(void)
{
	struct camera camera, next;

	rmem_open();
	camera_open(&camera);
	camera_add_sensor(&camera);
	camera_close(&camera);
	camera_open(&next);
	fails(next.isp, REGISTER_SENSOR, &camera.info, EINVAL, "REGISTER_SENSOR behind a client that is gone");
	must(next.isp, RELEASE_SENSOR, &camera.info, "RELEASE_SENSOR");
	camera_close(&next);
	rmem_close();
}

/* Memory that the client has not mapped, or that two buffers share, is taken. */
static void try_any_memory(void)
{
	struct reqbufs request = { 2, 1, 2, { 0 } };
	struct isp_buffer noise_reduction = { 0, 5000000 };
	struct channel channel;
	struct camera camera;
	struct buffer buffer;
	int none = -1;

	camera_start(&camera);
	rmem_close();
	noise_reduction.paddr = rmem_base();
	must(camera.isp, SET_BUF, &noise_reduction, "SET_BUF of memory that is not mapped");
	channel_open(&channel, 1, 640, 360);
	must(channel.fd, REQBUFS, &request, "REQBUFS");
	channel.addresses[0] = channel.addresses[1] = rmem_base() + 8000000 / 256 * 256;
	channel.count = 2;
	for (uint32_t index = 0; index < 2; index++) {
		buffer = channel_buffer(&channel, index);
		must(channel.fd, QBUF, &buffer, "QBUF of memory that is not mapped, twice the same");
	}
	channel_close(&channel);
	camera_disable_sensor(&camera);
	must(camera.isp, SET_INPUT, &none, "S_INPUT -1");
	must(camera.isp, RELEASE_SENSOR, &camera.info, "RELEASE_SENSOR");
	camera_close(&camera);
}

/* Whoever waits in DQBUF cannot be killed. */
static void try_unkillable(void)
{
	struct channel channel;
	struct camera camera;
	struct buffer buffer;
	int type = 1, status;
	uint64_t begin;
	pid_t child;

	camera_start(&camera);
	channel_open(&channel, 1, 640, 360);
	channel_buffers(&channel, 2);
	channel_on(&channel);
	channel_take(&channel, &buffer);
	channel_take(&channel, &buffer);
	child = fork();
	if (!child) {
		buffer = (struct buffer){ .type = 1, .memory = 2 };
		ioctl(channel.fd, DQBUF, &buffer);
		_exit(0);
	}
	usleep(WAIT_MS * 1000 / 3);
	kill(child, SIGKILL);
	begin = now_ms();
	while (now_ms() - begin < WAIT_MS)
		usleep(50000);
	ok(waitpid(child, &status, WNOHANG) == 0, "who waits in DQBUF was killed");
	must(channel.fd, STREAM_OFF, &type, "STREAMOFF");
	ok(waitpid(child, &status, 0) == child && WIFSIGNALED(status), "STREAMOFF lets it die: %#x", status);
	must(channel.fd, REQBUFS, &(struct reqbufs){ 0, 1, 2, { 0 } }, "REQBUFS 0");
	rmem_free(channel.pool);
	channel_close(&channel);
	camera_stop(&camera);
}

/* Another client may open a channel: the first one's stream ends with it. */
static void try_shared_channel(void)
{
	struct channel channel, second;
	struct camera camera;
	struct buffer buffer;
	int type = 1;

	camera_start(&camera);
	channel_open(&channel, 1, 640, 360);
	channel_buffers(&channel, 2);
	channel_on(&channel);
	channel_take(&channel, &buffer);
	channel_queue(&channel, buffer.index);
	second.fd = open("/dev/framechan1", OPEN_FLAGS);
	ok(second.fd >= 0, "a second open of a channel: %s", strerror(errno));
	fails(channel.fd, STREAM_ON, &type, EBUSY, "STREAMON of what streams, behind a second open");
	close(second.fd);
	buffer = (struct buffer){ .type = 1, .memory = 2 };
	fails(channel.fd, DQBUF, &buffer, EINVAL, "DQBUF behind the second client's end");
	fails(channel.fd, STREAM_ON, &type, EPERM, "STREAMON behind the second client's end");
	rmem_free(channel.pool);
	channel_close(&channel);
	camera_stop(&camera);
}

/* What cannot be is taken, and no frame comes of it. */
static void try_pictures(void)
{
	struct channel channel;
	struct camera camera;
	struct format format;
	struct buffer buffer;

	camera_start(&camera);
	channel_open(&channel, 1, 640, 360);
	format = channel.format;
	format.width = 100;
	must(channel.fd, SET_FORMAT, &format, "SET_FMT of a size that cannot be");
	format = channel.format;
	format.crop_enable = 1;
	format.crop_left = 600;
	format.crop_width = 640;
	format.crop_height = 360;
	must(channel.fd, SET_FORMAT, &format, "SET_FMT with a crop that is not inside");
	/* The picture is as large as its buffer all the same. */
	channel_buffers(&channel, 2);
	channel_on(&channel);
	channel_take(&channel, &buffer);
	channel_end(&channel);
	/* Refused, and half of it done. */
	fails(camera.isp, SET_BUF, &(struct isp_buffer){ camera.ncu, 4096 }, EFAULT,
	      "SET_BUF of too little");
	camera_stop(&camera);
}

/* LISTEN_BUF waits for ever where no frame comes, but hears signals. */
static void try_listening(void)
{
	int listened;
	struct call listen = { .number = LISTEN_BUF, .argument = &listened };
	struct channel channel;
	struct camera camera;

	camera_start(&camera);
	channel_open(&channel, 1, 640, 360);
	channel_buffers(&channel, 2);
	listen.fd = channel.fd;
	call_begin(&listen);
	usleep(LISTEN_MS * 1000);
	ok(!listen.over, "LISTEN_BUF has come back without a frame");
	call_signal(&listen);
	ok(call_end(&listen) == -1 && errno == EINTR, "LISTEN_BUF with a signal: %s", strerror(errno));
	must(channel.fd, REQBUFS, &(struct reqbufs){ 0, 1, 2, { 0 } }, "REQBUFS 0");
	rmem_free(channel.pool);
	channel_close(&channel);
	camera_stop(&camera);
}

void try_quirks(void)
{
	try_left_sensor();
	try_any_memory();
	try_unkillable();
	try_shared_channel();
	try_pictures();
	try_listening();
}
