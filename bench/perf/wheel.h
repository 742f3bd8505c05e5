/* SPDX-License-Identifier: MIT */
/**
 * perf/wheel.h - a timing wheel of client indexes, a tick being 2^20 ns (1.05 ms).
 *
 * Made for timers that are nearly always cancelled by an answer: cancelling costs nothing, because
 * the wheel is never told. An entry that comes out is good only if the client still has it
 * (client.enlisted is its tick); the owner then looks whether the deadline has really come and
 * enlists again if it has not. Slots hold blocks of 15 indexes rather than lists of clients, so
 * that those who come out can be prefetched.
 */
#ifndef ETCDHCP_PERF_WHEEL_H
#define ETCDHCP_PERF_WHEEL_H

#include "base/types.h"

#define WHEEL_TICK_SHIFT 20
#define WHEEL_SLOT_BITS  17 /* 137 s round */
#define WHEEL_HORIZON    ((UINT32_C(1) << WHEEL_SLOT_BITS) - 1)

struct wheel; /* opaque */

/** Room for @p clients that are enlisted, most of them once. NULL when memory is short. */
struct wheel *wheel_new(uint32_t clients);
/** NULL is fine. */
void wheel_free(struct wheel *wheel);

/**
 * Enlists for the given tick, or for the nearest one that the wheel can still reach; returns which,
 * or 0 when there is no room (then the client keeps the entry it has).
 */
uint32_t wheel_add(struct wheel *wheel, uint32_t index, uint32_t tick);

/**
 * Up to @p max indexes whose tick is not after @p now, all of the same tick, which is stored in
 * *tick; 0 when there are none left.
 */
size_t wheel_take(struct wheel *wheel, uint32_t now, uint32_t *tick, uint32_t *indexes, size_t max);

/** Of blocks that have been used: grows with the clients that were enlisted at once. */
size_t wheel_bytes(const struct wheel *wheel);

static inline uint32_t wheel_tick(uint64_t ns)
{
	return (uint32_t)(ns >> WHEEL_TICK_SHIFT) + 1; /* 0 stands for no timer */
}

#endif
