/* SPDX-License-Identifier: MIT */
/* Interfaces: the ladder of modes, addresses, and what an interface may be like. */
#include "net/interface.h"

#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#include <urcu/urcu-qsbr.h>

#include "echo.h"
#include "lab.h"
#include "net/address_watch.h"
#include "net/ethtool.h"
#include "opening.h"
#include "unit.h"

static void each_mode_gives_the_ports_it_names(void **state)
{
	static const struct {
		enum xdp_mode mode;
		size_t n_ports;
		enum port_kind first;
	} modes[] = {
	    {XDP_MODE_AUTO, 3, PORT_XDP_COPY},
	    {XDP_MODE_NATIVE, 3, PORT_XDP_COPY},
	    {XDP_MODE_GENERIC, 3, PORT_XDP_GENERIC},
	    {XDP_MODE_OFF, 1, PORT_PACKET},
	};

	for (size_t m = 0; m < ARRAY_SIZE(modes); m++) {
		struct port *const *ports;
		struct interface *interface;
		int client;
		size_t n;

		lab_begin(2);
		client = lab_client_socket();
		interface = opening_server(modes[m].mode);
		assert_string_equal(interface_name(interface), LAB_SERVER);
		assert_int_equal(interface_ifindex(interface), if_nametoindex(LAB_SERVER));
		ports = interface_ports(interface, &n);
		assert_int_equal(n, modes[m].n_ports);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(ports[i]->kind, i + 1 < n ? modes[m].first : PORT_PACKET);
			assert_int_equal(ports[i]->queue, i + 1 < n ? i : 0);
			assert_int_equal(ports[i]->mac[0], 2);
			assert_int_equal(ports[i]->mac[5], 1);
			assert_int_equal(ports[i]->mtu, 1500);
			assert_string_equal(ports[i]->interface, LAB_SERVER);
		}
		assert_int_equal(arrives_at(interface, client, &(struct sample){0}),
				 modes[m].first);
		assert_int_equal(arrives_at(interface, client, &(struct sample){.ihl = 6}),
				 PORT_PACKET);
		interface_close(interface);
		assert_int_equal(program_on_server(), 0);
		close(client);
	}
	interface_close(NULL);
	lab_end();
}

/* Loopback's driver knows no native XDP. */
static void without_native_xdp_auto_means_generic(void **state)
{
	struct interface *interface;
	size_t n;

	lab_begin(1);
	assert_null(opening_try("lo", XDP_MODE_NATIVE));
	opening_assert_says("lo: native XDP cannot be attached");
	for (enum xdp_mode mode = XDP_MODE_AUTO; mode <= XDP_MODE_GENERIC;
	     mode += XDP_MODE_GENERIC) {
		interface = opening_try("lo", mode);
		assert_non_null(interface);
		assert_int_equal(interface_ports(interface, &n)[0]->kind, PORT_XDP_GENERIC);
		assert_int_equal(n, 2);
		interface_close(interface);
	}
	lab_end();
}

static void a_missing_interface_is_named_with_those_there_are(void **state)
{
	lab_begin(1);
	assert_null(opening_try("eth77", XDP_MODE_AUTO));
	opening_assert_says("eth77: no such interface");
	opening_assert_says("lo, ");
	opening_assert_says(LAB_SERVER);
	lab_end();
}

static void addresses_are_replaced_whole(void **state)
{
	static const uint32_t first[] = {LAB_ADDRESS, 0xc0a80001, LAB_ADDRESS},
			      second[] = {0x0a060009, LAB_ADDRESS};

	for (enum xdp_mode mode = XDP_MODE_NATIVE; mode <= XDP_MODE_OFF; mode++) {
		static uint32_t many[STEER_ADDRESSES_MAX + 1];
		enum port_kind kind;
		struct interface *interface;
		struct port *const *ports;
		struct frame frame;
		size_t n;
		int client;

		lab_begin(1);
		client = lab_client_socket();
		interface = opening_try(LAB_SERVER, mode);
		assert_non_null(interface);
		ports = interface_ports(interface, &n);
		kind = ports[0]->kind;
		assert_int_equal(arrives_at(interface, client, &(struct sample){0}), kind);
		assert_int_equal(interface_set_addresses(interface, first, 3), 0);
		assert_int_equal(arrives_at(interface, client, &(struct sample){.dst = 0xc0a80001}),
				 kind);
		assert_int_equal(interface_set_addresses(interface, second, 2), 0);
		assert_int_equal(
		    arrives_at(interface, client, &(struct sample){.dst = LAB_ADDRESS}), kind);
		assert_int_equal(arrives_at(interface, client, &(struct sample){.dst = 0x0a060009}),
				 kind);
		for (uint32_t i = 0; i < ARRAY_SIZE(many); i++)
			many[i] = 0x0b000000 + i;
		if (mode != XDP_MODE_OFF)
			assert_int_equal(interface_set_addresses(interface, many, ARRAY_SIZE(many)),
					 -E2BIG);
		/* The one that was dropped stays dropped; the canary is one that stayed. */
		send_sample(client, &(struct sample){.dst = 0xc0a80001, .xid = 1});
		send_sample(client, &(struct sample){.dst = many[0], .xid = 2});
		send_sample(client, &(struct sample){.dst = 0x0a060009, .xid = 3});
		assert_true(echo_take(ports, n, &frame, LAB_PATIENCE_MS));
		assert_int_equal(load_be32(frame.data + 46), 3);
		port_drop(frame.port, &frame, 1);
		assert_int_equal(interface_set_addresses(interface, NULL, 0), 0);
		interface_close(interface);
		close(client);
	}
	lab_end();
}

/* A worker that gets its own requests, one after the other. */
struct worker {
	struct interface *interface;
	int client;
	unsigned sent, received;
	_Atomic bool done;
};

static void *work(void *arg)
{
	struct worker *worker = arg;
	size_t n;
	struct port *const *ports = interface_ports(worker->interface, &n);
	struct frame frame;

	urcu_qsbr_register_thread();
	while (worker->sent < 3000 && worker->sent == worker->received) {
		send_sample(worker->client, &(struct sample){.dst = LAB_ADDRESS});
		worker->sent++;
		if (echo_take(ports, n, &frame, LAB_PATIENCE_MS)) {
			worker->received++;
			port_drop(frame.port, &frame, 1);
			port_flush(frame.port);
		}
		urcu_qsbr_quiescent_state();
	}
	urcu_qsbr_unregister_thread();
	worker->done = true;
	return NULL;
}

/* What two sets have in common is served without a gap while one replaces the other, again and
 * again. */
static void no_request_is_lost_while_addresses_are_replaced(void **state)
{
	static const uint32_t sets[2][2] = {{LAB_ADDRESS, 0xc0a80001}, {0xc0a80002, LAB_ADDRESS}};

	for (enum xdp_mode mode = XDP_MODE_NATIVE; mode <= XDP_MODE_OFF; mode++) {
		struct worker worker = {.sent = 0};
		uint64_t verdicts[STEER_REASON_COUNT];
		pthread_t thread;

		lab_begin(1);
		worker.client = lab_client_socket();
		worker.interface = opening_server(mode);
		assert_int_equal(pthread_create(&thread, NULL, work, &worker), 0);
		for (unsigned i = 0; !worker.done; i++)
			assert_int_equal(interface_set_addresses(worker.interface, sets[i % 2], 2),
					 0);
		pthread_join(thread, NULL);
		assert_int_equal(worker.sent, 3000);
		assert_int_equal(worker.received, 3000);
		assert_int_equal(interface_verdicts(worker.interface, verdicts), 0);
		assert_int_equal(verdicts[STEER_ADDRESS], 0);
		assert_int_equal(verdicts[STEER_OK], mode == XDP_MODE_OFF ? 0 : 3000);
		interface_close(worker.interface);
		close(worker.client);
	}
	lab_end();
}

static void own_addresses_are_read_and_watched(void **state)
{
	struct addr_range own[8];
	struct interface *interface;
	int watch;

	lab_begin(1);
	interface = opening_server(XDP_MODE_OFF);
	watch = address_watch_open();
	assert_true(watch >= 0);
	assert_int_equal(interface_addresses(interface, own, 8), 1);
	assert_int_equal(own[0].first, LAB_ADDRESS);
	assert_int_equal(own[0].last, 0x0a06ffff);
	assert_false(address_watch_read(watch));
	lab_run("ip address add 192.168.7.8/31 dev " LAB_SERVER);
	lab_run("ip address add 192.168.8.9/29 dev " LAB_SERVER " label " LAB_SERVER ":1");
	lab_run("ip address add 127.9.9.9/32 dev lo");
	assert_true(lab_wait(watch, LAB_PATIENCE_MS));
	assert_true(address_watch_read(watch));
	assert_false(address_watch_read(watch));
	assert_int_equal(interface_addresses(interface, own, 8), 3);
	assert_int_equal(own[1].first, 0xc0a80708);
	assert_int_equal(own[1].last, 0xc0a80708);
	assert_int_equal(own[2].first, 0xc0a80809);
	assert_int_equal(own[2].last, 0xc0a8080f);
	assert_int_equal(interface_addresses(interface, own, 2), 2);
	lab_run("ip address flush dev " LAB_SERVER);
	assert_true(lab_wait(watch, LAB_PATIENCE_MS));
	assert_true(address_watch_read(watch));
	assert_int_equal(interface_addresses(interface, own, 8), 0);
	close(watch);
	interface_close(interface);
	lab_end();
}

static void detached_interfaces_still_hand_over_what_they_got(void **state)
{
	struct interface *interface;
	struct port *const *ports;
	struct xdp_ring_stats stats;
	struct frame frame;
	size_t n;
	int client;

	lab_begin(1);
	client = lab_client_socket();
	interface = opening_server(XDP_MODE_NATIVE);
	ports = interface_ports(interface, &n);
	send_sample(client, &(struct sample){.xid = 4});
	assert_true(lab_wait(ports[0]->fd, LAB_PATIENCE_MS));
	assert_int_not_equal(program_on_server(), 0);
	interface_detach(interface);
	assert_int_equal(program_on_server(), 0);
	assert_true(echo_take(ports, 1, &frame, 0));
	assert_int_equal(load_be32(frame.data + 46), 4);
	port_drop(frame.port, &frame, 1);
	assert_int_equal(interface_ring_stats(interface, 0, &stats), 0);
	assert_int_equal(stats.rx_dropped, 0);
	assert_int_equal(interface_ring_stats(interface, 1, &stats), -EINVAL);
	interface_detach(interface);
	interface_close(interface);
	close(client);
	lab_end();
}

static void vlan_offload_is_off_while_xdp_is_used(void **state)
{
	const char *is_on = "ethtool -k " LAB_SERVER " | grep -q '^rx-vlan-offload: on'";
	struct interface *interface;

	lab_begin(1);
	lab_run("%s", is_on);
	interface = opening_server(XDP_MODE_NATIVE);
	lab_run("! %s", is_on);
	interface_close(interface);
	lab_run("%s", is_on);
	interface = opening_server(XDP_MODE_OFF);
	lab_run("%s", is_on);
	interface_close(interface);
	lab_run("ethtool -K " LAB_SERVER " rxvlan off");
	interface_close(opening_server(XDP_MODE_NATIVE));
	lab_run("! %s", is_on);
	lab_end();
}

static void a_down_interface_is_opened(void **state)
{
	struct interface *interface;
	int client;

	lab_begin(1);
	lab_run("ip link set " LAB_SERVER " down");
	client = lab_client_socket();
	interface = opening_server(XDP_MODE_AUTO);
	lab_server_up();
	assert_int_equal(arrives_at(interface, client, &(struct sample){0}), PORT_XDP_COPY);
	interface_close(interface);
	close(client);
	lab_end();
}

/* What a process without privileges is told; cap_last_cap and such left to the kernel. */
static void a_process_without_privileges_is_told_what_it_lacks(void **state)
{
	int status;
	pid_t child;

	lab_begin(1);
	child = fork();
	if (child == 0) {
		bool told;

		if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
			_exit(2);
		told =
		    !opening_try(LAB_SERVER, XDP_MODE_AUTO) && strstr(opening_error.text, "CAP_");
		_exit(told ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	lab_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_mode_gives_the_ports_it_names),
	    cmocka_unit_test(without_native_xdp_auto_means_generic),
	    cmocka_unit_test(a_missing_interface_is_named_with_those_there_are),
	    cmocka_unit_test(addresses_are_replaced_whole),
	    cmocka_unit_test(no_request_is_lost_while_addresses_are_replaced),
	    cmocka_unit_test(own_addresses_are_read_and_watched),
	    cmocka_unit_test(detached_interfaces_still_hand_over_what_they_got),
	    cmocka_unit_test(vlan_offload_is_off_while_xdp_is_used),
	    cmocka_unit_test(a_down_interface_is_opened),
	    cmocka_unit_test(a_process_without_privileges_is_told_what_it_lacks),
	};

	log_set_level(LOG_LEVEL_ERROR);
	if (!lab_may_begin())
		return lab_skip_all("makes network namespaces, which needs root");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
