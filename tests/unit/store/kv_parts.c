/* SPDX-License-Identifier: MIT */
/* The parts behind kv.h that need no database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/embedded/record_key.h"
#include "store/etcd/endpoint.h"
#include "store/etcd/verdict.h"
#include "store/kv_check.h"
#include "store/kv_health.h"
#include "store/kv_outlet.h"
#include "store/kv_queue.h"

static struct span span_of(const char *text)
{
	return (struct span){(const uint8_t *)text, strlen(text)};
}

/* ---- arena and batch ---- */

static void arena_memory_is_distinct(void **state)
{
	static const size_t sizes[] = {0, 1, 7, 8, 9, 100, 1000, 5000, 64, 3};
	struct kv_arena *arena = kv_arena_new(256);
	uint8_t *memory[ARRAY_SIZE(sizes)];

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			memory[i] = kv_arena_alloc(arena, sizes[i]);
			assert_non_null(memory[i]);
			assert_int_equal((uintptr_t)memory[i] % 8, 0);
			memset(memory[i], (int)i + 1, sizes[i]);
		}
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
			for (size_t b = 0; b < sizes[i]; b++)
				assert_int_equal(memory[i][b], i + 1);
		kv_arena_reset(arena);
	}
	kv_arena_free(arena);
}

static void arena_refuses_the_impossible(void **state)
{
	struct kv_arena *arena = kv_arena_new(256);

	assert_null(kv_arena_alloc(arena, SIZE_MAX));
	assert_null(kv_arena_alloc(arena, SIZE_MAX - 16));
	assert_non_null(kv_arena_alloc(arena, 8)); /* and goes on */
	kv_arena_free(arena);
	kv_arena_free(NULL);
}

static void batch_hands_out_zeroed_transactions(void **state)
{
	struct kv_batch *batch = kv_batch_new(3);
	static const struct kv_txn zero;

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 3; i++) {
			struct kv_txn *txn = kv_batch_add(batch);
			assert_memory_equal(txn, &zero, sizeof(zero));
			memset(txn, 0xff, sizeof(*txn));
		}
		assert_null(kv_batch_add(batch));
		batch->n--;
		assert_ptr_equal(kv_batch_add(batch), &batch->txn[2]);
		batch->error = -EIO;
		batch->detail = "x";
		kv_batch_reset(batch);
		assert_int_equal(batch->n, 0);
		assert_int_equal(batch->error, 0);
		assert_null(batch->detail);
		assert_int_equal(batch->cap, 3);
	}
	kv_batch_free(batch);
	kv_batch_free(NULL);
}

static void batch_blames_the_first_error(void **state)
{
	struct kv_batch *batch = kv_batch_new(1);
	char words[] = "no room";

	kv_batch_blame(batch, 0, "nothing happened");
	assert_null(batch->detail);
	kv_batch_blame(batch, -ENOSPC, words);
	words[0] = 'X'; /* it keeps a copy */
	kv_batch_blame(batch, -EIO, "later");
	assert_int_equal(batch->error, -ENOSPC);
	assert_string_equal(batch->detail, "no room");
	kv_batch_free(batch);
}

/* ---- queue ---- */

#define PRODUCERS 3
#define EACH      20000

struct item {
	struct kv_node node;
	int producer, number;
};

static struct kv_queue queue;

static void *produce(void *arg)
{
	struct item *items = arg;

	for (int i = 0; i < EACH; i++)
		kv_queue_push(&queue, &items[i].node);
	return NULL;
}

/* Nothing is lost, and what one producer pushed comes in its order. */
static void queue_keeps_each_producers_order(void **state)
{
	struct item *items = calloc(PRODUCERS * EACH, sizeof(*items));
	int next[PRODUCERS] = {0}, total = 0;
	pthread_t threads[PRODUCERS];

	for (int i = 0; i < PRODUCERS * EACH; i++)
		items[i] = (struct item){.producer = i / EACH, .number = i % EACH};
	for (int p = 0; p < PRODUCERS; p++)
		pthread_create(&threads[p], NULL, produce, &items[p * EACH]);
	while (total < PRODUCERS * EACH) {
		struct kv_node *node = kv_queue_take(&queue);
		for (; node; node = node->next, total++) {
			struct item *item = container_of(node, struct item, node);
			assert_int_equal(item->number, next[item->producer]++);
		}
	}
	assert_true(kv_queue_empty(&queue));
	for (int p = 0; p < PRODUCERS; p++)
		pthread_join(threads[p], NULL);
	free(items);
}

static void line_is_first_in_first_out(void **state)
{
	struct item items[5] = {0};
	struct kv_line line;

	kv_line_init(&line);
	assert_null(kv_line_take(&line));
	kv_line_add(&line, &items[0].node);
	items[1].node.next = &items[2].node;
	items[2].node.next = NULL;
	kv_line_add_all(&line, &items[1].node);
	kv_line_add_all(&line, NULL);
	kv_line_add(&line, &items[3].node);
	for (int i = 0; i < 4; i++)
		assert_ptr_equal(kv_line_take(&line), &items[i].node);
	assert_null(kv_line_take(&line));
	kv_line_add(&line, &items[4].node); /* usable after it ran empty */
	assert_ptr_equal(kv_line_take(&line), &items[4].node);
}

/* ---- outlet ---- */

struct counting_sink {
	struct kv_sink sink;
	struct kv_events *last;
	int n;
};

static void count_events(struct kv_sink *sink, struct kv_events *events)
{
	struct counting_sink *counting = (struct counting_sink *)sink;

	counting->last = events;
	counting->n++;
}

static void outlet_lets_two_lists_out(void **state)
{
	struct counting_sink sink = {.sink.events = count_events};
	struct kv_events *first;
	struct kv_outlet outlet;
	struct kv_list *list;

	kv_outlet_init(&outlet, &sink.sink);
	for (int i = 0; i < KV_OUTLET_MAX_OUT; i++) {
		assert_true(kv_outlet_ready(&outlet));
		list = kv_outlet_take(&outlet);
		list->borrows = i == 0;
		for (int e = 0; e < 1000; e++)
			assert_non_null(kv_list_add(list, KV_EVENT_PUT, e));
		kv_outlet_send(&outlet, list);
		if (i == 0)
			first = sink.last;
	}
	assert_false(kv_outlet_ready(&outlet));
	assert_int_equal(kv_outlet_collect(&outlet), 0);
	assert_int_equal(first->n, 1000);
	assert_int_equal(first->event[999].revision, 999);
	kv_outlet_return(&outlet, first);
	assert_false(kv_outlet_ready(&outlet)); /* until it was collected */
	assert_int_equal(kv_outlet_collect(&outlet), 1);
	assert_true(kv_outlet_ready(&outlet));
	list = kv_outlet_take(&outlet); /* used again, empty */
	assert_ptr_equal(&list->events, first);
	assert_int_equal(list->events.n, 0);
	assert_false(list->borrows);
	kv_outlet_fini(&outlet);
}

struct sent_lists {
	struct kv_sink sink;
	struct kv_events *list[8];
	int n;
};

static void note_list(struct kv_sink *sink, struct kv_events *events)
{
	struct sent_lists *sent = (struct sent_lists *)sink;

	sent->list[sent->n++] = events;
}

static void outlet_keeps_the_others_in_their_order(void **state)
{
	struct sent_lists sent = {.sink.events = note_list};
	struct kv_list *lists[5];
	struct kv_outlet outlet;

	kv_outlet_init(&outlet, &sent.sink);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(kv_outlet_waiting(&outlet), i > KV_OUTLET_MAX_OUT);
		lists[i] = kv_outlet_take(&outlet);
		assert_non_null(lists[i]);
		kv_outlet_send(&outlet, lists[i]);
	}
	assert_int_equal(sent.n, KV_OUTLET_MAX_OUT);
	kv_outlet_return(&outlet, sent.list[1]);
	assert_int_equal(sent.n, KV_OUTLET_MAX_OUT); /* until it was collected */
	kv_outlet_collect(&outlet);
	assert_int_equal(sent.n, 3);
	assert_true(kv_outlet_waiting(&outlet));
	kv_outlet_return(&outlet, sent.list[0]);
	kv_outlet_return(&outlet, sent.list[2]);
	kv_outlet_collect(&outlet);
	assert_int_equal(sent.n, 5);
	assert_false(kv_outlet_waiting(&outlet));
	assert_false(kv_outlet_ready(&outlet));
	for (int i = 0; i < 5; i++)
		assert_ptr_equal(sent.list[i], &lists[i]->events);
	kv_outlet_fini(&outlet);
}

/* ---- health ---- */

static void health_shows_one_problem_at_a_time(void **state)
{
	struct kv_health health;
	struct kv_status status;

	kv_health_init(&health, "test");
	kv_health_problem(&health, KV_PROBLEM_SESSION, "session %d", 1);
	kv_health_problem(&health, KV_PROBLEM_LINK, "link");
	kv_health_read(&health, &status);
	assert_string_equal(status.problem, "link");
	kv_health_mended(&health, KV_PROBLEM_LINK);
	kv_health_read(&health, &status);
	assert_string_equal(status.problem, "session 1");
	kv_health_mended(&health, KV_PROBLEM_SESSION);
	kv_health_contact(&health, 7);
	kv_health_contact(&health, 5);
	kv_health_read(&health, &status);
	assert_string_equal(status.problem, "");
	assert_int_equal(status.revision, 7);
	kv_health_fini(&health);
}

/* ---- long keys ---- */

static void check_key(const char *text, bool packed)
{
	struct kv_arena *arena = kv_arena_new(4096);
	uint8_t room[STORED_KEY_MAX];
	struct span back;
	MDB_val stored;

	assert_int_equal(stored_key_make(span_of(text), room, &stored), 0);
	assert_true(stored.mv_size <= STORED_KEY_MAX);
	assert_int_equal(stored.mv_data == room, packed);
	assert_int_equal(stored_key_read(&stored, arena, &back), 0);
	assert_int_equal(back.len, strlen(text));
	assert_memory_equal(back.data, text, back.len);
	kv_arena_free(arena);
}

static void long_keys_come_back_as_they_were(void **state)
{
	char key[KV_MAX_KEY + 1];

	check_key("a", false);
	for (size_t len = 500; len <= KV_MAX_KEY; len++) {
		memset(key, 'a', len);
		memcpy(key, "clients/4/n/id:", 15);
		key[len] = '\0';
		check_key(key, len > STORED_KEY_MAX);
	}
	/* An odd number of digits, a digit in upper case: what can be packed is. */
	key[16] = 'Z';
	check_key(key, true);
	key[17] = 'A';
	check_key(key, true);
}

static void unpackable_keys_are_refused(void **state)
{
	char key[KV_MAX_KEY];
	uint8_t room[STORED_KEY_MAX];
	MDB_val stored;

	memset(key, 'x', sizeof(key));
	assert_int_equal(stored_key_make((struct span){(uint8_t *)key, 512}, room, &stored),
			 -ENAMETOOLONG);
	assert_int_equal(stored_key_make((struct span){(uint8_t *)key, 511}, room, &stored), 0);
}

static void malformed_stored_keys_are_refused(void **state)
{
	struct kv_arena *arena = kv_arena_new(256);
	static uint8_t bad[][4] = {{1}, {1, 0}, {1, 0, 2, 'x'}, {1, 0xff, 0xff, 'x'}};
	static const size_t sizes[] = {1, 2, 4, 4};
	struct span key;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		MDB_val stored = {sizes[i], bad[i]};
		assert_int_equal(stored_key_read(&stored, arena, &key), -EINVAL);
	}
	kv_arena_free(arena);
}

/* ---- endpoints ---- */

static const struct {
	const char *url, *target; /* NULL: refused */
	bool tls;
} endpoints[] = {
    {"http://10.0.0.11:2379", "ipv4:10.0.0.11:2379", false},
    {"https://10.0.0.11", "ipv4:10.0.0.11:2379", true},
    {"http://etcd-1.example.net:1234/", "dns:///etcd-1.example.net:1234", false},
    {"https://[2001:db8::1]:2379", "ipv6:[2001:db8::1]:2379", true},
    {"http://[::1]", "ipv6:[::1]:2379", false},
    {"10.0.0.11:2379", NULL, false},
    {"unix:///run/etcd", NULL, false},
    {"http://", NULL, false},
    {"http://:2379", NULL, false},
    {"http://host:", NULL, false},
    {"http://host:0", NULL, false},
    {"http://host:65536", NULL, false},
    {"http://host:-1", NULL, false},
    {"http://host:23x", NULL, false},
    {"http://host:2379/v3", NULL, false},
    {"http://[::1", NULL, false},
    {"http://[etcd]:2379", NULL, false},
};

static void endpoints_are_read(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(endpoints); i++) {
		struct config_error error = {""};
		struct endpoint endpoint;
		int rc = endpoint_parse(&endpoint, endpoints[i].url, &error);

		if (rc != (endpoints[i].target ? 0 : -EINVAL))
			fail_msg("%s: %d", endpoints[i].url, rc);
		if (rc) {
			assert_non_null(strstr(error.text, endpoints[i].url));
			continue;
		}
		assert_string_equal(endpoint.target, endpoints[i].target);
		assert_int_equal(endpoint.tls, endpoints[i].tls);
	}
}

static void overlong_endpoints_are_refused(void **state)
{
	struct config_error error;
	struct endpoint endpoint;
	char url[1024];

	memset(url, 'a', sizeof(url));
	memcpy(url, "http://", 7);
	url[sizeof(url) - 1] = '\0';
	assert_int_equal(endpoint_parse(&endpoint, url, &error), -EINVAL);
	url[280] = '\0'; /* longer than any host name */
	assert_int_equal(endpoint_parse(&endpoint, url, &error), -EINVAL);
}

/* ---- verdicts ---- */

/* In etcd's own words, as the servers of 3.4 and 3.5 send them. */
static const struct {
	grpc_status_code status;
	const char *words;
	enum kv_outcome outcome;
	int error;
	enum verdict_action action;
} verdicts[] = {
    {14, "failed to connect to all addresses; last error: UNKNOWN: Connection refused", KV_REFUSED,
     -EHOSTUNREACH, VERDICT_AGAIN},
    {14, "Socket closed", KV_UNKNOWN, -EHOSTUNREACH, VERDICT_REPORT},
    {14, "Connection reset by peer", KV_UNKNOWN, -EHOSTUNREACH, VERDICT_REPORT},
    {14, "etcdserver: no leader", KV_UNKNOWN, -EHOSTUNREACH, VERDICT_REPORT},
    {14, "etcdserver: leader changed", KV_UNKNOWN, -EIO, VERDICT_REPORT},
    {14, "etcdserver: request timed out", KV_UNKNOWN, -ETIMEDOUT, VERDICT_REPORT},
    {14, "etcdserver: request timed out, possibly due to connection lost", KV_UNKNOWN, -ETIMEDOUT,
     VERDICT_REPORT},
    {4, "Deadline Exceeded", KV_UNKNOWN, -ETIMEDOUT, VERDICT_REPORT},
    {3, "etcdserver: too many operations in txn request", KV_REFUSED, -E2BIG, VERDICT_SPLIT},
    {3, "etcdserver: request is too large", KV_REFUSED, -E2BIG, VERDICT_HALVE},
    {8, "grpc: received message larger than max (2 vs. 1)", KV_REFUSED, -E2BIG, VERDICT_HALVE},
    {8, "Received message larger than max (2 vs. 1)", KV_UNKNOWN, -EIO, VERDICT_REPORT},
    {8, "grpc: trying to send message larger than max (2 vs. 1)", KV_UNKNOWN, -EIO, VERDICT_REPORT},
    {8, "etcdserver: too many requests", KV_REFUSED, -EAGAIN, VERDICT_REPORT},
    {8, "etcdserver: mvcc: database space exceeded", KV_UNKNOWN, -ENOSPC, VERDICT_REPORT},
    {5, "etcdserver: requested lease not found", KV_REFUSED, -ENOLINK, VERDICT_SESSION_LOST},
    {11, "etcdserver: mvcc: required revision has been compacted", KV_REFUSED, -EIO,
     VERDICT_COMPACTED},
    {11, "etcdserver: mvcc: required revision is a future revision", KV_REFUSED, -EAGAIN,
     VERDICT_LATER},
    {16, "etcdserver: invalid auth token", KV_REFUSED, -EACCES, VERDICT_AUTHENTICATE},
    {3, "etcdserver: revision of auth store is old", KV_REFUSED, -EACCES, VERDICT_AUTHENTICATE},
    {7, "etcdserver: permission denied", KV_REFUSED, -EACCES, VERDICT_REPORT},
    {3, "etcdserver: user name is empty", KV_REFUSED, -EACCES, VERDICT_REPORT},
    {3, "etcdserver: authentication failed, invalid user ID or password", KV_REFUSED, -EACCES,
     VERDICT_REPORT},
    {12, "unknown service etcdserverpb.KV", KV_REFUSED, -EIO, VERDICT_REPORT},
    {1, "no longer needed", KV_UNKNOWN, -EIO, VERDICT_REPORT},
    {2, "", KV_UNKNOWN, -EIO, VERDICT_REPORT},
    {13, "stream terminated by RST_STREAM", KV_UNKNOWN, -EIO, VERDICT_REPORT},
};

static void verdicts_doubt_what_is_not_certain(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
		struct reply reply = {.status = verdicts[i].status};
		const struct verdict *verdict;

		snprintf(reply.words, sizeof(reply.words), "%s", verdicts[i].words);
		verdict = verdict_of(&reply);
		if (verdict->outcome != verdicts[i].outcome ||
		    verdict->error != verdicts[i].error || verdict->action != verdicts[i].action)
			fail_msg("%s: outcome %d, error %d, action %d", verdicts[i].words,
				 verdict->outcome, verdict->error, verdict->action);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(arena_memory_is_distinct),
	    cmocka_unit_test(arena_refuses_the_impossible),
	    cmocka_unit_test(batch_hands_out_zeroed_transactions),
	    cmocka_unit_test(batch_blames_the_first_error),
	    cmocka_unit_test(queue_keeps_each_producers_order),
	    cmocka_unit_test(line_is_first_in_first_out),
	    cmocka_unit_test(outlet_lets_two_lists_out),
	    cmocka_unit_test(outlet_keeps_the_others_in_their_order),
	    cmocka_unit_test(health_shows_one_problem_at_a_time),
	    cmocka_unit_test(long_keys_come_back_as_they_were),
	    cmocka_unit_test(unpackable_keys_are_refused),
	    cmocka_unit_test(malformed_stored_keys_are_refused),
	    cmocka_unit_test(endpoints_are_read),
	    cmocka_unit_test(overlong_endpoints_are_refused),
	    cmocka_unit_test(verdicts_doubt_what_is_not_certain),
	};

	return cmocka_run_group_tests_name("kv/parts", tests, NULL, NULL);
}
