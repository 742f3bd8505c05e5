/* SPDX-License-Identifier: MIT */
/**
 * base/thread.h - the one way this program makes threads.
 *
 * A thread is named (at most 15 characters), has all signals blocked (main waits for them),
 * may be pinned to one CPU, may give way to others, and is registered with RCU (QSBR) for its
 * whole life when it reads shared tables. A registered thread is online from its first instruction: it must
 * pass quiescent states, and go offline around anything that blocks.
 */
#ifndef ETCDHCP_BASE_THREAD_H
#define ETCDHCP_BASE_THREAD_H

#include <pthread.h>

#include "base/types.h"

#define THREAD_ANY_CPU (-1)

struct thread {
	pthread_t handle;
	bool running;
	const char *name;
	int cpu;               /* THREAD_ANY_CPU or a CPU number */
	int nice;              /* 0 to 19, see setpriority(2): how far it gives way to the others */
	bool reads_rcu;
	void (*run)(void *arg);
	void *arg;
};

/** Starts @p t as its fields say; t must live until thread_join. 0 or negative errno. */
int thread_start(struct thread *t);
/** Waits for the end; harmless when not running. */
void thread_join(struct thread *t);
/** CPUs this process may run on, in order; returns how many, at most @p max. */
size_t thread_cpus(int *cpus, size_t max);

#endif
