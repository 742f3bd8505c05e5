/* SPDX-License-Identifier: MIT */
/**
 * perf/scenario.h - what a run consists of: leases first where a scenario needs them, then the
 * measurement, or a search for the highest rate.
 */
#ifndef ETCDHCP_PERF_SCENARIO_H
#define ETCDHCP_PERF_SCENARIO_H

#include "perf/drive.h"

#define PROBES_MAX 96

/** One try of the search. */
struct probe {
	double rate;
	double loss;       /* share lost or refused */
	const char *limit; /* NULL: passed; else what was too slow: "loss", "frames", "clients" */
	bool final;        /* of full length */
};

struct search {
	struct probe probes[PROBES_MAX];
	size_t n;
	double rate;            /* the highest that passed, 0: none */
	const char *limited_by; /* what was too slow at the lowest rate that did not, see probe;
				   "max-rate" when none was tried */
};

/** What a run came to, beside the statistics of its last phase (struct generator). */
struct outcome {
	bool resolved;   /* next hops were found */
	bool prepared;   /* leases were obtained */
	uint64_t leases; /* first */
	double leases_seconds;
	double rate; /* of the measurement; 0: does not apply */
	struct phase_result measured;
	bool measured_any;
	struct search search;
};

/** Runs the scenario that the options name. */
void scenario_run(struct driver *driver, struct outcome *outcome);

/** The highest rate at which @p phase (its rate and total are not looked at) keeps within bounds,
 * confirmed by a run of full length, whose statistics remain. */
void search_run(struct driver *driver, const struct phase *phase, struct outcome *outcome);

/** Transactions of the phase that ended well, or not, of those that were begun. */
struct tally {
	uint64_t begun, done, failed;
	double loss; /* failed / begun */
};
struct tally scenario_tally(const struct generator *g);

#endif
