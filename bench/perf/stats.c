/* SPDX-License-Identifier: MIT */
#include "perf/stats.h"

const char *const exchange_keys[EXCHANGE_COUNT] = {
#define X(symbol, key, title) [symbol] = key,
    EXCHANGES(X)
#undef X
};

const char *const exchange_titles[EXCHANGE_COUNT] = {
#define X(symbol, key, title) [symbol] = title,
    EXCHANGES(X)
#undef X
};

const struct finding_def finding_defs[FINDING_COUNT] = {
#define X(symbol, key, fails, text) [symbol] = {key, text, fails},
    FINDINGS(X)
#undef X
};

void stats_clear(struct stats *stats)
{
#define X(name, text) counter_set(&stats->name, 0);
	TOTALS(X)
#undef X
	stats->began_ns = stats->ended_ns = 0;
	memset(stats->exchange, 0, sizeof(stats->exchange));
	memset(&stats->lag, 0, sizeof(stats->lag));
}

#define SUB_BUCKETS (1u << LATENCY_SUB_BITS)

/* The power of two picks the row, the bits below the leading one the column. */
static size_t bucket_of(uint64_t ns)
{
	unsigned shift;

	if (ns < SUB_BUCKETS)
		return ns;
	shift = 63 - (unsigned)__builtin_clzll(ns) - LATENCY_SUB_BITS;
	return min_size(((size_t)shift << LATENCY_SUB_BITS) + (size_t)(ns >> shift),
			LATENCY_BUCKETS - 1);
}

static uint64_t bucket_max(size_t bucket)
{
	unsigned shift;

	if (bucket < SUB_BUCKETS)
		return bucket;
	shift = (unsigned)(bucket >> LATENCY_SUB_BITS) - 1;
	return ((uint64_t)(SUB_BUCKETS + (bucket & (SUB_BUCKETS - 1)) + 1) << shift) - 1;
}

void latency_add(struct latency *latency, uint64_t ns)
{
	latency->count[bucket_of(ns)]++;
	latency->n++;
	latency->sum_ns += ns;
	if (ns > latency->max_ns)
		latency->max_ns = ns;
}

uint64_t latency_quantile(const struct latency *latency, double q)
{
	double rank = q * (double)latency->n;
	uint64_t seen = 0;

	/* The last bucket holds everything longer, too. */
	for (size_t i = 0; i + 1 < LATENCY_BUCKETS; i++) {
		seen += latency->count[i];
		if (seen > 0 && (double)seen >= rank)
			return min_u64(bucket_max(i), latency->max_ns);
	}
	return latency->max_ns;
}

uint64_t latency_longer(const struct latency *latency, uint64_t ns)
{
	uint64_t longer = 0;

	for (size_t i = bucket_of(ns) + 1; i < LATENCY_BUCKETS; i++)
		longer += latency->count[i];
	return longer;
}

double latency_mean(const struct latency *latency)
{
	return latency->n ? (double)latency->sum_ns / (double)latency->n : 0;
}
