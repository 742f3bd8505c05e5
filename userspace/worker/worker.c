/* SPDX-License-Identifier: MIT */
#include "worker/worker.h"

#include <poll.h>
#include "base/rcu.h"

#include "worker/internal.h"

#define STOP_WITHIN_NS (2 * NS_PER_S)
/* Frames a port may still hand over once the worker is to stop: more than any ring holds. */
#define STOP_FRAMES 8192

static const char *const path_names[] = {
#define X(symbol, text) [symbol] = text,
	WORKER_PATHS(X)
#undef X
};

const char *worker_path_name(enum worker_path path)
{
	return path_names[path];
}

static void flush_ports(struct worker *worker)
{
	for (size_t i = 0; i < worker->n_ports; i++) {
		if (worker->touched[i])
			port_flush(worker->ports[i].port);
		worker->touched[i] = false;
	}
}

/*
 * Looking into an AF_XDP ring costs nothing, into an AF_PACKET socket a system call. Beside rings that are
 * busy, sockets (for what the program leaves to the kernel) have their turn in one round of this many, and always before
 * the worker goes to sleep.
 */
#define SOCKET_TURN 16

enum look { LOOK_ANSWERS, LOOK_RINGS, LOOK_ALL };

static bool has_turn(const struct worker *worker, size_t i, enum look look)
{
	return look == LOOK_ALL ||
	       (look == LOOK_RINGS && worker->ports[i].port->kind != PORT_PACKET);
}

/* One look; how much there was. */
static size_t round_once(struct worker *worker, enum look look)
{
	size_t n = 0;

	worker->now = clock_read(worker->clock);
	worker->view = atomic_load_explicit(&worker->world->view, memory_order_acquire);
	worker->share = share_of_round(worker);
	for (size_t i = 0; i < worker->n_ports; i++)
		if (has_turn(worker, i, look))
			n += burst_run(worker, i);
	n += answer_run(worker);
	if (look != LOOK_ANSWERS)
		n += burst_recall(worker);
	flush_ports(worker);
	if (worker->submitted)
		store_kick(worker->store);
	worker->submitted = false;
	counter_set(&worker->counters.pending, worker->exchanges.in_use);
	counter_set(&worker->counters.waiting, lobby_len(worker->lobby));
	return n;
}

/*
 * Nothing wakes it so often: but how long a frame can have lain unread at most is told by when its port was last
 * found empty (burst_run), and after a stop of the whole server that must not look like a long sleep.
 */
#define SLEEP_MS 1000

/* While somebody waits in the lobby: until more offers may be made. */
static int patience_ms(const struct worker *worker)
{
	uint64_t ends_ns = worker->pace.window_ends_ns, now_ns = worker->now.mono_ns;

	if (!lobby_len(worker->lobby))
		return SLEEP_MS;
	return 1 + (int)(ends_ns > now_ns ? (ends_ns - now_ns) / NS_PER_MS : 0);
}

static void wait_for_something(struct worker *worker)
{
	struct wakeup *wakeup = store_worker_wakeup(worker->store, worker->index);
	struct pollfd fds[WORKER_MAX_PORTS + 1];

	for (size_t i = 0; i < worker->n_ports; i++)
		fds[i] = (struct pollfd){.fd = worker->ports[i].port->fd, .events = POLLIN};
	fds[worker->n_ports] = (struct pollfd){.fd = wakeup->fd, .events = POLLIN};
	wakeup_arm(wakeup);
	if (!round_once(worker, LOOK_ALL) && !atomic_load(&worker->stopping)) {
		rcu_offline();
		poll(fds, worker->n_ports + 1, patience_ms(worker));
		rcu_online();
	}
	wakeup_disarm(wakeup);
}

/* Waits for the store alone: ports are not looked at any more. */
static void wait_for_answers(struct worker *worker)
{
	struct wakeup *wakeup = store_worker_wakeup(worker->store, worker->index);
	struct pollfd fd = {.fd = wakeup->fd, .events = POLLIN};

	wakeup_arm(wakeup);
	if (!round_once(worker, LOOK_ANSWERS)) {
		rcu_offline();
		poll(&fd, 1, 50);
		rcu_online();
	}
	wakeup_disarm(wakeup);
}

/* What was received is answered; what the store holds is waited for. */
static void wind_down(struct worker *worker)
{
	uint64_t until_ns = clock_mono_ns() + STOP_WITHIN_NS;
	size_t taken = 0, n;

	do {
		n = round_once(worker, LOOK_ALL);
		taken += n;
		rcu_quiescent();
	} while (n && taken < STOP_FRAMES);
	while (worker->exchanges.in_use && clock_mono_ns() < until_ns)
		wait_for_answers(worker);
	if (worker->exchanges.in_use)
		log_warn("stopped with requests unanswered: the store did not confirm them",
			 F_U64("worker", worker->index),
			 F_U64("requests", worker->exchanges.in_use));
}

static void run(void *arg)
{
	struct worker *worker = arg;

	for (unsigned turn = 0; !atomic_load_explicit(&worker->stopping, memory_order_acquire);
	     turn++) {
		if (!round_once(worker, turn % SOCKET_TURN ? LOOK_RINGS : LOOK_ALL))
			wait_for_something(worker);
		rcu_quiescent();
	}
	wind_down(worker);
}

struct worker *worker_new(const struct worker_options *options)
{
	struct worker *worker = aligned_alloc(CACHE_LINE, sizeof(*worker));

	if (!worker)
		return NULL;
	memset(worker, 0, sizeof(*worker));
	worker->index = options->index;
	worker->n_ports = options->n_ports;
	memcpy(worker->ports, options->ports, options->n_ports * sizeof(*options->ports));
	worker->world = options->world;
	worker->store = options->store;
	worker->clock = options->clock;
	worker->thread = (struct thread){
		.name = "worker",
		.cpu = options->cpu,
		.reads_rcu = true,
		.run = run,
		.arg = worker,
	};
	worker->lobby = lobby_new();
	worker->heard = heard_new();
	if (!worker->lobby || !worker->heard ||
	    exchanges_init(&worker->exchanges, options->pending_max)) {
		lobby_free(worker->lobby);
		heard_free(worker->heard);
		free(worker);
		return NULL;
	}
	return worker;
}

int worker_start(struct worker *worker)
{
	return thread_start(&worker->thread);
}

void worker_stop(struct worker *worker)
{
	atomic_store_explicit(&worker->stopping, true, memory_order_release);
	wakeup_signal(store_worker_wakeup(worker->store, worker->index));
}

void worker_join(struct worker *worker)
{
	thread_join(&worker->thread);
}

void worker_free(struct worker *worker)
{
	if (!worker)
		return;
	exchanges_fini(&worker->exchanges);
	lobby_free(worker->lobby);
	heard_free(worker->heard);
	free(worker);
}

const struct worker_counters *worker_counters(const struct worker *worker)
{
	return &worker->counters;
}

const struct histogram *worker_reply_times(const struct worker *worker, enum worker_path path)
{
	return &worker->reply_times[path];
}
