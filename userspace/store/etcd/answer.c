/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "etcd.pb-c.h"
#include "store/etcd/request.h"

static int read_item(const Etcdserverpb__ResponseOp *op, struct kv_batch *batch,
		     struct kv_item *item)
{
	const Etcdserverpb__KeyValue *kv;
	struct span value;

	if (op->response_case != ETCDSERVERPB__RESPONSE_OP__RESPONSE_RESPONSE_RANGE)
		return -EPROTO;
	*item = (struct kv_item){0};
	if (op->response_range->n_kvs == 0)
		return 0;
	kv = op->response_range->kvs[0];
	value = (struct span){kv->value.data, kv->value.len};
	if (!kv_arena_copy(batch->arena, value, &item->value))
		return -ENOMEM;
	item->exists = true;
	item->revision = kv->mod_revision;
	return 0;
}

/* The answers of the reads: of all compared keys, or of those with KV_READ before the changes. */
static int read_found(const Etcdserverpb__TxnResponse *response, struct kv_batch *batch,
		      struct kv_txn *txn)
{
	size_t changes = response->succeeded ? txn->n_changes : 0, next = 0;

	for (uint8_t i = 0; i < txn->n_compares; i++) {
		int rc;
		if (response->succeeded && txn->compare[i].guard != KV_READ)
			continue;
		if (next >= response->n_responses)
			return -EPROTO;
		rc = read_item(response->responses[next++], batch, &txn->found[i]);
		if (rc)
			return rc;
	}
	return next + changes == response->n_responses ? 0 : -EPROTO;
}

static int read_txn(const Etcdserverpb__ResponseOp *op, struct kv_batch *batch, struct kv_txn *txn,
		    int64_t revision)
{
	int rc;

	if (op->response_case != ETCDSERVERPB__RESPONSE_OP__RESPONSE_RESPONSE_TXN)
		return -EPROTO;
	rc = read_found(op->response_txn, batch, txn);
	if (rc)
		return rc;
	txn->outcome = op->response_txn->succeeded ? KV_DONE : KV_CONFLICT;
	txn->error = 0;
	txn->revision = revision;
	return 0;
}

int answer_read(struct span message, struct kv_arena *scratch, struct kv_batch *batch,
		struct kv_txn *const *txns, uint32_t n, int64_t *revision)
{
	const Etcdserverpb__TxnResponse *response =
	    (const Etcdserverpb__TxnResponse *)message_unpack(
		&etcdserverpb__txn_response__descriptor, message, scratch);

	if (!response || !response->header || !response->succeeded || response->n_responses != n)
		return -EPROTO;
	*revision = response->header->revision;
	for (uint32_t i = 0; i < n; i++) {
		int rc = read_txn(response->responses[i], batch, txns[i], *revision);
		if (rc)
			return rc;
	}
	return 0;
}
