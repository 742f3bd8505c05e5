/* SPDX-License-Identifier: MIT */
#include "perf/client.h"

#include <errno.h>

#include "perf/area.h"

#define INDEX_BITS 24
#define INDEX_MASK (CLIENTS_MAX - 1)

/* Odd, hence invertible; the second of each pair is the first's inverse modulo 2^32. */
#define MIX_A     UINT32_C(0x9e3779b1)
#define MIX_A_INV UINT32_C(0x0e8b2f51)
#define MIX_B     UINT32_C(0x85ebca6b)
#define MIX_B_INV UINT32_C(0xa5cb9243)

int population_init(struct population *p, uint32_t n, uint64_t mac_base, uint32_t salt)
{
	*p = (struct population){.n = n, .salt = salt, .mac_base = mac_base};
	p->clients = area_map((size_t)n * sizeof(*p->clients));
	p->cold = (struct client_queue){.items = area_map(n * sizeof(uint32_t)), .size = n};
	p->bound = (struct client_queue){.items = area_map(n * sizeof(uint32_t)), .size = n};
	if (!p->clients || !p->cold.items || !p->bound.items) {
		population_fini(p);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < n; i++)
		queue_push(&p->cold, i);
	return 0;
}

void population_fini(struct population *p)
{
	area_unmap(p->clients, (size_t)p->n * sizeof(*p->clients));
	area_unmap(p->cold.items, p->n * sizeof(uint32_t));
	area_unmap(p->bound.items, p->n * sizeof(uint32_t));
	*p = (struct population){0};
}

static uint32_t scramble(uint32_t x, uint32_t salt)
{
	x = (x ^ salt) * MIX_A;
	x ^= x >> 16;
	return x * MIX_B;
}

static uint32_t unscramble(uint32_t x, uint32_t salt)
{
	x *= MIX_B_INV;
	x ^= x >> 16;
	return (x * MIX_A_INV) ^ salt;
}

uint32_t population_xid(const struct population *p, uint32_t index)
{
	return scramble((uint32_t)p->clients[index].generation << INDEX_BITS | index, p->salt);
}

uint32_t population_find_xid(const struct population *p, uint32_t xid, uint8_t *generation)
{
	uint32_t plain = unscramble(xid, p->salt);
	uint32_t index = plain & INDEX_MASK;

	*generation = (uint8_t)(plain >> INDEX_BITS);
	return index < p->n ? index : NO_CLIENT;
}

void population_mac(const struct population *p, uint32_t index, uint8_t mac[6])
{
	uint64_t value = htobe64((p->mac_base + index) << 16);

	memcpy(mac, &value, 6);
}

uint32_t population_find_mac(const struct population *p, const uint8_t mac[6])
{
	uint64_t value = (uint64_t)load_be16(mac) << 32 | load_be32(mac + 2);

	return value - p->mac_base < p->n ? (uint32_t)(value - p->mac_base) : NO_CLIENT;
}

void queue_push(struct client_queue *queue, uint32_t index)
{
	uint32_t at = queue->head + queue->n;

	assert(queue->n < queue->size);
	queue->items[at < queue->size ? at : at - queue->size] = index;
	queue->n++;
}

uint32_t queue_peek(const struct client_queue *queue, uint32_t ahead)
{
	uint32_t at = queue->head + ahead;

	if (ahead >= queue->n)
		return NO_CLIENT;
	return queue->items[at < queue->size ? at : at - queue->size];
}

uint32_t queue_pop(struct client_queue *queue)
{
	uint32_t index = queue_peek(queue, 0);

	if (index == NO_CLIENT)
		return NO_CLIENT;
	queue->head = queue->head + 1 < queue->size ? queue->head + 1 : 0;
	queue->n--;
	return index;
}

static uint32_t *queue_at(struct client_queue *queue, uint32_t ahead)
{
	uint32_t at = queue->head + ahead;

	return &queue->items[at < queue->size ? at : at - queue->size];
}

/* Fisher and Yates. */
void queue_shuffle(struct client_queue *queue, uint64_t *random)
{
	for (uint32_t left = queue->n; left > 1; left--) {
		uint32_t *last = queue_at(queue, left - 1);
		uint32_t *other = queue_at(queue, (uint32_t)(random_next(random) % left));
		uint32_t kept = *last;

		*last = *other;
		*other = kept;
	}
}
