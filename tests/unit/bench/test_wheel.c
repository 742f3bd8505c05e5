/* SPDX-License-Identifier: MIT */
/* The timing wheel against a list of what was put in. */
#include "perf/client.h"
#include "perf/wheel.h"
#include "unit.h"

#include <stdlib.h>

#define N 50000

static void test_everything_comes_out_at_its_tick(void **state)
{
	struct wheel *wheel = wheel_new(N);
	uint32_t *due = calloc(N, sizeof(*due));
	uint32_t now = 1, left = N, indexes[10], tick;
	uint64_t random = 3;
	size_t n;

	(void)state;
	for (uint32_t i = 0; i < N; i++) {
		due[i] = 1 + (uint32_t)(random_next(&random) % 70000);
		assert_int_equal(wheel_add(wheel, i, due[i]), due[i]);
	}
	for (; left > 0; now += 1 + (uint32_t)(random_next(&random) % 50)) {
		while ((n = wheel_take(wheel, now, &tick, indexes, 10)) > 0) {
			assert_true(tick <= now);
			left -= (uint32_t)n;
			for (size_t i = 0; i < n; i++) {
				assert_int_equal(due[indexes[i]], tick);
				due[indexes[i]] = 0; /* never twice */
			}
		}
		for (uint32_t i = 0; i < N; i += 97)
			assert_true(due[i] == 0 || due[i] > now); /* never late */
	}
	assert_int_equal(wheel_take(wheel, now + 1000, &tick, indexes, 10), 0);
	free(due);
	wheel_free(wheel);
}

static void test_past_and_far_ticks_are_brought_into_reach(void **state)
{
	struct wheel *wheel = wheel_new(10);
	uint32_t indexes[4], tick;

	(void)state;
	assert_int_equal(wheel_take(wheel, 500, &tick, indexes, 4), 0);
	assert_int_equal(wheel_add(wheel, 1, 3), 501);
	assert_int_equal(wheel_add(wheel, 2, 501 + 10 * WHEEL_HORIZON), 501 + WHEEL_HORIZON);
	assert_int_equal(wheel_take(wheel, 501, &tick, indexes, 4), 1);
	assert_int_equal(indexes[0], 1);
	assert_int_equal(wheel_take(wheel, 500 + WHEEL_HORIZON, &tick, indexes, 4), 0);
	assert_int_equal(wheel_take(wheel, 501 + WHEEL_HORIZON, &tick, indexes, 4), 1);
	assert_int_equal(indexes[0], 2);
	wheel_free(wheel);
}

static void test_a_full_wheel_says_so_and_recovers(void **state)
{
	struct wheel *wheel = wheel_new(1);
	uint32_t indexes[15], tick;
	uint64_t added = 0, taken = 0;
	size_t n;

	(void)state;
	while (wheel_add(wheel, 7, 5) != 0)
		added++;
	assert_true(added > WHEEL_HORIZON); /* a block for every slot at least */
	while ((n = wheel_take(wheel, 5, &tick, indexes, 15)) > 0)
		taken += n;
	assert_int_equal(taken, added);
	assert_int_equal(wheel_add(wheel, 7, 9), 9);
	wheel_free(wheel);
}

static void test_ticks_are_never_zero(void **state)
{
	(void)state;
	assert_int_equal(wheel_tick(0), 1);
	assert_int_equal(wheel_tick((UINT64_C(1) << WHEEL_TICK_SHIFT) - 1), 1);
	assert_int_equal(wheel_tick(UINT64_C(1) << WHEEL_TICK_SHIFT), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_everything_comes_out_at_its_tick),
	    cmocka_unit_test(test_past_and_far_ticks_are_brought_into_reach),
	    cmocka_unit_test(test_a_full_wheel_says_so_and_recovers),
	    cmocka_unit_test(test_ticks_are_never_zero),
	};

	return cmocka_run_group_tests_name("wheel", tests, NULL, NULL);
}
