/* SPDX-License-Identifier: MIT */
/**
 * daemon.h - the running server: everything that start puts together and stop takes apart.
 *
 * All of it is the main thread's. Start-up takes what needs privilege first (interfaces, sockets, the
 * program), gives up the rest of its capabilities, and only then makes threads.
 */
#ifndef ETCDHCP_DAEMON_H
#define ETCDHCP_DAEMON_H

#include "config/config.h"

struct daemon; /* opaque */

struct daemon_options {
	const char *config_path;
	bool trust_clock; /* see store_trust_clock */
};

/** Takes @p config over, whatever comes of it. NULL and *error with what to do. */
struct daemon *daemon_start(struct config *config, const struct daemon_options *options,
			    struct config_error *error);

/**
 * Reads the configuration again, the file and what the store has under config/networks, and swaps it in; one that is wrong
 * changes nothing and is logged.
 */
void daemon_reload(struct daemon *daemon);

/** A descriptor that is readable when interface addresses have changed: then call daemon_readdress. */
int daemon_address_fd(const struct daemon *daemon);
void daemon_readdress(struct daemon *daemon);

/** A descriptor that is readable when the shared part of the configuration in the store has changed: then call daemon_reload. */
int daemon_shared_fd(const struct daemon *daemon);

/** A descriptor that is readable when another server has this one's id: then it must end, see daemon_refusal. */
int daemon_refused_fd(const struct daemon *daemon);
/** Who has it, and what to do. */
void daemon_refusal(const struct daemon *daemon, struct config_error *error);

/** Answers what was received, makes durable what was promised, takes the program off. Within 5 s. NULL is fine. */
void daemon_stop(struct daemon *daemon);

#endif
