// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioctl-fuzz SEED SECONDS: processes with two threads each make random calls on all nodes. Ends with 1,
 * and says why, if a call does not come back, or a byte changes in memory that nobody was given, or that
 * has come back: every handle closed, no buffer is anybody's but its owner's.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../../driver/linux/tx_isp_rmem_uapi.h"
#include "fuzz.h"

#define PROCESSES 3
/* How a process ends that was blocked where only a kill helps. */
#define BLOCKED 3
#define THREADS 2
#define HANDLES 12
#define GUARD 4096
#define MAPPINGS 4
/* A round ends after so long; then everything is closed and looked at. */
#define ROUND_MS 1500
/* How long a call may block before a signal ends it, and how long it may take then. */
#define SIGNAL_MS 250
#define HUNG_MS 30000
/* A frame channel's calls wait until a frame comes or the process is killed, as the vendor's do. */
#define KILL_MS 3000
/* How long a killed process may take to its end. */
#define END_MS 30000
/* How long memory that has come back is watched. */
#define WATCH_MS 80

static const char *const names[NODES][3] = {
	[VIDEO] = { "/dev/video0", "/dev/video1", "/dev/video2" },
	/* The sensor, the core and a resizer. */
	[SUBDEV] = { "/dev/v4l-subdev0", "/dev/v4l-subdev3", "/dev/v4l-subdev4" },
	[RMEM] = { "/dev/rmem" },
	[MEDIA] = { "/dev/media0" },
	[VENDOR_ISP] = { "/dev/tx-isp" },
	[VENDOR_CHANNEL] = { "/dev/framechan0", "/dev/framechan1", "/dev/framechan2" },
	[VENDOR_TUNING] = { "/dev/isp-m0" },
	[VENDOR_ENCODER] = { "/dev/avpu" },
};

struct mapping {
	void *memory;
	size_t bytes;
};

struct thread {
	pthread_t thread;
	struct random random;
	/* Calls made, and the last one. */
	volatile uint32_t calls, good, frames;
	volatile uint32_t number;
	enum node node;
	struct mapping mappings[MAPPINGS];
	volatile bool done;
};

static struct {
	struct arena arena;
	int fds[HANDLES];
	enum node nodes[HANDLES];
	struct thread threads[THREADS];
	volatile bool stop;
	uint32_t rounds;
} process;

static uint64_t now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000ull + time.tv_nsec / 1000000;
}

static void sleep_ms(unsigned int ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000l };

	nanosleep(&time, NULL);
}

static void nothing(int signal)
{
}

static void open_one(struct random *random, int slot)
{
	enum node node = one_in(random, 2) ? VIDEO : below(random, NODES);
	const char *name = names[node][below(random, 3)];

	if (!name || process.fds[slot] >= 0)
		return;
	process.nodes[slot] = node;
	process.fds[slot] = open(name, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

static void map(struct thread *thread, int fd)
{
	struct mapping *mapping = &thread->mappings[below(&thread->random, MAPPINGS)];
	const struct arena *arena = &process.arena;
	uint32_t offset = value(&thread->random, arena) & ~4095u;
	int flags = one_in(&thread->random, 4) ? MAP_PRIVATE : MAP_SHARED;

	if (mapping->memory) {
		munmap(mapping->memory, mapping->bytes);
		mapping->memory = NULL;
		return;
	}
	if (one_in(&thread->random, 3))
		offset = below(&thread->random, 8) * 4096 * 8;
	mapping->bytes = (1 + below(&thread->random, 64)) * 4096;
	mapping->memory = mmap(NULL, mapping->bytes, PROT_READ | PROT_WRITE, flags, fd, offset);
	if (mapping->memory == MAP_FAILED)
		mapping->memory = NULL;
}

static void ioctl_one(struct thread *thread, int fd, enum node node)
{
	uint8_t argument[ARGUMENT_BYTES] __attribute__((aligned(8)));
	unsigned long number = pick(&thread->random, node, &process.arena, argument);

	thread->number = number;
	thread->node = node;
	if (ioctl(fd, number, one_in(&thread->random, 64) ? NULL : argument) < 0)
		return;
	thread->good++;
	if (node == VIDEO && (number & 0xffff) == ('V' << 8 | 17))
		thread->frames++;
}

/* A stream as a client would begin it; other threads disturb it at any point. */
static void stream(struct thread *thread, int fd)
{
	struct v4l2_format format = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	struct v4l2_requestbuffers request = { .count = 3, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	struct v4l2_buffer buffer;
	uint32_t index;

	format.fmt.pix.width = 160;
	format.fmt.pix.height = 128;
	format.fmt.pix.pixelformat = V4L2_PIX_FMT_NV12;
	request.memory = one_in(&thread->random, 2) ? V4L2_MEMORY_MMAP : V4L2_MEMORY_USERPTR;
	if (ioctl(fd, VIDIOC_S_FMT, &format) || ioctl(fd, VIDIOC_REQBUFS, &request))
		return;
	for (index = 0; index < request.count; index++) {
		memset(&buffer, 0, sizeof(buffer));
		buffer.index = index;
		buffer.type = type;
		buffer.memory = request.memory;
		if (request.memory == V4L2_MEMORY_USERPTR) {
			buffer.m.userptr = (uintptr_t)process.arena.lent[index];
			buffer.length = LENT_BYTES;
		}
		ioctl(fd, VIDIOC_QBUF, &buffer);
	}
	if (ioctl(fd, VIDIOC_STREAMON, &type))
		return;
	for (index = 0; index < 3 && !process.stop; index++) {
		poll(&wait, 1, 300);
		memset(&buffer, 0, sizeof(buffer));
		buffer.type = type;
		buffer.memory = request.memory;
		if (ioctl(fd, VIDIOC_DQBUF, &buffer))
			continue;
		thread->good++;
		thread->frames++;
		ioctl(fd, VIDIOC_QBUF, &buffer);
	}
}

static void *run(void *context)
{
	struct thread *thread = context;
	struct random *random = &thread->random;
	struct pollfd wait = { .events = POLLIN | POLLPRI };
	char bytes[64];
	int slot;

	while (!process.stop) {
		slot = below(random, HANDLES);
		open_one(random, slot);
		thread->calls++;
		if (process.nodes[slot] == VIDEO && one_in(random, 100)) {
			stream(thread, process.fds[slot]);
			continue;
		}
		switch (below(random, 40)) {
		case 0:
			close(process.fds[slot]);
			process.fds[slot] = -1;
			break;
		case 1:
			map(thread, process.fds[slot]);
			break;
		case 2:
			wait.fd = process.fds[slot];
			poll(&wait, 1, below(random, 30));
			break;
		case 3:
			/* One in so many: it takes the queue for itself. */
			if (one_in(random, 16) && read(process.fds[slot], bytes, sizeof(bytes)) > 0)
				thread->good++;
			break;
		default:
			ioctl_one(thread, process.fds[slot], process.nodes[slot]);
		}
	}
	for (slot = 0; slot < MAPPINGS; slot++)
		if (thread->mappings[slot].memory)
			munmap(thread->mappings[slot].memory, thread->mappings[slot].bytes);
	memset(thread->mappings, 0, sizeof(thread->mappings));
	thread->done = true;
	return NULL;
}

/* What is inside of a buffer and not in the picture: its first byte that is not paint, or -1. */
static long painted(const uint8_t *memory, size_t bytes, uint8_t paint)
{
	size_t at;

	for (at = 0; at < bytes; at++)
		if (memory[at] != paint)
			return at;
	return -1;
}

static void look(const char *what, const uint8_t *memory, size_t bytes, uint8_t paint)
{
	long at = painted(memory, bytes, paint);
	size_t byte, count = 0;

	if (at < 0)
		return;
	for (byte = at; byte < bytes; byte++)
		count += memory[byte] != paint;
	printf("ioctl-fuzz: %zu bytes of %s were written, first at byte %ld, %p\n", count, what, at,
	       memory + at);
	exit(1);
}

static void tell(void)
{
	uint32_t calls = 0, good = 0, frames = 0;
	int index;

	for (index = 0; index < THREADS; index++) {
		calls += process.threads[index].calls;
		good += process.threads[index].good;
		frames += process.threads[index].frames;
	}
	printf("calls %u good %u frames %u rounds %u\n", calls, good, frames, process.rounds);
	fflush(stdout);
}

/* Threads must come back by themselves once signals end what they wait for. */
static void wait_for(struct thread *thread, uint64_t end)
{
	uint32_t last = thread->calls;
	uint64_t since = now_ms();

	while (!thread->done) {
		sleep_ms(20);
		if (now_ms() > end)
			process.stop = true;
		if (thread->calls != last) {
			last = thread->calls;
			since = now_ms();
			continue;
		}
		if (now_ms() - since > SIGNAL_MS)
			pthread_kill(thread->thread, SIGUSR1);
		if (thread->node == VENDOR_CHANNEL && now_ms() - since > KILL_MS) {
			tell();
			_exit(BLOCKED);
		}
		if (now_ms() - since > HUNG_MS) {
			printf("ioctl-fuzz: %s, ioctl %#x: no answer for %u s\n",
			       names[thread->node][0], thread->number, HUNG_MS / 1000);
			fflush(stdout);
			_exit(1);
		}
	}
	pthread_join(thread->thread, NULL);
}

static void round_of(uint64_t end)
{
	struct arena *arena = &process.arena;
	int index;

	process.stop = false;
	for (index = 0; index < THREADS; index++) {
		process.threads[index].done = false;
		if (pthread_create(&process.threads[index].thread, NULL, run, &process.threads[index]))
			exit(2);
	}
	for (index = 0; index < THREADS; index++)
		wait_for(&process.threads[index], end);
	/* dma-bufs and dup'ed handles, too: whatever a call may have opened. */
	for (index = 3; index < 256; index++)
		close(index);
	for (index = 0; index < HANDLES; index++)
		process.fds[index] = -1;
	for (index = 0; index < LENT; index++)
		memset(arena->lent[index], 0x5a, LENT_BYTES);
	sleep_ms(WATCH_MS);
	for (index = 0; index < LENT; index++)
		look("a buffer that had come back", arena->lent[index], LENT_BYTES, 0x5a);
	look("memory that was offered to nobody", arena->kept, KEPT_BYTES, 0xa5);
}

/* With a page on both sides that nobody may touch: what is too long reaches nothing else. */
static void *memory(size_t bytes)
{
	uint8_t *memory = mmap(NULL, bytes + 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || mprotect(memory + GUARD, bytes, PROT_READ | PROT_WRITE))
		exit(2);
	return memory + GUARD;
}

static void query(struct rmem_query *query)
{
	int fd = open("/dev/rmem", O_RDWR);

	memset(query, 0, sizeof(*query));
	if (fd < 0)
		return;
	ioctl(fd, RMEM_QUERY, query);
	close(fd);
}

static int child(uint64_t seed, unsigned int seconds)
{
	struct sigaction action = { .sa_handler = nothing };
	uint64_t end = now_ms() + seconds * 1000ull;
	struct rmem_query carve_out;
	int index;

	sigaction(SIGUSR1, &action, NULL);
	query(&carve_out);
	process.arena.base = carve_out.base;
	process.arena.bytes = carve_out.total;
	for (index = 0; index < LENT; index++)
		process.arena.lent[index] = memory(LENT_BYTES);
	process.arena.kept = memory(KEPT_BYTES);
	memset(process.arena.kept, 0xa5, KEPT_BYTES);
	for (index = 0; index < HANDLES; index++)
		process.fds[index] = -1;
	for (index = 0; index < THREADS; index++)
		process.threads[index].random.state = (seed * THREADS + index + 1) * 0x9e3779b97f4a7c15u;
	while (now_ms() < end) {
		round_of(now_ms() + ROUND_MS);
		process.rounds++;
	}
	tell();
	return 0;
}

/* Nobody holds any of the carve-out: it is all zero, and stays so. */
static int check_carve_out(void)
{
	struct rmem_query carve_out;
	uint8_t *mapped;
	long at;
	int fd;

	query(&carve_out);
	if (!carve_out.total)
		return 0;
	fd = open("/dev/rmem", O_RDWR);
	mapped = mmap(NULL, carve_out.total, PROT_READ | PROT_WRITE, MAP_SHARED, fd, carve_out.base);
	if (mapped == MAP_FAILED) {
		printf("ioctl-fuzz: %u of %u bytes of the carve-out are free: %s\n", carve_out.free,
		       carve_out.total, strerror(errno));
		return 1;
	}
	sleep_ms(300);
	at = painted(mapped, carve_out.total, 0);
	if (at >= 0)
		printf("ioctl-fuzz: the carve-out's byte %#lx is %#x, and nobody holds it\n", at,
		       mapped[at]);
	munmap(mapped, carve_out.total);
	close(fd);
	return at >= 0;
}

static int running;

static void start(uint64_t seed, unsigned int seconds)
{
	running++;
	if (!fork())
		exit(child(seed, seconds));
}

int main(int count, char **arguments)
{
	unsigned int seconds, index;
	int status, failed = 0;
	uint64_t seed, end;

	if (count != 3) {
		printf("ioctl-fuzz SEED SECONDS\n");
		return 2;
	}
	seed = strtoull(arguments[1], NULL, 0);
	seconds = strtoul(arguments[2], NULL, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	end = now_ms() + seconds * 1000ull;
	for (index = 0; index < PROCESSES; index++)
		start(seed * PROCESSES + index, seconds);
	while (running) {
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid <= 0) {
			sleep_ms(50);
			if (now_ms() < end + ROUND_MS + HUNG_MS + END_MS)
				continue;
			printf("ioctl-fuzz: a process does not end\n");
			return 1;
		}
		running--;
		if (WIFEXITED(status) && WEXITSTATUS(status) == BLOCKED && now_ms() < end)
			start(seed * PROCESSES + index++, (end - now_ms()) / 1000 + 1);
		else if (!WIFEXITED(status) || (WEXITSTATUS(status) && WEXITSTATUS(status) != BLOCKED))
			failed = 1;
	}
	return failed || check_carve_out();
}
