// SPDX-License-Identifier: GPL-2.0-only
/*
 * More than one process, and processes that are killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vendor.h"

/* Longer than any call may take. */
#define PATIENCE_MS 20000

/* Waits for a child; true if it ended in time and as it should. */
static bool ends(pid_t child, int signal)
{
	uint64_t end = now_ms() + PATIENCE_MS;
	int status;

	while (now_ms() < end) {
		pid_t found = waitpid(child, &status, WNOHANG);

		if (found == child && signal)
			return WIFSIGNALED(status) && WTERMSIG(status) == signal;
		if (found == child)
			return WIFEXITED(status) && WEXITSTATUS(status) == 0;
		usleep(5000);
	}
	return false;
}

/* Run as a program of its own: it has mapped nothing of what the first process holds. */
void try_intruder(uint32_t address)
{
	struct reqbufs request = { 2, 1, 2, { 0 } };
	struct channel channel;
	struct buffer buffer;
	int fd, index;

	fd = open("/dev/framechan0", OPEN_FLAGS);
	ok(fd < 0 && errno == EBUSY, "the first process's channel: %s", strerror(errno));
	fd = open("/dev/tx-isp", OPEN_FLAGS);
	ok(fd >= 0, "a second /dev/tx-isp: %s", strerror(errno));
	must(fd, GET_INPUT, &index, "G_INPUT of a second process");
	ok(index == 0, "the sensor is the same: %d", index);
	channel_open(&channel, 2, 320, 192);
	must(channel.fd, REQBUFS, &request, "REQBUFS");
	channel.addresses[0] = address;
	buffer = channel_buffer(&channel, 0);
	fails(channel.fd, QBUF, &buffer, EINVAL, "QBUF of the first process's memory");
	fails(fd, SET_BUF, &(struct isp_buffer){ address, 5000000 }, EINVAL,
	      "SET_BUF of the first process's memory");
	exit(failures != 0);
}

void try_two_processes(void)
{
	struct channel channel;
	struct camera camera;
	struct buffer buffer;
	char address[16];
	pid_t child;
	void *whole;
	int fd;

	camera_start(&camera);
	channel_open(&channel, 0, 1920, 1080);
	channel_buffers(&channel, 3);
	channel_on(&channel);
	fd = open("/dev/rmem", O_RDWR);
	whole = mmap(NULL, rmem_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, rmem_base());
	ok(whole == MAP_FAILED, "the carve-out is mapped whole twice");
	close(fd);
	snprintf(address, sizeof(address), "%u", channel.pool);
	fflush(stdout);
	child = fork();
	if (!child) {
		execl("/proc/self/exe", "vendor-client", "intruder", address, NULL);
		_exit(1);
	}
	for (int frame = 0; frame < 20; frame++) {
		channel_take(&channel, &buffer);
		channel_queue(&channel, buffer.index);
	}
	ok(ends(child, 0), "the second process did not end well");
	/* Its leaving has stopped nothing. */
	channel_take(&channel, &buffer);
	channel_end(&channel);
	camera_stop(&camera);
}

static void stream_until_killed(bool hold_back)
{
	struct channel main, sub;
	struct camera camera;
	struct buffer buffer;

	camera_start(&camera);
	channel_open(&main, 0, 1920, 1080);
	channel_buffers(&main, 3);
	channel_on(&main);
	channel_open(&sub, 1, 640, 360);
	channel_buffers(&sub, 2);
	channel_on(&sub);
	for (;;) {
		channel_take(&main, &buffer);
		channel_queue(&main, buffer.index);
		if (!hold_back) {
			channel_take(&sub, &buffer);
			channel_queue(&sub, buffer.index);
			continue;
		}
		/* Buffers that never come back: DQBUF waits for ever. */
		buffer = (struct buffer){ .type = 1, .memory = 2 };
		ioctl(sub.fd, DQBUF, &buffer);
	}
}

/* kill -9 at any moment; the next client finds everything free. */
void try_kill(int times)
{
	int time;

	srand(1);
	for (time = 0; time < times && !failures; time++) {
		pid_t child;

		fflush(stdout);
		child = fork();
		if (!child) {
			freopen("/dev/null", "w", stdout);
			stream_until_killed(time % 2);
		}
		usleep(rand() % 900000);
		kill(child, SIGKILL);
		ok(ends(child, SIGKILL), "client %d does not end when it is killed", time);
	}
	printf("kills %d\n", time);
	try_stream(2);
}
