/* SPDX-License-Identifier: MIT */
/**
 * lease/net.h - a network's part of the table from the inside: shared by table.c and the allocator.
 */
#ifndef ETCDHCP_LEASE_NET_H
#define ETCDHCP_LEASE_NET_H

#include "lease/client_index.h"
#include "lease/offers.h"
#include "lease/pool.h"
#include "lease/reservation.h"
#include "lease/table.h"
#include "lease/wheel.h"

struct lease_net {
	/* read by everybody */
	struct directory dir;
	struct client_index index;
	_Atomic(struct reservation_map *) reservations; /* RCU; NULL: none */
	uint64_t seed;
	char *name;

	/* the writer's */
	struct lease_table *table __attribute__((aligned(CACHE_LINE)));
	struct lease_net *next_named; /* in the table's hash of names */
	size_t name_len;
	uint64_t name_hash; /* unkeyed: the same on every server */
	struct offers offers;
	struct wheel wheel; /* of records, by the earliest clock */
	struct pools pools; /* its counters and the next are read by any thread */
	counter_t records[LEASE_STATE_COUNT];
};

#define TABLE_NAME_BUCKETS 256u

/** Who is alive, for the preference of pages. */
struct members {
	uint64_t *hashes; /* of the others' ids */
	size_t n, size;   /* of them; bytes allocated */
	uint64_t self;
};

struct lease_table {
	struct memory memory;
	uint64_t seed;
	struct lease_net **nets; /* in order of creation */
	size_t n_nets, cap_nets;
	struct lease_net *named[TABLE_NAME_BUCKETS];
	struct members members;
	size_t tick_net; /* where allocator_tick goes on */
};

/** The page of @p addr, made when there is none. NULL when memory is short. */
struct page *net_page(struct lease_net *net, uint32_t addr);

/** Sets page->own and page->start by the table's members. */
void net_prefer_page(const struct lease_net *net, struct page *page);

/** Ends an offer: its address may be free again. */
void net_end_offer(struct lease_net *net, struct offer *offer);

#endif
