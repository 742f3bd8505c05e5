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
	uint16_t port;        /* index into the worker's ports */
	struct exchange *next;
};

struct exchanges {
	struct exchange *all, *unused;
	unsigned max, in_use;
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
 * NULL when the bound is reached. Work in the background leaves an eighth free: clients who wait come first, and an
 * extension that is missed now is asked for again at the next renewal.
 */
static inline struct exchange *exchange_take(struct exchanges *exchanges, bool background)
{
	struct exchange *exchange = exchanges->unused;

	if (!exchange || (background && exchanges->in_use >= exchanges->max - exchanges->max / 8))
		return NULL;
	exchanges->unused = exchange->next;
	exchanges->in_use++;
	return exchange;
}

static inline void exchange_give_back(struct exchanges *exchanges, struct exchange *exchange)
{
	exchange->next = exchanges->unused;
	exchanges->unused = exchange;
	exchanges->in_use--;
}

#endif
