/* SPDX-License-Identifier: MIT */
/* What clients send, read by the server's frame parser, which was written apart from it. */
#include "net/frame.h"
#include "net/port.h"
#include "perf/dhcp.h"
#include "perf/message.h"
#include "scene.h"
#include "unit.h"

static const struct message_values values = {
    .src_mac = {2, 0, 0, 0, 0, 9},
    .dst_mac = {2, 0, 0, 0, 0, 1},
    .chaddr = {2, 0, 0, 0, 0xab, 0xcd},
    .vlan = 100,
    .outer_vlan = 200,
    .src = 0x0a010203,
    .dst = 0x0a000001,
    .xid = 0x12345678,
    .secs = 77,
    .ciaddr = 0x0a010203,
    .giaddr = 0x0a640001,
    .requested = 0x0a010204,
    .server = 0x0a000001,
    .subscriber = 0xbeef,
    .relay = 0x1f,
};

struct made {
	uint8_t bytes[MESSAGE_FRAME_MAX];
	uint32_t len;
	struct packet packet;
	const struct dhcp_message *dhcp;
};

static void make(struct made *made, const struct message_style *style, enum message_kind kind)
{
	struct message_template template;
	struct frame frame = {.data = made->bytes, .cap = sizeof(made->bytes)};

	message_make_template(&template, style, kind);
	made->len = frame.len = message_write(&template, &values, made->bytes);
	assert_int_equal(packet_parse(&made->packet, &frame), STEER_OK);
	made->dhcp = (const void *)made->packet.payload;
	assert_true(made->packet.payload_len >= 300);
	assert_int_equal(made->dhcp->xid, htobe32(values.xid));
	assert_int_equal(made->dhcp->secs, htobe16(77));
	assert_memory_equal(made->dhcp->chaddr, values.chaddr, 6);
}

static void assert_option(const struct made *made, uint8_t code, const void *data, uint8_t len)
{
	uint8_t found_len;
	const uint8_t *found = scene_option(made->bytes, made->len, code, &found_len);

	if (!data) {
		assert_null(found);
		return;
	}
	assert_non_null(found);
	assert_int_equal(found_len, len);
	assert_memory_equal(found, data, len);
}

static void test_kinds_carry_what_the_rfc_asks_for(void **state)
{
	static const struct {
		enum message_kind kind;
		uint8_t type;
		bool requested, server, parameters;
	} table[] = {
	    {MESSAGE_DISCOVER, 1, false, false, true}, {MESSAGE_SELECT, 3, true, true, true},
	    {MESSAGE_RENEW, 3, false, false, true},    {MESSAGE_REBIND, 3, false, false, true},
	    {MESSAGE_REBOOT, 3, true, false, true},    {MESSAGE_RELEASE, 7, false, true, false},
	};
	const struct message_style style = {.client_id = true};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct made made;
		uint8_t len;

		make(&made, &style, table[i].kind);
		assert_option(&made, 53, &table[i].type, 1);
		assert_option(&made, 61, "\x01\x02\x00\x00\x00\xab\xcd", 7);
		assert_option(&made, 50, table[i].requested ? "\x0a\x01\x02\x04" : NULL, 4);
		assert_option(&made, 54, table[i].server ? "\x0a\x00\x00\x01" : NULL, 4);
		assert_int_equal(scene_option(made.bytes, made.len, 55, &len) != NULL,
				 table[i].parameters);
		assert_option(&made, 82, NULL, 0);
		assert_int_equal(made.packet.src_port, htobe16(68));
		assert_int_equal(made.packet.src, htobe32(values.src));
		assert_int_equal(made.packet.dst, htobe32(values.dst));
		assert_int_equal(made.dhcp->hops, 0);
	}
}

static void test_relayed_messages_carry_agent_information(void **state)
{
	const struct message_style style = {.relayed = true};
	static const uint8_t info[] = "\x01\x0d"
				      "001f-0000beef"
				      "\x02\x06\x06\x00\x00\x00\xbe\xef";
	struct message_template template;
	uint8_t told[MESSAGE_AGENT_INFO_MAX];
	struct made made;

	(void)state;
	make(&made, &style, MESSAGE_DISCOVER);
	assert_option(&made, 82, info, sizeof(info) - 1);
	assert_option(&made, 61, NULL, 0);
	assert_int_equal(made.packet.src_port, htobe16(67));
	assert_int_equal(made.dhcp->hops, 1);
	assert_int_equal(made.dhcp->giaddr, htobe32(values.giaddr));
	message_make_template(&template, &style, MESSAGE_DISCOVER);
	assert_int_equal(message_agent_info(&template, 0x1f, 0xbeef, told), sizeof(info) - 1);
	assert_memory_equal(told, info, sizeof(info) - 1);
}

static void test_renewals_go_past_the_relay_agent(void **state)
{
	const struct message_style style = {.relayed = true, .broadcast = true};
	struct made made;

	(void)state;
	make(&made, &style, MESSAGE_RENEW);
	assert_option(&made, 82, NULL, 0);
	assert_int_equal(made.packet.src_port, htobe16(68));
	assert_int_equal(made.dhcp->flags, 0);
	make(&made, &style, MESSAGE_REBIND);
	assert_int_equal(made.packet.src_port, htobe16(67));
	assert_int_equal(made.dhcp->flags, htobe16(0x8000));
}

static void test_tags(void **state)
{
	struct message_style style = {.tags = 1, .outer_tpid = 0x88a8};
	struct made made;

	(void)state;
	make(&made, &style, MESSAGE_DISCOVER);
	assert_int_equal(made.packet.vlan, 100);
	assert_int_equal(made.packet.inner_vlan, 0);
	assert_int_equal(load_be16(made.bytes + 12), 0x8100);
	style.tags = 2;
	make(&made, &style, MESSAGE_DISCOVER);
	assert_int_equal(made.packet.vlan, 200);
	assert_int_equal(made.packet.inner_vlan, 100);
	assert_int_equal(load_be16(made.bytes + 12), 0x88a8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kinds_carry_what_the_rfc_asks_for),
	    cmocka_unit_test(test_relayed_messages_carry_agent_information),
	    cmocka_unit_test(test_renewals_go_past_the_relay_agent),
	    cmocka_unit_test(test_tags),
	};

	return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
