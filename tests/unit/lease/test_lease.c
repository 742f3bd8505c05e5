/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include "lease/ask.h"

static const struct config_times times = {
    .lease_s = 3600,
    .min_s = 900,
    .max_s = 7200,
    .horizon_pct = 200,
    .extend_pct = 150,
};

/* This server's clock says 1000; the slowest known one 995, the most advanced one 1010. */
static const struct moment skewed = {.earliest_s = 995, .latest_s = 1010};

static void wanted_time_is_bounded(void **state)
{
	static const struct {
		uint32_t asked, wanted;
	} rows[] = {
	    {0, 3600},    {1, 900},     {899, 900},   {900, 900},         {901, 901},
	    {7200, 7200}, {7201, 7200}, {3600, 3600}, {UINT32_MAX, 7200},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(lease_time_wanted(&times, rows[i].asked), rows[i].wanted);
}

static void default_time_is_bounded_too(void **state)
{
	struct config_times odd = times;

	odd.lease_s = 100;
	assert_int_equal(lease_time_wanted(&odd, 0), 900);
}

static void infinite_bound_lets_infinite_through(void **state)
{
	struct config_times infinite = times;

	infinite.max_s = UINT32_MAX;
	assert_int_equal(lease_time_wanted(&infinite, UINT32_MAX), UINT32_MAX);
	assert_int_equal(lease_hold_until(&infinite, UINT32_MAX, &skewed),
			 1010 + 2 * (int64_t)UINT32_MAX);
}

static void hold_reaches_the_horizon_from_the_latest_clock(void **state)
{
	static const struct {
		uint32_t horizon_pct, lease_s;
		int64_t hold;
	} rows[] = {
	    {100, 3600, 1010 + 3600}, {200, 3600, 1010 + 7200},
	    {1000, 60, 1010 + 600},   {150, 3, 1010 + 5} /* rounded up */,
	    {101, 1, 1010 + 2},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config_times t = times;

		t.horizon_pct = rows[i].horizon_pct;
		assert_int_equal(lease_hold_until(&t, rows[i].lease_s, &skewed), rows[i].hold);
	}
}

static void grant_ends_at_the_hold_by_the_latest_clock(void **state)
{
	static const struct {
		int64_t hold;
		uint32_t grant;
	} rows[] = {
	    {1010 + 7200, 3600}, {1010 + 3600, 3600}, {1010 + 3599, 3599}, {1010 + 900, 900},
	    {1010 + 899, 0},     {1010, 0},           {1009, 0},           {0, 0},
	    {INT64_MIN, 0},      {INT64_MAX, 3600},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(lease_grant(&times, 3600, rows[i].hold, &skewed), rows[i].grant);
}

static void extension_is_due_under_the_threshold(void **state)
{
	static const struct {
		int64_t left;
		uint32_t lease_s;
		bool due;
	} rows[] = {
	    {5400, 3600, false}, {5399, 3600, true}, {0, 3600, true},
	    {-5, 3600, true},    {2, 1, false},      {1, 1, true}, /* 150 % of 1 s is 1.5 s */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(
		    lease_wants_extension(&times, rows[i].lease_s, 1010 + rows[i].left, &skewed),
		    rows[i].due);
	assert_false(lease_wants_extension(&times, 3600, INT64_MAX, &skewed));
	assert_true(lease_wants_extension(&times, 3600, INT64_MIN, &skewed));
}

static void record_is_over_by_the_earliest_clock(void **state)
{
	static const struct {
		enum lease_state state;
		int64_t hold;
		bool over;
	} rows[] = {
	    {LEASE_NONE, INT64_MAX, true}, {LEASE_BOUND, 994, true},
	    {LEASE_BOUND, 995, false},     {LEASE_BOUND, 1010, false},
	    {LEASE_RELEASED, 995, false},  {LEASE_RELEASED, 994, true},
	    {LEASE_DECLINED, 996, false},  {LEASE_DECLINED, INT64_MIN, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct lease lease = {.state = rows[i].state, .hold_until_s = rows[i].hold};

		assert_int_equal(lease_is_over(&lease, &skewed), rows[i].over);
	}
}

static void record_is_forgotten_when_nothing_is_promised(void **state)
{
	static const struct {
		enum lease_state state;
		int64_t hold, promised;
		bool forgettable;
	} rows[] = {
	    {LEASE_NONE, 0, 0, true},		 {LEASE_RELEASED, 994, 0, true},
	    {LEASE_RELEASED, 994, 994, true},	 {LEASE_RELEASED, 994, 995, false},
	    {LEASE_DECLINED, 900, 1010, false},	 {LEASE_BOUND, 995, 0, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct lease lease = {.state = rows[i].state, .hold_until_s = rows[i].hold,
				      .promised_until_s = rows[i].promised};

		assert_int_equal(lease_is_forgettable(&lease, &skewed), rows[i].forgettable);
	}
}

/* Rules 1 and 2 together: whatever was granted has ended for everybody before the record is over.
 */
static void no_grant_outlives_its_record(void **state)
{
	struct config_times tight = times;

	tight.horizon_pct = 100;
	for (int64_t behind = 0; behind < 20; behind++)
		for (int64_t ahead = 0; ahead < 20; ahead++) {
			struct moment then = {.earliest_s = 1000 - behind,
					      .latest_s = 1000 + ahead};
			int64_t hold = lease_hold_until(&tight, 3600, &then);
			uint32_t grant = lease_grant(&tight, 3600, hold, &then);
			struct lease lease = {.state = LEASE_BOUND, .hold_until_s = hold};
			/* the last second of the promise, as the most advanced clock reads it */
			struct moment end = {.earliest_s = then.latest_s + grant,
					     .latest_s = then.latest_s + grant};

			assert_false(lease_is_over(&lease, &end));
		}
}

static void names_are_complete(void **state)
{
	assert_string_equal(lease_state_name(LEASE_NONE), "none");
	assert_string_equal(lease_state_name(LEASE_BOUND), "bound");
	assert_string_equal(lease_state_name(LEASE_RELEASED), "released");
	assert_string_equal(lease_state_name(LEASE_DECLINED), "declined");
	assert_string_equal(lease_state_name(LEASE_REVOKED), "revoked");
	assert_string_equal(lease_state_name(LEASE_STATE_COUNT), "unknown");
	for (int op = 0; op < ASK_OP_COUNT; op++)
		assert_string_not_equal(ask_op_name((enum ask_op)op), "unknown");
	for (int result = 0; result < ASK_RESULT_COUNT; result++)
		assert_string_not_equal(ask_result_name((enum ask_result)result), "unknown");
	assert_string_equal(ask_op_name(ASK_OP_COUNT), "unknown");
	assert_string_equal(ask_result_name(ASK_RESULT_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wanted_time_is_bounded),
	    cmocka_unit_test(default_time_is_bounded_too),
	    cmocka_unit_test(infinite_bound_lets_infinite_through),
	    cmocka_unit_test(hold_reaches_the_horizon_from_the_latest_clock),
	    cmocka_unit_test(grant_ends_at_the_hold_by_the_latest_clock),
	    cmocka_unit_test(extension_is_due_under_the_threshold),
	    cmocka_unit_test(record_is_over_by_the_earliest_clock),
	    cmocka_unit_test(record_is_forgotten_when_nothing_is_promised),
	    cmocka_unit_test(no_grant_outlives_its_record),
	    cmocka_unit_test(names_are_complete),
	};

	return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
