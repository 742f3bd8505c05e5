/* SPDX-License-Identifier: MIT */
#include "lease/lease.h"

static const char *const state_names[LEASE_STATE_COUNT] = {
    [LEASE_NONE] = "none",
    [LEASE_BOUND] = "bound",
    [LEASE_RELEASED] = "released",
    [LEASE_DECLINED] = "declined",
    [LEASE_REVOKED] = "revoked",
    [LEASE_UNREADABLE] = "unreadable",
};

const char *lease_state_name(enum lease_state state)
{
	return (unsigned)state < LEASE_STATE_COUNT ? state_names[state] : "unknown";
}
