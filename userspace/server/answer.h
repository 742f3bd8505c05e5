/* SPDX-License-Identifier: MIT */
/**
 * server/answer.h - replies and silences, once it is known which: inside server/ only.
 */
#ifndef ETCDHCP_SERVER_ANSWER_H
#define ETCDHCP_SERVER_ANSWER_H

#include "server/server.h"

/** What the configuration says of an address in a client's hands. */
enum server_right {
	SERVER_RIGHT,         /* in a pool or reserved for this client */
	SERVER_WRONG_LINK,    /* the address is not one of this network's */
	SERVER_WRONG_ADDRESS, /* of this network, but not to be given to this client */
};

enum server_right server_judge(const struct server_view *view, const struct server_query *query,
			       const struct moment *now, uint32_t addr);

void server_silent(struct server_decision *out, enum server_drop drop);
void server_ask(struct server_decision *out, enum ask_op op, uint32_t addr, uint32_t lease_s);
/** Work for the store that no reply waits for. */
void server_ask_behind(struct server_decision *out, enum ask_op op, uint32_t addr, uint32_t lease_s);

/** OFFER or ACK of @p addr for @p lease_s seconds. */
void server_grant(const struct server_view *view, const struct server_query *query,
		  enum dhcp_type type, uint32_t addr, uint32_t lease_s,
		  struct server_decision *out);
/** ACK of an INFORM: parameters alone, to @p addr. */
void server_inform(const struct server_view *view, const struct server_query *query, uint32_t addr,
		   struct server_decision *out);
void server_nak(const struct server_view *view, const struct server_query *query, const char *why,
		struct server_decision *out);

#endif
