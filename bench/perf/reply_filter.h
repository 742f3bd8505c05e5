/* SPDX-License-Identifier: MIT */
/**
 * perf/reply_filter.h - what the generator's AF_PACKET socket receives: ARP, and UDP from port 67
 * to port 67 or 68, whoever it is addressed to (simulated clients have MAC addresses of their own).
 */
#ifndef ETCDHCP_PERF_REPLY_FILTER_H
#define ETCDHCP_PERF_REPLY_FILTER_H

/** Attaches the classic BPF filter. 0 or negative errno. */
int reply_filter_attach(int fd);

#endif
