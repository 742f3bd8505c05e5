/* SPDX-License-Identifier: MIT */
/**
 * perf/drive.h - when things happen: phases of a run, each driven by one loop on one core.
 *
 * Open loop: transactions are due at times that follow from the rate alone, and latencies count
 * from those, however late they leave (no coordinated omission). Closed loop: as many in flight as
 * the window allows.
 */
#ifndef ETCDHCP_PERF_DRIVE_H
#define ETCDHCP_PERF_DRIVE_H

#include "perf/generator.h"

struct phase {
	const char *name;
	uint32_t weights[ACTIVITY_COUNT];
	uint64_t total; /* transactions to begin */
	double rate;    /* per second; 0: closed loop */
	uint32_t window;
	bool retransmit, endless; /* see struct generator */
	double limit;             /* seconds; 0: none */
	double patience;          /* seconds without one more ACK; 0: endless */
	double grace;             /* seconds for what is late to begin after all */
	bool tolerant;            /* whatever is late may still begin, however late */
};

enum phase_end {
	PHASE_DONE,        /* everything was begun and has ended */
	PHASE_SHORT,       /* not everything could begin in time */
	PHASE_LIMIT,       /* the limit came first */
	PHASE_STALLED,     /* patience was lost */
	PHASE_INTERRUPTED, /* SIGINT or SIGTERM */
};

/** Why a transaction could not begin when it was due. */
enum shortage { SHORTAGE_NONE, SHORTAGE_FRAMES, SHORTAGE_CLIENTS };

struct phase_result {
	enum phase_end end;
	enum shortage shortage; /* the last one */
	uint64_t begun, unbegun;
	struct wire_losses losses;
};

/** How the counters stood after each interval. */
struct sample {
	double seconds; /* since the phase began */
	uint64_t sent, acks, naks, lost, retransmissions;
};

#define SAMPLES_MAX 65536

struct driver {
	struct generator *g;
	int signals; /* signalfd of what interrupts, -1: none */
	struct sample *samples;
	size_t n_samples;
	/* Of the phase at hand */
	const struct phase *phase;
	struct phase_result result;
	uint64_t begun_ns, sample_ns, progress_ns, progress_acks;
	uint32_t turns;
	bool interrupted; /* for good */
};

/** 0 or -ENOMEM. */
int driver_init(struct driver *driver, struct generator *g, int signals);
void driver_fini(struct driver *driver);

/** Clears stats and samples, runs the phase, leaves its numbers there. */
struct phase_result drive_phase(struct driver *driver, const struct phase *phase);

/** Goes on receiving for @p seconds: what is late or double may still come. */
void drive_linger(struct driver *driver, double seconds);

/** Learns the MAC addresses of the next hops; false when one does not answer for 5 seconds, or
 * --patience. */
bool drive_resolve(struct driver *driver);

/** When the k-th transaction (from 0) of a rate is due, after the phase began. */
static inline uint64_t schedule_ns(double rate, uint64_t k)
{
	return (uint64_t)((double)k * 1e9 / rate);
}

/** How many are due by then, at most @p total. */
static inline uint64_t schedule_due(double rate, uint64_t elapsed_ns, uint64_t total)
{
	double due = (double)elapsed_ns * rate / 1e9 + 1;

	return due >= (double)total ? total : (uint64_t)due;
}

#endif
