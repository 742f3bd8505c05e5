/* SPDX-License-Identifier: MIT */
#include "lease/offers.h"

#include <stdlib.h>

#define CHUNK       512u
#define BUCKETS_MIN 64u

static struct offer *offer_at(const struct offers *offers, uint32_t number)
{
	return number ? &offers->chunks[(number - 1) / CHUNK][(number - 1) % CHUNK] : NULL;
}

static const uint8_t *client_of(const struct offer *offer)
{
	return offer->client_len > OFFER_CLIENT_INLINE ? offer->client_long : offer->client_inline;
}

bool offer_is_clients(const struct offer *offer, const uint8_t *client, size_t len)
{
	return offer->client_len == len && memcmp(client_of(offer), client, len) == 0;
}

void offers_init(struct offers *offers, struct memory *memory)
{
	*offers = (struct offers){.memory = memory};
}

void offers_fini(struct offers *offers)
{
	struct memory *memory = offers->memory;

	for (size_t q = 0; q < OFFERS_QUEUES; q++)
		while (offers->queues[q].first)
			offers_remove(offers, offer_at(offers, offers->queues[q].first));
	for (uint32_t i = 0; i < offers->n_chunks; i++)
		memory_free(memory, offers->chunks[i], CHUNK * sizeof(struct offer));
	memory_free(memory, offers->chunks, offers->n_chunks * sizeof(*offers->chunks));
	memory_free(memory, offers->by_client, offers->n_buckets * sizeof(uint32_t));
	memory_free(memory, offers->by_addr, offers->n_buckets * sizeof(uint32_t));
	offers_init(offers, memory);
}

/* ---- chains ---- */

static uint32_t *client_bucket(const struct offers *offers, uint64_t hash)
{
	return &offers->by_client[hash & (offers->n_buckets - 1)];
}

/* Addresses are neighbours: a multiplication (Fibonacci hashing) spreads them. */
static uint32_t *addr_bucket(const struct offers *offers, uint32_t addr)
{
	return &offers->by_addr[(addr * UINT32_C(2654435769) >> 8) & (offers->n_buckets - 1)];
}

static void chain_client(struct offers *offers, struct offer *offer)
{
	uint32_t *bucket = client_bucket(offers, offer->client_hash);

	offer->next_of_client = *bucket;
	*bucket = offer->number;
}

static void chain_addr(struct offers *offers, struct offer *offer)
{
	uint32_t *bucket = addr_bucket(offers, offer->addr);

	offer->next_of_addr = *bucket;
	*bucket = offer->number;
}

static void unchain_client(struct offers *offers, struct offer *offer)
{
	uint32_t *at = client_bucket(offers, offer->client_hash);

	while (*at != offer->number)
		at = &offer_at(offers, *at)->next_of_client;
	*at = offer->next_of_client;
}

static void unchain_addr(struct offers *offers, struct offer *offer)
{
	uint32_t *at = addr_bucket(offers, offer->addr);

	while (*at != offer->number)
		at = &offer_at(offers, *at)->next_of_addr;
	*at = offer->next_of_addr;
}

void offers_prefetch(const struct offers *offers, uint64_t hash)
{
	if (offers->n)
		__builtin_prefetch(client_bucket(offers, hash));
}

struct offer *offers_of_client(const struct offers *offers, const uint8_t *client, size_t len,
			       uint64_t hash)
{
	uint32_t number = offers->n ? *client_bucket(offers, hash) : 0;

	while (number) {
		struct offer *offer = offer_at(offers, number);

		if (offer->client_hash == hash && offer_is_clients(offer, client, len))
			return offer;
		number = offer->next_of_client;
	}
	return NULL;
}

struct offer *offers_at(const struct offers *offers, uint32_t addr)
{
	uint32_t number = offers->n ? *addr_bucket(offers, addr) : 0;

	while (number && offer_at(offers, number)->addr != addr)
		number = offer_at(offers, number)->next_of_addr;
	return offer_at(offers, number);
}

/* ---- queues ---- */

static void enqueue(struct offers *offers, struct offer *offer, uint64_t until_mono_ns)
{
	uint8_t q = 0;
	struct offer *last;

	while ((last = offer_at(offers, offers->queues[q].last)) &&
	       last->until_mono_ns > until_mono_ns && q + 1 < OFFERS_QUEUES)
		q++;
	offer->until_mono_ns =
	    last && last->until_mono_ns > until_mono_ns ? last->until_mono_ns : until_mono_ns;
	offer->queue = q;
	offer->next = 0;
	offer->prev = offers->queues[q].last;
	if (last)
		last->next = offer->number;
	else
		offers->queues[q].first = offer->number;
	offers->queues[q].last = offer->number;
}

static void dequeue(struct offers *offers, struct offer *offer)
{
	struct offer *next = offer_at(offers, offer->next), *prev = offer_at(offers, offer->prev);

	if (prev)
		prev->next = offer->next;
	else
		offers->queues[offer->queue].first = offer->next;
	if (next)
		next->prev = offer->prev;
	else
		offers->queues[offer->queue].last = offer->prev;
}

struct offer *offers_run_out(const struct offers *offers, uint64_t mono_ns)
{
	for (size_t q = 0; q < OFFERS_QUEUES; q++) {
		struct offer *first = offer_at(offers, offers->queues[q].first);

		if (first && first->until_mono_ns <= mono_ns)
			return first;
	}
	return NULL;
}

/* ---- room ---- */

static void rechain_all(struct offers *offers)
{
	for (size_t q = 0; q < OFFERS_QUEUES; q++)
		for (struct offer *o = offer_at(offers, offers->queues[q].first); o;
		     o = offer_at(offers, o->next)) {
			chain_client(offers, o);
			chain_addr(offers, o);
		}
}

/* As many buckets as offers, at least; doubling keeps adding O(1) on average. */
static bool grow_buckets(struct offers *offers)
{
	uint32_t n = offers->n_buckets ? offers->n_buckets * 2 : BUCKETS_MIN;
	uint32_t *by_client = memory_alloc(offers->memory, n * sizeof(*by_client));
	uint32_t *by_addr = memory_alloc(offers->memory, n * sizeof(*by_addr));
	size_t old = offers->n_buckets * sizeof(uint32_t);

	if (!by_client || !by_addr) {
		memory_free(offers->memory, by_client, n * sizeof(*by_client));
		memory_free(offers->memory, by_addr, n * sizeof(*by_addr));
		return false;
	}
	memory_free(offers->memory, offers->by_client, old);
	memory_free(offers->memory, offers->by_addr, old);
	offers->by_client = by_client;
	offers->by_addr = by_addr;
	offers->n_buckets = n;
	rechain_all(offers);
	return true;
}

static bool grow_slab(struct offers *offers)
{
	struct memory *memory = offers->memory;
	size_t old = offers->n_chunks * sizeof(*offers->chunks);
	struct offer **chunks = memory_alloc(memory, old + sizeof(*chunks));
	struct offer *chunk = memory_alloc(memory, CHUNK * sizeof(*chunk));

	if (!chunks || !chunk) {
		memory_free(memory, chunks, old + sizeof(*chunks));
		memory_free(memory, chunk, CHUNK * sizeof(*chunk));
		return false;
	}
	if (old)
		memcpy(chunks, offers->chunks, old);
	memory_free(memory, offers->chunks, old);
	chunks[offers->n_chunks] = chunk;
	offers->chunks = chunks;
	for (uint32_t i = CHUNK; i-- > 0;) {
		chunk[i].number = offers->n_chunks * CHUNK + i + 1;
		chunk[i].next_of_client = offers->unused;
		offers->unused = chunk[i].number;
	}
	offers->n_chunks++;
	return true;
}

static bool set_client(struct offers *offers, struct offer *offer, const struct client_id *client)
{
	uint8_t *to = offer->client_inline;

	if (client->len > OFFER_CLIENT_INLINE)
		to = offer->client_long = memory_alloc(offers->memory, client->len);
	if (!to)
		return false;
	memcpy(to, client->bytes, client->len);
	offer->client_len = client->len;
	return true;
}

struct offer *offers_add(struct offers *offers, const struct client_id *client, uint64_t hash,
			 uint32_t addr, uint64_t until_mono_ns)
{
	struct offer *offer;

	if (offers->n == offers->n_buckets && !grow_buckets(offers))
		return NULL;
	if (!offers->unused && !grow_slab(offers))
		return NULL;
	offer = offer_at(offers, offers->unused);
	if (!set_client(offers, offer, client))
		return NULL;
	offers->unused = offer->next_of_client;
	offer->addr = addr;
	offer->client_hash = hash;
	chain_client(offers, offer);
	chain_addr(offers, offer);
	enqueue(offers, offer, until_mono_ns);
	offers->n++;
	return offer;
}

void offers_change(struct offers *offers, struct offer *offer, uint32_t addr,
		   uint64_t until_mono_ns)
{
	unchain_addr(offers, offer);
	offer->addr = addr;
	chain_addr(offers, offer);
	dequeue(offers, offer);
	enqueue(offers, offer, until_mono_ns);
}

void offers_remove(struct offers *offers, struct offer *offer)
{
	dequeue(offers, offer);
	unchain_client(offers, offer);
	unchain_addr(offers, offer);
	if (offer->client_len > OFFER_CLIENT_INLINE)
		memory_free(offers->memory, offer->client_long, offer->client_len);
	offer->client_len = 0;
	offer->next_of_client = offers->unused;
	offers->unused = offer->number;
	offers->n--;
}
