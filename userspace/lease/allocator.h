/* SPDX-License-Identifier: MIT */
/**
 * lease/allocator.h - which address a new client gets. All of it belongs to the store thread.
 *
 * Every pool (one per subnet, all its ranges) is cut into blocks of up to 256 addresses, what is
 * free in them told by bitmaps. Blocks that have a free address stand in a queue: taking one looks
 * at the head of the queue and at a few words, whatever the pool's size and fullness, and goes
 * round, so that an address just freed is among the last to be taken. Blocks of this server
 * (rendezvous hashing over the live members) stand in a queue before those of its peers.
 *
 * An address is free when: it is in a pool, not reserved, its record is over (rule 2) or absent, it
 * is not on offer and no transaction on it is under way or of unknown outcome (marks below). The
 * allocator re-evaluates that whenever one of these changes, so nothing has to be kept in step by
 * hand.
 *
 * A returning client gets its former address while that is free: the client index remembers the
 * last client of an address, even of a deleted record, until it is bound to somebody else.
 */
#ifndef ETCDHCP_LEASE_ALLOCATOR_H
#define ETCDHCP_LEASE_ALLOCATOR_H

#include "lease/table.h"

/**
 * (Re)configures a network's pools; NULL @p network: it is no longer configured and has no pools.
 * Records stay, addresses that are on offer stay so. 0 or -ENOMEM (then the former pools stand).
 * Nothing of @p config is kept.
 */
int allocator_configure(struct lease_net *net, const struct config *config,
			const struct config_network *network);

/**
 * The live servers, for the preference of blocks; @p self is among them. NULL/0: alone. 0 or
 * -ENOMEM (then the former ones stand).
 */
int allocator_set_members(struct lease_table *table, const char *const *ids, size_t n,
			  const char *self);

/** Of a burst, before the first allocator_offer: brings the client's place among the offers near. */
void allocator_prefetch(const struct lease_net *net, uint64_t hash);

/**
 * Chooses an address for @p client and puts it on offer until @p until_mono_ns; another offer of
 * the client ends.
 *
 * With a @p reservation (only the caller knows by which of its identifiers the client has one) it
 * is that address and no other, -EBUSY while somebody else has it; the caller may ask again with
 * NULL. Without, in this order: the address it has a live record for or holds an offer of, its
 * former address when free or released by itself, @p wanted when free (option 50, 0: none), the
 * pool of @p subnet (index into config->subnets), the network's other pools; each only while in a
 * pool and not reserved, own blocks before peers'.
 *
 * Returns 0 and *addr, -ENOSPC (nothing free), -EBUSY or -ENOMEM.
 */
int allocator_offer(struct lease_net *net, const struct client_id *client, uint64_t hash,
		    const struct lease_reservation *reservation, uint32_t subnet, uint32_t wanted,
		    const struct moment *now, uint64_t until_mono_ns, uint32_t *addr);

/** Whether @p addr is on offer to @p client or to nobody. */
bool allocator_may_take(const struct lease_net *net, uint32_t addr, const struct client_id *client);
/** Whether @p addr is on offer to @p client, by this server. */
bool allocator_has_offered(const struct lease_net *net, uint32_t addr,
			   const struct client_id *client);
/** Ends the client's offer (it took the address or selected another server); false when it has none. */
bool allocator_offer_end(struct lease_net *net, const struct client_id *client, uint64_t hash);

/**
 * A transaction on the address is under way or of unknown outcome: it is not free and the next one
 * must wait. 0 or, of an address in no pool that nothing was known of, -ENOMEM.
 */
int allocator_mark_busy(struct lease_net *net, uint32_t addr, bool busy);
bool allocator_is_busy(const struct lease_net *net, uint32_t addr);

/**
 * Moves time on: ends offers that have run out, frees addresses whose records are over. Some 100 us
 * of work per call at most; true when more may be waiting.
 */
bool allocator_tick(struct lease_table *table, const struct moment *now);

/**
 * Records on this server's pages that are over, need not be remembered (lease_is_forgettable) and
 * are still in the store, for deletion in batches: up to @p max addresses that were found so since
 * the last call. Returns how many. The caller judges
 * again by the clock of the moment. One that is still there a minute later is named again.
 */
size_t allocator_expired(struct lease_net *net, uint32_t *addrs, size_t max);

/** Everything counted anew; free + held + due is the pools' size, reserved addresses left out. */
struct allocator_audit {
	uint64_t free;     /* can be offered now */
	uint64_t held;     /* have a record that is not over, are on offer or busy */
	uint64_t due;      /* have a record that is over, and wait for allocator_tick to find out */
	uint64_t reserved; /* in the pools, but somebody's */
	uint64_t faults;   /* contradictions found: 0, or there is a defect in the allocator */
};

/** Walks over all the network's pages: for tests and debugging. Writer. */
void allocator_audit(const struct lease_net *net, const struct moment *now,
		     struct allocator_audit *out);
/** Words of bitmaps looked at to find free addresses, since the network was made. */
uint64_t allocator_steps(const struct lease_net *net);

#endif
