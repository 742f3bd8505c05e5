/* SPDX-License-Identifier: MIT */
/**
 * lease/offers.h - addresses held for clients that have been offered them: memory of this server
 * alone.
 *
 * At most one offer per client and one per address. Found by either through chained hash tables.
 * They end in the order of their times: a few queues, each in that order, an offer joins the first
 * whose last ends before it. One queue does as long as all are held equally long; after a reload
 * that shortens the time the next one takes over. Should all end later, the last one's end is what
 * the offer gets too.
 *
 * The number of offers is bounded by that of addresses. Writer only.
 */
#ifndef ETCDHCP_LEASE_OFFERS_H
#define ETCDHCP_LEASE_OFFERS_H

#include "lease/memory.h"
#include "dhcp/client_id.h"

#define OFFERS_QUEUES       4
#define OFFER_CLIENT_INLINE 24

/** Numbers are 1 + the place in the slab; 0: none. */
struct offer {
	uint32_t addr;
	uint32_t number;
	uint64_t client_hash;
	uint64_t until_mono_ns;
	uint32_t next_of_client, next_of_addr; /* in the chains; the free list uses the first */
	uint32_t next, prev;                   /* in the queue */
	uint8_t queue;
	uint16_t client_len;
	union {
		uint8_t client_inline[OFFER_CLIENT_INLINE];
		uint8_t *client_long; /* memory_alloc'ed when client_len exceeds the above */
	};
};

struct offers {
	struct memory *memory;
	struct offer **chunks;
	uint32_t n_chunks;
	uint32_t n;         /* on offer */
	uint32_t unused;    /* free list */
	uint32_t n_buckets; /* of each table; a power of two, 0 until the first offer */
	uint32_t *by_client, *by_addr;
	struct {
		uint32_t first, last;
	} queues[OFFERS_QUEUES];
};

void offers_init(struct offers *offers, struct memory *memory);
void offers_fini(struct offers *offers);

void offers_prefetch(const struct offers *offers, uint64_t hash);
/** NULL when there is none. */
struct offer *offers_of_client(const struct offers *offers, const uint8_t *client, size_t len,
			       uint64_t hash);
struct offer *offers_at(const struct offers *offers, uint32_t addr);
bool offer_is_clients(const struct offer *offer, const uint8_t *client, size_t len);

/** Neither the client nor the address is on offer. NULL when memory is short. */
struct offer *offers_add(struct offers *offers, const struct client_id *client, uint64_t hash,
			 uint32_t addr, uint64_t until_mono_ns);
/** Another address (not on offer, or the same) and another end for the client's offer. */
void offers_change(struct offers *offers, struct offer *offer, uint32_t addr,
		   uint64_t until_mono_ns);
void offers_remove(struct offers *offers, struct offer *offer);

/** One that has run out by @p mono_ns, NULL when there is none. */
struct offer *offers_run_out(const struct offers *offers, uint64_t mono_ns);

#endif
