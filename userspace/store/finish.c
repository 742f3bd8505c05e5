/* SPDX-License-Identifier: MIT */
/* Committed, refused, overtaken or unknown: what each outcome means for the table, the client and the address. */
#include "store/internal.h"

/* How long a store that failed is left alone, and how often an ask is planned anew on what a conflict showed. */
#define BLOCK_NS  (500 * NS_PER_MS)
#define MAX_TRIES 5

/* The address stays marked until the flight lands, so that nobody is offered it. */
void transact_land(struct store *store, struct flight *flight)
{
	allocator_mark_busy(flight->net, flight->addr, false);
	for (struct ask *ask = flight->waiting, *next; ask; ask = next) {
		next = ask->next;
		ask_line_add(&store->again, ask);
	}
	flight->waiting = NULL;
	flight_give_back(store->flights, flight);
}

/* What a read or a failed guard showed of one record is newer than memory, or the same. */
static void learn_record(struct store *store, struct lease_net *net, uint32_t addr,
			 const struct kv_item *item, int64_t revision)
{
	if (!item->exists)
		lease_remove(net, addr, revision);
	else if (learn_lease(store, net, addr, item->value, item->revision))
		counter_add(&store->counters.mirror_invalid, 1);
}

static void learn(struct store *store, const struct flight *flight, const struct kv_txn *txn)
{
	struct ask *ask = flight->ask;

	if (flight->at_lease >= 0)
		learn_record(store, flight->net, flight->addr, &txn->found[flight->at_lease],
			     txn->revision);
	if (flight->at_former >= 0)
		learn_record(store, flight->net, flight->former_addr,
			     &txn->found[flight->at_former], txn->revision);
	if (flight->at_client >= 0 && ask) {
		const struct kv_item *item = &txn->found[flight->at_client];
		ask->client_known = true;
		ask->client_at = 0;
		if (item->exists && !record_parse_address(item->value, &ask->client_at))
			counter_add(&store->counters.mirror_invalid, 1);
	}
}

/* Our own commit is in the table before the mirror tells us of it. */
static void apply(const struct flight *flight, int64_t revision)
{
	const struct plan *plan = &flight->plan;
	struct lease lease = {
		.addr = flight->addr,
		.state = plan->state,
		.hold_until_s = plan->hold_until_s,
		.promised_until_s = plan->promised_until_s,
		.revision = revision,
		.client_len = flight->client.len,
		.client = flight->client.bytes,
	};

	if (plan->former == PLAN_FORMER_REMOVE) {
		lease_remove(flight->net, flight->former_addr, revision);
	} else if (plan->former == PLAN_FORMER_RELEASE) {
		struct lease former = lease;
		former.addr = flight->former_addr;
		former.state = LEASE_RELEASED;
		former.hold_until_s = flight->former_hold_s;
		former.promised_until_s = flight->former_promised_s;
		lease_put(flight->net, &former);
	}
	if (plan->state == LEASE_NONE)
		lease_remove(flight->net, flight->addr, revision);
	else
		lease_put(flight->net, &lease);
	if (plan->state == LEASE_BOUND)
		allocator_offer_end(flight->net, &flight->client,
				    lease_client_hash(flight->net, flight->client.bytes,
						      flight->client.len));
}

static bool gives_up(const struct ask *ask, const struct flight *flight)
{
	return (ask->op == ASK_RELEASE || ask->op == ASK_DECLINE) && ask->addr == flight->addr &&
	       ask->net == flight->net &&
	       client_id_equal(&flight->client, ask->client.bytes, ask->client.len);
}

/*
 * A RELEASE that stood in line behind its client's renewal, say, means what has become of the binding by
 * that, if both came by the same queue: else it may have been sent before. The binding is the one that it
 * meant: had another come in between, the renewal would have been overtaken, and the RELEASE
 * dropped (plan_give_up) before it could stand in line again.
 */
static void hand_on(struct flight *flight, int64_t revision)
{
	const struct ask *cause = flight->ask;

	if (!cause || flight->plan.state != LEASE_BOUND)
		return;
	for (struct ask *ask = flight->waiting; ask; ask = ask->next)
		if (gives_up(ask, flight) && ask->worker == cause->worker &&
		    ask->port == cause->port)
			ask->meant_revision = revision;
}

static void finish_done(struct store *store, struct flight *flight, const struct kv_txn *txn)
{
	struct ask *ask = flight->ask;

	switch (flight->stage) {
	case FLIGHT_COMMIT:
		apply(flight, txn->revision);
		hand_on(flight, txn->revision);
		counter_add(flight->ask ? &store->counters.commits : &store->counters.expired, 1);
		if (ask) {
			ask->hold_until_s = flight->plan.hold_until_s;
			transact_answer(store, ask, ASK_GRANTED);
		}
		break;
	case FLIGHT_PROBE:
		learn(store, flight, txn);
		ask->proven = true;
		ask_line_add(&store->again, ask);
		break;
	case FLIGHT_RESOLVE:
		learn(store, flight, txn);
		counter_add(&store->counters.resolved, 1);
		break;
	}
	transact_land(store, flight);
}

/* Memory lagged or somebody else was first: with what the store showed, try again. */
static void finish_conflict(struct store *store, struct flight *flight, const struct kv_txn *txn)
{
	struct ask *ask = flight->ask;

	counter_add(&store->counters.conflicts, 1);
	learn(store, flight, txn);
	if (ask && ++ask->tries < MAX_TRIES)
		ask_line_add(&store->again, ask);
	else if (ask)
		transact_answer(store, ask, ASK_UNAVAILABLE);
	transact_land(store, flight);
}

static void finish_unknown(struct store *store, struct flight *flight)
{
	if (flight->stage != FLIGHT_RESOLVE)
		counter_add(&store->counters.unknown, 1);
	if (flight->ask)
		transact_answer(store, flight->ask, ASK_UNAVAILABLE);
	flight->ask = NULL;
	if (flight->stage == FLIGHT_PROBE) { /* it changed nothing */
		transact_land(store, flight);
		return;
	}
	/* Rule 6: taken until a linearizable read says otherwise; those in line cannot wait for that. */
	flight->stage = FLIGHT_RESOLVE;
	for (struct ask *ask = flight->waiting, *next; ask; ask = next) {
		next = ask->next;
		transact_answer(store, ask, ASK_UNAVAILABLE);
	}
	flight->waiting = NULL;
	flight->waiting_end = &flight->waiting;
	flight->next = store->unresolved;
	store->unresolved = flight;
	store->n_unresolved++;
}

static void finish_refused(struct store *store, struct flight *flight)
{
	if (flight->stage == FLIGHT_RESOLVE) {
		finish_unknown(store, flight);
		return;
	}
	counter_add(&store->counters.refused, 1);
	if (flight->ask)
		transact_answer(store, flight->ask, ASK_UNAVAILABLE);
	transact_land(store, flight);
}

static void finish_txn(struct store *store, const struct kv_txn *txn)
{
	struct flight *flight = txn->user;

	switch (txn->outcome) {
	case KV_DONE:
		finish_done(store, flight, txn);
		break;
	case KV_CONFLICT:
		finish_conflict(store, flight, txn);
		break;
	case KV_REFUSED:
		finish_refused(store, flight);
		break;
	default:
		finish_unknown(store, flight);
		break;
	}
}

static void note_health(struct store *store, const struct kv_batch *batch)
{
	uint64_t held_back, took_ns = store->now.mono_ns - batch->sent_ns;

	if (!batch->error) {
		histogram_add(&store->commit_times, took_ns);
		store->commit_ewma_ns = (7 * store->commit_ewma_ns + took_ns) / 8;
		store->blocked_until_ns = 0;
		return;
	}
	store->blocked_until_ns = store->now.mono_ns + BLOCK_NS;
	if (log_limit_pass(&store->limit_refused, 5 * NS_PER_S, &held_back))
		log_warn("the store did not take a batch; renewals go on from memory, new "
			 "clients wait",
			 F_STR("store", store->ops->name), F_ERR(batch->error),
			 F_STR("detail", batch->detail), F_U64("transactions", batch->n),
			 F_U64("held_back", held_back));
}

void transact_finish(struct store *store, struct kv_batch *batch)
{
	store->in_flight--;
	store->seen_revision = max_i64(store->seen_revision, batch->revision);
	note_health(store, batch);
	for (uint32_t i = 0; i < batch->n; i++)
		finish_txn(store, &batch->txn[i]);
	transact_keep_batch(store, batch);
	atomic_store_explicit(&store->unresolved_count, store->n_unresolved, memory_order_relaxed);
}

