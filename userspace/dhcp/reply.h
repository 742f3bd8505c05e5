/* SPDX-License-Identifier: MIT */
/**
 * dhcp/reply.h - turns a received request into its reply, in the same buffer.
 *
 * RFC 2131 table 3 says which header fields a reply keeps, sets and clears; here op, yiaddr,
 * siaddr, ciaddr, secs, hops, sname, file and all options are rewritten, while htype, hlen, xid,
 * flags, giaddr and chaddr stay where they are. Options come in this order: message type, server
 * identifier, lease times, then those of option 55 in the client's order, then those sent
 * always, the client identifier (RFC 6842), and last, verbatim, the relay agent's (RFC 3046
 * section 2.2).
 */
#ifndef ETCDHCP_DHCP_REPLY_H
#define ETCDHCP_DHCP_REPLY_H

#include "dhcp/message.h"
#include "dhcp/option_set.h"

struct dhcp_reply {
	enum dhcp_type type;          /* OFFER, ACK or NAK */
	uint32_t server_id;           /* host order, option 54 */
	uint32_t yiaddr;              /* host order; 0 in a NAK and in the ACK of an INFORM */
	uint32_t ciaddr;              /* host order; an ACK repeats the client's, else 0 */
	uint32_t siaddr;              /* host order; next server, 0: none */
	uint32_t lease_s, t1_s, t2_s; /* lease_s 0: none of options 51, 58, 59 (INFORM, NAK) */
	uint32_t subnet_mask;         /* host order; sent for option 1 unless the set has one; 0: none */
	const char *boot_file;        /* NULL or at most 127 bytes, into `file` (or option 67 when overloaded) */
	const char *server_name;      /* NULL or at most 63 bytes, into `sname` (or option 66 when overloaded) */
	const char *message;          /* option 56, NAK only; NULL: none */
	const struct option_set *options; /* NULL: none (NAK) */
	struct span fqdn;             /* option 81 to answer with, data NULL: none (RFC 4702) */
	bool set_broadcast;           /* a relayed NAK sets the flag: RFC 2131 section 4.3.2 */
	size_t mtu;                   /* largest IP datagram of the link, usually 1500 */
};

/**
 * Writes the reply over @p payload, which holds the message @p request was parsed from.
 *
 * @p cap is the room in the buffer from @p payload on. Whatever the reply needs of the request
 * is copied aside first. What does not fit into min(option 57 or 576, mtu, cap) goes to `file`
 * and `sname` (option 52) when these are free, and what still does not fit is left out from
 * the end of the client's list; the mandatory options, the client identifier and option 82
 * always have their place reserved. A NAK carries 53, 54, 56, 61, 82 alone (RFC 2131 table 3, RFC 6842).
 * Without option 55 every configured option is sent. Returns the payload's length, at least
 * DHCP_MIN_MESSAGE, or -ENOSPC when even the mandatory part has no room. @p request is void afterwards.
 */
int dhcp_reply_build(uint8_t *payload, size_t cap, const struct dhcp_request *request,
		     const struct dhcp_reply *reply);

#endif
