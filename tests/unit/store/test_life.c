/* SPDX-License-Identifier: MIT */
/* How leases end: by an operator, by their clients, by time; and what else must go on meanwhile. */
#include "store_bed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kv_server.h"

#define PATIENCE_MS 20000
#define AGAIN_US    2000
#define ROUNDS	    20000 /* of AGAIN_US: bounds on waiting */

static bool etcd;
static struct server server;

static struct store_bed *new_bed(const char *id, const char *timeout, const char *more)
{
	static unsigned serial;
	char section[256];

	snprintf(section, sizeof(section),
		 "{etcd: {endpoints: [\"%s\"], prefix: /life/%u/, timeout: %s, ttl: 20s%s}}", server.url,
		 more ? serial : ++serial, timeout, more ? more : "");
	return bed_new(section, id);
}

static int set_up(void **state)
{
	if (!etcd)
		return bed_set_up(state);
	*state = new_bed("a", "10s", NULL);
	return 0;
}

static int end_lease(struct store_bed *f, uint32_t addr, int64_t *until_s)
{
	return store_revoke(f->store, "campus", addr, PATIENCE_MS, until_s);
}

/* ---- revocation ---- */

/* The client hears NAK, or gets another address; this one is nobody's until what was promised. */
static void revoked_lease_is_nobodys(void **state)
{
	struct store_bed *f = *state;
	struct ask ask;
	int64_t until_s = 0, promised_s;

	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
	promised_s = ask.hold_until_s;
	assert_int_equal(end_lease(f, FIRST, &until_s), 0);
	assert_int_equal(until_s, promised_s);
	assert_int_equal(counter_read(&store_counters(f->store)->revoked), 1);
	assert_int_equal(bed_ask(f, &ask, ASK_EXTEND, 1, FIRST), ASK_UNKNOWN_CLIENT);
	assert_int_equal(bed_ask(f, &ask, ASK_RENEW, 1, FIRST), ASK_DENIED);
	assert_int_equal(bed_ask(f, &ask, ASK_CONFIRM, 1, FIRST), ASK_DENIED);
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, FIRST), ASK_DENIED);
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 2, FIRST), ASK_DENIED);
	assert_int_equal(bed_ask(f, &ask, ASK_RELEASE, 1, FIRST), ASK_UNKNOWN_CLIENT);
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 2, FIRST), ASK_DENIED);
	assert_int_equal(bed_ask(f, &ask, ASK_OFFER, 1, FIRST), ASK_GRANTED);
	assert_int_not_equal(ask.addr, FIRST);
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, ask.addr), ASK_GRANTED);
}

static void revoked_lease_stays_so_across_a_restart(void **state)
{
	struct store_bed *f = *state;
	struct ask ask;
	int64_t until_s;

	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
	assert_int_equal(end_lease(f, FIRST, &until_s), 0);
	bed_close(f);
	bed_open(f);
	assert_int_equal(bed_ask(f, &ask, ASK_RENEW, 1, FIRST), ASK_DENIED);
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 2, FIRST), ASK_DENIED);
	assert_int_equal(end_lease(f, FIRST, &until_s), -ENOENT);
}

static void only_bindings_can_be_revoked(void **state)
{
	struct store_bed *f = *state;
	struct ask ask;
	int64_t until_s = 7;

	assert_int_equal(end_lease(f, FIRST, &until_s), -ENOENT);
	assert_int_equal(store_revoke(f->store, "nowhere", FIRST, PATIENCE_MS, &until_s), -ENOENT);
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
	assert_int_equal(bed_ask(f, &ask, ASK_RELEASE, 1, FIRST), ASK_GRANTED);
	assert_int_equal(end_lease(f, FIRST, &until_s), -ENOENT);
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
	assert_int_equal(bed_ask(f, &ask, ASK_DECLINE, 1, FIRST), ASK_GRANTED);
	assert_int_equal(end_lease(f, FIRST, &until_s), -ENOENT);
	assert_int_equal(until_s, 7); /* untouched */
}

/* Another's for certain, or between two clocks perhaps not any more. */
static void assert_not_yet(enum ask_result result)
{
	assert_true(result == ASK_DENIED || result == ASK_UNAVAILABLE);
}

/* What becomes of @p who's wish for an address, asked again until it is granted. */
static void bind_when_free(struct store_bed *f, unsigned who, uint32_t addr)
{
	struct ask ask;

	for (int i = 0; i < ROUNDS; i++) {
		enum ask_result result = bed_ask(f, &ask, ASK_BIND, who, addr);
		if (result == ASK_GRANTED)
			return;
		assert_not_yet(result);
		usleep(AGAIN_US);
	}
	fail_msg("the address did not come back");
}

static enum ask_result ask_held_for(struct store_bed *f, enum ask_op op, unsigned who,
				    uint32_t addr, uint32_t hold_s, int64_t *until_s)
{
	struct ask ask;

	bed_prepare(f, &ask, op, who, addr);
	ask.hold_s = hold_s;
	bed_submit(f, &ask);
	assert_ptr_equal(bed_answer(f), &ask);
	*until_s = ask.hold_until_s;
	return ask.result;
}

/* As soon as the address may be had. Returns until when it is held then. */
static int64_t hold_when_free(struct store_bed *f, unsigned who, uint32_t addr, uint32_t hold_s)
{
	int64_t until_s = 0;

	for (int i = 0; i < ROUNDS; i++) {
		enum ask_result result = ask_held_for(f, ASK_BIND, who, addr, hold_s, &until_s);
		if (result == ASK_GRANTED)
			return until_s;
		assert_not_yet(result);
		usleep(AGAIN_US);
	}
	fail_msg("the address did not come back");
	return 0;
}

static void assert_past(struct store_bed *f, int64_t until_s)
{
	assert_true(clock_read(&f->clock).earliest_s > until_s);
}

/* A revoked address comes back when what was promised has ended, and not before. */
static void revoked_address_comes_back(void **state)
{
	struct store_bed *f = *state;
	int64_t held_s, until_s;

	assert_int_equal(ask_held_for(f, ASK_BIND, 1, FIRST, 2, &held_s), ASK_GRANTED);
	assert_int_equal(end_lease(f, FIRST, &until_s), 0);
	assert_int_equal(until_s, held_s);
	bind_when_free(f, 2, FIRST);
	assert_past(f, until_s);
}

/* etcd: another server, whose mirror may lag, renews nothing beyond what is held. */
static void all_servers_heed_a_revocation(void **state)
{
	struct store_bed *f = *state, *other;
	struct ask ask;
	int64_t until_s;

	if (!etcd)
		return; /* one server */
	other = new_bed("b", "10s", "");
	for (unsigned who = 1; who <= 50; who++) {
		enum ask_result result;
		assert_int_equal(bed_ask(f, &ask, ASK_BIND, who, FIRST + who), ASK_GRANTED);
		assert_int_equal(end_lease(f, FIRST + who, &until_s), 0);
		result = bed_ask(other, &ask, ASK_EXTEND, who, FIRST + who);
		assert_int_equal(result, ASK_UNKNOWN_CLIENT);
		assert_int_equal(bed_ask(other, &ask, ASK_RENEW, who, FIRST + who), ASK_DENIED);
		assert_int_equal(bed_ask(other, &ask, ASK_CONFIRM, who, FIRST + who), ASK_DENIED);
	}
	/* The other way round: what the asked server does not know of yet is read first. */
	for (unsigned who = 101; who <= 150; who++) {
		assert_int_equal(bed_ask(f, &ask, ASK_BIND, who, FIRST + who), ASK_GRANTED);
		assert_int_equal(end_lease(other, FIRST + who, &until_s), 0);
		assert_int_equal(until_s, ask.hold_until_s);
	}
	bed_free(other);
}

/* etcd: a caller that gives up waiting is let go, and the store's own ask comes home later. */
static void revocation_does_not_wait_for_ever(void **state)
{
	struct store_bed *f = *state;
	struct ask ask;
	int64_t until_s;
	int rc = -EBUSY;

	if (!etcd)
		return; /* nothing to freeze */
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
	server_freeze(&server);
	assert_int_equal(store_revoke(f->store, "campus", FIRST, 50, &until_s), -ETIMEDOUT);
	assert_int_equal(store_revoke(f->store, "campus", FIRST, 50, &until_s), -EBUSY);
	server_thaw(&server);
	for (int i = 0; i < ROUNDS && (rc == -EBUSY || rc == -EAGAIN); i++) {
		rc = end_lease(f, FIRST, &until_s);
		usleep(AGAIN_US);
	}
	assert_true(rc == 0 || rc == -ENOENT); /* the first one happened after all, or this one */
	assert_int_equal(bed_ask(f, &ask, ASK_RENEW, 1, FIRST), ASK_DENIED);
}

/* ---- time ---- */

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

	assert_int_equal(ask_held_for(f, ASK_BIND, 1, FIRST, 1, &bound_s), ASK_GRANTED);
	assert_int_equal(ask_held_for(f, ASK_BIND, 2, FIRST + 1, 1, &until_s), ASK_GRANTED);
	assert_int_equal(ask_held_for(f, ASK_RELEASE, 2, FIRST + 1, 1, &until_s), ASK_GRANTED);
	assert_int_equal(ask_held_for(f, ASK_BIND, 3, FIRST + 2, 1, &until_s), ASK_GRANTED);
	assert_int_equal(ask_held_for(f, ASK_DECLINE, 3, FIRST + 2, 1, &until_s), ASK_GRANTED);
	assert_int_equal(ask_held_for(f, ASK_BIND, 4, FIRST + 3, 1, &until_s), ASK_GRANTED);
	assert_int_equal(end_lease(f, FIRST + 3, &until_s), 0);
	assert_int_equal(ask_held_for(f, ASK_BIND, 5, FIRST + 4, HOLD, &until_s), ASK_GRANTED);
	wait_records(f, 1);
	assert_past(f, bound_s);
	assert_int_equal(counter_read(&store_counters(f->store)->expired), 4);
	bed_close(f);
	bed_open(f);
	wait_records(f, 1);
}

static void wait_queued(struct store_bed *f, uint64_t wanted)
{
	struct store_view view = {0};

	for (int i = 0; i < ROUNDS && view.queued != wanted; i++) {
		store_view(f->store, &view);
		usleep(AGAIN_US);
	}
	assert_int_equal(view.queued, wanted);
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
		assert_int_equal(ask_held_for(f, ASK_BIND, 1, addr, 10 * HOLD, &long_s),
				 ASK_GRANTED);
		assert_int_equal(ask_held_for(f, ops[i], 1, addr, 0, &until_s), ASK_GRANTED);
		assert_true(until_s < long_s);
		/* Back, with less. */
		assert_int_equal(hold_when_free(f, 1, addr, 1), long_s);
		assert_int_equal(ask_held_for(f, ops[i], 1, addr, 0, &until_s), ASK_GRANTED);
		bed_close(f); /* as other servers read it */
		bed_open(f);
		assert_int_equal(hold_when_free(f, 2, addr, 1), long_s);
		assert_int_equal(ask_held_for(f, ops[i], 2, addr, 0, &until_s), ASK_GRANTED);
	}
	/* Moving away is no different. */
	assert_int_equal(ask_held_for(f, ASK_BIND, 5, FIRST + 5, 10 * HOLD, &long_s), ASK_GRANTED);
	assert_int_equal(ask_held_for(f, ASK_BIND, 5, FIRST + 6, 1, &until_s), ASK_GRANTED);
	assert_int_equal(hold_when_free(f, 5, FIRST + 5, 1), long_s);
}

/* And the record that remembers it is there until then, though the address has come back long ago. */
static void record_remembers_what_was_promised(void **state)
{
	struct store_bed *f = *state;
	int64_t promised_s, until_s;

	assert_int_equal(ask_held_for(f, ASK_BIND, 1, FIRST, 4, &promised_s), ASK_GRANTED);
	assert_int_equal(ask_held_for(f, ASK_RELEASE, 1, FIRST, 0, &until_s), ASK_GRANTED);
	assert_int_equal(ask_held_for(f, ASK_BIND, 2, FIRST + 1, 1, &until_s), ASK_GRANTED);
	assert_int_equal(ask_held_for(f, ASK_RELEASE, 2, FIRST + 1, 0, &until_s), ASK_GRANTED);
	bed_close(f);
	bed_open(f);
	wait_records(f, 0);
	assert_past(f, promised_s);
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
			assert_int_equal(ask_held_for(f, ASK_BIND, i + 1, FIRST + i,
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
		assert_not_yet(asks[i].result);
	server_freeze(&server);
	submit_row(binds, asks, CLIENTS, ASK_BIND, first, 0, HOLD);
	wait_queued(binds, CLIENTS);
	wait_queued(deletes, CLIENTS); /* by itself, once they are over */
	assert_past(deletes, held_s);
	server_thaw(&server);
	await_row(binds, CLIENTS);
	wait_queued(deletes, 0);
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

	if (!etcd)
		return; /* one server */
	other = new_bed("b", "10s", "");
	for (unsigned round = 0; round < 2; round++)
		race(f, other, FIRST + 60 * round);
	bed_free(other);
}

/* ---- RELEASEs and DECLINEs that come late ---- */

static void prepare_behind(struct store_bed *f, struct ask *ask, enum ask_op op, unsigned who,
			   uint32_t addr)
{
	bed_prepare(f, ask, op, who, addr);
	ask->background = true;
	bed_submit(f, ask);
}

/* The store thread has looked at everything that was submitted before. */
static void all_looked_at(struct store_bed *f)
{
	struct ask ask;

	assert_int_equal(bed_ask(f, &ask, ASK_FORGET, 9999, 0), ASK_UNKNOWN_CLIENT);
}

static uint64_t overtaken(const struct store_bed *f)
{
	return counter_read(&store_counters(f->store)->overtaken);
}

/* One that may have lain unread for long says nothing about the binding of now. */
static void old_release_is_dropped(void **state)
{
	static const enum ask_op ops[] = {ASK_RELEASE, ASK_DECLINE};
	struct store_bed *f = *state;
	struct ask ask;

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
		bed_prepare(f, &ask, ops[i], 1, FIRST);
		ask.arrived_ns -= 60 * NS_PER_S;
		bed_submit(f, &ask);
		assert_int_equal(bed_answer(f)->result, ASK_OVERTAKEN);
		assert_int_equal(overtaken(f), i + 1);
		assert_int_equal(bed_ask(f, &ask, ASK_CONFIRM, 1, FIRST), ASK_GRANTED);
	}
}

/* It is not looked for in the store: what would be found there may be the client's next binding. */
static void release_of_what_is_not_known_is_dropped(void **state)
{
	struct store_bed *f = *state;
	struct ask ask;

	assert_int_equal(bed_ask(f, &ask, ASK_RELEASE, 1, FIRST), ASK_UNKNOWN_CLIENT);
	assert_int_equal(bed_ask(f, &ask, ASK_DECLINE, 1, FIRST), ASK_UNKNOWN_CLIENT);
	assert_int_equal(counter_read(&store_counters(f->store)->probes), 0);
}

/*
 * etcd: a renewal's extension is under way when the RELEASE comes by the same queue: it ends what the
 * extension has made of the binding. By another queue it may have been sent before.
 */
static void release_follows_its_clients_extension(void **state)
{
	struct store_bed *f = *state;
	struct ask extend, release, ask;

	if (!etcd)
		return; /* nothing to freeze */
	for (uint16_t port = 0; port < 2; port++) {
		enum ask_result wanted = port ? ASK_OVERTAKEN : ASK_GRANTED;
		assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
		server_freeze(&server);
		prepare_behind(f, &extend, ASK_EXTEND, 1, FIRST);
		bed_prepare(f, &release, ASK_RELEASE, 1, FIRST);
		release.port = port;
		bed_submit(f, &release);
		all_looked_at(f);
		server_thaw(&server);
		bed_answer(f);
		bed_answer(f);
		assert_int_equal(extend.result, ASK_GRANTED);
		assert_int_equal(release.result, wanted);
		assert_int_equal(bed_ask(f, &ask, ASK_CONFIRM, 1, FIRST),
				 port ? ASK_GRANTED : ASK_DENIED);
	}
}

/*
 * Clients release through one server and are bound anew through another at that very moment, some with
 * an extension under way before the RELEASE: whichever the store takes first, a client that was told
 * yes has its lease.
 */
static void release_against_binding(struct store_bed *releases, struct store_bed *binds)
{
	enum { CLIENTS = 30 };
	struct ask bind[CLIENTS], extend[CLIENTS], release[CLIENTS], ask;

	for (unsigned i = 0; i < CLIENTS; i++) {
		assert_int_equal(bed_ask(releases, &ask, ASK_BIND, i + 1, FIRST + i), ASK_GRANTED);
		/* Known to both, so that each changes what the other does. */
		assert_int_equal(bed_ask(binds, &ask, ASK_RENEW, 999, FIRST + i), ASK_DENIED);
	}
	server_freeze(&server);
	for (unsigned i = 0; i < CLIENTS; i++) {
		bed_prepare(binds, &bind[i], ASK_BIND, i + 1, FIRST + i);
		bed_submit(binds, &bind[i]);
	}
	wait_queued(binds, CLIENTS);
	for (unsigned i = 0; i < CLIENTS; i++) {
		if (i % 2)
			prepare_behind(releases, &extend[i], ASK_EXTEND, i + 1, FIRST + i);
		prepare_behind(releases, &release[i], ASK_RELEASE, i + 1, FIRST + i);
	}
	all_looked_at(releases);
	server_thaw(&server);
	for (unsigned i = 0; i < CLIENTS; i++)
		bed_answer(binds);
	for (unsigned i = 0; i < CLIENTS + CLIENTS / 2; i++)
		bed_answer(releases);
	for (unsigned i = 0; i < CLIENTS; i++) {
		if (bind[i].result != ASK_GRANTED)
			continue;
		assert_int_equal(bed_ask(releases, &ask, ASK_CONFIRM, i + 1, FIRST + i),
				 ASK_GRANTED);
	}
}

static void late_release_ends_no_other_binding(void **state)
{
	struct store_bed *f = *state, *other;

	if (!etcd)
		return; /* one server */
	other = new_bed("b", "10s", "");
	for (int round = 0; round < 50 && !overtaken(f); round++)
		release_against_binding(f, other);
	assert_true(overtaken(f) > 0); /* else nothing was tried */
	bed_free(other);
}

/*
 * etcd takes a batch in parts, each at a revision of its own, where its limit on operations is low: what was committed
 * is known by its own, and the next change does not conflict.
 */
static void parts_of_a_batch_have_revisions_of_their_own(void **state)
{
	enum { CLIENTS = 100 };
	static const char *const args[] = {"--max-txn-ops=16", NULL};
	struct server usual = server;
	struct ask asks[CLIENTS], ask;
	struct store_bed *f;

	if (!etcd)
		return;
	server_start(&server, args);
	f = new_bed("a", "10s", NULL);
	server_freeze(&server);
	for (unsigned i = 0; i < CLIENTS; i++) {
		bed_prepare(f, &asks[i], ASK_BIND, i + 1, FIRST + i);
		bed_submit(f, &asks[i]);
	}
	wait_queued(f, CLIENTS);
	server_thaw(&server);
	for (unsigned i = 0; i < CLIENTS; i++)
		assert_int_equal(bed_answer(f)->result, ASK_GRANTED);
	for (unsigned i = 0; i < CLIENTS; i++)
		assert_int_equal(bed_ask(f, &ask, ASK_CONFIRM, i + 1, FIRST + i), ASK_GRANTED);
	assert_int_equal(counter_read(&store_counters(f->store)->conflicts), 0);
	bed_free(f);
	server_remove(&server);
	server = usual;
}

/* ---- precedence ---- */

static void submit_to(struct store_bed *f, struct lease_net *net, struct ask *ask, enum ask_op op,
		      unsigned who, uint32_t addr)
{
	bed_prepare(f, ask, op, who, addr);
	ask->net = net;
	ask->background = op == ASK_EXTEND;
	ask->client_hash = lease_client_hash(net, ask->client.bytes, ask->client.len);
	assert_true(store_submit(f->store, 0, ask));
	store_kick(f->store);
}

/*
 * Everybody's extension is due at once, as after an outage, and in line before the first newcomer:
 * newcomers do not wait for all of them. The store is stopped while they gather, so that the order
 * of answers follows from the lines alone.
 */
static void extensions_do_not_hold_up_newcomers(void **state)
{
	enum { OLD = 3000, NEW = 40 };
	struct store_bed *f = *state;
	struct ask *asks = calloc(OLD + NEW, sizeof(*asks));
	struct lease_net *net = f->nets[1];
	unsigned extended = 0, newcomers = 0, before = 0;

	if (!etcd) {
		free(asks);
		return; /* nothing to freeze */
	}
	for (unsigned i = 0; i < OLD; i++)
		submit_to(f, net, &asks[i], ASK_BIND, i + 1, LARGE + i);
	for (unsigned i = 0; i < OLD; i++)
		assert_int_equal(bed_answer(f)->result, ASK_GRANTED);
	server_freeze(&server);
	for (unsigned i = 0; i < OLD + NEW; i++)
		submit_to(f, net, &asks[i], i < OLD ? ASK_EXTEND : ASK_BIND, i + 1, LARGE + i);
	wait_queued(f, OLD + NEW);
	server_thaw(&server);
	for (unsigned i = 0; i < OLD + NEW; i++) {
		struct ask *answer = bed_answer(f);
		assert_int_equal(answer->result, ASK_GRANTED);
		extended += answer->op == ASK_EXTEND;
		newcomers += answer->op == ASK_BIND;
		if (newcomers == NEW && !before)
			before = extended;
	}
	print_message("# %u extensions before the last newcomer\n", before);
	assert_in_range(before, 0, OLD / 4);
	free(asks);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(revoked_lease_is_nobodys, set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(revoked_lease_stays_so_across_a_restart, set_up,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(only_bindings_can_be_revoked, set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(revoked_address_comes_back, set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(all_servers_heed_a_revocation, set_up,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(revocation_does_not_wait_for_ever, set_up,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(records_that_are_over_are_deleted, set_up,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(release_makes_no_later_hold_shorter, set_up,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(record_remembers_what_was_promised, set_up,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(old_release_is_dropped, set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(release_of_what_is_not_known_is_dropped, set_up,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(release_follows_its_clients_extension, set_up,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(late_release_ends_no_other_binding, set_up,
						bed_tear_down),
		cmocka_unit_test(parts_of_a_batch_have_revisions_of_their_own),
		cmocka_unit_test_setup_teardown(deletion_never_overtakes_a_binding, set_up,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(deletion_loses_against_another_servers_binding,
						set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(extensions_do_not_hold_up_newcomers, set_up,
						bed_tear_down),
	};
	int failures;

	etcd = argc == 2 && strcmp(argv[1], "etcd") == 0;
	if (etcd && !server_available())
		return 0;
	if (etcd)
		server_start(&server, NULL);
	failures = cmocka_run_group_tests_name(etcd ? "life/etcd" : "life/embedded", tests, NULL,
					       NULL);
	if (etcd)
		server_remove(&server);
	return failures;
}
