/* SPDX-License-Identifier: MIT */
/**
 * base/rcu.h - quiescent states and grace periods (liburcu, QSBR), in a form that ThreadSanitizer sees.
 *
 * liburcu orders these with atomics of its own, which the sanitizer does not know; in its builds what a reader did
 * before a quiescent state is tied to what follows a grace period by a token. Otherwise these are liburcu's calls.
 */
#ifndef ETCDHCP_BASE_RCU_H
#define ETCDHCP_BASE_RCU_H

#include <urcu/urcu-qsbr.h>

#ifdef __SANITIZE_THREAD__
extern char rcu_token;
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
#define RCU_TSAN(order) __tsan_##order(&rcu_token)
#else
#define RCU_TSAN(order) ((void)0)
#endif

/** The calling registered thread holds nothing that it read under RCU. */
static inline void rcu_quiescent(void)
{
	RCU_TSAN(release);
	urcu_qsbr_quiescent_state();
}

/** Likewise, and until rcu_online nobody waits for it: around whatever blocks. */
static inline void rcu_offline(void)
{
	RCU_TSAN(release);
	urcu_qsbr_thread_offline();
}

static inline void rcu_online(void)
{
	urcu_qsbr_thread_online();
}

/** Returns when every reader has passed a quiescent state: what was unpublished before can be freed. */
static inline void rcu_synchronize(void)
{
	urcu_qsbr_synchronize_rcu();
	RCU_TSAN(acquire);
}

#endif
