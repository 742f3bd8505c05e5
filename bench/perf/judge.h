/* SPDX-License-Identifier: MIT */
/**
 * perf/judge.h - what a received frame is: the answer that a client waits for, or a finding.
 *
 * A reply that is wrong in anything but its lease time is not taken for an answer, so the exchange
 * is lost beside the finding unless a right answer follows.
 */
#ifndef ETCDHCP_PERF_JUDGE_H
#define ETCDHCP_PERF_JUDGE_H

#include "perf/exchange.h"

/** A frame with its parts found, and the client that its xid leads to. */
struct judged {
	struct reply reply;
	enum reply_verdict verdict;
	uint32_t index; /* NO_CLIENT: none */
	uint8_t generation;
};

/** First pass over a burst: parses, and prefetches the client. */
void judge_prepare(const struct generator *g, const struct frame *frame, struct judged *judged);

/**
 * Second pass: counts, and lets the client go on. Needs one free frame on the wire: an OFFER is
 * followed by a REQUEST.
 */
void judge_reply(struct generator *g, const struct judged *judged);

#endif
