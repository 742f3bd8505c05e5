/* SPDX-License-Identifier: MIT */
/* Every address of the pools is given out, in turn, whoever shares them and however they change. */
#include "fixture.h"

#include <errno.h>
#include <stdlib.h>

#define BASE IP(10, 0, 0, 0)

static struct site site;

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
	assert_int_equal(world_offer_number(w, UINT32_MAX), 0);
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

	assert_int_equal(world_offer_number(w, 1), 0);
	site_init(&site);
	world_configure(w, &site);
	assert_int_equal(world_offer_number(w, 1), 0);
	site_add_subnet(&site, BASE, BASE + 255);
	world_configure(w, &site);
	assert_int_equal(world_offer_number(w, 1), 0);
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
	assert_int_equal(world_offer_number(w, 9), 0);
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
	assert_int_equal(world_offer_number(w, UINT32_MAX), 0);
	assert_true(allocator_steps(w->net) - before <= 4);
}

static void two_clients_never_hold_one_address(void **state)
{
	struct world *w = *state;

	world_configure_pool(w, BASE, BASE + 9);
	for (uint32_t n = 0; n < 10; n++)
		assert_int_not_equal(world_offer_number(w, n), 0);
	assert_int_equal(world_offer_number(w, 10), 0);
	for (uint32_t n = 0; n < 10; n++) { /* asked again, the same */
		uint32_t addr = world_offer_number(w, n);
		struct client_id client = client_number(n), other = client_number(n + 1);
		assert_true(allocator_may_take(w->net, addr, &client));
		assert_false(allocator_may_take(w->net, addr, &other));
	}
	assert_int_equal(world_audit(w).held, 10);
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
	assert_int_equal(world_offer_number(w, UINT32_MAX), 0);
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
		assert_int_equal(world_ask(w, &client, NULL, 1, 0, &addr), 0);
		assert_int_equal((addr - BASE) >> 16, 1);
	}
	for (uint32_t n = 10; n < 30; n++) {
		struct client_id client = client_number(n);
		assert_int_equal(world_ask(w, &client, NULL, 1, 0, &addr), 0);
		assert_int_not_equal((addr - BASE) >> 16, 1);
	}
	struct client_id client = client_number(30);
	assert_int_equal(world_ask(w, &client, NULL, 77, 0, &addr), -ENOSPC); /* an index of old */
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
	assert_int_equal(world_offer_number(w, 1000), 0);
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
	assert_int_equal(world_ask(w, &client, NULL, 1, 0, &addr), 0);
	assert_true(addr >= BASE + 128);
	allocator_offer_end(w->net, &client, hash_of(w, &client));
	for (uint32_t n = 100; n < 256; n++)
		assert_int_not_equal(world_bind(w, n, 1000), 0);
	assert_int_equal(world_offer_number(w, 256), 0);
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
	    cmocka_unit_test(blocks_are_shared_among_the_live),
	    TEST(peers_blocks_are_used_when_own_ones_are_full),
	    cmocka_unit_test(membership_moves_only_what_it_must),
	    TEST(membership_change_keeps_the_queues),
	    TEST(subnet_asked_for_comes_first_then_the_others),
	    TEST(pools_change_under_live_records),
	    TEST(pool_may_move_to_another_subnet),
	    TEST(reload_keeps_the_turn_of_freed_addresses),
	};

	return cmocka_run_group_tests_name("pools", tests, reader_setup, reader_teardown);
}
