/* SPDX-License-Identifier: MIT */
#include "config/arena.h"

#include <stdlib.h>

#define BLOCK_SIZE ((size_t)64 << 10)
#define ALIGNMENT  _Alignof(max_align_t)

struct block {
	struct block *next;
	size_t used, size;
	_Alignas(max_align_t) uint8_t data[];
};

struct arena {
	struct block *first; /* the one being filled; older ones behind it */
	size_t left;         /* of the limit, for blocks not yet made */
};

static struct block *block_new(struct arena *arena, size_t size)
{
	if (size > arena->left)
		return NULL;
	struct block *block = calloc(1, sizeof(*block) + size);

	if (block) {
		block->size = size;
		arena->left -= size;
	}
	return block;
}

struct arena *arena_new(size_t limit)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena)
		arena->left = min_size(limit, PTRDIFF_MAX - sizeof(struct block));
	return arena;
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	for (struct block *block = arena->first, *next; block; block = next) {
		next = block->next;
		free(block);
	}
	free(arena);
}

/* A large object gets a block of its own behind the first, which keeps being filled. */
static void *alloc_alone(struct arena *arena, size_t size)
{
	struct block *block = block_new(arena, size);

	if (!block)
		return NULL;
	block->used = size;
	if (arena->first) {
		block->next = arena->first->next;
		arena->first->next = block;
	} else {
		arena->first = block;
	}
	return block->data;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	if (size > BLOCK_SIZE / 4)
		return alloc_alone(arena, size);
	size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	struct block *block = arena->first;

	if (!block || block->size - block->used < size) {
		block = block_new(arena, BLOCK_SIZE);
		if (!block)
			return NULL;
		block->next = arena->first;
		arena->first = block;
	}
	void *data = block->data + block->used;
	block->used += size;
	return data;
}

void *arena_array(struct arena *arena, size_t n, size_t size)
{
	size_t total;

	return __builtin_mul_overflow(n, size, &total) ? NULL : arena_alloc(arena, total);
}

void *arena_copy(struct arena *arena, const void *data, size_t size)
{
	void *copy = arena_alloc(arena, size);

	if (copy && size)
		memcpy(copy, data, size);
	return copy;
}

char *arena_text(struct arena *arena, const char *text, size_t len)
{
	char *copy = len == SIZE_MAX ? NULL : arena_alloc(arena, len + 1);

	if (copy && len)
		memcpy(copy, text, len);
	return copy;
}
