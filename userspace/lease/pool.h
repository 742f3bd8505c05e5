/* SPDX-License-Identifier: MIT */
/**
 * lease/pool.h - the free addresses of a network's pools, in the order in which they are given out.
 *
 * A pool (one per subnet) is cut where pages are: a block is a pool's part of a page. Its free
 * addresses are its members that no mark of the page takes. They are of two kinds: ripe, or fresh,
 * that is, freed while the block was in its pool's queue. pools_mark keeps both in step with the
 * marks, and the block in the queue exactly while it has a ripe address.
 *
 * The block at the head gives its ripe addresses in turn; then its fresh ones ripen, and it goes to
 * the tail. So what was freed last is given last, by and large, and giving looks at one block and
 * at five words.
 *
 * In a pool that is nearly full each address comes from another block. What an offer looks at lies
 * therefore close together: a block's half that is read to give an address, then what is read to
 * take it back or away, and 64 addresses' marks.
 *
 * Each pool has two queues: blocks of this server, and those of its peers, which are used when the
 * former is empty. Writer only, but for the counters.
 */
#ifndef ETCDHCP_LEASE_POOL_H
#define ETCDHCP_LEASE_POOL_H

#include "lease/page.h"

enum pool_lane { POOL_OWN, POOL_PEERS, POOL_LANE_COUNT };

struct block {
	uint64_t ripe[PAGE_WORDS];
	struct page *page;
	uint32_t pool;       /* index into pools.pools */
	uint32_t next, prev; /* in the queue: index into pools.blocks + 1, 0: none */
	uint8_t cursor;      /* where the search for the next address begins */
	uint8_t lane;        /* the queue it is in */
	bool queued;
	uint64_t members[PAGE_WORDS] __attribute__((aligned(CACHE_LINE)));
	uint64_t fresh[PAGE_WORDS];
};

static_assert(sizeof(struct block) == 2 * CACHE_LINE, "what giving reads, and the rest");

struct pool {
	uint32_t subnet; /* index into config.subnets */
	struct {
		uint32_t first, last;
	} queues[POOL_LANE_COUNT];
};

/** What an address of a pool is to the allocator: exactly one of these. */
enum pool_standing {
	POOL_FREE,     /* nothing is known against it */
	POOL_DUE,      /* its record is over and waits to be deleted; it can be offered as well */
	POOL_HELD,     /* by a record, an offer or a transaction */
	POOL_RESERVED, /* somebody's, whatever its record says */
	POOL_STANDING_COUNT
};

/**
 * Kept in step by the writer, read whole by any thread: the first four add up to the size at any
 * moment. A sequence lock as in slot.h.
 */
struct pool_tally {
	_Atomic uint32_t seq;
	counter_t standing[POOL_STANDING_COUNT];
	counter_t size; /* counted when the pools are built, and not touched after that */
	counter_t offered;
};

struct pool_numbers {
	uint64_t standing[POOL_STANDING_COUNT];
	uint64_t size, offered;
};

/** Counters are read by any thread. */
struct pools {
	struct pool *pools; /* by subnet */
	uint32_t n_pools;
	struct block *blocks; /* by pool, then address; those of one page are neighbours */
	uint32_t n_blocks;
	uint64_t *waiting; /* bits: pools with a block in a queue */
	struct pool_tally tally;
	counter_t looked; /* words looked at to find free addresses, since ever */
};

/** The page of an address, made when there is none; NULL when memory is short. */
typedef struct page *(*pools_page_fn)(void *ctx, uint32_t addr);

/**
 * The blocks of @p network's pools; pages come from @p page_of. NULL @p network: none. Nothing
 * stands in a queue yet. 0 or -ENOMEM.
 */
int pools_build(struct pools *pools, struct memory *memory, const struct config *config,
		const struct config_network *network, pools_page_fn page_of, void *ctx);
void pools_fini(struct pools *pools, struct memory *memory);

/** Puts @p next, built before, in the place of @p pools; never fails. Marks keep their meaning. */
void pools_install(struct pools *pools, struct pools *next, struct memory *memory);

/** The block that @p addr belongs to, NULL: in no pool. */
struct block *pools_block(const struct pools *pools, const struct page *page, uint32_t addr);

/** The numbers of one moment. Any thread; it waits for nothing but a few stores of the writer's. */
void pools_read(const struct pools *pools, struct pool_numbers *out);

/** Sets or clears a mark and keeps queues and counters in step with it. */
void pools_mark(struct pools *pools, struct page *page, uint32_t addr, enum page_mark mark,
		bool on);

/** page->own has changed: moves the page's blocks to the other queue. */
void pools_requeue(struct pools *pools, struct page *page);

/**
 * The next free address, in the pool of @p subnet before the others; false when there is none. It
 * stays free until marked; asked again, the next one is named.
 */
bool pools_next(struct pools *pools, uint32_t subnet, struct page **page, uint32_t *addr);

#endif
