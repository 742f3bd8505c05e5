/* SPDX-License-Identifier: MIT */
/*
 * Run-time reservations: what operators put under reservations/ in the store. Kept in a search tree (they
 * change rarely and come in any number) and published together with the configured ones.
 */
#include "store/internal.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>

struct reserved {
	const struct lease_net *net;
	struct client_id client;
	uint32_t addr;
};

struct run_time_reservations {
	void *tree;
	size_t n;
};

static int compare(const void *left, const void *right)
{
	const struct reserved *a = left, *b = right;

	if (a->net != b->net)
		return a->net < b->net ? -1 : 1;
	if (a->client.len != b->client.len)
		return a->client.len < b->client.len ? -1 : 1;
	return memcmp(a->client.bytes, b->client.bytes, a->client.len);
}

struct run_time_reservations *run_time_new(void)
{
	return calloc(1, sizeof(struct run_time_reservations));
}

void run_time_clear(struct run_time_reservations *run_time)
{
	tdestroy(run_time->tree, free);
	*run_time = (struct run_time_reservations){0};
}

void run_time_free(struct run_time_reservations *run_time)
{
	if (run_time)
		run_time_clear(run_time);
	free(run_time);
}

static struct reserved key_of(const struct lease_net *net, const struct client_id *client)
{
	return (struct reserved){.net = net, .client = *client};
}

int run_time_put(struct run_time_reservations *run_time, struct lease_net *net,
		 const struct client_id *client, uint32_t addr)
{
	struct reserved *entry = malloc(sizeof(*entry)), **found;

	if (!entry)
		return -ENOMEM;
	*entry = key_of(net, client);
	entry->addr = addr;
	found = tsearch(entry, &run_time->tree, compare);
	if (!found) {
		free(entry);
		return -ENOMEM;
	}
	if (*found != entry) {
		(*found)->addr = addr;
		free(entry);
	} else {
		run_time->n++;
	}
	return 0;
}

void run_time_remove(struct run_time_reservations *run_time, struct lease_net *net,
		     const struct client_id *client)
{
	struct reserved key = key_of(net, client), **found, *entry;

	found = tfind(&key, &run_time->tree, compare);
	if (!found)
		return;
	entry = *found;
	tdelete(&key, &run_time->tree, compare);
	free(entry);
	run_time->n--;
}

/* ---- merging ---- */

struct merge {
	const struct run_time_reservations *run_time;
	struct lease_net *net;
	const struct config *config;
	const struct config_network *network;
	struct lease_reservation *all;
	size_t n;
};

static bool has_client(const struct merge *merge, const struct client_id *client)
{
	struct reserved key = key_of(merge->net, client);

	return tfind(&key, &merge->run_time->tree, compare) != NULL;
}

static void add_run_time(const void *node, VISIT visit, void *closure)
{
	const struct reserved *entry = *(const struct reserved *const *)node;
	struct merge *merge = closure;
	const struct config_subnet *subnet;

	if ((visit != postorder && visit != leaf) || entry->net != merge->net)
		return;
	subnet = config_find_subnet(merge->config, entry->addr);
	if (!subnet || subnet->network != merge->network->index) {
		log_warn("reservation in the store ignored: no subnet of this network has the "
			 "address",
			 F_STR("network", merge->network->name), F_IP4("address", entry->addr));
		return;
	}
	merge->all[merge->n++] =
		(struct lease_reservation){.client = entry->client, .addr = entry->addr};
}

static void add_configured(struct merge *merge)
{
	for (size_t s = 0; s < merge->network->n_subnets; s++) {
		const struct config_subnet *subnet = merge->network->subnets[s];
		for (size_t i = 0; i < subnet->n_reservations; i++) {
			const struct config_reservation *reservation = &subnet->reservations[i];
			if (has_client(merge, &reservation->client))
				continue;
			merge->all[merge->n++] = (struct lease_reservation){
				reservation->client, reservation->address, reservation->scope};
		}
	}
}

static int by_address(const void *left, const void *right)
{
	const struct lease_reservation *a = left, *b = right;

	return a->addr < b->addr ? -1 : a->addr > b->addr;
}

/* Two clients cannot have one address: the run-time ones, added first, win; else the first. */
static void drop_repeated_addresses(struct merge *merge)
{
	size_t kept = 0;

	for (size_t i = 0; i < merge->n; i++) {
		if (kept && merge->all[kept - 1].addr == merge->all[i].addr)
			log_warn("reservation ignored: the address is reserved for another client",
				 F_STR("network", merge->network->name),
				 F_IP4("address", merge->all[i].addr),
				 F_HEX("client", merge->all[i].client.bytes,
				       merge->all[i].client.len));
		else
			merge->all[kept++] = merge->all[i];
	}
	merge->n = kept;
}

int run_time_publish(const struct run_time_reservations *run_time, struct lease_net *net,
		     const struct config *config, const struct config_network *network)
{
	struct merge merge = {run_time, net, config, network, NULL, 0};
	size_t configured = 0;
	int rc;

	for (size_t s = 0; s < network->n_subnets; s++)
		configured += network->subnets[s]->n_reservations;
	merge.all = calloc(run_time->n + configured + 1, sizeof(*merge.all));
	if (!merge.all)
		return -ENOMEM;
	twalk_r(run_time->tree, add_run_time, &merge);
	add_configured(&merge);
	qsort(merge.all, merge.n, sizeof(*merge.all), by_address); /* merge sort: stable in glibc */
	drop_repeated_addresses(&merge);
	rc = lease_net_set_reservations(net, merge.all, merge.n);
	free(merge.all);
	return rc;
}
