/* SPDX-License-Identifier: MIT */
#include "store/kv.h"

#include <errno.h>
#include <stdlib.h>

#include "store/kv_arena.h"
#include "store/kv_check.h"

#define ARENA_BLOCK ((size_t)32 << 10)

struct kv_batch *kv_batch_new(uint32_t cap)
{
	struct kv_batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return NULL;
	batch->cap = cap;
	batch->txn = calloc(cap ? cap : 1, sizeof(*batch->txn));
	batch->arena = kv_arena_new(ARENA_BLOCK);
	if (!batch->txn || !batch->arena) {
		kv_batch_free(batch);
		return NULL;
	}
	return batch;
}

void kv_batch_free(struct kv_batch *batch)
{
	if (!batch)
		return;
	kv_arena_free(batch->arena);
	free(batch->txn);
	free(batch);
}

void kv_batch_reset(struct kv_batch *batch)
{
	kv_arena_reset(batch->arena);
	*batch = (struct kv_batch){.txn = batch->txn, .cap = batch->cap, .arena = batch->arena};
}

struct kv_txn *kv_batch_add(struct kv_batch *batch)
{
	struct kv_txn *txn;

	if (batch->n == batch->cap)
		return NULL;
	txn = &batch->txn[batch->n++];
	memset(txn, 0, sizeof(*txn));
	return txn;
}

void *kv_batch_alloc(struct kv_batch *batch, size_t len)
{
	return kv_arena_alloc(batch->arena, len);
}

static bool key_fits(struct span key)
{
	return key.len >= 1 && key.len <= KV_MAX_KEY && key.data[0] > 0x01;
}

bool kv_txn_is_sound(const struct kv_txn *txn)
{
	bool sound = txn->n_compares <= KV_MAX_COMPARES && txn->n_changes <= KV_MAX_CHANGES;

	for (uint8_t i = 0; sound && i < txn->n_compares; i++)
		sound = key_fits(txn->compare[i].key) &&
			(unsigned)txn->compare[i].guard < KV_GUARD_COUNT;
	for (uint8_t i = 0; sound && i < txn->n_changes; i++)
		sound = key_fits(txn->change[i].key);
	return sound;
}

void kv_txn_settle(struct kv_txn *txn, enum kv_outcome outcome, int error)
{
	txn->outcome = outcome;
	txn->error = error;
}

void kv_batch_blame(struct kv_batch *batch, int error, const char *detail)
{
	size_t len = detail ? strlen(detail) : 0;
	char *copy = NULL;

	if (batch->error || !error)
		return;
	batch->error = error;
	if (len > 0)
		copy = kv_batch_alloc(batch, len + 1);
	if (copy)
		batch->detail = memcpy(copy, detail, len + 1);
}
