/* SPDX-License-Identifier: MIT */
/**
 * perf/exchange.h - what a client does: begins a transaction, sends again, takes an answer, gives
 * up.
 *
 * Messages are written into the frames that wire_prepare has made free; each function says what it
 * does without one.
 */
#ifndef ETCDHCP_PERF_EXCHANGE_H
#define ETCDHCP_PERF_EXCHANGE_H

#include "perf/generator.h"
#include "perf/reply.h"

/** What a client in a state waits for. */
struct step_def {
	enum message_kind message;
	enum exchange exchange;
	uint8_t answer; /* enum dhcp_type */
	bool relayed;   /* through the relay agent, where there is one */
	bool bound;     /* to the server that was asked */
};
extern const struct step_def step_defs[CLIENT_STATE_COUNT];

/**
 * An idle client begins; its first message was meant to leave at @p intended_ns. False when no
 * client is idle that could, or there is no frame.
 */
bool exchange_begin(struct generator *g, enum activity activity, uint64_t intended_ns);

/**
 * The OFFER that the client waits for: the REQUEST leaves, in the frame that must be there.
 * FINDING_NONE, or what is wrong with the address.
 */
enum finding exchange_offered(struct generator *g, uint32_t index, const struct reply *reply);
/** The ACK that the client waits for; FINDING_NONE, or what is wrong with the address. */
enum finding exchange_acknowledged(struct generator *g, uint32_t index, const struct reply *reply);
/** The NAK. */
void exchange_refused(struct generator *g, uint32_t index);

/**
 * What the wheel gave out for @p tick: sends again, gives up, or waits on. Without a frame for it a
 * retransmission waits for the next tick.
 */
void exchange_expire(struct generator *g, uint32_t index, uint32_t tick);

/** Everybody who waits gives up. */
void exchange_abandon_all(struct generator *g);

/** Before the n-th retransmission (from 1), RFC 2131 section 4.1; random within it. */
uint64_t exchange_backoff_ns(uint64_t base_ns, unsigned n, uint64_t *random);

#endif
