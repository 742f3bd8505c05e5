/* SPDX-License-Identifier: MIT */
/**
 * net/packet_port.h - an AF_PACKET socket: the whole path where XDP cannot be had, and beside XDP
 * the way of what its program leaves to the kernel: IPv4 options, fragments, frames that found no
 * AF_XDP socket. What XDP redirects never comes here, so nothing is answered twice.
 *
 * Frames are judged by steer.h like XDP's, except that IPv4 options are welcome; fragments come
 * reassembled (the kernel does it for packet sockets in a fan-out group). A tag that the kernel
 * took out is put back, so that frames look alike from all ports.
 */
#ifndef ETCDHCP_NET_PACKET_PORT_H
#define ETCDHCP_NET_PACKET_PORT_H

#include "net/address_book.h"
#include "net/link.h"
#include "net/port.h"

#define PACKET_PORT_FRAMES_DEFAULT 8192

struct packet_port_options {
	const struct link_info *link;
	const uint64_t *vlans; /* STEER_VLAN_WORDS words, copied */
	const struct address_book
	    *addresses;  /* borrowed for the port's life; port_receive reads it under RCU */
	unsigned frames; /* at least 1; 0: the default */
	/* Instead of DHCP requests for this server: whatever passes the filter that this attaches
	 * to the socket (0 or negative errno), judged no further; vlans and addresses are not
	 * looked at then. NULL as a rule. */
	int (*filter)(int fd);
};

/** 0 or negative errno: -EPERM without CAP_NET_RAW. An interface that is down is no error. Any
 * thread. */
int packet_port_open(const struct packet_port_options *options, struct port **port);

/** Lends up to @p max free frames of length 0, as xdp_port_take does. Owner only. */
size_t packet_port_take(struct port *port, struct frame *frames, size_t max);

/** Frames that are neither lent nor waiting to be sent. Owner only. */
uint32_t packet_port_free(const struct port *port);

#endif
