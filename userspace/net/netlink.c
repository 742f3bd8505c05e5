/* SPDX-License-Identifier: MIT */
#include "net/netlink.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_BYTES 32768 /* what the kernel fills a dump's parts up to */
#define SEQUENCE     1     /* one request per socket */

enum answer { ANSWER_MORE, ANSWER_LAST };

/* One buffer of messages. ANSWER_MORE, ANSWER_LAST, or the negative errno that the kernel reports.
 */
static int read_messages(struct nlmsghdr *message, size_t len, netlink_answer_fn answer, void *arg)
{
	for (; NLMSG_OK(message, len); message = NLMSG_NEXT(message, len)) {
		if (message->nlmsg_seq != SEQUENCE)
			continue;
		if (message->nlmsg_type == NLMSG_DONE)
			return ANSWER_LAST;
		if (message->nlmsg_type == NLMSG_ERROR) {
			const struct nlmsgerr *error = NLMSG_DATA(message);
			return error->error ? error->error : ANSWER_LAST;
		}
		answer(message, arg);
		if (!(message->nlmsg_flags & NLM_F_MULTI))
			return ANSWER_LAST;
	}
	return ANSWER_MORE;
}

static int read_answers(int fd, netlink_answer_fn answer, void *arg)
{
	union {
		struct nlmsghdr first;
		char bytes[ANSWER_BYTES];
	} buffer;
	int result = ANSWER_MORE;

	while (result == ANSWER_MORE) {
		ssize_t len = recv(fd, &buffer, sizeof(buffer), 0);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return -errno;
		result = read_messages(&buffer.first, (size_t)len, answer, arg);
	}
	return result < 0 ? result : 0;
}

int netlink_request(struct nlmsghdr *request, netlink_answer_fn answer, void *arg)
{
	int result, fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	request->nlmsg_seq = SEQUENCE;
	if (send(fd, request, request->nlmsg_len, 0) < 0)
		result = -errno;
	else
		result = read_answers(fd, answer, arg);
	close(fd);
	return result;
}

const void *netlink_attribute(struct rtattr *first, int len, unsigned short type, size_t min_len)
{
	for (struct rtattr *a = first; RTA_OK(a, len); a = RTA_NEXT(a, len)) {
		if (a->rta_type == type && RTA_PAYLOAD(a) >= min_len)
			return RTA_DATA(a);
	}
	return NULL;
}
