/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <urcu/urcu-qsbr.h>

#include "base/thread.h"

enum { CPUS_MAX = 8192 };

/* What a thread sees of itself. */
struct view {
	sigset_t mask;
	char name[32];
	int cpu, nice;
	cpu_set_t allowed;
	bool reads_rcu;
};

static void look(void *arg)
{
	struct view *view = arg;

	pthread_sigmask(SIG_SETMASK, NULL, &view->mask);
	pthread_getname_np(pthread_self(), view->name, sizeof(view->name));
	view->cpu = sched_getcpu();
	view->nice = getpriority(PRIO_PROCESS, (id_t)gettid());
	pthread_getaffinity_np(pthread_self(), sizeof(view->allowed), &view->allowed);
	view->reads_rcu = urcu_qsbr_read_ongoing();
}

static struct view view_of(struct thread *t)
{
	struct view view = {0};

	t->run = look;
	t->arg = &view;
	assert_int_equal(thread_start(t), 0);
	assert_true(t->running);
	thread_join(t);
	assert_false(t->running);
	return view;
}

static void all_signals_are_blocked_in_the_thread_alone(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGPIPE, SIGCHLD, SIGALRM};
	struct thread t = {.name = "signals", .cpu = THREAD_ANY_CPU};
	sigset_t before, after;
	struct view view;

	pthread_sigmask(SIG_SETMASK, NULL, &before);
	view = view_of(&t);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		assert_true(sigismember(&view.mask, signals[i]));
		assert_int_equal(sigismember(&after, signals[i]), sigismember(&before, signals[i]));
	}
}

static void name_is_set_and_cut_at_fifteen(void **state)
{
	static const char *const rows[][2] = {
	    {"worker/0", "worker/0"},
	    {"fifteen-letters", "fifteen-letters"},
	    {"sixteen-letters-", "sixteen-letters"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct thread t = {.name = rows[i][0], .cpu = THREAD_ANY_CPU};

		assert_string_equal(view_of(&t).name, rows[i][1]);
	}
}

static void pinned_thread_runs_on_its_cpu_only(void **state)
{
	int cpus[CPUS_MAX];
	size_t n = thread_cpus(cpus, CPUS_MAX);

	assert_true(n >= 1);
	for (size_t i = 0; i < n && cpus[i] < CPU_SETSIZE; i++) {
		struct thread t = {.name = "pinned", .cpu = cpus[i]};
		struct view view = view_of(&t);

		assert_int_equal(view.cpu, cpus[i]);
		assert_int_equal(CPU_COUNT(&view.allowed), 1);
		assert_true(CPU_ISSET(cpus[i], &view.allowed));
	}
}

static void nice_thread_gives_way_alone(void **state)
{
	int before = getpriority(PRIO_PROCESS, (id_t)gettid());
	struct thread nice = {.name = "nice", .cpu = THREAD_ANY_CPU, .nice = 7};
	struct thread other = {.name = "other", .cpu = THREAD_ANY_CPU};

	assert_int_equal(view_of(&nice).nice, 7);
	assert_int_equal(view_of(&other).nice, before);
	assert_int_equal(getpriority(PRIO_PROCESS, (id_t)gettid()), before);
}

static void impossible_cpu_is_refused(void **state)
{
	static const int cpus[] = {-2, CPUS_MAX - 1, CPUS_MAX, 1 << 30};

	for (size_t i = 0; i < ARRAY_SIZE(cpus); i++) {
		struct view view = {0};
		struct thread t = {.name = "lost", .cpu = cpus[i], .run = look, .arg = &view};

		assert_int_equal(thread_start(&t), -EINVAL);
		assert_false(t.running);
		thread_join(&t);
	}
}

static void cpus_are_the_allowed_ones_in_order(void **state)
{
	cpu_set_t allowed;
	int cpus[CPUS_MAX];
	size_t n = thread_cpus(cpus, CPUS_MAX);

	assert_int_equal(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
	assert_int_equal(n, CPU_COUNT(&allowed));
	for (size_t i = 0; i < n; i++) {
		assert_true(CPU_ISSET(cpus[i], &allowed));
		assert_true(i == 0 || cpus[i] > cpus[i - 1]);
	}
	assert_int_equal(thread_cpus(cpus, 1), 1);
	assert_int_equal(thread_cpus(cpus, 0), 0);
}

/*
 * A grace period after the join ends only if the reader has left the registry: a thread that
 * forgot to unregister would leave a stale entry and hang (or crash) this.
 */
static void rcu_reader_is_online_while_it_runs_and_gone_after(void **state)
{
	struct thread reader = {.name = "reader", .cpu = THREAD_ANY_CPU, .reads_rcu = true};
	struct thread other = {.name = "other", .cpu = THREAD_ANY_CPU};

	assert_true(view_of(&reader).reads_rcu);
	assert_false(view_of(&other).reads_rcu);
	urcu_qsbr_synchronize_rcu();
}

static void a_thread_can_be_started_again(void **state)
{
	struct thread t = {.name = "again", .cpu = THREAD_ANY_CPU, .reads_rcu = true};

	for (int i = 0; i < 3; i++)
		assert_true(view_of(&t).reads_rcu);
	thread_join(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_signals_are_blocked_in_the_thread_alone),
	    cmocka_unit_test(name_is_set_and_cut_at_fifteen),
	    cmocka_unit_test(pinned_thread_runs_on_its_cpu_only),
	    cmocka_unit_test(nice_thread_gives_way_alone),
	    cmocka_unit_test(impossible_cpu_is_refused),
	    cmocka_unit_test(cpus_are_the_allowed_ones_in_order),
	    cmocka_unit_test(rcu_reader_is_online_while_it_runs_and_gone_after),
	    cmocka_unit_test(a_thread_can_be_started_again),
	};

	return cmocka_run_group_tests_name("base/thread", tests, NULL, NULL);
}
