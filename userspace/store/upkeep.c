/* SPDX-License-Identifier: MIT */
/* What the store thread does of its own accord: unknown outcomes are cleared up, records that are over deleted. */
#include "store/internal.h"

/* How often the truth is asked for after unknown outcomes. */
#define RESOLVE_EVERY_NS (250 * NS_PER_MS)
#define EXPIRE_AT_ONCE   256

static void resolve(struct store *store)
{
	struct flight *flight, *left = NULL;

	if (!store->unresolved || store->now.mono_ns < store->resolve_at_ns)
		return;
	store->resolve_at_ns = store->now.mono_ns + RESOLVE_EVERY_NS;
	while ((flight = store->unresolved)) {
		store->unresolved = flight->next;
		flight->at_lease = flight->at_client = flight->at_former = -1;
		if (transact_launch(store, flight, NULL)) {
			store->n_unresolved--;
		} else {
			flight->next = left;
			left = flight;
		}
	}
	store->unresolved = left;
}

/* Deletes one record that is over, with its client's key: whoever watches sees the device leave. */
static bool expire(struct store *store, struct lease_net *net, uint32_t addr)
{
	struct lease record, nobody = {.state = LEASE_NONE};
	struct plan_input in = {.op = PLAN_OP_EXPIRE, .addr = addr, .record = &record,
				.former = &nobody, .now = store->now};
	struct plan plan;
	struct flight *flight;
	uint64_t lease_key = flight_lease_key(net, addr), client_key;

	lease_read(net, addr, &record);
	plan_make(&in, &plan);
	if (plan.kind != PLAN_COMMIT)
		return true;
	client_key = flight_client_key(
		net, lease_client_hash(net, record.client, record.client_len));
	if (flight_owner(store->flights, lease_key) || flight_owner(store->flights, client_key))
		return true; /* somebody is about to have it */
	flight = flight_take(store->flights);
	if (!flight)
		return false;
	flight->stage = FLIGHT_COMMIT;
	flight->op = PLAN_OP_EXPIRE;
	flight->net = net;
	flight->addr = addr;
	flight->plan = plan;
	flight_own(store->flights, flight, lease_key);
	flight_own(store->flights, flight, client_key);
	if (!allocator_mark_busy(net, addr, true) && transact_launch(store, flight, &in))
		return true;
	transact_land(store, flight);
	return false;
}

static void expire_some(struct store *store)
{
	uint32_t addrs[EXPIRE_AT_ONCE];
	struct lease_net *net;

	if (!store_serving(store) || flights_in_use(store->flights) > EXPIRE_AT_ONCE)
		return;
	for (size_t i = 0; (net = lease_table_at(store->table, i)); i++) {
		size_t n = allocator_expired(net, addrs, EXPIRE_AT_ONCE);
		for (size_t a = 0; a < n; a++)
			if (!expire(store, net, addrs[a]))
				return;
	}
}

void transact_tick(struct store *store)
{
	resolve(store);
	expire_some(store);
}

