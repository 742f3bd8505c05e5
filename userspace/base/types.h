/* SPDX-License-Identifier: MIT */
/**
 * base/types.h - integers with a byte order, and the few helpers every folder wants.
 *
 * A value typed be16_t or be32_t holds network byte order, everything else is in host
 * order. The load and store functions take any alignment: packets promise none.
 */
#ifndef ETCDHCP_BASE_TYPES_H
#define ETCDHCP_BASE_TYPES_H

#include <assert.h>
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint16_t be16_t;
typedef uint32_t be32_t;

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define CACHE_LINE 64

#define container_of(member_ptr, type, member) \
	((type *)((char *)(member_ptr) - offsetof(type, member)))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

static inline uint16_t load_be16(const void *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof(v));
	return be16toh(v);
}

static inline uint32_t load_be32(const void *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static inline void store_be16(void *p, uint16_t host)
{
	uint16_t v = htobe16(host);
	memcpy(p, &v, sizeof(v));
}

static inline void store_be32(void *p, uint32_t host)
{
	uint32_t v = htobe32(host);
	memcpy(p, &v, sizeof(v));
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline int64_t min_i64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static inline int64_t max_i64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static inline size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/** Runs of bytes that somebody else owns; data may be NULL only when len is 0. */
struct span {
	const uint8_t *data;
	size_t len;
};

#endif
