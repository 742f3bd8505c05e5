/* SPDX-License-Identifier: MIT */
/** Whichever allocation fails, the file is refused, says why, and nothing is left behind. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/arena.h"

/* Allocations until the one that fails; negative: none does. */
static long countdown = -1;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool fails(void)
{
	return countdown >= 0 && countdown-- == 0;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	/* a sanitizer's calloc ends the program over what the C library's refuses */
	if (fails() || (size && n > PTRDIFF_MAX / size))
		return NULL;
	return __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

/* What is cut from an arena counts as an allocation too. */
#define WRAP_ARENA(name, parameters, arguments)                                                    \
	void *__real_##name parameters;                                                            \
	void *__wrap_##name parameters;                                                            \
	void *__wrap_##name parameters                                                             \
	{                                                                                          \
		return fails() ? NULL : __real_##name arguments;                                   \
	}

WRAP_ARENA(arena_alloc, (struct arena * arena, size_t size), (arena, size))
WRAP_ARENA(arena_array, (struct arena * arena, size_t n, size_t size), (arena, n, size))
WRAP_ARENA(arena_copy, (struct arena * arena, const void *data, size_t size), (arena, data, size))
WRAP_ARENA(arena_text, (struct arena * arena, const char *data, size_t len), (arena, data, len))

static const char text[] =
    "server: {id: a, interfaces: [eth1]}\n"
    "store: {etcd: {endpoints: [\"http://a:1\"], prefix: /p, user: u, password-file: p}}\n"
    "boot-file: &f x\n"
    "server-name: *f\n"
    "options: {domain-name: x}\n"
    "networks:\n"
    "- name: n\n"
    "  links: [eth1]\n"
    "  options: {routers: 10.0.0.1}\n"
    "  subnets:\n"
    "  - subnet: 10.0.0.0/24\n"
    "    pools: [10.0.0.1-10.0.0.9]\n"
    "    options: {host-name: {value: x, always: true}}\n"
    "    reservations:\n"
    "    - {mac: \"02:00:00:00:00:01\", address: 10.0.0.1, options: {root-path: x}}\n";

static void test_every_allocation(void **state)
{
	struct config *config = NULL;
	long n = 0;

	for (; !config; n++) {
		struct config_error error = {{0}};

		countdown = n;
		config = parse(text, &error);
		const bool failed = countdown < 0;
		countdown = -1;
		assert_int_equal(failed, !config);
		if (!config)
			assert_string_equal(error.text, "t: memory: exhausted (at most 2048 MiB is "
							"used); shorten the file");
	}
	config_free(config);
	/* fewer would mean that the loop did not reach what it is about */
	assert_true(n > 50);
}

/* A file that does not fit the first buffer: this program. */
static void test_file_buffer(void **state)
{
	for (long n = 0; n < 2; n++) {
		struct config_error error = {{0}};

		countdown = n;
		assert_null(config_load("/proc/self/exe", &error));
		countdown = -1;
		assert_string_equal(error.text, "/proc/self/exe: file: Cannot allocate memory; "
						"name another with -c or mend this one");
	}
}

/* A block, then objects too large for blocks, before and after it. */
static void test_arena(void **state)
{
	struct arena *arena = arena_new(SIZE_MAX);
	uint8_t *parts[200];

	assert_non_null(arena);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const size_t size = i % 50 == 0 ? 100000 : i * 7;

		parts[i] = arena_alloc(arena, size);
		assert_non_null(parts[i]);
		assert_int_equal((uintptr_t)parts[i] % _Alignof(max_align_t), 0);
		for (size_t k = 0; k < size; k++)
			assert_int_equal(parts[i][k], 0);
		memset(parts[i], 0xff, size);
	}
	assert_null(arena_array(arena, SIZE_MAX / 2, 3));
	assert_null(arena_alloc(arena, SIZE_MAX));
	assert_null(arena_alloc(arena, SIZE_MAX - 64));
	assert_null(arena_text(arena, "", SIZE_MAX));
	assert_string_equal(arena_text(arena, "abc", 2), "ab");
	arena_free(arena);
	arena_free(NULL);
	config_free(NULL);
}

static void test_arena_limit(void **state)
{
	struct arena *arena = arena_new(1 << 20);
	size_t taken = 0;

	assert_non_null(arena);
	assert_null(arena_alloc(arena, (1 << 20) + 1));
	while (arena_alloc(arena, 1000))
		taken += 1000;
	assert_in_range(taken, (1 << 20) - 16 * 1024 - 1000, 1 << 20);
	arena_free(arena);
}

/* Aliases make a small text of a million reservations, each with 24 KiB of options. */
static void test_small_file_large_sets(void **state)
{
	static char file[64 << 10], value[4097];
	struct config_error error = {{0}};

	memset(value, 'x', sizeof(value) - 1);
	size_t len = snprintf(file, sizeof(file),
			      "server: {id: a, interfaces: [eth1]}\n"
			      "options: {12: %s, 14: %s, 15: %s, 17: %s, 18: %s, 40: %s}\n"
			      "networks:\n"
			      "- name: n\n"
			      "  subnets:\n"
			      "  - &s\n"
			      "    subnet: 10.0.0.0/8\n"
			      "    reservations:\n"
			      "    - &r {client-id: \"0102\", address: 10.0.0.1, options: {}}\n",
			      value, value, value, value, value, value);
	for (unsigned i = 0; i < 1000; i++)
		len += snprintf(file + len, sizeof(file) - len, "    - *r\n");
	for (unsigned i = 0; i < 1000; i++)
		len += snprintf(file + len, sizeof(file) - len, "  - *s\n");
	assert_true(len < sizeof(file) - 1);
	const struct config_source whole = {.name = "t", .text = file, .len = len};
	assert_null(config_parse(&whole, NULL, 64 << 20, &error));
	assert_string_equal(error.text,
			    "t: memory: exhausted (at most 64 MiB is used); shorten the file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_allocation),
	    cmocka_unit_test(test_file_buffer),
	    cmocka_unit_test(test_arena),
	    cmocka_unit_test(test_arena_limit),
	    cmocka_unit_test(test_small_file_large_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
