/* SPDX-License-Identifier: MIT */
/* What clients do as time goes by: retransmission, giving up, leases that end. */
#include "perf/dhcp.h"
#include "perf/tenure.h"
#include "scene.h"
#include "unit.h"

#define ADDRESS 0x0a010001u

static const char *const plain[] = {"-n", "10", "dora", NULL};

static uint64_t total(const counter_t *counter)
{
	return counter_read(counter);
}

static void test_an_unanswered_client_gives_up(void **state)
{
	struct scene *scene = scene_new(plain);

	(void)state;
	scene_begin(scene, ACTIVITY_DORA);
	scene_sent(scene, NULL);
	scene_advance(scene, 1900 * NS_PER_MS);
	assert_int_equal(total(&scene->g.in_flight), 1);
	scene_advance(scene, 200 * NS_PER_MS);
	scene_silent(scene);
	assert_int_equal(total(&scene->g.in_flight), 0);
	assert_int_equal(scene->g.stats.exchange[EXCHANGE_DORA].lost, 1);
	assert_int_equal(total(&scene->g.stats.lost), 1);
	scene_free(scene);
}

/* RFC 2131 section 4.1: 4, 8, 16, 32, 64 seconds, each randomised by one. */
static void test_backoff_doubles(void **state)
{
	static const uint64_t wanted_s[] = {4, 8, 16, 32, 64, 64};
	uint64_t random = 5;

	(void)state;
	for (unsigned n = 1; n <= ARRAY_SIZE(wanted_s); n++) {
		uint64_t low = (wanted_s[n - 1] - 1) * NS_PER_S;

		for (int i = 0; i < 1000; i++)
			assert_in_range(exchange_backoff_ns(4 * NS_PER_S, n, &random), low,
					low + 2 * NS_PER_S);
	}
}

static void test_retransmission_keeps_the_xid(void **state)
{
	struct scene *scene = scene_new(plain);
	uint8_t first[MESSAGE_FRAME_MAX];
	const uint8_t *again;
	uint32_t len;

	(void)state;
	scene->g.retransmit = true;
	scene_begin(scene, ACTIVITY_DORA);
	memcpy(first, scene_sent(scene, &len), MESSAGE_FRAME_MAX);
	scene_advance(scene, 2900 * NS_PER_MS);
	scene_silent(scene);
	scene_advance(scene, 2200 * NS_PER_MS);
	again = scene_sent(scene, &len);
	assert_memory_equal(again + 42 + 4, first + 42 + 4, 4);
	assert_int_equal(load_be16(again + 42 + 8), 5); /* secs */
	assert_int_equal(total(&scene->g.stats.retransmissions), 1);
	scene_free(scene);
}

/* The offer is not taken: a REQUEST names another server, and the client is idle again. */
static void test_an_offer_that_is_not_taken(void **state)
{
	struct scene *scene = scene_new(plain);
	struct answer answer;
	const uint8_t *frame;
	uint32_t index, len;
	uint8_t option_len;

	(void)state;
	scene_bind(scene, 0x0a060102);
	index = scene_begin(scene, ACTIVITY_OFFER);
	answer = scene_answer(scene, index, DHCP_OFFER, 0x0a060101);
	scene_sent(scene, NULL);
	scene_deliver(scene, &answer);
	frame = scene_sent(scene, &len);
	assert_int_equal(*scene_option(frame, len, OPTION_TYPE, &option_len), DHCP_REQUEST);
	assert_int_equal(load_be32(scene_option(frame, len, OPTION_SERVER_ID, &option_len)), 0xc0000201);
	assert_int_equal(load_be32(scene_option(frame, len, OPTION_REQUESTED, &option_len)), 0x0a060101);
	assert_int_equal(total(&scene->g.in_flight), 0);
	assert_int_equal(scene->g.stats.exchange[EXCHANGE_OFFER].done, 1);
	assert_int_equal(scene->g.population.clients[index].lease_end_s, LEASE_NONE);
	assert_int_equal(scene_all_findings(scene), 0);
	/* What another client has must not be offered. */
	index = scene_begin(scene, ACTIVITY_OFFER);
	scene_sent(scene, NULL);
	answer = scene_answer(scene, index, DHCP_OFFER, 0x0a060102);
	scene_deliver(scene, &answer);
	assert_int_equal(scene_findings(scene, FINDING_TAKEN_OFFER), 1);
	scene_free(scene);
}

static void test_latency_counts_from_the_intended_time(void **state)
{
	struct scene *scene = scene_new(plain);
	uint64_t intended = scene->g.now_ns - 3 * NS_PER_S;
	struct answer answer;

	(void)state;
	wire_prepare(&scene->wire, WIRE_OUTBOX);
	assert_true(exchange_begin(&scene->g, ACTIVITY_DORA, intended));
	scene_sent(scene, NULL);
	scene->g.now_ns += NS_PER_S;
	for (uint32_t index = 0; index < 10; index++) {
		if (scene->g.population.clients[index].state == CLIENT_IDLE)
			continue;
		answer = scene_answer(scene, index, DHCP_OFFER, ADDRESS);
		scene_deliver(scene, &answer);
	}
	scene_sent(scene, NULL);
	assert_int_equal(scene->g.stats.exchange[EXCHANGE_DISCOVER].latency.max_ns, 4 * NS_PER_S);
	assert_int_equal(scene->g.stats.lag.max_ns, 3 * NS_PER_S);
	scene_free(scene);
}

static void test_renewal_is_unicast_to_the_server(void **state)
{
	struct scene *scene = scene_new(plain);
	const uint8_t *frame;

	(void)state;
	scene_bind(scene, ADDRESS);
	scene_begin(scene, ACTIVITY_RENEW);
	frame = scene_sent(scene, NULL);
	assert_memory_equal(frame, "\x02\xaa\0\0\0\x01", 6);
	assert_int_equal(load_be32(frame + 26), ADDRESS);
	assert_int_equal(load_be32(frame + 30), SCENE_SERVER);
	scene_free(scene);
}

static void test_release_frees_the_address(void **state)
{
	struct scene *scene = scene_new(plain);
	uint32_t index = scene_bind(scene, ADDRESS);

	(void)state;
	assert_int_equal(tenure_holder(&scene->g, ADDRESS), index);
	scene_begin(scene, ACTIVITY_RELEASE);
	scene_sent(scene, NULL);
	assert_int_equal(tenure_holder(&scene->g, ADDRESS), NO_CLIENT);
	assert_int_not_equal(scene_bind(scene, ADDRESS), index);
	assert_int_equal(scene_all_findings(scene), 0);
	scene_free(scene);
}

static void test_an_address_may_pass_on_when_its_lease_has_ended(void **state)
{
	struct scene *scene = scene_new(plain);

	(void)state;
	scene_bind(scene, ADDRESS);
	scene->g.now_ns += (SCENE_LEASE + 1) * NS_PER_S;
	scene_bind(scene, ADDRESS);
	assert_int_equal(scene_all_findings(scene), 0);
	scene_free(scene);
}

static void test_refused_renewal_costs_the_lease(void **state)
{
	struct scene *scene = scene_new(plain);
	uint32_t index = scene_bind(scene, ADDRESS);
	struct answer answer;

	(void)state;
	scene_begin(scene, ACTIVITY_RENEW);
	scene_sent(scene, NULL);
	answer = scene_answer(scene, index, DHCP_NAK, 0);
	scene_deliver(scene, &answer);
	assert_int_equal(scene->g.stats.exchange[EXCHANGE_RENEW].naks, 1);
	assert_int_equal(tenure_holder(&scene->g, ADDRESS), NO_CLIENT);
	assert_int_equal(scene_all_findings(scene), 0);
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_an_unanswered_client_gives_up),
	    cmocka_unit_test(test_backoff_doubles),
	    cmocka_unit_test(test_retransmission_keeps_the_xid),
	    cmocka_unit_test(test_an_offer_that_is_not_taken),
	    cmocka_unit_test(test_latency_counts_from_the_intended_time),
	    cmocka_unit_test(test_renewal_is_unicast_to_the_server),
	    cmocka_unit_test(test_release_frees_the_address),
	    cmocka_unit_test(test_an_address_may_pass_on_when_its_lease_has_ended),
	    cmocka_unit_test(test_refused_renewal_costs_the_lease),
	};

	return cmocka_run_group_tests_name("exchange", tests, NULL, NULL);
}
