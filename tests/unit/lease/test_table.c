/* SPDX-License-Identifier: MIT */
#include "base/rcu.h"
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define ADDR IP(10, 1, 2, 3)

static int put_at(struct world *w, const struct client_id *client, uint32_t addr,
		  enum lease_state state, int64_t revision)
{
	struct lease lease = {
	    .addr = addr,
	    .state = state,
	    .hold_until_s = 5000 + revision,
	    .revision = revision,
	    .client_len = client->len,
	    .client = client->bytes,
	};

	return lease_put(w->net, &lease);
}

static void assert_record(const struct world *w, uint32_t addr, enum lease_state state,
			  const struct client_id *client, int64_t revision)
{
	struct lease lease;

	assert_true(lease_read(w->net, addr, &lease));
	assert_int_equal(lease.addr, addr);
	assert_int_equal(lease.state, state);
	assert_int_equal(lease.revision, revision);
	assert_int_equal(lease.hold_until_s, 5000 + revision);
	assert_true(client_id_equal(client, lease.client, lease.client_len));
}

static void assert_no_record(const struct world *w, uint32_t addr)
{
	struct lease lease = {.revision = 1, .state = LEASE_BOUND};

	assert_false(lease_read(w->net, addr, &lease));
	assert_int_equal(lease.addr, addr);
	assert_int_equal(lease.state, LEASE_NONE);
	assert_int_equal(lease.revision, 0);
	assert_int_equal(lease.client_len, 0);
}

/* ---- networks ---- */

static void networks_are_made_once_and_kept_apart(void **state)
{
	struct world *w = *state;
	struct lease_net *nets[1000];
	char name[32];

	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "net-%d", i);
		nets[i] = lease_table_net(w->table, name, strlen(name));
		assert_non_null(nets[i]);
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "net-%d and more", i);
		assert_ptr_equal(lease_table_net(w->table, name, strlen(name) - 9), nets[i]);
		assert_ptr_equal(lease_table_at(w->table, (size_t)i + 1), nets[i]);
		name[strlen(name) - 9] = '\0';
		assert_string_equal(lease_net_name(nets[i]), name);
	}
	assert_ptr_equal(lease_table_at(w->table, 0), w->net);
	assert_null(lease_table_at(w->table, 1001));

	struct client_id client = client_number(1);
	struct lease lease;
	assert_int_equal(put_at(w, &client, ADDR, LEASE_BOUND, 1), 0);
	assert_false(lease_read(nets[0], ADDR, &lease));
	assert_false(lease_find(nets[0], client.bytes, client.len,
				lease_client_hash(nets[0], client.bytes, client.len), &lease));
}

/* ---- records by revision ---- */

static void record_never_goes_back(void **state)
{
	/* what happens to one address, in order, and what is there afterwards */
	static const struct {
		char what; /* p: put, r: remove */
		int64_t revision;
		int result;
		int64_t then; /* revision of the record, 0: none */
	} rows[] = {
	    {'r', 5, 0, 0},   {'p', 10, 0, 10}, {'p', 10, 1, 10},
	    {'p', 9, 1, 10},  {'p', 11, 0, 11}, {'r', 11, 1, 11},
	    {'r', 10, 1, 11}, {'r', 12, 0, 0},  {'p', 11, 1, 0},
	    {'p', 12, 1, 0},  {'r', 12, 1, 0},  {'r', 13, 0, 0},
	    {'p', 13, 1, 0},  {'p', 14, 0, 14}, {'p', INT64_MAX, 0, INT64_MAX},
	};
	struct world *w = *state;
	struct client_id client = client_number(1);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t revision = rows[i].revision;
		struct lease lease = {.addr = ADDR,
				      .state = LEASE_BOUND,
				      .revision = revision,
				      .client_len = client.len,
				      .client = client.bytes};
		int result = rows[i].what == 'p' ? lease_put(w->net, &lease)
						 : lease_remove(w->net, ADDR, revision);

		assert_int_equal(result, rows[i].result);
		assert_int_equal(lease_read(w->net, ADDR, &lease), rows[i].then != 0);
		assert_int_equal(lease.revision, rows[i].then);
		assert_int_equal(world_find(w, &client), rows[i].then ? ADDR : 0);
		world_audit(w);
	}
}

static void what_cannot_be_a_record_is_refused(void **state)
{
	struct world *w = *state;
	struct client_id client = client_number(1);
	const struct lease good = {.addr = ADDR,
				   .state = LEASE_BOUND,
				   .revision = 1,
				   .client_len = client.len,
				   .client = client.bytes};
	struct lease bad[8];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = good;
	bad[0].addr = 0;
	bad[1].addr = IP(0, 255, 255, 255);
	bad[2].state = LEASE_NONE;
	bad[3].state = LEASE_STATE_COUNT;
	bad[4].revision = 0;
	bad[5].revision = -1;
	bad[6].client_len = 0;
	bad[7].client_len = CLIENT_ID_MAX + 1;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(lease_put(w->net, &bad[i]), -EINVAL);
	assert_int_equal(lease_put(w->net, &good), 0);
}

static void addresses_at_the_ends_have_records(void **state)
{
	static const uint32_t addrs[] = {
	    IP(1, 0, 0, 0),  IP(9, 255, 255, 255),  IP(10, 0, 0, 0), IP(10, 0, 0, 255),
	    IP(10, 0, 1, 0), IP(10, 255, 255, 255), UINT32_MAX};
	struct world *w = *state;

	for (uint32_t i = 0; i < ARRAY_SIZE(addrs); i++) {
		struct client_id client = client_number(i);
		assert_no_record(w, addrs[i]);
		lease_prefetch_page(w->net, addrs[i]);
		lease_prefetch_slot(w->net, addrs[i]);
		assert_int_equal(put_at(w, &client, addrs[i], LEASE_BOUND, i + 1), 0);
	}
	for (uint32_t i = 0; i < ARRAY_SIZE(addrs); i++) {
		struct client_id client = client_number(i);
		lease_prefetch_page(w->net, addrs[i]);
		lease_prefetch_slot(w->net, addrs[i]);
		lease_prefetch_client(w->net, hash_of(w, &client));
		assert_record(w, addrs[i], LEASE_BOUND, &client, i + 1);
		assert_int_equal(world_find(w, &client), addrs[i]);
	}
	world_audit(w);
}

static void identifiers_of_all_lengths_are_kept(void **state)
{
	static const uint16_t lens[] = {5, 7, 8, 39, 40, 41, 48, 255, 256};
	struct world *w = *state;

	/* each length takes the place of each other one at the same address */
	for (size_t a = 0; a < ARRAY_SIZE(lens); a++)
		for (size_t b = 0; b < ARRAY_SIZE(lens); b++) {
			struct client_id first = client_of_len(1, lens[a]);
			struct client_id second = client_of_len(2, lens[b]);

			assert_int_equal(put_at(w, &first, ADDR, LEASE_BOUND, ++w->revision), 0);
			assert_record(w, ADDR, LEASE_BOUND, &first, w->revision);
			assert_int_equal(world_find(w, &first), ADDR);
			assert_int_equal(put_at(w, &second, ADDR, LEASE_BOUND, ++w->revision), 0);
			assert_record(w, ADDR, LEASE_BOUND, &second, w->revision);
			assert_int_equal(world_find(w, &first), 0);
			assert_int_equal(world_find(w, &second), ADDR);
			assert_int_equal(put_at(w, &second, ADDR, LEASE_RELEASED, ++w->revision),
					 0);
			assert_record(w, ADDR, LEASE_RELEASED, &second, w->revision);
			world_audit(w);
		}
}

static void identifier_may_be_read_and_put_back(void **state)
{
	struct world *w = *state;

	for (uint16_t len = 39; len < 43; len++) {
		struct client_id client = client_of_len(len, len);
		struct lease lease;

		assert_int_equal(put_at(w, &client, ADDR, LEASE_BOUND, ++w->revision), 0);
		assert_true(lease_read(w->net, ADDR, &lease));
		lease.revision = ++w->revision;
		lease.hold_until_s = 5000 + lease.revision;
		assert_int_equal(lease_put(w->net, &lease), 0);
		assert_record(w, ADDR, LEASE_BOUND, &client, w->revision);
		lease.addr = ADDR + 1;
		assert_int_equal(lease_put(w->net, &lease), 0);
		assert_record(w, ADDR + 1, LEASE_BOUND, &client, w->revision);
	}
}

/* ---- the client index ---- */

static void client_is_led_to_the_record_that_says_most(void **state)
{
	enum { A = ADDR, B = ADDR + 300 };
	/* the client's records at two addresses, put in this order, and where it is found */
	static const struct {
		enum lease_state first;
		int64_t first_revision;
		enum lease_state second;
		int64_t second_revision;
		uint32_t found;
	} rows[] = {
	    {LEASE_BOUND, 5, LEASE_BOUND, 9, B},       {LEASE_BOUND, 9, LEASE_BOUND, 5, A},
	    {LEASE_DECLINED, 9, LEASE_BOUND, 5, B},    {LEASE_BOUND, 5, LEASE_DECLINED, 9, A},
	    {LEASE_RELEASED, 5, LEASE_BOUND, 9, B},    {LEASE_BOUND, 5, LEASE_RELEASED, 9, A},
	    {LEASE_RELEASED, 5, LEASE_DECLINED, 9, B}, {LEASE_DECLINED, 9, LEASE_RELEASED, 5, A},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		void *fresh;
		struct client_id client = client_number(1);

		world_setup(&fresh);
		struct world *w = fresh;
		put_at(w, &client, A, rows[i].first, rows[i].first_revision);
		put_at(w, &client, B, rows[i].second, rows[i].second_revision);
		assert_int_equal(world_find(w, &client), rows[i].found);
		world_audit(w);
		world_teardown(&fresh);
	}
}

static void client_moves_with_its_binding(void **state)
{
	struct world *w = *state;
	struct client_id x = client_number(1), y = client_number(2);

	put_at(w, &x, ADDR, LEASE_BOUND, 1);
	put_at(w, &x, ADDR + 1, LEASE_BOUND, 2);
	assert_int_equal(world_find(w, &x), ADDR + 1);
	put_at(w, &y, ADDR, LEASE_BOUND, 3); /* passes on what x left: x stays where it is */
	assert_int_equal(world_find(w, &x), ADDR + 1);
	assert_int_equal(world_find(w, &y), ADDR);
	put_at(w, &x, ADDR, LEASE_BOUND, 4);
	assert_int_equal(world_find(w, &x), ADDR);
	assert_int_equal(world_find(w, &y), 0);
	world_audit(w);
}

static void index_grows_and_forgets(void **state)
{
	enum { N = 50000 };
	struct world *w = *state;

	for (uint32_t i = 0; i < N; i++) {
		struct client_id client = client_number(i);
		assert_int_equal(put_at(w, &client, ADDR + i, LEASE_BOUND, ++w->revision), 0);
	}
	for (uint32_t round = 1; round < 4; round++) /* every address passes on */
		for (uint32_t i = 0; i < N; i++) {
			struct client_id client = client_number(round * N + i);
			put_at(w, &client, ADDR + i, LEASE_BOUND, ++w->revision);
		}
	for (uint32_t i = 0; i < 4 * N; i++) {
		struct client_id client = client_number(i);
		assert_int_equal(world_find(w, &client), i < 3 * N ? 0 : ADDR + i - 3 * N);
	}
	world_audit(w);
}

/* ---- counts ---- */

static void counts_follow_the_records(void **state)
{
	struct world *w = *state;
	struct lease_net_counts counts;

	for (uint32_t i = 0; i < 10; i++) {
		struct client_id client = client_number(i);
		world_put(w, &client, ADDR + i, LEASE_BOUND, 100);
		if (i < 3)
			world_put(w, &client, ADDR + i, LEASE_RELEASED, 100);
		if (i == 3)
			world_put(w, &client, ADDR + i, LEASE_DECLINED, 100);
	}
	lease_remove(w->net, ADDR + 9, ++w->revision);
	lease_remove(w->net, ADDR + 9, ++w->revision);
	lease_net_counts(w->net, &counts);
	assert_int_equal(counts.records, 9);
	assert_int_equal(counts.bound, 5);
	assert_int_equal(counts.released, 3);
	assert_int_equal(counts.declined, 1);
	assert_int_equal(lease_table_records(w->table), 9);
}

/* A million leases of 7-byte identifiers in one pool: the promise is 110 bytes each. */
static void memory_per_lease_is_bounded(void **state)
{
	enum { N = 200000 };
	struct world *w = *state;

	world_configure_pool(w, IP(10, 0, 0, 0), IP(10, 0, 0, 0) + N - 1);
	for (uint32_t i = 0; i < N; i++) {
		struct client_id client = client_number(i);
		assert_int_equal(world_put(w, &client, IP(10, 0, 0, 0) + i, LEASE_BOUND, 9), 0);
	}
	assert_true(lease_table_memory(w->table) / N <= 110);
	assert_true(lease_table_memory(w->table) / N >= 64);
}

/* ---- full loads ---- */

static void load_removes_what_it_did_not_bring(void **state)
{
	struct world *w = *state;
	struct client_id client[6];

	for (uint32_t i = 0; i < 6; i++)
		client[i] = client_number(i);
	for (uint32_t i = 0; i < 5; i++)
		put_at(w, &client[i], ADDR + i * 300, LEASE_BOUND, 10 + i);
	lease_table_begin_load(w->table);
	put_at(w, &client[0], ADDR, LEASE_BOUND, 10);           /* unchanged */
	put_at(w, &client[1], ADDR + 300, LEASE_BOUND, 20);     /* changed meanwhile */
	put_at(w, &client[5], ADDR + 5 * 300, LEASE_BOUND, 21); /* new */
	put_at(w, &client[4], ADDR + 4 * 300, LEASE_BOUND, 40); /* own commit after the load */
	assert_int_equal(lease_table_end_load(w->table, 30), 2);
	assert_record(w, ADDR, LEASE_BOUND, &client[0], 10);
	assert_record(w, ADDR + 300, LEASE_BOUND, &client[1], 20);
	assert_no_record(w, ADDR + 2 * 300);
	assert_no_record(w, ADDR + 3 * 300);
	assert_record(w, ADDR + 4 * 300, LEASE_BOUND, &client[4], 40);
	assert_record(w, ADDR + 5 * 300, LEASE_BOUND, &client[5], 21);
	assert_int_equal(put_at(w, &client[2], ADDR + 2 * 300, LEASE_BOUND, 29), 1);
	assert_int_equal(put_at(w, &client[2], ADDR + 2 * 300, LEASE_BOUND, 31), 0);
	lease_table_begin_load(w->table);
	assert_int_equal(lease_table_end_load(w->table, 100), 5);
	assert_int_equal(lease_table_records(w->table), 0);
	world_audit(w);
}

static void commit_newer_than_the_load_outlives_it(void **state)
{
	struct world *w = *state;
	struct client_id client = client_number(1);

	put_at(w, &client, ADDR, LEASE_BOUND, 50);
	lease_table_begin_load(w->table);
	assert_int_equal(lease_table_end_load(w->table, 49), 0);
	assert_record(w, ADDR, LEASE_BOUND, &client, 50);
}

/* What need not be decoded counts as put, and a deleted record's revision is none of a record's. */
static void what_is_as_new_is_had(void **state)
{
	struct world *w = *state;
	struct client_id client = client_number(1);

	assert_false(lease_has(w->net, ADDR, 1));
	put_at(w, &client, ADDR, LEASE_BOUND, 50);
	assert_false(lease_has(w->net, ADDR + 1, 1));
	assert_false(lease_has(w->net, ADDR, 51));
	assert_true(lease_has(w->net, ADDR, 49));
	lease_table_begin_load(w->table);
	assert_true(lease_has(w->net, ADDR, 50));
	assert_int_equal(lease_table_end_load(w->table, 60), 0);
	assert_record(w, ADDR, LEASE_BOUND, &client, 50);
	lease_remove(w->net, ADDR, 70);
	assert_false(lease_has(w->net, ADDR, 60));
}

/* ---- reservations ---- */

static void reservations_are_found_both_ways(void **state)
{
	enum { N = 3000 };
	struct world *w = *state;
	struct lease_reservation *all = calloc(N, sizeof(*all));

	assert_false(lease_net_has_reservations(w->net));
	assert_null(lease_reservation_at(w->net, ADDR));
	for (uint32_t i = 0; i < N; i++) {
		all[i].client = client_of_len(i, (uint16_t)(5 + i % 252));
		all[i].addr = ADDR + i;
	}
	assert_int_equal(lease_net_set_reservations(w->net, all, N), 0);
	assert_true(lease_net_has_reservations(w->net));
	for (uint32_t i = 0; i < N; i++) {
		const struct lease_reservation *r =
		    lease_reservation_of(w->net, all[i].client.bytes, all[i].client.len);
		assert_non_null(r);
		assert_int_equal(r->addr, ADDR + i);
		assert_ptr_equal(lease_reservation_at(w->net, ADDR + i), r);
	}
	assert_null(lease_reservation_at(w->net, ADDR + N));
	assert_null(lease_reservation_of(w->net, all[7].client.bytes, all[7].client.len - 1u));
	assert_int_equal(lease_net_set_reservations(w->net, all, 1), 0);
	assert_non_null(lease_reservation_at(w->net, ADDR));
	assert_null(lease_reservation_at(w->net, ADDR + 1));
	assert_int_equal(lease_net_set_reservations(w->net, NULL, 0), 0);
	assert_false(lease_net_has_reservations(w->net));
	free(all);
}

static void first_of_two_reservations_counts(void **state)
{
	struct world *w = *state;
	struct lease_reservation all[] = {
	    {.client = client_number(1), .addr = ADDR},
	    {.client = client_number(1), .addr = ADDR + 1},
	    {.client = client_number(2), .addr = ADDR},
	};

	assert_int_equal(lease_net_set_reservations(w->net, all, ARRAY_SIZE(all)), 0);
	assert_int_equal(lease_reservation_of(w->net, all[0].client.bytes, 7)->addr, ADDR);
	assert_true(
	    client_id_equal(&lease_reservation_at(w->net, ADDR)->client, all[0].client.bytes, 7));
}

static void table_of_nothing_is_freed(void **state)
{
	lease_table_free(NULL);
	lease_table_free(lease_table_new());
}

/* ---- what a renewal asks ---- */

static bool bound(const struct world *w, const struct client_id *client, int64_t *hold_until_s)
{
	return lease_is_bound_to(w->net, ADDR, client, hold_until_s);
}

static void binding_is_told_for_identifiers_of_all_lengths(void **state)
{
	struct world *w = *state;
	int64_t hold_until_s;

	for (uint16_t len = 5; len <= CLIENT_ID_MAX; len++) {
		struct client_id client = client_of_len(len, len), other;
		assert_int_equal(world_put(w, &client, ADDR, LEASE_BOUND, len), 0);
		assert_true(bound(w, &client, &hold_until_s));
		assert_int_equal(hold_until_s, w->now.latest_s + len);

		other = client; /* differs in its last byte */
		other.bytes[len - 1] ^= 0x80;
		assert_false(bound(w, &other, &hold_until_s));
		other = client; /* what comes behind an identifier is not part of it */
		memset(other.bytes + len, 0xff, CLIENT_ID_MAX - len);
		assert_true(bound(w, &other, &hold_until_s));
		other = client; /* shorter by one */
		other.len--;
		assert_false(bound(w, &other, &hold_until_s));
		rcu_quiescent();
	}
}

static void only_a_binding_is_one(void **state)
{
	static const enum lease_state others[] = {LEASE_RELEASED, LEASE_DECLINED};
	struct world *w = *state;
	struct client_id client = client_number(1);
	int64_t hold_until_s;

	assert_false(bound(w, &client, &hold_until_s)); /* no page */
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		assert_int_equal(world_put(w, &client, ADDR, LEASE_BOUND, 60), 0);
		assert_true(bound(w, &client, &hold_until_s));
		assert_int_equal(world_put(w, &client, ADDR, others[i], 60), 0);
		assert_false(bound(w, &client, &hold_until_s));
	}
	assert_int_equal(world_put(w, &client, ADDR, LEASE_BOUND, 60), 0);
	assert_int_equal(lease_remove(w->net, ADDR, ++w->revision), 0);
	assert_false(bound(w, &client, &hold_until_s));
}

/* ---- both times of a record, in one word ---- */

#define FOR_EVER ((INT64_C(1) << 34) - 1)
#define MORE	 ((INT64_C(1) << 30) - 1) /* as much longer as a promise can be than the hold */

static const struct {
	int64_t put_hold, put_promised, hold, promised;
} times[] = {
    {5000, 0, 5000, 5000},
    {5000, 4999, 5000, 5000},
    {5000, 5000, 5000, 5000},
    {5000, 5001, 5000, 5001},
    {0, 0, 0, 0},
    {0, 1, 0, 1},
    {-7, -9, 0, 0},
    {-7, 300, 0, 300},
    {FOR_EVER - 1, FOR_EVER, FOR_EVER - 1, FOR_EVER},
    {FOR_EVER + 1, 0, FOR_EVER, FOR_EVER},
    {INT64_MAX, INT64_MAX, FOR_EVER, FOR_EVER},
    {1000, 1000 + MORE, 1000, 1000 + MORE},
    /* The hold is made longer where the rest would not fit. */
    {1000, 1001 + MORE, 1001, 1001 + MORE},
    {1000, INT64_MAX, FOR_EVER - MORE, FOR_EVER},
};

static void promise_is_kept_beside_the_hold(void **state)
{
	struct world *w = *state;
	struct client_id client = client_number(1);
	struct lease lease = {.addr = ADDR, .state = LEASE_RELEASED, .client_len = client.len,
			      .client = client.bytes}, read;

	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		lease.hold_until_s = times[i].put_hold;
		lease.promised_until_s = times[i].put_promised;
		for (int again = 0; again < 2; again++) { /* and stays so */
			lease.revision = ++w->revision;
			assert_int_equal(lease_put(w->net, &lease), 0);
			assert_true(lease_read(w->net, ADDR, &read));
			assert_int_equal(read.hold_until_s, times[i].hold);
			assert_int_equal(read.promised_until_s, times[i].promised);
			lease.hold_until_s = read.hold_until_s;
			lease.promised_until_s = read.promised_until_s;
		}
	}
	assert_int_equal(lease_remove(w->net, ADDR, ++w->revision), 0);
	assert_false(lease_read(w->net, ADDR, &read));
	assert_int_equal(read.promised_until_s, 0);
}

/* The grant of a renewal is computed from the hold alone. */
static void renewal_sees_the_hold_alone(void **state)
{
	struct world *w = *state;

	for (uint16_t len = 7; len <= 70; len += 63) {
		struct client_id client = client_of_len(1, len);
		struct lease lease = {.addr = ADDR, .state = LEASE_BOUND, .hold_until_s = 5000,
				      .promised_until_s = 90000, .revision = ++w->revision,
				      .client_len = client.len, .client = client.bytes};
		int64_t hold_until_s;

		assert_int_equal(lease_put(w->net, &lease), 0);
		assert_true(bound(w, &client, &hold_until_s));
		assert_int_equal(hold_until_s, 5000);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(networks_are_made_once_and_kept_apart),
	    TEST(record_never_goes_back),
	    TEST(what_cannot_be_a_record_is_refused),
	    TEST(addresses_at_the_ends_have_records),
	    TEST(identifiers_of_all_lengths_are_kept),
	    TEST(identifier_may_be_read_and_put_back),
	    TEST(binding_is_told_for_identifiers_of_all_lengths),
	    TEST(only_a_binding_is_one),
	    TEST(promise_is_kept_beside_the_hold),
	    TEST(renewal_sees_the_hold_alone),
	    cmocka_unit_test(client_is_led_to_the_record_that_says_most),
	    TEST(client_moves_with_its_binding),
	    TEST(index_grows_and_forgets),
	    TEST(counts_follow_the_records),
	    TEST(memory_per_lease_is_bounded),
	    TEST(load_removes_what_it_did_not_bring),
	    TEST(commit_newer_than_the_load_outlives_it),
	    TEST(what_is_as_new_is_had),
	    TEST(reservations_are_found_both_ways),
	    TEST(first_of_two_reservations_counts),
	    cmocka_unit_test(table_of_nothing_is_freed),
	};

	return cmocka_run_group_tests_name("table", tests, reader_setup, reader_teardown);
}
