/* SPDX-License-Identifier: MIT */
#include "lease/pool.h"

/* ---- queues ---- */

static struct block *block_at(const struct pools *pools, uint32_t number)
{
	return number ? &pools->blocks[number - 1] : NULL;
}

static uint32_t number_of(const struct pools *pools, const struct block *block)
{
	return (uint32_t)(block - pools->blocks) + 1;
}

static void set_waiting(struct pools *pools, uint32_t i)
{
	const struct pool *pool = &pools->pools[i];
	uint64_t bit = UINT64_C(1) << (i % 64);

	if (pool->queues[POOL_OWN].first || pool->queues[POOL_PEERS].first)
		pools->waiting[i / 64] |= bit;
	else
		pools->waiting[i / 64] &= ~bit;
}

static void enqueue(struct pools *pools, struct block *block)
{
	struct pool *pool = &pools->pools[block->pool];
	uint32_t number = number_of(pools, block);

	block->lane = block->page->own ? POOL_OWN : POOL_PEERS;
	block->queued = true;
	block->next = 0;
	block->prev = pool->queues[block->lane].last;
	if (block->prev)
		block_at(pools, block->prev)->next = number;
	else
		pool->queues[block->lane].first = number;
	pool->queues[block->lane].last = number;
	set_waiting(pools, block->pool);
}

static void dequeue(struct pools *pools, struct block *block)
{
	struct pool *pool = &pools->pools[block->pool];

	if (block->prev)
		block_at(pools, block->prev)->next = block->next;
	else
		pool->queues[block->lane].first = block->next;
	if (block->next)
		block_at(pools, block->next)->prev = block->prev;
	else
		pool->queues[block->lane].last = block->prev;
	block->queued = false;
	set_waiting(pools, block->pool);
}

/* ---- what is free ---- */

static bool any(const uint64_t words[PAGE_WORDS])
{
	for (size_t word = 0; word < PAGE_WORDS; word++)
		if (words[word])
			return true;
	return false;
}

static void ripen(struct block *block)
{
	if (!any(block->fresh))
		return;
	memcpy(block->ripe, block->fresh, sizeof(block->ripe));
	memset(block->fresh, 0, sizeof(block->fresh));
}

/* A block without ripe addresses goes to the tail with its fresh ones, or leaves the queue. */
static void take(struct pools *pools, struct block *block, uint32_t addr)
{
	size_t word = addr % PAGE_ADDRS / 64;
	uint64_t bit = UINT64_C(1) << (addr % 64);

	if (block->fresh[word] & bit) {
		block->fresh[word] ^= bit;
		return;
	}
	block->ripe[word] ^= bit;
	if (any(block->ripe))
		return;
	dequeue(pools, block);
	ripen(block);
	if (any(block->ripe))
		enqueue(pools, block);
}

static void give_back(struct pools *pools, struct block *block, uint32_t addr)
{
	size_t word = addr % PAGE_ADDRS / 64;
	uint64_t bit = UINT64_C(1) << (addr % 64);

	if (block->queued) {
		block->fresh[word] |= bit;
		return;
	}
	block->ripe[word] |= bit;
	enqueue(pools, block);
}

struct block *pools_block(const struct pools *pools, const struct page *page, uint32_t addr)
{
	for (uint32_t i = 0; i < page->n_blocks; i++) {
		struct block *block = &pools->blocks[page->first_block + i];

		if (block->members[addr % PAGE_ADDRS / 64] >> (addr % 64) & 1)
			return block;
	}
	return NULL;
}

/* ---- marks ---- */

/* Of one address, each 0 or 1. */
struct standing {
	uint64_t counted, free, offered;
};

static struct standing standing_of(const struct page *page, uint32_t addr)
{
	const struct page_word *word = &page->words[addr % PAGE_ADDRS / 64];
	uint64_t reserved = word->marks[MARK_RESERVED], offered = word->marks[MARK_OFFERED];
	uint64_t taken = page_taken(page, addr % PAGE_ADDRS / 64);

	return (struct standing){
	    .counted = ~reserved >> (addr % 64) & 1,
	    .offered = (offered & ~reserved) >> (addr % 64) & 1,
	    .free = ~taken >> (addr % 64) & 1,
	};
}

static void count(counter_t *counter, uint64_t before, uint64_t after)
{
	counter_add(counter, after - before);
}

void pools_mark(struct pools *pools, struct page *page, uint32_t addr, enum page_mark mark, bool on)
{
	struct standing before, after;
	struct block *block;

	if (page_marked(page, addr, mark) == on)
		return;
	before = standing_of(page, addr);
	page_set_mark(page, addr, mark, on);
	block = pools_block(pools, page, addr);
	if (!block)
		return;
	after = standing_of(page, addr);
	count(&pools->size, before.counted, after.counted);
	count(&pools->offered, before.offered, after.offered);
	count(&pools->free, before.free, after.free);
	if (before.free == after.free)
		return;
	if (after.free)
		give_back(pools, block, addr);
	else
		take(pools, block, addr);
}

void pools_requeue(struct pools *pools, struct page *page)
{
	for (uint32_t i = 0; i < page->n_blocks; i++) {
		struct block *block = &pools->blocks[page->first_block + i];

		if (block->queued) {
			dequeue(pools, block);
			enqueue(pools, block);
		}
		block->cursor = page->start;
	}
}

/* ---- a new set of blocks ---- */

static uint64_t popcount(uint64_t word)
{
	return (uint64_t)__builtin_popcountll(word);
}

/* Leads the page to its blocks; the first of them is number @p i. */
static void attach(struct pools *pools, uint32_t i)
{
	struct page *page = pools->blocks[i].page;

	page->first_block = i;
	page->n_blocks = 1;
	while (i + page->n_blocks < pools->n_blocks &&
	       pools->blocks[i + page->n_blocks].page == page)
		page->n_blocks++;
}

static void count_block(struct pools *pools, const struct block *block)
{
	for (size_t word = 0; word < PAGE_WORDS; word++) {
		const uint64_t *marks = block->page->words[word].marks;
		uint64_t counted = block->members[word] & ~marks[MARK_RESERVED];

		counter_add(&pools->size, popcount(counted));
		counter_add(&pools->free, popcount(block->ripe[word] | block->fresh[word]));
		counter_add(&pools->offered, popcount(counted & marks[MARK_OFFERED]));
	}
}

/* What is free of a new block; what is fresh in the page's @p old blocks stays so. */
static void fill(struct block *block, const struct block *old)
{
	const struct page *page = block->page;

	for (size_t word = 0; word < PAGE_WORDS; word++) {
		uint64_t free = block->members[word] & ~page_taken(page, word), fresh = 0;

		for (uint32_t i = 0; i < page->n_blocks; i++)
			fresh |= old[page->first_block + i].fresh[word];
		block->ripe[word] = free & ~fresh;
		block->fresh[word] = free & fresh;
	}
	if (!any(block->ripe))
		ripen(block);
}

void pools_install(struct pools *pools, struct pools *next, struct memory *memory)
{
	struct pools old = {.pools = pools->pools,
			    .n_pools = pools->n_pools,
			    .blocks = pools->blocks,
			    .n_blocks = pools->n_blocks,
			    .waiting = pools->waiting};

	for (uint32_t i = 0; i < next->n_blocks; i++)
		fill(&next->blocks[i], old.blocks);
	for (uint32_t i = 0; i < old.n_blocks; i++)
		old.blocks[i].page->n_blocks = 0;
	pools->pools = next->pools;
	pools->n_pools = next->n_pools;
	pools->blocks = next->blocks;
	pools->n_blocks = next->n_blocks;
	pools->waiting = next->waiting;
	counter_set(&pools->size, 0);
	counter_set(&pools->free, 0);
	counter_set(&pools->offered, 0);
	for (uint32_t i = 0; i < pools->n_blocks; i += pools->blocks[i].page->n_blocks)
		attach(pools, i);
	for (uint32_t i = 0; i < pools->n_blocks; i++) {
		struct block *block = &pools->blocks[i];

		block->cursor = block->page->start;
		count_block(pools, block);
		if (any(block->ripe))
			enqueue(pools, block);
	}
	pools_fini(&old, memory);
}

/* ---- the next free address ---- */

/* Words from the cursor's on, round to the part of its word that was left out. */
static bool find_ripe(struct pools *pools, const struct block *block, uint32_t *offset)
{
	size_t first = block->cursor / 64;
	uint64_t from = UINT64_MAX << (block->cursor % 64);

	for (size_t i = 0; i <= PAGE_WORDS; i++) {
		size_t word = (first + i) % PAGE_WORDS;
		uint64_t ripe = block->ripe[word];

		counter_add(&pools->looked, 1);
		if (i == 0)
			ripe &= from;
		if (ripe) {
			*offset = (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(ripe);
			return true;
		}
	}
	return false;
}

static uint32_t head_of(const struct pool *pool)
{
	return pool->queues[POOL_OWN].first ? pool->queues[POOL_OWN].first
					    : pool->queues[POOL_PEERS].first;
}

/* A block in a queue has a ripe address. */
static bool next_in_pool(struct pools *pools, const struct pool *pool, struct page **page,
			 uint32_t *addr)
{
	struct block *block = block_at(pools, head_of(pool));
	uint32_t offset;

	if (!block || !find_ripe(pools, block, &offset))
		return false;
	block->cursor = (uint8_t)(offset + 1);
	*page = block->page;
	*addr = block->page->base + offset;
	return true;
}

static const struct pool *pool_of_subnet(const struct pools *pools, uint32_t subnet)
{
	uint32_t low = 0, high = pools->n_pools;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (pools->pools[middle].subnet == subnet)
			return &pools->pools[middle];
		if (pools->pools[middle].subnet < subnet)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

bool pools_next(struct pools *pools, uint32_t subnet, struct page **page, uint32_t *addr)
{
	const struct pool *pool = pool_of_subnet(pools, subnet);

	if (pool && next_in_pool(pools, pool, page, addr))
		return true;
	for (uint32_t word = 0; word * 64 < pools->n_pools; word++) {
		uint64_t waiting = pools->waiting[word];

		counter_add(&pools->looked, 1);
		if (waiting) {
			pool = &pools->pools[word * 64 + (uint32_t)__builtin_ctzll(waiting)];
			return next_in_pool(pools, pool, page, addr);
		}
	}
	return false;
}
