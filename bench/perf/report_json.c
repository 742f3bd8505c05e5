/* SPDX-License-Identifier: MIT */
#include "perf/report.h"

#include "perf/json.h"

#define NS_TO_US 1e-3

static void put_options(struct json *json, const struct driver *d)
{
	const struct options *o = d->g->options;

	json_text(json, "version", ETCDHCP_VERSION);
	json_text(json, "scenario", scenario_name(o->scenario));
	json_text(json, "interface", o->interface);
	json_text(json, "port", wire_kind(d->g->wire));
	json_text(json, "attachment", options_relayed(o) ? "relay" : "direct");
	json_u64(json, "clients", o->clients);
	json_real(json, "bytes_per_client", generator_bytes_per_client(d->g));
	json_u64(json, "relays", options_relayed(o) ? o->relays : 0);
	json_bool(json, "retransmit", o->retransmit || o->scenario == SCENARIO_STORM);
	json_real(json, "timeout_s", o->timeout);
	json_real(json, "loss_bound", o->loss);
}

static void put_preparation(struct json *json, const struct outcome *outcome)
{
	json_open(json, "leases_first", '{');
	json_u64(json, "leases", outcome->leases);
	json_real(json, "seconds", outcome->leases_seconds);
	json_close(json, '}');
}

static void put_search(struct json *json, const struct search *search)
{
	if (search->n == 0)
		return;
	json_open(json, "search", '{');
	json_real(json, "rate", search->rate);
	json_text(json, "limited_by", search->limited_by);
	json_open(json, "probes", '[');
	for (size_t i = 0; i < search->n; i++) {
		const struct probe *probe = &search->probes[i];

		json_open(json, NULL, '{');
		json_real(json, "rate", probe->rate);
		json_real(json, "loss", probe->loss);
		json_bool(json, "borne", !probe->limit);
		json_text(json, "limit", probe->limit ? probe->limit : "");
		json_bool(json, "full_length", probe->final);
		json_close(json, '}');
	}
	json_close(json, ']');
	json_close(json, '}');
}

static void put_latency(struct json *json, const char *key, const struct latency *latency)
{
	static const struct {
		const char *key;
		double quantile;
	} quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}};

	json_open(json, key, '{');
	for (size_t i = 0; i < ARRAY_SIZE(quantiles); i++)
		json_real(json, quantiles[i].key,
			  (double)latency_quantile(latency, quantiles[i].quantile) * NS_TO_US);
	json_real(json, "max", (double)latency->max_ns * NS_TO_US);
	json_real(json, "mean", latency_mean(latency) * NS_TO_US);
	json_close(json, '}');
}

/* By the second, for those who look for clients that had to ask again. */
static void put_longer(struct json *json, const struct latency *latency)
{
	static const struct {
		const char *key;
		uint64_t seconds;
	} bounds[] = {{"1", 1}, {"2", 2}, {"5", 5}, {"10", 10}, {"20", 20}, {"60", 60}};

	json_open(json, "longer_than_s", '{');
	for (size_t i = 0; i < ARRAY_SIZE(bounds); i++)
		json_u64(json, bounds[i].key, latency_longer(latency, bounds[i].seconds * NS_PER_S));
	json_close(json, '}');
}

static void put_exchange(struct json *json, const char *key, const struct exchange_stats *exchange)
{
	if (exchange->started == 0)
		return;
	json_open(json, key, '{');
	json_u64(json, "begun", exchange->started);
	json_u64(json, "done", exchange->done);
	json_u64(json, "lost", exchange->lost);
	json_u64(json, "naks", exchange->naks);
	put_latency(json, "latency_us", &exchange->latency);
	put_longer(json, &exchange->latency);
	json_close(json, '}');
}

static void put_measurement(struct json *json, const struct driver *d,
			    const struct outcome *outcome)
{
	const struct stats *stats = &d->g->stats;
	struct tally tally = scenario_tally(d->g);
	double seconds = stats_seconds(stats);

	json_open(json, "measured", '{');
	json_real(json, "seconds", seconds);
	json_real(json, "rate", outcome->rate);
	json_u64(json, "begun", tally.begun);
	json_u64(json, "unbegun", outcome->measured.unbegun);
	json_u64(json, "done", tally.done);
	json_u64(json, "failed", tally.failed);
	json_real(json, "loss", tally.loss);
	json_real(json, "done_per_s", seconds > 0 ? (double)tally.done / seconds : 0);
#define X(name, text) json_u64(json, #name, counter_read(&stats->name));
	TOTALS(X)
#undef X
	json_u64(json, "not_received", outcome->measured.losses.not_received);
	json_u64(json, "not_sent", outcome->measured.losses.not_sent);
	json_open(json, "exchanges", '{');
	for (size_t i = 0; i < EXCHANGE_COUNT; i++)
		put_exchange(json, exchange_keys[i], &stats->exchange[i]);
	json_close(json, '}');
	put_latency(json, "sent_late_us", &stats->lag);
	json_close(json, '}');
}

static void put_storm(struct json *json, const struct generator *g)
{
	static const char *const keys[MILESTONES] = {"seconds_50", "seconds_99", "seconds_100"};
	uint64_t all = g->milestones.clients[MILESTONES - 1];
	uint64_t bound = counter_read(&g->stats.acks);

	if (g->options->scenario != SCENARIO_STORM)
		return;
	json_open(json, "storm", '{');
	json_u64(json, "clients", all);
	json_u64(json, "bound", bound);
	json_real(json, "bound_pct", all ? 100.0 * (double)bound / (double)all : 0);
	for (size_t i = 0; i < MILESTONES; i++) {
		if (g->milestones.ns[i])
			json_real(json, keys[i],
				  (double)(g->milestones.ns[i] - g->stats.began_ns) / 1e9);
	}
	json_close(json, '}');
}

static void put_time_line(struct json *json, const struct driver *d)
{
	json_open(json, "time_line", '[');
	for (size_t i = 0; i < d->n_samples; i++) {
		const struct sample *sample = &d->samples[i];

		json_open(json, NULL, '{');
		json_real(json, "seconds", sample->seconds);
		json_u64(json, "sent", sample->sent);
		json_u64(json, "acks", sample->acks);
		json_u64(json, "naks", sample->naks);
		json_u64(json, "lost", sample->lost);
		json_u64(json, "retransmissions", sample->retransmissions);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void put_findings(struct json *json, const struct generator *g)
{
	json_open(json, "findings", '{');
	for (size_t i = 0; i < FINDING_COUNT; i++)
		json_u64(json, finding_defs[i].key, counter_read(&g->findings[i]));
	json_close(json, '}');
}

static void put_verdict(struct json *json, const struct verdict *verdict)
{
	json_bool(json, "valid", verdict->n == 0);
	json_open(json, "problems", '[');
	for (size_t i = 0; i < verdict->n; i++)
		json_text(json, NULL, verdict->problem[i]);
	json_close(json, ']');
}

void report_json(FILE *out, const struct driver *driver, const struct outcome *outcome,
		 const struct verdict *verdict)
{
	struct json json = {.out = out};

	json_open(&json, NULL, '{');
	put_options(&json, driver);
	put_preparation(&json, outcome);
	put_search(&json, &outcome->search);
	if (outcome->measured_any) {
		put_measurement(&json, driver, outcome);
		put_storm(&json, driver->g);
		put_time_line(&json, driver);
	}
	put_findings(&json, driver->g);
	put_verdict(&json, verdict);
	json_close(&json, '}');
}
