/* SPDX-License-Identifier: MIT */
/* What arrives at a port and what does not, and what it tells of that. */
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "port_bed.h"
#include "unit.h"

/* Tags and their order as the client sent them, whoever took one out on the way. */
static void tags_arrive_inside_the_frame(void **state)
{
	static const struct sample samples[] = {
	    {.tags = {{0x8100, 0x6064}}},
	    {.tags = {{0x88a8, 300}, {0x8100, 0x2007}}},
	    {.tags = {{0x8100, 100}, {0x8100, 7}}},
	};

	for (enum mode mode = PACKET; mode <= NATIVE; mode++) {
		struct port_bed bed;

		port_bed_begin(&bed, mode);
		for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
			uint8_t sent[2048];
			size_t len = sample_build(&samples[i], sent);
			struct frame frame;

			echo_send(bed.client, sent, len);
			port_bed_take(&bed, &frame);
			assert_int_equal(frame.len, len);
			assert_memory_equal(frame.data, sent, len);
			port_drop(frame.port, &frame, 1);
		}
		port_bed_end(&bed);
	}
}

/* Sends what is not for the port, then a request as a canary: it must be the first to arrive. */
static void refused_frames_never_reach_the_worker(void **state)
{
	static const struct {
		struct sample sample;
		enum steer_reason reason;
	} refused[] = {
	    {{.dst = LAB_ADDRESS + 1}, STEER_ADDRESS},
	    {{.tags = {{0x8100, 101}}}, STEER_VLAN},
	    {{.tags = {{0x8100, 100}, {0x8100, 1}, {0x8100, 2}}}, STEER_NOT_IPV4},
	    {{.op = 2}, STEER_NOT_DHCP},
	    {{.wrong_magic = true}, STEER_NOT_DHCP},
	    {{.udp_len_lie = 1}, STEER_LENGTH},
	    {{.payload = 100}, STEER_NOT_DHCP},
	};

	for (enum mode mode = PACKET; mode <= NATIVE; mode++) {
		struct port_bed bed;
		const counter_t *counters;
		struct frame frame;

		port_bed_begin(&bed, mode);
		counters = bed.ports[bed.n_ports - 1]->refused;
		for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
			send_sample(bed.client, &refused[i].sample);
		send_sample(bed.client, &(struct sample){.xid = 77});
		port_bed_assert_next(&bed, 77);
		/* What XDP passed on is looked at once more by the AF_PACKET port. */
		assert_false(echo_take(bed.ports, bed.n_ports, &frame, 0));
		for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
			assert_int_not_equal(counter_read(&counters[refused[i].reason]), 0);
		port_bed_end(&bed);
	}
}

static void frames_for_other_hosts_are_ignored(void **state)
{
	struct port_bed bed;
	uint8_t sent[2048];
	size_t len = sample_build(&(struct sample){.dst = LAB_ADDRESS}, sent);

	port_bed_begin(&bed, PACKET);
	lab_run("ip link set " LAB_SERVER " promisc on");
	sent[5] = 9;
	echo_send(bed.client, sent, len);
	send_sample(bed.client, &(struct sample){.dst = LAB_ADDRESS, .xid = 77});
	port_bed_assert_next(&bed, 77);
	port_bed_end(&bed);
}

static void ip_options_go_to_the_packet_socket(void **state)
{
	for (enum mode mode = PACKET; mode <= NATIVE; mode++) {
		const struct sample sample = {.ihl = 9, .tags = {{0x8100, 100}}, .xid = 5};
		struct port_bed bed;
		struct frame frame;
		struct packet packet;

		port_bed_begin(&bed, mode);
		send_sample(bed.client, &sample);
		port_bed_take(&bed, &frame);
		assert_int_equal(frame.port->kind, PORT_PACKET);
		assert_int_equal(packet_parse(&packet, &frame), STEER_OK);
		assert_int_equal(packet.vlan, 100);
		assert_int_equal(load_be32(packet_payload_home(&packet) + 4), 5);
		port_drop(frame.port, &frame, 1);
		port_bed_end(&bed);
	}
}

static void fragments_arrive_as_one_frame(void **state)
{
	for (enum mode mode = PACKET; mode <= NATIVE; mode++) {
		const struct sample sample = {.payload = 1900, .xid = 0x77};
		struct port_bed bed;
		struct frame frame;
		struct packet packet;

		port_bed_begin(&bed, mode);
		port_bed_send_fragments(&bed, &sample, 1480);
		port_bed_take(&bed, &frame);
		assert_int_equal(frame.port->kind, PORT_PACKET);
		assert_int_equal(packet_parse(&packet, &frame), STEER_OK);
		assert_int_equal(packet.payload_len, 1900);
		assert_int_equal(load_be32(packet.payload + 4), 0x77);
		port_drop(frame.port, &frame, 1);
		port_bed_end(&bed);
	}
}

static void a_frame_longer_than_the_buffer_is_counted(void **state)
{
	struct port_bed bed;

	port_bed_begin(&bed, PACKET);
	port_bed_send_fragments(&bed, &(struct sample){.payload = 5000}, 1480);
	send_sample(bed.client, &(struct sample){.xid = 77});
	port_bed_assert_next(&bed, 77);
	assert_int_equal(counter_read(&bed.ports[0]->counters.rx_truncated), 1);
	port_bed_end(&bed);
}

/* From a UDP socket across veth, checksums are left to hardware that is not there. */
static void requests_from_sockets_on_this_machine_are_accepted(void **state)
{
	const struct sockaddr_in server = {
	    .sin_family = AF_INET,
	    .sin_port = htobe16(67),
	    .sin_addr.s_addr = htobe32(LAB_ADDRESS),
	};

	for (enum mode mode = PACKET; mode <= NATIVE; mode++) {
		uint8_t sent[2048];
		size_t len = sample_build(&(struct sample){.xid = 9}, sent);
		struct packet packet;
		struct port_bed bed;
		struct frame frame;
		int fd;

		port_bed_begin(&bed, mode);
		lab_enter_client();
		fd = socket(AF_INET, SOCK_DGRAM, 0);
		lab_enter_server();
		assert_int_equal(sendto(fd, sent + 42, len - 42, 0,
					(const struct sockaddr *)&server, sizeof(server)),
				 len - 42);
		port_bed_take(&bed, &frame);
		assert_int_equal(packet_parse(&packet, &frame), STEER_OK);
		/* Otherwise the case tested is not the case met. */
		packet.payload[100] ^= 1;
		assert_int_equal(packet_parse(&packet, &frame), STEER_OK);
		port_drop(frame.port, &frame, 1);
		close(fd);
		port_bed_end(&bed);
	}
}

/* Waits until the program has steered so many, then takes up to @max; how many. */
static size_t take(struct port_bed *bed, const struct steer_queue *queue, uint64_t steered, size_t max)
{
	struct frame frames[16];
	struct pollfd ready = {.fd = bed->ports[0]->fd, .events = POLLIN};
	size_t n;

	for (int i = 0; __atomic_load_n(&queue->steered, __ATOMIC_RELAXED) < steered; i++) {
		assert_in_range(i, 0, LAB_PATIENCE_MS);
		poll(NULL, 0, 1);
	}
	poll(&ready, 1, LAB_PATIENCE_MS);
	n = port_receive(bed->ports[0], frames, max);
	port_drop(bed->ports[0], frames, n);
	return n;
}

/* Frame by frame, and all when the ring is empty, even what never arrived. */
static void what_was_taken_is_told_to_the_program(void **state)
{
	for (enum mode mode = GENERIC; mode <= NATIVE; mode++) {
		struct port_bed bed;
		struct steer_queue *queue;
		uint64_t taken = 0;

		port_bed_begin(&bed, mode);
		queue = program_queue(bed.program, 0);
		assert_non_null(queue);
		xdp_port_account_to(bed.ports[0], queue);
		for (uint32_t i = 0; i < 10; i++)
			send_sample(bed.client, &(struct sample){.xid = i});
		while (taken < 10) {
			taken += take(&bed, queue, 10, 4);
			assert_int_equal(queue->taken, taken);
		}
		queue->steered += 7; /* lost on the way */
		assert_int_equal(port_receive(bed.ports[0], &(struct frame){0}, 1), 0);
		assert_int_equal(queue->taken, 17);
		port_bed_end(&bed);
	}
}

/* Whoever wants to know for how long a frame can have lain unread: not while there may be more behind it. */
static void port_tells_when_nothing_is_left(void **state)
{
	for (enum mode mode = PACKET; mode <= NATIVE; mode++) {
		struct port_bed bed;
		struct port *port;
		struct frame frames[2];
		size_t taken = 0, full = 0, n;

		port_bed_begin(&bed, mode);
		port = bed.ports[0];
		for (uint32_t xid = 0; xid < 10; xid++)
			send_sample(bed.client, &(struct sample){.xid = xid});
		for (int wait = 0; taken < 10 || !port->emptied; wait++) {
			assert_in_range(wait, 0, LAB_PATIENCE_MS);
			n = port_receive(port, frames, 2);
			port_drop(port, frames, n);
			taken += n;
			full += n == 2;
			assert_false(n == 2 && port->emptied);
			if (n < 2)
				poll(NULL, 0, 1);
		}
		assert_int_equal(taken, 10);
		assert_true(full > 0);
		port_bed_end(&bed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tags_arrive_inside_the_frame),
	    cmocka_unit_test(refused_frames_never_reach_the_worker),
	    cmocka_unit_test(frames_for_other_hosts_are_ignored),
	    cmocka_unit_test(ip_options_go_to_the_packet_socket),
	    cmocka_unit_test(fragments_arrive_as_one_frame),
	    cmocka_unit_test(a_frame_longer_than_the_buffer_is_counted),
	    cmocka_unit_test(requests_from_sockets_on_this_machine_are_accepted),
	    cmocka_unit_test(what_was_taken_is_told_to_the_program),
	    cmocka_unit_test(port_tells_when_nothing_is_left),
	};

	if (!lab_may_begin())
		return lab_skip_all("makes network namespaces, which needs root");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
