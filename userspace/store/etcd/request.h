/* SPDX-License-Identifier: MIT */
/**
 * store/etcd/request.h - transactions as etcd wants them, and its answers as kv.h wants them.
 *
 *     Txn{ success: [ Txn{compare: guards; success: reads, changes; failure: all keys}, ... ] }
 */
#ifndef ETCDHCP_STORE_ETCD_REQUEST_H
#define ETCDHCP_STORE_ETCD_REQUEST_H

#include "store/etcd/call.h"
#include "store/kv.h"

struct request_context {
	const char *prefix;
	size_t prefix_len;
	int64_t session_lease;  /* for changes in the session */
	struct kv_arena *arena; /* scratch */
};

/** Packs them into *slice, the caller's. 0 or -ENOMEM. */
int request_pack(const struct request_context *context, struct kv_txn *const *txns, uint32_t n,
		 grpc_slice *slice);

/**
 * Fills outcomes, revisions and what was found (in @p batch's memory) from etcd's answer to the
 * same transactions; *revision becomes the store's. -EPROTO when the answer does not fit the
 * question, -ENOMEM; the transactions may then be partly filled.
 */
int answer_read(struct span message, struct kv_arena *scratch, struct kv_batch *batch,
		struct kv_txn *const *txns, uint32_t n, int64_t *revision);

#endif
