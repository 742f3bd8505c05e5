/* SPDX-License-Identifier: MIT */
/**
 * net/ethtool.h - the few things that only a driver can tell or change.
 */
#ifndef ETCDHCP_NET_ETHTOOL_H
#define ETCDHCP_NET_ETHTOOL_H

#include "base/types.h"

/** Receive queues in use; 0 when the driver does not say. */
unsigned ethtool_rx_queues(const char *name);

/**
 * Turns off what takes VLAN tags out of frames before XDP sees them, and says in *changed (bits)
 * what was on. 0; -EOPNOTSUPP when the driver insists on it (nothing is changed then); or another
 * negative errno.
 */
int ethtool_keep_vlan_tags(const char *name, unsigned *changed);
/** Turns on again what ethtool_keep_vlan_tags turned off. */
void ethtool_restore_vlan_tags(const char *name, unsigned changed);

#endif
