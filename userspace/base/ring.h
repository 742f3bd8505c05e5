/* SPDX-License-Identifier: MIT */
/**
 * base/ring.h - a bounded single-producer, single-consumer ring of pointers.
 *
 * Wait-free on both sides. Producer and consumer indexes sit on cache lines of their own and
 * each side keeps a copy of the other's, read again only when the ring looks full or empty.
 */
#ifndef ETCDHCP_BASE_RING_H
#define ETCDHCP_BASE_RING_H

#include <stdatomic.h>

#include "base/types.h"

struct ring; /* opaque */

/** @p size is rounded up to a power of two. NULL when memory is short. */
struct ring *ring_new(size_t size);
/** NULL is fine. What is still in the ring is the caller's to free first. */
void ring_free(struct ring *ring);

/** Producer only. False when full. The item is visible to the consumer once true returns. */
bool ring_push(struct ring *ring, void *item);
/** Consumer only. NULL when empty. */
void *ring_pop(struct ring *ring);
/** Consumer only. How many were taken, at most @p max. */
size_t ring_pop_many(struct ring *ring, void **items, size_t max);
/** Any thread; a snapshot. */
size_t ring_len(const struct ring *ring);

#endif
