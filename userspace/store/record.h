/* SPDX-License-Identifier: MIT */
/**
 * store/record.h - keys and values as they stand in the store (docs/architecture.md, "What is stored").
 *
 *     leases/4/<network>/<address>          lease.proto
 *     clients/4/<network>/<client>          the address, plain text
 *     reservations/4/<network>/<client>     the address, plain text
 *     servers/<id>, clock                   member_value.h
 */
#ifndef ETCDHCP_STORE_RECORD_H
#define ETCDHCP_STORE_RECORD_H

#include "lease/ask.h"
#include "store/kv.h"

/** Keys and values in the batch's memory; data NULL when memory is short. */
struct span record_lease_key(struct kv_batch *batch, const struct lease_net *net, uint32_t addr);
struct span record_client_key(struct kv_batch *batch, const struct lease_net *net,
			      const uint8_t *client, size_t len);
struct span record_address(struct kv_batch *batch, uint32_t addr);

/** What a record says beside client, state and hold; for operators' eyes. All borrowed. */
struct record_details {
	struct span hwaddr, host_name, circuit, remote;
	const char *server;   /* id of the server that wrote it */
	int64_t updated_s;    /* when it was written, Unix seconds, by the writer's own clock */
};

/** Of @p lease: state, times and client. @p details may be NULL. */
struct span record_encode(struct kv_batch *batch, const struct lease *lease,
			  const struct record_details *details);

enum record_kind {
	RECORD_OTHER,        /* a key this server has no use for */
	RECORD_LEASE,
	RECORD_CLIENT,
	RECORD_RESERVATION,
	RECORD_CONFIG,       /* config/networks */
	RECORD_SERVER,       /* servers/<id> */
	RECORD_CLOCK,        /* clock: the high-water mark */
	RECORD_INVALID,      /* one of the above, malformed */
};

/** A key taken apart; spans into the key. */
struct record_key {
	enum record_kind kind;
	struct span network;
	uint32_t addr;       /* RECORD_LEASE */
	struct span rest;    /* RECORD_CLIENT, RECORD_RESERVATION: the client's text; RECORD_SERVER: the id */
};

void record_parse_key(struct span key, struct record_key *out);
/** Dotted decimal, exactly; false otherwise. */
bool record_parse_address(struct span text, uint32_t *addr);
/**
 * Decodes a lease's value into *out (client points into @p client, revision and addr are the caller's)
 * and when it was written into *updated_s. False when it is malformed.
 */
bool record_decode(struct span value, struct lease *out, struct client_id *client,
		   int64_t *updated_s);
/**
 * The same with the hardware address that the client had, as the identifier that reservations by
 * it have; len 0 when the record does not tell.
 */
bool record_decode_whole(struct span value, struct lease *out, struct client_id *client,
			 struct client_id *chaddr, int64_t *updated_s);
/**
 * What stands in the table for a malformed one: its address is nobody's, for it may be promised to
 * somebody. addr and revision are the caller's.
 */
void record_unreadable(struct lease *out);

#endif
