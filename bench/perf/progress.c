/* SPDX-License-Identifier: MIT */
#include "perf/progress.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct reading {
	uint64_t ns, sent, acks;
};

static void print_line(const struct progress *progress, struct reading *last)
{
	const struct generator *g = progress->g;
	const struct stats *stats = &g->stats;
	struct reading now = {
	    .ns = clock_mono_ns() - g->origin_ns,
	    .sent = counter_read(&stats->sent),
	    .acks = counter_read(&stats->acks),
	};
	double span = (double)(now.ns - last->ns) / 1e9;

	/* A new phase counts from 0. */
	if (now.sent < last->sent || now.acks < last->acks)
		last->sent = last->acks = 0;
	fprintf(stderr,
		"%8.1f s  %-10s sent %10.0f/s  acknowledged %10.0f/s  in flight %8" PRIu64
		"  lost %8" PRIu64 "  naks %6" PRIu64 "  leases %" PRIu64 "\n",
		(double)now.ns / 1e9, atomic_load(&g->phase),
		(double)(now.sent - last->sent) / span, (double)(now.acks - last->acks) / span,
		counter_read(&g->in_flight), counter_read(&stats->lost), counter_read(&stats->naks),
		counter_read(&g->holders));
	*last = now;
}

static void run(void *arg)
{
	const struct progress *progress = arg;
	struct pollfd stop = {.fd = progress->stop_fd, .events = POLLIN};
	struct reading last = {.ns = clock_mono_ns() - progress->g->origin_ns};

	while (poll(&stop, 1, (int)(progress->interval * 1e3)) == 0)
		print_line(progress, &last);
}

int progress_start(struct progress *progress, const struct generator *g, double interval)
{
	int result;

	*progress = (struct progress){
	    .g = g,
	    .interval = interval,
	    .thread = {.name = "progress", .cpu = THREAD_ANY_CPU, .run = run, .arg = progress},
	};
	progress->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (progress->stop_fd < 0)
		return -errno;
	result = thread_start(&progress->thread);
	if (result < 0)
		close(progress->stop_fd);
	return result;
}

void progress_stop(struct progress *progress)
{
	const uint64_t one = 1;

	if (!progress->thread.running)
		return;
	if (write(progress->stop_fd, &one, sizeof(one)) == sizeof(one))
		thread_join(&progress->thread);
	close(progress->stop_fd);
}
