/* SPDX-License-Identifier: MIT */
/**
 * net/address_watch.h - tells the main thread when IPv4 addresses of any interface change, so
 * that it can read them again and pass them to interface_set_addresses.
 */
#ifndef ETCDHCP_NET_ADDRESS_WATCH_H
#define ETCDHCP_NET_ADDRESS_WATCH_H

#include "base/types.h"

/** A non-blocking descriptor to poll for POLLIN and to close(2); or negative errno. */
int address_watch_open(void);

/** Reads all that is waiting; true when an address came or went, or when notes were lost and one
 * may have. */
bool address_watch_read(int fd);

#endif
