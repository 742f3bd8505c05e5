/* SPDX-License-Identifier: MIT */
/**
 * perf/value.h - values of command-line options: text to a field of struct options.
 */
#ifndef ETCDHCP_PERF_VALUE_H
#define ETCDHCP_PERF_VALUE_H

#include "base/types.h"

/**
 * False, and *field untouched, when @p text is not of its kind or not within [min, max]. @p field
 * has the type that the function's name tells.
 */
typedef bool value_parse_fn(const char *text, double min, double max, void *field);

value_parse_fn value_text; /* const char *, borrowed */
value_parse_fn value_u32;  /* decimal, 0x..., or with k, M */
value_parse_fn value_u64;
value_parse_fn value_real;    /* double */
value_parse_fn value_address; /* uint32_t, host order */
value_parse_fn value_mac;     /* uint64_t */
value_parse_fn value_range;   /* struct number_range: "N" or "N-N" */
value_parse_fn value_weights; /* uint32_t[ACTIVITY_COUNT]: "renew=9,dora=1" */

#endif
