/* SPDX-License-Identifier: MIT */
/**
 * net/link.h - what the kernel knows of a network interface, asked over rtnetlink.
 *
 * Nothing here reads /sys: a process that was put into another network namespace may still see
 * the former one's there.
 */
#ifndef ETCDHCP_NET_LINK_H
#define ETCDHCP_NET_LINK_H

#include <net/if.h>

#include "base/types.h"

struct link_info {
	char name[IF_NAMESIZE];
	unsigned ifindex;
	uint16_t mtu; /* at most 65535: larger ones (loopback) are cut to it */
	uint8_t mac[6];
	bool up;            /* administratively */
	bool ethernet;      /* frames have Ethernet headers (loopback's do) */
	unsigned rx_queues; /* in use now, as far as the driver tells; >= 1 */
};

/** 0; -ENODEV when there is no such interface, or another negative errno. */
int link_read(const char *name, struct link_info *info);

/** One address of an interface, host order. */
struct link_address {
	uint32_t address;
	uint32_t broadcast; /* directed broadcast; the address itself where the prefix has none */
};

/** The IPv4 addresses of an interface: how many, at most @p max; or negative errno. */
int link_addresses(unsigned ifindex, struct link_address *addresses, size_t max);

/** Comma-separated names of the interfaces there are, for messages; cut when too long. */
void link_list(char *text, size_t size);

#endif
