/* SPDX-License-Identifier: MIT */
#include "admin/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 64

/* What an operator does about each way to fail. */
static const struct {
	int err;
	const char *advice;
} advices[] = {
    {EADDRINUSE, "another process has it (ss -ltnp shows which): stop that or choose another port"},
    {EADDRNOTAVAIL, "this machine has no such address: give one that it has"},
    {EACCES, "ports under 1024 need CAP_NET_BIND_SERVICE: choose a higher one"},
    {EAFNOSUPPORT, "this machine has that protocol switched off: give the other kind of address"},
};

static const char *advice_for(int err)
{
	for (size_t i = 0; i < ARRAY_SIZE(advices); i++) {
		if (advices[i].err == err)
			return advices[i].advice;
	}
	return "give another address or port";
}

/* Returns the descriptor or negative errno. */
static int open_one(const struct addrinfo *address)
{
	const int on = 1, off = 0;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	/* A restart need not wait for old connections to time out. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    (address->ai_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0) ||
	    bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static int read_port(int fd, uint16_t *port)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return -errno;
	*port =
	    ntohs(address.ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)&address)->sin6_port
						: ((const struct sockaddr_in *)&address)->sin_port);
	return 0;
}

static int open_first(const struct addrinfo *addresses, uint16_t *bound_port)
{
	int fd = -EADDRNOTAVAIL;

	for (const struct addrinfo *a = addresses; a && fd < 0; a = a->ai_next)
		fd = open_one(a);
	if (fd >= 0) {
		int err = read_port(fd, bound_port);

		if (err) {
			close(fd);
			return err;
		}
	}
	return fd;
}

int listen_open(const char *host, uint16_t port, uint16_t *bound_port, char *error,
		size_t error_cap)
{
	const struct addrinfo hints = {
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	};
	const bool v6 = strchr(host, ':');
	struct addrinfo *addresses;
	char service[8];
	int err, fd;

	snprintf(service, sizeof(service), "%u", port);
	err = getaddrinfo(host, service, &hints, &addresses);
	if (err) {
		snprintf(
		    error, error_cap,
		    "\"%s\" is not an address of this machine (%s): give one, such as 127.0.0.1",
		    host, gai_strerror(err));
		return -EINVAL;
	}
	fd = open_first(addresses, bound_port);
	freeaddrinfo(addresses);
	if (fd < 0)
		snprintf(error, error_cap, "cannot listen on %s%s%s:%u: %s; %s", v6 ? "[" : "",
			 host, v6 ? "]" : "", port, strerrordesc_np(-fd), advice_for(-fd));
	return fd;
}
