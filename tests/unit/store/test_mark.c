/* SPDX-License-Identifier: MIT */
/* The high-water mark: who may serve by it, and what it does to the interval. Times are seconds here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/mark.h"

#define S         INT64_C(1000000000)
#define START     INT64_C(1700000000)
#define HOUR      3600
#define TOLERANCE 5
#define CARRY     (2 * HOUR)

static int64_t at(int64_t s)
{
	return (START + s) * S;
}

static int64_t rounded(int64_t ns)
{
	return (ns + (ns < 0 ? -S / 2 : S / 2)) / S;
}

/* The load of a store whose clock key says @p value (0: there is none). */
static void load(struct mark *mark, int64_t value, int64_t revision, int64_t now)
{
	mark_begin_load(mark);
	if (value)
		mark_see(mark, at(value), revision, at(now));
	mark_end_load(mark, at(now));
}

static int64_t behind(struct mark *mark, int64_t ahead, int64_t now)
{
	return rounded(mark_behind(mark, ahead * S, TOLERANCE * S, at(now)));
}

static void check_widened(const struct mark *mark, int64_t now, int64_t lower, int64_t upper)
{
	int64_t lower_ns = 0, upper_ns = 0;

	mark_widen(mark, CARRY * S, at(now), &lower_ns, &upper_ns);
	assert_int_equal(rounded(lower_ns), lower);
	assert_int_equal(rounded(upper_ns), upper);
}

/* The mark and all that is known of time when a server starts; 0: it may serve. */
static const struct start_case {
	const char *what;
	int64_t mark, now, ahead; /* ahead: the latest known clock minus ours */
	int64_t behind;           /* and by how much not */
	int64_t lower, upper;     /* offsets that the mark stands for, then */
} start_cases[] = {
	{"an empty store", 0, 1000, 0, 0, 0, 0},
	{"the clock is right", 990, 1000, 0, 0, -10, 0},
	{"the store has slept", 1000 - HOUR, 1000, 0, 0, -HOUR, 0},
	{"behind, within the tolerance", 1005, 1000, 0, 0, 0, 5},
	{"behind by more", 1006, 1000, 0, 6, 0, 0},
	{"an hour behind", 1000 + HOUR, 1000, 0, HOUR, 0, 0},
	{"an hour behind, another member is right", 1000 + HOUR, 1000, HOUR, 0, 0, HOUR},
	{"an hour behind, another member nearly so", 1000 + HOUR, 1000, 600, HOUR - 600, 0, 0},
};

static void test_start(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(start_cases); i++) {
		const struct start_case *c = &start_cases[i];
		struct mark mark = {0};

		load(&mark, c->mark, 5, c->now);
		if (behind(&mark, c->ahead, c->now) != c->behind)
			print_error("%s\n", c->what);
		assert_int_equal(behind(&mark, c->ahead, c->now), c->behind);
		check_widened(&mark, c->now, c->lower, c->upper);
	}
}

static void test_time_catches_up(void **state)
{
	struct mark mark = {0};

	load(&mark, 1600, 5, 1000);
	assert_int_equal(behind(&mark, 0, 1000), 600);
	assert_int_equal(behind(&mark, 0, 1594), 6);
	assert_int_equal(behind(&mark, 0, 1596), 0);
	check_widened(&mark, 1596, 0, 4);
}

/* Whoever serves goes on: a later mark only makes its grants shorter. */
static void test_a_later_mark_is_absorbed(void **state)
{
	struct mark mark = {0};

	load(&mark, 990, 5, 1000);
	assert_int_equal(behind(&mark, 0, 1000), 0);
	mark_see(&mark, at(1010 + HOUR), 6, at(1010));
	assert_int_equal(behind(&mark, 0, 1010), 0);
	check_widened(&mark, 1010, 0, HOUR);
	check_widened(&mark, 1010 + CARRY + 1, 0, 0);
}

/* Nobody knows who was here before: until their promises are over, theirs is one more clock. */
static void test_the_days_before_count(void **state)
{
	struct mark mark = {0};

	load(&mark, 1000 - HOUR, 5, 1000);
	assert_int_equal(behind(&mark, 0, 1000), 0);
	check_widened(&mark, 1000, -HOUR, 0);
	check_widened(&mark, 1000 + CARRY, -HOUR - CARRY / 1000, 0);
	check_widened(&mark, 1001 + CARRY, 0, 0);
}

/* Whoever began while this server was not registered may not know it, from then on. */
static void test_they_count_anew_from_a_registration(void **state)
{
	struct mark mark = {0};

	load(&mark, 990, 5, 1000);
	mark_begin_again(&mark, at(1000 + CARRY));
	check_widened(&mark, 1000 + 2 * CARRY, -10 - 2 * CARRY / 1000, 0);
	check_widened(&mark, 1001 + 2 * CARRY, 0, 0);
}

/* Who writes it knows those who are there: it says more than it did at first. */
static void test_a_newer_mark_tightens(void **state)
{
	struct mark mark = {0};

	load(&mark, 1000 - HOUR, 5, 1000);
	mark_see(&mark, at(1001), 6, at(1003));
	check_widened(&mark, 1003, -2, 0);
	mark_see(&mark, at(1003), 7, at(1010)); /* says less */
	check_widened(&mark, 1010, -2, 0);
}

/* In an empty store nobody had promised anything. */
static void test_own_marks_in_an_empty_store(void **state)
{
	struct mark mark = {0};

	load(&mark, 0, 0, 1000);
	mark_see(&mark, at(1000), 1, at(1000));
	check_widened(&mark, 1100, 0, 0);
}

static void test_records_stand_in(void **state)
{
	struct mark mark = {0};

	mark_begin_load(&mark);
	mark_see_record(&mark, START + 900);
	mark_see_record(&mark, START + 2000);
	mark_see_record(&mark, INT64_MAX);
	mark_see_record(&mark, -5);
	mark_end_load(&mark, at(1000));
	assert_int_equal(behind(&mark, 0, 1000), 1000);

	/* but not against the key: an operator puts right what a wrong clock wrote */
	mark = (struct mark){0};
	mark_begin_load(&mark);
	mark_see(&mark, at(900), 5, at(1000));
	mark_see_record(&mark, START + 2000);
	mark_end_load(&mark, at(1000));
	assert_int_equal(behind(&mark, 0, 1000), 0);
}

static void test_an_operator_deletes_it(void **state)
{
	struct mark mark = {0};

	load(&mark, 1000 + HOUR, 5, 1000);
	assert_int_equal(behind(&mark, 0, 1000), HOUR);
	mark_see_deleted(&mark, 4); /* older than what is known */
	assert_int_equal(behind(&mark, 0, 1000), HOUR);
	mark_see_deleted(&mark, 6);
	assert_int_equal(behind(&mark, 0, 1000), 0);
	assert_int_equal(mark.revision, 0);
}

/* The same where nobody can delete it; what is written next is guarded all the same. */
static void test_an_operator_vouches_for_this_clock(void **state)
{
	struct mark mark = {0};

	load(&mark, 1000 - HOUR, 5, 1000);
	mark_forget(&mark);
	assert_int_equal(behind(&mark, 0, 1000), 0);
	check_widened(&mark, 1000, 0, 0);
	assert_true(mark_is_due(&mark, at(1000 - HOUR)));
	assert_int_equal(mark.revision, 5);
}

static void test_a_reload_finds_it_deleted_or_changed(void **state)
{
	struct mark mark = {0};

	load(&mark, 1000 + HOUR, 5, 1000);
	load(&mark, 1000 + HOUR, 5, 1001);
	assert_int_equal(behind(&mark, 0, 1001), HOUR - 1);
	load(&mark, 0, 0, 1002);
	assert_int_equal(behind(&mark, 0, 1002), 0);
}

static void test_older_events_change_nothing(void **state)
{
	struct mark mark = {0};

	load(&mark, 990, 5, 1000);
	mark_see(&mark, at(5000), 4, at(1000));
	assert_int_equal(behind(&mark, 0, 1000), 0);
	check_widened(&mark, 1000, -10, 0);
}

/* Every ten seconds, by whoever comes first; never back. */
static void test_when_it_is_due(void **state)
{
	struct mark mark = {0};

	assert_true(mark_is_due(&mark, at(0)));
	load(&mark, 990, 5, 1000);
	assert_true(mark_is_due(&mark, at(1000)));
	assert_false(mark_is_due(&mark, at(999)));
	assert_false(mark_is_due(&mark, at(-HOUR)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_time_catches_up),
		cmocka_unit_test(test_a_later_mark_is_absorbed),
		cmocka_unit_test(test_the_days_before_count),
		cmocka_unit_test(test_they_count_anew_from_a_registration),
		cmocka_unit_test(test_a_newer_mark_tightens),
		cmocka_unit_test(test_own_marks_in_an_empty_store),
		cmocka_unit_test(test_records_stand_in),
		cmocka_unit_test(test_an_operator_deletes_it),
		cmocka_unit_test(test_an_operator_vouches_for_this_clock),
		cmocka_unit_test(test_a_reload_finds_it_deleted_or_changed),
		cmocka_unit_test(test_older_events_change_nothing),
		cmocka_unit_test(test_when_it_is_due),
	};

	return cmocka_run_group_tests_name("store/mark", tests, NULL, NULL);
}
