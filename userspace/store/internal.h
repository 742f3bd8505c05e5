/* SPDX-License-Identifier: MIT */
/**
 * store/internal.h - the store thread's state, shared by the files of this folder and nobody else.
 *
 *     store.c         the thread: rings in, batches out, time
 *     begin.c         asks -> plans -> flights
 *     txn.c           flights -> transactions in batches
 *     finish.c        outcomes -> table, answers
 *     upkeep.c        unknown outcomes, expired records
 *     membership.c    who is alive, what time it is, and whether we may say so
 *     mark.c          the high-water mark of time (pure)
 *     mark_key.c      its key in the store
 *     members.c       live servers and their clocks (pure)
 *     member_value.c  what servers publish
 *     mirror.c        what other servers and operators changed -> table
 *     shared.c        config/networks, handed to main
 *     revoke.c        an operator's release of a lease
 *     reservations.c  run-time reservations, merged with the configured ones
 */
#ifndef ETCDHCP_STORE_INTERNAL_H
#define ETCDHCP_STORE_INTERNAL_H

#include <pthread.h>
#include <semaphore.h>

#include "base/ring.h"
#include "base/thread.h"
#include "lease/allocator.h"
#include "lease/memory.h"
#include "store/flight.h"
#include "store/mark.h"
#include "store/members.h"
#include "store/record.h"
#include "store/store.h"

#define STORE_FLIGHTS 8192

struct store_worker {
	struct ring *asks, *answers;
	struct wakeup wakeup;
	bool answered; /* this round: wake it at the end */
};

/** Main's request to follow a configuration. */
struct store_reconfiguration {
	const struct config *config;
	struct lease_net **nets;
	int result;
	sem_t done;
};

/**
 * What somebody waits for goes before what nobody waits for: extensions behind a reply, deletions. The latter have every
 * BACKGROUND_TURN-th batch all the same, so that holds do not run out under a lasting rush of new clients.
 */
enum lane { LANE_WAITED_FOR, LANE_BACKGROUND, LANE_COUNT };

#define BACKGROUND_TURN 4

/** Batches of one kind. */
struct store_lane {
	struct kv_batch *open;   /* being filled */
	struct kv_batch **ready; /* full, waiting for a place in flight: a ring of ready_cap */
	uint32_t first, n_ready;
};

/** A first-in first-out line of asks. */
struct ask_line {
	struct ask *first, **end;
};

/** The newest text of config/networks; the store thread sets, main takes. */
struct shared_text {
	pthread_mutex_t lock;
	int fd;     /* eventfd, readable when the text has changed */
	char *text; /* NULL: the key is absent */
	size_t len;
};

/** ask.worker of what no worker asked. */
#define STORE_OPERATOR UINT16_MAX

/** An operator's request, one at a time: whoever has the lock writes it, then the store thread has it until it posts. */
struct store_operator {
	pthread_mutex_t lock;
	bool away; /* the last one was not waited for, and is not answered yet; under the lock */
	sem_t answered;
	_Atomic enum ask_result result; /* released with the answer: ThreadSanitizer does not know of sem_clockwait */
	atomic_bool asked;
	char network[64];
	struct ask ask;
};

struct run_time_reservations; /* opaque */

/** Membership, time and what follows from them. */
struct membership {
	struct members members;
	struct mark mark;
	int64_t started_s;
	int64_t tolerance_ns;
	int64_t carry_ns;        /* how long what is gone may still matter: the longest hold so far */
	bool loading;
	bool trust_clock;        /* the mark of the first load counts for nothing */
	bool changed;            /* the set of live servers, since membership_follow */
	bool news;               /* the view is to be made anew */
	bool joined;             /* tell the others at once: somebody is new, or we serve now */
	bool known;              /* the time is: not behind the mark */
	bool registered;         /* for certain, and all who were before us have been seen */
	uint64_t registered_until_ns; /* and until when that is so; monotonic */
	bool was_registered;     /* once in this life */
	bool said_behind, said_taken, said_step;
	uint64_t judge_at_ns, publish_at_ns, mark_at_ns, view_at_ns;
	struct kv_batch *mark_batch; /* the mark's own transaction, under way */
	int taken_fd;            /* eventfd: refused, see store_refused_fd */
	char refusal[320];
	unsigned buckets;        /* of clients, in our share */
	int64_t behind_ns, ahead_ns, mark_behind_ns, step_ns; /* what the view is made of */
	struct memory memory;    /* of shares */
	pthread_mutex_t lock;    /* of refusal and view */
	struct store_membership view;
};

struct store {
	struct kv_sink sink; /* first: the backend's threads know us by it */
	struct clock *clock;
	const struct kv_ops *ops;
	struct kv *kv;
	char server_id[64];

	struct lease_table *table;
	struct run_time_reservations *run_time;
	const struct config *config; /* NULL until the first store_configure */

	struct store_worker *workers;
	size_t n_workers;
	struct thread thread;
	struct wakeup wakeup;
	struct ring *committed, *events; /* from the backend's thread */
	_Atomic(struct store_reconfiguration *) reconfiguration;
	struct shared_text shared;
	struct store_operator operator;
	atomic_bool stopping;

	/* the store thread's own from here on */
	struct moment now;
	struct flights *flights;
	struct ask_line again;       /* asks to be looked at once more */
	struct flight *unresolved;   /* waiting for a linearizable read */
	uint32_t n_unresolved;
	uint64_t resolve_at_ns;
	uint32_t batch_cap, in_flight_max, in_flight;
	struct store_lane lanes[LANE_COUNT];
	uint32_t ready_cap;
	uint32_t turn;               /* batches sent while both kinds were there */
	struct kv_batch **spare;
	uint32_t n_spare;
	uint64_t commit_ewma_ns;
	uint64_t blocked_until_ns;   /* the last batch failed: do not promise before then */
	uint64_t tick_at_ns;
	int64_t seen_revision;       /* newest known of, by the mirror or a commit */
	struct membership membership;
	bool reservations_changed;
	bool shared_seen; /* during a load: config/networks exists */
	struct log_limit limit_reserved, limit_refused, limit_invalid;

	/* read by others */
	sem_t first_load; /* posted when loaded becomes true */
	atomic_bool loaded, connected, serving, astray;
	struct share_place share; /* never NULL */
	_Atomic uint64_t queued, unresolved_count;
	struct store_counters counters;
	struct histogram batch_sizes, commit_times;
};

/* begin.c */
/** Of a burst: brings near what transact_begin will look at. */
void transact_prefetch(const struct store *store, const struct ask *ask);
void transact_begin(struct store *store, struct ask *ask);
/** Those that had stood in line, or were overtaken. */
void transact_begin_again(struct store *store);
void transact_answer(struct store *store, struct ask *ask, enum ask_result result);

/* txn.c */
/** Puts a flight into the batch being filled. False: no memory or no room; nothing was queued. */
bool transact_launch(struct store *store, struct flight *flight, const struct plan_input *in);
/** Sends what may be sent: as many batches as may be under way. */
void transact_send(struct store *store);
void transact_keep_batch(struct store *store, struct kv_batch *batch);
/** Nothing under way or waiting to be. */
bool transact_idle(const struct store *store);

/* finish.c */
void transact_finish(struct store *store, struct kv_batch *batch);
/** Frees a flight's address and keys; those in line for them are looked at again. */
void transact_land(struct store *store, struct flight *flight);

/* upkeep.c */
void transact_tick(struct store *store);

/* membership.c */
int membership_init(struct store *store, const struct config *config);
void membership_fini(struct store *store);
/** Registers. The store thread, first of all. */
void membership_join(struct store *store);
void membership_configure(struct store *store, const struct config *config);
/** False when the entry makes no sense. */
bool membership_see(struct store *store, const struct kv_event *event, struct span id);
void membership_begin_load(struct store *store);
void membership_end_load(struct store *store);
/** Acts on what has been seen: the clock, the allocator, the share. */
void membership_follow(struct store *store);
void membership_tick(struct store *store);
/** What time it is, as far as this server may say. */
struct moment membership_now(const struct store *store);

/* mark_key.c */
/** False when the entry makes no sense. */
bool membership_see_clock(struct store *store, const struct kv_event *event);
/** Writes it when it is due and this server may. */
void membership_write_mark(struct store *store, int64_t earliest_ns);
/** True when @p batch was the mark's; then it has been seen to. */
bool membership_committed(struct store *store, const struct kv_batch *batch);

/* mirror.c */
void mirror_apply(struct store *store, const struct kv_events *events);

/* learn.c */
/** Puts what the store has of @p addr since @p revision into the table; NULL, or why it is of no use. */
const char *learn_lease(struct store *store, struct lease_net *net, uint32_t addr, struct span value,
			int64_t revision);

/* serving.c */
/** The mirror is complete, the time is known and the store has not just failed: promises can be made. */
bool store_serving(const struct store *store);
/**
 * The store shows @p shown though @p seen is known to have been: it is not the one it was, or not one.
 * Nothing is committed from then on, for the life of this server.
 */
void store_go_astray(struct store *store, int64_t shown, int64_t seen);

/* shared.c */
int shared_init(struct shared_text *shared);
void shared_fini(struct shared_text *shared);
/** data NULL: the key is absent. Store thread. */
void shared_set(struct shared_text *shared, struct span text);

/* revoke.c */
int operator_init(struct store_operator *operator);
void operator_fini(struct store_operator *operator);
/** Begins what was asked, if anything was. */
void operator_take(struct store *store);
/** Makes the ask mean the client that the address is bound to, as far as memory knows. */
void operator_aim(struct ask *ask);
void operator_answer(struct store *store, enum ask_result result);

/* reservations.c */
struct run_time_reservations *run_time_new(void);
void run_time_free(struct run_time_reservations *run_time);
/** 0, or -ENOMEM. */
int run_time_put(struct run_time_reservations *run_time, struct lease_net *net,
		 const struct client_id *client, uint32_t addr);
void run_time_remove(struct run_time_reservations *run_time, struct lease_net *net,
		     const struct client_id *client);
void run_time_clear(struct run_time_reservations *run_time);
/** Publishes configured and run-time reservations of one network; run-time ones win. 0 or -ENOMEM. */
int run_time_publish(const struct run_time_reservations *run_time, struct lease_net *net,
		     const struct config *config, const struct config_network *network);

static inline void ask_line_add(struct ask_line *line, struct ask *ask)
{
	ask->next = NULL;
	*line->end = ask;
	line->end = &ask->next;
}

static inline struct ask *ask_line_take(struct ask_line *line)
{
	struct ask *ask = line->first;

	if (ask) {
		line->first = ask->next;
		if (!line->first)
			line->end = &line->first;
	}
	return ask;
}

#endif
