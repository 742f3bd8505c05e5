/* SPDX-License-Identifier: MIT */
/* The store thread: what comes in, in turn, then what goes out; asleep when there is neither. */
#include "store/internal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/rcu.h"

#define EVENT_LISTS     8
#define ASKS_AT_ONCE    64
#define AHEAD           4 /* asks: each is some eight misses, beyond twenty the processor drops them */
#define TICK_NS         (100 * NS_PER_MS)
/* An embedded store takes everything queued as one group anyway: larger batches, one more under way. */
#define EMBEDDED_BATCH  1024
#define EMBEDDED_FLIGHT 2
#define STOP_WITHIN_NS  (1 * NS_PER_S)

/* ---- from the backend's thread: queue and wake ---- */

static void on_committed(struct kv_sink *sink, struct kv_batch *batch)
{
	struct store *store = container_of(sink, struct store, sink);

	ring_push(store->committed, batch); /* as large as there can be batches */
	wakeup_signal(&store->wakeup);
}

static void on_events(struct kv_sink *sink, struct kv_events *events)
{
	struct store *store = container_of(sink, struct store, sink);

	ring_push(store->events, events); /* the backend keeps to two lists */
	wakeup_signal(&store->wakeup);
}

/* ---- life ---- */

static int make_worker(struct store_worker *worker, size_t asks)
{
	int rc = wakeup_init(&worker->wakeup);

	if (rc)
		return rc;
	worker->asks = ring_new(asks);
	worker->answers = ring_new(asks);
	return worker->asks && worker->answers ? 0 : -ENOMEM;
}

static int make_queues(struct store *store, const struct config *config)
{
	bool etcd = config->store.kind == STORE_ETCD;
	uint32_t wanted = etcd ? config->store.txn_allocations : EMBEDDED_BATCH;
	int rc = wakeup_init(&store->wakeup);

	if (!rc)
		rc = shared_init(&store->shared);
	if (!rc)
		rc = operator_init(&store->operator);
	if (rc)
		return rc;
	store->batch_cap = (uint32_t)min_u64(wanted, store->ops->max_txns);
	store->in_flight_max = etcd ? config->store.txns_in_flight : EMBEDDED_FLIGHT;
	store->ready_cap = STORE_FLIGHTS / store->batch_cap + 1;
	for (size_t i = 0; i < LANE_COUNT; i++) {
		store->lanes[i].ready = calloc(store->ready_cap, sizeof(struct kv_batch *));
		if (!store->lanes[i].ready)
			return -ENOMEM;
	}
	store->spare = calloc(store->ready_cap, sizeof(struct kv_batch *));
	store->committed = ring_new(store->in_flight_max + 2); /* and the mark's */
	store->events = ring_new(EVENT_LISTS);
	store->flights = flights_new(STORE_FLIGHTS);
	store->workers = calloc(store->n_workers, sizeof(*store->workers));
	if (!store->spare || !store->committed || !store->events ||
	    !store->flights || !store->workers)
		return -ENOMEM;
	for (size_t i = 0; i < store->n_workers && !rc; i++)
		rc = make_worker(&store->workers[i], config->server.pending_max);
	return rc;
}

struct store *store_new(const struct config *config, struct clock *clock, size_t n_workers,
			struct config_error *error)
{
	struct store *store = calloc(1, sizeof(*store));
	int rc = -ENOMEM;

	if (store) {
		store->clock = clock;
		sem_init(&store->first_load, 0, 0);
		store->ops = config->store.kind == STORE_ETCD ? &kv_etcd : &kv_embedded;
		store->sink = (struct kv_sink){
			.committed = on_committed,
			.events = on_events,
			.unwanted = "clients/", /* follow from leases/ */
			.own_changes_known = true,
		};
		store->n_workers = n_workers;
		store->again.end = &store->again.first;
		store->table = lease_table_new();
		store->run_time = run_time_new();
		snprintf(store->server_id, sizeof(store->server_id), "%s", config->server.id);
		rc = membership_init(store, config);
		if (!store->table || !store->run_time)
			rc = -ENOMEM;
		if (!rc)
			rc = make_queues(store, config);
	}
	if (rc) {
		snprintf(error->text, sizeof(error->text), "cannot set the store up: %s",
			 strerror(-rc));
		store_free(store);
		return NULL;
	}
	store->kv = store->ops->open(&config->store, &store->sink, error);
	if (!store->kv) {
		store_free(store);
		return NULL;
	}
	return store;
}

static void free_batches(struct store *store)
{
	struct kv_batch *batch;

	while (store->committed && (batch = ring_pop(store->committed)))
		kv_batch_free(batch);
	for (size_t i = 0; i < LANE_COUNT; i++) {
		struct store_lane *lane = &store->lanes[i];
		for (; lane->n_ready; lane->n_ready--, lane->first++)
			kv_batch_free(lane->ready[lane->first % store->ready_cap]);
		kv_batch_free(lane->open);
		free(lane->ready);
	}
	for (uint32_t i = 0; i < store->n_spare; i++)
		kv_batch_free(store->spare[i]);
}

void store_free(struct store *store)
{
	if (!store)
		return;
	if (store->kv)
		store->ops->close(store->kv);
	free_batches(store);
	for (size_t i = 0; store->workers && i < store->n_workers; i++) {
		ring_free(store->workers[i].asks);
		ring_free(store->workers[i].answers);
		wakeup_fini(&store->workers[i].wakeup);
	}
	free(store->workers);
	flights_free(store->flights);
	ring_free(store->committed);
	ring_free(store->events);
	free(store->spare);
	wakeup_fini(&store->wakeup);
	shared_fini(&store->shared);
	operator_fini(&store->operator);
	membership_fini(store);
	sem_destroy(&store->first_load);
	run_time_free(store->run_time);
	lease_table_free(store->table);
	free(store);
}

/* ---- configuration ---- */

static int configure_networks(struct store *store, const struct config *config,
			      struct lease_net **nets)
{
	for (size_t i = 0; i < config->n_networks; i++) {
		const struct config_network *network = &config->networks[i];
		nets[i] = lease_table_net(store->table, network->name, strlen(network->name));
		if (!nets[i] || run_time_publish(store->run_time, nets[i], config, network) ||
		    allocator_configure(nets[i], config, network))
			return -ENOMEM;
	}
	return 0;
}

/* Networks that the configuration no longer knows keep their records and lose their pools. */
static int retire_networks(struct store *store, const struct config *config)
{
	struct lease_net *net;

	for (size_t i = 0; (net = lease_table_at(store->table, i)); i++) {
		if (config_find_network(config, lease_net_name(net)))
			continue;
		if (lease_net_set_reservations(net, NULL, 0) ||
		    allocator_configure(net, config, NULL))
			return -ENOMEM;
	}
	return 0;
}

static void reconfigure(struct store *store)
{
	struct store_reconfiguration *request =
		atomic_exchange_explicit(&store->reconfiguration, NULL, memory_order_acq_rel);

	if (!request)
		return;
	request->result = configure_networks(store, request->config, request->nets);
	if (!request->result)
		request->result = retire_networks(store, request->config);
	store->config = request->config;
	membership_configure(store, store->config);
	sem_post(&request->done);
}

int store_configure(struct store *store, const struct config *config, struct lease_net **nets)
{
	struct store_reconfiguration request = {.config = config, .nets = nets};

	sem_init(&request.done, 0, 0);
	atomic_store_explicit(&store->reconfiguration, &request, memory_order_release);
	wakeup_signal(&store->wakeup);
	while (sem_wait(&request.done) && errno == EINTR)
		;
	sem_destroy(&request.done);
	return request.result;
}

/* ---- the loop ---- */

static bool take_committed(struct store *store)
{
	struct kv_batch *batch;
	bool any = false;

	while ((batch = ring_pop(store->committed))) {
		if (!membership_committed(store, batch))
			transact_finish(store, batch);
		any = true;
	}
	return any;
}

static bool take_events(struct store *store)
{
	struct kv_events *events = ring_pop(store->events);

	if (!events)
		return false;
	mirror_apply(store, events);
	store->ops->events_done(store->kv, events);
	return true;
}

/* The next ones are brought near, then what they lead to, while memory has time to answer. */
static void begin_burst(struct store *store, struct ask **asks, size_t n)
{
	for (size_t i = 0; i < n + 2 * AHEAD; i++) {
		if (i < n)
			ask_prefetch(asks[i]);
		if (i >= AHEAD && i < n + AHEAD)
			transact_prefetch(store, asks[i - AHEAD]);
		if (i >= 2 * AHEAD)
			transact_begin(store, asks[i - 2 * AHEAD]);
	}
}

static bool take_asks(struct store *store)
{
	struct ask *asks[ASKS_AT_ONCE];
	bool any = false;

	for (size_t w = 0; w < store->n_workers; w++) {
		size_t n = ring_pop_many(store->workers[w].asks, (void **)asks, ASKS_AT_ONCE);
		begin_burst(store, asks, n);
		any = any || n;
	}
	return any;
}

static void wake_workers(struct store *store)
{
	for (size_t w = 0; w < store->n_workers; w++) {
		if (store->workers[w].answered)
			wakeup_signal(&store->workers[w].wakeup);
		store->workers[w].answered = false;
	}
}

static void tick(struct store *store)
{
	if (store->now.mono_ns < store->tick_at_ns)
		return;
	store->tick_at_ns = store->now.mono_ns + TICK_NS;
	if (allocator_tick(store->table, &store->now))
		store->tick_at_ns = 0;
	membership_tick(store);
	transact_tick(store);
}

static bool work(struct store *store)
{
	bool any;

	store->now = membership_now(store);
	reconfigure(store);
	any = take_committed(store);
	any |= take_events(store);
	any |= take_asks(store);
	operator_take(store);
	transact_begin_again(store);
	tick(store);
	transact_send(store);
	wake_workers(store);
	atomic_store_explicit(&store->serving, store_serving(store), memory_order_relaxed);
	return any || store->again.first;
}

/* Offline for RCU while asleep: nobody's grace period waits for us. */
static void sleep_until_woken(struct store *store)
{
	struct pollfd poll_fd = {.fd = store->wakeup.fd, .events = POLLIN};

	wakeup_arm(&store->wakeup);
	if (!work(store)) {
		rcu_offline();
		poll(&poll_fd, 1, (int)(TICK_NS / NS_PER_MS));
		rcu_online();
	}
	wakeup_disarm(&store->wakeup);
}

static void finish_what_was_asked(struct store *store)
{
	uint64_t until_ns = clock_mono_ns() + STOP_WITHIN_NS;

	while (clock_mono_ns() < until_ns) {
		bool any = work(store);
		if (!any && transact_idle(store))
			return;
		if (!any)
			sleep_until_woken(store);
	}
	log_warn("stopped with transactions still under way",
		 F_U64("transactions", flights_in_use(store->flights)));
}

static void run(void *arg)
{
	struct store *store = arg;

	membership_join(store);
	while (!atomic_load_explicit(&store->stopping, memory_order_acquire)) {
		if (!work(store))
			sleep_until_woken(store);
		rcu_quiescent();
	}
	finish_what_was_asked(store);
}

int store_start(struct store *store, int cpu)
{
	int rc = store->ops->start(store->kv);

	if (rc)
		return rc;
	store->thread = (struct thread){
		.name = "store",
		.cpu = cpu,
		.nice = STORE_NICE,
		.reads_rcu = true,
		.run = run,
		.arg = store,
	};
	return thread_start(&store->thread);
}

bool store_await_loaded(struct store *store, uint64_t within_ns)
{
	struct timespec until = clock_deadline(within_ns);

	while (sem_clockwait(&store->first_load, CLOCK_MONOTONIC, &until))
		if (errno != EINTR)
			return false;
	return true;
}

bool store_leave(struct store *store, uint64_t within_ns)
{
	return store->ops->session_end(store->kv, within_ns) == 0;
}

void store_stop(struct store *store)
{
	atomic_store_explicit(&store->stopping, true, memory_order_release);
	wakeup_signal(&store->wakeup);
	thread_join(&store->thread);
}

/* ---- the workers' side ---- */

bool store_submit(struct store *store, size_t worker, struct ask *ask)
{
	ask->worker = (uint16_t)worker;
	return ring_push(store->workers[worker].asks, ask);
}

void store_kick(struct store *store)
{
	wakeup_signal(&store->wakeup);
}

size_t store_answers(struct store *store, size_t worker, struct ask **asks, size_t max)
{
	return ring_pop_many(store->workers[worker].answers, (void **)asks, max);
}

struct wakeup *store_worker_wakeup(struct store *store, size_t worker)
{
	return &store->workers[worker].wakeup;
}

/* ---- what others see ---- */

void store_view(const struct store *store, struct store_view *out)
{
	uint64_t now_ns = clock_mono_ns();

	*out = (struct store_view){
		.backend = store->ops->name,
		.loaded = atomic_load(&store->loaded),
		.connected = atomic_load(&store->connected),
		.serving = atomic_load(&store->serving),
		.astray = atomic_load(&store->astray),
		.queued = atomic_load(&store->queued),
		.unresolved = atomic_load(&store->unresolved_count),
		.memory = lease_table_memory(store->table),
	};
	store->ops->status(store->kv, &out->kv);
	if (out->kv.last_contact_ns && now_ns > out->kv.last_contact_ns)
		out->staleness_ns = now_ns - out->kv.last_contact_ns;
}

const struct store_counters *store_counters(const struct store *store)
{
	return &store->counters;
}

const struct histogram *store_batch_sizes(const struct store *store)
{
	return &store->batch_sizes;
}

const struct histogram *store_commit_times(const struct store *store)
{
	return &store->commit_times;
}

const struct lease_table *store_table(const struct store *store)
{
	return store->table;
}
