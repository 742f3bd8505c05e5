/* SPDX-License-Identifier: MIT */
/**
 * admin/http.h - what an operator's tools ask the server about: numbers, life and readiness.
 *
 *     /metrics   200, Prometheus text
 *     /healthz   200 "ok" while the process answers at all
 *     /readyz    200 "ready" and one warning a line, or 503 with one reason a line
 *     /          200, this list
 *
 * Only GET and HEAD are known; other methods get 405, other paths 404. The server knows
 * nothing of what it shows: the numbers' owner gives it two callbacks.
 *
 * One thread serves all, and nothing of it is in the way of the packet path. A client gets
 * one answer per connection and must have taken it by a deadline that no trickle of bytes
 * extends; connections are limited in total and per address. So a slow or hostile client
 * holds its own place for a few seconds and nothing else. There is no authentication, which
 * is why configurations should name a loopback or management address.
 */
#ifndef ETCDHCP_ADMIN_HTTP_H
#define ETCDHCP_ADMIN_HTTP_H

#include "admin/metrics.h"
#include "base/types.h"

/** Zero means the default. */
struct admin_limits {
	unsigned int connections; /* 64 at once; a quarter of them (if 4 or more) per address */
	unsigned int deadline_ms; /* 10000, from being accepted to being done */
};

/**
 * The callbacks run on the server's thread, which is registered with RCU (QSBR) and online
 * for the length of the call: each is one read section. They must not block, nor take a lock
 * under which anybody waits for a grace period. Either may be NULL: no metrics, always ready.
 */
struct admin_handlers {
	/** Writes all families. */
	void (*metrics)(void *ctx, struct metrics_writer *w);
	/**
	 * True when ready; else fills @p why (NUL-terminated, within @p cap), a reason a line.
	 * What it fills in when ready is shown behind "ready": warnings.
	 */
	bool (*ready)(void *ctx, char *why, size_t cap);
	void *ctx;
	struct admin_limits limits;
};

struct admin_server; /* opaque */

/**
 * Listens on @p host (an IPv4 or IPv6 address without brackets, or a name; NULL or "" is
 * 127.0.0.1) and @p port (0: any free one) and starts the thread. @p handlers is copied.
 * NULL when that cannot be; @p error (if @p error_cap > 0) then says what and what to do.
 */
struct admin_server *admin_start(const char *host, uint16_t port,
				 const struct admin_handlers *handlers, char *error,
				 size_t error_cap);

/** The port that is listened on. */
uint16_t admin_port(const struct admin_server *server);

/** Drops all connections and ends the thread; no callback runs after it. NULL is fine. */
void admin_stop(struct admin_server *server);

#endif
