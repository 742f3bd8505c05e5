/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <time.h>

/* Far past any real disagreement, and small enough that no sum with Unix time overflows. */
#define PEER_OFFSET_MAX_NS (INT64_MAX / 4)

/*
 * Goes on while the machine sleeps, as leases do: by CLOCK_MONOTONIC a server would be behind after that, and
 * not know it. As quick to read.
 */
#define STEADY CLOCK_BOOTTIME

static int64_t read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts); /* cannot fail: the ids are constants the kernel always has */
	return (int64_t)ts.tv_sec * (int64_t)NS_PER_S + ts.tv_nsec;
}

static int64_t floor_s(int64_t ns)
{
	const int64_t unit = (int64_t)NS_PER_S;

	return ns / unit - (ns % unit < 0);
}

static int64_t ceil_s(int64_t ns)
{
	const int64_t unit = (int64_t)NS_PER_S;

	return ns / unit + (ns % unit > 0);
}

/*
 * The two clocks cannot be read in one instant: the thread may be preempted in between. So
 * the wall clock is read between two readings of the monotonic one, and the tightest of a few
 * attempts is taken.
 */
static int64_t wall_minus_mono_ns(void)
{
	int64_t best_gap = INT64_MAX, best = 0;

	for (int attempt = 0; attempt < 5; attempt++) {
		int64_t before = read_ns(STEADY);
		int64_t wall = read_ns(CLOCK_REALTIME);
		int64_t gap = read_ns(STEADY) - before;

		if (gap < best_gap) {
			best_gap = gap;
			best = wall - (before + gap / 2);
		}
	}
	return best;
}

uint64_t clock_mono_ns(void)
{
	return (uint64_t)read_ns(STEADY);
}

struct timespec clock_deadline(uint64_t within_ns)
{
	uint64_t at_ns = (uint64_t)read_ns(CLOCK_MONOTONIC) + within_ns;

	return (struct timespec){
		.tv_sec = (time_t)(at_ns / NS_PER_S),
		.tv_nsec = (long)(at_ns % NS_PER_S),
	};
}

void clock_init(struct clock *clock, int64_t offset_s)
{
	clock->base_ns = wall_minus_mono_ns() + offset_s * (int64_t)NS_PER_S;
	atomic_init(&clock->ahead_ns, 0);
	atomic_init(&clock->behind_ns, 0);
}

int64_t clock_wall_ns(const struct clock *clock)
{
	return clock->base_ns + read_ns(STEADY);
}

struct moment clock_at(const struct clock *clock, uint64_t mono_ns)
{
	/* Each bound is right on its own, so the pair need not be read in one instant. */
	int64_t ahead = atomic_load_explicit(&clock->ahead_ns, memory_order_relaxed);
	int64_t behind = atomic_load_explicit(&clock->behind_ns, memory_order_relaxed);
	int64_t wall_ns = clock->base_ns + (int64_t)mono_ns;

	return (struct moment){
	    .mono_ns = mono_ns,
	    .earliest_s = floor_s(wall_ns - behind),
	    .latest_s = ceil_s(wall_ns + ahead),
	};
}

struct moment clock_read(const struct clock *clock)
{
	return clock_at(clock, clock_mono_ns());
}

void clock_set_peers(struct clock *clock, int64_t behind_ns, int64_t ahead_ns)
{
	assert(behind_ns >= 0 && ahead_ns >= 0);
	atomic_store_explicit(&clock->behind_ns, min_i64(behind_ns, PEER_OFFSET_MAX_NS),
			      memory_order_relaxed);
	atomic_store_explicit(&clock->ahead_ns, min_i64(ahead_ns, PEER_OFFSET_MAX_NS),
			      memory_order_relaxed);
}

int64_t clock_step_ns(const struct clock *clock)
{
	return wall_minus_mono_ns() - clock->base_ns;
}
