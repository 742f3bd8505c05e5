/* SPDX-License-Identifier: MIT */
/** What is refused in `server` and `store`, and lists where there should be none. */
#include "errors.h"

#include <stdio.h>

static const struct error_case server_cases[] = {
    {"server:\n  interfaces: [eth1]\n  id: a\n  id: b\n" NETWORKS,
     "t:4: id: given twice, first at line 3; remove one"},
    {"server: {interfaces: [eth1], id: a b}\n" NETWORKS,
     "t:1: id: \"a b\" is not a usable name; give 1 to 63 letters, digits, dots, "
     "dashes or underscores"},
    {"server: {interfaces: [eth1], id: "
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx}\n" NETWORKS,
     "t:1: id: \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\" "
     "is not a usable name; give 1 to 63 letters, digits, dots, dashes or underscores"},
    {"server: {interfaces: [eth1], id: ~}\n" NETWORKS,
     "t:1: id: has no value; give 1 to 63 letters, digits, dots, dashes or underscores"},
    {"server: {interfaces: [], id: a}\n" NETWORKS,
     "t:1: interfaces: lists 0 interfaces; name 1 to 64"},
    {"server: {interfaces: ~, id: a}\n" NETWORKS,
     "t:1: interfaces: lists 0 interfaces; name 1 to 64"},
    {"server: {id: a, interfaces: [eth1, eth1]}\n" NETWORKS,
     "t:1: interfaces: eth1 is listed twice; put all its VLANs into one entry"},
    {"server: {id: a, interfaces: [sixteen-letters-]}\n" NETWORKS,
     "t:1: name: \"sixteen-letters-\" is not an interface's name; give 1 to 15 bytes "
     "as `ip link` shows it"},
    {"server: {id: a, interfaces: [a/b]}\n" NETWORKS,
     "t:1: name: \"a/b\" is not an interface's name; give 1 to 15 bytes as `ip link` "
     "shows it"},
    {"server: {id: a, interfaces: [..]}\n" NETWORKS,
     "t:1: name: \"..\" is not an interface's name; give 1 to 15 bytes as `ip link` "
     "shows it"},
    {"server: {id: a, interfaces: [[eth1]]}\n" NETWORKS,
     "t:1: interfaces: an interface is not a mapping; give \"key: value\" pairs"},
    {"server: {id: a, interfaces: [~]}\n" NETWORKS,
     "t:1: name: missing in an interface; give the interface's name, such as eth1"},
    {"server: {id: a, interfaces: [{vlan: 1}]}\n" NETWORKS,
     "t:1: name: missing in an interface; give the interface's name, such as eth1"},
    {"server: {id: a, interfaces: [{name: eth1, vlan: 4095}]}\n" NETWORKS,
     "t:1: vlan: \"4095\" is not a VLAN id; give 0 (untagged) to 4094, a range such "
     "as 200-299, or a list of them"},
    {"server: {id: a, interfaces: [{name: eth1, vlan: 20-10}]}\n" NETWORKS,
     "t:1: vlan: \"20-10\" is not a VLAN id; give 0 (untagged) to 4094, a range "
     "such as 200-299, or a list of them"},
    {"server: {id: a, interfaces: [{name: eth1, vlan: [1, x]}]}\n" NETWORKS,
     "t:1: vlan: \"x\" is not a VLAN id; give 0 (untagged) to 4094, a range such "
     "as 200-299, or a list of them"},
    {"server: {id: a, interfaces: [{name: eth1, vlan: []}]}\n" NETWORKS,
     "t:1: vlan: names no VLAN; leave the key out to serve untagged frames"},
    {"server: {id: a, interfaces: [{name: eth1, vlan: [[1]]}]}\n" NETWORKS,
     "t:1: vlan: is a list; give 0 (untagged) to 4094, a range such as 200-299, "
     "or a list of them"},
    {"server: {id: a, interfaces: [{name: eth1, xdp: fast}]}\n" NETWORKS,
     "t:1: xdp: \"fast\" is not a word known here; give one of auto, native, generic, "
     "off"},
    {"server: {id: a, interfaces: [{name: eth1, vlans: 1}]}\n" NETWORKS,
     "t:1: vlans: unknown in an interface; did you mean vlan? allowed here: name, "
     "vlan, xdp"},
    {"server: {id: a, interfaces: [e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, "
     "e11, e12, e13, e14, e15, e16, e17, e18, e19, e20, e21, e22, e23, e24, e25, "
     "e26, e27, e28, e29, e30, e31, e32, e33, e34, e35, e36, e37, e38, e39, e40, "
     "e41, e42, e43, e44, e45, e46, e47, e48, e49, e50, e51, e52, e53, e54, e55, "
     "e56, e57, e58, e59, e60, e61, e62, e63, e64]}\n" NETWORKS,
     "t:1: interfaces: lists 65 interfaces; name 1 to 64"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  workers: 0\n" NETWORKS,
     "t:4: workers: \"0\" is out of range; give auto or 1 to 256"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  workers: many\n" NETWORKS,
     "t:4: workers: \"many\" is not a number in digits; give auto or 1 to 256"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  workers: -1\n" NETWORKS,
     "t:4: workers: \"-1\" is not a number in digits; give auto or 1 to 256"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  workers: [1]\n" NETWORKS,
     "t:4: workers: is a list; give auto or 1 to 256"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  workers: {a: 1}\n" NETWORKS,
     "t:4: workers: is a mapping; give auto or 1 to 256"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  workers: ~\n" NETWORKS,
     "t:4: workers: has no value; give auto or 1 to 256"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  workers: 99999999999999999999\n" NETWORKS,
     "t:4: workers: \"99999999999999999999\" is out of range; give auto or 1 to "
     "256"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  xdp: on\n" NETWORKS,
     "t:4: xdp: \"on\" is not a word known here; give one of auto, native, generic, "
     "off"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  zero-copy: maybe\n" NETWORKS,
     "t:4: zero-copy: \"maybe\" is not a truth value; give true or false"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  busy-poll: 1s\n" NETWORKS,
     "t:4: busy-poll: \"1s\" is out of range; give off or 0 to 100ms, such as 50us"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  busy-poll: 5ns\n" NETWORKS,
     "t:4: busy-poll: \"5ns\" is not a duration; give off or 0 to 100ms, such as "
     "50us"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  pending-max: 0\n" NETWORKS,
     "t:4: pending-max: \"0\" is out of range; give 1 to 65536"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  load-sharing: 2m\n" NETWORKS,
     "t:4: load-sharing: \"2m\" is out of range; give off or 1s to 1m, such as 90s or 1h30m"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  log-level: loud\n" NETWORKS,
     "t:4: log-level: \"loud\" is not a word known here; give one of error, warn, "
     "info, debug"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  metrics: 9842\n" NETWORKS,
     "t:4: metrics: \"9842\" is not an address with a port; give host:port, \"[v6 "
     "address]:port\" in quotes, or off"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  metrics: 127.0.0.1\n" NETWORKS,
     "t:4: metrics: \"127.0.0.1\" is not an address with a port; give host:port, "
     "\"[v6 address]:port\" in quotes, or off"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  metrics: 127.0.0.1:0\n" NETWORKS,
     "t:4: metrics: \"127.0.0.1:0\" is not an address with a port; give host:port, "
     "\"[v6 address]:port\" in quotes, or off"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  metrics: 127.0.0.1:65536\n" NETWORKS,
     "t:4: metrics: \"127.0.0.1:65536\" is not an address with a port; give host:port, "
     "\"[v6 address]:port\" in quotes, or off"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  metrics: 300.0.0.1:80\n" NETWORKS,
     "t:4: metrics: \"300.0.0.1:80\" is not an address with a port; give host:port, "
     "\"[v6 address]:port\" in quotes, or off"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  metrics: \"[::1\"\n" NETWORKS,
     "t:4: metrics: \"[::1\" is not an address with a port; give host:port, \"[v6 "
     "address]:port\" in quotes, or off"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  metrics: \"[::1]\"\n" NETWORKS,
     "t:4: metrics: \"[::1]\" is not an address with a port; give host:port, \"[v6 "
     "address]:port\" in quotes, or off"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  metrics: \"[1.2.3.4]:80\"\n" NETWORKS,
     "t:4: metrics: \"[1.2.3.4]:80\" is not an address with a port; give host:port, "
     "\"[v6 address]:port\" in quotes, or off"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  metrics: \"::1:80\"\n" NETWORKS,
     "t:4: metrics: \"::1:80\" is not an address with a port; give host:port, \"[v6 "
     "address]:port\" in quotes, or off"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  metrics: [::1]:80\n" NETWORKS,
     "t:4: syntax: while parsing a flow node, did not find expected node content; "
     "check quotes, brackets and indentation (spaces, not tabs)"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  metrics: \":80\"\n" NETWORKS,
     "t:4: metrics: \":80\" is not an address with a port; give host:port, \"[v6 "
     "address]:port\" in quotes, or off"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  metrics: a_b:80\n" NETWORKS,
     "t:4: metrics: \"a_b:80\" is not an address with a port; give host:port, \"[v6 "
     "address]:port\" in quotes, or off"},
    {"server:\n  interfaces: [eth1]\n  id: a\n  metrics: "
     "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx:80\"\n" NETWORKS,
     "t:4: metrics: \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\" "
     "is not an address with a port; give host:port, \"[v6 address]:port\" in quotes, "
     "or off"},
};

static const struct error_case not_scalar_cases[] = {
    {"server: {id: a, interfaces: [{name: [x]}]}\n" NETWORKS,
     "t:1: name: is a list; give 1 to 15 bytes as `ip link` shows it"},
    {"server: {id: a, interfaces: [eth1], metrics: [x]}\n" NETWORKS,
     "t:1: metrics: is a list; give host:port, \"[v6 address]:port\" in quotes, or off"},
    {VALID "store: {etcd: {endpoints: [\"http://a:1\"], prefix: ~}}\n",
     "t:3: prefix: has no value; give 1 to 200 printable characters without blanks, such as "
     "/etcdhcp/"},
    {VALID "store: {etcd: {endpoints: [{a: b}]}}\n",
     "t:3: endpoints: is a mapping; give \"http://host:port\" or \"https://host:port\""},
    {IN_NETWORK "  server-identifier: []\n" SUBNETS,
     "t:4: server-identifier: is a list; give an address of this server's, or an anycast one, "
     "such as 10.6.0.1"},
    {IN_SUBNET "    reservations: [{client-id: [x], address: 10.0.0.1}]\n",
     "t:6: client-id: is a list; give option 61 as bytes, such as \"01:08:9e:08:b5:af:01\", or "
     "\"text:name\""},
};

static void test_not_scalar(void **state)
{
	expect_errors(not_scalar_cases, ARRAY_SIZE(not_scalar_cases));
}

static const struct error_case store_cases[] = {
    {VALID "store: {}\n", "t:3: store: names no store; give exactly one of embedded and etcd"},
    {VALID "store: ~\n", "t:3: store: names no store; give exactly one of embedded and etcd"},
    {VALID "store: {embedded: {}, etcd: {endpoints: [\"http://a:1\"]}}\n",
     "t:3: store: names two stores; give exactly one of embedded and etcd"},
    {VALID "store: {redis: {}}\n", "t:3: redis: unknown in store; allowed here: embedded, etcd"},
    {VALID "store: embedded\n", "t:3: store: is not a mapping; give \"key: value\" pairs"},
    {VALID "store: {embedded: {path: \"\"}}\n",
     "t:3: path: \"\" is not text of a fitting length; give 1 to 4095 bytes of text"},
    {VALID "store: {embedded: {map-size: 1K}}\n",
     "t:3: map-size: \"1K\" is out of range; give 1M to 64T, such as 64G"},
    {VALID "store: {embedded: {map-size: 64GB}}\n",
     "t:3: map-size: \"64GB\" is not a size in bytes; give 1M to 64T, such as 64G"},
    {VALID "store: {embedded: {map-size: 65T}}\n",
     "t:3: map-size: \"65T\" is out of range; give 1M to 64T, such as 64G"},
    {VALID "store: {embedded: [x]}\n",
     "t:3: embedded: is not a mapping; give \"key: value\" pairs"},
    {VALID "store: {etcd: {}}\n",
     "t:3: endpoints: missing in etcd; list the members, such as [\"http://10.0.0.11:2379\"]"},
    {VALID "store: {etcd: {endpoints: []}}\n", "t:3: endpoints: lists 0 members; name 1 to 32"},
    {VALID "store: {etcd: {endpoints: [\"10.0.0.1:2379\"]}}\n",
     "t:3: endpoints: \"10.0.0.1:2379\" is not an endpoint; give \"http://host:port\" "
     "or \"https://host:port\""},
    {VALID "store: {etcd: {endpoints: [\"http://10.0.0.1\"]}}\n",
     "t:3: endpoints: \"http://10.0.0.1\" is not an endpoint; give \"http://host:port\" "
     "or \"https://host:port\""},
    {VALID "store: {etcd: {endpoints: [\"http://10.0.0.1:2379/\"]}}\n",
     "t:3: endpoints: \"http://10.0.0.1:2379/\" is not an endpoint; give \"http://host:port\" "
     "or \"https://host:port\""},
    {VALID "store: {etcd: {endpoints: [\"http://a:1\", \"http://a:1\"]}}\n",
     "t:3: endpoints: http://a:1 is listed twice; remove one"},
    {VALID "store: {etcd: {endpoints: [\"http://a:1\", \"https://b:1\"]}}\n",
     "t:3: endpoints: http and https are mixed; give all with the same"},
    {VALID "store:\n  etcd:\n    endpoints: [\"http://a:1\"]\n    ca-file: /x\n",
     "t:6: ca-file: has no effect on http; make the endpoints https or remove it"},
    {VALID "store:\n  etcd:\n    endpoints: [\"https://a:1\"]\n    cert-file: /x\n",
     "t:6: cert-file: stands without key-file; give both or none"},
    {VALID "store:\n  etcd:\n    endpoints: [\"https://a:1\"]\n    key-file: /x\n",
     "t:6: key-file: stands without cert-file; give both or none"},
    {VALID "store:\n  etcd:\n    endpoints: [\"https://a:1\"]\n    user: x\n",
     "t:6: user: stands without password-file; give both or none"},
    {VALID "store:\n  etcd:\n    endpoints: [\"https://a:1\"]\n    password-file: x\n",
     "t:6: password-file: stands without user; give both or none"},
    {VALID "store:\n  etcd:\n    endpoints: [\"http://a:1\"]\n    prefix: \"\"\n",
     "t:6: prefix: \"\" is not usable in keys; give 1 to 200 printable characters "
     "without blanks, such as /etcdhcp/"},
    {VALID "store:\n  etcd:\n    endpoints: [\"http://a:1\"]\n    prefix: a b\n",
     "t:6: prefix: \"a b\" is not usable in keys; give 1 to 200 printable characters "
     "without blanks, such as /etcdhcp/"},
    {VALID "store:\n  etcd:\n    endpoints: [\"http://a:1\"]\n    timeout: 10ms\n",
     "t:6: timeout: \"10ms\" is out of range; give 50ms to 1m, such as 500ms or "
     "2s"},
    {VALID "store:\n  etcd:\n    endpoints: [\"http://a:1\"]\n    timeout: 2.5s\n",
     "t:6: timeout: \"2.5s\" is not a duration; give 50ms to 1m, such as 500ms or "
     "2s"},
    {VALID "store:\n  etcd:\n    endpoints: [\"http://a:1\"]\n    ttl: 1\n",
     "t:6: ttl: \"1\" is out of range; give 2s to 1h, such as 90s or 1h30m"},
    {VALID "store:\n  etcd:\n    endpoints: [\"http://a:1\"]\n    ttl: 1500ms\n",
     "t:6: ttl: \"1500ms\" is not a duration in whole seconds; give 2s to 1h, such "
     "as 90s or 1h30m"},
    {VALID "store:\n  etcd:\n    endpoints: [\"http://a:1\"]\n    txn-allocations: 0\n",
     "t:6: txn-allocations: \"0\" is out of range; give 1 to 1000"},
    {VALID "store:\n  etcd:\n    endpoints: [\"http://a:1\"]\n    txns-in-flight: 65\n",
     "t:6: txns-in-flight: \"65\" is out of range; give 1 to 64"},
};

static void test_server(void **state)
{
	expect_errors(server_cases, ARRAY_SIZE(server_cases));
}

static void test_store(void **state)
{
	expect_errors(store_cases, ARRAY_SIZE(store_cases));
}

/* What the next call of gethostname tells; NULL: the system's answer. */
static const char *host_name;

int __real_gethostname(char *name, size_t len);
int __wrap_gethostname(char *name, size_t len);

int __wrap_gethostname(char *name, size_t len)
{
	if (!host_name)
		return __real_gethostname(name, len);
	snprintf(name, len, "%s", host_name);
	return 0;
}

static void test_bad_host_name(void **state)
{
	static const char text[] = "server: {interfaces: [eth1]}\n" NETWORKS;

	host_name = "a b";
	expect_error(text, "t:1: id: the host name \"a b\" cannot stand in for it; give 1 to 63 "
			   "letters, digits, dots, dashes or underscores");
	host_name = "";
	expect_error(text, "t:1: id: the host name \"\" cannot stand in for it; give 1 to 63 "
			   "letters, digits, dots, dashes or underscores");
	host_name = NULL;
}

static void test_too_many_interfaces(void **state)
{
	char text[1024];
	size_t len = snprintf(text, sizeof(text), "server: {id: a, interfaces: [");

	for (int i = 0; i <= CONFIG_MAX_INTERFACES; i++)
		len += snprintf(text + len, sizeof(text) - len, "e%d, ", i);
	snprintf(text + len, sizeof(text) - len, "]}\n" NETWORKS);
	expect_error(text, "t:1: interfaces: lists 65 interfaces; name 1 to 64");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_server),
	    cmocka_unit_test(test_store),
	    cmocka_unit_test(test_not_scalar),
	    cmocka_unit_test(test_bad_host_name),
	    cmocka_unit_test(test_too_many_interfaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
