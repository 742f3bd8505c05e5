/* SPDX-License-Identifier: MIT */
/* Readers in threads of their own while the writer changes what they look at. */
#include "fixture.h"

#include <errno.h>
#include <stdlib.h>

#include <urcu/urcu-qsbr.h>

#include "base/thread.h"

#define BASE    IP(10, 0, 0, 0)
#define READERS 2

struct reader {
	struct thread thread;
	struct world *w;
	_Atomic bool *stop;
	/* one look at the table; false when it saw what must not be */
	bool (*look)(struct reader *reader);
	uint64_t random;
	_Atomic uint64_t looks;
	_Atomic bool failed;
};

static void reader_run(void *arg)
{
	struct reader *r = arg;

	while (!atomic_load(r->stop)) {
		for (int i = 0; i < 64; i++)
			if (!r->look(r))
				atomic_store(&r->failed, true);
		atomic_fetch_add(&r->looks, 64);
		urcu_qsbr_quiescent_state();
	}
}

/* Readers look while @p write runs, each at least once before it begins and once before it ends. */
static void read_while(struct world *w, bool (*look)(struct reader *),
		       void (*write)(struct world *))
{
	_Atomic bool stop = false;
	struct reader readers[READERS] = {0};

	for (size_t i = 0; i < READERS; i++) {
		struct reader *r = &readers[i];

		*r = (struct reader){.w = w, .stop = &stop, .look = look, .random = i + 1};
		r->thread = (struct thread){.name = "reader",
					    .cpu = THREAD_ANY_CPU,
					    .reads_rcu = true,
					    .run = reader_run,
					    .arg = r};
		assert_int_equal(thread_start(&r->thread), 0);
	}
	for (int round = 0; round < 3; round++) {
		uint64_t before[READERS];

		for (size_t i = 0; i < READERS; i++)
			before[i] = atomic_load(&readers[i].looks);
		write(w);
		for (size_t i = 0; i < READERS; i++)
			while (atomic_load(&readers[i].looks) == before[i])
				urcu_qsbr_quiescent_state();
	}
	atomic_store(&stop, true);
	for (size_t i = 0; i < READERS; i++) {
		urcu_qsbr_thread_offline();
		thread_join(&readers[i].thread);
		urcu_qsbr_thread_online();
		assert_false(atomic_load(&readers[i].failed));
	}
	world_audit(w);
}

/* ---- one slot ---- */

/* Everything of revision k follows from k; identifiers are short, long, and just at the bound. */
static struct client_id client_of_revision(int64_t k)
{
	static const uint16_t lens[] = {7, 40, 41, 256, 5, 39};
	uint16_t len = lens[k % (int64_t)ARRAY_SIZE(lens)];
	struct client_id id = {.len = len};

	memset(id.bytes, (int)(k & 0xff), len);
	return id;
}

static int64_t promised_of_revision(int64_t k)
{
	return k * 3 + k % 7 * 1000;
}

static bool look_at_slot(struct reader *r)
{
	struct client_id client;
	struct lease lease;

	if (!lease_read(r->w->net, BASE, &lease))
		return lease.state == LEASE_NONE && lease.revision == 0;
	client = client_of_revision(lease.revision);
	return lease.hold_until_s == lease.revision * 3 &&
	       lease.promised_until_s == promised_of_revision(lease.revision) &&
	       lease.state == (enum lease_state)(1 + lease.revision % 3) &&
	       client_id_equal(&client, lease.client, lease.client_len);
}

static void write_slot_often(struct world *w)
{
	for (int i = 0; i < 30000; i++) {
		int64_t k = ++w->revision;
		struct client_id client = client_of_revision(k);
		struct lease lease = {.addr = BASE,
				      .state = (enum lease_state)(1 + k % 3),
				      .hold_until_s = k * 3,
				      .promised_until_s = promised_of_revision(k),
				      .revision = k,
				      .client_len = client.len,
				      .client = client.bytes};

		assert_int_equal(lease_put(w->net, &lease), 0);
		if (k % 50 == 0)
			lease_remove(w->net, BASE, ++w->revision);
		urcu_qsbr_quiescent_state();
	}
}

static void no_reader_sees_half_a_record(void **state)
{
	read_while(*state, look_at_slot, write_slot_often);
}

/* ---- the client index ---- */

#define STAYERS  40u
#define STRANGER 1000000u

static uint32_t place[STAYERS]; /* where each of them is; writer */

/* A client that is bound all the time is found, and what is found is a record of its own. */
static bool look_for_stayer(struct reader *r)
{
	uint32_t n = (uint32_t)(next_random(&r->random) % STAYERS);
	struct client_id client = client_of_len(n, n % 8 ? 7 : 100);
	struct lease lease;

	return lease_find(r->w->net, client.bytes, client.len, hash_of(r->w, &client), &lease) &&
	       lease.state == LEASE_BOUND && lease_is_clients(&lease, &client);
}

static void bind_at(struct world *w, const struct client_id *client, uint32_t addr)
{
	struct lease lease = {.addr = addr,
			      .state = LEASE_BOUND,
			      .hold_until_s = START_S,
			      .revision = ++w->revision,
			      .client_len = client->len,
			      .client = client->bytes};

	assert_int_equal(lease_put(w->net, &lease), 0);
}

/*
 * Stayers move from address to address, and where they were strangers follow at once: the index
 * grows from nothing, fills with tombstones and is swept, all under the readers' eyes.
 */
static void move_stayers(struct world *w)
{
	static uint32_t strangers;
	static uint64_t random = 99;

	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t n = (uint32_t)(next_random(&random) % STAYERS);
		struct client_id stayer = client_of_len(n, n % 8 ? 7 : 100);
		struct client_id stranger = client_number(STRANGER + strangers);
		uint32_t from = place[n];

		place[n] = BASE + STAYERS + strangers++ % 50000;
		for (uint32_t other = 0; other < STAYERS; other++)
			if (other != n && place[other] == place[n])
				place[n] = from; /* taken: stay */
		bind_at(w, &stayer, place[n]);
		if (place[n] != from)
			bind_at(w, &stranger, from);
		if (i % 16 == 0)
			urcu_qsbr_quiescent_state();
	}
}

static void bound_client_is_always_found(void **state)
{
	struct world *w = *state;

	for (uint32_t n = 0; n < STAYERS; n++) {
		struct client_id stayer = client_of_len(n, n % 8 ? 7 : 100);
		place[n] = BASE + n;
		bind_at(w, &stayer, place[n]);
	}
	read_while(w, look_for_stayer, move_stayers);
}

/* ---- pages appear ---- */

/* Whatever is in a page that is just being made, it is a record of that address or none. */
static bool look_anywhere(struct reader *r)
{
	uint32_t i = (uint32_t)(next_random(&r->random) % 200000);
	struct client_id client = client_number(i);
	struct lease lease;

	lease_prefetch_page(r->w->net, BASE + i * 64);
	lease_prefetch_slot(r->w->net, BASE + i * 64);
	return !lease_read(r->w->net, BASE + i * 64, &lease) ||
	       (lease_is_clients(&lease, &client) && lease.addr == BASE + i * 64);
}

static void fill_pages(struct world *w)
{
	static uint32_t next;

	for (uint32_t i = 0; i < 3000; i++, next++) {
		struct client_id client = client_number(next);
		bind_at(w, &client, BASE + next * 64);
		urcu_qsbr_quiescent_state();
	}
}

static void new_pages_appear_whole(void **state)
{
	read_while(*state, look_anywhere, fill_pages);
}

/* ---- reservations ---- */

static bool look_for_reservation(struct reader *r)
{
	struct client_id client = client_number(7);
	const struct lease_reservation *of =
	    lease_reservation_of(r->w->net, client.bytes, client.len);
	const struct lease_reservation *at = lease_reservation_at(r->w->net, BASE + 7);

	return of && of->addr == BASE + 7 && at &&
	       client_id_equal(&client, at->client.bytes, at->client.len);
}

static void replace_reservations(struct world *w)
{
	struct lease_reservation all[20];

	for (uint32_t round = 0; round < 500; round++) {
		size_t n = 1 + round % ARRAY_SIZE(all);

		for (uint32_t i = 0; i < n; i++)
			all[i] =
			    (struct lease_reservation){.client = client_number(round * 100 + i),
						       .addr = BASE + 1000 + round + i};
		all[n / 2] =
		    (struct lease_reservation){.client = client_number(7), .addr = BASE + 7};
		assert_int_equal(lease_net_set_reservations(w->net, all, n), 0);
		urcu_qsbr_quiescent_state();
	}
}

static void reservation_that_stays_is_always_found(void **state)
{
	struct world *w = *state;
	struct lease_reservation first = {.client = client_number(7), .addr = BASE + 7};

	assert_int_equal(lease_net_set_reservations(w->net, &first, 1), 0);
	read_while(w, look_for_reservation, replace_reservations);
}

/* ---- numbers ---- */

/* Every address is counted once, whatever happens to it just now. */
static bool look_at_numbers(struct reader *r)
{
	struct lease_net_counts n;

	lease_net_counts(r->w->net, &n);
	return n.pool_unused + n.pool_due + n.pool_held + n.pool_reserved == n.pool_all &&
	       (n.pool_all == 0 || n.pool_all == 1000 || n.pool_all == 3000);
}

/* Bindings come, run out and are deleted, offers come and go, reservations and pools change. */
static void keep_busy(struct world *w)
{
	struct lease_reservation reserved = {.client = client_number(7), .addr = BASE + 7};
	uint32_t over[64];

	for (uint32_t i = 0; i < 3000; i++) {
		world_bind(w, i % 5000, 1 + i % 5);
		world_offer_number(w, 10000 + i % 100);
		if (i % 10 == 0)
			world_pass(w, 1);
		for (size_t n = allocator_expired(w->net, over, 64); n; n--)
			lease_remove(w->net, over[n - 1], ++w->revision);
		if (i % 50 == 0)
			assert_int_equal(
			    lease_net_set_reservations(w->net, &reserved, i / 50 % 2), 0);
		if (i % 100 == 0)
			world_configure_pool(w, BASE, BASE + (i / 100 % 2 ? 999 : 2999));
		urcu_qsbr_quiescent_state();
	}
}

static void numbers_add_up_at_any_moment(void **state)
{
	read_while(*state, look_at_numbers, keep_busy);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(no_reader_sees_half_a_record),
	    TEST(bound_client_is_always_found),
	    TEST(new_pages_appear_whole),
	    TEST(reservation_that_stays_is_always_found),
	    TEST(numbers_add_up_at_any_moment),
	};

	return cmocka_run_group_tests_name("readers", tests, reader_setup, reader_teardown);
}
