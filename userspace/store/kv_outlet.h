/* SPDX-License-Identifier: MIT */
/**
 * store/kv_outlet.h - lists of events on their way from a backend to the owner and back.
 *
 * At most two lists are with the owner; what is sent beyond waits here, in its order. A backend
 * that makes no more while lists wait is held back by a slow owner instead of filling memory.
 * Lists are used again, with their arrays and arenas.
 *
 * Threads: the backend's own, except kv_outlet_return.
 */
#ifndef ETCDHCP_STORE_KV_OUTLET_H
#define ETCDHCP_STORE_KV_OUTLET_H

#include "store/kv_arena.h"
#include "store/kv_queue.h"

#define KV_OUTLET_MAX_OUT 2

struct kv_list {
	struct kv_events events; /* first: all that the owner sees */
	struct kv_node node;     /* in the queue of returned, the line of spare or of waiting ones */
	struct kv_list *sibling; /* every list of the outlet */
	size_t cap;
	struct kv_arena *arena; /* for keys and values that live nowhere else */
	bool borrows;           /* the backend's: events point at memory it must keep until then */
};

struct kv_outlet {
	struct kv_sink *sink;
	struct kv_list *all;
	struct kv_line spare, waiting;
	struct kv_queue returned;
	unsigned n_out;
};

void kv_outlet_init(struct kv_outlet *outlet, struct kv_sink *sink);
/** Frees every list, also those the owner still has. */
void kv_outlet_fini(struct kv_outlet *outlet);

/** An empty list to fill; NULL when memory is short. */
struct kv_list *kv_outlet_take(struct kv_outlet *outlet);
/** Unused after all. */
void kv_outlet_put_back(struct kv_outlet *outlet, struct kv_list *list);
/** Whether a list sent now would not wait. */
bool kv_outlet_ready(const struct kv_outlet *outlet);
/** Whether lists wait for the owner to return others. */
bool kv_outlet_waiting(const struct kv_outlet *outlet);
/** Hands a list to the owner, as soon as it has few enough and those sent before are with it. */
void kv_outlet_send(struct kv_outlet *outlet, struct kv_list *list);
/** Any thread: the owner is done with it. The caller wakes the backend's thread. */
void kv_outlet_return(struct kv_outlet *outlet, struct kv_events *events);
/** Takes back what was returned, and hands out what waited for that. How many of those lists borrowed. */
unsigned kv_outlet_collect(struct kv_outlet *outlet);

/** The next event, zeroed but for its type; NULL when memory is short. */
struct kv_event *kv_list_add(struct kv_list *list, enum kv_event_type type, int64_t revision);

#endif
