/* SPDX-License-Identifier: MIT */
/**
 * A client on a raw socket: independent of the library under test, and able to misbehave.
 *
 * Nothing waits longer than CLIENT_PATIENCE_MS, which is far past any deadline that tests set:
 * whoever runs into it has found a server that hangs.
 */
#ifndef ETCDHCP_TESTS_UNIT_ADMIN_CLIENT_H
#define ETCDHCP_TESTS_UNIT_ADMIN_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIENT_PATIENCE_MS 20000

struct answer {
	int status;      /* 0: the connection ended without an answer */
	char head[2048]; /* status line and headers */
	char *body;      /* NUL-terminated, on the heap */
	size_t body_len;
};

/** Connects from @p source (NULL: any) to @p host, both numeric; a descriptor. Fails the test. */
int client_connect(const char *source, const char *host, uint16_t port);
/** Sends all of @p text; false when the server has closed. */
bool client_send(int fd, const char *text);
/** Reads to the end, parses and closes. False when the server kept silent too long. */
bool client_receive(int fd, struct answer *answer);
/** True once the server has closed or reset the connection; what it sent is thrown away. */
bool client_sees_end(int fd);

void answer_free(struct answer *answer);

#endif
