/* SPDX-License-Identifier: MIT */
/** store/kv_check.h - what both backends do alike to the batches they are given. */
#ifndef ETCDHCP_STORE_KV_CHECK_H
#define ETCDHCP_STORE_KV_CHECK_H

#include "store/kv.h"

/** Counts within their bounds, keys as kv.h wants them. What is not is refused alone, -EINVAL. */
bool kv_txn_is_sound(const struct kv_txn *txn);
void kv_txn_settle(struct kv_txn *txn, enum kv_outcome outcome, int error);
/** Notes the first error of the batch, with a copy of the store's words when there are some. */
void kv_batch_blame(struct kv_batch *batch, int error, const char *detail);

#endif
