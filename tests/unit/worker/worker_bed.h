/* SPDX-License-Identifier: MIT */
/** worker_bed.h - a worker on a memory port, and the server around it, over an embedded database of its own. */
#ifndef ETCDHCP_TESTS_UNIT_WORKER_WORKER_BED_H
#define ETCDHCP_TESTS_UNIT_WORKER_WORKER_BED_H

#include "messages.h"
#include "worker/internal.h"

#define PENDING 32

struct worker_bed {
	char directory[32];
	struct config *config;
	struct clock clock;
	struct store *store;
	struct lease_net *net;
	struct server_interface interface;
	struct server_view view;
	struct share_place share;
	struct worker_world world;
	struct memory_port *port;
	struct worker *worker;
	bool by_hand; /* the worker's thread does not run, the test does its work */
};

/** No other server shares the work: how every bed begins. */
extern const struct share alone;

/** Fixtures; *state is a bed whose worker runs. */
int bed_set_up(void **state);
/** The same, with a port that lends frames. */
int bed_set_up_lending(void **state);
/** The worker does not run: the thread of the test may do its work, and is registered with RCU for that. */
int bed_set_up_by_hand(void **state);
int bed_tear_down(void **state);

#endif
