/* SPDX-License-Identifier: MIT */
#include "perf/relays.h"

#include <errno.h>
#include <stdlib.h>

int relays_init(struct relays *relays, uint32_t first, uint32_t step, uint32_t n, uint64_t mac)
{
	const uint64_t wire_order = htobe64(mac << 16);

	*relays = (struct relays){.first = first, .step = step, .n = n, .unresolved = n};
	relays->next_hop = calloc(n ? n : 1, sizeof(*relays->next_hop));
	if (!relays->next_hop)
		return -ENOMEM;
	for (uint32_t i = 0; i < n && mac; i++)
		relays_resolve(relays, i, (const uint8_t *)&wire_order);
	return 0;
}

void relays_fini(struct relays *relays)
{
	free(relays->next_hop);
	*relays = (struct relays){0};
}

uint32_t relays_find(const struct relays *relays, uint32_t address)
{
	uint32_t distance = address - relays->first;

	if (relays->n == 0 || distance % relays->step != 0 || distance / relays->step >= relays->n)
		return NO_RELAY;
	return distance / relays->step;
}

void relays_resolve(struct relays *relays, uint32_t relay, const uint8_t mac[6])
{
	struct next_hop *hop = &relays->next_hop[relay];

	relays->unresolved -= !hop->known;
	hop->known = true;
	memcpy(hop->mac, mac, sizeof(hop->mac));
}
