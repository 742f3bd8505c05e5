/* SPDX-License-Identifier: MIT */
/* etcd goes and comes back: killed, frozen, compacted meanwhile. The mirror misses nothing. */
#include <errno.h>
#include <stdio.h>

#include "kv_etcd_bed.h"

/* What is to time out should not take long; whatever is to succeed is tried again. */
#define SHORT_MS 700

/* Whatever was reported done is there, whatever was refused is not; the rest may be either. */
static void check_against_store(struct bed *bed, struct kv_batch *const *batches, size_t n)
{
	for (size_t b = 0; b < n; b++) {
		for (uint32_t i = 0; i < batches[b]->n; i++) {
			const struct kv_txn *txn = &batches[b]->txn[i];
			const struct entry *entry;
			char key[KV_MAX_KEY + 1];
			memcpy(key, txn->change[0].key.data, txn->change[0].key.len);
			key[txn->change[0].key.len] = '\0';
			entry = owner_find(&bed->owner, key);
			if (txn->outcome == KV_DONE && !entry)
				fail_msg("%s was reported done and is gone", key);
			if (txn->outcome == KV_REFUSED && entry)
				fail_msg("%s was refused and is there", key);
			assert_int_not_equal(txn->outcome, KV_PENDING);
			assert_int_not_equal(txn->outcome, KV_CONFLICT);
		}
	}
}

/* Each wait is for the eighth batch back: between FREEZE and KILL some of them time out. */
enum { ROUNDS = 60, FREEZE = 15, KILL = 24, RESTART = 30 };

/* Killed and started again while batches are on their way; the mirror misses nothing. */
static void a_restart_under_commits(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batches[ROUNDS];
	unsigned unknown = 0, out = 0;

	bed->config.timeout_ms = SHORT_MS;
	bed_begin(bed);
	for (int i = 0; i < ROUNDS; i++) {
		char name[16];
		snprintf(name, sizeof(name), "r%02d", i);
		batches[i] = numbered(name, 20);
		if (i == FREEZE) /* what is sent from here on is on its way for good */
			server_freeze(&bed->server);
		owner_commit(&bed->owner, batches[i]);
		if (++out == 8) {
			owner_wait_batch(&bed->owner);
			out--;
		}
		if (i == KILL)
			server_kill(&bed->server);
		if (i == RESTART)
			server_restart(&bed->server);
	}
	while (out-- > 0)
		owner_wait_batch(&bed->owner);
	for (int i = 0; i < ROUNDS; i++)
		unknown += batches[i]->txn[0].outcome == KV_UNKNOWN;
	assert_true(unknown > 0);
	bed_assert_mirror_is_true(bed);
	check_against_store(bed, batches, ROUNDS);
	assert_true(bed->owner.losses > 0);
	assert_int_equal(bed->owner.resets, 1); /* it resumed */
	for (int i = 0; i < ROUNDS; i++)
		kv_batch_free(batches[i]);
}

/* Read from the store itself, once it answers again. */
static bool is_stored(struct bed *bed, const char *key)
{
	struct kv_batch *batch = kv_batch_new(1);
	bool exists;

	do {
		kv_batch_reset(batch);
		add_guard(batch, add_txn(batch), KV_READ, key, NULL, 0);
		owner_run(&bed->owner, batch);
	} while (batch->txn[0].outcome != KV_DONE);
	exists = batch->txn[0].found[0].exists;
	kv_batch_free(batch);
	return exists;
}

/* A server that stopped answering: what timed out may have happened, and the store tells later. */
static void a_frozen_server_leaves_doubt(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch = numbered("frozen", 5);
	bool stored;

	bed->config.timeout_ms = SHORT_MS;
	bed_begin(bed);
	bed_put_again(bed, "a", "1");
	server_freeze(&bed->server);
	owner_run(&bed->owner, batch);
	assert_all(batch, KV_UNKNOWN, -ETIMEDOUT);
	owner_wait_problem(&bed->owner, "check etcd's load");
	server_thaw(&bed->server);
	bed_put_again(bed, "b", "2");
	owner_wait_problem(&bed->owner, "");
	stored = is_stored(bed, "frozen/00004");
	bed_assert_mirror_is_true(bed);
	assert_int_equal(stored, owner_find(&bed->owner, "frozen/00004") != NULL);
	kv_batch_free(batch);
}

static bool reset_twice(struct owner *owner, const void *arg)
{
	return owner->resets >= 2 && owner->loads == owner->resets;
}

/* While nobody watches, everything changes and its history is thrown away. */
static void a_compaction_in_the_gap(void **state)
{
	static const char *const compact[] = {"compact", "60", NULL};
	struct bed *bed = *state;
	struct config_store elsewhere;
	struct kv_status status;
	uint16_t port;

	bed_begin(bed);
	put_one(&bed->owner, "kept", "1");
	put_one(&bed->owner, "gone", "1");
	owner_wait_value(&bed->owner, "gone", "1");
	server_kill(&bed->server);
	port = bed->server.client_port;
	server_move(&bed->server);
	server_restart(&bed->server);
	elsewhere = server_config(&bed->server, PREFIX);
	owner_begin(&bed->other, &kv_etcd, &elsewhere);
	for (int i = 0; i < 60; i++)
		put_one(&bed->other, "changing", "x");
	{
		struct kv_batch *batch = kv_batch_new(1);
		add_delete(batch, add_txn(batch), "gone");
		owner_run(&bed->other, batch);
		assert_all(batch, KV_DONE, 0);
		kv_batch_free(batch);
	}
	server_control(&bed->server, compact);
	owner_close(&bed->other);
	server_kill(&bed->server);
	bed->server.client_port = port;
	snprintf(bed->server.url, sizeof(bed->server.url), "http://127.0.0.1:%u", port);
	server_restart(&bed->server);
	owner_wait(&bed->owner, reset_twice, NULL);
	assert_null(owner_find(&bed->owner, "gone"));
	assert_non_null(owner_find(&bed->owner, "changing"));
	kv_etcd.status(bed->owner.kv, &status);
	assert_int_equal(status.reloads, 1);
	bed_assert_mirror_is_true(bed);
}

static bool progressed(struct owner *owner, const void *arg)
{
	return owner->progress >= *(const int64_t *)arg;
}

/* Nothing happens under the prefix; all the same we learn how far the store is. */
static void progress_bounds_staleness(void **state)
{
	static const char *const put[] = {"put", "/elsewhere", "x", NULL};
	struct bed *bed = *state;
	int64_t revision;

	bed_begin(bed);
	revision = put_one(&bed->owner, "a", "1") + 1;
	server_control(&bed->server, put);
	owner_wait(&bed->owner, progressed, &revision);
	assert_int_equal(bed->owner.losses, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_restart_under_commits),
	    TEST(a_frozen_server_leaves_doubt),
	    TEST(a_compaction_in_the_gap),
	    TEST(progress_bounds_staleness),
	};

	if (!server_available())
		return 0;
	return cmocka_run_group_tests_name("kv/etcd gone and back", tests, NULL, NULL);
}
