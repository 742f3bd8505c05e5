/* SPDX-License-Identifier: MIT */
/**
 * store/plan.h - from a question and what memory knows to a guarded transaction: the safety rules as a pure function.
 *
 * Memory may lag behind the store. That is harmless: whatever is planned on it is guarded by
 * the revisions it was planned on, and nothing negative is said on it: a refusal needs a
 * linearizable read first (`proven`), after which the same function is asked again.
 *
 * The invariant that all plans keep: clients/<C> exists and says A exactly when leases/<A> is BOUND by C. Every plan that
 * takes a record away from C also compares that record's revision, so C's key can be deleted or moved along without a
 * guard of its own.
 */
#ifndef ETCDHCP_STORE_PLAN_H
#define ETCDHCP_STORE_PLAN_H

#include "lease/ask.h"

/** What the store thread does of its own accord, beside the operations asked of it. */
#define PLAN_OP_EXPIRE ((enum ask_op)ASK_OP_COUNT)

/** Everything a plan depends on. */
struct plan_input {
	enum ask_op op;                /* any but OFFER and FORGET, or PLAN_OP_EXPIRE */
	uint32_t addr;
	const struct client_id *client; /* NULL for PLAN_OP_EXPIRE */
	const struct lease *record;    /* of addr; state LEASE_NONE when there is none */
	const struct lease *former;    /* where the client was last; state LEASE_NONE when unknown */
	bool proven;                   /* record and client_at come from a linearizable read */
	bool client_known;             /* client_at does */
	uint32_t client_at;            /* what clients/<C> says, 0: absent */
	uint32_t hold_s;
	int64_t meant_revision;        /* RELEASE, DECLINE: of the binding that they mean */
	struct moment now;
};

enum plan_kind {
	PLAN_ANSWER, /* nothing to do but say .result */
	PLAN_PROBE,  /* read the record and the client's key first */
	PLAN_COMMIT,
};

enum plan_client { PLAN_CLIENT_LEAVE, PLAN_CLIENT_PUT, PLAN_CLIENT_DELETE };
enum plan_former { PLAN_FORMER_NONE, PLAN_FORMER_RELEASE, PLAN_FORMER_REMOVE };

struct plan {
	enum plan_kind kind;
	enum ask_result result;         /* of PLAN_ANSWER */

	/* PLAN_COMMIT: the record of addr is compared to .record's revision, always */
	enum lease_state state;         /* what it becomes; LEASE_NONE: deleted */
	int64_t hold_until_s;
	int64_t promised_until_s;       /* at least hold_until_s */
	enum plan_client client;        /* what becomes of clients/<C> */
	bool guard_client;              /* compare clients/<C>: */
	uint32_t client_at;             /* ... says this, 0: is absent */
	enum plan_former former;        /* what becomes of the client's other record, compared to its revision */
	bool evict;                     /* delete clients/<the record's client>: addr passes to another */
};

void plan_make(const struct plan_input *input, struct plan *plan);

#endif
