/* SPDX-License-Identifier: MIT */
/* etcd's limits: operations and bytes in a request, bytes in a message, room on its disk. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kv_etcd_bed.h"

/* Some limits are options of etcd. */
static int set_up_few_ops(void **state)
{
	static const char *const args[] = {"--max-txn-ops=32", NULL};

	return bed_set_up_with(state, args);
}

static int set_up_two_ops(void **state)
{
	static const char *const args[] = {"--max-txn-ops=2", NULL};

	return bed_set_up_with(state, args);
}

static int set_up_little_room(void **state)
{
	static const char *const args[] = {"--quota-backend-bytes=4194304", NULL};

	return bed_set_up_with(state, args);
}

/* A revision too large for one message comes in fragments, and whole. */
static void large_revisions_come_whole(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch = kv_batch_new(20);
	char *big = calloc(1, 60001);

	memset(big, 'x', 60000);
	owner_begin(&bed->other, &kv_etcd, &bed->config);
	bed_begin(bed);
	for (int round = 0; round < 5; round++) {
		kv_batch_reset(batch);
		for (int i = 0; i < 20; i++) {
			char key[32];
			snprintf(key, sizeof(key), "big/%d/%d", round, i);
			add_put(batch, add_txn(batch), key, big);
		}
		owner_run(&bed->other, batch);
		assert_all(batch, KV_DONE, 0);
	}
	owner_wait_revision(&bed->owner, batch->revision);
	assert_int_equal(bed->owner.n_entries, 100);
	assert_int_equal(bed->owner.disorders, 0);
	kv_batch_free(batch);
	free(big);
}

static void few_operations_are_learnt(void **state)
{
	struct bed *bed = *state;

	bed_begin(bed);
	for (int i = 0; i < 8; i++) {
		char name[16];
		struct kv_batch *batch;
		snprintf(name, sizeof(name), "few%d", i);
		batch = numbered(name, 100);
		owner_run(&bed->owner, batch);
		assert_all(batch, KV_DONE, 0);
		/* Parts have revisions of their own; each transaction knows its own. */
		owner_wait_revision(&bed->owner, batch->revision);
		for (int t = 0; t < 100; t++) {
			char key[64];
			snprintf(key, sizeof(key), "%s/%05d", name, t);
			assert_entry(&bed->owner, key, name, batch->txn[t].revision);
		}
		kv_batch_free(batch);
	}
	assert_int_equal(bed->owner.n_entries, 8 * 200);
}

static void too_many_bytes_are_sent_in_parts(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch = kv_batch_new(40);
	char *big = calloc(1, 100001);

	memset(big, 'x', 100000);
	bed_begin(bed);
	for (int i = 0; i < 40; i++) { /* 4 MB, where etcd takes 1.5 */
		char key[32];
		snprintf(key, sizeof(key), "bytes/%d", i);
		add_put(batch, add_txn(batch), key, big);
	}
	owner_run(&bed->owner, batch);
	assert_all(batch, KV_DONE, 0);
	owner_wait_revision(&bed->owner, batch->revision);
	assert_int_equal(bed->owner.n_entries, 40);
	kv_batch_free(batch);
	free(big);
}

static void one_transaction_too_large_is_refused(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch = kv_batch_new(1);
	char *huge = calloc(1, 1800001);

	memset(huge, 'x', 1800000);
	bed_begin(bed);
	add_put(batch, add_txn(batch), "huge", huge);
	owner_run(&bed->owner, batch);
	assert_all(batch, KV_REFUSED, -E2BIG);
	kv_batch_free(batch);
	free(huge);
	owner_wait_problem(&bed->owner, "raise etcd's --max-request-bytes");
	put_one(&bed->owner, "small", "1");
}

/* What is small goes through all the time: clocks, extensions. */
static void a_limit_stays_reported_until_something_as_large_went_through(void **state)
{
	static const char remedy[] = "raise etcd's --max-txn-ops to 128";
	struct bed *bed = *state;
	struct kv_batch *batch = kv_batch_new(1);
	struct kv_txn *txn;
	struct kv_status status;

	bed_begin(bed);
	txn = add_txn(batch);
	add_put(batch, txn, "one", "1");
	add_put(batch, txn, "two", "2");
	add_put(batch, txn, "three", "3");
	owner_run(&bed->owner, batch);
	assert_all(batch, KV_REFUSED, -E2BIG);
	owner_wait_problem(&bed->owner, remedy);
	put_one(&bed->owner, "small", "1");
	kv_etcd.status(bed->owner.kv, &status);
	assert_non_null(strstr(status.problem, remedy));
	put_one(&bed->owner, "large", "which needs more bytes by itself than those three together needed in all of their request, keys included");
	owner_wait_problem(&bed->owner, "");
	kv_batch_free(batch);
}

/* Each look writes, as a server's clock does. */
static bool out_of_room(struct owner *owner, const void *value)
{
	struct kv_status status;

	kv_etcd.session_update(owner->kv, value, 4);
	kv_etcd.status(owner->kv, &status);
	return strstr(status.problem, "etcdctl alarm disarm");
}

/*
 * etcd 3.4 counts nothing that is nested towards its quota: allocations go on past it, and what
 * notices is the session.
 */
static void no_room_is_reported(void **state)
{
	struct bed *bed = *state;
	char *big = calloc(1, 200001);

	memset(big, 'x', 200000);
	bed_begin(bed);
	for (int i = 0; i < 40; i++) { /* 8 MB, where 4 are allowed */
		char key[32];
		snprintf(key, sizeof(key), "big/%d", i);
		put_one(&bed->owner, key, big);
	}
	start_session(&bed->owner, "servers/a", "1");
	owner_wait(&bed->owner, out_of_room, big);
	put_one(&bed->owner, "a", "1");
	free(big);
}

/* Left out of the load, with no neighbour of theirs; changes of them are told all the same. */
static void unwanted_keys_are_not_loaded(void **state)
{
	static const char *const wanted[] = {"a", "clients", "clients.", "clients0", "config/x",
					     "leases/1", "zz"};
	static const char *const unwanted[] = {"clients/", "clients/4/n/mac:x", "clients/~"};
	struct bed *bed = *state;

	bed_begin(bed);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		put_one(&bed->owner, wanted[i], "1");
	for (size_t i = 0; i < ARRAY_SIZE(unwanted); i++)
		put_one(&bed->owner, unwanted[i], "1");
	owner_begin_without(&bed->other, &kv_etcd, &bed->config, "clients/");
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_non_null(owner_find(&bed->other, wanted[i]));
	for (size_t i = 0; i < ARRAY_SIZE(unwanted); i++)
		assert_null(owner_find(&bed->other, unwanted[i]));
	assert_int_equal(bed->other.n_entries, ARRAY_SIZE(wanted));
	put_one(&bed->owner, unwanted[1], "2");
	owner_wait_value(&bed->other, unwanted[1], "2");
	owner_close(&bed->other);
}

#define TEST_FEW_OPS(f) cmocka_unit_test_setup_teardown(f, set_up_few_ops, bed_tear_down)
#define TEST_TWO_OPS(f) cmocka_unit_test_setup_teardown(f, set_up_two_ops, bed_tear_down)
#define TEST_ROOM(f)    cmocka_unit_test_setup_teardown(f, set_up_little_room, bed_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(large_revisions_come_whole),       TEST_FEW_OPS(few_operations_are_learnt),
	    TEST(too_many_bytes_are_sent_in_parts), TEST(one_transaction_too_large_is_refused),
	    TEST_TWO_OPS(a_limit_stays_reported_until_something_as_large_went_through),
	    TEST_ROOM(no_room_is_reported),         TEST(unwanted_keys_are_not_loaded),
	};

	if (!server_available())
		return 0;
	return cmocka_run_group_tests_name("kv/etcd limits", tests, NULL, NULL);
}
