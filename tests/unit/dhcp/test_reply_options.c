/* SPDX-License-Identifier: MIT */
/* Which options a reply has, and in what order. */
#include "exchange.h"

#include "dhcp/option_table.h"

static void order_is_the_clients(void **state)
{
	struct option_set *set =
	    SET("routers=10.6.0.1", "domain-name-servers=10.6.0.2", "domain-name=example.net",
		"ntp-servers=10.6.0.4", "interface-mtu!=1500", "captive-portal=https://p.example");
	static const uint8_t wishes[] = {15, 42, 6, 1, 3, 15, 42, 42, 51, 0, 255, 82, 61, 53, 54};
	struct exchange x;

	start(&x);
	x.reply.options = set;
	message_option(&x.message, DHCP_OPT_RELAY_AGENT_INFO, "\x01\x01\x07", 3);
	message_option(&x.message, DHCP_OPT_CLIENT_ID, "\x01\x02\x03", 3);
	message_option(&x.message, DHCP_OPT_PARAMETER_LIST, wishes, sizeof(wishes));
	message_option(&x.message, DHCP_OPT_SUBNET_SELECTION, "\x0a\x06\x00\x00", 4);
	x.reply.fqdn = SPAN("\x08\xff\xff");
	build(&x);
	expect_codes(&x, SPAN("\x35\x36\x33\x3a\x3b\x0f\x2a\x06\x01\x03\x1a\x51\x76\x3d\x52"));
	expect(&x, DHCP_OPT_CLIENT_ID, "\x01\x02\x03", 3);
	expect(&x, DHCP_OPT_RELAY_AGENT_INFO, "\x01\x01\x07", 3);
	expect(&x, DHCP_OPT_CLIENT_FQDN, "\x08\xff\xff", 3);
	expect(&x, DHCP_OPT_SUBNET_SELECTION, "\x0a\x06\x00\x00", 4);
	expect(&x, 26, "\x05\xdc", 2);
	expect_clean_end(&x);
	free(set);
}

/* RFC 2132 section 3.3. The mask of the subnet, then one that the set has. */
static void mask_precedes_routers(void **state)
{
	struct option_set *sets[] = {
	    SET("routers=10.6.0.1", "domain-name-servers=10.6.0.2"),
	    SET("routers=10.6.0.1", "domain-name-servers=10.6.0.2", "subnet-mask=255.255.0.0"),
	    SET("routers=10.6.0.1", "domain-name-servers=10.6.0.2", "subnet-mask!=255.255.0.0")};
	static const struct {
		struct span asked, sent;
		bool always_only;
	} rows[] = {
	    {{BYTES("\x06\x03\x01")}, {BYTES("\x01\x06\x03")}, false},
	    {{BYTES("\x03\x06\x01")}, {BYTES("\x01\x03\x06")}, false},
	    {{BYTES("\x06\x01\x03")}, {BYTES("\x06\x01\x03")}, false},
	    {{BYTES("\x06\x01")}, {BYTES("\x06\x01")}, false},
	    {{BYTES("\x03\x06\x01\x01\x03")}, {BYTES("\x01\x03\x06")}, false},
	    {{BYTES("\x06\x03")}, {BYTES("\x01\x06\x03")}, true},
	};

	for (size_t s = 0; s < ARRAY_SIZE(sets); s++) {
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			uint8_t codes[8] = "\x35\x36\x33\x3a\x3b";
			struct exchange x;
			if (rows[i].always_only && s != 2)
				continue;
			start(&x);
			x.reply.options = sets[s];
			message_option(&x.message, DHCP_OPT_PARAMETER_LIST, rows[i].asked.data,
				       rows[i].asked.len);
			build(&x);
			memcpy(codes + 5, rows[i].sent.data, rows[i].sent.len);
			expect_codes(&x, (struct span){codes, 5 + rows[i].sent.len});
			expect(&x, 1, "\xff\xff\x00\x00", 4);
		}
		free(sets[s]);
	}
}

/* Asked for, but not routers: the mask stays where the client wants it. */
static void mask_behind_routers_that_are_not_sent(void **state)
{
	struct option_set *set = SET("domain-name-servers=10.6.0.2");
	struct exchange x;

	start(&x);
	x.reply.options = set;
	message_option(&x.message, DHCP_OPT_PARAMETER_LIST, "\x03\x06\x01", 3);
	build(&x);
	expect_codes(&x, SPAN("\x35\x36\x33\x3a\x3b\x06\x01"));
	free(set);
}

static void mask_of_the_set_wins(void **state)
{
	struct option_set *set = SET("subnet-mask=255.255.255.0");
	struct exchange x;

	start(&x);
	x.reply.options = set;
	message_option(&x.message, DHCP_OPT_PARAMETER_LIST, "\x01", 1);
	build(&x);
	expect(&x, 1, "\xff\xff\xff\x00", 4);
	start(&x);
	x.reply.subnet_mask = 0;
	message_option(&x.message, DHCP_OPT_PARAMETER_LIST, "\x01", 1);
	build(&x);
	expect_absent(&x, 1);
	free(set);
}

static void without_a_list_everything(void **state)
{
	struct option_set *set =
	    SET("domain-name=example.net", "routers=10.6.0.1", "224=0a0b", "ntp-servers=10.6.0.4");
	struct exchange x;

	start(&x);
	x.reply.options = set;
	build(&x);
	expect_codes(&x, SPAN("\x35\x36\x33\x3a\x3b\x01\x03\x0f\x2a\xe0"));
	start(&x);
	x.reply.options = set;
	message_option(&x.message, DHCP_OPT_PARAMETER_LIST, "", 0);
	build(&x);
	expect_codes(&x, SPAN("\x35\x36\x33\x3a\x3b"));
	start(&x);
	build(&x); /* no set at all */
	expect_codes(&x, SPAN("\x35\x36\x33\x3a\x3b\x01"));
	free(set);
}

static void all_codes_asked_for_twice(void **state)
{
	struct option_set *set = SET("domain-name=example.net", "routers=10.6.0.1", "254=01");
	uint8_t all[255];
	struct exchange x;

	start(&x);
	x.reply.options = set;
	for (unsigned i = 0; i < 255; i++)
		all[i] = (uint8_t)(255 - i);
	message_option(&x.message, DHCP_OPT_PARAMETER_LIST, all, 255);
	message_option(&x.message, DHCP_OPT_PARAMETER_LIST, all, 255);
	build(&x);
	expect_codes(&x, SPAN("\x35\x36\x33\x3a\x3b\x01\xfe\x0f\x03"));
	free(set);
}

static void more_options_than_ranks(void **state)
{
	struct option_builder *builder = option_builder_new(NULL);
	uint8_t found[256], sent[256];
	struct exchange x;
	size_t n = 0;

	for (unsigned code = 119; code < 255; code++) {
		if (option_by_code((uint8_t)code)->type == OPTION_RESERVED)
			continue;
		option_builder_put(builder, (uint8_t)code, "", 0, code % 2);
		sent[n++] = (uint8_t)code;
	}
	assert_true(n > OPTION_RANKS);
	struct option_set *set = option_builder_finish(builder);
	option_builder_free(builder);
	start(&x);
	x.reply.options = set;
	x.reply.subnet_mask = 0;
	message_option(&x.message, DHCP_OPT_MAX_MESSAGE_SIZE, "\x05\xdc", 2);
	build(&x);
	assert_int_equal(reply_codes(x.message.bytes, (size_t)x.len, found), 5 + n);
	assert_memory_equal(found + 5, sent, n);
	free(set);
}

static void inform_has_no_times(void **state)
{
	struct exchange x;

	start(&x);
	x.message.bytes[sizeof(struct dhcp_header) + 2] = DHCP_INFORM;
	x.reply.lease_s = 0;
	x.reply.yiaddr = 0;
	message_option(&x.message, DHCP_OPT_PARAMETER_LIST, asks_for, sizeof(asks_for));
	build(&x);
	expect_codes(&x, SPAN("\x35\x36\x01"));
	assert_int_equal(load_be32(x.message.bytes + 16), 0);
}

static void reserved_codes_in_a_set(void **state)
{
	struct option_builder *builder = option_builder_new(NULL);
	static const uint8_t codes[] = {50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 61, 81, 82, 118};
	struct exchange x;

	for (size_t i = 0; i < sizeof(codes); i++)
		option_builder_put(builder, codes[i], "evil", 4, i % 2);
	struct option_set *set = option_builder_finish(builder);
	option_builder_free(builder);
	for (int list = 0; list < 2; list++) {
		start(&x);
		x.reply.options = set;
		if (list)
			message_option(&x.message, DHCP_OPT_PARAMETER_LIST, codes, sizeof(codes));
		x.reply.subnet_mask = 0;
		build(&x);
		expect_codes(&x, SPAN("\x35\x36\x33\x3a\x3b"));
	}
	free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(order_is_the_clients),
	    cmocka_unit_test(mask_precedes_routers),
	    cmocka_unit_test(mask_behind_routers_that_are_not_sent),
	    cmocka_unit_test(mask_of_the_set_wins),
	    cmocka_unit_test(without_a_list_everything),
	    cmocka_unit_test(all_codes_asked_for_twice),
	    cmocka_unit_test(more_options_than_ranks),
	    cmocka_unit_test(inform_has_no_times),
	    cmocka_unit_test(reserved_codes_in_a_set),
	};

	return cmocka_run_group_tests_name("reply_options", tests, NULL, NULL);
}
