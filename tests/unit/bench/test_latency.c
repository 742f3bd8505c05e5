/* SPDX-License-Identifier: MIT */
/* Latencies and their quantiles. */
#include <stdlib.h>

#include "perf/stats.h"
#include "unit.h"

static struct latency latency;

static int setup(void **state)
{
	*state = &latency;
	memset(&latency, 0, sizeof(latency));
	return 0;
}

static void assert_close(uint64_t got, uint64_t wanted)
{
	assert_true(got >= wanted);
	assert_true(got <= wanted + wanted / 64 + 1);
}

static void test_empty(void **state)
{
	assert_int_equal(latency_quantile(*state, 0.5), 0);
	assert_true(latency_mean(*state) == 0);
}

static void test_quantiles_are_close_from_ns_to_minutes(void **state)
{
	for (uint64_t unit = 1; unit < UINT64_C(1000000000); unit *= 7) {
		setup(state);
		for (uint64_t i = 1; i <= 1000; i++)
			latency_add(*state, i * unit);
		assert_close(latency_quantile(*state, 0.5), 500 * unit);
		assert_close(latency_quantile(*state, 0.99), 990 * unit);
		assert_close(latency_quantile(*state, 0.999), 999 * unit);
		assert_int_equal(latency_quantile(*state, 1), 1000 * unit);
		assert_true(latency_mean(*state) == 500.5 * (double)unit);
	}
}

static void test_what_took_longer(void **state)
{
	const uint64_t s = UINT64_C(1000000000);

	assert_int_equal(latency_longer(*state, 0), 0);
	for (uint64_t i = 1; i <= 10; i++)
		latency_add(*state, i * s);
	latency_add(*state, UINT64_MAX / 2);
	assert_int_equal(latency_longer(*state, s / 2), 11);
	assert_int_equal(latency_longer(*state, 5 * s + s / 2), 6);
	assert_int_equal(latency_longer(*state, 10 * s + s / 2), 1);
	assert_int_equal(latency_longer(*state, UINT64_MAX), 0);
}

static void test_no_quantile_passes_the_maximum(void **state)
{
	latency_add(*state, 1000001);
	assert_int_equal(latency_quantile(*state, 0.5), 1000001);
}

static void test_beyond_the_last_bucket(void **state)
{
	latency_add(*state, UINT64_MAX / 2);
	assert_int_equal(latency_quantile(*state, 0.5), UINT64_MAX / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_empty, setup),
	    cmocka_unit_test_setup(test_quantiles_are_close_from_ns_to_minutes, setup),
	    cmocka_unit_test_setup(test_what_took_longer, setup),
	    cmocka_unit_test_setup(test_no_quantile_passes_the_maximum, setup),
	    cmocka_unit_test_setup(test_beyond_the_last_bucket, setup),
	};

	return cmocka_run_group_tests_name("latency", tests, NULL, NULL);
}
