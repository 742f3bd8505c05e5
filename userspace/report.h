/* SPDX-License-Identifier: MIT */
/**
 * report.h - everything the server counts, as Prometheus metrics, and whether it is ready.
 *
 * Reads counters that others write; owns none.
 */
#ifndef ETCDHCP_REPORT_H
#define ETCDHCP_REPORT_H

#include "net/interface.h"
#include "worker/worker.h"

struct report; /* opaque */

/** Everything outlives the report. */
struct report_sources {
	const struct config_server *server;
	struct worker_world *published;
	const struct clock *clock;
	struct store *store;
	struct interface *const *interfaces;
	size_t n_interfaces;
	struct worker *const *workers;
	size_t n_workers;
};

/** Serves /metrics, /healthz and /readyz on the configured address. NULL and *error. */
struct report *report_start(const struct report_sources *sources, struct config_error *error);
/** NULL is fine. */
void report_stop(struct report *report);

#endif
