/* SPDX-License-Identifier: MIT */
#include "perf/scenario.h"

#include <math.h>

#define AT_ONCE  1e12 /* a rate that makes everything due */
#define LINGER_S 0.25
#define GRACE_S  0.5 /* a machine may pause for as long without harm */

/* What each scenario does, and to what share of its clients it gives leases first. */
static const struct {
	uint32_t weights[ACTIVITY_COUNT];
	double bound;
} defs[SCENARIO_COUNT] = {
    [SCENARIO_DORA] = {.weights = {[ACTIVITY_DORA] = 1}, .bound = 0},
    [SCENARIO_RENEW] = {.weights = {[ACTIVITY_RENEW] = 1}, .bound = 1},
    [SCENARIO_REBIND] = {.weights = {[ACTIVITY_REBIND] = 1}, .bound = 1},
    [SCENARIO_REBOOT] = {.weights = {[ACTIVITY_REBOOT] = 1}, .bound = 1},
    [SCENARIO_MIX] = {.bound = 0.5},
    [SCENARIO_RELEASE] = {.weights = {[ACTIVITY_RELEASE] = 1}, .bound = 1},
    [SCENARIO_STORM] = {.weights = {[ACTIVITY_DORA] = 1}, .bound = 0},
    [SCENARIO_NEAR_FULL] = {.weights = {[ACTIVITY_OFFER] = 1}, .bound = 0},
};

/* Exchanges that are transactions of their own, not steps of one. */
static const enum exchange transactions[] = {
    EXCHANGE_DORA,   EXCHANGE_OFFER,  EXCHANGE_RENEW,
    EXCHANGE_REBIND, EXCHANGE_REBOOT, EXCHANGE_RELEASE,
};

struct tally scenario_tally(const struct generator *g)
{
	struct tally tally = {0};

	for (size_t i = 0; i < ARRAY_SIZE(transactions); i++) {
		const struct exchange_stats *exchange = &g->stats.exchange[transactions[i]];

		tally.begun += exchange->started;
		tally.done += exchange->done;
		tally.failed += exchange->lost + exchange->naks;
	}
	tally.loss = tally.begun ? (double)tally.failed / (double)tally.begun : 0;
	return tally;
}

static uint64_t leases_wanted(const struct options *o)
{
	double share = o->bound;

	if (o->scenario == SCENARIO_NEAR_FULL)
		return (uint64_t)floor(o->pool * o->fill);
	if (share < 0)
		share = defs[o->scenario].bound;
	if (o->bound < 0 && o->scenario == SCENARIO_MIX && o->weights[ACTIVITY_DORA] == 0 &&
	    o->weights[ACTIVITY_OFFER] == 0)
		share = 1;
	return (uint64_t)floor(o->clients * share + 0.5);
}

/* The leases that the measurement needs, as fast as a window of requests brings them. */
static bool obtain_leases(struct driver *d, struct outcome *outcome)
{
	const struct options *o = d->g->options;
	const struct phase phase = {
	    .name = "leases",
	    .weights = {[ACTIVITY_DORA] = 1},
	    .total = leases_wanted(o),
	    .window = o->window,
	    .retransmit = true,
	    .endless = true,
	    .patience = o->patience,
	};
	const struct stats *stats = &d->g->stats;

	if (phase.total == 0)
		return true;
	outcome->measured = drive_phase(d, &phase);
	outcome->leases = counter_read(&stats->acks);
	outcome->leases_seconds = (double)(stats->ended_ns - stats->began_ns) / 1e9;
	queue_shuffle(&d->g->population.bound, &d->g->random);
	return outcome->measured.end == PHASE_DONE;
}

static void storm(struct driver *d, struct outcome *outcome)
{
	const struct options *o = d->g->options;
	const struct phase phase = {
	    .name = scenario_name(o->scenario),
	    .weights = {[ACTIVITY_DORA] = 1},
	    .total = d->g->population.cold.n,
	    .rate = o->spread > 0 ? o->clients / o->spread : AT_ONCE,
	    .retransmit = true,
	    .endless = true,
	    .limit = o->limit,
	    .tolerant = true,
	};

	d->g->milestones = (struct milestones){
	    .clients = {(phase.total + 1) / 2, (phase.total * 99 + 99) / 100, phase.total},
	};
	outcome->measured = drive_phase(d, &phase);
	outcome->measured_any = true;
}

/* As many as there are clients that can begin. */
static uint64_t total_of(const struct generator *g, const struct phase *phase)
{
	const struct options *o = g->options;
	double wanted = o->count ? (double)o->count : floor(phase->rate * o->duration + 0.5);
	uint64_t total = wanted < 1 ? 1 : (uint64_t)wanted;

	if (o->scenario == SCENARIO_DORA && !o->repeat)
		total = min_u64(total, g->population.cold.n);
	if (o->scenario == SCENARIO_RELEASE)
		total = min_u64(total, g->population.bound.n);
	return total;
}

static void at_rate(struct driver *d, struct phase *phase, struct outcome *outcome)
{
	const struct options *o = d->g->options;

	phase->rate = outcome->rate = o->rate;
	phase->grace = GRACE_S;
	phase->total = total_of(d->g, phase);
	outcome->measured = drive_phase(d, phase);
	outcome->measured_any = true;
}

static void measure(struct driver *d, struct outcome *outcome)
{
	const struct options *o = d->g->options;
	struct phase phase = {
	    .name = scenario_name(o->scenario),
	    .retransmit = o->retransmit,
	};

	memcpy(phase.weights, o->scenario == SCENARIO_MIX ? o->weights : defs[o->scenario].weights,
	       sizeof(phase.weights));
	if (o->scenario == SCENARIO_STORM)
		storm(d, outcome);
	else if (o->search)
		search_run(d, &phase, outcome);
	else
		at_rate(d, &phase, outcome);
	drive_linger(d, LINGER_S);
}

void scenario_run(struct driver *driver, struct outcome *outcome)
{
	*outcome = (struct outcome){.resolved = drive_resolve(driver)};
	if (!outcome->resolved)
		return;
	outcome->prepared = obtain_leases(driver, outcome);
	if (outcome->prepared)
		measure(driver, outcome);
}
