/* SPDX-License-Identifier: MIT */
/* Which live server prefers which page: rendezvous hashing, the same on every server. */
#include "lease/net.h"

#include <errno.h>

#include "base/hash.h"
#include "lease/allocator.h"

void net_prefer_page(const struct lease_net *net, struct page *page)
{
	const struct members *members = &net->table->members;
	uint64_t key = hash_mix(net->name_hash + page->base / PAGE_ADDRS);

	page->own = hash_prefers(key, members->self, members->hashes, members->n);
	/* Servers that help themselves to another's page should not begin at the same place. */
	page->start = page->own ? 0 : (uint8_t)hash_mix(key ^ members->self);
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
	uint64_t self_hash = self ? hash_server(self, strlen(self)) : 0;
	size_t others = 0;

	if (!hashes)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		uint64_t hash = hash_server(ids[i], strlen(ids[i]));

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
