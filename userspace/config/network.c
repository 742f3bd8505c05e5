/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "config/section.h"
#include "config/value.h"

#define PREFIX_MIN  8 /* anything wider is a slip of the pen */
#define VLAN_ID_MAX 4094

/* Networks whose addresses no host has: "this" network, loopback, multicast and what is above. */
static bool is_unicast(uint32_t addr)
{
	const uint8_t top = addr >> 24;

	return top != 0 && top != 127 && top < 224;
}

static int fail_prefix(struct loader *loader, const struct node *node, const char *key,
		       uint32_t addr, unsigned len)
{
	char text[IP4_TEXT_MAX];

	return config_fail(loader, node->line, key,
			   "%.64s has bits set behind its prefix; give %s/%u", node->text,
			   value_format_ip4(addr & prefix_mask(len), text), len);
}

static int cidr_read(struct loader *loader, const struct schema_key *key, const struct node *node,
		     void *target)
{
	struct config_subnet *subnet = &((struct subnet_source *)target)->subnet;
	uint32_t addr;
	unsigned len;
	int err = schema_need_scalar(loader, node, key->name, key->help);

	if (err)
		return err;
	if (value_parse_prefix(node->text, &addr, &len))
		return config_fail(loader, node->line, key->name, "\"%.64s\" is not a prefix; %s",
				   node->text, key->help);
	if (len < PREFIX_MIN)
		return config_fail(loader, node->line, key->name,
				   "%.64s is wider than /%d; give a longer prefix", node->text,
				   PREFIX_MIN);
	if (addr & ~prefix_mask(len))
		return fail_prefix(loader, node, key->name, addr, len);
	if (!is_unicast(addr))
		return config_fail(loader, node->line, key->name,
				   "%.64s holds no addresses for hosts; %s", node->text, key->help);
	subnet->first = addr;
	subnet->mask = prefix_mask(len);
	subnet->last = addr | ~subnet->mask;
	return 0;
}

static int unicast_read(struct loader *loader, const struct schema_key *key,
			const struct node *node, void *target)
{
	uint32_t addr;
	int err = schema_need_scalar(loader, node, key->name, key->help);

	if (err)
		return err;
	if (value_parse_ip4(node->text, &addr) || !is_unicast(addr))
		return config_fail(loader, node->line, key->name,
				   "\"%.64s\" is not the address of a host; %s", node->text,
				   key->help);
	memcpy((char *)target + key->offset, &addr, sizeof(addr));
	return 0;
}

#define RANGE_HELP "give first-last, address/prefix or one address"

/* Why a text is no range of addresses, and what it could have been. */
static int fail_range(struct loader *loader, const struct node *node, int err)
{
	uint32_t addr;
	unsigned len;

	if (err == -ERANGE)
		return config_fail(loader, node->line, "pools",
				   "%.64s ends before it begins; swap the two", node->text);
	if (value_parse_prefix(node->text, &addr, &len) == 0)
		return fail_prefix(loader, node, "pools", addr, len);
	return config_fail(loader, node->line, "pools",
			   "\"%.64s\" is not a range of addresses; " RANGE_HELP, node->text);
}

static int range_read(struct loader *loader, const struct schema_key *key, const struct node *node,
		      void *target)
{
	struct pool_source *pool = target;
	int err = schema_need_scalar(loader, node, "pools", RANGE_HELP);

	if (err)
		return err;
	err = value_parse_range(node->text, &pool->range);
	if (err)
		return fail_range(loader, node, err);
	pool->line = node->line;
	return 0;
}

#define ID_HELP      "give an address of this server's, or an anycast one, such as 10.6.0.1"
#define SUBNETS_HELP "list at least one, such as [{subnet: 10.6.0.0/16}]"
#define LINK_HELP    "name one of server.interfaces"
#define INTERFACE    REQUIRED(LINK_HELP), .parse = config_interface_name_read
#define CIDR_HELP    "give address/prefix, such as 10.6.0.0/16"

/* clang-format off */
#define AT(member) FIELD(struct network_source, member)
static const struct schema_key network_keys[] = {
	{"name", VALUE_LABEL, AT(name), .flags = SCHEMA_REQUIRED},
	{"server-identifier", VALUE_CUSTOM, AT(server_identifier), READ_BY(unicast_read, ID_HELP)},
	{.name = "links"},
	{"subnets", VALUE_NODE, REQUIRED(SUBNETS_HELP)},
};
#undef AT

#define AT(member) FIELD(struct config_link, member)
static const struct schema_key link_keys[] = {
	{"interface", VALUE_CUSTOM, AT(interface), INTERFACE},
	{"vlan", VALUE_UINT, 0, VLAN_ID_MAX, AT(vlan)},
	{"inner-vlan", VALUE_UINT, 1, VLAN_ID_MAX, AT(inner_vlan)},
};
#undef AT

static const struct schema_key subnet_keys[] = {
	{"subnet", VALUE_CUSTOM, REQUIRED(CIDR_HELP), .parse = cidr_read},
	{.name = "pools"},
	{.name = "reservations"},
};

static const struct schema_key pool_keys[] = {
	{"range", VALUE_CUSTOM, REQUIRED(RANGE_HELP), .parse = range_read},
};
/* clang-format on */

const struct schema config_network_schema = SCHEMA(network_keys);
const struct schema config_link_schema = SCHEMA(link_keys);
const struct schema config_subnet_schema = SCHEMA(subnet_keys);
const struct schema config_pool_schema = SCHEMA(pool_keys);

struct network_context {
	const struct global *global;
	struct sources *sources;
	struct network_source *network; /* being read */
	struct subnet_source **subnet_tail;
	struct link_source **link_tail;
};

static int pool_read(struct loader *loader, const struct node *node, void *context)
{
	struct subnet_source *source = context;
	struct pool_source *pool = &source->pools[source->subnet.n_pools];
	struct schema_part part = {.schema = &config_pool_schema, .target = pool};
	int err = node->kind == NODE_MAP ? schema_read(loader, node, "pools", "a pool", &part, 1)
					 : range_read(loader, &pool_keys[0], node, pool);

	if (!err)
		source->subnet.n_pools++;
	return err;
}

static int pools_read(struct loader *loader, const struct node *node, struct subnet_source *source)
{
	const size_t n = schema_count_items(node);

	if (n == 0)
		return 0;
	source->pools = arena_array(loader->scratch, n, sizeof(*source->pools));
	if (!source->pools)
		return config_fail_memory(loader);
	return schema_read_list(loader, node, pool_read, source);
}

static int subnet_read(struct loader *loader, const struct node *node, void *context)
{
	struct network_context *c = context;
	struct subnet_source *source = arena_alloc(loader->scratch, sizeof(*source));
	struct schema_part parts[] = {
	    {.schema = &config_subnet_schema, .target = source},
	    {.schema = &config_scope_schema},
	};

	if (!source)
		return config_fail_memory(loader);
	source->subnet.network = c->network->index;
	source->subnet.scope = c->network->scope;
	parts[1].target = &source->subnet.scope;
	int err = schema_read(loader, node, "subnets", "a subnet", parts, ARRAY_SIZE(parts));
	if (err)
		return err;
	source->line = schema_found(&parts[0], "subnet")->line;
	err = config_scope_resolve(loader, &parts[1], &source->subnet.scope);
	if (!err)
		err = pools_read(loader, schema_found(&parts[0], "pools"), source);
	if (!err)
		err = config_reservations_read(loader, schema_found(&parts[0], "reservations"),
					       source);
	if (err)
		return err;
	*c->subnet_tail = source;
	c->subnet_tail = &source->next;
	c->sources->n_subnets++;
	return 0;
}

/* Cuts ".<number>" off the first *len bytes of @p text; false when they do not end so. */
static bool cut_tag(const char *text, size_t *len, uint16_t *tag)
{
	size_t dot = *len;
	uint64_t number = 0;

	while (dot > 0 && text[dot - 1] >= '0' && text[dot - 1] <= '9')
		dot--;
	if (dot < 2 || dot == *len || *len - dot > 4 || text[dot - 1] != '.')
		return false;
	for (size_t i = dot; i < *len; i++)
		number = number * 10 + (text[i] - '0');
	if (number > VLAN_ID_MAX)
		return false;
	*tag = number;
	*len = dot - 1;
	return true;
}

/* "eth1", "eth1.100" or "eth1.100.20", where an interface may itself be named so. */
static int short_link_read(struct loader *loader, const struct node *node, struct config_link *link)
{
	const struct config_server *server = &loader->config->server;
	size_t len = node->count;
	uint16_t tags[2] = {0};
	const struct config_interface *interface;
	unsigned n = 0;

	while (!(interface = config_server_find_interface(server, node->text, len))) {
		uint16_t tag;

		if (n == ARRAY_SIZE(tags) || !cut_tag(node->text, &len, &tag))
			return config_fail(loader, node->line, "links",
					   "\"%.64s\" is on no interface of this server; give "
					   "interface, interface.vlan or interface.vlan.inner with "
					   "one of server.interfaces",
					   node->text);
		tags[1] = tags[0];
		tags[0] = tag;
		n++;
	}
	memcpy(link->interface, interface->name, sizeof(link->interface));
	link->vlan = tags[0];
	link->inner_vlan = tags[1];
	return 0;
}

static int link_read(struct loader *loader, const struct node *node, void *context)
{
	struct network_context *c = context;
	struct link_source *source = arena_alloc(loader->scratch, sizeof(*source));

	if (!source)
		return config_fail_memory(loader);
	struct schema_part part = {.schema = &config_link_schema, .target = &source->link};
	int err = node->kind == NODE_SCALAR && !node_is_null(node)
		      ? short_link_read(loader, node, &source->link)
		      : schema_read(loader, node, "links", "a link", &part, 1);
	if (err)
		return err;
	source->network = c->network->index;
	source->line = node->line;
	*c->link_tail = source;
	c->link_tail = &source->next;
	c->network->n_links++;
	c->sources->n_links++;
	return 0;
}

static int network_read(struct loader *loader, const struct node *node, void *context)
{
	struct network_context *c = context;
	struct network_source *network = &c->sources->networks[c->sources->n_networks];

	network->index = c->sources->n_networks++;
	network->scope = c->global->scope;
	network->times = c->global->times;
	c->network = network;
	struct schema_part parts[] = {
	    {.schema = &config_network_schema, .target = network},
	    network->times.given,
	    {.schema = &config_scope_schema, .target = &network->scope},
	};
	parts[1].target = &network->times.value;
	int err = schema_read(loader, node, "networks", "a network", parts, ARRAY_SIZE(parts));
	if (err)
		return err;
	network->times.given = parts[1];
	network->line = schema_found(&parts[0], "name")->line;
	const struct node *subnets = schema_found(&parts[0], "subnets");
	const struct node *links = schema_found(&parts[0], "links");
	if (schema_count_items(subnets) == 0)
		return config_fail(loader, subnets->line, "subnets", "is empty; %s",
				   schema_find(&config_network_schema, "subnets")->help);
	err = config_times_resolve(loader, &network->times);
	if (!err)
		err = config_scope_resolve(loader, &parts[2], &network->scope);
	if (!err && links)
		err = schema_read_list(loader, links, link_read, c);
	return err ? err : schema_read_list(loader, subnets, subnet_read, c);
}

int config_networks_read(struct loader *loader, const struct node *node,
			 const struct global *global, struct sources *sources)
{
	const size_t n = schema_count_items(node);
	struct network_context c = {
	    .global = global,
	    .sources = sources,
	    .subnet_tail = &sources->subnets,
	    .link_tail = &sources->links,
	};

	if (n == 0)
		return 0;
	sources->networks = arena_array(loader->scratch, n, sizeof(*sources->networks));
	if (!sources->networks)
		return config_fail_memory(loader);
	return schema_read_list(loader, node, network_read, &c);
}
