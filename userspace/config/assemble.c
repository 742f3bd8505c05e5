/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "config/section.h"

/* Pools and the scopes of reservations are laid out where they stay. */
static int place_subnet(struct loader *loader, const struct subnet_source *source,
			struct config_subnet *subnet)
{
	*subnet = source->subnet;
	subnet->pools = arena_array(loader->arena, subnet->n_pools, sizeof(*subnet->pools));
	if (!subnet->pools)
		return config_fail_memory(loader);
	for (size_t i = 0; i < subnet->n_pools; i++)
		subnet->pools[i] = source->pools[i].range;
	for (size_t i = 0; i < subnet->n_reservations; i++)
		if (!subnet->reservations[i].scope)
			subnet->reservations[i].scope = &subnet->scope;
	return 0;
}

static int place_subnets(struct loader *loader, const struct sources *sources)
{
	struct config *config = loader->config;
	int err = 0;

	config->subnets = arena_array(loader->arena, sources->n_subnets, sizeof(*config->subnets));
	if (!config->subnets)
		return config_fail_memory(loader);
	for (const struct subnet_source *s = sources->subnets; s && !err; s = s->next)
		err = place_subnet(loader, s, &config->subnets[config->n_subnets++]);
	return err;
}

static int place_network(struct loader *loader, const struct network_source *source,
			 struct config_network *network)
{
	network->name = arena_text(loader->arena, source->name, strlen(source->name));
	network->index = source->index;
	network->times = source->times.value;
	network->server_identifier = source->server_identifier;
	network->links = arena_array(loader->arena, source->n_links, sizeof(*network->links));
	return network->name && network->links ? 0 : config_fail_memory(loader);
}

/* Gives each network its share of one array, in which its subnets stand in order of address. */
static int share_out_subnets(struct loader *loader)
{
	struct config *config = loader->config;
	struct config_subnet **all =
	    arena_array(loader->arena, config->n_subnets, sizeof(struct config_subnet *));
	size_t *fill = arena_array(loader->scratch, config->n_networks, sizeof(*fill));
	size_t start = 0;

	if (!all || !fill)
		return config_fail_memory(loader);
	for (size_t i = 0; i < config->n_subnets; i++)
		config->networks[config->subnets[i].network].n_subnets++;
	for (size_t i = 0; i < config->n_networks; i++) {
		config->networks[i].subnets = all + start;
		fill[i] = start;
		start += config->networks[i].n_subnets;
	}
	for (size_t i = 0; i < config->n_subnets; i++)
		all[fill[config->subnets[i].network]++] = &config->subnets[i];
	return 0;
}

static int compare_link_refs(const void *a, const void *b)
{
	const struct config_link_ref *x = a, *y = b;

	return config_link_compare(&x->link, &y->link);
}

static int compare_names(const void *a, const void *b)
{
	const struct config_network *x = *(const struct config_network *const *)a;
	const struct config_network *y = *(const struct config_network *const *)b;

	return strcmp(x->name, y->name);
}

static int index_links(struct loader *loader, const struct sources *sources)
{
	struct config *config = loader->config;
	struct config_link_ref *refs = arena_array(loader->arena, sources->n_links, sizeof(*refs));
	size_t n = 0;

	if (!refs)
		return config_fail_memory(loader);
	for (const struct link_source *s = sources->links; s; s = s->next) {
		struct config_network *network = &config->networks[s->network];

		network->links[network->n_links++] = s->link;
		refs[n++] = (struct config_link_ref){.link = s->link, .network = s->network};
	}
	qsort(refs, n, sizeof(*refs), compare_link_refs);
	config->links = refs;
	config->n_links = n;
	return 0;
}

static int index_names(struct loader *loader)
{
	struct config *config = loader->config;
	const struct config_network **by_name =
	    arena_array(loader->arena, config->n_networks, sizeof(const struct config_network *));

	if (!by_name)
		return config_fail_memory(loader);
	for (size_t i = 0; i < config->n_networks; i++)
		by_name[i] = &config->networks[i];
	qsort(by_name, config->n_networks, sizeof(const struct config_network *), compare_names);
	config->by_name = by_name;
	return 0;
}

int config_sources_assemble(struct loader *loader, const struct sources *sources)
{
	struct config *config = loader->config;
	int err = place_subnets(loader, sources);

	config->networks =
	    arena_array(loader->arena, sources->n_networks, sizeof(*config->networks));
	if (!config->networks)
		return config_fail_memory(loader);
	config->n_networks = sources->n_networks;
	for (size_t i = 0; i < config->n_networks && !err; i++)
		err = place_network(loader, &sources->networks[i], &config->networks[i]);
	if (!err)
		err = share_out_subnets(loader);
	if (!err)
		err = index_links(loader, sources);
	return err ? err : index_names(loader);
}
