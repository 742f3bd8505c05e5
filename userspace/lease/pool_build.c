/* SPDX-License-Identifier: MIT */
/* From the configuration's ranges to blocks, and a new set of blocks in the place of the old. */
#include "lease/pool.h"

#include <errno.h>

static size_t waiting_words(uint32_t n_pools)
{
	return (n_pools + 63) / 64;
}

/* A range without addresses that no host can have; false when none is left. */
static bool usable(const struct addr_range *range, uint32_t *first)
{
	*first = range->first < PAGE_FIRST_ADDR ? PAGE_FIRST_ADDR : range->first;
	return range->last >= *first;
}

static uint32_t page_number(uint32_t addr)
{
	return addr / PAGE_ADDRS;
}

/* Ranges are sorted: two of them share at most one block, where one ends and the next begins. */
static uint32_t count_blocks(const struct config_subnet *subnet)
{
	uint32_t n = 0, first, next_page = 0;

	for (size_t i = 0; i < subnet->n_pools; i++) {
		const struct addr_range *range = &subnet->pools[i];

		if (!usable(range, &first))
			continue;
		if (page_number(first) > next_page)
			next_page = page_number(first);
		if (page_number(range->last) >= next_page)
			n += page_number(range->last) - next_page + 1;
		next_page = page_number(range->last) + 1;
	}
	return n;
}

static void add_members(struct block *block, uint32_t from, uint32_t to)
{
	for (uint32_t offset = from; offset <= to; offset++)
		block->members[offset / 64] |= UINT64_C(1) << (offset % 64);
}

struct builder {
	struct pools *pools;
	pools_page_fn page_of;
	void *ctx;
	uint32_t n_blocks; /* filled so far */
};

/* The pool's part of the page of @p addr: the last block when that is it, else a new one. */
static struct block *block_for(struct builder *b, uint32_t pool, uint32_t addr)
{
	struct block *block = b->n_blocks ? &b->pools->blocks[b->n_blocks - 1] : NULL;
	struct page *page;

	if (block && block->pool == pool && block->page->base == addr - addr % PAGE_ADDRS)
		return block;
	page = b->page_of(b->ctx, addr);
	if (!page)
		return NULL;
	assert(b->n_blocks < b->pools->n_blocks);
	block = &b->pools->blocks[b->n_blocks++];
	block->page = page;
	block->pool = pool;
	return block;
}

static int add_range(struct builder *b, uint32_t pool, const struct addr_range *range)
{
	uint32_t first;

	if (!usable(range, &first))
		return 0;
	for (uint32_t page = page_number(first); page <= page_number(range->last); page++) {
		uint32_t base = page * PAGE_ADDRS;
		struct block *block = block_for(b, pool, base);

		if (!block)
			return -ENOMEM;
		add_members(block, first > base ? first - base : 0,
			    range->last - base < PAGE_ADDRS ? range->last - base : PAGE_ADDRS - 1);
	}
	return 0;
}

static int alloc_arrays(struct pools *pools, struct memory *memory, uint32_t n_pools,
			uint32_t n_blocks)
{
	pools->n_pools = n_pools;
	pools->n_blocks = n_blocks;
	pools->pools = memory_alloc(memory, n_pools * sizeof(*pools->pools));
	pools->blocks = memory_alloc(memory, n_blocks * sizeof(*pools->blocks));
	pools->waiting = memory_alloc(memory, waiting_words(n_pools) * sizeof(*pools->waiting));
	if (pools->pools && pools->blocks && pools->waiting)
		return 0;
	pools_fini(pools, memory);
	return -ENOMEM;
}

static int add_subnet(struct builder *b, uint32_t pool, const struct config_subnet *subnet)
{
	int err = 0;

	for (size_t i = 0; i < subnet->n_pools && !err; i++)
		err = add_range(b, pool, &subnet->pools[i]);
	return err;
}

int pools_build(struct pools *pools, struct memory *memory, const struct config *config,
		const struct config_network *network, pools_page_fn page_of, void *ctx)
{
	struct builder b = {.pools = pools, .page_of = page_of, .ctx = ctx};
	uint32_t n_blocks = 0;
	int err;

	*pools = (struct pools){0};
	if (!network || !network->n_subnets)
		return 0;
	for (size_t i = 0; i < network->n_subnets; i++)
		n_blocks += count_blocks(network->subnets[i]);
	err = alloc_arrays(pools, memory, (uint32_t)network->n_subnets, n_blocks);
	for (uint32_t i = 0; i < pools->n_pools && !err; i++) {
		pools->pools[i].subnet = (uint32_t)(network->subnets[i] - config->subnets);
		err = add_subnet(&b, i, network->subnets[i]);
	}
	if (err)
		pools_fini(pools, memory);
	return err;
}

void pools_fini(struct pools *pools, struct memory *memory)
{
	memory_free(memory, pools->pools, pools->n_pools * sizeof(*pools->pools));
	memory_free(memory, pools->blocks, pools->n_blocks * sizeof(*pools->blocks));
	memory_free(memory, pools->waiting,
		    waiting_words(pools->n_pools) * sizeof(*pools->waiting));
	pools->pools = NULL;
	pools->blocks = NULL;
	pools->waiting = NULL;
	pools->n_pools = pools->n_blocks = 0;
}
