/* SPDX-License-Identifier: MIT */
#include "store/kv_arena.h"

#include <stdlib.h>

#define ALIGNMENT   8
#define KEEP_BLOCKS 16

struct block {
	struct block *next;
	size_t size;
	_Alignas(ALIGNMENT) uint8_t data[];
};

struct kv_arena {
	size_t block_size;
	struct block *first;   /* all of them, in the order of their use */
	struct block *current; /* those behind it are empty */
	size_t used;           /* of current */
};

static struct block *block_new(size_t size)
{
	struct block *block;

	if (size > SIZE_MAX - sizeof(*block))
		return NULL;
	block = malloc(sizeof(*block) + size);
	if (!block)
		return NULL;
	block->next = NULL;
	block->size = size;
	return block;
}

static void free_blocks(struct block *block)
{
	for (struct block *next; block; block = next) {
		next = block->next;
		free(block);
	}
}

struct kv_arena *kv_arena_new(size_t block)
{
	struct kv_arena *arena = calloc(1, sizeof(*arena));

	if (!arena)
		return NULL;
	arena->block_size = block;
	arena->first = arena->current = block_new(block);
	if (!arena->first) {
		free(arena);
		return NULL;
	}
	return arena;
}

void kv_arena_free(struct kv_arena *arena)
{
	if (!arena)
		return;
	free_blocks(arena->first);
	free(arena);
}

/* The next kept block if it is large enough, else a new one before it. */
static bool advance(struct kv_arena *arena, size_t len)
{
	struct block *next = arena->current->next;

	if (!next || next->size < len) {
		struct block *fresh = block_new(len > arena->block_size ? len : arena->block_size);
		if (!fresh)
			return false;
		fresh->next = next;
		arena->current->next = fresh;
		next = fresh;
	}
	arena->current = next;
	arena->used = 0;
	return true;
}

void *kv_arena_alloc(struct kv_arena *arena, size_t len)
{
	void *memory;

	if (len > SIZE_MAX - ALIGNMENT)
		return NULL;
	len = (len + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (len > arena->current->size - arena->used && !advance(arena, len))
		return NULL;
	memory = arena->current->data + arena->used;
	arena->used += len;
	return memory;
}

bool kv_arena_copy(struct kv_arena *arena, struct span from, struct span *to)
{
	uint8_t *copy = kv_arena_alloc(arena, from.len);

	if (!copy)
		return false;
	if (from.len)
		memcpy(copy, from.data, from.len);
	*to = (struct span){copy, from.len};
	return true;
}

void kv_arena_reset(struct kv_arena *arena)
{
	struct block **at = &arena->first->next;
	size_t kept = 1;

	while (*at) {
		struct block *block = *at;
		if (block->size == arena->block_size && kept < KEEP_BLOCKS) {
			kept++;
			at = &block->next;
		} else {
			*at = block->next;
			free(block);
		}
	}
	arena->current = arena->first;
	arena->used = 0;
}
