/* SPDX-License-Identifier: MIT */
#include "perf/verdict.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static void add(struct verdict *verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add(struct verdict *verdict, const char *format, ...)
{
	va_list arguments;

	assert(verdict->n < PROBLEMS_MAX);
	va_start(arguments, format);
	vsnprintf(verdict->problem[verdict->n++], sizeof(verdict->problem[0]), format, arguments);
	va_end(arguments);
}

static void judge_findings(struct verdict *verdict, const struct generator *g)
{
	for (size_t i = 0; i < FINDING_COUNT; i++) {
		uint64_t n = counter_read(&g->findings[i]);

		if (n > 0 && finding_defs[i].fails)
			add(verdict, "%" PRIu64 " %s (%s)", n, finding_defs[i].text,
			    finding_defs[i].key);
	}
}

static void judge_preparation(struct verdict *verdict, const struct driver *d,
			      const struct outcome *outcome)
{
	if (d->interrupted)
		add(verdict, "interrupted");
	else if (!outcome->resolved)
		add(verdict,
		    "no answer to ARP for the next hop of %" PRIu32 " relay agents: see "
		    "--server, --next-hop and --server-mac",
		    d->g->relays.unresolved);
	else if (!outcome->prepared)
		add(verdict, "only %" PRIu64 " clients obtained leases; then none for %g s",
		    outcome->leases, d->g->options->patience);
}

static void judge_unbegun(struct verdict *verdict, const struct phase_result *measured)
{
	if (measured->unbegun)
		add(verdict, "%" PRIu64 " transactions could not begin in time: %s",
		    measured->unbegun,
		    measured->shortage == SHORTAGE_CLIENTS ? "no client was idle (more --clients?)"
							   : "no frame was free (a lower --rate?)");
}

static void judge_losses(struct verdict *verdict, const struct wire_losses *losses)
{
	if (losses->not_received)
		add(verdict, "%" PRIu64 " replies were lost because the generator was too slow",
		    losses->not_received);
	if (losses->not_sent)
		add(verdict, "%" PRIu64 " messages could not be sent", losses->not_sent);
}

static void judge_measurement(struct verdict *verdict, const struct driver *d,
			      const struct outcome *outcome)
{
	const struct options *o = d->g->options;
	const struct phase_result *measured = &outcome->measured;
	struct tally tally = scenario_tally(d->g);

	if (o->search && outcome->search.rate == 0) {
		add(verdict, "no rate was found that the server bears");
		return;
	}
	if (measured->end == PHASE_LIMIT)
		add(verdict, "not all clients were bound within %g s", o->limit);
	judge_unbegun(verdict, measured);
	judge_losses(verdict, &measured->losses);
	if (tally.begun == 0)
		add(verdict, "no transaction could begin");
	if (tally.loss > o->loss)
		add(verdict, "%.4g %% of the transactions were lost or refused (%g %% are borne)",
		    tally.loss * 100, o->loss * 100);
}

void verdict_reach(struct verdict *verdict, const struct driver *driver,
		   const struct outcome *outcome)
{
	verdict->n = 0;
	judge_findings(verdict, driver->g);
	judge_preparation(verdict, driver, outcome);
	if (outcome->measured_any)
		judge_measurement(verdict, driver, outcome);
}
