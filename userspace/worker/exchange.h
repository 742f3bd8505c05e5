/* SPDX-License-Identifier: MIT */
/**
 * worker/exchange.h - requests that wait for the store: the ask, and the frame that will become the reply.
 *
 * Preallocated; one worker's own. A background exchange (an extension, a release) holds no frame.
 */
#ifndef ETCDHCP_WORKER_EXCHANGE_H
#define ETCDHCP_WORKER_EXCHANGE_H

#include <stdlib.h>

#include "lease/ask.h"
#include "net/frame.h"

struct exchange {
	struct ask ask;
	struct packet packet; /* unless ask.background */
	struct exchange *next;
};

struct exchanges {
	struct exchange *all, *unused;
	unsigned max, in_use;
	unsigned extensions; /* of those in use */
};

/** 0 or -ENOMEM. */
static inline int exchanges_init(struct exchanges *exchanges, unsigned max)
{
	exchanges->all = calloc(max, sizeof(*exchanges->all));
	if (!exchanges->all)
		return -1;
	exchanges->max = max;
	for (unsigned i = 0; i < max; i++) {
		exchanges->all[i].next = exchanges->unused;
		exchanges->unused = &exchanges->all[i];
	}
	return 0;
}

static inline void exchanges_fini(struct exchanges *exchanges)
{
	free(exchanges->all);
	exchanges->all = exchanges->unused = NULL;
}

/**
 * How much of the bound each kind of request may find used and still be taken, in eighths. Under
 * overload DISCOVERs go first, then what follows on an offer; what a client already has comes last.
 * So a client that was offered an address can have it, and no work is begun that ends in nothing.
 * An extension that is missed now is asked for again at the next renewal.
 */
static const uint8_t exchange_eighths[ASK_OP_COUNT] = {
	[ASK_OFFER] = 4,  [ASK_FORGET] = 4,  [ASK_BIND] = 6,    [ASK_EXTEND] = 7,
	[ASK_RELEASE] = 7, [ASK_DECLINE] = 7, [ASK_CONFIRM] = 8, [ASK_RENEW] = 8,
};

/**
 * And how much extensions alone may use: when the store comes back from an outage, all clients' are due at once, and new
 * clients must find room beside them.
 */
#define EXCHANGE_EXTENSION_EIGHTHS 2

/** With ask.op set, which stays until it is given back. NULL when there is no room for one of that kind. */
static inline struct exchange *exchange_take(struct exchanges *exchanges, enum ask_op op)
{
	struct exchange *exchange = exchanges->unused;

	if (!exchange || 8 * exchanges->in_use >= exchange_eighths[op] * exchanges->max)
		return NULL;
	if (op == ASK_EXTEND &&
	    8 * exchanges->extensions >= EXCHANGE_EXTENSION_EIGHTHS * exchanges->max)
		return NULL;
	exchanges->unused = exchange->next;
	exchanges->in_use++;
	exchanges->extensions += op == ASK_EXTEND;
	exchange->ask.op = op;
	return exchange;
}

static inline void exchange_give_back(struct exchanges *exchanges, struct exchange *exchange)
{
	exchange->next = exchanges->unused;
	exchanges->unused = exchange;
	exchanges->in_use--;
	exchanges->extensions -= exchange->ask.op == ASK_EXTEND;
}

#endif
