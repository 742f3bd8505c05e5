/* SPDX-License-Identifier: MIT */
/**
 * Frames for tests, described by how they differ from a plain DHCP request:
 * a zero-initialised sample is an untagged 300-byte BOOTREQUEST to 255.255.255.255, port 67,
 * correct in all its lengths and checksums.
 */
#ifndef ETCDHCP_TESTS_UNIT_NET_SAMPLE_H
#define ETCDHCP_TESTS_UNIT_NET_SAMPLE_H

#include "base/types.h"

#define SAMPLE_MAX       65700
#define SAMPLE_PAYLOAD   300
#define SAMPLE_BROADCAST 0xffffffffu
#define SAMPLE_SOURCE    0x0a060963u /* 10.6.9.99 */

struct sample_tag {
	uint16_t tpid; /* 0: no tag */
	uint16_t tci;
};

enum sample_checksum { SUM_RIGHT, SUM_WRONG, SUM_NONE, SUM_PARTIAL };

struct sample {
	uint32_t xid; /* and IPv4 id */
	struct sample_tag tags[3];
	uint16_t ethertype; /* 0: IPv4 */
	uint8_t version;    /* 0: 4 */
	uint8_t ihl;        /* in words; 0: 5. Fewer than 5: only the field says so */
	uint16_t fragment;  /* flags and offset as on the wire, host order */
	uint8_t protocol;   /* 0: UDP */
	uint32_t src, dst;  /* host order, 0: SAMPLE_SOURCE, broadcast */
	uint16_t port;      /* 0: 67 */
	int ip_len_lie;     /* added to the true total length */
	int udp_len_lie;    /* added to the true UDP length */
	uint16_t payload;   /* bytes after the UDP header; 0: SAMPLE_PAYLOAD */
	uint16_t padding;   /* bytes after the IP packet */
	uint8_t op;         /* 0: 1, BOOTREQUEST */
	bool wrong_magic;
	uint8_t type; /* DHCP message type, the first option; 0: the options are nonsense */
	enum sample_checksum udp_sum;
	bool wrong_ip_sum;
};

/** Writes the frame (unicast MACs: from 02:..:02 to 02:..:01, or to broadcast); returns its length.
 */
size_t sample_build(const struct sample *sample, uint8_t *out);

/** The checksum as RFC 1071 spells it, bytewise, independent of what is tested; host order. */
uint16_t sample_checksum(const uint8_t *data, size_t len, uint32_t sum);

#endif
