// SPDX-License-Identifier: GPL-2.0-only
/*
 * The nodes beside the frame channels.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vendor.h"

static void try_encoder(void)
{
	static const uint32_t ids[] = { 0x8018, 0x8004 };
	uint32_t word[2] = { 0 };
	int irq = 0, fd = open("/dev/avpu", O_RDWR);
	struct call unblock = { .fd = fd, .number = AVPU_UNBLOCK, .after_ms = 200 };

	if (fd < 0)
		die("/dev/avpu: %s", strerror(errno));
	for (int index = 0; index < 2; index++) {
		word[0] = ids[index];
		must(fd, AVPU_READ, word, "reading the encoder's id");
		ok(word[1] == 0x72000460, "the encoder's id at %#x is 0x72000460, not %#x", ids[index],
		   word[1]);
	}
	for (uint32_t offset = 0x83f0; offset < 0x8470; offset += 4)
		must(fd, AVPU_WRITE, (uint32_t[2]){ offset, ~offset }, "writing the encoder");
	word[0] = 0x846c;
	must(fd, AVPU_READ, word, "reading the encoder");
	ok(word[1] == ~0x846cu, "a register of the encoder holds what was written: %#x", word[1]);
	fails(fd, AVPU_READ, (uint32_t[2]){ 0xa000, 0 }, EINVAL, "a register that the encoder has not");
	call_begin(&unblock);
	fails(fd, AVPU_WAIT, &irq, EINTR, "waiting for the encoder until it is unblocked");
	ok(!call_end(&unblock), "unblocking the encoder: %s", strerror(errno));
	/* A thread that comes too late for that does not wait for ever. */
	fails(fd, AVPU_WAIT, &irq, EINTR, "waiting for the encoder behind its end");
	fails(fd, 0xc004710du, word, ENOTTY, "an unknown number of the encoder");
	close(fd);
}

static void try_files(void)
{
	static const char *const names[] = { "isp-m0", "isp-fs", "isp-w00", "isp-w01", "isp-w02" };
	char path[64], line[128];
	FILE *file;

	for (int index = 0; index < 5; index++) {
		snprintf(path, sizeof(path), "/proc/jz/isp/%s", names[index]);
		file = fopen(path, "r");
		ok(file && fgets(line, sizeof(line), file), "%s says nothing: %s", path, strerror(errno));
		if (file)
			fclose(file);
	}
}

/* Words to the files, as the vendor's driver takes them. */
static void try_commands(void)
{
	static const struct {
		const char *file, *text;
		int error;
	} commands[] = {
		{ "isp-w02", "snapraw 3", 0 },
		{ "isp-w02", "saveraw 2", 0 },
		{ "isp-m0", "get_vb", 0 },
		{ "isp-m0", "set_ch0_pdq_time 5", 0 },
		{ "isp-m0", "snapraw 3", EINVAL },
		{ "isp-fs", "anything", EINVAL },
	};

	for (int index = 0; index < 6; index++) {
		size_t length = strlen(commands[index].text);
		char path[64];
		ssize_t ret;
		int fd;

		snprintf(path, sizeof(path), "/proc/jz/isp/%s", commands[index].file);
		fd = open(path, O_WRONLY);
		ret = write(fd, commands[index].text, length);
		ok(commands[index].error ? ret < 0 && errno == commands[index].error : ret == (ssize_t)length,
		   "%s > %s: %zd, %s", commands[index].text, path, ret, strerror(errno));
		close(fd);
	}
}

static void try_numbers(int fd)
{
	struct tuning tuning = { 1, 0x80000e0, 0 };
	uint32_t control[2] = { 0x980900, 0 };

	must(fd, TUNE, &tuning, "get frame rate");
	ok(tuning.value == (25 << 16 | 1), "the frame rate is 25/1, not %#x", tuning.value);
	tuning = (struct tuning){ 0, 0x80000e0, 15 << 16 | 1 };
	must(fd, TUNE, &tuning, "set frame rate");
	tuning = (struct tuning){ 1, 0x80000e0, 0 };
	must(fd, TUNE, &tuning, "get frame rate");
	ok(tuning.value == (15 << 16 | 1), "the frame rate is 15/1, not %#x", tuning.value);
	tuning = (struct tuning){ 0, 0x80000e0, 25 << 16 | 1 };
	must(fd, TUNE, &tuning, "set frame rate");
	must(fd, GET_CONTROL, control, "brightness");
	must(fd, SET_CONTROL, &(uint32_t[2]){ 0x980902, 99 }, "saturation");
	control[0] = 0x980902;
	must(fd, GET_CONTROL, control, "saturation");
	ok(control[1] == 99, "saturation is kept: %u", control[1]);
	tuning = (struct tuning){ 0, 0x80007ff, 1 };
	must(fd, TUNE, &tuning, "a control that nobody knows");
}

/* What the chip counts: the picture is of colour bars, each of which is bright all the way down. */
static void try_exposure(int fd)
{
	static uint32_t zones[225 + 1], bins[256 + 1];
	struct tuning tuning = { 1, 0x8000030, (uint32_t)(uintptr_t)zones };
	uint32_t sum = 0, count = 0, luma;

	zones[225] = bins[256] = 0x5a5a5a5a;
	must(fd, TUNE, &tuning, "exposure zones");
	tuning = (struct tuning){ 1, 0x8000031, (uint32_t)(uintptr_t)bins };
	must(fd, TUNE, &tuning, "exposure histogram");
	tuning = (struct tuning){ 1, 0x8000033, 0 };
	must(fd, TUNE, &tuning, "brightness");
	luma = tuning.value;
	ok(zones[225] == 0x5a5a5a5a && bins[256] == 0x5a5a5a5a, "more is written than there is");
	for (int index = 0; index < 225; index++)
		sum += zones[index];
	for (int index = 0; index < 256; index++)
		count += bins[index];
	/* 1920x1080 in half pixels, of which one in four lines is looked at. */
	ok(count > 500000 && count <= 960 * 540, "the histogram is of %u half pixels", count);
	ok(luma > 40 && luma < 220, "the mean of bars is %u", luma);
	sum /= 225;
	ok(sum + 8 > luma && sum < luma + 8, "the zones' mean is %u, that of the histogram %u", sum, luma);
	ok(zones[0] != zones[14], "bars on the left and the right are alike: %u", zones[0]);
	tuning = (struct tuning){ 1, 0x8000030, 16 };
	fails(fd, TUNE, &tuning, EFAULT, "exposure zones to nowhere");
}

/* The sensor's registers, pins, wide dynamic range. */
static void try_sensor(struct camera *camera)
{
	struct sensor_register id = { .cbus = 1, .name = "gc2053", .number = 0xf0 };
	uint16_t pins[21] = { 18, 1 };

	must(camera->isp, GET_SENSOR_REGISTER, &id, "reading the sensor");
	ok(id.value == 0x20 && id.value_high == 0, "register 0xf0 is 0x20, not %#x", id.value);
	id.number = 0xf1;
	must(camera->isp, GET_SENSOR_REGISTER, &id, "reading the sensor");
	ok(id.value == 0x53, "register 0xf1 is 0x53, not %#x", id.value);
	id.number = 0x100;
	fails(camera->isp, GET_SENSOR_REGISTER, &id, EINVAL, "a register that the sensor has not");
	/* Fine gain, which nothing else here sets. */
	id.number = 0xb8;
	id.value = 0x5;
	must(camera->isp, SET_SENSOR_REGISTER, &id, "writing the sensor");
	id.value = 0;
	must(camera->isp, GET_SENSOR_REGISTER, &id, "reading the sensor");
	ok(id.value == 0x5, "what was written is read: %#x", id.value);
	must(camera->isp, GPIO_INIT, pins, "GPIO_INIT");
	must(camera->isp, WDR_ENABLE, NULL, "WDR_ENABLE");
	must(camera->isp, WDR_DISABLE, NULL, "WDR_DISABLE");
}

/* The nodes beside the frame channels. */
void try_nodes(void)
{
	struct channel channel;
	struct camera camera;
	struct buffer buffer;
	uint32_t cache[3];
	int fd, again;

	camera_start(&camera);
	fd = open("/dev/isp-m0", OPEN_FLAGS);
	if (fd < 0)
		die("/dev/isp-m0: %s", strerror(errno));
	again = open("/dev/isp-m0", OPEN_FLAGS);
	ok(again < 0 && errno == EPERM, "isp-m0 is one client's: %s", strerror(errno));
	try_numbers(fd);
	try_sensor(&camera);
	try_encoder();
	channel_open(&channel, 1, 640, 360);
	channel_buffers(&channel, 3);
	channel_on(&channel);
	for (int frame = 0; frame < 6; frame++) {
		channel_take(&channel, &buffer);
		channel_queue(&channel, buffer.index);
	}
	try_exposure(fd);
	try_files();
	try_commands();
	channel_end(&channel);
	close(fd);
	cache[0] = (uint32_t)(uintptr_t)rmem_at(rmem_base());
	cache[1] = 4096;
	cache[2] = 0;
	must(rmem_fd(), RMEM_CACHE, cache, "cache operation");
	camera_stop(&camera);
}
