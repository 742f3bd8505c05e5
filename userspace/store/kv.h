/* SPDX-License-Identifier: MIT */
/**
 * store/kv.h - what the store asks of a database: small guarded transactions and a mirror.
 *
 * Two backends stand behind this: embedded/ (LMDB, one machine) and etcd/ (gRPC, any number of
 * servers). Neither knows what a lease is. Keys and values are bytes; keys are given relative
 * to the backend's prefix and come back that way.
 *
 * The unit of work is a batch of independent transactions: each is guarded by compares of its
 * own, so that one conflict fails alone, and all that pass become durable together. The caller
 * decides when to send a batch; nothing waits for a timer.
 *
 * Threads: one *owner* thread (the store thread) calls everything here but status, which any
 * thread may call. The backend has a thread of its own for I/O and reports through the sink
 * from there; the sink only queues and wakes.
 */
#ifndef ETCDHCP_STORE_KV_H
#define ETCDHCP_STORE_KV_H

#include "base/types.h"
#include "config/config.h"

/** A key is 1 to this many bytes, and begins with neither 0x00 nor 0x01. */
#define KV_MAX_KEY 640

/**
 * The priority (setpriority(2)) of the store's and the backends' threads: where processors are short,
 * workers go first, so that renewals are answered and rings are emptied while commits take longer.
 */
#define STORE_NICE 5

enum kv_guard {
	KV_ABSENT,   /* the key does not exist */
	KV_REVISION, /* its last change is exactly .revision; 0 stands for absent */
	KV_VALUE,    /* it exists and its value is exactly .value */
	KV_EXISTS,   /* it exists (its value comes back if the transaction fails) */
	KV_READ,     /* no condition at all: only reads, see kv_txn.found */
	KV_GUARD_COUNT
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
	bool in_session; /* KV_PUT: the key goes when this server's session ends (see session_start)
			  */
	struct span key;
	struct span value;
};

/** A key's state as the transaction saw it before its changes (linearizable). */
struct kv_item {
	bool exists;
	int64_t revision;  /* of its last change; 0 when absent */
	struct span value; /* memory of the batch */
};

#define KV_MAX_COMPARES 4
#define KV_MAX_CHANGES  5

enum kv_outcome {
	KV_PENDING,
	KV_DONE,     /* committed and durable, at .revision */
	KV_CONFLICT, /* a guard failed, nothing changed; found[] tells each compared key's state */
	KV_REFUSED,  /* certainly not applied: the request never reached a server, or it said no */
	KV_UNKNOWN,  /* it may or may not have been applied, or may be still (time-out, lost
			connection) */
};

struct kv_txn {
	uint8_t n_compares, n_changes;
	struct kv_compare compare[KV_MAX_COMPARES];
	struct kv_change change[KV_MAX_CHANGES];
	/* filled by the backend */
	enum kv_outcome outcome;
	int error; /* 0, or negative errno behind KV_REFUSED/KV_UNKNOWN, see kv_batch.error */
	int64_t revision; /* KV_DONE: of the commit (no changes: when it was read); KV_CONFLICT:
			   * when found[] was read, every later change has a greater one */
	struct kv_item found[KV_MAX_COMPARES]; /* KV_CONFLICT: all; KV_DONE: those of KV_READ */
	void *user;                            /* the caller's */
};

/** What queues of the backend are made of. */
struct kv_node {
	struct kv_node *next;
};

/**
 * Transactions sent together, with an arena for their keys and values. A key changed by one
 * transaction of a batch must not be named by another: etcd refuses two puts of a key and looks
 * at all guards before any change. The caller sees to that.
 */
struct kv_batch {
	struct kv_txn *txn;
	uint32_t n, cap;
	int64_t revision; /* the greatest of its transactions'; one revision for all of them, unless
			   * etcd's limits had the batch sent in parts */
	int error; /* 0, or the first errno that befell a request (not: a transaction that was
		    * wrong in itself, -EINVAL): -ETIMEDOUT, -EHOSTUNREACH, -ENOSPC (store
		    * full), -EACCES (credentials), -E2BIG (over the store's limits), -EAGAIN
		    * (overloaded), -ENOLINK (the session is gone), -ENOMEM, -EIO (all else) */
	const char *detail;  /* the store's own words for that, NULL when none; batch memory */
	uint64_t sent_ns;    /* set by kv_commit, clock_mono_ns */
	void *impl;          /* the backend's while it has the batch */
	struct kv_node node; /* likewise */
	struct kv_arena *arena;
};

/** A batch for up to @p cap transactions; reusable after kv_batch_reset. NULL when memory is short.
 */
struct kv_batch *kv_batch_new(uint32_t cap);
/** NULL is fine. Not while a backend has it. */
void kv_batch_free(struct kv_batch *batch);
void kv_batch_reset(struct kv_batch *batch);
/** The next transaction, zeroed; NULL when full. The caller may take the last one back by n--. */
struct kv_txn *kv_batch_add(struct kv_batch *batch);
/** Memory that lives until the batch is reset (or freed); NULL when memory is short. Aligned to 8.
 */
void *kv_batch_alloc(struct kv_batch *batch, size_t len);

/* ---- the mirror ---- */

enum kv_event_type {
	KV_EVENT_RESET,  /* forget everything: a full load begins (first connection, compaction) */
	KV_EVENT_PUT,    /* between RESET and LOADED each key once, in any order; then in the order
			  * of revisions */
	KV_EVENT_REMOVE, /* deleted at .revision; it may have been absent already */
	KV_EVENT_LOADED, /* the load is complete as of .revision; from here on, changes */
	KV_EVENT_PROGRESS,  /* nothing changed between the last event and .revision */
	KV_EVENT_CONNECTED, /* the watch stream is up */
	KV_EVENT_LOST,      /* the watch stream is down; it reconnects by itself and resumes */
	KV_EVENT_BACK,      /* the store shows .revision, though a later one is known: it is not what it was */
	KV_EVENT_COUNT
};

struct kv_event {
	enum kv_event_type type;
	int64_t revision;
	struct span key; /* relative to the prefix */
	struct span value;
};

/**
 * Events in their order; release with events_done. Changes made through this very backend come back
 * here too (but see kv_sink.own_changes_known), before or after their batch does. After a reconnection, events may come twice.
 */
struct kv_events {
	struct kv_event *event;
	size_t n;
	void *impl;
};

/** Called on the backend's thread. Both only queue the pointer and wake the owner. */
struct kv_sink {
	void (*committed)(struct kv_sink *sink, struct kv_batch *batch);
	void (*events)(struct kv_sink *sink, struct kv_events *events);
	const char *unwanted;   /* keys that begin with this (up to a slash) need not be told in
				 * a load; NULL: all are wanted. Outlives the backend. */
	bool own_changes_known; /* the owner applies its own changes when their batch comes back: a
				 * backend that can tell them apart leaves them out of the events */
	bool read_only; /* nothing will be committed and only the first load matters: the embedded
			 * database is opened for reading, beside a server that has it */
};

enum kv_session {
	KV_SESSION_NONE,    /* not asked for */
	KV_SESSION_WAITING, /* being established, or re-established */
	KV_SESSION_HELD,
	KV_SESSION_TAKEN, /* somebody else holds the key, for longer than our own last life could */
};

/** What can be wrong, each on its own. X(symbol, name). */
#define KV_PROBLEMS(X)                                                                             \
	X(LINK, "link")       /* no connection, no database */                                     \
	X(COMMIT, "commit")   /* transactions are refused */                                       \
	X(MIRROR, "mirror")   /* the load or the watch fails */                                    \
	X(SESSION, "session") /* the membership key */

enum kv_problem {
#define X(symbol, name) KV_PROBLEM_##symbol,
	KV_PROBLEMS(X)
#undef X
	KV_PROBLEM_COUNT
};

/** State for metrics and readiness; read by any thread. */
struct kv_status {
	bool connected; /* embedded: the database is usable */
	enum kv_session session;
	uint64_t session_until_ns; /* KV_SESSION_HELD: clock_mono_ns up to which the key is there for
				    * certain, if nobody deletes it */
	int64_t revision;         /* newest seen */
	uint64_t last_contact_ns; /* clock_mono_ns of the last word from the store; 0: never */
	uint64_t reconnects;
	uint64_t reloads;      /* full loads after the first (compaction, foreign writes) */
	uint64_t bytes_stored; /* embedded: the file's used size; etcd: 0 */
	char problem[256];     /* "" or what is wrong and the operator's next step */
	bool problems[KV_PROBLEM_COUNT]; /* which sources have one */
};

struct kv; /* opaque: one backend instance */

struct kv_ops {
	const char *name;  /* "embedded", "etcd" */
	uint32_t max_txns; /* how many transactions a batch may hold at most */
	bool sole_writer;  /* only its owner writes: what it applied is what the store holds, and
			    * keys that follow from others need not be stored for anybody */
	struct kv *(*open)(const struct config_store *config, struct kv_sink *sink,
			   struct config_error *error);
	int (*start)(struct kv *kv);
	void (*commit)(struct kv *kv, struct kv_batch *batch);
	void (*events_done)(struct kv *kv, struct kv_events *events);
	int (*session_start)(struct kv *kv, const char *key, const uint8_t *value, size_t len);
	void (*session_update)(struct kv *kv, const uint8_t *value, size_t len);
	int (*session_end)(struct kv *kv, uint64_t within_ns);
	void (*status)(struct kv *kv, struct kv_status *out);
	void (*close)(struct kv *kv);
};

extern const struct kv_ops kv_embedded;
extern const struct kv_ops kv_etcd;

/*
 * The operations, in detail:
 *
 * open           Checks what can be checked without the network (paths, files, permission), makes
 * no thread yet. NULL and *error on a fault that waiting will not mend. etcd that does not answer
 * is no such fault. The configuration need not outlive the call. start          Starts the
 * backend's thread: it connects, loads everything under the prefix (RESET, PUT..., LOADED), then
 * watches for ever, through reconnects and compactions, until close. 0, or negative errno when
 * there can be no thread. commit         Takes the batch until committed() hands it back with every
 * outcome set; always hands it back, within the configured timeout_ms. Several may be under way;
 * order among them is not promised by etcd. Never blocks, allowed once start succeeded. events_done
 * Gives a list back; the backend keeps at most two lists with the owner and stops reading until one
 * returns. session_start  Makes prefix-relative @p key exist as long as this server lives. Returns
 * at once: 0, or -ENOMEM; the rest shows in kv_status.session. etcd: grants an etcd lease of ttl_s,
 *                puts the key with it where it is absent, keeps it alive, and re-creates both when
 *                they were lost. A key that another lease holds for longer than ttl_s is another
 *                server's: KV_SESSION_TAKEN, tried again for ever. Embedded: nobody else is there
 *                to be told, so it does nothing. Key and value are copied.
 * session_update Replaces the session key's value (the server's published clock); the last one
 * wins. session_end    Ends the session for good, everything else goes on. Any thread; waits until the
 * key is gone, 0, but not for longer than @p within_ns, -ETIMEDOUT. -ENOTCONN when there is no session
 * to be ended: embedded, no connection, never held. Once, after start. status         A consistent copy. close          Everything committed so far is answered
 * (bounded by timeout_ms), the session is ended, then the thread is joined and memory freed, lists
 * still with the owner included. NULL is fine.
 */

#endif
