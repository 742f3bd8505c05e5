/* SPDX-License-Identifier: MIT */
/*
 * A bad disk under one process: LD_PRELOAD it. Before each write and flush it reads its orders from the
 * file that $SLOW_DISK names: "delay MS" makes flushes slow, "die N" lets N more writes through, writes
 * half of the next one and kills the process, as a crash in the middle of a commit does.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REAL(name, result, ...) ((result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

static _Thread_local long writes;

static long order(const char *what)
{
	const char *path = getenv("SLOW_DISK");
	FILE *file = path ? fopen(path, "r") : NULL;
	char word[16] = "";
	long value = -1;

	if (file) {
		if (fscanf(file, "%15s %ld", word, &value) != 2 || strcmp(word, what))
			value = -1;
		fclose(file);
	}
	return value;
}

static void maybe_wait(void)
{
	long ms = order("delay");

	if (ms > 0)
		nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* Whether this is the write to die in. */
static int is_last(void)
{
	long left = order("die");

	if (left < 0)
		writes = 0;
	return left >= 0 && writes++ >= left;
}

static void die(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	ssize_t (*real)(int, const void *, size_t, off64_t) =
		REAL(pwrite64, ssize_t, int, const void *, size_t, off64_t);

	if (is_last()) {
		real(fd, data, len / 2, at);
		die();
	}
	return real(fd, data, len, at);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	return pwrite64(fd, data, len, at);
}

ssize_t writev(int fd, const struct iovec *parts, int n)
{
	ssize_t (*real)(int, const struct iovec *, int) =
		REAL(writev, ssize_t, int, const struct iovec *, int);

	if (is_last()) {
		real(fd, parts, n / 2);
		die();
	}
	return real(fd, parts, n);
}

int fdatasync(int fd)
{
	maybe_wait();
	return REAL(fdatasync, int, int)(fd);
}

int fsync(int fd)
{
	maybe_wait();
	return REAL(fsync, int, int)(fd);
}
