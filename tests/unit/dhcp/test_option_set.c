/* SPDX-License-Identifier: MIT */
#include "support.h"

static void expect(const struct option_set *set, uint8_t code, const void *data, size_t len)
{
	struct span value = option_set_get(set, code);

	assert_non_null(value.data);
	assert_int_equal(value.len, len);
	assert_memory_equal(value.data, data, len);
}

static bool is_always(const struct option_set *set, uint8_t code)
{
	return set->always[code / 64] >> (code % 64) & 1;
}

static struct option_set *finish(struct option_builder *builder)
{
	struct option_set *set = option_builder_finish(builder);

	assert_non_null(set);
	option_builder_free(builder);
	return set;
}

static void empty_set(void **state)
{
	struct option_set *set = finish(option_builder_new(NULL));

	for (unsigned code = 0; code < 256; code++) {
		assert_null(option_set_get(set, (uint8_t)code).data);
		assert_int_equal(option_set_get(set, (uint8_t)code).len, 0);
	}
	free(set);
}

static void put_and_get(void **state)
{
	struct option_builder *builder = option_builder_new(NULL);
	uint8_t large[4096];

	memset(large, 7, sizeof(large));
	assert_int_equal(option_builder_put(builder, 254, "last", 4, false), 0);
	assert_int_equal(option_builder_put(builder, 1, "mask", 4, true), 0);
	assert_int_equal(option_builder_put(builder, 43, large, sizeof(large), false), 0);
	assert_int_equal(option_builder_put(builder, 80, NULL, 0, false), 0);
	struct option_set *set = finish(builder);
	expect(set, 254, "last", 4);
	expect(set, 1, "mask", 4);
	expect(set, 43, large, sizeof(large));
	expect(set, 80, "", 0);
	assert_null(option_set_get(set, 2).data);
	assert_true(is_always(set, 1));
	assert_false(is_always(set, 254));
	free(set);
}

static void inner_over_outer(void **state)
{
	struct option_builder *builder = option_builder_new(NULL);

	assert_int_equal(option_builder_put(builder, 3, "aaaa", 4, true), 0);
	assert_int_equal(option_builder_put(builder, 6, "bbbb", 4, false), 0);
	assert_int_equal(option_builder_put(builder, 15, "name", 4, true), 0);
	struct option_set *outer = finish(builder);
	builder = option_builder_new(outer);
	assert_int_equal(option_builder_put(builder, 3, "cccccccc", 8, false), 0);
	option_builder_remove(builder, 6);
	option_builder_remove(builder, 7);
	struct option_set *inner = finish(builder);
	expect(inner, 3, "cccccccc", 8);
	assert_false(is_always(inner, 3));
	assert_null(option_set_get(inner, 6).data);
	expect(inner, 15, "name", 4);
	assert_true(is_always(inner, 15));
	expect(outer, 3, "aaaa", 4);
	expect(outer, 6, "bbbb", 4);
	free(outer);
	free(inner);
}

static void bounds(void **state)
{
	struct option_builder *builder = option_builder_new(NULL);
	static const uint8_t large[4097];
	unsigned code = 1;

	assert_int_equal(option_builder_put(builder, 9, "kept", 4, false), 0);
	assert_int_equal(option_builder_put(builder, 9, large, 4097, false), -ENOSPC);
	while (code < 255 && option_builder_put(builder, (uint8_t)code, large, 4096, false) == 0)
		code++;
	assert_in_range(code, 100, 200); /* 512 KiB */
	assert_int_equal(option_builder_put(builder, (uint8_t)code, large, 4096, false), -ENOSPC);
	option_builder_remove(builder, 1);
	assert_int_equal(option_builder_put(builder, (uint8_t)code, large, 4096, false), 0);
	struct option_set *set = finish(builder);
	expect(set, (uint8_t)code, large, 4096);
	assert_null(option_set_get(set, 1).data);
	free(set);
}

static void refused_option_stays_as_it_was(void **state)
{
	struct option_builder *builder = option_builder_new(NULL);
	static const uint8_t large[4097];

	assert_int_equal(option_builder_put(builder, 9, "kept", 4, true), 0);
	assert_int_equal(option_builder_put(builder, 9, large, 4097, false), -ENOSPC);
	struct option_set *set = finish(builder);
	expect(set, 9, "kept", 4);
	assert_true(is_always(set, 9));
	free(set);
}

/* What replies rely on: ranks differ, and short entries can be read at a fixed width. */
static void entries(void **state)
{
	struct option_builder *builder = option_builder_new(NULL);
	bool ranks[OPTION_RANKS] = {false};

	for (unsigned code = 1; code <= 60; code++)
		assert_int_equal(option_builder_put(builder, (uint8_t)code, "x", 1, false), 0);
	struct option_set *set = finish(builder);
	for (unsigned code = 1; code <= 60; code++) {
		const struct option_entry *entry = option_set_entry(set, (uint8_t)code);
		const uint8_t *end = set->bytes + set->cap;
		assert_true(entry->rank < OPTION_RANK_NONE && !ranks[entry->rank]);
		ranks[entry->rank] = true;
		assert_true(&entry->code + OPTION_SET_SLACK <= end);
		assert_int_equal(entry->wire_size, code >= 50 && code <= 59 ? 0 : 3);
	}
	assert_int_equal(option_set_entry(set, 1)->rank, OPTION_RANK_MASK);
	assert_int_equal(option_set_entry(set, 3)->rank, OPTION_RANK_ROUTERS);
	assert_int_equal(set->straight, 3 * 50);
	free(set);
}

static void free_of_nothing(void **state)
{
	option_builder_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(empty_set),
	    cmocka_unit_test(put_and_get),
	    cmocka_unit_test(inner_over_outer),
	    cmocka_unit_test(bounds),
	    cmocka_unit_test(refused_option_stays_as_it_was),
	    cmocka_unit_test(entries),
	    cmocka_unit_test(free_of_nothing),
	};

	return cmocka_run_group_tests_name("option_set", tests, NULL, NULL);
}
