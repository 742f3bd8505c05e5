/* SPDX-License-Identifier: MIT */
/*
 * An operator's request to end a lease: one at a time, asked by any thread, answered like a worker's ask. The ask is the
 * store's own, so that whoever gives up waiting leaves nothing behind that could be written to.
 */
#include "store/internal.h"

#include <errno.h>
#include <stdio.h>

int operator_init(struct store_operator *operator)
{
	int rc = -pthread_mutex_init(&operator->lock, NULL);

	if (!rc && sem_init(&operator->answered, 0, 0))
		rc = -errno;
	return rc;
}

void operator_fini(struct store_operator *operator)
{
	sem_destroy(&operator->answered);
	pthread_mutex_destroy(&operator->lock);
}

/* ---- the store thread's side ---- */

/* Never makes a network: operators mistype. */
static struct lease_net *find_net(struct store *store, const char *name)
{
	struct lease_net *net;

	for (size_t i = 0; (net = lease_table_at(store->table, i)); i++)
		if (strcmp(lease_net_name(net), name) == 0)
			return net;
	return NULL;
}

void operator_take(struct store *store)
{
	struct store_operator *operator = &store->operator;
	struct ask *ask = &operator->ask;

	if (!atomic_exchange_explicit(&operator->asked, false, memory_order_acquire))
		return;
	ask->net = find_net(store, operator->network);
	if (ask->net)
		transact_begin(store, ask);
	else
		operator_answer(store, ASK_UNKNOWN_CLIENT);
}

/*
 * The binding that is meant is the one there is now, as far as we know: no later one is ended by mistake. Where memory knows
 * of none, the store is read first and this comes again.
 */
void operator_aim(struct ask *ask)
{
	struct lease lease;

	lease_read(ask->net, ask->addr, &lease);
	if (ask->client.len || lease.state != LEASE_BOUND)
		return;
	ask->client.len = lease.client_len;
	memcpy(ask->client.bytes, lease.client, lease.client_len);
	ask->client_hash = lease_client_hash(ask->net, lease.client, lease.client_len);
}

void operator_answer(struct store *store, enum ask_result result)
{
	counter_add(&store->counters.revoked, result == ASK_GRANTED);
	atomic_store_explicit(&store->operator.result, result, memory_order_release);
	sem_post(&store->operator.answered);
}

/* ---- the operator's side ---- */

/* False when there was no answer in time. */
static bool wait_answer(struct store_operator *operator, uint32_t timeout_ms)
{
	struct timespec until = clock_deadline(timeout_ms * NS_PER_MS);

	while (sem_clockwait(&operator->answered, CLOCK_MONOTONIC, &until))
		if (errno != EINTR)
			return false;
	return true;
}

static const int errors[ASK_RESULT_COUNT] = {
	[ASK_GRANTED] = 0,
	[ASK_UNKNOWN_CLIENT] = -ENOENT,
	[ASK_DENIED] = -ENOENT,
	[ASK_NO_ADDRESS] = -EAGAIN,
	[ASK_UNAVAILABLE] = -EAGAIN,
	[ASK_OVERLOAD] = -EAGAIN,
	[ASK_ON_OFFER] = -EAGAIN,
	[ASK_OVERTAKEN] = -EAGAIN,
	[ASK_DUPLICATE] = -EAGAIN,
};

static int ask_and_wait(struct store *store, const char *network, uint32_t addr,
			uint32_t timeout_ms, int64_t *rests_until_s)
{
	struct store_operator *operator = &store->operator;
	enum ask_result result;

	snprintf(operator->network, sizeof(operator->network), "%s", network);
	operator->ask = (struct ask){
		.op = ASK_REVOKE,
		.worker = STORE_OPERATOR,
		.addr = addr,
		.asked_ns = clock_mono_ns(),
	};
	atomic_store_explicit(&operator->asked, true, memory_order_release);
	wakeup_signal(&store->wakeup);
	operator->away = !wait_answer(operator, timeout_ms);
	if (operator->away)
		return -ETIMEDOUT;
	result = atomic_load_explicit(&operator->result, memory_order_acquire);
	if (result == ASK_GRANTED)
		*rests_until_s = operator->ask.hold_until_s;
	return errors[result];
}

int store_revoke(struct store *store, const char *network, uint32_t addr, uint32_t timeout_ms,
		 int64_t *rests_until_s)
{
	struct store_operator *operator = &store->operator;
	int rc = -EBUSY;

	if (strlen(network) >= sizeof(operator->network))
		return -ENOENT;
	if (pthread_mutex_trylock(&operator->lock))
		return rc;
	if (operator->away) /* an answer that nobody waited for */
		operator->away = sem_trywait(&operator->answered) != 0;
	if (!operator->away)
		rc = ask_and_wait(store, network, addr, timeout_ms, rests_until_s);
	pthread_mutex_unlock(&operator->lock);
	return rc;
}
