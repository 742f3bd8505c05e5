/* SPDX-License-Identifier: MIT */
/**
 * Configuration text, whole and as the part that servers share through the store.
 *
 * What is refused must say why in one printable line; what is taken must keep what config.h
 * promises, for the packet path relies on it unseen.
 */
#include <stdio.h>
#include <stdlib.h>

#include "config/load.h"

#define MEMORY_MAX ((size_t)64 << 20)

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static void check_error(const struct config_error *error)
{
	CHECK(memchr(error->text, 0, sizeof(error->text)));
	CHECK(strlen(error->text) > 0);
	for (const char *p = error->text; *p; p++)
		CHECK((unsigned char)*p >= ' ' && *p != 0x7f);
	CHECK(strchr(error->text, ':') && strchr(error->text, ';'));
}

static void check_times(const struct config_times *t)
{
	CHECK(1 <= t->min_s && t->min_s <= t->lease_s && t->lease_s <= t->max_s);
	CHECK((uint64_t)t->max_s * t->horizon_pct / 100 <= UINT32_MAX);
	CHECK(100 <= t->horizon_pct && t->horizon_pct <= 1000);
	CHECK(1 <= t->extend_pct && t->extend_pct <= t->horizon_pct);
	CHECK(1 <= t->t1_pct && t->t1_pct < t->t2_pct && t->t2_pct < 100);
}

static void check_scope(const struct config_scope *scope)
{
	CHECK(scope && scope->options);
	for (unsigned code = 0; code < 256; code++) {
		const struct span value = option_set_get(scope->options, code);

		/* touches every byte, for the sanitizer to see */
		for (size_t i = 0; value.data && i < value.len; i++)
			CHECK(value.data[i] <= 255);
	}
	CHECK(!scope->boot_file || strlen(scope->boot_file) < 128);
	CHECK(!scope->server_name || strlen(scope->server_name) < 64);
}

static void check_subnet(const struct config *config, const struct config_subnet *subnet)
{
	CHECK(subnet->network < config->n_networks);
	CHECK(subnet->last == (subnet->first | ~subnet->mask) && !(subnet->first & ~subnet->mask));
	CHECK(config_find_subnet(config, subnet->first) == subnet);
	CHECK(config_find_subnet(config, subnet->last) == subnet);
	check_scope(&subnet->scope);
	for (size_t i = 0; i < subnet->n_pools; i++) {
		const struct addr_range *pool = &subnet->pools[i];

		CHECK(subnet->first <= pool->first && pool->first <= pool->last &&
		      pool->last <= subnet->last);
		CHECK(i == 0 || subnet->pools[i - 1].last < pool->first);
	}
	for (size_t i = 0; i < subnet->n_reservations; i++) {
		const struct config_reservation *r = &subnet->reservations[i];

		CHECK(subnet->first <= r->address && r->address <= subnet->last);
		CHECK(i == 0 || subnet->reservations[i - 1].address < r->address);
		CHECK(r->client.len >= 3 && r->client.len <= CLIENT_ID_MAX);
		check_scope(r->scope);
	}
}

static void check_network(const struct config *config, const struct config_network *network)
{
	check_times(&network->times);
	CHECK(&config->networks[network->index] == network);
	CHECK(config_find_network(config, network->name) == network);
	CHECK(network->n_subnets > 0);
	for (size_t i = 0; i < network->n_subnets; i++)
		CHECK(network->subnets[i]->network == network->index);
	for (size_t i = 0; i < network->n_links; i++) {
		const struct config_link *link = &network->links[i];

		CHECK(config_find_link(config, link->interface, link->vlan, link->inner_vlan) ==
		      network);
	}
}

static void check_config(const struct config *config)
{
	const char *key;
	size_t subnets = 0;

	CHECK(config->server.n_interfaces > 0);
	CHECK(config->n_networks > 0 || config->store.kind == STORE_ETCD);
	CHECK(config_reload_allowed(config, config, &key));
	for (size_t i = 0; i < config->n_networks; i++) {
		check_network(config, &config->networks[i]);
		subnets += config->networks[i].n_subnets;
	}
	CHECK(subnets == config->n_subnets);
	for (size_t i = 0; i < config->n_subnets; i++)
		check_subnet(config, &config->subnets[i]);
}

static void check_parse(const struct config_source *file, const struct config_source *shared)
{
	struct config_error error = {{0}};
	struct config *config = config_parse(file, shared, MEMORY_MAX, &error);

	if (config)
		check_config(config);
	else
		check_error(&error);
	config_free(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char own_text[] =
	    "server: {id: a, interfaces: [eth1, {name: e.2, vlan: 0-9}]}";
	const struct config_source own = {"own", own_text, sizeof(own_text) - 1};
	const struct config_source input = {"input", (const char *)data, size};

	check_parse(&input, NULL);
	check_parse(&own, &input);
	return 0;
}
