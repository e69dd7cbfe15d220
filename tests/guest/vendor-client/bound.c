// SPDX-License-Identifier: GPL-2.0-only
/*
 * The threads of the vendor's library (T31 4.2, 4.3, 4.6) in a program that takes one channel's frames
 * itself and has bound an encoder to the other. Nobody encodes behind /dev/avpu, so the encoder never gives
 * a frame back. All of it must end all the same, each step in its time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vendor.h"

#define BUFFERS 3
/* No step may take longer. */
#define STEP_MS 8000
#define SOURCE_PUSH 0x8084
#define BOARD_ID 0x8004

struct source {
	struct channel channel;
	pthread_t tick, user;
	bool encodes;
	/* Frames that the tick has brought and the user has not taken. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint32_t frames[BUFFERS];
	int waiting;
	bool over;
	volatile unsigned int taken, nothing;
};

static struct source sources[2];
static int encoder;
static const char *volatile step_name = "beginning";
static volatile uint64_t step_end;

static void *watch(void *unused)
{
	(void)unused;
	for (;;) {
		usleep(100000);
		if (now_ms() < step_end)
			continue;
		printf("FAILED: %s does not end\n", step_name);
		fflush(stdout);
		_exit(1);
	}
	return NULL;
}

static void step(const char *name)
{
	static uint64_t begin;
	uint64_t now = now_ms();

	if (begin)
		printf("%s: %llu ms\n", step_name, (unsigned long long)(now - begin));
	begin = now;
	step_end = now + STEP_MS;
	step_name = name;
}

/* frame_pooling_thread: it can be cancelled between two frames only. */
static void *tick(void *argument)
{
	struct source *source = argument;
	struct buffer buffer;
	int listened, old;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	for (;;) {
		pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
		pthread_testcancel();
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
		if (ioctl(source->channel.fd, LISTEN_BUF, &listened) < 0) {
			source->nothing++;
			continue;
		}
		buffer = (struct buffer){ .type = 1, .memory = 2 };
		if (ioctl(source->channel.fd, DQBUF, &buffer) < 0)
			continue;
		pthread_mutex_lock(&source->lock);
		if (buffer.index < BUFFERS && source->waiting < BUFFERS)
			source->frames[source->waiting++] = buffer.index;
		pthread_cond_broadcast(&source->changed);
		pthread_mutex_unlock(&source->lock);
	}
	return NULL;
}

/* The next frame's number, or -1 at the end. */
static int next_frame(struct source *source)
{
	int index = -1;

	pthread_mutex_lock(&source->lock);
	while (!source->waiting && !source->over)
		pthread_cond_wait(&source->changed, &source->lock);
	if (source->waiting) {
		index = source->frames[0];
		source->waiting--;
		memmove(source->frames, source->frames + 1, source->waiting * sizeof(*source->frames));
	}
	pthread_mutex_unlock(&source->lock);
	return index;
}

/* GetFrame and ReleaseFrame; an encoder is told of the frame, and keeps it until it is done. */
static void *use(void *argument)
{
	struct source *source = argument;
	struct channel *channel = &source->channel;
	int index;

	while ((index = next_frame(source)) >= 0) {
		source->taken++;
		if (source->encodes)
			must(encoder, AVPU_WRITE, (uint32_t[2]){ SOURCE_PUSH, channel->addresses[index] },
			     "telling the encoder of a frame");
		else
			channel_queue(channel, index);
	}
	return NULL;
}

static void enable_channel(struct source *source, int number, uint32_t width, uint32_t height)
{
	pthread_mutex_init(&source->lock, NULL);
	pthread_cond_init(&source->changed, NULL);
	channel_open(&source->channel, number, width, height);
	channel_buffers(&source->channel, BUFFERS);
	if (pthread_create(&source->tick, NULL, tick, source) ||
	    pthread_create(&source->user, NULL, use, source))
		die("no thread");
	channel_on(&source->channel);
}

/* The thread is joined while the channel still streams. */
static void disable_channel(struct source *source)
{
	pthread_cancel(source->tick);
	pthread_join(source->tick, NULL);
	channel_end(&source->channel);
}

static void end_user(struct source *source)
{
	pthread_mutex_lock(&source->lock);
	source->over = true;
	pthread_cond_broadcast(&source->changed);
	pthread_mutex_unlock(&source->lock);
	pthread_join(source->user, NULL);
}

static void await(const struct source *source, unsigned int frames)
{
	while (source->taken < frames)
		usleep(2000);
}

void try_bound(int frames)
{
	struct source *taken = &sources[0], *bound = &sources[1];
	struct call interrupt = { .number = AVPU_WAIT };
	uint32_t irq, id[2] = { BOARD_ID, 0 };
	unsigned int before;
	pthread_t watcher;
	struct camera camera;

	step("AddSensor, EnableSensor");
	if (pthread_create(&watcher, NULL, watch, NULL))
		die("no thread");
	camera_start(&camera);
	step("System_Init");
	mem_word(0x10011010);
	encoder = open("/dev/avpu", OPEN_FLAGS);
	if (encoder < 0)
		die("/dev/avpu: %s", strerror(errno));
	interrupt.fd = encoder;
	interrupt.argument = &irq;
	call_begin(&interrupt);
	must(encoder, AVPU_READ, id, "the encoder's registers");
	step("EnableChn");
	bound->encodes = true;
	enable_channel(taken, 0, 1920, 1080);
	enable_channel(bound, 1, 640, 360);
	step("GetFrame, ReleaseFrame");
	await(taken, frames);
	step("frames for the encoder");
	await(bound, BUFFERS);
	before = taken->taken;
	step("frames beside an encoder that keeps its own");
	await(taken, before + frames);
	ok(bound->taken == BUFFERS, "the encoder was told of %u frames, not %d", bound->taken, BUFFERS);
	step("DisableChn of the encoder's channel");
	disable_channel(bound);
	ok(bound->nothing > 0, "LISTEN_BUF without buffers never came back");
	step("DisableChn");
	disable_channel(taken);
	end_user(taken);
	step("the encoder's DestroyChn");
	end_user(bound);
	step("System_Exit");
	must(encoder, AVPU_READ, id, "the encoder's registers");
	ok(id[1] == 0x72000460, "the encoder's board is %#x", id[1]);
	must(encoder, AVPU_UNBLOCK, NULL, "unblocking the encoder");
	ok(call_end(&interrupt) == -1 && errno == EINTR, "the encoder's thread: %s", strerror(errno));
	close(encoder);
	step("DisableSensor, DelSensor, Close");
	camera_stop(&camera);
	step("the end");
}
