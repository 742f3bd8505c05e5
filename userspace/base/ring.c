/* SPDX-License-Identifier: MIT */
#include "base/ring.h"

#include <stdalign.h>
#include <stdlib.h>

/*
 * The indexes run freely and are masked on use: head - tail is the length, wrapping included.
 * head is stored by the producer alone, tail by the consumer alone. A release store of either
 * publishes the slots it passed (filled, or read and free again) to the acquire load opposite.
 */
struct ring {
	size_t mask;

	alignas(CACHE_LINE) _Atomic size_t head;
	size_t known_tail; /* producer's copy, never ahead of tail */

	alignas(CACHE_LINE) _Atomic size_t tail;
	size_t known_head; /* consumer's copy, never ahead of head */

	alignas(CACHE_LINE) void *slots[];
};

static size_t round_up_pow2(size_t n)
{
	return n <= 1 ? 1 : (size_t)1 << (64 - __builtin_clzll(n - 1));
}

struct ring *ring_new(size_t size)
{
	struct ring *ring;
	size_t bytes;

	if (size > SIZE_MAX / 4 / sizeof(ring->slots[0]))
		return NULL;
	size = round_up_pow2(size);
	bytes = sizeof(*ring) + size * sizeof(ring->slots[0]);
	bytes = (bytes + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
	ring = aligned_alloc(CACHE_LINE, bytes);
	if (!ring)
		return NULL;

	/* Touch every page now: the packet path takes no page fault. */
	memset(ring, 0, bytes);
	ring->mask = size - 1;
	return ring;
}

void ring_free(struct ring *ring)
{
	free(ring);
}

bool ring_push(struct ring *ring, void *item)
{
	size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

	assert(item);
	if (head - ring->known_tail > ring->mask) {
		ring->known_tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
		if (head - ring->known_tail > ring->mask)
			return false;
	}
	ring->slots[head & ring->mask] = item;
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
	return true;
}

void *ring_pop(struct ring *ring)
{
	void *item;

	return ring_pop_many(ring, &item, 1) ? item : NULL;
}

size_t ring_pop_many(struct ring *ring, void **items, size_t max)
{
	size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	size_t n;

	if (ring->known_head - tail < max)
		ring->known_head = atomic_load_explicit(&ring->head, memory_order_acquire);
	n = min_size(ring->known_head - tail, max);
	if (n == 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		items[i] = ring->slots[(tail + i) & ring->mask];
	atomic_store_explicit(&ring->tail, tail + n, memory_order_release);
	return n;
}

size_t ring_len(const struct ring *ring)
{
	/*
	 * Tail first: what it says was taken had been pushed before, so the head read after it
	 * cannot be behind. Both may move in between, hence the bound.
	 */
	size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
	size_t head = atomic_load_explicit(&ring->head, memory_order_acquire);

	return min_size(head - tail, ring->mask + 1);
}
