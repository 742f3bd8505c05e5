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

/* ---- numbers ---- */

static void begin_tally(struct pool_tally *tally)
{
	uint32_t seq = atomic_load_explicit(&tally->seq, memory_order_relaxed);

	atomic_store_explicit(&tally->seq, seq + 1, memory_order_relaxed);
}

static void end_tally(struct pool_tally *tally)
{
	uint32_t seq = atomic_load_explicit(&tally->seq, memory_order_relaxed);

	atomic_store_explicit(&tally->seq, seq + 1, memory_order_release);
}

/* Between begin and end: whoever sees the new number sees the odd sequence, too. */
static void tally_add(counter_t *number, uint64_t n)
{
	atomic_store_explicit(number, counter_read(number) + n, memory_order_release);
}

/* One look, consistent only if the sequence, which is returned, is even and stays. */
static uint32_t load_tally(const struct pool_tally *tally, struct pool_numbers *out)
{
	uint32_t seq = atomic_load_explicit(&tally->seq, memory_order_acquire);

	for (size_t i = 0; i < POOL_STANDING_COUNT; i++)
		out->standing[i] = atomic_load_explicit(&tally->standing[i], memory_order_acquire);
	out->size = atomic_load_explicit(&tally->size, memory_order_acquire);
	out->offered = atomic_load_explicit(&tally->offered, memory_order_acquire);
	return seq;
}

void pools_read(const struct pools *pools, struct pool_numbers *out)
{
	const struct pool_tally *tally = &pools->tally;

	for (;;) {
		uint32_t seq = load_tally(tally, out);

		if (!(seq & 1) &&
		    seq == atomic_load_explicit(&tally->seq, memory_order_relaxed))
			return;
		caa_cpu_relax();
	}
}

/* ---- marks ---- */

/* Reserved, else held, else due by the record that is left, else free. */
static enum pool_standing standing_of(const struct page *page, uint32_t addr)
{
	const struct page_word *word = &page->words[addr % PAGE_ADDRS / 64];
	uint64_t bit = UINT64_C(1) << (addr % 64);

	if (word->marks[MARK_RESERVED] & bit)
		return POOL_RESERVED;
	if (page_taken(page, addr % PAGE_ADDRS / 64) & bit)
		return POOL_HELD;
	return word->marks[MARK_RECORD] & bit ? POOL_DUE : POOL_FREE;
}

static bool can_be_offered(enum pool_standing standing)
{
	return standing == POOL_FREE || standing == POOL_DUE;
}

static bool is_offered(const struct page *page, uint32_t addr)
{
	return page_marked(page, addr, MARK_OFFERED) && !page_marked(page, addr, MARK_RESERVED);
}

void pools_mark(struct pools *pools, struct page *page, uint32_t addr, enum page_mark mark, bool on)
{
	struct pool_tally *tally = &pools->tally;
	enum pool_standing before, after;
	struct block *block;
	bool offered;

	if (page_marked(page, addr, mark) == on)
		return;
	before = standing_of(page, addr);
	offered = is_offered(page, addr);
	page_set_mark(page, addr, mark, on);
	after = standing_of(page, addr);
	block = pools_block(pools, page, addr);
	if (!block)
		return;
	begin_tally(tally);
	tally_add(&tally->standing[before], UINT64_MAX); /* minus one */
	tally_add(&tally->standing[after], 1);
	tally_add(&tally->offered, (uint64_t)is_offered(page, addr) - offered);
	end_tally(tally);
	if (can_be_offered(before) == can_be_offered(after))
		return;
	if (can_be_offered(after))
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

static void count_block(struct pool_tally *tally, const struct block *block)
{
	for (size_t word = 0; word < PAGE_WORDS; word++) {
		const uint64_t *marks = block->page->words[word].marks;
		uint64_t members = block->members[word];
		uint64_t counted = members & ~marks[MARK_RESERVED];
		uint64_t free = block->ripe[word] | block->fresh[word];

		tally_add(&tally->size, popcount(members));
		tally_add(&tally->standing[POOL_RESERVED], popcount(members & ~counted));
		tally_add(&tally->standing[POOL_HELD], popcount(counted & ~free));
		tally_add(&tally->standing[POOL_DUE], popcount(free & marks[MARK_RECORD]));
		tally_add(&tally->standing[POOL_FREE], popcount(free & ~marks[MARK_RECORD]));
		tally_add(&tally->offered, popcount(counted & marks[MARK_OFFERED]));
	}
}

static void count_blocks(struct pools *pools)
{
	struct pool_tally *tally = &pools->tally;

	begin_tally(tally);
	for (size_t i = 0; i < POOL_STANDING_COUNT; i++)
		tally_add(&tally->standing[i], -counter_read(&tally->standing[i]));
	tally_add(&tally->size, -counter_read(&tally->size));
	tally_add(&tally->offered, -counter_read(&tally->offered));
	for (uint32_t i = 0; i < pools->n_blocks; i++)
		count_block(tally, &pools->blocks[i]);
	end_tally(tally);
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
	for (uint32_t i = 0; i < pools->n_blocks; i += pools->blocks[i].page->n_blocks)
		attach(pools, i);
	for (uint32_t i = 0; i < pools->n_blocks; i++) {
		struct block *block = &pools->blocks[i];

		block->cursor = block->page->start;
		if (any(block->ripe))
			enqueue(pools, block);
	}
	count_blocks(pools);
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
