/* SPDX-License-Identifier: MIT */
/**
 * perf/json.h - writes JSON (RFC 8259) as it comes, indented by two.
 */
#ifndef ETCDHCP_PERF_JSON_H
#define ETCDHCP_PERF_JSON_H

#include <stdio.h>

#include "base/types.h"

struct json {
	FILE *out;
	unsigned depth;
	bool follows; /* a member came before: a comma is due */
};

/** @p key is NULL inside arrays and for the outermost value. */
void json_open(struct json *json, const char *key, char bracket);
void json_close(struct json *json, char bracket);
void json_text(struct json *json, const char *key, const char *text);
void json_u64(struct json *json, const char *key, uint64_t value);
/** Not a number and infinity become null. */
void json_real(struct json *json, const char *key, double value);
void json_bool(struct json *json, const char *key, bool value);

#endif
