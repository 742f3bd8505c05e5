/* SPDX-License-Identifier: MIT */
/* Clients that are a peer's: they are left to it, but not for ever. */
#include "worker_bed.h"

#include <unistd.h>

/* The peer has every client. */
static const struct share none = {.n_members = 2};

/*
 * The next frame finds the work shared like that. One that comes at once may be received in a round that has begun
 * before, with the former share: a frame that is refused goes first and takes that place.
 */
static void share_is(struct worker_bed *f, const struct share *share)
{
	atomic_store(&f->share.now, share);
	write_request(f->port, 3, DHCP_OFFER, 1, 0, 0);
	handle_one(f->port, 3);
}

static void assert_all_dropped_are_left_to_others(const struct worker_bed *f)
{
	const struct worker_counters *counters = worker_counters(f->worker);

	assert_int_equal(f->port->dropped, counter_read(&counters->drops[SERVER_DROP_ANOTHERS]) +
						   counter_read(&counters->messages_refused[DHCP_REJECT_TYPE]));
}

/* The same frame again and again, until it is answered; how often it was. */
static unsigned insist(struct worker_bed *f, enum dhcp_type type, uint32_t who, uint32_t ciaddr)
{
	struct memory_port *p = f->port;
	unsigned sent = p->sent, tries = 0;

	while (p->sent == sent && tries++ < 3000) {
		write_request(p, 0, type, who, ciaddr, 0);
		handle_one(p, 0);
		usleep(1000);
	}
	return tries;
}

/* A peer has every client: they are left to it, except for what is meant for this server alone. */
static void test_peers_clients_are_left_to_it_at_first(void **state)
{
	struct worker_bed *f = *state;
	struct memory_port *p = f->port;
	uint32_t addr;

	share_is(f, &none);
	assert_in_range(insist(f, DHCP_DISCOVER, 1, 0), 2, 3000);
	assert_all_dropped_are_left_to_others(f);
	assert_int_equal(counter_read(&worker_counters(f->worker)->stood_in), 1);
	addr = be32toh(last_reply(p)->yiaddr);

	write_request(p, 1, DHCP_REQUEST, 1, 0, addr); /* selects this server */
	handle_one(p, 1);
	assert_int_equal(be32toh(last_reply(p)->yiaddr), addr);
	write_request(p, 2, DHCP_REQUEST, 1, addr, 0); /* renews by unicast */
	handle_one(p, 2);
	assert_int_equal(be32toh(last_reply(p)->ciaddr), addr);

	assert_all_dropped_are_left_to_others(f);
	share_is(f, &alone); /* the peer is gone */
	assert_int_equal(insist(f, DHCP_DISCOVER, 2, 0), 1);
	check_accounts(p);
}

static void test_client_that_has_tried_for_long_is_answered(void **state)
{
	struct worker_bed *f = *state;
	struct memory_port *p = f->port;

	share_is(f, &none);
	write_request(p, 0, DHCP_DISCOVER, 1, 0, 0);
	written(p, 0)->secs = htobe16(4);
	handle_one(p, 0);
	assert_int_equal(p->sent, 1);
	check_accounts(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_peers_clients_are_left_to_it_at_first, bed_set_up,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(test_client_that_has_tried_for_long_is_answered, bed_set_up,
						bed_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
