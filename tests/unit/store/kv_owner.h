/* SPDX-License-Identifier: MIT */
/**
 * kv_owner.h - the owner of a backend, for its tests: commits, waits, and keeps a mirror.
 *
 * Everything runs in the test's own thread but the sink. Waiting is bounded by OWNER_PATIENCE_S and
 * fails the test when that is over.
 */
#ifndef ETCDHCP_TESTS_KV_OWNER_H
#define ETCDHCP_TESTS_KV_OWNER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include "store/kv.h"

#define OWNER_PATIENCE_S 60
#define OWNER_QUEUE      4096

struct entry {
	struct entry *next;
	char *key;
	int64_t revision;
	size_t len;
	uint8_t value[];
};

struct owner {
	struct kv_sink sink; /* first */
	const struct kv_ops *ops;
	struct kv *kv;
	struct config_store config;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct kv_batch *batches[OWNER_QUEUE];
	struct kv_events *lists[OWNER_QUEUE];
	size_t n_batches, n_lists;
	unsigned lists_out, most_lists_out;

	/* the mirror, as the events so far have it */
	struct entry **buckets;
	size_t n_entries;
	int64_t revision; /* newest, of an event or LOADED */
	int64_t progress;
	unsigned resets, loads, connects, losses, backs, disorders;
	uint64_t puts, removes, applied; /* applied: lists */
};

/** Opens and starts; fails the test when that fails. */
void owner_open(struct owner *owner, const struct kv_ops *ops, const struct config_store *config);
/** Likewise; @p prepare may look into what was opened before it is started. */
void owner_open_prepared(struct owner *owner, const struct kv_ops *ops,
			 const struct config_store *config, void (*prepare)(struct kv *kv));
/** Opens, starts, waits until loaded and connected. */
void owner_begin(struct owner *owner, const struct kv_ops *ops, const struct config_store *config);
/** The same without the keys below @p unwanted. */
void owner_begin_without(struct owner *owner, const struct kv_ops *ops,
			 const struct config_store *config, const char *unwanted);
/** Closes and forgets; batches and lists that came back meanwhile are freed. */
void owner_close(struct owner *owner);

void owner_commit(struct owner *owner, struct kv_batch *batch);
/** The next batch that comes back; events are applied meanwhile. */
struct kv_batch *owner_wait_batch(struct owner *owner);
/** Commits and waits for this one batch, which must be the only one. */
void owner_run(struct owner *owner, struct kv_batch *batch);
/** Takes events, one list after the other, until @p reached says so. */
void owner_wait(struct owner *owner, bool (*reached)(struct owner *owner, const void *arg),
		const void *arg);
/** Until events of that revision, or later ones, have come. */
void owner_wait_revision(struct owner *owner, int64_t revision);
/** Until the mirror has that value at that key; NULL: no such key. */
void owner_wait_value(struct owner *owner, const char *key, const char *value);
/** Until the status shows a problem that contains @p text. */
void owner_wait_problem(struct owner *owner, const char *text);
void owner_wait_session(struct owner *owner, enum kv_session session);

/** NULL when absent. */
const struct entry *owner_find(struct owner *owner, const char *key);
void assert_entry(struct owner *owner, const char *key, const char *value, int64_t revision);

/* ---- transactions ---- */

struct kv_txn *add_txn(struct kv_batch *batch);
struct span copy_of(struct kv_batch *batch, const char *text);
void add_guard(struct kv_batch *batch, struct kv_txn *txn, enum kv_guard guard, const char *key,
	       const char *value, int64_t revision);
void add_put(struct kv_batch *batch, struct kv_txn *txn, const char *key, const char *value);
void add_delete(struct kv_batch *batch, struct kv_txn *txn, const char *key);
/** One transaction, one put, no guard; returns its revision. */
int64_t put_one(struct owner *owner, const char *key, const char *value);
void assert_span(struct span span, const char *text);

/* ---- places ---- */

/** A new directory below /tmp, whose name fits 64 bytes. */
void make_directory(char path[64]);
void remove_directory(const char *path);

#endif
