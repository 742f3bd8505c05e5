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

void latency_add(struct latency *latency, uint64_t ns)
{
	histogram_add(&latency->histogram, ns);
	if (ns > latency->max_ns)
		latency->max_ns = ns;
}

uint64_t latency_quantile(const struct latency *latency, double q)
{
	uint64_t bound = histogram_quantile(&latency->histogram, q);

	/* The last bucket holds everything longer, too. */
	if (bound >= histogram_bucket_max(HISTOGRAM_BUCKETS - 1))
		return latency->max_ns;
	return min_u64(bound, latency->max_ns);
}

double latency_mean(const struct latency *latency)
{
	uint64_t n = histogram_total(&latency->histogram);

	return n ? (double)atomic_load(&latency->histogram.sum) / (double)n : 0;
}
