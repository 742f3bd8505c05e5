/* SPDX-License-Identifier: MIT */
/**
 * store/etcd/verdict.h - what a failed answer means.
 *
 * A transaction counts as not applied only where etcd or gRPC says something from which that
 * follows; whatever is not listed is unknown.
 */
#ifndef ETCDHCP_STORE_ETCD_VERDICT_H
#define ETCDHCP_STORE_ETCD_VERDICT_H

#include "store/etcd/call.h"
#include "store/kv.h"

enum verdict_action {
	VERDICT_REPORT,       /* nothing can be done about it here */
	VERDICT_SPLIT,        /* too many operations in one request: send it in two */
	VERDICT_HALVE,        /* too many bytes: likewise */
	VERDICT_AGAIN,        /* it never left: send it over another link */
	VERDICT_AUTHENTICATE, /* the token is no longer good */
	VERDICT_SESSION_LOST, /* the lease is gone */
	VERDICT_COMPACTED,    /* the revision asked for is gone */
	VERDICT_LATER,        /* the member has not got that far yet */
};

struct verdict {
	enum kv_outcome outcome; /* KV_REFUSED or KV_UNKNOWN, of a transaction */
	int error;               /* negative errno */
	enum verdict_action action;
	bool leave;         /* another endpoint may do better */
	const char *remedy; /* the operator's next step, NULL when there is none */
};

/** @p reply->status must not be OK. */
const struct verdict *verdict_of(const struct reply *reply);

#endif
