/* SPDX-License-Identifier: MIT */
/**
 * lease/ask.h - what a worker asks of the store thread, and the answer.
 *
 * An ask is written by a worker, handed to the store thread by pointer, answered in place and
 * handed back: whoever holds the pointer owns it. Asks are preallocated by workers.
 */
#ifndef ETCDHCP_LEASE_ASK_H
#define ETCDHCP_LEASE_ASK_H

#include "lease/table.h"

enum ask_op {
	ASK_OFFER,    /* DISCOVER: choose an address and hold it for the client; commits nothing */
	ASK_BIND,     /* REQUEST in SELECTING: bind, if the address is free or the client's */
	ASK_CONFIRM,  /* REQUEST in INIT-REBOOT: only if the store has it bound to the client */
	ASK_RENEW,    /* REQUEST with ciaddr that memory cannot answer: extend, or bind if free */
	ASK_EXTEND,   /* the same behind a reply already sent; nobody waits for the answer */
	ASK_RELEASE,  /* nobody waits */
	ASK_DECLINE,  /* nobody waits */
	ASK_FORGET,   /* the client selected another server: end its offer; nobody waits */
	ASK_REVOKE,   /* an operator's: end the binding of addr, whosoever it is (client.len 0) */
	ASK_OP_COUNT
};

enum ask_result {
	ASK_GRANTED,      /* addr is held for the client until hold_until_s, durably (OFFER: on offer) */
	ASK_DENIED,       /* proven by a linearizable read: the address is another's, or may not be the client's: NAK */
	ASK_UNKNOWN_CLIENT, /* proven (RELEASE, DECLINE: as far as memory knows): nothing is recorded for the client or
			     * address: silence (RFC 2131 section 4.3.2) */
	ASK_NO_ADDRESS,   /* OFFER: every pool is exhausted */
	ASK_UNAVAILABLE,  /* the store could not be asked, or its answer is unknown: silence */
	ASK_OVERLOAD,     /* shed: silence */
	ASK_ON_OFFER,     /* BIND: the address is on offer to somebody else just now: silence */
	ASK_OVERTAKEN,    /* the client may have been bound anew since it sent this RELEASE, DECLINE or REQUEST: silence */
	ASK_DUPLICATE,    /* a retransmission of a request that is being committed: silence, its answer comes */
	ASK_NOT_OFFERED,  /* BIND with own_offers_only: not by us: silence, whoever offered it answers */
	ASK_RESULT_COUNT
};

const char *ask_op_name(enum ask_op op);
const char *ask_result_name(enum ask_result result);

#define ASK_HOST_NAME_MAX 63
#define ASK_RELAY_ID_MAX  64

struct ask {
	/* the question */
	enum ask_op op;
	uint16_t worker;              /* whose ring the answer goes to */
	uint16_t port;                /* with worker: the queue it came by, whose asks come in their order of arrival */
	bool background;              /* nobody waits: the ask only comes home */
	struct lease_net *net;
	uint32_t subnet;              /* ASK_OFFER: preferred, index into config->subnets */
	uint32_t addr;                /* wanted (OFFER, 0: none) or meant; the answer of an OFFER */
	uint32_t lease_s;             /* the lease time wanted, within the network's bounds */
	uint32_t hold_s;              /* hold to commit from now on: horizon, rest or probation */
	uint32_t offer_s;
	bool peers_offer;             /* ASK_BIND: a peer of the same name may have offered the address */
	bool own_offers_only;         /* ASK_BIND: leave it to a peer of the same name unless we offered */
	uint64_t client_hash;
	struct client_id client;
	uint64_t asked_ns;            /* monotonic */
	uint64_t arrived_ns;          /* likewise: it arrived after that, however long it lay unread */
	uint8_t hwaddr_len;
	uint8_t hwaddr[DHCP_CHADDR_LEN];
	uint8_t host_name_len;
	char host_name[ASK_HOST_NAME_MAX]; /* for operators' eyes: stored in the record */
	uint8_t circuit_len, remote_len;
	uint8_t circuit[ASK_RELAY_ID_MAX], remote[ASK_RELAY_ID_MAX];
	/* the answer */
	enum ask_result result;
	int64_t hold_until_s;
	/* the store thread's own while it holds the ask */
	struct ask *next;
	uint8_t tries;
	bool aimed;                   /* RELEASE, DECLINE: meant_revision is set */
	int64_t meant_revision;       /* the binding that they mean: of the record when they arrived, 0: there was none */
	bool proven;                  /* a linearizable read has been made for it */
	bool client_known;            /* client_at is from such a read, not from memory */
	uint32_t client_at;           /* what the client's key says; 0: absent */
};

/** Brings near what an offer or a binding reads first. */
static inline void ask_prefetch(const struct ask *ask)
{
	const char *p = (const char *)ask;

	for (size_t at = 0; at < offsetof(struct ask, client) + CACHE_LINE; at += CACHE_LINE)
		__builtin_prefetch(p + at);
	__builtin_prefetch(&ask->hwaddr_len);
}

#endif
