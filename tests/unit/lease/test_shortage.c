/* SPDX-License-Identifier: MIT */
/*
 * Memory runs out at every place where it can: each operation is tried with its first, second, ...
 * allocation failing until it gets by without; nothing may have changed that it did not say.
 */
#include "fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define BASE IP(10, 0, 0, 0)

/* The linker leads the library's calls here (-Wl,--wrap). */
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__real_strndup(const char *text, size_t len);
char *__wrap_strndup(const char *text, size_t len);
void *__real_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);

/* What mmap is called where file offsets are asked to have 64 bits. */
void *__real_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t offset);

/* How many allocations still succeed; negative: all. */
static int credit = -1;

static bool refused(void)
{
	return credit >= 0 && credit-- == 0;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return refused() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return refused() ? NULL : __real_realloc(p, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return refused() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strndup(const char *text, size_t len)
{
	return refused() ? NULL : __real_strndup(text, len);
}

void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	return refused() ? MAP_FAILED : __real_mmap(addr, len, prot, flags, fd, offset);
}

void *__wrap_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	return refused() ? MAP_FAILED : __real_mmap64(addr, len, prot, flags, fd, offset);
}

/*
 * Tries @p operation in a fresh world each time, its first, second, ... allocation being refused:
 * it says so, leaves what was before, and succeeds when tried again. Returns how many it makes.
 */
static int refusals_of(void (*prepare)(struct world *), int (*operation)(struct world *),
		       void (*check)(struct world *))
{
	for (int n = 0;; n++) {
		void *fresh;
		bool was_refused;
		int rc;

		world_setup(&fresh);
		prepare(fresh);
		credit = n;
		rc = operation(fresh);
		was_refused = credit < 0;
		credit = -1;
		assert_int_equal(rc, was_refused ? -ENOMEM : 0);
		world_audit(fresh);
		if (was_refused) {
			check(fresh);
			assert_int_equal(operation(fresh), 0);
			world_audit(fresh);
		}
		world_teardown(&fresh);
		if (!was_refused)
			return n;
	}
}

static void nothing(struct world *w)
{
}

static void table_is_made_whole_or_not_at_all(void **state)
{
	credit = 0;
	assert_null(lease_table_new());
	credit = -1;
}

static int make_networks(struct world *w)
{
	char name[] = "net-??";

	for (int made = 0; made < 20; made++) {
		name[4] = (char)('0' + made / 10);
		name[5] = (char)('0' + made % 10);
		if (!lease_table_net(w->table, name, 6))
			return -ENOMEM;
	}
	return 0;
}

static void check_networks(struct world *w)
{
	for (size_t i = 1; lease_table_at(w->table, i); i++)
		assert_int_equal(strlen(lease_net_name(lease_table_at(w->table, i))), 6);
}

static void networks_are_made_one_by_one(void **state)
{
	assert_true(refusals_of(nothing, make_networks, check_networks) >= 20 * 4);
}

/* A record in a new page, of a long identifier. */
static int put_long(struct world *w)
{
	struct client_id client = client_of_len(1, 200);
	struct lease lease = {.addr = IP(172, 16, 0, 1),
			      .state = LEASE_BOUND,
			      .hold_until_s = START_S,
			      .revision = 10,
			      .client_len = client.len,
			      .client = client.bytes};

	return lease_put(w->net, &lease);
}

static void check_no_record(struct world *w)
{
	struct client_id client = client_of_len(1, 200);
	struct lease lease;

	assert_false(lease_read(w->net, IP(172, 16, 0, 1), &lease));
	assert_int_equal(world_find(w, &client), 0);
	assert_int_equal(lease_table_records(w->table), 0);
}

static void record_that_found_no_room_leaves_no_trace(void **state)
{
	assert_true(refusals_of(nothing, put_long, check_no_record) == 6);
}

/* So many that the index has to grow. */
static int put_many(struct world *w)
{
	for (uint32_t next = 0; next < 5000; next++) {
		struct client_id client = client_number(next);
		struct lease lease = {.addr = BASE + next,
				      .state = LEASE_BOUND,
				      .hold_until_s = START_S,
				      .revision = next + 1,
				      .client_len = client.len,
				      .client = client.bytes};
		int rc = lease_put(w->net, &lease);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static void check_all_found(struct world *w)
{
	struct lease lease;

	for (uint32_t i = 0; lease_read(w->net, BASE + i, &lease); i++) {
		struct client_id client = client_number(i);
		assert_int_equal(world_find(w, &client), BASE + i);
	}
}

static void index_that_cannot_grow_loses_nobody(void **state)
{
	assert_true(refusals_of(nothing, put_many, check_all_found) >= 20);
}

static struct site site;

static int configure(struct world *w)
{
	return allocator_configure(w->net, &site.config, &site.network);
}

static void prepare_pool(struct world *w)
{
	world_configure_pool(w, BASE, BASE + 99);
	site_init(&site);
	site_add_subnet(&site, IP(11, 0, 0, 0), IP(11, 255, 255, 255));
	site_add_pool(&site, IP(11, 0, 0, 0), IP(11, 0, 5, 0));
	site_add_pool(&site, IP(11, 4, 0, 0), IP(11, 4, 40, 255));
}

static void check_former_pool(struct world *w)
{
	struct lease_net_counts counts;

	lease_net_counts(w->net, &counts);
	assert_int_equal(counts.pool_size, 100);
	assert_in_range(world_offer_number(w, 1), BASE, BASE + 99);
}

static void former_pools_stand_when_new_ones_find_no_room(void **state)
{
	assert_true(refusals_of(prepare_pool, configure, check_former_pool) > 45);
}

static int reserve(struct world *w)
{
	const struct lease_reservation all[] = {
	    {.client = client_number(1), .addr = IP(172, 16, 0, 1)},
	    {.client = client_number(2), .addr = IP(172, 17, 0, 1)},
	};

	return lease_net_set_reservations(w->net, all, ARRAY_SIZE(all));
}

static void check_former_reservation(struct world *w)
{
	assert_null(lease_reservation_at(w->net, IP(172, 16, 0, 1)));
	assert_non_null(lease_reservation_at(w->net, IP(10, 0, 0, 5)));
}

static void prepare_reservation(struct world *w)
{
	struct lease_reservation former = {.client = client_number(9), .addr = IP(10, 0, 0, 5)};

	world_configure_pool(w, BASE, BASE + 99);
	assert_int_equal(lease_net_set_reservations(w->net, &former, 1), 0);
}

static void former_reservations_stand_when_new_ones_find_no_room(void **state)
{
	assert_true(refusals_of(prepare_reservation, reserve, check_former_reservation) >= 7);
}

/* More offers than fit the first slab and the first buckets, some with long identifiers. */
static int offer_many(struct world *w)
{
	for (uint32_t n = 0; n < 700; n++) {
		struct client_id client = client_of_len(n, n % 100 ? 7 : 99);
		uint32_t addr = 0;
		int rc = world_ask(w, &client, NULL, 0, 0, &addr);

		assert_true((rc == 0) == (addr != 0));
		if (rc)
			return rc;
	}
	return 0;
}

static void prepare_pool_for_offers(struct world *w)
{
	world_configure_pool(w, BASE, BASE + 699);
}

static void offer_that_found_no_room_holds_no_address(void **state)
{
	/* two tables of buckets grown five times, two slabs, seven long identifiers */
	assert_int_equal(refusals_of(prepare_pool_for_offers, offer_many, nothing),
			 5 * 2 + 2 * 2 + 7);
}

static int mark_unknown_busy(struct world *w)
{
	return allocator_mark_busy(w->net, IP(192, 168, 0, 1), true);
}

static void check_not_busy(struct world *w)
{
	assert_false(allocator_is_busy(w->net, IP(192, 168, 0, 1)));
}

static void mark_that_found_no_room_is_not_there(void **state)
{
	assert_true(refusals_of(nothing, mark_unknown_busy, check_not_busy) == 3);
}

static int set_members(struct world *w)
{
	static const char *const ids[] = {"a", "b"};

	return allocator_set_members(w->table, ids, 2, "a");
}

static void members_stay_when_new_ones_find_no_room(void **state)
{
	assert_int_equal(refusals_of(prepare_pool, set_members, check_former_pool), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(table_is_made_whole_or_not_at_all),
	    cmocka_unit_test(networks_are_made_one_by_one),
	    cmocka_unit_test(record_that_found_no_room_leaves_no_trace),
	    cmocka_unit_test(index_that_cannot_grow_loses_nobody),
	    cmocka_unit_test(former_pools_stand_when_new_ones_find_no_room),
	    cmocka_unit_test(former_reservations_stand_when_new_ones_find_no_room),
	    cmocka_unit_test(offer_that_found_no_room_holds_no_address),
	    cmocka_unit_test(mark_that_found_no_room_is_not_there),
	    cmocka_unit_test(members_stay_when_new_ones_find_no_room),
	};

	return cmocka_run_group_tests_name("shortage", tests, reader_setup, reader_teardown);
}
