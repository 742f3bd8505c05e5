/* SPDX-License-Identifier: MIT */
/*
 * Sharing an interface with another XDP program through libxdp's dispatcher. It needs a bpffs,
 * which is mounted here for this process alone, and a kernel that loads programs which replace
 * functions of others: where it will not, the test is skipped and says in libxdp's words why.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "echo.h"
#include "foreign.h"
#include "lab.h"
#include "net/interface.h"
#include "unit.h"

#define OURS "etcdhcp_steer"

static const char *object; /* foreign.bpf.o */

static struct interface *open_server(enum xdp_mode mode)
{
	struct config_interface config = {.name = LAB_SERVER, .vlans.bits = {1}, .xdp = mode};
	const struct interface_options options = {.config = &config, .frames = 256};
	struct config_error error;
	struct interface *interface = interface_open(&options, &error);

	if (!interface)
		fail_msg("%s", error.text);
	return interface;
}

/* A lab with the foreign program on srv0; its index. */
static unsigned begin(bool generic)
{
	unsigned ifindex;

	lab_begin(1);
	ifindex = if_nametoindex(LAB_SERVER);
	assert_int_equal(foreign_attach(object, ifindex, generic), 0);
	return ifindex;
}

static void assert_serves(struct interface *interface, enum port_kind kind)
{
	uint64_t verdicts[STEER_REASON_COUNT];
	struct port *const *ports;
	uint8_t frame[2048];
	struct frame got;
	size_t n;
	int client = lab_client_socket();

	ports = interface_ports(interface, &n);
	echo_send(client, frame, sample_build(&(struct sample){.xid = 3}, frame));
	assert_true(echo_take(ports, n, &got, LAB_PATIENCE_MS));
	assert_int_equal(got.port->kind, kind);
	port_drop(got.port, &got, 1);
	assert_int_equal(interface_verdicts(interface, verdicts), 0);
	assert_int_equal(verdicts[STEER_OK], 1);
	close(client);
}

static void another_program_is_joined_and_survives_us(void **state)
{
	for (int generic = 0; generic <= 1; generic++) {
		unsigned ifindex = begin(generic);
		struct interface *interface =
		    open_server(generic ? XDP_MODE_GENERIC : XDP_MODE_NATIVE);

		assert_int_equal(foreign_count(ifindex, "foreign"), 1);
		assert_int_equal(foreign_count(ifindex, OURS), 1);
		assert_serves(interface, generic ? PORT_XDP_GENERIC : PORT_XDP_COPY);
		interface_close(interface);
		assert_int_equal(foreign_count(ifindex, "foreign"), 1);
		assert_int_equal(foreign_count(ifindex, OURS), 0);
		lab_end();
	}
}

static pid_t start_server(void)
{
	int ready[2];
	char byte;
	pid_t child;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		open_server(XDP_MODE_NATIVE);
		byte = (char)write(ready[1], "x", 1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return child;
}

/* The dispatcher keeps the program of a killed server: it must let all pass, and be cleaned up
 * after. */
static void what_a_killed_server_left_is_harmless_and_replaced(void **state)
{
	unsigned ifindex = begin(false);
	struct interface *interface;
	pid_t child = start_server();
	int status;

	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(foreign_count(ifindex, OURS), 1);
	lab_run("ping -c 1 -W 30 -q 10.6.0.2 > /dev/null");
	interface = open_server(XDP_MODE_NATIVE);
	assert_int_equal(foreign_count(ifindex, OURS), 1);
	assert_int_equal(foreign_count(ifindex, "foreign"), 1);
	assert_serves(interface, PORT_XDP_COPY);
	interface_close(interface);
	assert_int_equal(foreign_count(ifindex, OURS), 0);
	assert_int_equal(foreign_count(ifindex, "foreign"), 1);
	lab_end();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(another_program_is_joined_and_survives_us),
	    cmocka_unit_test(what_a_killed_server_left_is_harmless_and_replaced),
	};

	char why[256];

	if (argc != 2) {
		fprintf(stderr, "usage: %s foreign.bpf.o\n", argv[0]);
		return 2;
	}
	object = argv[1];
	log_set_level(LOG_LEVEL_ERROR);
	if (!lab_may_begin() || !lab_mount_bpffs())
		return lab_skip_all("needs namespaces and a bpffs of its own, and so root");
	if (!foreign_dispatcher_works(object, why, sizeof(why)))
		return lab_skip_all(why);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
