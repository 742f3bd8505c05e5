/* SPDX-License-Identifier: MIT */
/* Ports on a veth pair: every frame exactly once, every chunk accounted for, whatever the order. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "echo.h"
#include "lab.h"
#include "net/packet_port.h"
#include "net/program.h"
#include "net/xdp_port.h"
#include "unit.h"

#define FRAMES 1024

/* What the server has on srv0 in a test. */
struct setup {
	struct program *program;
	struct port *ports[2]; /* the AF_XDP one if there is one, then AF_PACKET */
	size_t n_ports;
	struct address_book book;
	int client;
};

static uint64_t vlans[STEER_VLAN_WORDS] = {1, 1ull << (100 - 64), [300 / 64] = 1ull << 300 % 64};

static void set_addresses(struct setup *setup)
{
	const uint32_t ours[] = {LAB_ADDRESS, 0x0a06ffff};

	assert_int_equal(address_book_replace(&setup->book, ours, ARRAY_SIZE(ours)), 0);
	for (size_t i = 0; setup->program && i < ARRAY_SIZE(ours); i++)
		assert_int_equal(program_add_address(setup->program, ours[i]), 0);
}

static void open_packet(struct setup *setup, const struct link_info *link)
{
	const struct packet_port_options options = {
	    .link = link, .vlans = vlans, .addresses = &setup->book, .frames = FRAMES};

	assert_int_equal(packet_port_open(&options, &setup->ports[setup->n_ports++]), 0);
}

static void open_xdp(struct setup *setup, const struct link_info *link, bool generic)
{
	const struct program_options program = {.queues = link->rx_queues, .vlans = vlans};
	const struct xdp_port_options options = {
	    .link = link,
	    .kind = generic ? PORT_XDP_GENERIC : PORT_XDP_COPY,
	    .frames = FRAMES,
	};
	struct config_error error = {""};

	setup->program = program_new(&program);
	assert_non_null(setup->program);
	if (program_attach(setup->program, link, generic, &error) != 0)
		fail_msg("%s", error.text);
	assert_int_equal(xdp_port_open(&options, &setup->ports[setup->n_ports++]), 0);
	assert_int_equal(program_set_socket(setup->program, 0, setup->ports[0]->fd), 0);
}

enum mode { PACKET, GENERIC, NATIVE };

static void begin(struct setup *setup, enum mode mode)
{
	struct link_info link;

	lab_begin(1);
	link = lab_server_link();
	*setup = (struct setup){.client = lab_client_socket()};
	if (mode != PACKET)
		open_xdp(setup, &link, mode == GENERIC);
	open_packet(setup, &link);
	set_addresses(setup);
}

static void end(struct setup *setup)
{
	for (size_t i = 0; i < setup->n_ports; i++)
		port_close(setup->ports[i]);
	program_free(setup->program);
	address_book_fini(&setup->book);
	close(setup->client);
	lab_end();
}

static void assert_account(const struct port *port, uint32_t lent)
{
	struct xdp_port_account account;

	if (port->kind == PORT_PACKET) {
		assert_int_equal(packet_port_free(port) + lent, FRAMES);
		return;
	}
	account = xdp_port_account(port);
	assert_int_equal(account.free + account.filling + account.lent + account.sending, FRAMES);
	assert_int_equal(account.lent, lent);
}

/* The kernel may still be sending the last frames: flushing takes back what has left. */
static void assert_all_back(struct port *port)
{
	for (int i = 0; port->kind != PORT_PACKET && xdp_port_account(port).sending; i++) {
		struct pollfd none = {.fd = -1};

		assert_in_range(i, 0, LAB_PATIENCE_MS);
		port_flush(port);
		poll(&none, 1, 1);
	}
	assert_account(port, 0);
}

static void run_echo(enum mode mode, const struct sample *sample, unsigned requests, unsigned hold)
{
	struct setup setup;
	struct echo echo;

	begin(&setup, mode);
	echo = (struct echo){
	    .ports = setup.ports,
	    .n_ports = setup.n_ports,
	    .client = setup.client,
	    .requests = requests,
	    .batch = 48,
	    .hold = hold,
	    .drop_every = 16,
	};
	echo_run(&echo, sample);
	assert_int_equal(echo.received, requests);
	assert_int_equal(echo.echoed + echo.dropped, requests);
	assert_in_range(echo.dropped, 1, requests / 8);
	assert_int_equal(echo.duplicates, 0);
	assert_int_equal(echo.strangers, 0);
	/* All on the port they belong to: what XDP redirects is never seen by AF_PACKET. */
	assert_int_equal(echo.by_port[0], requests);
	for (size_t i = 0; i < setup.n_ports; i++) {
		const struct port_counters *counters = &setup.ports[i]->counters;

		assert_all_back(setup.ports[i]);
		assert_int_equal(counter_read(&counters->tx_full), 0);
		assert_int_equal(counter_read(&counters->tx_errors), 0);
		assert_int_equal(counter_read(&counters->rx_frames), i == 0 ? requests : 0);
		assert_int_equal(counter_read(&counters->tx_frames), i == 0 ? echo.echoed : 0);
	}
	end(&setup);
}

static void native_xdp_echoes_every_frame_once(void **state)
{
	run_echo(NATIVE, &(struct sample){0}, 10000, 400);
}

static void generic_xdp_echoes_every_frame_once(void **state)
{
	run_echo(GENERIC, &(struct sample){0}, 10000, 400);
}

static void packet_socket_echoes_every_frame_once(void **state)
{
	run_echo(PACKET, &(struct sample){0}, 10000, 400);
}

static void tagged_frames_go_both_ways(void **state)
{
	for (enum mode mode = PACKET; mode <= NATIVE; mode++) {
		run_echo(mode, &(struct sample){.tags = {{0x8100, 100}}}, 300, 20);
		run_echo(mode, &(struct sample){.tags = {{0x88a8, 300}}, .payload = 301}, 300, 0);
	}
}

static void send_sample(struct setup *setup, const struct sample *sample)
{
	uint8_t frame[SAMPLE_MAX];

	echo_send(setup->client, frame, sample_build(sample, frame));
}

/* Tags and their order as the client sent them, whoever took one out on the way. */
static void tags_arrive_inside_the_frame(void **state)
{
	static const struct sample samples[] = {
	    {.tags = {{0x8100, 0x6064}}},
	    {.tags = {{0x88a8, 300}, {0x8100, 0x2007}}},
	    {.tags = {{0x8100, 100}, {0x8100, 7}}},
	};

	for (enum mode mode = PACKET; mode <= NATIVE; mode++) {
		struct setup setup;

		begin(&setup, mode);
		for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
			uint8_t sent[2048];
			size_t len = sample_build(&samples[i], sent);
			struct frame frame;

			echo_send(setup.client, sent, len);
			assert_true(echo_take(setup.ports, setup.n_ports, &frame, LAB_PATIENCE_MS));
			assert_int_equal(frame.len, len);
			assert_memory_equal(frame.data, sent, len);
			port_drop(frame.port, &frame, 1);
		}
		end(&setup);
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
		struct setup setup;
		const counter_t *counters;
		struct frame frame;

		begin(&setup, mode);
		counters = setup.ports[setup.n_ports - 1]->refused;
		for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
			send_sample(&setup, &refused[i].sample);
		send_sample(&setup, &(struct sample){.xid = 77});
		assert_true(echo_take(setup.ports, setup.n_ports, &frame, LAB_PATIENCE_MS));
		assert_int_equal(load_be32(frame.data + 46), 77);
		port_drop(frame.port, &frame, 1);
		/* What XDP passed on is looked at once more by the AF_PACKET port. */
		assert_false(echo_take(setup.ports, setup.n_ports, &frame, 0));
		for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
			assert_int_not_equal(counter_read(&counters[refused[i].reason]), 0);
		end(&setup);
	}
}

/* Waits until the program has steered so many, then takes up to @max; how many. */
static size_t take(struct setup *setup, const struct steer_queue *queue, uint64_t steered, size_t max)
{
	struct frame frames[16];
	struct pollfd ready = {.fd = setup->ports[0]->fd, .events = POLLIN};
	size_t n;

	for (int i = 0; __atomic_load_n(&queue->steered, __ATOMIC_RELAXED) < steered; i++) {
		assert_in_range(i, 0, LAB_PATIENCE_MS);
		poll(NULL, 0, 1);
	}
	poll(&ready, 1, LAB_PATIENCE_MS);
	n = port_receive(setup->ports[0], frames, max);
	port_drop(setup->ports[0], frames, n);
	return n;
}

/* Frame by frame, and all when the ring is empty, even what never arrived. */
static void what_was_taken_is_told_to_the_program(void **state)
{
	for (enum mode mode = GENERIC; mode <= NATIVE; mode++) {
		struct setup setup;
		struct steer_queue *queue;
		uint64_t taken = 0;

		begin(&setup, mode);
		queue = program_queue(setup.program, 0);
		assert_non_null(queue);
		xdp_port_account_to(setup.ports[0], queue);
		for (uint32_t i = 0; i < 10; i++)
			send_sample(&setup, &(struct sample){.xid = i});
		while (taken < 10) {
			taken += take(&setup, queue, 10, 4);
			assert_int_equal(queue->taken, taken);
		}
		queue->steered += 7; /* lost on the way */
		assert_int_equal(port_receive(setup.ports[0], &(struct frame){0}, 1), 0);
		assert_int_equal(queue->taken, 17);
		end(&setup);
	}
}

/* Whoever wants to know for how long a frame can have lain unread: not while there may be more behind it. */
static void port_tells_when_nothing_is_left(void **state)
{
	for (enum mode mode = PACKET; mode <= NATIVE; mode++) {
		struct setup setup;
		struct port *port;
		struct frame frames[2];
		size_t taken = 0, full = 0, n;

		begin(&setup, mode);
		port = setup.ports[0];
		for (uint32_t xid = 0; xid < 10; xid++)
			send_sample(&setup, &(struct sample){.xid = xid});
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
		end(&setup);
	}
}

static void frames_for_other_hosts_are_ignored(void **state)
{
	struct setup setup;
	struct frame frame;
	uint8_t sent[2048];
	size_t len = sample_build(&(struct sample){.dst = LAB_ADDRESS}, sent);

	begin(&setup, PACKET);
	lab_run("ip link set " LAB_SERVER " promisc on");
	sent[5] = 9;
	echo_send(setup.client, sent, len);
	send_sample(&setup, &(struct sample){.dst = LAB_ADDRESS, .xid = 77});
	assert_true(echo_take(setup.ports, setup.n_ports, &frame, LAB_PATIENCE_MS));
	assert_int_equal(load_be32(frame.data + 46), 77);
	port_drop(frame.port, &frame, 1);
	end(&setup);
}

static void ip_options_go_to_the_packet_socket(void **state)
{
	for (enum mode mode = PACKET; mode <= NATIVE; mode++) {
		const struct sample sample = {.ihl = 9, .tags = {{0x8100, 100}}, .xid = 5};
		struct setup setup;
		struct frame frame;
		struct packet packet;

		begin(&setup, mode);
		send_sample(&setup, &sample);
		assert_true(echo_take(setup.ports, setup.n_ports, &frame, LAB_PATIENCE_MS));
		assert_int_equal(frame.port->kind, PORT_PACKET);
		assert_int_equal(packet_parse(&packet, &frame), STEER_OK);
		assert_int_equal(packet.vlan, 100);
		assert_int_equal(load_be32(packet_payload_home(&packet) + 4), 5);
		port_drop(frame.port, &frame, 1);
		end(&setup);
	}
}

/* Cuts a request in two at @p first bytes of IP payload and sends both halves. */
static void send_in_fragments(struct setup *setup, const struct sample *sample, size_t first)
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
		echo_send(setup->client, part, 34 + len);
	}
}

static void fragments_arrive_as_one_frame(void **state)
{
	for (enum mode mode = PACKET; mode <= NATIVE; mode++) {
		const struct sample sample = {.payload = 1900, .xid = 0x77};
		struct setup setup;
		struct frame frame;
		struct packet packet;

		begin(&setup, mode);
		send_in_fragments(&setup, &sample, 1480);
		assert_true(echo_take(setup.ports, setup.n_ports, &frame, LAB_PATIENCE_MS));
		assert_int_equal(frame.port->kind, PORT_PACKET);
		assert_int_equal(packet_parse(&packet, &frame), STEER_OK);
		assert_int_equal(packet.payload_len, 1900);
		assert_int_equal(load_be32(packet.payload + 4), 0x77);
		port_drop(frame.port, &frame, 1);
		end(&setup);
	}
}

static void a_frame_longer_than_the_buffer_is_counted(void **state)
{
	struct setup setup;
	struct frame frame;

	begin(&setup, PACKET);
	send_in_fragments(&setup, &(struct sample){.payload = 5000}, 1480);
	send_sample(&setup, &(struct sample){.xid = 77});
	assert_true(echo_take(setup.ports, setup.n_ports, &frame, LAB_PATIENCE_MS));
	assert_int_equal(load_be32(frame.data + 46), 77);
	port_drop(frame.port, &frame, 1);
	assert_int_equal(counter_read(&setup.ports[0]->counters.rx_truncated), 1);
	end(&setup);
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
		struct setup setup;
		struct frame frame;
		int fd;

		begin(&setup, mode);
		lab_enter_client();
		fd = socket(AF_INET, SOCK_DGRAM, 0);
		lab_enter_server();
		assert_int_equal(sendto(fd, sent + 42, len - 42, 0,
					(const struct sockaddr *)&server, sizeof(server)),
				 len - 42);
		assert_true(echo_take(setup.ports, setup.n_ports, &frame, LAB_PATIENCE_MS));
		assert_int_equal(packet_parse(&packet, &frame), STEER_OK);
		/* Otherwise the case tested is not the case met. */
		packet.payload[100] ^= 1;
		assert_int_equal(packet_parse(&packet, &frame), STEER_OK);
		port_drop(frame.port, &frame, 1);
		close(fd);
		end(&setup);
	}
}

/* A long burst leaves with a single flush, however few frames the kernel takes per call. */
static void one_flush_sends_all(void **state)
{
	static struct frame frames[300];

	for (enum mode mode = PACKET; mode <= NATIVE; mode++) {
		uint8_t reply[2048];
		struct setup setup;
		struct port *port;

		begin(&setup, mode);
		port = setup.ports[0];
		for (unsigned i = 0; i < ARRAY_SIZE(frames); i++) {
			send_sample(&setup, &(struct sample){.xid = i});
			assert_true(echo_take(setup.ports, 1, &frames[i], LAB_PATIENCE_MS));
			memcpy(frames[i].data, frames[i].data + 6, 6);
		}
		port_send(port, frames, ARRAY_SIZE(frames));
		port_flush(port);
		for (unsigned i = 0; i < ARRAY_SIZE(frames); i++) {
			assert_int_equal(
			    echo_receive(setup.client, reply, sizeof(reply), LAB_PATIENCE_MS), 342);
			assert_int_equal(load_be32(reply + 46), i);
		}
		assert_all_back(port);
		end(&setup);
	}
}

/* All chunks lent: what comes meanwhile is lost, then everything flows again. */
static void a_port_recovers_from_lending_everything(void **state)
{
	static struct frame frames[FRAMES];

	for (enum mode mode = PACKET; mode <= NATIVE; mode++) {
		struct setup setup;
		struct port *port;
		size_t n = 0;

		begin(&setup, mode);
		port = setup.ports[0];
		for (unsigned i = 0; i < FRAMES; i++) {
			send_sample(&setup, &(struct sample){.xid = i});
			assert_true(echo_take(setup.ports, 1, &frames[n++], LAB_PATIENCE_MS));
			port_flush(port);
			assert_account(port, (uint32_t)n);
		}
		for (unsigned i = 0; i < 10; i++)
			send_sample(&setup, &(struct sample){.xid = 5000 + i});
		assert_int_equal(port_receive(port, frames, 1), 0);
		assert_int_not_equal(counter_read(&port->counters.fill_low), 0);
		port_drop(port, frames, n);
		port_flush(port);
		assert_account(port, 0);
		send_sample(&setup, &(struct sample){.xid = 6000});
		do {
			assert_true(echo_take(setup.ports, 1, frames, LAB_PATIENCE_MS));
			port_drop(port, frames, 1);
		} while (load_be32(frames[0].data + 46) != 6000);
		end(&setup);
	}
}

/* An interface that went down takes no replies: they are dropped and counted, nobody spins. */
static void replies_are_counted_when_they_cannot_leave(void **state)
{
	static struct frame frames[FRAMES];

	for (enum mode mode = PACKET; mode <= NATIVE; mode++) {
		const struct port_counters *counters;
		uint64_t lost, kicks;
		struct setup setup;
		struct port *port;

		begin(&setup, mode);
		port = setup.ports[0];
		counters = &port->counters;
		for (unsigned i = 0; i < FRAMES; i++) {
			send_sample(&setup, &(struct sample){.xid = i});
			assert_true(echo_take(setup.ports, 1, &frames[i], LAB_PATIENCE_MS));
			port_flush(port);
		}
		lab_run("ip link set " LAB_SERVER " down");
		kicks = counter_read(&counters->kicks);
		port_send(port, frames, FRAMES);
		port_flush(port);
		lost = counter_read(&counters->tx_full) + counter_read(&counters->tx_errors);
		assert_true(lost >= FRAMES / 2);
		assert_in_range(counter_read(&counters->kicks) - kicks, 1, FRAMES);
		lab_server_up();
		port_flush(port);
		assert_all_back(port);
		end(&setup);
	}
}

static void a_port_opened_on_a_down_interface_works_once_it_is_up(void **state)
{
	for (enum mode mode = PACKET; mode <= NATIVE; mode++) {
		struct link_info link;
		struct setup setup;
		struct frame frame;

		lab_begin(1);
		lab_run("ip link set " LAB_SERVER " down");
		link = lab_server_link();
		assert_false(link.up);
		setup = (struct setup){.client = lab_client_socket()};
		if (mode != PACKET)
			open_xdp(&setup, &link, mode == GENERIC);
		open_packet(&setup, &link);
		set_addresses(&setup);
		lab_server_up();
		send_sample(&setup, &(struct sample){.ihl = 6});
		assert_true(echo_take(setup.ports, setup.n_ports, &frame, LAB_PATIENCE_MS));
		port_drop(frame.port, &frame, 1);
		send_in_fragments(&setup, &(struct sample){.payload = 1900}, 1480);
		assert_true(echo_take(setup.ports, setup.n_ports, &frame, LAB_PATIENCE_MS));
		assert_int_equal(frame.port->kind, PORT_PACKET);
		port_drop(frame.port, &frame, 1);
		send_sample(&setup, &(struct sample){0});
		assert_true(echo_take(setup.ports, setup.n_ports, &frame, LAB_PATIENCE_MS));
		assert_ptr_equal(frame.port, setup.ports[0]);
		port_drop(frame.port, &frame, 1);
		end(&setup);
	}
}

static void a_port_refuses_what_it_cannot_have(void **state)
{
	struct link_info link;
	struct xdp_port_options options = {.link = &link, .kind = PORT_XDP_COPY};
	struct port *port = NULL, *second = NULL;

	lab_begin(1);
	link = lab_server_link();
	options.frames = 100; /* not a power of two */
	assert_int_equal(xdp_port_open(&options, &port), -EINVAL);
	options.frames = 64;
	assert_int_equal(xdp_port_open(&options, &port), -EINVAL);
	options.frames = 128;
	options.queue = 1;
	assert_int_equal(xdp_port_open(&options, &port), -EINVAL);
	options.queue = 0;
	options.kind = PORT_XDP_ZEROCOPY; /* which veth lacks */
	assert_int_equal(xdp_port_open(&options, &port), -EOPNOTSUPP);
	assert_null(port);
	options.kind = PORT_XDP_COPY;
	assert_int_equal(xdp_port_open(&options, &port), 0);
	assert_int_equal(xdp_port_open(&options, &second), -EBUSY);
	port_close(port);
	port_close(NULL);
	lab_end();
}

/* Whoever sends of its own accord must find frames, however many replies it has not read. */
static void receiving_leaves_what_the_owner_wants_for_sending(void **state)
{
	struct link_info link;
	struct xdp_port_options options = {
	    .link = &link, .kind = PORT_XDP_COPY, .frames = 256, .receiving = 96};
	struct frame frames[256];
	struct port *port = NULL;
	size_t n;

	lab_begin(1);
	link = lab_server_link();
	assert_int_equal(xdp_port_open(&options, &port), 0);
	assert_int_equal(xdp_port_account(port).filling, 96);
	n = xdp_port_take(port, frames, ARRAY_SIZE(frames));
	assert_int_equal(n, 160);
	port_drop(port, frames, n);
	port_flush(port);
	assert_int_equal(xdp_port_account(port).filling, 96);
	assert_int_equal(xdp_port_account(port).free, 160);
	port_close(port);
	lab_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(native_xdp_echoes_every_frame_once),
	    cmocka_unit_test(generic_xdp_echoes_every_frame_once),
	    cmocka_unit_test(packet_socket_echoes_every_frame_once),
	    cmocka_unit_test(tagged_frames_go_both_ways),
	    cmocka_unit_test(tags_arrive_inside_the_frame),
	    cmocka_unit_test(refused_frames_never_reach_the_worker),
	    cmocka_unit_test(what_was_taken_is_told_to_the_program),
	    cmocka_unit_test(port_tells_when_nothing_is_left),
	    cmocka_unit_test(frames_for_other_hosts_are_ignored),
	    cmocka_unit_test(ip_options_go_to_the_packet_socket),
	    cmocka_unit_test(fragments_arrive_as_one_frame),
	    cmocka_unit_test(a_frame_longer_than_the_buffer_is_counted),
	    cmocka_unit_test(requests_from_sockets_on_this_machine_are_accepted),
	    cmocka_unit_test(one_flush_sends_all),
	    cmocka_unit_test(a_port_recovers_from_lending_everything),
	    cmocka_unit_test(replies_are_counted_when_they_cannot_leave),
	    cmocka_unit_test(a_port_opened_on_a_down_interface_works_once_it_is_up),
	    cmocka_unit_test(a_port_refuses_what_it_cannot_have),
	    cmocka_unit_test(receiving_leaves_what_the_owner_wants_for_sending),
	};

	if (!lab_may_begin())
		return lab_skip_all("makes network namespaces, which needs root");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
