/* SPDX-License-Identifier: MIT */
#include "lease/allocator.h"

#include <errno.h>

#include "lease/net.h"

/* How many offers and records one allocator_tick looks at. */
#define TICK_BUDGET 512u

/* When a record that is over but still in the store is looked at again: its server may have died, seconds. */
#define RETRY_S 60

/* ---- configuration ---- */

static struct page *page_for_pool(void *ctx, uint32_t addr)
{
	return net_page(ctx, addr);
}

static uint64_t addresses_of(const struct config_network *network)
{
	uint64_t n = 0;

	for (size_t i = 0; network && i < network->n_subnets; i++)
		for (size_t j = 0; j < network->subnets[i]->n_pools; j++)
			n += network->subnets[i]->pools[j].last -
			     (uint64_t)network->subnets[i]->pools[j].first + 1;
	return n;
}

int allocator_configure(struct lease_net *net, const struct config *config,
			const struct config_network *network)
{
	struct memory *memory = &net->table->memory;
	struct pools next;
	int err = pools_build(&next, memory, config, network, page_for_pool, net);

	if (err)
		return err;
	err = client_index_reserve(&net->index, memory, addresses_of(network));
	if (err) {
		pools_fini(&next, memory);
		return err;
	}
	pools_install(&net->pools, &next, memory);
	return 0;
}

/* ---- offering ---- */

/** One search for an address. */
struct search {
	struct lease_net *net;
	const struct client_id *client;
	uint64_t hash;
	const struct moment *now;
	struct offer *offer; /* what the client holds already, NULL: nothing */
};

static void set_live(struct lease_net *net, struct page *page, const struct lease *record)
{
	pools_mark(&net->pools, page, record->addr, MARK_LIVE, true);
	wheel_schedule(&net->wheel, &net->dir, record->addr, wheel_due(record->hold_until_s));
}

/*
 * Nothing is in the way but what the client itself has there: its offer, the transaction that it
 * started on that (a retransmitted DISCOVER meets it), its record.
 */
static bool may_have(const struct search *s, const struct page *page, uint32_t addr)
{
	bool mine = s->offer && s->offer->addr == addr;
	struct lease record;

	if (!mine && page_marked(page, addr, MARK_OFFERED))
		return false;
	page_read(page, addr, &record);
	if ((record.state == LEASE_BOUND || record.state == LEASE_RELEASED) &&
	    client_id_equal(s->client, record.client, record.client_len))
		return true;
	return (mine || !page_marked(page, addr, MARK_BUSY)) && lease_is_over(&record, s->now);
}

/* The same for an address that anybody might be given. */
static bool may_have_from_pool(const struct search *s, uint32_t addr, struct page **page)
{
	*page = directory_page(&s->net->dir, addr);
	return *page && pools_block(&s->net->pools, *page, addr) &&
	       !page_marked(*page, addr, MARK_RESERVED) && may_have(s, *page, addr);
}

/* Its live record's address, its offer's, its former one, the one it wants: the first that it may
 * have. */
static bool find_familiar(const struct search *s, uint32_t wanted, struct page **page,
			  uint32_t *addr)
{
	struct lease last;
	bool known = client_index_find(&s->net->index, &s->net->dir, s->client->bytes,
				       s->client->len, s->hash, &last);
	bool live = known && last.state == LEASE_BOUND && !lease_is_over(&last, s->now);
	const uint32_t candidates[] = {
	    live ? last.addr : 0,
	    s->offer ? s->offer->addr : 0,
	    known ? last.addr : 0,
	    wanted,
	};

	for (size_t i = 0; i < ARRAY_SIZE(candidates); i++)
		if (candidates[i] && may_have_from_pool(s, candidates[i], page)) {
			*addr = candidates[i];
			return true;
		}
	return false;
}

/* The earliest clock may have gone back since an address was found free: then it is not. */
static bool find_unfamiliar(const struct search *s, uint32_t subnet, struct page **page,
			    uint32_t *addr)
{
	struct lease record;

	while (pools_next(&s->net->pools, subnet, page, addr)) {
		if (!page_marked(*page, *addr, MARK_RECORD))
			return true;
		page_read(*page, *addr, &record);
		if (lease_is_over(&record, s->now))
			return true;
		set_live(s->net, *page, &record);
	}
	return false;
}

/* 0, or -EBUSY while somebody else has what is reserved for the client. */
static int find_reserved(const struct search *s, uint32_t reserved, struct page **page,
			 uint32_t *addr)
{
	*page = net_page(s->net, reserved);
	if (!*page)
		return -ENOMEM;
	if (!may_have(s, *page, reserved))
		return -EBUSY;
	*addr = reserved;
	return 0;
}

void net_end_offer(struct lease_net *net, struct offer *offer)
{
	uint32_t addr = offer->addr;

	offers_remove(&net->offers, offer);
	pools_mark(&net->pools, directory_page(&net->dir, addr), addr, MARK_OFFERED, false);
}

static int put_on_offer(const struct search *s, struct page *page, uint32_t addr,
			uint64_t until_mono_ns)
{
	struct lease_net *net = s->net;

	if (s->offer) {
		uint32_t former = s->offer->addr;

		offers_change(&net->offers, s->offer, addr, until_mono_ns);
		if (former != addr)
			pools_mark(&net->pools, directory_page(&net->dir, former), former,
				   MARK_OFFERED, false);
	} else if (!offers_add(&net->offers, s->client, s->hash, addr, until_mono_ns)) {
		return -ENOMEM;
	}
	pools_mark(&net->pools, page, addr, MARK_OFFERED, true);
	return 0;
}

void allocator_prefetch(const struct lease_net *net, uint64_t hash)
{
	offers_prefetch(&net->offers, hash);
}

int allocator_offer(struct lease_net *net, const struct client_id *client, uint64_t hash,
		    const struct lease_reservation *reservation, uint32_t subnet, uint32_t wanted,
		    const struct moment *now, uint64_t until_mono_ns, uint32_t *addr)
{
	struct search s = {
	    .net = net,
	    .client = client,
	    .hash = hash,
	    .now = now,
	    .offer = offers_of_client(&net->offers, client->bytes, client->len, hash),
	};
	struct page *page = NULL;
	uint32_t found;
	int err = 0;

	if (reservation)
		err = find_reserved(&s, reservation->addr, &page, &found);
	else if (!find_familiar(&s, wanted, &page, &found) &&
		 !find_unfamiliar(&s, subnet, &page, &found))
		err = -ENOSPC;
	if (!err)
		err = put_on_offer(&s, page, found, until_mono_ns);
	if (!err)
		*addr = found;
	return err;
}

bool allocator_may_take(const struct lease_net *net, uint32_t addr, const struct client_id *client)
{
	const struct page *page = directory_page(&net->dir, addr);

	return !page || !page_marked(page, addr, MARK_OFFERED) ||
	       offer_is_clients(offers_at(&net->offers, addr), client->bytes, client->len);
}

bool allocator_has_offered(const struct lease_net *net, uint32_t addr,
			   const struct client_id *client)
{
	const struct page *page = directory_page(&net->dir, addr);

	return page && page_marked(page, addr, MARK_OFFERED) &&
	       offer_is_clients(offers_at(&net->offers, addr), client->bytes, client->len);
}

bool allocator_offer_end(struct lease_net *net, const struct client_id *client, uint64_t hash)
{
	struct offer *offer = offers_of_client(&net->offers, client->bytes, client->len, hash);

	if (!offer)
		return false;
	net_end_offer(net, offer);
	return true;
}

/* ---- transactions ---- */

int allocator_mark_busy(struct lease_net *net, uint32_t addr, bool busy)
{
	struct page *page = busy ? net_page(net, addr) : directory_page(&net->dir, addr);

	if (page)
		pools_mark(&net->pools, page, addr, MARK_BUSY, busy);
	return page || !busy ? 0 : -ENOMEM;
}

bool allocator_is_busy(const struct lease_net *net, uint32_t addr)
{
	const struct page *page = directory_page(&net->dir, addr);

	return page && page_marked(page, addr, MARK_BUSY);
}

uint64_t allocator_steps(const struct lease_net *net)
{
	return counter_read(&net->pools.looked);
}

/* ---- time ---- */

/* Judges a record whose time has come. */
static void look_at(struct lease_net *net, uint32_t addr, const struct moment *now)
{
	struct page *page = directory_page(&net->dir, addr);
	struct lease record;

	page_read(page, addr, &record);
	if (record.state == LEASE_NONE)
		return;
	if (!lease_is_over(&record, now)) {
		set_live(net, page, &record);
		return;
	}
	pools_mark(&net->pools, page, addr, MARK_LIVE, false);
	if (lease_is_forgettable(&record, now))
		wheel_set_over(&net->wheel, &net->dir, addr);
	else /* free, but its record is still needed */
		wheel_schedule(&net->wheel, &net->dir, addr, wheel_due(record.promised_until_s));
}

/* False when the budget was used up first. */
static bool tick_net(struct lease_net *net, const struct moment *now, size_t *budget)
{
	struct offer *offer;
	uint32_t addr;

	for (; *budget; --*budget) {
		offer = offers_run_out(&net->offers, now->mono_ns);
		if (!offer)
			break;
		net_end_offer(net, offer);
	}
	for (; *budget; --*budget) {
		addr = wheel_pop(&net->wheel, &net->dir, now->earliest_s);
		if (!addr)
			return true;
		look_at(net, addr, now);
	}
	return false;
}

/* Goes on with the network where the budget of the last call ended: none is starved. */
bool allocator_tick(struct lease_table *table, const struct moment *now)
{
	size_t budget = TICK_BUDGET;

	for (size_t i = 0; i < table->n_nets; i++) {
		if (!tick_net(table->nets[table->tick_net], now, &budget))
			return true;
		table->tick_net = (table->tick_net + 1) % table->n_nets;
	}
	return false;
}

size_t allocator_expired(struct lease_net *net, uint32_t *addrs, size_t max)
{
	size_t n = 0;
	uint32_t addr;

	while (n < max && (addr = wheel_pop_over(&net->wheel, &net->dir))) {
		const struct page *page = directory_page(&net->dir, addr);

		if (!page_marked(page, addr, MARK_RECORD))
			continue;
		/* Until it is deleted it comes up again: whoever should do so may fail, or leave. */
		wheel_schedule(&net->wheel, &net->dir, addr, net->wheel.now_s + RETRY_S);
		if (page->own && !page_marked(page, addr, MARK_BUSY) &&
		    !page_marked(page, addr, MARK_OFFERED))
			addrs[n++] = addr;
	}
	return n;
}
