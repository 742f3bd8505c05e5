/* SPDX-License-Identifier: MIT */
/**
 * perf/servers.h - servers heard of: identifier (option 54) and where its frames come from.
 */
#ifndef ETCDHCP_PERF_SERVERS_H
#define ETCDHCP_PERF_SERVERS_H

#include "base/types.h"

#define SERVERS_MAX 255

struct servers {
	struct {
		uint32_t id; /* host order */
		uint8_t mac[6];
	} list[SERVERS_MAX];
	unsigned n;
};

/** Index of the server, with its MAC brought up to date; -1 when there are too many. */
static inline int servers_note(struct servers *servers, uint32_t id, const uint8_t mac[6])
{
	unsigned i = 0;

	while (i < servers->n && servers->list[i].id != id)
		i++;
	if (i == SERVERS_MAX)
		return -1;
	if (i == servers->n)
		servers->n++;
	servers->list[i].id = id;
	memcpy(servers->list[i].mac, mac, sizeof(servers->list[i].mac));
	return (int)i;
}

#endif
