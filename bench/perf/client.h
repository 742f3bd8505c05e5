/* SPDX-License-Identifier: MIT */
/**
 * perf/client.h - the simulated clients: one array, 32 bytes each, found without hashing.
 *
 * A transaction id is a client's index and generation, scrambled by a keyed bijection: a reply
 * leads to its client by arithmetic alone, and an xid that nobody sent decodes to a client whose
 * hardware address or generation does not fit. Idle clients wait in one of two queues, those
 * without a lease (cold) and those with one (bound); busy clients are in neither.
 */
#ifndef ETCDHCP_PERF_CLIENT_H
#define ETCDHCP_PERF_CLIENT_H

#include "base/types.h"

#define CLIENTS_MAX (UINT32_C(1) << 24)
#define NO_CLIENT   UINT32_MAX

/** What a client waits for. */
enum client_state {
	CLIENT_IDLE,
	CLIENT_DISCOVERING, /* an OFFER */
	CLIENT_REQUESTING,  /* the ACK of the address it was offered */
	CLIENT_RENEWING,
	CLIENT_REBINDING,
	CLIENT_REBOOTING,
	CLIENT_COMPARING, /* an OFFER, to select another server's */
	CLIENT_STATE_COUNT
};

static_assert(CLIENT_STATE_COUNT <= 8, "three bits");

#define CLIENT_ATTEMPTS_MAX 15
#define CLIENT_STEP_SHIFT   8 /* steps are told in units of 256 ns */
#define LEASE_FOREVER       UINT32_MAX
#define LEASE_NONE          0

/** Times count from the start of the run. */
struct client {
	uint64_t began_ns;    /* when the transaction's first message was meant to leave */
	uint32_t step;        /* when the present exchange's was: after began_ns, 256 ns each */
	uint32_t address;     /* leased or, while requesting, offered; host order, 0: none */
	uint32_t lease_end_s; /* LEASE_NONE, LEASE_FOREVER or a time */
	uint32_t deadline;    /* tick of the timer, 0: none */
	uint32_t enlisted;    /* tick under which the wheel has the client, 0: not at all */
	uint8_t state : 3;
	uint8_t moved : 1;    /* it held another address when this one was offered */
	uint8_t attempts : 4; /* messages sent in the present exchange; stays at the maximum */
	uint8_t generation;
	uint8_t given_up; /* bit k: the transaction k generations ago ended without an answer */
	uint8_t server;   /* index into servers */
};
static_assert(sizeof(struct client) == 32, "two clients per cache line");

/** Indexes of idle clients, first in, first out. */
struct client_queue {
	uint32_t *items;
	uint32_t size, head, n;
};

struct population {
	struct client *clients;
	uint32_t n;
	uint32_t salt;     /* of transaction ids */
	uint64_t mac_base; /* the first client's hardware address; the others' follow it */
	struct client_queue cold, bound;
};

/** All clients idle and cold. 0 or -ENOMEM; then population_fini is harmless. */
int population_init(struct population *p, uint32_t n, uint64_t mac_base, uint32_t salt);
void population_fini(struct population *p);

/** Of the client's present generation; host order. */
uint32_t population_xid(const struct population *p, uint32_t index);
/** The client and the generation that would have sent @p xid; NO_CLIENT when there is none. */
uint32_t population_find_xid(const struct population *p, uint32_t xid, uint8_t *generation);

void population_mac(const struct population *p, uint32_t index, uint8_t mac[6]);
/** NO_CLIENT when it is nobody's here. */
uint32_t population_find_mac(const struct population *p, const uint8_t mac[6]);

void queue_push(struct client_queue *queue, uint32_t index);
/** NO_CLIENT when empty. */
uint32_t queue_pop(struct client_queue *queue);
/** The client @p ahead places behind the head, for prefetching; NO_CLIENT when there is none. */
uint32_t queue_peek(const struct client_queue *queue, uint32_t ahead);
/** So that the order of addresses tells a server nothing about who comes next. */
void queue_shuffle(struct client_queue *queue, uint64_t *random);

/** xorshift64*: @p state must not be 0. */
static inline uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static inline bool client_has_lease(const struct client *client, uint32_t now_s)
{
	return client->lease_end_s > now_s;
}

/** When the present exchange's first message was meant to leave. */
static inline uint64_t client_step_ns(const struct client *client)
{
	return client->began_ns + ((uint64_t)client->step << CLIENT_STEP_SHIFT);
}

#endif
