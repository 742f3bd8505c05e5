/* SPDX-License-Identifier: MIT */
/**
 * net/interface.h - one network interface: its XDP program and its ports.
 *
 * Opening tries, as configured or in this order: native XDP with zero-copy, native with copy,
 * generic XDP, AF_PACKET; what was obtained is logged and kept for metrics. With XDP there is one
 * AF_XDP port per receive queue and one AF_PACKET port beside them for what the program leaves to
 * the kernel (IPv4 options, fragments).
 *
 * The program is attached through a bpf_link, so that it goes with the process. Another program on
 * the interface is joined through libxdp's dispatcher (program.h says what that means) or, where
 * that is refused, left alone: then opening fails with a clear error, in mode auto too.
 *
 * XDP sees no VLAN tag that hardware took out of the frame. So this is switched off
 * ("rx-vlan-offload") while XDP is used, and on again by interface_close; a driver that insists on
 * it gets AF_PACKET.
 */
#ifndef ETCDHCP_NET_INTERFACE_H
#define ETCDHCP_NET_INTERFACE_H

#include "config/config.h"
#include "net/port.h"

struct interface; /* opaque */

struct interface_options {
	const struct config_interface *config;
	bool zero_copy;
	unsigned busy_poll_us;
	unsigned frames; /* per port, power of two, at least 128; 0: 8192 */
};

/**
 * NULL and *error with the remedy when not even AF_PACKET (or the mode demanded) can be had; the
 * options are not needed afterwards. An interface that is down is opened, with a warning. Main
 * thread.
 */
struct interface *interface_open(const struct interface_options *options,
				 struct config_error *error);
/** Detaches the program, closes the ports. NULL is fine. Main thread, workers stopped. */
void interface_close(struct interface *interface);
/** Takes the program off the interface while the ports stay open, for a shutdown that first answers
 * what was received. */
void interface_detach(struct interface *interface);

const char *interface_name(const struct interface *interface);
unsigned interface_ifindex(const struct interface *interface);
/** All ports; the first n_xdp of them AF_XDP, in order of their queue. */
struct port *const *interface_ports(const struct interface *interface, size_t *n);

/**
 * Which destination addresses are ours, for the program and for the AF_PACKET path: 255.255.255.255
 * always, and what is given here (interface addresses, server identifiers, directed broadcasts of
 * subnets). Replaces the former set without a gap. Host order. 0; -E2BIG beyond
 * STEER_ADDRESSES_MAX, or another negative errno, and the former set stands. Main thread, no online
 * RCU reader: it waits for those that are.
 */
int interface_set_addresses(struct interface *interface, const uint32_t *addrs, size_t n);

/**
 * The interface's own IPv4 addresses now, host order, as first, each with its directed broadcast as
 * last (the address itself where there is none); returns how many (at most @p max). Main thread.
 */
size_t interface_addresses(const struct interface *interface, struct addr_range *addr_and_broadcast,
			   size_t max);

struct xdp_ring_stats {
	uint64_t rx_dropped, rx_invalid, tx_invalid, rx_ring_full, fill_ring_empty, tx_ring_empty;
};
/** The kernel's counts for one AF_XDP port (XDP_STATISTICS); -EINVAL for another. Any thread. */
int interface_ring_stats(const struct interface *interface, size_t port,
			 struct xdp_ring_stats *out);

/** Frames per steer_reason as counted by the program, summed over CPUs; all 0 without XDP. Any
 * thread. */
int interface_verdicts(const struct interface *interface, uint64_t counts[STEER_REASON_COUNT]);

#endif
