/* SPDX-License-Identifier: MIT */
/**
 * perf/options.h - what the command line asks for. Every option is one line of a table in
 * options.c, from which the help text is printed, too.
 */
#ifndef ETCDHCP_PERF_OPTIONS_H
#define ETCDHCP_PERF_OPTIONS_H

#include "base/types.h"

enum scenario {
	SCENARIO_DORA,
	SCENARIO_RENEW,
	SCENARIO_REBIND,
	SCENARIO_REBOOT,
	SCENARIO_MIX,
	SCENARIO_RELEASE,
	SCENARIO_STORM,
	SCENARIO_NEAR_FULL,
	SCENARIO_COUNT
};

/** What a client can be told to begin, and the weights of `--mix` by it. */
enum activity {
	ACTIVITY_DORA,
	ACTIVITY_OFFER,
	ACTIVITY_RENEW,
	ACTIVITY_REBIND,
	ACTIVITY_REBOOT,
	ACTIVITY_RELEASE,
	ACTIVITY_COUNT
};

struct number_range {
	uint32_t first, last;
};

struct options {
	enum scenario scenario;
	const char *interface;

	/* The population */
	uint32_t clients;
	uint64_t mac_base;
	bool client_id;           /* option 61 */
	bool broadcast;           /* the flag */
	struct number_range vlan; /* 0-0: none */
	struct number_range outer_vlan;
	uint32_t outer_tpid;
	uint32_t giaddr; /* addresses in host order; 0: directly attached */
	uint32_t relays;
	uint32_t relay_step;
	uint32_t server;
	uint32_t next_hop;   /* 0: the server */
	uint64_t server_mac; /* 0: ask by ARP */

	/* The load; rates per second, times in seconds */
	double rate;
	double duration;
	uint64_t count; /* 0: rate x duration */
	uint32_t weights[ACTIVITY_COUNT];
	double bound; /* share of clients that get a lease first; negative: as the scenario needs */
	bool repeat;
	uint32_t window;
	double patience;
	double spread;
	double limit;
	uint32_t pool;
	double fill;

	/* The search */
	bool search;
	double loss;
	double probe;
	double max_rate;
	double resolution;

	/* Time-outs and checks */
	double timeout;
	bool retransmit;
	double retransmit_base;
	struct number_range lease;

	/* The port */
	bool socket;
	bool generic;
	uint32_t frames;
	int32_t cpu; /* -1: any */
	bool spin;
	double slack; /* seconds */

	/* Output */
	const char *json;
	bool quiet;
	double interval;
	uint64_t seed; /* 0: drawn */
};

enum options_result { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_WRONG };

/**
 * Fills @p options. OPTIONS_DONE when --help or --version has been answered on standard output,
 * OPTIONS_WRONG when standard error says what is wrong.
 */
enum options_result options_parse(struct options *options, int argc, char **argv);

const char *scenario_name(enum scenario scenario);

static inline bool options_relayed(const struct options *options)
{
	return options->giaddr != 0;
}

#endif
