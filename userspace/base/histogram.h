/* SPDX-License-Identifier: MIT */
/**
 * base/histogram.h - latencies in log-linear buckets: 8 per power of two, 1 ns to 68 s.
 *
 * One writer, any number of readers; a value costs two plain adds. The relative error of a
 * quantile is under 1/8. Written with relaxed atomics so that readers may sum at any time.
 */
#ifndef ETCDHCP_BASE_HISTOGRAM_H
#define ETCDHCP_BASE_HISTOGRAM_H

#include <stdatomic.h>

#include "base/types.h"

#define HISTOGRAM_SUB_BITS 3
#define HISTOGRAM_BUCKETS  ((36 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
	_Atomic uint64_t count[HISTOGRAM_BUCKETS];
	_Atomic uint64_t sum;
};

/** Owner thread only. Values past the last bucket count there. */
void histogram_add(struct histogram *h, uint64_t value);
/** Owner thread only: @p n equal values at once. */
void histogram_add_n(struct histogram *h, uint64_t value, uint64_t n);
/** into += from; @p into must be the caller's own. Any thread. */
void histogram_merge(struct histogram *into, const struct histogram *from);
uint64_t histogram_total(const struct histogram *h);
/** Upper bound of the bucket holding quantile @p q (0..1); 0 when empty. */
uint64_t histogram_quantile(const struct histogram *h, double q);
/**
 * How many values are <= @p bound: exact where bound is a bucket's upper bound, too few by at
 * most the bucket that bound falls into elsewhere. From the last bucket's bound on: all.
 */
uint64_t histogram_count_le(const struct histogram *h, uint64_t bound);
/** Index of a value's bucket, and a bucket's largest value (the last one holds larger, too). */
size_t histogram_bucket(uint64_t value);
uint64_t histogram_bucket_max(size_t bucket);

#endif
