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

/* Every key has one server, whoever asks; when a server leaves, only its keys move. */
static void every_key_is_one_servers(void **state)
{
	static const char *const ids[] = {"dhcp-a", "dhcp-b", "dhcp-c"};
	uint64_t hashes[3], left[2], others[2];
	unsigned keys[3] = {0};

	for (int i = 0; i < 3; i++)
		hashes[i] = hash_server(ids[i], strlen(ids[i]));
	left[0] = hashes[0];
	left[1] = hashes[1];
	for (uint64_t key = 0; key < 256; key++) {
		int owner = -1;

		for (int i = 0; i < 3; i++) {
			others[0] = hashes[(i + 1) % 3];
			others[1] = hashes[(i + 2) % 3];
			if (!hash_prefers(hash_mix(key), hashes[i], others, 2))
				continue;
			assert_int_equal(owner, -1);
			owner = i;
		}
		assert_in_range(owner, 0, 2);
		keys[owner]++;
		if (owner != 2)
			assert_true(hash_prefers(hash_mix(key), left[owner], &left[!owner], 1));
	}
	for (int i = 0; i < 3; i++)
		assert_in_range(keys[i], 40, 140);
}

static void a_server_beside_itself_has_every_key(void **state)
{
	uint64_t same = 7;

	assert_true(hash_prefers(1, 7, &same, 1)); /* itself among the others does no harm */
	assert_true(hash_prefers(1, 7, NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(unkeyed_hash_is_xxh3),
	    cmocka_unit_test(every_seed_gives_another_hash),
	    cmocka_unit_test(seeds_are_random),
	    cmocka_unit_test(every_key_is_one_servers),
	    cmocka_unit_test(a_server_beside_itself_has_every_key),
	};

	return cmocka_run_group_tests_name("base/hash", tests, NULL, NULL);
}
