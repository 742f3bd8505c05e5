/* SPDX-License-Identifier: MIT */
/**
 * lease/page.h - from an address to its slot (readers) and to the writer's notes on it.
 *
 * Addresses come in pages of 256 neighbours. A directory of three fixed levels (8 bits each) leads
 * to them; nodes and pages are added with a release store, never moved and never freed while the
 * table lives, so readers need no more than acquire loads. The upper levels of a directory stay in
 * the first-level cache; a leaf costs 8 bytes for 256 leases.
 *
 * The writer's notes are bits, one word for 64 addresses, in a struct of its own: a pool of a
 * million addresses without records costs 1.8 bytes each, and readers' cache lines are left alone.
 */
#ifndef ETCDHCP_LEASE_PAGE_H
#define ETCDHCP_LEASE_PAGE_H

#include "lease/slot.h"

#define PAGE_ADDRS 256u
#define PAGE_WORDS (PAGE_ADDRS / 64)

/** Addresses below are no host's (RFC 1122 section 3.2.1.3); links use those numbers otherwise. */
#define PAGE_FIRST_ADDR UINT32_C(0x01000000)

/** What the writer notes of an address. The first four each keep it from being free. */
enum page_mark {
	MARK_LIVE,     /* it has a record that has not been found over */
	MARK_OFFERED,  /* on offer */
	MARK_BUSY,     /* a transaction is under way or of unknown outcome */
	MARK_RESERVED, /* somebody's reservation */
	MARK_TAKEN_COUNT,
	MARK_RECORD = MARK_TAKEN_COUNT, /* it has a record */
	MARK_INDEXED,                   /* the client index leads its client here */
	MARK_SEEN,                      /* put since the last lease_table_begin_load */
	MARK_COUNT
};

/** Place in the wheel (wheel.h) of an address that has or had a record. */
struct wheel_link {
	uint32_t next; /* address, 0: last */
	uint32_t prev; /* address, or the list's number + 1 at its head; 0: in no list */
	uint32_t due;  /* when its list comes up, in the wheel's seconds */
};

/** All that is noted of 64 addresses, in one cache line: who looks at one of them needs no other. */
struct page_word {
	uint64_t marks[MARK_COUNT];
} __attribute__((aligned(CACHE_LINE)));

static_assert(sizeof(struct page_word) == CACHE_LINE, "64 addresses, one cache line");

/** The writer's side of 256 addresses. */
struct page {
	uint32_t base;                  /* first address */
	uint32_t first_block, n_blocks; /* the pools' parts in it, see pool.h */
	bool own;                       /* preferred by this server among the live ones */
	uint8_t start;                  /* where this server begins to look for free addresses */
	struct page *next;              /* all of the network's */
	struct slot *slots;             /* PAGE_ADDRS of each, NULL until there is a record */
	struct wheel_link *links;
	struct page_word words[PAGE_WORDS];
};

struct directory_leaf {
	_Atomic(struct slot *) slots[256]; /* readers' half */
	struct page *pages[256];           /* writer's half */
};

struct directory_branch {
	_Atomic(struct directory_leaf *) leaves[256];
};

struct directory {
	_Atomic(struct directory_branch *) branches[256];
	struct page *pages; /* all, newest first; writer */
};

/** Frees what is not in arenas; long client identifiers included. No reader left. */
void directory_fini(struct directory *dir, struct memory *memory);

/** The page of @p addr, made when there is none (*made says so). NULL when memory is short. Writer.
 */
struct page *directory_add_page(struct directory *dir, struct memory *memory, uint32_t addr,
				bool *made);
/** Gives the page slots when it has none. 0 or -ENOMEM. Writer. */
int directory_add_slots(struct directory *dir, struct memory *memory, struct page *page);

static inline struct directory_leaf *directory_leaf(const struct directory *dir, uint32_t addr)
{
	const struct directory_branch *branch =
	    atomic_load_explicit(&dir->branches[addr >> 24], memory_order_acquire);

	return branch
		   ? atomic_load_explicit(&branch->leaves[addr >> 16 & 255], memory_order_acquire)
		   : NULL;
}

/** The slot of @p addr, NULL when its page has none. Any thread. */
static inline struct slot *directory_slot(const struct directory *dir, uint32_t addr)
{
	const struct directory_leaf *leaf = directory_leaf(dir, addr);
	struct slot *slots;

	if (unlikely(!leaf))
		return NULL;
	slots = atomic_load_explicit(&leaf->slots[addr >> 8 & 255], memory_order_acquire);
	return likely(slots) ? &slots[addr % PAGE_ADDRS] : NULL;
}

/** The page of @p addr, NULL when there is none. Writer. */
static inline struct page *directory_page(const struct directory *dir, uint32_t addr)
{
	const struct directory_leaf *leaf = directory_leaf(dir, addr);

	return leaf ? leaf->pages[addr >> 8 & 255] : NULL;
}

static inline bool page_marked(const struct page *page, uint32_t addr, enum page_mark mark)
{
	return page->words[addr % PAGE_ADDRS / 64].marks[mark] >> (addr % 64) & 1;
}

static inline void page_set_mark(struct page *page, uint32_t addr, enum page_mark mark, bool on)
{
	uint64_t *word = &page->words[addr % PAGE_ADDRS / 64].marks[mark];
	uint64_t bit = UINT64_C(1) << (addr % 64);

	*word = on ? *word | bit : *word & ~bit;
}

/** Of 64 addresses, those that something keeps from being free. */
static inline uint64_t page_taken(const struct page *page, size_t word)
{
	uint64_t taken = 0;

	for (size_t mark = 0; mark < MARK_TAKEN_COUNT; mark++)
		taken |= page->words[word].marks[mark];
	return taken;
}

/** The record of @p addr as its slot has it (slot.h), all zero without slots. */
static inline void page_read(const struct page *page, uint32_t addr, struct lease *out)
{
	if (page->slots)
		slot_read(&page->slots[addr % PAGE_ADDRS], out);
	else
		*out = (struct lease){0};
	out->addr = addr;
}

#endif
