/* SPDX-License-Identifier: MIT */
/**
 * store/etcd/channel.h - the two connections to one endpoint.
 *
 * Transactions have a connection of their own, so that a page of a load never stands before them.
 */
#ifndef ETCDHCP_STORE_ETCD_CHANNEL_H
#define ETCDHCP_STORE_ETCD_CHANNEL_H

#include "store/etcd/secrets.h"

enum lane { LANE_TXN, LANE_MIRROR, LANE_COUNT };

enum method {
	METHOD_RANGE,
	METHOD_TXN,
	METHOD_WATCH,
	METHOD_LEASE_GRANT,
	METHOD_LEASE_REVOKE,
	METHOD_LEASE_KEEP_ALIVE,
	METHOD_AUTHENTICATE,
	METHOD_COUNT
};

struct channels {
	grpc_channel *channel[LANE_COUNT]; /* NULL: closed */
	void *method[LANE_COUNT][METHOD_COUNT];
};

/** Makes both, connecting on the first call; connect_ms bounds one attempt. 0 or -EINVAL, *error.
 */
int channels_open(struct channels *channels, const struct endpoint *endpoint,
		  const struct secrets *secrets, uint32_t connect_ms, struct config_error *error);
/** Calls under way go on to their ends. Harmless when closed. */
void channels_close(struct channels *channels);

/** A call to be started, the caller's; @p timeout_ns 0: no deadline. */
grpc_call *channels_call(const struct channels *channels, enum lane lane, enum method method,
			 grpc_completion_queue *cq, uint64_t timeout_ns);

#endif
