/* SPDX-License-Identifier: MIT */
/**
 * worker/worker.h - the per-core loop that ties net, server and store together.
 *
 * A worker owns its ports. It receives a burst, parses all of it, prefetches what all of it will look at, decides all,
 * builds the replies in the received frames and sends them: no allocation, no lock, no system call per packet. A request
 * that the store must confirm keeps its frame until the answer comes, within a bound; everything is counted.
 */
#ifndef ETCDHCP_WORKER_WORKER_H
#define ETCDHCP_WORKER_WORKER_H

#include "base/histogram.h"
#include "net/port.h"
#include "server/server.h"
#include "store/store.h"

#define WORKER_MAX_PORTS 64

/* Which way a reply was made: X(symbol, text). */
#define WORKER_PATHS(X)                 \
	X(WORKER_PATH_MEMORY, "memory") \
	X(WORKER_PATH_STORE, "store")

enum worker_path {
#define X(symbol, text) symbol,
	WORKER_PATHS(X)
#undef X
	WORKER_PATH_COUNT
};

const char *worker_path_name(enum worker_path path);

/** Written by the worker, summed by metrics. */
struct worker_counters {
	counter_t requests[DHCP_TYPE_COUNT];     /* understood, by type */
	counter_t replies[DHCP_TYPE_COUNT];      /* OFFER, ACK, NAK */
	counter_t frames_refused[STEER_REASON_COUNT];
	counter_t messages_refused[DHCP_REJECT_COUNT];
	counter_t drops[SERVER_DROP_COUNT];
	counter_t unsendable;                    /* replies that did not fit */
	counter_t extensions, extensions_missed; /* asked for behind a reply; left for the next renewal */
	counter_t stood_in;                      /* other servers' clients, answered in their stead */
	counter_t deferred;                      /* DISCOVERs that waited for their turn */
	counter_t waiting;                       /* gauge: of these, now */
	counter_t pending;                       /* gauge: exchanges in the store's hands */
	counter_t bursts;
} __attribute__((aligned(CACHE_LINE)));

struct worker_port {
	struct port *port;
	uint16_t interface; /* index into server_view.interfaces */
};

/** What workers look things up in; replaced whole by main, freed after a grace period. */
struct worker_world {
	_Atomic(const struct server_view *) view;
};

struct worker_options {
	size_t index;
	int cpu;                        /* or THREAD_ANY_CPU */
	const struct worker_port *ports;
	size_t n_ports;                 /* <= WORKER_MAX_PORTS */
	unsigned pending_max;           /* config_server.pending_max */
	struct worker_world *world;
	struct store *store;
	const struct clock *clock;
};

struct worker; /* opaque */

/** Ports stay the caller's to close, after worker_stop. NULL when memory is short. */
struct worker *worker_new(const struct worker_options *options);
/** 0 or negative errno. */
int worker_start(struct worker *worker);
/** Asks it to end: it answers what has been received and waits for the store, for at most 2 s. */
void worker_stop(struct worker *worker);
/** Waits for that. */
void worker_join(struct worker *worker);
/** NULL is fine. */
void worker_free(struct worker *worker);

/** Any thread. */
const struct worker_counters *worker_counters(const struct worker *worker);
/** Nanoseconds from receiving to sending. */
const struct histogram *worker_reply_times(const struct worker *worker, enum worker_path path);

#endif
