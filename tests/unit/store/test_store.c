/* SPDX-License-Identifier: MIT */
/* The store thread over the embedded database, driven as a worker drives it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <urcu/urcu-qsbr.h>

#include "base/thread.h"
#include "config/load.h"
#include "store/store.h"

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define FIRST IP(10, 6, 0, 10)
#define POOL  200
#define HOLD  2000

static const char text[] = "server: {interfaces: [{name: eth1}], pending-max: 4096}\n"
			   "store: {embedded: {path: %s}}\n"
			   "networks:\n"
			   "  - name: campus\n"
			   "    lease-time: 1000\n"
			   "    rest-time: 1\n"
			   "    subnets:\n"
			   "      - {subnet: 10.6.0.0/24, pools: [10.6.0.10-10.6.0.209]}\n";

struct fixture {
	char directory[32];
	struct config *config;
	struct clock clock;
	struct store *store;
	struct lease_net *net;
};

static void open_store(struct fixture *f)
{
	struct config_error error;

	clock_init(&f->clock, 0);
	f->store = store_new(f->config, &f->clock, 1, &error);
	if (!f->store)
		fail_msg("%s", error.text);
	assert_int_equal(store_start(f->store, THREAD_ANY_CPU), 0);
	assert_int_equal(store_configure(f->store, f->config, &f->net), 0);
	for (int i = 0; i < 30000; i++) { /* the mirror's first load; bounded */
		struct store_view view;
		store_view(f->store, &view);
		if (view.loaded && view.connected)
			return;
		usleep(1000);
	}
	fail_msg("the store did not become ready");
}

static void close_store(struct fixture *f)
{
	store_stop(f->store);
	store_free(f->store);
	f->store = NULL;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char yaml[1024];
	struct config_source source = {.name = "test.yaml", .text = yaml};
	struct config_error error;

	strcpy(f->directory, "/tmp/etcdhcp-store-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	source.len = (size_t)snprintf(yaml, sizeof(yaml), text, f->directory);
	f->config = config_parse(&source, NULL, CONFIG_MEMORY_MAX, &error);
	if (!f->config)
		fail_msg("%s", error.text);
	open_store(f);
	*state = f;
	return 0;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
	return remove(path);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	close_store(f);
	config_free(f->config);
	nftw(f->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static void prepare(struct fixture *f, struct ask *ask, enum ask_op op, unsigned who, uint32_t addr)
{
	memset(ask, 0, sizeof(*ask));
	ask->op = op;
	ask->net = f->net;
	ask->addr = addr;
	ask->lease_s = 1000;
	ask->hold_s = HOLD;
	ask->offer_s = 60;
	ask->asked_ns = clock_mono_ns();
	ask->client.len = 7;
	ask->client.bytes[0] = CLIENT_ID_MAC;
	store_be32(ask->client.bytes + 3, who);
	ask->client_hash = lease_client_hash(f->net, ask->client.bytes, ask->client.len);
}

static void submit(struct fixture *f, struct ask *ask)
{
	assert_true(store_submit(f->store, 0, ask));
	store_kick(f->store);
}

static struct ask *next_answer(struct fixture *f)
{
	struct wakeup *wakeup = store_worker_wakeup(f->store, 0);
	struct pollfd fd = {.fd = wakeup->fd, .events = POLLIN};
	struct ask *answer = NULL;

	for (int i = 0; i < 3000; i++) {
		wakeup_arm(wakeup);
		size_t n = store_answers(f->store, 0, &answer, 1);
		if (!n)
			poll(&fd, 1, 20);
		wakeup_disarm(wakeup);
		if (n)
			return answer;
	}
	fail_msg("no answer");
	return NULL;
}

static enum ask_result ask_once(struct fixture *f, struct ask *ask, enum ask_op op, unsigned who,
				uint32_t addr)
{
	prepare(f, ask, op, who, addr);
	submit(f, ask);
	assert_ptr_equal(next_answer(f), ask);
	return ask->result;
}

static void test_offer_and_bind(void **state)
{
	struct fixture *f = *state;
	struct ask ask;
	uint32_t addr;
	int64_t now = clock_wall_ns(&f->clock) / (int64_t)NS_PER_S;

	assert_int_equal(ask_once(f, &ask, ASK_OFFER, 1, 0), ASK_GRANTED);
	addr = ask.addr;
	assert_in_range(addr, FIRST, FIRST + POOL - 1);
	assert_int_equal(ask_once(f, &ask, ASK_OFFER, 2, 0), ASK_GRANTED);
	assert_int_not_equal(ask.addr, addr);
	assert_int_equal(ask_once(f, &ask, ASK_BIND, 1, addr), ASK_GRANTED);
	assert_in_range(ask.hold_until_s, now + HOLD, now + HOLD + 5);
}

static void test_on_offer_to_another(void **state)
{
	struct fixture *f = *state;
	struct ask ask;
	uint32_t addr;

	assert_int_equal(ask_once(f, &ask, ASK_OFFER, 1, 0), ASK_GRANTED);
	addr = ask.addr;
	assert_int_equal(ask_once(f, &ask, ASK_BIND, 2, addr), ASK_ON_OFFER);
	assert_int_equal(ask_once(f, &ask, ASK_FORGET, 1, 0), ASK_GRANTED);
	assert_int_equal(ask_once(f, &ask, ASK_BIND, 2, addr), ASK_GRANTED);
	assert_int_equal(ask_once(f, &ask, ASK_BIND, 1, addr), ASK_DENIED);
}

static void test_life_of_a_binding(void **state)
{
	struct fixture *f = *state;
	struct ask ask;

	assert_int_equal(ask_once(f, &ask, ASK_CONFIRM, 1, FIRST), ASK_UNKNOWN_CLIENT);
	assert_int_equal(ask_once(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
	assert_int_equal(ask_once(f, &ask, ASK_CONFIRM, 1, FIRST), ASK_GRANTED);
	assert_int_equal(ask_once(f, &ask, ASK_CONFIRM, 2, FIRST), ASK_DENIED);
	assert_int_equal(ask_once(f, &ask, ASK_RENEW, 2, FIRST), ASK_DENIED);
	assert_int_equal(ask_once(f, &ask, ASK_EXTEND, 1, FIRST), ASK_GRANTED);
	assert_int_equal(ask_once(f, &ask, ASK_RELEASE, 2, FIRST), ASK_UNKNOWN_CLIENT);
	assert_int_equal(ask_once(f, &ask, ASK_RELEASE, 1, FIRST), ASK_GRANTED);
	assert_int_equal(ask_once(f, &ask, ASK_CONFIRM, 1, FIRST), ASK_DENIED);
	assert_int_equal(ask_once(f, &ask, ASK_BIND, 2, FIRST), ASK_DENIED); /* it rests */
	assert_int_equal(ask_once(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
	assert_int_equal(ask_once(f, &ask, ASK_DECLINE, 1, FIRST), ASK_GRANTED);
	assert_int_equal(ask_once(f, &ask, ASK_BIND, 1, FIRST), ASK_DENIED);
}

static void test_moving_client_leaves_its_address_held(void **state)
{
	struct fixture *f = *state;
	struct ask ask;

	assert_int_equal(ask_once(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
	assert_int_equal(ask_once(f, &ask, ASK_BIND, 1, FIRST + 1), ASK_GRANTED);
	assert_int_equal(ask_once(f, &ask, ASK_BIND, 2, FIRST), ASK_DENIED);
	assert_int_equal(ask_once(f, &ask, ASK_CONFIRM, 1, FIRST), ASK_DENIED);
	assert_int_equal(ask_once(f, &ask, ASK_CONFIRM, 1, FIRST + 1), ASK_GRANTED);
}

/* Its own memory tells where it is: the embedded store keeps no key per client that could. */
static void test_client_elsewhere_is_denied(void **state)
{
	struct fixture *f = *state;
	struct ask ask;

	assert_int_equal(ask_once(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
	assert_int_equal(ask_once(f, &ask, ASK_CONFIRM, 1, FIRST + 5), ASK_DENIED);
	close_store(f);
	open_store(f);
	assert_int_equal(ask_once(f, &ask, ASK_CONFIRM, 1, FIRST + 5), ASK_DENIED);
	assert_int_equal(ask_once(f, &ask, ASK_CONFIRM, 2, FIRST + 5), ASK_UNKNOWN_CLIENT);
}

/* One entry for each binding, and what was committed here is not read back. */
static void test_one_entry_per_binding(void **state)
{
	struct fixture *f = *state;
	struct ask ask;

	for (unsigned who = 1; who <= 10; who++)
		assert_int_equal(ask_once(f, &ask, ASK_BIND, who, FIRST + who), ASK_GRANTED);
	assert_int_equal(counter_read(&store_counters(f->store)->mirror_events), 0);
	close_store(f);
	open_store(f);
	assert_int_equal(counter_read(&store_counters(f->store)->mirror_events), 10);
}

/* Everybody at once: each address exactly once, and nobody beyond the pool. */
static void test_crowd(void **state)
{
	enum { CLIENTS = 1000 };
	struct fixture *f = *state;
	struct ask *asks = calloc(CLIENTS, sizeof(*asks));
	unsigned granted = 0, used[POOL] = {0};

	for (unsigned i = 0; i < CLIENTS; i++) {
		prepare(f, &asks[i], ASK_OFFER, i + 1, 0);
		submit(f, &asks[i]);
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct ask *answer = next_answer(f);
		if (answer->op == ASK_OFFER && answer->result == ASK_GRANTED) {
			uint32_t addr = answer->addr;
			unsigned who = load_be32(answer->client.bytes + 3);
			prepare(f, answer, ASK_BIND, who, addr);
			submit(f, answer);
			i--; /* one more answer to come */
		} else if (answer->op == ASK_BIND) {
			assert_int_equal(answer->result, ASK_GRANTED);
			used[answer->addr - FIRST]++;
			granted++;
		} else {
			assert_int_equal(answer->result, ASK_NO_ADDRESS);
		}
	}
	assert_int_equal(granted, POOL);
	for (unsigned i = 0; i < POOL; i++)
		assert_int_equal(used[i], 1);
	free(asks);
}

/* The same request while it is being committed is answered once; another's is put in line. */
static void test_retransmission(void **state)
{
	struct fixture *f = *state;
	struct ask first, again, other;
	unsigned duplicates = 0;

	prepare(f, &first, ASK_BIND, 1, FIRST);
	prepare(f, &again, ASK_BIND, 1, FIRST);
	prepare(f, &other, ASK_BIND, 2, FIRST);
	assert_true(store_submit(f->store, 0, &first));
	assert_true(store_submit(f->store, 0, &again));
	assert_true(store_submit(f->store, 0, &other));
	store_kick(f->store);
	for (int i = 0; i < 3; i++)
		duplicates += next_answer(f)->result == ASK_DUPLICATE;
	assert_int_equal(first.result, ASK_GRANTED);
	assert_true(again.result == ASK_DUPLICATE || again.result == ASK_GRANTED);
	assert_int_equal(other.result, ASK_DENIED);
	assert_in_range(duplicates, 0, 1);
}

static void test_restart_keeps_everything(void **state)
{
	struct fixture *f = *state;
	struct ask ask;

	assert_int_equal(ask_once(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
	assert_int_equal(ask_once(f, &ask, ASK_BIND, 2, FIRST + 1), ASK_GRANTED);
	assert_int_equal(ask_once(f, &ask, ASK_RELEASE, 2, FIRST + 1), ASK_GRANTED);
	close_store(f);
	open_store(f);
	assert_int_equal(ask_once(f, &ask, ASK_BIND, 3, FIRST), ASK_DENIED);
	assert_int_equal(ask_once(f, &ask, ASK_CONFIRM, 1, FIRST), ASK_GRANTED);
	assert_int_equal(ask_once(f, &ask, ASK_CONFIRM, 2, FIRST + 1), ASK_DENIED);
}

/* A released address comes back when it has rested, and not before. */
static void test_release_comes_back(void **state)
{
	struct fixture *f = *state;
	struct ask ask;
	enum ask_result result = ASK_DENIED;
	uint64_t released_ns, until_ns;

	assert_int_equal(ask_once(f, &ask, ASK_BIND, 1, FIRST), ASK_GRANTED);
	prepare(f, &ask, ASK_RELEASE, 1, FIRST);
	ask.hold_s = 2; /* at least one whole second of that, however the clock stands */
	released_ns = clock_mono_ns();
	until_ns = released_ns + 60 * NS_PER_S;
	submit(f, &ask);
	next_answer(f);
	while (result == ASK_DENIED && clock_mono_ns() < until_ns) {
		result = ask_once(f, &ask, ASK_BIND, 2, FIRST);
		if (result == ASK_DENIED)
			usleep(10000);
	}
	assert_int_equal(result, ASK_GRANTED);
	assert_true(clock_mono_ns() - released_ns >= NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_offer_and_bind, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_on_offer_to_another, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_life_of_a_binding, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_moving_client_leaves_its_address_held, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_client_elsewhere_is_denied, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_entry_per_binding, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_crowd, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_retransmission, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_restart_keeps_everything, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_release_comes_back, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
