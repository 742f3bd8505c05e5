/* SPDX-License-Identifier: MIT */
/**
 * base/counter.h - counters with one writer each and any number of readers.
 *
 * Each thread has counters of its own, aligned to cache lines; readers sum them. No locked
 * instruction is ever needed, only loads and stores that cannot tear.
 */
#ifndef ETCDHCP_BASE_COUNTER_H
#define ETCDHCP_BASE_COUNTER_H

#include <stdatomic.h>

#include "base/types.h"

typedef _Atomic uint64_t counter_t;

/** Owner thread only. */
static inline void counter_add(counter_t *c, uint64_t n)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

/** Owner thread only. */
static inline void counter_set(counter_t *c, uint64_t v)
{
	atomic_store_explicit(c, v, memory_order_relaxed);
}

/** Any thread. */
static inline uint64_t counter_read(const counter_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

#endif
