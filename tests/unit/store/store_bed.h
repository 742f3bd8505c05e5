/* SPDX-License-Identifier: MIT */
/**
 * store_bed.h - a store over a database of its own, driven as one worker drives it. Failures and waits that are too
 * long end the test that called.
 */
#ifndef ETCDHCP_TESTS_STORE_BED_H
#define ETCDHCP_TESTS_STORE_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/thread.h"
#include "store/store.h"

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define FIRST IP(10, 6, 0, 10)
#define POOL  200
#define HOLD  2000
/* A second network, "large", with a pool of 10,000 from here on. */
#define LARGE IP(10, 8, 1, 0)
/* Rounds of waiting, and how long each is: a bound that only a failure reaches. */
#define AGAIN_US 2000
#define ROUNDS	 20000

struct store_bed {
	char directory[32]; /* "": etcd */
	struct config *config;
	struct clock clock;
	struct store *store;
	struct lease_net *net, *nets[2]; /* net: the first */
	int64_t offset_s; /* of the clock of the next life */
};

/** Fixtures of a test with an embedded database; *state is a bed whose store is open. */
int bed_set_up(void **state);
int bed_tear_down(void **state);

/** A bed over what @p store_section of the configuration names; its store is open. */
struct store_bed *bed_new(const char *store_section, const char *id);
void bed_free(struct store_bed *bed);

/** Opens and waits until it serves. */
void bed_open(struct store_bed *bed);
void bed_close(struct store_bed *bed);

void bed_prepare(struct store_bed *bed, struct ask *ask, enum ask_op op, unsigned who, uint32_t addr);
void bed_submit(struct store_bed *bed, struct ask *ask);
/** The next answered ask. */
struct ask *bed_answer(struct store_bed *bed);
/** Submits what is prepared, and waits for it. */
enum ask_result bed_exchange(struct store_bed *bed, struct ask *ask);
/** Prepares, submits and waits. */
enum ask_result bed_ask(struct store_bed *bed, struct ask *ask, enum ask_op op, unsigned who,
			uint32_t addr);
/** The same with a hold of @p hold_s; @p until_s is until when the address is held then. */
enum ask_result bed_ask_held(struct store_bed *bed, enum ask_op op, unsigned who, uint32_t addr,
			     uint32_t hold_s, int64_t *until_s);

/** One ask of several in a row, and what must come of it. */
struct bed_step {
	enum ask_op op;
	unsigned who;
	uint32_t addr;
	enum ask_result result;
};

/** Asks one after the other. */
void bed_follow(struct store_bed *bed, const struct bed_step *steps, size_t n);

/** The address is another's for certain, or between two clocks perhaps not any more. */
void bed_assert_not_yet(enum ask_result result);
/** Binds as soon as the address may be had; returns until when it is held then. */
int64_t bed_bind_when_free(struct store_bed *bed, unsigned who, uint32_t addr, uint32_t hold_s);
/** By every clock. */
void bed_assert_past(struct store_bed *bed, int64_t until_s);
/** Waits until just so many asks are with the store thread. */
void bed_wait_queued(struct store_bed *bed, uint64_t wanted);

#endif
