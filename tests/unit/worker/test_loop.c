/* SPDX-License-Identifier: MIT */
/* A worker at its work: what a client asks is answered, up to the end, and what is refused is counted. */
#include "worker_bed.h"

static void test_discover_to_renewal(void **state)
{
	struct worker_bed *f = *state;
	struct memory_port *p = f->port;
	uint32_t addr;

	write_request(p, 0, DHCP_DISCOVER, 1, 0, 0);
	handle_one(p, 0);
	addr = be32toh(last_reply(p)->yiaddr);
	assert_in_range(addr, FIRST, FIRST + 199);
	write_request(p, 1, DHCP_REQUEST, 1, 0, addr);
	handle_one(p, 1);
	assert_int_equal(be32toh(last_reply(p)->yiaddr), addr);
	write_request(p, 2, DHCP_REQUEST, 1, addr, 0);
	handle_one(p, 2);
	assert_int_equal(be32toh(last_reply(p)->ciaddr), addr);
	assert_int_equal(counter_read(&worker_counters(f->worker)->replies[DHCP_ACK]), 2);
	assert_int_equal(p->dropped, 0);
	check_accounts(p);
}

/* What is left of a hold is counted from after the request came, however long the process was stopped before. */
static void test_grant_is_counted_from_the_receiving(void **state)
{
	enum { LEASE = 300, MARGIN = 5 };
	struct worker_bed *f = *state;
	struct memory_port *p = f->port;
	uint32_t granted_s;
	int64_t hold_until_s;

	write_request(p, 0, DHCP_REQUEST, 1, 0, FIRST);
	add_lease_time(p, 0, 0, LEASE);
	handle_one(p, 0);
	hold_until_s = wall_s() + 2 * LEASE + MARGIN; /* at the most */
	write_request(p, 1, DHCP_REQUEST, 1, FIRST, 0);
	add_lease_time(p, 1, FIRST, 2000);
	atomic_store(&p->held_up_s, 2 * MARGIN);
	handle_one(p, 1);
	granted_s = last_lease_time(p);
	assert_in_range(granted_s, LEASE, 2 * LEASE + MARGIN);
	assert_true(atomic_load(&p->received_s) + granted_s <= hold_until_s);
}

static void test_refused_frames_are_counted(void **state)
{
	struct worker_bed *f = *state;
	struct memory_port *p = f->port;
	const struct worker_counters *counters = worker_counters(f->worker);

	write_request(p, 0, DHCP_DISCOVER, 1, 0, 0);
	p->len[0] = 60; /* cut off */
	write_request(p, 1, DHCP_OFFER, 1, 0, 0);
	write_request(p, 2, DHCP_INFORM, 1, 0, 0);
	arrive(p, 0, 3);
	wait_home(p, 3);
	assert_int_equal(p->sent, 0);
	assert_int_equal(counter_read(&counters->frames_refused[STEER_LENGTH]), 1);
	assert_int_equal(counter_read(&counters->messages_refused[DHCP_REJECT_TYPE]), 1);
	assert_int_equal(counter_read(&counters->drops[SERVER_DROP_NO_ADDRESS_GIVEN]), 1);
	check_accounts(p);
}

/* What was received before the end is answered: the store's answers are waited for. */
static void test_stop_answers_what_was_received(void **state)
{
	enum { REQUESTS = PENDING * 3 / 4 }; /* as many as there is room for */
	struct worker_bed *f = *state;
	struct memory_port *p = f->port;

	for (size_t i = 0; i < REQUESTS; i++)
		write_request(p, i, DHCP_REQUEST, 1 + (uint32_t)i, 0, FIRST + (uint32_t)i);
	arrive(p, 0, REQUESTS);
	worker_stop(f->worker);
	worker_join(f->worker);
	assert_int_equal(p->sent, REQUESTS);
	assert_int_equal(counter_read(&worker_counters(f->worker)->replies[DHCP_ACK]), REQUESTS);
	check_accounts(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_discover_to_renewal, bed_set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(test_grant_is_counted_from_the_receiving, bed_set_up,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(test_refused_frames_are_counted, bed_set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(test_stop_answers_what_was_received, bed_set_up, bed_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
