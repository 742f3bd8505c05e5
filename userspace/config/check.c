/* SPDX-License-Identifier: MIT */
/*
 * What no single mapping can tell by itself. Each check sorts what it looks at and compares
 * neighbours, so that a hundred thousand reservations cost n log n. Where two places
 * clash, the error stands at the one further down and names the other's line.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/section.h"
#include "config/value.h"

static int compare_u32(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_pools(const void *a, const void *b)
{
	const struct pool_source *x = a, *y = b;
	int order = compare_u32(x->range.first, y->range.first);

	return order ? order : compare_u32(x->line, y->line);
}

static int compare_subnets(const void *a, const void *b)
{
	const struct subnet_source *x = *(const struct subnet_source *const *)a;
	const struct subnet_source *y = *(const struct subnet_source *const *)b;
	int order = compare_u32(x->subnet.first, y->subnet.first);

	return order ? order : compare_u32(x->line, y->line);
}

static int compare_networks(const void *a, const void *b)
{
	const struct network_source *x = *(const struct network_source *const *)a;
	const struct network_source *y = *(const struct network_source *const *)b;
	int order = strcmp(x->name, y->name);

	return order ? order : compare_u32(x->line, y->line);
}

static int compare_links(const void *a, const void *b)
{
	const struct link_source *x = *(const struct link_source *const *)a;
	const struct link_source *y = *(const struct link_source *const *)b;
	int order = config_link_compare(&x->link, &y->link);

	return order ? order : compare_u32(x->line, y->line);
}

static int compare_addresses(const void *a, const void *b)
{
	const struct config_reservation *x = a, *y = b;
	int order = compare_u32(x->address, y->address);

	return order ? order : compare_u32(x->line, y->line);
}

/* A reservation and the network its client must be alone in. */
struct owner {
	const struct config_reservation *reservation;
	uint32_t network;
};

static int compare_owners(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;
	const struct client_id *p = &x->reservation->client, *q = &y->reservation->client;
	int order = compare_u32(x->network, y->network);

	if (!order)
		order = compare_u32(p->len, q->len);
	if (!order)
		order = memcmp(p->bytes, q->bytes, p->len);
	return order ? order : compare_u32(x->reservation->line, y->reservation->line);
}

int config_link_compare(const struct config_link *a, const struct config_link *b)
{
	int order = strncmp(a->interface, b->interface, sizeof(a->interface));

	if (!order)
		order = compare_u32(a->vlan, b->vlan);
	return order ? order : compare_u32(a->inner_vlan, b->inner_vlan);
}

static const char *format_prefix(const struct config_subnet *subnet, char *text)
{
	char addr[IP4_TEXT_MAX];

	snprintf(text, RANGE_TEXT_MAX, "%s/%d", value_format_ip4(subnet->first, addr),
		 __builtin_popcount(subnet->mask));
	return text;
}

static int check_network_names(struct loader *loader, const struct sources *sources)
{
	const size_t n = sources->n_networks;
	const struct network_source **sorted =
	    arena_array(loader->scratch, n, sizeof(const struct network_source *));

	if (!sorted)
		return config_fail_memory(loader);
	for (size_t i = 0; i < n; i++)
		sorted[i] = &sources->networks[i];
	qsort(sorted, n, sizeof(const struct network_source *), compare_networks);
	for (size_t i = 1; i < n; i++)
		if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
			return config_fail(loader, sorted[i]->line, "name",
					   "%s is also the network's name at line %u; leases are "
					   "stored under it, give each its own",
					   sorted[i]->name, sorted[i - 1]->line);
	return 0;
}

/* Leaves the list in order of address. */
static int check_subnets(struct loader *loader, struct sources *sources)
{
	const size_t n = sources->n_subnets;
	struct subnet_source **sorted =
	    arena_array(loader->scratch, n, sizeof(struct subnet_source *));
	struct subnet_source *source = sources->subnets;

	if (!sorted)
		return config_fail_memory(loader);
	for (size_t i = 0; i < n; i++, source = source->next)
		sorted[i] = source;
	qsort(sorted, n, sizeof(struct subnet_source *), compare_subnets);
	for (size_t i = 1; i < n; i++) {
		const struct subnet_source *a = sorted[i - 1], *b = sorted[i];
		char one[RANGE_TEXT_MAX], other[RANGE_TEXT_MAX];

		if (b->subnet.first > a->subnet.last)
			continue;
		const struct subnet_source *later = a->line > b->line ? a : b;
		const struct subnet_source *earlier = later == a ? b : a;
		return config_fail(
		    loader, later->line, "subnet",
		    "%s overlaps %s at line %u; an address belongs to one subnet, shorten or "
		    "remove one",
		    format_prefix(&later->subnet, one), format_prefix(&earlier->subnet, other),
		    earlier->line);
	}
	sources->subnets = NULL;
	for (size_t i = n; i > 0; i--) {
		sorted[i - 1]->next = sources->subnets;
		sources->subnets = sorted[i - 1];
	}
	return 0;
}

static int check_pool(struct loader *loader, const struct config_subnet *subnet,
		      const struct pool_source *pool)
{
	const struct addr_range *r = &pool->range;
	const struct addr_range usable = subnet_usable(subnet);
	char text[RANGE_TEXT_MAX], other[RANGE_TEXT_MAX];

	value_format_range(r, text);
	if (r->first < subnet->first || r->last > subnet->last)
		return config_fail(loader, pool->line, "pools",
				   "%s is outside its subnet; give at most %s", text,
				   value_format_range(&usable, other));
	if (r->first < usable.first || r->last > usable.last)
		return config_fail(loader, pool->line, "pools",
				   "%s holds the subnet's %s address; give at most %s", text,
				   r->first < usable.first ? "network" : "broadcast",
				   value_format_range(&usable, other));
	return 0;
}

static int check_pools(struct loader *loader, struct subnet_source *source)
{
	struct pool_source *pools = source->pools;
	const size_t n = source->subnet.n_pools;
	int err = 0;

	for (size_t i = 0; i < n && !err; i++)
		err = check_pool(loader, &source->subnet, &pools[i]);
	if (err || n == 0)
		return err;
	qsort(pools, n, sizeof(*pools), compare_pools);
	for (size_t i = 1; i < n; i++) {
		const struct pool_source *a = &pools[i - 1], *b = &pools[i];
		char one[RANGE_TEXT_MAX], other[RANGE_TEXT_MAX];

		if (b->range.first > a->range.last)
			continue;
		const struct pool_source *later = a->line > b->line ? a : b;
		const struct pool_source *earlier = later == a ? b : a;
		return config_fail(loader, later->line, "pools",
				   "%s overlaps %s at line %u; join them or move one",
				   value_format_range(&later->range, one),
				   value_format_range(&earlier->range, other), earlier->line);
	}
	return 0;
}

static int check_addresses(struct loader *loader, struct config_subnet *subnet)
{
	struct config_reservation *list = subnet->reservations;
	char text[IP4_TEXT_MAX];

	if (subnet->n_reservations == 0)
		return 0;
	qsort(list, subnet->n_reservations, sizeof(*list), compare_addresses);
	for (size_t i = 1; i < subnet->n_reservations; i++)
		if (list[i - 1].address == list[i].address)
			return config_fail(loader, list[i].line, "address",
					   "%s is already reserved at line %u; give another",
					   value_format_ip4(list[i].address, text),
					   list[i - 1].line);
	return 0;
}

static int check_clients(struct loader *loader, const struct sources *sources)
{
	char text[CLIENT_ID_TEXT_MAX];
	size_t n = 0, total = 0;

	for (const struct subnet_source *s = sources->subnets; s; s = s->next)
		total += s->subnet.n_reservations;
	struct owner *owners = arena_array(loader->scratch, total, sizeof(*owners));
	if (!owners)
		return config_fail_memory(loader);
	for (const struct subnet_source *s = sources->subnets; s; s = s->next)
		for (size_t i = 0; i < s->subnet.n_reservations; i++)
			owners[n++] = (struct owner){&s->subnet.reservations[i], s->subnet.network};
	qsort(owners, n, sizeof(*owners), compare_owners);
	for (size_t i = 1; i < n; i++) {
		const struct config_reservation *a = owners[i - 1].reservation;
		const struct config_reservation *b = owners[i].reservation;

		if (owners[i - 1].network != owners[i].network ||
		    !client_id_equal(&a->client, b->client.bytes, b->client.len))
			continue;
		client_id_format(b->client.bytes, b->client.len, text);
		return config_fail(loader, b->line, "reservations",
				   "%.64s has a reservation at line %u already; a client has one "
				   "address in a network, remove one",
				   text, a->line);
	}
	return 0;
}

static int check_link(struct loader *loader, const struct link_source *source)
{
	const struct config_link *link = &source->link;
	const struct config_interface *interface = config_server_find_interface(
	    &loader->config->server, link->interface, strlen(link->interface));

	if (!interface)
		return config_fail(
		    loader, source->line, "links",
		    "%s is not in server.interfaces; add it there or name one that is",
		    link->interface);
	if (!vlan_set_has(&interface->vlans, link->vlan))
		return config_fail(loader, source->line, "links",
				   "VLAN %u is not served on %s; add it to that interface's vlan",
				   link->vlan, link->interface);
	if (link->inner_vlan && !link->vlan)
		return config_fail(loader, source->line, "links",
				   "inner-vlan %u stands without vlan; give the outer tag too",
				   link->inner_vlan);
	return 0;
}

static int check_links(struct loader *loader, struct sources *sources)
{
	const size_t n = sources->n_links;
	struct link_source **sorted = arena_array(loader->scratch, n, sizeof(struct link_source *));
	struct link_source *source = sources->links;
	int err = 0;

	if (!sorted)
		return config_fail_memory(loader);
	for (size_t i = 0; i < n && !err; i++, source = source->next) {
		sorted[i] = source;
		err = check_link(loader, source);
	}
	if (err)
		return err;
	qsort(sorted, n, sizeof(struct link_source *), compare_links);
	for (size_t i = 1; i < n; i++)
		if (config_link_compare(&sorted[i - 1]->link, &sorted[i]->link) == 0)
			return config_fail(
			    loader, sorted[i]->line, "links",
			    "the link is already given at line %u; it belongs to one "
			    "network, remove one",
			    sorted[i - 1]->line);
	return 0;
}

int config_sources_check(struct loader *loader, struct sources *sources)
{
	int err = 0;

	if (sources->n_networks == 0)
		return 0;
	err = check_network_names(loader, sources);
	if (!err)
		err = check_subnets(loader, sources);
	for (struct subnet_source *s = sources->subnets; s && !err; s = s->next) {
		err = check_pools(loader, s);
		if (!err)
			err = check_addresses(loader, &s->subnet);
	}
	if (!err)
		err = check_clients(loader, sources);
	return err ? err : check_links(loader, sources);
}
