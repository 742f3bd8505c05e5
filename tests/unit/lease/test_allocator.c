/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define BASE IP(10, 0, 0, 0)

static struct site site;

/* An offer with everything that can be said. */
static int offer(struct world *w, const struct client_id *client,
		 const struct lease_reservation *reservation, uint32_t subnet, uint32_t wanted,
		 uint32_t *addr)
{
	return allocator_offer(w->net, client, hash_of(w, client), reservation, subnet, wanted,
			       &w->now, w->now.mono_ns + OFFER_NS, addr);
}

static uint32_t offer_wanted(struct world *w, uint32_t n, uint32_t wanted)
{
	struct client_id client = client_number(n);
	uint32_t addr = 0;

	assert_int_equal(offer(w, &client, NULL, 0, wanted, &addr), 0);
	return addr;
}

static uint32_t offer_number(struct world *w, uint32_t n)
{
	struct client_id client = client_number(n);

	return world_offer(w, &client);
}

static uint64_t pool_size(void)
{
	uint64_t n = 0;

	for (size_t i = 0; i < site.config.n_subnets; i++)
		for (size_t j = 0; j < site.subnets[i].n_pools; j++)
			n += site.subnets[i].pools[j].last - site.subnets[i].pools[j].first + 1;
	return n;
}

static bool in_site(uint32_t addr)
{
	for (size_t i = 0; i < site.config.n_subnets; i++)
		for (size_t j = 0; j < site.subnets[i].n_pools; j++)
			if (addr >= site.subnets[i].pools[j].first &&
			    addr <= site.subnets[i].pools[j].last)
				return true;
	return false;
}

/* Clients come until nothing is left: every address of the pools is given, each to one of them. */
static void assert_given_exactly_once(struct world *w)
{
	uint8_t *given = calloc(1, 1 << 24);
	uint64_t n = pool_size();

	assert_non_null(given);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t addr = world_bind(w, i, 1000);

		assert_true(in_site(addr));
		assert_int_equal(given[addr & 0xffffff]++, 0);
	}
	assert_int_equal(offer_number(w, UINT32_MAX), 0);
	assert_int_equal(world_audit(w).held, n);
	free(given);
}

/* ---- every address, once ---- */

static void pool_of_any_size_is_given_out_to_the_last(void **state)
{
	static const struct {
		uint32_t first, size;
	} rows[] = {
	    {BASE + 7, 1},   {BASE + 255, 1}, {BASE + 254, 2},     {BASE + 255, 2},   {BASE, 255},
	    {BASE + 1, 255}, {BASE, 256},     {BASE + 10, 256},    {BASE + 255, 257}, {BASE, 257},
	    {BASE + 63, 65}, {BASE, 65536},   {BASE + 100, 65536},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		void *fresh;

		world_setup(&fresh);
		site_init(&site);
		site_add_subnet(&site, BASE, BASE + 0xffffff);
		site_add_pool(&site, rows[i].first, rows[i].first + rows[i].size - 1);
		world_configure(fresh, &site);
		assert_int_equal(world_audit(fresh).free, rows[i].size);
		assert_given_exactly_once(fresh);
		world_teardown(&fresh);
	}
}

static void subnets_that_share_a_page_are_both_given_out(void **state)
{
	struct world *w = *state;

	site_init(&site);
	site_add_subnet(&site, BASE, BASE + 127);
	site_add_pool(&site, BASE + 10, BASE + 126);
	site_add_subnet(&site, BASE + 128, BASE + 255);
	site_add_pool(&site, BASE + 129, BASE + 140);
	site_add_pool(&site, BASE + 142, BASE + 254);
	world_configure(w, &site);
	assert_given_exactly_once(w);
}

static void sixty_four_subnets_in_one_page_are_given_out(void **state)
{
	struct world *w = *state;

	site_init(&site);
	for (uint32_t i = 0; i < 64; i++) {
		site_add_subnet(&site, BASE + i * 4, BASE + i * 4 + 3);
		site_add_pool(&site, BASE + i * 4 + 1, BASE + i * 4 + 2);
	}
	world_configure(w, &site);
	assert_given_exactly_once(w);
}

static void several_ranges_are_given_out(void **state)
{
	struct world *w = *state;

	site_init(&site);
	site_add_subnet(&site, BASE, BASE + 0xffff);
	site_add_pool(&site, BASE + 1, BASE + 5);
	site_add_pool(&site, BASE + 6, BASE + 6);
	site_add_pool(&site, BASE + 250, BASE + 258);
	site_add_pool(&site, BASE + 300, BASE + 900);
	site_add_pool(&site, BASE + 901, BASE + 1023);
	site_add_pool(&site, BASE + 0xffff, BASE + 0xffff);
	site_add_subnet(&site, BASE + 0x10000, BASE + 0x1ffff); /* without a pool */
	site_add_subnet(&site, BASE + 0x20000, BASE + 0x2ffff);
	site_add_pool(&site, BASE + 0x20000, BASE + 0x20000);
	world_configure(w, &site);
	assert_given_exactly_once(w);
}

static void last_address_of_all_is_given_out(void **state)
{
	struct world *w = *state;

	site_init(&site);
	site_add_subnet(&site, UINT32_MAX - 0xffff, UINT32_MAX);
	site_add_pool(&site, UINT32_MAX - 300, UINT32_MAX);
	world_configure(w, &site);
	assert_given_exactly_once(w);
}

static void network_without_pools_has_no_address(void **state)
{
	struct world *w = *state;

	assert_int_equal(offer_number(w, 1), 0);
	site_init(&site);
	world_configure(w, &site);
	assert_int_equal(offer_number(w, 1), 0);
	site_add_subnet(&site, BASE, BASE + 255);
	world_configure(w, &site);
	assert_int_equal(offer_number(w, 1), 0);
}

static void addresses_no_host_can_have_are_left_out(void **state)
{
	struct world *w = *state;

	site_init(&site);
	site_add_subnet(&site, 0, IP(1, 255, 255, 255));
	site_add_pool(&site, 0, 10);
	site_add_pool(&site, IP(0, 255, 255, 250), IP(1, 0, 0, 3));
	world_configure(w, &site);
	assert_int_equal(world_audit(w).free, 4);
	for (uint32_t n = 0; n < 4; n++)
		assert_true(world_bind(w, n, 10) >= IP(1, 0, 0, 0));
	assert_int_equal(offer_number(w, 9), 0);
}

/* ---- the order ---- */

static void address_just_freed_comes_last(void **state)
{
	struct world *w = *state;
	uint32_t first;

	world_configure_pool(w, BASE, BASE + 999);
	first = world_bind(w, 0, 1000);
	for (uint32_t n = 1; n < 10; n++)
		world_bind(w, n, 1000);
	lease_remove(w->net, first, ++w->revision);
	for (uint32_t n = 10; n < 1000; n++)
		assert_int_not_equal(world_bind(w, n, 1000), first);
	assert_int_equal(world_bind(w, 1000, 1000), first);
}

/* Clients that take an offer and give it back go through the whole pool, not round one address. */
static void freed_addresses_are_taken_in_turn(void **state)
{
	enum { N = 600, BLOCKS = 3 };
	struct world *w = *state;
	uint32_t last[N] = {0};

	world_configure_pool(w, BASE, BASE + N - 1);
	for (uint32_t n = 1; n <= 5 * N; n++) {
		struct client_id client = client_number(n);
		uint32_t addr = world_offer(w, &client);

		allocator_offer_end(w->net, &client, hash_of(w, &client));
		/* a block moves on while its last address is still taken: that one may miss a turn
		 */
		assert_true(!last[addr - BASE] || n - last[addr - BASE] > N - 4 * BLOCKS);
		last[addr - BASE] = n;
	}
	for (uint32_t i = 0; i < N; i++)
		assert_true(last[i] > 5 * N - 3 * N);
	world_audit(w);
}

/* What an allocation looks at does not depend on how large or how full the pool is. */
static void nearly_full_pool_takes_no_longer(void **state)
{
	struct world *w = *state;
	uint64_t random = 7, before, most = 0;

	world_configure_pool(w, BASE, BASE + 0x1ffff);
	for (uint32_t n = 0; n < 0x20000; n++) {
		before = allocator_steps(w->net);
		assert_int_not_equal(world_bind(w, n, 1000), 0);
		if (allocator_steps(w->net) - before > most)
			most = allocator_steps(w->net) - before;
	}
	for (uint32_t n = 0; n < 5000; n++) { /* one address free, anywhere, at a time */
		uint32_t addr = BASE + (uint32_t)(next_random(&random) & 0x1ffff);

		before = allocator_steps(w->net);
		lease_remove(w->net, addr, ++w->revision);
		assert_int_equal(world_bind(w, 0x20000 + n, 1000), addr);
		if (allocator_steps(w->net) - before > most)
			most = allocator_steps(w->net) - before;
	}
	assert_true(most <= 48);
	before = allocator_steps(w->net);
	assert_int_equal(offer_number(w, UINT32_MAX), 0);
	assert_true(allocator_steps(w->net) - before <= 4);
}

static void two_clients_never_hold_one_address(void **state)
{
	struct world *w = *state;

	world_configure_pool(w, BASE, BASE + 9);
	for (uint32_t n = 0; n < 10; n++)
		assert_int_not_equal(offer_number(w, n), 0);
	assert_int_equal(offer_number(w, 10), 0);
	for (uint32_t n = 0; n < 10; n++) { /* asked again, the same */
		uint32_t addr = offer_number(w, n);
		struct client_id client = client_number(n), other = client_number(n + 1);
		assert_true(allocator_may_take(w->net, addr, &client));
		assert_false(allocator_may_take(w->net, addr, &other));
	}
	assert_int_equal(world_audit(w).held, 10);
}

/* ---- whose address it was ---- */

static void returning_client_gets_its_address(void **state)
{
	/* how the client's record ended before it came back */
	static const struct {
		enum lease_state state;
		bool removed;
		int64_t held_s, away_s;
		bool same;
	} rows[] = {
	    {LEASE_BOUND, false, 100, 0, true},        {LEASE_BOUND, false, 100, 200, true},
	    {LEASE_BOUND, true, 100, 0, true},         {LEASE_BOUND, true, 100, 10000, true},
	    {LEASE_RELEASED, false, 10, 0, true},      {LEASE_RELEASED, false, 10, 20, true},
	    {LEASE_RELEASED, true, 10, 100, true},     {LEASE_DECLINED, false, 1000, 10, false},
	    {LEASE_DECLINED, false, 1000, 2000, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct client_id client = client_number(1);
		void *fresh;

		world_setup(&fresh);
		struct world *w = fresh;
		world_configure_pool(w, BASE, BASE + 499);
		world_bind(w, 0, 10000);
		uint32_t addr = world_bind(w, 1, 100);
		if (rows[i].state != LEASE_BOUND)
			world_put(w, &client, addr, rows[i].state, rows[i].held_s);
		if (rows[i].removed)
			lease_remove(w->net, addr, ++w->revision);
		world_pass(w, rows[i].away_s);
		for (uint32_t n = 2; n < 100; n++)
			assert_int_not_equal(world_bind(w, n, 10000), addr);
		assert_int_equal(offer_number(w, 1) == addr, rows[i].same);
		world_audit(w);
		world_teardown(&fresh);
	}
}

static void former_address_is_lost_to_whom_it_passed(void **state)
{
	struct world *w = *state;
	uint32_t addr;

	world_configure_pool(w, BASE, BASE + 1);
	addr = world_bind(w, 1, 10);
	world_bind(w, 2, 1000);
	world_pass(w, 20);
	assert_int_equal(world_bind(w, 3, 10), addr); /* the only one free */
	assert_int_equal(offer_number(w, 1), 0);
	world_pass(w, 20);
	assert_int_equal(offer_number(w, 1), addr);
	assert_int_equal(world_bind(w, 3, 10), 0);
}

static void wanted_address_is_given_when_free(void **state)
{
	struct world *w = *state;
	uint32_t other;

	world_configure_pool(w, BASE, BASE + 299);
	assert_int_equal(offer_wanted(w, 1, BASE + 77), BASE + 77);
	assert_int_not_equal(offer_wanted(w, 2, BASE + 77), BASE + 77);
	other = offer_wanted(w, 3, BASE + 300);
	assert_true(other >= BASE && other < BASE + 300);
	assert_int_equal(offer_wanted(w, 3, BASE + 99), other); /* its offer stands */
	assert_int_equal(offer_wanted(w, 4, UINT32_MAX), offer_wanted(w, 4, 0));
	world_audit(w);
}

static void live_record_outweighs_offer_and_wish(void **state)
{
	struct world *w = *state;
	struct client_id client = client_number(1);
	uint32_t offered;

	world_configure_pool(w, BASE, BASE + 299);
	offered = offer_number(w, 1);
	assert_int_equal(world_put(w, &client, BASE + 200, LEASE_BOUND, 1000), 0);
	assert_int_equal(offer_wanted(w, 1, BASE + 50), BASE + 200);
	assert_true(allocator_may_take(w->net, offered, &client)); /* on offer to nobody now */
	assert_int_equal(world_audit(w).held, 1);
}

/* ---- offers ---- */

static void offer_ends_by_itself(void **state)
{
	struct world *w = *state;
	struct lease_net_counts counts;

	world_configure_pool(w, BASE, BASE);
	assert_int_equal(offer_number(w, 1), BASE);
	world_pass(w, 59);
	assert_int_equal(offer_number(w, 2), 0);
	lease_net_counts(w->net, &counts);
	assert_int_equal(counts.offered, 1);
	assert_int_equal(counts.pool_free, 0);
	world_pass(w, 1);
	lease_net_counts(w->net, &counts);
	assert_int_equal(counts.offered, 0);
	assert_int_equal(counts.pool_free, 1);
	assert_int_equal(offer_number(w, 2), BASE);
}

static void offer_is_renewed_by_asking_again(void **state)
{
	struct world *w = *state;

	world_configure_pool(w, BASE, BASE);
	offer_number(w, 1);
	world_pass(w, 40);
	assert_int_equal(offer_number(w, 1), BASE);
	world_pass(w, 40);
	assert_int_equal(offer_number(w, 2), 0);
	world_pass(w, 20);
	assert_int_equal(offer_number(w, 2), BASE);
}

static void offer_is_ended_on_demand_and_by_a_binding(void **state)
{
	struct world *w = *state;
	struct client_id one = client_number(1), two = client_number(2), long_one;

	world_configure_pool(w, BASE, BASE);
	offer_number(w, 1);
	allocator_offer_end(w->net, &two, hash_of(w, &two)); /* has none */
	allocator_offer_end(w->net, &one, hash_of(w, &one));
	allocator_offer_end(w->net, &one, hash_of(w, &one));
	assert_int_equal(offer_number(w, 2), BASE);
	assert_int_equal(world_put(w, &one, BASE, LEASE_BOUND, 10), 0); /* by another server */
	assert_true(allocator_may_take(w->net, BASE, &one));
	assert_int_equal(offer_number(w, 2), 0);
	world_pass(w, 20);
	long_one = client_of_len(5, 200);
	assert_int_equal(world_offer(w, &long_one), BASE);
	assert_true(allocator_may_take(w->net, BASE, &long_one));
	assert_false(allocator_may_take(w->net, BASE, &one));
	world_audit(w);
}

static void offer_does_not_outlive_its_address(void **state)
{
	struct world *w = *state;
	struct client_id client = client_number(1);

	world_configure_pool(w, BASE, BASE + 3);
	assert_int_equal(offer_number(w, 1), BASE);
	world_configure_pool(w, BASE + 1, BASE + 3);
	assert_false(allocator_may_take(w->net, BASE, &(struct client_id){.len = 1}));
	assert_true(allocator_may_take(w->net, BASE, &client));
	assert_int_not_equal(offer_number(w, 1), BASE);
	world_audit(w);
}

/* ---- records and time ---- */

static void released_address_rests(void **state)
{
	struct world *w = *state;
	struct client_id client = client_number(1);
	uint32_t addr;

	world_configure_pool(w, BASE, BASE);
	addr = world_bind(w, 1, 7200);
	world_put(w, &client, addr, LEASE_RELEASED, 10);
	/* held until latest + 10, which the earliest clock, 1 s behind, has passed 12 s later */
	world_pass(w, 11);
	assert_int_equal(offer_number(w, 2), 0);
	world_pass(w, 1);
	assert_int_equal(offer_number(w, 2), addr);
}

static void declined_address_is_on_probation(void **state)
{
	struct world *w = *state;
	struct client_id client = client_number(1);
	uint32_t addr;

	world_configure_pool(w, BASE, BASE + 1);
	addr = world_bind(w, 1, 100);
	world_put(w, &client, addr, LEASE_DECLINED, 86400);
	assert_int_not_equal(world_bind(w, 1, 200000), addr);
	for (int hour = 0; hour < 24; hour++) {
		assert_int_equal(offer_number(w, 2), 0);
		world_pass(w, 3600);
	}
	assert_int_equal(offer_number(w, 2), 0);
	world_pass(w, 2);
	assert_int_equal(offer_number(w, 2), addr);
}

static void extended_record_stays(void **state)
{
	struct world *w = *state;
	struct client_id client = client_number(1);
	uint32_t addr;

	world_configure_pool(w, BASE, BASE);
	addr = world_bind(w, 1, 100);
	for (int i = 0; i < 20; i++) {
		world_pass(w, 90);
		assert_int_equal(world_put(w, &client, addr, LEASE_BOUND, 100), 0);
		assert_int_equal(offer_number(w, 2), 0);
	}
	world_pass(w, 102);
	assert_int_equal(offer_number(w, 2), addr);
}

static void clock_gone_back_takes_free_addresses_away(void **state)
{
	struct world *w = *state;
	uint32_t addr;

	world_configure_pool(w, BASE, BASE + 1);
	addr = world_bind(w, 1, 100);
	world_bind(w, 2, 100);
	world_pass(w, 102);
	assert_int_equal(world_audit(w).free, 2);
	w->now.earliest_s -= 30; /* a peer with a slow clock has appeared */
	assert_int_equal(offer_number(w, 3), 0);
	assert_int_equal(world_audit(w).free, 0);
	assert_int_equal(offer_wanted(w, 1, 0), addr); /* its own it may have back */
	w->now.earliest_s += 30;
	world_pass(w, 1);
	assert_int_not_equal(offer_number(w, 3), 0);
	world_audit(w);
}

static void busy_address_is_not_free(void **state)
{
	struct world *w = *state;
	struct client_id client = client_number(1);

	world_configure_pool(w, BASE, BASE);
	assert_int_equal(allocator_mark_busy(w->net, BASE, true), 0);
	assert_true(allocator_is_busy(w->net, BASE));
	assert_int_equal(offer_number(w, 1), 0);
	assert_int_equal(world_audit(w).held, 1);
	assert_int_equal(world_put(w, &client, BASE, LEASE_BOUND, 10), 0);
	assert_int_equal(offer_number(w, 1), BASE); /* its own; the next transaction waits anyhow */
	allocator_offer_end(w->net, &client, hash_of(w, &client));
	world_pass(w, 20);
	assert_int_equal(offer_number(w, 2), 0);
	assert_int_equal(allocator_mark_busy(w->net, BASE, false), 0);
	assert_int_equal(offer_number(w, 2), BASE);
	/* of an address that nothing is known of */
	assert_false(allocator_is_busy(w->net, IP(192, 0, 2, 1)));
	assert_int_equal(allocator_mark_busy(w->net, IP(192, 0, 2, 1), false), 0);
	assert_int_equal(allocator_mark_busy(w->net, IP(192, 0, 2, 1), true), 0);
	assert_true(allocator_is_busy(w->net, IP(192, 0, 2, 1)));
}

static void tick_is_bounded(void **state)
{
	enum { N = 5000 };
	struct world *w = *state;
	int calls = 0;
	uint64_t free_before, free_after;

	world_configure_pool(w, BASE, BASE + N - 1);
	for (uint32_t n = 0; n < N; n++)
		world_bind(w, n, 100);
	w->now.earliest_s += 200;
	w->now.latest_s += 200;
	free_before = world_audit(w).free;
	while (allocator_tick(w->table, &w->now)) {
		free_after = world_audit(w).free;
		assert_true(free_after - free_before <= 1000);
		free_before = free_after;
		calls++;
	}
	assert_true(calls >= 4);
	assert_int_equal(world_audit(w).free, N);
}

static void no_network_is_starved(void **state)
{
	struct world *w = *state;
	struct lease_net *nets[3];
	struct lease_net_counts counts;
	uint32_t addr;

	for (int i = 0; i < 3; i++) {
		char name[2] = {(char)('a' + i), 0};
		nets[i] = lease_table_net(w->table, name, 1);
		w->net = nets[i];
		world_configure_pool(w, BASE, BASE + 2999);
		for (uint32_t n = 0; n < 3000; n++) {
			struct client_id client = client_number(n);
			assert_int_equal(offer(w, &client, NULL, 0, 0, &addr), 0);
		}
	}
	w->now.mono_ns += OFFER_NS;
	for (int calls = 0; calls < 3 * (3000 / 512 + 1); calls++)
		allocator_tick(w->table, &w->now);
	for (int i = 0; i < 3; i++) {
		lease_net_counts(nets[i], &counts);
		assert_int_equal(counts.pool_free, 3000);
	}
}

/* ---- expired records ---- */

static void expired_records_are_named_until_deleted(void **state)
{
	struct world *w = *state;
	uint32_t addrs[8], again[8];

	world_configure_pool(w, BASE, BASE + 9);
	for (uint32_t n = 0; n < 5; n++)
		world_bind(w, n, n < 3 ? 10 : 1000);
	assert_int_equal(allocator_expired(w->net, addrs, 8), 0);
	world_pass(w, 20);
	assert_int_equal(allocator_expired(w->net, addrs, 2), 2);
	assert_int_equal(allocator_expired(w->net, addrs + 2, 6), 1);
	assert_int_equal(allocator_expired(w->net, again, 8), 0);
	assert_int_equal(lease_remove(w->net, addrs[0], ++w->revision), 0);
	world_pass(w, 59);
	assert_int_equal(allocator_expired(w->net, again, 8), 0);
	world_pass(w, 65);
	assert_int_equal(allocator_expired(w->net, again, 8), 2);
	for (int i = 0; i < 2; i++)
		assert_int_not_equal(again[i], addrs[0]);
	world_audit(w);
}

static void address_in_use_is_not_named_for_deletion(void **state)
{
	struct world *w = *state;
	uint32_t addrs[8];

	world_configure_pool(w, BASE, BASE + 9);
	for (uint32_t n = 0; n < 4; n++)
		world_bind(w, n, 10);
	world_pass(w, 20);
	assert_int_equal(offer_number(w, 0), BASE);
	assert_int_equal(allocator_mark_busy(w->net, BASE + 1, true), 0);
	struct client_id client = client_number(2);
	assert_int_equal(world_put(w, &client, BASE + 2, LEASE_BOUND, 1000), 0);
	assert_int_equal(allocator_expired(w->net, addrs, 8), 1);
	assert_int_equal(addrs[0], BASE + 3);
	allocator_offer_end(w->net, &client, hash_of(w, &client));
	allocator_mark_busy(w->net, BASE + 1, false);
	world_pass(w, 130);
	assert_int_equal(allocator_expired(w->net, addrs, 8), 3);
}

static void records_outside_all_pools_expire_too(void **state)
{
	struct world *w = *state;
	struct client_id client = client_number(1);
	uint32_t addr;

	assert_int_equal(world_put(w, &client, BASE, LEASE_BOUND, 10), 0);
	world_pass(w, 20);
	assert_int_equal(allocator_expired(w->net, &addr, 1), 1);
	assert_int_equal(addr, BASE);
}

/* ---- several servers ---- */

static const char *const servers[] = {"dhcp-a", "dhcp-b", "dhcp-c"};

static void blocks_are_shared_among_the_live(void **state)
{
	enum { PAGES = 300 };
	uint8_t owners[PAGES] = {0};

	for (size_t s = 0; s < 3; s++) {
		uint32_t own = 0, n = 0, addr;
		uint8_t seen[PAGES] = {0};
		void *fresh;

		world_setup(&fresh);
		struct world *w = fresh;
		assert_int_equal(allocator_set_members(w->table, servers, 3, servers[s]), 0);
		world_configure_pool(w, BASE, BASE + PAGES * 256 - 1);
		while ((addr = world_bind(w, n, 1000)) && n < 60 * 256) {
			own += !seen[(addr - BASE) / 256];
			seen[(addr - BASE) / 256] = 1;
			n++;
		}
		assert_in_range(own, 60, 61);
		for (size_t i = 0; i < PAGES; i++)
			owners[i] = (uint8_t)(owners[i] + seen[i]);
		world_teardown(&fresh);
	}
	for (size_t i = 0; i < PAGES; i++) /* no page was used by two */
		assert_true(owners[i] <= 1);
}

static void peers_blocks_are_used_when_own_ones_are_full(void **state)
{
	struct world *w = *state;

	assert_int_equal(allocator_set_members(w->table, servers, 3, servers[1]), 0);
	site_init(&site);
	site_add_subnet(&site, BASE, BASE + 0xffff);
	site_add_pool(&site, BASE, BASE + 20 * 256 - 1);
	world_configure(w, &site);
	assert_given_exactly_once(w);
}

/* Every page is some live server's, and one that joins or leaves moves no others'. */
static void membership_moves_only_what_it_must(void **state)
{
	enum { PAGES = 600 };
	struct world *w[3];
	uint32_t addr, alone = 0;

	for (size_t s = 0; s < 3; s++) {
		void *fresh;
		world_setup(&fresh);
		w[s] = fresh;
		allocator_set_members(w[s]->table, servers, 3, servers[s]);
		for (uint32_t page = 0; page < PAGES; page++) {
			struct client_id client = client_number(page);
			world_put(w[s], &client, BASE + page * 256, LEASE_BOUND, 10);
		}
		world_pass(w[s], 20);
	}
	uint8_t owner[PAGES];
	memset(owner, 9, sizeof(owner));
	for (size_t s = 0; s < 3; s++)
		while (allocator_expired(w[s]->net, &addr, 1)) {
			assert_int_equal(owner[(addr - BASE) / 256], 9);
			owner[(addr - BASE) / 256] = (uint8_t)s;
		}
	for (size_t i = 0; i < PAGES; i++)
		assert_true(owner[i] < 3);
	/* c leaves: a and b keep theirs and share its pages */
	for (size_t s = 0; s < 2; s++) {
		allocator_set_members(w[s]->table, servers, 2, servers[s]);
		world_pass(w[s], 2000);
		while (allocator_expired(w[s]->net, &addr, 1)) {
			uint8_t was = owner[(addr - BASE) / 256];
			assert_true(was == s || was == 2);
			alone += was == 2;
		}
	}
	assert_true(alone > PAGES / 5 && alone < PAGES / 2);
	for (size_t s = 0; s < 3; s++) {
		void *fresh = w[s];
		world_teardown(&fresh);
	}
}

static void membership_change_keeps_the_queues(void **state)
{
	struct world *w = *state;

	world_configure_pool(w, BASE, BASE + 100 * 256 - 1);
	for (uint32_t n = 0; n < 2000; n++)
		world_bind(w, n, 1000);
	for (size_t n = 0; n <= 3; n++) {
		assert_int_equal(allocator_set_members(w->table, servers, n, servers[0]), 0);
		assert_int_equal(world_audit(w).free, 100 * 256 - 2000);
	}
	assert_int_equal(allocator_set_members(w->table, NULL, 0, NULL), 0);
	for (uint32_t n = 2000; n < 100 * 256; n++)
		assert_int_not_equal(world_bind(w, n, 1000), 0);
	assert_int_equal(offer_number(w, UINT32_MAX), 0);
}

/* ---- subnets ---- */

static void subnet_asked_for_comes_first_then_the_others(void **state)
{
	struct world *w = *state;
	uint32_t addr;

	site_init(&site);
	for (uint32_t i = 0; i < 3; i++) {
		site_add_subnet(&site, BASE + i * 0x10000, BASE + i * 0x10000 + 0xffff);
		site_add_pool(&site, BASE + i * 0x10000 + 10, BASE + i * 0x10000 + 19);
	}
	world_configure(w, &site);
	for (uint32_t n = 0; n < 10; n++) {
		struct client_id client = client_number(n);
		assert_int_equal(offer(w, &client, NULL, 1, 0, &addr), 0);
		assert_int_equal((addr - BASE) >> 16, 1);
	}
	for (uint32_t n = 10; n < 30; n++) {
		struct client_id client = client_number(n);
		assert_int_equal(offer(w, &client, NULL, 1, 0, &addr), 0);
		assert_int_not_equal((addr - BASE) >> 16, 1);
	}
	struct client_id client = client_number(30);
	assert_int_equal(offer(w, &client, NULL, 77, 0, &addr), -ENOSPC); /* an index of old */
}

/* ---- reservations ---- */

static void reserve(struct world *w, uint32_t n, uint32_t addr)
{
	struct lease_reservation all = {.client = client_number(n), .addr = addr};

	assert_int_equal(lease_net_set_reservations(w->net, &all, 1), 0);
}

static int offer_reserved(struct world *w, uint32_t n, uint32_t *addr)
{
	struct client_id client = client_number(n);

	return offer(w, &client, lease_reservation_of(w->net, client.bytes, client.len), 0, 0,
		     addr);
}

static void reserved_address_is_for_its_client_alone(void **state)
{
	struct world *w = *state;
	uint32_t addr;

	world_configure_pool(w, BASE, BASE + 1);
	reserve(w, 7, BASE);
	assert_int_equal(world_audit(w).reserved, 1);
	assert_int_not_equal(offer_wanted(w, 1, BASE), BASE);
	assert_int_equal(offer_number(w, 2), 0);
	assert_int_equal(offer_reserved(w, 7, &addr), 0);
	assert_int_equal(addr, BASE);
	assert_int_equal(offer_reserved(w, 7, &addr), 0);
	world_audit(w);
	reserve(w, 7, IP(192, 0, 2, 1)); /* in no pool */
	assert_int_equal(offer_reserved(w, 7, &addr), 0);
	assert_int_equal(addr, IP(192, 0, 2, 1));
	assert_int_equal(offer_number(w, 2), BASE);
	world_audit(w);
}

static void address_reserved_while_in_use_waits(void **state)
{
	struct world *w = *state;
	uint32_t addr = 0, held;

	world_configure_pool(w, BASE, BASE + 9);
	held = world_bind(w, 1, 100);
	reserve(w, 7, held);
	assert_int_equal(offer_reserved(w, 7, &addr), -EBUSY);
	assert_int_equal(addr, 0);
	assert_int_not_equal(offer_number(w, 7), held); /* without, for the time being */
	assert_int_not_equal(offer_number(w, 1), held); /* the holder is led away from it */
	world_pass(w, 102);
	assert_int_equal(offer_reserved(w, 7, &addr), 0);
	assert_int_equal(addr, held);
	world_audit(w);
}

static void address_reserved_while_on_offer_waits(void **state)
{
	struct world *w = *state;
	uint32_t addr, offered;

	world_configure_pool(w, BASE, BASE + 9);
	offered = offer_number(w, 1);
	reserve(w, 7, offered);
	assert_int_equal(offer_reserved(w, 7, &addr), -EBUSY);
	assert_int_not_equal(offer_number(w, 1), offered);
	assert_int_equal(offer_reserved(w, 7, &addr), 0);
	assert_int_equal(addr, offered);
	world_audit(w);
}

static void reservation_outweighs_the_clients_record(void **state)
{
	struct world *w = *state;
	struct client_id client = client_number(7);
	uint32_t addr, other;

	world_configure_pool(w, BASE, BASE + 9);
	other = world_bind(w, 7, 1000);
	reserve(w, 7, BASE + 9);
	assert_int_equal(offer_reserved(w, 7, &addr), 0);
	assert_int_equal(addr, BASE + 9);
	assert_int_equal(world_put(w, &client, addr, LEASE_BOUND, 1000), 0);
	assert_int_equal(world_find(w, &client), addr);
	assert_int_not_equal(other, addr);
	assert_int_equal(offer_reserved(w, 7, &addr), 0);
	assert_int_equal(addr, BASE + 9);
	lease_net_set_reservations(w->net, NULL, 0);
	world_audit(w);
}

/* ---- configuration ---- */

static void pools_change_under_live_records(void **state)
{
	/* each row reconfigures: one pool of a subnet of its own */
	static const struct {
		uint32_t first, last;
	} rows[] = {
	    {BASE + 10, BASE + 1000},   {BASE + 500, BASE + 600}, {BASE + 500, BASE + 2000},
	    {BASE + 5000, BASE + 5200}, {BASE + 257, BASE + 257}, {BASE, BASE + 9999},
	};
	struct world *w = *state;
	uint32_t n = 0, addr;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t inside;

		site_init(&site);
		site_add_subnet(&site, BASE, BASE + 0xffff);
		site_add_pool(&site, rows[i].first, rows[i].last);
		world_configure(w, &site);
		inside = world_audit(w).held;
		for (int k = 0; k < 60; k++, n++) {
			addr = world_bind(w, n, 100 + k);
			if (!addr)
				break;
			assert_true(in_site(addr));
			inside++;
			assert_int_equal(world_audit(w).held, inside);
		}
		world_pass(w, 30);
	}
	assert_int_equal(allocator_configure(w->net, &site.config, NULL), 0);
	assert_int_equal(offer_number(w, 1000), 0);
	world_pass(w, 1000);
	world_audit(w);
	world_configure(w, &site);
	assert_int_equal(world_audit(w).free, 10000);
}

static void pool_may_move_to_another_subnet(void **state)
{
	struct world *w = *state;
	uint32_t addr;

	site_init(&site);
	site_add_subnet(&site, BASE, BASE + 255);
	site_add_pool(&site, BASE, BASE + 255);
	world_configure(w, &site);
	for (uint32_t n = 0; n < 100; n++)
		world_bind(w, n, 1000);
	site_init(&site);
	site_add_subnet(&site, BASE, BASE + 127);
	site_add_pool(&site, BASE, BASE + 127);
	site_add_subnet(&site, BASE + 128, BASE + 255);
	site_add_pool(&site, BASE + 128, BASE + 255);
	world_configure(w, &site);
	assert_int_equal(world_audit(w).held, 100);
	struct client_id client = client_number(100);
	assert_int_equal(offer(w, &client, NULL, 1, 0, &addr), 0);
	assert_true(addr >= BASE + 128);
	allocator_offer_end(w->net, &client, hash_of(w, &client));
	for (uint32_t n = 100; n < 256; n++)
		assert_int_not_equal(world_bind(w, n, 1000), 0);
	assert_int_equal(offer_number(w, 256), 0);
}

/* A reload does not make addresses that were just freed the first to be taken. */
static void reload_keeps_the_turn_of_freed_addresses(void **state)
{
	struct world *w = *state;

	world_configure_pool(w, BASE, BASE + 255);
	for (uint32_t n = 0; n < 100; n++)
		world_bind(w, n, 1000);
	for (uint32_t i = 0; i < 50; i++)
		lease_remove(w->net, BASE + i, ++w->revision);
	world_configure_pool(w, BASE, BASE + 255);
	for (uint32_t n = 100; n < 256; n++)
		assert_true(world_bind(w, n, 1000) >= BASE + 100);
	assert_true(world_bind(w, 256, 1000) < BASE + 50);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pool_of_any_size_is_given_out_to_the_last),
	    TEST(subnets_that_share_a_page_are_both_given_out),
	    TEST(sixty_four_subnets_in_one_page_are_given_out),
	    TEST(several_ranges_are_given_out),
	    TEST(last_address_of_all_is_given_out),
	    TEST(network_without_pools_has_no_address),
	    TEST(addresses_no_host_can_have_are_left_out),
	    TEST(address_just_freed_comes_last),
	    TEST(freed_addresses_are_taken_in_turn),
	    TEST(nearly_full_pool_takes_no_longer),
	    TEST(two_clients_never_hold_one_address),
	    cmocka_unit_test(returning_client_gets_its_address),
	    TEST(former_address_is_lost_to_whom_it_passed),
	    TEST(wanted_address_is_given_when_free),
	    TEST(live_record_outweighs_offer_and_wish),
	    TEST(offer_ends_by_itself),
	    TEST(offer_is_renewed_by_asking_again),
	    TEST(offer_is_ended_on_demand_and_by_a_binding),
	    TEST(offer_does_not_outlive_its_address),
	    TEST(released_address_rests),
	    TEST(declined_address_is_on_probation),
	    TEST(extended_record_stays),
	    TEST(clock_gone_back_takes_free_addresses_away),
	    TEST(busy_address_is_not_free),
	    TEST(tick_is_bounded),
	    TEST(no_network_is_starved),
	    TEST(expired_records_are_named_until_deleted),
	    TEST(address_in_use_is_not_named_for_deletion),
	    TEST(records_outside_all_pools_expire_too),
	    cmocka_unit_test(blocks_are_shared_among_the_live),
	    TEST(peers_blocks_are_used_when_own_ones_are_full),
	    cmocka_unit_test(membership_moves_only_what_it_must),
	    TEST(membership_change_keeps_the_queues),
	    TEST(subnet_asked_for_comes_first_then_the_others),
	    TEST(reserved_address_is_for_its_client_alone),
	    TEST(address_reserved_while_in_use_waits),
	    TEST(address_reserved_while_on_offer_waits),
	    TEST(reservation_outweighs_the_clients_record),
	    TEST(pools_change_under_live_records),
	    TEST(pool_may_move_to_another_subnet),
	    TEST(reload_keeps_the_turn_of_freed_addresses),
	};

	return cmocka_run_group_tests_name("allocator", tests, reader_setup, reader_teardown);
}
