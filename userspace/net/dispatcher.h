/* SPDX-License-Identifier: MIT */
/**
 * net/dispatcher.h - sharing an interface with other XDP programs through libxdp's dispatcher.
 *
 * Apart from program.h because libxdp's names and config.h's collide. The dispatcher is a program
 * of its own that calls the others in turn; it is kept by pins in bpffs, not by a bpf_link. So it
 * outlives a process that is killed: ours then finds its sockets gone and passes everything on, and
 * dispatcher_clean takes it away at the next start.
 */
#ifndef ETCDHCP_NET_DISPATCHER_H
#define ETCDHCP_NET_DISPATCHER_H

#include "base/types.h"

struct bpf_object;
struct xdp_program;

/**
 * Loads @p object, which must be open and not loaded, beside what the dispatcher of the interface
 * runs already. 0 or negative errno: -EBUSY when the interface's program is no dispatcher. Main
 * thread.
 */
int dispatcher_join(struct bpf_object *object, const char *section, unsigned ifindex, bool generic,
		    struct xdp_program **program);

/** Takes it out again; the object stays the caller's. NULL is fine. */
void dispatcher_leave(struct xdp_program *program, unsigned ifindex);

/** Takes out programs of this name that a killed process left; returns how many. */
unsigned dispatcher_clean(unsigned ifindex, const char *name);

/** What libxdp says goes where libbpf's messages go: to the log, at debug. */
void dispatcher_set_print(void);

#endif
