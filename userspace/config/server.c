/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "config/section.h"
#include "config/value.h"

#define VLAN_ID_MAX 4094

static const char *const auto_word[] = {"auto", NULL};
static const char *const off_word[] = {"off", NULL};

static const char *const xdp_words[XDP_MODE_COUNT + 1] = {
    [XDP_MODE_AUTO] = "auto",
    [XDP_MODE_NATIVE] = "native",
    [XDP_MODE_GENERIC] = "generic",
    [XDP_MODE_OFF] = "off",
};

static const char *const log_level_words[LOG_LEVEL_COUNT + 1] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

static int metrics_read(struct loader *loader, const struct schema_key *key,
			const struct node *node, void *target)
{
	struct config_server *server = target;
	int err = schema_need_scalar(loader, node, key->name, key->help);

	if (err)
		return err;
	memset(server->metrics_host, 0, sizeof(server->metrics_host));
	server->metrics_port = 0;
	if (strcmp(node->text, "off") == 0)
		return 0;
	if (value_parse_host_port(node->text, server->metrics_host, sizeof(server->metrics_host),
				  &server->metrics_port))
		return config_fail(loader, node->line, key->name,
				   "\"%.64s\" is not an address with a port; %s", node->text,
				   key->help);
	return 0;
}

static bool metrics_equal(const void *a, const void *b)
{
	const struct config_server *x = a, *y = b;

	return x->metrics_port == y->metrics_port && strcmp(x->metrics_host, y->metrics_host) == 0;
}

static bool interfaces_equal(const void *a, const void *b)
{
	const struct config_server *x = a, *y = b;

	if (x->n_interfaces != y->n_interfaces)
		return false;
	for (size_t i = 0; i < x->n_interfaces; i++)
		if (strcmp(x->interfaces[i].name, y->interfaces[i].name) != 0 ||
		    memcmp(&x->interfaces[i].vlans, &y->interfaces[i].vlans,
			   sizeof(struct vlan_set)) != 0)
			return false;
	return true;
}

static bool xdp_equal(const struct config_server *a, const struct config_server *b)
{
	for (size_t i = 0; i < a->n_interfaces; i++)
		if (a->interfaces[i].xdp != b->interfaces[i].xdp)
			return false;
	return true;
}

static int vlan_item_read(struct loader *loader, const struct node *node, void *context)
{
	static const char *const help = "give 0 (untagged) to 4094, a range such as 200-299, or a "
					"list of them";
	struct vlan_set *set = context;
	uint64_t first, last;
	int err = schema_need_scalar(loader, node, "vlan", help);

	if (err)
		return err;
	if (value_parse_interval(node->text, &first, &last) || last > VLAN_ID_MAX)
		return config_fail(loader, node->line, "vlan", "\"%.64s\" is not a VLAN id; %s",
				   node->text, help);
	for (uint64_t id = first; id <= last; id++)
		set->bits[id / 64] |= UINT64_C(1) << (id % 64);
	return 0;
}

static int vlan_read(struct loader *loader, const struct schema_key *key, const struct node *node,
		     void *target)
{
	struct config_interface *interface = target;

	if (schema_count_items(node) == 0)
		return config_fail(loader, node->line, key->name,
				   "names no VLAN; leave the key out to serve untagged frames");
	memset(&interface->vlans, 0, sizeof(interface->vlans));
	return schema_read_list(loader, node, vlan_item_read, &interface->vlans);
}

/* The kernel's own rule (dev_valid_name). */
static bool interface_name_is_valid(const char *name)
{
	if (name[0] == '\0' || strlen(name) >= IF_NAMESIZE || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return false;
	for (; *name; name++)
		if (*name == '/' || *name == ':' || isspace((unsigned char)*name) ||
		    iscntrl((unsigned char)*name))
			return false;
	return true;
}

int config_interface_name_read(struct loader *loader, const struct schema_key *key,
			       const struct node *node, void *target)
{
	static const char *const help = "give 1 to 15 bytes as `ip link` shows it";
	int err = schema_need_scalar(loader, node, key->name, help);

	if (err)
		return err;
	if (!interface_name_is_valid(node->text))
		return config_fail(loader, node->line, key->name,
				   "\"%.64s\" is not an interface's name; %s", node->text, help);
	assert(key->size == IF_NAMESIZE);
	memcpy((char *)target + key->offset, node->text, node->count + 1);
	return 0;
}

#define LIVE .flags = SCHEMA_LIVE

#define INTERFACES_HELP "name those to serve, such as [{name: eth1}]"
#define NAME_HELP       "give the interface's name, such as eth1"
#define METRICS_HELP    "give host:port, \"[v6 address]:port\" in quotes, or off"
#define METRICS         READ_BY(metrics_read, METRICS_HELP), .equal = metrics_equal

/* clang-format off */
#define AT(member) FIELD(struct config_server, member)
static const struct schema_key server_keys[] = {
	{"id", VALUE_LABEL, AT(id)},
	{"interfaces", VALUE_NODE, REQUIRED(INTERFACES_HELP), .equal = interfaces_equal},
	{"workers", VALUE_UINT, 1, 256, "auto", AT(workers), .words = auto_word},
	{"zero-copy", VALUE_BOOL, .fallback = "true", AT(zero_copy)},
	{"busy-poll", VALUE_MICROSECONDS, 0, 100000, "off", AT(busy_poll_us), .words = off_word},
	{"pending-max", VALUE_UINT, 1, 65536, "4096", AT(pending_max)},
	{"clock-tolerance", VALUE_SECONDS, 1, 3600, "5s", AT(clock_tolerance_s), LIVE},
	{"load-sharing", VALUE_SECONDS, 1, 60, "4s", AT(share_after_s), LIVE, .words = off_word},
	{"metrics", VALUE_CUSTOM, 0, 0, "127.0.0.1:9842", METRICS},
	{"log-level", VALUE_WORD, 0, 0, "info", AT(log_level), LIVE, .words = log_level_words},
};
#undef AT

static const struct schema_key xdp_keys[] = {
	{"xdp", VALUE_WORD, 0, 0, "auto", FIELD(struct config_interface, xdp), .words = xdp_words},
};

#define AT(member) FIELD(struct config_interface, member)
static const struct schema_key interface_keys[] = {
	{"name", VALUE_CUSTOM, AT(name), REQUIRED(NAME_HELP), .parse = config_interface_name_read},
	{"vlan", VALUE_CUSTOM, .fallback = "0", .parse = vlan_read},
};
#undef AT
/* clang-format on */

const struct schema config_server_schema = SCHEMA(server_keys);
const struct schema config_xdp_schema = SCHEMA(xdp_keys);
const struct schema config_interface_schema = SCHEMA(interface_keys);

struct interface_context {
	struct config_server *server;
	const struct config_interface *model; /* what every interface starts as */
};

static int interface_read(struct loader *loader, const struct node *node, void *context)
{
	const struct interface_context *c = context;
	struct config_interface interface = *c->model;
	struct schema_part parts[] = {
	    {.schema = &config_interface_schema, .target = &interface},
	    {.schema = &config_xdp_schema, .target = &interface},
	};
	/* a bare word is short for {name: word} */
	int err =
	    node->kind == NODE_SCALAR && !node_is_null(node)
		? config_interface_name_read(loader, &interface_keys[0], node, &interface)
		: schema_read(loader, node, "interfaces", "an interface", parts, ARRAY_SIZE(parts));

	if (err)
		return err;
	if (config_server_find_interface(c->server, interface.name, strlen(interface.name)))
		return config_fail(loader, node->line, "interfaces",
				   "%s is listed twice; put all its VLANs into one entry",
				   interface.name);
	c->server->interfaces[c->server->n_interfaces++] = interface;
	return 0;
}

static int interfaces_read(struct loader *loader, const struct node *node,
			   struct interface_context *context)
{
	const size_t n = schema_count_items(node);

	if (n < 1 || n > CONFIG_MAX_INTERFACES)
		return config_fail(loader, node->line, "interfaces",
				   "lists %zu interfaces; name 1 to %d", n, CONFIG_MAX_INTERFACES);
	context->server->interfaces =
	    arena_array(loader->arena, n, sizeof(struct config_interface));
	if (!context->server->interfaces)
		return config_fail_memory(loader);
	return schema_read_list(loader, node, interface_read, context);
}

static int default_id(struct loader *loader, const struct node *node, struct config_server *server)
{
	char name[256] = "";

	/* one byte short, so that a name that was cut still ends */
	gethostname(name, sizeof(name) - 1);
	if (!label_is_valid(name))
		return config_fail(loader, node->line, "id",
				   "the host name \"%.64s\" cannot stand in for it; give 1 to %d "
				   "letters, digits, dots, dashes or underscores",
				   name, LABEL_MAX);
	memcpy(server->id, name, strlen(name) + 1);
	return 0;
}

int config_server_read(struct loader *loader, const struct node *node, struct config_server *server)
{
	struct config_interface model = {0};
	struct interface_context context = {.server = server, .model = &model};
	struct schema_part parts[] = {
	    {.schema = &config_server_schema, .target = server},
	    {.schema = &config_xdp_schema, .target = &model},
	};

	if (!node)
		return config_fail(loader, 1, "server",
				   "missing; name the interfaces to serve, such as "
				   "server: {interfaces: [{name: eth1}]}");
	int err = schema_set_defaults(loader, &config_server_schema, server);
	if (!err)
		err = schema_set_defaults(loader, &config_interface_schema, &model);
	if (!err)
		err = schema_set_defaults(loader, &config_xdp_schema, &model);
	if (!err)
		err = schema_read(loader, node, "server", "server", parts, ARRAY_SIZE(parts));
	if (!err)
		err = interfaces_read(loader, schema_found(&parts[0], "interfaces"), &context);
	if (!err && !schema_found(&parts[0], "id"))
		err = default_id(loader, node, server);
	return err;
}

const struct config_interface *config_server_find_interface(const struct config_server *server,
							    const char *name, size_t len)
{
	for (size_t i = 0; i < server->n_interfaces; i++) {
		const struct config_interface *interface = &server->interfaces[i];

		if (strlen(interface->name) == len && memcmp(interface->name, name, len) == 0)
			return interface;
	}
	return NULL;
}

const char *config_server_find_change(const struct config_server *a, const struct config_server *b)
{
	const char *key = schema_find_change(&config_server_schema, a, b);

	/* `xdp` has no field of the server's own: it ends up in each interface */
	if (!key && !xdp_equal(a, b))
		key = xdp_keys[0].name;
	return key;
}
