/* SPDX-License-Identifier: MIT */
/*
 * How many transactions a second a backend takes; built with the tests, run by hand:
 *
 *     kv_bench embedded DIR   [batch] [in flight] [seconds] [records]
 *     kv_bench etcd URL       [batch] [in flight] [seconds] [records]
 *
 * Each transaction compares two keys and puts two, as an allocation does. Records are put first
 * and loaded again when their number is given.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "base/ring.h"
#include "base/wakeup.h"
#include "store/kv.h"

#define VALUE_SIZE 120

struct bench {
	struct kv_sink sink;
	const struct kv_ops *ops;
	struct kv *kv;
	struct wakeup wakeup;
	struct ring *committed, *events;
	uint64_t done, conflicts, failed, puts, loaded;
	bool is_loaded;
	uint64_t next_id, spread;
	unsigned batch_size;
	uint64_t latency_ns, batches, started_ns;
};

static void on_committed(struct kv_sink *sink, struct kv_batch *batch)
{
	struct bench *bench = (struct bench *)sink;

	if (!ring_push(bench->committed, batch))
		abort();
	wakeup_signal(&bench->wakeup);
}

static void on_events(struct kv_sink *sink, struct kv_events *events)
{
	struct bench *bench = (struct bench *)sink;

	if (!ring_push(bench->events, events))
		abort();
	wakeup_signal(&bench->wakeup);
}

static struct span text(struct kv_batch *batch, const char *format, unsigned long long number)
{
	char *out = kv_batch_alloc(batch, 64);
	unsigned n = (unsigned)number;
	int len =
	    snprintf(out, 64, format, n >> 24 & 0xff, n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff);

	return (struct span){(uint8_t *)out, (size_t)len};
}

static void fill(struct bench *bench, struct kv_batch *batch, bool guarded)
{
	kv_batch_reset(batch);
	while (batch->n < bench->batch_size) {
		struct kv_txn *txn = kv_batch_add(batch);
		/* A permutation of the ids, so that neighbours in time are none in the tree. */
		uint64_t id =
		    guarded ? bench->next_id++ * 2654435761u % bench->spread : bench->next_id++;
		struct span lease = text(batch, "leases/4/campus/%u.%u.%u.%u", id);
		struct span client =
		    text(batch, "clients/4/campus/mac:02:00:%02x:%02x:%02x:%02x", id);
		char *value = kv_batch_alloc(batch, VALUE_SIZE);
		memset(value, 'v', VALUE_SIZE);
		if (guarded) {
			txn->n_compares = 2;
			txn->compare[0] = (struct kv_compare){.guard = KV_EXISTS, .key = lease};
			txn->compare[1] = (struct kv_compare){.guard = KV_EXISTS, .key = client};
		}
		txn->n_changes = 2;
		txn->change[0] =
		    (struct kv_change){.key = lease, .value = {(uint8_t *)value, VALUE_SIZE}};
		txn->change[1] =
		    (struct kv_change){.key = client, .value = {lease.data + 16, lease.len - 16}};
	}
}

static void take_events(struct bench *bench)
{
	struct kv_events *events;

	while ((events = ring_pop(bench->events))) {
		for (size_t i = 0; i < events->n; i++) {
			if (events->event[i].type == KV_EVENT_PUT)
				bench->puts += events->event[i].value.len > 0;
			if (events->event[i].type == KV_EVENT_LOADED)
				bench->is_loaded = true;
		}
		bench->ops->events_done(bench->kv, events);
	}
}

static void rest(struct bench *bench)
{
	struct pollfd fd = {.fd = bench->wakeup.fd, .events = POLLIN};

	wakeup_arm(&bench->wakeup);
	if (!ring_len(bench->committed) && !ring_len(bench->events))
		poll(&fd, 1, -1);
	wakeup_disarm(&bench->wakeup);
}

static void count(struct bench *bench, const struct kv_batch *batch)
{
	for (uint32_t i = 0; i < batch->n; i++) {
		bench->done += batch->txn[i].outcome == KV_DONE;
		bench->conflicts += batch->txn[i].outcome == KV_CONFLICT;
		bench->failed += batch->txn[i].outcome > KV_CONFLICT;
	}
	if (batch->error)
		fprintf(stderr, "error %s: %s\n", strerror(-batch->error),
			batch->detail ? batch->detail : "");
	bench->latency_ns += clock_mono_ns() - batch->sent_ns;
	bench->batches++;
}

static void pump(struct bench *bench, unsigned in_flight, uint64_t until_ns, uint64_t until_id,
		 bool guarded)
{
	struct kv_batch *batch;
	unsigned out = 0;

	for (unsigned i = 0; i < in_flight; i++, out++) {
		batch = kv_batch_new(bench->batch_size);
		fill(bench, batch, guarded);
		bench->ops->commit(bench->kv, batch);
	}
	while (out > 0) {
		take_events(bench);
		while ((batch = ring_pop(bench->committed))) {
			count(bench, batch);
			if (clock_mono_ns() < until_ns && bench->next_id < until_id) {
				fill(bench, batch, guarded);
				bench->ops->commit(bench->kv, batch);
			} else {
				kv_batch_free(batch);
				out--;
			}
		}
		if (out > 0)
			rest(bench);
	}
}

static double cpu_s(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int start(struct bench *bench, const struct config_store *config)
{
	struct config_error error;
	uint64_t began = clock_mono_ns();
	double cpu = cpu_s();

	bench->puts = 0;
	bench->is_loaded = false;
	bench->kv = bench->ops->open(config, &bench->sink, &error);
	if (!bench->kv) {
		fprintf(stderr, "%s\n", error.text);
		return -1;
	}
	if (bench->ops->start(bench->kv))
		return -1;
	while (!bench->is_loaded) {
		rest(bench);
		take_events(bench);
	}
	printf("loaded %llu records in %.3f s, %.3f s of CPU\n", (unsigned long long)bench->puts,
	       (double)(clock_mono_ns() - began) / 1e9, cpu_s() - cpu);
	return 0;
}

static void measure(struct bench *bench, unsigned in_flight, double seconds)
{
	uint64_t began = clock_mono_ns();
	double cpu = cpu_s(), took;

	bench->done = bench->conflicts = bench->failed = bench->batches = bench->latency_ns = 0;
	bench->next_id = 0;
	pump(bench, in_flight, began + (uint64_t)(seconds * 1e9), UINT64_MAX, true);
	took = (double)(clock_mono_ns() - began) / 1e9;
	printf("batch %u x %u: %.0f txns/s, %.2f ms each batch, %.2f cores; conflicts %llu, "
	       "failed %llu\n",
	       bench->batch_size, in_flight, (double)bench->done / took,
	       (double)bench->latency_ns / 1e6 / (double)bench->batches, (cpu_s() - cpu) / took,
	       (unsigned long long)bench->conflicts, (unsigned long long)bench->failed);
}

int main(int argc, char **argv)
{
	struct bench bench = {.sink = {on_committed, on_events}};
	struct config_store config = {.map_size = UINT64_C(64) << 30,
				      .prefix = (char *)"/etcdhcp/",
				      .timeout_ms = 5000,
				      .ttl_s = 10,
				      .n_endpoints = 1};
	unsigned in_flight = argc > 4 ? (unsigned)atoi(argv[4]) : 4;
	double seconds = argc > 5 ? atof(argv[5]) : 5;
	uint64_t records = argc > 6 ? strtoull(argv[6], NULL, 10) : 100000, began;

	if (argc < 3) {
		fprintf(stderr,
			"usage: kv_bench embedded|etcd DIR|URL [batch] [in flight] [seconds] "
			"[records]\n");
		return 2;
	}
	config.path = argv[2];
	config.endpoints = &argv[2];
	bench.ops = strcmp(argv[1], "etcd") ? &kv_embedded : &kv_etcd;
	bench.batch_size = argc > 3 ? (unsigned)atoi(argv[3]) : 64;
	bench.spread = records;
	bench.committed = ring_new(1024);
	bench.events = ring_new(16);
	if (wakeup_init(&bench.wakeup) || start(&bench, &config))
		return 1;
	began = clock_mono_ns();
	if (bench.puts < 2 * records) {
		unsigned batch_size = bench.batch_size;
		bench.batch_size = 60;
		pump(&bench, 4, UINT64_MAX, records, false);
		printf("put %llu records in %.1f s\n", (unsigned long long)records * 2,
		       (double)(clock_mono_ns() - began) / 1e9);
		bench.batch_size = batch_size;
	}
	bench.ops->close(bench.kv);
	while (ring_pop(bench.events))
		;
	if (start(&bench, &config))
		return 1;
	measure(&bench, in_flight, seconds);
	bench.ops->close(bench.kv);
	ring_free(bench.committed);
	ring_free(bench.events);
	wakeup_fini(&bench.wakeup);
	return 0;
}
