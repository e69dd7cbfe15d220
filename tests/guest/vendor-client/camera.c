// SPDX-License-Identifier: GPL-2.0-only
/*
 * A camera's main program as the memory lab describes it: what it takes of the carve-out, in its order.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vendor.h"

#define MAX_CHANNELS 3

static struct channel channels[MAX_CHANNELS];
static int used;

/* "block:BYTES:OWNER"; false where there is no room. */
static bool take_block(struct camera *camera, const char *text)
{
	char *owner;
	struct isp_buffer needed, buffer = { .size = strtoul(text, &owner, 0) };

	buffer.paddr = rmem_alloc(buffer.size, ++owner);
	if (!buffer.paddr) {
		printf("refused %u %s\n", buffer.size, owner);
		return false;
	}
	if (strcmp(owner, "ncubuf"))
		return true;
	must(camera->isp, GET_BUF, &needed, "GET_BUF");
	if (buffer.size < needed.size)
		printf("ncubuf of the record is smaller than GET_BUF's %u: not handed over\n", needed.size);
	else
		must(camera->isp, SET_BUF, &buffer, "SET_BUF");
	return true;
}

/* "frames:CHANNEL:WIDTH:HEIGHT:COUNT"; false where there is no room. */
static bool take_frames(const char *text)
{
	struct channel *channel = &channels[used];
	unsigned int number, width, height, count;
	char owner[32];
	uint32_t bytes;

	if (sscanf(text, "%u:%u:%u:%u", &number, &width, &height, &count) != 4 || used == MAX_CHANNELS)
		die("frames:%s makes no sense", text);
	channel_open(channel, number, width, height);
	bytes = channel->format.sizeimage * count;
	snprintf(owner, sizeof(owner), "VBMPool%u", number);
	if (!rmem_fits(bytes)) {
		printf("refused %u %s\n", bytes, owner);
		channel_close(channel);
		return false;
	}
	channel_buffers(channel, count);
	channel_on(channel);
	printf("granted %u %u\n", number, channel->count);
	used++;
	return true;
}

static void take_turns(int frames)
{
	struct buffer buffer;

	for (int frame = 0; frame < frames; frame++) {
		for (int index = 0; index < used; index++) {
			struct channel *channel = &channels[index];
			uint32_t address;

			channel_take(channel, &buffer);
			address = channel->addresses[buffer.index];
			printf("frame %d %#010x %08x\n", channel->number, address,
			       crc32_picture(rmem_at(address), &channel->format));
			if (channel_queue(channel, buffer.index) < 0)
				die("QBUF: %s", strerror(errno));
		}
	}
}

/* "rmem:BASE:BYTES", where the driver was loaded with another carve-out than the command line names. */
static void take_carve_out(int count, char **steps)
{
	unsigned int base, bytes;

	if (count > 0 && sscanf(steps[0], "rmem:%u:%u", &base, &bytes) == 2)
		rmem_open_at(base, bytes);
	else
		rmem_open();
}

void try_camera(int frames, int count, char **steps)
{
	struct camera camera;
	uint32_t index = 0;
	bool all = true;

	take_carve_out(count, steps);
	camera_open(&camera);
	camera.info = (struct sensor_info){ .name = "gc2053", .cbus = 1, .type = "gc2053", .address = 0x37 };
	must(camera.isp, REGISTER_SENSOR, &camera.info, "REGISTER_SENSOR");
	must(camera.isp, SET_INPUT, &index, "S_INPUT");
	camera_enable_sensor(&camera);
	for (int step = 0; step < count && all; step++) {
		if (!strncmp(steps[step], "block:", 6))
			all = take_block(&camera, steps[step] + 6);
		else if (!strncmp(steps[step], "frames:", 7))
			all = take_frames(steps[step] + 7);
		else if (step > 0 || strncmp(steps[step], "rmem:", 5))
			die("%s is no step", steps[step]);
	}
	rmem_print();
	if (all)
		take_turns(frames);
	while (used--) {
		channel_off(&channels[used]);
		channel_close(&channels[used]);
	}
	camera_disable_sensor(&camera);
	camera_close(&camera);
	rmem_close();
}
