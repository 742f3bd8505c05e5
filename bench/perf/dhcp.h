/* SPDX-License-Identifier: MIT */
/**
 * perf/dhcp.h - as much of the DHCP message format (RFC 2131 section 2, RFC 2132) as a client
 * needs.
 *
 * The server's own codec (userspace/dhcp) is not used here: the generator checks what it gets, and
 * a mistake shared by both ends would go unseen.
 */
#ifndef ETCDHCP_PERF_DHCP_H
#define ETCDHCP_PERF_DHCP_H

#include "base/types.h"
#include "steer.h"

#define DHCP_BOOTREQUEST 1
#define DHCP_BOOTREPLY   2
#define HTYPE_ETHERNET   1
#define DHCP_BROADCAST   0x8000

enum dhcp_type {
	DHCP_DISCOVER = 1,
	DHCP_OFFER = 2,
	DHCP_REQUEST = 3,
	DHCP_ACK = 5,
	DHCP_NAK = 6,
	DHCP_RELEASE = 7,
};

enum dhcp_option {
	OPTION_PAD = 0,
	OPTION_REQUESTED = 50,
	OPTION_LEASE_TIME = 51,
	OPTION_OVERLOAD = 52,
	OPTION_TYPE = 53,
	OPTION_SERVER_ID = 54,
	OPTION_PARAMETERS = 55,
	OPTION_CLIENT_ID = 61,
	OPTION_AGENT_INFO = 82,
	OPTION_END = 255,
};

/** Options follow. */
struct dhcp_message {
	uint8_t op, htype, hlen, hops;
	be32_t xid;
	be16_t secs, flags;
	be32_t ciaddr, yiaddr, siaddr, giaddr;
	uint8_t chaddr[16], sname[64], file[128];
	be32_t magic;
} STEER_WIRE;
static_assert(sizeof(struct dhcp_message) == 240, "RFC 2131 figure 1");

#endif
