/* SPDX-License-Identifier: MIT */
/**
 * store/store.h - the store thread: the only writer of the lease table, and the way to the database.
 *
 * Workers hand it asks through bounded rings and get them back answered. It chooses addresses,
 * turns each promise into a guarded transaction, lets transactions gather in batches while others are
 * under way, applies what was committed to the table at once and what other servers committed as the
 * mirror reports it, and answers nothing that is not durable.
 *
 *     workers --asks--> [ store thread ] --batches--> kv backend (its own thread)
 *             <-answers-      |       <--committed, events--
 *                             +--> lease table (read by workers under RCU)
 */
#ifndef ETCDHCP_STORE_STORE_H
#define ETCDHCP_STORE_STORE_H

#include "base/counter.h"
#include "base/histogram.h"
#include "base/wakeup.h"
#include "lease/ask.h"
#include "server/share.h"
#include "store/kv.h"

struct store; /* opaque */

/* X(name, help): counters of the store thread. */
#define STORE_COUNTERS(X)                                                                       \
	X(offers, "Addresses put on offer")                                                     \
	X(commits, "Transactions committed")                                                    \
	X(conflicts, "Transactions refused because another server was first or the mirror lagged") \
	X(refused, "Transactions that certainly did not happen")                                \
	X(unknown, "Transactions of unknown outcome")                                           \
	X(resolved, "Unknown outcomes cleared up by a linearizable read")                       \
	X(probes, "Linearizable reads made before a refusal")                                   \
	X(duplicates, "Retransmissions of requests that were being committed")                  \
	X(overtaken, "RELEASEs, DECLINEs and moves dropped: the client may have been bound anew since") \
	X(shed, "Asks turned away because of overload")                                         \
	X(expired, "Expired records deleted")                                                   \
	X(revoked, "Leases revoked by an operator")                                             \
	X(mirror_events, "Changes applied from the mirror")                                     \
	X(mirror_invalid, "Keys or records in the store that could not be understood")

struct store_counters {
#define X(name, help) counter_t name;
	STORE_COUNTERS(X)
#undef X
} __attribute__((aligned(CACHE_LINE)));

/** What the store shows to metrics and readiness; any thread. */
struct store_view {
	const char *backend;
	bool loaded;                 /* the mirror has been complete once */
	bool connected;
	bool serving;                /* loaded, connected, sure of the time, not astray and not just failed */
	bool astray;                 /* it went back behind what it had shown; until this server is started anew */
	uint64_t staleness_ns;       /* since the last word of the store */
	uint64_t queued;             /* transactions waiting or under way */
	uint64_t unresolved;         /* addresses of unknown outcome */
	uint64_t memory;             /* bytes of the lease table */
	struct kv_status kv;
};

/** One live server, as metrics show it. */
struct store_member {
	char id[64], version[32];
	int64_t started_s;
	bool stamped;                     /* it publishes its clock: */
	int64_t lower_ns, upper_ns;       /* bounds of its clock minus ours */
	int64_t disagreement_ns;          /* how far it is off for certain, signed; 0 within the tolerance */
};

#define STORE_MEMBERS_MAX 65

/** Who is alive and what time it is. */
struct store_membership {
	struct store_member member[STORE_MEMBERS_MAX]; /* the first is this server */
	size_t n_members;
	unsigned buckets;                 /* of 256: whose clients this server answers first */
	size_t n_carried;                 /* clocks of servers that left and still count */
	bool registered;
	bool taken;                       /* another server has our id */
	int64_t ahead_ns, behind_ns;      /* how far the latest and the earliest clock are from ours */
	int64_t mark_behind_ns;           /* > 0: no service, this far behind the mark */
	int64_t step_ns;                  /* the system clock minus ours, when beyond the tolerance */
	char key[320];                    /* of our registration */
};

/**
 * Opens the backend that @p config names (checks only, see kv.h) and makes the lease table. NULL and *error.
 * @p clock and the backend outlive the store thread; @p config must stay until the first store_configure returned.
 */
struct store *store_new(const struct config *config, struct clock *clock, size_t n_workers,
			struct config_error *error);
/** Workers gone and every ask home. NULL is fine. */
void store_free(struct store *store);

/** Before it starts: this server's clock is right, whatever the store says of time (etcdhcpd --trust-clock). */
void store_trust_clock(struct store *store);

/** Starts the thread (on @p cpu or THREAD_ANY_CPU) and the backend. 0 or negative errno. */
int store_start(struct store *store, int cpu);
/**
 * Waits until the mirror has been complete once, but not for longer than @p within_ns. True when it
 * was. Once, by the thread that called store_start.
 */
bool store_await_loaded(struct store *store, uint64_t within_ns);
/**
 * Leaves the cluster's members; all else goes on. True when the others have been told, false when there
 * was nobody to be told or no way to do so in @p within_ns. Once, store started.
 */
bool store_leave(struct store *store, uint64_t within_ns);
/** Commits what has been asked, answers it, stops backend and thread. Workers still take answers meanwhile. */
void store_stop(struct store *store);

/**
 * Makes the store follow @p config: networks, pools, reservations. Blocks until the store thread has done so; fills @p nets,
 * config->n_networks of them. 0 or -ENOMEM (then nothing changed that matters). Main thread, store started.
 * The old configuration may be freed after the next grace period.
 */
int store_configure(struct store *store, const struct config *config, struct lease_net **nets);

/** A descriptor that is readable when this server must end because another one has its id. */
int store_refused_fd(const struct store *store);
/** Why, and what to do, then. */
void store_refusal(struct store *store, char *out, size_t cap);

/** A descriptor that is readable when the key config/networks has changed since store_shared_text. */
int store_shared_fd(const struct store *store);
/** Its text (free(3) it), NULL when there is no such key. 0 or -ENOMEM. Main thread. */
int store_shared_text(struct store *store, char **text, size_t *len);

/* ---- one worker's side; worker @p i alone calls these ---- */

/** Hands over an ask; false when the ring is full. Call store_kick once per burst afterwards. */
bool store_submit(struct store *store, size_t worker, struct ask *ask);
void store_kick(struct store *store);
/** Answered asks, oldest first; returns how many. */
size_t store_answers(struct store *store, size_t worker, struct ask **asks, size_t max);
/** What wakes the worker when there are answers. */
struct wakeup *store_worker_wakeup(struct store *store, size_t worker);

/* ---- any thread ---- */

/**
 * Ends, as an operator, the lease of @p addr in @p network: durably, on all servers. Its client is not renewed beyond what it
 * was promised, not confirmed when it reboots, and gets another address; this one rests, for everybody, until
 * *rests_until_s (Unix seconds), which is what was promised on it. Waits for at most @p timeout_ms; workers are not held up.
 *
 * 0; -ENOENT: there is no such lease (the store was asked); -EAGAIN: the store cannot be asked now, nothing changed unless
 * a time-out of the store left that open; -ETIMEDOUT: it may yet happen; -EBUSY: another one is under way. Asking again is
 * always safe: of a lease revoked already it says -ENOENT. Not an RCU reader that is online. Store started.
 */
int store_revoke(struct store *store, const char *network, uint32_t addr, uint32_t timeout_ms,
		 int64_t *rests_until_s);

void store_view(const struct store *store, struct store_view *out);
void store_membership(struct store *store, struct store_membership *out);
const struct store_counters *store_counters(const struct store *store);
/** Batch sizes (transactions), and nanoseconds from sending a batch to its commit. */
const struct histogram *store_batch_sizes(const struct store *store);
const struct histogram *store_commit_times(const struct store *store);
const struct lease_table *store_table(const struct store *store);
/** Whose clients this server answers, by the live members; as long as the store. See server/share.h. */
const struct share_place *store_share(const struct store *store);

#endif
