/* SPDX-License-Identifier: MIT */
/** Files that are right, and what they become. */
#include "unit.h"

#include <stdio.h>
#include <unistd.h>

#define SERVER   "server: {id: a, interfaces: [eth1]}\n"
#define NETWORKS "networks: [{name: n, subnets: [{subnet: 10.0.0.0/24}]}]\n"

/* The vlan tags a set holds, as "0 100 200-299". */
static const char *format_vlans(const struct vlan_set *set, char *text, size_t cap)
{
	size_t len = 0;

	text[0] = '\0';
	for (unsigned id = 0; id < 4096; id++) {
		unsigned last = id;

		if (!vlan_set_has(set, id))
			continue;
		while (last + 1 < 4096 && vlan_set_has(set, last + 1))
			last++;
		len += snprintf(text + len, cap - len, last > id ? "%s%u-%u" : "%s%u",
				len ? " " : "", id, last);
		id = last;
	}
	return text;
}

static void test_documented_file(void **state)
{
	struct config *c =
	    must_parse("server:\n"
		       "  id: dhcp-a\n"
		       "  interfaces: [{name: eth1}, {name: eth2, vlan: [100, 200-299]}]\n"
		       "  workers: auto\n"
		       "  xdp: auto\n"
		       "  metrics: 127.0.0.1:9842\n"
		       "store:\n"
		       "  embedded: {path: /var/lib/etcdhcp}\n"
		       "networks:\n"
		       "  - name: campus\n"
		       "    lease-time: 1h\n"
		       "    options: {domain-name-servers: [10.6.0.2], domain-name: "
		       "example.net}\n"
		       "    subnets:\n"
		       "      - subnet: 10.6.0.0/16\n"
		       "        pools: [10.6.9.10-10.6.200.250]\n"
		       "        options: {routers: [10.6.0.1]}\n"
		       "        reservations: [{mac: \"08:9e:08:b5:af:01\", address: "
		       "10.6.1.5}]\n");
	const struct config_subnet *subnet = &c->subnets[0];
	char text[128], id[CLIENT_ID_TEXT_MAX];

	assert_string_equal(c->server.id, "dhcp-a");
	assert_int_equal(c->server.n_interfaces, 2);
	assert_string_equal(c->server.interfaces[1].name, "eth2");
	assert_string_equal(format_vlans(&c->server.interfaces[1].vlans, text, sizeof(text)),
			    "100 200-299");
	assert_int_equal(c->n_networks, 1);
	assert_string_equal(c->networks[0].name, "campus");
	assert_int_equal(c->n_subnets, 1);
	assert_int_equal(subnet->first, 0x0a060000);
	assert_int_equal(subnet->last, 0x0a06ffff);
	assert_int_equal(subnet->mask, 0xffff0000);
	assert_int_equal(subnet->n_pools, 1);
	assert_int_equal(subnet->pools[0].first, 0x0a06090a);
	assert_int_equal(subnet->pools[0].last, 0x0a06c8fa);
	assert_int_equal(subnet->n_reservations, 1);
	assert_int_equal(subnet->reservations[0].address, 0x0a060105);
	assert_int_equal(subnet->reservations[0].line, 17);
	client_id_format(subnet->reservations[0].client.bytes, subnet->reservations[0].client.len,
			 id);
	assert_string_equal(id, "mac:08:9e:08:b5:af:01");
	config_free(c);
}

static void test_defaults(void **state)
{
	struct config *c = must_parse("server: {interfaces: [eth1]}\n" NETWORKS);
	const struct config_server *s = &c->server;
	const struct config_times *t = &c->networks[0].times;
	char text[128], host[256] = "";

	assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
	assert_string_equal(s->id, host);
	assert_string_equal(s->interfaces[0].name, "eth1");
	assert_string_equal(format_vlans(&s->interfaces[0].vlans, text, sizeof(text)), "0");
	assert_int_equal(s->interfaces[0].xdp, XDP_MODE_AUTO);
	assert_int_equal(s->workers, 0);
	assert_true(s->zero_copy);
	assert_int_equal(s->busy_poll_us, 0);
	assert_int_equal(s->pending_max, 4096);
	assert_int_equal(s->share_after_s, 4);
	assert_string_equal(s->metrics_host, "127.0.0.1");
	assert_int_equal(s->metrics_port, 9842);
	assert_int_equal(s->log_level, LOG_LEVEL_INFO);
	assert_int_equal(c->store.kind, STORE_EMBEDDED);
	assert_string_equal(c->store.path, "/var/lib/etcdhcp");
	assert_int_equal(c->store.map_size, UINT64_C(64) << 30);
	assert_int_equal(t->lease_s, 3600);
	assert_int_equal(t->min_s, 900);
	assert_int_equal(t->max_s, 7200);
	assert_int_equal(t->horizon_pct, 200);
	assert_int_equal(t->extend_pct, 150);
	assert_int_equal(t->t1_pct, 50);
	assert_int_equal(t->t2_pct, 87);
	assert_int_equal(t->offer_s, 60);
	assert_int_equal(t->rest_s, 10);
	assert_int_equal(t->decline_s, 86400);
	assert_int_equal(c->networks[0].server_identifier, 0);
	assert_int_equal(c->networks[0].n_links, 0);
	assert_int_equal(c->subnets[0].n_pools, 0);
	assert_int_equal(c->subnets[0].n_reservations, 0);
	config_free(c);
}

static void test_server(void **state)
{
	struct config *c = must_parse("server:\n"
				      "  id: edge_1.example\n"
				      "  xdp: native\n"
				      "  interfaces:\n"
				      "  - eth1\n"
				      "  - {name: eth2.7, xdp: generic, vlan: 0-4094}\n"
				      "  - {name: eth3, xdp: off, vlan: [0, 9, \"10-11\", 4094]}\n"
				      "  workers: 7\n"
				      "  zero-copy: off\n"
				      "  busy-poll: 50us\n"
				      "  pending-max: 100\n"
				      "  clock-tolerance: 2s\n"
				      "  load-sharing: off\n"
				      "  metrics: \"[2001:db8::1]:80\"\n"
				      "  log-level: debug\n" NETWORKS);
	const struct config_server *s = &c->server;
	char text[128];

	assert_string_equal(s->id, "edge_1.example");
	assert_int_equal(s->n_interfaces, 3);
	assert_int_equal(s->interfaces[0].xdp, XDP_MODE_NATIVE);
	assert_int_equal(s->interfaces[1].xdp, XDP_MODE_GENERIC);
	assert_int_equal(s->interfaces[2].xdp, XDP_MODE_OFF);
	assert_string_equal(format_vlans(&s->interfaces[0].vlans, text, sizeof(text)), "0");
	assert_string_equal(format_vlans(&s->interfaces[1].vlans, text, sizeof(text)), "0-4094");
	assert_string_equal(format_vlans(&s->interfaces[2].vlans, text, sizeof(text)),
			    "0 9-11 4094");
	assert_int_equal(s->workers, 7);
	assert_false(s->zero_copy);
	assert_int_equal(s->busy_poll_us, 50);
	assert_int_equal(s->pending_max, 100);
	assert_int_equal(s->clock_tolerance_s, 2);
	assert_int_equal(s->share_after_s, 0);
	assert_string_equal(s->metrics_host, "2001:db8::1");
	assert_int_equal(s->metrics_port, 80);
	assert_int_equal(s->log_level, LOG_LEVEL_DEBUG);
	config_free(c);
}

static void test_metrics_off(void **state)
{
	struct config *c = must_parse("server: {interfaces: eth1, id: a, metrics: off}\n" NETWORKS);

	assert_int_equal(c->server.metrics_port, 0);
	assert_string_equal(c->server.metrics_host, "");
	config_free(c);
}

static void test_embedded(void **state)
{
	struct config *c = must_parse(SERVER NETWORKS "store: {embedded: ~}\n");

	assert_int_equal(c->store.kind, STORE_EMBEDDED);
	assert_string_equal(c->store.path, "/var/lib/etcdhcp");
	config_free(c);
	c = must_parse(SERVER NETWORKS "store: {embedded: {path: /x y, map-size: 512M}}\n");
	assert_string_equal(c->store.path, "/x y");
	assert_int_equal(c->store.map_size, 512 << 20);
	assert_null(c->store.endpoints);
	config_free(c);
}

static void test_etcd_defaults(void **state)
{
	struct config *c =
	    must_parse(SERVER NETWORKS "store: {etcd: {endpoints: \"http://10.0.0.1:2379\"}}\n");
	const struct config_store *s = &c->store;

	assert_int_equal(s->kind, STORE_ETCD);
	assert_int_equal(s->n_endpoints, 1);
	assert_string_equal(s->endpoints[0], "http://10.0.0.1:2379");
	assert_string_equal(s->prefix, "/etcdhcp/");
	assert_null(s->ca_file);
	assert_null(s->cert_file);
	assert_null(s->key_file);
	assert_null(s->user);
	assert_null(s->password_file);
	assert_null(s->path);
	assert_int_equal(s->timeout_ms, 2000);
	assert_int_equal(s->ttl_s, 10);
	assert_int_equal(s->txn_allocations, 119);
	assert_int_equal(s->txns_in_flight, 4);
	config_free(c);
}

static void test_etcd(void **state)
{
	struct config *c = must_parse(SERVER NETWORKS "store:\n"
						      "  etcd:\n"
						      "    endpoints:\n"
						      "    - https://etcd-1.example.net:2379\n"
						      "    - https://[2001:db8::1]:2379\n"
						      "    prefix: /site-a\n"
						      "    ca-file: /etc/ca.pem\n"
						      "    cert-file: /etc/cert.pem\n"
						      "    key-file: /etc/key.pem\n"
						      "    user: dhcp\n"
						      "    password-file: /etc/password\n"
						      "    timeout: 750ms\n"
						      "    ttl: 1m\n"
						      "    txn-allocations: 100\n"
						      "    txns-in-flight: 8\n");
	const struct config_store *s = &c->store;

	assert_int_equal(s->n_endpoints, 2);
	assert_string_equal(s->endpoints[1], "https://[2001:db8::1]:2379");
	assert_string_equal(s->prefix, "/site-a/");
	assert_string_equal(s->ca_file, "/etc/ca.pem");
	assert_string_equal(s->cert_file, "/etc/cert.pem");
	assert_string_equal(s->key_file, "/etc/key.pem");
	assert_string_equal(s->user, "dhcp");
	assert_string_equal(s->password_file, "/etc/password");
	assert_int_equal(s->timeout_ms, 750);
	assert_int_equal(s->ttl_s, 60);
	assert_int_equal(s->txn_allocations, 100);
	assert_int_equal(s->txns_in_flight, 8);
	config_free(c);
}

/* With etcd the networks may be in the shared part alone. */
static void test_no_networks_with_etcd(void **state)
{
	struct config *c = must_parse(SERVER "store: {etcd: {endpoints: [\"http://a:1\"]}}\n");

	assert_int_equal(c->n_networks, 0);
	assert_int_equal(c->n_subnets, 0);
	assert_null(config_find_subnet(c, 0x0a000001));
	assert_null(config_find_network(c, "n"));
	assert_null(config_find_link(c, "eth1", 0, 0));
	config_free(c);
}

static const struct times_case {
	const char *global, *network;
	struct config_times times;
} times_cases[] = {
    /* bounds and threshold follow what they are derived from */
    {"lease-time: 30s\n", "", {30, 30, 60, 200, 150, 50, 87, 60, 10, 86400}},
    {"lease-time: 2m\n", "", {120, 60, 240, 200, 150, 50, 87, 60, 10, 86400}},
    {"lease-time: 3650d\n", "", {315360000, 78840000, 315360000, 200, 150, 50, 87, 60, 10, 86400}},
    {"horizon: 1\n", "", {3600, 900, 7200, 100, 100, 50, 87, 60, 10, 86400}},
    {"horizon: 300%\n", "", {3600, 900, 7200, 300, 150, 50, 87, 60, 10, 86400}},
    {"extend-below: 0.5\n", "", {3600, 900, 7200, 200, 50, 50, 87, 60, 10, 86400}},
    /* a network has its own, and the rest from outside */
    {"lease-time: 2h\nt1: 25%\n",
     "  lease-time: 8h\n",
     {28800, 7200, 57600, 200, 150, 25, 87, 60, 10, 86400}},
    {"min-lease-time: 5m\nmax-lease-time: 1d\n",
     "  lease-time: 10m\n",
     {600, 300, 86400, 200, 150, 50, 87, 60, 10, 86400}},
    {"lease-time: 2h\n",
     "  min-lease-time: 2h\n  max-lease-time: 2h\n  horizon: 1.0\n"
     "  extend-below: 1\n  t1: 0.4\n  t2: 0.8\n  offer-time: 2m\n"
     "  rest-time: 0\n  decline-time: 7d\n",
     {7200, 7200, 7200, 100, 100, 40, 80, 120, 0, 604800}},
    /* what clashes outside may be mended inside */
    {"min-lease-time: 3h\n",
     "  lease-time: 4h\n",
     {14400, 10800, 28800, 200, 150, 50, 87, 60, 10, 86400}},
};

static void test_times(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(times_cases); i++) {
		const struct times_case *k = &times_cases[i];
		char text[1024];

		snprintf(text, sizeof(text),
			 SERVER "%snetworks:\n- name: n\n%s  subnets: "
				"[{subnet: 10.0.0.0/24}]\n",
			 k->global, k->network);
		struct config *c = must_parse(text);
		if (memcmp(&c->networks[0].times, &k->times, sizeof(k->times)) != 0)
			print_error("for \"%s%s\"\n", k->global, k->network);
		assert_memory_equal(&c->networks[0].times, &k->times, sizeof(k->times));
		config_free(c);
	}
}

/* A network's times are its own: the next one starts from the global ones again. */
static void test_times_do_not_leak(void **state)
{
	struct config *c = must_parse(
	    SERVER "networks:\n"
		   "- {name: a, lease-time: 8h, horizon: 3, subnets: [{subnet: 10.0.0.0/24}]}\n"
		   "- {name: b, subnets: [{subnet: 10.0.1.0/24}]}\n");

	assert_int_equal(c->networks[0].times.lease_s, 28800);
	assert_int_equal(c->networks[1].times.lease_s, 3600);
	assert_int_equal(c->networks[1].times.min_s, 900);
	assert_int_equal(c->networks[1].times.horizon_pct, 200);
	config_free(c);
}

static void test_pools(void **state)
{
	static const struct addr_range expected[] = {
	    {0x0a000001, 0x0a000003},
	    {0x0a000004, 0x0a000007},
	    {0x0a000010, 0x0a000010},
	    {0x0a000020, 0x0a0000fe},
	};
	struct config *c = must_parse(SERVER "networks:\n"
					     "- name: n\n"
					     "  subnets:\n"
					     "  - subnet: 10.0.0.0/24\n"
					     "    pools:\n"
					     "    - {range: 10.0.0.32 - 10.0.0.254}\n"
					     "    - 10.0.0.16\n"
					     "    - 10.0.0.4/30\n"
					     "    - 10.0.0.1-10.0.0.3\n"
					     "  - {subnet: 10.0.1.0/31, pools: 10.0.1.0/31}\n"
					     "  - {subnet: 10.0.1.2/32, pools: [10.0.1.2]}\n");

	assert_int_equal(c->subnets[0].n_pools, ARRAY_SIZE(expected));
	assert_memory_equal(c->subnets[0].pools, expected, sizeof(expected));
	assert_int_equal(c->subnets[1].pools[0].first, 0x0a000100);
	assert_int_equal(c->subnets[1].pools[0].last, 0x0a000101);
	assert_int_equal(c->subnets[2].mask, 0xffffffff);
	assert_int_equal(c->subnets[2].pools[0].last, 0x0a000102);
	config_free(c);
}

static void test_reservations(void **state)
{
	static const struct {
		uint32_t address;
		const char *client;
		unsigned line;
	} expected[] = {
	    {0x0a000002, "id:6162", 10},
	    {0x0a000005, "mac:02:00:00:00:00:aa", 8},
	    {0x0a000064, "id:0102000000000a", 9},
	    {0x0a0000fe, "mac:02:00:00:00:00:0a", 7},
	};
	struct config *c =
	    must_parse(SERVER "networks:\n"
			      "- name: n\n"
			      "  subnets:\n"
			      "  - subnet: 10.0.0.0/24\n"
			      "    reservations:\n"
			      "    - {mac: \"02:00:00:00:00:0A\", address: 10.0.0.254}\n"
			      "    - {mac: 02-00-00-00-00-AA, address: 10.0.0.5}\n"
			      "    - {client-id: \"01:02:00:00:00:00:0a\", address: 10.0.0.100}\n"
			      "    - {client-id: \"text:ab\", address: 10.0.0.2}\n"
			      /* the same client in another network is another matter */
			      "- name: m\n"
			      "  subnets:\n"
			      "  - subnet: 10.0.1.0/31\n"
			      "    reservations: {client-id: 6162, address: 10.0.1.0}\n");
	const struct config_subnet *subnet = &c->subnets[0];
	char text[CLIENT_ID_TEXT_MAX];

	assert_int_equal(subnet->n_reservations, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		const struct config_reservation *r = &subnet->reservations[i];

		client_id_format(r->client.bytes, r->client.len, text);
		assert_int_equal(r->address, expected[i].address);
		assert_string_equal(text, expected[i].client);
		assert_int_equal(r->line, expected[i].line);
		assert_ptr_equal(r->scope, &subnet->scope);
	}
	assert_int_equal(c->subnets[1].n_reservations, 1);
	assert_ptr_equal(c->subnets[1].reservations[0].scope, &c->subnets[1].scope);
	config_free(c);
}

/* One client may have an address in each of several networks. */
static void test_client_in_two_networks(void **state)
{
	struct config *c =
	    must_parse(SERVER "networks:\n"
			      "- {name: n, subnets: [{subnet: 10.0.0.0/24,"
			      " reservations: [{client-id: \"0102\", address: 10.0.0.1}]}]}\n"
			      "- {name: m, subnets: [{subnet: 10.0.1.0/24,"
			      " reservations: [{client-id: \"0102\", address: 10.0.1.1}]}]}\n");

	assert_int_equal(c->subnets[0].n_reservations, 1);
	assert_int_equal(c->subnets[1].n_reservations, 1);
	config_free(c);
}

#define THREE_NETWORKS                                                                             \
	"networks:\n"                                                                              \
	"- {name: zoo, server-identifier: 10.9.9.9, links: [eth1, {interface: eth2.5, vlan: 7}],"  \
	" subnets: [{subnet: 10.3.0.0/16}, {subnet: 10.1.0.0/16}]}\n"                              \
	"- {name: ant, links: [eth2.5.8.9, eth2.5],"                                               \
	" subnets: [{subnet: 10.2.0.0/24}, {subnet: 10.4.0.0/30}]}\n"                              \
	"- {name: bee, links: [eth2.5.8], subnets: [{subnet: 223.255.255.0/24}]}\n"
#define THREE_INTERFACES "server: {id: a, interfaces: [eth1, {name: eth2.5, vlan: 0-10}, eth2]}\n"

static void test_order(void **state)
{
	static const uint32_t firsts[] = {0x0a010000, 0x0a020000, 0x0a030000, 0x0a040000,
					  0xdfffff00};
	static const uint32_t owners[] = {0, 1, 0, 1, 2};
	struct config *c = must_parse(THREE_INTERFACES THREE_NETWORKS);

	assert_int_equal(c->n_networks, 3);
	assert_int_equal(c->n_subnets, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(c->subnets[i].first, firsts[i]);
		assert_int_equal(c->subnets[i].network, owners[i]);
	}
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(c->networks[i].index, i);
	assert_int_equal(c->networks[0].server_identifier, 0x0a090909);
	assert_int_equal(c->networks[0].n_subnets, 2);
	assert_ptr_equal(c->networks[0].subnets[0], &c->subnets[0]);
	assert_ptr_equal(c->networks[0].subnets[1], &c->subnets[2]);
	assert_int_equal(c->networks[1].n_subnets, 2);
	assert_ptr_equal(c->networks[1].subnets[0], &c->subnets[1]);
	assert_ptr_equal(c->networks[2].subnets[0], &c->subnets[4]);
	config_free(c);
}

static void test_find_subnet(void **state)
{
	static const struct {
		uint32_t addr;
		int subnet; /* -1: none */
	} cases[] = {
	    {0, -1},         {0x0a00ffff, -1}, {0x0a010000, 0},  {0x0a01ffff, 0}, {0x0a020000, 1},
	    {0x0a0200ff, 1}, {0x0a020100, -1}, {0x0a030001, 2},  {0x0a040003, 3}, {0x0a040004, -1},
	    {0xdfffffff, 4}, {0xe0000000, -1}, {0xffffffff, -1},
	};
	struct config *c = must_parse(THREE_INTERFACES THREE_NETWORKS);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_ptr_equal(config_find_subnet(c, cases[i].addr),
				 cases[i].subnet < 0 ? NULL : &c->subnets[cases[i].subnet]);
	config_free(c);
}

static void test_find_link(void **state)
{
	static const struct {
		const char *interface;
		uint16_t vlan, inner_vlan;
		int network; /* -1: none */
	} cases[] = {
	    {"eth1", 0, 0, 0},    {"eth1", 7, 0, -1},
	    {"eth2.5", 0, 0, 1}, /* an interface named so, not VLAN 5 on eth2 */
	    {"eth2", 5, 0, -1},   {"eth2.5", 7, 0, 0},
	    {"eth2.5", 7, 1, -1}, {"eth2.5", 8, 0, 2},
	    {"eth2.5", 8, 9, 1},  {"eth2.5", 8, 8, -1},
	    {"eth2.5", 9, 8, -1}, {"eth", 0, 0, -1},
	    {"", 0, 0, -1},       {"a name longer than any interface has", 0, 0, -1},
	};
	struct config *c = must_parse(THREE_INTERFACES THREE_NETWORKS);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_ptr_equal(
		    config_find_link(c, cases[i].interface, cases[i].vlan, cases[i].inner_vlan),
		    cases[i].network < 0 ? NULL : &c->networks[cases[i].network]);
	assert_int_equal(c->networks[1].n_links, 2);
	assert_string_equal(c->networks[1].links[0].interface, "eth2.5");
	assert_int_equal(c->networks[1].links[0].vlan, 8);
	assert_int_equal(c->networks[1].links[0].inner_vlan, 9);
	config_free(c);
}

static void test_find_network(void **state)
{
	struct config *c = must_parse(THREE_INTERFACES THREE_NETWORKS);

	assert_ptr_equal(config_find_network(c, "zoo"), &c->networks[0]);
	assert_ptr_equal(config_find_network(c, "ant"), &c->networks[1]);
	assert_ptr_equal(config_find_network(c, "bee"), &c->networks[2]);
	assert_null(config_find_network(c, "be"));
	assert_null(config_find_network(c, ""));
	config_free(c);
}

static void test_shared(void **state)
{
	static const char file[] = SERVER NETWORKS "lease-time: 2h\nboot-file: own\n"
						   "options: {domain-name: own}\n";
	static const char shared[] = "networks: [{name: m, subnets: [{subnet: 10.9.0.0/24}]}]\n"
				     "t1: 0.3\n"
				     "options: {routers: 10.9.0.1}\n";
	const struct config_source own = {.name = "t", .text = file, .len = sizeof(file) - 1};
	const struct config_source key = {.name = "k", .text = shared, .len = sizeof(shared) - 1};
	struct config_error error;
	struct config *c = config_parse(&own, &key, CONFIG_MEMORY_MAX, &error);

	assert_non_null(c);
	assert_string_equal(c->server.id, "a");
	assert_int_equal(c->n_networks, 1);
	assert_string_equal(c->networks[0].name, "m");
	assert_int_equal(c->networks[0].times.t1_pct, 30);
	/* nothing of what it replaces shines through */
	assert_int_equal(c->networks[0].times.lease_s, 3600);
	assert_null(c->subnets[0].scope.boot_file);
	assert_null(option_set_get(c->subnets[0].scope.options, 15).data);
	assert_int_equal(option_set_get(c->subnets[0].scope.options, 3).len, 4);
	config_free(c);
}

static void test_aliases(void **state)
{
	struct config *c = must_parse(SERVER "networks:\n"
					     "- name: a\n"
					     "  options: &std {domain-name: x, routers: 10.0.0.1}\n"
					     "  lease-time: &lease 8h\n"
					     "  subnets: [{subnet: 10.0.0.0/24}]\n"
					     "- name: b\n"
					     "  options: *std\n"
					     "  lease-time: *lease\n"
					     "  subnets: [{subnet: 10.0.1.0/24}]\n");

	assert_int_equal(c->networks[1].times.lease_s, 28800);
	assert_int_equal(option_set_get(c->subnets[1].scope.options, 3).len, 4);
	assert_int_equal(option_set_get(c->subnets[1].scope.options, 15).len, 1);
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_documented_file),
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_server),
	    cmocka_unit_test(test_metrics_off),
	    cmocka_unit_test(test_embedded),
	    cmocka_unit_test(test_etcd_defaults),
	    cmocka_unit_test(test_etcd),
	    cmocka_unit_test(test_no_networks_with_etcd),
	    cmocka_unit_test(test_times),
	    cmocka_unit_test(test_times_do_not_leak),
	    cmocka_unit_test(test_pools),
	    cmocka_unit_test(test_reservations),
	    cmocka_unit_test(test_client_in_two_networks),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_find_subnet),
	    cmocka_unit_test(test_find_link),
	    cmocka_unit_test(test_find_network),
	    cmocka_unit_test(test_shared),
	    cmocka_unit_test(test_aliases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
