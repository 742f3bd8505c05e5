/* SPDX-License-Identifier: MIT */
#include "store/etcd/request.h"

#include <errno.h>

#include <grpc/slice.h>

#include "etcd.pb-c.h"

/* The messages of one transaction, in one piece of scratch memory. */
struct nested {
	Etcdserverpb__RequestOp outer;
	Etcdserverpb__TxnRequest txn;
	Etcdserverpb__Compare compare[KV_MAX_COMPARES];
	Etcdserverpb__Compare *compares[KV_MAX_COMPARES];
	Etcdserverpb__RangeRequest range[KV_MAX_COMPARES];
	Etcdserverpb__RequestOp range_op[KV_MAX_COMPARES];
	Etcdserverpb__RequestOp *failure[KV_MAX_COMPARES];
	union {
		Etcdserverpb__PutRequest put;
		Etcdserverpb__DeleteRangeRequest delete_range;
	} change[KV_MAX_CHANGES];
	Etcdserverpb__RequestOp change_op[KV_MAX_CHANGES];
	Etcdserverpb__RequestOp *success[KV_MAX_CHANGES + KV_MAX_COMPARES];
};

/* Everything shows as key; protobuf-c wants non-const data and does not write to it. */
static bool full_key(const struct request_context *context, struct span key,
		     ProtobufCBinaryData *full)
{
	uint8_t *bytes = kv_arena_alloc(context->arena, context->prefix_len + key.len);

	if (!bytes)
		return false;
	memcpy(bytes, context->prefix, context->prefix_len);
	memcpy(bytes + context->prefix_len, key.data, key.len);
	*full = (ProtobufCBinaryData){context->prefix_len + key.len, bytes};
	return true;
}

static ProtobufCBinaryData borrowed(struct span span)
{
	return (ProtobufCBinaryData){span.len, (uint8_t *)(uintptr_t)span.data};
}

/* KV_READ is no compare at all. */
static bool write_guard(const struct kv_compare *guard, Etcdserverpb__Compare *compare)
{
	etcdserverpb__compare__init(compare);
	switch (guard->guard) {
	case KV_ABSENT:
	case KV_EXISTS:
		compare->target = ETCDSERVERPB__COMPARE__COMPARE_TARGET__CREATE;
		compare->target_union_case = ETCDSERVERPB__COMPARE__TARGET_UNION_CREATE_REVISION;
		if (guard->guard == KV_EXISTS)
			compare->result = ETCDSERVERPB__COMPARE__COMPARE_RESULT__NOT_EQUAL;
		return true;
	case KV_REVISION:
		compare->target = ETCDSERVERPB__COMPARE__COMPARE_TARGET__MOD;
		compare->target_union_case = ETCDSERVERPB__COMPARE__TARGET_UNION_MOD_REVISION;
		compare->mod_revision = guard->revision;
		return true;
	case KV_VALUE:
		compare->target = ETCDSERVERPB__COMPARE__COMPARE_TARGET__VALUE;
		compare->target_union_case = ETCDSERVERPB__COMPARE__TARGET_UNION_VALUE;
		compare->value = borrowed(guard->value);
		return true;
	default:
		return false;
	}
}

static bool write_guards(const struct request_context *context, const struct kv_txn *txn,
			 struct nested *nested)
{
	for (uint8_t i = 0; i < txn->n_compares; i++) {
		Etcdserverpb__Compare *compare = &nested->compare[i];
		Etcdserverpb__RangeRequest *range = &nested->range[i];

		etcdserverpb__range_request__init(range);
		if (!full_key(context, txn->compare[i].key, &range->key))
			return false;
		etcdserverpb__request_op__init(&nested->range_op[i]);
		nested->range_op[i].request_case = ETCDSERVERPB__REQUEST_OP__REQUEST_REQUEST_RANGE;
		nested->range_op[i].request_range = range;
		nested->failure[nested->txn.n_failure++] = &nested->range_op[i];
		if (write_guard(&txn->compare[i], compare)) {
			compare->key = range->key;
			nested->compares[nested->txn.n_compare++] = compare;
		}
	}
	return true;
}

static bool write_change(const struct request_context *context, const struct kv_change *change,
			 struct nested *nested, uint8_t i)
{
	Etcdserverpb__RequestOp *op = &nested->change_op[i];
	ProtobufCBinaryData key;

	if (!full_key(context, change->key, &key))
		return false;
	etcdserverpb__request_op__init(op);
	if (change->action == KV_PUT) {
		Etcdserverpb__PutRequest *put = &nested->change[i].put;
		etcdserverpb__put_request__init(put);
		put->key = key;
		put->value = borrowed(change->value);
		put->lease = change->in_session ? context->session_lease : 0;
		op->request_case = ETCDSERVERPB__REQUEST_OP__REQUEST_REQUEST_PUT;
		op->request_put = put;
	} else {
		Etcdserverpb__DeleteRangeRequest *delete_range = &nested->change[i].delete_range;
		etcdserverpb__delete_range_request__init(delete_range);
		delete_range->key = key;
		op->request_case = ETCDSERVERPB__REQUEST_OP__REQUEST_REQUEST_DELETE_RANGE;
		op->request_delete_range = delete_range;
	}
	nested->success[nested->txn.n_success++] = op;
	return true;
}

/*
 * What succeeds tells the keys it was asked to read, as they were before its changes; what fails
 * tells all that it compared.
 */
static bool write_txn(const struct request_context *context, const struct kv_txn *txn,
		      struct nested *nested)
{
	etcdserverpb__txn_request__init(&nested->txn);
	nested->txn.compare = nested->compares;
	nested->txn.success = nested->success;
	nested->txn.failure = nested->failure;
	if (!write_guards(context, txn, nested))
		return false;
	for (uint8_t i = 0; i < txn->n_compares; i++)
		if (txn->compare[i].guard == KV_READ)
			nested->success[nested->txn.n_success++] = &nested->range_op[i];
	for (uint8_t i = 0; i < txn->n_changes; i++)
		if (!write_change(context, &txn->change[i], nested, i))
			return false;
	etcdserverpb__request_op__init(&nested->outer);
	nested->outer.request_case = ETCDSERVERPB__REQUEST_OP__REQUEST_REQUEST_TXN;
	nested->outer.request_txn = &nested->txn;
	return true;
}

int request_pack(const struct request_context *context, struct kv_txn *const *txns, uint32_t n,
		 grpc_slice *slice)
{
	Etcdserverpb__TxnRequest request = ETCDSERVERPB__TXN_REQUEST__INIT;

	request.success = kv_arena_alloc(context->arena, n * sizeof(*request.success));
	if (!request.success)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		struct nested *nested = kv_arena_alloc(context->arena, sizeof(*nested));
		if (!nested || !write_txn(context, txns[i], nested))
			return -ENOMEM;
		request.success[request.n_success++] = &nested->outer;
	}
	*slice = message_pack(&request.base);
	return 0;
}
