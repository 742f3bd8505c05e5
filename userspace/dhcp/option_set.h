/* SPDX-License-Identifier: MIT */
/**
 * dhcp/option_set.h - an immutable set of encoded options, ready to be copied into replies.
 *
 * Built when configuration is loaded, one per scope, inner scopes already merged over outer
 * ones; looked up by code in O(1) on the packet path.
 */
#ifndef ETCDHCP_DHCP_OPTION_SET_H
#define ETCDHCP_DHCP_OPTION_SET_H

#include "base/types.h"

struct option_set {
	uint16_t at[256];     /* offset + 1 of the entry in bytes; 0: not in the set */
	uint64_t always[4];   /* bitmap: sent whether the client asks or not */
	uint32_t used;
	uint32_t cap;
	uint8_t bytes[];      /* entries: be16 length, then data; in order of code */
};

/** Grows a set while configuration is read. Not for several threads. */
struct option_builder; /* opaque */

struct option_builder *option_builder_new(const struct option_set *outer); /* NULL outer: empty */
void option_builder_free(struct option_builder *builder);
/** Sets or replaces; len <= 4096. 0, -ENOMEM or -ENOSPC. */
int option_builder_put(struct option_builder *builder, uint8_t code, const void *data, size_t len,
		       bool always);
/** Removes one inherited from outside; harmless when absent. */
void option_builder_remove(struct option_builder *builder, uint8_t code);
/** The finished set, free(3) it; NULL when memory is short. */
struct option_set *option_builder_finish(const struct option_builder *builder);

/** data NULL when absent. Any thread. */
static inline struct span option_set_get(const struct option_set *set, uint8_t code)
{
	if (set->at[code] == 0)
		return (struct span){0};
	const uint8_t *entry = set->bytes + set->at[code] - 1;
	return (struct span){entry + 2, load_be16(entry)};
}

#endif
