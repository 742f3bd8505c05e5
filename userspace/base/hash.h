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

/** The finaliser of splitmix64: all bits of the argument move all bits of the result. Unkeyed. */
static inline uint64_t hash_mix(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/**
 * Rendezvous hashing: whether, of all servers, the one whose id hashes to @p self has what @p key
 * stands for; @p others are the @p n others' hashes. The highest score has it; should two be
 * equal, the higher hash. All servers with the same membership come to the same answer.
 */
static inline bool hash_prefers(uint64_t key, uint64_t self, const uint64_t *others, size_t n)
{
	uint64_t own = hash_mix(key ^ self);

	for (size_t i = 0; i < n; i++) {
		uint64_t score = hash_mix(key ^ others[i]);

		if (own != score ? own < score : self < others[i])
			return false;
	}
	return true;
}

/** What a server's id counts as in rendezvous hashing; the same on every server. */
static inline uint64_t hash_server(const char *id, size_t len)
{
	return hash_bytes(id, len, 0);
}

/** 64 random bits from getrandom(2); never fails on Linux once booted. */
uint64_t hash_random_seed(void);

#endif
