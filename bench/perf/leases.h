/* SPDX-License-Identifier: MIT */
/**
 * perf/leases.h - who has which address: a plain array over all of IPv4, paged in where it is used.
 */
#ifndef ETCDHCP_PERF_LEASES_H
#define ETCDHCP_PERF_LEASES_H

#include "perf/client.h"

struct leases {
	uint32_t *holder; /* by address in host order: index + 1, 0: nobody */
};

/** 0, or -ENOMEM when the kernel does not let 16 GiB be reserved (vm.overcommit_memory = 2). */
int leases_init(struct leases *leases);
/** Harmless after a failed leases_init. */
void leases_fini(struct leases *leases);

/** NO_CLIENT when nobody is known to. */
static inline uint32_t leases_holder(const struct leases *leases, uint32_t address)
{
	uint32_t holder = leases->holder[address];

	return holder ? holder - 1 : NO_CLIENT;
}

static inline void leases_set(struct leases *leases, uint32_t address, uint32_t index)
{
	leases->holder[address] = index + 1;
}

/** Nothing happens when @p address is another's. */
static inline void leases_clear(struct leases *leases, uint32_t address, uint32_t index)
{
	if (leases->holder[address] == index + 1)
		leases->holder[address] = 0;
}

#endif
