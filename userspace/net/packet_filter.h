/* SPDX-License-Identifier: MIT */
/**
 * net/packet_filter.h - classic BPF programs for the sockets beside XDP.
 *
 * They spare user space what is plainly not for it; steer.h remains the judge of the rest.
 */
#ifndef ETCDHCP_NET_PACKET_FILTER_H
#define ETCDHCP_NET_PACKET_FILTER_H

/**
 * For AF_PACKET (SOCK_RAW): UDP to port 67, with IPv4 options or without, up to two tags in the
 * frame (one more may have been taken out by the kernel), neither for other hosts nor sent by this
 * one, no later fragments. 0 or negative errno.
 */
int packet_filter_dhcp(int fd);

/** For any socket: nothing at all. 0 or negative errno. */
int packet_filter_nothing(int fd);

#endif
