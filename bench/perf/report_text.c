/* SPDX-License-Identifier: MIT */
#include "perf/report.h"

#include <inttypes.h>

static void print_population(FILE *out, const struct driver *d)
{
	const struct options *o = d->g->options;

	fprintf(out, "%s: %" PRIu32 " clients", scenario_name(o->scenario), o->clients);
	if (options_relayed(o))
		fprintf(out, " behind %" PRIu32 " relay agent%s", o->relays,
			o->relays == 1 ? "" : "s");
	else
		fputs(", directly attached", out);
	if (o->vlan.first)
		fprintf(out, ", VLAN %" PRIu32 "-%" PRIu32, o->vlan.first, o->vlan.last);
	if (o->outer_vlan.first)
		fprintf(out, " in %" PRIu32 "-%" PRIu32, o->outer_vlan.first, o->outer_vlan.last);
	fprintf(out, "; %s (%s); %.1f bytes of memory per client\n", o->interface,
		wire_kind(d->g->wire), generator_bytes_per_client(d->g));
}

static void print_preparation(FILE *out, const struct outcome *outcome)
{
	if (outcome->leases_seconds > 0)
		fprintf(out, "leases obtained first: %" PRIu64 " in %.1f s (%.0f/s)\n",
			outcome->leases, outcome->leases_seconds,
			(double)outcome->leases / outcome->leases_seconds);
}

static void print_search(FILE *out, const struct search *search)
{
	if (search->n == 0)
		return;
	fputs("search:\n", out);
	for (size_t i = 0; i < search->n; i++) {
		const struct probe *probe = &search->probes[i];

		fprintf(out, "  %12.0f/s  loss %8.4f %%  %s%s\n", probe->rate, probe->loss * 100,
			probe->limit ? "too fast: " : "borne",
			probe->limit ? probe->limit : (probe->final ? ", full length" : ""));
	}
	fprintf(out, "highest rate: %.0f/s, limited by %s\n", search->rate, search->limited_by);
}

static void print_latency(FILE *out, const struct latency *latency)
{
	static const double quantiles[] = {0.5, 0.9, 0.99, 0.999};

	for (size_t i = 0; i < ARRAY_SIZE(quantiles); i++)
		fprintf(out, " %9.0f", (double)latency_quantile(latency, quantiles[i]) / 1e3);
	fprintf(out, " %9.0f\n", (double)latency->max_ns / 1e3);
}

static void print_exchanges(FILE *out, const struct stats *stats)
{
	fprintf(out, "\n%-18s %11s %11s %9s %9s %9s %9s %9s %9s %9s\n", "exchange", "begun", "done",
		"lost", "nak", "p50 us", "p90", "p99", "p99.9", "max");
	for (size_t i = 0; i < EXCHANGE_COUNT; i++) {
		const struct exchange_stats *exchange = &stats->exchange[i];

		if (exchange->started == 0)
			continue;
		fprintf(out, "%-18s %11" PRIu64 " %11" PRIu64 " %9" PRIu64 " %9" PRIu64,
			exchange_titles[i], exchange->started, exchange->done, exchange->lost,
			exchange->naks);
		if (exchange->latency.n == 0)
			fputs(i == EXCHANGE_RELEASE ? "  (has no answer)\n" : "\n", out);
		else
			print_latency(out, &exchange->latency);
	}
	fprintf(out, "%-18s %51s", "sent late by", "");
	print_latency(out, &stats->lag);
}

/* What did not happen is not worth a line. */
static void print_total(FILE *out, uint64_t n, const char *text)
{
	if (n > 0)
		fprintf(out, "%12" PRIu64 "  %s\n", n, text);
}

static void print_totals(FILE *out, const struct generator *g, const struct outcome *outcome)
{
	const struct stats *stats = &g->stats;
	struct tally tally = scenario_tally(g);
	double seconds = stats_seconds(stats);

	fputc('\n', out);
#define X(name, text) print_total(out, counter_read(&stats->name), text);
	TOTALS(X)
#undef X
	fprintf(out, "%12.2f  seconds, %.0f transactions/s done", seconds,
		seconds > 0 ? (double)tally.done / seconds : 0);
	if (outcome->rate > 0)
		fprintf(out, " of %.0f/s begun", outcome->rate);
	fprintf(out, "; loss %.4f %%\n", tally.loss * 100);
}

static void print_findings(FILE *out, const struct generator *g)
{
	bool any = false;

	for (size_t i = 0; i < FINDING_COUNT; i++) {
		uint64_t n = counter_read(&g->findings[i]);

		if (n == 0)
			continue;
		fprintf(out, "%s%12" PRIu64 "  %s%s\n", any ? "" : "\nof all replies:\n", n,
			finding_defs[i].text, finding_defs[i].fails ? "  <-- wrong" : "");
		any = true;
	}
}

static void print_storm(FILE *out, const struct generator *g)
{
	static const char *const shares[MILESTONES] = {"50", "99", "100"};

	if (g->options->scenario != SCENARIO_STORM)
		return;
	fputs("\nstorm:\n", out);
	for (size_t i = 0; i < MILESTONES; i++) {
		if (g->milestones.ns[i])
			fprintf(out, "%12.2f  seconds until %s %% were bound\n",
				(double)(g->milestones.ns[i] - g->stats.began_ns) / 1e9, shares[i]);
		else
			fprintf(out, "%12s  %s %% were never bound\n", "-", shares[i]);
	}
}

static void print_time_line(FILE *out, const struct driver *d)
{
	struct sample before = {0};

	if (d->g->options->scenario != SCENARIO_STORM)
		return;
	fprintf(out, "\n%10s %12s %12s %12s\n", "second", "sent/s", "bound/s", "bound");
	for (size_t i = 0; i < d->n_samples; i++) {
		const struct sample *sample = &d->samples[i];
		double span = sample->seconds - before.seconds;

		if (span <= 0)
			continue;
		fprintf(out, "%10.1f %12.0f %12.0f %12" PRIu64 "\n", sample->seconds,
			(double)(sample->sent - before.sent) / span,
			(double)(sample->acks - before.acks) / span, sample->acks);
		before = *sample;
	}
}

void report_text(FILE *out, const struct driver *driver, const struct outcome *outcome,
		 const struct verdict *verdict)
{
	const struct generator *g = driver->g;

	print_population(out, driver);
	print_preparation(out, outcome);
	print_search(out, &outcome->search);
	if (outcome->measured_any) {
		print_exchanges(out, &g->stats);
		print_totals(out, g, outcome);
		print_storm(out, g);
		print_time_line(out, driver);
	}
	print_findings(out, g);
	fputc('\n', out);
	for (size_t i = 0; i < verdict->n; i++)
		fprintf(out, "invalid: %s\n", verdict->problem[i]);
	if (verdict->n == 0)
		fputs("valid\n", out);
}
