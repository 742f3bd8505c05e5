/* SPDX-License-Identifier: MIT */
/* Replies whose options are too long for the options field: option 52, RFC 3396, what is left out.
 */
#include "support.h"

#define CAP 2048

/* Room for options of a reply of 548 bytes besides message type, server identifier, times and END.
 */
#define ROOM (548 - 240 - 27 - 1)

struct exchange {
	struct message message;
	struct dhcp_request request;
	struct dhcp_reply reply;
	struct option_builder *builder;
	struct option_set *set;
	int len;
};

static void start(struct exchange *x)
{
	message_init_type(&x->message, DHCP_DISCOVER);
	x->builder = option_builder_new(NULL);
	x->reply = (struct dhcp_reply){
	    .type = DHCP_OFFER,
	    .server_id = 0x0a060001,
	    .yiaddr = 0x0a06090a,
	    .lease_s = 3600,
	    .t1_s = 1800,
	    .t2_s = 3150,
	    .mtu = 1500,
	};
}

/* An option's data counts from its code on, so that pieces in a wrong order show. */
static void pattern(uint8_t *data, uint8_t code, size_t len)
{
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(code + i);
}

static void put(struct exchange *x, uint8_t code, size_t len, bool always)
{
	uint8_t data[4096];

	pattern(data, code, len);
	assert_int_equal(option_builder_put(x->builder, code, data, len, always), 0);
}

static void try_build(struct exchange *x)
{
	x->set = option_builder_finish(x->builder);
	option_builder_free(x->builder);
	x->reply.options = x->set;
	must_parse(&x->request, &x->message);
	x->len = dhcp_reply_build(x->message.bytes, CAP, &x->request, &x->reply);
}

static void build(struct exchange *x)
{
	try_build(x);
	assert_true(x->len >= DHCP_MIN_MESSAGE && x->len <= 1472);
}

static void finish(struct exchange *x)
{
	free(x->set);
}

static struct found find(const struct exchange *x, uint8_t code)
{
	return reply_find(x->message.bytes, (size_t)x->len, code);
}

/* The whole option is there, in so many pieces. */
static void expect_put(const struct exchange *x, uint8_t code, size_t len, size_t instances)
{
	uint8_t data[4096];

	pattern(data, code, len);
	reply_expect(x->message.bytes, (size_t)x->len, code, data, len);
	assert_int_equal(find(x, code).instances, instances);
}

static void expect_absent(const struct exchange *x, uint8_t code)
{
	reply_expect_absent(x->message.bytes, (size_t)x->len, code);
}

/* 0: option 52 is absent. */
static void expect_overload(const struct exchange *x, uint8_t value)
{
	struct found found = find(x, DHCP_OPT_OVERLOAD);

	assert_int_equal(found.instances, value ? 1 : 0);
	assert_int_equal(found.instances ? found.data[0] : 0, value);
}

static const struct dhcp_header *header_of(const struct exchange *x)
{
	return (const struct dhcp_header *)x->message.bytes;
}

static void no_overload_while_there_is_room(void **state)
{
	struct exchange x;

	start(&x);
	put(&x, 200, 100, false);
	put(&x, 201, ROOM - 102 - 2, false);
	build(&x);
	assert_int_equal(x.len, 548);
	expect_overload(&x, 0);
	expect_put(&x, 200, 100, 1);
	expect_put(&x, 201, ROOM - 102 - 2, 1);
	finish(&x);
}

/* What does not fit into the options field, and which fields that takes. */
static const struct {
	const char *what;
	size_t lens[4]; /* options 200, 201, ... */
	uint8_t overload;
	size_t instances[4];
} rows[] = {
    {"too long for options, fits file", {200, 100}, 1, {1, 1}},
    {"file to its last byte", {250, 125}, 1, {1, 1}},
    {"sname to its last byte", {250, 125, 61}, 3, {1, 1, 1}},
    {"one byte too long for sname", {250, 125, 62}, 3, {1, 1, 2}},
    {"one byte too long for file", {250, 126, 61}, 3, {1, 2, 1}},
    {"a byte too much for the options", {100, ROOM - 102 - 1}, 1, {1, 2}},
    {"too long for what is left", {250, 125, 100}, 1, {1, 1, 0}},
    {"long, in one field", {256}, 0, {2}},
    {"long, options and file", {300}, 1, {3}},
    {"long, options, file and sname", {255 + 18 + 125 + 61}, 3, {4}},
    {"longer than all fields", {255 + 18 + 125 + 62, 10}, 0, {0, 1}},
    {"a long one behind a short one", {20, 300}, 1, {1, 2}},
    {"short ones behind a long one", {400, 40, 10}, 3, {4, 1, 1}},
};

static void uses_the_fields_it_needs(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct exchange x;
		start(&x);
		memset(x.message.bytes + 44, 0xee, 192);
		for (uint8_t j = 0; j < 4; j++)
			if (rows[i].lens[j])
				put(&x, 200 + j, rows[i].lens[j], false);
		build(&x);
		print_message("# %s\n", rows[i].what);
		expect_overload(&x, rows[i].overload);
		for (uint8_t j = 0; j < 4; j++) {
			if (rows[i].instances[j])
				expect_put(&x, 200 + j, rows[i].lens[j], rows[i].instances[j]);
			else
				expect_absent(&x, 200 + j);
		}
		assert_true(x.len <= 548);
		for (int at = 44; at < 236 && rows[i].overload == 0; at++)
			assert_int_equal(x.message.bytes[at], 0);
		finish(&x);
	}
}

static void sname_alone(void **state)
{
	struct exchange x;

	start(&x);
	x.reply.boot_file = "0123456789012345678901234567890123456789012345678901234567890123456789"
			    "0123456789012345678901234567890123456789012345678901234567"; /* 128 */
	put(&x, 67, 4, true); /* so the name cannot move */
	put(&x, 200, 255, false);
	put(&x, 201, 61, false);
	put(&x, 202, 61, false);
	build(&x);
	expect_overload(&x, 2);
	expect_put(&x, 200, 255, 1);
	expect_put(&x, 201, 61, 1);
	expect_absent(&x, 202);
	assert_int_equal(header_of(&x)->file[126], '6');
	assert_int_equal(header_of(&x)->file[127], 0);
	finish(&x);
}

/* A name moves to its option when its field is taken. */
static void names_move(void **state)
{
	struct exchange x;

	start(&x);
	x.reply.boot_file = "pxelinux.0";
	x.reply.server_name = "boot.example.net";
	put(&x, 200, 240, false);
	put(&x, 201, 100, false);
	put(&x, 202, 50, false);
	build(&x);
	expect_overload(&x, 3);
	expect_put(&x, 200, 240, 1);
	expect_put(&x, 202, 50, 1);
	expect_put(&x, 201, 100, 1);
	reply_expect(x.message.bytes, (size_t)x.len, 67, "pxelinux.0", 10);
	reply_expect(x.message.bytes, (size_t)x.len, 66, "boot.example.net", 16);
	finish(&x);
}

/* Moving a name that is longer than what it makes room for is no use. */
static void names_stay_when_moving_does_not_help(void **state)
{
	char name[128];
	struct exchange x;

	memset(name, 'n', sizeof(name));
	name[127] = '\0';
	start(&x);
	x.reply.boot_file = name;
	put(&x, 200, 250, false);
	put(&x, 201, 61, false);
	put(&x, 202, 100, false);
	build(&x);
	expect_overload(&x, 2);
	assert_string_equal((const char *)header_of(&x)->file, name);
	expect_put(&x, 201, 61, 1);
	expect_absent(&x, 202);
	expect_absent(&x, 67);
	finish(&x);
}

static void client_order_decides_what_is_left_out(void **state)
{
	struct exchange x;

	start(&x);
	for (uint8_t i = 0; i < 10; i++)
		put(&x, 200 + i, 60, false);
	message_option(&x.message, DHCP_OPT_PARAMETER_LIST,
		       "\xd1\xd0\xcf\xce\xcd\xcc\xcb\xca\xc9\xc8", 10);
	build(&x);
	/* four in the options field, two in file, one in sname */
	expect_overload(&x, 3);
	for (uint8_t i = 0; i < 10; i++) {
		if (i >= 3)
			expect_put(&x, 200 + i, 60, 1);
		else
			expect_absent(&x, 200 + i);
	}
	finish(&x);
}

/* What the operator sends always is not pushed out by what the client lists first. */
static void always_outranks_asked(void **state)
{
	struct exchange x;

	start(&x);
	for (uint8_t i = 0; i < 10; i++)
		put(&x, 200 + i, 60, i >= 8);
	x.reply.fqdn = SPAN("\x08\xff\xff");
	message_option(&x.message, DHCP_OPT_PARAMETER_LIST, "\xc8\xc9\xca\xcb\xcc\xcd\xce\xcf", 8);
	build(&x);
	expect_put(&x, 208, 60, 1);
	expect_put(&x, 209, 60, 1);
	expect_put(&x, 200, 60, 1);
	expect_put(&x, 204, 60, 1);
	expect_absent(&x, 205);
	reply_expect(x.message.bytes, (size_t)x.len, DHCP_OPT_CLIENT_FQDN, "\x08\xff\xff", 3);
	finish(&x);
}

static void mask_precedes_routers(void **state)
{
	uint8_t codes[256];
	struct exchange x;

	start(&x);
	x.reply.subnet_mask = 0xffff0000;
	put(&x, 3, 4, false);
	put(&x, 200, 250, false);
	put(&x, 201, 120, false);
	message_option(&x.message, DHCP_OPT_PARAMETER_LIST, "\x03\xc8\xc9\x01", 4);
	build(&x);
	expect_overload(&x, 1);
	reply_codes(x.message.bytes, (size_t)x.len, codes);
	assert_memory_equal(codes, "\x35\x36\x33\x3a\x3b\x34\x01\x03\xc8", 9);
	finish(&x);
}

/* Routers are sent always and so placed early; the mask that the client asked for, earlier still.
 */
static void mask_precedes_routers_that_are_always_sent(void **state)
{
	struct exchange x;
	uint8_t codes[256];

	start(&x);
	x.reply.subnet_mask = 0xffff0000;
	put(&x, 3, 4, true);
	put(&x, 200, 250, true);
	put(&x, 201, 15, true);
	message_option(&x.message, DHCP_OPT_PARAMETER_LIST, "\x01", 1);
	build(&x);
	expect_overload(&x, 1);
	reply_codes(x.message.bytes, (size_t)x.len, codes);
	assert_memory_equal(codes, "\x35\x36\x33\x3a\x3b\x34\x01\x03\xc8", 9);
	finish(&x);
}

/* No field comes before that of the mask, not even for a piece of the routers. */
static void no_piece_of_routers_precedes_the_mask(void **state)
{
	struct exchange x;

	start(&x);
	x.reply.subnet_mask = 0xffff0000;
	x.reply.boot_file = "pxelinux.0";
	put(&x, 67, 4, true);
	put(&x, 200, 255, true);
	put(&x, 201, 7, true); /* leaves 5 bytes of the options field and 63 of sname */
	put(&x, 202, 30, false);
	put(&x, 3, 24, false); /* after the mask 25 are left in sname: no room but in pieces */
	message_option(&x.message, DHCP_OPT_PARAMETER_LIST, "\xca\x01\x03", 3);
	build(&x);
	expect_overload(&x, 2);
	expect_put(&x, 202, 30, 1);
	assert_int_equal(find(&x, 1).instances, 1);
	expect_absent(&x, 3);
	finish(&x);
}

/* What must be there takes the field of a name whose option is configured as well. */
static void names_give_way_to_what_must_be_there(void **state)
{
	uint8_t relay[255], id[255];
	struct exchange x;

	pattern(relay, 82, 255);
	pattern(id, 61, 255);
	start(&x);
	x.reply.boot_file = "pxelinux.0";
	x.reply.server_name = "a-long-name-of-which-nothing-may-be-left-behind.example.net";
	put(&x, 67, 100, false);
	put(&x, 66, 100, false);
	message_option(&x.message, DHCP_OPT_RELAY_AGENT_INFO, relay, 255);
	message_option(&x.message, DHCP_OPT_CLIENT_ID, id, 144);
	build(&x);
	expect_overload(&x, 3);
	expect_put(&x, DHCP_OPT_CLIENT_ID, 144, 3);
	expect_absent(&x, 66);
	assert_int_equal(header_of(&x)->sname[3], DHCP_OPT_END);
	for (unsigned i = 4; i < DHCP_SNAME_LEN; i++)
		assert_int_equal(header_of(&x)->sname[i], 0);
	finish(&x);
}

/* One option that is sent always against one that is only asked for: fields are chosen for it. */
static void always_outweighs_asked(void **state)
{
	struct exchange x;

	start(&x);
	put(&x, 200, 100, false);
	put(&x, 201, 100, false);
	put(&x, 202, 60, false);
	put(&x, 203, 290, true);
	build(&x);
	expect_overload(&x, 3);
	expect_put(&x, 203, 290, 3);
	expect_put(&x, 200, 100, 1);
	expect_absent(&x, 201);
	expect_put(&x, 202, 60, 1);
	finish(&x);
}

/* The relay agent finds its option at the end of the options field, not in file or sname. */
static void relay_information_stays_in_the_options(void **state)
{
	uint8_t relay[255], id[255], codes[256];
	struct exchange x;
	size_t n;

	memset(relay, 0x82, sizeof(relay));
	memset(id, 0x61, sizeof(id));
	start(&x);
	message_option(&x.message, DHCP_OPT_RELAY_AGENT_INFO, relay, 200);
	message_option(&x.message, DHCP_OPT_CLIENT_ID, id, 120);
	put(&x, 200, 60, false);
	build(&x);
	expect_overload(&x, 1);
	reply_expect(x.message.bytes, (size_t)x.len, DHCP_OPT_RELAY_AGENT_INFO, relay, 200);
	reply_expect(x.message.bytes, (size_t)x.len, DHCP_OPT_CLIENT_ID, id, 120);
	n = reply_codes(x.message.bytes, (size_t)x.len, codes);
	assert_int_equal(codes[n - 1], DHCP_OPT_RELAY_AGENT_INFO);
	finish(&x);
}

/* A client identifier is split rather than left out; if even that is not possible there is no
 * reply. */
static void client_identifier_always_has_its_place(void **state)
{
	static const struct {
		size_t relay, id;
		int len; /* -ENOSPC, or 0 for success */
		size_t instances;
		uint8_t overload;
	} cases[] = {
	    {0, 255, 0, 1, 0},   {21, 255, 0, 1, 0},        {22, 255, 0, 2, 1},
	    {255, 125, 0, 1, 1}, {255, 143, 0, 2, 1},       {255, 144, 0, 3, 3},
	    {255, 204, 0, 3, 3}, {255, 205, -ENOSPC, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t relay[255], id[255];
		struct exchange x;
		pattern(relay, 82, 255);
		pattern(id, 61, 255);
		start(&x);
		if (cases[i].relay)
			message_option(&x.message, DHCP_OPT_RELAY_AGENT_INFO, relay,
				       cases[i].relay);
		message_option(&x.message, DHCP_OPT_CLIENT_ID, id, cases[i].id);
		try_build(&x);
		print_message("# relay %zu, identifier %zu\n", cases[i].relay, cases[i].id);
		assert_int_equal(x.len < 0 ? x.len : 0, cases[i].len);
		if (x.len > 0) {
			expect_put(&x, DHCP_OPT_CLIENT_ID, cases[i].id, cases[i].instances);
			expect_overload(&x, cases[i].overload);
		}
		finish(&x);
	}
}

static void relay_information_without_room(void **state)
{
	uint8_t relay[255];
	struct exchange x;

	memset(relay, 0x82, sizeof(relay));
	start(&x);
	message_option(&x.message, DHCP_OPT_RELAY_AGENT_INFO, relay, 255);
	message_option(&x.message, DHCP_OPT_RELAY_AGENT_INFO, relay, 255);
	try_build(&x);
	assert_int_equal(x.len, -ENOSPC);
	finish(&x);
}

/* Option 52 itself has no room, so the empty fields are of no use. */
static void no_room_for_the_overload_option(void **state)
{
	uint8_t relay[255] = {0};

	for (size_t left = 0; left < 6; left++) {
		struct exchange x;
		start(&x);
		message_option(&x.message, DHCP_OPT_RELAY_AGENT_INFO, relay, 255);
		message_option(&x.message, DHCP_OPT_RELAY_AGENT_INFO, relay, ROOM - 257 - 2 - left);
		message_option(&x.message, DHCP_OPT_CLIENT_ID, "0123456789", 10);
		try_build(&x);
		if (left < 3) {
			assert_int_equal(x.len, -ENOSPC);
		} else {
			expect_overload(&x, 1);
			assert_true(find(&x, DHCP_OPT_CLIENT_ID).len == 10);
		}
		finish(&x);
	}
}

/* RFC 2131 table 3: a NAK must not use file and sname. The text gives way, what is repeated does
 * not. */
static void nak_has_the_options_field_alone(void **state)
{
	static const struct {
		size_t relay, id;
		bool fits, message;
	} cases[] = {
	    {100, 165, true, true}, /* 308 - 9 - 1 - 102 - 167 is the message's 29 */
	    {100, 166, true, false},  {100, 194, true, false},
	    {100, 195, false, false}, {255, 255, false, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t relay[255], id[255];
		struct exchange x;
		pattern(relay, 82, 255);
		pattern(id, 61, 255);
		start(&x);
		x.reply.type = DHCP_NAK;
		x.reply.message = "address not on this network";
		x.reply.boot_file = "pxelinux.0";
		put(&x, 200, 4, true);
		message_option(&x.message, DHCP_OPT_RELAY_AGENT_INFO, relay, cases[i].relay);
		message_option(&x.message, DHCP_OPT_CLIENT_ID, id, cases[i].id);
		try_build(&x);
		if (!cases[i].fits) {
			assert_int_equal(x.len, -ENOSPC);
		} else {
			expect_overload(&x, 0);
			expect_put(&x, DHCP_OPT_CLIENT_ID, cases[i].id, 1);
			expect_put(&x, DHCP_OPT_RELAY_AGENT_INFO, cases[i].relay, 1);
			assert_int_equal(find(&x, DHCP_OPT_MESSAGE).instances, cases[i].message);
			expect_absent(&x, 200);
			expect_absent(&x, 67);
		}
		finish(&x);
	}
}

static void large_messages_need_no_overload(void **state)
{
	struct exchange x;

	start(&x);
	message_option(&x.message, DHCP_OPT_MAX_MESSAGE_SIZE, "\x05\xdc", 2);
	put(&x, 200, 600, false);
	put(&x, 201, 255, false);
	put(&x, 202, 0, false);
	build(&x);
	expect_overload(&x, 0);
	expect_put(&x, 200, 600, 3);
	expect_put(&x, 201, 255, 1);
	expect_put(&x, 202, 0, 1);
	finish(&x);
}

/*
 * A set that fits is copied straight, one that may not is laid out; when the client asks for the
 * same, both make the same message, byte for byte.
 */
static void both_ways_are_one(void **state)
{
	static const struct span lists[] = {
	    {BYTES("\x01\x03\x06\x0f\x1c\x2a")},
	    {BYTES("\x06\x03\x0f\x01\x03\x01")},
	    {BYTES("\x03\x01")},
	    {BYTES("\x2a\x79\x77\x0f")},
	    {BYTES("")},
	};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct exchange x[2];
		for (int large = 0; large < 2; large++) {
			start(&x[large]);
			put(&x[large], 3, 4, false);
			put(&x[large], 6, 12, false);
			put(&x[large], 15, 40, false);
			put(&x[large], 42, 4, true);
			put(&x[large], 119, 30, false);
			if (large)
				put(&x[large], 200, 4000, false); /* nobody asks for it */
			x[large].reply.subnet_mask = 0xffff0000;
			x[large].reply.boot_file = "pxelinux.0";
			x[large].reply.fqdn = SPAN("\x08\xff\xff");
			message_option(&x[large].message, DHCP_OPT_CLIENT_ID, "\x01\x02", 2);
			message_option(&x[large].message, DHCP_OPT_SUBNET_SELECTION, "abcd", 4);
			message_option(&x[large].message, DHCP_OPT_RELAY_AGENT_INFO, "\x01\x00", 2);
			message_option(&x[large].message, DHCP_OPT_PARAMETER_LIST, lists[i].data,
				       lists[i].len);
			build(&x[large]);
			finish(&x[large]);
		}
		assert_int_equal(x[0].len, x[1].len);
		assert_memory_equal(x[0].message.bytes, x[1].message.bytes, (size_t)x[0].len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_overload_while_there_is_room),
	    cmocka_unit_test(uses_the_fields_it_needs),
	    cmocka_unit_test(sname_alone),
	    cmocka_unit_test(names_move),
	    cmocka_unit_test(names_stay_when_moving_does_not_help),
	    cmocka_unit_test(client_order_decides_what_is_left_out),
	    cmocka_unit_test(always_outranks_asked),
	    cmocka_unit_test(mask_precedes_routers),
	    cmocka_unit_test(mask_precedes_routers_that_are_always_sent),
	    cmocka_unit_test(no_piece_of_routers_precedes_the_mask),
	    cmocka_unit_test(names_give_way_to_what_must_be_there),
	    cmocka_unit_test(always_outweighs_asked),
	    cmocka_unit_test(relay_information_stays_in_the_options),
	    cmocka_unit_test(client_identifier_always_has_its_place),
	    cmocka_unit_test(relay_information_without_room),
	    cmocka_unit_test(no_room_for_the_overload_option),
	    cmocka_unit_test(nak_has_the_options_field_alone),
	    cmocka_unit_test(large_messages_need_no_overload),
	    cmocka_unit_test(both_ways_are_one),
	};

	return cmocka_run_group_tests_name("reply_layout", tests, NULL, NULL);
}
