/* SPDX-License-Identifier: MIT */
/**
 * worker/heard.h - other servers' clients that were heard, and whether they are served.
 *
 * A client that load sharing leaves to another server is remembered here for a while. When it asks
 * again it has not been served, and this server takes it: many clients leave the field secs at 0, so what
 * they say themselves is not enough. One cache line per look-up; the oldest of a line makes room.
 *
 * Servers are members of the cluster as a whole, yet need not all be on every link, and one that keeps its
 * membership alive may have lost a link. So the clients that come back are counted, for each network: are they too many,
 * waiting is in vain there, and for a time this server answers every client as if it were alone.
 *
 * One worker's own; memory is touched as far as it is used.
 */
#ifndef ETCDHCP_WORKER_HEARD_H
#define ETCDHCP_WORKER_HEARD_H

#include "base/clock.h"

/** Clients that come back within this are not served: the longest wait of RFC 2131 section 4.1. */
#define HEARD_WITHIN_MS 65000u
/** With the same transaction id they are for longer: REBINDING repeats after a minute and more. */
#define HEARD_SAME_WITHIN_MS 600000u
/** Sooner than this it is the same message, come by another way. */
#define HEARD_COPY_MS 100u

/* How many must come back, and which part of those left to others, until waiting is in vain. */
#define HEARD_VAIN_MIN  8u
#define HEARD_VAIN_PART 4u
/* For how long then, doubled each time up to an hour. */
#define HEARD_VAIN_MS   60000u
#define HEARD_VAIN_MOST 6u

struct heard; /* opaque */

/** NULL when address space is short. */
struct heard *heard_new(void);
/** NULL is fine. */
void heard_free(struct heard *heard);

/**
 * A request of a client that another server should answer: how often it has asked before, within the times above.
 * @p client is a hash of what names it, @p xid the transaction id as it stands in the message.
 */
unsigned heard_note(struct heard *heard, uint64_t client, uint32_t xid, uint64_t now_ns);
/** The client has selected a server: what it asks from now on is new. */
void heard_settled(struct heard *heard, uint64_t client);

/** Whether in this network (config_network.index) other servers' clients are to be answered at once. */
bool heard_in_vain(const struct heard *heard, uint32_t network, uint64_t now_ns);
/** Counts a client that heard_note found to have asked @p repeats times before. */
void heard_count(struct heard *heard, uint32_t network, unsigned repeats, uint64_t now_ns);

#endif
