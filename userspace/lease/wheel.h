/* SPDX-License-Identifier: MIT */
/**
 * lease/wheel.h - when to look at an address again: a lazy, hierarchical timing wheel.
 *
 * Four levels of 64 lists: seconds, then 64 seconds each, then 4096, then 262144. A list comes up
 * when its time begins; the caller judges what was in it and schedules again what is not over,
 * nearer by one level. So entering and leaving cost O(1), an entry comes up at most once per level,
 * and a record that was extended costs nothing until its old time comes.
 *
 * Links live beside the slots (page.h), so there is nothing to allocate. Writer only.
 */
#ifndef ETCDHCP_LEASE_WHEEL_H
#define ETCDHCP_LEASE_WHEEL_H

#include "lease/page.h"

#define WHEEL_LEVELS 4u
#define WHEEL_BITS   6u
#define WHEEL_LISTS  (1u << WHEEL_BITS)

/** Lists by number: the wheel's, its former ones after a jump of the clock, the caller's own. */
enum wheel_list {
	WHEEL_BACKLOG = WHEEL_LEVELS * WHEEL_LISTS,
	WHEEL_OVER = 2 * WHEEL_BACKLOG, /* found over, for allocator_expired */
	WHEEL_LIST_COUNT
};

struct wheel {
	int64_t now_s;    /* everything due until then has come up; 0: not started */
	uint32_t backlog; /* lists from WHEEL_BACKLOG on that are known to be empty */
	uint32_t heads[WHEEL_LIST_COUNT];
};

/**
 * Makes @p addr come up at @p due_s or soon after; earlier, at the beginning of its list. Does
 * nothing when it is going to come up before that anyway. A time that has passed means the next
 * second. The page has slots.
 */
void wheel_schedule(struct wheel *wheel, struct directory *dir, uint32_t addr, int64_t due_s);

/**
 * When a record that is held until @p hold_until_s has to be looked at: over is what lies before
 * the clock.
 */
static inline int64_t wheel_due(int64_t hold_until_s)
{
	return min_i64(hold_until_s, INT64_MAX - 1) + 1;
}

/** Puts @p addr into the list WHEEL_OVER instead. */
void wheel_set_over(struct wheel *wheel, struct directory *dir, uint32_t addr);
/** Takes one address out of WHEEL_OVER; 0 when it is empty. */
uint32_t wheel_pop_over(struct wheel *wheel, struct directory *dir);

/**
 * Moves on to @p now_s and takes out one address whose time has come; 0 when there is no more. A
 * clock that went back stops the wheel until it has caught up.
 */
uint32_t wheel_pop(struct wheel *wheel, struct directory *dir, int64_t now_s);

/** Whether @p addr is in any list. */
bool wheel_has(const struct directory *dir, uint32_t addr);

#endif
