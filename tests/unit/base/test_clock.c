/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "base/clock.h"

#define S ((int64_t)NS_PER_S)

/* Real clocks take part in some tests; an hour's offset is told from noise by minutes. */
#define HOUR_NS  (3600 * S)
#define SLACK_NS (300 * S)

static void interval_covers_every_known_clock(void **state)
{
	static const struct {
		int64_t base_ns, mono_ns, behind_ns, ahead_ns;
		int64_t earliest_s, latest_s;
	} rows[] = {
	    /* alone: the second the clock is in, both its ends */
	    {1000 * S, 5 * S, 0, 0, 1005, 1005},
	    {1000 * S, 5 * S + 1, 0, 0, 1005, 1006},
	    {1000 * S, 6 * S - 1, 0, 0, 1005, 1006},
	    /* a nanosecond of doubt on an exact second is a second in that direction alone */
	    {1000 * S, 5 * S, 1, 0, 1004, 1005},
	    {1000 * S, 5 * S, 0, 1, 1005, 1006},
	    /* peers' offsets move their own end */
	    {1000 * S, 5 * S, 2 * S, 0, 1003, 1005},
	    {1000 * S, 5 * S, 0, 2 * S, 1005, 1007},
	    {1000 * S, 5 * S + S / 2, 2 * S, 3 * S, 1003, 1009},
	    {1000 * S, 5 * S + S / 2, S / 2, S / 2, 1005, 1006},
	    /* before 1970 down is still down: a machine without a battery clock */
	    {-10 * S, 5 * S, 0, 0, -5, -5},
	    {-10 * S, 5 * S + 1, 0, 0, -5, -4},
	    {-10 * S, 5 * S - 1, 0, 0, -6, -5},
	    {0, 0, 1, 1, -1, 1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct clock clock = {.base_ns = rows[i].base_ns};
		struct moment m;

		clock_set_peers(&clock, rows[i].behind_ns, rows[i].ahead_ns);
		m = clock_at(&clock, (uint64_t)rows[i].mono_ns);
		assert_true(m.mono_ns == (uint64_t)rows[i].mono_ns);
		assert_int_equal(m.earliest_s, rows[i].earliest_s);
		assert_int_equal(m.latest_s, rows[i].latest_s);
	}
}

static void absurd_peers_do_not_overflow(void **state)
{
	const int64_t years_73_s = INT64_MAX / 4 / S;
	struct clock clock = {.base_ns = 1800000000 * S};
	struct moment m;

	clock_set_peers(&clock, INT64_MAX, INT64_MAX);
	m = clock_at(&clock, 0);
	assert_int_equal(m.earliest_s, 1800000000 - years_73_s - 1);
	assert_int_equal(m.latest_s, 1800000000 + years_73_s + 1);
}

static void peers_are_replaced_not_added(void **state)
{
	struct clock clock = {.base_ns = 100 * S};
	struct moment m;

	clock_set_peers(&clock, 10 * S, 10 * S);
	clock_set_peers(&clock, S, 2 * S);
	m = clock_at(&clock, 0);
	assert_int_equal(m.earliest_s, 99);
	assert_int_equal(m.latest_s, 102);
}

static void readings_agree_with_each_other(void **state)
{
	struct clock clock;
	uint64_t before, after;
	struct moment m;
	int64_t wall;

	clock_init(&clock, 0);
	before = clock_mono_ns();
	wall = clock_wall_ns(&clock);
	m = clock_read(&clock);
	after = clock_mono_ns();

	assert_true(before <= m.mono_ns && m.mono_ns <= after);
	assert_true(wall >= clock.base_ns + (int64_t)before);
	assert_true(wall <= clock.base_ns + (int64_t)m.mono_ns);
	assert_true(m.latest_s * S >= wall);
	assert_true(m.earliest_s <= m.latest_s);
	assert_true(m.latest_s - m.earliest_s <= 1);
}

static void offset_makes_a_wrong_clock_and_the_alarm_sees_it(void **state)
{
	static const int64_t offsets_s[] = {-3600, 0, 3600};

	for (size_t i = 0; i < ARRAY_SIZE(offsets_s); i++) {
		struct clock clock;
		int64_t step_ns;

		clock_init(&clock, offsets_s[i]);
		step_ns = clock_step_ns(&clock);
		assert_true(step_ns > -offsets_s[i] * S - SLACK_NS);
		assert_true(step_ns < -offsets_s[i] * S + SLACK_NS);
	}
}

/* What an operator's `date -s` does to the two clocks, seen from a server already running. */
static void step_of_the_system_clock_changes_the_alarm_alone(void **state)
{
	struct clock clock;
	int64_t wall_ns;

	clock_init(&clock, 0);
	clock.base_ns -= HOUR_NS; /* as if the system clock had since been set an hour ahead */
	wall_ns = clock_wall_ns(&clock);
	assert_true(clock_step_ns(&clock) > HOUR_NS - SLACK_NS);
	assert_true(clock_step_ns(&clock) < HOUR_NS + SLACK_NS);
	assert_true(clock_wall_ns(&clock) - wall_ns < SLACK_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(interval_covers_every_known_clock),
	    cmocka_unit_test(absurd_peers_do_not_overflow),
	    cmocka_unit_test(peers_are_replaced_not_added),
	    cmocka_unit_test(readings_agree_with_each_other),
	    cmocka_unit_test(offset_makes_a_wrong_clock_and_the_alarm_sees_it),
	    cmocka_unit_test(step_of_the_system_clock_changes_the_alarm_alone),
	};

	return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
