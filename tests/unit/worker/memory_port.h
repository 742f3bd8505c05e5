/* SPDX-License-Identifier: MIT */
/**
 * memory_port.h - a port made of memory: frames go in, frames come out, and every one is accounted for. A test fills
 * memory[] and len[] while the frame of that number is at home.
 */
#ifndef ETCDHCP_TESTS_UNIT_WORKER_MEMORY_PORT_H
#define ETCDHCP_TESTS_UNIT_WORKER_MEMORY_PORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "net/port.h"

#define FRAMES	   256
#define FRAME_SIZE 2048

struct memory_port {
	struct port port; /* first */
	pthread_mutex_t lock;
	uint8_t memory[FRAMES][FRAME_SIZE];
	uint32_t len[FRAMES];
	bool arriving[FRAMES], lent[FRAMES];
	unsigned sent, dropped, strays;
	uint8_t last[FRAME_SIZE];
	uint32_t last_len;
	_Atomic unsigned held_up_s; /* what the process is stopped for before it receives, once */
	_Atomic int64_t received_s; /* when the last frame was handed out, by the wall clock */
};

/** @p lends: frames may be taken that answer none received. */
struct memory_port *memory_port_new(bool lends);
void memory_port_free(struct memory_port *port);

/** Lets @p n frames arrive, all at once. */
void arrive(struct memory_port *p, size_t first, size_t n);
/** Waits until so many frames have come back, so many of them as replies; the bound only ends a run that has failed. */
void wait_for_frames(struct memory_port *p, unsigned home, unsigned sent);
void wait_home(struct memory_port *p, unsigned n);
/** One frame, there and back. */
void handle_one(struct memory_port *p, size_t slot);
/** Every frame is at home, and none came that had not been lent. */
void check_accounts(struct memory_port *p);

/** By the clock that received_s is of. */
int64_t wall_s(void);

#endif
