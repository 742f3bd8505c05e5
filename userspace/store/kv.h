/* SPDX-License-Identifier: MIT */
/**
 * store/kv.h - what the store asks of a database: small guarded transactions and a mirror.
 *
 * Two backends stand behind this: embedded/ (LMDB, one machine) and etcd/ (gRPC, any number of
 * servers). Neither knows what a lease is. Keys and values are bytes; keys are given relative
 * to the backend's prefix and come back that way.
 *
 * The unit of work is a batch of independent transactions: each is guarded by compares of its own, so
 * that one conflict fails alone, and all that pass become durable together, at one
 * revision. The caller decides when to send a batch; nothing waits for a timer.
 *
 * Threads: one *owner* thread (the store thread) calls everything here. The backend has a thread
 * of its own for I/O and reports through the sink from there; the sink only queues and wakes.
 */
#ifndef ETCDHCP_STORE_KV_H
#define ETCDHCP_STORE_KV_H

#include "base/types.h"
#include "config/config.h"

enum kv_guard {
	KV_ABSENT,    /* the key does not exist */
	KV_REVISION,  /* its last change is exactly .revision */
	KV_VALUE,     /* it exists and its value is exactly .value */
	KV_EXISTS,    /* it exists (no constraint; its value comes back if the transaction fails) */
	KV_READ,      /* no condition at all: only reads, see kv_txn.found */
};

struct kv_compare {
	enum kv_guard guard;
	struct span key;
	int64_t revision;
	struct span value;
};

enum kv_action { KV_PUT, KV_DELETE };

struct kv_change {
	enum kv_action action;
	bool in_session;    /* KV_PUT: bind the key to this server's session (see kv_session_start) */
	struct span key;
	struct span value;
};

/** A key's state as the transaction saw it (linearizable). */
struct kv_item {
	bool exists;
	int64_t revision;   /* of its last change; 0 when absent */
	struct span value;  /* memory of the batch */
};

#define KV_MAX_COMPARES 4
#define KV_MAX_CHANGES  5

enum kv_outcome {
	KV_PENDING,
	KV_DONE,        /* committed and durable, at kv_batch.revision */
	KV_CONFLICT,    /* a guard failed, nothing changed; found[] tells each compared key's state */
	KV_REFUSED,     /* certainly not applied: the request never reached a server, or it said no */
	KV_UNKNOWN,     /* it may or may not have been applied (time-out, broken connection) */
};

struct kv_txn {
	uint8_t n_compares, n_changes;
	struct kv_compare compare[KV_MAX_COMPARES];
	struct kv_change change[KV_MAX_CHANGES];
	/* filled by the backend */
	enum kv_outcome outcome;
	struct kv_item found[KV_MAX_COMPARES]; /* KV_CONFLICT: all; KV_DONE with a KV_READ compare: those */
	void *user;                            /* the caller's */
};

/**
 * Transactions in one request, with an arena for their keys and values. Every key may be changed by at most
 * one transaction of a batch (etcd refuses two puts of a key); the caller sees to that.
 */
struct kv_batch {
	struct kv_txn *txn;
	uint32_t n, cap;
	int64_t revision;      /* of the commit; for a batch that changed nothing, the store's at that time */
	int error;             /* 0, or negative errno behind KV_REFUSED/KV_UNKNOWN: -ETIMEDOUT, -EHOSTUNREACH,
				* -ENOSPC (store full), -EACCES (credentials), -E2BIG (too many operations), -EIO */
	const char *detail;    /* the store's own words for that, NULL when none; batch memory */
	uint64_t sent_ns;      /* set by kv_commit, clock_mono_ns */
	void *impl;            /* backend's */
	struct kv_arena *arena;
};

/** A batch for up to @p cap transactions; reusable after kv_batch_reset. NULL when memory is short. */
struct kv_batch *kv_batch_new(uint32_t cap);
void kv_batch_free(struct kv_batch *batch);
void kv_batch_reset(struct kv_batch *batch);
/** The next transaction, zeroed; NULL when full. */
struct kv_txn *kv_batch_add(struct kv_batch *batch);
/** Memory that lives until the batch is reset (or freed); NULL when memory is short. Aligned to 8. */
void *kv_batch_alloc(struct kv_batch *batch, size_t len);

/* ---- the mirror ---- */

enum kv_event_type {
	KV_EVENT_RESET,      /* forget everything: a full load begins (first connection, compaction) */
	KV_EVENT_PUT,
	KV_EVENT_REMOVE,     /* deleted at .revision */
	KV_EVENT_LOADED,     /* the load is complete as of .revision; from here on, changes */
	KV_EVENT_PROGRESS,   /* nothing is missing up to .revision (etcd's progress notification or response header) */
	KV_EVENT_CONNECTED,  /* the watch stream is up */
	KV_EVENT_LOST,       /* the watch stream is down; it reconnects by itself and resumes */
};

struct kv_event {
	enum kv_event_type type;
	int64_t revision;
	struct span key;     /* relative to the prefix */
	struct span value;
};

/** Events in the order of their revisions; release with kv_events_done. */
struct kv_events {
	struct kv_event *event;
	size_t n;
	void *impl;
};

/** Called on the backend's thread. Both only queue the pointer and wake the owner. */
struct kv_sink {
	void (*committed)(struct kv_sink *sink, struct kv_batch *batch);
	void (*events)(struct kv_sink *sink, struct kv_events *events);
};

/** State for metrics and readiness; read by any thread. */
struct kv_status {
	bool connected;             /* embedded: the database is usable */
	int64_t revision;           /* newest seen */
	uint64_t last_contact_ns;   /* clock_mono_ns of the last word from the store (any response or progress) */
	uint64_t reconnects;
	uint64_t reloads;           /* full loads after the first (compaction) */
	uint64_t bytes_stored;      /* embedded: the file's used size; etcd: 0 */
	char problem[160];          /* "" or the operator's next step, e.g. "etcd: no space: compact, defragment, disarm the alarm" */
};

struct kv; /* opaque: one backend instance */

struct kv_ops {
	const char *name; /* "embedded", "etcd" */
	uint32_t max_txns;      /* how many transactions a batch may hold at most */
	struct kv *(*open)(const struct config_store *config, struct kv_sink *sink, struct config_error *error);
	void (*start)(struct kv *kv);
	void (*commit)(struct kv *kv, struct kv_batch *batch);
	void (*events_done)(struct kv *kv, struct kv_events *events);
	int (*session_start)(struct kv *kv, const char *key, const uint8_t *value, size_t len);
	void (*session_update)(struct kv *kv, const uint8_t *value, size_t len);
	void (*status)(struct kv *kv, struct kv_status *out);
	void (*close)(struct kv *kv);
};

extern const struct kv_ops kv_embedded;
extern const struct kv_ops kv_etcd;

/*
 * The operations, in detail:
 *
 * open           Checks what can be checked without the network (paths, files, permission), makes no thread yet.
 *                NULL and *error on a fault that waiting will not mend. etcd that does not answer is no such fault.
 * start          Starts the backend's thread: it connects, loads everything under the prefix (RESET, PUT..., LOADED),
 *                then watches for ever, through reconnects and compactions, until close.
 * commit         Takes the batch until committed() hands it back with every outcome set; always hands it
 *                back, within the configured timeout_ms. Several may be under way; order among them is
 *                not promised by etcd. Never blocks.
 * events_done    Gives a list back; the backend keeps at most two lists with the owner and stops reading until one returns.
 * session_start  (etcd) Grants an etcd lease of ttl_s, puts prefix-relative @p key guarded by KV_ABSENT with it, keeps it alive, and re-creates both
 *                when they were lost; 0, or -EEXIST when somebody else holds the key after waiting one TTL (reported asynchronously through status.problem as well).
 *                Embedded: 0 at once, does nothing.
 * session_update Replaces the session key's value (the server's published clock).
 * close          Everything committed so far is answered (bounded by timeout_ms), then the thread is joined and memory freed. NULL is fine.
 */

#endif
