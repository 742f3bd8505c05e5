/* SPDX-License-Identifier: MIT */
#include "net/interface.h"

#include <errno.h>
#include <linux/if_xdp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "net/address_book.h"
#include "net/claim.h"
#include "net/ethtool.h"
#include "net/fail.h"
#include "net/link.h"
#include "net/packet_port.h"
#include "net/program.h"
#include "net/xdp_port.h"

#define QUEUE_TRIES    300
#define QUEUE_RETRY_MS 10

struct interface {
	struct link_info link;
	struct interface_options options;
	struct config_interface config;
	struct claim claim;
	struct address_book addresses;
	struct program *program; /* NULL: no XDP */
	unsigned tag_features;   /* switched off, to be restored */
	struct port **ports;     /* n_xdp of AF_XDP, then the AF_PACKET one */
	size_t n_xdp;
	struct port *packet;
};

/* What each mode may end with. */
static const struct plan {
	bool native, generic, packet;
} plans[XDP_MODE_COUNT] = {
    [XDP_MODE_AUTO] = {.native = true, .generic = true, .packet = true},
    [XDP_MODE_NATIVE] = {.native = true},
    [XDP_MODE_GENERIC] = {.generic = true},
    [XDP_MODE_OFF] = {.packet = true},
};

static int find_link(struct interface *interface, struct config_error *error)
{
	struct link_info *link = &interface->link;
	const char *name = interface->config.name;
	char others[256];
	int result = link_read(name, link);

	if (result == -ENODEV) {
		link_list(others, sizeof(others));
		return net_fail(error, result, "%s: no such interface; there are: %s", name,
				others);
	}
	if (result < 0)
		return net_fail(error, result, "%s: cannot ask the kernel about it: %s", name,
				strerror(-result));
	if (!link->ethernet)
		return net_fail(error, -EINVAL,
				"%s: not an Ethernet interface; DHCP is served on Ethernet alone",
				name);
	if (!link->up)
		log_warn("interface is down; serving begins when it comes up",
			 F_STR("interface", name));
	return 0;
}

static int open_packet(struct interface *interface, struct config_error *error)
{
	const struct packet_port_options options = {
	    .link = &interface->link,
	    .vlans = interface->config.vlans.bits,
	    .addresses = &interface->addresses,
	    .frames = interface->options.frames,
	};
	int result = packet_port_open(&options, &interface->packet);

	if (result == -EPERM)
		return net_fail(error, result,
				"%s: may not open a packet socket; run as root or grant "
				"CAP_NET_RAW",
				interface->link.name);
	if (result < 0)
		return net_fail(error, result, "%s: cannot open a packet socket: %s",
				interface->link.name, strerror(-result));
	return 0;
}

/* What the AF_XDP sockets said, in the operator's terms. */
static int explain_socket(int code, const struct link_info *link, unsigned queue,
			  struct config_error *error)
{
	const char *remedy = "set `xdp: off` to do without";

	if (code == -EPERM)
		remedy = "run as root or grant CAP_NET_RAW";
	else if (code == -ENOBUFS)
		remedy = "packet memory may not be locked: grant CAP_IPC_LOCK or raise the limit "
			 "(LimitMEMLOCK=infinity)";
	else if (code == -EBUSY)
		remedy = "another program has an AF_XDP socket on that queue: stop it";
	return net_fail(error, code, "%s: no AF_XDP socket on queue %u: %s; %s", link->name, queue,
			strerror(-code), remedy);
}

/*
 * The kernel frees a queue in the background after the socket on it was closed: a server that was
 * killed and started again must not fail for that.
 */
static int open_port(const struct xdp_port_options *options, struct port **port)
{
	int result = xdp_port_open(options, port);

	for (int i = 0; result == -EBUSY && i < QUEUE_TRIES; i++) {
		poll(NULL, 0, QUEUE_RETRY_MS);
		result = xdp_port_open(options, port);
	}
	return result;
}

/* With zero-copy where it is wanted and to be had. */
static int open_queue(struct interface *interface, unsigned queue, bool generic)
{
	struct xdp_port_options options = {
	    .link = &interface->link,
	    .queue = queue,
	    .kind = PORT_XDP_ZEROCOPY,
	    .frames = interface->options.frames,
	};
	struct port **port = &interface->ports[queue];

	if (!generic && interface->options.zero_copy && open_port(&options, port) == 0)
		return 0;
	options.kind = generic ? PORT_XDP_GENERIC : PORT_XDP_COPY;
	return open_port(&options, port);
}

static int open_queues(struct interface *interface, bool generic, struct config_error *error)
{
	unsigned busy_poll_us = interface->options.busy_poll_us;
	int result = 0;

	for (unsigned queue = 0; queue < interface->link.rx_queues; queue++) {
		struct port *port;

		result = open_queue(interface, queue, generic);
		if (result == -EINVAL && queue > 0)
			break; /* the device was made with more queues than it uses */
		if (result < 0)
			return explain_socket(result, &interface->link, queue, error);
		port = interface->ports[queue];
		interface->n_xdp++;
		xdp_port_account_to(port, program_queue(interface->program, queue));
		result = program_set_socket(interface->program, queue, port->fd);
		if (result < 0)
			return explain_socket(result, &interface->link, queue, error);
		result = busy_poll_us ? xdp_port_busy_poll(port, busy_poll_us) : 0;
		if (result < 0)
			log_warn("busy polling refused; going on without",
				 F_STR("interface", port->interface), F_U64("queue", queue),
				 F_ERR(result));
	}
	return 0;
}

static void restore_tags(struct interface *interface)
{
	ethtool_restore_vlan_tags(interface->link.name, interface->tag_features);
	interface->tag_features = 0;
}

/* Undoes open_xdp, however far it came. */
static void close_xdp(struct interface *interface)
{
	if (interface->program)
		program_detach(interface->program);
	while (interface->n_xdp > 0)
		port_close(interface->ports[--interface->n_xdp]);
	program_free(interface->program);
	interface->program = NULL;
	restore_tags(interface);
}

static int keep_tags(struct interface *interface, struct config_error *error)
{
	const char *name = interface->link.name;
	int result = ethtool_keep_vlan_tags(name, &interface->tag_features);

	if (result < 0)
		return net_fail(error, result,
				"%s: the hardware takes VLAN tags out of frames before XDP sees "
				"them, and cannot be told not to (%s); set `xdp: off`",
				name, strerror(-result));
	if (interface->tag_features)
		log_info("rx-vlan-offload switched off while XDP is used",
			 F_STR("interface", name));
	return 0;
}

/* Until the queues have their sockets the program passes everything on, tags or no tags. */
static int open_xdp(struct interface *interface, bool generic, struct config_error *error)
{
	const struct program_options options = {
	    .queues = interface->link.rx_queues,
	    .vlans = interface->config.vlans.bits,
	    .waiting_max = xdp_port_ring(interface->options.frames) / 2,
	};
	int result;

	interface->program = program_new(&options);
	if (!interface->program)
		return net_fail(error, -ENOMEM, "%s: cannot prepare the XDP program: no memory",
				interface->link.name);
	result = program_attach(interface->program, &interface->link, generic, error);
	if (result == 0)
		result = keep_tags(interface, error);
	if (result == 0)
		result = open_queues(interface, generic, error);
	if (result < 0)
		close_xdp(interface);
	return result;
}

/* From the best rung of the ladder down. Another's program in the way ends the descent. */
static int open_ports(struct interface *interface, struct config_error *error)
{
	const struct plan *plan = &plans[interface->config.xdp];
	const bool rungs[] = {plan->native, plan->generic};
	int result = open_packet(interface, error);

	if (result < 0)
		return result;
	for (size_t i = 0; i < ARRAY_SIZE(rungs); i++) {
		if (!rungs[i])
			continue;
		result = open_xdp(interface, i == 1, error);
		if (result == 0 || result == -EBUSY)
			return result;
		if (plan->packet)
			log_warn("doing without this kind of XDP", F_STR("reason", error->text));
	}
	return plan->packet ? 0 : result;
}

static void log_opened(const struct interface *interface)
{
	const struct port *first = interface->n_xdp ? interface->ports[0] : interface->packet;

	log_info("interface opened", F_STR("interface", interface->link.name),
		 F_STR("mode", port_kind_name(first->kind)), F_U64("queues", interface->n_xdp),
		 F_HEX("mac", interface->link.mac, sizeof(interface->link.mac)));
	if (interface->program && program_is_shared(interface->program))
		log_info("XDP program shares the interface with another one",
			 F_STR("interface", interface->link.name));
}

struct interface *interface_open(const struct interface_options *options,
				 struct config_error *error)
{
	struct interface *interface = calloc(1, sizeof(*interface));
	int result;

	if (!interface) {
		net_fail(error, -ENOMEM, "%s: no memory", options->config->name);
		return NULL;
	}
	interface->options = *options;
	interface->options.config = NULL; /* ours from here on is the copy */
	interface->config = *options->config;
	interface->claim = CLAIM_NONE;
	result = find_link(interface, error);
	if (result == 0)
		interface->ports = calloc(interface->link.rx_queues + 1, sizeof(struct port *));
	if (result == 0 && !interface->ports)
		result = net_fail(error, -ENOMEM, "%s: no memory", options->config->name);
	if (result == 0)
		result = claim_take(&interface->claim, &interface->link, error);
	if (result == 0)
		result = open_ports(interface, error);
	if (result < 0) {
		interface_close(interface);
		return NULL;
	}
	interface->ports[interface->n_xdp] = interface->packet;
	log_opened(interface);
	return interface;
}

void interface_close(struct interface *interface)
{
	if (!interface)
		return;
	close_xdp(interface);
	port_close(interface->packet);
	claim_release(&interface->claim);
	address_book_fini(&interface->addresses);
	free(interface->ports);
	free(interface);
}

void interface_detach(struct interface *interface)
{
	if (interface->program)
		program_detach(interface->program);
	restore_tags(interface);
}

const char *interface_name(const struct interface *interface)
{
	return interface->link.name;
}

unsigned interface_ifindex(const struct interface *interface)
{
	return interface->link.ifindex;
}

struct port *const *interface_ports(const struct interface *interface, size_t *n)
{
	*n = interface->n_xdp + 1;
	return interface->ports;
}

/* Takes those of @p addresses that are not in the book off the program's map. */
static void forget_addresses(struct interface *interface, const uint32_t *addresses, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!address_book_has(&interface->addresses, addresses[i]))
			program_remove_address(interface->program, addresses[i]);
	}
}

static int learn_addresses(struct interface *interface, const uint32_t *addresses, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int result = program_add_address(interface->program, addresses[i]);

		if (result < 0) {
			forget_addresses(interface, addresses, i);
			return result;
		}
	}
	return 0;
}

int interface_set_addresses(struct interface *interface, const uint32_t *addrs, size_t n)
{
	size_t n_former;
	const uint32_t *all = address_book_all(&interface->addresses, &n_former);
	uint32_t *former = calloc(n_former + 1, sizeof(*former));
	int result = 0;

	if (!former)
		return -ENOMEM;
	if (n_former)
		memcpy(former, all, n_former * sizeof(*former));
	if (interface->program)
		result = learn_addresses(interface, addrs, n);
	if (result == 0)
		result = address_book_replace(&interface->addresses, addrs, n);
	if (interface->program && result == 0)
		forget_addresses(interface, former, n_former);
	else if (interface->program)
		forget_addresses(interface, addrs, n);
	free(former);
	return result;
}

size_t interface_addresses(const struct interface *interface, struct addr_range *addr_and_broadcast,
			   size_t max)
{
	struct link_address *found = calloc(max, sizeof(*found));
	int n = found ? link_addresses(interface->link.ifindex, found, max) : 0;

	for (int i = 0; i < n; i++)
		addr_and_broadcast[i] = (struct addr_range){found[i].address, found[i].broadcast};
	free(found);
	return n > 0 ? (size_t)n : 0;
}

int interface_ring_stats(const struct interface *interface, size_t port, struct xdp_ring_stats *out)
{
	struct xdp_statistics kernel = {0};
	socklen_t len = sizeof(kernel);

	if (port >= interface->n_xdp)
		return -EINVAL;
	if (getsockopt(interface->ports[port]->fd, SOL_XDP, XDP_STATISTICS, &kernel, &len) < 0)
		return -errno;
	*out = (struct xdp_ring_stats){
	    .rx_dropped = kernel.rx_dropped,
	    .rx_invalid = kernel.rx_invalid_descs,
	    .tx_invalid = kernel.tx_invalid_descs,
	    .rx_ring_full = kernel.rx_ring_full,
	    .fill_ring_empty = kernel.rx_fill_ring_empty_descs,
	    .tx_ring_empty = kernel.tx_ring_empty_descs,
	};
	return 0;
}

int interface_verdicts(const struct interface *interface, uint64_t counts[STEER_REASON_COUNT])
{
	if (interface->program)
		return program_verdicts(interface->program, counts);
	memset(counts, 0, STEER_REASON_COUNT * sizeof(counts[0]));
	return 0;
}
