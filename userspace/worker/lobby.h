/* SPDX-License-Identifier: MIT */
/**
 * worker/lobby.h - DISCOVERs that wait for their turn when more clients come up than can be served.
 *
 * Dropped, they would come back after 4, 8, 16, 32 and 64 seconds (RFC 2131 section 4.1), nearly all
 * at once, and in between the store would have nothing to do. Here they wait and are handled as if
 * just received once there is room: the last one first, for its client is the most likely to wait still. Whoever
 * came long ago has its turn when the rush is over, or has asked anew. A client listens for answers to the
 * transaction it began; one that has given up ignores the offer, which costs no commit.
 *
 * What is kept is the frame, without the zeros that a DISCOVER has for sname and file. A client that
 * sends the same again while it waits does not wait twice. Bounded, the oldest make room for new
 * ones; memory is touched only as far as it is used, and given back when everybody was served. One
 * worker's own.
 */
#ifndef ETCDHCP_WORKER_LOBBY_H
#define ETCDHCP_WORKER_LOBBY_H

#include "base/clock.h"
#include "net/frame.h"

#define LOBBY_BYTES ((size_t)96 << 20)
#define LOBBY_MAX   (UINT32_C(1) << 19) /* frames */
/* The longest wait of a client for an answer; it has asked anew since, or given up. */
#define LOBBY_WAIT_NS (64 * NS_PER_S)

struct lobby; /* opaque */

/** NULL when address space is short. */
struct lobby *lobby_new(void);
/** NULL is fine. */
void lobby_free(struct lobby *lobby);

/**
 * Copies the frame of @p packet, a request that came in through @p port, unless the same request
 * waits already. False when it could not be put together again.
 */
bool lobby_add(struct lobby *lobby, const struct packet *packet, uint16_t port, uint64_t now_ns);
/** How many wait; some of them may have been served meanwhile. */
uint32_t lobby_len(const struct lobby *lobby);
/** The client of @p packet is being served: should the same request wait here, it need not any more. */
void lobby_served(struct lobby *lobby, const struct packet *packet);
/** The port of the one whose turn it is; false when nobody waits who may still be interested. */
bool lobby_port(struct lobby *lobby, uint64_t now_ns, uint16_t *port);
/** That one leaves, into @p frame: data, with its length set. False when it does not fit. */
bool lobby_take(struct lobby *lobby, struct frame *frame);

#endif
