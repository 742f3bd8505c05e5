/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin/http.h"

struct report {
	struct report_sources sources;
	struct admin_server *server;
};

/* ---- sums over workers ---- */

/* A table of counters in worker_counters: its family, its place and length, what its entries are called. */
struct counter_table {
	const char *name, *help;
	struct metrics_label extra; /* of all its samples; a NULL name: none */
	const char *label;
	size_t offset, n;
	const char *(*text)(int index);
};

static const char *type_text(int type)
{
	return dhcp_type_name((enum dhcp_type)type);
}

static const char *steer_text(int reason)
{
	static const char *const names[] = {
#define X(symbol, text) [symbol] = text,
		STEER_REASONS(X)
#undef X
	};
	return names[reason];
}

static const char *reject_text(int reject)
{
	return dhcp_reject_name((enum dhcp_reject)reject);
}

static const char *drop_text(int drop)
{
	return server_drop_name((enum server_drop)drop);
}

#define WORKER_TABLE(field) \
	offsetof(struct worker_counters, field), ARRAY_SIZE(((struct worker_counters *)0)->field)

#define DROPS "etcdhcp_drops_total"

/* Tables of one family stand together, the first with the family's help. */
static const struct counter_table worker_tables[] = {
	{"etcdhcp_requests_total", "Requests understood, by type.", {0}, "type",
	 WORKER_TABLE(requests), type_text},
	{"etcdhcp_replies_total", "Replies made, by type.", {0}, "type", WORKER_TABLE(replies),
	 type_text},
	{DROPS, "What got no answer: frames, messages, requests that the server decided on.",
	 {"stage", "decision"}, "reason", WORKER_TABLE(drops), drop_text},
	{DROPS, NULL, {"stage", "message"}, "reason", WORKER_TABLE(messages_refused), reject_text},
	{DROPS, NULL, {"stage", "frame"}, "reason", WORKER_TABLE(frames_refused), steer_text},
};

struct plain_counter {
	const char *name, *help;
	enum metrics_type type;
	size_t offset;
};

#define WORKER_COUNTER(field) offsetof(struct worker_counters, field)

static const struct plain_counter worker_plain[] = {
	{"etcdhcp_unsendable_total", "Replies that did not fit into any message the client takes.",
	 METRICS_COUNTER, WORKER_COUNTER(unsendable)},
	{"etcdhcp_extensions_total", "Holds asked to be extended behind a renewal.",
	 METRICS_COUNTER, WORKER_COUNTER(extensions)},
	{"etcdhcp_stood_in_total", "Requests of other servers' clients answered in their stead.",
	 METRICS_COUNTER, WORKER_COUNTER(stood_in)},
	{"etcdhcp_deferred_total", "DISCOVERs that waited for their turn under overload.",
	 METRICS_COUNTER, WORKER_COUNTER(deferred)},
	{"etcdhcp_waiting", "DISCOVERs that wait for their turn now.", METRICS_GAUGE,
	 WORKER_COUNTER(waiting)},
	{"etcdhcp_extensions_missed_total", "Extensions left to the next renewal: too much pending.",
	 METRICS_COUNTER, WORKER_COUNTER(extensions_missed)},
	{"etcdhcp_bursts_total", "Bursts of frames received.", METRICS_COUNTER,
	 WORKER_COUNTER(bursts)},
	{"etcdhcp_pending_requests", "Requests in the store's hands.", METRICS_GAUGE,
	 WORKER_COUNTER(pending)},
};

static uint64_t sum_workers(const struct report_sources *sources, size_t offset)
{
	uint64_t sum = 0;

	for (size_t w = 0; w < sources->n_workers; w++) {
		const char *counters = (const char *)worker_counters(sources->workers[w]);
		sum += counter_read((const counter_t *)(const void *)(counters + offset));
	}
	return sum;
}

/* Index 0 of each table means "nothing wrong" or no type: left out. */
static void write_table(const struct report_sources *sources, struct metrics_writer *w,
			const struct counter_table *table)
{
	if (table->help)
		metrics_family(w, table->name, METRICS_COUNTER, table->help);
	for (size_t i = 1; i < table->n; i++) {
		const struct metrics_label labels[] = {
			{table->label, table->text((int)i)}, table->extra, {NULL, NULL}};
		metrics_sample_u64(w, labels,
				   sum_workers(sources, table->offset + i * sizeof(counter_t)));
	}
}

static void write_workers(const struct report_sources *sources, struct metrics_writer *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(worker_tables); i++)
		write_table(sources, w, &worker_tables[i]);
	for (size_t i = 0; i < ARRAY_SIZE(worker_plain); i++) {
		metrics_family(w, worker_plain[i].name, worker_plain[i].type, worker_plain[i].help);
		metrics_sample_u64(w, METRICS_NO_LABELS,
				   sum_workers(sources, worker_plain[i].offset));
	}
}

static void write_reply_times(const struct report_sources *sources, struct metrics_writer *w)
{
	metrics_family(w, "etcdhcp_reply_seconds", METRICS_HISTOGRAM,
		       "From receiving a request to sending its reply.");
	for (int path = 0; path < WORKER_PATH_COUNT; path++) {
		struct histogram *sum = calloc(1, sizeof(*sum));
		for (size_t i = 0; sum && i < sources->n_workers; i++)
			histogram_merge(sum, worker_reply_times(sources->workers[i],
								(enum worker_path)path));
		if (sum)
			metrics_histogram(w,
					  METRICS_LABELS({"path", worker_path_name(
									  (enum worker_path)path)}),
					  sum, &metrics_seconds);
		free(sum);
	}
}

/* ---- networks ---- */

struct pool_metric {
	const char *name, *help, *state; /* state NULL: no such label; help NULL: as before */
	size_t offset;
};

#define POOL(field) offsetof(struct lease_net_counts, field)

static const struct pool_metric pool_metrics[] = {
	{"etcdhcp_pool_addresses",
	 "Addresses in a network's pools: free, due (free, but a record that is over is still to be "
	 "deleted), held, reserved. Together they are etcdhcp_pool_size.",
	 "free", POOL(pool_unused)},
	{"etcdhcp_pool_addresses", NULL, "due", POOL(pool_due)},
	{"etcdhcp_pool_addresses", NULL, "held", POOL(pool_held)},
	{"etcdhcp_pool_addresses", NULL, "reserved", POOL(pool_reserved)},
	{"etcdhcp_pool_size", "All addresses in a network's pools.", NULL, POOL(pool_all)},
	{"etcdhcp_pool_offered", "Addresses on offer, which are among the held ones.", NULL,
	 POOL(offered)},
};

/* All numbers of a network are of one moment: they add up in every scrape. */
static void write_pools(const struct server_view *view, struct metrics_writer *w)
{
	size_t n = view->config->n_networks;
	struct lease_net_counts *counts = calloc(n + 1, sizeof(*counts));

	for (size_t i = 0; counts && i < n; i++)
		lease_net_counts(view->nets[i], &counts[i]);
	for (size_t m = 0; counts && m < ARRAY_SIZE(pool_metrics); m++) {
		const struct pool_metric *metric = &pool_metrics[m];
		if (metric->help)
			metrics_family(w, metric->name, METRICS_GAUGE, metric->help);
		for (size_t i = 0; i < n; i++) {
			const struct metrics_label labels[] = {
				{"network", view->config->networks[i].name},
				{metric->state ? "state" : NULL, metric->state},
				{NULL, NULL}};
			uint64_t value;
			memcpy(&value, (const char *)&counts[i] + metric->offset, sizeof(value));
			metrics_sample_u64(w, labels, value);
		}
	}
	free(counts);
}

static void write_leases(const struct server_view *view, struct metrics_writer *w)
{
	metrics_family(w, "etcdhcp_leases", METRICS_GAUGE, "Records in the mirror, by state.");
	for (size_t i = 0; i < view->config->n_networks; i++) {
		const char *network = view->config->networks[i].name;
		struct lease_net_counts counts;
		lease_net_counts(view->nets[i], &counts);
		const uint64_t by_state[LEASE_STATE_COUNT] = {
			[LEASE_BOUND] = counts.bound,
			[LEASE_RELEASED] = counts.released,
			[LEASE_DECLINED] = counts.declined,
			[LEASE_REVOKED] = counts.revoked,
			[LEASE_UNREADABLE] = counts.unreadable,
		};
		for (int s = LEASE_BOUND; s < LEASE_STATE_COUNT; s++)
			metrics_sample_u64(
				w,
				METRICS_LABELS({"network", network},
					       {"state", lease_state_name((enum lease_state)s)}),
				by_state[s]);
	}
}

/* ---- the store ---- */

static void write_store_counters(const struct store_counters *counters, struct metrics_writer *w)
{
#define X(field, text)                                                          \
	metrics_family(w, "etcdhcp_store_" #field "_total", METRICS_COUNTER, text "."); \
	metrics_sample_u64(w, METRICS_NO_LABELS, counter_read(&counters->field));
	STORE_COUNTERS(X)
#undef X
}

static void gauge(struct metrics_writer *w, const char *name, const char *help, double value)
{
	metrics_family(w, name, METRICS_GAUGE, help);
	metrics_sample_f64(w, METRICS_NO_LABELS, value);
}

/* What is wrong, and the next step, stands in the log and in /readyz. */
static void write_problems(const struct kv_status *status, struct metrics_writer *w)
{
	static const char *const names[KV_PROBLEM_COUNT] = {
#define X(symbol, name) [KV_PROBLEM_##symbol] = name,
		KV_PROBLEMS(X)
#undef X
	};

	metrics_family(w, "etcdhcp_store_problem", METRICS_GAUGE,
		       "1 while something is wrong with the store, by what it hinders; the log says "
		       "what to do.");
	for (int i = 0; i < KV_PROBLEM_COUNT; i++)
		metrics_sample_u64(w, METRICS_LABELS({"source", names[i]}), status->problems[i]);
}

static void write_store(const struct report_sources *sources, struct metrics_writer *w)
{
	struct store_view view;

	store_view(sources->store, &view);
	write_store_counters(store_counters(sources->store), w);
	metrics_family(w, "etcdhcp_store_connected", METRICS_GAUGE,
		       "1 while the store answers: etcd's watch stream is up, or the file is open.");
	metrics_sample_u64(w, METRICS_LABELS({"store", view.backend}), view.connected);
	write_problems(&view.kv, w);
	gauge(w, "etcdhcp_store_astray",
	      "1 once the store has gone back behind what it had shown, or its members disagreed.", view.astray);
	gauge(w, "etcdhcp_store_loaded", "1 once the mirror has been complete.", view.loaded);
	gauge(w, "etcdhcp_store_staleness_seconds", "Since the last word from the store.",
	      (double)view.staleness_ns / NS_PER_S);
	gauge(w, "etcdhcp_store_revision", "Newest revision seen.", (double)view.kv.revision);
	gauge(w, "etcdhcp_store_bytes", "Size of the embedded store's data.",
	      (double)view.kv.bytes_stored);
	gauge(w, "etcdhcp_commit_queue", "Transactions waiting or under way.", (double)view.queued);
	gauge(w, "etcdhcp_unresolved_addresses", "Addresses whose last transaction's outcome is unknown.",
	      (double)view.unresolved);
	gauge(w, "etcdhcp_table_bytes", "Memory of the lease table.", (double)view.memory);
	metrics_family(w, "etcdhcp_store_reconnects_total", METRICS_COUNTER,
		       "Times that the connection to the store was made anew.");
	metrics_sample_u64(w, METRICS_NO_LABELS, view.kv.reconnects);
	metrics_family(w, "etcdhcp_store_reloads_total", METRICS_COUNTER,
		       "Full loads of the mirror after the first.");
	metrics_sample_u64(w, METRICS_NO_LABELS, view.kv.reloads);
	metrics_family(w, "etcdhcp_commit_batch_size", METRICS_HISTOGRAM,
		       "Transactions in a batch sent to the store.");
	metrics_histogram(w, METRICS_NO_LABELS, store_batch_sizes(sources->store), &metrics_sizes);
	metrics_family(w, "etcdhcp_commit_seconds", METRICS_HISTOGRAM,
		       "From sending a batch to knowing that it is durable.");
	metrics_histogram(w, METRICS_NO_LABELS, store_commit_times(sources->store),
			  &metrics_seconds);
}

/* ---- the servers ---- */

struct membership_gauge {
	const char *name, *help;
	size_t offset;
};

#define SECONDS_OF(field) offsetof(struct store_membership, field)

static const struct membership_gauge clock_gauges[] = {
	{"etcdhcp_clock_ahead_seconds",
	 "How far the latest of all known clocks may be ahead of this server's.",
	 SECONDS_OF(ahead_ns)},
	{"etcdhcp_clock_behind_seconds",
	 "How far the earliest of all known clocks may be behind this server's.",
	 SECONDS_OF(behind_ns)},
	{"etcdhcp_clock_mark_behind_seconds",
	 "How far all known clocks are behind what the store has seen; above 0 nobody is served.",
	 SECONDS_OF(mark_behind_ns)},
};

/* Of every server but this one. */
static const struct membership_gauge member_gauges[] = {
	{"etcdhcp_server_clock_offset_min_seconds",
	 "A server's clock minus this one's, at least.", offsetof(struct store_member, lower_ns)},
	{"etcdhcp_server_clock_offset_max_seconds",
	 "A server's clock minus this one's, at most.", offsetof(struct store_member, upper_ns)},
	{"etcdhcp_server_clock_disagreement_seconds",
	 "How far a server's clock is off this one's for certain; 0 within server.clock-tolerance.",
	 offsetof(struct store_member, disagreement_ns)},
};

static double seconds_at(const void *of, size_t offset)
{
	int64_t ns;

	memcpy(&ns, (const char *)of + offset, sizeof(ns));
	return (double)ns / NS_PER_S;
}

static void write_members(const struct store_membership *view, struct metrics_writer *w)
{
	metrics_family(w, "etcdhcp_server_info", METRICS_GAUGE, "The live servers, this one included.");
	for (size_t i = 0; i < view->n_members; i++)
		metrics_sample_u64(w,
				   METRICS_LABELS({"id", view->member[i].id},
						  {"version", view->member[i].version}),
				   1);
	metrics_family(w, "etcdhcp_server_started_seconds", METRICS_GAUGE,
		       "When a server started, by its own clock.");
	for (size_t i = 0; i < view->n_members; i++)
		metrics_sample_u64(w, METRICS_LABELS({"id", view->member[i].id}),
				   (uint64_t)view->member[i].started_s);
	for (size_t g = 0; g < ARRAY_SIZE(member_gauges); g++) {
		metrics_family(w, member_gauges[g].name, METRICS_GAUGE, member_gauges[g].help);
		for (size_t i = 1; i < view->n_members; i++)
			if (view->member[i].stamped)
				metrics_sample_f64(w, METRICS_LABELS({"id", view->member[i].id}),
						   seconds_at(&view->member[i],
							      member_gauges[g].offset));
	}
}

static void write_membership(const struct report_sources *sources, struct metrics_writer *w)
{
	struct store_membership view;

	store_membership(sources->store, &view);
	gauge(w, "etcdhcp_servers", "Live servers, this one included.", (double)view.n_members);
	gauge(w, "etcdhcp_share_buckets", "Of 256 hash buckets of clients, those that are this server's.",
	      view.buckets);
	gauge(w, "etcdhcp_servers_carried", "Clocks of servers that left and still count.",
	      (double)view.n_carried);
	gauge(w, "etcdhcp_server_registered", "1 while this server is registered among the others.",
	      view.registered);
	gauge(w, "etcdhcp_server_id_taken", "1 while another server has this server's id.",
	      view.taken);
	write_members(&view, w);
	for (size_t i = 0; i < ARRAY_SIZE(clock_gauges); i++)
		gauge(w, clock_gauges[i].name, clock_gauges[i].help,
		      seconds_at(&view, clock_gauges[i].offset));
}

/* ---- ports and the program ---- */

struct port_metric {
	const char *name, *help;
	size_t offset;
};

static const struct port_metric port_metrics[] = {
#define X(field, text) \
	{"etcdhcp_port_" #field "_total", text ".", offsetof(struct port_counters, field)},
	PORT_COUNTERS(X)
#undef X
};

static const struct port_metric ring_metrics[] = {
	{"etcdhcp_xdp_ring_rx_dropped_total", "Frames dropped for other reasons than a full ring.",
	 offsetof(struct xdp_ring_stats, rx_dropped)},
	{"etcdhcp_xdp_ring_rx_invalid_total", "Invalid receive descriptors.",
	 offsetof(struct xdp_ring_stats, rx_invalid)},
	{"etcdhcp_xdp_ring_tx_invalid_total", "Invalid transmit descriptors.",
	 offsetof(struct xdp_ring_stats, tx_invalid)},
	{"etcdhcp_xdp_ring_rx_full_total", "Frames dropped because the receive ring was full.",
	 offsetof(struct xdp_ring_stats, rx_ring_full)},
	{"etcdhcp_xdp_ring_fill_empty_total", "Times that the fill ring was empty.",
	 offsetof(struct xdp_ring_stats, fill_ring_empty)},
	{"etcdhcp_xdp_ring_tx_empty_total", "Times that the transmit ring was empty.",
	 offsetof(struct xdp_ring_stats, tx_ring_empty)},
};

typedef void (*port_visitor)(struct metrics_writer *w, const struct interface *interface,
			     size_t index, const struct port *port, const struct port_metric *metric);

static void for_each_port(const struct report_sources *sources, struct metrics_writer *w,
			  const struct port_metric *metric, port_visitor visit)
{
	metrics_family(w, metric->name, METRICS_COUNTER, metric->help);
	for (size_t i = 0; i < sources->n_interfaces; i++) {
		size_t n;
		struct port *const *ports = interface_ports(sources->interfaces[i], &n);
		for (size_t p = 0; p < n; p++)
			visit(w, sources->interfaces[i], p, ports[p], metric);
	}
}

static void visit_counter(struct metrics_writer *w, const struct interface *interface, size_t index,
			  const struct port *port, const struct port_metric *metric)
{
	const char *counters = (const char *)&port->counters;
	char queue[16];

	snprintf(queue, sizeof(queue), "%u", port->queue);
	metrics_sample_u64(w,
			   METRICS_LABELS({"interface", port->interface}, {"queue", queue},
					  {"kind", port_kind_name(port->kind)}),
			   counter_read((const counter_t *)(const void *)(counters +
									  metric->offset)));
}

static void visit_ring(struct metrics_writer *w, const struct interface *interface, size_t index,
		       const struct port *port, const struct port_metric *metric)
{
	struct xdp_ring_stats stats;
	uint64_t value;
	char queue[16];

	if (port->kind == PORT_PACKET || interface_ring_stats(interface, index, &stats))
		return;
	memcpy(&value, (const char *)&stats + metric->offset, sizeof(value));
	snprintf(queue, sizeof(queue), "%u", port->queue);
	metrics_sample_u64(w, METRICS_LABELS({"interface", port->interface}, {"queue", queue}),
			   value);
}

static void write_ports(const struct report_sources *sources, struct metrics_writer *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(port_metrics); i++)
		for_each_port(sources, w, &port_metrics[i], visit_counter);
	for (size_t i = 0; i < ARRAY_SIZE(ring_metrics); i++)
		for_each_port(sources, w, &ring_metrics[i], visit_ring);
}

static void write_verdicts(const struct report_sources *sources, struct metrics_writer *w)
{
	metrics_family(w, "etcdhcp_xdp_verdicts_total", METRICS_COUNTER,
		       "Frames seen by the XDP program: steered to us, or why they went to the kernel.");
	for (size_t i = 0; i < sources->n_interfaces; i++) {
		uint64_t counts[STEER_REASON_COUNT];
		if (interface_verdicts(sources->interfaces[i], counts))
			continue;
		for (int r = 0; r < STEER_REASON_COUNT; r++)
			metrics_sample_u64(
				w,
				METRICS_LABELS({"interface",
						interface_name(sources->interfaces[i])},
					       {"reason", steer_text(r)}),
				counts[r]);
	}
}

/* ---- the two callbacks ---- */

static void write_all(void *ctx, struct metrics_writer *w)
{
	const struct report_sources *sources = &((struct report *)ctx)->sources;
	const struct server_view *view =
		atomic_load_explicit(&sources->published->view, memory_order_acquire);

	metrics_family(w, "etcdhcp_build_info", METRICS_GAUGE, "The server's version and identity.");
	metrics_sample_u64(
		w, METRICS_LABELS({"version", ETCDHCP_VERSION}, {"id", sources->server->id}), 1);
	write_workers(sources, w);
	write_reply_times(sources, w);
	write_pools(view, w);
	write_leases(view, w);
	write_store(sources, w);
	write_membership(sources, w);
	write_ports(sources, w);
	write_verdicts(sources, w);
	gauge(w, "etcdhcp_clock_step_seconds", "How far the system clock was stepped since start.",
	      (double)clock_step_ns(sources->clock) / NS_PER_S);
}

struct page {
	char *text;
	size_t used, cap;
};

static void add_line(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add_line(struct page *page, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(page->text + page->used, page->cap - page->used, format, args);
	va_end(args);
	if (n > 0)
		page->used = min_size(page->used + (size_t)n, page->cap - 1);
}

/* Why nobody can be promised anything. */
static void add_obstacles(const struct store_view *view, const struct store_membership *members,
			  struct page *page)
{
	if (!view->loaded)
		add_line(page, "the mirror of the store is not complete yet\n");
	if (!view->connected)
		add_line(page, "the store is not connected\n");
	if (view->astray)
		add_line(page, "the store has gone back behind what it had shown, or its members disagree; mend "
			       "it and restart the server\n");
	if (members->mark_behind_ns > 0)
		add_line(page,
			 "this server's clock is %.1f s behind what the store has seen; correct it and "
			 "restart the server\n",
			 (double)members->mark_behind_ns / NS_PER_S);
	else if (view->loaded && view->connected && !view->astray)
		add_line(page, members->registered ? "the store has just failed to commit\n" :
						     "this server is not registered in the store\n");
	if (view->kv.problem[0])
		add_line(page, "%s\n", view->kv.problem);
}

/* What an operator should mend, though this server serves and does so safely. */
static void add_warnings(const struct store_membership *members, struct page *page)
{
	if (members->taken)
		add_line(page, "warning: another server has taken this server's id, %s\n",
			 members->key);
	if (members->step_ns)
		add_line(page, "warning: the system clock was stepped by %.1f s\n",
			 (double)members->step_ns / NS_PER_S);
	for (size_t i = 0; i < members->n_members; i++)
		if (members->member[i].disagreement_ns)
			add_line(page, "warning: the clock of server %s is %.1f s off this one's\n",
				 members->member[i].id,
				 (double)members->member[i].disagreement_ns / NS_PER_S);
}

static bool is_ready(void *ctx, char *why, size_t cap)
{
	const struct report_sources *sources = &((struct report *)ctx)->sources;
	struct store_membership members;
	struct store_view view;
	struct page page = {why, 0, cap};

	store_view(sources->store, &view);
	store_membership(sources->store, &members);
	if (!view.serving)
		add_obstacles(&view, &members, &page);
	add_warnings(&members, &page);
	return view.serving;
}

struct report *report_start(const struct report_sources *sources, struct config_error *error)
{
	struct report *report = calloc(1, sizeof(*report));
	struct admin_handlers handlers = {.metrics = write_all, .ready = is_ready, .ctx = report};

	if (!report) {
		snprintf(error->text, sizeof(error->text), "metrics: out of memory");
		return NULL;
	}
	report->sources = *sources;
	report->server = admin_start(sources->server->metrics_host, sources->server->metrics_port,
				     &handlers, error->text, sizeof(error->text));
	if (!report->server) {
		free(report);
		return NULL;
	}
	return report;
}

void report_stop(struct report *report)
{
	if (!report)
		return;
	admin_stop(report->server);
	free(report);
}
