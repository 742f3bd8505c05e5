/* SPDX-License-Identifier: MIT */
#include "daemon.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/rcu.h"

#include "base/thread.h"
#include "net/address_watch.h"
#include "net/interface.h"
#include "privilege.h"
#include "report.h"
#include "worker/worker.h"

#define MAX_WORKERS 64

/* A view and what it points to, in one piece: replaced and freed whole. */
struct world {
	struct server_view view;
	struct server_interface interfaces[CONFIG_MAX_INTERFACES];
	struct lease_net *nets[];
};

struct daemon {
	const char *config_path;
	struct config *config;
	struct clock clock;
	struct interface *interfaces[CONFIG_MAX_INTERFACES];
	size_t n_interfaces;
	struct store *store;
	struct worker *workers[MAX_WORKERS];
	size_t n_workers;
	struct world *world;
	struct worker_world published;
	struct report *report;
	int address_fd;
	bool serving; /* the start is complete */
};

/* ---- interfaces and their addresses ---- */

static int open_interfaces(struct daemon *daemon, struct config_error *error)
{
	const struct config_server *server = &daemon->config->server;

	for (size_t i = 0; i < server->n_interfaces; i++) {
		struct interface_options options = {
			.config = &server->interfaces[i],
			.zero_copy = server->zero_copy,
			.busy_poll_us = server->busy_poll_us,
		};
		daemon->interfaces[i] = interface_open(&options, error);
		if (!daemon->interfaces[i])
			return -1;
		daemon->n_interfaces++;
	}
	return 0;
}

static void add_address(uint32_t *addrs, size_t *n, size_t max, uint32_t addr)
{
	if (addr && *n < max)
		addrs[(*n)++] = addr;
}

/* Own addresses and their directed broadcasts, configured identifiers, directed broadcasts of all subnets. */
static void set_addresses(struct daemon *daemon, struct interface *interface)
{
	const struct config *config = daemon->config;
	struct addr_range own[SERVER_INTERFACE_ADDRESSES];
	size_t max = config->n_subnets + config->n_networks + 2 * ARRAY_SIZE(own), n = 0;
	size_t n_own = interface_addresses(interface, own, ARRAY_SIZE(own));
	uint32_t *addrs = calloc(max, sizeof(*addrs));
	int rc = -ENOMEM;

	for (size_t i = 0; addrs && i < n_own; i++) {
		add_address(addrs, &n, max, own[i].first);
		add_address(addrs, &n, max, own[i].last);
	}
	for (size_t i = 0; addrs && i < config->n_networks; i++)
		add_address(addrs, &n, max, config->networks[i].server_identifier);
	for (size_t i = 0; addrs && i < config->n_subnets; i++)
		add_address(addrs, &n, max, config->subnets[i].last);
	if (addrs)
		rc = interface_set_addresses(interface, addrs, n);
	if (rc)
		log_error("the set of served addresses could not be updated",
			  F_STR("interface", interface_name(interface)), F_ERR(rc));
	free(addrs);
}

/* ---- the view that workers decide on ---- */

static struct world *world_new(const struct daemon *daemon, const struct config *config)
{
	struct world *world =
		calloc(1, sizeof(*world) + config->n_networks * sizeof(world->nets[0]));

	if (!world)
		return NULL;
	for (size_t i = 0; i < daemon->n_interfaces; i++) {
		struct server_interface *out = &world->interfaces[i];
		struct addr_range own[SERVER_INTERFACE_ADDRESSES];
		size_t n_ports;
		struct port *const *ports = interface_ports(daemon->interfaces[i], &n_ports);
		size_t n = interface_addresses(daemon->interfaces[i], own, ARRAY_SIZE(own));

		snprintf(out->name, sizeof(out->name), "%s",
			 interface_name(daemon->interfaces[i]));
		out->mtu = ports[0]->mtu;
		out->n_addrs = (uint8_t)n;
		for (size_t a = 0; a < n; a++)
			out->addrs[a] = own[a].first;
	}
	world->view = (struct server_view){
		.config = config,
		.nets = world->nets,
		.interfaces = world->interfaces,
		.n_interfaces = daemon->n_interfaces,
		.share = store_share(daemon->store),
	};
	return world;
}

/* Workers may still look at the old view until the grace period is over. */
static void publish(struct daemon *daemon, struct world *world)
{
	struct world *old = daemon->world;

	daemon->world = world;
	atomic_store_explicit(&daemon->published.view, &world->view, memory_order_release);
	rcu_synchronize();
	free(old);
}

static int follow(struct daemon *daemon, struct config *config)
{
	struct world *world = world_new(daemon, config);
	struct config *old = daemon->config;
	int rc = world ? store_configure(daemon->store, config, world->nets) : -ENOMEM;

	if (rc) {
		free(world);
		return rc;
	}
	daemon->config = config;
	publish(daemon, world);
	if (old != config)
		config_free(old);
	for (size_t i = 0; i < daemon->n_interfaces; i++)
		set_addresses(daemon, daemon->interfaces[i]);
	return 0;
}

/* The networks of the store, where it has them, outweigh those of the file. */
static struct config *read_config(struct daemon *daemon, struct config_error *error)
{
	struct config *config;
	char *text;
	size_t len;

	if (store_shared_text(daemon->store, &text, &len)) {
		snprintf(error->text, sizeof(error->text), "config/networks: out of memory");
		return NULL;
	}
	config = text ? config_load_shared(daemon->config_path, "config/networks", text, len,
					   error) :
			config_load(daemon->config_path, error);
	free(text);
	return config;
}

int daemon_shared_fd(const struct daemon *daemon)
{
	return store_shared_fd(daemon->store);
}

int daemon_refused_fd(const struct daemon *daemon)
{
	return store_refused_fd(daemon->store);
}

void daemon_refusal(const struct daemon *daemon, struct config_error *error)
{
	store_refusal(daemon->store, error->text, sizeof(error->text));
}

void daemon_reload(struct daemon *daemon)
{
	struct config_error error = {""};
	struct config *config = read_config(daemon, &error);
	const char *key;
	int rc;

	if (!config) {
		log_error("configuration not reloaded; the former one stays in force",
			  F_STR("reason", error.text));
		return;
	}
	if (!config_reload_allowed(daemon->config, config, &key)) {
		log_error("configuration not reloaded: this change needs a restart",
			  F_STR("key", key));
		config_free(config);
		return;
	}
	rc = follow(daemon, config);
	if (rc) {
		log_error("configuration not reloaded", F_ERR(rc));
		config_free(config);
		return;
	}
	log_set_level(config->server.log_level);
	log_info("configuration reloaded", F_U64("networks", config->n_networks),
		 F_U64("subnets", config->n_subnets));
}

int daemon_address_fd(const struct daemon *daemon)
{
	return daemon->address_fd;
}

void daemon_readdress(struct daemon *daemon)
{
	struct world *world;

	if (!address_watch_read(daemon->address_fd))
		return;
	world = world_new(daemon, daemon->config);
	if (!world) {
		log_error("interface addresses not updated: out of memory");
		return;
	}
	memcpy(world->nets, daemon->world->nets,
	       daemon->config->n_networks * sizeof(world->nets[0]));
	publish(daemon, world);
	for (size_t i = 0; i < daemon->n_interfaces; i++)
		set_addresses(daemon, daemon->interfaces[i]);
	log_info("interface addresses changed");
}

/* ---- workers ---- */

/* Every port of every interface, AF_XDP queues first, so that these spread over the workers. */
static size_t list_ports(const struct daemon *daemon, struct worker_port *out, size_t max)
{
	size_t n = 0;

	for (int xdp = 1; xdp >= 0; xdp--) {
		for (size_t i = 0; i < daemon->n_interfaces; i++) {
			size_t n_ports;
			struct port *const *ports =
				interface_ports(daemon->interfaces[i], &n_ports);
			for (size_t p = 0; p < n_ports && n < max; p++)
				if ((ports[p]->kind != PORT_PACKET) == xdp)
					out[n++] = (struct worker_port){ports[p], (uint16_t)i};
		}
	}
	return n;
}

static size_t count_workers(const struct daemon *daemon, const struct worker_port *ports, size_t n,
			    size_t n_cpus)
{
	size_t queues = 0, wanted = daemon->config->server.workers;

	for (size_t i = 0; i < n; i++)
		queues += ports[i].port->kind != PORT_PACKET;
	if (!queues)
		queues = daemon->n_interfaces;
	if (!wanted)
		wanted = min_size(queues, n_cpus);
	return min_size(min_size(wanted, n), MAX_WORKERS);
}

static int make_workers(struct daemon *daemon, const struct worker_port *ports, size_t n_ports,
			const int *cpus, size_t n_cpus)
{
	for (size_t w = 0; w < daemon->n_workers; w++) {
		struct worker_port own[WORKER_MAX_PORTS];
		struct worker_options options = {
			.index = w,
			.cpu = daemon->n_workers < n_cpus ? cpus[w] : THREAD_ANY_CPU,
			.ports = own,
			.pending_max = daemon->config->server.pending_max,
			.world = &daemon->published,
			.store = daemon->store,
			.clock = &daemon->clock,
		};
		for (size_t p = w; p < n_ports && options.n_ports < WORKER_MAX_PORTS;
		     p += daemon->n_workers)
			own[options.n_ports++] = ports[p];
		daemon->workers[w] = worker_new(&options);
		if (!daemon->workers[w])
			return -ENOMEM;
	}
	return 0;
}

static int start_workers(struct daemon *daemon)
{
	int rc = 0;

	for (size_t w = 0; w < daemon->n_workers && !rc; w++)
		rc = worker_start(daemon->workers[w]);
	return rc;
}

/* ---- life ---- */

static int fail(struct config_error *error, const char *what, int rc)
{
	snprintf(error->text, sizeof(error->text), "%s: %s", what, strerror(-rc));
	return rc;
}

static int start_report(struct daemon *daemon, struct config_error *error)
{
	struct report_sources sources = {
		.server = &daemon->config->server,
		.published = &daemon->published,
		.clock = &daemon->clock,
		.store = daemon->store,
		.interfaces = daemon->interfaces,
		.n_interfaces = daemon->n_interfaces,
		.workers = daemon->workers,
		.n_workers = daemon->n_workers,
	};

	if (!daemon->config->server.metrics_port)
		return 0;
	daemon->report = report_start(&sources, error);
	return daemon->report ? 0 : -1;
}

/*
 * Requests that come while the mirror is loaded wait in the rings: answered at once, most renewals would meet
 * silence. But not for longer than their clients wait.
 */
#define LOAD_WITHIN_NS (3 * NS_PER_S)

/* What needs privilege, then less privilege, then threads. */
static int start(struct daemon *daemon, const struct daemon_options *options,
		 struct config_error *error)
{
	struct worker_port ports[CONFIG_MAX_INTERFACES * 8];
	int cpus[MAX_WORKERS], rc;
	size_t n_cpus = thread_cpus(cpus, MAX_WORKERS), n_ports;

	clock_init(&daemon->clock, 0);
	if (open_interfaces(daemon, error))
		return -1;
	n_ports = list_ports(daemon, ports, ARRAY_SIZE(ports));
	daemon->n_workers = count_workers(daemon, ports, n_ports, n_cpus);
	daemon->store = store_new(daemon->config, &daemon->clock, daemon->n_workers, error);
	if (!daemon->store)
		return -1;
	if (options->trust_clock)
		store_trust_clock(daemon->store);
	daemon->address_fd = address_watch_open();
	if (daemon->address_fd < 0)
		return fail(error, "watching interface addresses", daemon->address_fd);
	if ((rc = privilege_drop()))
		return fail(error, "giving up privileges", rc);
	if ((rc = store_start(daemon->store, THREAD_ANY_CPU)))
		return fail(error, "store thread", rc);
	if ((rc = follow(daemon, daemon->config)))
		return fail(error, "networks", rc);
	if ((rc = make_workers(daemon, ports, n_ports, cpus, n_cpus)))
		return fail(error, "workers", rc);
	if (start_report(daemon, error))
		return -1;
	store_await_loaded(daemon->store, LOAD_WITHIN_NS);
	if ((rc = start_workers(daemon)))
		return fail(error, "workers", rc);
	daemon->serving = true;
	return 0;
}

struct daemon *daemon_start(struct config *config, const struct daemon_options *options,
			    struct config_error *error)
{
	struct daemon *daemon = calloc(1, sizeof(*daemon));

	if (!daemon) {
		config_free(config);
		fail(error, "start", -ENOMEM);
		return NULL;
	}
	daemon->config = config;
	daemon->config_path = options->config_path;
	daemon->address_fd = -1;
	if (start(daemon, options, error)) {
		daemon_stop(daemon);
		return NULL;
	}
	log_info("started", F_STR("version", ETCDHCP_VERSION), F_STR("id", config->server.id),
		 F_U64("workers", daemon->n_workers), F_U64("networks", config->n_networks));
	return daemon;
}

/* The others take over our clients while we still answer: nobody is left to himself in between. */
#define LEAVE_WITHIN_NS NS_PER_S
#define LEAVE_OVERLAP_MS 200

static void hand_over(struct daemon *daemon)
{
	if (daemon->serving && store_leave(daemon->store, LEAVE_WITHIN_NS))
		poll(NULL, 0, LEAVE_OVERLAP_MS);
}

void daemon_stop(struct daemon *daemon)
{
	if (!daemon)
		return;
	hand_over(daemon);
	for (size_t i = 0; i < daemon->n_interfaces; i++)
		interface_detach(daemon->interfaces[i]);
	for (size_t w = 0; w < daemon->n_workers && daemon->workers[w]; w++)
		worker_stop(daemon->workers[w]);
	for (size_t w = 0; w < daemon->n_workers && daemon->workers[w]; w++)
		worker_join(daemon->workers[w]);
	report_stop(daemon->report);
	if (daemon->store)
		store_stop(daemon->store);
	store_free(daemon->store);
	for (size_t w = 0; w < daemon->n_workers; w++)
		worker_free(daemon->workers[w]);
	for (size_t i = 0; i < daemon->n_interfaces; i++)
		interface_close(daemon->interfaces[i]);
	if (daemon->address_fd >= 0)
		close(daemon->address_fd);
	free(daemon->world);
	config_free(daemon->config);
	free(daemon);
}
