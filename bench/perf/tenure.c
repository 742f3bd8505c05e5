/* SPDX-License-Identifier: MIT */
#include "perf/tenure.h"

bool tenure_is_live(const struct generator *g, uint32_t index)
{
	return client_has_lease(&g->population.clients[index], generator_seconds(g->now_ns));
}

uint32_t tenure_holder(const struct generator *g, uint32_t address)
{
	uint32_t index = leases_holder(&g->leases, address);

	if (index == NO_CLIENT || g->population.clients[index].address != address ||
	    !tenure_is_live(g, index))
		return NO_CLIENT;
	return index;
}

void tenure_end(struct generator *g, uint32_t index)
{
	struct client *client = &g->population.clients[index];

	if (client->lease_end_s != LEASE_NONE)
		counter_add(&g->holders, (uint64_t)-1);
	if (client->address)
		leases_clear(&g->leases, client->address, index);
	client->lease_end_s = LEASE_NONE;
	client->address = 0;
}

void tenure_offered(struct generator *g, uint32_t index, uint32_t address)
{
	struct client *client = &g->population.clients[index];

	if (client->address == address)
		return;
	client->moved = tenure_is_live(g, index);
	tenure_end(g, index);
	client->address = address;
}

static uint32_t lease_end(uint32_t lease_s, uint64_t since_ns)
{
	uint64_t end = since_ns / NS_PER_S + lease_s;

	/* Infinity on the wire is all ones, too (RFC 2131 section 3.3). */
	if (lease_s == UINT32_MAX || end >= LEASE_FOREVER)
		return LEASE_FOREVER;
	return (uint32_t)end;
}

enum finding tenure_bind(struct generator *g, uint32_t index, uint32_t address, uint32_t lease_s,
			 uint64_t since_ns)
{
	struct client *client = &g->population.clients[index];
	uint32_t holder = tenure_holder(g, address);
	enum finding finding = client->moved ? FINDING_SECOND_ADDRESS : FINDING_NONE;

	if (client->address != address)
		tenure_end(g, index);
	if (client->lease_end_s == LEASE_NONE)
		counter_add(&g->holders, 1);
	client->moved = false;
	client->address = address;
	client->lease_end_s = lease_end(lease_s, since_ns);
	if (holder != NO_CLIENT && holder != index)
		return FINDING_DUPLICATE_ADDRESS;
	leases_set(&g->leases, address, index);
	return finding;
}
