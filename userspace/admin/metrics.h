/* SPDX-License-Identifier: MIT */
/**
 * admin/metrics.h - writes numbers as Prometheus reads them (text format 0.0.4).
 *
 * A writer is a growing text. Whoever owns numbers announces a family and then writes its
 * samples, one line each, with all samples of a family together:
 *
 *     metrics_family(w, "etcdhcp_frames_total", METRICS_COUNTER, "Frames received.");
 *     metrics_sample_u64(w, METRICS_LABELS({"interface", name}, {"path", "xdp"}), frames);
 *
 * Names are the program's own constants and are asserted to be well formed; label values and
 * help texts may be anything: they are escaped, and bytes that are not UTF-8, for which
 * Prometheus would refuse the whole scrape, become U+FFFD.
 *
 * Running out of memory is remembered, not returned: later calls do nothing, and
 * metrics_writer_finish says so once. A writer belongs to one thread at a time.
 */
#ifndef ETCDHCP_ADMIN_METRICS_H
#define ETCDHCP_ADMIN_METRICS_H

#include "base/histogram.h"
#include "base/types.h"

enum metrics_type {
	METRICS_COUNTER, /* only grows; name ends in _total */
	METRICS_GAUGE,
	METRICS_HISTOGRAM, /* written by metrics_histogram alone */
	METRICS_TYPE_COUNT
};

/** A list of labels ends with a NULL name; a NULL value is written as "". */
struct metrics_label {
	const char *name;
	const char *value;
};

#define METRICS_LABELS(...) ((const struct metrics_label[]){__VA_ARGS__, {NULL, NULL}})
#define METRICS_NO_LABELS   ((const struct metrics_label[]){{NULL, NULL}})

/**
 * How a histogram's integers are shown: @p per_unit of them make one unit of the metric, and
 * each of @p bounds, ascending, gives one bucket. A bound that falls inside a bucket of
 * base/histogram is moved up to that bucket's end, so that every count shown is exact.
 */
struct metrics_scale {
	double per_unit;
	const uint64_t *bounds;
	size_t n_bounds;
};

/** Nanoseconds shown as seconds, about 1 us to 10 s in steps of 1, 2.5, 5. */
extern const struct metrics_scale metrics_seconds;
/** Sizes of batches and bursts, 1 to 1023. */
extern const struct metrics_scale metrics_sizes;

struct metrics_writer; /* opaque */

/** NULL when memory is short. */
struct metrics_writer *metrics_writer_new(void);
/** NULL is fine. */
void metrics_writer_free(struct metrics_writer *w);
/**
 * Hands the text over: the caller frees it with free(3). It is NUL-terminated, @p len does not
 * count that. NULL when memory ran short at any time. The writer is empty and usable again.
 */
char *metrics_writer_finish(struct metrics_writer *w, size_t *len);

/** Begins a family. @p name must live until the next family begins. */
void metrics_family(struct metrics_writer *w, const char *name, enum metrics_type type,
		    const char *help);

/** One sample of the counter or gauge begun last. */
void metrics_sample_u64(struct metrics_writer *w, const struct metrics_label *labels,
			uint64_t value);
void metrics_sample_f64(struct metrics_writer *w, const struct metrics_label *labels, double value);

/**
 * All series of one histogram of the family begun last: cumulative buckets, +Inf, sum, count.
 * Its owner may go on adding meanwhile: the buckets and the count are taken from one copy and
 * agree with each other.
 */
void metrics_histogram(struct metrics_writer *w, const struct metrics_label *labels,
		       const struct histogram *h, const struct metrics_scale *scale);

#endif
