/* SPDX-License-Identifier: MIT */
/* Leases that an operator ends: what their clients hear, what other servers do, and when the address comes back. */
#include "life_bed.h"

#include <errno.h>
#include <unistd.h>

/* The client hears NAK, or gets another address; this one is nobody's until what was promised. */
static void revoked_lease_is_nobodys(void **state)
{
	static const struct bed_step after[] = {
		{ASK_EXTEND, 1, FIRST, ASK_UNKNOWN_CLIENT},
		{ASK_RENEW, 1, FIRST, ASK_DENIED},
		{ASK_CONFIRM, 1, FIRST, ASK_DENIED},
		{ASK_BIND, 1, FIRST, ASK_DENIED},
		{ASK_BIND, 2, FIRST, ASK_DENIED},
		{ASK_RELEASE, 1, FIRST, ASK_UNKNOWN_CLIENT},
		{ASK_BIND, 2, FIRST, ASK_DENIED},
	};
	struct store_bed *f = *state;
	struct ask ask;
	int64_t until_s = 0, promised_s;

	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
	promised_s = ask.hold_until_s;
	assert_int_equal(life_revoke(f, FIRST, &until_s), 0);
	assert_int_equal(until_s, promised_s);
	assert_int_equal(counter_read(&store_counters(f->store)->revoked), 1);
	bed_follow(f, after, ARRAY_SIZE(after));
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
	assert_int_equal(life_revoke(f, FIRST, &until_s), 0);
	bed_close(f);
	bed_open(f);
	assert_int_equal(bed_ask(f, &ask, ASK_RENEW, 1, FIRST), ASK_DENIED);
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 2, FIRST), ASK_DENIED);
	assert_int_equal(life_revoke(f, FIRST, &until_s), -ENOENT);
}

static void only_bindings_can_be_revoked(void **state)
{
	struct store_bed *f = *state;
	struct ask ask;
	int64_t until_s = 7;

	assert_int_equal(life_revoke(f, FIRST, &until_s), -ENOENT);
	assert_int_equal(store_revoke(f->store, "nowhere", FIRST, REVOKE_PATIENCE_MS, &until_s), -ENOENT);
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
	assert_int_equal(bed_ask(f, &ask, ASK_RELEASE, 1, FIRST), ASK_GRANTED);
	assert_int_equal(life_revoke(f, FIRST, &until_s), -ENOENT);
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
	assert_int_equal(bed_ask(f, &ask, ASK_DECLINE, 1, FIRST), ASK_GRANTED);
	assert_int_equal(life_revoke(f, FIRST, &until_s), -ENOENT);
	assert_int_equal(until_s, 7); /* untouched */
}

/* A revoked address comes back when what was promised has ended, and not before. */
static void revoked_address_comes_back(void **state)
{
	struct store_bed *f = *state;
	int64_t held_s, until_s;

	assert_int_equal(bed_ask_held(f, ASK_BIND, 1, FIRST, 2, &held_s), ASK_GRANTED);
	assert_int_equal(life_revoke(f, FIRST, &until_s), 0);
	assert_int_equal(until_s, held_s);
	bed_bind_when_free(f, 2, FIRST, HOLD);
	bed_assert_past(f, until_s);
}

/* etcd: another server, whose mirror may lag, renews nothing beyond what is held. */
static void all_servers_heed_a_revocation(void **state)
{
	struct store_bed *f = *state, *other;
	struct ask ask;
	int64_t until_s;

	if (!life_etcd())
		return; /* one server */
	other = life_peer();
	for (unsigned who = 1; who <= 50; who++) {
		enum ask_result result;
		assert_int_equal(bed_ask(f, &ask, ASK_BIND, who, FIRST + who), ASK_GRANTED);
		assert_int_equal(life_revoke(f, FIRST + who, &until_s), 0);
		result = bed_ask(other, &ask, ASK_EXTEND, who, FIRST + who);
		assert_int_equal(result, ASK_UNKNOWN_CLIENT);
		assert_int_equal(bed_ask(other, &ask, ASK_RENEW, who, FIRST + who), ASK_DENIED);
		assert_int_equal(bed_ask(other, &ask, ASK_CONFIRM, who, FIRST + who), ASK_DENIED);
	}
	/* The other way round: what the asked server does not know of yet is read first. */
	for (unsigned who = 101; who <= 150; who++) {
		assert_int_equal(bed_ask(f, &ask, ASK_BIND, who, FIRST + who), ASK_GRANTED);
		assert_int_equal(life_revoke(other, FIRST + who, &until_s), 0);
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

	if (!life_etcd())
		return; /* nothing to freeze */
	assert_int_equal(bed_ask(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
	server_freeze(life_etcd());
	assert_int_equal(store_revoke(f->store, "campus", FIRST, 50, &until_s), -ETIMEDOUT);
	assert_int_equal(store_revoke(f->store, "campus", FIRST, 50, &until_s), -EBUSY);
	server_thaw(life_etcd());
	for (int i = 0; i < ROUNDS && (rc == -EBUSY || rc == -EAGAIN); i++) {
		rc = life_revoke(f, FIRST, &until_s);
		usleep(AGAIN_US);
	}
	assert_true(rc == 0 || rc == -ENOENT); /* the first one happened after all, or this one */
	assert_int_equal(bed_ask(f, &ask, ASK_RENEW, 1, FIRST), ASK_DENIED);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(revoked_lease_is_nobodys),
		TEST(revoked_lease_stays_so_across_a_restart),
		TEST(only_bindings_can_be_revoked),
		TEST(revoked_address_comes_back),
		TEST(all_servers_heed_a_revocation),
		TEST(revocation_does_not_wait_for_ever),
	};

	return life_run(argc, argv, tests);
}
