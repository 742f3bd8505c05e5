/* SPDX-License-Identifier: MIT */
/* A load of many small pages, two at a time, and what may happen in the middle of it. */
#include <stdio.h>

#include "base/clock.h"
#include "kv_etcd_bed.h"
#include "store/etcd/etcd.h"

#define KEYS  3000 /* twice that: see numbered */
#define LIMIT 100

#define RANGES "etcd_debugging_mvcc_range_total"

static void few_keys_a_page(struct kv *kv)
{
	((struct etcd *)kv)->mirror.page_limit = LIMIT;
}

/* Fills the store through the other owner, which goes on following it. */
static void fill(struct bed *bed)
{
	owner_begin(&bed->other, &kv_etcd, &bed->config);
	for (int i = 0; i < KEYS / 100; i++) {
		char name[16];
		struct kv_batch *batch;
		snprintf(name, sizeof(name), "fill%02d", i);
		batch = numbered(name, 100);
		owner_run(&bed->other, batch);
		assert_all(batch, KV_DONE, 0);
		kv_batch_free(batch);
	}
}

/*
 * Loads as far as an owner lets it that takes no list: two are with it, and each reader made one
 * more. So etcd was asked for four pages, and whether it answers; how often it was asked so far.
 */
static double begin_and_halt(struct bed *bed)
{
	double halted = server_metric(&bed->server, RANGES) + 5;
	uint64_t until_ns = clock_mono_ns() + OWNER_PATIENCE_S * NS_PER_S;

	owner_open_prepared(&bed->owner, &kv_etcd, &bed->config, few_keys_a_page);
	while (server_metric(&bed->server, RANGES) < halted)
		assert_true(clock_mono_ns() < until_ns);
	return halted;
}

static bool loaded(struct owner *owner, const void *resets)
{
	return owner->loads == owner->resets && owner->resets == *(const unsigned *)resets &&
	       owner->connects > owner->losses;
}

static void finish(struct bed *bed, unsigned resets)
{
	owner_wait(&bed->owner, loaded, &resets);
	assert_true(bed->owner.most_lists_out <= 2);
	owner_close(&bed->other);
	bed_assert_mirror_is_true(bed);
}

static void pages_are_small_and_whole(void **state)
{
	struct bed *bed = *state;
	unsigned once = 1;

	fill(bed);
	owner_open_prepared(&bed->owner, &kv_etcd, &bed->config, few_keys_a_page);
	owner_wait(&bed->owner, loaded, &once);
	assert_int_equal(bed->owner.puts, 2 * KEYS);
	assert_true(bed->owner.applied > 2 * KEYS / LIMIT);
	finish(bed, 1);
}

/* Every other one, so that some of each page are left. */
static void remove_half(struct bed *bed)
{
	for (int i = 0; i < KEYS / 100; i++) {
		struct kv_batch *batch = kv_batch_new(100);
		for (int n = 0; n < 100; n++) {
			char key[64];
			snprintf(key, sizeof(key), "%sfill%02d/%05d", n % 2 ? "too/" : "", i,
				 n | 1);
			add_delete(batch, add_txn(batch), key);
		}
		owner_run(&bed->other, batch);
		assert_all(batch, KV_DONE, 0);
		kv_batch_free(batch);
	}
}

/* The load does not see that, the watch tells it. */
static void keys_are_removed_meanwhile(void **state)
{
	struct bed *bed = *state;
	double halted;

	fill(bed);
	halted = begin_and_halt(bed);
	remove_half(bed);
	assert_true(server_metric(&bed->server, RANGES) == halted); /* the owner is to go first */
	finish(bed, 1);
	assert_true(bed->owner.puts >= 2 * KEYS);
	assert_true(bed->owner.removes >= KEYS);
	assert_non_null(owner_find(&bed->owner, "fill00/00000"));
	assert_null(owner_find(&bed->owner, "fill00/00001"));
}

/* What was read counts for nothing: everything anew, once, whatever the other page said. */
static void the_revision_is_compacted_meanwhile(void **state)
{
	struct bed *bed = *state;
	char revision[24];
	const char *const compact[] = {"compact", revision, NULL};
	struct kv_status status;

	fill(bed);
	begin_and_halt(bed);
	remove_half(bed);
	snprintf(revision, sizeof(revision), "%lld",
		 (long long)put_one(&bed->other, "newest", "1"));
	server_control(&bed->server, compact);
	finish(bed, 2);
	assert_int_equal(bed->owner.removes, 0);
	assert_non_null(owner_find(&bed->owner, "fill00/00000"));
	assert_null(owner_find(&bed->owner, "fill00/00001"));
	kv_etcd.status(bed->owner.kv, &status);
	assert_int_equal(status.reloads, 0); /* it is still the first */
}

static bool asked_in_vain(struct owner *owner, const void *server)
{
	return server_unread(server) > 0;
}

/* Both are asked for at the same moment, once the owner has room. */
static void freeze_with_pages_under_way(struct bed *bed)
{
	server_freeze(&bed->server);
	owner_wait(&bed->owner, asked_in_vain, &bed->server);
}

/* Killed with two pages on their way; the load goes on where it was. */
static void the_link_is_lost_meanwhile(void **state)
{
	struct bed *bed = *state;
	unsigned once = 1;

	fill(bed);
	owner_close(&bed->other);
	begin_and_halt(bed);
	freeze_with_pages_under_way(bed);
	server_kill(&bed->server);
	assert_int_equal(bed->owner.loads, 0);
	server_restart(&bed->server);
	owner_wait(&bed->owner, loaded, &once);
	assert_int_equal(bed->owner.puts, 2 * KEYS);
	finish(bed, 1);
}

static void closing_in_the_middle(void **state)
{
	struct bed *bed = *state;

	fill(bed);
	owner_close(&bed->other);
	begin_and_halt(bed);
	freeze_with_pages_under_way(bed);
	owner_close(&bed->owner);
	server_thaw(&bed->server);
	bed_begin(bed);
	assert_int_equal(bed->owner.n_entries, 2 * KEYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(pages_are_small_and_whole),
	    TEST(keys_are_removed_meanwhile),
	    TEST(the_revision_is_compacted_meanwhile),
	    TEST(the_link_is_lost_meanwhile),
	    TEST(closing_in_the_middle),
	};

	if (!server_available())
		return 0;
	return cmocka_run_group_tests_name("kv/etcd load", tests, NULL, NULL);
}
