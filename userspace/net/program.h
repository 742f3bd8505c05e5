/* SPDX-License-Identifier: MIT */
/**
 * net/program.h - the life of the XDP program (bpf/steer.bpf.c) on one interface.
 *
 * Alone on the interface it is attached through a bpf_link, which the kernel breaks when the
 * process dies. Where another program is attached already it is joined through libxdp's dispatcher
 * or left alone.
 */
#ifndef ETCDHCP_NET_PROGRAM_H
#define ETCDHCP_NET_PROGRAM_H

#include "net/fail.h"
#include "net/link.h"
#include "steer.h"

struct program; /* opaque */

struct program_options {
	unsigned queues;       /* receive queues that may get a socket */
	const uint64_t *vlans; /* STEER_VLAN_WORDS words, copied */
	unsigned waiting_max;  /* frames that may wait for a socket's owner before DISCOVERs are
				* dropped; 0: they never are */
};

/** NULL when memory is short. Main thread, as all here but program_verdicts. */
struct program *program_new(const struct program_options *options);
/** Detaches it, too. NULL is fine. */
void program_free(struct program *program);

/** Into the kernel, attached to nothing; what program_attach does first where it is alone. 0 or
 * negative errno. */
int program_load(struct program *program);

/**
 * Loads and attaches; a program that failed is good for program_free alone. 0, or negative errno
 * with *error filled: -EBUSY when another program is in the way and cannot be joined (it is
 * untouched), -EOPNOTSUPP when the driver has no native XDP.
 */
int program_attach(struct program *program, const struct link_info *link, bool generic,
		   struct config_error *error);
/** Off the interface; its maps stay readable. Harmless when not attached. */
void program_detach(struct program *program);
/** True when it shares the interface through the dispatcher. */
bool program_is_shared(const struct program *program);

/** What comes in on @p queue goes to the AF_XDP socket @p fd from now on. 0 or negative errno. */
int program_set_socket(struct program *program, unsigned queue, int fd);
/**
 * Where the program counts what it gave to the socket on @p queue, and the socket's owner what it took;
 * NULL when it cannot be mapped. The program's own memory. Program attached.
 */
struct steer_queue *program_queue(struct program *program, unsigned queue);
/** Destination addresses of ours, host order. 0 or negative errno: -E2BIG beyond
 * STEER_ADDRESSES_MAX. */
int program_add_address(struct program *program, uint32_t address);
int program_remove_address(struct program *program, uint32_t address);

/** Frames by reason, summed over CPUs. 0 or negative errno. Any thread. */
int program_verdicts(const struct program *program, uint64_t counts[STEER_REASON_COUNT]);

/** Of the loaded program, for tests. */
int program_fd(const struct program *program);

#endif
