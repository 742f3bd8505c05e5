/* SPDX-License-Identifier: MIT */
/**
 * dhcp/reply_layout.h - options of a reply that may not fit into the options field: inside dhcp/
 * only.
 *
 * What a reply contains is listed first and then laid out over the options field, `file` and
 * `sname`. Slower than copying one option after the other, and right for every reply.
 */
#ifndef ETCDHCP_DHCP_REPLY_LAYOUT_H
#define ETCDHCP_DHCP_REPLY_LAYOUT_H

#include "dhcp/reply.h"
#include "dhcp/wire.h"

/** What a reply needs of its request, out of the way of the writing; data NULL when absent. */
struct reply_echo {
	struct span asked; /* option 55 */
	struct span client_id, relay_info, subnet_selection;
};

/**
 * Writes all options between the lease times and the relay agent's.
 *
 * @p at is where the options field goes on, @p room what is left of it for them; `file` and `sname`
 * hold the names of @p reply, which become options 67 and 66 when their field is taken. Returns
 * where the options field goes on, or NULL when an option that must be there has no room.
 */
uint8_t *reply_lay_out(struct dhcp_header *header, uint8_t *at, size_t room,
		       const struct dhcp_reply *reply, const struct reply_echo *echo);

#endif
