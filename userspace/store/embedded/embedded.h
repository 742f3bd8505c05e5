/* SPDX-License-Identifier: MIT */
/**
 * store/embedded/embedded.h - the store of one machine: LMDB behind kv.h.
 *
 * One thread does everything. It takes all batches that wait, runs them in one LMDB write
 * transaction, commits that (two flushes to the disk), and hands all of them back: while the disk
 * works the next group gathers by itself. Guards are evaluated within the transaction, so each
 * batch sees those before it. Each batch that changes something has a revision of its own.
 *
 * The mirror starts with a walk over a snapshot; its events point straight into the map, so the
 * snapshot stays open until the owner has returned every list of it. Every change committed
 * afterwards follows as an event, in the order of revisions. Should another program write to the
 * file (mdb_load), everything is loaded anew.
 *
 * A commit that failed before its root page was written changed nothing, and the next may succeed.
 * When the root page itself failed nobody knows what is on the disk: the batches are KV_UNKNOWN,
 * and the store stays unusable until the database has been opened again and loaded from what is
 * really there.
 *
 *     backend.c     the operations, the thread
 *     commit.c      batches -> one write transaction
 *     mirror.c      snapshot and changes -> lists of events
 *     database.c    the environment; lock.c one server per directory; record_key.c long keys
 */
#ifndef ETCDHCP_STORE_EMBEDDED_EMBEDDED_H
#define ETCDHCP_STORE_EMBEDDED_EMBEDDED_H

#include "base/clock.h"
#include "base/thread.h"
#include "base/wakeup.h"
#include "store/embedded/database.h"
#include "store/kv_health.h"
#include "store/kv_outlet.h"
#include "store/kv_queue.h"

struct embedded_mirror {
	struct kv_outlet outlet;
	MDB_txn *reader;    /* the snapshot being walked or still pointed at */
	MDB_cursor *cursor; /* NULL: the walk is over */
	int64_t revision;   /* of the snapshot */
	int64_t newest;     /* greatest revision met on the walk */
	uint64_t malformed; /* entries that are no records, met on the walk */
	unsigned borrowed;  /* lists with the owner that point into the snapshot */
	bool wanted;        /* a load is to begin */
	bool begun;         /* RESET was sent */
	bool loaded_once;
	bool announced;          /* the last word was CONNECTED, not LOST */
	struct kv_list *changes; /* being filled, NULL when there are none */
};

struct embedded {
	struct kv_health health;
	struct kv_sink *sink;
	char *path;
	int lock_fd;
	struct thread thread;
	struct wakeup wakeup;
	struct kv_queue inbox; /* batches */
	atomic_bool stopping;

	/* the thread's own */
	struct database db;
	struct embedded_mirror mirror;
	struct kv_line todo;   /* batches */
	uint64_t check_at_ns;  /* for foreign writers and the file's size */
	uint64_t reopen_at_ns; /* while db is closed */
	uint64_t backoff_ns;
	bool broken; /* close the database once nobody points into it, and open it again */
};

/* commit.c: runs everything in todo. */
void embedded_commit_run(struct embedded *embedded);

/* mirror.c */
void embedded_mirror_init(struct embedded_mirror *mirror, struct kv_sink *sink);
/** Adds what a committed batch changed. */
void embedded_mirror_note(struct embedded_mirror *mirror, const struct kv_batch *batch);
/** Has everything loaded anew. */
void embedded_mirror_want(struct embedded_mirror *mirror);
/** The database is lost: says so, ends a walk. */
void embedded_mirror_lost(struct embedded_mirror *mirror);
/** Takes lists back and sends one, when there is one to send and the owner has fewer than two. */
void embedded_mirror_pump(struct embedded *embedded);
/** True when another embedded_mirror_pump would send more at once. */
bool embedded_mirror_busy(const struct embedded_mirror *mirror);
/** True when nobody points into the database any more. */
bool embedded_mirror_released(const struct embedded_mirror *mirror);
void embedded_mirror_fini(struct embedded_mirror *mirror);

#endif
