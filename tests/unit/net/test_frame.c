/* SPDX-License-Identifier: MIT */
/* Checksums, packet_parse and packet_address against frames that sample.c builds on its own. */
#include "net/frame.h"

#include <stdlib.h>

#include "net/checksum.h"
#include "net/port.h"
#include "sample.h"
#include "unit.h"

#define SERVER_ADDRESS 0x0a060001u

static uint8_t buffer[SAMPLE_MAX];

static void fill(uint8_t *data, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525 + 1013904223;
		data[i] = (uint8_t)(seed >> 24);
	}
}

static void checksum_agrees_with_rfc1071_at_any_length_and_alignment(void **state)
{
	uint8_t data[700];

	fill(data, sizeof(data), 1);
	for (size_t offset = 0; offset < 9; offset++) {
		for (size_t len = 0; len < 650; len++) {
			be16_t sum = checksum_fold(checksum_add(data + offset, len, 0));
			assert_int_equal(be16toh(sum), sample_checksum(data + offset, len, 0));
		}
	}
}

static void checksum_carries_survive(void **state)
{
	static uint8_t ones[65536];
	uint64_t sum;

	memset(ones, 0xff, sizeof(ones));
	assert_int_equal(checksum_fold(checksum_add(ones, sizeof(ones), 0)), 0xffff);
	assert_int_equal(checksum_fold(checksum_add(ones, 65535, UINT64_MAX)), htobe16(0xff00));
	sum = checksum_add(ones, 8, UINT64_MAX - 1);
	assert_int_equal(checksum_fold(sum), checksum_fold(UINT64_MAX - 1));
	assert_int_equal(checksum_fold(0), 0);
}

static void checksum_may_be_added_in_pieces(void **state)
{
	uint8_t data[342];

	fill(data, sizeof(data), 2);
	for (size_t cut = 0; cut <= sizeof(data); cut += 2) {
		uint64_t sum = checksum_add(data, cut, 0);

		sum = checksum_add(data + cut, sizeof(data) - cut, sum);
		assert_int_equal(be16toh(checksum_fold(sum)),
				 sample_checksum(data, sizeof(data), 0));
	}
}

static const struct parse_case {
	const char *name;
	struct sample sample;
	enum steer_reason reason;
	uint16_t l3_offset, vlan, inner_vlan;
} parse_cases[] = {
    {"plain", {0}, STEER_OK, 14, 0, 0},
    {"unicast", {.dst = 0x0a060001}, STEER_OK, 14, 0, 0},
    {"any address", {.dst = 0xc0000201}, STEER_OK, 14, 0, 0},
    {"odd length", {.payload = 301}, STEER_OK, 14, 0, 0},
    {"smallest", {.payload = 240}, STEER_OK, 14, 0, 0},
    {"large", {.payload = 1472}, STEER_OK, 14, 0, 0},
    {"reassembled", {.payload = 60000}, STEER_OK, 14, 0, 0},
    {"padded", {.padding = 33}, STEER_OK, 14, 0, 0},
    {"802.1Q", {.tags = {{0x8100, 100}}}, STEER_OK, 18, 100, 0},
    {"priority bits", {.tags = {{0x8100, 0xe064}}}, STEER_OK, 18, 100, 0},
    {"priority tag", {.tags = {{0x8100, 0xe000}}}, STEER_OK, 18, 0, 0},
    {"802.1ad", {.tags = {{0x88a8, 300}}}, STEER_OK, 18, 300, 0},
    {"QinQ", {.tags = {{0x88a8, 300}, {0x8100, 7}}}, STEER_OK, 22, 300, 7},
    {"Q in Q", {.tags = {{0x8100, 4094}, {0x8100, 4095}}}, STEER_OK, 22, 4094, 4095},
    {"three tags", {.tags = {{0x88a8, 1}, {0x8100, 2}, {0x8100, 3}}}, STEER_NOT_IPV4, 0, 0, 0},
    {"options of 4", {.ihl = 6}, STEER_OK, 14, 0, 0},
    {"options of 40", {.ihl = 15}, STEER_OK, 14, 0, 0},
    {"tag and options", {.tags = {{0x8100, 9}}, .ihl = 7}, STEER_OK, 18, 9, 0},
    {"IHL 4", {.ihl = 4}, STEER_IP_HEADER, 0, 0, 0},
    {"first fragment", {.fragment = 0x2000}, STEER_FRAGMENT, 0, 0, 0},
    {"later fragment", {.fragment = 1}, STEER_FRAGMENT, 0, 0, 0},
    {"may not fragment", {.fragment = 0x4000}, STEER_OK, 14, 0, 0},
    {"IP checksum", {.wrong_ip_sum = true}, STEER_CHECKSUM, 0, 0, 0},
    {"IP checksum, options", {.ihl = 8, .wrong_ip_sum = true}, STEER_CHECKSUM, 0, 0, 0},
    {"UDP checksum", {.udp_sum = SUM_WRONG}, STEER_CHECKSUM, 0, 0, 0},
    {"UDP checksum, odd", {.payload = 341, .udp_sum = SUM_WRONG}, STEER_CHECKSUM, 0, 0, 0},
    {"no UDP checksum", {.udp_sum = SUM_NONE}, STEER_OK, 14, 0, 0},
    {"left to hardware", {.udp_sum = SUM_PARTIAL}, STEER_OK, 14, 0, 0},
    {"UDP shorter than IP", {.udp_len_lie = -20, .udp_sum = SUM_NONE}, STEER_OK, 14, 0, 0},
    {"UDP longer than IP", {.udp_len_lie = 1}, STEER_LENGTH, 0, 0, 0},
};

static void check_parse(const struct parse_case *c)
{
	size_t len = sample_build(&c->sample, buffer), payload;
	uint8_t *exact = malloc(len); /* so that a sanitizer sees any byte too far */
	struct packet packet = {.l3_offset = 0xdead};
	struct frame frame = {.data = exact, .len = (uint32_t)len, .cap = (uint32_t)len};
	enum steer_reason reason;

	memcpy(exact, buffer, len);
	reason = packet_parse(&packet, &frame);
	if (reason != c->reason)
		fail_msg("%s: %s instead of %s", c->name, steer_reason_name(reason),
			 steer_reason_name(c->reason));
	if (reason == STEER_OK) {
		size_t header = c->sample.ihl ? c->sample.ihl * 4u : 20;

		payload = c->sample.payload ? c->sample.payload : SAMPLE_PAYLOAD;
		assert_int_equal(packet.l3_offset, c->l3_offset);
		assert_int_equal(packet.vlan, c->vlan);
		assert_int_equal(packet.inner_vlan, c->inner_vlan);
		assert_int_equal((size_t)(packet.payload - exact), c->l3_offset + header + 8);
		assert_int_equal((int)packet.payload_len, (int)payload + c->sample.udp_len_lie);
		assert_int_equal(be32toh(packet.src), SAMPLE_SOURCE);
		assert_int_equal(be32toh(packet.dst),
				 c->sample.dst ? c->sample.dst : SAMPLE_BROADCAST);
		assert_int_equal(be16toh(packet.src_port), 68);
		assert_int_equal(be16toh(packet.dst_port), 67);
	} else {
		assert_int_equal(packet.l3_offset, 0xdead);
	}
	free(exact);
}

static void frames_parse_as_the_table_says(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(parse_cases); i++)
		check_parse(&parse_cases[i]);
}

static void no_frame_is_read_past_its_end(void **state)
{
	const struct sample samples[] = {
	    {0}, {.ihl = 15}, {.tags = {{0x88a8, 300}, {0x8100, 7}}}, {.tags = {{0x8100, 7}}}};

	for (size_t s = 0; s < ARRAY_SIZE(samples); s++) {
		size_t whole = sample_build(&samples[s], buffer);

		for (size_t len = 0; len < whole; len++) {
			uint8_t *exact = malloc(len ? len : 1);
			struct frame frame = {.data = exact, .len = (uint32_t)len};
			struct packet packet;

			memcpy(exact, buffer, len);
			assert_int_not_equal(packet_parse(&packet, &frame), STEER_OK);
			free(exact);
		}
	}
}

static void a_checksum_that_comes_out_as_zero_is_right_as_ffff(void **state)
{
	struct frame frame = {.data = buffer};
	struct packet packet;
	unsigned found = 0;

	for (uint32_t xid = 0; xid < 0x20000 && found < 2; xid++) {
		const struct sample sample = {.xid = xid};

		frame.len = (uint32_t)sample_build(&sample, buffer);
		if (load_be16(buffer + 40) != 0xffff)
			continue;
		assert_int_equal(packet_parse(&packet, &frame), STEER_OK);
		found++;
	}
	assert_int_equal(found, 2);
}

static struct port port = {.mtu = 1500, .mac = {2, 0, 0, 0, 0, 1}};

/* Parses the sample in a frame buffer of @p cap bytes at an odd address. */
static struct packet parse(const struct sample *sample, uint32_t cap)
{
	struct frame frame = {.data = buffer + 1, .cap = cap, .port = &port};
	struct packet packet;

	frame.len = (uint32_t)sample_build(sample, frame.data);
	assert_int_equal(packet_parse(&packet, &frame), STEER_OK);
	return packet;
}

static void assert_reply(const struct packet *packet, const struct packet_reply *reply)
{
	const uint8_t *ip = packet->frame.data + packet->l3_offset, *udp = ip + 20;
	size_t udp_len = 8 + reply->payload_len;
	uint32_t pseudo = sample_checksum(ip + 12, 8, 17 + (uint32_t)udp_len);

	assert_int_equal(packet->frame.len, packet->l3_offset + 20 + udp_len);
	assert_memory_equal(packet->frame.data + 6, port.mac, 6);
	assert_int_equal(ip[0], 0x45);
	assert_int_equal(ip[1], 0);
	assert_int_equal(load_be16(ip + 2), 20 + udp_len);
	assert_int_equal(load_be32(ip + 4), 0x4000); /* id 0, don't fragment */
	assert_int_equal(ip[8], 64);
	assert_int_equal(ip[9], 17);
	assert_int_equal(sample_checksum(ip, 20, 0), 0xffff);
	assert_int_equal(load_be32(ip + 12), reply->src);
	assert_int_equal(load_be32(ip + 16), reply->dst);
	assert_int_equal(load_be16(udp), 67);
	assert_int_equal(load_be16(udp + 2), reply->dst_port);
	assert_int_equal(load_be16(udp + 4), udp_len);
	assert_int_not_equal(load_be16(udp + 6), 0);
	assert_int_equal(sample_checksum(udp, udp_len, pseudo), 0xffff);
}

static void replies_go_back_the_way_the_request_came(void **state)
{
	static const struct sample samples[] = {
	    {0},
	    {.payload = 333},
	    {.tags = {{0x8100, 0x6064}}},
	    {.tags = {{0x88a8, 300}, {0x8100, 7}}},
	    {.ihl = 9, .tags = {{0x8100, 100}}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		struct packet packet = parse(&samples[i], 2000);
		struct packet_reply reply = {.src = SERVER_ADDRESS,
					     .dst = SAMPLE_SOURCE,
					     .dst_port = 67,
					     .to_source = true,
					     .payload_len = 271};
		uint8_t tags[8];

		memcpy(tags, packet.frame.data + 12, packet.l3_offset - 14u);
		packet_payload_home(&packet);
		packet_address(&packet, &reply);
		packet_seal(&packet);
		assert_reply(&packet, &reply);
		assert_memory_equal(packet.frame.data, ((uint8_t[]){2, 0, 0, 0, 0, 2}), 6);
		assert_memory_equal(packet.frame.data + 12, tags, packet.l3_offset - 14u);
	}
}

static void replies_go_to_the_hardware_address_given(void **state)
{
	const uint8_t mac[6] = {8, 0x9e, 8, 0xb5, 0xaf, 1};
	struct packet packet = parse(&(struct sample){0}, 2000);
	struct packet_reply reply = {
	    .src = SERVER_ADDRESS, .dst = 0x0a060105, .dst_port = 68, .payload_len = 300};

	memcpy(reply.dst_mac, mac, sizeof(mac));
	packet_address(&packet, &reply);
	packet_seal(&packet);
	assert_reply(&packet, &reply);
	assert_memory_equal(packet.frame.data, mac, sizeof(mac));
}

/* RFC 768: a sum of zero goes out as all ones. Some identifier among 65,536 gives it. */
static void replies_never_say_that_they_have_no_checksum(void **state)
{
	struct packet packet = parse(&(struct sample){0}, 2000);
	struct packet_reply reply = {
	    .src = SERVER_ADDRESS, .dst = 0x0a060105, .dst_port = 68, .payload_len = 300};
	unsigned ones = 0;

	for (uint32_t id = 0; id < 0x10000; id++) {
		store_be16(packet.payload + 6, (uint16_t)id);
		packet_address(&packet, &reply);
		packet_seal(&packet);
		ones += load_be16(packet.payload - 2) == 0xffff;
		assert_int_not_equal(load_be16(packet.payload - 2), 0);
	}
	assert_in_range(ones, 1, 2);
	assert_reply(&packet, &reply);
}

static void a_payload_behind_options_moves_home(void **state)
{
	struct packet packet = parse(&(struct sample){.ihl = 15, .xid = 0x12345678}, 2000);
	uint8_t before[SAMPLE_PAYLOAD];
	uint8_t *home;

	memcpy(before, packet.payload, sizeof(before));
	home = packet_payload_home(&packet);
	assert_ptr_equal(home, packet.frame.data + 14 + 28);
	assert_ptr_equal(packet.payload, home);
	assert_memory_equal(home, before, sizeof(before));
	assert_ptr_equal(packet_payload_home(&packet), home);
}

static void room_ends_with_the_buffer_or_the_mtu(void **state)
{
	struct packet packet = parse(&(struct sample){0}, 1000);

	assert_int_equal(packet_room(&packet), 1000 - 42);
	packet = parse(&(struct sample){0}, 4000);
	assert_int_equal(packet_room(&packet), 1500 - 28);
	packet = parse(&(struct sample){.tags = {{0x8100, 1}}}, 4000);
	assert_int_equal(packet_room(&packet), 1500 - 28);
	packet.frame.port = NULL;
	assert_int_equal(packet_room(&packet), 4000 - 46);
}

static void every_reason_has_a_text(void **state)
{
	for (int i = 0; i < STEER_REASON_COUNT; i++)
		assert_non_null(steer_reason_name((enum steer_reason)i));
	assert_string_equal(steer_reason_name(STEER_CHECKSUM), "bad-checksum");
	for (int i = 0; i < PORT_KIND_COUNT; i++)
		assert_non_null(port_kind_name((enum port_kind)i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(checksum_agrees_with_rfc1071_at_any_length_and_alignment),
	    cmocka_unit_test(checksum_carries_survive),
	    cmocka_unit_test(checksum_may_be_added_in_pieces),
	    cmocka_unit_test(frames_parse_as_the_table_says),
	    cmocka_unit_test(no_frame_is_read_past_its_end),
	    cmocka_unit_test(a_checksum_that_comes_out_as_zero_is_right_as_ffff),
	    cmocka_unit_test(replies_go_back_the_way_the_request_came),
	    cmocka_unit_test(replies_go_to_the_hardware_address_given),
	    cmocka_unit_test(replies_never_say_that_they_have_no_checksum),
	    cmocka_unit_test(a_payload_behind_options_moves_home),
	    cmocka_unit_test(room_ends_with_the_buffer_or_the_mtu),
	    cmocka_unit_test(every_reason_has_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
