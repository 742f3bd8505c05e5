/* SPDX-License-Identifier: MIT */
#include "port_bed.h"

#include <unistd.h>

#include "unit.h"

static uint64_t vlans[STEER_VLAN_WORDS] = {1, 1ull << (100 - 64), [300 / 64] = 1ull << 300 % 64};

static void set_addresses(struct port_bed *bed)
{
	const uint32_t ours[] = {LAB_ADDRESS, 0x0a06ffff};

	assert_int_equal(address_book_replace(&bed->book, ours, ARRAY_SIZE(ours)), 0);
	for (size_t i = 0; bed->program && i < ARRAY_SIZE(ours); i++)
		assert_int_equal(program_add_address(bed->program, ours[i]), 0);
}

static void open_packet(struct port_bed *bed, const struct link_info *link)
{
	const struct packet_port_options options = {
	    .link = link, .vlans = vlans, .addresses = &bed->book, .frames = FRAMES};

	assert_int_equal(packet_port_open(&options, &bed->ports[bed->n_ports++]), 0);
}

static void open_xdp(struct port_bed *bed, const struct link_info *link, bool generic)
{
	const struct program_options program = {.queues = link->rx_queues, .vlans = vlans};
	const struct xdp_port_options options = {
	    .link = link,
	    .kind = generic ? PORT_XDP_GENERIC : PORT_XDP_COPY,
	    .frames = FRAMES,
	};
	struct config_error error = {""};

	bed->program = program_new(&program);
	assert_non_null(bed->program);
	if (program_attach(bed->program, link, generic, &error) != 0)
		fail_msg("%s", error.text);
	assert_int_equal(xdp_port_open(&options, &bed->ports[bed->n_ports++]), 0);
	assert_int_equal(program_set_socket(bed->program, 0, bed->ports[0]->fd), 0);
}

void port_bed_open(struct port_bed *bed, const struct link_info *link, enum mode mode)
{
	*bed = (struct port_bed){.client = lab_client_socket()};
	if (mode != PACKET)
		open_xdp(bed, link, mode == GENERIC);
	open_packet(bed, link);
	set_addresses(bed);
}

void port_bed_begin(struct port_bed *bed, enum mode mode)
{
	struct link_info link;

	lab_begin(1);
	link = lab_server_link();
	port_bed_open(bed, &link, mode);
}

void port_bed_end(struct port_bed *bed)
{
	for (size_t i = 0; i < bed->n_ports; i++)
		port_close(bed->ports[i]);
	program_free(bed->program);
	address_book_fini(&bed->book);
	close(bed->client);
	lab_end();
}

void port_bed_take(struct port_bed *bed, struct frame *frame)
{
	assert_true(echo_take(bed->ports, bed->n_ports, frame, LAB_PATIENCE_MS));
}

void port_bed_assert_next(struct port_bed *bed, uint32_t xid)
{
	struct frame frame;

	port_bed_take(bed, &frame);
	assert_int_equal(load_be32(frame.data + 46), xid);
	port_drop(frame.port, &frame, 1);
}

void port_bed_send_fragments(struct port_bed *bed, const struct sample *sample, size_t first)
{
	uint8_t whole[SAMPLE_MAX], part[SAMPLE_MAX];
	size_t total = sample_build(sample, whole) - 34;

	for (size_t at = 0; at < total; at += first) {
		size_t len = min_size(first, total - at);
		bool last = at + len == total;
		uint8_t *ip = part + 14;

		memcpy(part, whole, 34);
		memcpy(part + 34, whole + 34 + at, len);
		store_be16(ip + 2, (uint16_t)(20 + len));
		store_be16(ip + 6, (uint16_t)(at / 8) | (last ? 0 : 0x2000));
		store_be16(ip + 10, 0);
		store_be16(ip + 10, (uint16_t)~sample_checksum(ip, 20, 0));
		echo_send(bed->client, part, 34 + len);
	}
}
