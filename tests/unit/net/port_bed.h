/* SPDX-License-Identifier: MIT */
/** port_bed.h - ports on the lab's server side, opened by themselves, for the tests of net/port and its kinds. */
#ifndef ETCDHCP_TESTS_UNIT_NET_PORT_BED_H
#define ETCDHCP_TESTS_UNIT_NET_PORT_BED_H

#include "echo.h"
#include "lab.h"
#include "net/packet_port.h"
#include "net/program.h"
#include "net/xdp_port.h"

#define FRAMES 1024 /* of each port */

/** With which ports: AF_PACKET alone, or behind AF_XDP with a generic or native program. */
enum mode { PACKET, GENERIC, NATIVE };

/** What the server has on srv0 in a test. */
struct port_bed {
	struct program *program;
	struct port *ports[2]; /* the AF_XDP one if there is one, then AF_PACKET */
	size_t n_ports;
	struct address_book book;
	int client;
};

/** A lab of its own, and the ports there. */
void port_bed_begin(struct port_bed *bed, enum mode mode);
/** Only the ports, in the lab that there is. */
void port_bed_open(struct port_bed *bed, const struct link_info *link, enum mode mode);
/** Closes the ports and ends the lab. */
void port_bed_end(struct port_bed *bed);

/** The next frame that comes to any port. */
void port_bed_take(struct port_bed *bed, struct frame *frame);
/** The next frame must be the request of this number; it is dropped. */
void port_bed_assert_next(struct port_bed *bed, uint32_t xid);
/** Cuts a request at every @p first bytes of IP payload and sends the pieces. */
void port_bed_send_fragments(struct port_bed *bed, const struct sample *sample, size_t first);

#endif
