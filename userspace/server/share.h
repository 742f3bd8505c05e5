/* SPDX-License-Identifier: MIT */
/**
 * server/share.h - which clients are this server's to answer, as long as their server lives.
 *
 * Clients of a link fall into 256 hash buckets (RFC 3074, section 4); each bucket belongs to one server,
 * that with the highest rendezvous score of all that are alive and serve. A share is built whole, never changes and is replaced
 * when that changes: the store thread publishes, readers load the pointer inside an RCU read
 * section and use it until their next quiescent state.
 */
#ifndef ETCDHCP_SERVER_SHARE_H
#define ETCDHCP_SERVER_SHARE_H

#include <stdatomic.h>

#include "base/types.h"

struct share {
	uint32_t n_members; /* servers that serve, this one counted always; 1: alone, with all buckets */
	uint64_t own[4];    /* bit n: this server answers for bucket n */
};

/** Where the newest share stands; one writer, never NULL once the store is made. */
struct share_place {
	_Atomic(const struct share *) now;
};

/** RCU: online reader. */
static inline const struct share *share_read(const struct share_place *place)
{
	return atomic_load_explicit(&place->now, memory_order_acquire);
}

static inline bool share_has(const struct share *share, uint8_t bucket)
{
	return share->own[bucket / 64] >> (bucket % 64) & 1;
}

#endif
