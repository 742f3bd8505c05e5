/* SPDX-License-Identifier: MIT */
/**
 * dhcp/reply_memo.h - blocks of parameters as they were written before.
 *
 * Clients of one make ask for the same parameters in the same order, so the options that answer
 * option 55 stand in few different blocks: of each option set one for each list. A memo keeps some,
 * by what the set holds and not by where it lies: a reload may free a set and put another in its
 * place. A block that is not there is written option by option and takes its place in the memo.
 *
 * One thread's own. Zeroed memory is an empty memo.
 */
#ifndef ETCDHCP_DHCP_REPLY_MEMO_H
#define ETCDHCP_DHCP_REPLY_MEMO_H

#include "dhcp/option_set.h"

#define REPLY_MEMO_ENTRIES 64 /* a power of two */
#define REPLY_MEMO_CHUNK   32 /* what is copied at once: so much room there must be behind a block */
#define REPLY_MEMO_ASKED   (1 * REPLY_MEMO_CHUNK)
#define REPLY_MEMO_BLOCK   (6 * REPLY_MEMO_CHUNK)

struct reply_memo_entry {
	uint64_t digest; /* of the option set */
	uint32_t mask;   /* of the subnet, host order */
	uint16_t n_asked, size;
	uint8_t asked[REPLY_MEMO_ASKED];
	uint8_t block[REPLY_MEMO_BLOCK];
};

struct reply_memo {
	struct reply_memo_entry entries[REPLY_MEMO_ENTRIES];
};

/** Where a block is or would be; NULL for a list that is not kept: too short or too long. */
static inline struct reply_memo_entry *reply_memo_at(struct reply_memo *memo,
						     const struct option_set *set, uint32_t mask,
						     struct span asked)
{
	uint64_t first;

	if (asked.len < sizeof(first) || asked.len > REPLY_MEMO_ASKED)
		return NULL;
	memcpy(&first, asked.data, sizeof(first));
	first = (first ^ set->digest ^ mask ^ asked.len) * UINT64_C(0x9e3779b97f4a7c15); /* Fibonacci */
	return &memo->entries[first >> 58];
}

static inline bool reply_memo_has(const struct reply_memo_entry *entry,
				  const struct option_set *set, uint32_t mask, struct span asked)
{
	return entry->digest == set->digest && entry->mask == mask &&
	       entry->n_asked == asked.len && memcmp(entry->asked, asked.data, asked.len) == 0;
}

/** Copies the block, and up to a chunk less one byte more; returns what follows it. */
static inline uint8_t *reply_memo_copy(const struct reply_memo_entry *entry, uint8_t *at)
{
	for (size_t done = 0; done < entry->size; done += REPLY_MEMO_CHUNK)
		memcpy(at + done, entry->block + done, REPLY_MEMO_CHUNK);
	return at + entry->size;
}

/** Takes the place of what was there, unless the block is too long. */
static inline void reply_memo_keep(struct reply_memo_entry *entry, const struct option_set *set,
				   uint32_t mask, struct span asked, struct span block)
{
	if (block.len > REPLY_MEMO_BLOCK)
		return;
	entry->digest = set->digest;
	entry->mask = mask;
	entry->n_asked = (uint16_t)asked.len;
	entry->size = (uint16_t)block.len;
	memcpy(entry->asked, asked.data, asked.len);
	memcpy(entry->block, block.data, block.len);
}

static_assert(REPLY_MEMO_ENTRIES == 1u << (64 - 58), "the bits of the hash that are used");

#endif
