/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/histogram.h"

#define LAST_MAX ((UINT64_C(1) << 36) - 1)

/* A fixed xorshift, so that a failure repeats. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static int compare_u64(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void buckets_tile_the_range(void **state)
{
	assert_int_equal(histogram_bucket(0), 0);
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t max = histogram_bucket_max(i);
		uint64_t min = i ? histogram_bucket_max(i - 1) + 1 : 0;

		assert_true(min <= max);
		assert_int_equal(histogram_bucket(min), i);
		assert_int_equal(histogram_bucket(max), i);
		/* the promise on the relative error */
		assert_true(min == max || (max - min) * 8 < min);
	}
	assert_true(histogram_bucket_max(HISTOGRAM_BUCKETS - 1) == LAST_MAX);
}

static void values_past_the_end_count_in_the_last_bucket(void **state)
{
	struct histogram h = {0};

	assert_int_equal(histogram_bucket(LAST_MAX + 1), HISTOGRAM_BUCKETS - 1);
	assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
	histogram_add(&h, LAST_MAX + 1);
	assert_true(histogram_quantile(&h, 1.0) == LAST_MAX);
	assert_true(histogram_count_le(&h, LAST_MAX - 1) == 0);
	assert_true(histogram_count_le(&h, LAST_MAX) == 1);
}

static void quantiles_are_within_an_eighth(void **state)
{
	static const double quantiles[] = {0, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1};
	static const size_t sizes[] = {1, 2, 10, 1000, 50000};
	uint64_t random = 88172645463325252u;

	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
		size_t n = sizes[s];
		uint64_t *values = calloc(n, sizeof(*values));
		struct histogram h = {0};

		assert_non_null(values);
		for (size_t i = 0; i < n; i++) {
			/* spread over the powers of two, as latencies are */
			values[i] = next_random(&random) >> (28 + next_random(&random) % 36);
			histogram_add(&h, values[i]);
		}
		qsort(values, n, sizeof(*values), compare_u64);
		for (size_t q = 0; q < ARRAY_SIZE(quantiles); q++) {
			size_t rank = (size_t)ceil(quantiles[q] * (double)n);
			uint64_t exact = values[rank ? rank - 1 : 0];
			uint64_t got = histogram_quantile(&h, quantiles[q]);

			assert_true(got >= exact);
			assert_true((got - exact) * 8 <= exact);
		}
		free(values);
	}
}

static void empty_histogram_is_zero(void **state)
{
	struct histogram h = {0};

	assert_true(histogram_total(&h) == 0);
	assert_true(histogram_quantile(&h, 0.5) == 0);
	assert_true(histogram_count_le(&h, UINT64_MAX) == 0);
}

static void counts_are_exact_at_bucket_bounds(void **state)
{
	struct histogram h = {0};
	uint64_t bound = histogram_bucket_max(histogram_bucket(1000));

	histogram_add(&h, bound - 1);
	histogram_add(&h, bound);
	histogram_add(&h, bound + 1);
	assert_true(histogram_count_le(&h, bound) == 2);
	assert_true(histogram_count_le(&h, bound - 1) == 0); /* that bucket is left out whole */
	assert_true(histogram_count_le(&h, UINT64_MAX) == 3);
}

static void many_at_once_and_merging_add_up(void **state)
{
	struct histogram a = {0}, b = {0};

	histogram_add_n(&a, 100, 5);
	histogram_add(&b, 100);
	histogram_add_n(&b, 7, 3);
	histogram_add_n(&b, 9, 0);
	histogram_merge(&a, &b);
	assert_true(histogram_total(&a) == 9);
	assert_true(a.sum == 6 * 100 + 3 * 7);
	assert_true(histogram_count_le(&a, 7) == 3);
	assert_true(histogram_total(&b) == 4);
}

enum { ADDS = 200000 };

static void *add_many(void *arg)
{
	for (uint64_t i = 0; i < ADDS; i++)
		histogram_add(arg, i);
	return NULL;
}

/* Readers may sum at any time: totals never go back, and nothing tears. */
static void reading_while_writing(void **state)
{
	struct histogram h = {0};
	uint64_t before = 0;
	pthread_t writer;

	assert_int_equal(pthread_create(&writer, NULL, add_many, &h), 0);
	do {
		struct histogram copy = {0};
		uint64_t total;

		histogram_merge(&copy, &h);
		total = histogram_total(&copy);
		assert_true(total >= before && total <= ADDS);
		before = total;
	} while (before < ADDS);
	pthread_join(writer, NULL);
	assert_true(h.sum == (uint64_t)ADDS * (ADDS - 1) / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(buckets_tile_the_range),
	    cmocka_unit_test(values_past_the_end_count_in_the_last_bucket),
	    cmocka_unit_test(quantiles_are_within_an_eighth),
	    cmocka_unit_test(empty_histogram_is_zero),
	    cmocka_unit_test(counts_are_exact_at_bucket_bounds),
	    cmocka_unit_test(many_at_once_and_merging_add_up),
	    cmocka_unit_test(reading_while_writing),
	};

	return cmocka_run_group_tests_name("base/histogram", tests, NULL, NULL);
}
