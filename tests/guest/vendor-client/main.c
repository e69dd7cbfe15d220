// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tries the vendor's front of tx-isp as a program for the camera would use it: with the ioctls' numbers,
 * in the order of the vendor's library. Says what is not as it should be, and ends with 1 then.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vendor.h"

void try_intruder(uint32_t address);
void try_camera(int frames, int count, char **words);
void try_library(int frames, int count, char **pictures);

static const struct {
	const char *name, *what;
	void (*plain)(void);
	void (*counted)(int count);
	int count;
} tries[] = {
	{ "registers", "what IMP_System_Init reads", try_registers, NULL, 0 },
	{ "errors", "every wrong call has its error", try_errors, NULL, 0 },
	{ "dead", "all that a driver answers that has panicked", try_dead, NULL, 0 },
	{ "stream", "two channels, COUNT frames each", NULL, try_stream, 50 },
	{ "signal", "LISTEN_BUF and signals", try_signal, NULL, 0 },
	{ "counts", "REQBUFS at its edges", try_counts, NULL, 0 },
	{ "stuck", "a channel that does not stop for COUNT ms at least", NULL, try_stuck, 1000 },
	{ "quirks", "with quirks=vendor: the vendor's faults", try_quirks, NULL, 0 },
	{ "bound", "COUNT frames beside an encoder that keeps its own", NULL, try_bound, 20 },
	{ "nodes", "tuning, encoder, files, caches", try_nodes, NULL, 0 },
	{ "processes", "a second process", try_two_processes, NULL, 0 },
	{ "restart", "COUNT restarts of channels", NULL, try_restart, 50 },
	{ "kill", "COUNT clients that are killed", NULL, try_kill, 10 },
	{ "speed", "frames per second during COUNT seconds", NULL, try_speed, 10 },
};

#define TRIES (sizeof(tries) / sizeof(tries[0]))

static int usage(void)
{
	printf("vendor-client TRY [COUNT]\n");
	printf("vendor-client camera FRAMES [rmem:BASE:BYTES] [cycles:MOST:FREES_POOLS] block:BYTES:OWNER|leak:BYTES:OWNER|frames:CHANNEL:WIDTH:HEIGHT:COUNT ...\n");
	printf("vendor-client library FRAMES WIDTHxHEIGHT:COUNT ...\n");
	for (size_t index = 0; index < TRIES; index++)
		printf("  %-10s %s (%d)\n", tries[index].name, tries[index].what, tries[index].count);
	return 2;
}

int main(int count, char **arguments)
{
	size_t index;

	if (count < 2)
		return usage();
	if (count == 3 && !strcmp(arguments[1], "intruder"))
		try_intruder(strtoul(arguments[2], NULL, 0));
	if (count >= 3 && !strcmp(arguments[1], "camera")) {
		try_camera(atoi(arguments[2]), count - 3, arguments + 3);
		return failures != 0;
	}
	if (count >= 3 && !strcmp(arguments[1], "library")) {
		try_library(atoi(arguments[2]), count - 3, arguments + 3);
		return failures != 0;
	}
	for (index = 0; index < TRIES; index++)
		if (!strcmp(arguments[1], tries[index].name))
			break;
	if (index == TRIES)
		return usage();
	if (tries[index].plain)
		tries[index].plain();
	else
		tries[index].counted(count > 2 ? atoi(arguments[2]) : tries[index].count);
	printf("%s: %d failures\n", tries[index].name, failures);
	return failures != 0;
}
