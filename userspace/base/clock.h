/* SPDX-License-Identifier: MIT */
/**
 * base/clock.h - time as an interval.
 *
 * Lease times are wall-clock seconds that several servers must agree on, and no clock can be
 * trusted alone. This server's clock is the wall clock read once at start and carried on by
 * the monotonic clock, so that a step of the system clock changes nothing but an alarm.
 * Peers' clocks are known as offsets to ours; *latest* and *earliest* bound all of them.
 * Promises are computed from the latest, reclaiming is judged by the earliest: a wrong clock
 * then delays reuse or shortens grants and can do no other harm.
 */
#ifndef ETCDHCP_BASE_CLOCK_H
#define ETCDHCP_BASE_CLOCK_H

#include <stdatomic.h>
#include <time.h>

#include "base/types.h"

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_US UINT64_C(1000)

struct clock {
	int64_t base_ns;               /* wall clock minus monotonic clock, at start */
	_Atomic int64_t ahead_ns;      /* how far the most advanced known clock is ahead, >= 0 */
	_Atomic int64_t behind_ns;     /* how far the slowest known clock is behind, >= 0 */
};

/** One reading, taken once per burst and passed on: the packet path reads no clock itself. */
struct moment {
	uint64_t mono_ns;
	int64_t earliest_s; /* Unix seconds, rounded down */
	int64_t latest_s;   /* Unix seconds, rounded up */
};

/** CLOCK_BOOTTIME in nanoseconds: never goes back, goes on while the machine sleeps. Any thread. */
uint64_t clock_mono_ns(void);

/** CLOCK_MONOTONIC as it will be in @p within_ns, as waiting calls want it. Any thread. */
struct timespec clock_deadline(uint64_t within_ns);

/** Reads both clocks. @p offset_s is added to the wall clock (0; tests run servers with wrong clocks). */
void clock_init(struct clock *clock, int64_t offset_s);

/** This server's own opinion of Unix time in nanoseconds. Any thread. */
int64_t clock_wall_ns(const struct clock *clock);

/** Likewise, when clock_mono_ns stands at @p mono_ns: pure arithmetic. Any thread. */
static inline int64_t clock_wall_at(const struct clock *clock, uint64_t mono_ns)
{
	return clock->base_ns + (int64_t)mono_ns;
}

/** A consistent reading. Any thread. */
struct moment clock_read(const struct clock *clock);

/** What clock_read says when clock_mono_ns stands at @p mono_ns: pure arithmetic. Any thread. */
struct moment clock_at(const struct clock *clock, uint64_t mono_ns);

#define CLOCK_UNKNOWN_NS INT64_MAX

/**
 * Replaces what is known of peers; both >= 0, cut at 73 years. One writer (the store thread).
 * CLOCK_UNKNOWN_NS: a bound that nothing is known of; with @p ahead_ns so, no grant is worth anything,
 * with @p behind_ns so, nothing is over.
 */
void clock_set_peers(struct clock *clock, int64_t behind_ns, int64_t ahead_ns);

/** System wall clock minus ours, in ns: what somebody has stepped or slewed it by since start. */
int64_t clock_step_ns(const struct clock *clock);

#endif
