/* SPDX-License-Identifier: MIT */
#include "store/etcd/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_PORT "2379"
#define HOST_MAX     253

struct parts {
	char host[HOST_MAX + 1];
	char port[6];
	bool v6; /* written in brackets */
};

static int fail(const char *url, const char *why, struct config_error *error)
{
	snprintf(error->text, sizeof(error->text),
		 "store.etcd.endpoints: %.200s: %s; write http://HOST:PORT or https://HOST:PORT",
		 url, why);
	return -EINVAL;
}

static bool copy(char *to, size_t room, const char *from, size_t len)
{
	if (len == 0 || len >= room)
		return false;
	memcpy(to, from, len);
	to[len] = '\0';
	return true;
}

/* Where the host ends; NULL when a bracket is left open. */
static const char *find_host(const char *text, const char **host, bool *v6)
{
	*v6 = *text == '[';
	*host = *v6 ? text + 1 : text;
	return *v6 ? strchr(*host, ']') : *host + strcspn(*host, ":/");
}

static bool read_port(struct parts *parts, const char *text)
{
	size_t len = strcspn(text, "/");
	char *end;
	long port;

	if (!copy(parts->port, sizeof(parts->port), text, len))
		return false;
	port = strtol(parts->port, &end, 10);
	return *end == '\0' && parts->port[0] != '-' && port >= 1 && port <= 65535;
}

static const char *split(struct parts *parts, const char *text)
{
	const char *host, *end = find_host(text, &host, &parts->v6), *rest;

	if (!end || !copy(parts->host, sizeof(parts->host), host, (size_t)(end - host)))
		return "no host";
	rest = parts->v6 ? end + 1 : end;
	strcpy(parts->port, DEFAULT_PORT);
	if (*rest == ':' && !read_port(parts, rest + 1))
		return "no such port";
	rest += strcspn(rest, "/");
	return rest[0] && rest[1] ? "has a path" : NULL;
}

static const char *write_target(struct endpoint *endpoint, const struct parts *parts)
{
	struct in6_addr address;
	const char *format = "dns:///%s:%s";

	if (parts->v6) {
		if (inet_pton(AF_INET6, parts->host, &address) != 1)
			return "no IPv6 address within the brackets";
		format = "ipv6:[%s]:%s";
	} else if (inet_pton(AF_INET, parts->host, &address) == 1) {
		format = "ipv4:%s:%s";
	}
	snprintf(endpoint->target, sizeof(endpoint->target), format, parts->host, parts->port);
	return NULL;
}

int endpoint_parse(struct endpoint *endpoint, const char *url, struct config_error *error)
{
	struct parts parts;
	const char *problem;
	size_t scheme;

	if (strncmp(url, "http://", 7) == 0)
		scheme = 7;
	else if (strncmp(url, "https://", 8) == 0)
		scheme = 8;
	else
		return fail(url, "neither http:// nor https://", error);
	endpoint->tls = scheme == 8;
	if ((size_t)snprintf(endpoint->url, sizeof(endpoint->url), "%s", url) >=
	    sizeof(endpoint->url))
		return fail(url, "too long", error);
	problem = split(&parts, url + scheme);
	if (!problem)
		problem = write_target(endpoint, &parts);
	return problem ? fail(url, problem, error) : 0;
}
