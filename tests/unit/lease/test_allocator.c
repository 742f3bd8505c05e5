/* SPDX-License-Identifier: MIT */
/* Which address a client gets, how long it stays its own, and what becomes of it then. */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>

#define BASE IP(10, 0, 0, 0)

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
	    {LEASE_DECLINED, false, 1000, 2000, true}, {LEASE_REVOKED, false, 1000, 10, false},
	    {LEASE_REVOKED, false, 1000, 2000, true},
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
		assert_int_equal(world_offer_number(w, 1) == addr, rows[i].same);
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
	assert_int_equal(world_offer_number(w, 1), 0);
	world_pass(w, 20);
	assert_int_equal(world_offer_number(w, 1), addr);
	assert_int_equal(world_bind(w, 3, 10), 0);
}

static void wanted_address_is_given_when_free(void **state)
{
	struct world *w = *state;
	uint32_t other;

	world_configure_pool(w, BASE, BASE + 299);
	assert_int_equal(world_offer_wanted(w, 1, BASE + 77), BASE + 77);
	assert_int_not_equal(world_offer_wanted(w, 2, BASE + 77), BASE + 77);
	other = world_offer_wanted(w, 3, BASE + 300);
	assert_true(other >= BASE && other < BASE + 300);
	assert_int_equal(world_offer_wanted(w, 3, BASE + 99), other); /* its offer stands */
	assert_int_equal(world_offer_wanted(w, 4, UINT32_MAX), world_offer_wanted(w, 4, 0));
	world_audit(w);
}

static void live_record_outweighs_offer_and_wish(void **state)
{
	struct world *w = *state;
	struct client_id client = client_number(1);
	uint32_t offered;

	world_configure_pool(w, BASE, BASE + 299);
	offered = world_offer_number(w, 1);
	assert_int_equal(world_put(w, &client, BASE + 200, LEASE_BOUND, 1000), 0);
	assert_int_equal(world_offer_wanted(w, 1, BASE + 50), BASE + 200);
	assert_true(allocator_may_take(w->net, offered, &client)); /* on offer to nobody now */
	assert_int_equal(world_audit(w).held, 1);
}

/* ---- offers ---- */

static void offer_ends_by_itself(void **state)
{
	struct world *w = *state;
	struct lease_net_counts counts;

	world_configure_pool(w, BASE, BASE);
	assert_int_equal(world_offer_number(w, 1), BASE);
	world_pass(w, 59);
	assert_int_equal(world_offer_number(w, 2), 0);
	lease_net_counts(w->net, &counts);
	assert_int_equal(counts.offered, 1);
	assert_int_equal(counts.pool_free, 0);
	world_pass(w, 1);
	lease_net_counts(w->net, &counts);
	assert_int_equal(counts.offered, 0);
	assert_int_equal(counts.pool_free, 1);
	assert_int_equal(world_offer_number(w, 2), BASE);
}

static void offer_is_renewed_by_asking_again(void **state)
{
	struct world *w = *state;

	world_configure_pool(w, BASE, BASE);
	world_offer_number(w, 1);
	world_pass(w, 40);
	assert_int_equal(world_offer_number(w, 1), BASE);
	world_pass(w, 40);
	assert_int_equal(world_offer_number(w, 2), 0);
	world_pass(w, 20);
	assert_int_equal(world_offer_number(w, 2), BASE);
}

static void offer_is_ended_on_demand_and_by_a_binding(void **state)
{
	struct world *w = *state;
	struct client_id one = client_number(1), two = client_number(2), long_one;

	world_configure_pool(w, BASE, BASE);
	world_offer_number(w, 1);
	assert_false(allocator_offer_end(w->net, &two, hash_of(w, &two))); /* has none */
	assert_true(allocator_offer_end(w->net, &one, hash_of(w, &one)));
	assert_false(allocator_offer_end(w->net, &one, hash_of(w, &one)));
	assert_int_equal(world_offer_number(w, 2), BASE);
	assert_int_equal(world_put(w, &one, BASE, LEASE_BOUND, 10), 0); /* by another server */
	assert_true(allocator_may_take(w->net, BASE, &one));
	assert_int_equal(world_offer_number(w, 2), 0);
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
	assert_int_equal(world_offer_number(w, 1), BASE);
	world_configure_pool(w, BASE + 1, BASE + 3);
	assert_false(allocator_may_take(w->net, BASE, &(struct client_id){.len = 1}));
	assert_true(allocator_may_take(w->net, BASE, &client));
	assert_int_not_equal(world_offer_number(w, 1), BASE);
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
	assert_int_equal(world_offer_number(w, 2), 0);
	world_pass(w, 1);
	assert_int_equal(world_offer_number(w, 2), addr);
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
		assert_int_equal(world_offer_number(w, 2), 0);
		world_pass(w, 3600);
	}
	assert_int_equal(world_offer_number(w, 2), 0);
	world_pass(w, 2);
	assert_int_equal(world_offer_number(w, 2), addr);
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
		assert_int_equal(world_offer_number(w, 2), 0);
	}
	world_pass(w, 102);
	assert_int_equal(world_offer_number(w, 2), addr);
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
	assert_int_equal(world_offer_number(w, 3), 0);
	assert_int_equal(world_audit(w).free, 0);
	assert_int_equal(world_offer_wanted(w, 1, 0), addr); /* its own it may have back */
	w->now.earliest_s += 30;
	world_pass(w, 1);
	assert_int_not_equal(world_offer_number(w, 3), 0);
	world_audit(w);
}

static void busy_address_is_not_free(void **state)
{
	struct world *w = *state;
	struct client_id client = client_number(1);

	world_configure_pool(w, BASE, BASE);
	assert_int_equal(allocator_mark_busy(w->net, BASE, true), 0);
	assert_true(allocator_is_busy(w->net, BASE));
	assert_int_equal(world_offer_number(w, 1), 0);
	assert_int_equal(world_audit(w).held, 1);
	assert_int_equal(world_put(w, &client, BASE, LEASE_BOUND, 10), 0);
	assert_int_equal(world_offer_number(w, 1),
			 BASE); /* its own; the next transaction waits anyhow */
	allocator_offer_end(w->net, &client, hash_of(w, &client));
	world_pass(w, 20);
	assert_int_equal(world_offer_number(w, 2), 0);
	assert_int_equal(allocator_mark_busy(w->net, BASE, false), 0);
	assert_int_equal(world_offer_number(w, 2), BASE);
	/* of an address that nothing is known of */
	assert_false(allocator_is_busy(w->net, IP(192, 0, 2, 1)));
	assert_int_equal(allocator_mark_busy(w->net, IP(192, 0, 2, 1), false), 0);
	assert_int_equal(allocator_mark_busy(w->net, IP(192, 0, 2, 1), true), 0);
	assert_true(allocator_is_busy(w->net, IP(192, 0, 2, 1)));
}

/* A client that asks again while its REQUEST is being committed is not sent elsewhere. */
static void own_transaction_does_not_take_the_offer_away(void **state)
{
	struct world *w = *state;
	struct client_id client = client_number(1);
	uint32_t addr, other;

	world_configure_pool(w, BASE, BASE + 9);
	addr = world_offer_number(w, 1);
	assert_int_equal(allocator_mark_busy(w->net, addr, true), 0);
	assert_int_equal(world_offer_number(w, 1), addr);
	other = world_offer_wanted(w, 2, addr);
	assert_int_not_equal(other, addr);
	allocator_offer_end(w->net, &client, hash_of(w, &client));
	assert_int_not_equal(world_offer_number(w, 1), addr); /* of unknown outcome: nobody's */
	world_audit(w);
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
			assert_int_equal(world_ask(w, &client, NULL, 0, 0, &addr), 0);
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
	assert_int_equal(world_offer_number(w, 0), BASE);
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

/* Free when it has rested, and yet its record stays until all that was promised has ended. */
static void record_is_named_when_nothing_is_promised_any_more(void **state)
{
	struct world *w = *state;
	struct client_id client = client_number(1);
	struct lease lease = {.addr = BASE, .state = LEASE_RELEASED,
			      .client_len = client.len, .client = client.bytes};
	uint32_t addr;

	world_configure_pool(w, BASE, BASE);
	lease.hold_until_s = w->now.latest_s + 10;
	lease.promised_until_s = w->now.latest_s + 5000;
	lease.revision = ++w->revision;
	assert_int_equal(lease_put(w->net, &lease), 0);
	assert_int_equal(world_offer_number(w, 2), 0);
	world_pass(w, 20);
	assert_int_equal(world_audit(w).free, 1);
	assert_int_equal(allocator_expired(w->net, &addr, 1), 0);
	assert_int_equal(world_offer_number(w, 2), BASE);
	world_pass(w, 4900);
	assert_int_equal(allocator_expired(w->net, &addr, 1), 0);
	world_pass(w, 100);
	assert_int_equal(allocator_expired(w->net, &addr, 1), 1);
	assert_int_equal(addr, BASE);
	world_audit(w);
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

	return world_ask(w, &client, lease_reservation_of(w->net, client.bytes, client.len), 0, 0,
			 addr);
}

static void reserved_address_is_for_its_client_alone(void **state)
{
	struct world *w = *state;
	uint32_t addr;

	world_configure_pool(w, BASE, BASE + 1);
	reserve(w, 7, BASE);
	assert_int_equal(world_audit(w).reserved, 1);
	assert_int_not_equal(world_offer_wanted(w, 1, BASE), BASE);
	assert_int_equal(world_offer_number(w, 2), 0);
	assert_int_equal(offer_reserved(w, 7, &addr), 0);
	assert_int_equal(addr, BASE);
	assert_int_equal(offer_reserved(w, 7, &addr), 0);
	world_audit(w);
	reserve(w, 7, IP(192, 0, 2, 1)); /* in no pool */
	assert_int_equal(offer_reserved(w, 7, &addr), 0);
	assert_int_equal(addr, IP(192, 0, 2, 1));
	assert_int_equal(world_offer_number(w, 2), BASE);
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
	assert_int_not_equal(world_offer_number(w, 7), held); /* without, for the time being */
	assert_int_not_equal(world_offer_number(w, 1), held); /* the holder is led away from it */
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
	offered = world_offer_number(w, 1);
	reserve(w, 7, offered);
	assert_int_equal(offer_reserved(w, 7, &addr), -EBUSY);
	assert_int_not_equal(world_offer_number(w, 1), offered);
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	    TEST(own_transaction_does_not_take_the_offer_away),
	    TEST(tick_is_bounded),
	    TEST(no_network_is_starved),
	    TEST(expired_records_are_named_until_deleted),
	    TEST(address_in_use_is_not_named_for_deletion),
	    TEST(records_outside_all_pools_expire_too),
	    TEST(record_is_named_when_nothing_is_promised_any_more),
	    TEST(reserved_address_is_for_its_client_alone),
	    TEST(address_reserved_while_in_use_waits),
	    TEST(address_reserved_while_on_offer_waits),
	    TEST(reservation_outweighs_the_clients_record),
	};

	return cmocka_run_group_tests_name("allocator", tests, reader_setup, reader_teardown);
}
