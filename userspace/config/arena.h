/* SPDX-License-Identifier: MIT */
/**
 * config/arena.h - memory that lives and dies together.
 *
 * A configuration is thousands of small objects with one lifetime, so they are cut from large
 * zeroed blocks and released by one call. Not for several threads at once.
 */
#ifndef ETCDHCP_CONFIG_ARENA_H
#define ETCDHCP_CONFIG_ARENA_H

#include "base/types.h"

struct arena; /* opaque */

/** One that gives at most @p limit bytes, and then behaves as if memory were short; NULL when it
 * is. */
struct arena *arena_new(size_t limit);
/** Releases everything ever taken from it. NULL is fine. */
void arena_free(struct arena *arena);
/** Zeroed, aligned for any type; NULL when memory is short. Size 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size);
/** n x size bytes, zeroed; NULL when memory is short or the product overflows. */
void *arena_array(struct arena *arena, size_t n, size_t size);
/** A copy of @p size bytes. */
void *arena_copy(struct arena *arena, const void *data, size_t size);
/** A copy of @p len bytes of text with a NUL behind it. */
char *arena_text(struct arena *arena, const char *text, size_t len);

#endif
