/* SPDX-License-Identifier: MIT */
/**
 * lease/table.h - the lease table: every record of the store, in memory, found by address and by
 * client.
 *
 * One writer (the store thread), any number of readers that are registered with RCU (QSBR) and
 * online. A record lives in a 64-byte slot, one cache line; slots come in pages of 256 neighbouring
 * addresses, pages are found through a small per-network directory. A slot is changed in place
 * under a sequence number, readers copy it out and try again if it changed meanwhile. RCU protects
 * what is replaced rather than changed: the client index when it grows, client identifiers too long
 * for a slot, and the reservation map. The writer never waits for a grace period: liburcu's helper
 * thread frees what it replaced.
 *
 * The writer's own bookkeeping (free addresses, offers, expiry) is behind allocator.h, in memory of
 * its own, so that it never touches the readers' cache lines.
 */
#ifndef ETCDHCP_LEASE_TABLE_H
#define ETCDHCP_LEASE_TABLE_H

#include "lease/lease.h"

struct lease_table; /* opaque: all networks */
struct lease_net;   /* opaque: one network's records; lives as long as the table */

struct lease_table *lease_table_new(void);
/** No reader left, in this and all networks. NULL is fine. */
void lease_table_free(struct lease_table *table);

/**
 * The network of that name, made on first use (the store may hold records of networks that the
 * configuration does not know yet). NULL when memory is short. Writer.
 */
struct lease_net *lease_table_net(struct lease_table *table, const char *name, size_t len);
const char *lease_net_name(const struct lease_net *net);
/** All networks, in order of creation; NULL past the end. Writer. */
struct lease_net *lease_table_at(struct lease_table *table, size_t i);

/** The hash by which the client index finds @p client; compute once per request. Any thread. */
uint64_t lease_client_hash(const struct lease_net *net, const uint8_t *client, size_t len);

/* ---- readers: any registered, online thread; also the writer ---- */

/** Two stages of prefetching for a burst: the directory entry, then the slot; or the index entry.
 */
void lease_prefetch_page(const struct lease_net *net, uint32_t addr);
void lease_prefetch_slot(const struct lease_net *net, uint32_t addr);
void lease_prefetch_client(const struct lease_net *net, uint64_t hash);

/**
 * Copies the record of @p addr; false (and state LEASE_NONE, revision 0) when there is none.
 * out->client may point into *out: copy the identifier, not the struct.
 */
bool lease_read(const struct lease_net *net, uint32_t addr, struct lease *out);
/**
 * Whether @p addr is bound to @p client, and until when its record holds it: what a renewal needs
 * to know, without a copy. *hold_until_s is unspecified when it is not.
 */
bool lease_is_bound_to(const struct lease_net *net, uint32_t addr, const struct client_id *client,
		       int64_t *hold_until_s);
/**
 * The address last bound to @p client in this network: its current record, or one that is over but
 * not yet passed on. A client has at most one record that is not over, resting and declined ones
 * aside: of several, a binding counts more than what is left of one, then the newer more. False
 * when the client is unknown; *out is then unspecified.
 */
bool lease_find(const struct lease_net *net, const uint8_t *client, size_t len, uint64_t hash,
		struct lease *out);

/** An address kept for one client, by configuration or at run time. */
struct lease_reservation {
	struct client_id client;
	uint32_t addr;
	const struct config_scope *scope; /* NULL: the subnet's (run-time reservations) */
};
/** False spares the two below. */
bool lease_net_has_reservations(const struct lease_net *net);
/** What is reserved for a client, NULL: nothing. Valid until the next quiescent state. */
const struct lease_reservation *lease_reservation_of(const struct lease_net *net,
						     const uint8_t *client, size_t len);
/** Whom an address is reserved for, NULL: nobody. Valid until the next quiescent state. */
const struct lease_reservation *lease_reservation_at(const struct lease_net *net, uint32_t addr);

/* ---- writer ---- */

/**
 * Makes @p record that of its address. 0; 1 when the slot has something as new (record->revision
 * not above it: nothing changes); -ENOMEM; -EINVAL when it cannot be a record: no client, a state
 * or revision that says there is none, an address in 0.0.0.0/8. A binding ends an offer of the
 * address.
 */
int lease_put(struct lease_net *net, const struct lease *record);
/**
 * True when the slot has something as new as @p revision: lease_put would change nothing, so the
 * record need not even be decoded. It counts as put. Writer.
 */
bool lease_has(struct lease_net *net, uint32_t addr, int64_t revision);
/**
 * Drops a record deleted at @p revision. 0 (there may have been none), or 1 when the slot is newer.
 * The client stays remembered, unseen by readers, until the address is bound to somebody else:
 * allocator_offer gives it back its address. Later news of the record from before @p revision
 * changes nothing.
 */
int lease_remove(struct lease_net *net, uint32_t addr, int64_t revision);

/**
 * A full load in place of a lost watch: between these two calls everything that exists is put
 * again, newer or not. The second removes all records of a revision below @p revision (that of the
 * load) that were not put meanwhile; returns how many.
 */
void lease_table_begin_load(struct lease_table *table);
size_t lease_table_end_load(struct lease_table *table, int64_t revision);

/**
 * Replaces the network's reservations by a copy of @p all. Of several for one client or address the
 * first counts. 0 or -ENOMEM (then the former ones stand). 100,000 take some tens of milliseconds.
 */
int lease_net_set_reservations(struct lease_net *net, const struct lease_reservation *all,
			       size_t n);

/** Numbers for metrics: any thread. */
struct lease_net_counts {
	uint64_t records, bound, released, declined, revoked, unreadable;
	uint64_t pool_size; /* addresses in pools, reserved ones left out */
	uint64_t pool_free; /* of these: can be offered now */
	uint64_t pool_due;  /* of the free ones: a record that is over is still to be deleted */
	uint64_t pool_unused; /* of the free ones: no record */
	uint64_t pool_held; /* of pool_size: the others */
	uint64_t offered;   /* of the held ones: on offer */
	uint64_t pool_reserved;
	uint64_t pool_all;    /* unused, due, held and reserved ones together, at any moment */
};
void lease_net_counts(const struct lease_net *net, struct lease_net_counts *out);
/** Records of all networks. Writer. */
uint64_t lease_table_records(const struct lease_table *table);
/** Bytes of memory the table holds. Any thread. */
uint64_t lease_table_memory(const struct lease_table *table);

#endif
