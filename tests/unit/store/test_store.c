/* SPDX-License-Identifier: MIT */
/* The store thread over the embedded database, driven as a worker drives it. */
#include "store_bed.h"

#include <stdlib.h>
#include <unistd.h>

static void test_offer_and_bind(void **state)
{
	struct store_bed *f = *state;
	struct ask ask;
	uint32_t addr;
	int64_t now = clock_wall_ns(&f->clock) / (int64_t)NS_PER_S;

	assert_int_equal(bed_ask(f, &ask, ASK_OFFER, 1, 0), ASK_GRANTED);
	addr = ask.addr;
	assert_in_range(addr, FIRST, FIRST + POOL - 1);
	assert_int_equal(bed_ask(f, &ask, ASK_OFFER, 2, 0), ASK_GRANTED);
	assert_int_not_equal(ask.addr, addr);
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, addr), ASK_GRANTED);
	assert_in_range(ask.hold_until_s, now + HOLD, now + HOLD + 5);
}

static void test_on_offer_to_another(void **state)
{
	struct store_bed *f = *state;
	struct ask ask;
	uint32_t addr;

	assert_int_equal(bed_ask(f, &ask, ASK_OFFER, 1, 0), ASK_GRANTED);
	addr = ask.addr;
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 2, addr), ASK_ON_OFFER);
	assert_int_equal(bed_ask(f, &ask, ASK_FORGET, 1, 0), ASK_GRANTED);
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 2, addr), ASK_GRANTED);
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, addr), ASK_DENIED);
}

static void test_life_of_a_binding(void **state)
{
	static const struct bed_step life[] = {
		{ASK_CONFIRM, 1, FIRST, ASK_UNKNOWN_CLIENT},
		{ASK_BIND, 1, FIRST, ASK_GRANTED},
		{ASK_CONFIRM, 1, FIRST, ASK_GRANTED},
		{ASK_CONFIRM, 2, FIRST, ASK_DENIED},
		{ASK_RENEW, 2, FIRST, ASK_DENIED},
		{ASK_EXTEND, 1, FIRST, ASK_GRANTED},
		{ASK_RELEASE, 2, FIRST, ASK_UNKNOWN_CLIENT},
		{ASK_RELEASE, 1, FIRST, ASK_GRANTED},
		{ASK_CONFIRM, 1, FIRST, ASK_DENIED},
		{ASK_BIND, 2, FIRST, ASK_DENIED}, /* it rests */
		{ASK_BIND, 1, FIRST, ASK_GRANTED},
		{ASK_DECLINE, 1, FIRST, ASK_GRANTED},
		{ASK_BIND, 1, FIRST, ASK_DENIED},
	};

	bed_follow(*state, life, ARRAY_SIZE(life));
}

static void test_moving_client_leaves_its_address_held(void **state)
{
	static const struct bed_step move[] = {
		{ASK_BIND, 1, FIRST, ASK_GRANTED},
		{ASK_BIND, 1, FIRST + 1, ASK_GRANTED},
		{ASK_BIND, 2, FIRST, ASK_DENIED},
		{ASK_CONFIRM, 1, FIRST, ASK_DENIED},
		{ASK_CONFIRM, 1, FIRST + 1, ASK_GRANTED},
	};

	bed_follow(*state, move, ARRAY_SIZE(move));
}

/* Its own memory tells where it is: the embedded store keeps no key per client that could. */
static void test_client_elsewhere_is_denied(void **state)
{
	struct store_bed *f = *state;
	struct ask ask;

	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
	assert_int_equal(bed_ask(f, &ask, ASK_CONFIRM, 1, FIRST + 5), ASK_DENIED);
	bed_close(f);
	bed_open(f);
	assert_int_equal(bed_ask(f, &ask, ASK_CONFIRM, 1, FIRST + 5), ASK_DENIED);
	assert_int_equal(bed_ask(f, &ask, ASK_CONFIRM, 2, FIRST + 5), ASK_UNKNOWN_CLIENT);
}

/* Where several servers have one name, a REQUEST is left to the one that offered, until it comes again. */
static void test_offer_made_by_a_peer(void **state)
{
	struct store_bed *f = *state;
	struct ask ask;
	uint32_t addr;

	bed_prepare(f, &ask, ASK_BIND, 1, FIRST + 5);
	ask.own_offers_only = true;
	assert_int_equal(bed_exchange(f, &ask), ASK_NOT_OFFERED);

	assert_int_equal(bed_ask(f, &ask, ASK_OFFER, 1, 0), ASK_GRANTED);
	addr = ask.addr;
	bed_prepare(f, &ask, ASK_BIND, 2, addr); /* on offer, but to somebody else */
	ask.own_offers_only = true;
	assert_int_equal(bed_exchange(f, &ask), ASK_NOT_OFFERED);
	bed_prepare(f, &ask, ASK_BIND, 1, addr);
	ask.own_offers_only = true;
	assert_int_equal(bed_exchange(f, &ask), ASK_GRANTED);

	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 3, FIRST + 5), ASK_GRANTED);
}

/* Offered by two servers of one name: the first to ask has it, the other is told and begins anew. */
static void test_offer_of_a_peer_is_as_good(void **state)
{
	struct store_bed *f = *state;
	struct ask ask;
	uint32_t addr;

	assert_int_equal(bed_ask(f, &ask, ASK_OFFER, 1, 0), ASK_GRANTED);
	addr = ask.addr;
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 2, addr), ASK_ON_OFFER);
	bed_prepare(f, &ask, ASK_BIND, 2, addr);
	ask.peers_offer = true;
	assert_int_equal(bed_exchange(f, &ask), ASK_GRANTED);
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, addr), ASK_DENIED);
	assert_int_equal(bed_ask(f, &ask, ASK_OFFER, 1, addr), ASK_GRANTED);
	assert_int_not_equal(ask.addr, addr);
}

/* One entry for each binding, and what was committed here is not read back. */
static void test_one_entry_per_binding(void **state)
{
	struct store_bed *f = *state;
	struct ask ask;

	for (unsigned who = 1; who <= 10; who++)
		assert_int_equal(bed_ask(f, &ask, ASK_BIND, who, FIRST + who), ASK_GRANTED);
	assert_int_equal(counter_read(&store_counters(f->store)->mirror_events), 0);
	bed_close(f);
	bed_open(f);
	assert_int_equal(counter_read(&store_counters(f->store)->mirror_events), 10);
}

/* ---- clocks of former lives ---- */

/* The mark is the first thing that is written to an empty store. */
static void wait_for_mark(struct store_bed *f)
{
	struct store_view view;

	for (int i = 0; i < 30000; i++) {
		store_view(f->store, &view);
		if (view.kv.revision > 1)
			return;
		usleep(1000);
	}
	fail_msg("the mark was not written");
}

static void reopen_at(struct store_bed *f, int64_t offset_s)
{
	bed_close(f);
	f->offset_s = offset_s;
	bed_open(f);
}

/* Put forward while it was down: by the store's own time nobody's hold is over, by ours it is. In doubt, silence. */
static void test_clock_put_forward_frees_nothing(void **state)
{
	struct store_bed *f = *state;
	struct ask ask;

	wait_for_mark(f);
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
	reopen_at(f, 2 * HOLD);
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 2, FIRST), ASK_UNAVAILABLE);
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
}

/* Put back while it was down: what it would grant would last too long. */
static void test_clock_put_back_serves_nobody(void **state)
{
	struct store_bed *f = *state;
	struct store_membership members;
	struct store_view view;
	struct ask ask;

	wait_for_mark(f);
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
	int64_t hold_s = ask.hold_until_s;
	reopen_at(f, -3600);
	assert_int_equal(bed_ask(f, &ask, ASK_OFFER, 2, 0), ASK_UNAVAILABLE);
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, FIRST), ASK_UNAVAILABLE);
	struct moment now = clock_read(&f->clock);
	assert_int_equal(lease_remaining(hold_s, &now), 0); /* nor from memory */
	store_view(f->store, &view);
	assert_false(view.serving);
	for (int i = 0; i < 30000; i++) { /* shown once a second */
		store_membership(f->store, &members);
		if (members.mark_behind_ns)
			break;
		usleep(1000);
	}
	assert_in_range(members.mark_behind_ns / (int64_t)NS_PER_S, 3000, 3600);
}

/* A little behind it serves, by the store's time. */
static void test_clock_within_the_tolerance_serves(void **state)
{
	struct store_bed *f = *state;
	struct ask ask;

	wait_for_mark(f);
	int64_t before_s = clock_wall_ns(&f->clock) / (int64_t)NS_PER_S;
	reopen_at(f, -3);
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
	assert_true(ask.hold_until_s >= before_s + HOLD - 1);
}

/* Everybody at once: each address exactly once, and nobody beyond the pool. */
static void test_crowd(void **state)
{
	enum { CLIENTS = 1000 };
	struct store_bed *f = *state;
	struct ask *asks = calloc(CLIENTS, sizeof(*asks));
	unsigned granted = 0, used[POOL] = {0};

	for (unsigned i = 0; i < CLIENTS; i++) {
		bed_prepare(f, &asks[i], ASK_OFFER, i + 1, 0);
		bed_submit(f, &asks[i]);
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct ask *answer = bed_answer(f);
		if (answer->op == ASK_OFFER && answer->result == ASK_GRANTED) {
			uint32_t addr = answer->addr;
			unsigned who = load_be32(answer->client.bytes + 3);
			bed_prepare(f, answer, ASK_BIND, who, addr);
			bed_submit(f, answer);
			i--; /* one more answer to come */
		} else if (answer->op == ASK_BIND) {
			assert_int_equal(answer->result, ASK_GRANTED);
			used[answer->addr - FIRST]++;
			granted++;
		} else {
			assert_int_equal(answer->result, ASK_NO_ADDRESS);
		}
	}
	assert_int_equal(granted, POOL);
	for (unsigned i = 0; i < POOL; i++)
		assert_int_equal(used[i], 1);
	free(asks);
}

/* The same request while it is being committed is answered once; another's is put in line. */
static void test_retransmission(void **state)
{
	struct store_bed *f = *state;
	struct ask first, again, other;
	unsigned duplicates = 0;

	bed_prepare(f, &first, ASK_BIND, 1, FIRST);
	bed_prepare(f, &again, ASK_BIND, 1, FIRST);
	bed_prepare(f, &other, ASK_BIND, 2, FIRST);
	assert_true(store_submit(f->store, 0, &first));
	assert_true(store_submit(f->store, 0, &again));
	assert_true(store_submit(f->store, 0, &other));
	store_kick(f->store);
	for (int i = 0; i < 3; i++)
		duplicates += bed_answer(f)->result == ASK_DUPLICATE;
	assert_int_equal(first.result, ASK_GRANTED);
	assert_true(again.result == ASK_DUPLICATE || again.result == ASK_GRANTED);
	assert_int_equal(other.result, ASK_DENIED);
	assert_in_range(duplicates, 0, 1);
}

static void test_restart_keeps_everything(void **state)
{
	struct store_bed *f = *state;
	struct ask ask;

	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 2, FIRST + 1), ASK_GRANTED);
	assert_int_equal(bed_ask(f, &ask, ASK_RELEASE, 2, FIRST + 1), ASK_GRANTED);
	bed_close(f);
	bed_open(f);
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 3, FIRST), ASK_DENIED);
	assert_int_equal(bed_ask(f, &ask, ASK_CONFIRM, 1, FIRST), ASK_GRANTED);
	assert_int_equal(bed_ask(f, &ask, ASK_CONFIRM, 2, FIRST + 1), ASK_DENIED);
}

/* A released address comes back when it has rested, and not before. */
static void test_release_comes_back(void **state)
{
	enum { REST_S = 2 }; /* at least one whole second of that, however the clock stands */
	struct store_bed *f = *state;
	struct ask ask;
	uint64_t released_ns;
	int64_t until_s;

	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
	released_ns = clock_mono_ns();
	assert_int_equal(bed_ask_held(f, ASK_RELEASE, 1, FIRST, REST_S, &until_s), ASK_GRANTED);
	bed_bind_when_free(f, 2, FIRST, HOLD);
	assert_true(clock_mono_ns() - released_ns >= NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_offer_and_bind, bed_set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(test_on_offer_to_another, bed_set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(test_life_of_a_binding, bed_set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(test_moving_client_leaves_its_address_held, bed_set_up,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(test_client_elsewhere_is_denied, bed_set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(test_offer_made_by_a_peer, bed_set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(test_offer_of_a_peer_is_as_good, bed_set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(test_one_entry_per_binding, bed_set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(test_clock_put_forward_frees_nothing, bed_set_up,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(test_clock_put_back_serves_nobody, bed_set_up,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(test_clock_within_the_tolerance_serves, bed_set_up,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(test_crowd, bed_set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(test_retransmission, bed_set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(test_restart_keeps_everything, bed_set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(test_release_comes_back, bed_set_up, bed_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
