/* SPDX-License-Identifier: MIT */
/**
 * store/flight.h - transactions between being planned and being applied.
 *
 * While a transaction is under way, or its outcome unknown, no other may touch the same keys: each flight owns
 * the keys it reads and changes, and asks that need one of them wait in line on the flight that has it. So a batch never
 * changes a key twice, and two requests of one client never race. Preallocated, bounded; the store thread's own.
 */
#ifndef ETCDHCP_STORE_FLIGHT_H
#define ETCDHCP_STORE_FLIGHT_H

#include "lease/ask.h"
#include "store/kv.h"
#include "store/plan.h"

#define FLIGHT_MAX_KEYS 4

enum flight_stage {
	FLIGHT_COMMIT, /* the plan's transaction */
	FLIGHT_PROBE,  /* a linearizable read before a refusal */
	FLIGHT_RESOLVE, /* a linearizable read after an unknown outcome; the ask has been answered */
};

struct flight {
	enum flight_stage stage;
	struct ask *ask;            /* NULL: the store's own work, or answered already */
	enum ask_op op;
	struct lease_net *net;
	uint32_t addr;
	uint32_t former_addr;       /* the client's other record, 0: none */
	int64_t former_hold_s, former_promised_s;
	struct client_id client;    /* whom addr is for; len 0: nobody */
	struct plan plan;
	uint8_t n_keys;
	uint64_t keys[FLIGHT_MAX_KEYS];
	int8_t at_lease, at_client, at_former; /* indexes of their compares in the transaction, -1: none */
	struct ask *waiting, **waiting_end;
	struct flight *next;        /* free list, or the queue of those to be resolved */
};

struct flights; /* opaque */

struct flights *flights_new(uint32_t max);
void flights_free(struct flights *flights);
/** A zeroed flight, NULL when all are in use. */
struct flight *flight_take(struct flights *flights);
/** Gives it back, with the keys it owns. Its waiting line must be empty. */
void flight_give_back(struct flights *flights, struct flight *flight);
uint32_t flights_in_use(const struct flights *flights);

/** Keys, by hash: two that collide only wait for each other. */
uint64_t flight_lease_key(const struct lease_net *net, uint32_t addr);
uint64_t flight_client_key(const struct lease_net *net, uint64_t client_hash);

/** Brings the key's place in the table of owners near. */
void flight_prefetch(const struct flights *flights, uint64_t key);
/** Who owns a key; NULL: nobody. */
struct flight *flight_owner(const struct flights *flights, uint64_t key);
/** Makes @p flight the owner of a key that nobody owns (or that it owns already). */
void flight_own(struct flights *flights, struct flight *flight, uint64_t key);
/** Puts an ask at the end of the line. */
void flight_wait(struct flight *flight, struct ask *ask);

#endif
