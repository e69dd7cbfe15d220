// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vendor's library in its own order (T31 4.1 to 4.3, 4.6): what it checks, ends it, and what it does not
 * check, it goes on with. For what a driver may answer, this tells what becomes of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "vendor.h"

#define MAX_CHANNELS 3
/* How long a channel may bring no frame. */
#define PATIENCE_MS 8000
#define EXPOSURE_ZONES 0x8000030u
#define FRAME_RATE 0x80000e0u

struct source {
	struct channel channel;
	unsigned int asked, queued;
	volatile unsigned int frames;
	pthread_t thread;
};

static struct camera camera;
static struct source sources[MAX_CHANNELS];
static int tuning = -1, encoder[2] = { -1, -1 };
static struct call encoder_wait;
static uint32_t encoder_irq;

/* The library ends here: the last word of its log. */
static bool ended(const char *where, const char *why)
{
	printf("library ended in %s: %s\n", where, why);
	return false;
}

static bool called(int ret, const char *where, const char *what)
{
	char why[96];

	if (!ret)
		return true;
	snprintf(why, sizeof(why), "%s: %s", what, strerror(errno));
	return ended(where, why);
}

/* The pin and the clocks, in its order (T31 4.6). */
static bool drive_strength(void)
{
	static const uint32_t pins[] = { 0x10011010, 0x10011020, 0x10011030, 0x10011040 };
	static const uint32_t plls[] = { 0x10000010, 0x10000014, 0x100000e0, 0x100000e0 };
	uint32_t pin[4], strength, gate, divider, pll;

	for (int index = 0; index < 4; index++)
		pin[index] = mem_word(pins[index]) & 1 << 8;
	strength = mem_word(0x10011130) >> 14 & 3;
	gate = mem_word(0x10000028) >> 4 & 1;
	divider = mem_word(0x10000054);
	pll = mem_word(plls[divider >> 30]);
	if (pin[0] || pin[1] || pin[2] || pin[3] || gate || strength)
		return true;
	if (!(pll >> 14 & 0x3f) || !(pll >> 11 & 7) || !(pll >> 8 & 7))
		return ended("System_Init", "division by zero: the process is killed by SIGFPE");
	return true;
}

static bool open_encoder(void)
{
	static const uint32_t offsets[] = { 0x8000, 0x8008, 0x800c, 0x8018 };

	for (int index = 0; index < 2; index++) {
		encoder[index] = open("/dev/avpu", OPEN_FLAGS);
		if (encoder[index] < 0)
			return called(-1, "System_Init", "/dev/avpu");
	}
	encoder_wait = (struct call){ .fd = encoder[0], .number = AVPU_WAIT, .argument = &encoder_irq };
	call_begin(&encoder_wait);
	for (int index = 0; index < 4; index++) {
		uint32_t word[2] = { offsets[index], 0 };

		if (!called(ioctl(encoder[0], AVPU_READ, word), "System_Init", "the encoder's registers"))
			return false;
	}
	return true;
}

static bool system_init(void)
{
	static const uint32_t ids[] = { 0x1300002c, 0x10000034, 0x13540238, 0x13540231 };
	struct timespec base;
	uint32_t id[4];

	if (!drive_strength())
		return false;
	/* CLOCK_MONOTONIC_RAW. */
	clock_gettime(4, &base);
	for (int index = 0; index < 4; index++)
		id[index] = mem_word(ids[index]);
	printf("soc %#010x type %#x\n", id[0], id[2] >> 16);
	return open_encoder();
}

static bool add_sensor(void)
{
	struct sensor_info *info = &camera.info;
	struct isp_buffer buffer = { 0 };
	struct input input;
	uint32_t index = 0, found = -1;

	strcpy(info->name, "gc2053");
	strcpy(info->type, "gc2053");
	info->cbus = 1;
	info->address = 0x37;
	if (!called(ioctl(camera.isp, REGISTER_SENSOR, info), "AddSensor", "REGISTER_SENSOR"))
		return false;
	for (;; index++) {
		input = (struct input){ .index = index };
		if (ioctl(camera.isp, ENUM_INPUT, &input))
			break;
		if (!strcmp(input.name, info->name))
			found = index;
	}
	if (found == (uint32_t)-1)
		return ended("AddSensor", "ENUMINPUT names no such sensor");
	if (!called(ioctl(camera.isp, SET_INPUT, &found), "AddSensor", "S_INPUT") ||
	    !called(ioctl(camera.isp, GET_BUF, &buffer), "AddSensor", "GET_BUF"))
		return false;
	printf("ncubuf %u\n", buffer.size);
	if (!buffer.size)
		return ended("AddSensor", "a block of 0 bytes");
	camera.ncu = rmem_alloc(buffer.size, "ncubuf");
	if (!camera.ncu)
		return ended("AddSensor", "no memory for ncubuf");
	buffer.paddr = camera.ncu;
	return called(ioctl(camera.isp, SET_BUF, &buffer), "AddSensor", "SET_BUF");
}

static bool enable_sensor(void)
{
	int index = -1;

	if (!called(ioctl(camera.isp, GET_INPUT, &index), "EnableSensor", "G_INPUT"))
		return false;
	if (index == -1)
		return ended("EnableSensor", "no sensor is chosen");
	index = 0;
	return called(ioctl(camera.isp, STREAM_ON, NULL), "EnableSensor", "STREAMON") &&
	       called(ioctl(camera.isp, CREATE_LINKS, &index), "EnableSensor", "CREATE_LINKS") &&
	       called(ioctl(camera.isp, LINKS_ON, NULL), "EnableSensor", "LINKS_STREAMON");
}

/* What fails here but the node is not looked at. */
static bool enable_tuning(void)
{
	struct tuning rate = { 1, FRAME_RATE, 0 };
	int mem;

	tuning = open("/dev/isp-m0", OPEN_FLAGS);
	if (tuning < 0)
		return called(-1, "EnableTuning", "/dev/isp-m0");
	mem = open("/dev/mem", OPEN_MEM_FLAGS);
	if (mem >= 0) {
		mmap(NULL, 0x1b000, PROT_READ | PROT_WRITE, MAP_SHARED, mem, 0x13380000);
		close(mem);
	}
	ioctl(tuning, TUNE, &rate);
	ioctl(tuning, GET_CONTROL, &(uint32_t[2]){ 0x980900, 0 });
	ioctl(tuning, GET_CONTROL, &(uint32_t[2]){ 0x980902, 0 });
	access("/etc/sensor/gc2053move.txt", R_OK);
	return true;
}

/* One frame: taken, looked at, given back. */
static void take(struct source *source)
{
	static uint32_t zones[225];
	struct tuning exposure = { 1, EXPOSURE_ZONES, (uint32_t)(uintptr_t)zones };
	struct channel *channel = &source->channel;
	struct buffer buffer = { .type = 1, .memory = 2 };

	if (ioctl(channel->fd, DQBUF, &buffer)) {
		printf("channel %d: DQBUF: %s\n", channel->number, strerror(errno));
		return;
	}
	if (buffer.index >= source->asked) {
		printf("channel %d: DQBUF answers index %u\n", channel->number, buffer.index);
		return;
	}
	if (!channel->number) {
		if (!source->frames)
			mem_word(0x13309888);
		ioctl(tuning, TUNE, &exposure);
	}
	source->frames++;
	buffer = channel_buffer(channel, buffer.index);
	ioctl(channel->fd, QBUF, &buffer);
}

static void *pool_thread(void *argument)
{
	struct source *source = argument;
	int listened;

	for (;;) {
		pthread_testcancel();
		if (ioctl(source->channel.fd, LISTEN_BUF, &listened) < 0)
			continue;
		take(source);
	}
	return NULL;
}

static uint32_t library_frame_bytes(const struct format *format)
{
	return (format->width + 15) / 16 * 16 * 12 / 8 * ((format->height + 15) / 16 * 16);
}

/* VBMCreatePool, REQBUFS, VBMFillPool. */
static bool fill(struct source *source)
{
	struct channel *channel = &source->channel;
	struct reqbufs request = { source->asked, 1, 2, { 0 } };
	uint32_t computed = library_frame_bytes(&channel->format), index;
	char owner[32];

	snprintf(owner, sizeof(owner), "VBMPool%d", channel->number);
	channel->frame_bytes = channel->format.sizeimage > computed ? channel->format.sizeimage : computed;
	channel->pool = rmem_alloc(channel->frame_bytes * source->asked, owner);
	if (!channel->pool)
		return ended("EnableChn", "no memory for the pool of frames");
	printf("pool %d %u\n", channel->number, channel->frame_bytes * source->asked);
	if (!called(ioctl(channel->fd, REQBUFS, &request), "EnableChn", "REQBUFS"))
		return false;
	if (request.count < source->asked)
		return ended("EnableChn", "Insufficient buffer memory");
	for (index = 0; index < source->asked; index++) {
		struct buffer buffer;

		channel->addresses[index] = channel->pool + index * channel->frame_bytes;
		buffer = channel_buffer(channel, index);
		/* Nobody looks at what it returns. */
		if (!ioctl(channel->fd, QBUF, &buffer))
			source->queued++;
	}
	return true;
}

static bool enable_channel(struct source *source, int number, uint32_t width, uint32_t height)
{
	int type = 1;

	channel_open(&source->channel, number, width, height);
	if (!fill(source))
		return false;
	pthread_create(&source->thread, NULL, pool_thread, source);
	return called(ioctl(source->channel.fd, STREAM_ON, &type), "EnableChn", "STREAMON");
}

/* Waits until the channel has its frames; false if none come any more. */
static bool await(struct source *source, unsigned int frames)
{
	unsigned int before = source->frames;
	uint64_t end = now_ms() + PATIENCE_MS;

	while (source->frames < frames) {
		if (source->frames != before)
			end = now_ms() + PATIENCE_MS;
		before = source->frames;
		if (now_ms() > end)
			return false;
		usleep(2000);
	}
	return true;
}

static void disable_channel(struct source *source)
{
	int type = 1;

	/* Nothing wakes it but a frame, or LISTEN_BUF's own end. */
	pthread_cancel(source->thread);
	pthread_join(source->thread, NULL);
	must(source->channel.fd, STREAM_OFF, &type, "STREAMOFF of a channel");
	must(source->channel.fd, REQBUFS, &(struct reqbufs){ 0, 1, 2, { 0 } }, "REQBUFS 0");
	channel_close(&source->channel);
	rmem_free(source->channel.pool);
}

static bool stream(unsigned int frames, int count)
{
	bool hangs = false;

	for (int index = 0; index < count; index++) {
		struct source *source = &sources[index];
		bool comes = await(source, frames);

		printf("channel %d: %u of %u buffers queued, %s\n", index, source->queued, source->asked,
		       comes ? "frames come" : "no frames come");
		hangs |= !comes;
	}
	for (int index = count - 1; index >= 0; index--)
		disable_channel(&sources[index]);
	return hangs ? ended("GetFrame", "no frames come") : true;
}

static void undo(void)
{
	camera_disable_sensor(&camera);
	camera_delete_sensor(&camera);
	close(tuning);
	must(encoder[1], AVPU_UNBLOCK, NULL, "unblocking the encoder");
	call_end(&encoder_wait);
	camera_close(&camera);
	rmem_close();
}

/* Each picture is WIDTHxHEIGHT:COUNT. What the library would end at ends this, too, well. */
void try_library(int frames, int count, char **pictures)
{
	int index;

	if (count > MAX_CHANNELS)
		die("there are %d channels", MAX_CHANNELS);
	rmem_open();
	camera_open(&camera);
	if (!add_sensor() || !enable_sensor() || !system_init() || !enable_tuning())
		return;
	for (index = 0; index < count; index++) {
		unsigned int width, height;

		if (sscanf(pictures[index], "%ux%u:%u", &width, &height, &sources[index].asked) != 3)
			die("%s is no picture", pictures[index]);
		if (!enable_channel(&sources[index], index, width, height))
			return;
	}
	rmem_print();
	if (!stream(frames, count))
		return;
	undo();
	printf("library streams\n");
}
