// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vendor.h"

#define GRANULE 256
/* A thousand cycles in which something leaks. */
#define MAX_BLOCKS 4096

struct block {
	uint32_t address, bytes;
	bool used;
	char owner[32];
};

static struct block blocks[MAX_BLOCKS];
static int count;
static uint32_t base, total;
static uint8_t *memory;
static int fd = -1;

static uint32_t number(const char **text)
{
	char *end;
	uint64_t value = strtoull(*text, &end, 0);

	if (*end == 'K' || *end == 'k')
		value <<= 10, end++;
	else if (*end == 'M' || *end == 'm')
		value <<= 20, end++;
	*text = end;
	return value;
}

void rmem_open(void)
{
	char line[4096] = "";
	FILE *file = fopen("/proc/cmdline", "r");
	const char *at;
	uint32_t bytes;

	if (!file || !fgets(line, sizeof(line), file))
		die("/proc/cmdline cannot be read");
	fclose(file);
	/* The first "rmem" counts. */
	at = strstr(line, "rmem=");
	if (!at)
		die("the kernel's command line has no rmem=");
	at += strlen("rmem=");
	bytes = number(&at);
	if (*at++ != '@')
		die("rmem= is not SIZE@BASE");
	rmem_open_at(number(&at), bytes);
}

void rmem_open_at(uint32_t address, uint32_t bytes)
{
	base = address;
	total = bytes;
	fd = open("/dev/rmem", O_RDWR);
	if (fd < 0)
		die("/dev/rmem: %s", strerror(errno));
	memory = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_SHARED, fd, base);
	if (memory == MAP_FAILED)
		die("mapping /dev/rmem, %u bytes at %#x: %s", total, base, strerror(errno));
	blocks[0] = (struct block){ .address = base, .bytes = total };
	count = 1;
}

void rmem_close(void)
{
	munmap(memory, total);
	close(fd);
	fd = -1;
	count = 0;
}

uint32_t rmem_alloc(uint32_t bytes, const char *owner)
{
	int index;

	bytes = (bytes + GRANULE - 1) / GRANULE * GRANULE;
	for (index = 0; index < count; index++)
		if (!blocks[index].used && blocks[index].bytes >= bytes)
			break;
	if (!bytes || index == count || count == MAX_BLOCKS) {
		printf("%s: no room for %u bytes\n", owner, bytes);
		return 0;
	}
	if (blocks[index].bytes > bytes) {
		memmove(&blocks[index + 1], &blocks[index], (count - index) * sizeof(*blocks));
		blocks[index + 1].address += bytes;
		blocks[index + 1].bytes -= bytes;
		count++;
	}
	blocks[index].bytes = bytes;
	blocks[index].used = true;
	snprintf(blocks[index].owner, sizeof(blocks[index].owner), "%s", owner);
	return blocks[index].address;
}

bool rmem_fits(uint32_t bytes)
{
	bytes = (bytes + GRANULE - 1) / GRANULE * GRANULE;
	for (int index = 0; index < count; index++)
		if (!blocks[index].used && blocks[index].bytes >= bytes)
			return true;
	return false;
}

void rmem_print(void)
{
	for (int index = 0; index < count; index++)
		if (blocks[index].used)
			printf("held %u %u %s\n", blocks[index].address, blocks[index].bytes,
			       blocks[index].owner);
}

static void merge(int index)
{
	if (index < 0 || index + 1 >= count || blocks[index].used || blocks[index + 1].used)
		return;
	blocks[index].bytes += blocks[index + 1].bytes;
	count--;
	memmove(&blocks[index + 1], &blocks[index + 2], (count - index - 1) * sizeof(*blocks));
}

void rmem_free(uint32_t address)
{
	for (int index = 0; index < count; index++) {
		if (blocks[index].address != address || !blocks[index].used)
			continue;
		blocks[index].used = false;
		merge(index);
		merge(index - 1);
		return;
	}
	die("no block at %#x", address);
}

void *rmem_at(uint32_t address)
{
	return memory + (address - base);
}

uint32_t rmem_base(void)
{
	return base;
}

uint32_t rmem_bytes(void)
{
	return total;
}

int rmem_fd(void)
{
	return fd;
}
