/* SPDX-License-Identifier: MIT */
/**
 * base/wakeup.h - wakes a thread that sleeps in poll(2), at most one system call per sleep.
 *
 * The sleeper announces itself before it looks at its queues a last time; a waker writes the
 * eventfd only when the sleeper has announced itself. So a busy consumer costs its producers
 * one fence and one atomic load, no system call:
 *
 *     consumer                             producer
 *     wakeup_arm(w);                       ring_push(...);
 *     if (queues are empty) poll(fd...);   wakeup_signal(w);
 *     wakeup_disarm(w);
 *
 * A poll may end once with nothing to do: a waker that was slow to write wakes the next sleep.
 */
#ifndef ETCDHCP_BASE_WAKEUP_H
#define ETCDHCP_BASE_WAKEUP_H

#include <stdatomic.h>

#include "base/types.h"

struct wakeup {
	int fd;               /* eventfd, non-blocking; poll for POLLIN */
	uint64_t owed;        /* consumer's own: writes announced by wakers and not yet read */
	_Atomic bool asleep;  /* sequentially consistent against the queues' indexes */
};

/** 0 or negative errno. */
int wakeup_init(struct wakeup *w);
/** Once no other thread can signal any more. Harmless after a failed wakeup_init, or twice. */
void wakeup_fini(struct wakeup *w);
/** Consumer: after this, any signal makes fd readable. */
void wakeup_arm(struct wakeup *w);
/** Consumer: awake again; drains the eventfd when it was written. */
void wakeup_disarm(struct wakeup *w);
/** Any thread, after publishing its work. Orders that before its look at the consumer. */
void wakeup_signal(struct wakeup *w);

#endif
