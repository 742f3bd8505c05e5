/* SPDX-License-Identifier: MIT */
#include "perf/scenario.h"

#include <math.h>

#define SETTLE_S      0.1  /* between tries */
#define STEP_BACK     0.97 /* when a full run fails at a rate that a short one bore */
#define CONFIRM_TRIES 12
#define GRACE_S       0.05 /* a rate that takes longer to send is not that rate */

static const char *verdict_of(const struct driver *d, const struct phase_result *result)
{
	double loss = scenario_tally(d->g).loss;

	if (result->losses.not_received || result->losses.not_sent)
		return "frames";
	if (loss > d->g->options->loss)
		return "loss";
	if (result->unbegun)
		return result->shortage == SHORTAGE_CLIENTS ? "clients" : "frames";
	return result->end == PHASE_DONE ? NULL : "interrupted";
}

/* A server that had too much goes on with it for a while, for nobody: that is not the next try's. */
static double settle_s(const struct driver *d, const struct search *search)
{
	bool failed = search->n && search->probes[search->n - 1].limit;

	return failed ? fmax(SETTLE_S, d->g->options->timeout) : SETTLE_S;
}

/* True when the rate was borne for that long. */
static bool probe(struct driver *d, const struct phase *phase, double rate, double seconds,
		  struct outcome *outcome)
{
	struct search *search = &outcome->search;
	struct phase try = *phase;
	struct probe *probe;

	if (search->n == PROBES_MAX || d->interrupted)
		return false;
	try.rate = rate;
	try.grace = GRACE_S;
	try.total = (uint64_t)fmax(1, floor(rate * seconds + 0.5));
	drive_linger(d, settle_s(d, search));
	outcome->measured = drive_phase(d, &try);
	outcome->measured_any = true;
	probe = &search->probes[search->n++];
	*probe = (struct probe){
	    .rate = rate,
	    .loss = scenario_tally(d->g).loss,
	    .limit = verdict_of(d, &outcome->measured),
	    .final = seconds == d->g->options->duration,
	};
	return !probe->limit;
}

/* Doubles until a rate is too high; *low is the last that was not. */
static void climb(struct driver *d, const struct phase *phase, struct outcome *outcome, double *low,
		  double *high)
{
	const struct options *o = d->g->options;
	double rate = fmin(o->rate, o->max_rate);

	*low = 0;
	*high = o->max_rate;
	while (probe(d, phase, rate, o->probe, outcome)) {
		*low = rate;
		if (rate >= o->max_rate)
			return;
		rate = fmin(2 * rate, o->max_rate);
	}
	*high = rate;
}

static void bisect(struct driver *d, const struct phase *phase, struct outcome *outcome,
		   double *low, double *high)
{
	const struct options *o = d->g->options;

	while (*high - *low > *high * o->resolution && *high > 1 && !d->interrupted &&
	       outcome->search.n < PROBES_MAX - CONFIRM_TRIES) {
		double rate = (*low + *high) / 2;

		if (probe(d, phase, rate, o->probe, outcome))
			*low = rate;
		else
			*high = rate;
	}
}

/* Only when it is "loss" has the server been found out; otherwise it may bear more. */
static const char *limit_of(const struct search *search)
{
	const struct probe *lowest = NULL;

	for (size_t i = 0; i < search->n; i++) {
		const struct probe *probe = &search->probes[i];

		if (probe->limit && (!lowest || probe->rate <= lowest->rate))
			lowest = probe;
	}
	return lowest ? lowest->limit : "max-rate";
}

/*
 * From a rate that a short try bore and a long one did not. A server that lets requests wait can
 * take more than it does for a while: what it did in the long try is nearer to what it can.
 */
static double step_back(const struct driver *d, double rate)
{
	double seconds = stats_seconds(&d->g->stats);
	double done = seconds > 0 ? (double)scenario_tally(d->g).done / seconds : rate;

	return STEP_BACK * (done > 0 ? fmin(rate, done) : rate);
}

void search_run(struct driver *driver, const struct phase *phase, struct outcome *outcome)
{
	double low, high;

	climb(driver, phase, outcome, &low, &high);
	bisect(driver, phase, outcome, &low, &high);
	for (int i = 0; i < CONFIRM_TRIES && low > 0; i++, low = step_back(driver, low)) {
		if (!probe(driver, phase, low, driver->g->options->duration, outcome))
			continue;
		outcome->search.rate = outcome->rate = low;
		break;
	}
	outcome->search.limited_by = limit_of(&outcome->search);
}
