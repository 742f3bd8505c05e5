/* SPDX-License-Identifier: MIT */
/**
 * perf/reply.h - a server's reply, taken apart and checked as far as it can be without knowing whom
 * it is for.
 */
#ifndef ETCDHCP_PERF_REPLY_H
#define ETCDHCP_PERF_REPLY_H

#include "net/frame.h"

enum reply_verdict {
	REPLY_OK,
	REPLY_OTHER,     /* not a reply of a DHCP server */
	REPLY_MALFORMED, /* it is one, but lengths, options or fixed fields are wrong */
	REPLY_CHECKSUM,  /* of IP header or UDP datagram */
};

/** Addresses and numbers in host order; the pointers point into the frame. */
struct reply {
	const uint8_t *src_mac, *dst_mac, *chaddr;
	uint16_t vlan, inner_vlan;
	uint32_t dst;
	uint16_t dst_port;
	uint8_t type; /* enum dhcp_type: OFFER, ACK or NAK */
	uint32_t xid;
	uint32_t yiaddr, giaddr;
	uint32_t server;  /* option 54, 0: absent */
	uint32_t lease_s; /* option 51, 0: absent or zero */
	struct span agent_info;
};

/**
 * Fills *reply when the verdict is REPLY_OK; otherwise only xid and chaddr, and those only where
 * the message was long enough (chaddr is NULL if not).
 */
enum reply_verdict reply_parse(struct reply *reply, const struct frame *frame);

#endif
