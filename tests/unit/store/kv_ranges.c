/* SPDX-License-Identifier: MIT */
/* Which keys the pages of a load ask for, against a sorted list of keys that answers as etcd does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "store/etcd/ranges.h"

#define PREFIX   "/p/"
#define UNWANTED "clients/"

struct key {
	struct span text;
	unsigned reads;
};

struct world {
	struct key *keys;
	size_t n, cap;
	uint64_t dice;
	struct ranges ranges;
	uint64_t limit;
	uint64_t pages, walked; /* asked for; keys in their ranges, cut off or not */
};

static uint64_t roll(struct world *world, uint64_t below)
{
	world->dice = hash_bytes(&world->dice, sizeof(world->dice), 1);
	return world->dice % below;
}

static int by_text(const void *a, const void *b)
{
	struct span left = ((const struct key *)a)->text, right = ((const struct key *)b)->text;
	int order = memcmp(left.data, right.data, min_size(left.len, right.len));

	if (order)
		return order;
	return left.len < right.len ? -1 : left.len > right.len;
}

static int compare(struct span a, struct span b)
{
	struct key left = {.text = a}, right = {.text = b};

	return by_text(&left, &right);
}

/* Below the prefix. */
static void add(struct world *world, const void *data, size_t len)
{
	size_t prefix_len = strlen(PREFIX);
	uint8_t *text = malloc(prefix_len + len);

	if (world->n == world->cap) {
		world->cap = world->cap ? 2 * world->cap : 1024;
		world->keys = realloc(world->keys, world->cap * sizeof(*world->keys));
	}
	memcpy(text, PREFIX, prefix_len);
	memcpy(text + prefix_len, data, len);
	world->keys[world->n++] = (struct key){.text = {text, prefix_len + len}};
}

static void add_text(struct world *world, const char *text)
{
	add(world, text, strlen(text));
}

static void sort(struct world *world)
{
	size_t n = 0;

	if (world->n)
		qsort(world->keys, world->n, sizeof(*world->keys), by_text);
	for (size_t i = 0; i < world->n; i++) {
		if (n && compare(world->keys[n - 1].text, world->keys[i].text) == 0)
			free((void *)(uintptr_t)world->keys[i].text.data);
		else
			world->keys[n++] = world->keys[i];
	}
	world->n = n;
}

static void forget(struct world *world)
{
	for (size_t i = 0; i < world->n; i++)
		free((void *)(uintptr_t)world->keys[i].text.data);
	free(world->keys);
	ranges_fini(&world->ranges);
}

/* ---- what is stored ---- */

static void nothing(struct world *world)
{
}

static void one_key(struct world *world)
{
	add_text(world, "config/networks");
}

static void add_addresses(struct world *world, const char *network, unsigned first, unsigned n)
{
	for (unsigned a = first; a < first + n; a++) {
		char text[80];
		snprintf(text, sizeof(text), "leases/4/%s/10.%u.%u.%u", network, a >> 16 & 255,
			 a >> 8 & 255, a & 255);
		add_text(world, text);
	}
}

static void networks(struct world *world)
{
	static const char *const others[] = {
	    "clients",
	    "clients.",
	    "clients/",
	    "clients/4/a/mac:x",
	    "clients/~",
	    "clients0",
	    "config/networks",
	    "reservations/4/a/mac:x",
	    "servers/a",
	    "servers/b",
	    "zz",
	    "\xff\xff\x01",
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		add_text(world, others[i]);
	add_addresses(world, "a", 65 << 16, 3000);
	add_addresses(world, "a", (69 << 16) + 65000, 1200);
	add_addresses(world, "b", 0, 10);
	add_addresses(world, "campus", 200 << 16, 700);
}

/* The bytes at which counting up is special, and their neighbours. */
static void odd_bytes(struct world *world)
{
	static const uint8_t bytes[] = {0x00, 0x01, '/', '0', '9', ':', 0xfe, 0xff};

	for (int i = 0; i < 2000; i++) {
		uint8_t text[6];
		size_t len = 1 + roll(world, sizeof(text));
		for (size_t b = 0; b < len; b++)
			text[b] = bytes[roll(world, sizeof(bytes))];
		add(world, text, len);
	}
}

static void (*const contents[])(struct world *world) = {nothing, one_key, networks, odd_bytes};

/* ---- etcd ---- */

static size_t lower_bound(const struct world *world, const struct range_key *key)
{
	size_t low = 0, high = world->n;

	while (low < high) {
		size_t mid = (low + high) / 2;
		if (compare(world->keys[mid].text, (struct span){key->data, key->len}) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void answer(struct world *world, size_t reader)
{
	struct range_reader *own = &world->ranges.reader[reader];
	size_t first = lower_bound(world, &own->from), end = lower_bound(world, &own->until);
	struct range_page page = {.count = end - first, .limit = world->limit};

	assert_true(first <= end);
	page.n = min_size(page.count, world->limit);
	page.more = page.n < page.count;
	for (size_t i = first; i < first + page.n; i++)
		world->keys[i].reads++;
	if (page.n > 0) {
		page.first = world->keys[first].text;
		page.last = world->keys[first + page.n - 1].text;
	}
	world->pages++;
	world->walked += page.count;
	assert_int_equal(ranges_read(&world->ranges, reader, &page), 0);
}

static bool is_unwanted(const struct key *key)
{
	size_t len = strlen(PREFIX UNWANTED);

	return key->text.len >= len && memcmp(key->text.data, PREFIX UNWANTED, len) == 0;
}

static void assert_each_was_read_once(const struct world *world)
{
	for (size_t i = 0; i < world->n; i++)
		if (world->keys[i].reads != !is_unwanted(&world->keys[i]))
			fail_msg("\"%.*s\" was read %u times", (int)world->keys[i].text.len,
				 (const char *)world->keys[i].text.data, world->keys[i].reads);
}

static void begin(struct world *world, size_t n_readers)
{
	struct span prefix = {(const uint8_t *)PREFIX, strlen(PREFIX)};

	sort(world);
	assert_int_equal(ranges_init(&world->ranges, n_readers, prefix, UNWANTED), 0);
}

/* ---- tests ---- */

static void restart(struct world *world)
{
	ranges_restart(&world->ranges);
	for (size_t i = 0; i < world->n; i++)
		world->keys[i].reads = 0;
}

/* In any order answers come, whatever fails, and when all of it begins anew. */
static void load_by_chance(struct world *world, size_t n_readers)
{
	bool asked[RANGES_MAX_READERS] = {false};
	uint64_t steps = 0;
	int restarts = 2;

	while (!ranges_done(&world->ranges)) {
		size_t reader = roll(world, n_readers);
		assert_true(steps++ < 1000 * (world->n + 10));
		if (!asked[reader]) {
			asked[reader] = ranges_next(&world->ranges, reader) == 1;
		} else if (roll(world, 5) == 0) { /* failed, and is to be asked for again */
			asked[reader] = false;
			assert_true(world->ranges.reader[reader].unread);
		} else if (restarts > 0 && roll(world, 50) == 0) {
			restart(world);
			memset(asked, 0, sizeof(asked));
			restarts--;
		} else {
			answer(world, reader);
			asked[reader] = false;
		}
	}
	for (size_t i = 0; i < n_readers; i++)
		assert_int_equal(ranges_next(&world->ranges, i), 0);
	assert_each_was_read_once(world);
}

static void every_key_is_read_once(void **state)
{
	static const uint64_t limits[] = {1, 2, 7, 100, 3000, 100000};

	for (uint64_t seed = 0; seed < 96; seed++) {
		struct world world = {.dice = seed};
		size_t n_readers = 1 + seed % RANGES_MAX_READERS;

		world.limit = limits[seed / 4 % ARRAY_SIZE(limits)];
		contents[seed / 24](&world);
		begin(&world, n_readers);
		load_by_chance(&world, n_readers);
		forget(&world);
	}
}

/* All readers ask, then all are answered; how often. */
static uint64_t load_in_rounds(struct world *world, size_t n_readers)
{
	uint64_t rounds = 0;

	for (; !ranges_done(&world->ranges); rounds++) {
		for (size_t i = 0; i < n_readers; i++)
			assert_true(ranges_next(&world->ranges, i) >= 0);
		for (size_t i = 0; i < n_readers; i++)
			if (world->ranges.reader[i].unread)
				answer(world, i);
	}
	assert_each_was_read_once(world);
	return rounds;
}

/*
 * 10.65.0.0 to 10.80.66.63, as in a pool of a million, of which each page could hold 50,000: every
 * 16th of the addresses, and of the page. The index is walked once for what is found, and once
 * more until it is known how the keys look.
 */
static void ranges_are_narrow_and_shared(void **state)
{
	for (size_t n_readers = 1; n_readers <= RANGES_MAX_READERS; n_readers++) {
		struct world world = {.limit = 50000 / 16};
		uint64_t rounds;

		for (unsigned a = 65 << 16; a < (65 << 16) + 1000000; a += 16)
			add_addresses(&world, "bench", a, 1);
		add_text(&world, "config/networks");
		begin(&world, n_readers);
		rounds = load_in_rounds(&world, n_readers);
		assert_in_range(world.walked, world.n, 5 * world.n / 2);
		assert_in_range(world.pages, 20, 100);
		assert_in_range(rounds, 1, world.pages / n_readers + 10);
		forget(&world);
	}
}

/* A page that holds what was not asked for is none. */
static void foreign_keys_are_refused(void **state)
{
	static const char *const keys[] = {"/o", "/p", "/q/", "/p0"};
	struct world world = {.limit = 1};

	begin(&world, 1);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct span key = {(const uint8_t *)keys[i], strlen(keys[i])};
		struct range_page page = {
		    .first = key, .last = key, .n = 1, .more = true, .count = 2, .limit = 1};
		assert_int_equal(ranges_next(&world.ranges, 0), 1);
		assert_int_equal(ranges_read(&world.ranges, 0, &page), -EBADMSG);
		assert_false(ranges_done(&world.ranges));
	}
	forget(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_key_is_read_once),
	    cmocka_unit_test(ranges_are_narrow_and_shared),
	    cmocka_unit_test(foreign_keys_are_refused),
	};

	return cmocka_run_group_tests_name("kv/etcd ranges", tests, NULL, NULL);
}
