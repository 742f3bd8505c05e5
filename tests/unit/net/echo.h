/* SPDX-License-Identifier: MIT */
/**
 * A client that numbers its requests and a server that echoes them, both in one thread: what went
 * out must come back exactly once, or was dropped on purpose.
 */
#ifndef ETCDHCP_TESTS_UNIT_NET_ECHO_H
#define ETCDHCP_TESTS_UNIT_NET_ECHO_H

#include "net/port.h"
#include "sample.h"

/** How a port's server behaves and what came of it. */
struct echo {
	struct port *const *ports; /* all that the server has */
	size_t n_ports;
	int client; /* raw socket on cli0 */
	unsigned requests;
	unsigned batch; /* requests on their way at once */
	unsigned
	    hold; /* frames that the server keeps for a while, to give them back in odd order */
	unsigned drop_every; /* one in so many is dropped; 0: none */
	/* results */
	unsigned received, dropped, echoed, duplicates, strangers;
	unsigned by_port[8];
};

/** Sends @p sample under the numbers 0, 1, 2... and serves until all are accounted for or nothing
 * moves. */
void echo_run(struct echo *echo, const struct sample *sample);

/** Sends one frame from the client. */
void echo_send(int client, const uint8_t *frame, size_t len);
void send_sample(int client, const struct sample *sample);
/** The next frame for the client other than the kernel's own chatter (IPv6, ARP); 0 when none
 * comes. */
size_t echo_receive(int client, uint8_t *frame, size_t size, int timeout_ms);
/** One frame from the first port that has one, within @p timeout_ms. */
bool echo_take(struct port *const *ports, size_t n, struct frame *frame, int timeout_ms);

#endif
