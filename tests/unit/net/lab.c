/* SPDX-License-Identifier: MIT */
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

/*
 * ThreadSanitizer asks for this. It does not understand liburcu, whose library is not instrumented
 * and whose inline functions order memory by assembly.
 */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "race:free_after_grace_period\n"
	       "race:urcu_qsbr_wake_up_gp\n"
	       "called_from_lib:liburcu-qsbr.so\n";
}

static int server_ns = -1, client_ns = -1;

static void require(bool ok, const char *what)
{
	if (!ok)
		fail_msg("%s: %s", what, strerror(errno));
}

bool lab_may_begin(void)
{
	return geteuid() == 0;
}

int lab_skip_all(const char *reason)
{
	printf("1..0 # SKIP %s\n", reason);
	return 0;
}

static int new_namespace(void)
{
	int fd;

	require(unshare(CLONE_NEWNET) == 0, "unshare");
	fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	require(fd >= 0, "open namespace");
	lab_run("ip link set lo up");
	return fd;
}

void lab_begin(unsigned queues)
{
	lab_end();
	client_ns = new_namespace();
	server_ns = new_namespace();
	lab_run("ip link add %s numrxqueues %u numtxqueues %u type veth "
		"peer name %s numrxqueues %u numtxqueues %u",
		LAB_SERVER, queues, queues, LAB_CLIENT, queues, queues);
	lab_run("ip link set %s address 02:00:00:00:00:02 netns /proc/%d/fd/%d", LAB_CLIENT,
		getpid(), client_ns);
	lab_run("ip link set %s address 02:00:00:00:00:01", LAB_SERVER);
	lab_run("ip address add 10.6.0.1/16 broadcast 10.6.255.255 dev %s", LAB_SERVER);
	lab_enter_client();
	lab_run("ip link set %s up", LAB_CLIENT);
	lab_run("ip address add 10.6.0.2/16 dev %s", LAB_CLIENT);
	lab_enter_server();
	lab_server_up();
}

/* Until its carrier is noticed an interface drops what is sent through its queue. */
static void wait_until_running(const char *name)
{
	struct ifreq request = {.ifr_flags = 0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct link_info link;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	for (int i = 0; !(request.ifr_flags & IFF_RUNNING); i++) {
		if (i > 0)
			poll(NULL, 0, 1);
		assert_in_range(i, 0, LAB_PATIENCE_MS);
		require(ioctl(fd, SIOCGIFFLAGS, &request) == 0, "interface flags");
	}
	close(fd);
	/* Asked for with the lock held under which the rest of the change is made. */
	require(link_read(name, &link) == 0, "link");
}

void lab_server_up(void)
{
	lab_run("ip link set %s up", LAB_SERVER);
	wait_until_running(LAB_SERVER);
	lab_enter_client();
	wait_until_running(LAB_CLIENT);
	lab_enter_server();
}

void lab_end(void)
{
	if (server_ns >= 0)
		close(server_ns);
	if (client_ns >= 0)
		close(client_ns);
	server_ns = client_ns = -1;
}

void lab_run(const char *format, ...)
{
	char command[512];
	va_list arguments;
	int status;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	status = system(command);
	if (status != 0)
		fail_msg("`%s` ended with status %d", command, status);
}

void lab_enter_client(void)
{
	require(setns(client_ns, CLONE_NEWNET) == 0, "setns");
}

void lab_enter_server(void)
{
	require(setns(server_ns, CLONE_NEWNET) == 0, "setns");
}

struct link_info lab_server_link(void)
{
	struct link_info link;

	assert_int_equal(link_read(LAB_SERVER, &link), 0);
	return link;
}

int lab_client_socket(void)
{
	struct sockaddr_ll address = {
	    .sll_family = AF_PACKET,
	    .sll_protocol = htobe16(ETH_P_ALL),
	};
	const int bytes = 64 << 20, on = 1;
	int fd;

	lab_enter_client();
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	require(fd >= 0, "packet socket");
	address.sll_ifindex = (int)if_nametoindex(LAB_CLIENT);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
	require(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "bind");
	lab_enter_server();
	return fd;
}

bool lab_wait(int fd, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, timeout_ms) > 0;
}

bool lab_mount_bpffs(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL) == 0;
}
