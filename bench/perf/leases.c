/* SPDX-License-Identifier: MIT */
#include "perf/leases.h"

#include <errno.h>

#include "perf/area.h"

#define TABLE_SIZE ((size_t)sizeof(uint32_t) << 32)

int leases_init(struct leases *leases)
{
	leases->holder = area_map_sparse(TABLE_SIZE);
	return leases->holder ? 0 : -ENOMEM;
}

void leases_fini(struct leases *leases)
{
	area_unmap(leases->holder, TABLE_SIZE);
	leases->holder = NULL;
}
