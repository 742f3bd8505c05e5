/* SPDX-License-Identifier: MIT */
#include "lease/reservation.h"

#include "base/hash.h"

static uint32_t hash_client(const struct reservation_map *map, const uint8_t *client, size_t len)
{
	return (uint32_t)hash_bytes(client, len, map->seed);
}

static uint32_t hash_addr(const struct reservation_map *map, uint32_t addr)
{
	return (uint32_t)hash_bytes(&addr, sizeof(addr), map->seed);
}

/* The first comes first on every walk, so it is the one that is found. */
static void enter(const struct reservation_map *map, uint32_t *table, uint32_t hash,
		  uint32_t number)
{
	while (table[hash & map->mask])
		hash++;
	table[hash & map->mask] = number + 1;
}

/* At least twice as many places as reservations. */
static uint32_t places_for(size_t n)
{
	uint32_t places = 8;

	while (places < n * 2)
		places *= 2;
	return places;
}

struct reservation_map *reservation_map_new(struct memory *memory, uint64_t seed,
					    const struct lease_reservation *all, size_t n)
{
	struct reservation_map *map;
	uint32_t places;

	if (n > UINT32_MAX / 4)
		return NULL;
	map = memory_alloc(memory, sizeof(*map));
	if (!map)
		return NULL;
	places = places_for(n);
	if (memory_alloc_array(memory, &map->retired,
			       n * sizeof(*all) + 2 * places * sizeof(uint32_t))) {
		memory_release(memory, &map->retired, sizeof(*map));
		return NULL;
	}
	map->n = (uint32_t)n;
	map->mask = places - 1;
	map->seed = seed;
	map->all = map->retired.array;
	map->by_client = (uint32_t *)(map->all + n);
	map->by_addr = map->by_client + places;
	memcpy(map->all, all, n * sizeof(*all));
	for (uint32_t i = 0; i < n; i++) {
		enter(map, map->by_client, hash_client(map, all[i].client.bytes, all[i].client.len),
		      i);
		enter(map, map->by_addr, hash_addr(map, all[i].addr), i);
	}
	return map;
}

const struct lease_reservation *reservation_of(const struct reservation_map *map,
					       const uint8_t *client, size_t len)
{
	if (!map)
		return NULL;
	for (uint32_t at = hash_client(map, client, len);; at++) {
		uint32_t number = map->by_client[at & map->mask];

		if (!number)
			return NULL;
		if (client_id_equal(&map->all[number - 1].client, client, len))
			return &map->all[number - 1];
	}
}

const struct lease_reservation *reservation_at(const struct reservation_map *map, uint32_t addr)
{
	if (!map)
		return NULL;
	for (uint32_t at = hash_addr(map, addr);; at++) {
		uint32_t number = map->by_addr[at & map->mask];

		if (!number)
			return NULL;
		if (map->all[number - 1].addr == addr)
			return &map->all[number - 1];
	}
}
