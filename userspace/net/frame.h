/* SPDX-License-Identifier: MIT */
/**
 * net/frame.h - Ethernet, VLAN, IPv4 and UDP around a DHCP message.
 *
 * Reading: steer.h's checks (the definition shared with the XDP program) find the layers;
 * lengths come from the headers, never from the frame. Writing: the reply is addressed in the
 * received frame, back along the way it came.
 */
#ifndef ETCDHCP_NET_FRAME_H
#define ETCDHCP_NET_FRAME_H

#include "base/types.h"
#include "steer.h"

struct port;

/**
 * A received frame on loan from its port, until port_send or port_drop. A tag that the kernel
 * moved out of the frame (AF_PACKET auxdata) has been put back by the port.
 */
struct frame {
	uint8_t *data;   /* first byte of the Ethernet header */
	uint32_t len;    /* bytes received; set to the reply's length before sending */
	uint32_t cap;    /* room from data on */
	uint64_t handle; /* the port's own */
	struct port *port;
};

/** Where the layers of a checked frame are. */
struct packet {
	struct frame frame;
	uint8_t *payload;          /* the DHCP message */
	uint32_t payload_len;      /* from the UDP header */
	uint16_t l3_offset;        /* of the IPv4 header */
	uint16_t vlan, inner_vlan; /* ids of outer and inner tag, 0: none */
	be32_t src, dst;           /* IPv4 addresses as received */
	be16_t src_port, dst_port;
};

/** "steered", "short", ...: the text of STEER_REASONS. */
const char *steer_reason_name(enum steer_reason reason);

/**
 * Finds the layers; the message is there with its fixed fields, its checksums are not yet looked
 * at. Accepts IPv4 options (the AF_PACKET path sees them) and any VLAN and address: the port has
 * judged those. STEER_OK, or the reason against it and *packet untouched.
 */
enum steer_reason packet_find(struct packet *packet, const struct frame *frame);

/**
 * Whether IP header and UDP checksums hold (UDP 0: none given, accepted; so is the sum of the
 * pseudo header alone, which a sender on the same machine leaves for hardware to complete).
 */
bool packet_is_intact(const struct packet *packet);

/** Both: STEER_CHECKSUM when it is not intact, and then *packet is untouched, too. */
enum steer_reason packet_parse(struct packet *packet, const struct frame *frame);

/** How a reply leaves. */
struct packet_reply {
	uint32_t src;       /* host order: the server identifier */
	uint32_t dst;       /* host order: 255.255.255.255, a client or a relay agent */
	uint16_t dst_port;  /* 68, or 67 to a relay agent */
	bool to_source;     /* Ethernet: back to the neighbour the request came from */
	uint8_t dst_mac[6]; /* otherwise: this (chaddr or broadcast) */
	uint32_t payload_len;
};

/**
 * Rewrites Ethernet, IPv4 (no options: the payload must already have been built at
 * packet_payload_home) and UDP headers around the payload, tags kept; from the port's MAC and port
 * 67, IPv4 id 0 with DF, TOS 0, TTL 64. frame.len is set. Call it once: it overwrites the
 * neighbour's MAC. What is left to do before the frame may be sent is packet_seal.
 */
void packet_address(struct packet *packet, const struct packet_reply *reply);

/**
 * Completes the UDP checksum of an addressed packet. It reads in large words what has just been
 * written in small ones, and waits for all of these if they are still on their way to the cache:
 * do something else in between.
 */
void packet_seal(struct packet *packet);

/**
 * Moves the payload so that a reply with a 20-byte IPv4 header fits in front of it (only a
 * request that had IPv4 options moves); returns where the reply's payload begins and sets payload.
 */
static inline uint8_t *packet_payload_home(struct packet *packet)
{
	uint8_t *home = packet->frame.data + packet->l3_offset + sizeof(struct steer_ipv4) +
			sizeof(struct steer_udp);

	if (unlikely(packet->payload != home)) {
		memmove(home, packet->payload, packet->payload_len);
		packet->payload = home;
	}
	return home;
}

/** Room for a reply from packet->payload on: both the frame's buffer and the link's MTU bound it.
 */
size_t packet_room(const struct packet *packet);

#endif
