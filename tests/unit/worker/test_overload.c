/* SPDX-License-Identifier: MIT */
/* More comes than there is room for: who waits, who is dropped, and what room is kept for whom. */
#include "worker_bed.h"

/* More than may wait for the store: each is answered, or dropped and counted. */
static void test_bound_on_waiting(void **state)
{
	struct worker_bed *f = *state;
	struct memory_port *p = f->port;
	const struct worker_counters *counters = worker_counters(f->worker);

	for (size_t i = 0; i < FRAMES; i++)
		write_request(p, i, DHCP_DISCOVER, 100 + (uint32_t)i, 0, 0);
	arrive(p, 0, FRAMES);
	wait_home(p, FRAMES);
	assert_int_equal(p->sent + p->dropped, FRAMES);
	assert_int_equal(p->sent, counter_read(&counters->replies[DHCP_OFFER]));
	assert_int_equal(p->dropped, counter_read(&counters->drops[SERVER_DROP_OVERLOAD]) +
					     counter_read(&counters->drops[SERVER_DROP_POOL_EMPTY]));
	assert_true(p->sent > 0);
	check_accounts(p);
}

/* Where frames can be had for it, nobody is dropped: all are offered an address, each once. */
static void test_crowd_waits_its_turn(void **state)
{
	enum { CROWD = 150 };
	struct worker_bed *f = *state;
	struct memory_port *p = f->port;
	const struct worker_counters *counters = worker_counters(f->worker);

	for (size_t i = 0; i < CROWD; i++)
		write_request(p, i, DHCP_DISCOVER, 100 + (uint32_t)i, 0, 0);
	arrive(p, 0, CROWD);
	wait_for_frames(p, CROWD, CROWD);
	assert_int_equal(p->sent, CROWD);
	assert_int_equal(counter_read(&counters->replies[DHCP_OFFER]), CROWD);
	assert_int_equal(counter_read(&counters->requests[DHCP_DISCOVER]), CROWD);
	assert_int_equal(counter_read(&counters->drops[SERVER_DROP_OVERLOAD]), 0);
	assert_true(counter_read(&counters->deferred) > 0);
	check_accounts(p);
}

/* DISCOVERs go first, then what follows on an offer; whoever has an address comes last. */
static void test_newcomers_are_shed_first(void **state)
{
	enum { MAX = 80 };
	static const struct {
		enum ask_op op;
		unsigned most;
	} cases[] = {
		{ASK_REVOKE, 0}, /* no worker's */
		{ASK_OFFER, 40},   {ASK_FORGET, 40},  {ASK_BIND, 60},	 {ASK_EXTEND, 70},
		{ASK_RELEASE, 70}, {ASK_DECLINE, 70}, {ASK_CONFIRM, 80}, {ASK_RENEW, 80},
	};
	struct exchanges exchanges = {0};
	unsigned taken = 0;

	assert_int_equal(ARRAY_SIZE(cases), ASK_OP_COUNT);
	assert_int_equal(exchanges_init(&exchanges, MAX), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		while (exchange_take(&exchanges, cases[i].op))
			taken++;
		assert_int_equal(taken, cases[i].most);
	}
	exchange_give_back(&exchanges, &exchanges.all[0]);
	assert_null(exchange_take(&exchanges, ASK_OFFER));
	assert_non_null(exchange_take(&exchanges, ASK_RENEW));
	exchanges_fini(&exchanges);
}

/* After an outage every renewal asks for an extension: newcomers find room all the same. */
static void test_extensions_leave_room(void **state)
{
	enum { MAX = 80 };
	struct exchanges exchanges = {0};
	struct exchange *first;
	unsigned extensions = 1, offers = 0;

	assert_int_equal(exchanges_init(&exchanges, MAX), 0);
	first = exchange_take(&exchanges, ASK_EXTEND);
	while (exchange_take(&exchanges, ASK_EXTEND))
		extensions++;
	while (exchange_take(&exchanges, ASK_OFFER))
		offers++;
	assert_int_equal(extensions, 20);
	assert_int_equal(offers, 20);
	exchange_give_back(&exchanges, first);
	assert_non_null(exchange_take(&exchanges, ASK_EXTEND));
	assert_null(exchange_take(&exchanges, ASK_EXTEND));
	exchanges_fini(&exchanges);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bound_on_waiting, bed_set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(test_crowd_waits_its_turn, bed_set_up_lending, bed_tear_down),
		cmocka_unit_test(test_newcomers_are_shed_first),
		cmocka_unit_test(test_extensions_leave_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
