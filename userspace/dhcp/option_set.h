/* SPDX-License-Identifier: MIT */
/**
 * dhcp/option_set.h - an immutable set of encoded options, ready to be copied into replies.
 *
 * Built when configuration is loaded, one per scope, inner scopes already merged over outer
 * ones; looked up by code in O(1) on the packet path. Each entry holds the option as it stands
 * in a message, so that sending it is one copy.
 */
#ifndef ETCDHCP_DHCP_OPTION_SET_H
#define ETCDHCP_DHCP_OPTION_SET_H

#include "base/types.h"

struct option_entry {
	uint16_t wire_size; /* with code and length, RFC 3396 pieces counted; 0: must not be sent */
	uint16_t len;       /* of data */
	uint8_t rank;       /* 0 .. OPTION_RANKS - 1, different for each entry of a set */
	uint8_t reserved;
	uint8_t code;       /* from here on as in a message, if len <= 255 */
	uint8_t wire_len;   /* len, if it is not more */
	uint8_t data[];
};

#define OPTION_RANKS        64
#define OPTION_RANK_MASK    0  /* always that of option 1 */
#define OPTION_RANK_ROUTERS 1  /* always that of option 3 */
#define OPTION_RANK_NONE    63 /* of the empty entry */

/** Readable bytes behind every entry: short ones are copied at a fixed width. */
#define OPTION_SET_SLACK 32

struct option_set {
	uint16_t at[256];   /* where the code's entry is, / 8; 0: the empty entry, not in the set */
	uint64_t always[4]; /* bitmap: sent whether the client asks or not */
	uint32_t used;      /* bytes of all entries */
	uint32_t cap;       /* used and the slack */
	uint32_t straight;  /* bytes that all entries take in a message; UINT32_MAX when there are
			       more than ranks or one is too long to be copied as it stands */
	uint32_t n;
	uint64_t digest; /* of all that it holds: equal only for equal sets */
	uint8_t bytes[] __attribute__((aligned(8))); /* the empty entry, the others by code */
};

/** Grows a set while configuration is read. Not for several threads. */
struct option_builder; /* opaque */

struct option_builder *option_builder_new(const struct option_set *outer); /* NULL outer: empty */
void option_builder_free(struct option_builder *builder);
/**
 * Sets or replaces, copying @p data; len <= 4096, all entries together up to 512 KiB. 0, -ENOMEM
 * or -ENOSPC, and then what was there stays. Codes 0 and 255 have no value and are a programmer's
 * error; others of type OPTION_RESERVED may be in a set, but no reply takes them from there.
 */
int option_builder_put(struct option_builder *builder, uint8_t code, const void *data, size_t len,
		       bool always);
/** Removes one inherited from outside; harmless when absent. */
void option_builder_remove(struct option_builder *builder, uint8_t code);
/** The finished set, free(3) it; NULL when memory is short. */
struct option_set *option_builder_finish(const struct option_builder *builder);

/** The entry of a code, the empty one when it is absent. Any thread. */
static inline const struct option_entry *option_set_entry(const struct option_set *set,
							   uint8_t code)
{
	return (const struct option_entry *)(set->bytes + 8 * (size_t)set->at[code]);
}

/** data NULL when absent. Any thread. */
static inline struct span option_set_get(const struct option_set *set, uint8_t code)
{
	const struct option_entry *entry = option_set_entry(set, code);

	return set->at[code] ? (struct span){entry->data, entry->len} : (struct span){0};
}

#endif
