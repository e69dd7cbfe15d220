// SPDX-License-Identifier: GPL-2.0-only
/*
 * held-dma flow mmap|user FRAMES: streams; each buffer that has come back is painted, and looked at
 * before it is queued again.
 * held-dma stop mmap|user MS: streams for a second, stops, paints all buffers, and looks at them again so
 * many milliseconds later.
 * held-dma watch MS: paints all memory that can be had, and looks at it again so many milliseconds later.
 *
 * Ends with 1, and says where, if anything is not as it was painted: nobody may write to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../../../driver/linux/tx_isp_rmem_uapi.h"

#define NODE "/dev/video0"
#define BUFFERS 4
#define WIDTH 640
#define HEIGHT 360
/* In front of and behind each buffer of the client's own. */
#define MARGIN 4096
#define PAINT 0xa5
/* How long a frame may take: longer than a late one. */
#define FRAME_MS 10000
#define STREAM_MS 1000
/* Memory is taken in such pieces, as long as the kernel has so much. */
#define PIECE (1 << 20)
#define PIECES 256
#define LEFT_KB 6144

struct piece {
	uint8_t *memory;
	size_t bytes;
};

static struct piece buffers[BUFFERS];
static enum v4l2_memory kind;

static void die(const char *what)
{
	printf("held-dma: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void sleep_ms(unsigned int ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000l };

	nanosleep(&time, NULL);
}

static void paint(const struct piece *piece)
{
	memset(piece->memory, PAINT, piece->bytes);
}

static void look(const struct piece *piece, const char *what)
{
	size_t at, first = piece->bytes, count = 0;

	for (at = 0; at < piece->bytes; at++) {
		if (piece->memory[at] == PAINT)
			continue;
		if (!count++)
			first = at;
	}
	if (!count)
		return;
	printf("held-dma: %zu bytes of %s were written, from byte %zu on\n", count, what, first);
	exit(1);
}

static struct v4l2_buffer describe(unsigned int index)
{
	struct v4l2_buffer buffer = { .index = index, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };

	buffer.memory = kind;
	if (kind == V4L2_MEMORY_USERPTR) {
		buffer.m.userptr = (uintptr_t)buffers[index].memory;
		buffer.length = buffers[index].bytes;
	}
	return buffer;
}

static void queue(int fd, unsigned int index)
{
	struct v4l2_buffer buffer = describe(index);

	if (ioctl(fd, VIDIOC_QBUF, &buffer))
		die("QBUF");
}

static unsigned int dequeue(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	struct v4l2_buffer buffer = describe(0);

	if (poll(&wait, 1, FRAME_MS) != 1)
		die("no frame");
	if (ioctl(fd, VIDIOC_DQBUF, &buffer))
		die("DQBUF");
	return buffer.index;
}

static void make_buffer(int fd, unsigned int index, size_t bytes)
{
	struct v4l2_buffer buffer = describe(index);
	uint8_t *memory;

	if (kind == V4L2_MEMORY_USERPTR) {
		memory = mmap(NULL, bytes + 2 * MARGIN, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED)
			die("no memory");
		memset(memory, PAINT, bytes + 2 * MARGIN);
		buffers[index] = (struct piece){ memory + MARGIN, bytes };
		return;
	}
	if (ioctl(fd, VIDIOC_QUERYBUF, &buffer))
		die("QUERYBUF");
	memory = mmap(NULL, buffer.length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, buffer.m.offset);
	if (memory == MAP_FAILED)
		die("mmap of a buffer");
	buffers[index] = (struct piece){ memory, buffer.length };
}

static int start(const char *memory)
{
	struct v4l2_format format = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	struct v4l2_requestbuffers request = { .count = BUFFERS,
					       .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	int fd = open(NODE, O_RDWR), type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	unsigned int index;

	if (fd < 0)
		die(NODE);
	kind = strcmp(memory, "user") ? V4L2_MEMORY_MMAP : V4L2_MEMORY_USERPTR;
	format.fmt.pix.width = WIDTH;
	format.fmt.pix.height = HEIGHT;
	format.fmt.pix.pixelformat = V4L2_PIX_FMT_NV12;
	request.memory = kind;
	if (ioctl(fd, VIDIOC_S_FMT, &format))
		die("S_FMT");
	if (ioctl(fd, VIDIOC_REQBUFS, &request) || request.count != BUFFERS)
		die("REQBUFS");
	for (index = 0; index < BUFFERS; index++) {
		make_buffer(fd, index, format.fmt.pix.sizeimage);
		queue(fd, index);
	}
	if (ioctl(fd, VIDIOC_STREAMON, &type))
		die("STREAMON");
	return fd;
}

/* All of them are the client's; what lies around its own was never offered to anybody. */
static void look_at_buffers(void)
{
	unsigned int index;

	for (index = 0; index < BUFFERS; index++) {
		struct piece before = { buffers[index].memory - MARGIN, MARGIN };
		struct piece behind = { buffers[index].memory + buffers[index].bytes, MARGIN };

		look(&buffers[index], "a buffer that had come back");
		if (kind != V4L2_MEMORY_USERPTR)
			continue;
		look(&before, "what is in front of a buffer");
		look(&behind, "what is behind a buffer");
	}
}

static void stop(int fd, unsigned int ms)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	unsigned int index;

	if (ioctl(fd, VIDIOC_STREAMOFF, &type))
		die("STREAMOFF");
	for (index = 0; index < BUFFERS; index++)
		paint(&buffers[index]);
	sleep_ms(ms);
	look_at_buffers();
}

static void flow(int fd, unsigned int frames)
{
	int held = -1;

	while (frames--) {
		unsigned int index = dequeue(fd);

		if (held >= 0) {
			look(&buffers[held], "a buffer that had come back");
			queue(fd, held);
		}
		paint(&buffers[index]);
		held = index;
	}
	stop(fd, 100);
}

static unsigned long available_kb(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	unsigned long kb = 0;
	char line[128];

	if (!file)
		die("/proc/meminfo");
	while (fgets(line, sizeof(line), file))
		sscanf(line, "MemAvailable: %lu", &kb);
	fclose(file);
	return kb;
}

/* The carve-out, if there is one and nobody has any of it. */
static struct piece map_carve_out(void)
{
	int fd = open("/dev/rmem", O_RDWR);
	struct piece piece = {};
	struct rmem_query query;

	if (fd < 0)
		return piece;
	if (ioctl(fd, RMEM_QUERY, &query))
		die("RMEM_QUERY");
	piece.memory = mmap(NULL, query.total, PROT_READ | PROT_WRITE, MAP_SHARED, fd, query.base);
	if (piece.memory == MAP_FAILED)
		die("the carve-out is not free");
	piece.bytes = query.total;
	return piece;
}

static void watch(unsigned int ms)
{
	static struct piece pieces[PIECES];
	struct piece carve_out = map_carve_out();
	unsigned int count, index;

	for (count = 0; count < PIECES && available_kb() > LEFT_KB; count++) {
		pieces[count].bytes = PIECE;
		pieces[count].memory = mmap(NULL, PIECE, PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (pieces[count].memory == MAP_FAILED)
			break;
		paint(&pieces[count]);
	}
	if (carve_out.bytes)
		paint(&carve_out);
	sleep_ms(ms);
	for (index = 0; index < count; index++)
		look(&pieces[index], "memory that was free");
	if (!carve_out.bytes)
		goto end;
	look(&carve_out, "the carve-out, which was free");
	memset(carve_out.memory, 0, carve_out.bytes);
end:
	printf("watched %u MiB of memory and %zu of the carve-out\n", count, carve_out.bytes >> 20);
}

int main(int count, char **arguments)
{
	const char *mode = count > 1 ? arguments[1] : "";
	unsigned int number = strtoul(arguments[count - 1], NULL, 10);
	int fd;

	if (count == 3 && !strcmp(mode, "watch")) {
		watch(number);
		return 0;
	}
	if (count != 4 || (strcmp(mode, "flow") && strcmp(mode, "stop"))) {
		printf("held-dma watch MS | flow mmap|user FRAMES | stop mmap|user MS\n");
		return 2;
	}
	fd = start(arguments[2]);
	if (!strcmp(mode, "flow")) {
		flow(fd, number);
		return 0;
	}
	sleep_ms(STREAM_MS);
	stop(fd, number);
	return 0;
}
