/* SPDX-License-Identifier: MIT */
/**
 * perf/tenure.h - which client holds which address, and what must never be: two that hold the same,
 * one that is given a second.
 *
 * A lease counts from when the REQUEST was meant to leave (RFC 2131 section 4.4.1), so a client
 * thinks it over no later than any server.
 */
#ifndef ETCDHCP_PERF_TENURE_H
#define ETCDHCP_PERF_TENURE_H

#include "perf/generator.h"

/** The client has been offered another address than it may hold; its ACK will tell. */
void tenure_offered(struct generator *g, uint32_t index, uint32_t address);

/**
 * An ACK binds the client to @p address; @p since_ns is when the lease began. FINDING_NONE, or what
 * is wrong with that.
 */
enum finding tenure_bind(struct generator *g, uint32_t index, uint32_t address, uint32_t lease_s,
			 uint64_t since_ns);

/** Released, refused or run out. */
void tenure_end(struct generator *g, uint32_t index);

/** True when the client holds a lease that has not run out. */
bool tenure_is_live(const struct generator *g, uint32_t index);

/** The client that holds the address now; NO_CLIENT when nobody is known to. */
uint32_t tenure_holder(const struct generator *g, uint32_t address);

#endif
