/* SPDX-License-Identifier: MIT */
/**
 * lease/memory.h - the memory of a lease table: counted, in large pieces, retired under RCU.
 *
 * Slots are carved from arenas on huge pages (a table of ten million leases walks few TLB
 * entries) and live as long as the table. What readers may still hold when the writer replaces it
 * is retired: freed by liburcu's helper thread after a grace period, so that the writer never
 * waits.
 *
 * The writer alone allocates and frees; any thread reads the count.
 */
#ifndef ETCDHCP_LEASE_MEMORY_H
#define ETCDHCP_LEASE_MEMORY_H

#include <urcu/urcu-qsbr.h>

#include "base/counter.h"

struct memory_arena; /* one mapping that slots are carved from */

struct memory {
	counter_t bytes;             /* held now, arenas counted whole */
	struct memory_arena *arenas; /* newest first */
	uint8_t *next, *end;         /* what is left of the newest */
};

/** Frees the arenas. Everything else must have been freed by whoever allocated it. */
void memory_fini(struct memory *memory);

/** Zeroed, aligned to a cache line from that size on; NULL when memory is short. */
void *memory_alloc(struct memory *memory, size_t size);
/** @p size as given to memory_alloc; NULL is fine. */
void memory_free(struct memory *memory, void *p, size_t size);

/** Zeroed, aligned to a cache line, kept until memory_fini; NULL when memory is short. */
void *memory_carve(struct memory *memory, size_t size);

/**
 * First member of what can be retired: allocated by memory_alloc, with at most one array beside
 * it.
 */
struct retired {
	struct rcu_head rcu;
	void *array;
	size_t array_size;
};

/** A zeroed array of its own, on huge pages when it is large. 0 or -ENOMEM. */
int memory_alloc_array(struct memory *memory, struct retired *owner, size_t size);
/** Frees @p retired (@p size bytes) and its array now; no reader may be left. NULL is fine. */
void memory_release(struct memory *memory, struct retired *retired, size_t size);
/** The same after a grace period; does not wait. NULL is fine. */
void memory_retire(struct memory *memory, struct retired *retired, size_t size);

#endif
