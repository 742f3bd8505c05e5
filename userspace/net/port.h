/* SPDX-License-Identifier: MIT */
/**
 * net/port.h - a source and sink of frames: an AF_XDP socket (one per interface and queue) or an
 * AF_PACKET socket (one per interface).
 *
 * A port belongs to one worker, which alone calls it (status apart). Frames are lent: every frame
 * that port_receive gives out comes back through port_send or port_drop of the same port, in any
 * order, at any later time. Nothing allocates after port_open_*.
 */
#ifndef ETCDHCP_NET_PORT_H
#define ETCDHCP_NET_PORT_H

#include "base/counter.h"
#include "net/frame.h"

enum port_kind { PORT_XDP_ZEROCOPY, PORT_XDP_COPY, PORT_XDP_GENERIC, PORT_PACKET, PORT_KIND_COUNT };

/** X(name, help): one line per counter, all kinds of port together; written by the owner. */
#define PORT_COUNTERS(X)                                                                           \
	X(rx_frames, "Frames received")                                                            \
	X(rx_bytes, "Bytes received")                                                              \
	X(tx_frames, "Frames handed to the kernel for sending")                                    \
	X(tx_bytes, "Bytes handed to the kernel for sending")                                      \
	X(tx_full, "Replies lost because the transmit ring stayed full")                           \
	X(tx_errors, "Replies, or attempts to send them, that the kernel refused")                 \
	X(rx_truncated, "Frames longer than the buffer, dropped")                                  \
	X(rx_overrun, "Frames lost because the socket's buffer was full")                          \
	X(kicks, "System calls made to start transmission")                                        \
	X(fill_low, "Times that free frames ran short for receiving")

struct port_counters {
#define X(name, help) counter_t name;
	PORT_COUNTERS(X)
#undef X
} __attribute__((aligned(CACHE_LINE)));

struct port_ops {
	size_t (*receive)(struct port *port, struct frame *frames, size_t max);
	void (*send)(struct port *port, const struct frame *frames, size_t n);
	void (*drop)(struct port *port, const struct frame *frames, size_t n);
	void (*flush)(struct port *port);
	void (*close)(struct port *port);
	size_t (*take)(struct port *port, struct frame *frames, size_t max); /* NULL: lends none */
};

struct port {
	const struct port_ops *ops;
	enum port_kind kind;
	int fd; /* poll for POLLIN */
	unsigned ifindex;
	unsigned queue; /* 0 for AF_PACKET */
	bool emptied;   /* the last port_receive left nothing waiting */
	uint16_t mtu;   /* bounds replies (packet_room); 0: unknown */
	uint8_t mac[6]; /* of the interface: replies' source */
	char interface[16];
	struct port_counters counters;
	/* AF_PACKET: frames dropped by the port, by the reason; written by the owner. */
	counter_t refused[STEER_REASON_COUNT];
};

/** Up to @p max frames that are waiting, without blocking; 0 when none. */
static inline size_t port_receive(struct port *p, struct frame *frames, size_t max)
{
	return p->ops->receive(p, frames, max);
}

/** Queues frames for sending and takes them back, whatever becomes of them; they leave at
 * port_flush at the latest. */
static inline void port_send(struct port *p, const struct frame *frames, size_t n)
{
	p->ops->send(p, frames, n);
}

/** Takes frames back unsent. */
static inline void port_drop(struct port *p, const struct frame *frames, size_t n)
{
	p->ops->drop(p, frames, n);
}

/**
 * Lends up to @p max free frames that answer none received just now, of length 0; they come back
 * like received ones. 0 when the port has none to spare, or is of a kind that lends none.
 */
static inline size_t port_take(struct port *p, struct frame *frames, size_t max)
{
	return p->ops->take ? p->ops->take(p, frames, max) : 0;
}

/**
 * Makes the kernel send what is queued and refills the receive side: once per burst, and before
 * sleeping. One system call as a rule; more when the kernel takes fewer frames per call, for as
 * long as it takes any.
 */
static inline void port_flush(struct port *p)
{
	p->ops->flush(p);
}

/** Gives everything back to the kernel; NULL is fine. */
void port_close(struct port *port);

const char *
port_kind_name(enum port_kind kind); /* "xdp-zerocopy", "xdp-copy", "xdp-generic", "packet" */

#endif
