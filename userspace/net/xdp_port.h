/* SPDX-License-Identifier: MIT */
/**
 * net/xdp_port.h - an AF_XDP socket on one receive queue, with packet memory (UMEM) of its own.
 *
 * The UMEM is cut into chunks, one frame each. A chunk is always in exactly one of four places,
 * and only the port's owner moves it:
 *
 *     free (a stack)  --refill-->  filling (the kernel may receive into it)
 *          ^                                |
 *          |                             receive
 *       completed, dropped                  v
 *          +--------------------------    lent (the worker has it)
 *          |                                |
 *          |                               send
 *          |                                v
 *          +---------reap-----------    sending (the kernel transmits it)
 */
#ifndef ETCDHCP_NET_XDP_PORT_H
#define ETCDHCP_NET_XDP_PORT_H

#include "net/link.h"
#include "net/port.h"

#define XDP_PORT_FRAMES_DEFAULT 8192
#define XDP_PORT_FRAMES_MIN     128

struct xdp_port_options {
	const struct link_info *link;
	unsigned queue;
	enum port_kind kind; /* zero-copy or copy; PORT_XDP_GENERIC is copy, too */
	unsigned frames;     /* power of two, at least XDP_PORT_FRAMES_MIN; 0: the default */
	unsigned receiving;  /* frames that may be filling at most, for owners who send of their own
				accord and need some left; 0: all */
};

/**
 * Makes the socket; it receives once its descriptor is in the program's map (program_set_socket). 0
 * or negative errno: -EOPNOTSUPP when the driver lacks zero-copy, -ENOBUFS when the memory must not
 * be locked, -EINVAL when there is no such queue. Any thread.
 */
int xdp_port_open(const struct xdp_port_options *options, struct port **port);

/**
 * The port tells in @p queue (the program's, see program_queue) what it took out of its ring; it must
 * stay until the port is closed. Before the port's owner begins.
 */
void xdp_port_account_to(struct port *port, struct steer_queue *queue);

/** How many frames the ring of a port with so many frames of memory (0: the default) holds. */
unsigned xdp_port_ring(unsigned frames);

/** SO_PREFER_BUSY_POLL with @p us microseconds. 0 or negative errno. */
int xdp_port_busy_poll(struct port *port, unsigned us);

/**
 * Lends up to @p max free chunks for frames that answer none, of length 0: what a load generator
 * sends. They come back like received ones. Returns how many; what the fill ring holds is never
 * given out. Owner only.
 */
size_t xdp_port_take(struct port *port, struct frame *frames, size_t max);

/** How many chunks are where; the four sum up to the UMEM. Owner only. */
struct xdp_port_account {
	uint32_t free, filling, lent, sending;
};
struct xdp_port_account xdp_port_account(const struct port *port);

#endif
