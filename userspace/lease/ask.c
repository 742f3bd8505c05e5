/* SPDX-License-Identifier: MIT */
#include "lease/ask.h"

static const char *const op_names[ASK_OP_COUNT] = {
    [ASK_OFFER] = "offer",     [ASK_BIND] = "bind",     [ASK_CONFIRM] = "confirm",
    [ASK_RENEW] = "renew",     [ASK_EXTEND] = "extend", [ASK_RELEASE] = "release",
    [ASK_DECLINE] = "decline", [ASK_FORGET] = "forget",
    [ASK_REVOKE] = "revoke",
};

static const char *const result_names[ASK_RESULT_COUNT] = {
    [ASK_GRANTED] = "granted",
    [ASK_DENIED] = "denied",
    [ASK_UNKNOWN_CLIENT] = "unknown-client",
    [ASK_NO_ADDRESS] = "no-address",
    [ASK_UNAVAILABLE] = "unavailable",
    [ASK_OVERLOAD] = "overload",
    [ASK_ON_OFFER] = "on-offer",
    [ASK_OVERTAKEN] = "overtaken",
    [ASK_DUPLICATE] = "duplicate",
    [ASK_NOT_OFFERED] = "not-offered",
};

const char *ask_op_name(enum ask_op op)
{
	const char *name = (unsigned)op < ASK_OP_COUNT ? op_names[op] : NULL;

	return name ? name : "unknown";
}

const char *ask_result_name(enum ask_result result)
{
	const char *name = (unsigned)result < ASK_RESULT_COUNT ? result_names[result] : NULL;

	return name ? name : "unknown";
}
