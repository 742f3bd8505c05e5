/* SPDX-License-Identifier: MIT */
/**
 * A generator on a wire made of memory, a clock that tests turn, and a server that says what it is
 * told to say.
 */
#ifndef ETCDHCP_TESTS_UNIT_BENCH_SCENE_H
#define ETCDHCP_TESTS_UNIT_BENCH_SCENE_H

#include "perf/judge.h"

#define SCENE_FRAMES 512
#define SCENE_SERVER 0x0a000001u /* 10.0.0.1 */
#define SCENE_LEASE  3600

struct scene {
	struct generator g;
	struct wire wire;
	struct options options;
	struct port port;
	uint8_t memory[SCENE_FRAMES][2048];
	uint32_t free[SCENE_FRAMES];
	size_t n_free;
	/* What was sent since the last look. */
	uint8_t sent[SCENE_FRAMES][MESSAGE_FRAME_MAX];
	uint32_t sent_len[SCENE_FRAMES];
	size_t n_sent;
};

/** Directly attached clients; @p arguments go to the options, NULL-terminated. */
struct scene *scene_new(const char *const *arguments);
void scene_free(struct scene *scene);

/** Flushes the wire and gives out the single frame that was sent; fails when there is not one. */
const uint8_t *scene_sent(struct scene *scene, uint32_t *len);
/** Flushes and expects that nothing was sent. */
void scene_silent(struct scene *scene);

/** The clock goes on, and what was due by then happens. */
void scene_advance(struct scene *scene, uint64_t ns);

/** A reply to the client, right in everything; tests then change what they are about. */
struct answer {
	uint8_t type;
	uint32_t xid;
	uint8_t chaddr[6], src_mac[6], dst_mac[6];
	uint32_t src, dst, yiaddr, giaddr;
	uint16_t src_port, dst_port;
	uint32_t server, lease_s; /* 0: option left out */
	uint8_t op, hlen;
	uint16_t vlan, outer_vlan; /* 0: no tag */
	int udp_len_lie;
	bool bad_udp_sum, bad_ip_sum, no_magic, no_end, long_option, overload;
	const uint8_t *agent_info;
	size_t agent_info_len;
};
struct answer scene_answer(const struct scene *scene, uint32_t index, uint8_t type,
			   uint32_t address);
/** Writes it; returns the frame's length. */
uint32_t scene_write(const struct answer *answer, uint8_t *frame);
/** Lets the generator have it. */
void scene_deliver(struct scene *scene, const struct answer *answer);

/** Lets one idle client begin; its index. */
uint32_t scene_begin(struct scene *scene, enum activity activity);
/** One client through DISCOVER, OFFER, REQUEST and ACK; its index. */
uint32_t scene_bind(struct scene *scene, uint32_t address);

uint64_t scene_findings(const struct scene *scene, enum finding finding);
/** All of them together. */
uint64_t scene_all_findings(const struct scene *scene);

/** An option's data in a message that the generator sent; NULL when it is not there. */
const uint8_t *scene_option(const uint8_t *frame, uint32_t len, uint8_t code, uint8_t *option_len);

#endif
