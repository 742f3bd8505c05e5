/* SPDX-License-Identifier: MIT */
/**
 * server/share.h - which clients are this server's to answer, as long as their server lives.
 *
 * Clients of a link fall into 256 hash buckets (RFC 3074, section 4); each bucket belongs to one server,
 * that with the highest rendezvous score of all that are alive and serve. A share is built whole, never changes and is replaced
 * when that changes: the store thread publishes, readers load the pointer inside an RCU read
 * section and use it until their next quiescent state.
 *
 * Sharing is a wish, not a rule: nothing breaks when two servers answer a client, or none at first
 * because they saw the membership change at different times. So a client that is heard a second time,
 * or says itself that it has been asking for long, is answered by whoever hears it.
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

/** What a request counts as, by itself; see server_share_kind. */
enum share_kind {
	SHARE_NONE,      /* meant for this server: a unicast, or it names a server, or the client leaves */
	SHARE_BY_BUCKET, /* any server could answer: DISCOVER, REBINDING, INIT-REBOOT */
	SHARE_BY_OFFER,  /* selects a name that several servers may have: one of them made the offer */
};

/** The client's words and what was heard of it before. */
struct share_facts {
	uint8_t bucket;   /* load_hash_client */
	uint16_t secs;    /* of the message, host order */
	unsigned repeats; /* how often the client has asked before, in vain as far as can be seen here */
};

/**
 * Whether this server answers a request of kind SHARE_BY_BUCKET: its own client's, one that has asked in
 * vain already, or one that has tried for @p after_s seconds (0: all). Pure.
 */
bool share_is_ours(const struct share *share, const struct share_facts *facts, uint32_t after_s);

static inline bool share_has(const struct share *share, uint8_t bucket)
{
	return share->own[bucket / 64] >> (bucket % 64) & 1;
}

#endif
