/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "dhcp/client_id.h"

static void from_request(void **state)
{
	struct message message;
	struct dhcp_request request;
	struct client_id id;

	message_init_type(&message, DHCP_DISCOVER);
	must_parse(&request, &message);
	client_id_from_request(&id, &request);
	assert_true(client_id_equal(&id, BYTES("m\x08\x9e\x08\xb5\xaf\x01")));

	message_option(&message, DHCP_OPT_CLIENT_ID, "\x01\x02\x03", 3);
	must_parse(&request, &message);
	client_id_from_request(&id, &request);
	assert_true(client_id_equal(&id, BYTES("i\x01\x02\x03")));
	client_id_from_chaddr(&id, &request);
	assert_true(client_id_equal(&id, BYTES("m\x08\x9e\x08\xb5\xaf\x01")));
}

static void longest_option(void **state)
{
	struct message message;
	struct dhcp_request request;
	struct client_id id;
	uint8_t value[255];
	char text[CLIENT_ID_TEXT_MAX];

	memset(value, 0xa5, sizeof(value));
	message_init_type(&message, DHCP_DISCOVER);
	message_option(&message, DHCP_OPT_CLIENT_ID, value, 200);
	message_option(&message, DHCP_OPT_CLIENT_ID, value, 55);
	must_parse(&request, &message);
	client_id_from_request(&id, &request);
	assert_int_equal(id.len, CLIENT_ID_MAX);
	assert_memory_equal(id.bytes + 1, value, sizeof(value));
	assert_int_equal(client_id_format(id.bytes, id.len, text), CLIENT_ID_TEXT_MAX - 1);
	assert_int_equal(strlen(text), CLIENT_ID_TEXT_MAX - 1);
}

/* RFC 4390: no hardware address at all. */
static void nobody_by_chaddr(void **state)
{
	struct message message;
	struct dhcp_request request;
	struct client_id id;
	char text[CLIENT_ID_TEXT_MAX] = "junk";

	message_init_type(&message, DHCP_DISCOVER);
	message.bytes[1] = 32;
	message.bytes[2] = 0;
	message_option(&message, DHCP_OPT_CLIENT_ID, "\xff\x01", 2);
	must_parse(&request, &message);
	client_id_from_chaddr(&id, &request);
	assert_int_equal(id.len, 0);
	assert_int_equal(client_id_format(id.bytes, id.len, text), 0);
	assert_string_equal(text, "");
}

static const struct {
	const char *text; /* as it is given */
	const char *canonical;
	struct span bytes;
} good[] = {
    {"mac:08:9e:08:b5:af:01", "mac:08:9e:08:b5:af:01", {BYTES("m\x08\x9e\x08\xb5\xaf\x01")}},
    {"mac:08:9E:08:B5:AF:01", "mac:08:9e:08:b5:af:01", {BYTES("m\x08\x9e\x08\xb5\xaf\x01")}},
    {"mac:00", "mac:00", {BYTES("m\x00")}},
    {"mac:00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f",
     "mac:00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f",
     {BYTES("m\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f")}},
    {"id:0001", "id:0001", {BYTES("i\x00\x01")}},
    {"id:FFab00", "id:ffab00", {BYTES("i\xff\xab\x00")}},
};

static void text_both_ways(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct client_id id;
		char text[CLIENT_ID_TEXT_MAX];
		assert_int_equal(client_id_parse(&id, good[i].text, strlen(good[i].text)), 0);
		assert_true(client_id_equal(&id, good[i].bytes.data, good[i].bytes.len));
		assert_int_equal(client_id_format(id.bytes, id.len, text),
				 strlen(good[i].canonical));
		assert_string_equal(text, good[i].canonical);
	}
}

static const char *const bad[] = {
    "",
    "mac:",
    "id:",
    "mac",
    "id",
    "mac:0",
    "mac:0:1",
    "mac:00:",
    "mac::00",
    "mac:00-01",
    "mac:0g",
    "mac:00 ",
    " mac:00",
    "MAC:00",
    "mac:0001",
    "mac:000",
    "mac:00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10",
    "id:0",
    "id:00",
    "id:000",
    "id:00:01",
    "id:0x01",
    "id:zz00",
    "ID:0001",
    "id:0001 ",
    "08:9e:08:b5:af:01",
};

static void bad_text_changes_nothing(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct client_id id = {.len = 3, .bytes = "mAB"};
		uint8_t *text = guard_copy(bad[i], strlen(bad[i]));
		if (client_id_parse(&id, (char *)text, strlen(bad[i])) != -EINVAL)
			fail_msg("\"%s\" was accepted", bad[i]);
		assert_true(client_id_equal(&id, BYTES("mAB")));
		guard_free(text, strlen(bad[i]));
	}
}

static void length_of_id_text(void **state)
{
	char text[3 + 2 * 256] = "id:";
	struct client_id id;

	memset(text + 3, 'a', sizeof(text) - 3);
	assert_int_equal(client_id_parse(&id, text, 3 + 2 * 255), 0);
	assert_int_equal(id.len, CLIENT_ID_MAX);
	assert_int_equal(client_id_parse(&id, text, sizeof(text)), -EINVAL);
}

static void nothing_but_the_two_kinds_has_text(void **state)
{
	char text[CLIENT_ID_TEXT_MAX];

	assert_int_equal(client_id_format(BYTES("x\x01\x02"), text), 0);
	assert_int_equal(client_id_format(BYTES("m"), text), 0);
	assert_int_equal(client_id_format(BYTES("m0123456789abcdefg"), text), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(from_request),
	    cmocka_unit_test(longest_option),
	    cmocka_unit_test(nobody_by_chaddr),
	    cmocka_unit_test(text_both_ways),
	    cmocka_unit_test(bad_text_changes_nothing),
	    cmocka_unit_test(length_of_id_text),
	    cmocka_unit_test(nothing_but_the_two_kinds_has_text),
	};

	return cmocka_run_group_tests_name("client_id", tests, NULL, NULL);
}
