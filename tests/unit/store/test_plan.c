/* SPDX-License-Identifier: MIT */
/* The safety rules as a table: what memory knows, what is asked, what must be planned. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/plan.h"

#define NOW   1000000
#define LIVE  (NOW + 500)
#define OVER  (NOW - 500)
#define HOLD  7200
#define LONG  (NOW + 10 * HOLD)
#define REVISION 7 /* of every record */
#define HERE  0x0a000005u
#define THERE 0x0a000009u

static const uint8_t anna[] = "mA", boris[] = "mB";

enum who { NOBODY, ANNA, BORIS };

struct record {
	enum lease_state state;
	enum who who;
	int64_t hold_until_s;
	int64_t promised_until_s; /* 0: no more than that */
};

struct expected {
	enum plan_kind kind;
	enum ask_result result;
	enum lease_state state;
	int64_t hold_until_s;
	enum plan_client client;
	bool guard_client;
	uint32_t client_at;
	enum plan_former former;
	bool evict;
};

struct row {
	const char *name;
	enum ask_op op;
	struct record record; /* of HERE */
	struct record former; /* of THERE, Anna's; LEASE_NONE: none */
	bool proven, client_known;
	uint32_t client_at;
	struct expected want;
};

#define BINDS(...) {PLAN_COMMIT, 0, LEASE_BOUND, NOW + HOLD, PLAN_CLIENT_PUT, true, __VA_ARGS__}
#define EXTENDS    {PLAN_COMMIT, 0, LEASE_BOUND, NOW + HOLD, PLAN_CLIENT_LEAVE, false, 0, 0, false}
#define ANSWERS(r) {PLAN_ANSWER, r, 0, 0, 0, false, 0, 0, false}
#define PROBES     {PLAN_PROBE, 0, 0, 0, 0, false, 0, 0, false}

static const struct row rows[] = {
	/* SELECTING */
	{"a fresh address is bound, both keys absent", ASK_BIND, {0}, {0}, false, false, 0,
	 BINDS(0, PLAN_FORMER_NONE, false)},
	{"one's own live binding is extended", ASK_BIND, {LEASE_BOUND, ANNA, LIVE}, {0}, false,
	 false, 0, EXTENDS},
	{"one's own binding that is over is extended", ASK_BIND, {LEASE_BOUND, ANNA, OVER}, {0},
	 false, false, 0, EXTENDS},
	{"another's live binding needs proof", ASK_BIND, {LEASE_BOUND, BORIS, LIVE}, {0}, false,
	 false, 0, PROBES},
	{"another's live binding, proven, is refused", ASK_BIND, {LEASE_BOUND, BORIS, LIVE}, {0},
	 true, true, 0, ANSWERS(ASK_DENIED)},
	{"another's binding that is over passes on, its client's key goes", ASK_BIND,
	 {LEASE_BOUND, BORIS, OVER}, {0}, false, false, 0, BINDS(0, PLAN_FORMER_NONE, true)},
	{"the last second of a hold still counts", ASK_BIND, {LEASE_BOUND, BORIS, NOW}, {0}, true,
	 true, 0, ANSWERS(ASK_DENIED)},
	{"a released address rests for others", ASK_BIND, {LEASE_RELEASED, BORIS, LIVE}, {0}, true,
	 true, 0, ANSWERS(ASK_DENIED)},
	{"a released address goes back to its own client at once", ASK_BIND,
	 {LEASE_RELEASED, ANNA, LIVE}, {0}, false, false, 0, BINDS(0, PLAN_FORMER_NONE, false)},
	{"a released address that has rested: its client's key is gone already", ASK_BIND,
	 {LEASE_RELEASED, BORIS, OVER}, {0}, false, false, 0, BINDS(0, PLAN_FORMER_NONE, false)},
	{"a declined address is on probation even for its own client", ASK_BIND,
	 {LEASE_DECLINED, ANNA, LIVE}, {0}, true, true, 0, ANSWERS(ASK_DENIED)},
	{"after probation it can be bound", ASK_BIND, {LEASE_DECLINED, BORIS, OVER}, {0}, false,
	 false, 0, BINDS(0, PLAN_FORMER_NONE, false)},
	{"a client that moves leaves its live address held", ASK_BIND, {0},
	 {LEASE_BOUND, ANNA, LIVE}, false, false, 0, BINDS(THERE, PLAN_FORMER_RELEASE, false)},
	{"a client that moves takes an address that is over with it", ASK_BIND, {0},
	 {LEASE_BOUND, ANNA, OVER}, false, false, 0, BINDS(THERE, PLAN_FORMER_REMOVE, false)},
	{"what was read of the client's key outweighs memory", ASK_BIND, {0},
	 {LEASE_BOUND, ANNA, LIVE}, true, true, 0, BINDS(0, PLAN_FORMER_NONE, false)},
	{"a client's key without its record is guarded and overwritten", ASK_BIND, {0}, {0}, true,
	 true, THERE, BINDS(THERE, PLAN_FORMER_NONE, false)},
	{"a former record that is another's by now is left alone", ASK_BIND, {0},
	 {LEASE_BOUND, BORIS, LIVE}, true, true, THERE, BINDS(THERE, PLAN_FORMER_NONE, false)},
	/* RENEWING, REBINDING */
	{"a renewal of an absent record binds", ASK_RENEW, {0}, {0}, false, false, 0,
	 BINDS(0, PLAN_FORMER_NONE, false)},
	{"a renewal of another's address needs proof", ASK_RENEW, {LEASE_BOUND, BORIS, LIVE}, {0},
	 false, false, 0, PROBES},
	{"an extension moves nothing but the end", ASK_EXTEND, {LEASE_BOUND, ANNA, LIVE}, {0},
	 false, false, 0, EXTENDS},
	{"an extension never binds", ASK_EXTEND, {0}, {0}, false, false, 0,
	 ANSWERS(ASK_UNKNOWN_CLIENT)},
	{"an extension never revives a release", ASK_EXTEND, {LEASE_RELEASED, ANNA, LIVE}, {0},
	 false, false, 0, ANSWERS(ASK_UNKNOWN_CLIENT)},
	/* INIT-REBOOT */
	{"a reboot is confirmed by a transaction", ASK_CONFIRM, {LEASE_BOUND, ANNA, LIVE}, {0},
	 false, false, 0, EXTENDS},
	{"an unknown client's reboot: read first", ASK_CONFIRM, {0}, {0}, false, false, 0, PROBES},
	{"an unknown client's reboot, proven: silence", ASK_CONFIRM, {0}, {0}, true, true, 0,
	 ANSWERS(ASK_UNKNOWN_CLIENT)},
	{"a reboot into another's address, proven: NAK", ASK_CONFIRM, {LEASE_BOUND, BORIS, LIVE},
	 {0}, true, true, 0, ANSWERS(ASK_DENIED)},
	{"a reboot of a client that is bound elsewhere, proven: NAK", ASK_CONFIRM, {0},
	 {LEASE_BOUND, ANNA, LIVE}, true, true, THERE, ANSWERS(ASK_DENIED)},
	{"a reboot after a release elsewhere, proven: NAK", ASK_CONFIRM,
	 {LEASE_RELEASED, ANNA, LIVE}, {0}, true, true, 0, ANSWERS(ASK_DENIED)},
	/* RELEASE, DECLINE */
	{"a release rests and deletes the client's key", ASK_RELEASE, {LEASE_BOUND, ANNA, LIVE},
	 {0}, false, false, 0,
	 {PLAN_COMMIT, 0, LEASE_RELEASED, NOW + HOLD, PLAN_CLIENT_DELETE, false, 0, 0, false}},
	{"a decline starts probation", ASK_DECLINE, {LEASE_BOUND, ANNA, LIVE}, {0}, false, false, 0,
	 {PLAN_COMMIT, 0, LEASE_DECLINED, NOW + HOLD, PLAN_CLIENT_DELETE, false, 0, 0, false}},
	{"a release of another's address changes nothing", ASK_RELEASE, {LEASE_BOUND, BORIS, LIVE},
	 {0}, false, false, 0, ANSWERS(ASK_UNKNOWN_CLIENT)},
	{"a decline of an address never bound changes nothing", ASK_DECLINE, {0}, {0}, false, false,
	 0, ANSWERS(ASK_UNKNOWN_CLIENT)},
	{"a release is not repeated", ASK_RELEASE, {LEASE_RELEASED, ANNA, LIVE}, {0}, false, false,
	 0, ANSWERS(ASK_UNKNOWN_CLIENT)},
	/* revocation by an operator */
	{"a revoked lease rests until what was promised", ASK_REVOKE, {LEASE_BOUND, ANNA, LIVE},
	 {0}, false, false, 0,
	 {PLAN_COMMIT, 0, LEASE_REVOKED, LIVE, PLAN_CLIENT_DELETE, false, 0, 0, false}},
	{"whatever the horizon is by now", ASK_REVOKE, {LEASE_BOUND, ANNA, NOW + 10 * HOLD}, {0},
	 false, false, 0,
	 {PLAN_COMMIT, 0, LEASE_REVOKED, NOW + 10 * HOLD, PLAN_CLIENT_DELETE, false, 0, 0, false}},
	{"a lease that passed to another meanwhile is not the one meant", ASK_REVOKE,
	 {LEASE_BOUND, BORIS, LIVE}, {0}, true, true, 0, ANSWERS(ASK_UNKNOWN_CLIENT)},
	{"nothing to revoke: read first, memory may lag", ASK_REVOKE, {0}, {0}, false, false, 0,
	 PROBES},
	{"nothing to revoke, proven", ASK_REVOKE, {0}, {0}, true, true, 0,
	 ANSWERS(ASK_UNKNOWN_CLIENT)},
	{"a revocation is not repeated", ASK_REVOKE, {LEASE_REVOKED, ANNA, LIVE}, {0}, true, true,
	 0, ANSWERS(ASK_UNKNOWN_CLIENT)},
	{"a revoked lease is not extended", ASK_EXTEND, {LEASE_REVOKED, ANNA, LIVE}, {0}, false,
	 false, 0, ANSWERS(ASK_UNKNOWN_CLIENT)},
	{"a renewal of a revoked lease: read first", ASK_RENEW, {LEASE_REVOKED, ANNA, LIVE}, {0},
	 false, false, 0, PROBES},
	{"a renewal of a revoked lease, proven: NAK", ASK_RENEW, {LEASE_REVOKED, ANNA, LIVE}, {0},
	 true, true, 0, ANSWERS(ASK_DENIED)},
	{"a reboot into a revoked lease, proven: NAK", ASK_CONFIRM, {LEASE_REVOKED, ANNA, LIVE},
	 {0}, true, true, 0, ANSWERS(ASK_DENIED)},
	{"a revoked address rests for its own client too", ASK_BIND, {LEASE_REVOKED, ANNA, LIVE},
	 {0}, true, true, 0, ANSWERS(ASK_DENIED)},
	{"and for others", ASK_BIND, {LEASE_REVOKED, BORIS, LIVE}, {0}, true, true, 0,
	 ANSWERS(ASK_DENIED)},
	{"a revoked address that has rested can be bound", ASK_BIND, {LEASE_REVOKED, BORIS, OVER},
	 {0}, false, false, 0, BINDS(0, PLAN_FORMER_NONE, false)},
	{"a release does not shorten a revoked lease's rest", ASK_RELEASE,
	 {LEASE_REVOKED, ANNA, LIVE}, {0}, true, true, 0, ANSWERS(ASK_UNKNOWN_CLIENT)},
	{"a decline does not either", ASK_DECLINE, {LEASE_REVOKED, ANNA, LIVE}, {0}, true, true, 0,
	 ANSWERS(ASK_UNKNOWN_CLIENT)},
	{"a revoked lease that has rested is deleted, its client's key is gone", PLAN_OP_EXPIRE,
	 {LEASE_REVOKED, BORIS, OVER}, {0}, false, false, 0,
	 {PLAN_COMMIT, 0, LEASE_NONE, 0, PLAN_CLIENT_LEAVE, false, 0, 0, false}},
	/* what cannot be read */
	{"no renewal on an unreadable record", ASK_RENEW, {LEASE_UNREADABLE, BORIS, LIVE}, {0}, true,
	 true, 0, ANSWERS(ASK_UNAVAILABLE)},
	{"no refusal either", ASK_CONFIRM, {LEASE_UNREADABLE, BORIS, LIVE}, {0}, true, true, 0,
	 ANSWERS(ASK_UNAVAILABLE)},
	{"nor is it given up", ASK_RELEASE, {LEASE_UNREADABLE, ANNA, LIVE}, {0}, true, true, 0,
	 ANSWERS(ASK_UNAVAILABLE)},
	{"nor deleted", PLAN_OP_EXPIRE, {LEASE_UNREADABLE, BORIS, OVER}, {0}, false, false, 0,
	 ANSWERS(ASK_UNAVAILABLE)},
	/* expiry */
	{"a live record is not deleted", PLAN_OP_EXPIRE, {LEASE_BOUND, BORIS, LIVE}, {0}, false,
	 false, 0, ANSWERS(ASK_UNKNOWN_CLIENT)},
	{"a record that is over goes with its client's key", PLAN_OP_EXPIRE,
	 {LEASE_BOUND, BORIS, OVER}, {0}, false, false, 0,
	 {PLAN_COMMIT, 0, LEASE_NONE, 0, PLAN_CLIENT_LEAVE, false, 0, 0, true}},
	{"a rested release has no client's key", PLAN_OP_EXPIRE, {LEASE_RELEASED, BORIS, OVER}, {0},
	 false, false, 0, {PLAN_COMMIT, 0, LEASE_NONE, 0, PLAN_CLIENT_LEAVE, false, 0, 0, false}},
};

static struct lease make_lease(uint32_t addr, const struct record *record)
{
	struct lease lease = {.addr = addr, .state = record->state};

	if (record->state == LEASE_NONE)
		return lease;
	lease.hold_until_s = record->hold_until_s;
	lease.promised_until_s = max_i64(record->hold_until_s, record->promised_until_s);
	lease.revision = REVISION;
	lease.client = record->who == ANNA ? anna : boris;
	lease.client_len = 2;
	return lease;
}

static struct plan plan_of(const struct row *row)
{
	struct client_id client = {.len = 2, .bytes = "mA"};
	struct lease record = make_lease(HERE, &row->record);
	struct lease former = make_lease(THERE, &row->former);
	struct plan_input input = {
		.op = row->op,
		.addr = HERE,
		.client = row->op == PLAN_OP_EXPIRE ? NULL : &client,
		.record = &record,
		.former = &former,
		.proven = row->proven,
		.client_known = row->client_known,
		.client_at = row->client_at,
		.hold_s = HOLD,
		.meant_revision = REVISION,
		.now = {.earliest_s = NOW, .latest_s = NOW},
	};
	struct plan plan;

	plan_make(&input, &plan);
	return plan;
}

static void test_table(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct expected *want = &rows[i].want;
		struct plan got = plan_of(&rows[i]);

		print_message("# %s\n", rows[i].name);
		assert_int_equal(got.kind, want->kind);
		if (got.kind == PLAN_ANSWER)
			assert_int_equal(got.result, want->result);
		if (got.kind != PLAN_COMMIT)
			continue;
		assert_int_equal(got.state, want->state);
		assert_int_equal(got.hold_until_s, want->hold_until_s);
		assert_int_equal(got.client, want->client);
		assert_int_equal(got.guard_client, want->guard_client);
		assert_int_equal(got.client_at, want->client_at);
		assert_int_equal(got.former, want->former);
		assert_int_equal(got.evict, want->evict);
	}
}

/* Rule 1 for promises made on an earlier, longer hold. */
static void test_hold_never_shrinks(void **state)
{
	struct row row = rows[1];
	struct plan plan;

	row.record.hold_until_s = NOW + 10 * HOLD;
	plan = plan_of(&row);
	assert_int_equal(plan.hold_until_s, NOW + 10 * HOLD);
}

/* A client gives up the binding that was known when it said so, none that shows up later. */
static void test_another_binding_is_not_given_up(void **state)
{
	static const enum ask_op ops[] = {ASK_RELEASE, ASK_DECLINE};
	static const int64_t meant[] = {0, REVISION - 1, REVISION + 1};
	struct client_id client = {.len = 2, .bytes = "mA"};
	struct record bound = {LEASE_BOUND, ANNA, LIVE};
	struct lease record = make_lease(HERE, &bound), former = make_lease(HERE, &bound);
	struct plan plan;

	for (size_t i = 0; i < ARRAY_SIZE(ops) * ARRAY_SIZE(meant); i++) {
		struct plan_input input = {
			.op = ops[i % 2], .addr = HERE, .client = &client, .record = &record,
			.former = &former, .hold_s = HOLD, .meant_revision = meant[i / 2],
			.proven = true, .client_known = true, .client_at = HERE,
			.now = {.earliest_s = NOW, .latest_s = NOW},
		};
		plan_make(&input, &plan);
		assert_int_equal(plan.kind, PLAN_ANSWER);
		assert_int_equal(plan.result, ASK_OVERTAKEN);
	}
}

/* What becomes of the longest hold that an address has ever had; what is PLAN_ANSWER or _PROBE has none. */
static const struct {
	const char *name;
	enum ask_op op;
	struct record record, former;
	enum plan_kind kind;
	int64_t hold_until_s, promised_until_s;
	enum plan_former becomes;
} remembered[] = {
	{"a release remembers the hold that it ends", ASK_RELEASE, {LEASE_BOUND, ANNA, LONG}, {0},
	 PLAN_COMMIT, NOW + HOLD, LONG, 0},
	{"and nothing when it rests for longer", ASK_RELEASE, {LEASE_BOUND, ANNA, LIVE}, {0},
	 PLAN_COMMIT, NOW + HOLD, NOW + HOLD, 0},
	{"a decline remembers it too", ASK_DECLINE, {LEASE_BOUND, ANNA, LONG}, {0}, PLAN_COMMIT,
	 NOW + HOLD, LONG, 0},
	{"a revoked address is held that long", ASK_REVOKE, {LEASE_BOUND, ANNA, LONG}, {0},
	 PLAN_COMMIT, LONG, LONG, 0},
	{"a client that is back is held no shorter than before", ASK_BIND,
	 {LEASE_RELEASED, ANNA, LIVE, LONG}, {0}, PLAN_COMMIT, LONG, LONG, 0},
	{"nor is any other", ASK_BIND, {LEASE_RELEASED, BORIS, OVER, LONG}, {0}, PLAN_COMMIT, LONG,
	 LONG, 0},
	{"nor after a decline", ASK_BIND, {LEASE_DECLINED, BORIS, OVER, LONG}, {0}, PLAN_COMMIT, LONG,
	 LONG, 0},
	{"nor one that renews what it released", ASK_RENEW, {LEASE_RELEASED, ANNA, LIVE, LONG}, {0},
	 PLAN_COMMIT, LONG, LONG, 0},
	{"a shorter promise asks for nothing", ASK_BIND, {LEASE_RELEASED, BORIS, OVER, LIVE}, {0},
	 PLAN_COMMIT, NOW + HOLD, NOW + HOLD, 0},
	{"who still rests, rests, whatever was promised", ASK_BIND,
	 {LEASE_RELEASED, BORIS, LIVE, LONG}, {0}, PLAN_PROBE, 0, 0, 0},
	{"a binding goes on remembering by its hold", ASK_EXTEND, {LEASE_BOUND, ANNA, LONG}, {0},
	 PLAN_COMMIT, LONG, LONG, 0},
	{"a rested record is kept until then", PLAN_OP_EXPIRE, {LEASE_RELEASED, BORIS, OVER, LIVE},
	 {0}, PLAN_ANSWER, 0, 0, 0},
	{"the last second of a promise still counts", PLAN_OP_EXPIRE,
	 {LEASE_RELEASED, BORIS, OVER, NOW}, {0}, PLAN_ANSWER, 0, 0, 0},
	{"and no longer", PLAN_OP_EXPIRE, {LEASE_RELEASED, BORIS, OVER, NOW - 1}, {0}, PLAN_COMMIT, 0,
	 0, 0},
	{"a former address is removed when nothing is to be remembered", ASK_BIND, {0},
	 {LEASE_BOUND, ANNA, OVER, NOW - 1}, PLAN_COMMIT, NOW + HOLD, NOW + HOLD,
	 PLAN_FORMER_REMOVE},
	{"else it is left", ASK_BIND, {0}, {LEASE_BOUND, ANNA, OVER, LIVE}, PLAN_COMMIT, NOW + HOLD,
	 NOW + HOLD, PLAN_FORMER_RELEASE},
};

static void test_what_was_promised_is_remembered(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(remembered); i++) {
		struct row row = {.op = remembered[i].op, .record = remembered[i].record,
				  .former = remembered[i].former};
		struct plan got = plan_of(&row);

		print_message("# %s\n", remembered[i].name);
		assert_int_equal(got.kind, remembered[i].kind);
		assert_int_equal(got.hold_until_s, remembered[i].hold_until_s);
		assert_int_equal(got.promised_until_s, remembered[i].promised_until_s);
		assert_int_equal(got.former, remembered[i].becomes);
	}
}

/* Rule 7: holds are written by the latest clock, reclaiming is judged by the earliest. */
static void test_clocks_disagree(void **state)
{
	struct client_id client = {.len = 2, .bytes = "mA"};
	struct record live = {LEASE_BOUND, BORIS, NOW};
	struct lease record = make_lease(HERE, &live), former = {.state = LEASE_NONE};
	struct plan_input input = {
		.op = ASK_BIND, .addr = HERE, .client = &client, .record = &record,
		.former = &former, .hold_s = HOLD,
		.now = {.earliest_s = NOW - 10, .latest_s = NOW + 10},
	};
	struct plan plan;

	plan_make(&input, &plan);
	assert_int_equal(plan.kind, PLAN_ANSWER); /* over by the fastest clock, not by the slowest */
	assert_int_equal(plan.result, ASK_UNAVAILABLE);
	record.hold_until_s = NOW + 10;
	plan_make(&input, &plan);
	assert_int_equal(plan.kind, PLAN_PROBE); /* held by any clock: to be refused */
	record.hold_until_s = NOW;
	input.op = ASK_CONFIRM;
	input.proven = true;
	plan_make(&input, &plan);
	assert_int_equal(plan.result, ASK_UNKNOWN_CLIENT);
	record.hold_until_s = NOW + 10;
	plan_make(&input, &plan);
	assert_int_equal(plan.result, ASK_DENIED);
	record.hold_until_s = NOW;
	input.op = ASK_BIND;
	input.now.earliest_s = NOW + 1;
	plan_make(&input, &plan);
	assert_int_equal(plan.kind, PLAN_COMMIT);
	assert_int_equal(plan.hold_until_s, NOW + 10 + HOLD);
	input.op = PLAN_OP_EXPIRE; /* what was promised is judged like the hold */
	record.promised_until_s = NOW + 5;
	plan_make(&input, &plan);
	assert_int_equal(plan.kind, PLAN_ANSWER);
	input.now.earliest_s = NOW + 6;
	plan_make(&input, &plan);
	assert_int_equal(plan.kind, PLAN_COMMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_hold_never_shrinks),
		cmocka_unit_test(test_another_binding_is_not_given_up),
		cmocka_unit_test(test_what_was_promised_is_remembered),
		cmocka_unit_test(test_clocks_disagree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
