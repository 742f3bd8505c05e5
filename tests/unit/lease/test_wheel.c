/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <errno.h>
#include <stdlib.h>

#include "lease/wheel.h"

#define BASE    IP(10, 0, 0, 0)
#define N_ADDRS 1024u

struct rig {
	struct memory memory;
	struct directory dir;
	struct wheel wheel;
	int64_t due[N_ADDRS]; /* what was asked for; 0: not in the wheel */
};

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	bool made;

	assert_non_null(rig);
	for (uint32_t i = 0; i < N_ADDRS; i += PAGE_ADDRS) {
		struct page *page = directory_add_page(&rig->dir, &rig->memory, BASE + i, &made);
		assert_non_null(page);
		assert_true(made);
		assert_int_equal(directory_add_slots(&rig->dir, &rig->memory, page), 0);
	}
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	directory_fini(&rig->dir, &rig->memory);
	memory_fini(&rig->memory);
	assert_int_equal(counter_read(&rig->memory.bytes), 0);
	free(rig);
	return 0;
}

static void schedule(struct rig *rig, uint32_t i, int64_t due_s)
{
	rig->due[i] = due_s;
	wheel_schedule(&rig->wheel, &rig->dir, BASE + i, due_s);
}

/* What comes up before its time goes back, as the allocator does it. Returns how many were due. */
static uint32_t turn(struct rig *rig, int64_t now_s)
{
	uint32_t addr, n = 0;

	while ((addr = wheel_pop(&rig->wheel, &rig->dir, now_s))) {
		uint32_t i = addr - BASE;

		assert_true(i < N_ADDRS && rig->due[i] != 0);
		if (rig->due[i] > now_s) {
			wheel_schedule(&rig->wheel, &rig->dir, addr, rig->due[i]);
		} else {
			rig->due[i] = 0;
			n++;
		}
	}
	for (uint32_t i = 0; i < N_ADDRS; i++)
		assert_int_equal(wheel_has(&rig->dir, BASE + i), rig->due[i] != 0);
	return n;
}

static void assert_none_overdue(const struct rig *rig, int64_t now_s)
{
	for (uint32_t i = 0; i < N_ADDRS; i++)
		assert_true(rig->due[i] == 0 || rig->due[i] > now_s);
}

static void each_comes_up_at_its_second(void **state)
{
	static const int64_t after[] = {1,      2,      63,       64,       65,      127,    128,
					4095,   4096,   4097,     8191,     8192,    262143, 262144,
					262145, 300000, 16777215, 16777216, 20000000};
	struct rig *rig = *state;
	int64_t now_s = START_S + 17;

	turn(rig, now_s);
	for (uint32_t i = 0; i < ARRAY_SIZE(after); i++)
		schedule(rig, i, now_s + after[i]);
	for (uint32_t i = 0; i < ARRAY_SIZE(after); i++) {
		assert_int_equal(turn(rig, now_s + after[i] - 1), 0);
		assert_int_equal(turn(rig, now_s + after[i]), 1);
	}
}

static void every_second_of_two_rounds_is_met(void **state)
{
	struct rig *rig = *state;
	int64_t start_s = START_S + 4090; /* not at the beginning of any list */

	turn(rig, start_s);
	for (uint32_t i = 0; i < N_ADDRS; i++)
		schedule(rig, i, start_s + 1 + i * 9);
	for (int64_t s = 1; s <= (int64_t)N_ADDRS * 9; s++)
		assert_int_equal(turn(rig, start_s + s), (s - 1) % 9 == 0);
}

static void time_that_has_passed_means_the_next_second(void **state)
{
	struct rig *rig = *state;

	turn(rig, START_S);
	schedule(rig, 0, START_S);
	schedule(rig, 1, START_S - 100);
	schedule(rig, 2, INT64_MIN);
	assert_int_equal(turn(rig, START_S), 0);
	assert_int_equal(turn(rig, START_S + 1), 3);
}

static void earlier_time_wins(void **state)
{
	struct rig *rig = *state;

	turn(rig, START_S);
	schedule(rig, 0, START_S + 100000);
	schedule(rig, 0, START_S + 10);
	assert_int_equal(turn(rig, START_S + 9), 0);
	assert_int_equal(turn(rig, START_S + 10), 1);
}

static void extension_leaves_the_links_alone(void **state)
{
	struct rig *rig = *state;
	struct wheel before;

	turn(rig, START_S);
	schedule(rig, 0, START_S + 10);
	schedule(rig, 1, START_S + 10);
	before = rig->wheel;
	schedule(rig, 0, START_S + 5000);
	assert_memory_equal(&before, &rig->wheel, sizeof(before));
	assert_int_equal(turn(rig, START_S + 10), 1);
	assert_int_equal(turn(rig, START_S + 4999), 0);
	assert_int_equal(turn(rig, START_S + 5000), 1);
}

static void clock_that_jumps_ahead_is_followed_at_once(void **state)
{
	struct rig *rig = *state;

	for (uint32_t i = 0; i < N_ADDRS; i++) /* before the wheel knows the time */
		schedule(rig, i, START_S - 512 + i);
	assert_int_equal(turn(rig, START_S), 513);
	assert_int_equal(turn(rig, START_S + 100), 100);
	assert_int_equal(turn(rig, START_S + 100000), 411);
}

static void clock_that_goes_back_stops_the_wheel(void **state)
{
	struct rig *rig = *state;

	turn(rig, START_S);
	schedule(rig, 0, START_S + 5);
	assert_int_equal(turn(rig, START_S - 1000), 0);
	schedule(rig, 1, START_S - 990);
	assert_int_equal(turn(rig, START_S), 0);
	assert_int_equal(turn(rig, START_S + 1), 1);
	assert_int_equal(turn(rig, START_S + 5), 1);
}

static void list_of_those_over_is_left_when_scheduled(void **state)
{
	struct rig *rig = *state;

	turn(rig, START_S);
	for (uint32_t i = 0; i < 3; i++)
		wheel_set_over(&rig->wheel, &rig->dir, BASE + i);
	schedule(rig, 1, INT64_MAX);
	assert_int_equal(wheel_pop_over(&rig->wheel, &rig->dir), BASE + 2);
	assert_int_equal(wheel_pop_over(&rig->wheel, &rig->dir), BASE + 0);
	assert_int_equal(wheel_pop_over(&rig->wheel, &rig->dir), 0);
	assert_true(wheel_has(&rig->dir, BASE + 1));
}

static void random_times_are_kept(void **state)
{
	struct rig *rig = *state;
	uint64_t random = 42;
	int64_t now_s = START_S;

	turn(rig, now_s);
	for (int round = 0; round < 3000; round++) {
		for (int k = 0; k < 20; k++) {
			uint32_t i = next_random(&random) % N_ADDRS;
			int shift = (int)(next_random(&random) % 27);
			int64_t due_s = now_s + 1 + (int64_t)(next_random(&random) >> (63 - shift));

			/* entries leave only by coming up: an asked time later than the list's is
			 * kept */
			schedule(rig, i, due_s);
		}
		now_s += (int64_t)(next_random(&random) % (round % 100 ? 50 : 1000000));
		turn(rig, now_s);
		assert_none_overdue(rig, now_s);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(each_comes_up_at_its_second),
	    TEST(every_second_of_two_rounds_is_met),
	    TEST(time_that_has_passed_means_the_next_second),
	    TEST(earlier_time_wins),
	    TEST(extension_leaves_the_links_alone),
	    TEST(clock_that_jumps_ahead_is_followed_at_once),
	    TEST(clock_that_goes_back_stops_the_wheel),
	    TEST(list_of_those_over_is_left_when_scheduled),
	    TEST(random_times_are_kept),
	};

	return cmocka_run_group_tests_name("wheel", tests, NULL, NULL);
}
