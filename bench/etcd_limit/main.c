/* SPDX-License-Identifier: MIT */
/*
 * etcdhcp-limit: what a store takes at most from this program's own client of it, by batch size,
 * batches in flight and puts in a transaction; and how long a commit takes at a given rate.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "etcd_limit/load.h"

#define LIST_MAX  16
#define BATCH_MAX 1000000

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct list {
	unsigned value[LIST_MAX];
	size_t n;
};

struct arguments {
	struct list batch, in_flight, puts;
	double seconds, rate;
	bool keep;
	const struct kv_ops *ops;
	char *where;
};

static const char usage_text[] =
    "usage: etcdhcp-limit [OPTION]... embedded DIRECTORY\n"
    "       etcdhcp-limit [OPTION]... etcd URL\n"
    "\n"
    "Commits transactions like allocations, and nothing else. A line of key=value for each\n"
    "combination of\n"
    "\n"
    "  --batch N,...      transactions sent together (40)\n"
    "  --in-flight N,...  batches under way at once (4)\n"
    "  --puts 1|2|1,2     keys put by each: the lease; the client, too (2)\n"
    "\n"
    "  --seconds S        for each line (3)\n"
    "  --rate N           at that many transactions a second, not as fast as can be: what counts is\n"
    "                     the latency, from when a transaction falls due\n"
    "  --keep             leave the keys there; otherwise they are deleted at the end\n"
    "\n"
    "In etcd, keys are put below /etcdhcp-limit/PID/.\n";

static bool parse_list(const char *text, unsigned max, struct list *list)
{
	list->n = 0;
	do {
		char *end;
		unsigned long value = strtoul(text, &end, 10);

		if (end == text || value < 1 || value > max || list->n == LIST_MAX)
			return false;
		list->value[list->n++] = (unsigned)value;
		text = end;
	} while (*text++ == ',');
	return text[-1] == '\0';
}

static bool parse_real(const char *text, double *value)
{
	char *end;

	*value = strtod(text, &end);
	return end != text && *end == '\0' && *value > 0;
}

/* False when they are wrong. */
static bool parse_options(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = {
	    {"batch", required_argument, NULL, 'b'},   {"in-flight", required_argument, NULL, 'f'},
	    {"puts", required_argument, NULL, 'p'},    {"seconds", required_argument, NULL, 's'},
	    {"rate", required_argument, NULL, 'r'},    {"keep", no_argument, NULL, 'k'},
	    {"help", no_argument, NULL, 'h'},          {0},
	};
	bool good = true;
	int option;

	while (good && (option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'b':
			good = parse_list(optarg, BATCH_MAX, &a->batch);
			break;
		case 'f':
			good = parse_list(optarg, IN_FLIGHT_MAX, &a->in_flight);
			break;
		case 'p':
			good = parse_list(optarg, 2, &a->puts);
			break;
		case 's':
			good = parse_real(optarg, &a->seconds);
			break;
		case 'r':
			good = parse_real(optarg, &a->rate);
			break;
		case 'k':
			a->keep = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			exit(0);
		default:
			good = false;
		}
	}
	return good;
}

static bool parse_store(struct arguments *a, int argc, char **argv)
{
	static const struct kv_ops *const stores[] = {&kv_embedded, &kv_etcd};

	if (argc - optind != 2)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(stores); i++) {
		if (strcmp(argv[optind], stores[i]->name) == 0)
			a->ops = stores[i];
	}
	a->where = argv[optind + 1];
	return a->ops;
}

static unsigned list_max(const struct list *list)
{
	unsigned max = 0;

	for (size_t i = 0; i < list->n; i++)
		max = list->value[i] > max ? list->value[i] : max;
	return max;
}

static int open_store(struct load *load, const struct arguments *a, char *prefix, size_t size)
{
	char *endpoint = a->where;
	const struct config_store config = {
	    .kind = a->ops == &kv_etcd ? STORE_ETCD : STORE_EMBEDDED,
	    .path = a->where,
	    .map_size = UINT64_C(64) << 30,
	    .endpoints = &endpoint,
	    .n_endpoints = 1,
	    .prefix = prefix,
	    .timeout_ms = 10000,
	    .ttl_s = 10,
	};
	unsigned batch = list_max(&a->batch);

	snprintf(prefix, size, "/etcdhcp-limit/%d/", (int)getpid());
	if (batch > a->ops->max_txns) {
		fprintf(stderr, "etcdhcp-limit: %s takes batches of at most %u\n", a->ops->name,
			a->ops->max_txns);
		return -1;
	}
	return load_open(load, a->ops, &config, batch);
}

static double quantile_us(const struct load_result *result, double q)
{
	return (double)histogram_quantile(&result->latency, q) / 1e3;
}

static void print(const struct load *load, const struct load_shape *shape,
		  const struct load_result *result)
{
	printf("store=%s batch=%u in_flight=%u puts=%u per_s=%.0f mean_batch=%.1f p50_us=%.0f "
	       "p99_us=%.0f p999_us=%.0f cores=%.2f conflicts=%llu failed=%llu\n",
	       load->ops->name, shape->batch, shape->in_flight, shape->puts,
	       (double)result->done / result->seconds,
	       (double)(result->done + result->conflicts + result->failed) /
		   (double)(result->batches ? result->batches : 1),
	       quantile_us(result, 0.5), quantile_us(result, 0.99), quantile_us(result, 0.999),
	       result->cores, (unsigned long long)result->conflicts,
	       (unsigned long long)result->failed);
	fflush(stdout);
}

/* False when the store did not take everything. */
static bool report(const struct load_result *result)
{
	if (result->conflicts == 0 && result->failed == 0)
		return true;
	fprintf(stderr, "etcdhcp-limit: not everything was committed; %s\n",
		result->problem[0] ? result->problem : "keys were there already");
	return false;
}

static bool measure(struct load *load, const struct arguments *a)
{
	static struct load_result result;
	bool good = true;

	for (size_t p = 0; p < a->puts.n; p++) {
		for (size_t f = 0; f < a->in_flight.n; f++) {
			for (size_t b = 0; b < a->batch.n; b++) {
				const struct load_shape shape = {
				    .batch = a->batch.value[b],
				    .in_flight = a->in_flight.value[f],
				    .puts = a->puts.value[p],
				    .seconds = a->seconds,
				    .rate = a->rate,
				};

				load_run(load, &shape, &result);
				print(load, &shape, &result);
				good &= report(&result);
			}
		}
	}
	if (!a->keep) {
		load_clean(load, &result);
		good &= report(&result);
	}
	return good;
}

int main(int argc, char **argv)
{
	static struct load load;
	struct arguments a = {
	    .batch = {{40}, 1},
	    .in_flight = {{4}, 1},
	    .puts = {{2}, 1},
	    .seconds = 3,
	};
	char prefix[64];
	bool good;

	if (!parse_options(&a, argc, argv) || !parse_store(&a, argc, argv)) {
		fputs(usage_text, stderr);
		return EXIT_USAGE;
	}
	log_set_level(LOG_LEVEL_WARN);
	good = open_store(&load, &a, prefix, sizeof(prefix)) == 0 && measure(&load, &a);
	load_close(&load);
	return good ? 0 : EXIT_FAILED;
}
