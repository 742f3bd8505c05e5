/* SPDX-License-Identifier: MIT */
#include "perf/wheel.h"

#include <stdlib.h>

#include "perf/area.h"

#define SLOTS         (UINT32_C(1) << WHEEL_SLOT_BITS)
#define BLOCK_ENTRIES 15
#define NO_BLOCK      0

/* A block lies in one cache line; block 0 is not used. Only a slot's first one is partly filled. */
struct block {
	uint32_t next;
	uint32_t index[BLOCK_ENTRIES];
};

struct wheel {
	struct block *blocks;
	uint32_t n_blocks;
	uint32_t fresh;  /* blocks from here on have never been used */
	uint32_t unused; /* list of those that are free again */
	uint32_t now;    /* everything before this tick has come out */
	uint32_t first[SLOTS];
	uint8_t fill[SLOTS]; /* of each slot's first block */
};

struct wheel *wheel_new(uint32_t clients)
{
	struct wheel *wheel = calloc(1, sizeof(*wheel));

	if (!wheel)
		return NULL;
	/* Backoff may leave a few entries behind that a client no longer has. Pages are used only
	 * as they are needed. */
	wheel->n_blocks = clients / BLOCK_ENTRIES * 4 + SLOTS;
	wheel->blocks = area_map((size_t)wheel->n_blocks * sizeof(*wheel->blocks));
	if (!wheel->blocks) {
		free(wheel);
		return NULL;
	}
	wheel->fresh = NO_BLOCK + 1;
	return wheel;
}

void wheel_free(struct wheel *wheel)
{
	if (!wheel)
		return;
	area_unmap(wheel->blocks, (size_t)wheel->n_blocks * sizeof(*wheel->blocks));
	free(wheel);
}

size_t wheel_bytes(const struct wheel *wheel)
{
	return (size_t)wheel->fresh * sizeof(*wheel->blocks);
}

static uint32_t get_block(struct wheel *wheel)
{
	uint32_t block = wheel->unused;

	if (block != NO_BLOCK)
		wheel->unused = wheel->blocks[block].next;
	else if (wheel->fresh < wheel->n_blocks)
		block = wheel->fresh++;
	return block;
}

static void put_block(struct wheel *wheel, uint32_t block)
{
	wheel->blocks[block].next = wheel->unused;
	wheel->unused = block;
}

uint32_t wheel_add(struct wheel *wheel, uint32_t index, uint32_t tick)
{
	uint32_t slot, block;

	if (tick < wheel->now || tick == 0)
		tick = wheel->now ? wheel->now : 1;
	if (tick - wheel->now > WHEEL_HORIZON)
		tick = wheel->now + WHEEL_HORIZON;
	slot = tick & (SLOTS - 1);
	block = wheel->first[slot];
	if (block == NO_BLOCK || wheel->fill[slot] == BLOCK_ENTRIES) {
		uint32_t more = get_block(wheel);

		if (more == NO_BLOCK)
			return 0;
		wheel->blocks[more].next = block;
		wheel->first[slot] = block = more;
		wheel->fill[slot] = 0;
	}
	wheel->blocks[block].index[wheel->fill[slot]++] = index;
	return tick;
}

/* Moves on to the next slot with entries; false when @p now has been passed. */
static bool advance(struct wheel *wheel, uint32_t now)
{
	while (wheel->now <= now && wheel->first[wheel->now & (SLOTS - 1)] == NO_BLOCK)
		wheel->now++;
	return wheel->now <= now;
}

size_t wheel_take(struct wheel *wheel, uint32_t now, uint32_t *tick, uint32_t *indexes, size_t max)
{
	uint32_t slot;
	size_t n = 0;

	if (!advance(wheel, now))
		return 0;
	*tick = wheel->now;
	slot = wheel->now & (SLOTS - 1);
	while (n < max && wheel->first[slot] != NO_BLOCK) {
		uint32_t block = wheel->first[slot];

		indexes[n++] = wheel->blocks[block].index[--wheel->fill[slot]];
		if (wheel->fill[slot] > 0)
			continue;
		wheel->first[slot] = wheel->blocks[block].next;
		wheel->fill[slot] = BLOCK_ENTRIES;
		put_block(wheel, block);
	}
	return n;
}
