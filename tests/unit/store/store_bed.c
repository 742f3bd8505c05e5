/* SPDX-License-Identifier: MIT */
#include "store_bed.h"

#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/load.h"

static const char text[] = "server: {id: %s, interfaces: [{name: eth1}], pending-max: 8192}\n"
			   "store: %s\n"
			   "networks:\n"
			   "  - name: campus\n"
			   "    lease-time: 1000\n"
			   "    rest-time: 1\n"
			   "    subnets:\n"
			   "      - {subnet: 10.6.0.0/24, pools: [10.6.0.10-10.6.0.209]}\n"
			   "  - name: large\n"
			   "    lease-time: 1000\n"
			   "    subnets:\n"
			   "      - {subnet: 10.8.0.0/16, pools: [10.8.1.0-10.8.40.15]}\n";

void bed_open(struct store_bed *f)
{
	struct config_error error;

	clock_init(&f->clock, f->offset_s);
	f->store = store_new(f->config, &f->clock, 1, &error);
	if (!f->store)
		fail_msg("%s", error.text);
	assert_int_equal(store_start(f->store, THREAD_ANY_CPU), 0);
	assert_int_equal(store_configure(f->store, f->config, f->nets), 0);
	f->net = f->nets[0];
	for (int i = 0; i < 30000; i++) { /* bounded */
		struct store_membership members;
		struct store_view view;
		store_view(f->store, &view);
		store_membership(f->store, &members);
		if (view.serving || members.mark_behind_ns > 0)
			return;
		usleep(1000);
	}
	fail_msg("the store did not become ready");
}

void bed_close(struct store_bed *f)
{
	store_stop(f->store);
	store_free(f->store);
	f->store = NULL;
}

struct store_bed *bed_new(const char *store_section, const char *id)
{
	struct store_bed *f = calloc(1, sizeof(*f));
	char yaml[1024];
	struct config_source source = {.name = "test.yaml", .text = yaml};
	struct config_error error;

	source.len = (size_t)snprintf(yaml, sizeof(yaml), text, id, store_section);
	f->config = config_parse(&source, NULL, CONFIG_MEMORY_MAX, &error);
	if (!f->config)
		fail_msg("%s", error.text);
	bed_open(f);
	return f;
}

int bed_set_up(void **state)
{
	char directory[] = "/tmp/etcdhcp-store-XXXXXX", section[128];
	struct store_bed *f;

	assert_non_null(mkdtemp(directory));
	snprintf(section, sizeof(section), "{embedded: {path: %s}}", directory);
	f = bed_new(section, "a");
	strcpy(f->directory, directory);
	*state = f;
	return 0;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
	return remove(path);
}

void bed_free(struct store_bed *f)
{
	bed_close(f);
	config_free(f->config);
	if (f->directory[0])
		nftw(f->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
}

int bed_tear_down(void **state)
{
	bed_free(*state);
	return 0;
}

void bed_prepare(struct store_bed *f, struct ask *ask, enum ask_op op, unsigned who, uint32_t addr)
{
	memset(ask, 0, sizeof(*ask));
	ask->op = op;
	ask->net = f->net;
	ask->addr = addr;
	ask->lease_s = 1000;
	ask->hold_s = HOLD;
	ask->offer_s = 60;
	ask->asked_ns = ask->arrived_ns = clock_mono_ns();
	ask->client.len = 7;
	ask->client.bytes[0] = CLIENT_ID_MAC;
	store_be32(ask->client.bytes + 3, who);
	ask->client_hash = lease_client_hash(f->net, ask->client.bytes, ask->client.len);
}

void bed_submit(struct store_bed *f, struct ask *ask)
{
	assert_true(store_submit(f->store, 0, ask));
	store_kick(f->store);
}

struct ask *bed_answer(struct store_bed *f)
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

enum ask_result bed_exchange(struct store_bed *f, struct ask *ask)
{
	bed_submit(f, ask);
	assert_ptr_equal(bed_answer(f), ask);
	return ask->result;
}

enum ask_result bed_ask(struct store_bed *f, struct ask *ask, enum ask_op op, unsigned who,
			uint32_t addr)
{
	bed_prepare(f, ask, op, who, addr);
	return bed_exchange(f, ask);
}

enum ask_result bed_ask_held(struct store_bed *f, enum ask_op op, unsigned who, uint32_t addr,
			     uint32_t hold_s, int64_t *until_s)
{
	struct ask ask;

	bed_prepare(f, &ask, op, who, addr);
	ask.hold_s = hold_s;
	bed_exchange(f, &ask);
	*until_s = ask.hold_until_s;
	return ask.result;
}

void bed_follow(struct store_bed *f, const struct bed_step *steps, size_t n)
{
	struct ask ask;

	for (size_t i = 0; i < n; i++) {
		const struct bed_step *step = &steps[i];
		enum ask_result result = bed_ask(f, &ask, step->op, step->who, step->addr);

		if (result != step->result)
			fail_msg("step %zu, %s by client %u: %s instead of %s", i, ask_op_name(step->op),
				 step->who, ask_result_name(result), ask_result_name(step->result));
	}
}

void bed_assert_not_yet(enum ask_result result)
{
	assert_true(result == ASK_DENIED || result == ASK_UNAVAILABLE);
}

int64_t bed_bind_when_free(struct store_bed *f, unsigned who, uint32_t addr, uint32_t hold_s)
{
	int64_t until_s = 0;

	for (int i = 0; i < ROUNDS; i++) {
		enum ask_result result = bed_ask_held(f, ASK_BIND, who, addr, hold_s, &until_s);
		if (result == ASK_GRANTED)
			return until_s;
		bed_assert_not_yet(result);
		usleep(AGAIN_US);
	}
	fail_msg("the address did not come back");
	return 0;
}

void bed_assert_past(struct store_bed *f, int64_t until_s)
{
	assert_true(clock_read(&f->clock).earliest_s > until_s);
}

void bed_wait_queued(struct store_bed *f, uint64_t wanted)
{
	struct store_view view = {0};

	for (int i = 0; i < ROUNDS && view.queued != wanted; i++) {
		store_view(f->store, &view);
		usleep(AGAIN_US);
	}
	assert_int_equal(view.queued, wanted);
}
