/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "base/ring.h"
#include "base/wakeup.h"

/* Far longer than any scheduling delay: only a wake-up that never comes takes it all. */
#define LOST_MS 10000

static bool readable(const struct wakeup *w, int timeout_ms)
{
	struct pollfd fd = {.fd = w->fd, .events = POLLIN};

	return poll(&fd, 1, timeout_ms) == 1;
}

static void a_busy_consumer_is_not_written_to(void **state)
{
	struct wakeup w;

	assert_int_equal(wakeup_init(&w), 0);
	wakeup_signal(&w);
	wakeup_signal(&w);
	assert_false(readable(&w, 0));
	wakeup_fini(&w);
}

static void a_sleeper_is_woken_by_one_write(void **state)
{
	uint64_t writes = 0;
	struct wakeup w;

	assert_int_equal(wakeup_init(&w), 0);
	wakeup_arm(&w);
	assert_false(readable(&w, 0));
	wakeup_signal(&w);
	wakeup_signal(&w);
	wakeup_signal(&w);
	assert_true(readable(&w, 0));
	assert_int_equal(read(w.fd, &writes, sizeof(writes)), sizeof(writes));
	assert_true(writes == 1);
	wakeup_fini(&w);
}

static void disarming_drains(void **state)
{
	struct wakeup w;

	assert_int_equal(wakeup_init(&w), 0);
	for (int i = 0; i < 3; i++) {
		wakeup_arm(&w);
		wakeup_signal(&w);
		assert_true(readable(&w, 0));
		wakeup_disarm(&w);
		assert_false(readable(&w, 0));
	}
	wakeup_arm(&w);
	wakeup_disarm(&w);
	assert_false(readable(&w, 0));
	wakeup_signal(&w);
	assert_false(readable(&w, 0));
	wakeup_fini(&w);
}

/*
 * A waker may win the flag and be preempted before it writes. The consumer finds work without
 * it and disarms; the write then wakes its next sleep, once, and must not keep it awake for ever.
 */
static void a_late_write_wakes_one_sleep_and_is_then_drained(void **state)
{
	const uint64_t one = 1;
	struct wakeup w;

	assert_int_equal(wakeup_init(&w), 0);
	wakeup_arm(&w);
	assert_true(atomic_exchange(&w.asleep, false)); /* what the slow waker did */
	wakeup_disarm(&w);
	assert_int_equal(write(w.fd, &one, sizeof(one)), sizeof(one));

	wakeup_arm(&w);
	assert_true(readable(&w, 0));
	wakeup_disarm(&w);
	wakeup_arm(&w);
	assert_false(readable(&w, 0));
	wakeup_disarm(&w);
	wakeup_fini(&w);
}

/* The same with two of them: what is still owed is counted, not only known to be something. */
static void two_late_writes_are_drained_one_by_one(void **state)
{
	const uint64_t one = 1;
	struct wakeup w;

	assert_int_equal(wakeup_init(&w), 0);
	for (int i = 0; i < 2; i++) {
		wakeup_arm(&w);
		assert_true(atomic_exchange(&w.asleep, false));
		wakeup_disarm(&w);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(write(w.fd, &one, sizeof(one)), sizeof(one));
		wakeup_arm(&w);
		assert_true(readable(&w, 0));
		wakeup_disarm(&w);
		assert_false(readable(&w, 0));
	}
	wakeup_fini(&w);
}

static void finishing_twice_is_harmless(void **state)
{
	struct wakeup w;

	assert_int_equal(wakeup_init(&w), 0);
	wakeup_fini(&w);
	wakeup_fini(&w);
}

enum { PRODUCERS = 2, PER_PRODUCER = 50000, AHEAD = 2 };

struct producer {
	struct wakeup *wakeup;
	struct ring *ring;
	_Atomic size_t taken;
	_Atomic bool stop;
	pthread_t thread;
	int item;
};

/* Stays close to the consumer, so that it goes to sleep, or is about to, most of the time. */
static void *produce(void *arg)
{
	struct producer *p = arg;

	for (size_t i = 0; i < PER_PRODUCER && !p->stop; i++) {
		while (i - p->taken >= AHEAD && !p->stop)
			;
		while (!ring_push(p->ring, &p->item) && !p->stop)
			;
		wakeup_signal(p->wakeup);
	}
	return NULL;
}

static size_t take_all(struct producer *producers)
{
	size_t n = 0;

	for (int i = 0; i < PRODUCERS; i++) {
		while (ring_pop(producers[i].ring)) {
			producers[i].taken++;
			n++;
		}
	}
	return n;
}

/* Returns how many items came before the end, or before a wake-up was lost. */
static size_t consume(struct wakeup *w, struct producer *producers)
{
	size_t total = 0;

	while (total < (size_t)PRODUCERS * PER_PRODUCER) {
		size_t n = take_all(producers);
		bool woken = true;

		total += n;
		if (n > 0)
			continue;
		wakeup_arm(w);
		n = take_all(producers);
		if (n == 0)
			woken = readable(w, LOST_MS);
		wakeup_disarm(w);
		total += n;
		if (!woken)
			break;
	}
	return total;
}

static void no_wakeup_is_ever_lost(void **state)
{
	struct producer producers[PRODUCERS] = {0};
	struct wakeup w;
	size_t total;

	assert_int_equal(wakeup_init(&w), 0);
	for (int i = 0; i < PRODUCERS; i++) {
		struct producer *p = &producers[i];

		p->wakeup = &w;
		p->ring = ring_new(4);
		assert_non_null(p->ring);
		assert_int_equal(pthread_create(&p->thread, NULL, produce, p), 0);
	}
	total = consume(&w, producers);
	for (int i = 0; i < PRODUCERS; i++) {
		producers[i].stop = true;
		pthread_join(producers[i].thread, NULL);
		ring_free(producers[i].ring);
	}
	wakeup_fini(&w);
	assert_int_equal(total, (size_t)PRODUCERS * PER_PRODUCER);
}

enum { DUEL_ROUNDS = 100000 };

struct duel {
	struct wakeup wakeup;
	_Alignas(CACHE_LINE) _Atomic bool work; /* stands for a queue's index */
	_Alignas(CACHE_LINE) _Atomic int begun; /* round the consumer has opened */
	_Alignas(CACHE_LINE) _Atomic int ended; /* round the producer is done with */
};

static void spin_until(_Atomic int *round, int value)
{
	for (int spins = 0; atomic_load(round) < value; spins++) {
		if (spins > 1000)
			sched_yield();
	}
}

static void *duel_producer(void *arg)
{
	struct duel *d = arg;

	for (int round = 1; round <= DUEL_ROUNDS; round++) {
		spin_until(&d->begun, round);
		atomic_store_explicit(&d->work, true, memory_order_release);
		wakeup_signal(&d->wakeup);
		atomic_store(&d->ended, round);
	}
	return NULL;
}

/*
 * Both sides at once, over and over: either the consumer sees the work or the producer sees
 * the sleeper. Each looks past its own store, which a processor may delay behind the look
 * (x86 does): without the fences in wakeup_arm and wakeup_signal some rounds end with neither.
 */
static void of_sleeper_and_waker_one_sees_the_other(void **state)
{
	struct duel d = {0};
	pthread_t producer;
	size_t missed = 0;

	assert_int_equal(wakeup_init(&d.wakeup), 0);
	assert_int_equal(pthread_create(&producer, NULL, duel_producer, &d), 0);
	for (int round = 1; round <= DUEL_ROUNDS; round++) {
		bool saw;

		atomic_store(&d.work, false);
		atomic_store(&d.begun, round);
		/* the producer needs a moment to hear of it: sweep across that moment */
		for (volatile int pause = round % 128; pause > 0; pause--)
			;
		wakeup_arm(&d.wakeup);
		saw = atomic_load_explicit(&d.work, memory_order_acquire);
		spin_until(&d.ended, round);
		missed += !saw && !readable(&d.wakeup, 0);
		wakeup_disarm(&d.wakeup);
	}
	pthread_join(producer, NULL);
	wakeup_fini(&d.wakeup);
	assert_int_equal(missed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_busy_consumer_is_not_written_to),
	    cmocka_unit_test(a_sleeper_is_woken_by_one_write),
	    cmocka_unit_test(disarming_drains),
	    cmocka_unit_test(a_late_write_wakes_one_sleep_and_is_then_drained),
	    cmocka_unit_test(two_late_writes_are_drained_one_by_one),
	    cmocka_unit_test(finishing_twice_is_harmless),
	    cmocka_unit_test(no_wakeup_is_ever_lost),
	    cmocka_unit_test(of_sleeper_and_waker_one_sees_the_other),
	};

	return cmocka_run_group_tests_name("base/wakeup", tests, NULL, NULL);
}
