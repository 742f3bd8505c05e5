/* SPDX-License-Identifier: MIT */
/* What one transaction does, on both backends: guards, what is found, keys and values. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kv_suite.h"

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
	suite_reopen(bed);
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
	suite_reopen(bed);
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

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    TEST(guards),
	    TEST(one_conflict_fails_alone),
	    TEST(found_belongs_to_its_key),
	    TEST(reading_changes_nothing),
	    TEST(an_empty_batch_comes_back),
	    TEST(wrong_keys_are_refused_alone),
	    TEST(long_keys),
	    TEST(values_of_every_kind),
	};
	int failed;

	if (!suite_begin(argc, argv))
		return 0;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	suite_end();
	return failed;
}
