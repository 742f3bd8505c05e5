/* SPDX-License-Identifier: MIT */
/* Windows as a table: who was settled in each, and how many offers the next one has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "worker/pace.h"

#define START UINT64_C(1000000000000)

static unsigned offers_in_window(struct pace *pace, uint64_t mono_ns)
{
	unsigned offers = 0;

	while (pace_allows(pace, mono_ns)) {
		pace_offered(pace);
		offers++;
	}
	return offers;
}

static unsigned with_some_more(unsigned bound)
{
	return PACE_MIN + bound + bound / 8;
}

static void offers_follow_who_was_settled(void **state)
{
	static const struct {
		uint64_t pause_windows; /* since the window before */
		unsigned settled;       /* in that one */
		unsigned measure;       /* what the next one goes by */
	} rows[] = {
	    {1, 0, 0},       {1, 800, 800},   {1, 4000, 4000}, /* more: at once */
	    {1, 0, 3500},    {1, 100, 3063},                   /* a pause: not forgotten at once */
	    {1, 2900, 2900}, {1, 2900, 2900},                  /* steady */
	    {5, 0, 2538},    {19, 0, 2221},   {40, 0, 0},      /* quiet: forgotten in the end */
	    {1, 8, 8},
	};
	struct pace pace = {0};
	uint64_t now_ns = START;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (unsigned n = 0; n < rows[i].settled; n++)
			pace_settled(&pace);
		now_ns += rows[i].pause_windows * PACE_WINDOW_NS;
		assert_int_equal(offers_in_window(&pace, now_ns), with_some_more(rows[i].measure));
		assert_int_equal(offers_in_window(&pace, now_ns + PACE_WINDOW_NS - 1), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(offers_follow_who_was_settled),
	};

	return cmocka_run_group_tests_name("worker/pace", tests, NULL, NULL);
}
