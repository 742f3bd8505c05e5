/* SPDX-License-Identifier: MIT */
#include "lease/lease.h"

static const char *const state_names[LEASE_STATE_COUNT] = {
    [LEASE_NONE] = "none",
    [LEASE_BOUND] = "bound",
    [LEASE_RELEASED] = "released",
    [LEASE_DECLINED] = "declined",
};

const char *lease_state_name(enum lease_state state)
{
	return (unsigned)state < LEASE_STATE_COUNT ? state_names[state] : "unknown";
}

/* Rounded up: a hold may be a second too long, never too short. */
static uint64_t percent_of(uint32_t percent, uint32_t seconds)
{
	return ((uint64_t)percent * seconds + 99) / 100;
}

/* Holds come from the store: any value of 64 bits must be survived. */
static uint64_t remaining(int64_t hold_until_s, const struct moment *now)
{
	return hold_until_s > now->latest_s ? (uint64_t)hold_until_s - (uint64_t)now->latest_s : 0;
}

uint32_t lease_time_wanted(const struct config_times *times, uint32_t asked_s)
{
	uint32_t wanted = asked_s ? asked_s : times->lease_s;

	if (wanted > times->max_s)
		return times->max_s;
	return wanted < times->min_s ? times->min_s : wanted;
}

int64_t lease_hold_until(const struct config_times *times, uint32_t lease_s,
			 const struct moment *now)
{
	return now->latest_s + (int64_t)percent_of(times->horizon_pct, lease_s);
}

uint32_t lease_grant(const struct config_times *times, uint32_t lease_s, int64_t hold_until_s,
		     const struct moment *now)
{
	uint32_t grant = (uint32_t)min_u64(lease_s, remaining(hold_until_s, now));

	return grant < times->min_s ? 0 : grant;
}

bool lease_wants_extension(const struct config_times *times, uint32_t lease_s, int64_t hold_until_s,
			   const struct moment *now)
{
	return remaining(hold_until_s, now) < percent_of(times->extend_pct, lease_s);
}
