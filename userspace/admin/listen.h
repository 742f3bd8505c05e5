/* SPDX-License-Identifier: MIT */
/**
 * admin/listen.h - a listening TCP socket, with errors an operator can act upon.
 *
 * The socket is made here and handed to libmicrohttpd, which would say no more than "failed".
 */
#ifndef ETCDHCP_ADMIN_LISTEN_H
#define ETCDHCP_ADMIN_LISTEN_H

#include "base/types.h"

/**
 * A non-blocking socket listening on the first address of @p host that works; "::" takes
 * IPv4, too. Returns the descriptor, which is the caller's, and sets *bound_port; or negative
 * errno, @p error then holding a sentence.
 */
int listen_open(const char *host, uint16_t port, uint16_t *bound_port, char *error,
		size_t error_cap);

#endif
