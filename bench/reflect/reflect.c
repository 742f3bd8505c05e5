/* SPDX-License-Identifier: MIT */
/*
 * etcdhcp-reflect: what a server could reach on this machine at most. Receives through the server's
 * own ports and XDP program, turns each frame round in place and sends it back: no parsing, no
 * lookup, no options, no checksum. What the generator needs to count the frame as an answer, so that
 * it does for a reflector all it does for a server, is written over the request at fixed places:
 *
 *     addresses and ports swapped (a renewal; its IPv4 checksum stays right)
 *     op BOOTREPLY, yiaddr, and over the options: type, server identifier, lease time, END
 *     UDP checksum 0, which says that there is none
 *
 * A DISCOVER or REQUEST, with which the generator obtains its leases first, is answered by
 * broadcast; the address follows from the client's own. Only etcdhcp-perf's messages of directly
 * attached, untagged clients are understood: option 53 comes first, MAC addresses count up from
 * 02:00:00:00:00:00.
 */
#include <getopt.h>
#include <linux/if_ether.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <urcu/urcu-qsbr.h>

#include "base/log.h"
#include "dhcp/message.h"
#include "net/checksum.h"
#include "net/interface.h"

#define BURST       64
#define PORTS_MAX   64
#define RARELY      1024 /* turns between looks at signals */
#define LEASE_S     3600
#define TYPE_OFFSET 2 /* of the value of option 53, where that comes first */

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* A request of the generator's, whole. */
struct request {
	struct steer_ethernet ethernet;
	struct steer_ipv4 ip;
	struct steer_udp udp;
	struct dhcp_header dhcp; /* the options are its last member */
} STEER_WIRE;

struct answer {
	uint8_t type[3], server[6], lease[6], end;
} STEER_WIRE;

struct reflector {
	struct interface *interface;
	struct port *const *ports;
	size_t n_ports;
	be32_t server;
	uint32_t first; /* the first client's address, host order */
	struct answer answer;
	int signals;
	uint64_t reflected;
};

static void swap_bytes(uint8_t *a, uint8_t *b, size_t n)
{
	uint8_t kept[ETH_ALEN];

	memcpy(kept, a, n);
	memcpy(a, b, n);
	memcpy(b, kept, n);
}

static void swap_ports(struct steer_udp *udp)
{
	be16_t port = udp->src_port;

	udp->src_port = udp->dst_port;
	udp->dst_port = port;
	udp->checksum = 0;
}

static void turn_renewal(struct request *request)
{
	be32_t address = request->ip.src;

	swap_bytes(request->ethernet.dst, request->ethernet.src, ETH_ALEN);
	request->ip.src = request->ip.dst;
	request->ip.dst = address;
	request->dhcp.yiaddr = request->dhcp.ciaddr;
}

static void turn_broadcast(const struct reflector *r, struct request *request, const uint8_t *mac)
{
	struct steer_ipv4 *ip = &request->ip;
	uint32_t index = load_be32(request->dhcp.chaddr + 2);

	memcpy(request->ethernet.dst, request->ethernet.src, ETH_ALEN);
	memcpy(request->ethernet.src, mac, ETH_ALEN);
	ip->src = r->server;
	ip->dst = STEER_BROADCAST;
	ip->checksum = 0;
	ip->checksum = (be16_t)~checksum_fold(checksum_add(ip, sizeof(*ip), 0));
	request->dhcp.yiaddr = htobe32(r->first + index);
}

/* False when it is no message of the generator's. */
static bool turn_round(const struct reflector *r, const struct frame *frame)
{
	struct request *request = (struct request *)frame->data;
	uint8_t type;

	if (frame->len < sizeof(*request) + sizeof(r->answer) ||
	    request->ethernet.type != htobe16(ETH_P_IP) || request->dhcp.options[0] != DHCP_OPT_MESSAGE_TYPE)
		return false;
	type = request->dhcp.options[TYPE_OFFSET];
	if (request->dhcp.ciaddr)
		turn_renewal(request);
	else
		turn_broadcast(r, request, frame->port->mac);
	swap_ports(&request->udp);
	request->dhcp.op = DHCP_BOOTREPLY;
	memcpy(request->dhcp.options, &r->answer, sizeof(r->answer));
	request->dhcp.options[TYPE_OFFSET] = type == DHCP_DISCOVER ? DHCP_OFFER : DHCP_ACK;
	return true;
}

static size_t reflect_burst(struct reflector *r, struct port *port)
{
	struct frame frames[BURST];
	size_t n = port_receive(port, frames, BURST), kept = 0;

	for (size_t i = 0; i < n; i++)
		__builtin_prefetch(frames[i].data + sizeof(struct request));
	for (size_t i = 0; i < n; i++) {
		if (turn_round(r, &frames[i]))
			frames[kept++] = frames[i];
		else
			port_drop(port, &frames[i], 1);
	}
	if (kept > 0)
		port_send(port, frames, kept);
	if (n > 0)
		port_flush(port);
	r->reflected += kept;
	return n;
}

static bool signalled(const struct reflector *r)
{
	struct signalfd_siginfo info;

	return read(r->signals, &info, sizeof(info)) == sizeof(info);
}

static void doze(const struct reflector *r)
{
	struct pollfd fds[PORTS_MAX + 1];

	for (size_t i = 0; i < r->n_ports; i++)
		fds[i] = (struct pollfd){.fd = r->ports[i]->fd, .events = POLLIN};
	fds[r->n_ports] = (struct pollfd){.fd = r->signals, .events = POLLIN};
	poll(fds, r->n_ports + 1, -1);
}

static void run(struct reflector *r)
{
	for (unsigned turn = 0;; turn++) {
		size_t n = 0;

		for (size_t i = 0; i < r->n_ports; i++)
			n += reflect_burst(r, r->ports[i]);
		if ((n == 0 || turn % RARELY == 0) && signalled(r))
			return;
		if (n == 0)
			doze(r);
	}
}

/* The AF_XDP ports alone: what the program leaves to the kernel is not for us. */
static int open_ports(struct reflector *r, const char *name)
{
	struct config_interface config = {.xdp = XDP_MODE_AUTO, .vlans.bits = {1}};
	const struct interface_options options = {.config = &config, .zero_copy = true};
	struct config_error error;
	size_t n;

	snprintf(config.name, sizeof(config.name), "%s", name);
	r->interface = interface_open(&options, &error);
	if (!r->interface) {
		fprintf(stderr, "etcdhcp-reflect: %s\n", error.text);
		return -1;
	}
	r->ports = interface_ports(r->interface, &n);
	while (r->n_ports < n && r->n_ports < PORTS_MAX &&
	       r->ports[r->n_ports]->kind != PORT_PACKET)
		r->n_ports++;
	if (r->n_ports == 0) {
		fprintf(stderr, "etcdhcp-reflect: %s: no AF_XDP socket could be had\n", name);
		return -1;
	}
	return 0;
}

static int open_signals(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void prepare_answer(struct reflector *r)
{
	r->answer = (struct answer){
	    .type = {DHCP_OPT_MESSAGE_TYPE, 1},
	    .server = {DHCP_OPT_SERVER_ID, 4},
	    .lease = {DHCP_OPT_LEASE_TIME, 4},
	    .end = DHCP_OPT_END,
	};
	memcpy(r->answer.server + 2, &r->server, sizeof(r->server));
	store_be32(r->answer.lease + 2, LEASE_S);
}

static int usage(FILE *out, int code)
{
	fputs("usage: etcdhcp-reflect -i INTERFACE -s SERVER -f FIRST\n\n"
	      "Sends etcdhcp-perf's requests back as answers, with as little work as possible.\n\n"
	      "  -i NAME     interface to reflect on\n"
	      "  -s ADDRESS  of the interface: the server identifier\n"
	      "  -f ADDRESS  of the first client\n\n"
	      "Says \"ready\" when it is; SIGTERM ends it.\n",
	      out);
	return code;
}

static bool parse_address(const char *text, uint32_t *address)
{
	unsigned a, b, c, d;
	char rest;

	if (sscanf(text, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &rest) != 4 ||
	    (a | b | c | d) > 255)
		return false;
	*address = a << 24 | b << 16 | c << 8 | d;
	return true;
}

int main(int argc, char **argv)
{
	struct reflector r = {0};
	const char *name = NULL;
	uint32_t server = 0;
	bool good = true;
	int option;

	while (good && (option = getopt(argc, argv, "hi:s:f:")) != -1) {
		switch (option) {
		case 'h':
			return usage(stdout, 0);
		case 'i':
			name = optarg;
			break;
		case 's':
			good = parse_address(optarg, &server);
			break;
		case 'f':
			good = parse_address(optarg, &r.first);
			break;
		default:
			good = false;
		}
	}
	if (!good || !name || !server || !r.first || optind != argc)
		return usage(stderr, EXIT_USAGE);

	log_set_level(LOG_LEVEL_WARN);
	r.server = htobe32(server);
	prepare_answer(&r);
	r.signals = open_signals();
	if (r.signals < 0 || open_ports(&r, name) || interface_set_addresses(r.interface, &server, 1)) {
		interface_close(r.interface);
		return EXIT_FAILED;
	}
	puts("ready");
	fflush(stdout);
	run(&r);
	printf("reflected %llu\n", (unsigned long long)r.reflected);
	interface_close(r.interface);
	return 0;
}
