// SPDX-License-Identifier: GPL-2.0-only
/*
 * A call in a thread of its own: it waits, or somebody waits for what it does.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vendor.h"

static void nothing(int number)
{
	(void)number;
}

static void *run(void *argument)
{
	struct call *call = argument;
	uint64_t begin;

	usleep(call->after_ms * 1000);
	begin = now_ms();
	call->ret = ioctl(call->fd, call->number, call->argument);
	call->error = errno;
	call->took_ms = now_ms() - begin;
	call->over = true;
	return NULL;
}

void call_begin(struct call *call)
{
	/* Not SA_RESTART: what a signal ends is seen. */
	struct sigaction action = { .sa_handler = nothing };

	sigaction(SIGUSR1, &action, NULL);
	if (pthread_create(&call->thread, NULL, run, call))
		die("no thread");
}

void call_signal(struct call *call)
{
	pthread_kill(call->thread, SIGUSR1);
}

int call_end(struct call *call)
{
	pthread_join(call->thread, NULL);
	errno = call->error;
	return call->ret;
}
