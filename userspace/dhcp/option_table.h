/* SPDX-License-Identifier: MIT */
/**
 * dhcp/option_table.h - every option by name, code and type, and text -> wire.
 *
 * One row per option: adding one is one line in option_table.c. Any other code can be given
 * by number as hexadecimal bytes.
 */
#ifndef ETCDHCP_DHCP_OPTION_TABLE_H
#define ETCDHCP_DHCP_OPTION_TABLE_H

#include "base/types.h"

enum option_type {
	OPTION_IP4,          /* one address */
	OPTION_IP4_LIST,     /* one or more */
	OPTION_IP4_PAIRS,    /* "a b", "a/mask" or "a/length" (options 21, 33) */
	OPTION_U8,
	OPTION_U16,
	OPTION_U16_LIST,
	OPTION_U32,
	OPTION_S32,
	OPTION_BOOL,         /* true/false, yes/no, on/off */
	OPTION_TEXT,         /* NVT ASCII, at least one byte, no NUL */
	OPTION_HEX,          /* "0a:0b:0c", "0a0b0c" or "0x0a0b0c" */
	OPTION_DOMAIN_LIST,  /* RFC 3397, compressed as RFC 1035 section 4.1.4 allows */
	OPTION_DOMAIN_NAMES, /* the same without compression */
	OPTION_ROUTES,       /* RFC 3442 "10.0.0.0/8 via 10.6.0.1" or "10.0.0.0/8 10.6.0.1" */
	OPTION_VENDOR,       /* RFC 3925: "enterprise-number hex" per entry */
	OPTION_RESERVED,     /* the server sets it; configuring it is an error */
	OPTION_TYPE_COUNT
};

struct option_def {
	uint8_t code;
	const char *name; /* as in configuration, for example "domain-name-servers" */
	enum option_type type;
	uint32_t min; /* of numbers: the smallest that makes sense, for example 68 for an MTU */
};

/**
 * By name, or by decimal code ("224"): a code without a name gives a definition of type OPTION_HEX,
 * named by its number. NULL: no such name. The definition lives for ever.
 */
const struct option_def *option_find(const char *name);
/** By code: every code has a definition. */
const struct option_def *option_by_code(uint8_t code);
/** What the type accepts, for error messages, for example "one IPv4 address". */
const char *option_type_help(enum option_type type);

/**
 * Encodes @p n configured values to the option's wire form, without code and length.
 *
 * Returns the length (may exceed 255: RFC 3396 splits it), or -EINVAL with *why set to a
 * static explanation, or -ENOSPC when @p cap is too small. No allocation.
 */
int option_encode(const struct option_def *def, const char *const *values, size_t n,
		  uint8_t *out, size_t cap, const char **why);

#endif
