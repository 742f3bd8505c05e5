/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <errno.h>
#include <stdlib.h>

#include <urcu/urcu-qsbr.h>

/*
 * ThreadSanitizer asks for this. It does not understand liburcu, whose library is not
 * instrumented and whose inline functions order memory by assembly; our own code gets no mercy.
 */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "race:urcu_qsbr_wake_up_gp\n"
	       "called_from_lib:liburcu-qsbr.so\n";
}

void site_init(struct site *site)
{
	*site = (struct site){.network = {.name = "campus"}};
	site->network.subnets = site->list;
	site->config.networks = &site->network;
	site->config.n_networks = 1;
	site->config.subnets = site->subnets;
}

void site_add_subnet(struct site *site, uint32_t first, uint32_t last)
{
	size_t i = site->config.n_subnets++;

	assert_true(i < MAX_SUBNETS);
	site->network.n_subnets++;
	site->list[i] = &site->subnets[i];
	site->subnets[i] = (struct config_subnet){
	    .first = first, .last = last, .mask = ~(last - first), .pools = site->ranges[i]};
}

void site_add_pool(struct site *site, uint32_t first, uint32_t last)
{
	struct config_subnet *subnet = &site->subnets[site->config.n_subnets - 1];

	assert_true(subnet->n_pools < MAX_RANGES);
	subnet->pools[subnet->n_pools++] = (struct addr_range){first, last};
}

int reader_setup(void **state)
{
	urcu_qsbr_register_thread();
	return 0;
}

int reader_teardown(void **state)
{
	urcu_qsbr_unregister_thread();
	return 0;
}

int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->table = lease_table_new();
	assert_non_null(w->table);
	w->net = lease_table_net(w->table, "campus", 6);
	assert_non_null(w->net);
	w->now = (struct moment){1000 * NS_PER_S, START_S, START_S + 1};
	world_pass(w, 0);
	*state = w;
	return 0;
}

int world_teardown(void **state)
{
	struct world *w = *state;

	lease_table_free(w->table);
	free(w);
	urcu_qsbr_barrier(); /* what was retired is freed, and a late free would be seen */
	return 0;
}

void world_configure(struct world *w, struct site *site)
{
	assert_int_equal(allocator_configure(w->net, &site->config, &site->network), 0);
	world_audit(w);
}

void world_configure_pool(struct world *w, uint32_t first, uint32_t last)
{
	static struct site site;

	site_init(&site);
	site_add_subnet(&site, first & UINT32_C(0xff000000), last | UINT32_C(0x00ffffff));
	site_add_pool(&site, first, last);
	world_configure(w, &site);
}

void world_pass(struct world *w, int64_t seconds)
{
	w->now.mono_ns += (uint64_t)seconds * NS_PER_S;
	w->now.earliest_s += seconds;
	w->now.latest_s += seconds;
	while (allocator_tick(w->table, &w->now))
		;
}

struct allocator_audit world_audit(const struct world *w)
{
	struct allocator_audit audit;
	struct lease_net_counts counts;

	allocator_audit(w->net, &w->now, &audit);
	lease_net_counts(w->net, &counts);
	assert_int_equal(audit.faults, 0);
	assert_int_equal(audit.free + audit.held + audit.due, counts.pool_size);
	return audit;
}

struct client_id client_of_len(uint32_t n, uint16_t len)
{
	struct client_id id = {.len = len};

	assert_true(len >= 5 && len <= CLIENT_ID_MAX);
	memset(id.bytes, 0xaa, len);
	id.bytes[0] = len == 7 ? CLIENT_ID_MAC : CLIENT_ID_OPTION;
	store_be32(id.bytes + len - 4, n);
	return id;
}

struct client_id client_number(uint32_t n)
{
	return client_of_len(n, 7);
}

uint64_t hash_of(const struct world *w, const struct client_id *client)
{
	return lease_client_hash(w->net, client->bytes, client->len);
}

int world_put(struct world *w, const struct client_id *client, uint32_t addr,
	      enum lease_state state, int64_t seconds)
{
	struct lease lease = {
	    .addr = addr,
	    .state = state,
	    .hold_until_s = w->now.latest_s + seconds,
	    .revision = ++w->revision,
	    .client_len = client->len,
	    .client = client->bytes,
	};

	return lease_put(w->net, &lease);
}

int world_ask(struct world *w, const struct client_id *client,
	      const struct lease_reservation *reservation, uint32_t subnet, uint32_t wanted,
	      uint32_t *addr)
{
	return allocator_offer(w->net, client, hash_of(w, client), reservation, subnet, wanted,
			       &w->now, w->now.mono_ns + OFFER_NS, addr);
}

uint32_t world_offer(struct world *w, const struct client_id *client)
{
	uint32_t addr = 0;
	int rc = world_ask(w, client, NULL, 0, 0, &addr);

	assert_true(rc == 0 || rc == -ENOSPC);
	assert_true(rc == 0 || addr == 0);
	return addr;
}

uint32_t world_offer_number(struct world *w, uint32_t n)
{
	struct client_id client = client_number(n);

	return world_offer(w, &client);
}

uint32_t world_offer_wanted(struct world *w, uint32_t n, uint32_t wanted)
{
	struct client_id client = client_number(n);
	uint32_t addr = 0;

	assert_int_equal(world_ask(w, &client, NULL, 0, wanted, &addr), 0);
	return addr;
}

uint32_t world_bind(struct world *w, uint32_t n, int64_t seconds)
{
	struct client_id client = client_number(n);
	uint32_t addr = world_offer(w, &client);

	if (addr)
		assert_int_equal(world_put(w, &client, addr, LEASE_BOUND, seconds), 0);
	return addr;
}

uint32_t world_find(const struct world *w, const struct client_id *client)
{
	struct lease lease;

	return lease_find(w->net, client->bytes, client->len, hash_of(w, client), &lease)
		   ? lease.addr
		   : 0;
}

uint64_t next_random(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random;
}
