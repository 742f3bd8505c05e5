/* SPDX-License-Identifier: MIT */
/**
 * net/netlink.h - one rtnetlink request and its answers: as much of the protocol as link.h needs.
 */
#ifndef ETCDHCP_NET_NETLINK_H
#define ETCDHCP_NET_NETLINK_H

#include <linux/rtnetlink.h>

#include "base/types.h"

/** Gets every answer in turn; the message is valid during the call alone. */
typedef void (*netlink_answer_fn)(struct nlmsghdr *message, void *arg);

/** Numbers and sends @p request, hands its answers over until the last. 0 or negative errno, the
 * kernel's too. */
int netlink_request(struct nlmsghdr *request, netlink_answer_fn answer, void *arg);

/** The payload of an attribute of at least @p min_len bytes, NULL when there is none. */
const void *netlink_attribute(struct rtattr *first, int len, unsigned short type, size_t min_len);

#endif
