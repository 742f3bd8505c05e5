/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include "lease/offers.h"

#define BASE IP(10, 0, 0, 1)

struct rig {
	struct memory memory;
	struct offers offers;
};

static struct rig rig;

static int setup(void **state)
{
	rig = (struct rig){0};
	offers_init(&rig.offers, &rig.memory);
	return 0;
}

static int teardown(void **state)
{
	offers_fini(&rig.offers);
	assert_int_equal(counter_read(&rig.memory.bytes), 0);
	return 0;
}

/* Any 64 bits do for a hash; few values make long chains. */
static struct offer *add(uint32_t n, uint16_t len, uint64_t hash, uint64_t until)
{
	struct client_id client = client_of_len(n, len);
	struct offer *offer = offers_add(&rig.offers, &client, hash, BASE + n, until);

	assert_non_null(offer);
	return offer;
}

static struct offer *of(uint32_t n, uint16_t len, uint64_t hash)
{
	struct client_id client = client_of_len(n, len);

	return offers_of_client(&rig.offers, client.bytes, client.len, hash);
}

static void offer_is_found_by_client_and_by_address(void **state)
{
	static const uint16_t lens[] = {5, 7, 24, 25, 41, 255, 256};

	assert_null(of(1, 7, 1));
	assert_null(offers_at(&rig.offers, BASE));
	for (uint32_t n = 0; n < 5000; n++)
		add(n, lens[n % ARRAY_SIZE(lens)], n / 3, 100 + n);
	for (uint32_t n = 0; n < 5000; n++) {
		struct offer *offer = of(n, lens[n % ARRAY_SIZE(lens)], n / 3);
		assert_non_null(offer);
		assert_int_equal(offer->addr, BASE + n);
		assert_ptr_equal(offers_at(&rig.offers, BASE + n), offer);
	}
	assert_null(of(5000, 7, 4999 / 3));
	for (uint32_t n = 0; n < 5000; n += 2)
		offers_remove(&rig.offers, offers_at(&rig.offers, BASE + n));
	for (uint32_t n = 0; n < 5000; n++) {
		assert_int_equal(offers_at(&rig.offers, BASE + n) != NULL, n % 2);
		assert_int_equal(of(n, lens[n % ARRAY_SIZE(lens)], n / 3) != NULL, n % 2);
	}
}

static void room_is_used_again(void **state)
{
	uint64_t held = 0;

	for (int round = 0; round < 50; round++) {
		for (uint32_t n = 0; n < 600; n++)
			add(n, n % 2 ? 7 : 200, n, n);
		for (uint32_t n = 0; n < 600; n++)
			offers_remove(&rig.offers, offers_at(&rig.offers, BASE + n));
		if (round == 0)
			held = counter_read(&rig.memory.bytes);
		assert_int_equal(counter_read(&rig.memory.bytes), held);
	}
}

static void they_run_out_in_the_order_of_their_times(void **state)
{
	/* 600 s each, then after a reload 60 s, then 10 s, then 600 s again */
	static const uint64_t until[] = {600, 601, 602, 63, 64, 605, 15, 16, 67, 608};
	static const uint32_t order[] = {6, 7, 3, 4, 8, 0, 1, 2, 5, 9};
	struct offer *offer;

	for (uint32_t n = 0; n < ARRAY_SIZE(until); n++)
		add(n, 7, n, until[n]);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		uint64_t end = until[order[i]];

		assert_null(offers_run_out(&rig.offers, end - 1));
		offer = offers_run_out(&rig.offers, end);
		assert_non_null(offer);
		assert_int_equal(offer->addr, BASE + order[i]);
		offers_remove(&rig.offers, offer);
	}
	assert_null(offers_run_out(&rig.offers, UINT64_MAX));
}

/* More shortenings than there are queues: the last ones end late, but they end. */
static void too_many_shortenings_only_delay(void **state)
{
	for (uint32_t n = 0; n < 10; n++)
		add(n, 7, n, 1000 - n * 10);
	for (uint32_t n = 0; n < 10; n++) {
		struct offer *offer = offers_run_out(&rig.offers, 1000);
		assert_non_null(offer);
		assert_true(offer->until_mono_ns >= 1000 - (offer->addr - BASE) * 10);
		offers_remove(&rig.offers, offer);
	}
	assert_null(offers_run_out(&rig.offers, UINT64_MAX));
}

static void change_moves_address_and_end(void **state)
{
	struct offer *offer = add(0, 7, 1, 100);

	add(1, 7, 1, 200);
	offers_change(&rig.offers, offer, BASE + 9, 300);
	assert_null(offers_at(&rig.offers, BASE));
	assert_ptr_equal(offers_at(&rig.offers, BASE + 9), offer);
	assert_ptr_equal(of(0, 7, 1), offer);
	assert_null(offers_run_out(&rig.offers, 199));
	offers_change(&rig.offers, offer, BASE + 9, 400);
	assert_ptr_equal(offers_at(&rig.offers, BASE + 9), offer);
	offers_remove(&rig.offers, offers_run_out(&rig.offers, 200));
	assert_null(offers_run_out(&rig.offers, 399));
	assert_ptr_equal(offers_run_out(&rig.offers, 400), offer);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(offer_is_found_by_client_and_by_address),
	    TEST(room_is_used_again),
	    TEST(they_run_out_in_the_order_of_their_times),
	    TEST(too_many_shortenings_only_delay),
	    TEST(change_moves_address_and_end),
	};

	return cmocka_run_group_tests_name("offers", tests, NULL, NULL);
}
