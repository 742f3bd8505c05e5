/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "dhcp/load_hash.h"

/* Computed by a Python program of its own, from the text of RFC 3074. */
static const struct {
	const char *key;
	size_t len;
	uint8_t bucket;
} vectors[] = {
	{"", 0, 0},
	{"\x00", 1, 175},
	{"\x01", 1, 251},
	{"\x02\x00\x00\x00\x00\x01", 6, 133},
	{"\x08\x9e\x08\xb5\xaf\x01", 6, 31},
	{"\x01\x08\x9e\x08\xb5\xaf\x01", 7, 156},
	{"client", 6, 155},
	{"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f", 16, 155},
	{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16, 105},
};

static void agrees_with_the_rfc(void **state)
{
	uint8_t longest[255];

	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		assert_int_equal(load_hash((const uint8_t *)vectors[i].key, vectors[i].len),
				 vectors[i].bucket);
	memset(longest, 0xa5, sizeof(longest));
	assert_int_equal(load_hash(longest, sizeof(longest)), 23);
}

/* One byte goes through the table once: no two bytes to one bucket, or a number is wrong in it. */
static void every_number_is_in_the_table_once(void **state)
{
	bool seen[256] = {false};

	for (unsigned i = 0; i < 256; i++) {
		uint8_t byte = (uint8_t)i, bucket = load_hash(&byte, 1);

		assert_false(seen[bucket]);
		seen[bucket] = true;
	}
}

/* Option 61 with its type, else chaddr as long as hlen says; never our own byte of kind. */
static void is_taken_of_what_names_the_client(void **state)
{
	struct message message;
	struct dhcp_request request;
	struct client_id id;

	message_init_type(&message, DHCP_DISCOVER); /* from 08:9e:08:b5:af:01 */
	must_parse(&request, &message);
	client_id_from_request(&id, &request);
	assert_int_equal(load_hash_client(&id), 31);

	message_option(&message, DHCP_OPT_CLIENT_ID, "\x01\x08\x9e\x08\xb5\xaf\x01", 7);
	must_parse(&request, &message);
	client_id_from_request(&id, &request);
	assert_int_equal(load_hash_client(&id), 156);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_rfc),
		cmocka_unit_test(every_number_is_in_the_table_once),
		cmocka_unit_test(is_taken_of_what_names_the_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
