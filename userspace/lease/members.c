/* SPDX-License-Identifier: MIT */
/* Which live server prefers which page: rendezvous hashing, the same on every server. */
#include "lease/net.h"

#include <errno.h>

#include "base/hash.h"
#include "lease/allocator.h"

/* The finaliser of splitmix64: all bits of the argument move all bits of the result. */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* The highest score has the page; should two be equal, the higher hash. */
void net_prefer_page(const struct lease_net *net, struct page *page)
{
	const struct members *members = &net->table->members;
	uint64_t key = mix(net->name_hash + page->base / PAGE_ADDRS);
	uint64_t own = mix(key ^ members->self);

	page->own = true;
	for (size_t i = 0; i < members->n && page->own; i++) {
		uint64_t score = mix(key ^ members->hashes[i]);

		page->own = own != score ? own > score : members->self > members->hashes[i];
	}
	/* Servers that help themselves to another's page should not begin at the same place. */
	page->start = page->own ? 0 : (uint8_t)own;
}

static void prefer_pages(struct lease_net *net)
{
	for (struct page *page = net->dir.pages; page; page = page->next) {
		bool own = page->own;

		net_prefer_page(net, page);
		if (page->own != own)
			pools_requeue(&net->pools, page);
	}
}

int allocator_set_members(struct lease_table *table, const char *const *ids, size_t n,
			  const char *self)
{
	struct members *members = &table->members;
	uint64_t *hashes = memory_alloc(&table->memory, n * sizeof(*hashes));
	uint64_t self_hash = self ? hash_bytes(self, strlen(self), 0) : 0;
	size_t others = 0;

	if (!hashes)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		uint64_t hash = hash_bytes(ids[i], strlen(ids[i]), 0);

		if (hash != self_hash)
			hashes[others++] = hash;
	}
	memory_free(&table->memory, members->hashes, members->size);
	*members = (struct members){
	    .hashes = hashes, .size = n * sizeof(*hashes), .n = others, .self = self_hash};
	for (size_t i = 0; i < table->n_nets; i++)
		prefer_pages(table->nets[i]);
	return 0;
}
