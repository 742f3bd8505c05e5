/* SPDX-License-Identifier: MIT */
/**
 * store/kv_arena.h - memory given out in order and taken back all at once.
 *
 * Batches and event lists are filled and emptied over and over: an arena keeps its blocks from
 * one round to the next, so that a steady load costs no malloc. One thread at a time.
 */
#ifndef ETCDHCP_STORE_KV_ARENA_H
#define ETCDHCP_STORE_KV_ARENA_H

#include "base/types.h"

struct kv_arena; /* opaque */

/** Blocks of @p block bytes; larger requests get blocks of their own. NULL when memory is short. */
struct kv_arena *kv_arena_new(size_t block);
/** NULL is fine. */
void kv_arena_free(struct kv_arena *arena);
/** Uninitialised, aligned to 8; NULL when memory is short. Length 0 gives a valid pointer. */
void *kv_arena_alloc(struct kv_arena *arena, size_t len);
/** A copy of @p from; false when memory is short, *to is untouched then. */
bool kv_arena_copy(struct kv_arena *arena, struct span from, struct span *to);
/** Forgets everything given out. Keeps some ordinary blocks, returns what was large. */
void kv_arena_reset(struct kv_arena *arena);

#endif
