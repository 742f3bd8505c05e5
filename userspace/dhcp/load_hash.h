/* SPDX-License-Identifier: MIT */
/**
 * dhcp/load_hash.h - the hash that spreads clients over servers (RFC 3074, after Pearson).
 *
 * Unkeyed and the same everywhere: relay agents and other servers that follow the RFC put a client
 * into the same one of 256 buckets.
 */
#ifndef ETCDHCP_DHCP_LOAD_HASH_H
#define ETCDHCP_DHCP_LOAD_HASH_H

#include "dhcp/client_id.h"

/** The bucket of @p len bytes that identify a client. */
uint8_t load_hash(const uint8_t *key, size_t len);

/** Of a client: option 61 whole, else hlen bytes of chaddr. */
static inline uint8_t load_hash_client(const struct client_id *client)
{
	return client->len ? load_hash(client->bytes + 1, client->len - 1u) : 0;
}

#endif
