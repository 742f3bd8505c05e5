/* SPDX-License-Identifier: MIT */
/* What is in a reply that has room for everything. */
#include "exchange.h"

static void ack_to_the_last_byte(void **state)
{
	static const uint8_t expected[DHCP_MIN_MESSAGE] =
	    "\x02\x01\x06\x00\x12\x34\x56\x78\x00\x00\x80\x00\x0a\x06\x09\x0a\x0a\x06\x09\x0a"
	    "\x00\x00\x00\x00\x00\x00\x00\x00\x08\x9e\x08\xb5\xaf\x01";
	static const uint8_t options[] = "\x63\x82\x53\x63\x35\x01\x05\x36\x04\x0a\x06\x00\x01"
					 "\x33\x04\x00\x00\x0e\x10\x3a\x04\x00\x00\x07\x08"
					 "\x3b\x04\x00\x00\x0c\x4e\x01\x04\xff\xff\x00\x00"
					 "\x03\x04\x0a\x06\x00\x01\xff";
	struct option_set *set = SET("routers=10.6.0.1");
	uint8_t image[DHCP_MIN_MESSAGE];
	struct exchange x;

	start(&x);
	x.message.bytes[8] = 1; /* secs */
	x.message.bytes[10] = 0x80;
	store_be32(x.message.bytes + 12, 0x0a06090a);
	message_option(&x.message, DHCP_OPT_PARAMETER_LIST, "\x01\x03", 2);
	message_end(&x.message);
	x.reply.ciaddr = 0x0a06090a;
	x.reply.options = set;
	memset(x.message.bytes + x.message.len, 0xee, CAP - x.message.len);
	build(&x);
	memcpy(image, expected, sizeof(image));
	memcpy(image + 236, options, sizeof(options) - 1);
	assert_int_equal(x.len, DHCP_MIN_MESSAGE);
	assert_memory_equal(x.message.bytes, image, sizeof(image));
	assert_int_equal(x.message.bytes[CAP], 0); /* never written: message_init cleared it */
	free(set);
}

static void header_fields(void **state)
{
	struct exchange x;
	struct dhcp_header *header = (struct dhcp_header *)x.message.bytes;

	start(&x);
	header->htype = 6;
	header->hlen = 8;
	header->hops = 3;
	header->secs = htobe16(99);
	header->flags = htobe16(DHCP_FLAG_BROADCAST);
	header->ciaddr = header->yiaddr = header->siaddr = htobe32(0x01020304);
	header->giaddr = htobe32(0x0a070001);
	memset(header->chaddr, 0x77, sizeof(header->chaddr));
	memset(header->sname, 's', sizeof(header->sname));
	memset(header->file, 'f', sizeof(header->file));
	x.reply.siaddr = 0x0a060003;
	x.reply.type = DHCP_OFFER;
	build(&x);
	assert_int_equal(header->op, DHCP_BOOTREPLY);
	assert_int_equal(header->htype, 6);
	assert_int_equal(header->hlen, 8);
	assert_int_equal(header->hops, 0);
	assert_int_equal(be32toh(header->xid), 0x12345678);
	assert_int_equal(header->secs, 0);
	assert_int_equal(be16toh(header->flags), DHCP_FLAG_BROADCAST);
	assert_int_equal(header->ciaddr, 0);
	assert_int_equal(be32toh(header->yiaddr), 0x0a06090a);
	assert_int_equal(be32toh(header->siaddr), 0x0a060003);
	assert_int_equal(be32toh(header->giaddr), 0x0a070001);
	for (unsigned i = 0; i < DHCP_CHADDR_LEN; i++)
		assert_int_equal(header->chaddr[i], 0x77);
	for (unsigned i = 0; i < DHCP_SNAME_LEN; i++)
		assert_int_equal(header->sname[i], 0);
	for (unsigned i = 0; i < DHCP_FILE_LEN; i++)
		assert_int_equal(header->file[i], 0);
	expect(&x, DHCP_OPT_MESSAGE_TYPE, "\x02", 1);
}

static void names_of_boot(void **state)
{
	char longest[129];
	struct exchange x;
	struct dhcp_header *header = (struct dhcp_header *)x.message.bytes;

	memset(longest, 'n', sizeof(longest));
	longest[128] = '\0'; /* one more than there is room for */
	start(&x);
	memset(header->sname, 's', sizeof(header->sname));
	memset(header->file, 'f', sizeof(header->file));
	x.reply.boot_file = longest;
	x.reply.server_name = "boot.example.net";
	build(&x);
	assert_memory_equal(header->file, longest, 127);
	assert_int_equal(header->file[127], 0);
	assert_string_equal((const char *)header->sname, "boot.example.net");
	for (size_t i = strlen("boot.example.net"); i < DHCP_SNAME_LEN; i++)
		assert_int_equal(header->sname[i], 0);
	expect_absent(&x, DHCP_OPT_OVERLOAD);
}

/* RFC 2131 table 3: whatever else is asked for or set. */
static void nak(void **state)
{
	struct option_set *set = SET("routers!=10.6.0.1", "domain-name=example.net");
	struct exchange x;
	struct dhcp_header *header = (struct dhcp_header *)x.message.bytes;

	start(&x);
	header->giaddr = htobe32(0x0a070001);
	message_option(&x.message, DHCP_OPT_RELAY_AGENT_INFO, "\x01\x01\x07", 3);
	message_option(&x.message, DHCP_OPT_CLIENT_ID, "\x01\x02\x03", 3);
	message_option(&x.message, DHCP_OPT_PARAMETER_LIST, asks_for, sizeof(asks_for));
	message_option(&x.message, DHCP_OPT_SUBNET_SELECTION, "\x0a\x06\x00\x00", 4);
	x.reply = (struct dhcp_reply){
	    .type = DHCP_NAK,
	    .server_id = 0x0a060001,
	    .yiaddr = 1,
	    .ciaddr = 2,
	    .siaddr = 3,
	    .lease_s = 3600,
	    .subnet_mask = 0xffff0000,
	    .boot_file = "pxelinux.0",
	    .server_name = "boot",
	    .message = "address not on this network",
	    .options = set,
	    .fqdn = SPAN("\x08\xff\xff"),
	    .set_broadcast = true,
	    .mtu = 1500,
	};
	build(&x);
	expect_codes(&x, SPAN("\x35\x36\x38\x3d\x52"));
	expect(&x, DHCP_OPT_MESSAGE_TYPE, "\x06", 1);
	expect(&x, DHCP_OPT_SERVER_ID, "\x0a\x06\x00\x01", 4);
	expect(&x, DHCP_OPT_MESSAGE, BYTES("address not on this network"));
	assert_int_equal(header->ciaddr | header->yiaddr | header->siaddr, 0);
	assert_int_equal(be16toh(header->flags), DHCP_FLAG_BROADCAST);
	assert_int_equal(header->file[0] | header->sname[0], 0);
	assert_int_equal(x.len, DHCP_MIN_MESSAGE);
	expect_clean_end(&x);
	free(set);
}

static void nak_without_a_message(void **state)
{
	char text[400];
	struct exchange x;

	start(&x);
	x.reply.type = DHCP_NAK;
	build(&x);
	expect_codes(&x, SPAN("\x35\x36"));
	assert_int_equal(load_be16(x.message.bytes + 10), 0);
	memset(text, 't', sizeof(text));
	text[399] = '\0';
	start(&x);
	x.reply.type = DHCP_NAK;
	x.reply.message = text;
	build(&x);
	expect(&x, DHCP_OPT_MESSAGE, text, 255);
}

/* The name is a 4-byte header and as many bytes as bring the message to the length wanted. */
static void padding_to_300(void **state)
{
	for (size_t len = 295; len <= 305; len++) {
		size_t name = len - sizeof(struct dhcp_header) - 27 - 1 - 2;
		char definition[80] = "domain-name=";
		struct exchange x;
		memset(definition + strlen("domain-name="), 'd', name);
		definition[strlen("domain-name=") + name] = '\0';
		struct option_set *set = SET(definition);
		start(&x);
		x.reply.options = set;
		message_option(&x.message, DHCP_OPT_PARAMETER_LIST, "\x0f", 1);
		memset(x.message.bytes + x.message.len, 0xee, 200);
		build(&x);
		assert_int_equal(x.len, len < 300 ? 300 : len);
		assert_int_equal(reply_end(x.message.bytes, (size_t)x.len), len - 1);
		expect_clean_end(&x);
		free(set);
	}
}

/* Nothing that the client wrote comes back but what must. */
static void leaks_nothing(void **state)
{
	struct option_set *set = SET("routers=10.6.0.1");
	struct exchange x;
	uint8_t marks[150];

	memset(marks, 0xee, sizeof(marks));
	start(&x);
	memset(x.message.bytes + 44, 0xee, 192);
	message_option(&x.message, DHCP_OPT_HOST_NAME, marks, sizeof(marks));
	message_option(&x.message, 224, marks, sizeof(marks));
	message_end(&x.message);
	memset(x.message.bytes + x.message.len, 0xee, CAP - x.message.len);
	x.reply.options = set;
	build(&x);
	for (int i = 0; i < x.len; i++)
		assert_int_not_equal(x.message.bytes[i], 0xee);
	free(set);
}

static void relay_information_of_any_length(void **state)
{
	uint8_t joined[500];
	struct exchange x;

	for (unsigned i = 0; i < sizeof(joined); i++)
		joined[i] = (uint8_t)i;
	start(&x);
	message_option(&x.message, DHCP_OPT_MAX_MESSAGE_SIZE, "\x05\xdc", 2);
	message_option(&x.message, DHCP_OPT_RELAY_AGENT_INFO, joined, 200);
	message_option(&x.message, DHCP_OPT_RELAY_AGENT_INFO, joined + 200, 200);
	message_option(&x.message, DHCP_OPT_RELAY_AGENT_INFO, joined + 400, 100);
	build(&x);
	expect(&x, DHCP_OPT_RELAY_AGENT_INFO, joined, 500);
	start(&x);
	message_option(&x.message, DHCP_OPT_RELAY_AGENT_INFO, "", 0);
	build(&x);
	expect(&x, DHCP_OPT_RELAY_AGENT_INFO, "", 0);
}

/* The request's options may stand in file and sname, which the reply rewrites first. */
static void echoes_out_of_overloaded_fields(void **state)
{
	struct option_set *set = SET("routers=10.6.0.1");
	struct exchange x;
	struct dhcp_header *header = (struct dhcp_header *)x.message.bytes;

	start(&x);
	message_option(&x.message, DHCP_OPT_OVERLOAD, "\x03", 1);
	memcpy(header->file, "\x3d\x03\x01\x02\x03\x37\x02\x03\x01\xff", 10);
	memcpy(header->sname, "\x52\x04\x01\x02\x07\x07\xff", 7);
	x.reply.options = set;
	x.reply.boot_file = "a-name-over-all-of-it";
	x.reply.server_name = "another-name";
	build(&x);
	expect_codes(&x, SPAN("\x35\x36\x33\x3a\x3b\x01\x03\x3d\x52"));
	expect(&x, DHCP_OPT_CLIENT_ID, "\x01\x02\x03", 3);
	expect(&x, DHCP_OPT_RELAY_AGENT_INFO, "\x01\x02\x07\x07", 4);
	free(set);
}

/* Spans of a request need not lie in the buffer, nor have anything behind them. */
static void echoes_from_elsewhere(void **state)
{
	uint8_t *id = guard_copy("\x01\x02\x03", 3), *list = guard_copy("\x01\x03", 2);
	struct exchange x;

	start(&x);
	must_parse(&x.request, &x.message);
	x.request.opt[DHCP_WANT_CLIENT_ID] = (struct span){id, 3};
	x.request.opt[DHCP_WANT_PARAMETER_LIST] = (struct span){list, 2};
	x.len = dhcp_reply_build(x.message.bytes, CAP, &x.request, &x.reply);
	assert_int_equal(x.len, 300);
	expect(&x, DHCP_OPT_CLIENT_ID, "\x01\x02\x03", 3);
	expect(&x, 1, "\xff\xff\x00\x00", 4);
	guard_free(id, 3);
	guard_free(list, 2);
}

static const struct {
	size_t option57; /* 0: none */
	size_t mtu, cap;
	size_t limit; /* how long the message may be; 0: -ENOSPC */
} limits[] = {
    {0, 1500, 2048, 548},     {1, 1500, 2048, 548},      {100, 1500, 2048, 548},
    {576, 1500, 2048, 548},   {577, 1500, 2048, 549},    {1000, 1500, 2048, 972},
    {1500, 1500, 2048, 1472}, {65535, 1500, 2048, 1472}, {65535, 9000, 2048, 2048},
    {65535, 1000, 2048, 972}, {1500, 1500, 1000, 1000},  {1500, 400, 2048, 372},
    {0, 1500, 301, 301},      {0, 1500, 300, 300},       {0, 1500, 299, 0},
    {0, 328, 2048, 300},      {0, 327, 2048, 0},         {0, 27, 2048, 0},
    {0, 0, 2048, 0},          {0, 1500, 0, 0},
};

/* Options of 14 bytes until nothing more fits; what is left is too small for another. */
static void respects_all_limits(void **state)
{
	struct option_builder *builder = option_builder_new(NULL);

	for (unsigned code = 200; code < 255; code++)
		option_builder_put(builder, (uint8_t)code, "123456789012", 12, false);
	for (unsigned code = 84; code < 200; code++)
		if (code != DHCP_OPT_SUBNET_SELECTION)
			option_builder_put(builder, (uint8_t)code, "123456789012", 12, false);
	struct option_set *set = option_builder_finish(builder);
	option_builder_free(builder);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct exchange x;
		uint8_t size[2];
		start(&x);
		store_be16(size, (uint16_t)limits[i].option57);
		if (limits[i].option57)
			message_option(&x.message, DHCP_OPT_MAX_MESSAGE_SIZE, size, 2);
		must_parse(&x.request, &x.message);
		x.reply.options = set;
		x.reply.mtu = limits[i].mtu;
		uint8_t *buffer = guard_copy(x.message.bytes, limits[i].cap);
		x.len = dhcp_reply_build(buffer, limits[i].cap, &x.request, &x.reply);
		if (limits[i].limit == 0) {
			assert_int_equal(x.len, -ENOSPC);
		} else if (x.len > (int)limits[i].limit || x.len + 14 <= (int)limits[i].limit) {
			fail_msg("57=%zu mtu=%zu cap=%zu: %d", limits[i].option57, limits[i].mtu,
				 limits[i].cap, x.len);
		}
		guard_free(buffer, limits[i].cap);
	}
	free(set);
}

/* The message ends where the buffer does, whichever way it is put together. */
static void exactly_full(void **state)
{
	struct option_set *set = SET("routers=10.6.0.1", "domain-name-servers=10.6.0.2|10.6.0.3",
				     "domain-name=campus.example.net");
	struct exchange x;
	int whole;

	start(&x);
	x.reply.options = set;
	message_option(&x.message, DHCP_OPT_CLIENT_ID, "\x01\x08\x9e\x08\xb5\xaf\x01", 7);
	message_option(&x.message, DHCP_OPT_RELAY_AGENT_INFO, "\x01\x04port", 6);
	struct message request = x.message;
	build(&x);
	whole = x.len;
	assert_int_equal(reply_end(x.message.bytes, (size_t)whole), whole - 1);
	for (int cap = whole; cap < whole + 100; cap++) {
		uint8_t *buffer = guard_copy(request.bytes, (size_t)cap);
		struct dhcp_request parsed;
		assert_int_equal(dhcp_request_parse(&parsed, buffer, request.len), DHCP_ACCEPTED);
		assert_int_equal(dhcp_reply_build(buffer, (size_t)cap, &parsed, &x.reply), whole);
		assert_memory_equal(buffer, x.message.bytes, (size_t)whole);
		guard_free(buffer, (size_t)cap);
	}
	free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ack_to_the_last_byte),
	    cmocka_unit_test(header_fields),
	    cmocka_unit_test(names_of_boot),
	    cmocka_unit_test(nak),
	    cmocka_unit_test(nak_without_a_message),
	    cmocka_unit_test(padding_to_300),
	    cmocka_unit_test(leaks_nothing),
	    cmocka_unit_test(relay_information_of_any_length),
	    cmocka_unit_test(echoes_out_of_overloaded_fields),
	    cmocka_unit_test(echoes_from_elsewhere),
	    cmocka_unit_test(respects_all_limits),
	    cmocka_unit_test(exactly_full),
	};

	return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
