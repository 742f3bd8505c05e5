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
	size_t left;         /* of the limit, bytes */
};

static struct block *block_new(size_t size)
{
	struct block *block = calloc(1, sizeof(*block) + size);

	if (block)
		block->size = size;
	return block;
}

struct arena *arena_new(size_t limit)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena)
		arena->left = min_size(limit, PTRDIFF_MAX - sizeof(struct block) - ALIGNMENT);
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
static struct block *add_large_block(struct arena *arena, size_t size)
{
	struct block *block = block_new(size);

	if (!block)
		return NULL;
	struct block **behind = arena->first ? &arena->first->next : &arena->first;
	block->next = *behind;
	*behind = block;
	return block;
}

static struct block *add_first_block(struct arena *arena)
{
	struct block *block = block_new(BLOCK_SIZE);

	if (!block)
		return NULL;
	block->next = arena->first;
	arena->first = block;
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct block *block = arena->first;

	if (size > arena->left)
		return NULL;
	size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if (size > BLOCK_SIZE / 4)
		block = add_large_block(arena, size);
	else if (!block || block->size - block->used < size)
		block = add_first_block(arena);
	if (!block)
		return NULL;
	void *data = block->data + block->used;
	block->used += size;
	arena->left -= min_size(size, arena->left);
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
