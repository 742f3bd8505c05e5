/* SPDX-License-Identifier: MIT */
/** Which changes a running server may take over. */
#include "unit.h"

#include <stdio.h>

#define ETCD     "store: {etcd: {endpoints: [\"http://a:1\"]"
#define NETWORKS "networks: [{name: n, subnets: [{subnet: 10.0.0.0/24}]}]\n"
#define SERVER   "server: {id: a, interfaces: [eth1"

static const struct reload_case {
	const char *before, *after; /* without networks */
	const char *key;            /* NULL: allowed */
} cases[] = {
    {SERVER "]}\n", SERVER "]}\n", NULL},
    {SERVER "]}\n", SERVER "], log-level: debug}\n", NULL},
    {SERVER "]}\n", SERVER "], load-sharing: off}\n", NULL},
    {SERVER "]}\n", SERVER "]}\nlease-time: 2h\noptions: {routers: 10.0.0.1}\n", NULL},
    /* a default written out is no change */
    {SERVER "]}\n", SERVER "], workers: auto, xdp: auto, metrics: 127.0.0.1:9842}\n", NULL},
    {SERVER "]}\n", SERVER "]}\nstore: {embedded: {path: /var/lib/etcdhcp}}\n", NULL},
    {SERVER "]}\n", "server: {id: b, interfaces: [eth1]}\n", "id"},
    {SERVER "]}\n", SERVER ", eth2]}\n", "interfaces"},
    {SERVER "]}\n", "server: {id: a, interfaces: [eth2]}\n", "interfaces"},
    {SERVER "]}\n", "server: {id: a, interfaces: [{name: eth1, vlan: 5}]}\n", "interfaces"},
    {SERVER "]}\n", SERVER "], xdp: native}\n", "xdp"},
    {SERVER "]}\n", "server: {id: a, interfaces: [{name: eth1, xdp: off}]}\n", "xdp"},
    {SERVER "], xdp: off}\n", "server: {id: a, interfaces: [{name: eth1, xdp: off}]}\n", NULL},
    {SERVER "]}\n", SERVER "], workers: 2}\n", "workers"},
    {SERVER "]}\n", SERVER "], zero-copy: false}\n", "zero-copy"},
    {SERVER "]}\n", SERVER "], busy-poll: 20us}\n", "busy-poll"},
    {SERVER "]}\n", SERVER "], pending-max: 5}\n", "pending-max"},
    {SERVER "]}\n", SERVER "], metrics: off}\n", "metrics"},
    {SERVER "]}\n", SERVER "], metrics: 127.0.0.1:9843}\n", "metrics"},
    {SERVER "]}\n", SERVER "], metrics: 127.0.0.2:9842}\n", "metrics"},
    {SERVER "]}\n", SERVER "]}\nstore: {embedded: {path: /x}}\n", "store"},
    {SERVER "]}\n", SERVER "]}\nstore: {embedded: {map-size: 1G}}\n", "store"},
    {SERVER "]}\n", SERVER "]}\n" ETCD "}}\n", "store"},
    {SERVER "]}\n" ETCD "}}\n", SERVER "]}\n" ETCD "}}\n", NULL},
    {SERVER "]}\n" ETCD "}}\n", SERVER "]}\n" ETCD ", prefix: /etcdhcp}}\n", NULL},
    {SERVER "]}\n" ETCD "}}\n", SERVER "]}\n" ETCD ", prefix: /x}}\n", "store"},
    {SERVER "]}\n" ETCD "}}\n", SERVER "]}\n" ETCD ", ttl: 11s}}\n", "store"},
    {SERVER "]}\n" ETCD "}}\n", SERVER "]}\n" ETCD ", user: u, password-file: p}}\n", "store"},
    {SERVER "]}\n" ETCD "}}\n", SERVER "]}\nstore: {etcd: {endpoints: [\"http://b:1\"]}}\n",
     "store"},
    {SERVER "]}\n" ETCD "}}\n",
     SERVER "]}\nstore: {etcd: {endpoints: [\"http://a:1\", \"http://b:1\"]}}\n", "store"},
    /* of several the first counts */
    {SERVER "]}\n", "server: {id: b, interfaces: [eth2], workers: 2}\n", "id"},
    {SERVER "]}\n", "server: {id: b, interfaces: [eth1]}\nstore: {embedded: {path: /x}}\n",
     "store"},
};

static struct config *with_networks(const char *text)
{
	char whole[1024];

	snprintf(whole, sizeof(whole), "%s" NETWORKS, text);
	return must_parse(whole);
}

static void test_reload(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config *a = with_networks(cases[i].before);
		struct config *b = with_networks(cases[i].after);
		const char *key = "untouched";
		const bool allowed = config_reload_allowed(a, b, &key);

		if (allowed != !cases[i].key)
			print_error("from: %s\nto: %s\n", cases[i].before, cases[i].after);
		assert_int_equal(allowed, !cases[i].key);
		assert_string_equal(key, cases[i].key ? cases[i].key : "untouched");
		key = "untouched";
		assert_int_equal(config_reload_allowed(b, a, &key), allowed);
		assert_string_equal(key, cases[i].key ? cases[i].key : "untouched");
		config_free(a);
		config_free(b);
	}
}

static void test_networks_may_change(void **state)
{
	struct config *a = must_parse(SERVER "]}\n" NETWORKS);
	struct config *b = must_parse(SERVER "]}\nnetworks: [{name: m, links: [eth1], subnets: "
					     "[{subnet: 10.1.0.0/24, pools: 10.1.0.1}]}]\n");
	const char *key;

	assert_true(config_reload_allowed(a, b, &key));
	config_free(a);
	config_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reload),
	    cmocka_unit_test(test_networks_may_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
