/* SPDX-License-Identifier: MIT */
#include "store/flight.h"

#include <stdlib.h>

#include "base/hash.h"

/* Open addressing, linear probing; keys are hashes already. At most half full by construction. */
struct owner {
	uint64_t key; /* 0: empty */
	struct flight *flight;
};

struct flights {
	struct flight *all;
	struct flight *unused;
	uint32_t max, in_use;
	uint32_t mask;
	struct owner *owners;
};

struct flights *flights_new(uint32_t max)
{
	struct flights *flights = calloc(1, sizeof(*flights));
	uint32_t size = 16;

	if (!flights)
		return NULL;
	while (size < 2 * FLIGHT_MAX_KEYS * max)
		size *= 2;
	flights->max = max;
	flights->mask = size - 1;
	flights->all = calloc(max, sizeof(*flights->all));
	flights->owners = calloc(size, sizeof(*flights->owners));
	if (!flights->all || !flights->owners) {
		flights_free(flights);
		return NULL;
	}
	for (uint32_t i = 0; i < max; i++) {
		flights->all[i].next = flights->unused;
		flights->unused = &flights->all[i];
	}
	return flights;
}

void flights_free(struct flights *flights)
{
	if (!flights)
		return;
	free(flights->owners);
	free(flights->all);
	free(flights);
}

struct flight *flight_take(struct flights *flights)
{
	struct flight *flight = flights->unused;

	if (!flight)
		return NULL;
	flights->unused = flight->next;
	flights->in_use++;
	flight->ask = NULL;
	flight->former_addr = 0;
	flight->client.len = 0;
	flight->n_keys = 0;
	flight->at_lease = flight->at_client = flight->at_former = -1;
	flight->waiting = NULL;
	flight->waiting_end = &flight->waiting;
	flight->next = NULL;
	return flight;
}

static uint32_t home_of(const struct flights *flights, uint64_t key)
{
	return (uint32_t)(key >> 32) & flights->mask;
}

static struct owner *find(const struct flights *flights, uint64_t key)
{
	uint32_t at = home_of(flights, key);

	while (flights->owners[at].key && flights->owners[at].key != key)
		at = (at + 1) & flights->mask;
	return &flights->owners[at];
}

/* Deletion without tombstones: entries behind the hole move up unless they are at home already. */
static void disown(struct flights *flights, uint64_t key)
{
	struct owner *owners = flights->owners;
	uint32_t hole = (uint32_t)(find(flights, key) - owners), at = hole;

	if (!owners[hole].key)
		return;
	for (;;) {
		at = (at + 1) & flights->mask;
		if (!owners[at].key)
			break;
		uint32_t home = home_of(flights, owners[at].key);
		if (((at - home) & flights->mask) >= ((at - hole) & flights->mask)) {
			owners[hole] = owners[at];
			hole = at;
		}
	}
	owners[hole] = (struct owner){0};
}

void flight_give_back(struct flights *flights, struct flight *flight)
{
	for (uint8_t i = 0; i < flight->n_keys; i++)
		disown(flights, flight->keys[i]);
	flight->n_keys = 0;
	flight->next = flights->unused;
	flights->unused = flight;
	flights->in_use--;
}

uint32_t flights_in_use(const struct flights *flights)
{
	return flights->in_use;
}

static uint64_t mix(const struct lease_net *net, uint64_t value, uint64_t kind)
{
	uint64_t parts[3] = {(uint64_t)(uintptr_t)net, value, kind};

	return hash_bytes(parts, sizeof(parts), 0) | 1; /* never the empty key */
}

uint64_t flight_lease_key(const struct lease_net *net, uint32_t addr)
{
	return mix(net, addr, 'a');
}

uint64_t flight_client_key(const struct lease_net *net, uint64_t client_hash)
{
	return mix(net, client_hash, 'c');
}

void flight_prefetch(const struct flights *flights, uint64_t key)
{
	__builtin_prefetch(&flights->owners[home_of(flights, key)]);
}

struct flight *flight_owner(const struct flights *flights, uint64_t key)
{
	return find(flights, key)->flight;
}

void flight_own(struct flights *flights, struct flight *flight, uint64_t key)
{
	struct owner *owner = find(flights, key);

	if (owner->key)
		return;
	*owner = (struct owner){key, flight};
	flight->keys[flight->n_keys++] = key;
}

void flight_wait(struct flight *flight, struct ask *ask)
{
	ask->next = NULL;
	*flight->waiting_end = ask;
	flight->waiting_end = &ask->next;
}
