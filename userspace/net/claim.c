/* SPDX-License-Identifier: MIT */
#include "net/claim.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/packet_filter.h"
#include "steer.h"

/* By number, not by name: interfaces are renamed. A descriptor or negative errno. */
static int take_name(const struct link_info *link)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int len, fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	len = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "etcdhcp/interface/%u",
		       link->ifindex);
	if (bind(fd, (struct sockaddr *)&address,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) < 0) {
		int result = -errno;
		close(fd);
		return result;
	}
	return fd;
}

static int bind_udp(int fd, const struct link_info *link)
{
	const struct sockaddr_in any = {
	    .sin_family = AF_INET,
	    .sin_port = htobe16(STEER_SERVER_PORT),
	};
	const int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, link->name, (socklen_t)strlen(link->name)) <
		0 ||
	    bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
		return -errno;
	return 0;
}

/* A descriptor or negative errno. */
static int take_udp(const struct link_info *link)
{
	int result, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	result = packet_filter_nothing(fd);
	if (result == 0)
		result = bind_udp(fd, link);
	if (result < 0) {
		close(fd);
		return result;
	}
	return fd;
}

static int explain_udp(int code, const struct link_info *link, struct config_error *error)
{
	switch (code) {
	case -EADDRINUSE:
		return net_fail(error, code,
				"%s: another DHCP server runs here: it holds UDP port %d; stop it "
				"(`ss -lunp sport = :%d` names it)",
				link->name, STEER_SERVER_PORT, STEER_SERVER_PORT);
	case -EACCES:
	case -EPERM:
		return net_fail(error, code,
				"%s: may not bind UDP port %d; run as root or grant "
				"CAP_NET_BIND_SERVICE and CAP_NET_RAW",
				link->name, STEER_SERVER_PORT);
	default:
		return net_fail(error, code, "%s: cannot bind UDP port %d: %s", link->name,
				STEER_SERVER_PORT, strerror(-code));
	}
}

int claim_take(struct claim *claim, const struct link_info *link, struct config_error *error)
{
	struct claim taken = CLAIM_NONE;

	taken.name_fd = take_name(link);
	if (taken.name_fd == -EADDRINUSE)
		return net_fail(error, -EADDRINUSE,
				"%s: another etcdhcpd already serves this interface; stop that one "
				"or name another interface",
				link->name);
	if (taken.name_fd < 0)
		return net_fail(error, taken.name_fd, "%s: cannot claim the interface: %s",
				link->name, strerror(-taken.name_fd));
	taken.udp_fd = take_udp(link);
	if (taken.udp_fd < 0) {
		close(taken.name_fd);
		return explain_udp(taken.udp_fd, link, error);
	}
	*claim = taken;
	return 0;
}

void claim_release(struct claim *claim)
{
	if (claim->udp_fd >= 0)
		close(claim->udp_fd);
	if (claim->name_fd >= 0)
		close(claim->name_fd);
	*claim = CLAIM_NONE;
}
