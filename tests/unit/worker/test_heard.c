/* SPDX-License-Identifier: MIT */
/* Who was heard before, and in which networks leaving clients to others is in vain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "worker/heard.h"

#define START (UINT64_C(1000000) * NS_PER_S)
#define MS(n) (START + (n) * NS_PER_MS)
#define CLIENT UINT64_C(0x1234567800000005)

static int set_up(void **state)
{
	*state = heard_new();
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	heard_free(*state);
	return 0;
}

static const struct row {
	const char *name;
	uint64_t after_ms;
	uint32_t xid;
	unsigned repeats;
} rows[] = {
	{"the first time", 0, 1, 0},
	{"a copy by another relay agent", 5, 1, 0},
	{"again", 4000, 1, 1},
	{"a copy of that", 4005, 1, 1},
	{"once more, with an id drawn anew", 12000, 2, 2},
	{"as late as a client may wait", 12000 + HEARD_WITHIN_MS, 3, 3},
	{"too late: something new", 12001 + 2 * HEARD_WITHIN_MS, 4, 0},
	{"much later, but the same transaction", 12001 + 5 * HEARD_WITHIN_MS, 4, 1},
	{"too late even for that", 12002 + 5 * HEARD_WITHIN_MS + HEARD_SAME_WITHIN_MS, 4, 0},
};

static void repetitions_are_counted(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		print_message("# %s\n", rows[i].name);
		assert_int_equal(heard_note(*state, CLIENT, rows[i].xid, MS(rows[i].after_ms)),
				 rows[i].repeats);
	}
}

static void a_client_that_selected_begins_anew(void **state)
{
	heard_note(*state, CLIENT, 1, MS(0));
	heard_settled(*state, CLIENT);
	heard_settled(*state, CLIENT + 1); /* never heard of */
	assert_int_equal(heard_note(*state, CLIENT, 1, MS(4000)), 0);
	assert_int_equal(heard_note(*state, CLIENT, 1, MS(8000)), 1);
}

/* Those with the same lower half of the hash share a line of four: the one heard longest ago leaves. */
static void a_full_line_forgets_the_oldest(void **state)
{
	enum { OTHERS = 4 };

	heard_note(*state, CLIENT, 1, MS(0));
	for (uint64_t i = 1; i <= OTHERS; i++)
		assert_int_equal(heard_note(*state, CLIENT + (i << 32), 1, MS(1000 * i)), 0);
	for (uint64_t i = 1; i <= OTHERS; i++)
		assert_int_equal(heard_note(*state, CLIENT + (i << 32), 1, MS(5000 + i)), 1);
	assert_int_equal(heard_note(*state, CLIENT, 1, MS(6000)), 0);
}

static void many_clients_do_not_mix(void **state)
{
	enum { MANY = 16384 };

	for (uint64_t i = 0; i < MANY; i++)
		assert_int_equal(heard_note(*state, i << 32 | i, 1, MS(0)), 0);
	for (uint64_t i = 0; i < MANY; i++)
		assert_int_equal(heard_note(*state, i << 32 | i, 1, MS(4000)), 1);
}

/* ---- networks ---- */

static void count(struct heard *heard, uint32_t network, unsigned left, unsigned back, uint64_t now)
{
	for (unsigned i = 0; i < left; i++)
		heard_count(heard, network, 0, now);
	for (unsigned i = 0; i < back; i++)
		heard_count(heard, network, 1, now);
}

static void waiting_is_in_vain_where_clients_come_back(void **state)
{
	struct heard *heard = *state;

	count(heard, 3, 20, HEARD_VAIN_MIN - 1, MS(0));
	assert_false(heard_in_vain(heard, 3, MS(0)));
	count(heard, 3, 0, 1, MS(0));
	assert_true(heard_in_vain(heard, 3, MS(0)));
	assert_false(heard_in_vain(heard, 4, MS(0)));
	assert_true(heard_in_vain(heard, 3, MS(HEARD_VAIN_MS - 1)));
	assert_false(heard_in_vain(heard, 3, MS(HEARD_VAIN_MS)));
}

static void it_is_not_for_a_few(void **state)
{
	struct heard *heard = *state;

	for (int i = 0; i < 200; i++) {
		count(heard, 0, 10, 1, MS(0));
		assert_false(heard_in_vain(heard, 0, MS(0)));
	}
	/* Further repetitions of the same clients say nothing new. */
	for (int i = 0; i < 1000; i++)
		heard_count(heard, 0, 2, MS(0));
	assert_false(heard_in_vain(heard, 0, MS(0)));
}

/* Each time twice as long, up to an hour; where others do serve meanwhile, as at first. */
static void it_is_tried_again_ever_more_seldom(void **state)
{
	struct heard *heard = *state;
	uint64_t now_ms = 0, wait_ms = HEARD_VAIN_MS;

	for (unsigned i = 0; i <= HEARD_VAIN_MOST + 2; i++) {
		count(heard, 0, HEARD_VAIN_MIN, HEARD_VAIN_MIN, MS(now_ms));
		assert_true(heard_in_vain(heard, 0, MS(now_ms + wait_ms - 1)));
		assert_false(heard_in_vain(heard, 0, MS(now_ms + wait_ms)));
		now_ms += wait_ms;
		if (i < HEARD_VAIN_MOST)
			wait_ms *= 2;
	}
	count(heard, 0, 2000, 0, MS(now_ms));
	for (int i = 0; i < 300 && !heard_in_vain(heard, 0, MS(now_ms)); i++)
		heard_count(heard, 0, 1, MS(now_ms));
	assert_true(heard_in_vain(heard, 0, MS(now_ms + HEARD_VAIN_MS - 1)));
	assert_false(heard_in_vain(heard, 0, MS(now_ms + HEARD_VAIN_MS)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(repetitions_are_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_client_that_selected_begins_anew, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_full_line_forgets_the_oldest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_clients_do_not_mix, set_up, tear_down),
		cmocka_unit_test_setup_teardown(waiting_is_in_vain_where_clients_come_back, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(it_is_not_for_a_few, set_up, tear_down),
		cmocka_unit_test_setup_teardown(it_is_tried_again_ever_more_seldom, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
