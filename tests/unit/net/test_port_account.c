/* SPDX-License-Identifier: MIT */
/* Every frame goes out and back exactly once and every chunk is accounted for, whatever the order. */
#include <poll.h>

#include "port_bed.h"
#include "unit.h"

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
	struct port_bed bed;
	struct echo echo;

	port_bed_begin(&bed, mode);
	echo = (struct echo){
	    .ports = bed.ports,
	    .n_ports = bed.n_ports,
	    .client = bed.client,
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
	for (size_t i = 0; i < bed.n_ports; i++) {
		const struct port_counters *counters = &bed.ports[i]->counters;

		assert_all_back(bed.ports[i]);
		assert_int_equal(counter_read(&counters->tx_full), 0);
		assert_int_equal(counter_read(&counters->tx_errors), 0);
		assert_int_equal(counter_read(&counters->rx_frames), i == 0 ? requests : 0);
		assert_int_equal(counter_read(&counters->tx_frames), i == 0 ? echo.echoed : 0);
	}
	port_bed_end(&bed);
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

/* A long burst leaves with a single flush, however few frames the kernel takes per call. */
static void one_flush_sends_all(void **state)
{
	static struct frame frames[300];

	for (enum mode mode = PACKET; mode <= NATIVE; mode++) {
		uint8_t reply[2048];
		struct port_bed bed;
		struct port *port;

		port_bed_begin(&bed, mode);
		port = bed.ports[0];
		for (unsigned i = 0; i < ARRAY_SIZE(frames); i++) {
			send_sample(bed.client, &(struct sample){.xid = i});
			assert_true(echo_take(bed.ports, 1, &frames[i], LAB_PATIENCE_MS));
			memcpy(frames[i].data, frames[i].data + 6, 6);
		}
		port_send(port, frames, ARRAY_SIZE(frames));
		port_flush(port);
		for (unsigned i = 0; i < ARRAY_SIZE(frames); i++) {
			assert_int_equal(
			    echo_receive(bed.client, reply, sizeof(reply), LAB_PATIENCE_MS), 342);
			assert_int_equal(load_be32(reply + 46), i);
		}
		assert_all_back(port);
		port_bed_end(&bed);
	}
}

/* All chunks lent: what comes meanwhile is lost, then everything flows again. */
static void a_port_recovers_from_lending_everything(void **state)
{
	static struct frame frames[FRAMES];

	for (enum mode mode = PACKET; mode <= NATIVE; mode++) {
		struct port_bed bed;
		struct port *port;
		size_t n = 0;

		port_bed_begin(&bed, mode);
		port = bed.ports[0];
		for (unsigned i = 0; i < FRAMES; i++) {
			send_sample(bed.client, &(struct sample){.xid = i});
			assert_true(echo_take(bed.ports, 1, &frames[n++], LAB_PATIENCE_MS));
			port_flush(port);
			assert_account(port, (uint32_t)n);
		}
		for (unsigned i = 0; i < 10; i++)
			send_sample(bed.client, &(struct sample){.xid = 5000 + i});
		assert_int_equal(port_receive(port, frames, 1), 0);
		assert_int_not_equal(counter_read(&port->counters.fill_low), 0);
		port_drop(port, frames, n);
		port_flush(port);
		assert_account(port, 0);
		send_sample(bed.client, &(struct sample){.xid = 6000});
		do {
			assert_true(echo_take(bed.ports, 1, frames, LAB_PATIENCE_MS));
			port_drop(port, frames, 1);
		} while (load_be32(frames[0].data + 46) != 6000);
		port_bed_end(&bed);
	}
}

/* An interface that went down takes no replies: they are dropped and counted, nobody spins. */
static void replies_are_counted_when_they_cannot_leave(void **state)
{
	static struct frame frames[FRAMES];

	for (enum mode mode = PACKET; mode <= NATIVE; mode++) {
		const struct port_counters *counters;
		uint64_t lost, kicks;
		struct port_bed bed;
		struct port *port;

		port_bed_begin(&bed, mode);
		port = bed.ports[0];
		counters = &port->counters;
		for (unsigned i = 0; i < FRAMES; i++) {
			send_sample(bed.client, &(struct sample){.xid = i});
			assert_true(echo_take(bed.ports, 1, &frames[i], LAB_PATIENCE_MS));
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
		port_bed_end(&bed);
	}
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
	    cmocka_unit_test(one_flush_sends_all),
	    cmocka_unit_test(a_port_recovers_from_lending_everything),
	    cmocka_unit_test(replies_are_counted_when_they_cannot_leave),
	    cmocka_unit_test(receiving_leaves_what_the_owner_wants_for_sending),
	};

	if (!lab_may_begin())
		return lab_skip_all("makes network namespaces, which needs root");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
