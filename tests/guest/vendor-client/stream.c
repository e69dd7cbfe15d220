// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames, and channels that start again and again.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vendor.h"

static void start_two(struct camera *camera, struct channel *main, struct channel *sub)
{
	camera_start(camera);
	channel_open(main, 0, 1920, 1080);
	channel_buffers(main, 4);
	channel_on(main);
	channel_open(sub, 1, 640, 360);
	channel_buffers(sub, 2);
	channel_on(sub);
}

static void end_two(struct camera *camera, struct channel *main, struct channel *sub)
{
	channel_end(sub);
	channel_end(main);
	camera_stop(camera);
}

/* The whole flow with two channels. Each frame's checksum is printed for the lab to compare. */
void try_stream(int frames)
{
	struct channel main, sub, *both[] = { &main, &sub };
	struct camera camera;
	struct buffer buffer;
	uint64_t last[2] = { 0, 0 }, time;

	start_two(&camera, &main, &sub);
	for (int frame = 0; frame < frames; frame++) {
		for (int which = 0; which < 2; which++) {
			struct channel *channel = both[which];

			channel_take(channel, &buffer);
			ok(buffer.flags == 0x2004, "a frame's flags are 0x2004, not %#x", buffer.flags);
			ok(buffer.reserved == 0, "reserved is 0, not %#x", buffer.reserved);
			time = buffer.seconds * 1000000ull + buffer.microseconds;
			ok(time > last[which], "time goes on: %llu after %llu",
			   (unsigned long long)time, (unsigned long long)last[which]);
			last[which] = time;
			printf("frame %d %#010x %08x\n", channel->number,
			       channel->addresses[buffer.index],
			       crc32_picture(rmem_at(channel->addresses[buffer.index]),
					     &channel->format));
			if (channel_queue(channel, buffer.index) < 0)
				die("QBUF: %s", strerror(errno));
		}
	}
	end_two(&camera, &main, &sub);
}

void try_speed(int seconds)
{
	struct channel main;
	struct camera camera;
	struct buffer buffer;
	uint64_t begin;
	int frames = 0;

	camera_start(&camera);
	channel_open(&main, 0, 1920, 1080);
	channel_buffers(&main, 4);
	channel_on(&main);
	begin = now_ms();
	while (now_ms() - begin < seconds * 1000ull) {
		channel_take(&main, &buffer);
		channel_queue(&main, buffer.index);
		frames++;
	}
	printf("speed %d.%02d frames per second\n", frames / seconds, frames % seconds * 100 / seconds);
	channel_end(&main);
	camera_stop(&camera);
}

/* Channels that are enabled and disabled over and over. */
void try_restart(int times)
{
	struct channel channel;
	struct camera camera;
	struct buffer buffer;
	int time;

	camera_start(&camera);
	for (time = 0; time < times && !failures; time++) {
		channel_open(&channel, time % 3, 320, 192);
		channel_buffers(&channel, 3);
		channel_on(&channel);
		for (int frame = 0; frame < 2; frame++) {
			channel_take(&channel, &buffer);
			channel_queue(&channel, buffer.index);
		}
		channel_end(&channel);
		if (time % 10 == 9) {
			camera_disable_sensor(&camera);
			camera_enable_sensor(&camera);
		}
	}
	printf("restarts %d\n", time);
	camera_stop(&camera);
}
