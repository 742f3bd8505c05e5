/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdio.h>

#include "dhcp/option_table.h"

static void every_code_has_its_row(void **state)
{
	for (unsigned code = 0; code < 256; code++) {
		const struct option_def *def = option_by_code((uint8_t)code);
		char number[4];
		assert_int_equal(def->code, code);
		assert_non_null(def->name);
		assert_true(def->type < OPTION_TYPE_COUNT);
		assert_ptr_equal(option_find(def->name), def);
		snprintf(number, sizeof(number), "%u", code);
		assert_ptr_equal(option_find(number), def);
	}
}

static void names_are_unique(void **state)
{
	for (unsigned i = 0; i < 256; i++)
		for (unsigned j = i + 1; j < 256; j++)
			assert_string_not_equal(option_by_code((uint8_t)i)->name,
						option_by_code((uint8_t)j)->name);
}

static void unknown_names(void **state)
{
	static const char *const names[] = {"",
					    "router",
					    "Routers",
					    "routers ",
					    "256",
					    "1000",
					    "-1",
					    "+6",
					    "006",
					    "6 ",
					    " 6",
					    "0x06",
					    "99999999999999999999"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (option_find(names[i]))
			fail_msg("\"%s\" was found", names[i]);
}

static void names_that_users_know(void **state)
{
	static const struct {
		const char *name;
		uint8_t code;
	} known[] = {
	    {"subnet-mask", 1},           {"routers", 3},
	    {"domain-name-servers", 6},   {"host-name", 12},
	    {"domain-name", 15},          {"interface-mtu", 26},
	    {"broadcast-address", 28},    {"static-routes", 33},
	    {"ntp-servers", 42},          {"vendor-encapsulated-options", 43},
	    {"netbios-name-servers", 44}, {"vendor-class-identifier", 60},
	    {"tftp-server-name", 66},     {"bootfile-name", 67},
	    {"v6-only-preferred", 108},   {"captive-portal", 114},
	    {"domain-search", 119},       {"classless-static-routes", 121},
	    {"vivso-suboptions", 125},    {"capwap-ac-v4", 138},
	    {"tftp-server-address", 150},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		assert_non_null(option_find(known[i].name));
		assert_int_equal(option_find(known[i].name)->code, known[i].code);
	}
	assert_int_equal(option_find("224")->type, OPTION_HEX);
	assert_string_equal(option_find("224")->name, "224");
}

static void reserved_to_the_server(void **state)
{
	static const uint8_t codes[] = {0,  50, 51, 52, 53, 54, 55, 56,  57,
					58, 59, 61, 80, 81, 82, 90, 118, 255};

	for (size_t i = 0; i < sizeof(codes); i++)
		assert_int_equal(option_by_code(codes[i])->type, OPTION_RESERVED);
	assert_int_not_equal(option_by_code(1)->type, OPTION_RESERVED);
}

/* Names of options and their values, separated by '|', in wire form. */
static const struct {
	const char *option, *values;
	struct span wire;
} good[] = {
    {"subnet-mask", "255.255.0.0", {BYTES("\xff\xff\x00\x00")}},
    {"routers", "10.6.0.1", {BYTES("\x0a\x06\x00\x01")}},
    {"routers", "10.6.0.1|10.6.0.2", {BYTES("\x0a\x06\x00\x01\x0a\x06\x00\x02")}},
    {"time-offset", "-3600", {BYTES("\xff\xff\xf1\xf0")}},
    {"time-offset", "-2147483648", {BYTES("\x80\x00\x00\x00")}},
    {"time-offset", "2147483647", {BYTES("\x7f\xff\xff\xff")}},
    {"default-ip-ttl", "255", {BYTES("\xff")}},
    {"interface-mtu", "1500", {BYTES("\x05\xdc")}},
    {"interface-mtu", "68", {BYTES("\x00\x44")}},
    {"path-mtu-plateau-table", "68|1500", {BYTES("\x00\x44\x05\xdc")}},
    {"v6-only-preferred", "4294967295", {BYTES("\xff\xff\xff\xff")}},
    {"ip-forwarding", "true", {BYTES("\x01")}},
    {"ip-forwarding", "No", {BYTES("\x00")}},
    {"ip-forwarding", "on", {BYTES("\x01")}},
    {"ip-forwarding", "off", {BYTES("\x00")}},
    {"ip-forwarding", "yes", {BYTES("\x01")}},
    {"ip-forwarding", "false", {BYTES("\x00")}},
    {"domain-name", "example.net", {BYTES("example.net")}},
    {"domain-name", "a b~", {BYTES("a b~")}},
    {"captive-portal", "https://portal.example/api", {BYTES("https://portal.example/api")}},
    {"vendor-encapsulated-options", "01:02:fF", {BYTES("\x01\x02\xff")}},
    {"vendor-encapsulated-options", "0102fF", {BYTES("\x01\x02\xff")}},
    {"vendor-encapsulated-options", "0x0102FF", {BYTES("\x01\x02\xff")}},
    {"224", "0a", {BYTES("\x0a")}},
    {"policy-filter", "10.0.0.0 255.0.0.0", {BYTES("\x0a\x00\x00\x00\xff\x00\x00\x00")}},
    {"policy-filter", "10.0.0.0/255.0.0.0", {BYTES("\x0a\x00\x00\x00\xff\x00\x00\x00")}},
    {"policy-filter", "10.0.0.0/8", {BYTES("\x0a\x00\x00\x00\xff\x00\x00\x00")}},
    {"policy-filter", "0.0.0.0/0", {BYTES("\x00\x00\x00\x00\x00\x00\x00\x00")}},
    {"static-routes",
     "10.1.1.1 10.6.0.1|10.2.2.2\t10.6.0.2",
     {BYTES("\x0a\x01\x01\x01\x0a\x06\x00\x01\x0a\x02\x02\x02\x0a\x06\x00\x02")}},
    {"domain-search", "north.net", {BYTES("\x05north\x03net\x00")}},
    {"domain-search", "north.net.", {BYTES("\x05north\x03net\x00")}},
    /* as in RFC 3397 section 2 */
    {"domain-search",
     "north.sky.net|rain.sky.net",
     {BYTES("\x05north\x03sky\x03net\x00\x04rain\xc0\x06")}},
    {"domain-search", "p.q|P.Q|q|x.p.q", {BYTES("\x01p\x01q\x00\xc0\x00\xc0\x02\x01x\xc0\x00")}},
    /* a pointer to what a pointer ends */
    {"domain-search", "q.r|p.q.r|x.p.q.r", {BYTES("\x01q\x01r\x00\x01p\xc0\x00\x01x\xc0\x05")}},
    /* the end of a label is no name */
    {"domain-search", "pq.r|q.r|p_q.-r", {BYTES("\x02pq\x01r\x00\x01q\xc0\x03\x03p_q\x02-r\x00")}},
    {"bcms-controller-names", "p.q|p.q", {BYTES("\x01p\x01q\x00\x01p\x01q\x00")}},
    /* RFC 3442 */
    {"classless-static-routes", "0.0.0.0/0 via 10.6.0.1", {BYTES("\x00\x0a\x06\x00\x01")}},
    {"classless-static-routes", "10.0.0.0/8 10.6.0.1", {BYTES("\x08\x0a\x0a\x06\x00\x01")}},
    {"classless-static-routes",
     "10.0.0.0/24 via 10.6.0.1",
     {BYTES("\x18\x0a\x00\x00\x0a\x06\x00\x01")}},
    {"classless-static-routes",
     "10.17.0.0/16 via 10.6.0.1|10.27.129.0/24  via  0.0.0.0 ",
     {BYTES("\x10\x0a\x11\x0a\x06\x00\x01\x18\x0a\x1b\x81\x00\x00\x00\x00")}},
    {"classless-static-routes",
     "10.229.0.128/25 via 10.6.0.1",
     {BYTES("\x19\x0a\xe5\x00\x80\x0a\x06\x00\x01")}},
    {"classless-static-routes",
     "10.198.122.47/32 via 10.6.0.1",
     {BYTES("\x20\x0a\xc6\x7a\x2f\x0a\x06\x00\x01")}},
    {"vivso-suboptions", "4491 01:02:03", {BYTES("\x00\x00\x11\x8b\x03\x01\x02\x03")}},
    {"vivso-suboptions",
     "4491 0x01|4294967295 0203",
     {BYTES("\x00\x00\x11\x8b\x01\x01\xff\xff\xff\xff\x02\x02\x03")}},
};

static size_t split(char *copy, const char **values, size_t max)
{
	size_t n = 0;

	for (char *value = strtok(copy, "|"); value && n < max; value = strtok(NULL, "|"))
		values[n++] = value;
	return n;
}

static void encodes(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		char copy[256];
		const char *values[8], *why = "";
		uint8_t out[256];
		snprintf(copy, sizeof(copy), "%s", good[i].values);
		size_t n = split(copy, values, 8);
		int len =
		    option_encode(option_find(good[i].option), values, n, out, sizeof(out), &why);
		if (len != (int)good[i].wire.len || memcmp(out, good[i].wire.data, len) != 0)
			fail_msg("%s %s: %d %s", good[i].option, good[i].values, len, why);
	}
}

static void room_to_the_byte(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		char copy[256];
		const char *values[8], *why = "";
		snprintf(copy, sizeof(copy), "%s", good[i].values);
		size_t n = split(copy, values, 8);
		for (size_t cap = 0; cap <= good[i].wire.len; cap++) {
			uint8_t *room = guard_copy(good[i].wire.data, cap);
			int len =
			    option_encode(option_find(good[i].option), values, n, room, cap, &why);
			assert_int_equal(len,
					 cap < good[i].wire.len ? -ENOSPC : (int)good[i].wire.len);
			guard_free(room, cap);
		}
	}
}

static const struct {
	const char *option, *value;
} bad[] = {
    {"subnet-mask", ""},
    {"subnet-mask", "255.255"},
    {"subnet-mask", "255.255.255.256"},
    {"subnet-mask", "255.255.255.0 "},
    {"subnet-mask", "0xffffff00"},
    {"routers", "10.6.0.1,10.6.0.2"},
    {"routers", "10.6.0.1 10.6.0.2"},
    {"routers", "router.example.net"},
    {"routers", "::1"},
    {"time-offset", "2147483648"},
    {"time-offset", "-2147483649"},
    {"time-offset", "--1"},
    {"time-offset", "-"},
    {"default-ip-ttl", "256"},
    {"default-ip-ttl", "0"},
    {"default-ip-ttl", "1.5"},
    {"default-ip-ttl", "0x10"},
    {"default-ip-ttl", "+1"},
    {"default-ip-ttl", ""},
    {"interface-mtu", "67"},
    {"interface-mtu", "65536"},
    {"interface-mtu", "-1"},
    {"max-dgram-reassembly", "575"},
    {"path-mtu-plateau-table", "67"},
    {"v6-only-preferred", "4294967296"},
    {"v6-only-preferred", "18446744073709551616"},
    {"v6-only-preferred", "99999999999999999999999999"},
    {"ip-forwarding", "1"},
    {"ip-forwarding", ""},
    {"ip-forwarding", "truee"},
    {"domain-name", ""},
    {"domain-name", "a\tb"},
    {"domain-name", "caf\xc3\xa9"},
    {"domain-name", "a\x7f"},
    {"vendor-encapsulated-options", ""},
    {"vendor-encapsulated-options", "0x"},
    {"vendor-encapsulated-options", "1"},
    {"vendor-encapsulated-options", "01:2"},
    {"vendor-encapsulated-options", "1:2"},
    {"vendor-encapsulated-options", "01:"},
    {"vendor-encapsulated-options", ":01"},
    {"vendor-encapsulated-options", "01::02"},
    {"vendor-encapsulated-options", "01:0203"},
    {"vendor-encapsulated-options", "0102:03"},
    {"vendor-encapsulated-options", "0x01:02"},
    {"vendor-encapsulated-options", "01 02"},
    {"vendor-encapsulated-options", "0g"},
    {"224", "text"},
    {"policy-filter", "10.0.0.0"},
    {"policy-filter", "10.0.0.0/33"},
    {"policy-filter", "10.0.0.0/"},
    {"policy-filter", "10.0.0.0/8 255.0.0.0"},
    {"policy-filter", "10.0.0.0 255.0.0.0 1.2.3.4"},
    {"policy-filter", "/8"},
    {"static-routes", "10.0.0.1 x"},
    {"static-routes", "x 10.0.0.1"},
    {"static-routes", ""},
    {"domain-search", ""},
    {"domain-search", "."},
    {"domain-search", ".example.net"},
    {"domain-search", "example..net"},
    {"domain-search", "example.net.."},
    {"domain-search", "exam ple.net"},
    {"domain-search", "caf\xc3\xa9.example"},
    {"domain-search", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.net"},
    {"classless-static-routes", "10.0.0.0"},
    {"classless-static-routes", "10.0.0.0/8"},
    {"classless-static-routes", "10.0.0.0/8 via"},
    {"classless-static-routes", "10.0.0.0 via 10.6.0.1"},
    {"classless-static-routes", "10.0.0.0/33 via 10.6.0.1"},
    {"classless-static-routes", "10.0.0.1/8 via 10.6.0.1"},
    {"classless-static-routes", "10.0.0.0/8 via 10.6.0.1 dev"},
    {"classless-static-routes", "10.0.0/8 via 10.6.0.1"},
    {"classless-static-routes", "10.0.0.0/8 via router"},
    {"classless-static-routes", "default via 10.6.0.1"},
    {"classless-static-routes",
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx via 10.6.0.1"},
    {"vivso-suboptions", "4491"},
    {"vivso-suboptions", "0102"},
    {"vivso-suboptions", "4294967296 01"},
    {"vivso-suboptions", "x 01"},
    {"vivso-suboptions", "4491 1"},
    {"dhcp-lease-time", "3600"},
    {"dhcp-agent-options", "01"},
    {"0", "01"},
    {"255", "01"},
};

static void refuses_with_a_reason(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const char *why = NULL;
		uint8_t out[256];
		int len = option_encode(option_find(bad[i].option), &bad[i].value, 1, out,
					sizeof(out), &why);
		if (len != -EINVAL || !why)
			fail_msg("%s \"%s\" was accepted", bad[i].option, bad[i].value);
	}
}

static void counts_values(void **state)
{
	const char *two[] = {"10.6.0.1", "10.6.0.2"}, *why = NULL;
	uint8_t out[16];

	assert_int_equal(option_encode(option_find("routers"), two, 0, out, sizeof(out), &why),
			 -EINVAL);
	assert_non_null(why);
	why = NULL;
	assert_int_equal(option_encode(option_find("swap-server"), two, 2, out, sizeof(out), &why),
			 -EINVAL);
	assert_non_null(why);
}

/* Four labels of 63 make 257 bytes; 255 is the most that a name may have. */
static void longest_name(void **state)
{
	char name[256];
	const char *value = name, *why = "";
	uint8_t out[512];

	memset(name, 'a', sizeof(name));
	name[63] = name[127] = name[191] = '.';
	name[253] = '\0';
	assert_int_equal(
	    option_encode(option_find("domain-search"), &value, 1, out, sizeof(out), &why), 255);
	name[253] = 'a';
	name[254] = '\0';
	assert_int_equal(
	    option_encode(option_find("domain-search"), &value, 1, out, sizeof(out), &why),
	    -EINVAL);
}

static void more_than_255_bytes(void **state)
{
	const char *values[100], *why = "";
	uint8_t out[400];

	for (unsigned i = 0; i < ARRAY_SIZE(values); i++)
		values[i] = "10.6.0.1";
	assert_int_equal(option_encode(option_find("routers"), values, ARRAY_SIZE(values), out,
				       sizeof(out), &why),
			 400);
}

/* RFC 3925: one byte of length for each enterprise number. */
static void longest_vendor_data(void **state)
{
	char value[5 + 2 * 256 + 1] = "4491 ";
	const char *values = value, *why = "";
	uint8_t out[512];

	memset(value + 5, 'a', sizeof(value) - 5);
	value[5 + 2 * 255] = '\0';
	assert_int_equal(
	    option_encode(option_find("vivso-suboptions"), &values, 1, out, sizeof(out), &why),
	    4 + 1 + 255);
	value[5 + 2 * 255] = 'a';
	value[5 + 2 * 256] = '\0';
	assert_int_equal(
	    option_encode(option_find("vivso-suboptions"), &values, 1, out, sizeof(out), &why),
	    -EINVAL);
}

static void every_type_has_help(void **state)
{
	for (int type = 0; type < OPTION_TYPE_COUNT; type++)
		assert_true(strlen(option_type_help((enum option_type)type)) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_code_has_its_row), cmocka_unit_test(names_are_unique),
	    cmocka_unit_test(unknown_names),          cmocka_unit_test(names_that_users_know),
	    cmocka_unit_test(reserved_to_the_server), cmocka_unit_test(encodes),
	    cmocka_unit_test(room_to_the_byte),       cmocka_unit_test(refuses_with_a_reason),
	    cmocka_unit_test(counts_values),          cmocka_unit_test(longest_name),
	    cmocka_unit_test(more_than_255_bytes),    cmocka_unit_test(longest_vendor_data),
	    cmocka_unit_test(every_type_has_help),
	};

	return cmocka_run_group_tests_name("option_table", tests, NULL, NULL);
}
