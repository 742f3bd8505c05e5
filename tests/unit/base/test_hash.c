/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "base/hash.h"

/*
 * Servers of different builds must hash alike: these values are XXH3's own, and a library
 * that answers otherwise would split the ownership of address blocks.
 */
static void unkeyed_hash_is_xxh3(void **state)
{
	static const struct {
		const char *text;
		uint64_t hash;
	} rows[] = {
	    {"", 0x2d06800538d394c2},
	    {"abc", 0x78af5f94892f3950},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t hash = hash_bytes(rows[i].text, strlen(rows[i].text), 0);

		assert_true(hash == rows[i].hash);
	}
}

static void every_seed_gives_another_hash(void **state)
{
	const char text[] = "id:01089e08b5af01";
	uint64_t seen[64];

	for (uint64_t seed = 0; seed < ARRAY_SIZE(seen); seed++) {
		seen[seed] = hash_bytes(text, sizeof(text), seed);
		for (uint64_t other = 0; other < seed; other++)
			assert_true(seen[seed] != seen[other]);
	}
}

static void seeds_are_random(void **state)
{
	uint64_t seen[16];
	uint64_t ones = 0, zeros = 0;

	for (size_t i = 0; i < ARRAY_SIZE(seen); i++) {
		seen[i] = hash_random_seed();
		ones |= seen[i];
		zeros |= ~seen[i];
		for (size_t k = 0; k < i; k++)
			assert_true(seen[i] != seen[k]);
	}

	/* Each half of the word varies: a truncated read would leave one of them constant. */
	assert_true((uint32_t)(ones & zeros) != 0);
	assert_true((ones & zeros) >> 32 != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(unkeyed_hash_is_xxh3),
	    cmocka_unit_test(every_seed_gives_another_hash),
	    cmocka_unit_test(seeds_are_random),
	};

	return cmocka_run_group_tests_name("base/hash", tests, NULL, NULL);
}
