/* SPDX-License-Identifier: MIT */
/**
 * store/member_value.h - what a server says of itself under servers/<id>, and what stands under clock.
 *
 *     servers/<id>  {"version":"0.1.0","started":1764100000,"instance":"8f3a...",
 *                  "clock_ns":...,"seen":812,"idle":0}
 *     clock         {"clock_ns":...,"server":"dhcp-a"}
 *
 * One flat JSON object of texts and whole numbers: for operators' eyes, and for programs of any version,
 * so keys that are not known are passed over.
 */
#ifndef ETCDHCP_STORE_MEMBER_VALUE_H
#define ETCDHCP_STORE_MEMBER_VALUE_H

#include "base/types.h"

#define MEMBER_VALUE_MAX 256

struct member_value {
	char version[32];
	char server[64];    /* clock alone: who wrote it */
	int64_t started_s;  /* Unix seconds by its own clock */
	uint64_t instance;  /* random, of this life of the server; 0: it does not say */
	int64_t clock_ns;   /* its own clock when this was written; 0: it does not say */
	int64_t seen;       /* newest store revision that it knew of then */
	int64_t idle;       /* not 0: it does not serve (yet), others are to do its work */
};

/** False when @p text is no such object, or a known key has a value that it cannot have. */
bool member_value_parse(struct span text, struct member_value *out);
/** The JSON of a servers/ key into @p out; returns its length. */
size_t member_value_write(const struct member_value *value, char out[MEMBER_VALUE_MAX]);
/** The JSON of the key clock. */
size_t member_value_write_clock(const struct member_value *value, char out[MEMBER_VALUE_MAX]);

#endif
