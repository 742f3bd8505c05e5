/* SPDX-License-Identifier: MIT */
#include "client.h"

#include "../base/unit.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct addrinfo *resolve(const char *host, uint16_t port)
{
	const struct addrinfo hints = {
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	struct addrinfo *address = NULL;
	char service[8];

	snprintf(service, sizeof(service), "%u", port);
	assert_int_equal(getaddrinfo(host, service, &hints, &address), 0);
	return address;
}

int client_connect(const char *source, const char *host, uint16_t port)
{
	struct addrinfo *to = resolve(host, port);
	int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (source) {
		struct addrinfo *from = resolve(source, 0);

		assert_int_equal(bind(fd, from->ai_addr, from->ai_addrlen), 0);
		freeaddrinfo(from);
	}
	assert_int_equal(connect(fd, to->ai_addr, to->ai_addrlen), 0);
	freeaddrinfo(to);
	return fd;
}

bool client_send(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

/* Bytes read, 0 at the end (however it came), -1 when nothing comes. */
static ssize_t receive_some(int fd, char *buf, size_t cap)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	ssize_t n;

	if (poll(&pollfd, 1, CLIENT_PATIENCE_MS) != 1)
		return -1;
	n = recv(fd, buf, cap, 0);
	return n < 0 ? 0 : n;
}

static void parse(char *text, size_t len, struct answer *answer)
{
	char *end = strstr(text, "\r\n\r\n");

	if (!end || sscanf(text, "HTTP/1.%*d %d ", &answer->status) != 1)
		return;
	end[2] = '\0';
	assert_true(strlen(text) < sizeof(answer->head));
	strcpy(answer->head, text);
	answer->body_len = len - (size_t)(end + 4 - text);
	answer->body = malloc(answer->body_len + 1);
	assert_non_null(answer->body);
	memcpy(answer->body, end + 4, answer->body_len + 1);
}

bool client_receive(int fd, struct answer *answer)
{
	size_t cap = 1 << 16, len = 0;
	char *text = malloc(cap);
	ssize_t n;

	*answer = (struct answer){0};
	assert_non_null(text);
	while ((n = receive_some(fd, text + len, cap - len - 1)) > 0) {
		len += (size_t)n;
		if (cap - len < cap / 2) {
			cap *= 2;
			text = realloc(text, cap);
			assert_non_null(text);
		}
	}
	close(fd);
	text[len] = '\0';
	if (n == 0)
		parse(text, len, answer);
	free(text);
	return n == 0;
}

bool client_sees_end(int fd)
{
	char buf[4096];
	ssize_t n;

	while ((n = receive_some(fd, buf, sizeof(buf))) > 0)
		;
	return n == 0;
}

void answer_free(struct answer *answer)
{
	free(answer->body);
	answer->body = NULL;
}
