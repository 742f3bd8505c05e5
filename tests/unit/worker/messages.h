/* SPDX-License-Identifier: MIT */
/** messages.h - DHCP in the frames of a memory port: requests are written, the last reply is read. */
#ifndef ETCDHCP_TESTS_UNIT_WORKER_MESSAGES_H
#define ETCDHCP_TESTS_UNIT_WORKER_MESSAGES_H

#include "dhcp/message.h"
#include "memory_port.h"

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define SERVER IP(10, 6, 0, 1)
/* Of the pool, which has 200. */
#define FIRST IP(10, 6, 0, 10)

/** A request in frame @p slot; with @p wanted it selects SERVER, which has offered that. */
void write_request(struct memory_port *p, size_t slot, enum dhcp_type type, uint32_t who, uint32_t ciaddr,
		   uint32_t wanted);
/** Appends option 51 to a request that is written already. */
void add_lease_time(struct memory_port *p, size_t slot, uint32_t ciaddr, uint32_t seconds);
/** Makes a request that was written with an address wanted select @p server instead. */
void select_server(struct memory_port *p, size_t slot, uint32_t server);
/** For what else is to be changed in a request. */
struct dhcp_header *written(struct memory_port *p, size_t slot);

const struct dhcp_header *last_reply(const struct memory_port *p);
/** Option 51 of the last reply; 0 without it. */
uint32_t last_lease_time(const struct memory_port *p);

#endif
