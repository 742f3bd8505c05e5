/* SPDX-License-Identifier: MIT */
/**
 * perf/message.h - frames from clients and relay agents, written from templates.
 *
 * A template holds a whole frame of its kind; writing one is a copy, a few stores and the two
 * checksums. Layout: Ethernet, up to two tags, IPv4 without options, UDP, a DHCP message padded to
 * 300 bytes (RFC 1542 section 2.1). Options as real clients send them: 53, 61 (if wanted), 50, 54,
 * 55 and, from relay agents, 82 (RFC 3046) with a circuit id and a remote id per subscriber.
 */
#ifndef ETCDHCP_PERF_MESSAGE_H
#define ETCDHCP_PERF_MESSAGE_H

#include "base/types.h"

enum message_kind {
	MESSAGE_DISCOVER,
	MESSAGE_SELECT,    /* REQUEST of an offered address */
	MESSAGE_ELSEWHERE, /* REQUEST to another server: the offer is not taken */
	MESSAGE_RENEW,
	MESSAGE_REBIND,
	MESSAGE_REBOOT,
	MESSAGE_RELEASE,
	MESSAGE_KIND_COUNT
};

#define MESSAGE_FRAME_MAX      512
#define MESSAGE_AGENT_INFO_MAX 32

/** What all frames of a run have in common. */
struct message_style {
	bool relayed;
	bool client_id;
	bool broadcast;
	uint8_t tags;        /* 0 to 2 */
	uint16_t outer_tpid; /* of two tags */
};

struct message_template {
	uint8_t bytes[MESSAGE_FRAME_MAX];
	uint16_t len;
	uint16_t l3;
	/* Offsets of options' data, 0: not there. */
	uint16_t client_id, requested, server, circuit, remote;
	bool relayed; /* goes through the relay agent */
};

/** Addresses in host order. */
struct message_values {
	uint8_t src_mac[6], dst_mac[6], chaddr[6];
	uint16_t vlan, outer_vlan;
	uint32_t src, dst;
	uint32_t xid;
	uint16_t secs;
	uint32_t ciaddr, giaddr;
	uint32_t requested, server;
	uint32_t subscriber; /* client index, told in option 82 */
	uint32_t relay;
};

void message_make_template(struct message_template *t, const struct message_style *style,
			   enum message_kind kind);

/** Writes a frame into at least MESSAGE_FRAME_MAX bytes; returns its length. */
uint32_t message_write(const struct message_template *t, const struct message_values *values,
		       uint8_t *frame);

/** What option 82 of a relayed message says, for comparison with the echo; returns its length. */
size_t message_agent_info(const struct message_template *t, uint32_t relay, uint32_t subscriber,
			  uint8_t out[MESSAGE_AGENT_INFO_MAX]);

#endif
