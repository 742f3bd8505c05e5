/* SPDX-License-Identifier: MIT */
/**
 * perf/wire.h - the interface to the server: ports to receive from, one to send through.
 *
 * With AF_XDP there is a port for each receive queue (a reply may come in on any), and an AF_PACKET
 * port beside them for ARP and for replies that the XDP program leaves to the kernel; without, the
 * AF_PACKET port is all there is. The interface is promiscuous while it is used: clients have MAC
 * addresses of their own.
 *
 * To send, take a frame, fill it and set its length; frames leave at wire_flush. Frames that were
 * taken stay usable until they are sent.
 */
#ifndef ETCDHCP_PERF_WIRE_H
#define ETCDHCP_PERF_WIRE_H

#include "net/link.h"
#include "net/port.h"
#include "perf/options.h"
#include "perf/steering.h"

#define WIRE_PORTS_MAX 65
#define WIRE_BURST     64  /* frames received at once */
#define WIRE_OUTBOX    320 /* a turn's answers to replies, and messages of its own accord */

typedef size_t wire_take_fn(struct port *port, struct frame *frames, size_t max);

struct wire {
	struct port *ports[WIRE_PORTS_MAX]; /* the first one sends */
	size_t n_ports;
	size_t n_fast; /* ports before the AF_PACKET port beside them: looked at more often */
	wire_take_fn *take;
	struct frame free[WIRE_OUTBOX], ready[WIRE_OUTBOX];
	size_t n_free, n_ready;

	struct link_info link;
	struct steering *steering;
	unsigned vlan_offload; /* what ethtool_restore_vlan_tags turns on again */
};

struct wire_error {
	char text[256];
};

/** 0; or negative errno, and @p error says what is wrong and what to do. */
int wire_open(struct wire *wire, const struct options *options, struct wire_error *error);
/** Harmless after a failed wire_open. */
void wire_close(struct wire *wire);

const char *wire_kind(const struct wire *wire);

/** Makes up to @p n free frames ready to be taken; returns how many there are. */
size_t wire_prepare(struct wire *wire, size_t n);

/** The next free frame, or NULL; it is sent by wire_commit, or reused. */
static inline struct frame *wire_next(struct wire *wire)
{
	return wire->n_free > 0 && wire->n_ready < WIRE_OUTBOX ? &wire->free[wire->n_free - 1]
							       : NULL;
}

/** Sends what wire_next gave, of length @p len, at the next flush. */
static inline void wire_commit(struct wire *wire, uint32_t len)
{
	struct frame *frame = &wire->free[--wire->n_free];

	frame->len = len;
	wire->ready[wire->n_ready++] = *frame;
}

void wire_flush(struct wire *wire);

struct wire_losses {
	uint64_t not_received; /* replies that came faster than they were read */
	uint64_t not_sent;
};
/** Frames lost on our side: a run with any says little about the server. */
struct wire_losses wire_losses(const struct wire *wire);

#endif
