/* SPDX-License-Identifier: MIT */
/* What is over goes from the store: not before all that was promised has ended, nor what was bound anew meanwhile. */
#include "life_bed.h"

#include <unistd.h>

static void wait_records(struct store_bed *f, uint64_t wanted)
{
	struct lease_net_counts counts = {.records = UINT64_MAX};

	for (int i = 0; i < ROUNDS && counts.records != wanted; i++) {
		lease_net_counts(f->net, &counts);
		usleep(AGAIN_US);
	}
	assert_int_equal(counts.records, wanted);
}

/* Whatever is over goes from the store, also from one that is read anew; what is not stays. */
static void records_that_are_over_are_deleted(void **state)
{
	struct store_bed *f = *state;
	int64_t until_s, bound_s;

	assert_int_equal(bed_ask_held(f, ASK_BIND, 1, FIRST, 1, &bound_s), ASK_GRANTED);
	assert_int_equal(bed_ask_held(f, ASK_BIND, 2, FIRST + 1, 1, &until_s), ASK_GRANTED);
	assert_int_equal(bed_ask_held(f, ASK_RELEASE, 2, FIRST + 1, 1, &until_s), ASK_GRANTED);
	assert_int_equal(bed_ask_held(f, ASK_BIND, 3, FIRST + 2, 1, &until_s), ASK_GRANTED);
	assert_int_equal(bed_ask_held(f, ASK_DECLINE, 3, FIRST + 2, 1, &until_s), ASK_GRANTED);
	assert_int_equal(bed_ask_held(f, ASK_BIND, 4, FIRST + 3, 1, &until_s), ASK_GRANTED);
	assert_int_equal(life_revoke(f, FIRST + 3, &until_s), 0);
	assert_int_equal(bed_ask_held(f, ASK_BIND, 5, FIRST + 4, HOLD, &until_s), ASK_GRANTED);
	wait_records(f, 1);
	bed_assert_past(f, bound_s);
	assert_int_equal(counter_read(&store_counters(f->store)->expired), 4);
	bed_close(f);
	bed_open(f);
	wait_records(f, 1);
}

/*
 * What was promised once binds whoever has the address later, since a server may still renew on it: a
 * release gives the address back for others, but makes no hold shorter that comes after it.
 */
static void release_makes_no_later_hold_shorter(void **state)
{
	static const enum ask_op ops[] = {ASK_RELEASE, ASK_DECLINE};
	struct store_bed *f = *state;
	int64_t long_s, until_s;

	for (uint32_t i = 0; i < ARRAY_SIZE(ops); i++) {
		uint32_t addr = FIRST + i;
		assert_int_equal(bed_ask_held(f, ASK_BIND, 1, addr, 10 * HOLD, &long_s),
				 ASK_GRANTED);
		assert_int_equal(bed_ask_held(f, ops[i], 1, addr, 0, &until_s), ASK_GRANTED);
		assert_true(until_s < long_s);
		/* Back, with less. */
		assert_int_equal(bed_bind_when_free(f, 1, addr, 1), long_s);
		assert_int_equal(bed_ask_held(f, ops[i], 1, addr, 0, &until_s), ASK_GRANTED);
		bed_close(f); /* as other servers read it */
		bed_open(f);
		assert_int_equal(bed_bind_when_free(f, 2, addr, 1), long_s);
		assert_int_equal(bed_ask_held(f, ops[i], 2, addr, 0, &until_s), ASK_GRANTED);
	}
	/* Moving away is no different. */
	assert_int_equal(bed_ask_held(f, ASK_BIND, 5, FIRST + 5, 10 * HOLD, &long_s), ASK_GRANTED);
	assert_int_equal(bed_ask_held(f, ASK_BIND, 5, FIRST + 6, 1, &until_s), ASK_GRANTED);
	assert_int_equal(bed_bind_when_free(f, 5, FIRST + 5, 1), long_s);
}

/* And the record that remembers it is there until then, though the address has come back long ago. */
static void record_remembers_what_was_promised(void **state)
{
	struct store_bed *f = *state;
	int64_t promised_s, until_s;

	assert_int_equal(bed_ask_held(f, ASK_BIND, 1, FIRST, 4, &promised_s), ASK_GRANTED);
	assert_int_equal(bed_ask_held(f, ASK_RELEASE, 1, FIRST, 0, &until_s), ASK_GRANTED);
	assert_int_equal(bed_ask_held(f, ASK_BIND, 2, FIRST + 1, 1, &until_s), ASK_GRANTED);
	assert_int_equal(bed_ask_held(f, ASK_RELEASE, 2, FIRST + 1, 0, &until_s), ASK_GRANTED);
	bed_close(f);
	bed_open(f);
	wait_records(f, 0);
	bed_assert_past(f, promised_s);
}

static void wait_expired(struct store_bed *f, uint64_t at_least)
{
	const counter_t *expired = &store_counters(f->store)->expired;

	for (int i = 0; i < 10 * ROUNDS && counter_read(expired) < at_least; i++)
		usleep(AGAIN_US / 10);
	assert_true(counter_read(expired) >= at_least);
}

/* Clients bind anew when the first of them has lost its record: none is told that it has what is being deleted. */
static void deletion_never_overtakes_a_binding(void **state)
{
	enum { CLIENTS = 100, PASSES = 3 };
	struct store_bed *f = *state;
	uint64_t deleted = 0;
	int64_t held_s[CLIENTS];
	struct ask ask;

	for (int pass = 0; pass <= PASSES; pass++) {
		wait_expired(f, deleted + (pass > 0));
		for (unsigned i = 0; i < CLIENTS; i++)
			assert_int_equal(bed_ask_held(f, ASK_BIND, i + 1, FIRST + i,
						      pass < PASSES ? 0 : HOLD, &held_s[i]),
					 ASK_GRANTED);
		deleted = counter_read(&store_counters(f->store)->expired);
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		assert_int_equal(bed_ask(f, &ask, ASK_CONFIRM, i + 1, FIRST + i), ASK_GRANTED);
		assert_true(ask.hold_until_s >= held_s[i]);
	}
}

/* Asks the same of each address from @p first on, of its own client, or of @p who for all. */
static void submit_row(struct store_bed *f, struct ask *asks, unsigned n, enum ask_op op,
		       uint32_t first, unsigned who, uint32_t hold_s)
{
	for (unsigned i = 0; i < n; i++) {
		bed_prepare(f, &asks[i], op, who ? who : first + i, first + i);
		asks[i].hold_s = hold_s;
		bed_submit(f, &asks[i]);
	}
}

/* Until each has heard of the other's clock, and been echoed: holds are written by the latest of them. */
static void wait_for_clocks(const struct store_bed *f)
{
	struct moment now = clock_read(&f->clock);

	for (int i = 0; i < ROUNDS && now.latest_s - now.earliest_s > 12; i++) {
		usleep(AGAIN_US);
		now = clock_read(&f->clock);
	}
	assert_true(now.latest_s - now.earliest_s <= 12);
}

static void await_row(struct store_bed *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		bed_answer(f);
}

/* One round of the next test, on the addresses from @p first on. */
static void race(struct store_bed *deletes, struct store_bed *binds, uint32_t first)
{
	/* None may be over before all are bound and etcd is frozen. */
	enum { CLIENTS = 60, HELD_S = 3 };
	struct ask asks[CLIENTS], ask;
	int64_t held_s = 0;

	wait_for_clocks(deletes);
	wait_for_clocks(binds);
	submit_row(deletes, asks, CLIENTS, ASK_BIND, first, 0, HELD_S);
	await_row(deletes, CLIENTS);
	for (unsigned i = 0; i < CLIENTS; i++) {
		assert_int_equal(asks[i].result, ASK_GRANTED);
		held_s = asks[i].hold_until_s > held_s ? asks[i].hold_until_s : held_s;
	}
	/* Known to the other one, too: what it is going to send is an extension of what there is. */
	submit_row(binds, asks, CLIENTS, ASK_RENEW, first, 1, HOLD);
	await_row(binds, CLIENTS);
	for (unsigned i = 0; i < CLIENTS; i++)
		bed_assert_not_yet(asks[i].result);
	server_freeze(life_etcd());
	submit_row(binds, asks, CLIENTS, ASK_BIND, first, 0, HOLD);
	bed_wait_queued(binds, CLIENTS);
	bed_wait_queued(deletes, CLIENTS); /* by itself, once they are over */
	bed_assert_past(deletes, held_s);
	server_thaw(life_etcd());
	await_row(binds, CLIENTS);
	bed_wait_queued(deletes, 0);
	for (unsigned i = 0; i < CLIENTS; i++) {
		/* Overtaken by the deletion it is asked anew, which may be too late for its client. */
		if (asks[i].result == ASK_OVERLOAD)
			continue;
		assert_int_equal(asks[i].result, ASK_GRANTED);
		assert_int_equal(bed_ask(deletes, &ask, ASK_CONFIRM, first + i, first + i),
				 ASK_GRANTED);
	}
}

/*
 * etcd: one server deletes what the clients extend through another at that very moment, both
 * knowing the same: whichever comes first, a client that was told yes has its lease.
 */
static void deletion_loses_against_another_servers_binding(void **state)
{
	struct store_bed *f = *state, *other;

	if (!life_etcd())
		return; /* one server */
	other = life_peer();
	for (unsigned round = 0; round < 2; round++)
		race(f, other, FIRST + 60 * round);
	bed_free(other);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(records_that_are_over_are_deleted),
		TEST(release_makes_no_later_hold_shorter),
		TEST(record_remembers_what_was_promised),
		TEST(deletion_never_overtakes_a_binding),
		TEST(deletion_loses_against_another_servers_binding),
	};

	return life_run(argc, argv, tests);
}
