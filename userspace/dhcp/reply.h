/* SPDX-License-Identifier: MIT */
/**
 * dhcp/reply.h - turns a received request into its reply, in the same buffer.
 *
 * RFC 2131 table 3 says which header fields a reply keeps, sets and clears; here op, yiaddr,
 * siaddr, ciaddr, secs, hops, sname, file and all options are rewritten, while htype, hlen, xid,
 * flags, giaddr and chaddr stay where they are. Options come in this order: message type, server
 * identifier, lease times, then those of option 55 in the client's order (but 1 before 3, RFC 2132
 * section 3.3), then those sent always, the name (RFC 4702), the subnet selection that a client
 * insists on getting back (RFC 3011), the client identifier (RFC 6842), and last, verbatim, the
 * relay agent's (RFC 3046 section 2.2).
 */
#ifndef ETCDHCP_DHCP_REPLY_H
#define ETCDHCP_DHCP_REPLY_H

#include "dhcp/message.h"
#include "dhcp/option_set.h"
#include "dhcp/reply_memo.h"

struct dhcp_reply {
	enum dhcp_type type;          /* OFFER, ACK or NAK */
	uint32_t server_id;           /* host order, option 54 */
	uint32_t yiaddr;              /* host order; 0 in a NAK and in the ACK of an INFORM */
	uint32_t ciaddr;              /* host order; an ACK repeats the client's, else 0 */
	uint32_t siaddr;              /* host order; next server, 0: none */
	uint32_t lease_s, t1_s, t2_s; /* lease_s 0: none of options 51, 58, 59 (INFORM, NAK) */
	uint32_t subnet_mask;         /* host order; option 1 unless the set has one; 0: none */
	const char *boot_file;        /* NULL or <= 127 bytes: `file`, or option 67 if overloaded */
	const char *server_name;      /* NULL or <= 63 bytes: `sname`, or option 66 if overloaded */
	const char *message;          /* option 56, NAK only, at most 255 bytes; NULL: none */
	const struct option_set *options; /* NULL: none (NAK) */
	struct span fqdn;             /* option 81 (RFC 4702), not in the payload; or none */
	bool set_broadcast;           /* a relayed NAK sets the flag: RFC 2131 section 4.3.2 */
	size_t mtu;                   /* largest IP datagram of the link, usually 1500 */
	struct reply_memo *memo;      /* the calling thread's own; NULL: none */
};

/**
 * Writes the reply over @p payload, which holds the message @p request was parsed from.
 *
 * @p cap is the room in the buffer from @p payload on. Whatever the reply needs of the request
 * is copied aside first. What does not fit into min(option 57 or 576, mtu, cap) goes to `file`
 * and `sname` (option 52) when these are free or their names can move to options 67 and 66. What
 * still does not fit is left out, as little as possible: of the client's list before what is always
 * sent, and what the client named earlier takes precedence. The mandatory options, the subnet
 * selection, the client identifier and option 82 always have their place reserved, option 82 at the
 * end of the options field. Options over 255 bytes are split (RFC 3396), others stay in one piece
 * if that is possible. A NAK carries 53, 54, 56, 61, 82 alone and in the options field, whatever
 * @p reply says (RFC 2131 table 3, RFC 6842). Without option 55 every configured option is sent. Options of type
 * OPTION_RESERVED are never taken from the option set. All between END and the end is zero.
 *
 * Returns the payload's length, at least DHCP_MIN_MESSAGE, or -ENOSPC when even the mandatory part
 * has no room, and then the payload is unspecified. @p request is void afterwards. Re-entrant.
 */
int dhcp_reply_build(uint8_t *payload, size_t cap, const struct dhcp_request *request,
		     const struct dhcp_reply *reply);

#endif
