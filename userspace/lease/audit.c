/* SPDX-License-Identifier: MIT */
/* Counts everything anew and compares with what is kept in step. */
#include "lease/allocator.h"
#include "lease/net.h"

struct audit {
	const struct lease_net *net;
	const struct moment *now;
	struct allocator_audit *out;
	uint64_t due_marked; /* found over, the record still there */
};

static void expect(struct audit *a, bool holds)
{
	a->out->faults += !holds;
}

/* One address of a pool that is not reserved: which of the three kinds it is. */
static void audit_addr(struct audit *a, const struct page *page, uint32_t addr)
{
	bool offered = page_marked(page, addr, MARK_OFFERED);
	bool busy = page_marked(page, addr, MARK_BUSY);
	bool live = page_marked(page, addr, MARK_LIVE);
	struct lease record;
	bool over;

	page_read(page, addr, &record);
	over = lease_is_over(&record, a->now);
	if (offered || busy || (live && !over)) {
		a->out->held++;
	} else if (live) {
		a->out->due++;
		expect(a, wheel_has(&a->net->dir, addr));
	} else {
		a->out->free++;
		a->due_marked += record.state != LEASE_NONE;
	}
}

/* What holds of every address, in a pool or not. */
static void audit_marks(struct audit *a, const struct page *page, uint32_t addr)
{
	const struct offer *offer = offers_at(&a->net->offers, addr);
	bool marked = page_marked(page, addr, MARK_OFFERED);
	struct lease record, found;

	page_read(page, addr, &record);
	expect(a, marked == (offer != NULL));
	expect(a, page_marked(page, addr, MARK_RECORD) == (record.state != LEASE_NONE));
	expect(a, !page_marked(page, addr, MARK_LIVE) || record.state != LEASE_NONE);
	if (record.state != LEASE_NONE)
		expect(a, wheel_has(&a->net->dir, addr));
	if (page_marked(page, addr, MARK_INDEXED))
		expect(a,
		       client_index_find(
			   &a->net->index, &a->net->dir, record.client, record.client_len,
			   lease_client_hash(a->net, record.client, record.client_len), &found) &&
			   found.addr == addr);
}

static void audit_free(struct audit *a, const struct block *block)
{
	uint64_t ripe = 0;

	for (size_t word = 0; word < PAGE_WORDS; word++) {
		ripe |= block->ripe[word];
		expect(a, (block->ripe[word] & block->fresh[word]) == 0);
		expect(a, (block->ripe[word] | block->fresh[word]) ==
			      (block->members[word] & ~page_taken(block->page, word)));
	}
	expect(a, block->queued == (ripe != 0));
}

static void audit_block(struct audit *a, const struct block *block)
{
	audit_free(a, block);
	for (uint32_t offset = 0; offset < PAGE_ADDRS; offset++) {
		uint32_t addr = block->page->base + offset;

		if (!(block->members[offset / 64] >> (offset % 64) & 1))
			continue;
		expect(a, pools_block(&a->net->pools, block->page, addr) == block);
		if (page_marked(block->page, addr, MARK_RESERVED))
			a->out->reserved++;
		else
			audit_addr(a, block->page, addr);
	}
}

/* Every block in a queue is found there once, and the queues hold no other. */
static void audit_queues(struct audit *a)
{
	const struct pools *pools = &a->net->pools;
	uint32_t queued = 0, standing = 0;

	for (uint32_t i = 0; i < pools->n_blocks; i++)
		queued += pools->blocks[i].queued;
	for (uint32_t i = 0; i < pools->n_pools; i++)
		for (size_t lane = 0; lane < POOL_LANE_COUNT; lane++)
			for (uint32_t at = pools->pools[i].queues[lane].first;
			     at && standing <= queued; at = pools->blocks[at - 1].next) {
				const struct block *block = &pools->blocks[at - 1];

				standing++;
				expect(a, block->queued && block->pool == i &&
					      block->lane == lane &&
					      block->page->own == (lane == POOL_OWN));
			}
	expect(a, queued == standing);
}

static void audit_numbers(struct audit *a)
{
	const struct allocator_audit *out = a->out;
	struct pool_numbers n;

	pools_read(&a->net->pools, &n);
	expect(a, n.size == n.standing[POOL_FREE] + n.standing[POOL_DUE] + n.standing[POOL_HELD] +
				n.standing[POOL_RESERVED]);
	expect(a, n.size == out->free + out->held + out->due + out->reserved);
	expect(a, n.standing[POOL_RESERVED] == out->reserved);
	expect(a, n.standing[POOL_DUE] == a->due_marked);
	expect(a, n.standing[POOL_FREE] + n.standing[POOL_DUE] == out->free);
}

void allocator_audit(const struct lease_net *net, const struct moment *now,
		     struct allocator_audit *out)
{
	struct audit a = {.net = net, .now = now, .out = out};
	const struct pools *pools = &net->pools;

	*out = (struct allocator_audit){0};
	for (uint32_t i = 0; i < pools->n_blocks; i++)
		audit_block(&a, &pools->blocks[i]);
	for (const struct page *page = net->dir.pages; page; page = page->next)
		for (uint32_t offset = 0; offset < PAGE_ADDRS; offset++)
			audit_marks(&a, page, page->base + offset);
	audit_queues(&a);
	audit_numbers(&a);
}
