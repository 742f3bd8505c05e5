/* SPDX-License-Identifier: MIT */
/* Random operations on the allocator against a model that is too simple to be wrong. */
#include "fixture.h"

#include <errno.h>
#include <stdlib.h>

#define BASE       IP(10, 0, 0, 0)
#define N_ADDRS    1024u /* the model knows addresses BASE .. BASE + N_ADDRS - 1 */
#define N_CLIENTS  900u
#define N_RESERVED 12u
#define STEPS      1000000

/* What is known of an address, and of the last client that had it. */
struct model_addr {
	enum lease_state state;
	int64_t hold_until_s, promised_until_s;
	int64_t revision;
	uint32_t client;   /* number + 1, 0: nobody yet; stays when the record goes */
	uint32_t offered;  /* to client number + 1 */
	uint32_t reserved; /* for client number + 1 */
	bool busy, pooled;
	uint32_t subnet;
};

struct model_client {
	uint32_t at;    /* where the index leads: offset + 1 */
	uint32_t offer; /* offset + 1 */
	uint64_t until_ns;
};

struct model {
	struct world *w;
	uint64_t random;
	struct model_addr addrs[N_ADDRS];
	struct model_client clients[N_CLIENTS];
	int64_t wheel_s; /* the furthest the earliest clock has been */
	bool settled;    /* nothing over can be waiting for allocator_tick */
	uint64_t offers, refusals, reserved_offers, busy_refusals, audits;
};

static struct site site;

static uint32_t below(struct model *m, uint32_t n)
{
	return (uint32_t)(next_random(&m->random) >> 20) % n;
}

static struct client_id client_of(uint32_t n)
{
	return client_of_len(n, n % 10 == 9 ? 60 : 7);
}

/* ---- the rules, once more ---- */

static bool is_over(const struct model *m, const struct model_addr *a)
{
	return a->state == LEASE_NONE || a->hold_until_s < m->w->now.earliest_s;
}

static bool may_have(const struct model *m, uint32_t offset, uint32_t client)
{
	const struct model_addr *a = &m->addrs[offset];

	if (a->offered && a->offered != client + 1)
		return false;
	if (a->client == client + 1 && (a->state == LEASE_BOUND || a->state == LEASE_RELEASED))
		return true;
	return (a->offered || !a->busy) && is_over(m, a);
}

static bool is_free(const struct model *m, uint32_t offset)
{
	const struct model_addr *a = &m->addrs[offset];

	return a->pooled && !a->reserved && !a->offered && !a->busy && is_over(m, a);
}

static bool may_have_from_pool(const struct model *m, uint32_t place, uint32_t client)
{
	return place && m->addrs[place - 1].pooled && !m->addrs[place - 1].reserved &&
	       may_have(m, place - 1, client);
}

/* The address that the client must get again, as offset + 1; 0: any. */
static uint32_t familiar(const struct model *m, uint32_t client, uint32_t wanted)
{
	const struct model_client *c = &m->clients[client];
	const struct model_addr *last = c->at ? &m->addrs[c->at - 1] : NULL;
	bool live = last && last->state == LEASE_BOUND && !is_over(m, last);
	const uint32_t places[] = {live ? c->at : 0, c->offer, c->at, wanted};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (may_have_from_pool(m, places[i], client))
			return places[i];
	return 0;
}

static int rank(const struct model_addr *a)
{
	return a->state == LEASE_BOUND ? 2 : a->state != LEASE_NONE;
}

static void end_offer_of(struct model *m, uint32_t client)
{
	struct model_client *c = &m->clients[client];

	if (c->offer)
		m->addrs[c->offer - 1].offered = 0;
	c->offer = 0;
}

/* ---- operations ---- */

static void assert_choice(struct model *m, uint32_t client, uint32_t subnet, uint32_t must,
			  uint32_t offset)
{
	assert_true(offset < N_ADDRS);
	if (must) {
		assert_int_equal(offset, must - 1);
		return;
	}
	assert_true(is_free(m, offset) || m->clients[client].offer == offset + 1);
	if (m->addrs[offset].subnet == subnet || !m->settled)
		return;
	for (uint32_t i = 0; i < N_ADDRS; i++) /* another subnet's only when its own is full */
		assert_false(m->addrs[i].subnet == subnet && is_free(m, i));
}

static void assert_nothing_free(struct model *m)
{
	if (!m->settled)
		return;
	for (uint32_t i = 0; i < N_ADDRS; i++)
		assert_false(is_free(m, i));
}

static void note_offer(struct model *m, uint32_t client, uint32_t offset, uint64_t until_ns)
{
	struct model_client *c = &m->clients[client];

	end_offer_of(m, client);
	c->offer = offset + 1;
	c->until_ns = until_ns;
	m->addrs[offset].offered = client + 1;
}

static void do_offer(struct model *m)
{
	struct world *w = m->w;
	uint32_t client = below(m, N_CLIENTS), subnet = below(m, 3);
	uint32_t wanted = below(m, 4) ? 0 : below(m, N_ADDRS) + 1;
	uint64_t until_ns = w->now.mono_ns + OFFER_NS;
	struct client_id id = client_of(client);
	const struct lease_reservation *reservation =
	    lease_reservation_of(w->net, id.bytes, id.len);
	uint32_t must = familiar(m, client, wanted), addr = 0;
	int rc;

	if (below(m, 4) == 0)
		reservation = NULL;
	rc = allocator_offer(w->net, &id, hash_of(w, &id), reservation, subnet,
			     wanted ? BASE + wanted - 1 : 0, &w->now, until_ns, &addr);
	if (reservation) {
		uint32_t offset = reservation->addr - BASE;

		assert_int_equal(m->addrs[offset].reserved, client + 1);
		assert_int_equal(rc, may_have(m, offset, client) ? 0 : -EBUSY);
		assert_true(rc || addr == reservation->addr);
		m->reserved_offers += !rc;
		m->busy_refusals += rc != 0;
	} else if (rc) {
		assert_int_equal(rc, -ENOSPC);
		assert_int_equal(must, 0);
		assert_nothing_free(m);
		m->refusals++;
	} else {
		assert_choice(m, client, subnet, must, addr - BASE);
		m->offers++;
	}
	if (!rc)
		note_offer(m, client, addr - BASE, until_ns);
}

static void do_put(struct model *m, uint32_t offset, uint32_t client, enum lease_state state,
		   int64_t seconds)
{
	struct model_addr *a = &m->addrs[offset];
	struct model_client *c = &m->clients[client];
	struct client_id id = client_of(client);

	struct lease lease = {.addr = BASE + offset,
			      .state = state,
			      .hold_until_s = m->w->now.latest_s + seconds,
			      .revision = ++m->w->revision,
			      .client_len = id.len,
			      .client = id.bytes};

	if (state != LEASE_BOUND && below(m, 2))
		lease.promised_until_s = lease.hold_until_s + below(m, 3000);
	assert_int_equal(lease_put(m->w->net, &lease), 0);
	if (a->client && a->client != client + 1 && m->clients[a->client - 1].at == offset + 1)
		m->clients[a->client - 1].at = 0;
	*a = (struct model_addr){.state = state,
				 .hold_until_s = m->w->now.latest_s + seconds,
				 .promised_until_s = lease.promised_until_s,
				 .revision = m->w->revision,
				 .client = client + 1,
				 .offered = a->offered,
				 .reserved = a->reserved,
				 .busy = a->busy,
				 .pooled = a->pooled,
				 .subnet = a->subnet};
	if (!c->at || c->at == offset + 1 || rank(a) >= rank(&m->addrs[c->at - 1]))
		c->at = offset + 1;
	if (state == LEASE_BOUND && a->offered)
		end_offer_of(m, a->offered - 1);
	if (a->hold_until_s < m->wheel_s)
		m->settled = false; /* over already; found out with the next second */
}

/* A client takes what it was offered; now and then another server was faster. */
static void do_bind(struct model *m)
{
	uint32_t client = below(m, N_CLIENTS);
	uint32_t place = m->clients[client].offer;

	if (!place)
		return;
	if (below(m, 20) == 0)
		client = below(m, N_CLIENTS);
	do_put(m, place - 1, client, LEASE_BOUND, 20 + below(m, below(m, 10) ? 500 : 20000));
}

/* Something happens to a record: extended, shortened, released, declined, moved, deleted. */
static void do_record(struct model *m)
{
	uint32_t offset = below(m, N_ADDRS);
	struct model_addr *a = &m->addrs[offset];
	int64_t revision;

	if (a->state == LEASE_NONE)
		return;
	switch (below(m, 8)) {
	case 0:
		do_put(m, offset, a->client - 1, LEASE_RELEASED, 10);
		break;
	case 1:
		do_put(m, offset, a->client - 1, LEASE_DECLINED, 600);
		break;
	case 2:
		do_put(m, offset, a->client - 1, LEASE_BOUND, (int64_t)below(m, 100) - 20);
		break;
	case 3: /* the mirror brings another server's work */
		do_put(m, offset, below(m, N_CLIENTS), LEASE_BOUND, below(m, 300));
		break;
	case 4:
		revision = a->revision - below(m, 2) * 5;
		assert_int_equal(lease_remove(m->w->net, BASE + offset, revision), 1);
		break;
	case 5:
		if (is_over(m, a) || below(m, 3) == 0) {
			assert_int_equal(lease_remove(m->w->net, BASE + offset, ++m->w->revision),
					 0);
			a->state = LEASE_NONE;
			a->revision = m->w->revision;
		}
		break;
	default:
		do_put(m, offset, a->client - 1, LEASE_BOUND, 100 + below(m, 400));
		break;
	}
}

static void do_busy(struct model *m)
{
	uint32_t offset = below(m, N_ADDRS);
	bool busy = below(m, 3) == 0;

	assert_int_equal(allocator_mark_busy(m->w->net, BASE + offset, busy), 0);
	m->addrs[offset].busy = busy;
}

static void do_forget(struct model *m)
{
	uint32_t client = below(m, N_CLIENTS);
	struct client_id id = client_of(client);

	allocator_offer_end(m->w->net, &id, hash_of(m->w, &id));
	end_offer_of(m, client);
}

static void do_find(struct model *m)
{
	uint32_t client = below(m, N_CLIENTS), at = m->clients[client].at;
	uint32_t offset = below(m, N_ADDRS);
	struct client_id id = client_of(client), other = client_of(below(m, N_CLIENTS));
	struct lease lease;

	if (at && m->addrs[at - 1].state == LEASE_NONE)
		at = 0;
	assert_int_equal(world_find(m->w, &id), at ? BASE + at - 1 : 0);
	lease_read(m->w->net, BASE + offset, &lease);
	assert_int_equal(lease.state, m->addrs[offset].state);
	assert_int_equal(lease.revision, lease.state == LEASE_NONE ? 0 : m->addrs[offset].revision);
	assert_int_equal(allocator_is_busy(m->w->net, BASE + offset), m->addrs[offset].busy);
	if (m->addrs[offset].offered)
		other = client_of(m->addrs[offset].offered - 1);
	assert_true(allocator_may_take(m->w->net, BASE + offset, &other));
	if (m->addrs[offset].offered)
		assert_int_equal(allocator_may_take(m->w->net, BASE + offset, &id),
				 m->addrs[offset].offered == client + 1);
}

static void do_expired(struct model *m)
{
	uint32_t addrs[16];
	size_t n = allocator_expired(m->w->net, addrs, below(m, 17));

	for (size_t i = 0; i < n; i++) {
		const struct model_addr *a = &m->addrs[addrs[i] - BASE];

		assert_true(a->state != LEASE_NONE && !a->busy && !a->offered);
		assert_true(a->hold_until_s < m->wheel_s);
		assert_true(a->promised_until_s < m->wheel_s);
	}
}

static void end_run_out_offers(struct model *m)
{
	for (uint32_t i = 0; i < N_CLIENTS; i++)
		if (m->clients[i].offer && m->clients[i].until_ns <= m->w->now.mono_ns)
			end_offer_of(m, i);
}

/* Time goes on; the earliest clock may go back a little, or jump ahead for days. */
static void do_time(struct model *m)
{
	struct world *w = m->w;
	int64_t seconds = below(m, 5000) == 0 ? 300000 : below(m, 4);

	w->now.mono_ns += (uint64_t)seconds * NS_PER_S + below(m, 1000) * NS_PER_MS;
	w->now.earliest_s += below(m, 50) ? seconds : -(int64_t)below(m, 20);
	w->now.latest_s = max_i64(w->now.latest_s + seconds, w->now.earliest_s + 1);
	while (allocator_tick(w->table, &w->now))
		;
	end_run_out_offers(m);
	if (w->now.earliest_s > m->wheel_s) {
		m->wheel_s = w->now.earliest_s;
		m->settled = true;
	} else if (w->now.earliest_s < m->wheel_s) {
		m->settled = false;
	}
}

/* ---- reconfiguration ---- */

static void note_pools(struct model *m)
{
	for (uint32_t i = 0; i < N_ADDRS; i++)
		m->addrs[i].pooled = false;
	for (uint32_t s = 0; s < site.config.n_subnets; s++)
		for (size_t p = 0; p < site.subnets[s].n_pools; p++)
			for (uint32_t addr = site.subnets[s].pools[p].first;
			     addr <= site.subnets[s].pools[p].last; addr++) {
				m->addrs[addr - BASE].pooled = true;
				m->addrs[addr - BASE].subnet = s;
			}
}

/* Three subnets, two of which share a page; pools are pieces of them. */
static void do_configure(struct model *m)
{
	static const struct addr_range subnets[] = {
	    {BASE, BASE + 511}, {BASE + 512, BASE + 639}, {BASE + 640, BASE + 1023}};

	site_init(&site);
	for (size_t s = 0; s < ARRAY_SIZE(subnets); s++) {
		uint32_t at = subnets[s].first;

		site_add_subnet(&site, subnets[s].first, subnets[s].last);
		for (int p = 0; p < 3; p++) {
			uint32_t first = at + below(m, 80), last = first + below(m, 200);

			if (last > subnets[s].last)
				break;
			site_add_pool(&site, first, last);
			at = last + 1 + below(m, 5);
		}
	}
	world_configure(m->w, &site);
	note_pools(m);
}

static void do_reserve(struct model *m)
{
	struct lease_reservation all[N_RESERVED];
	uint32_t n = below(m, N_RESERVED + 1);

	for (uint32_t i = 0; i < N_ADDRS; i++)
		m->addrs[i].reserved = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t client = i * (N_CLIENTS / N_RESERVED) + below(m, 10);
		uint32_t offset = i * (N_ADDRS / N_RESERVED) + below(m, 80);

		all[i] =
		    (struct lease_reservation){.client = client_of(client), .addr = BASE + offset};
		m->addrs[offset].reserved = client + 1;
	}
	assert_int_equal(lease_net_set_reservations(m->w->net, all, n), 0);
}

static void do_members(struct model *m)
{
	static const char *const ids[] = {"a", "b", "c", "d"};

	assert_int_equal(allocator_set_members(m->w->table, ids, below(m, 5), ids[below(m, 4)]), 0);
}

static void do_load(struct model *m)
{
	lease_table_begin_load(m->w->table);
	for (uint32_t i = 0; i < N_ADDRS; i++) {
		struct model_addr *a = &m->addrs[i];
		struct client_id id;

		if (a->state == LEASE_NONE)
			continue;
		if (below(m, 10) == 0) { /* deleted while nobody watched */
			a->state = LEASE_NONE;
			continue;
		}
		id = client_of(a->client - 1);
		assert_int_equal(lease_put(m->w->net,
					   &(struct lease){
					       .addr = BASE + i,
					       .state = a->state,
					       .hold_until_s = a->hold_until_s,
					       .revision = a->revision,
					       .client_len = id.len,
					       .client = id.bytes,
					   }),
				 1);
	}
	lease_table_end_load(m->w->table, ++m->w->revision);
}

static void audit(struct model *m)
{
	struct allocator_audit found = world_audit(m->w);
	struct lease_net_counts counts;
	uint64_t free = 0, held = 0, reserved = 0, records = 0, offered = 0;

	for (uint32_t i = 0; i < N_ADDRS; i++) {
		const struct model_addr *a = &m->addrs[i];

		records += a->state != LEASE_NONE;
		reserved += a->pooled && a->reserved;
		offered += a->pooled && !a->reserved && a->offered;
		if (a->pooled && !a->reserved) {
			free += is_free(m, i);
			held += !is_free(m, i);
		}
	}
	lease_net_counts(m->w->net, &counts);
	assert_int_equal(found.reserved, reserved);
	assert_int_equal(counts.pool_size, free + held);
	assert_int_equal(counts.offered, offered);
	assert_int_equal(counts.records, records);
	assert_int_equal(found.free + found.due + found.held, free + held);
	if (m->settled) {
		assert_int_equal(found.due, 0);
		assert_int_equal(found.free, free);
		assert_int_equal(counts.pool_free, free);
	}
	m->audits++;
}

/* ---- the run ---- */

/* How often each is done, in a thousand steps and one. */
static const struct {
	uint32_t weight;
	void (*run)(struct model *);
} operations[] = {
    {300, do_offer}, {200, do_bind},   {250, do_record}, {50, do_busy},     {40, do_forget},
    {100, do_find},  {20, do_expired}, {36, do_time},    {1, do_configure}, {1, do_reserve},
    {1, do_members}, {1, do_load},     {1, audit},
};

static void step(struct model *m)
{
	uint32_t dice = below(m, 1001);
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(operations) && dice >= operations[i].weight)
		dice -= operations[i++].weight;
	operations[i].run(m);
}

static void allocator_does_what_the_model_does(void **state)
{
	struct model *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	m->w = *state;
	m->random = UINT64_C(0x9e3779b97f4a7c15);
	m->wheel_s = m->w->now.earliest_s;
	m->settled = true;
	do_configure(m);
	for (uint32_t i = 0; i < STEPS; i++)
		step(m);
	audit(m);
	/* the run was worth its name: everything happened often */
	assert_true(m->offers > STEPS / 20);
	assert_true(m->refusals > STEPS / 1000);
	assert_true(m->reserved_offers > 100);
	assert_true(m->busy_refusals > 100);
	assert_true(m->audits > STEPS / 2000);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(allocator_does_what_the_model_does, world_setup,
					    world_teardown),
	};

	return cmocka_run_group_tests_name("model", tests, reader_setup, reader_teardown);
}
