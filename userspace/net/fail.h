/* SPDX-License-Identifier: MIT */
/**
 * net/fail.h - one way to say what failed and what to do about it.
 */
#ifndef ETCDHCP_NET_FAIL_H
#define ETCDHCP_NET_FAIL_H

#include "config/config.h"

/** Writes the text and returns @p code, for the caller to pass on; @p error may be NULL. */
int net_fail(struct config_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
