/* SPDX-License-Identifier: MIT */
#include "worker_bed.h"

#include <ftw.h>
#include <stdio.h>
#include <unistd.h>
#include <urcu/urcu-qsbr.h>

#include "config/load.h"

const struct share alone = {.n_members = 1};

static const char text[] = "server: {interfaces: [{name: eth1}], pending-max: %d}\n"
			   "store: {embedded: {path: %s}}\n"
			   "networks:\n"
			   "  - name: campus\n"
			   "    lease-time: 1000\n"
			   "    subnets:\n"
			   "      - {subnet: 10.6.0.0/24, pools: [10.6.0.10-10.6.0.209]}\n";

static void make_config(struct worker_bed *f)
{
	char yaml[1024];
	struct config_source source = {.name = "test.yaml", .text = yaml};
	struct config_error error;

	strcpy(f->directory, "/tmp/etcdhcp-worker-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	source.len = (size_t)snprintf(yaml, sizeof(yaml), text, PENDING, f->directory);
	f->config = config_parse(&source, NULL, CONFIG_MEMORY_MAX, &error);
	if (!f->config)
		fail_msg("%s", error.text);
}

static void start_store(struct worker_bed *f)
{
	struct config_error error;
	struct store_view view = {0};

	clock_init(&f->clock, 0);
	f->store = store_new(f->config, &f->clock, 1, &error);
	assert_non_null(f->store);
	assert_int_equal(store_start(f->store, THREAD_ANY_CPU), 0);
	assert_int_equal(store_configure(f->store, f->config, &f->net), 0);
	for (int i = 0; i < 30000 && !(view.loaded && view.connected); i++) {
		usleep(1000);
		store_view(f->store, &view);
	}
	assert_true(view.loaded && view.connected);
}

static int set_up_with(void **state, bool lends, bool by_hand)
{
	struct worker_bed *f = calloc(1, sizeof(*f));
	struct worker_port port;

	f->by_hand = by_hand;
	make_config(f);
	start_store(f);
	f->port = memory_port_new(lends);
	f->interface = (struct server_interface){"eth1", 1500, 1, {SERVER}};
	f->view = (struct server_view){f->config, &f->net, &f->interface, 1, &f->share};
	atomic_store(&f->share.now, &alone);
	atomic_store(&f->world.view, &f->view);
	port = (struct worker_port){&f->port->port, 0};
	f->worker = worker_new(&(struct worker_options){
		.cpu = THREAD_ANY_CPU,
		.ports = &port,
		.n_ports = 1,
		.pending_max = PENDING,
		.world = &f->world,
		.store = f->store,
		.clock = &f->clock,
	});
	if (by_hand) {
		f->worker->view = &f->view;
		urcu_qsbr_register_thread();
	} else {
		assert_int_equal(worker_start(f->worker), 0);
	}
	*state = f;
	return 0;
}

int bed_set_up(void **state)
{
	return set_up_with(state, false, false);
}

int bed_set_up_lending(void **state)
{
	return set_up_with(state, true, false);
}

int bed_set_up_by_hand(void **state)
{
	return set_up_with(state, true, true);
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
	return remove(path);
}

int bed_tear_down(void **state)
{
	struct worker_bed *f = *state;

	if (f->by_hand) {
		urcu_qsbr_unregister_thread();
	} else {
		worker_stop(f->worker);
		worker_join(f->worker);
	}
	store_stop(f->store);
	store_free(f->store);
	worker_free(f->worker);
	memory_port_free(f->port);
	config_free(f->config);
	nftw(f->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}
