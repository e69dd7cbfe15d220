// SPDX-License-Identifier: GPL-2.0-only
/*
 * What IMP_System_Init reads of the SoC.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vendor.h"

static volatile uint8_t *map(uint32_t address, uint32_t bytes)
{
	int fd = open("/dev/mem", OPEN_MEM_FLAGS);
	void *memory;

	if (fd < 0)
		die("/dev/mem: %s", strerror(errno));
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, address);
	close(fd);
	if (memory == MAP_FAILED)
		die("mapping %#x of /dev/mem: %s", address, strerror(errno));
	return memory;
}

uint32_t mem_word(uint32_t address)
{
	volatile uint8_t *page = map(address & ~4095u, 4096);
	/* One of them is read at an odd address. */
	uint32_t word = ((struct { uint32_t value; } __attribute__((packed)) *)(page + (address & 4095u)))->value;

	munmap((void *)page, 4096);
	return word;
}

/* What IMP_System_Init reads: it must not divide by zero, and must find a T31. */
void try_registers(void)
{
	static const uint32_t plls[] = { 0x10000010, 0x10000014, 0x100000e0, 0x100000e0 };
	static const uint32_t pins[] = { 0x10011010, 0x10011020, 0x10011030 };
	uint32_t pin = 0, divider = mem_word(0x10000054), pll;

	for (int index = 0; index < 3; index++)
		pin |= mem_word(pins[index]);
	ok(pin & 1 << 8, "pin PB08 is not the SD clock's: %#x", pin);
	pll = mem_word(plls[divider >> 30]);
	ok((pll >> 14 & 0x3f) && (pll >> 11 & 7) && (pll >> 8 & 7), "the PLL's word divides: %#x", pll);
	ok(mem_word(0x1300002c) == 0x10031000, "the SoC is a T31: %#x", mem_word(0x1300002c));
	ok(mem_word(0x13540238) >> 16 == 0x2222, "its variant is X: %#x", mem_word(0x13540238));
	ok((mem_word(0x13540231) >> 16 & 0xff) == 0, "its remark is 0: %#x", mem_word(0x13540231));
	map(0x13380000, 0x1b000)[0x1affc] = 1;
	map(0x13309000, 4096);
	ok(access("/tmp/closesimd", F_OK) == 0, "/tmp/closesimd: %s", strerror(errno));
	ok(access("/dev/shm", W_OK) == 0, "/dev/shm: %s", strerror(errno));
	ok(access("/etc/sensor", R_OK) == 0, "/etc/sensor: %s", strerror(errno));
}
