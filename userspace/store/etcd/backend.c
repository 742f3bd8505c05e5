/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <grpc/support/log.h>

#include "store/etcd/etcd.h"

#define SCRATCH_BLOCK  ((size_t)256 << 10)
#define BACKOFF_MIN_NS (100 * NS_PER_MS)
#define BACKOFF_MAX_NS (2 * NS_PER_S)
/* gRPC's own threads end a little after it was told to. */
#define SHUTDOWN_NS      (2 * NS_PER_S)
#define SHUTDOWN_STEP_US 500

static struct etcd *from_kv(struct kv *kv)
{
	return (struct etcd *)kv;
}

/* ---- time ---- */

static void (*const timer_fires[TIMER_COUNT])(struct etcd *etcd) = {
    [TIMER_LINK] = etcd_link_connect,   [TIMER_WAITING] = etcd_commit_pump,
    [TIMER_MIRROR] = etcd_mirror_retry, [TIMER_PROGRESS] = etcd_mirror_progress,
    [TIMER_SESSION] = etcd_session_go,
};

void etcd_set_timer(struct etcd *etcd, enum etcd_timer timer, uint64_t due_ns)
{
	etcd->due_ns[timer] = due_ns;
}

uint64_t etcd_backoff_ns(struct etcd *etcd, unsigned failures)
{
	unsigned doublings = failures > 0 ? failures - 1 : 0;
	uint64_t full_ns = doublings < 8 ? BACKOFF_MIN_NS << doublings : BACKOFF_MAX_NS;

	/* Several servers that lost the same member do not come back in step. */
	etcd->link.dice = etcd->link.dice * 6364136223846793005u + 1442695040888963407u;
	full_ns = min_u64(full_ns, BACKOFF_MAX_NS);
	return full_ns / 2 + (etcd->link.dice >> 33) % (full_ns / 2);
}

static void fire_timers(struct etcd *etcd)
{
	uint64_t now_ns = clock_mono_ns();

	for (int i = 0; i < TIMER_COUNT; i++) {
		if (!etcd->due_ns[i] || etcd->due_ns[i] > now_ns)
			continue;
		etcd->due_ns[i] = 0;
		timer_fires[i](etcd);
	}
}

static gpr_timespec next_timer(const struct etcd *etcd)
{
	uint64_t due_ns = UINT64_MAX, now_ns = clock_mono_ns();

	for (int i = 0; i < TIMER_COUNT; i++)
		if (etcd->due_ns[i])
			due_ns = min_u64(due_ns, etcd->due_ns[i]);
	if (due_ns == UINT64_MAX)
		return gpr_inf_future(GPR_CLOCK_MONOTONIC);
	return gpr_time_add(
	    gpr_now(GPR_CLOCK_MONOTONIC),
	    gpr_time_from_nanos(due_ns > now_ns ? (int64_t)(due_ns - now_ns) : 0, GPR_TIMESPAN));
}

/* ---- waking the completion thread ---- */

static void on_woken(struct completion *completion, bool success)
{
	struct etcd *etcd = container_of(completion, struct etcd, woken);

	/* Cleared first: what is handed over from here on wakes again. */
	atomic_store(&etcd->waking, false);
	etcd_commit_pump(etcd);
	etcd_mirror_go(etcd);
	etcd_session_go(etcd);
}

void etcd_wake(struct etcd *etcd)
{
	if (!atomic_exchange(&etcd->waking, true))
		grpc_call_start_batch(etcd->waker, NULL, 0, &etcd->woken, NULL);
}

/* ---- the thread ---- */

/* In order: answers to all that was committed, the session, then what nobody waits for. */
static bool stopped(struct etcd *etcd)
{
	if (!atomic_load(&etcd->stopping) || atomic_load(&etcd->in_flight) > 0)
		return false;
	if (!etcd_session_stop(etcd))
		return false;
	return etcd_mirror_stop(etcd) & etcd_link_stop(etcd);
}

static void loop(struct etcd *etcd)
{
	while (!stopped(etcd)) {
		grpc_event event = grpc_completion_queue_next(etcd->cq, next_timer(etcd), NULL);
		if (event.type == GRPC_OP_COMPLETE) {
			struct completion *completion = event.tag;
			completion_done done =
			    atomic_load_explicit(&completion->done, memory_order_acquire);

			done(completion, event.success);
		}
		fire_timers(etcd);
	}
}

static void log_grpc(gpr_log_func_args *args)
{
	static struct log_limit limit;
	uint64_t held_back;

	if (args->severity < GPR_LOG_SEVERITY_ERROR)
		log_debug("grpc", F_STR("text", args->message));
	else if (log_limit_pass(&limit, 10 * NS_PER_S, &held_back))
		log_warn("grpc", F_STR("text", args->message), F_U64("held_back", held_back));
}

/* In this thread, so that the threads gRPC makes inherit its blocked signals and its CPUs. */
static void begin(struct etcd *etcd)
{
	gpr_timespec never = gpr_inf_future(GPR_CLOCK_MONOTONIC);

	gpr_set_log_function(log_grpc);
	grpc_init();
	etcd->cq = grpc_completion_queue_create_for_next(NULL);
	etcd->nowhere = grpc_lame_client_channel_create("nowhere", GRPC_STATUS_UNAVAILABLE, "");
	etcd->waker =
	    grpc_channel_create_call(etcd->nowhere, NULL, GRPC_PROPAGATE_DEFAULTS, etcd->cq,
				     grpc_slice_from_static_string("/wake"), NULL, never, NULL);
	etcd->woken.done = on_woken;
}

static void wait_for_grpc(void)
{
	uint64_t until_ns = clock_mono_ns() + SHUTDOWN_NS;

	while (grpc_is_initialized() && clock_mono_ns() < until_ns)
		usleep(SHUTDOWN_STEP_US);
}

static void end(struct etcd *etcd)
{
	grpc_call_unref(etcd->waker);
	grpc_channel_destroy(etcd->nowhere);
	grpc_completion_queue_shutdown(etcd->cq);
	while (
	    grpc_completion_queue_next(etcd->cq, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
	    GRPC_QUEUE_SHUTDOWN)
		;
	grpc_completion_queue_destroy(etcd->cq);
	grpc_shutdown();
	wait_for_grpc();
}

static void run(void *arg)
{
	struct etcd *etcd = arg;

	begin(etcd);
	sem_post(&etcd->begun);
	etcd_set_timer(etcd, TIMER_LINK, clock_mono_ns());
	loop(etcd);
	end(etcd);
}

/* ---- the operations ---- */

static void destroy(struct etcd *etcd)
{
	if (!etcd)
		return;
	etcd_mirror_fini(etcd);
	etcd_session_fini(etcd);
	etcd_link_fini(etcd);
	kv_arena_free(etcd->scratch);
	kv_arena_free(etcd->work);
	sem_destroy(&etcd->begun);
	secrets_fini(&etcd->secrets);
	kv_health_fini(&etcd->health);
	free(etcd->endpoints);
	free(etcd->prefix_end);
	free(etcd->prefix);
	free(etcd);
}

static int copy_config(struct etcd *etcd, const struct config_store *config)
{
	etcd->timeout_ms = config->timeout_ms;
	etcd->ttl_s = config->ttl_s;
	etcd->n_endpoints = config->n_endpoints;
	etcd->endpoints = calloc(config->n_endpoints, sizeof(*etcd->endpoints));
	etcd->prefix = strdup(config->prefix);
	etcd->prefix_end = (uint8_t *)strdup(config->prefix);
	if (!etcd->endpoints || !etcd->prefix || !etcd->prefix_end)
		return -ENOMEM;
	etcd->prefix_len = strlen(etcd->prefix);
	etcd->prefix_end[etcd->prefix_len - 1]++; /* it ends with a slash */
	return secrets_init(&etcd->secrets, config);
}

static struct etcd *create(const struct config_store *config, struct kv_sink *sink)
{
	struct etcd *etcd = calloc(1, sizeof(*etcd));

	if (!etcd)
		return NULL;
	kv_health_init(&etcd->health, kv_etcd.name);
	sem_init(&etcd->begun, 0, 0);
	kv_line_init(&etcd->waiting);
	etcd->sink = sink;
	atomic_init(&etcd->max_txns, kv_etcd.max_txns);
	etcd->scratch = kv_arena_new(SCRATCH_BLOCK);
	etcd->work = kv_arena_new(SCRATCH_BLOCK);
	etcd->thread = (struct thread){
	    .name = "store-etcd",
	    .cpu = THREAD_ANY_CPU,
	    .nice = STORE_NICE,
	    .run = run,
	    .arg = etcd,
	};
	etcd_link_init(etcd);
	etcd_session_init(etcd);
	if (copy_config(etcd, config) || etcd_mirror_init(etcd) || !etcd->scratch || !etcd->work) {
		destroy(etcd);
		return NULL;
	}
	return etcd;
}

static bool check(struct etcd *etcd, const struct config_store *config, struct config_error *error)
{
	for (size_t i = 0; i < config->n_endpoints; i++)
		if (endpoint_parse(&etcd->endpoints[i], config->endpoints[i], error))
			return false;
	return secrets_check(&etcd->secrets, etcd->endpoints, etcd->n_endpoints, error);
}

static struct kv *etcd_open(const struct config_store *config, struct kv_sink *sink,
			    struct config_error *error)
{
	struct etcd *etcd;

	if (config->n_endpoints == 0) {
		*error = (struct config_error){"store.etcd.endpoints: empty; name one at least"};
		return NULL;
	}
	etcd = create(config, sink);
	if (!etcd) {
		*error = (struct config_error){"store.etcd: out of memory"};
		return NULL;
	}
	if (!check(etcd, config, error)) {
		destroy(etcd);
		return NULL;
	}
	return (struct kv *)etcd;
}

static int etcd_start(struct kv *kv)
{
	struct etcd *etcd = from_kv(kv);
	int rc = thread_start(&etcd->thread);

	while (!rc && sem_wait(&etcd->begun) < 0)
		; /* interrupted */
	return rc;
}

static void commit(struct kv *kv, struct kv_batch *batch)
{
	etcd_commit(from_kv(kv), batch);
}

static void events_done(struct kv *kv, struct kv_events *events)
{
	struct etcd *etcd = from_kv(kv);

	kv_outlet_return(&etcd->mirror.outlet, events);
	etcd_wake(etcd);
}

static int session_start(struct kv *kv, const char *key, const uint8_t *value, size_t len)
{
	return etcd_session_hand_over(from_kv(kv), key, value, len);
}

static int session_end(struct kv *kv, uint64_t within_ns)
{
	return etcd_session_end(from_kv(kv), within_ns);
}

static void session_update(struct kv *kv, const uint8_t *value, size_t len)
{
	if (etcd_session_hand_over(from_kv(kv), NULL, value, len))
		log_warn("membership not updated: out of memory");
}

static void status(struct kv *kv, struct kv_status *out)
{
	kv_health_read(&from_kv(kv)->health, out);
}

static void etcd_close(struct kv *kv)
{
	struct etcd *etcd = from_kv(kv);

	if (!etcd)
		return;
	if (etcd->thread.running) {
		atomic_store(&etcd->stopping, true);
		etcd_wake(etcd);
		thread_join(&etcd->thread);
	}
	destroy(etcd);
}

const struct kv_ops kv_etcd = {
    .name = "etcd",
    .max_txns = ETCD_MAX_TXN_OPS - ETCD_OPS_OF_TXN,
    .open = etcd_open,
    .start = etcd_start,
    .commit = commit,
    .events_done = events_done,
    .session_start = session_start,
    .session_update = session_update,
    .session_end = session_end,
    .status = status,
    .close = etcd_close,
};
