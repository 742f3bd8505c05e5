/* SPDX-License-Identifier: MIT */
/**
 * store/mark.h - the high-water mark: what the store knows of time, and what a server may conclude from it.
 *
 * The key `clock` holds the greatest of the *earliest* clocks that its writers had; it never goes
 * back. It is built from the earliest, so that one server an hour ahead does not lock out the others.
 * That makes it a clock that no server which serves is behind of (docs/architecture.md, "Time is an
 * interval"), and it is used in three ways:
 *
 * - A server that starts with all the clocks it knows behind the mark does not serve: it would
 *   promise for too long. A difference within the tolerance is made up for by counting the mark among
 *   the clocks for *latest*, and so is any later mark.
 * - Carried on from when it was first seen, it is one more clock for *earliest*, until every hold of
 *   those days is over: a server cannot know how long the store had slept, nor whether its own clock was
 *   put forward meanwhile, nor who is still out there with promises of before.
 * - While a server is not registered, nothing is over for it that is not before the mark.
 *
 * Pure, like members.h; all times are ns by our own clock. The store thread's own.
 */
#ifndef ETCDHCP_STORE_MARK_H
#define ETCDHCP_STORE_MARK_H

#include "base/clock.h"

#define MARK_EVERY_NS (10 * (int64_t)NS_PER_S)

struct mark {
	int64_t value_ns;  /* greatest known; 0: none */
	int64_t revision;  /* of the key, 0: absent */
	int64_t records_ns;   /* greatest updated_at of all records, for stores without the key */
	bool served;          /* has been found good once */
	int64_t first_ns;     /* when M2 began: with the first load, or mark_begin_again; 0: not loaded yet */
	int64_t floor_ns, floor_at_ns; /* mark minus our clock, greatest, and when that was */
	int64_t ahead_ns, ahead_at_ns; /* likewise, what is counted for latest; 0: nothing */
};

/** A record says that it was written at @p updated_s. */
void mark_see_record(struct mark *mark, int64_t updated_s);
/** The key has @p value_ns, since @p revision. */
void mark_see(struct mark *mark, int64_t value_ns, int64_t revision, int64_t now_ns);
/** An operator deleted the key: what it said is no longer held against anybody. */
void mark_see_deleted(struct mark *mark, int64_t revision);
/** A load begins: the key may be gone. */
void mark_begin_load(struct mark *mark);
/** What there is has been seen. */
void mark_end_load(struct mark *mark, int64_t now_ns);

/** Its operator vouches for this server's clock: nothing is concluded from what there was, and it is written anew. */
void mark_forget(struct mark *mark);

/**
 * How far the latest of all known clocks, @p ahead_ns ahead of ours, is behind the mark; 0 when not, or
 * by no more than @p tolerance_ns. Once that was 0 it stays so: later marks are absorbed.
 */
int64_t mark_behind(struct mark *mark, int64_t ahead_ns, int64_t tolerance_ns, int64_t now_ns);

/** M2 begins: it lasts until @p carry_ns (mark_widen) after the last call of this. */
void mark_begin_again(struct mark *mark, int64_t now_ns);

/** Widens offsets (members_bounds) by the mark, for @p carry_ns. */
void mark_widen(const struct mark *mark, int64_t carry_ns, int64_t now_ns, int64_t *lower_ns,
		int64_t *upper_ns);

/** Whether the key is due to be written with @p earliest_ns. */
bool mark_is_due(const struct mark *mark, int64_t earliest_ns);

#endif
