/* SPDX-License-Identifier: MIT */
/* Whether the store can be relied on, now and at all. */
#include "store/internal.h"

/* On a store that is new nobody can tell who is there beside those that are registered. */
static bool others_may_know_us(const struct membership *m)
{
	return m->registered || m->mark.value_ns;
}

bool store_serving(const struct store *store)
{
	return atomic_load_explicit(&store->loaded, memory_order_relaxed) &&
	       atomic_load_explicit(&store->connected, memory_order_relaxed) &&
	       !atomic_load_explicit(&store->astray, memory_order_relaxed) &&
	       store->membership.known && others_may_know_us(&store->membership) &&
	       store->now.mono_ns >= store->blocked_until_ns;
}

void store_go_astray(struct store *store, int64_t shown, int64_t seen)
{
	if (atomic_exchange_explicit(&store->astray, true, memory_order_relaxed))
		return;
	store->membership.joined = true; /* others are to do our work */
	log_error("the store has gone back behind what it had shown, or its members disagree: leases may be missing "
		  "there. No new client is served, renewals go on while what is known is held; see \"astray\" in "
		  "etcdhcpd(8)",
		  F_STR("store", store->ops->name), F_I64("revision", shown), F_I64("seen", seen));
}
