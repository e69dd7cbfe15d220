// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that wait: for frames, against signals, and while a channel does not stop.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vendor.h"

/* Long enough for a thread to be asleep in its call. */
#define ASLEEP_US 300000

/* So long LISTEN_BUF waits where no frame comes, and when it must have come back on a busy machine. */
#define LISTEN_MS 2000
#define LISTEN_LATEST_MS 10000

/* A signal ends LISTEN_BUF; a frame that came meanwhile is not lost. Without a frame it ends by itself. */
static void try_listening(struct channel *channel)
{
	int listened = 77;
	struct call listen = { .fd = channel->fd, .number = LISTEN_BUF, .argument = &listened };
	uint64_t begin = now_ms(), took;

	fails(channel->fd, LISTEN_BUF, &listened, ETIMEDOUT, "LISTEN_BUF without frames");
	took = now_ms() - begin;
	ok(took >= LISTEN_MS - 100 && took < LISTEN_LATEST_MS, "it took %llu ms",
	   (unsigned long long)took);
	ok(listened == -ETIMEDOUT, "LISTEN_BUF without frames writes %d, not %d", -ETIMEDOUT, listened);
	call_begin(&listen);
	usleep(ASLEEP_US);
	call_signal(&listen);
	ok(call_end(&listen) == -1 && errno == EINTR, "LISTEN_BUF with a signal: %d, %s", listen.ret,
	   strerror(errno));
	ok(listened < 0, "LISTEN_BUF with a signal writes a negative number, not %d", listened);
	channel_on(channel);
	usleep(500000);
	/* Three frames are done, and each is told of once. */
	for (int left = 3; left > 0; left--) {
		must(channel->fd, LISTEN_BUF, &listened, "LISTEN_BUF");
		ok(listened == left, "LISTEN_BUF tells of %d frames, not %d", left, listened);
	}
}

/* A signal ends DQBUF, too, where there is no frame. */
static void try_dequeueing(struct channel *channel)
{
	struct buffer buffer = { .type = 1, .memory = 2 };
	struct call dequeue = { .fd = channel->fd, .number = DQBUF, .argument = &buffer };

	for (int index = 0; index < 3; index++) {
		buffer = (struct buffer){ .type = 1, .memory = 2 };
		must(channel->fd, DQBUF, &buffer, "DQBUF");
		ok((int)buffer.index == index, "buffers come in order: %u, not %d", buffer.index, index);
	}
	call_begin(&dequeue);
	usleep(ASLEEP_US);
	call_signal(&dequeue);
	ok(call_end(&dequeue) == -1 && errno == EINTR, "DQBUF with a signal: %d, %s", dequeue.ret,
	   strerror(errno));
}

void try_signal(void)
{
	struct channel channel;
	struct camera camera;

	camera_start(&camera);
	channel_open(&channel, 1, 640, 360);
	channel_buffers(&channel, 3);
	try_listening(&channel);
	try_dequeueing(&channel);
	channel_end(&channel);
	camera_stop(&camera);
}

/* REQBUFS with numbers at the edges. */
void try_counts(void)
{
	static const uint32_t asked[] = { 1, 64, 65, 1000, 0 }, granted[] = { 1, 64, 64, 64, 0 };
	struct channel channel;
	struct camera camera;
	struct buffer buffer;

	camera_start(&camera);
	channel_open(&channel, 2, 128, 128);
	for (int index = 0; index < 5; index++) {
		struct reqbufs request = { asked[index], 1, 2, { 0 } };

		must(channel.fd, REQBUFS, &request, "REQBUFS");
		ok(request.count == granted[index], "REQBUFS %u grants %u, not %u", asked[index],
		   granted[index], request.count);
	}
	channel_buffers(&channel, 64);
	channel_on(&channel);
	for (int frame = 0; frame < 80; frame++) {
		channel_take(&channel, &buffer);
		ok((int)buffer.index == frame % 64, "64 buffers come in order: %u, not %d", buffer.index,
		   frame % 64);
		channel_queue(&channel, buffer.index);
	}
	channel_end(&channel);
	camera_stop(&camera);
}

/*
 * One channel does not stop for some time, which somebody has seen to: the other's frames come on, and
 * nobody's calls are held up.
 */
void try_stuck(int least_ms)
{
	struct channel main, sub;
	struct camera camera;
	struct buffer buffer;
	int type = 1, frames = 0;
	uint64_t last, longest = 0;
	struct call stop;

	camera_start(&camera);
	channel_open(&main, 0, 640, 480);
	channel_buffers(&main, 4);
	channel_on(&main);
	channel_open(&sub, 1, 320, 192);
	channel_buffers(&sub, 2);
	channel_on(&sub);
	for (int frame = 0; frame < 5; frame++) {
		channel_take(&main, &buffer);
		channel_queue(&main, buffer.index);
		channel_take(&sub, &buffer);
		channel_queue(&sub, buffer.index);
	}
	stop = (struct call){ .fd = sub.fd, .number = STREAM_OFF, .argument = &type };
	call_begin(&stop);
	last = now_ms();
	while (!stop.over) {
		uint64_t now;

		channel_take(&main, &buffer);
		channel_queue(&main, buffer.index);
		now = now_ms();
		if (now - last > longest)
			longest = now - last;
		last = now;
		frames++;
	}
	ok(!call_end(&stop), "STREAMOFF: %s", strerror(errno));
	ok(stop.took_ms >= (unsigned int)least_ms, "the channel stopped after %llu ms already",
	   (unsigned long long)stop.took_ms);
	ok(frames > 5 && longest < 500, "%d frames of the other channel, once not for %llu ms", frames,
	   (unsigned long long)longest);
	printf("stuck for %llu ms: %d frames of the other channel, at most %llu ms apart\n",
	       (unsigned long long)stop.took_ms, frames, (unsigned long long)longest);
	must(sub.fd, REQBUFS, &(struct reqbufs){ 0, 1, 2, { 0 } }, "REQBUFS 0");
	rmem_free(sub.pool);
	channel_close(&sub);
	channel_end(&main);
	camera_stop(&camera);
}
