/* SPDX-License-Identifier: MIT */
#include "lease/page.h"

#include <errno.h>

#define SLOTS_SIZE (PAGE_ADDRS * sizeof(struct slot))
#define LINKS_SIZE (PAGE_ADDRS * sizeof(struct wheel_link))

static struct directory_leaf *add_leaf(struct directory *dir, struct memory *memory, uint32_t addr)
{
	_Atomic(struct directory_branch *) *at = &dir->branches[addr >> 24];
	struct directory_branch *branch = atomic_load_explicit(at, memory_order_relaxed);
	struct directory_leaf *leaf;

	if (!branch) {
		branch = memory_alloc(memory, sizeof(*branch));
		if (!branch)
			return NULL;
		atomic_store_explicit(at, branch, memory_order_release);
	}
	leaf = memory_alloc(memory, sizeof(*leaf));
	if (leaf)
		atomic_store_explicit(&branch->leaves[addr >> 16 & 255], leaf,
				      memory_order_release);
	return leaf;
}

struct page *directory_add_page(struct directory *dir, struct memory *memory, uint32_t addr,
				bool *made)
{
	struct directory_leaf *leaf = directory_leaf(dir, addr);
	struct page *page;

	*made = false;
	if (!leaf)
		leaf = add_leaf(dir, memory, addr);
	if (!leaf)
		return NULL;
	page = leaf->pages[addr >> 8 & 255];
	if (page)
		return page;
	page = memory_alloc(memory, sizeof(*page));
	if (!page)
		return NULL;
	page->base = addr & ~(PAGE_ADDRS - 1);
	page->next = dir->pages;
	dir->pages = page;
	leaf->pages[addr >> 8 & 255] = page;
	*made = true;
	return page;
}

int directory_add_slots(struct directory *dir, struct memory *memory, struct page *page)
{
	struct directory_leaf *leaf = directory_leaf(dir, page->base);
	uint8_t *piece;

	if (page->slots)
		return 0;
	piece = memory_carve(memory, SLOTS_SIZE + LINKS_SIZE);
	if (!piece)
		return -ENOMEM;
	page->slots = (struct slot *)(void *)piece;
	page->links = (struct wheel_link *)(void *)(piece + SLOTS_SIZE);
	atomic_store_explicit(&leaf->slots[page->base >> 8 & 255], page->slots,
			      memory_order_release);
	return 0;
}

static void free_long_clients(struct page *page, struct memory *memory)
{
	for (size_t i = 0; page->slots && i < PAGE_ADDRS; i++) {
		struct long_client *long_client;
		struct lease lease;

		slot_read(&page->slots[i], &lease);
		long_client = slot_long_client(&lease);
		if (long_client)
			memory_release(memory, &long_client->retired, sizeof(*long_client));
	}
}

static void free_branch(struct directory_branch *branch, struct memory *memory)
{
	for (size_t i = 0; branch && i < ARRAY_SIZE(branch->leaves); i++)
		memory_free(memory, atomic_load_explicit(&branch->leaves[i], memory_order_relaxed),
			    sizeof(struct directory_leaf));
	memory_free(memory, branch, sizeof(*branch));
}

void directory_fini(struct directory *dir, struct memory *memory)
{
	while (dir->pages) {
		struct page *page = dir->pages;

		dir->pages = page->next;
		free_long_clients(page, memory);
		memory_free(memory, page, sizeof(*page));
	}
	for (size_t i = 0; i < ARRAY_SIZE(dir->branches); i++)
		free_branch(atomic_load_explicit(&dir->branches[i], memory_order_relaxed), memory);
}
