/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "base/ring.h"

static int items[256];

static size_t capacity_of(size_t size)
{
	struct ring *ring = ring_new(size);
	size_t n = 0;

	assert_non_null(ring);
	while (ring_push(ring, &items[0]))
		n++;
	assert_int_equal(ring_len(ring), n);
	ring_free(ring);
	return n;
}

static void size_is_rounded_up_to_a_power_of_two(void **state)
{
	static const struct {
		size_t asked, got;
	} rows[] = {{0, 1}, {1, 1}, {2, 2}, {3, 4}, {64, 64}, {65, 128}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(capacity_of(rows[i].asked), rows[i].got);
}

static void impossible_size_is_refused(void **state)
{
	assert_null(ring_new(SIZE_MAX));
	assert_null(ring_new(SIZE_MAX / sizeof(void *)));
	ring_free(NULL);
}

static void first_in_first_out_through_many_wraps(void **state)
{
	struct ring *ring = ring_new(8);
	size_t in = 0, out = 0;

	assert_non_null(ring);
	assert_null(ring_pop(ring));
	for (size_t round = 0; round < 1000; round++) {
		/* every fill level and every position of the indexes takes its turn */
		for (size_t i = 0; i < round % 9; i++)
			assert_true(ring_push(ring, &items[in++ % 256]));
		assert_int_equal(ring_len(ring), round % 9);
		assert_true(round % 9 < 8 || !ring_push(ring, &items[0]));
		while (out < in)
			assert_ptr_equal(ring_pop(ring), &items[out++ % 256]);
		assert_null(ring_pop(ring));
	}
	ring_free(ring);
}

static void pop_many_takes_what_is_there_up_to_max(void **state)
{
	struct ring *ring = ring_new(8);
	void *taken[16] = {0};

	assert_non_null(ring);
	assert_int_equal(ring_pop_many(ring, taken, 16), 0);
	for (size_t i = 0; i < 7; i++)
		assert_true(ring_push(ring, &items[i]));
	assert_int_equal(ring_pop_many(ring, taken, 0), 0);
	assert_int_equal(ring_pop_many(ring, taken, 3), 3);
	assert_ptr_equal(taken[0], &items[0]);
	assert_ptr_equal(taken[2], &items[2]);
	assert_null(taken[3]);
	for (size_t i = 7; i < 11; i++)
		assert_true(ring_push(ring, &items[i]));
	assert_false(ring_push(ring, &items[11]));
	assert_int_equal(ring_pop_many(ring, taken, 16), 8);
	for (size_t i = 0; i < 8; i++)
		assert_ptr_equal(taken[i], &items[3 + i]);
	assert_int_equal(ring_len(ring), 0);
	ring_free(ring);
}

enum { STRESS_ITEMS = 300000, STRESS_SLOTS = 64 };

struct stress {
	struct ring *ring;
	uint64_t *payload; /* written plainly before the push: the ring alone orders it */
};

static void *produce(void *arg)
{
	struct stress *s = arg;

	for (uint64_t i = 0; i < STRESS_ITEMS; i++) {
		s->payload[i] = i * 3 + 1;
		while (!ring_push(s->ring, &s->payload[i]))
			sched_yield();
	}
	return NULL;
}

/* Alternates the two ways to take items; returns how many came. */
static size_t take(struct ring *ring, bool one, void **taken, size_t max)
{
	if (!one)
		return ring_pop_many(ring, taken, max);
	taken[0] = ring_pop(ring);
	return taken[0] ? 1 : 0;
}

static void two_threads_lose_and_reorder_nothing(void **state)
{
	struct stress s = {.ring = ring_new(STRESS_SLOTS)};
	size_t seen = 0, wrong = 0;
	pthread_t producer;

	s.payload = calloc(STRESS_ITEMS, sizeof(*s.payload));
	assert_non_null(s.ring);
	assert_non_null(s.payload);
	assert_int_equal(pthread_create(&producer, NULL, produce, &s), 0);
	for (bool one = false; seen < STRESS_ITEMS; one = !one) {
		void *taken[7];
		size_t n = take(s.ring, one, taken, ARRAY_SIZE(taken));

		wrong += ring_len(s.ring) > STRESS_SLOTS;
		for (size_t i = 0; i < n; i++, seen++) {
			wrong += taken[i] != &s.payload[seen];
			wrong += *(uint64_t *)taken[i] != seen * 3 + 1;
		}
		if (n == 0)
			sched_yield();
	}
	pthread_join(producer, NULL);
	assert_int_equal(wrong, 0);
	assert_null(ring_pop(s.ring));
	free(s.payload);
	ring_free(s.ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(size_is_rounded_up_to_a_power_of_two),
	    cmocka_unit_test(impossible_size_is_refused),
	    cmocka_unit_test(first_in_first_out_through_many_wraps),
	    cmocka_unit_test(pop_many_takes_what_is_there_up_to_max),
	    cmocka_unit_test(two_threads_lose_and_reorder_nothing),
	};

	return cmocka_run_group_tests_name("base/ring", tests, NULL, NULL);
}
