/* SPDX-License-Identifier: MIT */
#include "kv_etcd_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

int bed_set_up_with(void **state, const char *const *args)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	bed->listener = -1;
	*state = bed;
	server_start(&bed->server, args);
	bed->config = server_config(&bed->server, PREFIX);
	return 0;
}

int bed_set_up(void **state)
{
	static const char *const none[] = {NULL};

	return bed_set_up_with(state, none);
}

int bed_tear_down(void **state)
{
	struct bed *bed = *state;

	owner_close(&bed->owner);
	owner_close(&bed->other);
	server_remove(&bed->server);
	if (bed->listener >= 0)
		close(bed->listener);
	free(bed);
	return 0;
}

void bed_begin(struct bed *bed)
{
	owner_begin(&bed->owner, &kv_etcd, &bed->config);
}

void bed_put_again(struct bed *bed, const char *key, const char *value)
{
	uint64_t until_ns = clock_mono_ns() + OWNER_PATIENCE_S * NS_PER_S;
	enum kv_outcome outcome = KV_PENDING;

	while (outcome != KV_DONE) {
		struct kv_batch *batch = kv_batch_new(1);

		add_put(batch, add_txn(batch), key, value);
		owner_run(&bed->owner, batch);
		outcome = batch->txn[0].outcome;
		if (outcome != KV_DONE && clock_mono_ns() > until_ns)
			fail_msg("%s: still %s", key, batch->detail ? batch->detail : "nothing");
		kv_batch_free(batch);
	}
}

struct kv_batch *numbered(const char *name, uint32_t n)
{
	struct kv_batch *batch = kv_batch_new(n);

	for (uint32_t i = 0; i < n; i++) {
		struct kv_txn *txn = add_txn(batch);
		char key[64];
		snprintf(key, sizeof(key), "%s/%05u", name, i);
		add_guard(batch, txn, KV_ABSENT, key, NULL, 0);
		add_guard(batch, txn, KV_READ, "read", NULL, 0);
		add_put(batch, txn, key, name);
		snprintf(key, sizeof(key), "too/%s/%05u", name, i);
		add_put(batch, txn, key, name);
	}
	return batch;
}

void assert_all(const struct kv_batch *batch, enum kv_outcome outcome, int error)
{
	for (uint32_t i = 0; i < batch->n; i++)
		if (batch->txn[i].outcome != outcome || batch->txn[i].error != error)
			fail_msg("transaction %u: outcome %d, %s: %s", i, batch->txn[i].outcome,
				 strerror(-batch->txn[i].error),
				 batch->detail ? batch->detail : "");
	assert_int_equal(batch->error, error);
}

void bed_assert_mirror_is_true(struct bed *bed)
{
	struct entry *entry;

	bed->config = server_config(&bed->server, PREFIX);
	owner_begin(&bed->other, &kv_etcd, &bed->config);
	owner_wait_revision(&bed->owner, put_one(&bed->other, "last", "one"));
	owner_wait_value(&bed->other, "last", "one");
	assert_int_equal(bed->owner.n_entries, bed->other.n_entries);
	for (size_t i = 0; i < 1 << 16; i++) {
		for (entry = bed->other.buckets[i]; entry; entry = entry->next) {
			const struct entry *ours = owner_find(&bed->owner, entry->key);
			if (!ours || ours->revision != entry->revision)
				fail_msg("%s: revision %lld, should be %lld", entry->key,
					 ours ? (long long)ours->revision : 0LL,
					 (long long)entry->revision);
		}
	}
	assert_int_equal(bed->owner.disorders, 0);
	owner_close(&bed->other);
}

void start_session(struct owner *owner, const char *key, const char *value)
{
	assert_int_equal(owner->ops->session_start(owner->kv, key, bytes(value), strlen(value)), 0);
}
