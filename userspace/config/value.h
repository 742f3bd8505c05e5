/* SPDX-License-Identifier: MIT */
/**
 * config/value.h - what is written in a scalar, as a number.
 *
 * Every parser takes the whole text or nothing, leaves its outputs untouched on failure and
 * returns 0, -EINVAL (not of that form) or -ERANGE (too large to hold). No locale, no
 * floating point: 0.29 is 29 hundredths.
 */
#ifndef ETCDHCP_CONFIG_VALUE_H
#define ETCDHCP_CONFIG_VALUE_H

#include "config/config.h"

#define IP4_TEXT_MAX      16
#define RANGE_TEXT_MAX    32
#define DURATION_TEXT_MAX 64

/** Decimal digits alone. */
int value_parse_uint(const char *text, uint64_t *value);
/**
 * "90" (seconds), "1h30m", "500ms": units w d h m s ms us, each once, the longest first.
 * The result is in units of 1/@p per_second seconds and must be exact.
 */
int value_parse_duration(const char *text, unsigned per_second, uint64_t *value);
/** Bytes: "4096", "64K", "512M", "64G", "2T" (powers of 1024). */
int value_parse_size(const char *text, uint64_t *value);
/** "1.5" or "150%" -> 150; digits behind the hundredths are cut. */
int value_parse_hundredths(const char *text, uint64_t *value);
/** true, yes, on, false, no, off. */
int value_parse_bool(const char *text, bool *value);
/** Dotted decimal -> host order. */
int value_parse_ip4(const char *text, uint32_t *addr);
/** "10.6.0.0/16"; the address may have bits behind the prefix: *first then differs from it. */
int value_parse_prefix(const char *text, uint32_t *addr, unsigned *len);
/** "a-b" (blanks around the dash allowed), "address/len" or one address; -ERANGE: a > b. */
int value_parse_range(const char *text, struct addr_range *range);
/** "100" or "200-299". */
int value_parse_interval(const char *text, uint64_t *first, uint64_t *last);

/**
 * "host:port" or "[v6]:port" -> host without brackets. The host is an address or a name of
 * letters, digits, dots and dashes, the port 1..65535.
 */
int value_parse_host_port(const char *text, char *host, size_t cap, uint16_t *port);

/** The mask of a prefix length, 0..32. */
static inline uint32_t prefix_mask(unsigned len)
{
	return len == 0 ? 0 : UINT32_MAX << (32 - len);
}

/** Dotted decimal with NUL into @p text (IP4_TEXT_MAX bytes); returns it. */
const char *value_format_ip4(uint32_t addr, char *text);
/** "first-last" or one address, with NUL into @p text (RANGE_TEXT_MAX bytes); returns it. */
const char *value_format_range(const struct addr_range *range, char *text);
/** The shortest text that parses back, "1h30m", into @p text (DURATION_TEXT_MAX); returns it. */
const char *value_format_duration(uint64_t value, unsigned per_second, char *text);
/** "64G" where a unit fits exactly, else digits; into @p text (DURATION_TEXT_MAX); returns it. */
const char *value_format_size(uint64_t value, char *text);

#endif
