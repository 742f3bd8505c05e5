/* SPDX-License-Identifier: MIT */
#include "base/histogram.h"

#define SUB_BUCKETS (1u << HISTOGRAM_SUB_BITS)

static uint64_t read_word(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

/* One writer: a load and a store that cannot tear, no locked instruction. */
static void add_word(_Atomic uint64_t *word, uint64_t n)
{
	atomic_store_explicit(word, read_word(word) + n, memory_order_relaxed);
}

size_t histogram_bucket(uint64_t value)
{
	unsigned int shift;
	size_t bucket;

	if (value < SUB_BUCKETS)
		return value;

	/* The power of two picks the row, the bits below the leading one pick the column. */
	shift = 63 - (unsigned int)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
	bucket = ((size_t)shift << HISTOGRAM_SUB_BITS) + (size_t)(value >> shift);
	return min_size(bucket, HISTOGRAM_BUCKETS - 1);
}

uint64_t histogram_bucket_max(size_t bucket)
{
	unsigned int shift;
	uint64_t top;

	assert(bucket < HISTOGRAM_BUCKETS);
	if (bucket < SUB_BUCKETS)
		return bucket;

	shift = (unsigned int)(bucket >> HISTOGRAM_SUB_BITS) - 1;
	top = SUB_BUCKETS + (bucket & (SUB_BUCKETS - 1));
	return ((top + 1) << shift) - 1;
}

void histogram_add_n(struct histogram *h, uint64_t value, uint64_t n)
{
	add_word(&h->count[histogram_bucket(value)], n);
	add_word(&h->sum, value * n);
}

void histogram_add(struct histogram *h, uint64_t value)
{
	histogram_add_n(h, value, 1);
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		add_word(&into->count[i], read_word(&from->count[i]));
	add_word(&into->sum, read_word(&from->sum));
}

uint64_t histogram_total(const struct histogram *h)
{
	uint64_t total = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		total += read_word(&h->count[i]);
	return total;
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
	uint64_t total = histogram_total(h);
	uint64_t seen = 0;
	double rank;

	if (total == 0)
		return 0;

	/* Counts only grow, so a total read first is reached even while values are added. */
	rank = q * (double)total;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += read_word(&h->count[i]);
		if (seen > 0 && (double)seen >= rank)
			return histogram_bucket_max(i);
	}
	return histogram_bucket_max(HISTOGRAM_BUCKETS - 1);
}

uint64_t histogram_count_le(const struct histogram *h, uint64_t bound)
{
	uint64_t count = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS && histogram_bucket_max(i) <= bound; i++)
		count += read_word(&h->count[i]);
	return count;
}
