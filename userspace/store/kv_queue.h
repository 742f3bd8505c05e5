/* SPDX-License-Identifier: MIT */
/**
 * store/kv_queue.h - an unbounded lock-free queue of nodes embedded in what is queued.
 *
 * Pushing is one compare-and-swap and never fails; any thread may. The one consumer takes all
 * there is with a single exchange and walks it at leisure. The push releases what the producer
 * wrote before, the take acquires it.
 */
#ifndef ETCDHCP_STORE_KV_QUEUE_H
#define ETCDHCP_STORE_KV_QUEUE_H

#include <stdatomic.h>

#include "store/kv.h"

struct kv_queue {
	_Atomic(struct kv_node *) newest;
};

/** Any thread. */
static inline void kv_queue_push(struct kv_queue *queue, struct kv_node *node)
{
	struct kv_node *newest = atomic_load_explicit(&queue->newest, memory_order_relaxed);

	do {
		node->next = newest;
	} while (!atomic_compare_exchange_weak_explicit(
	    &queue->newest, &newest, node, memory_order_release, memory_order_relaxed));
}

/** Any thread; a snapshot. */
static inline bool kv_queue_empty(const struct kv_queue *queue)
{
	return !atomic_load_explicit(&queue->newest, memory_order_relaxed);
}

/** Consumer only. All nodes in the order they were pushed, linked by next; NULL when empty. */
static inline struct kv_node *kv_queue_take(struct kv_queue *queue)
{
	struct kv_node *node, *next, *oldest = NULL;

	node = atomic_exchange_explicit(&queue->newest, NULL, memory_order_acquire);
	for (; node; node = next) {
		next = node->next;
		node->next = oldest;
		oldest = node;
	}
	return oldest;
}

/** A first-in first-out line within one thread. */
struct kv_line {
	struct kv_node *first, **end;
};

static inline void kv_line_init(struct kv_line *line)
{
	line->first = NULL;
	line->end = &line->first;
}

static inline void kv_line_add(struct kv_line *line, struct kv_node *node)
{
	node->next = NULL;
	*line->end = node;
	line->end = &node->next;
}

/** A whole chain of nodes, as kv_queue_take returns it. */
static inline void kv_line_add_all(struct kv_line *line, struct kv_node *node)
{
	*line->end = node;
	while (*line->end)
		line->end = &(*line->end)->next;
}

static inline struct kv_node *kv_line_take(struct kv_line *line)
{
	struct kv_node *node = line->first;

	if (node) {
		line->first = node->next;
		if (!line->first)
			line->end = &line->first;
	}
	return node;
}

#endif
