/* SPDX-License-Identifier: MIT */
/**
 * store/kv_health.h - a backend's kv_status: written by its threads, read by any.
 *
 * Problems have a place for each of their sources, so that the end of one does not hide
 * another; the first that is not empty shows. A problem is logged once, when it appears, and
 * so is its end.
 */
#ifndef ETCDHCP_STORE_KV_HEALTH_H
#define ETCDHCP_STORE_KV_HEALTH_H

#include <pthread.h>

#include "store/kv.h"

struct kv_health {
	pthread_mutex_t lock; /* held for a few copies, never across a system call */
	struct kv_status status;
	char problem[KV_PROBLEM_COUNT][sizeof(((struct kv_status *)0)->problem)];
	const char *name; /* the backend's, for the log */
};

void kv_health_init(struct kv_health *health, const char *name);
void kv_health_fini(struct kv_health *health);

/* All of these: any thread. */

/** The store spoke just now; @p revision 0 when it told none. */
void kv_health_contact(struct kv_health *health, int64_t revision);
void kv_health_connected(struct kv_health *health, bool connected);
/** @p until_ns: see kv_status.session_until_ns. */
void kv_health_session(struct kv_health *health, enum kv_session session, uint64_t until_ns);
void kv_health_reconnected(struct kv_health *health);
void kv_health_reloaded(struct kv_health *health);
void kv_health_stored(struct kv_health *health, uint64_t bytes);
/** What is wrong and what to do about it, cut to size. */
void kv_health_problem(struct kv_health *health, enum kv_problem source, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void kv_health_mended(struct kv_health *health, enum kv_problem source);
void kv_health_read(struct kv_health *health, struct kv_status *out);

#endif
