/* SPDX-License-Identifier: MIT */
/**
 * lease/reservation.h - a network's reservations: an immutable map, replaced whole under RCU.
 */
#ifndef ETCDHCP_LEASE_RESERVATION_H
#define ETCDHCP_LEASE_RESERVATION_H

#include "lease/memory.h"
#include "lease/table.h"

/** Two open hash tables of numbers into one array. */
struct reservation_map {
	struct retired retired; /* its array: the three below, in this order */
	uint32_t n;
	uint32_t mask; /* of the tables' places */
	uint64_t seed;
	struct lease_reservation *all;
	uint32_t *by_client; /* number + 1, 0: empty */
	uint32_t *by_addr;
};

/**
 * A copy of @p all (n > 0); of two for one client or one address the first is found. NULL when
 * memory is short.
 */
struct reservation_map *reservation_map_new(struct memory *memory, uint64_t seed,
					    const struct lease_reservation *all, size_t n);

/** NULL when there is none; the map may be NULL. Any online reader. */
const struct lease_reservation *reservation_of(const struct reservation_map *map,
					       const uint8_t *client, size_t len);
const struct lease_reservation *reservation_at(const struct reservation_map *map, uint32_t addr);

#endif
