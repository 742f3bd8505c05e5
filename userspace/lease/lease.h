/* SPDX-License-Identifier: MIT */
/**
 * lease/lease.h - what the store knows of one address, and the rules for promising it.
 *
 * A *record* is the committed state of an address: its client, a state and `hold_until`, the
 * wall-clock second up to which nobody else may get it. What a client is granted always
 * ends at or before hold_until; reclaiming starts after it. These few functions are the whole
 * arithmetic of that promise; everything else only moves records about.
 */
#ifndef ETCDHCP_LEASE_LEASE_H
#define ETCDHCP_LEASE_LEASE_H

#include "base/clock.h"
#include "config/config.h"
#include "dhcp/client_id.h"

enum lease_state {
	LEASE_NONE, /* no record */
	LEASE_BOUND,
	LEASE_RELEASED, /* rests until hold_until */
	LEASE_DECLINED, /* on probation until hold_until */
	LEASE_REVOKED,  /* released by an operator: rests for everybody until hold_until */
	LEASE_UNREADABLE, /* what the store has there is no record: nobody's until it is corrected or deleted */
	LEASE_STATE_COUNT
};

const char *lease_state_name(enum lease_state state); /* "none", "bound", "released" ... */

/** A consistent copy of one record. */
struct lease {
	uint32_t addr; /* host order */
	enum lease_state state;
	int64_t hold_until_s; /* Unix seconds */
	/* the end of the longest hold that the address has ever had, for the next binding (rule 3);
	 * what is before hold_until_s stands for that */
	int64_t promised_until_s;
	int64_t revision;     /* store revision of the record's last change; 0: no record */
	uint16_t client_len;  /* bytes of the client identifier (client_id.h), 0 without a record */
	/* into client_inline (so do not copy the struct), or memory that lives until the reader's
	 * next quiescent state */
	const uint8_t *client;
	uint8_t client_inline[40];
};

static inline bool lease_is_clients(const struct lease *lease, const struct client_id *client)
{
	return lease->state == LEASE_BOUND &&
	       client_id_equal(client, lease->client, lease->client_len);
}

/** Rule 2: nobody's promise on this record can still be running. Judged by the earliest clock. */
static inline bool lease_is_over(const struct lease *lease, const struct moment *now)
{
	return lease->state == LEASE_NONE || lease->hold_until_s < now->earliest_s;
}

/**
 * Whether the record need not be remembered: no server, however stale its table, grants anything on
 * what the address was ever held for. Judged by the earliest clock.
 */
static inline bool lease_is_forgettable(const struct lease *lease, const struct moment *now)
{
	return lease_is_over(lease, now) && lease->promised_until_s < now->earliest_s;
}

/**
 * Rule 5: so certainly held that somebody else may be refused. By the latest clock, which the judge of
 * another server, a moment later, cannot be past. What is neither over nor held is in doubt.
 */
static inline bool lease_is_held(const struct lease *lease, const struct moment *now)
{
	return lease->state != LEASE_NONE && lease->hold_until_s >= now->latest_s;
}

/** Rounded up: a hold may be a second too long, never too short. */
static inline uint64_t lease_percent(uint32_t percent, uint32_t seconds)
{
	return ((uint64_t)percent * seconds + 99) / 100;
}

/** Seconds left by the latest clock. Holds come from the store: any value of 64 bits will do. */
static inline uint64_t lease_remaining(int64_t hold_until_s, const struct moment *now)
{
	return hold_until_s > now->latest_s ? (uint64_t)hold_until_s - (uint64_t)now->latest_s : 0;
}

/** What a client may ask for, within the network's bounds; @p asked_s 0: it does not say. */
static inline uint32_t lease_time_wanted(const struct config_times *times, uint32_t asked_s)
{
	uint32_t wanted = asked_s ? asked_s : times->lease_s;

	if (wanted > times->max_s)
		return times->max_s;
	return wanted < times->min_s ? times->min_s : wanted;
}

/** Rule 3: the hold to commit for a lease of @p lease_s seconds: latest clock + horizon x lease. */
static inline int64_t lease_hold_until(const struct config_times *times, uint32_t lease_s,
				       const struct moment *now)
{
	return now->latest_s + (int64_t)lease_percent(times->horizon_pct, lease_s);
}

/**
 * Rule 1: what may be granted now on a hold: min(lease_s, hold_until - latest clock), 0 when that
 * is below the network's minimum lease time (then commit first). Judged by the latest clock.
 */
static inline uint32_t lease_grant(const struct config_times *times, uint32_t lease_s,
				   int64_t hold_until_s, const struct moment *now)
{
	uint32_t grant = (uint32_t)min_u64(lease_s, lease_remaining(hold_until_s, now));

	return grant < times->min_s ? 0 : grant;
}

/** Rule 3: so little remains of the hold that an extension should go out behind the reply. */
static inline bool lease_wants_extension(const struct config_times *times, uint32_t lease_s,
					 int64_t hold_until_s, const struct moment *now)
{
	return lease_remaining(hold_until_s, now) < lease_percent(times->extend_pct, lease_s);
}

#endif
