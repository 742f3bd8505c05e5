/* SPDX-License-Identifier: MIT */
#include "perf/drive.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "perf/arp.h"
#include "perf/judge.h"

#define BURST        64 /* of everything, per turn */
#define AHEAD        12 /* clients that are prefetched */
#define FRAMES_AHEAD 4
#define RECEIVE_MAX  4     /* bursts per port and turn: replies are read before more is asked */
#define RARELY       64    /* turns between looks at ARP and signals */
#define SLEEP_MIN_NS 50000 /* so much earlier we wake, and spin until it is time */
#define SLEEP_MAX_NS 100000000
#define GRACE        0.02 /* of a phase, beside phase.grace */
#define RESOLVE_S    5
#define ASK_AGAIN_S  0.02

int driver_init(struct driver *driver, struct generator *g, int signals)
{
	*driver = (struct driver){.g = g, .signals = signals};
	driver->samples = calloc(SAMPLES_MAX, sizeof(*driver->samples));
	return driver->samples ? 0 : -ENOMEM;
}

void driver_fini(struct driver *driver)
{
	free(driver->samples);
	driver->samples = NULL;
}

static uint64_t elapsed(const struct driver *d)
{
	return d->g->now_ns > d->begun_ns ? d->g->now_ns - d->begun_ns : 0;
}

/* Another core has just written the frame: all of its lines are on their way before the first one
 * is needed. */
static void prefetch_frame(const struct frame *frame)
{
	for (uint32_t at = 0; at < frame->len; at += CACHE_LINE)
		__builtin_prefetch(frame->data + at);
}

/* Takes a burst from a port that delivers nothing but replies; every one may cause a REQUEST. */
static size_t receive_fast(struct generator *g, struct port *port)
{
	struct frame frames[BURST];
	struct judged judged[BURST];
	size_t n = port_receive(port, frames, min_size(BURST, g->wire->n_free));

	if (n == 0)
		return 0;
	for (size_t i = 0; i < min_size(n, FRAMES_AHEAD); i++)
		prefetch_frame(&frames[i]);
	for (size_t i = 0; i < n; i++) {
		if (i + FRAMES_AHEAD < n)
			prefetch_frame(&frames[i + FRAMES_AHEAD]);
		judge_prepare(g, &frames[i], &judged[i]);
	}
	generator_tick(g);
	for (size_t i = 0; i < n; i++)
		judge_reply(g, &judged[i]);
	port_drop(port, frames, n);
	return n;
}

static size_t drain(struct generator *g, struct port *port)
{
	size_t n = 0, got;

	for (int bursts = 0; bursts < RECEIVE_MAX; bursts++) {
		got = receive_fast(g, port);
		n += got;
		if (got < BURST)
			break;
		wire_prepare(g->wire, WIRE_OUTBOX);
	}
	return n;
}

/* The same from the AF_PACKET port, where ARP comes in, too. */
static size_t receive_slow(struct generator *g, struct port *port)
{
	struct frame frames[BURST];
	size_t n = port_receive(port, frames, min_size(BURST, g->wire->n_free));

	generator_tick(g);
	for (size_t i = 0; i < n; i++) {
		struct judged judged;
		bool answered;

		if (arp_receive(g, &frames[i], &answered)) {
			if (answered)
				port_send(port, &frames[i], 1);
			else
				port_drop(port, &frames[i], 1);
			continue;
		}
		judge_prepare(g, &frames[i], &judged);
		judge_reply(g, &judged);
		port_drop(port, &frames[i], 1);
	}
	return n;
}

static size_t receive(struct driver *d, bool all)
{
	struct wire *wire = d->g->wire;
	size_t n = 0;

	for (size_t i = 0; i < wire->n_fast; i++)
		n += drain(d->g, wire->ports[i]);
	if (wire->n_fast == 0 || all)
		n += receive_slow(d->g, wire->ports[wire->n_ports - 1]);
	return n;
}

static size_t expire(struct generator *g)
{
	uint32_t indexes[BURST], tick;
	size_t n = wheel_take(g->wheel, wheel_tick(g->now_ns), &tick, indexes,
			      min_size(BURST, g->wire->n_free));

	for (size_t i = 0; i < n; i++)
		__builtin_prefetch(&g->population.clients[indexes[i]], 1);
	for (size_t i = 0; i < n; i++)
		exchange_expire(g, indexes[i], tick);
	return n;
}

static enum activity pick(struct driver *d)
{
	const uint32_t *weights = d->phase->weights;
	uint64_t sum = 0, at;
	int activity = 0;

	for (size_t i = 0; i < ACTIVITY_COUNT; i++)
		sum += weights[i];
	at = random_next(&d->g->random) % sum;
	while (at >= weights[activity])
		at -= weights[activity++];
	return (enum activity)activity;
}

static void prefetch_next(const struct generator *g)
{
	uint32_t bound = queue_peek(&g->population.bound, AHEAD);
	uint32_t cold = queue_peek(&g->population.cold, AHEAD);

	if (bound != NO_CLIENT)
		__builtin_prefetch(&g->population.clients[bound], 1);
	if (cold != NO_CLIENT)
		__builtin_prefetch(&g->population.clients[cold], 1);
}

static bool begin_one(struct driver *d, uint64_t intended_ns)
{
	struct generator *g = d->g;

	prefetch_next(g);
	if (exchange_begin(g, pick(d), intended_ns)) {
		d->result.begun++;
		return true;
	}
	d->result.shortage = wire_next(g->wire) ? SHORTAGE_CLIENTS : SHORTAGE_FRAMES;
	return false;
}

/* How many transactions may begin now. */
static uint64_t due(const struct driver *d)
{
	const struct phase *phase = d->phase;
	uint64_t left = phase->total - d->result.begun;
	uint64_t in_flight = counter_read(&d->g->in_flight);

	if (d->result.unbegun)
		return 0;
	if (phase->rate == 0)
		return in_flight < phase->window ? min_u64(left, phase->window - in_flight) : 0;
	return schedule_due(phase->rate, elapsed(d), phase->total) - d->result.begun;
}

static size_t begin(struct driver *d)
{
	uint64_t n = min_u64(due(d), BURST);
	double rate = d->phase->rate;
	size_t begun = 0;

	while (begun < n) {
		uint64_t intended_ns = d->g->now_ns;

		if (rate != 0)
			intended_ns = d->begun_ns + schedule_ns(rate, d->result.begun);
		if (!begin_one(d, intended_ns))
			break;
		begun++;
	}
	return begun;
}

static uint64_t slack_ns(const struct driver *d)
{
	return (uint64_t)(d->g->options->slack * 1e9);
}

/* When the next transaction, timer tick or sample is due. */
static uint64_t next_event(const struct driver *d)
{
	const struct generator *g = d->g;
	uint64_t next = d->sample_ns;

	if (counter_read(&g->in_flight) > 0)
		next = min_u64(next, ((g->now_ns >> WHEEL_TICK_SHIFT) + 1) << WHEEL_TICK_SHIFT);
	if (d->phase->rate != 0 && d->result.begun < d->phase->total && !d->result.unbegun)
		next = min_u64(next, d->begun_ns + slack_ns(d) +
				     schedule_ns(d->phase->rate, d->result.begun));
	return next;
}

static void doze(struct driver *d)
{
	struct wire *wire = d->g->wire;
	struct pollfd fds[WIRE_PORTS_MAX + 1];
	uint64_t early = slack_ns(d) ? 0 : SLEEP_MIN_NS;
	uint64_t next = next_event(d), wait;
	struct timespec time;

	if (d->g->options->spin || next <= d->g->now_ns + early)
		return;
	wait = min_u64(next - d->g->now_ns - early, SLEEP_MAX_NS);
	time = (struct timespec){.tv_nsec = (long)wait};
	for (size_t i = 0; i < wire->n_ports; i++)
		fds[i] = (struct pollfd){.fd = wire->ports[i]->fd, .events = POLLIN};
	fds[wire->n_ports] = (struct pollfd){.fd = d->signals, .events = POLLIN};
	ppoll(fds, wire->n_ports + 1, &time, NULL);
	d->turns = 0; /* whatever woke us is looked at */
}

static bool signalled(const struct driver *d)
{
	struct signalfd_siginfo info;

	return d->signals >= 0 && read(d->signals, &info, sizeof(info)) == sizeof(info);
}

static void add_sample(struct driver *d)
{
	const struct stats *stats = &d->g->stats;

	if (d->n_samples == SAMPLES_MAX)
		return;
	d->samples[d->n_samples++] = (struct sample){
	    .seconds = (double)elapsed(d) / 1e9,
	    .sent = counter_read(&stats->sent),
	    .acks = counter_read(&stats->acks),
	    .naks = counter_read(&stats->naks),
	    .lost = counter_read(&stats->lost),
	    .retransmissions = counter_read(&stats->retransmissions),
	};
}

static void keep_samples(struct driver *d)
{
	uint64_t interval_ns = (uint64_t)(d->g->options->interval * 1e9);

	if (d->g->now_ns < d->sample_ns)
		return;
	add_sample(d);
	d->sample_ns += interval_ns * ((d->g->now_ns - d->sample_ns) / interval_ns + 1);
}

/* One round; true when there was anything to do. */
static bool turn(struct driver *d)
{
	struct generator *g = d->g;
	bool rarely = d->turns++ % RARELY == 0;
	size_t done;

	wire_prepare(g->wire, WIRE_OUTBOX);
	generator_tick(g);
	done = receive(d, rarely);
	done += expire(g);
	done += begin(d);
	wire_flush(g->wire);
	keep_samples(d);
	if (rarely && signalled(d))
		d->interrupted = true;
	return done > 0;
}

static bool lost_patience(struct driver *d)
{
	uint64_t acks = counter_read(&d->g->stats.acks);

	if (acks != d->progress_acks) {
		d->progress_acks = acks;
		d->progress_ns = d->g->now_ns;
	}
	return d->phase->patience > 0 &&
	       (double)(d->g->now_ns - d->progress_ns) > d->phase->patience * 1e9;
}

/* Sets the end when it has come; true then. */
static bool has_ended(struct driver *d)
{
	const struct phase *phase = d->phase;
	struct phase_result *result = &d->result;
	double seconds = (double)elapsed(d) / 1e9;

	if (d->interrupted)
		result->end = PHASE_INTERRUPTED;
	else if (phase->limit > 0 && seconds > phase->limit)
		result->end = PHASE_LIMIT;
	else if (lost_patience(d))
		result->end = PHASE_STALLED;
	if (result->end > PHASE_SHORT)
		return true;
	if (phase->rate != 0 && !phase->tolerant && !result->unbegun &&
	    seconds > (double)phase->total / phase->rate * (1 + GRACE) + phase->grace) {
		result->unbegun = phase->total - result->begun;
		result->end = result->unbegun ? PHASE_SHORT : PHASE_DONE;
	}
	return (result->begun + result->unbegun == phase->total) &&
	       counter_read(&d->g->in_flight) == 0;
}

static void start(struct driver *d, const struct phase *phase)
{
	struct generator *g = d->g;

	g->retransmit = phase->retransmit;
	g->endless = phase->endless;
	g->phase = phase->name;
	stats_clear(&g->stats);
	generator_tick(g);
	d->phase = phase;
	d->result = (struct phase_result){.losses = wire_losses(g->wire)};
	d->begun_ns = d->progress_ns = g->now_ns;
	d->sample_ns = g->now_ns + (uint64_t)(g->options->interval * 1e9);
	d->progress_acks = 0;
	d->n_samples = 0;
	d->turns = 0;
	g->stats.began_ns = g->stats.ended_ns = g->now_ns;
}

struct phase_result drive_phase(struct driver *d, const struct phase *phase)
{
	struct wire_losses after;

	start(d, phase);
	while (!has_ended(d)) {
		if (!turn(d))
			doze(d);
	}
	add_sample(d);
	exchange_abandon_all(d->g);
	after = wire_losses(d->g->wire);
	d->result.losses.not_received = after.not_received - d->result.losses.not_received;
	d->result.losses.not_sent = after.not_sent - d->result.losses.not_sent;
	return d->result;
}

void drive_linger(struct driver *d, double seconds)
{
	static const struct phase nothing = {.name = "linger"};
	const struct phase *phase = d->phase;
	uint64_t end_ns = d->g->now_ns + (uint64_t)(seconds * 1e9);

	d->phase = &nothing;
	d->sample_ns = end_ns + NS_PER_S;
	while (d->g->now_ns < end_ns && !d->interrupted) {
		if (!turn(d))
			doze(d);
	}
	d->phase = phase;
}

bool drive_resolve(struct driver *d)
{
	const struct relays *relays = &d->g->relays;
	uint64_t end_ns;

	generator_tick(d->g);
	end_ns = d->g->now_ns + (uint64_t)(fmin(RESOLVE_S, d->g->options->patience) * 1e9);
	while (relays->unresolved > 0 && d->g->now_ns < end_ns && !d->interrupted) {
		wire_prepare(d->g->wire, WIRE_OUTBOX);
		arp_ask(d->g);
		drive_linger(d, ASK_AGAIN_S);
	}
	return relays->unresolved == 0;
}
