/* SPDX-License-Identifier: MIT */
/* Who is alive and whose clock says what: events in, offsets out. Times are seconds here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "store/members.h"

#define S          INT64_C(1000000000)
#define START      INT64_C(1700000000)
#define HOUR       3600
#define TTL        9
#define OWN        7u
#define CARRY      (2 * HOUR)

static struct span text_span(const char *text)
{
	return (struct span){(const uint8_t *)text, strlen(text)};
}

static int put(struct members *m, const char *id, uint64_t instance, int64_t stamp, int64_t seen,
	       int64_t revision, int64_t now)
{
	struct member_value value = {.version = "1", .started_s = START, .instance = instance,
				     .clock_ns = (START + stamp) * S, .seen = seen};
	char text[MEMBER_VALUE_MAX];
	struct span span = {(const uint8_t *)text, member_value_write(&value, text)};

	return members_put(m, text_span(id), span, revision, true, (START + now) * S);
}

static int64_t at(int64_t s)
{
	return (START + s) * S;
}

/* In seconds, rounded away from zero: drift is slack of a few ms within one publication. */
static int64_t rounded(int64_t ns)
{
	return (ns + (ns < 0 ? -S / 2 : S / 2)) / S;
}

static void check_bounds(const struct members *m, int64_t now, int64_t lower, int64_t upper)
{
	int64_t lower_ns, upper_ns;

	members_bounds(m, at(now), &lower_ns, &upper_ns);
	assert_int_equal(rounded(lower_ns), lower);
	assert_int_equal(rounded(upper_ns), upper);
}

static void make(struct members *m)
{
	members_init(m, "a", OWN, TTL * S);
}

/* ---- one publication ---- */

/* Our own publications, then one of a peer's, and what follows for its clock minus ours. */
static const struct offset_case {
	const char *what;
	int64_t own[3];       /* stamps; the revisions are 10, 20, 30; 0: none */
	int64_t stamp, seen, received;
	int64_t lower, upper; /* of that clock */
	int64_t disagreement;
} offset_cases[] = {
	{"no echo: at least what it says, at most two TTLs more", {0}, 100, 5, 103, -3, 15, 0},
	{"seen before ours was written", {90}, 100, 9, 103, -3, 15, 0},
	{"an echo bounds it from above", {99}, 100, 10, 103, -3, 1, 0},
	{"the newest one that it saw counts", {90, 95, 102}, 100, 20, 103, -3, 5, 0},
	{"the one it could not have seen does not", {90, 95, 99}, 100, 29, 103, -3, 5, 0},
	{"an hour ahead", {99}, 100 + HOUR, 10, 103, HOUR - 3, HOUR + 1, HOUR - 3},
	{"an hour behind", {99}, 100 - HOUR, 10, 103, -HOUR - 3, -HOUR + 1, -HOUR + 1},
	{"an hour ahead without an echo", {0}, 100 + HOUR, 5, 103, HOUR - 3, HOUR + 15, HOUR - 3},
	{"an hour behind without an echo", {0}, 100 - HOUR, 5, 103, -HOUR - 3, -HOUR + 15,
	 -HOUR + 15},
	{"an echo later than two TTLs: proof outweighs the guess", {40}, 100, 10, 103, -3, 60, 0},
};

static void test_offsets(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(offset_cases); i++) {
		const struct offset_case *c = &offset_cases[i];
		struct members m;
		int64_t lower, upper;

		make(&m);
		for (int k = 0; k < 3 && c->own[k]; k++)
			assert_int_equal(put(&m, "a", OWN, c->own[k], 1, 10 * (k + 1), c->own[k] + 1),
					 MEMBERS_OWN);
		assert_int_equal(put(&m, "b", 1, c->stamp, c->seen, 40, c->received),
				 MEMBERS_JOINED);
		assert_true(members_offset(&m.live[0], at(c->received), &lower, &upper));
		if (rounded(lower) != c->lower || rounded(upper) != c->upper)
			print_error("%s\n", c->what);
		assert_int_equal(rounded(lower), c->lower);
		assert_int_equal(rounded(upper), c->upper);
		assert_int_equal(rounded(members_disagreement(&m.live[0], at(c->received))),
				 c->disagreement);
		check_bounds(&m, c->received, c->lower < 0 ? c->lower : 0,
			     c->upper > 0 ? c->upper : 0);
	}
}

/* ---- several ---- */

static void test_the_best_bounds_are_kept(void **state)
{
	struct members m;

	make(&m);
	put(&m, "a", OWN, 100, 1, 10, 100);
	put(&m, "b", 1, 101, 10, 20, 101); /* at once there and back */
	check_bounds(&m, 101, 0, 1);
	put(&m, "b", 1, 110, 10, 30, 118); /* delayed, and no newer echo */
	check_bounds(&m, 118, 0, 1);
}

/* A load goes by keys: ours may come up after one that had seen it. */
static void test_an_echo_may_be_loaded_first(void **state)
{
	struct members m;

	members_init(&m, "z", OWN, TTL * S);
	members_begin_load(&m);
	put(&m, "b", 1, 101, 10, 20, 103);
	check_bounds(&m, 103, -2, 16);
	put(&m, "z", OWN, 100, 1, 10, 104);
	check_bounds(&m, 104, -2, 1);
}

/* The clocks may have drifted apart since: a thousandth of the time. */
static void test_drift_slackens(void **state)
{
	struct members m;

	make(&m);
	put(&m, "a", OWN, 100, 1, 10, 100);
	put(&m, "b", 1, 101, 10, 20, 101);
	check_bounds(&m, 10101, -10, 11);
	put(&m, "b", 1, 10102, 10, 30, 10102);
	check_bounds(&m, 10102, 0, 11);
	put(&m, "a", OWN, 10103, 1, 40, 10103);
	put(&m, "b", 1, 10105, 40, 50, 10105);
	check_bounds(&m, 10105, 0, 2);
}

static void test_all_clocks_count(void **state)
{
	struct members m;

	make(&m);
	put(&m, "a", OWN, 100, 1, 10, 100);
	put(&m, "b", 1, 101 + HOUR, 10, 20, 101);
	put(&m, "c", 2, 101 - HOUR, 10, 30, 101);
	check_bounds(&m, 101, -HOUR, HOUR + 1);
	assert_int_equal(members_count(&m), 3);
}

/* ---- those that leave ---- */

static void test_who_left_counts_until_forgotten(void **state)
{
	struct members m;

	make(&m);
	put(&m, "a", OWN, 100, 1, 10, 100);
	put(&m, "b", 1, 101 - HOUR, 10, 20, 101);
	assert_int_equal(members_remove(&m, text_span("b"), 21, at(200)), MEMBERS_LEFT);
	assert_int_equal(members_remove(&m, text_span("b"), 21, at(200)), MEMBERS_SAME);
	assert_int_equal(members_count(&m), 1);
	check_bounds(&m, 200, -HOUR, 0);
	members_forget(&m, CARRY * S, at(200 + CARRY));
	check_bounds(&m, 200, -HOUR, 0);
	members_forget(&m, CARRY * S, at(201 + CARRY));
	check_bounds(&m, 201 + CARRY, 0, 0);
}

/* One that began while we were not registered knows neither us nor those that left before. */
static void test_who_left_counts_anew_from_a_registration(void **state)
{
	struct members m;

	make(&m);
	put(&m, "a", OWN, 100, 1, 10, 100);
	put(&m, "b", 1, 101 - HOUR, 10, 20, 101);
	members_begin_again(&m, at(102));
	assert_false(m.anew);
	assert_int_equal(members_remove(&m, text_span("b"), 21, at(200)), MEMBERS_LEFT);
	assert_false(m.anew);
	assert_int_equal(members_remove(&m, text_span("a"), 22, at(201)), MEMBERS_SAME);
	assert_true(m.anew);
	members_begin_again(&m, at(300));
	members_forget(&m, CARRY * S, at(300 + CARRY));
	check_bounds(&m, 300 + CARRY, -HOUR - CARRY / 1000, 0);
	members_forget(&m, CARRY * S, at(301 + CARRY));
	check_bounds(&m, 301 + CARRY, 0, 0);
	members_begin_load(&m);
	assert_true(m.anew);
}

static void test_an_old_removal_is_none(void **state)
{
	struct members m;

	make(&m);
	put(&m, "b", 1, 100, 1, 20, 100);
	assert_int_equal(members_remove(&m, text_span("b"), 19, at(101)), MEMBERS_SAME);
	assert_int_equal(members_count(&m), 2);
	assert_int_equal(put(&m, "b", 1, 90 - HOUR, 1, 19, 101), MEMBERS_SAME);
	check_bounds(&m, 101, 0, 18);
}

/* Restarted with a clock put right: what it had promised by the wrong one still stands. */
static void test_another_life_is_another_clock(void **state)
{
	struct members m;

	make(&m);
	put(&m, "a", OWN, 100, 1, 10, 100);
	put(&m, "b", 1, 101 - HOUR, 10, 20, 101);
	assert_int_equal(put(&m, "b", 2, 102, 10, 30, 102), MEMBERS_RETURNED);
	assert_int_equal(members_disagreement(&m.live[0], at(102)), 0);
	check_bounds(&m, 102, -HOUR, 2);
	members_forget(&m, CARRY * S, at(103 + CARRY));
	put(&m, "b", 2, 103 + CARRY, 10, 40, 103 + CARRY);
	check_bounds(&m, 103 + CARRY, 0, 9);
}

/* A machine that was stopped with its monotonic clock: what is said cannot be true of one clock. */
static void test_a_clock_that_jumps_is_another(void **state)
{
	struct members m;

	make(&m);
	put(&m, "a", OWN, 100, 1, 10, 100);
	put(&m, "b", 1, 101, 10, 20, 101);
	put(&m, "a", OWN, 200, 1, 30, 200);
	assert_int_equal(put(&m, "b", 1, 201 - HOUR, 30, 40, 201), MEMBERS_RETURNED);
	check_bounds(&m, 201, -HOUR, 1);
	assert_int_equal(rounded(members_disagreement(&m.live[0], at(201))), 1 - HOUR);
}

static void test_a_load_shows_who_left(void **state)
{
	struct members m;
	struct member left;

	make(&m);
	put(&m, "a", OWN, 100, 1, 10, 100);
	put(&m, "b", 1, 101, 1, 20, 101);
	put(&m, "c", 2, 101, 1, 21, 101);
	members_begin_load(&m);
	put(&m, "c", 2, 101, 1, 21, 300);
	assert_true(members_end_load(&m, at(300), &left));
	assert_string_equal(left.id, "b");
	assert_false(members_end_load(&m, at(300), &left));
	assert_int_equal(members_count(&m), 2);
	assert_int_equal(m.n_former, 1);
	assert_false(m.present); /* we have gone ourselves */
}

/* More than there is room for: bounds get wider, never lost. */
static void test_bounds_of_too_many(void **state)
{
	struct members m;
	char id[8];

	make(&m);
	for (int i = 0; i < 3 * MEMBERS_MAX; i++) {
		snprintf(id, sizeof(id), "s%d", i);
		assert_int_equal(put(&m, id, 1, 100 - i, 1, i + 1, 100),
				 i < MEMBERS_MAX ? MEMBERS_JOINED : MEMBERS_FULL);
	}
	check_bounds(&m, 100, 1 - 3 * MEMBERS_MAX, 18);
	assert_int_equal(members_count(&m), MEMBERS_MAX + 1);
}

/* ---- ourselves ---- */

static void test_own_registration(void **state)
{
	struct members m;

	make(&m);
	assert_false(m.present);
	put(&m, "a", OWN, 100, 1, 10, 100);
	assert_true(m.present);
	members_remove(&m, text_span("a"), 11, at(120));
	assert_false(m.present);
	assert_int_equal(members_count(&m), 1);
}

/* A key of our own former life does not speak; a twin does. */
static void test_twin(void **state)
{
	struct member_value value = {.instance = 99, .clock_ns = at(90), .started_s = 5};
	char text[MEMBER_VALUE_MAX];
	struct span span = {(const uint8_t *)text, member_value_write(&value, text)};
	struct members m;

	make(&m);
	members_begin_load(&m);
	members_put(&m, text_span("a"), span, 3, false, at(100));
	assert_non_null(members_twin(&m));
	assert_int_equal(members_twin(&m)->value.started_s, 5);
	assert_false(m.twin_spoke);
	assert_false(m.present);
	assert_int_equal(members_count(&m), 1);

	put(&m, "a", 99, 103, 1, 12, 103);
	assert_true(m.twin_spoke);

	/* it has gone, and we are in its place */
	assert_int_equal(members_remove(&m, text_span("a"), 11, at(110)), MEMBERS_SAME);
	assert_true(m.twin_spoke);
	members_remove(&m, text_span("a"), 13, at(110));
	assert_false(m.twin_spoke);
	assert_null(members_twin(&m));
	put(&m, "a", OWN, 111, 1, 14, 111);
	assert_true(m.present);
}

static void test_nonsense_is_refused(void **state)
{
	static const struct {
		const char *id, *value;
	} cases[] = {
		{"", "{}"},
		{"a/b", "{}"},
		{"0123456789012345678901234567890123456789012345678901234567890123", "{}"},
		{"b", ""},
		{"b", "{"},
		{"b", "[]"},
		{"b", "{\"clock_ns\":-1}"},
		{"b", "{\"clock_ns\":9223372036854775807}"},
		{"b", "{\"clock_ns\":\"1\"}"},
		{"b", "{\"clock_ns\":1.5}"},
		{"b", "{\"seen\":99999999999999999999}"},
		{"b", "{\"version\":1}"},
		{"b", "{\"version\":\"0123456789012345678901234567890123\"}"},
		{"b", "{\"version\":\"a\\\\n\"}"},
		{"b", "{\"version\":\"a\nb\"}"},
		{"b", "{\"instance\":\"xyz\"}"},
		{"b", "{\"instance\":\"01234567890123456\"}"},
		{"b", "{\"seen\":1,}"},
		{"b", "{\"seen\":1}x"},
		{"b", "{\"seen\" 1}"},
		{"b", "{\"seen\":{}}"},
	};
	struct members m;

	make(&m);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int rc = members_put(&m, text_span(cases[i].id), text_span(cases[i].value), 1, true,
				     at(0));

		if (rc != -EINVAL)
			print_error("%s: %s\n", cases[i].id, cases[i].value);
		assert_int_equal(rc, -EINVAL);
	}
	assert_int_equal(members_count(&m), 1);
}

/* A server that publishes no clock, or more than we know of, is a member all the same. */
static void test_other_versions(void **state)
{
	static const char *const values[] = {
		"{\"version\":\"0.1.0\",\"started\":1764100000}",
		" { \"version\" : \"9\" , \"new\" : 5, \"other\":\"x\" } ",
		"{}",
	};
	struct members m;
	int64_t lower, upper;

	make(&m);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		assert_int_equal(members_put(&m, (struct span){(const uint8_t *)"bcd" + i, 1},
					     text_span(values[i]), 1, true, at(0)),
				 MEMBERS_JOINED);
		assert_false(members_offset(&m.live[i], at(0), &lower, &upper));
	}
	check_bounds(&m, 0, 0, 0);
}

static void test_what_is_written_is_read(void **state)
{
	struct member_value out, value = {.version = "0.1.0", .server = "dhcp-a", .started_s = START,
					  .instance = UINT64_MAX, .clock_ns = START * S, .seen = 12};
	char text[MEMBER_VALUE_MAX];
	size_t len = member_value_write(&value, text);

	assert_true(member_value_parse((struct span){(uint8_t *)text, len}, &out));
	assert_string_equal(out.version, "0.1.0");
	assert_int_equal(out.started_s, START);
	assert_true(out.instance == UINT64_MAX);
	assert_int_equal(out.clock_ns, START * S);
	assert_int_equal(out.seen, 12);
	len = member_value_write_clock(&value, text);
	assert_true(member_value_parse((struct span){(uint8_t *)text, len}, &out));
	assert_string_equal(out.server, "dhcp-a");
	assert_int_equal(out.clock_ns, START * S);
}

/* Every bucket is one server's, on all of them; a survivor has all. */
static void test_share(void **state)
{
	static const char *const ids[] = {"a", "b", "c"};
	uint64_t own[4], all[4] = {0};

	for (size_t self = 0; self < 3; self++) {
		struct members m;

		members_init(&m, ids[self], OWN, TTL * S);
		for (size_t i = 0; i < 3; i++)
			if (i != self)
				put(&m, ids[i], 1, 100, 1, (int64_t)i + 1, 100);
		members_share(&m, own);
		for (int w = 0; w < 4; w++) {
			assert_true((all[w] & own[w]) == 0);
			all[w] |= own[w];
		}
	}
	for (int w = 0; w < 4; w++)
		assert_true(all[w] == UINT64_MAX);

	struct members alone;
	make(&alone);
	members_share(&alone, own);
	for (int w = 0; w < 4; w++)
		assert_true(own[w] == UINT64_MAX);
}

/* Registered but not serving: its clock counts, its share of the work is the others'. */
static void test_who_is_idle_has_no_share(void **state)
{
	struct member_value value = {.instance = 1, .clock_ns = at(100 - HOUR), .idle = 1};
	char text[MEMBER_VALUE_MAX];
	struct span span = {(const uint8_t *)text, member_value_write(&value, text)};
	const char *ids[MEMBERS_MAX + 1];
	struct members m;
	uint64_t own[4];

	make(&m);
	assert_int_equal(members_put(&m, text_span("b"), span, 1, true, at(100)), MEMBERS_JOINED);
	assert_int_equal(members_serving(&m, ids), 1);
	assert_string_equal(ids[0], "a");
	members_share(&m, own);
	for (int w = 0; w < 4; w++)
		assert_true(own[w] == UINT64_MAX);
	assert_int_equal(members_count(&m), 2);
	check_bounds(&m, 100, -HOUR, 0);

	value.idle = 0;
	span.len = member_value_write(&value, text);
	assert_int_equal(members_put(&m, text_span("b"), span, 2, true, at(101)), MEMBERS_TURNED);
	assert_int_equal(members_put(&m, text_span("b"), span, 3, true, at(102)), MEMBERS_SAME);
	assert_int_equal(members_serving(&m, ids), 2);
	members_share(&m, own);
	for (int w = 0; w < 4; w++)
		assert_true(own[w] != UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_the_best_bounds_are_kept),
		cmocka_unit_test(test_an_echo_may_be_loaded_first),
		cmocka_unit_test(test_drift_slackens),
		cmocka_unit_test(test_all_clocks_count),
		cmocka_unit_test(test_who_left_counts_until_forgotten),
		cmocka_unit_test(test_who_left_counts_anew_from_a_registration),
		cmocka_unit_test(test_an_old_removal_is_none),
		cmocka_unit_test(test_another_life_is_another_clock),
		cmocka_unit_test(test_a_clock_that_jumps_is_another),
		cmocka_unit_test(test_a_load_shows_who_left),
		cmocka_unit_test(test_bounds_of_too_many),
		cmocka_unit_test(test_own_registration),
		cmocka_unit_test(test_twin),
		cmocka_unit_test(test_nonsense_is_refused),
		cmocka_unit_test(test_other_versions),
		cmocka_unit_test(test_what_is_written_is_read),
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_who_is_idle_has_no_share),
	};

	return cmocka_run_group_tests_name("store/members", tests, NULL, NULL);
}
