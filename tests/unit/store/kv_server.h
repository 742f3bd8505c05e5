/* SPDX-License-Identifier: MIT */
/** kv_server.h - a real etcd on loopback, for tests: started, stopped, frozen, removed. */
#ifndef ETCDHCP_TESTS_KV_SERVER_H
#define ETCDHCP_TESTS_KV_SERVER_H

#include <sys/types.h>

#include "config/config.h"

#define SERVER_MAX_ARGS 8

struct server {
	pid_t pid; /* 0: not running */
	uint16_t client_port, peer_port;
	char directory[64];
	char url[64];
	char *urls[1];                         /* of a config_store */
	const char *args[SERVER_MAX_ARGS + 1]; /* more options, NULL at the end */
};

/**
 * Whether etcd and etcdctl are there; when not, says so in the words of TAP: run nothing then. To
 * be called first, in the only thread: it gives the program a network of its own, where it may.
 */
bool server_available(void);
/** Picks ports and a directory; starts it and waits until it answers. */
void server_start(struct server *server, const char *const *args);
/** Starts it again with the same data and ports. */
void server_restart(struct server *server);
/** Kills it; data and ports stay. */
void server_kill(struct server *server);
/** A client port of its own choice from the next start on. */
void server_move(struct server *server);
/** SIGSTOP and SIGCONT. */
void server_freeze(struct server *server);
void server_thaw(struct server *server);
/** Bytes that its clients sent and it did not read yet, as when it is frozen. */
unsigned long server_unread(const struct server *server);
/** Kills it and removes its data. */
void server_remove(struct server *server);
/** Runs etcdctl with these arguments (NULL at the end) against it; fails the test unless it
 * succeeds. */
void server_control(const struct server *server, const char *const *args);
/** One of the numbers without labels that it publishes. */
double server_metric(const struct server *server, const char *name);
/** A configuration that uses it alone. */
struct config_store server_config(struct server *server, const char *prefix);
/** A loopback port nobody listens on. */
uint16_t free_port(void);

#endif
