/* SPDX-License-Identifier: MIT */
/**
 * dhcp/wire.h - options as they stand in a message: inside dhcp/ only.
 */
#ifndef ETCDHCP_DHCP_WIRE_H
#define ETCDHCP_DHCP_WIRE_H

#include "base/types.h"

#define OPTION_HEADER   2 /* code and length */
#define OPTION_DATA_MAX 255

/** Bytes that an option takes in one field, in pieces of at most 255 (RFC 3396). */
static inline size_t option_wire_size(size_t len)
{
	if (likely(len <= OPTION_DATA_MAX))
		return OPTION_HEADER + len;
	return len + OPTION_HEADER * ((len + OPTION_DATA_MAX - 1) / OPTION_DATA_MAX);
}

/** Writes an option, in pieces when it is long; returns what follows it. */
static inline uint8_t *put_option(uint8_t *at, uint8_t code, struct span value)
{
	do {
		size_t piece = min_size(value.len, OPTION_DATA_MAX);
		at[0] = code;
		at[1] = (uint8_t)piece;
		memcpy(at + OPTION_HEADER, value.data, piece);
		at += OPTION_HEADER + piece;
		value.data += piece;
		value.len -= piece;
	} while (unlikely(value.len > 0));
	return at;
}

#endif
