/* SPDX-License-Identifier: MIT */
/**
 * A network to try the table and the allocator on: a configuration made by hand, clients by number,
 * and a clock that stands still until it is moved. Failures end the test that called.
 */
#ifndef ETCDHCP_TESTS_UNIT_LEASE_FIXTURE_H
#define ETCDHCP_TESTS_UNIT_LEASE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lease/allocator.h"

#define MAX_SUBNETS 64
#define MAX_RANGES  8
#define OFFER_NS    (60 * NS_PER_S)
#define START_S     INT64_C(1700000000)

#define IP(a, b, c, d)                                                                             \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

/** A configuration of one network; subnet i has index i. */
struct site {
	struct config config;
	struct config_network network;
	struct config_subnet subnets[MAX_SUBNETS];
	struct config_subnet *list[MAX_SUBNETS];
	struct addr_range ranges[MAX_SUBNETS][MAX_RANGES];
};

void site_init(struct site *site);
/** Another subnet, above the former ones, without pools. */
void site_add_subnet(struct site *site, uint32_t first, uint32_t last);
/** Another pool of the last subnet, above the former ones. */
void site_add_pool(struct site *site, uint32_t first, uint32_t last);

struct world {
	struct lease_table *table;
	struct lease_net *net;
	struct moment now;
	int64_t revision;
};

/** Group fixtures: the thread of the tests is registered with RCU. */
int reader_setup(void **state);
int reader_teardown(void **state);

/** Fixtures of a test: *state is a struct world whose network has no pools. */
int world_setup(void **state);
int world_teardown(void **state);

/** Configures; the test fails when that does. */
void world_configure(struct world *w, struct site *site);
/** The same with one pool. */
void world_configure_pool(struct world *w, uint32_t first, uint32_t last);
/** Lets time pass and the allocator notice. */
void world_pass(struct world *w, int64_t seconds);
/** Everything counted anew agrees; returns the counts. */
struct allocator_audit world_audit(const struct world *w);

/** Client @p n, with an identifier of @p len bytes (7: like a MAC address). */
struct client_id client_of_len(uint32_t n, uint16_t len);
struct client_id client_number(uint32_t n);
uint64_t hash_of(const struct world *w, const struct client_id *client);

/** lease_put of the next revision, held for @p seconds from now on. */
int world_put(struct world *w, const struct client_id *client, uint32_t addr,
	      enum lease_state state, int64_t seconds);
/**
 * allocator_offer without reservation or wish in subnet 0; returns the address or 0 when there is
 * none.
 */
uint32_t world_offer(struct world *w, const struct client_id *client);
/** The same with everything that can be said; the result of allocator_offer. */
int world_ask(struct world *w, const struct client_id *client,
	      const struct lease_reservation *reservation, uint32_t subnet, uint32_t wanted,
	      uint32_t *addr);
/** world_offer for client @p n. */
uint32_t world_offer_number(struct world *w, uint32_t n);
/** world_ask for client @p n with a wish alone; it must succeed. */
uint32_t world_offer_wanted(struct world *w, uint32_t n, uint32_t wanted);
/** Offers client @p n an address and binds it for @p seconds; 0 when there is none. */
uint32_t world_bind(struct world *w, uint32_t n, int64_t seconds);
/** Where lease_find says client is; 0: nowhere. */
uint32_t world_find(const struct world *w, const struct client_id *client);

/** A small generator of numbers, the same on every run. */
uint64_t next_random(uint64_t *random);

#endif
