/* SPDX-License-Identifier: MIT */
/* base/types.h and base/counter.h: header-only helpers. */
#include "unit.h"

#include "base/counter.h"
#include "base/types.h"

static void loads_and_stores_are_big_endian_at_any_alignment(void **state)
{
	for (size_t at = 0; at < 4; at++) {
		uint8_t buf[8] = {0};

		store_be32(buf + at, 0x01020304);
		assert_memory_equal(buf + at, "\x01\x02\x03\x04", 4);
		assert_int_equal(load_be32(buf + at), 0x01020304);

		store_be16(buf + at, 0xa1b2);
		assert_memory_equal(buf + at, "\xa1\xb2\x03\x04", 4);
		assert_int_equal(load_be16(buf + at), 0xa1b2);
	}
}

static void container_of_finds_the_outer_struct(void **state)
{
	struct outer {
		int before;
		char inner;
	} outer;

	assert_ptr_equal(container_of(&outer.inner, struct outer, inner), &outer);
}

static void minimum_and_maximum_keep_sign_and_width(void **state)
{
	assert_true(min_u64(UINT64_MAX, 1) == 1);
	assert_true(min_i64(-1, 1) == -1);
	assert_true(max_i64(-1, 1) == 1);
	assert_true(max_i64(INT64_MIN, INT64_MAX) == INT64_MAX);
	assert_true(min_size(SIZE_MAX, 0) == 0);
}

static void counters_add_set_and_wrap(void **state)
{
	counter_t counter = 0;

	counter_add(&counter, 3);
	counter_add(&counter, 4);
	assert_true(counter_read(&counter) == 7);
	counter_set(&counter, UINT64_MAX);
	counter_add(&counter, 2);
	assert_true(counter_read(&counter) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(loads_and_stores_are_big_endian_at_any_alignment),
	    cmocka_unit_test(container_of_finds_the_outer_struct),
	    cmocka_unit_test(minimum_and_maximum_keep_sign_and_width),
	    cmocka_unit_test(counters_add_set_and_wrap),
	};

	return cmocka_run_group_tests_name("base/types", tests, NULL, NULL);
}
