/* SPDX-License-Identifier: MIT */
/* One burst at a time, by hand: what a worker remembers of those who came, and of when its port was empty. */
#include "worker_bed.h"

#include <unistd.h>

/* One burst of one request, and the store's answer to it. */
static void work_off(struct worker_bed *f)
{
	size_t answered = 0;

	arrive(f->port, 0, 1);
	f->worker->now = clock_read(&f->clock);
	burst_run(f->worker, 0);
	store_kick(f->store);
	for (int i = 0; i < 30000 && !answered; i++) {
		usleep(1000);
		answered = answer_run(f->worker);
	}
	assert_int_equal(answered, 1);
}

/* An address that was taken makes room for an offer more, and so does one that another server gave. */
static void test_offers_keep_pace_with_those_who_need_none(void **state)
{
	struct worker_bed *f = *state;

	write_request(f->port, 0, DHCP_DISCOVER, 7, 0, 0);
	work_off(f);
	assert_int_equal(f->worker->pace.settled, 0);
	write_request(f->port, 0, DHCP_REQUEST, 7, 0, FIRST);
	select_server(f->port, 0, SERVER + 1);
	work_off(f);
	assert_int_equal(f->worker->pace.settled, 1);
	write_request(f->port, 0, DHCP_REQUEST, 7, 0, FIRST);
	work_off(f);
	assert_int_equal(f->worker->pace.settled, 2);
}

/* A client that waits for an offer does so no longer when it has found another server. */
static void test_who_selects_another_server_waits_no_longer(void **state)
{
	struct worker_bed *f = *state;
	uint16_t port;

	f->worker->now = clock_read(&f->clock);
	f->worker->pace = (struct pace){.window_ends_ns = UINT64_MAX};
	write_request(f->port, 0, DHCP_DISCOVER, 7, 0, 0);
	arrive(f->port, 0, 1);
	burst_run(f->worker, 0);
	assert_true(lobby_port(f->worker->lobby, f->worker->now.mono_ns, &port));
	write_request(f->port, 0, DHCP_REQUEST, 7, 0, FIRST);
	select_server(f->port, 0, SERVER + 1);
	work_off(f);
	assert_false(lobby_port(f->worker->lobby, f->worker->now.mono_ns, &port));
}

/* Binds FIRST to client 7, and has it released by a frame whose port was last found empty then. */
static uint64_t release_after(struct worker_bed *f, uint64_t emptied_ns)
{
	const counter_t *dropped = &store_counters(f->store)->overtaken;
	uint64_t before = counter_read(dropped), began_ns;

	write_request(f->port, 0, DHCP_REQUEST, 7, 0, FIRST);
	work_off(f);
	f->worker->emptied_ns[0] = emptied_ns;
	write_request(f->port, 0, DHCP_RELEASE, 7, FIRST, 0);
	began_ns = clock_mono_ns();
	work_off(f);
	assert_in_range(f->worker->emptied_ns[0], began_ns, f->worker->now.mono_ns);
	return counter_read(dropped) - before;
}

static enum lease_state state_of_first(const struct worker_bed *f)
{
	struct lease lease;

	lease_read(f->net, FIRST, &lease);
	return lease.state;
}

/*
 * After a stop, or as long as more comes than is read, a RELEASE may be older than what the table shows by
 * now: it counts only if it cannot have lain unread for long.
 */
static void test_old_release_does_not_count(void **state)
{
	struct worker_bed *f = *state;

	assert_int_equal(release_after(f, clock_mono_ns()), 0);
	assert_int_equal(state_of_first(f), LEASE_RELEASED);
	assert_int_equal(release_after(f, clock_mono_ns() - 3600 * NS_PER_S), 1);
	assert_int_equal(state_of_first(f), LEASE_BOUND);
	assert_int_equal(release_after(f, 0), 1); /* never yet */
	assert_int_equal(state_of_first(f), LEASE_BOUND);
}

/* A full burst leaves open what is behind it. */
static void test_port_is_empty_when_a_burst_is_not_full(void **state)
{
	struct worker_bed *f = *state;
	struct worker *worker = f->worker;

	for (size_t n = BURST + 1; n; n--) {
		write_request(f->port, n - 1, DHCP_OFFER, 1, 0, 0); /* refused */
		arrive(f->port, n - 1, 1);
	}
	worker->now.mono_ns = 5;
	assert_int_equal(burst_run(worker, 0), BURST);
	assert_int_equal(worker->emptied_ns[0], 0);
	worker->now.mono_ns = 6;
	assert_int_equal(burst_run(worker, 0), 1);
	assert_int_equal(worker->emptied_ns[0], 6);
	worker->now.mono_ns = 7;
	assert_int_equal(burst_run(worker, 0), 0);
	assert_int_equal(worker->emptied_ns[0], 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_offers_keep_pace_with_those_who_need_none, bed_set_up_by_hand,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(test_who_selects_another_server_waits_no_longer, bed_set_up_by_hand,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(test_old_release_does_not_count, bed_set_up_by_hand,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(test_port_is_empty_when_a_burst_is_not_full, bed_set_up_by_hand,
						bed_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
