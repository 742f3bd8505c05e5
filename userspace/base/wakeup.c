/* SPDX-License-Identifier: MIT */
#include "base/wakeup.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

/*
 * Both sides store, fence and load: the consumer stores asleep and then loads the queues'
 * indexes, a producer stores an index and then loads asleep. With a sequentially consistent
 * fence in between on both sides at least one of them sees the other's store, so work is
 * never left behind a sleeping consumer. The queues need no more than acquire and release.
 *
 * GCC warns that ThreadSanitizer does not model fences. It need not here: what the fences order
 * is atomic, and the data behind it is handed over by the queues themselves.
 */
static void full_fence(void)
{
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtsan"
#endif
	atomic_thread_fence(memory_order_seq_cst);
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
}

int wakeup_init(struct wakeup *w)
{
	w->owed = 0;
	atomic_init(&w->asleep, false);
	w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return w->fd < 0 ? -errno : 0;
}

void wakeup_fini(struct wakeup *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

void wakeup_arm(struct wakeup *w)
{
	atomic_store_explicit(&w->asleep, true, memory_order_relaxed);
	full_fence();
}

void wakeup_disarm(struct wakeup *w)
{
	uint64_t writes;

	/* Whoever cleared the flag writes exactly once, if perhaps later than now. */
	if (!atomic_exchange(&w->asleep, false))
		w->owed++;
	if (w->owed > 0 && read(w->fd, &writes, sizeof(writes)) == sizeof(writes))
		w->owed -= writes;
}

void wakeup_signal(struct wakeup *w)
{
	const uint64_t one = 1;

	full_fence();
	if (!atomic_load_explicit(&w->asleep, memory_order_relaxed))
		return;
	/* Of several wakers one wins and pays for the system call. */
	if (!atomic_exchange(&w->asleep, false))
		return;
	while (write(w->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}
