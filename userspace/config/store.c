/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>

#include "config/section.h"
#include "config/value.h"

#define MAX_ENDPOINTS 32
#define PREFIX_MAX    200

/* Printable, without blanks; a slash is put behind it where it lacks one. */
static int prefix_read(struct loader *loader, const struct schema_key *key, const struct node *node,
		       void *target)
{
	struct config_store *store = target;
	int err = schema_need_scalar(loader, node, key->name, key->help);

	if (err)
		return err;
	bool valid = node->count >= 1 && node->count <= PREFIX_MAX;
	for (const char *p = node->text; *p; p++)
		valid = valid && *p > ' ' && *p < 0x7f;
	if (!valid)
		return config_fail(loader, node->line, key->name,
				   "\"%.64s\" is not usable in keys; %s", node->text, key->help);
	/* room for the slash: the arena's memory is zeroed */
	store->prefix = arena_alloc(loader->arena, node->count + 2);
	if (!store->prefix)
		return config_fail_memory(loader);
	memcpy(store->prefix, node->text, node->count);
	if (node->text[node->count - 1] != '/')
		store->prefix[node->count] = '/';
	return 0;
}

static bool endpoints_equal(const void *a, const void *b)
{
	const struct config_store *x = a, *y = b;

	if (x->n_endpoints != y->n_endpoints)
		return false;
	for (size_t i = 0; i < x->n_endpoints; i++)
		if (strcmp(x->endpoints[i], y->endpoints[i]) != 0)
			return false;
	return true;
}

static bool prefix_equal(const void *a, const void *b)
{
	const struct config_store *x = a, *y = b;

	return strcmp(x->prefix, y->prefix) == 0;
}

#define FILE_LIMITS 1, PATH_MAX - 1

#define MIB (UINT64_C(1) << 20)
#define TIB (UINT64_C(1) << 40)

#define ENDPOINTS_HELP "list the members, such as [\"http://10.0.0.11:2379\"]"
#define PREFIX_HELP    "give 1 to 200 printable characters without blanks, such as /etcdhcp/"
#define PREFIX         READ_BY(prefix_read, PREFIX_HELP), .equal = prefix_equal

/* clang-format off */
static const struct schema_key store_keys[] = {
	{.name = "embedded"},
	{.name = "etcd"},
};

#define AT(member) FIELD(struct config_store, member)
static const struct schema_key embedded_keys[] = {
	{"path", VALUE_TEXT, FILE_LIMITS, "/var/lib/etcdhcp", AT(path)},
	{"map-size", VALUE_SIZE, MIB, 64 * TIB, "64G", AT(map_size)},
};
#undef AT

#define AT(member) FIELD(struct config_store, member)
static const struct schema_key etcd_keys[] = {
	{"endpoints", VALUE_NODE, REQUIRED(ENDPOINTS_HELP), .equal = endpoints_equal},
	{"prefix", VALUE_CUSTOM, 0, 0, "/etcdhcp/", PREFIX},
	{"ca-file", VALUE_TEXT, FILE_LIMITS, AT(ca_file)},
	{"cert-file", VALUE_TEXT, FILE_LIMITS, AT(cert_file)},
	{"key-file", VALUE_TEXT, FILE_LIMITS, AT(key_file)},
	{"user", VALUE_TEXT, 1, 255, AT(user)},
	{"password-file", VALUE_TEXT, FILE_LIMITS, AT(password_file)},
	{"timeout", VALUE_MILLISECONDS, 50, 60000, "2s", AT(timeout_ms)},
	{"ttl", VALUE_SECONDS, 2, 3600, "10s", AT(ttl_s)},
	{"txn-allocations", VALUE_UINT, 1, 1000, "119", AT(txn_allocations)},
	{"txns-in-flight", VALUE_UINT, 1, 64, "4", AT(txns_in_flight)},
};
#undef AT
/* clang-format on */

const struct schema config_store_schema = SCHEMA(store_keys);
const struct schema config_embedded_schema = SCHEMA(embedded_keys);
const struct schema config_etcd_schema = SCHEMA(etcd_keys);

static const char http[] = "http://", https[] = "https://";

static bool has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static int endpoint_read(struct loader *loader, const struct node *node, void *context)
{
	static const char *const help = "give \"http://host:port\" or \"https://host:port\"";
	struct config_store *store = context;
	char host[256];
	uint16_t port;
	int err = schema_need_scalar(loader, node, "endpoints", help);

	if (err)
		return err;
	const char *scheme = has_prefix(node->text, http)    ? http
			     : has_prefix(node->text, https) ? https
							     : NULL;
	if (!scheme ||
	    value_parse_host_port(node->text + strlen(scheme), host, sizeof(host), &port))
		return config_fail(loader, node->line, "endpoints",
				   "\"%.64s\" is not an endpoint; %s", node->text, help);
	for (size_t i = 0; i < store->n_endpoints; i++) {
		if (strcmp(store->endpoints[i], node->text) == 0)
			return config_fail(loader, node->line, "endpoints",
					   "%.64s is listed twice; remove one", node->text);
		if (!has_prefix(store->endpoints[i], scheme))
			return config_fail(loader, node->line, "endpoints",
					   "http and https are mixed; give all with the same");
	}
	char *copy = arena_text(loader->arena, node->text, node->count);
	if (!copy)
		return config_fail_memory(loader);
	store->endpoints[store->n_endpoints++] = copy;
	return 0;
}

static int endpoints_read(struct loader *loader, const struct node *node,
			  struct config_store *store)
{
	const size_t n = schema_count_items(node);

	if (n < 1 || n > MAX_ENDPOINTS)
		return config_fail(loader, node->line, "endpoints",
				   "lists %zu members; name 1 to %d", n, MAX_ENDPOINTS);
	store->endpoints = arena_array(loader->arena, n, sizeof(*store->endpoints));
	if (!store->endpoints)
		return config_fail_memory(loader);
	return schema_read_list(loader, node, endpoint_read, store);
}

/* Keys that mean nothing alone. */
static int check_credentials(struct loader *loader, const struct schema_part *part,
			     const struct config_store *store)
{
	static const char *const pairs[][2] = {
	    {"cert-file", "key-file"},
	    {"key-file", "cert-file"},
	    {"user", "password-file"},
	    {"password-file", "user"},
	};
	static const char *const tls[] = {"ca-file", "cert-file", "key-file"};
	const struct node *node;

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		node = schema_found(part, pairs[i][0]);
		if (node && !schema_found(part, pairs[i][1]))
			return config_fail(loader, node->line, pairs[i][0],
					   "stands without %s; give both or none", pairs[i][1]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(tls); i++) {
		node = schema_found(part, tls[i]);
		if (node && !has_prefix(store->endpoints[0], https))
			return config_fail(loader, node->line, tls[i],
					   "has no effect on http; make the endpoints https or "
					   "remove it");
	}
	return 0;
}

static int etcd_read(struct loader *loader, const struct node *node, struct config_store *store)
{
	struct schema_part part = {.schema = &config_etcd_schema, .target = store};

	store->kind = STORE_ETCD;
	int err = schema_set_defaults(loader, &config_etcd_schema, store);
	if (!err)
		err = schema_read(loader, node, "etcd", "etcd", &part, 1);
	if (!err)
		err = endpoints_read(loader, schema_found(&part, "endpoints"), store);
	return err ? err : check_credentials(loader, &part, store);
}

static int embedded_read(struct loader *loader, const struct node *node, struct config_store *store)
{
	struct schema_part part = {.schema = &config_embedded_schema, .target = store};

	store->kind = STORE_EMBEDDED;
	int err = schema_set_defaults(loader, &config_embedded_schema, store);
	if (!err && node)
		err = schema_read(loader, node, "embedded", "embedded", &part, 1);
	return err;
}

int config_store_read(struct loader *loader, const struct node *node, struct config_store *store)
{
	struct schema_part part = {.schema = &config_store_schema};

	if (!node)
		return embedded_read(loader, NULL, store);
	int err = schema_read(loader, node, "store", "store", &part, 1);
	if (err)
		return err;
	const struct node *embedded = schema_found(&part, "embedded");
	const struct node *etcd = schema_found(&part, "etcd");
	if (!embedded == !etcd)
		return config_fail(loader, node->line, "store",
				   "names %s; give exactly one of embedded and etcd",
				   embedded ? "two stores" : "no store");
	return etcd ? etcd_read(loader, etcd, store) : embedded_read(loader, embedded, store);
}

bool config_store_is_equal(const struct config_store *a, const struct config_store *b)
{
	if (a->kind != b->kind)
		return false;
	return !schema_find_change(
	    a->kind == STORE_ETCD ? &config_etcd_schema : &config_embedded_schema, a, b);
}
