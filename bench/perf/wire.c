/* SPDX-License-Identifier: MIT */
#include "perf/wire.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include "net/ethtool.h"
#include "net/packet_port.h"
#include "net/xdp_port.h"
#include "perf/reply_filter.h"

#define BUSY_TRIES   200
#define BUSY_WAIT_MS 10

static int fail(struct wire_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct wire_error *error, int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return code;
}

static int be_promiscuous(const struct wire *wire, int fd)
{
	const struct packet_mreq wish = {
	    .mr_ifindex = (int)wire->link.ifindex,
	    .mr_type = PACKET_MR_PROMISC,
	};

	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &wish, sizeof(wish)) < 0)
		return -errno;
	return 0;
}

/* Sent past the queueing discipline, as AF_XDP does it. */
static void bypass_queueing(int fd)
{
	const int on = 1;

	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
}

static int add_packet_port(struct wire *wire, const struct options *options,
			   struct wire_error *error)
{
	const struct packet_port_options wish = {
	    .link = &wire->link,
	    .frames = options->frames,
	    .filter = reply_filter_attach,
	};
	struct port *port;
	int result = packet_port_open(&wish, &port);

	if (result < 0)
		return fail(error, result,
			    "%s: AF_PACKET socket: %s; root or CAP_NET_RAW is needed",
			    wire->link.name, strerror(-result));
	wire->ports[wire->n_ports++] = port;
	bypass_queueing(port->fd);
	result = be_promiscuous(wire, port->fd);
	if (result < 0)
		return fail(error, result, "%s: promiscuous mode: %s", wire->link.name,
			    strerror(-result));
	return 0;
}

/* The kernel lets go of a queue some time after the last socket on it was closed. */
static int open_port(const struct xdp_port_options *wish, struct port **port)
{
	int result = xdp_port_open(wish, port);

	for (int i = 0; i < BUSY_TRIES && result == -EBUSY; i++) {
		poll(NULL, 0, BUSY_WAIT_MS);
		result = xdp_port_open(wish, port);
	}
	return result;
}

/* Zero-copy where the driver has it. */
static int open_queue(const struct wire *wire, const struct options *options, unsigned queue,
		      struct port **port)
{
	const enum port_kind kinds[] = {PORT_XDP_ZEROCOPY, PORT_XDP_COPY};
	struct xdp_port_options wish = {
	    .link = &wire->link,
	    .queue = queue,
	    .frames = options->frames,
	    .receiving = options->frames / 2, /* or unread replies would leave none to send */
	};
	int result = -EOPNOTSUPP;

	if (options->generic) {
		wish.kind = PORT_XDP_GENERIC;
		return open_port(&wish, port);
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds) && result == -EOPNOTSUPP; i++) {
		wish.kind = kinds[i];
		result = open_port(&wish, port);
	}
	return result;
}

static int add_xdp_ports(struct wire *wire, const struct options *options, struct wire_error *error)
{
	for (unsigned queue = 0; queue < wire->link.rx_queues; queue++) {
		struct port *port;
		int result = open_queue(wire, options, queue, &port);

		if (result == 0) {
			wire->ports[wire->n_ports++] = port;
			result = steering_set_socket(wire->steering, queue, port->fd);
		}
		if (result < 0)
			return fail(error, result,
				    "%s: AF_XDP socket on queue %u: %s; try --socket, or run as "
				    "root (CAP_NET_RAW, CAP_IPC_LOCK)",
				    wire->link.name, queue, strerror(-result));
	}
	return 0;
}

static int open_xdp(struct wire *wire, const struct options *options, struct wire_error *error)
{
	const char *name = wire->link.name;
	int result;

	if (wire->link.rx_queues >= WIRE_PORTS_MAX)
		return fail(error, -E2BIG, "%s has %u receive queues, %d at most are supported",
			    name, wire->link.rx_queues, WIRE_PORTS_MAX - 1);
	result = ethtool_keep_vlan_tags(name, &wire->vlan_offload);
	if (result < 0)
		return fail(error, result,
			    "%s: the driver takes VLAN tags out of frames (%s); use --socket", name,
			    strerror(-result));
	result = steering_open(wire->link.ifindex, wire->link.rx_queues, options->generic,
			       &wire->steering);
	if (result == -EBUSY)
		return fail(error, result,
			    "%s has an XDP program already, which was left alone; use --socket",
			    name);
	if (result < 0)
		return fail(error, result,
			    "%s: XDP program: %s; run as root, or try --generic or --socket", name,
			    strerror(-result));
	wire->take = xdp_port_take;
	result = add_xdp_ports(wire, options, error);
	wire->n_fast = wire->n_ports;
	return result;
}

int wire_open(struct wire *wire, const struct options *options, struct wire_error *error)
{
	int result;

	*wire = (struct wire){.take = packet_port_take};
	result = link_read(options->interface, &wire->link);
	if (result < 0)
		return fail(error, result, "interface %s: %s", options->interface,
			    strerror(-result));
	if (!wire->link.up)
		return fail(error, -ENETDOWN, "%s is down: ip link set %s up", wire->link.name,
			    wire->link.name);
	if (!wire->link.ethernet)
		return fail(error, -EINVAL, "%s is no Ethernet interface", wire->link.name);
	if (!options->socket)
		result = open_xdp(wire, options, error);
	if (result == 0)
		result = add_packet_port(wire, options, error);
	if (result < 0)
		wire_close(wire);
	return result;
}

void wire_close(struct wire *wire)
{
	struct port *sender = wire->n_ports > 0 ? wire->ports[0] : NULL;

	if (sender && wire->n_free > 0)
		port_drop(sender, wire->free, wire->n_free);
	steering_close(wire->steering);
	for (size_t i = 0; i < wire->n_ports; i++)
		port_close(wire->ports[i]);
	if (wire->vlan_offload)
		ethtool_restore_vlan_tags(wire->link.name, wire->vlan_offload);
	wire->steering = NULL;
	wire->vlan_offload = 0;
	wire->n_ports = wire->n_free = wire->n_ready = 0;
}

const char *wire_kind(const struct wire *wire)
{
	return port_kind_name(wire->ports[0]->kind);
}

size_t wire_prepare(struct wire *wire, size_t n)
{
	n = min_size(n, WIRE_OUTBOX - wire->n_ready);
	if (wire->n_free < n)
		wire->n_free +=
		    wire->take(wire->ports[0], wire->free + wire->n_free, n - wire->n_free);
	return wire->n_free;
}

void wire_flush(struct wire *wire)
{
	if (wire->n_ready > 0)
		port_send(wire->ports[0], wire->ready, wire->n_ready);
	wire->n_ready = 0;
	for (size_t i = 0; i < wire->n_ports; i++)
		port_flush(wire->ports[i]);
}

/* What the kernel could not deliver into an AF_XDP socket's rings. */
static uint64_t ring_losses(const struct port *port)
{
	struct xdp_statistics statistics;
	socklen_t len = sizeof(statistics);

	if (port->kind == PORT_PACKET ||
	    getsockopt(port->fd, SOL_XDP, XDP_STATISTICS, &statistics, &len) < 0 ||
	    len < sizeof(statistics))
		return 0;
	return statistics.rx_dropped + statistics.rx_ring_full;
}

struct wire_losses wire_losses(const struct wire *wire)
{
	struct wire_losses losses = {0};

	for (size_t i = 0; i < wire->n_ports; i++) {
		const struct port_counters *counters = &wire->ports[i]->counters;

		losses.not_received += counter_read(&counters->rx_overrun) +
				       counter_read(&counters->rx_truncated) +
				       ring_losses(wire->ports[i]);
		losses.not_sent +=
		    counter_read(&counters->tx_full) + counter_read(&counters->tx_errors);
	}
	return losses;
}
