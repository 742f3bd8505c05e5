/* SPDX-License-Identifier: MIT */
#include "base/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/rcu.h"

#define NAME_MAX_BYTES 16 /* the kernel's TASK_COMM_LEN, terminator included */
#define CPU_SETS       8  /* 8 x 1024 CPUs, the most Linux can be built for */

typedef struct {
	cpu_set_t set[CPU_SETS];
} wide_cpu_set;

#ifdef __SANITIZE_THREAD__
char rcu_token; /* see rcu.h */
#endif

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	char name[NAME_MAX_BYTES];

	if (t->name) {
		snprintf(name, sizeof(name), "%s", t->name);
		pthread_setname_np(pthread_self(), name); /* a name is never worth failing for */
	}
	/* On Linux a thread has a priority of its own; to lower it is everybody's right. */
	if (t->nice)
		setpriority(PRIO_PROCESS, (id_t)gettid(), t->nice);
	if (t->reads_rcu)
		urcu_qsbr_register_thread();
	t->run(t->arg);
	if (t->reads_rcu)
		urcu_qsbr_unregister_thread();
	return NULL;
}

/* Returns 0 or a positive error number, as pthread functions do. */
static int set_affinity(pthread_attr_t *attr, int cpu)
{
	wide_cpu_set wide = {0};

	if (cpu == THREAD_ANY_CPU)
		return 0;
	if (cpu < 0 || (size_t)cpu >= sizeof(wide) * 8)
		return EINVAL;
	CPU_SET_S((size_t)cpu, sizeof(wide), wide.set);
	return pthread_attr_setaffinity_np(attr, sizeof(wide), wide.set);
}

/*
 * Signals are blocked around the creation, so that the thread inherits the mask and not even
 * its first instruction can be interrupted by a signal meant for main.
 */
static int create_blocked(struct thread *t, const pthread_attr_t *attr)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	err = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (err)
		return err;
	err = pthread_create(&t->handle, attr, thread_main, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

int thread_start(struct thread *t)
{
	pthread_attr_t attr;
	int err;

	assert(!t->running && t->run);
	err = pthread_attr_init(&attr);
	if (err)
		return -err;
	err = set_affinity(&attr, t->cpu);
	if (!err)
		err = create_blocked(t, &attr);
	pthread_attr_destroy(&attr);
	if (err)
		return -err;
	t->running = true;
	return 0;
}

void thread_join(struct thread *t)
{
	if (!t->running)
		return;
	pthread_join(t->handle, NULL);
	t->running = false;
}

size_t thread_cpus(int *cpus, size_t max)
{
	wide_cpu_set wide = {0};
	size_t n = 0;

	if (sched_getaffinity(0, sizeof(wide), wide.set) < 0)
		return 0;
	for (size_t cpu = 0; cpu < sizeof(wide) * 8 && n < max; cpu++) {
		if (CPU_ISSET_S(cpu, sizeof(wide), wide.set))
			cpus[n++] = (int)cpu;
	}
	return n;
}
