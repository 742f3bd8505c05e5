/* SPDX-License-Identifier: MIT */
/* What the parser accepts and, above all, what it does not. */
#include "support.h"

/* Parsed from memory that ends where the message does. */
static enum dhcp_reject parse_guarded(const struct message *message, size_t len)
{
	static struct dhcp_request request;
	uint8_t *copy = guard_copy(message->bytes, len);
	enum dhcp_reject reject = dhcp_request_parse(&request, copy, len);

	guard_free(copy, len);
	return reject;
}

static void expect_reject(const struct message *message, enum dhcp_reject reject, const char *what)
{
	enum dhcp_reject got = parse_guarded(message, message->len);

	if (got != reject)
		fail_msg("%s: %s instead of %s", what, dhcp_reject_name(got),
			 dhcp_reject_name(reject));
}

static void expect_option(const struct dhcp_request *request, enum dhcp_want want, const void *data,
			  size_t len)
{
	assert_true(dhcp_has(request, want));
	assert_int_equal(request->opt[want].len, len);
	assert_memory_equal(request->opt[want].data, data, len);
}

/* One byte of the fixed fields changed in a message that is good otherwise. */
static const struct {
	const char *what;
	size_t offset;
	uint8_t value;
	enum dhcp_reject reject;
} fixed_fields[] = {
    {"op 0", 0, 0, DHCP_REJECT_OP},
    {"a reply", 0, 2, DHCP_REJECT_OP},
    {"htype 6 with 6 bytes", 1, 6, DHCP_ACCEPTED},
    {"Ethernet, hlen 0", 2, 0, DHCP_REJECT_HLEN},
    {"Ethernet, hlen 5", 2, 5, DHCP_REJECT_HLEN},
    {"Ethernet, hlen 7", 2, 7, DHCP_REJECT_HLEN},
    {"Ethernet, hlen 16", 2, 16, DHCP_REJECT_HLEN},
    {"hlen 17", 2, 17, DHCP_REJECT_HLEN},
    {"hlen 255", 2, 255, DHCP_REJECT_HLEN},
    {"hops", 3, 255, DHCP_ACCEPTED},
    {"magic, first byte", 236, 0, DHCP_REJECT_MAGIC},
    {"magic, last byte", 239, 0, DHCP_REJECT_MAGIC},
};

static void reads_fixed_fields(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(fixed_fields); i++) {
		struct message message;
		message_init_type(&message, DHCP_REQUEST);
		message_end(&message);
		message.bytes[fixed_fields[i].offset] = fixed_fields[i].value;
		expect_reject(&message, fixed_fields[i].reject, fixed_fields[i].what);
	}
}

static const struct {
	const char *what;
	uint8_t htype, hlen;
	bool client_id;
	enum dhcp_reject reject;
} hardware[] = {
    {"IPoIB with an identifier", 32, 0, true, DHCP_ACCEPTED},
    {"IPoIB without", 32, 0, false, DHCP_REJECT_HLEN},
    {"no type, no address, an identifier", 0, 0, true, DHCP_ACCEPTED},
    {"Ethernet without address, an identifier", 1, 0, true, DHCP_REJECT_HLEN},
    {"a long address", 7, 16, false, DHCP_ACCEPTED},
    {"a longer one", 7, 17, true, DHCP_REJECT_HLEN},
};

static void reads_hardware_address(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(hardware); i++) {
		struct message message;
		message_init_type(&message, DHCP_DISCOVER);
		message.bytes[1] = hardware[i].htype;
		message.bytes[2] = hardware[i].hlen;
		if (hardware[i].client_id)
			message_option(&message, DHCP_OPT_CLIENT_ID, "\xff\x01\x02", 3);
		expect_reject(&message, hardware[i].reject, hardware[i].what);
	}
}

static void accepts_types_of_clients(void **state)
{
	static const bool client[256] = {[DHCP_DISCOVER] = true,
					 [DHCP_REQUEST] = true,
					 [DHCP_DECLINE] = true,
					 [DHCP_RELEASE] = true,
					 [DHCP_INFORM] = true};

	for (unsigned type = 0; type < 256; type++) {
		struct message message;
		struct dhcp_request request;
		message_init_type(&message, (uint8_t)type);
		expect_reject(&message, client[type] ? DHCP_ACCEPTED : DHCP_REJECT_TYPE, "type");
		if (client[type]) {
			must_parse(&request, &message);
			assert_int_equal(request.type, type);
		}
	}
}

/* An option as raw bytes behind a DISCOVER's type. */
static const struct {
	const char *what;
	struct span bytes;
	enum dhcp_reject reject;
} options[] = {
    {"nothing", {BYTES("")}, DHCP_ACCEPTED},
    {"END", {BYTES("\xff")}, DHCP_ACCEPTED},
    {"pads, no END", {BYTES("\0\0\0\0\0")}, DHCP_ACCEPTED},
    {"pads and END", {BYTES("\0\0\0\xff")}, DHCP_ACCEPTED},
    {"junk behind END", {BYTES("\xff\x0c\xff\x35")}, DHCP_ACCEPTED},
    {"a code alone", {BYTES("\x0c")}, DHCP_REJECT_OPTIONS},
    {"an unknown code alone", {BYTES("\xe0")}, DHCP_REJECT_OPTIONS},
    {"no data", {BYTES("\x0c\x01")}, DHCP_REJECT_OPTIONS},
    {"one byte short", {BYTES("\x0c\x03\x61\x62")}, DHCP_REJECT_OPTIONS},
    {"an unknown one, short", {BYTES("\xe0\x03\x61\x62")}, DHCP_REJECT_OPTIONS},
    {"255 of 1", {BYTES("\x0c\xff\x61")}, DHCP_REJECT_OPTIONS},
    {"no data, at the end", {BYTES("\x0c\x00")}, DHCP_ACCEPTED},
    {"an unknown one without data", {BYTES("\xe0\x00\xff")}, DHCP_ACCEPTED},
    {"type twice", {BYTES("\x35\x01\x03")}, DHCP_REJECT_TYPE},
    {"requested address, 3", {BYTES("\x32\x03\x01\x02\x03")}, DHCP_REJECT_OPTION_LENGTH},
    {"requested address, 4", {BYTES("\x32\x04\x01\x02\x03\x04")}, DHCP_ACCEPTED},
    {"requested address, 5", {BYTES("\x32\x05\x01\x02\x03\x04\x05")}, DHCP_REJECT_OPTION_LENGTH},
    {"requested address, 0", {BYTES("\x32\x00")}, DHCP_REJECT_OPTION_LENGTH},
    {"requested address, split", {BYTES("\x32\x01\x01\x32\x03\x02\x03\x04")}, DHCP_ACCEPTED},
    {"requested address, twice",
     {BYTES("\x32\x04\x01\x02\x03\x04\x32\x04\x01\x02\x03\x04")},
     DHCP_REJECT_OPTION_LENGTH},
    {"lease time, 2", {BYTES("\x33\x02\x01\x02")}, DHCP_REJECT_OPTION_LENGTH},
    {"overload, 0", {BYTES("\x34\x00")}, DHCP_REJECT_OPTION_LENGTH},
    {"overload, 2", {BYTES("\x34\x02\x01\x01")}, DHCP_REJECT_OPTION_LENGTH},
    {"server identifier, 8",
     {BYTES("\x36\x08\x01\x02\x03\x04\x05\x06\x07\x08")},
     DHCP_REJECT_OPTION_LENGTH},
    {"parameter list, 0", {BYTES("\x37\x00")}, DHCP_ACCEPTED},
    {"maximum size, 1", {BYTES("\x39\x01\x01")}, DHCP_REJECT_OPTION_LENGTH},
    {"maximum size, 4", {BYTES("\x39\x04\x01\x02\x03\x04")}, DHCP_REJECT_OPTION_LENGTH},
    {"client identifier, 0", {BYTES("\x3d\x00")}, DHCP_REJECT_OPTION_LENGTH},
    {"client identifier, 1", {BYTES("\x3d\x01\x01")}, DHCP_REJECT_OPTION_LENGTH},
    {"client identifier, 2", {BYTES("\x3d\x02\x01\x01")}, DHCP_ACCEPTED},
    {"client identifier, 1 and 1", {BYTES("\x3d\x01\x01\x3d\x01\x01")}, DHCP_ACCEPTED},
    {"client identifier, 0 and 0", {BYTES("\x3d\x00\x3d\x00")}, DHCP_REJECT_OPTION_LENGTH},
    {"fqdn, 0", {BYTES("\x51\x00")}, DHCP_ACCEPTED},
    {"relay agent, 0", {BYTES("\x52\x00")}, DHCP_ACCEPTED},
    {"subnet selection, 5", {BYTES("\x76\x05\x01\x02\x03\x04\x05")}, DHCP_REJECT_OPTION_LENGTH},
};

static void reads_options(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		struct message message;
		message_init_type(&message, DHCP_DISCOVER);
		message_raw(&message, options[i].bytes.data, options[i].bytes.len);
		expect_reject(&message, options[i].reject, options[i].what);
	}
}

static void needs_a_type(void **state)
{
	struct message message;

	message_init(&message);
	expect_reject(&message, DHCP_REJECT_TYPE, "no options");
	message_end(&message);
	message_option(&message, DHCP_OPT_MESSAGE_TYPE, "\x01", 1);
	expect_reject(&message, DHCP_REJECT_TYPE, "behind END");
	message_init(&message);
	message_option(&message, DHCP_OPT_MESSAGE_TYPE, "", 0);
	expect_reject(&message, DHCP_REJECT_TYPE, "empty");
	message_init(&message);
	message_option(&message, DHCP_OPT_MESSAGE_TYPE, "\x01\x01", 2);
	expect_reject(&message, DHCP_REJECT_TYPE, "two bytes");
}

/* Several things wrong: the reasons have an order. */
static void first_reason_wins(void **state)
{
	struct message message;

	message_init(&message);
	message_raw(&message, "\x3d\x01\x01\x0c", 4); /* no type, short identifier, cut off */
	message.bytes[0] = 2;
	message.bytes[2] = 200;
	message.bytes[239] = 0;
	expect_reject(&message, DHCP_REJECT_OP, "all");
	message.bytes[0] = 1;
	expect_reject(&message, DHCP_REJECT_HLEN, "all but op");
	message.bytes[2] = 6;
	expect_reject(&message, DHCP_REJECT_MAGIC, "magic and options");
	message.bytes[239] = 0x63;
	expect_reject(&message, DHCP_REJECT_OPTIONS, "options");
	message.len--;
	expect_reject(&message, DHCP_REJECT_TYPE, "type");
	message_option(&message, DHCP_OPT_MESSAGE_TYPE, "\x01", 1);
	expect_reject(&message, DHCP_REJECT_OPTION_LENGTH, "length");
}

/* A message cut off anywhere: good only between options and behind the type. */
static void cut_off_anywhere(void **state)
{
	struct message message;
	bool boundary[512] = {false};
	size_t behind_type;

	message_init(&message);
	boundary[message.len] = true;
	message_option(&message, DHCP_OPT_HOST_NAME, "host", 4);
	boundary[message.len] = true;
	message_option(&message, DHCP_OPT_MESSAGE_TYPE, "\x01", 1);
	boundary[message.len] = true;
	behind_type = message.len;
	message_option(&message, 224, "unknown", 7);
	boundary[message.len] = true;
	message_option(&message, DHCP_OPT_PARAMETER_LIST, "\x01\x03\x06", 3);
	boundary[message.len] = true;
	message_end(&message);
	boundary[message.len] = true;
	for (size_t len = 0; len <= message.len; len++) {
		enum dhcp_reject expected = DHCP_REJECT_OPTIONS;
		if (len < sizeof(struct dhcp_header))
			expected = DHCP_REJECT_SHORT;
		else if (boundary[len])
			expected = len < behind_type ? DHCP_REJECT_TYPE : DHCP_ACCEPTED;
		if (parse_guarded(&message, len) != expected)
			fail_msg("cut off at %zu: not %s", len, dhcp_reject_name(expected));
	}
}

static const struct {
	enum dhcp_want want;
	uint8_t code;
	struct span value;
} wanted[] = {
    {DHCP_WANT_HOST_NAME, 12, {BYTES("laptop")}},
    {DHCP_WANT_REQUESTED_ADDRESS, 50, {BYTES("\x0a\x06\x09\x0a")}},
    {DHCP_WANT_LEASE_TIME, 51, {BYTES("\x00\x00\x0e\x10")}},
    {DHCP_WANT_SERVER_ID, 54, {BYTES("\x0a\x06\x00\x01")}},
    {DHCP_WANT_PARAMETER_LIST, 55, {BYTES("\x01\x03\x06\x0f")}},
    {DHCP_WANT_MAX_MESSAGE_SIZE, 57, {BYTES("\x05\xdc")}},
    {DHCP_WANT_CLIENT_ID, 61, {BYTES("\x01\x08\x9e\x08\xb5\xaf\x01")}},
    {DHCP_WANT_CLIENT_FQDN, 81, {BYTES("\x05\x00\x00\x04host\x00")}},
    {DHCP_WANT_RELAY_AGENT_INFO, 82, {BYTES("\x01\x02\x00\x05")}},
    {DHCP_WANT_SUBNET_SELECTION, 118, {BYTES("\x0a\x06\x00\x00")}},
};

static void finds_what_is_wanted(void **state)
{
	struct message message;
	struct dhcp_request request;

	message_init_type(&message, DHCP_REQUEST);
	must_parse(&request, &message);
	assert_ptr_equal(request.header, message.bytes);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		assert_false(dhcp_has(&request, wanted[i].want));
		assert_int_equal(dhcp_u32(&request, wanted[i].want), 0);
		message_option(&message, wanted[i].code, wanted[i].value.data, wanted[i].value.len);
	}
	must_parse(&request, &message);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		expect_option(&request, wanted[i].want, wanted[i].value.data, wanted[i].value.len);
	assert_int_equal(dhcp_u32(&request, DHCP_WANT_REQUESTED_ADDRESS), 0x0a06090a);
	assert_int_equal(request.scratch_used, 0);
}

static void longest_and_shortest(void **state)
{
	struct message message;
	struct dhcp_request request;
	uint8_t name[255];

	memset(name, 'x', sizeof(name));
	message_init_type(&message, DHCP_DISCOVER);
	message_option(&message, DHCP_OPT_HOST_NAME, name, 255);
	message_option(&message, DHCP_OPT_PARAMETER_LIST, "", 0);
	must_parse(&request, &message);
	expect_option(&request, DHCP_WANT_HOST_NAME, name, 255);
	expect_option(&request, DHCP_WANT_PARAMETER_LIST, "", 0);
}

static void joins_instances(void **state)
{
	struct message message;
	struct dhcp_request request;
	uint8_t list[255], joined[510];

	for (unsigned i = 0; i < sizeof(joined); i++)
		joined[i] = (uint8_t)(i * 7);
	memcpy(list, joined, sizeof(list));
	message_init_type(&message, DHCP_DISCOVER);
	message_option(&message, DHCP_OPT_HOST_NAME, "ab", 2);
	message_option(&message, DHCP_OPT_PARAMETER_LIST, joined, 255);
	message_option(&message, DHCP_OPT_HOST_NAME, "", 0);
	message_option(&message, DHCP_OPT_HOST_NAME, "cd", 2);
	message_option(&message, DHCP_OPT_PARAMETER_LIST, joined + 255, 255);
	message_option(&message, DHCP_OPT_HOST_NAME, "e", 1);
	must_parse(&request, &message);
	expect_option(&request, DHCP_WANT_HOST_NAME, "abcde", 5);
	expect_option(&request, DHCP_WANT_PARAMETER_LIST, joined, 510);
}

static void joins_up_to_the_scratch(void **state)
{
	static const size_t whole = DHCP_REQUEST_SCRATCH / 255 * 255;
	static const uint8_t value[255];
	struct message message;
	struct dhcp_request request;

	message_init_type(&message, DHCP_DISCOVER);
	for (size_t used = 0; used < whole; used += 255)
		message_option(&message, DHCP_OPT_HOST_NAME, value, 255);
	message_option(&message, DHCP_OPT_HOST_NAME, value, DHCP_REQUEST_SCRATCH - whole);
	must_parse(&request, &message);
	assert_int_equal(request.opt[DHCP_WANT_HOST_NAME].len, DHCP_REQUEST_SCRATCH);
	message_option(&message, DHCP_OPT_HOST_NAME, "", 0);
	must_parse(&request, &message);
	message_option(&message, DHCP_OPT_HOST_NAME, value, 1);
	expect_reject(&message, DHCP_REJECT_OPTIONS, "one byte too many");
}

/* Pieces that take turns are copied again each time; that ends when the scratch area does. */
static void alternating_pieces_are_bounded(void **state)
{
	struct message message;

	message_init_type(&message, DHCP_DISCOVER);
	for (unsigned i = 0; i < 300; i++) {
		message_option(&message, DHCP_OPT_HOST_NAME, "a", 1);
		message_option(&message, DHCP_OPT_CLIENT_FQDN, "b", 1);
	}
	expect_reject(&message, DHCP_REJECT_OPTIONS, "alternating pieces");
}

/* Fills file and sname; the options field says that they hold options. */
static void overloaded(struct message *message, uint8_t value, struct span file, struct span sname)
{
	struct dhcp_header *header = (struct dhcp_header *)message->bytes;

	message_init_type(message, DHCP_REQUEST);
	message_option(message, DHCP_OPT_HOST_NAME, "o", 1);
	message_option(message, DHCP_OPT_OVERLOAD, &value, 1);
	message_end(message);
	memcpy(header->file, file.data, file.len);
	memcpy(header->sname, sname.data, sname.len);
}

static const struct {
	uint8_t value;
	const char *name; /* all pieces of option 12 that were read, in order */
} overloads[] = {
    {0, "o"}, {1, "oh"}, {2, "os"}, {3, "ohs"}, {4, "o"}, {7, "o"}, {255, "o"},
};

static void reads_overloaded_fields(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(overloads); i++) {
		struct message message;
		struct dhcp_request request;
		overloaded(&message, overloads[i].value, SPAN("\x0c\x01h\xff"),
			   SPAN("\x00\x0c\x01s"));
		must_parse(&request, &message);
		expect_option(&request, DHCP_WANT_HOST_NAME, overloads[i].name,
			      strlen(overloads[i].name));
	}
}

static void nested_overload_means_nothing(void **state)
{
	struct message message;
	struct dhcp_request request;

	overloaded(&message, 1, SPAN("\x34\x01\x03\x0c\x01h\xff"), SPAN("\x0c\x01s\xff"));
	must_parse(&request, &message);
	expect_option(&request, DHCP_WANT_HOST_NAME, "oh", 2);
	overloaded(&message, 3, SPAN("\x34\x02\x01\x01\xff"), SPAN("\x34\x00\xff"));
	must_parse(&request, &message);
	expect_option(&request, DHCP_WANT_OVERLOAD, "\x03", 1);
}

static void overloaded_fields_have_ends(void **state)
{
	struct message message;
	uint8_t field[DHCP_FILE_LEN] = {0};

	field[126] = DHCP_OPT_HOST_NAME;
	overloaded(&message, 1, (struct span){field, 128}, SPAN(""));
	expect_reject(&message, DHCP_ACCEPTED, "an empty option in the last two bytes");
	field[127] = 1;
	overloaded(&message, 1, (struct span){field, 128}, SPAN(""));
	expect_reject(&message, DHCP_REJECT_OPTIONS, "from file into the cookie");
	field[126] = 0;
	overloaded(&message, 1, (struct span){field, 128}, SPAN(""));
	expect_reject(&message, DHCP_REJECT_OPTIONS, "a code in file's last byte");
	memset(field, 0, sizeof(field));
	field[62] = DHCP_OPT_HOST_NAME;
	field[63] = 1;
	overloaded(&message, 2, SPAN(""), (struct span){field, 64});
	expect_reject(&message, DHCP_REJECT_OPTIONS, "from sname into file");
	overloaded(&message, 1, SPAN(""), (struct span){field, 64});
	expect_reject(&message, DHCP_ACCEPTED, "sname is not overloaded");
}

static void type_may_be_overloaded(void **state)
{
	struct message message;
	struct dhcp_request request;
	struct dhcp_header *header = (struct dhcp_header *)message.bytes;

	message_init(&message);
	message_option(&message, DHCP_OPT_OVERLOAD, "\x02", 1);
	memcpy(header->sname, "\x35\x01\x08", 3);
	must_parse(&request, &message);
	assert_int_equal(request.type, DHCP_INFORM);
}

static const struct {
	const char *what;
	struct span option;
	uint8_t code;
	struct span value; /* data NULL: none */
} relays[] = {
    {"the first", {BYTES("\x01\x02xy\x02\x01z")}, 1, {BYTES("xy")}},
    {"the second", {BYTES("\x01\x02xy\x02\x01z")}, 2, {BYTES("z")}},
    {"absent", {BYTES("\x01\x02xy\x02\x01z")}, 5, {NULL, 0}},
    {"code 0 is a code", {BYTES("\x00\x01q\x02\x01z")}, 0, {BYTES("q")}},
    {"code 255 is a code", {BYTES("\xff\x01q\x02\x01z")}, 2, {BYTES("z")}},
    {"empty", {BYTES("\x01\x00\x02\x01z")}, 1, {BYTES("")}},
    {"empty at the end", {BYTES("\x02\x01z\x01\x00")}, 1, {BYTES("")}},
    {"twice", {BYTES("\x01\x01x\x01\x01y")}, 1, {BYTES("x")}},
    {"too long", {BYTES("\x01\x03xy")}, 1, {NULL, 0}},
    {"good, but a later one is not", {BYTES("\x01\x02xy\x02\x02x")}, 1, {NULL, 0}},
    {"a code alone", {BYTES("\x01\x02xy\x02")}, 1, {NULL, 0}},
    {"nothing", {BYTES("")}, 1, {NULL, 0}},
};

static void finds_relay_suboptions(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(relays); i++) {
		struct message message;
		struct dhcp_request request;
		message_init_type(&message, DHCP_DISCOVER);
		message_option(&message, DHCP_OPT_RELAY_AGENT_INFO, relays[i].option.data,
			       relays[i].option.len);
		must_parse(&request, &message);
		struct span found = dhcp_relay_suboption(&request, relays[i].code);
		if (!found.data != !relays[i].value.data || found.len != relays[i].value.len ||
		    (found.len && memcmp(found.data, relays[i].value.data, found.len) != 0))
			fail_msg("%s", relays[i].what);
	}
}

static void no_relay_no_suboptions(void **state)
{
	struct message message;
	struct dhcp_request request;

	message_init_type(&message, DHCP_DISCOVER);
	must_parse(&request, &message);
	assert_null(dhcp_relay_suboption(&request, DHCP_RELAY_CIRCUIT_ID).data);
}

static void names(void **state)
{
	assert_string_equal(dhcp_reject_name(DHCP_REJECT_MAGIC), "bad-magic");
	for (int i = 0; i < DHCP_REJECT_COUNT; i++)
		assert_string_not_equal(dhcp_reject_name((enum dhcp_reject)i), "unknown");
	assert_string_equal(dhcp_reject_name(DHCP_REJECT_COUNT), "unknown");
	assert_string_equal(dhcp_type_name(DHCP_DISCOVER), "discover");
	assert_string_equal(dhcp_type_name(DHCP_INFORM), "inform");
	assert_string_equal(dhcp_type_name((enum dhcp_type)0), "unknown");
	assert_string_equal(dhcp_type_name(DHCP_TYPE_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_fixed_fields),
	    cmocka_unit_test(reads_hardware_address),
	    cmocka_unit_test(accepts_types_of_clients),
	    cmocka_unit_test(reads_options),
	    cmocka_unit_test(needs_a_type),
	    cmocka_unit_test(first_reason_wins),
	    cmocka_unit_test(cut_off_anywhere),
	    cmocka_unit_test(finds_what_is_wanted),
	    cmocka_unit_test(longest_and_shortest),
	    cmocka_unit_test(joins_instances),
	    cmocka_unit_test(joins_up_to_the_scratch),
	    cmocka_unit_test(alternating_pieces_are_bounded),
	    cmocka_unit_test(reads_overloaded_fields),
	    cmocka_unit_test(nested_overload_means_nothing),
	    cmocka_unit_test(overloaded_fields_have_ends),
	    cmocka_unit_test(type_may_be_overloaded),
	    cmocka_unit_test(finds_relay_suboptions),
	    cmocka_unit_test(no_relay_no_suboptions),
	    cmocka_unit_test(names),
	};

	return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
