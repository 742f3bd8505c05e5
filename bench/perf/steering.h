/* SPDX-License-Identifier: MIT */
/**
 * perf/steering.h - the load generator's XDP program (replies.bpf.c) on one interface.
 *
 * Attached through a bpf_link: the kernel takes it off when the process ends, however it ends. An
 * interface that has a program already is left alone.
 */
#ifndef ETCDHCP_PERF_STEERING_H
#define ETCDHCP_PERF_STEERING_H

#include "base/types.h"

struct steering; /* opaque */

/**
 * Loads and attaches. 0 or negative errno: -EBUSY when another program is in the way, -EOPNOTSUPP
 * when the driver has no native XDP.
 */
int steering_open(unsigned ifindex, unsigned queues, bool generic, struct steering **steering);
/** Detaches. NULL is fine. */
void steering_close(struct steering *steering);

/** Replies that come in on @p queue go to the AF_XDP socket @p fd. 0 or negative errno. */
int steering_set_socket(struct steering *steering, unsigned queue, int fd);

#endif
