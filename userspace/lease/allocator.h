/* SPDX-License-Identifier: MIT */
/**
 * lease/allocator.h - which address a new client gets. All of it belongs to the store thread.
 *
 * Every pool (one per subnet, all its ranges) is cut into blocks of 256 addresses with a bitmap of the free ones.
 * Blocks that have a free address stand in a queue: taking an address looks at the head of the queue and at four
 * words, whatever the pool's size and fullness, and goes round, so that an address just freed is the last to be
 * taken. Blocks of this server (rendezvous hashing over the live members) stand in a queue before those of its peers.
 *
 * An address is free when: it is in a pool, not reserved, its record is over (rule 2) or absent, it is not on offer
 * and no transaction on it is under way or of unknown outcome (marks below). The allocator re-evaluates
 * that whenever one of these changes, so nothing has to be kept in step by hand.
 *
 * A returning client gets its former address while that is free: the client index remembers the last
 * client of an address until the address is put on offer to or bound to somebody else.
 */
#ifndef ETCDHCP_LEASE_ALLOCATOR_H
#define ETCDHCP_LEASE_ALLOCATOR_H

#include "lease/table.h"

/**
 * (Re)configures a network's pools and times; NULL @p network: it is no longer configured and has no pools. Records stay. Addresses that
 * are on offer stay so. 0 or -ENOMEM (then the former pools stand).
 */
int allocator_configure(struct lease_net *net, const struct config *config,
			const struct config_network *network);

/** Live servers (this one included), for the preference of blocks; NULL/0: alone. @p self is among them. 0 or -ENOMEM. */
int allocator_set_members(struct lease_table *table, const char *const *ids, size_t n, const char *self);

/**
 * An address for @p client and puts it on offer until @p until_mono_ns. In this order: its reservation, the address
 * it has a live record for or holds an offer of, its former address when free, @p wanted when free (option 50), the pool of
 * @p subnet (index into config->subnets), the network's other pools; own blocks before peers'.
 * Returns 0 and *addr, or -ENOSPC (nothing free) or -EBUSY (its reservation is in somebody else's hands).
 */
int allocator_offer(struct lease_net *net, const struct client_id *client, uint64_t hash, uint32_t subnet,
		    uint32_t wanted, const struct moment *now, uint64_t until_mono_ns, uint32_t *addr);

/** The client on whose behalf @p addr is on offer may take it; true also when it is on offer to nobody. */
bool allocator_may_take(const struct lease_net *net, uint32_t addr, const struct client_id *client);
/** Ends the client's offer, if it has one (it took the address or selected another server). */
void allocator_offer_end(struct lease_net *net, const struct client_id *client, uint64_t hash);

/** A transaction on the address is under way or of unknown outcome: it is not free and the next one must wait. */
void allocator_mark_busy(struct lease_net *net, uint32_t addr, bool busy);
bool allocator_is_busy(const struct lease_net *net, uint32_t addr);

/** Moves time on: ends offers that have run out, frees addresses whose records are over. Bounded work per call; true when more is waiting. */
bool allocator_tick(struct lease_table *table, const struct moment *now);

/**
 * Records of this server's blocks that are over and still in the store, for deletion in batches: up to @p max
 * addresses that were found over since the last call. Returns how many.
 */
size_t allocator_expired(struct lease_net *net, uint32_t *addrs, size_t max);

#endif
