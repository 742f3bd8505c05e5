/* SPDX-License-Identifier: MIT */
/**
 * audit.h - etcdhcpd --audit: reads the whole store, beside the servers that use it, and reports.
 */
#ifndef ETCDHCP_AUDIT_H
#define ETCDHCP_AUDIT_H

#include "config/config.h"

/**
 * Writes findings, a table of the networks' addresses and a summary to standard output. 0: nothing
 * inconsistent; 1: something is; 2: the store could not be read, and standard error says why.
 */
int audit_run(const struct config *config, const char *config_path);

#endif
