/* SPDX-License-Identifier: MIT */
/* Others on an interface: servers, relay agents, the kernel, other programs, and the dead. */
#include "net/interface.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "echo.h"
#include "lab.h"
#include "opening.h"
#include "unit.h"

static void an_interface_is_served_by_one_at_a_time(void **state)
{
	struct interface *first;

	lab_begin(1);
	lab_run("ip link add other type veth peer name third");
	first = opening_server(XDP_MODE_OFF);
	assert_null(opening_try(LAB_SERVER, XDP_MODE_OFF));
	opening_assert_says("another etcdhcpd");
	assert_non_null(first);
	interface_close(opening_try("other", XDP_MODE_OFF));
	assert_string_equal(opening_error.text, "");
	interface_close(first);
	interface_close(opening_server(XDP_MODE_OFF));
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
	assert_null(opening_try(LAB_SERVER, XDP_MODE_AUTO));
	opening_assert_says("another DHCP server");
	assert_int_equal(program_on_server(), 0);
	close(fd);

	fd = open_port_67(true, &result);
	assert_int_equal(result, 0);
	interface_close(opening_server(XDP_MODE_OFF));
	close(fd);

	interface = opening_server(XDP_MODE_OFF);
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
	while ((len = echo_receive(client, frame, sizeof(frame), LAB_PATIENCE_MS)) > 0) {
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
		interface = opening_server(mode);
		assert_false(kernel_complains(client));
		assert_int_equal(waiting_on_port_67(), 0);
		interface_close(interface);
		close(client);
	}
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
		if (opening_try(LAB_SERVER, mode))
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
	for (int i = 0; i < LAB_PATIENCE_MS; i++) {
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
		lab_run("ping -c 1 -W 30 -q -I " LAB_SERVER " 10.6.0.2 > /dev/null");
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
		interface_close(opening_server(XDP_MODE_NATIVE));
		interface_close(opening_server(XDP_MODE_GENERIC));
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
			assert_null(opening_try(LAB_SERVER, mode));
			opening_assert_says("another XDP program");
			opening_assert_says("xdp: off");
			assert_int_equal(program_on_server(), id);
		}
		interface_close(opening_server(XDP_MODE_OFF));
		assert_int_equal(program_on_server(), id);
		close(fd);
	}
	lab_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_interface_is_served_by_one_at_a_time),
	    cmocka_unit_test(another_server_on_port_67_is_named_and_a_relay_agent_tolerated),
	    cmocka_unit_test(the_kernel_never_calls_the_port_unreachable),
	    cmocka_unit_test(the_program_goes_with_a_killed_process),
	    cmocka_unit_test(a_killed_server_can_be_started_again_at_once),
	    cmocka_unit_test(a_foreign_program_is_left_alone),
	};

	log_set_level(LOG_LEVEL_ERROR);
	if (!lab_may_begin())
		return lab_skip_all("makes network namespaces, which needs root");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
