/* SPDX-License-Identifier: MIT */
/**
 * etcd_limit/load.h - transactions of the shape that an allocation has, through the server's own
 * client of a store (store/kv.h) and nothing else: what is left when the server's work is taken
 * away.
 *
 * Each transaction demands that its keys are absent and puts one (the lease) or two (the lease and
 * the client). Keys never repeat and neighbours in time are none in the tree.
 *
 * One thread calls all of this; the backend's own thread reports through rings.
 */
#ifndef ETCDHCP_ETCD_LIMIT_LOAD_H
#define ETCDHCP_ETCD_LIMIT_LOAD_H

#include "base/histogram.h"
#include "base/wakeup.h"
#include "store/kv.h"

#define IN_FLIGHT_MAX 64

struct load {
	struct kv_sink sink; /* first */
	const struct kv_ops *ops;
	struct kv *kv;
	struct wakeup wakeup;
	struct ring *committed, *events;
	struct kv_batch *batch[IN_FLIGHT_MAX];
	size_t n_batches, out; /* all, and those the backend has */
	bool loaded;
	uint64_t next_id; /* of keys */
};

/** How to load. Closed loop: every batch full, as many in flight as told. Open loop (rate > 0):
 * transactions fall due at that rate; what is due is sent when fewer batches than told are in
 * flight, and waits for the next one otherwise, as the server does it. */
struct load_shape {
	unsigned batch;     /* transactions, at most */
	unsigned in_flight; /* batches, 1 to IN_FLIGHT_MAX */
	unsigned puts;      /* 1 or 2 */
	double seconds;
	double rate; /* transactions per second; 0: closed loop */
};

struct load_result {
	uint64_t done, conflicts, failed, batches;
	double seconds, cores;     /* processors that this process used */
	struct histogram latency; /* ns, of each transaction: from when it was sent (closed loop) or
				     due (open) to when it was known to be durable */
	char problem[256];        /* the store's last error, "" */
};

/** Opens the store and waits until it is loaded. 0, or -1 when standard error says why not. */
int load_open(struct load *load, const struct kv_ops *ops, const struct config_store *config,
	      unsigned batch_max);
/** Harmless after a failed load_open. */
void load_close(struct load *load);

void load_run(struct load *load, const struct load_shape *shape, struct load_result *result);

/** Deletes all keys that were put. */
void load_clean(struct load *load, struct load_result *result);

#endif
