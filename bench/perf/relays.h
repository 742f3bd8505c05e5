/* SPDX-License-Identifier: MIT */
/**
 * perf/relays.h - relay agents: giaddr by number, and where each one's next hop is.
 */
#ifndef ETCDHCP_PERF_RELAYS_H
#define ETCDHCP_PERF_RELAYS_H

#include "base/types.h"

#define NO_RELAY UINT32_MAX

struct relays {
	uint32_t first, step, n; /* n is 0 for clients that are directly attached */
	uint32_t unresolved;
	struct next_hop {
		uint8_t mac[6];
		bool known;
	} * next_hop;
};

/** @p mac is that of all next hops, 0: not known. 0 or -ENOMEM. */
int relays_init(struct relays *relays, uint32_t first, uint32_t step, uint32_t n, uint64_t mac);
void relays_fini(struct relays *relays);

static inline uint32_t relays_address(const struct relays *relays, uint32_t relay)
{
	return relays->first + relay * relays->step;
}

/** The relay agent with that giaddr; NO_RELAY when there is none. */
uint32_t relays_find(const struct relays *relays, uint32_t address);
void relays_resolve(struct relays *relays, uint32_t relay, const uint8_t mac[6]);

#endif
