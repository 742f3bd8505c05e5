/* SPDX-License-Identifier: MIT */
/** store/etcd/endpoint.h - "https://host:port" as the operator writes it, and as gRPC wants it. */
#ifndef ETCDHCP_STORE_ETCD_ENDPOINT_H
#define ETCDHCP_STORE_ETCD_ENDPOINT_H

#include "config/config.h"

struct endpoint {
	char url[300];    /* as written, for messages */
	char target[300]; /* "ipv4:10.0.0.1:2379", "ipv6:[2001:db8::1]:2379", "dns:///name:2379" */
	bool tls;
};

/**
 * Reads "http://host[:port]" or "https://host[:port]"; the port defaults to etcd's 2379. 0, or
 * -EINVAL with *error filled.
 */
int endpoint_parse(struct endpoint *endpoint, const char *url, struct config_error *error);

#endif
