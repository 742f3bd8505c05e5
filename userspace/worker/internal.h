/* SPDX-License-Identifier: MIT */
/**
 * worker/internal.h - a worker's state, shared by the files of this folder and nobody else.
 *
 *     worker.c   the loop: ports, answers, sleep
 *     burst.c    frames -> decisions -> replies, a burst at a time
 *     answer.c   the store's answers -> replies
 *     lobby.c    DISCOVERs that wait under overload
 *     share.c    which clients are left to other servers
 *     heard.c    those of them that were heard, and whether they come back
 */
#ifndef ETCDHCP_WORKER_INTERNAL_H
#define ETCDHCP_WORKER_INTERNAL_H

#include "base/thread.h"
#include "worker/exchange.h"
#include "worker/heard.h"
#include "worker/lobby.h"
#include "worker/pace.h"
#include "worker/worker.h"

#define BURST 32

/** One request on its way to an answer. */
struct item {
	struct packet *packet;
	size_t port; /* index into the worker's ports */
	struct dhcp_request request;
	struct server_query query;
	struct server_decision decision;
};

/** Frames of one port that are done with: to be sent, to be given back. */
struct outbox {
	struct frame send[BURST], drop[BURST];
	size_t n_send, n_drop;
};

struct worker {
	size_t index;
	struct worker_port ports[WORKER_MAX_PORTS];
	size_t n_ports;
	bool touched[WORKER_MAX_PORTS]; /* to be flushed at the end of the round */
	/* when the round began that last left nothing unread there, monotonic; 0: none has */
	uint64_t emptied_ns[WORKER_MAX_PORTS];
	struct worker_world *world;
	struct store *store;
	const struct clock *clock;
	struct moment now;              /* of this round */
	const struct server_view *view; /* of this round */
	const struct share *share;      /* of this round; NULL: every client is ours */
	bool submitted;                 /* the store is to be kicked */
	struct exchanges exchanges;
	struct lobby *lobby;
	struct heard *heard;
	struct pace pace;
	bool recalled;                  /* the burst at work comes from the lobby */
	struct reply_memo memo;
	struct packet packets[BURST]; /* of this burst, and where memory will be looked at for each */
	struct server_hint hints[BURST];
	struct item item;             /* the one at work: small enough to stay in the nearest cache */
	struct worker_counters counters;
	struct histogram reply_times[WORKER_PATH_COUNT];
	atomic_bool stopping;
	struct thread thread;
};

/** Receives and handles a burst of one port; returns how many frames there were. */
size_t burst_run(struct worker *worker, size_t port);
/** Handles some of those who waited, when there is room; returns how many there were. */
size_t burst_recall(struct worker *worker);
/** Takes the store's answers and sends what follows from them; returns how many there were. */
size_t answer_run(struct worker *worker);

/** By which clients are shared out in this round; NULL: they are not. */
const struct share *share_of_round(const struct worker *worker);
/** Whether a located request of which others have a copy is left to one of them; share is not NULL. */
bool share_leaves(struct worker *worker, struct item *item);

/** Locates and fills the query of a parsed request; @p hint as server_guess gave it, or NULL. */
enum server_drop item_locate(struct worker *worker, struct item *item,
			     const struct server_hint *hint);
/** Turns a decision's reply into a frame ready to leave; false when it has no room (counted). */
bool item_write_reply(struct worker *worker, struct item *item);

#endif
