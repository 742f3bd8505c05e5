/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/embedded/embedded.h"

#define MAX_TXNS       4096
#define CHECK_NS       NS_PER_S
#define BACKOFF_MIN_NS NS_PER_S
#define BACKOFF_MAX_NS (32 * NS_PER_S)

static struct embedded *from_kv(struct kv *kv)
{
	return (struct embedded *)kv;
}

/* ---- the thread ---- */

static void close_broken(struct embedded *embedded)
{
	struct embedded_mirror *mirror = &embedded->mirror;

	if (mirror->announced || mirror->cursor)
		embedded_mirror_lost(mirror);
	embedded_mirror_want(mirror);
	kv_health_connected(&embedded->health, false);
	if (!embedded_mirror_released(mirror))
		return; /* the owner still reads from the map */
	database_close(&embedded->db);
	embedded->broken = false;
	embedded->backoff_ns = embedded->backoff_ns ? 2 * embedded->backoff_ns : BACKOFF_MIN_NS;
	embedded->backoff_ns = min_u64(embedded->backoff_ns, BACKOFF_MAX_NS);
	embedded->reopen_at_ns = clock_mono_ns() + embedded->backoff_ns;
}

static void reopen(struct embedded *embedded, uint64_t now_ns)
{
	struct config_error error;

	if (now_ns < embedded->reopen_at_ns)
		return;
	if (database_open(&embedded->db, &error)) {
		kv_health_problem(&embedded->health, KV_PROBLEM_LINK, "%s", error.text);
		embedded->backoff_ns = min_u64(2 * embedded->backoff_ns, BACKOFF_MAX_NS);
		embedded->reopen_at_ns = now_ns + embedded->backoff_ns;
		return;
	}
	kv_health_mended(&embedded->health, KV_PROBLEM_LINK);
	kv_health_connected(&embedded->health, true);
	kv_health_reconnected(&embedded->health);
}

static void check(struct embedded *embedded, uint64_t now_ns)
{
	MDB_envinfo info;
	MDB_stat stat;

	if (now_ns < embedded->check_at_ns)
		return;
	embedded->check_at_ns = now_ns + CHECK_NS;
	if (mdb_env_info(embedded->db.env, &info) || mdb_env_stat(embedded->db.env, &stat))
		return;
	if (info.me_last_txnid != embedded->db.txnid && !embedded->db.read_only) {
		/* Taken as known, so that one foreign commit causes one load. */
		embedded->db.txnid = info.me_last_txnid;
		embedded_mirror_want(&embedded->mirror);
	}
	kv_health_stored(&embedded->health, (uint64_t)(info.me_last_pgno + 1) * stat.ms_psize);
	kv_health_contact(&embedded->health, embedded->db.revision);
}

static bool has_work(const struct embedded *embedded)
{
	return !kv_queue_empty(&embedded->inbox) || embedded_mirror_busy(&embedded->mirror) ||
	       !kv_queue_empty(&embedded->mirror.outlet.returned) ||
	       atomic_load(&embedded->stopping);
}

static void sleep_until(struct embedded *embedded, uint64_t until_ns)
{
	struct pollfd fd = {.fd = embedded->wakeup.fd, .events = POLLIN};
	uint64_t now_ns = clock_mono_ns();
	int timeout_ms =
	    until_ns > now_ns ? (int)((until_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS) : 0;

	wakeup_arm(&embedded->wakeup);
	if (!has_work(embedded))
		poll(&fd, 1, timeout_ms);
	wakeup_disarm(&embedded->wakeup);
}

static void round_once(struct embedded *embedded)
{
	kv_line_add_all(&embedded->todo, kv_queue_take(&embedded->inbox));
	embedded_commit_run(embedded);
	embedded_mirror_pump(embedded);
	if (embedded->broken)
		close_broken(embedded);
}

static void run(void *arg)
{
	struct embedded *embedded = arg;
	bool stopping;

	do {
		/* Read before the inbox is: what was committed before close is still answered. */
		stopping = atomic_load(&embedded->stopping);
		round_once(embedded);
		uint64_t now_ns = clock_mono_ns();
		if (embedded->db.env)
			check(embedded, now_ns);
		else
			reopen(embedded, now_ns);
		if (!stopping)
			sleep_until(embedded, embedded->db.env ? embedded->check_at_ns
							       : embedded->reopen_at_ns);
	} while (!stopping);
}

/* ---- the operations ---- */

static void destroy(struct embedded *embedded)
{
	if (!embedded)
		return;
	embedded_mirror_fini(&embedded->mirror);
	database_close(&embedded->db);
	if (embedded->lock_fd >= 0)
		close(embedded->lock_fd);
	wakeup_fini(&embedded->wakeup);
	kv_health_fini(&embedded->health);
	free(embedded->path);
	free(embedded);
}

static struct embedded *create(const struct config_store *config, struct kv_sink *sink)
{
	struct embedded *embedded = calloc(1, sizeof(*embedded));

	if (!embedded)
		return NULL;
	kv_health_init(&embedded->health, kv_embedded.name);
	embedded_mirror_init(&embedded->mirror, sink);
	kv_line_init(&embedded->todo);
	embedded->sink = sink;
	embedded->lock_fd = -1;
	embedded->path = strdup(config->path);
	embedded->db.path = embedded->path;
	embedded->db.map_size = config->map_size;
	embedded->db.read_only = sink->read_only;
	embedded->thread = (struct thread){
	    .name = "store-embedded",
	    .cpu = THREAD_ANY_CPU,
	    .nice = STORE_NICE,
	    .run = run,
	    .arg = embedded,
	};
	if (wakeup_init(&embedded->wakeup) < 0 || !embedded->path) {
		destroy(embedded);
		return NULL;
	}
	return embedded;
}

static struct kv *embedded_open(const struct config_store *config, struct kv_sink *sink,
				struct config_error *error)
{
	struct embedded *embedded = create(config, sink);

	if (!embedded) {
		*error = (struct config_error){"store.embedded: out of memory or descriptors"};
		return NULL;
	}
	if (!sink->read_only)
		embedded->lock_fd = database_lock_path(embedded->path, error);
	if ((embedded->lock_fd < 0 && !sink->read_only) || database_open(&embedded->db, error)) {
		destroy(embedded);
		return NULL;
	}
	kv_health_connected(&embedded->health, true);
	kv_health_contact(&embedded->health, embedded->db.revision);
	return (struct kv *)embedded;
}

static int embedded_start(struct kv *kv)
{
	return thread_start(&from_kv(kv)->thread);
}

static void embedded_commit(struct kv *kv, struct kv_batch *batch)
{
	struct embedded *embedded = from_kv(kv);

	batch->sent_ns = clock_mono_ns();
	kv_queue_push(&embedded->inbox, &batch->node);
	wakeup_signal(&embedded->wakeup);
}

static void embedded_events_done(struct kv *kv, struct kv_events *events)
{
	struct embedded *embedded = from_kv(kv);

	kv_outlet_return(&embedded->mirror.outlet, events);
	wakeup_signal(&embedded->wakeup);
}

static int embedded_session_start(struct kv *kv, const char *key, const uint8_t *value, size_t len)
{
	return 0;
}

static int embedded_session_end(struct kv *kv, uint64_t within_ns)
{
	return -ENOTCONN;
}

static void embedded_session_update(struct kv *kv, const uint8_t *value, size_t len)
{
}

static void embedded_status(struct kv *kv, struct kv_status *out)
{
	kv_health_read(&from_kv(kv)->health, out);
}

static void embedded_close(struct kv *kv)
{
	struct embedded *embedded = from_kv(kv);

	if (!embedded)
		return;
	atomic_store(&embedded->stopping, true);
	wakeup_signal(&embedded->wakeup);
	thread_join(&embedded->thread);
	destroy(embedded);
}

const struct kv_ops kv_embedded = {
    .name = "embedded",
    .max_txns = MAX_TXNS,
    .sole_writer = true,
    .open = embedded_open,
    .start = embedded_start,
    .commit = embedded_commit,
    .events_done = embedded_events_done,
    .session_start = embedded_session_start,
    .session_update = embedded_session_update,
    .session_end = embedded_session_end,
    .status = embedded_status,
    .close = embedded_close,
};
