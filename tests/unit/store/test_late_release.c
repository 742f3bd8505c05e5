/* SPDX-License-Identifier: MIT */
/* RELEASEs and DECLINEs that come late: they end no binding but the one that their client meant. */
#include "life_bed.h"

static void submit_behind(struct store_bed *f, struct ask *ask, enum ask_op op, unsigned who, uint32_t addr)
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
		assert_int_equal(bed_exchange(f, &ask), ASK_OVERTAKEN);
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

	if (!life_etcd())
		return; /* nothing to freeze */
	for (uint16_t port = 0; port < 2; port++) {
		enum ask_result wanted = port ? ASK_OVERTAKEN : ASK_GRANTED;
		assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
		server_freeze(life_etcd());
		submit_behind(f, &extend, ASK_EXTEND, 1, FIRST);
		bed_prepare(f, &release, ASK_RELEASE, 1, FIRST);
		release.port = port;
		bed_submit(f, &release);
		all_looked_at(f);
		server_thaw(life_etcd());
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
	server_freeze(life_etcd());
	for (unsigned i = 0; i < CLIENTS; i++) {
		bed_prepare(binds, &bind[i], ASK_BIND, i + 1, FIRST + i);
		bed_submit(binds, &bind[i]);
	}
	bed_wait_queued(binds, CLIENTS);
	for (unsigned i = 0; i < CLIENTS; i++) {
		if (i % 2)
			submit_behind(releases, &extend[i], ASK_EXTEND, i + 1, FIRST + i);
		submit_behind(releases, &release[i], ASK_RELEASE, i + 1, FIRST + i);
	}
	all_looked_at(releases);
	server_thaw(life_etcd());
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

	if (!life_etcd())
		return; /* one server */
	other = life_peer();
	for (int round = 0; round < 50 && !overtaken(f); round++)
		release_against_binding(f, other);
	assert_true(overtaken(f) > 0); /* else nothing was tried */
	bed_free(other);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(old_release_is_dropped),
		TEST(release_of_what_is_not_known_is_dropped),
		TEST(release_follows_its_clients_extension),
		TEST(late_release_ends_no_other_binding),
	};

	return life_run(argc, argv, tests);
}
