/* SPDX-License-Identifier: MIT */
/* Batches, the mirror and the end, on both backends. */
#include <errno.h>
#include <stdio.h>

#include "kv_suite.h"

static void fill_numbered(struct kv_batch *batch, const char *name, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct kv_txn *txn = add_txn(batch);
		char key[64];
		snprintf(key, sizeof(key), "%s/%06u", name, i);
		add_guard(batch, txn, KV_ABSENT, key, NULL, 0);
		add_put(batch, txn, key, "numbered");
	}
}

static void assert_all_done(const struct kv_batch *batch)
{
	for (uint32_t i = 0; i < batch->n; i++)
		if (batch->txn[i].outcome != KV_DONE)
			fail_msg("transaction %u: outcome %d, %s: %s", i, batch->txn[i].outcome,
				 strerror(-batch->txn[i].error),
				 batch->detail ? batch->detail : "");
}

static void several_batches_in_flight(void **state)
{
	struct bed *bed = *state;
	int64_t newest = 0;

	for (unsigned i = 0; i < 16; i++) {
		struct kv_batch *batch = kv_batch_new(50);
		char name[16];
		snprintf(name, sizeof(name), "b%02u", i);
		fill_numbered(batch, name, 50);
		owner_commit(&bed->owner, batch);
	}
	for (unsigned i = 0; i < 16; i++) {
		struct kv_batch *batch = owner_wait_batch(&bed->owner);
		assert_all_done(batch);
		newest = max_i64(newest, batch->revision);
		kv_batch_free(batch);
	}
	owner_wait_revision(&bed->owner, newest);
	assert_int_equal(bed->owner.n_entries, 16 * 50);
	assert_int_equal(bed->owner.disorders, 0);
}

/* As many transactions as a batch may hold, each as large as one may be. */
static void the_largest_batch(void **state)
{
	struct bed *bed = *state;
	uint32_t n = bed->ops->max_txns;
	struct kv_batch *batch = kv_batch_new(n);

	for (uint32_t i = 0; i < n; i++) {
		struct kv_txn *txn = add_txn(batch);
		char key[64];
		for (int c = 0; c < KV_MAX_COMPARES; c++) {
			snprintf(key, sizeof(key), "compare/%06u.%d", i, c);
			add_guard(batch, txn, KV_READ, key, NULL, 0);
		}
		for (int c = 0; c < KV_MAX_CHANGES; c++) {
			snprintf(key, sizeof(key), "change/%06u.%d", i, c);
			add_put(batch, txn, key, "x");
		}
	}
	owner_run(&bed->owner, batch);
	assert_int_equal(batch->error, 0);
	assert_all_done(batch);
	/* One revision: it went as one. */
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(batch->txn[i].revision, batch->revision);
	owner_wait_revision(&bed->owner, batch->revision);
	assert_int_equal(bed->owner.n_entries, n * KV_MAX_CHANGES);
	kv_batch_reset(batch);
	fill_numbered(batch, "again", n);
	owner_run(&bed->owner, batch);
	assert_all_done(batch);
	kv_batch_free(batch);
}

static void session_keys_without_a_session(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch = kv_batch_new(2);

	add_put(batch, add_txn(batch), "with", "v");
	add_put(batch, add_txn(batch), "without", "v");
	batch->txn[0].change[0].in_session = true;
	owner_run(&bed->owner, batch);
	assert_int_equal(batch->txn[1].outcome, KV_DONE);
	if (bed->ops == &kv_etcd) { /* there is nothing yet that could end it */
		assert_int_equal(batch->txn[0].outcome, KV_REFUSED);
		assert_int_equal(batch->txn[0].error, -ENOLINK);
	} else {
		assert_int_equal(batch->txn[0].outcome, KV_DONE);
	}
	kv_batch_free(batch);
}

/* ---- the mirror ---- */

static void put_many(struct bed *bed, const char *name, uint32_t n)
{
	struct kv_batch *batch = kv_batch_new(100);

	for (uint32_t at = 0; at < n; at += 100) {
		char part[32];
		kv_batch_reset(batch);
		snprintf(part, sizeof(part), "%s/%04u", name, at / 100);
		fill_numbered(batch, part, 100);
		owner_run(&bed->owner, batch);
		assert_all_done(batch);
	}
	kv_batch_free(batch);
}

static void load_then_changes(void **state)
{
	struct bed *bed = *state;
	int64_t last = 0;

	put_many(bed, "many", 50000);
	suite_reopen(bed);
	assert_int_equal(bed->owner.n_entries, 50000);
	assert_int_equal(bed->owner.resets, 1);
	assert_true(bed->owner.most_lists_out <= 2);
	for (int i = 0; i < 50; i++) {
		struct kv_batch *batch = kv_batch_new(2);
		char key[64];
		snprintf(key, sizeof(key), "many/0000/%06d", i);
		add_delete(batch, add_txn(batch), key);
		add_put(batch, add_txn(batch), "changing", key);
		owner_run(&bed->owner, batch);
		assert_all_done(batch);
		assert_true(batch->revision > last);
		last = batch->revision;
		kv_batch_free(batch);
	}
	owner_wait_revision(&bed->owner, last);
	assert_int_equal(bed->owner.n_entries, 50000 - 50 + 1);
	assert_int_equal(bed->owner.removes, 50);
	assert_int_equal(bed->owner.disorders, 0);
	assert_null(owner_find(&bed->owner, "many/0000/000049"));
	assert_entry(&bed->owner, "changing", "many/0000/000049", last);
}

static void reopening_keeps_everything(void **state)
{
	struct bed *bed = *state;
	int64_t a = put_one(&bed->owner, "a", "1"), gone = put_one(&bed->owner, "gone", "x");
	int64_t b = put_one(&bed->owner, "b", "2"), next;
	struct kv_batch *batch = kv_batch_new(1);

	add_delete(batch, add_txn(batch), "gone");
	owner_run(&bed->owner, batch);
	assert_all_done(batch);
	assert_true(gone < batch->revision);
	suite_reopen(bed);
	assert_int_equal(bed->owner.n_entries, 2);
	assert_entry(&bed->owner, "a", "1", a);
	assert_entry(&bed->owner, "b", "2", b);
	assert_true(bed->owner.revision >= batch->revision);
	next = put_one(&bed->owner, "c", "3");
	assert_true(next > batch->revision);
	kv_batch_free(batch);
}

/* An owner that takes no list gets two and no more, and everything once it takes them. */
static void a_slow_owner_holds_the_backend_back(void **state)
{
	struct bed *bed = *state;
	struct owner *owner = &bed->owner;
	int64_t last = 0;

	for (int i = 0; i < 200; i++) {
		struct kv_batch *batch = kv_batch_new(1);
		char value[16];
		snprintf(value, sizeof(value), "%d", i);
		add_put(batch, add_txn(batch), "slow", value);
		owner_commit(owner, batch);
	}
	for (int came = 0; came < 200;) { /* batches alone; lists stay where they are */
		struct kv_batch *batch = NULL;
		pthread_mutex_lock(&owner->lock);
		while (owner->n_batches == 0)
			pthread_cond_wait(&owner->changed, &owner->lock);
		batch = owner->batches[--owner->n_batches];
		pthread_mutex_unlock(&owner->lock);
		assert_all_done(batch);
		last = max_i64(last, batch->revision);
		kv_batch_free(batch);
		came++;
	}
	pthread_mutex_lock(&owner->lock);
	while (owner->lists_out == 0) /* one may have it all */
		pthread_cond_wait(&owner->changed, &owner->lock);
	pthread_mutex_unlock(&owner->lock);
	assert_true(owner->most_lists_out <= 2);
	owner_wait_revision(owner, last);
	assert_true(owner->most_lists_out <= 2);
	assert_int_equal(owner->disorders, 0);
	assert_int_equal(owner->resets, 1);
}

/* ---- the end ---- */

static void closing_answers_everything(void **state)
{
	struct bed *bed = *state;
	struct owner *owner = &bed->owner;
	struct kv_batch *batches[40];

	for (unsigned i = 0; i < ARRAY_SIZE(batches); i++) {
		char name[16];
		batches[i] = kv_batch_new(50);
		snprintf(name, sizeof(name), "c%02u", i);
		fill_numbered(batches[i], name, 50);
		owner_commit(owner, batches[i]);
	}
	owner->ops->close(owner->kv);
	owner->kv = NULL; /* closing nothing is allowed */
	assert_int_equal(owner->n_batches, ARRAY_SIZE(batches));
	for (unsigned i = 0; i < ARRAY_SIZE(batches); i++)
		assert_all_done(batches[i]);
	owner_close(owner);
	owner_begin(owner, bed->ops, &bed->config);
	assert_int_equal(owner->n_entries, ARRAY_SIZE(batches) * 50);
}

static void closing_what_never_started(void **state)
{
	struct bed *bed = *state;
	struct kv_sink sink = {0};
	struct config_error error;
	struct kv *kv;

	owner_close(&bed->owner);
	kv = bed->ops->open(&bed->config, &sink, &error);
	assert_non_null(kv);
	bed->ops->close(kv);
}

static void status_tells_what_happened(void **state)
{
	struct bed *bed = *state;
	struct kv_status status;
	int64_t revision = put_one(&bed->owner, "a", "1");

	bed->ops->status(bed->owner.kv, &status);
	assert_true(status.connected);
	assert_true(status.revision >= revision);
	assert_true(status.last_contact_ns > 0);
	assert_int_equal(status.reconnects, 0);
	assert_int_equal(status.reloads, 0);
	assert_string_equal(status.problem, "");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    TEST(several_batches_in_flight),      TEST(the_largest_batch),
	    TEST(session_keys_without_a_session), TEST(load_then_changes),
	    TEST(reopening_keeps_everything),     TEST(a_slow_owner_holds_the_backend_back),
	    TEST(closing_answers_everything),     TEST(closing_what_never_started),
	    TEST(status_tells_what_happened),
	};
	int failed;

	if (!suite_begin(argc, argv))
		return 0;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	suite_end();
	return failed;
}
