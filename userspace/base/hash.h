/* SPDX-License-Identifier: MIT */
/**
 * base/hash.h - a keyed 64-bit hash (XXH3).
 *
 * Clients choose their identifiers, so tables are keyed with a secret drawn at start; and
 * an unkeyed form for what several servers must compute alike (rendezvous hashing).
 */
#ifndef ETCDHCP_BASE_HASH_H
#define ETCDHCP_BASE_HASH_H

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/types.h"

static inline uint64_t hash_bytes(const void *data, size_t len, uint64_t seed)
{
	return XXH3_64bits_withSeed(data, len, seed);
}

/** 64 random bits from getrandom(2); never fails on Linux once booted. */
uint64_t hash_random_seed(void);

#endif
