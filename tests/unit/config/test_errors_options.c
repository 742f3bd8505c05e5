/* SPDX-License-Identifier: MIT */
/** What is refused in reservations and options. */
#include "errors.h"

#include <stdio.h>
#include <stdlib.h>

#include "dhcp/option_table.h"

static const struct error_case reservation_cases[] = {
    {IN_SUBNET "    reservations:\n    - {}\n",
     "t:7: address: missing in a reservation; give one such as 10.6.0.1"},
    {IN_SUBNET "    reservations:\n    - {address: 10.0.0.1}\n",
     "t:7: reservations: no client is named; give exactly one of mac and client-id"},
    {IN_SUBNET "    reservations:\n    - {mac: \"02:00:00:00:00:01\"}\n",
     "t:7: address: missing in a reservation; give one such as 10.6.0.1"},
    {IN_SUBNET "    reservations:\n    - {mac: \"02:00:00:00:00:01\", client-id: \"01:02\", "
	       "address: 10.0.0.1}\n",
     "t:7: reservations: one client is named in two ways; give exactly one of mac "
     "and client-id"},
    {IN_SUBNET "    reservations:\n    - {mac: \"02:00:00:00:00\", address: 10.0.0.1}\n",
     "t:7: mac: \"02:00:00:00:00\" is not six bytes; give one such as \"08:9e:08:b5:af:01\""},
    {IN_SUBNET "    reservations:\n    - {mac: \"02:00:00:00:00:01:02\", address: 10.0.0.1}\n",
     "t:7: mac: \"02:00:00:00:00:01:02\" is not six bytes; give one such as \"08:9e:08:b5:af:01\""},
    {IN_SUBNET "    reservations:\n    - {mac: \"02:00:00:00:00:0g\", address: 10.0.0.1}\n",
     "t:7: mac: \"02:00:00:00:00:0g\" is not six bytes; give one such as \"08:9e:08:b5:af:01\""},
    {IN_SUBNET "    reservations:\n    - {mac: \"01:00:5e:00:00:01\", address: 10.0.0.1}\n",
     "t:7: mac: 01:00:5e:00:00:01 is a group address, which no client sends from; "
     "give one such as \"08:9e:08:b5:af:01\""},
    {IN_SUBNET "    reservations:\n    - {mac: [1], address: 10.0.0.1}\n",
     "t:7: mac: is a list; give one such as \"08:9e:08:b5:af:01\""},
    {IN_SUBNET "    reservations:\n    - {client-id: \"01\", address: 10.0.0.1}\n",
     "t:7: client-id: \"01\" is not 2 to 255 bytes long; give option 61 as bytes, "
     "such as \"01:08:9e:08:b5:af:01\", or \"text:name\""},
    {IN_SUBNET "    reservations:\n    - {client-id: \"zz\", address: 10.0.0.1}\n",
     "t:7: client-id: \"zz\": not hexadecimal digits, two for each byte; give option "
     "61 as bytes, such as \"01:08:9e:08:b5:af:01\", or \"text:name\""},
    {IN_SUBNET "    reservations:\n    - {client-id: \"text:x\", address: 10.0.0.1}\n",
     "t:7: client-id: \"text:x\" is not 2 to 255 bytes long; give option 61 as bytes, "
     "such as \"01:08:9e:08:b5:af:01\", or \"text:name\""},
    {IN_SUBNET
     "    reservations:\n    - {client-id: "
     "\"text:"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\", "
     "address: 10.0.0.1}\n",
     "t:7: client-id: \"text:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\" "
     "is not 2 to 255 bytes long; give option 61 as bytes, such as \"01:08:9e:08:b5:af:01\", "
     "or \"text:name\""},
    {IN_SUBNET "    reservations:\n    - {mac: \"02:00:00:00:00:01\", address: 10.0.1.1}\n",
     "t:7: address: 10.0.1.1 is outside its subnet; give one of 10.0.0.1-10.0.0.254"},
    {IN_SUBNET "    reservations:\n    - {mac: \"02:00:00:00:00:01\", address: 10.0.0.0}\n",
     "t:7: address: 10.0.0.0 is the network address of its subnet; give one of "
     "10.0.0.1-10.0.0.254"},
    {IN_SUBNET "    reservations:\n    - {mac: \"02:00:00:00:00:01\", address: 10.0.0.255}\n",
     "t:7: address: 10.0.0.255 is the broadcast address of its subnet; give one "
     "of 10.0.0.1-10.0.0.254"},
    {IN_SUBNET "    reservations:\n    - {mac: \"02:00:00:00:00:01\", address: x}\n",
     "t:7: address: \"x\" is not an IPv4 address; give one such as 10.6.0.1"},
    {IN_SUBNET "    reservations:\n    - {mac: \"02:00:00:00:00:01\", adress: 10.0.0.1}\n",
     "t:7: adress: unknown in a reservation; did you mean address? allowed here: "
     "mac, client-id, address, " SCOPE_KEYS},
    {IN_SUBNET
     "    reservations:\n    - {mac: \"02:00:00:00:00:01\", address: 10.0.0.1, lease-time: "
     "1h}\n",
     "t:7: lease-time: unknown in a reservation; allowed here: mac, client-id, "
     "address, " SCOPE_KEYS},
    {IN_SUBNET "    reservations:\n    - {mac: \"02:00:00:00:00:01\", address: 10.0.0.1}\n"
	       "    - {mac: \"02:00:00:00:00:02\", address: 10.0.0.1}\n",
     "t:8: address: 10.0.0.1 is already reserved at line 7; give another"},
    {IN_SUBNET "    reservations:\n    - {mac: \"02:00:00:00:00:01\", address: 10.0.0.2}\n"
	       "    - {mac: \"02:00:00:00:00:01\", address: 10.0.0.1}\n",
     "t:8: reservations: mac:02:00:00:00:00:01 has a reservation at line 7 already; "
     "a client has one address in a network, remove one"},
    {IN_SUBNET "    reservations:\n    - {client-id: \"text:ab\", address: 10.0.0.2}\n    "
	       "- {client-id: \"61:62\", address: 10.0.0.1}\n",
     "t:8: reservations: id:6162 has a reservation at line 7 already; a client has "
     "one address in a network, remove one"},
    {IN_NETWORK
     "  subnets:\n  - {subnet: 10.0.0.0/24, reservations: [{mac: \"02:00:00:00:00:01\", "
     "address: 10.0.0.1}]}\n  - {subnet: 10.0.1.0/24, reservations: [{mac: \"02:00:00:00:00:01\", "
     "address: 10.0.1.1}]}\n",
     "t:6: reservations: mac:02:00:00:00:00:01 has a reservation at line 5 already; "
     "a client has one address in a network, remove one"},
};

static const struct error_case options_cases[] = {
    {VALID "options: [x]\n", "t:3: options: is not a mapping; give \"name: value\" pairs"},
    {VALID "options: text\n", "t:3: options: is not a mapping; give \"name: value\" pairs"},
    {VALID "options:\n  domain-name-server: 10.0.0.1\n",
     "t:4: domain-name-server: no such option; did you mean domain-name-servers? "
     "give a name known to etcdhcp.yaml(5), or a code from 1 to 254 with its bytes "
     "in hexadecimal"},
    {VALID "options:\n  nonsense: 1\n",
     "t:4: nonsense: no such option; give a name known to etcdhcp.yaml(5), or a "
     "code from 1 to 254 with its bytes in hexadecimal"},
    {VALID "options:\n  300: aa\n",
     "t:4: 300: no such option; give a name known to etcdhcp.yaml(5), or a code "
     "from 1 to 254 with its bytes in hexadecimal"},
    {VALID "options:\n  0: aa\n",
     "t:4: 0: no such option; give a name known to etcdhcp.yaml(5), or a code from "
     "1 to 254 with its bytes in hexadecimal"},
    {VALID "options:\n  255: aa\n",
     "t:4: 255: no such option; give a name known to etcdhcp.yaml(5), or a code "
     "from 1 to 254 with its bytes in hexadecimal"},
    {VALID "options:\n  dhcp-lease-time: 5\n",
     "t:4: dhcp-lease-time: the server alone decides on option 51; remove it"},
    {VALID "options:\n  82: aa\n", "t:4: 82: the server alone decides on option 82; remove it"},
    {VALID "options:\n  routers: 10.0.0.1\n  routers: 10.0.0.2\n",
     "t:5: routers: option 3 given twice, first at line 4; remove one"},
    {VALID "options:\n  routers: 10.0.0.1\n  3: 10.0.0.2\n",
     "t:5: 3: option 3 given twice, first at line 4; remove one"},
    {VALID "options:\n  routers: 10.0.0.300\n",
     "t:4: routers: \"10.0.0.300\": not an IPv4 address; give IPv4 addresses"},
    {VALID "options:\n  routers: []\n",
     "t:4: routers: has 0 values; give 1 to 1024, or ~ to remove the option"},
    {VALID "options:\n  routers: [~]\n",
     "t:4: routers: has no value; give single values or one flat list"},
    {VALID "options:\n  routers: [[10.0.0.1]]\n",
     "t:4: routers: is a list; give single values or one flat list"},
    {VALID "options:\n  domain-name-servers:\n  - 10.0.0.1\n  - 10.0.0.300\n",
     "t:6: domain-name-servers: \"10.0.0.300\": not an IPv4 address; give IPv4 addresses"},
    {VALID "options:\n  interface-mtu: 67\n",
     "t:4: interface-mtu: \"67\": the number is smaller than the option allows; "
     "give a number up to 65535"},
    {VALID "options:\n  interface-mtu: 70000\n",
     "t:4: interface-mtu: \"70000\": not a whole number in the option's range; give "
     "a number up to 65535"},
    {VALID "options:\n  interface-mtu: [1500, 1501]\n",
     "t:4: interface-mtu: the option takes one value only; give a number up to 65535"},
    {VALID "options:\n  ip-forwarding: maybe\n",
     "t:4: ip-forwarding: \"maybe\": neither true nor false; give true or false"},
    {VALID "options:\n  domain-name: \"\"\n",
     "t:4: domain-name: \"\": the text is empty; give ASCII text"},
    {VALID "options:\n  224: xyz\n",
     "t:4: 224: \"xyz\": not hexadecimal digits, two for each byte; give hexadecimal "
     "bytes, such as 0a:0b:0c"},
    {VALID "options:\n  routers: {value: 10.0.0.1, alway: true}\n",
     "t:4: alway: unknown in an option; did you mean always? allowed here: value, "
     "always"},
    {VALID "options:\n  routers: {always: true}\n",
     "t:4: value: missing in an option; give one value, a list, or ~ to remove the "
     "option"},
    {VALID "options:\n  routers: {value: 10.0.0.1, always: sometimes}\n",
     "t:4: always: \"sometimes\" is not a truth value; give true or false"},
    {VALID "options:\n  routers: {value: {value: 10.0.0.1}}\n",
     "t:4: routers: is a mapping; give single values or one flat list"},
    {VALID "options:\n  host-name: [a, b]\n",
     "t:4: host-name: the option takes one value only; give ASCII text"},
    {VALID "options:\n  classless-static-routes: [\"10.0.0.0/8 via x\"]\n",
     "t:4: classless-static-routes: \"10.0.0.0/8 via x\": the router is no IPv4 "
     "address; give routes, each \"10.0.0.0/8 via 10.6.0.1\""},
    {VALID "next-server: host\n",
     "t:3: next-server: \"host\" is not an IPv4 address; give one such as 10.6.0.1"},
    {VALID "boot-file: \"\"\n",
     "t:3: boot-file: \"\" is not text of a fitting length; give 1 to 127 bytes "
     "of text"},
    {VALID "boot-file: "
	   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
     "t:3: boot-file: \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\" "
     "is not text of a fitting length; give 1 to 127 bytes of text"},
    {VALID "server-name: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
     "t:3: server-name: \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\" "
     "is not text of a fitting length; give 1 to 63 bytes of text"},
};

static void test_reservation(void **state)
{
	expect_errors(reservation_cases, ARRAY_SIZE(reservation_cases));
}

static void test_options(void **state)
{
	expect_errors(options_cases, ARRAY_SIZE(options_cases));
}

/* @p head, @p n times @p item and @p tail behind a valid file; free(3) it. */
static char *long_file(const char *head, const char *item, size_t n, const char *tail)
{
	const size_t cap = strlen(VALID) + strlen(head) + n * strlen(item) + strlen(tail) + 1;
	char *text = malloc(cap);

	assert_non_null(text);
	size_t len = snprintf(text, cap, "%s%s", VALID, head);
	for (size_t i = 0; i < n; i++)
		len += snprintf(text + len, cap - len, "%s", item);
	snprintf(text + len, cap - len, "%s", tail);
	return text;
}

static void test_too_long(void **state)
{
	static const struct long_case {
		const char *head, *item;
		size_t n;
		const char *tail, *error;
	} cases[] = {
	    {"options: {domain-name: ", "x", 4097, "}\n",
	     "t:3: domain-name: longer than 4096 bytes; shorten it"},
	    {"options: {routers: [", "10.0.0.1,", 1025, "]}\n",
	     "t:3: routers: has 1025 values; give 1 to 1024, or ~ to remove the option"},
	    {"boot-file: ", "x", 128, "\n",
	     "t:3: boot-file: "
	     "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\" is not text "
	     "of a fitting length; give 1 to 127 bytes of text"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = long_file(cases[i].head, cases[i].item, cases[i].n, cases[i].tail);

		expect_error(text, cases[i].error);
		free(text);
	}
}

/* Every option that takes text or bytes, each as long as may be: no set holds them all. */
static void test_too_many(void **state)
{
	static char text[4 << 20], value[8193];
	struct config_error error = {{0}};
	size_t len = snprintf(text, sizeof(text), VALID "options:\n");

	memset(value, 'a', sizeof(value) - 1);
	for (unsigned code = 1; code < 255; code++) {
		char number[4];

		snprintf(number, sizeof(number), "%u", code);
		const enum option_type type = option_find(number)->type;
		if (type == OPTION_TEXT || type == OPTION_HEX)
			len += snprintf(text + len, sizeof(text) - len, "  %u: %.*s\n", code,
					type == OPTION_TEXT ? 4096 : 8192, value);
	}
	assert_null(parse(text, &error));
	assert_non_null(strstr(error.text, ": too much with all other options of this place; "
					   "shorten them"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reservation),
	    cmocka_unit_test(test_options),
	    cmocka_unit_test(test_too_long),
	    cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
