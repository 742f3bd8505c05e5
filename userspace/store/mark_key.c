/* SPDX-License-Identifier: MIT */
/* The high-water mark's key: what is read of it, and its own small transaction, beside the flights'. */
#include "store/internal.h"

/* After a mark that could not be written. */
#define MARK_RETRY_NS (1 * NS_PER_S)

bool membership_see_clock(struct store *store, const struct kv_event *event)
{
	struct membership *m = &store->membership;
	struct member_value value;

	if (event->type == KV_EVENT_REMOVE) {
		mark_see_deleted(&m->mark, event->revision);
		return true;
	}
	if (!member_value_parse(event->value, &value) || !value.clock_ns)
		return false;
	mark_see(&m->mark, value.clock_ns, event->revision, clock_wall_ns(store->clock));
	return true;
}

/* Guarded by the revision that the value was compared at, so it never goes back. */
static struct kv_batch *mark_batch(struct store *store, int64_t earliest_ns)
{
	static const char key[] = "clock";
	const struct span key_span = {(const uint8_t *)key, sizeof(key) - 1};
	struct member_value value = {.clock_ns = earliest_ns};
	struct kv_batch *batch = kv_batch_new(1);
	struct kv_txn *txn = batch ? kv_batch_add(batch) : NULL;
	char *text = txn ? kv_batch_alloc(batch, MEMBER_VALUE_MAX) : NULL;

	if (!text) {
		kv_batch_free(batch);
		return NULL;
	}
	memcpy(value.server, store->server_id, sizeof(value.server));
	txn->compare[txn->n_compares++] = (struct kv_compare){
		.guard = KV_REVISION, .key = key_span, .revision = store->membership.mark.revision};
	txn->change[txn->n_changes++] = (struct kv_change){
		.action = KV_PUT,
		.key = key_span,
		.value = {(const uint8_t *)text, member_value_write_clock(&value, text)},
	};
	return batch;
}

void membership_write_mark(struct store *store, int64_t earliest_ns)
{
	struct membership *m = &store->membership;
	struct kv_batch *batch;

	if (!m->registered || !store_serving(store) || m->mark_batch ||
	    store->now.mono_ns < m->mark_at_ns || !mark_is_due(&m->mark, earliest_ns))
		return;
	m->mark_at_ns = store->now.mono_ns + MARK_RETRY_NS;
	batch = mark_batch(store, earliest_ns);
	if (!batch)
		return; /* tried again */
	m->mark_batch = batch;
	store->ops->commit(store->kv, batch);
}

/* What was written, or what another server had written before. */
bool membership_committed(struct store *store, const struct kv_batch *batch)
{
	struct membership *m = &store->membership;
	const struct kv_txn *txn;
	struct member_value value;
	struct span text;

	if (batch != m->mark_batch)
		return false;
	txn = &batch->txn[0];
	text = txn->outcome == KV_DONE ? txn->change[0].value : txn->found[0].value;
	if (txn->outcome == KV_CONFLICT && !txn->found[0].exists)
		mark_see_deleted(&m->mark, txn->revision);
	else if ((txn->outcome == KV_DONE || txn->outcome == KV_CONFLICT) &&
		 member_value_parse(text, &value))
		mark_see(&m->mark, value.clock_ns,
			 txn->outcome == KV_DONE ? txn->revision : txn->found[0].revision,
			 clock_wall_ns(store->clock));
	kv_batch_free(m->mark_batch);
	m->mark_batch = NULL;
	return true;
}
