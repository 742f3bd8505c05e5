/* SPDX-License-Identifier: MIT */
/* Interfaces: the ladder of modes, conflicts with others, and what remains after a violent death.
 */
#include "net/interface.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <urcu/urcu-qsbr.h>

#include "echo.h"
#include "lab.h"
#include "net/address_watch.h"
#include "net/ethtool.h"
#include "unit.h"

static struct config_interface config;
static struct config_error error;

static struct interface *try_open(const char *name, enum xdp_mode mode)
{
	const struct interface_options options = {
	    .config = &config, .zero_copy = true, .frames = 256};

	config = (struct config_interface){.xdp = mode};
	snprintf(config.name, sizeof(config.name), "%s", name);
	config.vlans.bits[0] = 1;
	config.vlans.bits[1] = 1ull << (100 - 64);
	error.text[0] = '\0';
	return interface_open(&options, &error);
}

static struct interface *open_server(enum xdp_mode mode)
{
	const uint32_t ours[] = {LAB_ADDRESS, 0x0a06ffff};
	struct interface *interface = try_open(LAB_SERVER, mode);

	if (!interface)
		fail_msg("%s", error.text);
	assert_int_equal(interface_set_addresses(interface, ours, ARRAY_SIZE(ours)), 0);
	return interface;
}

static void assert_error_says(const char *words)
{
	if (!strstr(error.text, words))
		fail_msg("\"%s\" does not say \"%s\"", error.text, words);
}

/* Id of the XDP program on srv0, 0: none. */
static uint32_t program_on_server(void)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	assert_int_equal(bpf_xdp_query((int)if_nametoindex(LAB_SERVER), 0, &query), 0);
	return query.drv_prog_id ? query.drv_prog_id : query.skb_prog_id;
}

static void send_sample(int client, const struct sample *sample)
{
	uint8_t frame[SAMPLE_MAX];

	echo_send(client, frame, sample_build(sample, frame));
}

/* Sends one and waits for it on any port; the kind of port it came to. */
static enum port_kind arrives_at(struct interface *interface, int client,
				 const struct sample *sample)
{
	size_t n;
	struct port *const *ports = interface_ports(interface, &n);
	enum port_kind kind;
	struct frame frame;

	send_sample(client, sample);
	assert_true(echo_take(ports, n, &frame, 2000));
	kind = frame.port->kind;
	port_drop(frame.port, &frame, 1);
	return kind;
}

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
		interface = open_server(modes[m].mode);
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
	assert_null(try_open("lo", XDP_MODE_NATIVE));
	assert_error_says("lo: native XDP cannot be attached");
	for (enum xdp_mode mode = XDP_MODE_AUTO; mode <= XDP_MODE_GENERIC;
	     mode += XDP_MODE_GENERIC) {
		interface = try_open("lo", mode);
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
	assert_null(try_open("eth77", XDP_MODE_AUTO));
	assert_error_says("eth77: no such interface");
	assert_error_says("lo, ");
	assert_error_says(LAB_SERVER);
	lab_end();
}

static void an_interface_is_served_by_one_at_a_time(void **state)
{
	struct interface *first;

	lab_begin(1);
	lab_run("ip link add other type veth peer name third");
	first = open_server(XDP_MODE_OFF);
	assert_null(try_open(LAB_SERVER, XDP_MODE_OFF));
	assert_error_says("another etcdhcpd");
	assert_non_null(first);
	interface_close(try_open("other", XDP_MODE_OFF));
	assert_string_equal(error.text, "");
	interface_close(first);
	interface_close(open_server(XDP_MODE_OFF));
	lab_end();
}

/* A UDP socket on port 67 of all interfaces, as relay agents (shared) and servers (not) have it. */
static int open_port_67(bool shared, int *result)
{
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htobe16(67)};
	const int on = 1;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (shared)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	*result = bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0 ? -errno : 0;
	return fd;
}

static void another_server_on_port_67_is_named_and_a_relay_agent_tolerated(void **state)
{
	struct interface *interface;
	int fd, result;

	lab_begin(1);
	fd = open_port_67(false, &result);
	assert_int_equal(result, 0);
	assert_null(try_open(LAB_SERVER, XDP_MODE_AUTO));
	assert_error_says("another DHCP server");
	assert_int_equal(program_on_server(), 0);
	close(fd);

	fd = open_port_67(true, &result);
	assert_int_equal(result, 0);
	interface_close(open_server(XDP_MODE_OFF));
	close(fd);

	interface = open_server(XDP_MODE_OFF);
	fd = open_port_67(true, &result);
	assert_int_equal(result, 0);
	close(fd);
	fd = open_port_67(false, &result);
	assert_int_equal(result, -EADDRINUSE);
	close(fd);
	interface_close(interface);
	lab_end();
}

/* True when the kernel answers a unicast request with ICMP "port unreachable". */
static bool kernel_complains(int client)
{
	/* From an address the kernel can answer, by a route it has. */
	const struct sample sample = {.src = LAB_ADDRESS + 1, .dst = LAB_ADDRESS, .ihl = 6};
	const struct sample echo_request = {
	    .src = LAB_ADDRESS + 1, .dst = LAB_ADDRESS, .protocol = 1};
	uint8_t frame[2048];
	size_t len;

	send_sample(client, &sample);
	/* The canary: an ICMP echo request, which the kernel answers after what it has to say about
	 * the former. */
	len = sample_build(&echo_request, frame);
	memset(frame + 34, 0, len - 34);
	frame[34] = 8;
	store_be16(frame + 36, (uint16_t)~sample_checksum(frame + 34, len - 34, 0));
	echo_send(client, frame, len);
	while ((len = echo_receive(client, frame, sizeof(frame), 2000)) > 0) {
		if (frame[23] == 1 && frame[34] == 3)
			return true;
		if (frame[23] == 1 && frame[34] == 0)
			return false;
	}
	fail_msg("the kernel does not even answer an echo request");
	return false;
}

/* Bytes that wait in this namespace's UDP sockets on port 67, as the kernel lists them. */
static unsigned long waiting_on_port_67(void)
{
	FILE *list = fopen("/proc/thread-self/net/udp", "r");
	char line[256];
	unsigned long sum = 0;

	assert_non_null(list);
	while (fgets(line, sizeof(line), list)) {
		unsigned port;
		unsigned long waiting;

		if (sscanf(line, " %*u: %*8x:%x %*8x:%*x %*x %*x:%lx", &port, &waiting) == 2 &&
		    port == 67)
			sum += waiting;
	}
	fclose(list);
	return sum;
}

static void the_kernel_never_calls_the_port_unreachable(void **state)
{
	for (enum xdp_mode mode = XDP_MODE_NATIVE; mode <= XDP_MODE_OFF; mode++) {
		struct interface *interface;
		int client;

		lab_begin(1);
		lab_run("ip neigh add 10.6.0.2 lladdr 02:00:00:00:00:02 dev " LAB_SERVER);
		client = lab_client_socket();
		assert_true(kernel_complains(client)); /* or this test could not fail */
		interface = open_server(mode);
		assert_false(kernel_complains(client));
		assert_int_equal(waiting_on_port_67(), 0);
		interface_close(interface);
		close(client);
	}
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
		interface = try_open(LAB_SERVER, mode);
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
		assert_true(echo_take(ports, n, &frame, 2000));
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
		if (echo_take(ports, n, &frame, 2000)) {
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
		worker.interface = open_server(mode);
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
	interface = open_server(XDP_MODE_OFF);
	watch = address_watch_open();
	assert_true(watch >= 0);
	assert_int_equal(interface_addresses(interface, own, 8), 1);
	assert_int_equal(own[0].first, LAB_ADDRESS);
	assert_int_equal(own[0].last, 0x0a06ffff);
	assert_false(address_watch_read(watch));
	lab_run("ip address add 192.168.7.8/31 dev " LAB_SERVER);
	lab_run("ip address add 192.168.8.9/29 dev " LAB_SERVER " label " LAB_SERVER ":1");
	lab_run("ip address add 127.9.9.9/32 dev lo");
	assert_true(lab_wait(watch, 2000));
	assert_true(address_watch_read(watch));
	assert_false(address_watch_read(watch));
	assert_int_equal(interface_addresses(interface, own, 8), 3);
	assert_int_equal(own[1].first, 0xc0a80708);
	assert_int_equal(own[1].last, 0xc0a80708);
	assert_int_equal(own[2].first, 0xc0a80809);
	assert_int_equal(own[2].last, 0xc0a8080f);
	assert_int_equal(interface_addresses(interface, own, 2), 2);
	lab_run("ip address flush dev " LAB_SERVER);
	assert_true(lab_wait(watch, 2000));
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
	interface = open_server(XDP_MODE_NATIVE);
	ports = interface_ports(interface, &n);
	send_sample(client, &(struct sample){.xid = 4});
	assert_true(lab_wait(ports[0]->fd, 2000));
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
	interface = open_server(XDP_MODE_NATIVE);
	lab_run("! %s", is_on);
	interface_close(interface);
	lab_run("%s", is_on);
	interface = open_server(XDP_MODE_OFF);
	lab_run("%s", is_on);
	interface_close(interface);
	lab_run("ethtool -K " LAB_SERVER " rxvlan off");
	interface_close(open_server(XDP_MODE_NATIVE));
	lab_run("! %s", is_on);
	lab_end();
}

/* A child that serves until it is killed. */
static pid_t start_server(enum xdp_mode mode)
{
	int ready[2];
	char byte;
	pid_t child;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		if (try_open(LAB_SERVER, mode))
			byte = (char)write(ready[1], "x", 1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return child;
}

/* True once no program is left: the last reference goes in the background, soon, not at once. */
static bool program_goes(void)
{
	for (int i = 0; i < 2000; i++) {
		if (program_on_server() == 0)
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}

static void the_program_goes_with_a_killed_process(void **state)
{
	for (enum xdp_mode mode = XDP_MODE_NATIVE; mode <= XDP_MODE_GENERIC; mode++) {
		int status;
		pid_t child;

		lab_begin(1);
		child = start_server(mode);
		assert_int_not_equal(program_on_server(), 0);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(program_goes());
		lab_run("ping -c 1 -W 2 -q -I " LAB_SERVER " 10.6.0.2 > /dev/null");
	}
	lab_end();
}

/* What the kernel has not cleaned up yet must not stop the next one. */
static void a_killed_server_can_be_started_again_at_once(void **state)
{
	for (unsigned i = 0; i < 10; i++) {
		int status;
		pid_t child;

		lab_begin(2);
		child = start_server(i % 2 ? XDP_MODE_NATIVE : XDP_MODE_GENERIC);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		interface_close(open_server(XDP_MODE_NATIVE));
		interface_close(open_server(XDP_MODE_GENERIC));
	}
	lab_end();
}

/* A program of somebody else's: it passes everything on. */
static int load_foreign(void)
{
	const struct bpf_insn code[] = {
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS},
	    {.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "foreign", "GPL", code, ARRAY_SIZE(code), NULL);

	assert_true(fd >= 0);
	return fd;
}

static void a_foreign_program_is_left_alone(void **state)
{
	static const unsigned flags[] = {XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE};

	for (size_t f = 0; f < ARRAY_SIZE(flags); f++) {
		uint32_t id;
		int fd;

		lab_begin(1);
		fd = load_foreign();
		assert_int_equal(
		    bpf_xdp_attach((int)if_nametoindex(LAB_SERVER), fd, flags[f], NULL), 0);
		id = program_on_server();
		for (enum xdp_mode mode = XDP_MODE_AUTO; mode <= XDP_MODE_GENERIC; mode++) {
			assert_null(try_open(LAB_SERVER, mode));
			assert_error_says("another XDP program");
			assert_error_says("xdp: off");
			assert_int_equal(program_on_server(), id);
		}
		interface_close(open_server(XDP_MODE_OFF));
		assert_int_equal(program_on_server(), id);
		close(fd);
	}
	lab_end();
}

static void a_down_interface_is_opened(void **state)
{
	struct interface *interface;
	int client;

	lab_begin(1);
	lab_run("ip link set " LAB_SERVER " down");
	client = lab_client_socket();
	interface = open_server(XDP_MODE_AUTO);
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
		told = !try_open(LAB_SERVER, XDP_MODE_AUTO) && strstr(error.text, "CAP_");
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
	    cmocka_unit_test(an_interface_is_served_by_one_at_a_time),
	    cmocka_unit_test(another_server_on_port_67_is_named_and_a_relay_agent_tolerated),
	    cmocka_unit_test(the_kernel_never_calls_the_port_unreachable),
	    cmocka_unit_test(addresses_are_replaced_whole),
	    cmocka_unit_test(no_request_is_lost_while_addresses_are_replaced),
	    cmocka_unit_test(own_addresses_are_read_and_watched),
	    cmocka_unit_test(detached_interfaces_still_hand_over_what_they_got),
	    cmocka_unit_test(vlan_offload_is_off_while_xdp_is_used),
	    cmocka_unit_test(the_program_goes_with_a_killed_process),
	    cmocka_unit_test(a_killed_server_can_be_started_again_at_once),
	    cmocka_unit_test(a_foreign_program_is_left_alone),
	    cmocka_unit_test(a_down_interface_is_opened),
	    cmocka_unit_test(a_process_without_privileges_is_told_what_it_lacks),
	};

	log_set_level(LOG_LEVEL_ERROR);
	if (!lab_may_begin())
		return lab_skip_all("makes network namespaces, which needs root");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
