/* SPDX-License-Identifier: MIT */
/** What is refused in times, networks, subnets and pools. */
#include "errors.h"

static const struct error_case times_cases[] = {
    {VALID "lease-time: 0\n",
     "t:3: lease-time: \"0\" is out of range; give 1s to 3650d, such as 90s or 1h30m"},
    {VALID "lease-time: 4000d\n",
     "t:3: lease-time: \"4000d\" is out of range; give 1s to 3650d, such as 90s "
     "or 1h30m"},
    {VALID "lease-time: 1h30\n",
     "t:3: lease-time: \"1h30\" is not a duration in whole seconds; give 1s to 3650d, "
     "such as 90s or 1h30m"},
    {VALID "lease-time: 30m1h\n",
     "t:3: lease-time: \"30m1h\" is not a duration in whole seconds; give 1s to "
     "3650d, such as 90s or 1h30m"},
    {VALID "lease-time: 1h1h\n",
     "t:3: lease-time: \"1h1h\" is not a duration in whole seconds; give 1s to 3650d, "
     "such as 90s or 1h30m"},
    {VALID "lease-time: 500ms\n",
     "t:3: lease-time: \"500ms\" is not a duration in whole seconds; give 1s to "
     "3650d, such as 90s or 1h30m"},
    {VALID "lease-time: forever\n",
     "t:3: lease-time: \"forever\" is not a duration in whole seconds; give 1s to "
     "3650d, such as 90s or 1h30m"},
    {VALID "lease-time: 1.5h\n",
     "t:3: lease-time: \"1.5h\" is not a duration in whole seconds; give 1s to 3650d, "
     "such as 90s or 1h30m"},
    {VALID "lease-time: \"\"\n",
     "t:3: lease-time: \"\" is not a duration in whole seconds; give 1s to 3650d, "
     "such as 90s or 1h30m"},
    {VALID "lease-time: 1H\n",
     "t:3: lease-time: \"1H\" is not a duration in whole seconds; give 1s to 3650d, "
     "such as 90s or 1h30m"},
    {VALID "min-lease-time: 2h\n",
     "t:3: min-lease-time: 2h is above lease-time 1h (default); lower min-lease-time "
     "or raise lease-time"},
    {VALID "max-lease-time: 30m\n",
     "t:3: max-lease-time: 30m is below lease-time 1h (default); lower lease-time "
     "or raise max-lease-time"},
    {VALID "lease-time: 10m\nmin-lease-time: 20m\n",
     "t:4: min-lease-time: 20m is above lease-time 10m (line 3); lower min-lease-time "
     "or raise lease-time"},
    {VALID "min-lease-time: 20m\nlease-time: 10m\n",
     "t:4: lease-time: 10m is below min-lease-time 20m (line 3); lower min-lease-time "
     "or raise lease-time"},
    {IN_NETWORK "  lease-time: 10m\n  subnets: [{subnet: 10.0.0.0/24}]\nmin-lease-time: 20m\n",
     "t:6: min-lease-time: 20m is above lease-time 10m (line 4); lower min-lease-time "
     "or raise lease-time"},
    {SERVER "min-lease-time: 20m\nnetworks:\n- name: n\n  lease-time: 10m\n  subnets: [{subnet: "
	    "10.0.0.0/24}]\n",
     "t:5: lease-time: 10m is below min-lease-time 20m (line 2); lower min-lease-time "
     "or raise lease-time"},
    {SERVER "max-lease-time: 3h\nnetworks:\n- name: n\n  lease-time: 4h\n  subnets: [{subnet: "
	    "10.0.0.0/24}]\n",
     "t:5: lease-time: 4h is above max-lease-time 3h (line 2); lower lease-time "
     "or raise max-lease-time"},
    {VALID "horizon: 0.99\n",
     "t:3: horizon: \"0.99\" is out of range; give 1.00 to 10.00, or a percentage"},
    {VALID "horizon: 11\n",
     "t:3: horizon: \"11\" is out of range; give 1.00 to 10.00, or a percentage"},
    {VALID "horizon: big\n",
     "t:3: horizon: \"big\" is not a fraction; give 1.00 to 10.00, or a percentage"},
    {VALID "horizon: 1.\n",
     "t:3: horizon: \"1.\" is not a fraction; give 1.00 to 10.00, or a percentage"},
    {VALID "horizon: .5\n",
     "t:3: horizon: \".5\" is not a fraction; give 1.00 to 10.00, or a percentage"},
    {VALID "extend-below: 2.5\n",
     "t:3: extend-below: 2.50 is above horizon 2.00 (default); lower extend-below "
     "or raise horizon"},
    {VALID "horizon: 1.2\nextend-below: 1.3\n",
     "t:4: extend-below: 1.30 is above horizon 1.20 (line 3); lower extend-below "
     "or raise horizon"},
    {VALID "extend-below: 3\nhorizon: 2.5\n",
     "t:4: horizon: 2.50 is below extend-below 3.00 (line 3); lower extend-below "
     "or raise horizon"},
    {VALID "extend-below: 0\n",
     "t:3: extend-below: \"0\" is out of range; give 0.01 to 10.00, or a percentage"},
    {VALID "t1: 1\n", "t:3: t1: \"1\" is out of range; give 0.01 to 0.99, or a percentage"},
    {VALID "t1: 50\n", "t:3: t1: \"50\" is out of range; give 0.01 to 0.99, or a percentage"},
    {VALID "t1: 0\n", "t:3: t1: \"0\" is out of range; give 0.01 to 0.99, or a percentage"},
    {VALID "t1: 0.9\n", "t:3: t1: 0.90 is not below t2 0.87 (default); lower t1 or raise t2"},
    {VALID "t2: 50%\n", "t:3: t2: 0.50 is not above t1 0.50 (default); lower t1 or raise t2"},
    {VALID "t2: 0.4\n", "t:3: t2: 0.40 is not above t1 0.50 (default); lower t1 or raise t2"},
    {VALID "t1: 0.7\nt2: 0.6\n",
     "t:4: t2: 0.60 is not above t1 0.70 (line 3); lower t1 or raise t2"},
    {VALID "t2: 0.6\nt1: 0.6\n",
     "t:4: t1: 0.60 is not below t2 0.60 (line 3); lower t1 or raise t2"},
    {VALID "t2: 100%\n", "t:3: t2: \"100%\" is out of range; give 0.01 to 0.99, or a percentage"},
    {VALID "offer-time: 2h\n",
     "t:3: offer-time: \"2h\" is out of range; give 1s to 1h, such as 90s or 1h30m"},
    {VALID "rest-time: 25h\n",
     "t:3: rest-time: \"25h\" is out of range; give 0 to 1d, such as 90s or 1h30m"},
    {VALID "decline-time: 0\n",
     "t:3: decline-time: \"0\" is out of range; give 1s to 365d, such as 90s or "
     "1h30m"},
    {IN_NETWORK "  lease-tme: 1h\n" SUBNETS,
     "t:4: lease-tme: unknown in a network; did you mean lease-time? allowed here: "
     "name, server-identifier, links, subnets, " TIME_KEYS ", " SCOPE_KEYS},
};

static const struct error_case network_cases[] = {
    {SERVER "networks: [~]\n",
     "t:2: name: missing in a network; give 1 to 63 letters, digits, dots, dashes "
     "or underscores"},
    {SERVER "networks: [{}]\n",
     "t:2: name: missing in a network; give 1 to 63 letters, digits, dots, dashes "
     "or underscores"},
    {SERVER "networks: [{name: n}]\n",
     "t:2: subnets: missing in a network; list at least one, such as [{subnet: 10.6.0.0/16}]"},
    {SERVER "networks: [{subnets: []}]\n",
     "t:2: name: missing in a network; give 1 to 63 letters, digits, dots, dashes "
     "or underscores"},
    {SERVER "networks: [{name: n, subnets: []}]\n",
     "t:2: subnets: is empty; list at least one, such as [{subnet: 10.6.0.0/16}]"},
    {SERVER "networks: [{name: n, subnets: [x]}]\n",
     "t:2: subnets: a subnet is not a mapping; give \"key: value\" pairs"},
    {SERVER "networks: [{name: n/m, subnets: [{subnet: 10.0.0.0/24}]}]\n",
     "t:2: name: \"n/m\" is not a usable name; give 1 to 63 letters, digits, dots, "
     "dashes or underscores"},
    {SERVER "networks: [{name: \"\", subnets: [{subnet: 10.0.0.0/24}]}]\n",
     "t:2: name: \"\" is not a usable name; give 1 to 63 letters, digits, dots, "
     "dashes or underscores"},
    {SERVER "networks: [{name: nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn, "
	    "subnets: [{subnet: 10.0.0.0/24}]}]\n",
     "t:2: name: \"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\" "
     "is not a usable name; give 1 to 63 letters, digits, dots, dashes or underscores"},
    {SERVER "networks:\n- {name: n, subnets: [{subnet: 10.0.0.0/24}]}\n- {name: m, subnets: "
	    "[{subnet: 10.0.1.0/24}]}\n- {name: n, subnets: [{subnet: 10.0.2.0/24}]}\n",
     "t:5: name: n is also the network's name at line 3; leases are stored under "
     "it, give each its own"},
    {IN_NETWORK "  server-identifier: 0.0.0.0\n" SUBNETS,
     "t:4: server-identifier: \"0.0.0.0\" is not the address of a host; give an "
     "address of this server's, or an anycast one, such as 10.6.0.1"},
    {IN_NETWORK "  server-identifier: me\n" SUBNETS,
     "t:4: server-identifier: \"me\" is not the address of a host; give an address "
     "of this server's, or an anycast one, such as 10.6.0.1"},
    {IN_NETWORK "  subnet: 1\n" SUBNETS,
     "t:4: subnet: unknown in a network; did you mean subnets? allowed here: name, "
     "server-identifier, links, subnets, " TIME_KEYS ", " SCOPE_KEYS},
    {IN_NETWORK "  pools: []\n" SUBNETS,
     "t:4: pools: unknown in a network; allowed here: name, server-identifier, links, "
     "subnets, " TIME_KEYS ", " SCOPE_KEYS},
    {IN_NETWORK "  links: [eth2]\n" SUBNETS,
     "t:4: links: \"eth2\" is on no interface of this server; give interface, interface.vlan "
     "or interface.vlan.inner with one of server.interfaces"},
    {IN_NETWORK "  links: [eth1.100]\n" SUBNETS,
     "t:4: links: VLAN 100 is not served on eth1; add it to that interface's vlan"},
    {IN_NETWORK "  links: [eth1.4095]\n" SUBNETS,
     "t:4: links: \"eth1.4095\" is on no interface of this server; give interface, "
     "interface.vlan or interface.vlan.inner with one of server.interfaces"},
    {IN_NETWORK "  links: [eth1.1.2.3]\n" SUBNETS,
     "t:4: links: \"eth1.1.2.3\" is on no interface of this server; give interface, "
     "interface.vlan or interface.vlan.inner with one of server.interfaces"},
    {IN_NETWORK "  links: [{vlan: 1}]\n" SUBNETS,
     "t:4: interface: missing in a link; name one of server.interfaces"},
    {IN_NETWORK "  links: [{interface: eth2}]\n" SUBNETS,
     "t:4: links: eth2 is not in server.interfaces; add it there or name one that "
     "is"},
    {IN_NETWORK "  links: [{interface: eth1, vlan: 5}]\n" SUBNETS,
     "t:4: links: VLAN 5 is not served on eth1; add it to that interface's vlan"},
    {IN_NETWORK "  links: [{interface: eth1, inner-vlan: 5}]\n" SUBNETS,
     "t:4: links: inner-vlan 5 stands without vlan; give the outer tag too"},
    {IN_NETWORK "  links: [{interface: eth1, vlan: 4095}]\n" SUBNETS,
     "t:4: vlan: \"4095\" is out of range; give 0 to 4094"},
    {IN_NETWORK "  links: [{interface: eth1, inner-vlan: 0}]\n" SUBNETS,
     "t:4: inner-vlan: \"0\" is out of range; give 1 to 4094"},
    {IN_NETWORK "  links: [~]\n" SUBNETS,
     "t:4: interface: missing in a link; name one of server.interfaces"},
    {IN_NETWORK "  links: [eth1, {interface: eth1, vlan: 0}]\n" SUBNETS,
     "t:4: links: the link is already given at line 4; it belongs to one network, "
     "remove one"},
    {SERVER "networks:\n- {name: n, links: [eth1], subnets: [{subnet: 10.0.0.0/24}]}\n- "
	    "{name: m, links: [eth1], subnets: [{subnet: 10.0.1.0/24}]}\n",
     "t:4: links: the link is already given at line 3; it belongs to one network, "
     "remove one"},
};

static const struct error_case subnet_cases[] = {
    {IN_NETWORK "  subnets:\n  - {subnet: 10.0.0.0}\n",
     "t:5: subnet: \"10.0.0.0\" is not a prefix; give address/prefix, such as 10.6.0.0/16"},
    {IN_NETWORK "  subnets:\n  - {subnet: 10.0.0.0/33}\n",
     "t:5: subnet: \"10.0.0.0/33\" is not a prefix; give address/prefix, such as "
     "10.6.0.0/16"},
    {IN_NETWORK "  subnets:\n  - {subnet: 10.0.0.0/}\n",
     "t:5: subnet: \"10.0.0.0/\" is not a prefix; give address/prefix, such as 10.6.0.0/16"},
    {IN_NETWORK "  subnets:\n  - {subnet: 10.0.0/24}\n",
     "t:5: subnet: \"10.0.0/24\" is not a prefix; give address/prefix, such as 10.6.0.0/16"},
    {IN_NETWORK "  subnets:\n  - {subnet: 10.0.0.0/7}\n",
     "t:5: subnet: 10.0.0.0/7 is wider than /8; give a longer prefix"},
    {IN_NETWORK "  subnets:\n  - {subnet: 10.0.0.1/24}\n",
     "t:5: subnet: 10.0.0.1/24 has bits set behind its prefix; give 10.0.0.0/24"},
    {IN_NETWORK "  subnets:\n  - {subnet: 127.0.0.0/8}\n",
     "t:5: subnet: 127.0.0.0/8 holds no addresses for hosts; give address/prefix, "
     "such as 10.6.0.0/16"},
    {IN_NETWORK "  subnets:\n  - {subnet: 224.0.0.0/8}\n",
     "t:5: subnet: 224.0.0.0/8 holds no addresses for hosts; give address/prefix, "
     "such as 10.6.0.0/16"},
    {IN_NETWORK "  subnets:\n  - {subnet: 0.0.0.0/8}\n",
     "t:5: subnet: 0.0.0.0/8 holds no addresses for hosts; give address/prefix, "
     "such as 10.6.0.0/16"},
    {IN_NETWORK "  subnets:\n  - {subnet: [10.0.0.0/24]}\n",
     "t:5: subnet: is a list; give address/prefix, such as 10.6.0.0/16"},
    {IN_NETWORK "  subnets:\n  - {subnet: ~}\n",
     "t:5: subnet: has no value; give address/prefix, such as 10.6.0.0/16"},
    {SERVER "networks: [{name: n, subnets: [{pools: []}]}]\n",
     "t:2: subnet: missing in a subnet; give address/prefix, such as 10.6.0.0/16"},
    {IN_NETWORK "  subnets:\n  - {subnet: 10.0.0.0/24}\n  - {subnet: 10.0.0.0/24}\n",
     "t:6: subnet: 10.0.0.0/24 overlaps 10.0.0.0/24 at line 5; an address belongs "
     "to one subnet, shorten or remove one"},
    {IN_NETWORK "  subnets:\n  - {subnet: 10.0.1.0/24}\n  - {subnet: 10.0.0.0/16}\n",
     "t:6: subnet: 10.0.0.0/16 overlaps 10.0.1.0/24 at line 5; an address belongs "
     "to one subnet, shorten or remove one"},
    {IN_NETWORK "  subnets:\n  - {subnet: 10.0.0.0/16}\n  - {subnet: 10.1.0.0/16}\n  - {subnet: "
		"10.0.255.255/32}\n",
     "t:7: subnet: 10.0.255.255/32 overlaps 10.0.0.0/16 at line 5; an address belongs "
     "to one subnet, shorten or remove one"},
    {SERVER "networks:\n- {name: n, subnets: [{subnet: 10.0.0.0/24}]}\n- {name: m, subnets: "
	    "[{subnet: 10.0.0.128/25}]}\n",
     "t:4: subnet: 10.0.0.128/25 overlaps 10.0.0.0/24 at line 3; an address belongs "
     "to one subnet, shorten or remove one"},
    {IN_SUBNET "    pool: []\n",
     "t:6: pool: unknown in a subnet; did you mean pools? allowed here: subnet, "
     "pools, reservations, " SCOPE_KEYS},
    {IN_SUBNET "    pools: [10.0.0.1-10.0.0]\n",
     "t:6: pools: \"10.0.0.1-10.0.0\" is not a range of addresses; give first-last, "
     "address/prefix or one address"},
    {IN_SUBNET "    pools: [10.0.0.9-10.0.0.1]\n",
     "t:6: pools: 10.0.0.9-10.0.0.1 ends before it begins; swap the two"},
    {IN_SUBNET "    pools: [10.0.0.1/30]\n",
     "t:6: pools: 10.0.0.1/30 has bits set behind its prefix; give 10.0.0.0/30"},
    {IN_SUBNET "    pools: [x]\n",
     "t:6: pools: \"x\" is not a range of addresses; give first-last, address/prefix "
     "or one address"},
    {IN_SUBNET "    pools: [[10.0.0.1]]\n",
     "t:6: pools: is a list; give first-last, address/prefix or one address"},
    {IN_SUBNET "    pools: [{range: x}]\n",
     "t:6: pools: \"x\" is not a range of addresses; give first-last, address/prefix "
     "or one address"},
    {IN_SUBNET "    pools: [{}]\n",
     "t:6: range: missing in a pool; give first-last, address/prefix or one address"},
    {IN_SUBNET "    pools: [{rang: x}]\n",
     "t:6: rang: unknown in a pool; did you mean range? allowed here: range"},
    {IN_SUBNET "    pools: [~]\n",
     "t:6: pools: has no value; give first-last, address/prefix or one address"},
    {IN_SUBNET "    pools: [10.0.1.1-10.0.1.9]\n",
     "t:6: pools: 10.0.1.1-10.0.1.9 is outside its subnet; give at most 10.0.0.1-10.0.0.254"},
    {IN_SUBNET "    pools: [10.0.0.250-10.0.1.9]\n",
     "t:6: pools: 10.0.0.250-10.0.1.9 is outside its subnet; give at most 10.0.0.1-10.0.0.254"},
    {IN_SUBNET "    pools: [10.0.0.0-10.0.0.9]\n",
     "t:6: pools: 10.0.0.0-10.0.0.9 holds the subnet's network address; give at "
     "most 10.0.0.1-10.0.0.254"},
    {IN_SUBNET "    pools: [10.0.0.9-10.0.0.255]\n",
     "t:6: pools: 10.0.0.9-10.0.0.255 holds the subnet's broadcast address; give "
     "at most 10.0.0.1-10.0.0.254"},
    {IN_SUBNET "    pools: [10.0.0.0/24]\n",
     "t:6: pools: 10.0.0.0-10.0.0.255 holds the subnet's network address; give at "
     "most 10.0.0.1-10.0.0.254"},
    {IN_SUBNET
     "    pools:\n    - 10.0.0.1-10.0.0.9\n    - 10.0.0.20-10.0.0.30\n    - 10.0.0.9-10.0.0.12\n",
     "t:9: pools: 10.0.0.9-10.0.0.12 overlaps 10.0.0.1-10.0.0.9 at line 7; join "
     "them or move one"},
    {IN_SUBNET "    pools:\n    - 10.0.0.20\n    - 10.0.0.16/29\n",
     "t:8: pools: 10.0.0.16-10.0.0.23 overlaps 10.0.0.20 at line 7; join them or "
     "move one"},
    {SERVER "networks: [{name: n, subnets: [{subnet: 10.0.0.0/31, pools: [10.0.0.0-10.0.0.2]}]}]\n",
     "t:2: pools: 10.0.0.0-10.0.0.2 is outside its subnet; give at most 10.0.0.0-10.0.0.1"},
};

static void test_times(void **state)
{
	expect_errors(times_cases, ARRAY_SIZE(times_cases));
}

static void test_network(void **state)
{
	expect_errors(network_cases, ARRAY_SIZE(network_cases));
}

static void test_subnet(void **state)
{
	expect_errors(subnet_cases, ARRAY_SIZE(subnet_cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_times),
	    cmocka_unit_test(test_network),
	    cmocka_unit_test(test_subnet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
