/* SPDX-License-Identifier: MIT */
/**
 * perf/generator.h - the state of a run, shared by the parts that drive it.
 *
 * One thread owns all of it; the progress thread reads the counters. Data goes round:
 *
 *     drive.c      decides when: schedule, bursts, sleep
 *     exchange.c   what clients send: first messages, retransmissions, the REQUEST after an OFFER
 *     judge.c      what replies are: the answer that a client waits for, or a finding
 *     tenure.c     which client holds which address
 */
#ifndef ETCDHCP_PERF_GENERATOR_H
#define ETCDHCP_PERF_GENERATOR_H

#include "base/clock.h"
#include "perf/client.h"
#include "perf/leases.h"
#include "perf/message.h"
#include "perf/options.h"
#include "perf/relays.h"
#include "perf/servers.h"
#include "perf/stats.h"
#include "perf/wheel.h"
#include "perf/wire.h"

/** How much of the population has been bound since the phase began, and when. */
#define MILESTONES 3
struct milestones {
	uint64_t clients[MILESTONES]; /* so many ACKs; 0: never */
	uint64_t ns[MILESTONES];      /* since the run's start, 0: not yet */
};

struct generator {
	const struct options *options;
	struct wire *wire;
	struct population population;
	struct leases leases;
	struct servers servers;
	struct relays relays;
	struct wheel *wheel;
	struct message_template templates[MESSAGE_KIND_COUNT];

	uint64_t origin_ns; /* CLOCK_MONOTONIC when the run began; all other times count from it */
	uint64_t now_ns;    /* read once per burst */
	uint64_t random;
	uint64_t timeout_ns, retransmit_base_ns;
	bool retransmit; /* in this phase */
	bool endless;    /* and so until there is an answer */

	struct stats stats; /* of this phase */
	struct milestones milestones;
	counter_t findings[FINDING_COUNT]; /* of the whole run */
	counter_t in_flight;               /* clients that wait for an answer */
	counter_t holders;                 /* clients that hold leases */
	_Atomic(const char *) phase;       /* its name */
};

/** 0 or -ENOMEM; @p wire and @p options are borrowed. generator_fini is harmless then. */
int generator_init(struct generator *g, const struct options *options, struct wire *wire);
void generator_fini(struct generator *g);

/** What the population takes: clients, queues, and, as far as they have been used, timers and the
 * table of addresses (one per client). The wheel itself, 0.6 MiB, is not counted. */
double generator_bytes_per_client(const struct generator *g);

/** Reads the clock into now_ns. */
static inline void generator_tick(struct generator *g)
{
	g->now_ns = clock_mono_ns() - g->origin_ns;
}

/** Whole seconds since the run's start, as leases are counted; never 0. */
static inline uint32_t generator_seconds(uint64_t ns)
{
	return (uint32_t)(ns / NS_PER_S) + 1;
}

/** Where a client is. */
struct place {
	uint32_t relay;
	uint16_t vlan, outer_vlan; /* 0: untagged */
};
struct place generator_place(const struct generator *g, uint32_t index);

#endif
