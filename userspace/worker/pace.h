/* SPDX-License-Identifier: MIT */
/**
 * worker/pace.h - how many offers are made: about as many as clients are settled, and some more.
 *
 * Settled is a client that has an address, or was offered one and has selected another server's: nothing is
 * left to be done for either. With many more offers, those who were offered an address would be too many at once when
 * they ask for it, and most of them had to ask again. Counted in windows of 50 ms: short against what
 * clients notice, long against how long one takes to ask. The measure is the best of the last windows,
 * each counting an eighth less than the one after it: a disk that takes long for once leaves a window in
 * which nobody was bound, and would else keep clients waiting who could well be served in the next one.
 * After a second of quiet nothing is left of it.
 *
 * One worker's own; nothing but arithmetic.
 */
#ifndef ETCDHCP_WORKER_PACE_H
#define ETCDHCP_WORKER_PACE_H

#include "base/clock.h"

#define PACE_WINDOW_NS (50 * NS_PER_MS)
#define PACE_FORGET_NS (20 * PACE_WINDOW_NS)
/* Offers that a window has in any case: a rush finds a worker ready that had nothing to do. */
#define PACE_MIN 1024

struct pace {
	uint64_t window_ends_ns;
	unsigned settled; /* clients, in this window */
	unsigned best;    /* of the windows before it, the older ones discounted */
	unsigned left;    /* offers, in this window */
};

/** Whether an offer may be made at @p mono_ns. */
static inline bool pace_allows(struct pace *pace, uint64_t mono_ns)
{
	if (mono_ns >= pace->window_ends_ns) {
		bool fresh = mono_ns - pace->window_ends_ns < PACE_FORGET_NS;
		unsigned faded = fresh ? pace->best - pace->best / 8 : 0;

		pace->best = pace->settled > faded ? pace->settled : faded;
		pace->left = PACE_MIN + pace->best + pace->best / 8;
		pace->settled = 0;
		pace->window_ends_ns = mono_ns + PACE_WINDOW_NS;
	}
	return pace->left > 0;
}

/** One was made, which had been allowed. */
static inline void pace_offered(struct pace *pace)
{
	pace->left--;
}

/** A client's address was committed, or it needs none of ours. */
static inline void pace_settled(struct pace *pace)
{
	pace->settled++;
}

#endif
