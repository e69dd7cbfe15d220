// SPDX-License-Identifier: GPL-2.0-only
/*
 * A camera's main program as the memory lab describes it: what it takes of the carve-out, in its order. Its
 * channels may be disabled and enabled again; what leaks is taken anew then.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vendor.h"

#define MAX_CHANNELS 3

static struct channel channels[MAX_CHANNELS];
static int used;
/* Where the carve-out is, or 0 for what the command line says, and how often channels are enabled. */
static unsigned int base, total, cycles = 1, frees_pools;

/* "block:BYTES:OWNER", or "leak:…"; false where there is no room. */
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
	used++;
	return true;
}

/* Takes what is asked for in this cycle, in order; false where there is no room. */
static bool take_all(struct camera *camera, bool first, int count, char **steps)
{
	for (int step = 0; step < count; step++) {
		const char *text = steps[step], *rest = strchr(text, ':') + 1;
		bool there = true;

		if (!strncmp(text, "frames:", 7))
			there = take_frames(rest);
		else if (first || !strncmp(text, "leak:", 5))
			there = take_block(camera, rest);
		if (!there)
			return false;
	}
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

/* A pool that is not freed is left to whoever holds its frames. */
static void disable_channels(bool frees)
{
	while (used--) {
		if (!frees)
			channels[used].pool = 0;
		channel_off(&channels[used]);
		channel_close(&channels[used]);
	}
	used = 0;
}

/* The channels are enabled so often, or until there is no room. */
static void run_cycles(struct camera *camera, int frames, int count, char **steps)
{
	unsigned int survived;

	for (survived = 0; survived < cycles; survived++) {
		printf("cycle %u\n", survived);
		if (!take_all(camera, !survived, count, steps))
			break;
		take_turns(frames);
		if (survived + 1 < cycles)
			disable_channels(frees_pools);
	}
	printf("survived %u\n", survived);
	for (int index = 0; index < used; index++)
		printf("granted %d %u\n", channels[index].number, channels[index].count);
	rmem_print();
}

/* Words before the steps: "rmem:BASE:BYTES" where the driver has another carve-out than the command line
 * names, "cycles:MOST:FREES_POOLS". How many they are.
 */
static int take_options(int count, char **words)
{
	int used_words = 0;

	while (used_words < count &&
	       (sscanf(words[used_words], "rmem:%u:%u", &base, &total) == 2 ||
		sscanf(words[used_words], "cycles:%u:%u", &cycles, &frees_pools) == 2))
		used_words++;
	for (int step = used_words; step < count; step++)
		if (strncmp(words[step], "frames:", 7) && strncmp(words[step], "block:", 6) &&
		    strncmp(words[step], "leak:", 5))
			die("%s is no step", words[step]);
	return used_words;
}

void try_camera(int frames, int count, char **words)
{
	int options = take_options(count, words);
	struct camera camera;
	uint32_t index = 0;

	if (total)
		rmem_open_at(base, total);
	else
		rmem_open();
	camera_open(&camera);
	camera.info = (struct sensor_info){ .name = "gc2053", .cbus = 1, .type = "gc2053", .address = 0x37 };
	must(camera.isp, REGISTER_SENSOR, &camera.info, "REGISTER_SENSOR");
	must(camera.isp, SET_INPUT, &index, "S_INPUT");
	camera_enable_sensor(&camera);
	run_cycles(&camera, frames, count - options, words + options);
	disable_channels(true);
	camera_disable_sensor(&camera);
	camera_close(&camera);
	rmem_close();
}
