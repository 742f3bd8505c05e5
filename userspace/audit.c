/* SPDX-License-Identifier: MIT */
#include "audit.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/ring.h"
#include "base/wakeup.h"
#include "store/audit.h"

enum { AUDIT_CLEAN = 0, AUDIT_INCONSISTENT = 1, AUDIT_UNREADABLE = 2 };

/* How long nothing may be heard of the store: before its first word, and between two. */
#define FIRST_WORD_NS (10 * NS_PER_S)
#define NEXT_WORD_NS  (60 * NS_PER_S)
#define LOOK_MS       500

/** A backend of which the first load is read. */
struct reader {
	struct kv_sink sink; /* first */
	const struct kv_ops *ops;
	struct kv *kv;
	struct ring *lists; /* from the backend's thread: it lets out two */
	struct wakeup wakeup;
	const char *prefix; /* of keys, as operators would type them */
};

/* ---- the report ---- */

static void print_finding(void *ctx, const struct audit_finding *finding)
{
	const struct reader *reader = ctx;

	printf("%s: %s%s: %s%s%s%s; %s\n", finding->note ? "note" : "inconsistent", reader->prefix,
	       finding->key, finding->what, finding->detail[0] ? " (" : "", finding->detail,
	       finding->detail[0] ? ")" : "", finding->remedy);
}

static void print_table(const struct config *config, const struct audit_counts *counts)
{
	printf("%-20s %10s %10s %10s %10s %10s %10s %10s\n", "network", "pool", "reserved", "free",
	       "bound", "released", "declined", "over");
	for (size_t i = 0; i < config->n_networks; i++)
		printf("%-20s %10llu %10llu %10llu %10llu %10llu %10llu %10llu\n",
		       config->networks[i].name, (unsigned long long)counts[i].pool,
		       (unsigned long long)counts[i].reserved, (unsigned long long)counts[i].free,
		       (unsigned long long)counts[i].bound, (unsigned long long)counts[i].released,
		       (unsigned long long)counts[i].declined, (unsigned long long)counts[i].over);
}

static int print_summary(const struct audit *audit)
{
	struct audit_summary summary;

	audit_summarize(audit, &summary);
	printf("%llu inconsistencies, %llu notes in %llu leases, %llu clients' keys and %llu "
	       "reservations at revision %lld\n",
	       (unsigned long long)summary.faults, (unsigned long long)summary.notes,
	       (unsigned long long)summary.leases, (unsigned long long)summary.clients,
	       (unsigned long long)summary.reservations, (long long)summary.revision);
	return summary.faults ? AUDIT_INCONSISTENT : AUDIT_CLEAN;
}

/* ---- reading ---- */

static void on_committed(struct kv_sink *sink, struct kv_batch *batch)
{
	/* nothing is ever committed */
}

static void on_events(struct kv_sink *sink, struct kv_events *events)
{
	struct reader *reader = container_of(sink, struct reader, sink);

	ring_push(reader->lists, events);
	wakeup_signal(&reader->wakeup);
}

static int fail(const char *what)
{
	fprintf(stderr, "etcdhcpd: audit: %s\n", what);
	return AUDIT_UNREADABLE;
}

static struct kv_events *next_list(struct reader *reader)
{
	struct pollfd poll_fd = {.fd = reader->wakeup.fd, .events = POLLIN};
	struct kv_events *events;

	wakeup_arm(&reader->wakeup);
	events = ring_pop(reader->lists);
	if (!events)
		poll(&poll_fd, 1, LOOK_MS);
	wakeup_disarm(&reader->wakeup);
	return events ? events : ring_pop(reader->lists);
}

/* True when the store has been silent for too long: then says why, as far as that is known. */
static bool given_up(struct reader *reader, uint64_t began_ns)
{
	struct kv_status status;
	uint64_t now_ns = clock_mono_ns(), last_ns, patience_ns;

	reader->ops->status(reader->kv, &status);
	last_ns = status.last_contact_ns > began_ns ? status.last_contact_ns : began_ns;
	patience_ns = status.last_contact_ns ? NEXT_WORD_NS : FIRST_WORD_NS;
	if (now_ns < last_ns + patience_ns)
		return false;
	fail(status.problem[0] ? status.problem : "the store does not answer");
	return true;
}

/* 1 when the load is complete, 0 when there is more to come, negative errno. */
static int take_list(struct audit *audit, const struct kv_events *events)
{
	int rc = 0;

	for (size_t i = 0; i < events->n && !rc; i++) {
		rc = audit_take(audit, &events->event[i]);
		if (rc == -EAGAIN) {
			puts("The store has to be read anew: disregard what stands above.");
			rc = 0;
		}
	}
	return rc;
}

/* False when the store could not be read; why has been said. */
static bool read_store(struct reader *reader, struct audit *audit)
{
	uint64_t began_ns = clock_mono_ns();
	int rc = reader->ops->start(reader->kv);

	while (!rc) {
		struct kv_events *events = next_list(reader);
		if (events) {
			rc = take_list(audit, events);
			reader->ops->events_done(reader->kv, events);
		} else if (given_up(reader, began_ns)) {
			return false;
		}
	}
	if (rc < 0)
		fail(strerror(-rc));
	return rc > 0;
}

/* ---- judging ---- */

/* The networks of the store, where it has them, outweigh those of the file; NULL: none that work. */
static struct config *shared_config(struct audit *audit, const char *config_path)
{
	struct config_error error = {""};
	struct config *config;
	const char *text;
	size_t len;

	text = audit_shared_text(audit, &len);
	if (!text)
		return NULL;
	config = config_load_shared(config_path, "config/networks", text, len, &error);
	if (!config)
		audit_refuse_shared(audit, error.text);
	return config;
}

static int judge(struct audit *audit, const struct config *config, const char *config_path)
{
	struct config *shared = shared_config(audit, config_path);
	const struct config *valid = shared ? shared : config;
	struct audit_counts *counts = calloc(valid->n_networks + 1, sizeof(*counts));
	int status;

	if (!counts || audit_judge(audit, valid, (int64_t)time(NULL), counts)) {
		status = fail("out of memory");
	} else {
		print_table(valid, counts);
		status = print_summary(audit);
	}
	free(counts);
	config_free(shared);
	return status;
}

/* ---- the command ---- */

static int audit_with(struct reader *reader, const struct config *config, const char *config_path)
{
	struct audit *audit = audit_new(!reader->ops->sole_writer, print_finding, reader);
	struct config_error error = {""};
	int status = AUDIT_UNREADABLE;

	if (!audit)
		return fail("out of memory");
	reader->kv = reader->ops->open(&config->store, &reader->sink, &error);
	if (!reader->kv)
		fail(error.text);
	else if (read_store(reader, audit))
		status = judge(audit, config, config_path);
	reader->ops->close(reader->kv);
	audit_free(audit);
	return status;
}

int audit_run(const struct config *config, const char *config_path)
{
	bool etcd = config->store.kind == STORE_ETCD;
	struct reader reader = {
	    .sink = {.committed = on_committed, .events = on_events, .read_only = true},
	    .ops = etcd ? &kv_etcd : &kv_embedded,
	    .prefix = etcd ? config->store.prefix : "",
	    .lists = ring_new(4),
	};
	int status;

	log_set_level(LOG_LEVEL_ERROR);
	if (!reader.lists || wakeup_init(&reader.wakeup))
		return fail("out of memory or descriptors");
	status = audit_with(&reader, config, config_path);
	ring_free(reader.lists);
	wakeup_fini(&reader.wakeup);
	if (fflush(stdout) || ferror(stdout))
		return fail("the report could not be written");
	return status;
}
