/* SPDX-License-Identifier: MIT */
#include "store/kv_outlet.h"

#include <stdlib.h>

#define FIRST_CAP   64
#define ARENA_BLOCK ((size_t)64 << 10)
/* A list that once grew past this is cut back, so that one burst does not cost memory for ever. */
#define KEEP_CAP ((size_t)16 << 10)

void kv_outlet_init(struct kv_outlet *outlet, struct kv_sink *sink)
{
	*outlet = (struct kv_outlet){.sink = sink};
	kv_line_init(&outlet->spare);
	kv_line_init(&outlet->waiting);
}

static void list_free(struct kv_list *list)
{
	kv_arena_free(list->arena);
	free(list->events.event);
	free(list);
}

void kv_outlet_fini(struct kv_outlet *outlet)
{
	for (struct kv_list *list = outlet->all, *next; list; list = next) {
		next = list->sibling;
		list_free(list);
	}
	outlet->all = NULL;
}

static struct kv_list *list_new(struct kv_outlet *outlet)
{
	struct kv_list *list = calloc(1, sizeof(*list));

	if (!list)
		return NULL;
	list->cap = FIRST_CAP;
	list->events.event = malloc(list->cap * sizeof(*list->events.event));
	list->events.impl = list;
	list->arena = kv_arena_new(ARENA_BLOCK);
	if (!list->events.event || !list->arena) {
		list_free(list);
		return NULL;
	}
	list->sibling = outlet->all;
	outlet->all = list;
	return list;
}

struct kv_list *kv_outlet_take(struct kv_outlet *outlet)
{
	struct kv_node *node = kv_line_take(&outlet->spare);

	return node ? container_of(node, struct kv_list, node) : list_new(outlet);
}

static void list_clear(struct kv_list *list)
{
	list->events.n = 0;
	list->borrows = false;
	kv_arena_reset(list->arena);
	if (list->cap > KEEP_CAP) {
		struct kv_event *less =
		    realloc(list->events.event, KEEP_CAP * sizeof(*list->events.event));
		if (less) {
			list->events.event = less;
			list->cap = KEEP_CAP;
		}
	}
}

void kv_outlet_put_back(struct kv_outlet *outlet, struct kv_list *list)
{
	list_clear(list);
	kv_line_add(&outlet->spare, &list->node);
}

bool kv_outlet_waiting(const struct kv_outlet *outlet)
{
	return outlet->waiting.first;
}

bool kv_outlet_ready(const struct kv_outlet *outlet)
{
	return outlet->n_out < KV_OUTLET_MAX_OUT && !kv_outlet_waiting(outlet);
}

static void hand_out(struct kv_outlet *outlet)
{
	while (outlet->n_out < KV_OUTLET_MAX_OUT && kv_outlet_waiting(outlet)) {
		struct kv_list *list =
		    container_of(kv_line_take(&outlet->waiting), struct kv_list, node);

		outlet->n_out++;
		outlet->sink->events(outlet->sink, &list->events);
	}
}

void kv_outlet_send(struct kv_outlet *outlet, struct kv_list *list)
{
	kv_line_add(&outlet->waiting, &list->node);
	hand_out(outlet);
}

void kv_outlet_return(struct kv_outlet *outlet, struct kv_events *events)
{
	struct kv_list *list = events->impl;

	kv_queue_push(&outlet->returned, &list->node);
}

unsigned kv_outlet_collect(struct kv_outlet *outlet)
{
	struct kv_node *node, *next;
	unsigned borrowed = 0;

	for (node = kv_queue_take(&outlet->returned); node; node = next) {
		struct kv_list *list = container_of(node, struct kv_list, node);
		next = node->next;
		borrowed += list->borrows;
		outlet->n_out--;
		kv_outlet_put_back(outlet, list);
	}
	hand_out(outlet);
	return borrowed;
}

struct kv_event *kv_list_add(struct kv_list *list, enum kv_event_type type, int64_t revision)
{
	struct kv_event *event;

	if (list->events.n == list->cap) {
		struct kv_event *more =
		    realloc(list->events.event, 2 * list->cap * sizeof(*list->events.event));
		if (!more)
			return NULL;
		list->events.event = more;
		list->cap *= 2;
	}
	event = &list->events.event[list->events.n++];
	*event = (struct kv_event){.type = type, .revision = revision};
	return event;
}
