/* SPDX-License-Identifier: MIT */
/**
 * privilege.h - gives up what root has and a DHCP server does not need.
 */
#ifndef ETCDHCP_PRIVILEGE_H
#define ETCDHCP_PRIVILEGE_H

/**
 * Keeps the capabilities in privilege.c's table alone (of those the process has) and forbids gaining others. Before the first thread:
 * capabilities are a thread's own. 0 or negative errno.
 */
int privilege_drop(void);

#endif
