// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "vendor.h"

int failures;

void ok(bool good, const char *format, ...)
{
	va_list arguments;

	if (good)
		return;
	failures++;
	printf("FAILED: ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	fflush(stdout);
}

void die(const char *format, ...)
{
	va_list arguments;

	printf("FAILED, and nothing more can be tried: ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	exit(1);
}

int must(int fd, unsigned int number, void *argument, const char *what)
{
	int ret = ioctl(fd, number, argument);

	if (ret < 0)
		die("%s (%#x): %s", what, number, strerror(errno));
	return ret;
}

void fails(int fd, unsigned int number, void *argument, int error, const char *what)
{
	int ret = ioctl(fd, number, argument);

	if (ret >= 0)
		ok(false, "%s: should be %s, but succeeded", what, strerror(error));
	else
		ok(errno == error, "%s: should be %s, but is %s", what, strerror(error),
		   strerror(errno));
}

uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

/* CRC-32 of the visible lines of Y, then of UV, which begins behind a multiple of 16 lines. */
uint32_t crc32_picture(const uint8_t *at, const struct format *format)
{
	static uint32_t table[256];
	uint32_t crc = 0xffffffffu, line, pixel;
	uint32_t lines = (format->height + 15) / 16 * 16;

	if (!table[1])
		for (uint32_t byte = 0; byte < 256; byte++) {
			uint32_t value = byte;

			for (int bit = 0; bit < 8; bit++)
				value = value & 1 ? value >> 1 ^ 0xedb88320u : value >> 1;
			table[byte] = value;
		}
	for (line = 0; line < format->height * 3 / 2; line++) {
		const uint8_t *from = at + line * format->width;

		if (line >= format->height)
			from += (lines - format->height) * format->width;
		for (pixel = 0; pixel < format->width; pixel++)
			crc = table[(crc ^ from[pixel]) & 0xff] ^ crc >> 8;
	}
	return ~crc;
}
