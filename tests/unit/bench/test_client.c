/* SPDX-License-Identifier: MIT */
/* Clients, their identities and their queues. */
#include "perf/client.h"
#include "unit.h"

#define N        100000
#define MAC_BASE UINT64_C(0x0200000ffff0)

static int setup(void **state)
{
	static struct population p;

	*state = &p;
	return population_init(&p, N, MAC_BASE, 0xdeadbeef);
}

static int teardown(void **state)
{
	population_fini(*state);
	return 0;
}

static void test_xid_leads_back_to_client_and_generation(void **state)
{
	struct population *p = *state;

	for (uint32_t i = 0; i < N; i += 7) {
		uint8_t generation;

		p->clients[i].generation = (uint8_t)(i * 31);
		assert_int_equal(population_find_xid(p, population_xid(p, i), &generation), i);
		assert_int_equal(generation, p->clients[i].generation);
	}
}

static void test_xids_of_generations_differ(void **state)
{
	struct population *p = *state;
	uint32_t first = population_xid(p, 5);

	p->clients[5].generation++;
	assert_int_not_equal(population_xid(p, 5), first);
}

static void test_neighbouring_xid_is_hardly_ever_anybodys(void **state)
{
	struct population *p = *state;
	unsigned hits = 0;

	for (uint32_t i = 0; i < N; i++) {
		uint8_t generation;
		uint32_t other = population_find_xid(p, population_xid(p, i) + 1, &generation);

		hits += other != NO_CLIENT && generation == p->clients[other].generation;
	}
	assert_in_range(hits, 0, N / 1000);
}

static void test_mac_leads_back_to_client(void **state)
{
	struct population *p = *state;
	uint8_t mac[6];

	population_mac(p, 0x10, mac);
	assert_memory_equal(mac, "\x02\x00\x00\x10\x00\x00", 6);
	assert_int_equal(population_find_mac(p, mac), 0x10);
	population_mac(p, N - 1, mac);
	assert_int_equal(population_find_mac(p, mac), N - 1);
	population_mac(p, N, mac);
	assert_int_equal(population_find_mac(p, mac), NO_CLIENT);
	assert_int_equal(population_find_mac(p, (const uint8_t *)"\x02\0\0\x0f\xff\xef"),
			 NO_CLIENT);
}

static void test_queue_is_first_in_first_out_round_the_end(void **state)
{
	uint32_t items[4];
	struct client_queue queue = {.items = items, .size = 4};

	(void)state;
	assert_int_equal(queue_pop(&queue), NO_CLIENT);
	for (uint32_t i = 0; i < 100; i++) {
		queue_push(&queue, i);
		queue_push(&queue, i + 1000);
		assert_int_equal(queue_peek(&queue, 1), i + 1000);
		assert_int_equal(queue_peek(&queue, 2), NO_CLIENT);
		assert_int_equal(queue_pop(&queue), i);
		assert_int_equal(queue_pop(&queue), i + 1000);
	}
}

static void test_shuffle_keeps_everybody(void **state)
{
	struct population *p = *state;
	static bool seen[N];
	uint64_t random = 1;
	unsigned in_place = 0;
	uint32_t index;

	memset(seen, 0, sizeof(seen));
	queue_push(&p->bound, 0);
	assert_int_equal(queue_pop(&p->bound), 0);
	for (uint32_t i = 0; i < N; i++)
		queue_push(&p->bound, i);
	queue_shuffle(&p->bound, &random);
	for (uint32_t i = 0; (index = queue_pop(&p->bound)) != NO_CLIENT; i++) {
		assert_false(seen[index]);
		seen[index] = true;
		in_place += index == i;
	}
	for (uint32_t i = 0; i < N; i++)
		assert_true(seen[i]);
	assert_in_range(in_place, 0, 20); /* 1 is to be expected */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_xid_leads_back_to_client_and_generation, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_xids_of_generations_differ, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_neighbouring_xid_is_hardly_ever_anybodys, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_mac_leads_back_to_client, setup, teardown),
	    cmocka_unit_test(test_queue_is_first_in_first_out_round_the_end),
	    cmocka_unit_test_setup_teardown(test_shuffle_keeps_everybody, setup, teardown),
	};

	return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
