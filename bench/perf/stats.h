/* SPDX-License-Identifier: MIT */
/**
 * perf/stats.h - what is counted. One writer, the generator; the progress thread reads the counters
 * at any time, everything else is read when a phase has ended.
 */
#ifndef ETCDHCP_PERF_STATS_H
#define ETCDHCP_PERF_STATS_H

#include "base/counter.h"

/** X(symbol, key, title): exchanges of which latencies are kept, and RELEASE, which has no answer.
 */
#define EXCHANGES(X)                                                                               \
	X(EXCHANGE_DISCOVER, "discover", "discover -> offer")                                      \
	X(EXCHANGE_REQUEST, "request", "request -> ack")                                           \
	X(EXCHANGE_DORA, "dora", "dora, whole")                                                    \
	X(EXCHANGE_OFFER, "offer", "offer, not taken")                                             \
	X(EXCHANGE_RENEW, "renew", "renew -> ack")                                                 \
	X(EXCHANGE_REBIND, "rebind", "rebind -> ack")                                              \
	X(EXCHANGE_REBOOT, "reboot", "reboot -> ack")                                              \
	X(EXCHANGE_RELEASE, "release", "release")

enum exchange {
#define X(symbol, key, title) symbol,
	EXCHANGES(X)
#undef X
	    EXCHANGE_COUNT
};

/**
 * X(symbol, key, fails, text): findings about replies, each counted apart over the whole run.
 * Where @p fails is true, a single one makes the run invalid.
 */
#define FINDINGS(X)                                                                                \
	X(FINDING_MALFORMED, "malformed", true, "replies that are no valid DHCP message")          \
	X(FINDING_CHECKSUM, "bad_checksum", true, "replies with a wrong checksum")                 \
	X(FINDING_WRONG_XID, "wrong_xid", true, "replies to a client of ours with an unknown xid") \
	X(FINDING_WRONG_CLIENT, "wrong_client", true,                                              \
	  "replies with a client's xid and another's hardware address")                            \
	X(FINDING_WRONG_TYPE, "wrong_type", true, "replies of a type that was not asked for")      \
	X(FINDING_MISDIRECTED, "misdirected", true,                                                \
	  "replies to a wrong MAC or IP address, port, VLAN or relay agent")                       \
	X(FINDING_NO_SERVER_ID, "no_server_id", true, "replies without a server identifier")       \
	X(FINDING_WRONG_SERVER, "wrong_server", true,                                              \
	  "replies of another server than the one that was asked")                                 \
	X(FINDING_LEASE_TIME, "lease_time", true, "lease times missing, zero or out of bounds")    \
	X(FINDING_WRONG_ADDRESS, "wrong_address", true,                                            \
	  "addresses missing, or not those offered or held")                                       \
	X(FINDING_DUPLICATE_ADDRESS, "duplicate_address", true,                                    \
	  "addresses acknowledged to two clients at once")                                         \
	X(FINDING_TAKEN_OFFER, "taken_offer", true, "offers of what another client has")           \
	X(FINDING_SECOND_ADDRESS, "second_address", true,                                          \
	  "clients acknowledged a second address while the first was theirs")                      \
	X(FINDING_TOO_MANY_SERVERS, "too_many_servers", true, "replies of too many servers")       \
	X(FINDING_DUPLICATE, "duplicate", false, "replies that had come before")                   \
	X(FINDING_LATE, "late", false, "replies to what had been given up")                        \
	X(FINDING_SPARE_OFFER, "spare_offer", false,                                               \
	  "offers of other servers than the chosen one")                                           \
	X(FINDING_AGENT_INFO, "agent_info", false, "relayed replies that do not echo option 82")   \
	X(FINDING_FOREIGN, "foreign", false, "replies for clients that are not ours")

enum finding {
	FINDING_NONE = -1,
#define X(symbol, key, fails, text) symbol,
	FINDINGS(X)
#undef X
	    FINDING_COUNT
};

/** X(name, text): of one phase. */
#define TOTALS(X)                                                                                  \
	X(sent, "DHCP frames sent")                                                                \
	X(received, "DHCP frames received")                                                        \
	X(retransmissions, "messages sent again")                                                  \
	X(acks, "transactions that ended with an ACK")                                             \
	X(naks, "NAKs")                                                                            \
	X(lost, "transactions given up")                                                           \
	X(expired, "leases that ran out before their client's turn came")                          \
	X(repeats, "clients that started over with a lease")                                       \
	X(arps, "ARP requests answered")

/**
 * Latencies in log-linear buckets, 64 per power of two, so that a quantile is off by 1/64 at most;
 * finer than base/histogram.h, which is made to be exported. Up to 2^42 ns (73 minutes).
 */
#define LATENCY_SUB_BITS 6
#define LATENCY_BUCKETS  ((42 - LATENCY_SUB_BITS + 1) << LATENCY_SUB_BITS)
struct latency {
	uint64_t count[LATENCY_BUCKETS];
	uint64_t n, sum_ns, max_ns;
};

struct exchange_stats {
	uint64_t started, done, lost, naks;
	struct latency latency; /* from the intended time of the first message */
};

/** Counts of one phase. */
struct stats {
	/* Since the start of the run; the end is when something last began or was answered: the
	 * time spent waiting for answers that never came does not dilute rates. */
	uint64_t began_ns, ended_ns;
#define X(name, text) counter_t name;
	TOTALS(X)
#undef X
	struct exchange_stats exchange[EXCHANGE_COUNT];
	struct latency lag; /* how late messages left that nothing but the clock called for */
};

struct finding_def {
	const char *key, *text;
	bool fails;
};

extern const char *const exchange_keys[EXCHANGE_COUNT];
extern const char *const exchange_titles[EXCHANGE_COUNT];
extern const struct finding_def finding_defs[FINDING_COUNT];

/** How long the phase took, in seconds. */
static inline double stats_seconds(const struct stats *stats)
{
	return (double)(stats->ended_ns - stats->began_ns) / 1e9;
}

/** All zero. The progress thread may be reading. */
void stats_clear(struct stats *stats);

void latency_add(struct latency *latency, uint64_t ns);
/** In ns; an upper bound within 1/64, never above the maximum. 0 when empty. */
uint64_t latency_quantile(const struct latency *latency, double q);
/** How many took longer than @p ns, which is rounded up to 1/64. */
uint64_t latency_longer(const struct latency *latency, uint64_t ns);
/** In ns, 0 when empty. */
double latency_mean(const struct latency *latency);

static inline void total_add(counter_t *counter)
{
	counter_add(counter, 1);
}

#endif
