/* SPDX-License-Identifier: MIT */
/**
 * perf/arp.h - address resolution (RFC 826) for relay agents and clients.
 *
 * A server that sends through its kernel asks for giaddr and, before a unicast ACK, for the
 * client's address. A client answers for itself, behind a relay agent that one does.
 */
#ifndef ETCDHCP_PERF_ARP_H
#define ETCDHCP_PERF_ARP_H

#include "perf/generator.h"

/**
 * False when the frame is no ARP. An answer is written into the frame, to be sent, and *answered
 * set; what a reply tells about a next hop is noted.
 */
bool arp_receive(struct generator *g, struct frame *frame, bool *answered);

/** Asks for the next hops that are not known, as far as frames are free. */
void arp_ask(struct generator *g);

#endif
