/* SPDX-License-Identifier: MIT */
/* Networks, the readers' functions, and the two changes a record can undergo. */
#include "lease/net.h"

#include <stdlib.h>

#include "base/hash.h"

/* ---- tables and networks ---- */

struct lease_table *lease_table_new(void)
{
	struct lease_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->seed = hash_random_seed();
	counter_set(&table->memory.bytes, sizeof(*table));
	return table;
}

static void net_free(struct lease_net *net)
{
	struct memory *memory = &net->table->memory;
	struct reservation_map *map =
	    atomic_load_explicit(&net->reservations, memory_order_relaxed);

	if (map)
		memory_release(memory, &map->retired, sizeof(*map));
	pools_fini(&net->pools, memory);
	offers_fini(&net->offers);
	client_index_fini(&net->index, memory);
	directory_fini(&net->dir, memory);
	free(net->name);
	free(net);
}

void lease_table_free(struct lease_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->n_nets; i++)
		net_free(table->nets[i]);
	free(table->nets);
	memory_free(&table->memory, table->members.hashes, table->members.size);
	memory_fini(&table->memory);
	free(table);
}

static struct lease_net *net_new(struct lease_table *table, const char *name, size_t len)
{
	struct lease_net *net = aligned_alloc(CACHE_LINE, sizeof(*net));

	if (!net)
		return NULL;
	memset(net, 0, sizeof(*net));
	net->table = table;
	net->seed = table->seed;
	net->name = strndup(name, len);
	net->name_len = len;
	net->name_hash = hash_bytes(name, len, 0);
	offers_init(&net->offers, &table->memory);
	if (!net->name || client_index_init(&net->index, &table->memory)) {
		free(net->name);
		free(net);
		return NULL;
	}
	counter_add(&table->memory.bytes, sizeof(*net));
	return net;
}

static bool room_for_net(struct lease_table *table)
{
	size_t cap = table->cap_nets ? table->cap_nets * 2 : 16;
	struct lease_net **nets;

	if (table->n_nets < table->cap_nets)
		return true;
	nets = realloc(table->nets, cap * sizeof(struct lease_net *));
	if (!nets)
		return false;
	table->nets = nets;
	table->cap_nets = cap;
	return true;
}

struct lease_net *lease_table_net(struct lease_table *table, const char *name, size_t len)
{
	uint64_t hash = hash_bytes(name, len, 0);
	struct lease_net **bucket = &table->named[hash % TABLE_NAME_BUCKETS], *net;

	for (net = *bucket; net; net = net->next_named)
		if (net->name_len == len && memcmp(net->name, name, len) == 0)
			return net;
	net = room_for_net(table) ? net_new(table, name, len) : NULL;
	if (!net)
		return NULL;
	net->next_named = *bucket;
	*bucket = net;
	table->nets[table->n_nets++] = net;
	return net;
}

const char *lease_net_name(const struct lease_net *net)
{
	return net->name;
}

struct lease_net *lease_table_at(struct lease_table *table, size_t i)
{
	return i < table->n_nets ? table->nets[i] : NULL;
}

uint64_t lease_table_memory(const struct lease_table *table)
{
	return counter_read(&table->memory.bytes);
}

void lease_net_counts(const struct lease_net *net, struct lease_net_counts *out)
{
	struct pool_numbers pools;

	pools_read(&net->pools, &pools);
	*out = (struct lease_net_counts){
	    .bound = counter_read(&net->records[LEASE_BOUND]),
	    .released = counter_read(&net->records[LEASE_RELEASED]),
	    .declined = counter_read(&net->records[LEASE_DECLINED]),
	    .revoked = counter_read(&net->records[LEASE_REVOKED]),
	    .unreadable = counter_read(&net->records[LEASE_UNREADABLE]),
	    .pool_free = pools.standing[POOL_FREE] + pools.standing[POOL_DUE],
	    .pool_unused = pools.standing[POOL_FREE],
	    .pool_due = pools.standing[POOL_DUE],
	    .pool_held = pools.standing[POOL_HELD],
	    .pool_reserved = pools.standing[POOL_RESERVED],
	    .pool_all = pools.size,
	    .offered = pools.offered,
	};
	out->pool_size = out->pool_free + out->pool_held;
	out->records = out->bound + out->released + out->declined + out->revoked + out->unreadable;
}

uint64_t lease_table_records(const struct lease_table *table)
{
	struct lease_net_counts counts;
	uint64_t n = 0;

	for (size_t i = 0; i < table->n_nets; i++) {
		lease_net_counts(table->nets[i], &counts);
		n += counts.records;
	}
	return n;
}

struct page *net_page(struct lease_net *net, uint32_t addr)
{
	bool made;
	struct page *page = directory_add_page(&net->dir, &net->table->memory, addr, &made);

	if (made)
		net_prefer_page(net, page);
	return page;
}

/* ---- readers ---- */

uint64_t lease_client_hash(const struct lease_net *net, const uint8_t *client, size_t len)
{
	return hash_bytes(client, len, net->seed);
}

void lease_prefetch_page(const struct lease_net *net, uint32_t addr)
{
	const struct directory_leaf *leaf = directory_leaf(&net->dir, addr);

	if (leaf)
		__builtin_prefetch(&leaf->slots[addr >> 8 & 255]);
}

void lease_prefetch_slot(const struct lease_net *net, uint32_t addr)
{
	const struct slot *slot = directory_slot(&net->dir, addr);

	if (slot)
		__builtin_prefetch(slot);
}

void lease_prefetch_client(const struct lease_net *net, uint64_t hash)
{
	client_index_prefetch(&net->index, hash);
}

static void set_none(struct lease *out)
{
	out->state = LEASE_NONE;
	out->hold_until_s = out->promised_until_s = 0;
	out->revision = 0;
	out->client_len = 0;
	out->client = out->client_inline;
}

bool lease_read(const struct lease_net *net, uint32_t addr, struct lease *out)
{
	const struct slot *slot = directory_slot(&net->dir, addr);

	out->addr = addr;
	if (likely(slot)) {
		slot_read(slot, out);
		if (likely(out->state != LEASE_NONE))
			return true;
	}
	set_none(out);
	return false;
}

static __attribute__((noinline)) bool
is_bound_to_long(const struct slot *slot, const struct client_id *client, int64_t *hold_until_s)
{
	struct lease lease;

	slot_read(slot, &lease);
	*hold_until_s = lease.hold_until_s;
	return lease_is_clients(&lease, client);
}

bool lease_is_bound_to(const struct lease_net *net, uint32_t addr, const struct client_id *client,
		       int64_t *hold_until_s)
{
	const struct slot *slot = directory_slot(&net->dir, addr);

	if (unlikely(!slot))
		return false;
	if (likely(client->len <= SLOT_CLIENT_INLINE))
		return slot_is_bound_to(slot, client, hold_until_s);
	return is_bound_to_long(slot, client, hold_until_s);
}

bool lease_find(const struct lease_net *net, const uint8_t *client, size_t len, uint64_t hash,
		struct lease *out)
{
	return client_index_find(&net->index, &net->dir, client, len, hash, out) &&
	       out->state != LEASE_NONE;
}

static const struct reservation_map *reservations_of(const struct lease_net *net)
{
	return atomic_load_explicit(&net->reservations, memory_order_acquire);
}

bool lease_net_has_reservations(const struct lease_net *net)
{
	return reservations_of(net) != NULL;
}

const struct lease_reservation *lease_reservation_of(const struct lease_net *net,
						     const uint8_t *client, size_t len)
{
	return reservation_of(reservations_of(net), client, len);
}

const struct lease_reservation *lease_reservation_at(const struct lease_net *net, uint32_t addr)
{
	return reservation_at(reservations_of(net), addr);
}
