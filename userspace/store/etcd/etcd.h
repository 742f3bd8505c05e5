/* SPDX-License-Identifier: MIT */
/**
 * store/etcd/etcd.h - the store of many servers: etcd behind kv.h, through gRPC's C core.
 *
 * One thread owns the completion queue: every answer, event and timer is handled there. commit is
 * the exception: it packs and starts its calls on the owner's thread, so that packing costs the
 * completion thread nothing.
 *
 *     endpoint.c  "https://host:port" -> what gRPC calls a target
 *     secrets.c   certificates, keys and the password, read from their files
 *     channel.c   connections to one endpoint, one for transactions and one for the mirror
 *     call.c      one request, one answer          stream.c   many of both (the watch)
 *     verdict.c   status and words of an answer -> what they mean for a transaction
 *     link.c      which endpoint is used: connects, authenticates, proves a quorum, fails over
 *     request.c   transactions -> one etcd transaction of nested ones
 *     answer.c    its answer -> outcomes
 *     commit.c    batches in flight, sent in parts when etcd's limits ask for it
 *     load.c      everything under the prefix at one revision, two pages at a time
 *     ranges.c    which keys the next page asks for
 *     watch.c     every change after that
 *     session.c   this server's membership key and the lease it hangs on
 *     backend.c   the operations, the thread, timers
 *
 * Endpoints. One is used at a time, with two connections, so that a load does not stand in the way
 * of transactions. It counts as usable once it answered a linearizable read, which proves a leader,
 * a quorum and our right to read. When a call shows that this ended, the next endpoint is tried,
 * round and round with growing pauses. Transactions handed in meanwhile wait here, unsent, until
 * their time is up: those are certainly not applied.
 */
#ifndef ETCDHCP_STORE_ETCD_ETCD_H
#define ETCDHCP_STORE_ETCD_ETCD_H

#include <semaphore.h>
#include <stdatomic.h>

#include <grpc/grpc.h>

#include "base/clock.h"
#include "base/thread.h"
#include "store/etcd/call.h"
#include "store/etcd/channel.h"
#include "store/etcd/endpoint.h"
#include "store/etcd/ranges.h"
#include "store/etcd/secrets.h"
#include "store/etcd/stream.h"
#include "store/kv_arena.h"
#include "store/kv_health.h"
#include "store/kv_outlet.h"
#include "store/kv_queue.h"

/* etcd's --max-txn-ops: transactions and the longest list in any of them may not exceed it. */
#define ETCD_MAX_TXN_OPS 128
/* The longest list: every change and every read of one transaction. */
#define ETCD_OPS_OF_TXN (KV_MAX_CHANGES + KV_MAX_COMPARES)

enum etcd_timer {
	TIMER_LINK,     /* connect again */
	TIMER_WAITING,  /* parts whose time is up unsent */
	TIMER_MIRROR,   /* load or watch again */
	TIMER_PROGRESS, /* ask the watch how far it is */
	TIMER_SESSION,  /* the next step of the session */
	TIMER_COUNT
};

enum link_state { LINK_DOWN, LINK_CONNECTING, LINK_READY };

struct etcd_link {
	pthread_mutex_t lock; /* of what the owner's commit reads, down to the token */
	enum link_state state;
	uint64_t generation; /* of the connection: news of an older one is no news */
	struct channels channels;
	grpc_slice token; /* of authentication, empty when there is none */
	/* the completion thread's own */
	size_t endpoint;   /* index of the one in use */
	unsigned failures; /* in a row */
	unsigned timeouts; /* of transactions, in a row */
	uint64_t ready_since_ns;
	bool was_ready;
	uint64_t dice;
	struct call call; /* authentication or probe */
	int64_t seen;     /* newest revision known of when the probe was sent */
	char error[160];  /* why the last attempt failed */
};

/* Pages asked for at once: while one is sent and taken, etcd's other processors read the next. */
#define LOAD_READERS 2

struct load_reader {
	struct etcd *etcd;
	struct call page;
	uint32_t limit; /* of keys, in the page under way */
	bool outdated;  /* the answer under way is to a load that was given up */
};

struct etcd_mirror {
	struct kv_outlet outlet;
	struct kv_list *list; /* of the watch, being filled */
	bool connected;       /* the last word was CONNECTED, not LOST */
	bool loaded_once;
	unsigned failures; /* in a row */
	/* load */
	bool loading;          /* to be done */
	int64_t load_revision; /* 0: the first page tells, and RESET is still to be said */
	uint32_t page_limit;
	struct ranges ranges;
	struct load_reader reader[LOAD_READERS];
	/* watch */
	struct stream stream;
	bool created, compacted;
	int64_t next_revision;   /* the watch resumes here */
	int64_t hinted_revision; /* an answer to a progress request, not yet to be relied on */
	uint64_t asked_ns;       /* since when an answer is owed, 0: none is */
};

struct etcd_session {
	pthread_mutex_t lock; /* of what the owner hands over, down to news_len */
	char *news_key;
	uint8_t *news_value; /* NULL: no news */
	size_t news_len;
	/* the completion thread's own */
	enum kv_session state;
	int64_t lease; /* 0: none */
	char *key;     /* with the prefix; NULL: not asked for */
	uint8_t *value;
	size_t len;
	uint64_t version;        /* of value, grows with each */
	bool placed;             /* the key is there and hangs on our lease */
	uint64_t stored_version; /* of the value it has then, 0: of an earlier life */
	uint64_t sent_version;   /* of the call under way */
	uint64_t sent_ns;        /* when it was sent */
	uint64_t renewed_ns;     /* when the lease was last known to be alive */
	uint64_t taken_since_ns; /* 0: nobody else has the key */
	bool revoked;            /* at the end */
	atomic_bool ending;      /* etcd_session_end waits */
	bool ended;              /* and has been told: */
	_Atomic int end_result; /* released with it: ThreadSanitizer does not know of sem_clockwait */
	sem_t end_done;
	struct call call;
};

struct etcd {
	struct kv_health health;
	struct kv_sink *sink;
	/* configuration, constant */
	struct endpoint *endpoints;
	size_t n_endpoints;
	char *prefix;
	size_t prefix_len;
	uint8_t *prefix_end; /* as long as the prefix: the first key behind all that have it */
	struct secrets secrets;
	uint32_t timeout_ms, ttl_s;

	struct thread thread;
	sem_t begun; /* the queue and its waker exist */
	grpc_completion_queue *cq;
	grpc_channel *nowhere; /* of the waker */
	grpc_call *waker;      /* never sent: its empty batches wake the queue */
	struct completion woken;
	atomic_bool waking; /* one is under way */
	atomic_bool stopping;

	struct etcd_link link;
	struct etcd_mirror mirror;
	struct etcd_session session;
	_Atomic int64_t session_lease; /* 0: none; read where transactions are packed */

	/* commits: owner -> completion thread */
	struct kv_queue unsent;     /* parts that found no link */
	struct kv_queue answered;   /* batches of which nothing had to be sent */
	struct kv_arena *scratch;   /* of the owner's packing */
	struct kv_line waiting;     /* parts, the completion thread's own */
	struct kv_arena *work;      /* of the completion thread's packing and unpacking */
	size_t too_large;           /* bytes of a request refused for its size, 0: none; the completion thread's */
	_Atomic uint32_t max_txns;  /* per request, as far as we know */
	_Atomic uint32_t in_flight; /* batches */

	uint64_t due_ns[TIMER_COUNT]; /* 0: not set */
};

/* backend.c: completion thread, but for etcd_wake */
void etcd_wake(struct etcd *etcd);
void etcd_set_timer(struct etcd *etcd, enum etcd_timer timer, uint64_t due_ns);
/** Time before attempt @p failures, doubling from 100 ms to 2 s, shortened by up to a half. */
uint64_t etcd_backoff_ns(struct etcd *etcd, unsigned failures);

/* link.c */
void etcd_link_init(struct etcd *etcd);
void etcd_link_fini(struct etcd *etcd);
void etcd_link_connect(struct etcd *etcd); /* TIMER_LINK */
/**
 * Readies @p call for call_send over the link. 0, or -ENOTCONN when there is none. Any thread.
 */
int etcd_link_call(struct etcd *etcd, struct call *call, enum lane lane, enum method method,
		   uint64_t timeout_ns);
int etcd_link_stream(struct etcd *etcd, struct stream *stream, enum method method);
/** What an answer says about the link: it may be given up. Answers over an older one are ignored.
 */
void etcd_link_judge(struct etcd *etcd, uint64_t generation, const struct reply *reply);
/** Gives the link up. */
void etcd_link_drop(struct etcd *etcd, uint64_t generation, bool leave, const char *why);
bool etcd_link_ready(struct etcd *etcd);
/** Ends what is under way; true when nothing is. */
bool etcd_link_stop(struct etcd *etcd);

/* commit.c */
void etcd_commit(struct etcd *etcd, struct kv_batch *batch); /* owner */
/** Sends what waits, if it can be sent; refuses what has waited too long. */
void etcd_commit_pump(struct etcd *etcd);

/* load.c: makes lists; watch.c drives it */
int etcd_load_init(struct etcd *etcd);
void etcd_load_fini(struct etcd *etcd);
/** Begins from the start; answers under way no longer count. */
void etcd_load_restart(struct etcd *etcd);
/** Asks for the next pages. */
void etcd_load_go(struct etcd *etcd);
/** Ends the pages under way; true when none is. */
bool etcd_load_cancel(struct etcd *etcd);

/* watch.c */
int etcd_mirror_init(struct etcd *etcd);
void etcd_mirror_fini(struct etcd *etcd);
/** Does whatever can be done next: send a list, read on, load, watch. */
void etcd_mirror_go(struct etcd *etcd);
void etcd_mirror_retry(struct etcd *etcd);    /* TIMER_MIRROR */
void etcd_mirror_progress(struct etcd *etcd); /* TIMER_PROGRESS */
/** The link is gone: ends what went over it. */
void etcd_mirror_unlinked(struct etcd *etcd);
/** The member that was just connected to shows @p revision, though a later one had been seen. */
void etcd_mirror_back(struct etcd *etcd, int64_t revision);
/** Tries again after a while; says so when it went on for long. */
void etcd_mirror_failed(struct etcd *etcd, const struct reply *reply);
bool etcd_mirror_stop(struct etcd *etcd);

/* session.c */
void etcd_session_init(struct etcd *etcd);
void etcd_session_fini(struct etcd *etcd);
int etcd_session_hand_over(struct etcd *etcd, const char *key, const uint8_t *value, size_t len);
void etcd_session_go(struct etcd *etcd); /* TIMER_SESSION and whenever something changed */
/** The lease is gone, as an answer to something else told. */
void etcd_session_lost(struct etcd *etcd);
bool etcd_session_stop(struct etcd *etcd);
/** Any other thread: kv_ops.session_end. */
int etcd_session_end(struct etcd *etcd, uint64_t within_ns);

#endif
