/* SPDX-License-Identifier: MIT */
/**
 * store/audit.h - everything in the store held against the rules that all servers keep.
 *
 * An audit is fed with a backend's events up to the end of its first load and then judges what it
 * took in, which is one state of the store: etcd's pages are all of one revision, LMDB's walk is of
 * one snapshot. So what it finds is never the shadow of a change under way.
 *
 * It knows the formats (record.h) and the rules, and nothing of the lease table: what it counts is
 * counted independently of what servers keep in step.
 *
 * Memory: about 60 bytes for a lease with its client's key, and 6 KB for each 256 neighbouring
 * addresses of which one has a record or is reserved. One thread.
 *
 *     audit.c        events -> model
 *     audit_model.c  the model: networks, clients, pages of addresses
 *     audit_judge.c  model + configuration + time -> findings, counts
 */
#ifndef ETCDHCP_STORE_AUDIT_H
#define ETCDHCP_STORE_AUDIT_H

#include "config/config.h"
#include "store/kv.h"

/*
 * X(symbol, severity, what is wrong, what to do). Notes are legal after a change of the
 * configuration: records stay until their holds have run out, whatever the file says by then.
 */
#define AUDIT_RULES(X)                                                                             \
	X(BAD_KEY, FAULT, "malformed key", "correct or delete it: no server heeds it")             \
	X(BAD_RECORD, FAULT, "not a lease record",                                                 \
	  "delete it: no server can bind the address while it is there")                           \
	X(BAD_ADDRESS, FAULT, "the value is no IPv4 address", "correct or delete it")              \
	X(BAD_CONFIG, FAULT, "the shared configuration is wrong", "correct it: servers stay with "  \
	  "the former one")                                                                        \
	X(KEY_ALONE, FAULT, "client's key without its lease", "delete the key")                    \
	X(KEY_GIVEN_UP, FAULT, "client's key of a lease that was given up", "delete the key")      \
	X(KEY_ANOTHERS, FAULT, "client's key of a lease that is another's", "delete the key")      \
	X(KEY_ELSEWHERE, FAULT, "client's key names another address than its lease",               \
	  "put the lease's address there")                                                         \
	X(NO_KEY, FAULT, "bound, but its client has no key", "put the address into that key")      \
	X(TWO_LEASES, FAULT, "bound to a client that another lease of the network is bound to",    \
	  "revoke the one that the device does not use")                                           \
	X(TOO_FAR, FAULT, "held for longer than any lease of the network",                         \
	  "look for a server whose clock was ahead; after lease times were shortened wait or "     \
	  "revoke it")                                                                             \
	X(RESERVED, FAULT, "bound, but reserved for another client",                               \
	  "wait for its client's next renewal, which is refused, or for the end of its hold")      \
	X(OTHER_KEY, NOTE, "a key that this version has no use for",                               \
	  "nothing, if another version or program put it there")                                   \
	X(OUTSIDE, NOTE, "in no pool and not reserved", "nothing: it ends with its hold")          \
	X(NO_NETWORK, NOTE, "leases of a network that is not configured",                          \
	  "nothing: they end with their holds; if it should be configured, look at config/networks")

enum audit_rule {
#define X(symbol, severity, what, remedy) AUDIT_##symbol,
	AUDIT_RULES(X)
#undef X
	AUDIT_RULE_COUNT
};

/** One line of the report; texts live until the callback returns. */
struct audit_finding {
	enum audit_rule rule;
	bool note;          /* legal: not counted among the inconsistencies */
	const char *key;    /* without the prefix, unprintable bytes masked */
	const char *what;   /* constant */
	const char *detail; /* "" or what makes this one special */
	const char *remedy; /* constant */
};

/** Called with the context given to audit_new, as things are found. */
typedef void (*audit_report)(void *ctx, const struct audit_finding *finding);

/** Addresses in the pools of a network; the last six add up to the first. */
struct audit_counts {
	uint64_t pool;
	uint64_t reserved;                  /* somebody's, whatever their records say */
	uint64_t free;                      /* no record */
	uint64_t bound, released, declined; /* held; revoked ones count as released */
	uint64_t over;                      /* the hold has run out, the record is still there */
};

struct audit_summary {
	uint64_t leases, clients, reservations; /* entries that could be read */
	uint64_t faults, notes;
	int64_t revision; /* of the state that was judged */
};

struct audit; /* opaque */

/** @p client_keys: the backend keeps a key per client (!kv_ops.sole_writer). NULL: no memory. */
struct audit *audit_new(bool client_keys, audit_report report, void *ctx);
/** NULL is fine. */
void audit_free(struct audit *audit);

/**
 * Takes one event of the load. 1 when the load is complete, 0 when there is more to come, -ENOMEM;
 * -EAGAIN when the load begins anew: forget what was reported. Nothing after 1.
 */
int audit_take(struct audit *audit, const struct kv_event *event);

/** What the key config/networks says, NULL: there is none. The audit's memory. */
const char *audit_shared_text(const struct audit *audit, size_t *len);
/** Reports that audit_shared_text was refused, with the reason. */
void audit_refuse_shared(struct audit *audit, const char *why);

/**
 * Once the load is complete: holds all of it against @p config at Unix time @p now_s. Fills
 * @p counts, one per config->networks. 0 or -ENOMEM.
 */
int audit_judge(struct audit *audit, const struct config *config, int64_t now_s,
		struct audit_counts *counts);

void audit_summarize(const struct audit *audit, struct audit_summary *out);

#endif
