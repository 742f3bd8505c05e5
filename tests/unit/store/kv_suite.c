/* SPDX-License-Identifier: MIT */
/*
 * What both backends must do alike: kv_suite embedded | kv_suite etcd. Every test has a store of
 * its own: a new directory, or a prefix of its own in one etcd.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kv_owner.h"
#include "kv_server.h"

static const struct kv_ops *ops;
static struct server server;

struct bed {
	struct owner owner;
	char place[64]; /* directory or prefix */
	struct config_store config;
};

static int set_up(void **state)
{
	static unsigned counter;
	struct bed *bed = calloc(1, sizeof(*bed));

	if (ops == &kv_etcd) {
		snprintf(bed->place, sizeof(bed->place), "/suite/%u/", counter++);
		bed->config = server_config(&server, bed->place);
	} else {
		make_directory(bed->place);
		bed->config = (struct config_store){
		    .path = bed->place,
		    .map_size = UINT64_C(1) << 30,
		    .timeout_ms = 5000,
		};
	}
	owner_begin(&bed->owner, ops, &bed->config);
	*state = bed;
	return 0;
}

static int tear_down(void **state)
{
	struct bed *bed = *state;

	owner_close(&bed->owner);
	if (ops == &kv_embedded)
		remove_directory(bed->place);
	free(bed);
	return 0;
}

static void reopen(struct bed *bed)
{
	owner_close(&bed->owner);
	owner_begin(&bed->owner, ops, &bed->config);
}

/* ---- guards ---- */

enum before { NOTHING, VALUE_V };
enum which { ZERO, RIGHT, WRONG };

static const struct guard_case {
	const char *name;
	enum before before;
	enum kv_guard guard;
	enum which revision;
	const char *value;
	bool holds;
} guard_cases[] = {
    {"absent, is absent", NOTHING, KV_ABSENT, ZERO, NULL, true},
    {"absent, exists", VALUE_V, KV_ABSENT, ZERO, NULL, false},
    {"revision right", VALUE_V, KV_REVISION, RIGHT, NULL, true},
    {"revision wrong", VALUE_V, KV_REVISION, WRONG, NULL, false},
    {"revision of an absent key", NOTHING, KV_REVISION, RIGHT, NULL, false},
    {"revision 0 of an absent key", NOTHING, KV_REVISION, ZERO, NULL, true},
    {"revision 0 of a present key", VALUE_V, KV_REVISION, ZERO, NULL, false},
    {"value right", VALUE_V, KV_VALUE, ZERO, "v", true},
    {"value wrong", VALUE_V, KV_VALUE, ZERO, "w", false},
    {"value longer", VALUE_V, KV_VALUE, ZERO, "vv", false},
    {"value empty", VALUE_V, KV_VALUE, ZERO, "", false},
    {"empty value of an absent key", NOTHING, KV_VALUE, ZERO, "", false},
    {"exists, is absent", NOTHING, KV_EXISTS, ZERO, NULL, false},
    {"exists, exists", VALUE_V, KV_EXISTS, ZERO, NULL, true},
    {"read, is absent", NOTHING, KV_READ, ZERO, NULL, true},
    {"read, exists", VALUE_V, KV_READ, ZERO, NULL, true},
};

static void check_found(const struct kv_item *item, enum before before, int64_t revision)
{
	assert_int_equal(item->exists, before == VALUE_V);
	if (before == VALUE_V) {
		assert_int_equal(item->revision, revision);
		assert_span(item->value, "v");
	} else {
		assert_int_equal(item->revision, 0);
		assert_int_equal(item->value.len, 0);
	}
}

static void guards(void **state)
{
	struct bed *bed = *state;
	size_t n = ARRAY_SIZE(guard_cases);
	struct kv_batch *batch = kv_batch_new((uint32_t)n);
	int64_t before[ARRAY_SIZE(guard_cases)];

	for (size_t i = 0; i < n; i++) {
		const struct guard_case *test = &guard_cases[i];
		char key[32];
		struct kv_txn *txn = add_txn(batch);
		snprintf(key, sizeof(key), "guard/%zu", i);
		before[i] = test->before == VALUE_V ? put_one(&bed->owner, key, "v") : 1;
		add_guard(batch, txn, test->guard, key, test->value,
			  test->revision == ZERO ? 0 : before[i] + (test->revision == WRONG));
		snprintf(key, sizeof(key), "guard/%zu", i);
		add_put(batch, txn, key, "new");
	}
	owner_run(&bed->owner, batch);
	assert_int_equal(batch->error, 0);
	for (size_t i = 0; i < n; i++) {
		const struct guard_case *test = &guard_cases[i];
		const struct kv_txn *txn = &batch->txn[i];
		if (txn->outcome != (test->holds ? KV_DONE : KV_CONFLICT))
			fail_msg("%s: outcome %d", test->name, txn->outcome);
		if (!test->holds || test->guard == KV_READ)
			check_found(&txn->found[0], test->before, before[i]);
		assert_true(txn->revision >= (test->holds ? batch->revision : before[i]));
	}
	owner_wait_revision(&bed->owner, batch->revision);
	for (size_t i = 0; i < n; i++) {
		char key[32];
		snprintf(key, sizeof(key), "guard/%zu", i);
		if (guard_cases[i].holds)
			assert_entry(&bed->owner, key, "new", batch->txn[i].revision);
		else if (guard_cases[i].before == VALUE_V)
			assert_entry(&bed->owner, key, "v", before[i]);
		else
			assert_null(owner_find(&bed->owner, key));
	}
	kv_batch_free(batch);
}

static void one_conflict_fails_alone(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch = kv_batch_new(20);
	int64_t taken = put_one(&bed->owner, "k7", "mine");

	for (int i = 0; i < 20; i++) {
		struct kv_txn *txn = add_txn(batch);
		char key[32], other[32];
		snprintf(key, sizeof(key), "k%d", i);
		snprintf(other, sizeof(other), "other%d", i);
		txn->user = &batch->txn[i];
		add_guard(batch, txn, KV_ABSENT, key, NULL, 0);
		add_guard(batch, txn, KV_ABSENT, other, NULL, 0);
		add_put(batch, txn, key, "new");
		add_put(batch, txn, other, "too");
	}
	owner_run(&bed->owner, batch);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(batch->txn[i].outcome, i == 7 ? KV_CONFLICT : KV_DONE);
		assert_ptr_equal(batch->txn[i].user, &batch->txn[i]);
	}
	assert_true(batch->txn[7].found[0].exists);
	assert_int_equal(batch->txn[7].found[0].revision, taken);
	assert_span(batch->txn[7].found[0].value, "mine");
	assert_false(batch->txn[7].found[1].exists);
	owner_wait_revision(&bed->owner, batch->revision);
	assert_entry(&bed->owner, "k7", "mine", taken);
	assert_null(owner_find(&bed->owner, "other7"));
	assert_entry(&bed->owner, "other8", "too", batch->revision);
	kv_batch_free(batch);
}

/* Changes and reads in one transaction: what is found belongs to the right key. */
static void found_belongs_to_its_key(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch = kv_batch_new(2);
	int64_t a = put_one(&bed->owner, "a", "1"), c = put_one(&bed->owner, "c", "3");
	struct kv_txn *done = add_txn(batch), *conflict = add_txn(batch);

	add_guard(batch, done, KV_READ, "a", NULL, 0);
	add_guard(batch, done, KV_EXISTS, "c", NULL, 0);
	add_guard(batch, done, KV_READ, "b", NULL, 0);
	add_guard(batch, done, KV_READ, "c", NULL, 0);
	add_put(batch, done, "d", "4");
	add_delete(batch, done, "e");
	add_guard(batch, conflict, KV_READ, "b", NULL, 0);
	add_guard(batch, conflict, KV_REVISION, "c", NULL, c + 1000);
	add_guard(batch, conflict, KV_EXISTS, "a", NULL, 0);
	add_guard(batch, conflict, KV_READ, "nothing", NULL, 0);
	add_put(batch, conflict, "f", "6");
	owner_run(&bed->owner, batch);
	assert_int_equal(done->outcome, KV_DONE);
	assert_span(done->found[0].value, "1");
	assert_int_equal(done->found[0].revision, a);
	assert_false(done->found[1].exists); /* not asked for */
	assert_false(done->found[2].exists);
	assert_int_equal(done->found[3].revision, c);
	assert_int_equal(conflict->outcome, KV_CONFLICT);
	assert_false(conflict->found[0].exists);
	assert_span(conflict->found[1].value, "3");
	assert_int_equal(conflict->found[1].revision, c);
	assert_span(conflict->found[2].value, "1");
	assert_false(conflict->found[3].exists);
	kv_batch_free(batch);
}

static void reading_changes_nothing(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch = kv_batch_new(1);
	int64_t before = put_one(&bed->owner, "a", "1");
	struct kv_txn *txn = add_txn(batch);

	add_guard(batch, txn, KV_READ, "a", NULL, 0);
	add_guard(batch, txn, KV_READ, "b", NULL, 0);
	owner_run(&bed->owner, batch);
	assert_int_equal(txn->outcome, KV_DONE);
	assert_int_equal(txn->revision, before);
	assert_span(txn->found[0].value, "1");
	assert_false(txn->found[1].exists);
	assert_int_equal(put_one(&bed->owner, "a", "2"), before + 1);
	kv_batch_free(batch);
}

static void an_empty_batch_comes_back(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch = kv_batch_new(0);

	owner_run(&bed->owner, batch);
	assert_int_equal(batch->error, 0);
	kv_batch_free(batch);
}

/* ---- keys and values ---- */

static void wrong_keys_are_refused_alone(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch = kv_batch_new(6);
	char *too_long = calloc(1, KV_MAX_KEY + 2);
	const char *keys[] = {"", "\x01yes", "fine", too_long};

	memset(too_long, 'a', KV_MAX_KEY + 1);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		add_put(batch, add_txn(batch), keys[i], "v");
	add_guard(batch, add_txn(batch), KV_ABSENT, "", NULL, 0);
	add_txn(batch)->n_changes = KV_MAX_CHANGES + 1;
	owner_run(&bed->owner, batch);
	for (uint32_t i = 0; i < batch->n; i++) {
		assert_int_equal(batch->txn[i].outcome, i == 2 ? KV_DONE : KV_REFUSED);
		assert_int_equal(batch->txn[i].error, i == 2 ? 0 : -EINVAL);
	}
	assert_int_equal(batch->error, 0);
	kv_batch_free(batch);
	free(too_long);
}

/* The key of a client with an identifier of 255 bytes in a network with the longest name. */
static void make_long_key(char key[KV_MAX_KEY + 1], char last)
{
	size_t used = (size_t)snprintf(key, KV_MAX_KEY, "clients/4/%063d/id:", 7);

	for (int i = 0; i < 510; i++)
		key[used++] = "0123456789abcdef"[i * 7 % 16];
	key[used - 1] = last;
	key[used] = '\0';
}

static void long_keys(void **state)
{
	struct bed *bed = *state;
	char one[KV_MAX_KEY + 1], two[KV_MAX_KEY + 1];
	int64_t first, second;

	make_long_key(one, 'a');
	make_long_key(two, 'b');
	first = put_one(&bed->owner, one, "one");
	second = put_one(&bed->owner, two, "two");
	owner_wait_revision(&bed->owner, second);
	assert_entry(&bed->owner, one, "one", first);
	assert_entry(&bed->owner, two, "two", second);
	reopen(bed);
	assert_entry(&bed->owner, one, "one", first);
	assert_entry(&bed->owner, two, "two", second);
}

static void values_of_every_kind(void **state)
{
	static const size_t sizes[] = {0, 1, 2, 255, 4000, 5000, 60000};
	struct bed *bed = *state;
	struct kv_batch *batch = kv_batch_new(ARRAY_SIZE(sizes));

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char key[32];
		uint8_t *value = kv_batch_alloc(batch, sizes[i]);
		struct kv_txn *txn = add_txn(batch);
		for (size_t b = 0; b < sizes[i]; b++)
			value[b] = (uint8_t)(b * 3); /* every byte, NUL first */
		snprintf(key, sizeof(key), "v%zu", sizes[i]);
		add_put(batch, txn, key, "");
		txn->change[0].value = (struct span){value, sizes[i]};
	}
	owner_run(&bed->owner, batch);
	reopen(bed);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct entry *entry;
		char key[32];
		snprintf(key, sizeof(key), "v%zu", sizes[i]);
		entry = owner_find(&bed->owner, key);
		assert_non_null(entry);
		assert_int_equal(entry->len, sizes[i]);
		for (size_t b = 0; b < sizes[i]; b++)
			assert_int_equal(entry->value[b], (uint8_t)(b * 3));
	}
	kv_batch_free(batch);
}

/* ---- batches ---- */

static void fill_numbered(struct kv_batch *batch, const char *name, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct kv_txn *txn = add_txn(batch);
		char key[64];
		snprintf(key, sizeof(key), "%s/%06u", name, i);
		add_guard(batch, txn, KV_ABSENT, key, NULL, 0);
		add_put(batch, txn, key, "numbered");
	}
}

static void assert_all_done(const struct kv_batch *batch)
{
	for (uint32_t i = 0; i < batch->n; i++)
		if (batch->txn[i].outcome != KV_DONE)
			fail_msg("transaction %u: outcome %d, %s: %s", i, batch->txn[i].outcome,
				 strerror(-batch->txn[i].error),
				 batch->detail ? batch->detail : "");
}

static void several_batches_in_flight(void **state)
{
	struct bed *bed = *state;
	int64_t newest = 0;

	for (unsigned i = 0; i < 16; i++) {
		struct kv_batch *batch = kv_batch_new(50);
		char name[16];
		snprintf(name, sizeof(name), "b%02u", i);
		fill_numbered(batch, name, 50);
		owner_commit(&bed->owner, batch);
	}
	for (unsigned i = 0; i < 16; i++) {
		struct kv_batch *batch = owner_wait_batch(&bed->owner);
		assert_all_done(batch);
		newest = max_i64(newest, batch->revision);
		kv_batch_free(batch);
	}
	owner_wait_revision(&bed->owner, newest);
	assert_int_equal(bed->owner.n_entries, 16 * 50);
	assert_int_equal(bed->owner.disorders, 0);
}

/* As many transactions as a batch may hold, each as large as one may be. */
static void the_largest_batch(void **state)
{
	struct bed *bed = *state;
	uint32_t n = bed->owner.ops->max_txns;
	struct kv_batch *batch = kv_batch_new(n);

	for (uint32_t i = 0; i < n; i++) {
		struct kv_txn *txn = add_txn(batch);
		char key[64];
		for (int c = 0; c < KV_MAX_COMPARES; c++) {
			snprintf(key, sizeof(key), "compare/%06u.%d", i, c);
			add_guard(batch, txn, KV_READ, key, NULL, 0);
		}
		for (int c = 0; c < KV_MAX_CHANGES; c++) {
			snprintf(key, sizeof(key), "change/%06u.%d", i, c);
			add_put(batch, txn, key, "x");
		}
	}
	owner_run(&bed->owner, batch);
	assert_int_equal(batch->error, 0);
	assert_all_done(batch);
	/* One revision: it went as one. */
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(batch->txn[i].revision, batch->revision);
	owner_wait_revision(&bed->owner, batch->revision);
	assert_int_equal(bed->owner.n_entries, n * KV_MAX_CHANGES);
	kv_batch_reset(batch);
	fill_numbered(batch, "again", n);
	owner_run(&bed->owner, batch);
	assert_all_done(batch);
	kv_batch_free(batch);
}

static void session_keys_without_a_session(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch = kv_batch_new(2);

	add_put(batch, add_txn(batch), "with", "v");
	add_put(batch, add_txn(batch), "without", "v");
	batch->txn[0].change[0].in_session = true;
	owner_run(&bed->owner, batch);
	assert_int_equal(batch->txn[1].outcome, KV_DONE);
	if (ops == &kv_etcd) { /* there is nothing yet that could end it */
		assert_int_equal(batch->txn[0].outcome, KV_REFUSED);
		assert_int_equal(batch->txn[0].error, -ENOLINK);
	} else {
		assert_int_equal(batch->txn[0].outcome, KV_DONE);
	}
	kv_batch_free(batch);
}

/* ---- the mirror ---- */

static void put_many(struct bed *bed, const char *name, uint32_t n)
{
	struct kv_batch *batch = kv_batch_new(100);

	for (uint32_t at = 0; at < n; at += 100) {
		char part[32];
		kv_batch_reset(batch);
		snprintf(part, sizeof(part), "%s/%04u", name, at / 100);
		fill_numbered(batch, part, 100);
		owner_run(&bed->owner, batch);
		assert_all_done(batch);
	}
	kv_batch_free(batch);
}

static void load_then_changes(void **state)
{
	struct bed *bed = *state;
	int64_t last = 0;

	put_many(bed, "many", 50000);
	reopen(bed);
	assert_int_equal(bed->owner.n_entries, 50000);
	assert_int_equal(bed->owner.resets, 1);
	assert_true(bed->owner.most_lists_out <= 2);
	for (int i = 0; i < 50; i++) {
		struct kv_batch *batch = kv_batch_new(2);
		char key[64];
		snprintf(key, sizeof(key), "many/0000/%06d", i);
		add_delete(batch, add_txn(batch), key);
		add_put(batch, add_txn(batch), "changing", key);
		owner_run(&bed->owner, batch);
		assert_all_done(batch);
		assert_true(batch->revision > last);
		last = batch->revision;
		kv_batch_free(batch);
	}
	owner_wait_revision(&bed->owner, last);
	assert_int_equal(bed->owner.n_entries, 50000 - 50 + 1);
	assert_int_equal(bed->owner.removes, 50);
	assert_int_equal(bed->owner.disorders, 0);
	assert_null(owner_find(&bed->owner, "many/0000/000049"));
	assert_entry(&bed->owner, "changing", "many/0000/000049", last);
}

static void reopening_keeps_everything(void **state)
{
	struct bed *bed = *state;
	int64_t a = put_one(&bed->owner, "a", "1"), gone = put_one(&bed->owner, "gone", "x");
	int64_t b = put_one(&bed->owner, "b", "2"), next;
	struct kv_batch *batch = kv_batch_new(1);

	add_delete(batch, add_txn(batch), "gone");
	owner_run(&bed->owner, batch);
	assert_all_done(batch);
	assert_true(gone < batch->revision);
	reopen(bed);
	assert_int_equal(bed->owner.n_entries, 2);
	assert_entry(&bed->owner, "a", "1", a);
	assert_entry(&bed->owner, "b", "2", b);
	assert_true(bed->owner.revision >= batch->revision);
	next = put_one(&bed->owner, "c", "3");
	assert_true(next > batch->revision);
	kv_batch_free(batch);
}

static bool two_lists_out(struct owner *owner, const void *arg)
{
	bool out;

	pthread_mutex_lock(&owner->lock);
	out = owner->lists_out == 2;
	pthread_mutex_unlock(&owner->lock);
	return out;
}

/* An owner that takes no list gets two and no more, and everything once it takes them. */
static void a_slow_owner_holds_the_backend_back(void **state)
{
	struct bed *bed = *state;
	struct owner *owner = &bed->owner;
	int64_t last = 0;

	for (int i = 0; i < 200; i++) {
		struct kv_batch *batch = kv_batch_new(1);
		char value[16];
		snprintf(value, sizeof(value), "%d", i);
		add_put(batch, add_txn(batch), "slow", value);
		owner_commit(owner, batch);
	}
	for (int came = 0; came < 200;) { /* batches alone; lists stay where they are */
		struct kv_batch *batch = NULL;
		pthread_mutex_lock(&owner->lock);
		while (owner->n_batches == 0)
			pthread_cond_wait(&owner->changed, &owner->lock);
		batch = owner->batches[--owner->n_batches];
		pthread_mutex_unlock(&owner->lock);
		assert_all_done(batch);
		last = max_i64(last, batch->revision);
		kv_batch_free(batch);
		came++;
	}
	while (!two_lists_out(owner, NULL) && owner->n_lists < 1)
		;
	assert_true(owner->most_lists_out <= 2);
	owner_wait_revision(owner, last);
	assert_true(owner->most_lists_out <= 2);
	assert_int_equal(owner->disorders, 0);
	assert_int_equal(owner->resets, 1);
}

/* ---- the end ---- */

static void closing_answers_everything(void **state)
{
	struct bed *bed = *state;
	struct owner *owner = &bed->owner;
	struct kv_batch *batches[40];

	for (unsigned i = 0; i < ARRAY_SIZE(batches); i++) {
		char name[16];
		batches[i] = kv_batch_new(50);
		snprintf(name, sizeof(name), "c%02u", i);
		fill_numbered(batches[i], name, 50);
		owner_commit(owner, batches[i]);
	}
	owner->ops->close(owner->kv);
	owner->kv = NULL; /* closing nothing is allowed */
	assert_int_equal(owner->n_batches, ARRAY_SIZE(batches));
	for (unsigned i = 0; i < ARRAY_SIZE(batches); i++)
		assert_all_done(batches[i]);
	owner_close(owner);
	owner_begin(owner, ops, &bed->config);
	assert_int_equal(owner->n_entries, ARRAY_SIZE(batches) * 50);
}

static void closing_what_never_started(void **state)
{
	struct bed *bed = *state;
	struct kv_sink sink = {0};
	struct config_error error;
	struct kv *kv;

	owner_close(&bed->owner);
	kv = ops->open(&bed->config, &sink, &error);
	assert_non_null(kv);
	ops->close(kv);
}

static void status_tells_what_happened(void **state)
{
	struct bed *bed = *state;
	struct kv_status status;
	int64_t revision = put_one(&bed->owner, "a", "1");

	ops->status(bed->owner.kv, &status);
	assert_true(status.connected);
	assert_true(status.revision >= revision);
	assert_true(status.last_contact_ns > 0);
	assert_int_equal(status.reconnects, 0);
	assert_int_equal(status.reloads, 0);
	assert_string_equal(status.problem, "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    TEST(guards),
    TEST(one_conflict_fails_alone),
    TEST(found_belongs_to_its_key),
    TEST(reading_changes_nothing),
    TEST(an_empty_batch_comes_back),
    TEST(wrong_keys_are_refused_alone),
    TEST(long_keys),
    TEST(values_of_every_kind),
    TEST(several_batches_in_flight),
    TEST(the_largest_batch),
    TEST(session_keys_without_a_session),
    TEST(load_then_changes),
    TEST(reopening_keeps_everything),
    TEST(a_slow_owner_holds_the_backend_back),
    TEST(closing_answers_everything),
    TEST(closing_what_never_started),
    TEST(status_tells_what_happened),
};

int main(int argc, char **argv)
{
	int failed;

	if (argc == 2 && strcmp(argv[1], "etcd") == 0) {
		ops = &kv_etcd;
		if (!server_available())
			return 0;
		server_start(&server, NULL);
		failed = cmocka_run_group_tests_name("kv/etcd", tests, NULL, NULL);
		server_remove(&server);
	} else {
		ops = &kv_embedded;
		failed = cmocka_run_group_tests_name("kv/embedded", tests, NULL, NULL);
	}
	return failed;
}
