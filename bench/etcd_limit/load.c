/* SPDX-License-Identifier: MIT */
#include "etcd_limit/load.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "base/ring.h"

#define KEY_MAX    64
#define VALUE_SIZE 44 /* a record of a client with a MAC address and a short server id */
#define SCATTER    2654435761u /* odd: ids times this, modulo 2^32, is a permutation */
#define EVENTS     16

/* What fills one transaction. */
typedef void fill_fn(struct kv_batch *batch, struct kv_txn *txn, uint32_t id, unsigned puts);

struct run {
	struct load *load;
	const struct load_shape *shape;
	struct load_result *result;
	fill_fn *fill;
	uint64_t total;     /* transactions to begin, at most */
	uint64_t begun;     /* of them */
	uint64_t origin_ns; /* when the first fell due */
	uint64_t until_ns;
};

static void on_committed(struct kv_sink *sink, struct kv_batch *batch)
{
	struct load *load = (struct load *)sink;

	if (!ring_push(load->committed, batch))
		abort();
	wakeup_signal(&load->wakeup);
}

static void on_events(struct kv_sink *sink, struct kv_events *events)
{
	struct load *load = (struct load *)sink;

	if (!ring_push(load->events, events))
		abort();
	wakeup_signal(&load->wakeup);
}

static struct span make_key(struct kv_batch *batch, const char *format, uint32_t id)
{
	char *out = kv_batch_alloc(batch, KEY_MAX);
	int len;

	if (!out)
		abort();
	len = snprintf(out, KEY_MAX, format, id >> 24, id >> 16 & 0xff, id >> 8 & 0xff, id & 0xff);
	return (struct span){(uint8_t *)out, (size_t)len};
}

static struct span lease_key(struct kv_batch *batch, uint32_t id)
{
	return make_key(batch, "leases/4/campus/%u.%u.%u.%u", id);
}

static struct span client_key(struct kv_batch *batch, uint32_t id)
{
	return make_key(batch, "clients/4/campus/mac:02:00:%02x:%02x:%02x:%02x", id);
}

static void fill_allocation(struct kv_batch *batch, struct kv_txn *txn, uint32_t id, unsigned puts)
{
	const struct span keys[] = {lease_key(batch, id), client_key(batch, id)};
	uint8_t *value = kv_batch_alloc(batch, VALUE_SIZE);
	struct span values[ARRAY_SIZE(keys)];
	size_t prefix = strlen("leases/4/campus/");

	if (!value)
		abort();
	memset(value, 'v', VALUE_SIZE);
	values[0] = (struct span){value, VALUE_SIZE};
	values[1] = (struct span){keys[0].data + prefix, keys[0].len - prefix};
	txn->n_compares = txn->n_changes = (uint8_t)puts;
	for (unsigned i = 0; i < puts; i++) {
		txn->compare[i] = (struct kv_compare){.guard = KV_ABSENT, .key = keys[i]};
		txn->change[i] =
		    (struct kv_change){.action = KV_PUT, .key = keys[i], .value = values[i]};
	}
}

static void fill_removal(struct kv_batch *batch, struct kv_txn *txn, uint32_t id, unsigned puts)
{
	(void)puts;
	txn->n_changes = 2;
	txn->change[0] = (struct kv_change){.action = KV_DELETE, .key = lease_key(batch, id)};
	txn->change[1] = (struct kv_change){.action = KV_DELETE, .key = client_key(batch, id)};
}

static void take_events(struct load *load)
{
	struct kv_events *events;

	while ((events = ring_pop(load->events))) {
		for (size_t i = 0; i < events->n; i++)
			load->loaded |= events->event[i].type == KV_EVENT_LOADED;
		load->ops->events_done(load->kv, events);
	}
}

/* Sleeps until the backend has something, at most until then. */
static void rest(struct load *load, uint64_t until_ns)
{
	struct pollfd fd = {.fd = load->wakeup.fd, .events = POLLIN};
	uint64_t now_ns = clock_mono_ns(), wait = until_ns > now_ns ? until_ns - now_ns : 0;
	struct timespec time = {.tv_sec = (time_t)(wait / NS_PER_S),
				.tv_nsec = (long)(wait % NS_PER_S)};

	wakeup_arm(&load->wakeup);
	if (!ring_len(load->committed) && !ring_len(load->events))
		ppoll(&fd, 1, &time, NULL);
	wakeup_disarm(&load->wakeup);
}

static uint64_t due_ns(const struct run *run, uint64_t number)
{
	return run->origin_ns + (uint64_t)((double)number / run->shape->rate * 1e9);
}

/* How many transactions the next batch gets; 0: none is to be sent now. */
static uint64_t next_size(const struct run *run, uint64_t now_ns)
{
	const struct load_shape *shape = run->shape;
	uint64_t due = run->total;

	if (now_ns >= run->until_ns || run->load->out >= shape->in_flight)
		return 0;
	if (shape->rate > 0)
		due = min_u64(due,
			      (uint64_t)((double)(now_ns - run->origin_ns) / 1e9 * shape->rate) + 1);
	return due > run->begun ? min_u64(due - run->begun, shape->batch) : 0;
}

static void send_batch(struct run *run, uint64_t size)
{
	struct load *load = run->load;
	struct kv_batch *batch = load->batch[--load->n_batches];

	kv_batch_reset(batch);
	for (uint64_t i = 0; i < size; i++) {
		struct kv_txn *txn = kv_batch_add(batch);

		run->fill(batch, txn, (uint32_t)load->next_id++ * SCATTER, run->shape->puts);
		txn->user = (void *)(uintptr_t)run->begun++;
	}
	load->out++;
	load->ops->commit(load->kv, batch);
}

static void count(const struct run *run, const struct kv_batch *batch)
{
	struct load_result *result = run->result;
	uint64_t now_ns = clock_mono_ns();

	result->batches++;
	for (uint32_t i = 0; i < batch->n; i++) {
		const struct kv_txn *txn = &batch->txn[i];
		uint64_t since_ns = run->shape->rate > 0 ? due_ns(run, (uintptr_t)txn->user)
							 : batch->sent_ns;

		result->done += txn->outcome == KV_DONE;
		result->conflicts += txn->outcome == KV_CONFLICT;
		result->failed += txn->outcome > KV_CONFLICT;
		histogram_add(&result->latency, now_ns > since_ns ? now_ns - since_ns : 0);
	}
	if (batch->error)
		snprintf(result->problem, sizeof(result->problem), "%s: %s",
			 strerror(-batch->error), batch->detail ? batch->detail : "");
}

static void take_committed(struct run *run)
{
	struct load *load = run->load;
	struct kv_batch *batch;

	while ((batch = ring_pop(load->committed))) {
		count(run, batch);
		load->batch[load->n_batches++] = batch;
		load->out--;
	}
}

/* When to look again at the latest. */
static uint64_t next_look(const struct run *run, uint64_t now_ns)
{
	if (run->shape->rate > 0 && run->load->out < run->shape->in_flight &&
	    now_ns < run->until_ns && run->begun < run->total)
		return due_ns(run, run->begun);
	return now_ns + NS_PER_S;
}

static double cpu_s(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void pump(struct run *run)
{
	struct load *load = run->load;
	uint64_t now_ns = run->origin_ns, size;
	double cpu = cpu_s();

	do {
		while ((size = next_size(run, now_ns)) > 0)
			send_batch(run, size);
		if (load->out > 0 || run->shape->rate > 0)
			rest(load, next_look(run, now_ns));
		take_events(load);
		take_committed(run);
		now_ns = clock_mono_ns();
	} while (load->out > 0 || (now_ns < run->until_ns && run->begun < run->total));
	run->result->seconds = (double)(now_ns - run->origin_ns) / 1e9;
	run->result->cores = (cpu_s() - cpu) / run->result->seconds;
}

void load_run(struct load *load, const struct load_shape *shape, struct load_result *result)
{
	struct run run = {
	    .load = load,
	    .shape = shape,
	    .result = result,
	    .fill = fill_allocation,
	    .total = UINT64_MAX,
	    .origin_ns = clock_mono_ns(),
	};

	*result = (struct load_result){0};
	run.until_ns = run.origin_ns + (uint64_t)(shape->seconds * 1e9);
	pump(&run);
}

void load_clean(struct load *load, struct load_result *result)
{
	const struct load_shape shape = {.batch = 32, .in_flight = 4, .puts = 2};
	struct run run = {
	    .load = load,
	    .shape = &shape,
	    .result = result,
	    .fill = fill_removal,
	    .total = load->next_id,
	    .origin_ns = clock_mono_ns(),
	    .until_ns = UINT64_MAX,
	};

	*result = (struct load_result){0};
	load->next_id = 0;
	pump(&run);
}

static int make_batches(struct load *load, unsigned batch_max)
{
	load->committed = ring_new(IN_FLIGHT_MAX);
	load->events = ring_new(EVENTS);
	if (!load->committed || !load->events)
		return -ENOMEM;
	for (; load->n_batches < IN_FLIGHT_MAX; load->n_batches++) {
		load->batch[load->n_batches] = kv_batch_new(batch_max);
		if (!load->batch[load->n_batches])
			return -ENOMEM;
	}
	return wakeup_init(&load->wakeup);
}

int load_open(struct load *load, const struct kv_ops *ops, const struct config_store *config,
	      unsigned batch_max)
{
	struct config_error error;
	int result;

	*load = (struct load){.sink = {on_committed, on_events}, .ops = ops, .wakeup.fd = -1};
	result = make_batches(load, batch_max);
	if (result < 0) {
		fprintf(stderr, "etcdhcp-limit: %s\n", strerror(-result));
		return -1;
	}
	load->kv = ops->open(config, &load->sink, &error);
	if (!load->kv) {
		fprintf(stderr, "etcdhcp-limit: %s\n", error.text);
		return -1;
	}
	result = ops->start(load->kv);
	if (result < 0) {
		fprintf(stderr, "etcdhcp-limit: %s\n", strerror(-result));
		return -1;
	}
	while (!load->loaded) {
		rest(load, clock_mono_ns() + NS_PER_S);
		take_events(load);
	}
	return 0;
}

void load_close(struct load *load)
{
	if (load->kv)
		load->ops->close(load->kv);
	while (load->n_batches > 0)
		kv_batch_free(load->batch[--load->n_batches]);
	ring_free(load->committed);
	ring_free(load->events);
	if (load->wakeup.fd >= 0)
		wakeup_fini(&load->wakeup);
}
