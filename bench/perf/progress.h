/* SPDX-License-Identifier: MIT */
/**
 * perf/progress.h - a thread that prints a line to standard error now and then, from counters it
 * only reads: a slow terminal must not hold up the generator.
 */
#ifndef ETCDHCP_PERF_PROGRESS_H
#define ETCDHCP_PERF_PROGRESS_H

#include "base/thread.h"
#include "perf/generator.h"

struct progress {
	struct thread thread;
	const struct generator *g;
	int stop_fd; /* eventfd */
	double interval;
};

/** 0 or negative errno. */
int progress_start(struct progress *progress, const struct generator *g, double interval);
/** Harmless when progress_start has failed, or on zeroes. */
void progress_stop(struct progress *progress);

#endif
