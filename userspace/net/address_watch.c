/* SPDX-License-Identifier: MIT */
#include "net/address_watch.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOTES_BYTES 8192

int address_watch_open(void)
{
	struct sockaddr_nl group = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_IFADDR};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&group, sizeof(group)) < 0) {
		int result = -errno;
		close(fd);
		return result;
	}
	return fd;
}

static bool tells_of_address(struct nlmsghdr *note, size_t len)
{
	for (; NLMSG_OK(note, len); note = NLMSG_NEXT(note, len)) {
		if (note->nlmsg_type == RTM_NEWADDR || note->nlmsg_type == RTM_DELADDR)
			return true;
	}
	return false;
}

bool address_watch_read(int fd)
{
	union {
		struct nlmsghdr first;
		char bytes[NOTES_BYTES];
	} notes;
	bool changed = false;

	for (;;) {
		ssize_t len = recv(fd, &notes, sizeof(notes), MSG_DONTWAIT);

		if (len > 0)
			changed |= tells_of_address(&notes.first, (size_t)len);
		else if (len < 0 && errno == ENOBUFS)
			changed = true;
		else if (len == 0 || errno != EINTR)
			return changed;
	}
}
