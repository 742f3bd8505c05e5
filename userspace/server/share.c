/* SPDX-License-Identifier: MIT */
/* Load sharing after RFC 3074: which requests may be left to another server, and for how long. */
#include "server/server.h"

/*
 * The kind of a request that may have reached other servers too: a broadcast, or a copy by a relay agent, which sends
 * one to each server it knows. What a relay agent sent to the name that servers share came here alone.
 */
static enum share_kind kind_of_copy(const struct server_query *query)
{
	uint32_t server_id = dhcp_u32(query->request, DHCP_WANT_SERVER_ID);

	switch (query->request->type) {
	case DHCP_DISCOVER:
		return SHARE_BY_BUCKET;
	case DHCP_REQUEST:
		if (!server_id)
			return SHARE_BY_BUCKET;
		return server_id == query->network->server_identifier && !query->ciaddr ?
			       SHARE_BY_OFFER :
			       SHARE_NONE;
	default:
		return SHARE_NONE;
	}
}

enum share_kind server_share_kind(const struct server_query *query)
{
	if (!server_is_copied(query) || query->dst == query->network->server_identifier)
		return SHARE_NONE;
	return kind_of_copy(query);
}

/*
 * Some clients (Windows) send the seconds with their bytes swapped, which makes many of few: where the lower byte
 * is empty, it is the upper one that counts.
 */
static uint16_t seconds_of(uint16_t secs)
{
	return (secs & 0xff) ? secs : secs >> 8;
}

bool share_is_ours(const struct share *share, const struct share_facts *facts, uint32_t after_s)
{
	return share->n_members < 2 || share_has(share, facts->bucket) || facts->repeats > 0 ||
	       seconds_of(facts->secs) >= after_s;
}
