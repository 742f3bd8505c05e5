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
	for (int i = 0; i < 30000; i++) { /* the mirror's first load; bounded */
		struct store_view view;
		store_view(f->store, &view);
		if (view.loaded && view.connected)
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

enum ask_result bed_ask(struct store_bed *f, struct ask *ask, enum ask_op op, unsigned who,
			uint32_t addr)
{
	bed_prepare(f, ask, op, who, addr);
	bed_submit(f, ask);
	assert_ptr_equal(bed_answer(f), ask);
	return ask->result;
}
