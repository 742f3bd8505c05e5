/* SPDX-License-Identifier: MIT */
/**
 * net/claim.h - what marks an interface as served by this process.
 *
 * Two descriptors. One is a name in the abstract UNIX namespace (which is per network namespace,
 * and goes with the process however it dies), so that no two etcdhcpd serve one interface. The
 * other is a UDP socket on port 67 of the interface that receives nothing: without it, the kernel
 * would answer a unicast renewal that XDP left to it with ICMP "port unreachable". It shares the
 * port with sockets that allow that (a relay agent's on other interfaces); a server that holds the
 * port for itself is a conflict the operator wants to hear of.
 */
#ifndef ETCDHCP_NET_CLAIM_H
#define ETCDHCP_NET_CLAIM_H

#include "net/fail.h"
#include "net/link.h"

struct claim {
	int name_fd, udp_fd; /* -1: none */
};

#define CLAIM_NONE ((struct claim){-1, -1})

/** 0, or negative errno with *error filled: -EADDRINUSE when somebody else serves the interface. */
int claim_take(struct claim *claim, const struct link_info *link, struct config_error *error);
/** Harmless on CLAIM_NONE. */
void claim_release(struct claim *claim);

#endif
