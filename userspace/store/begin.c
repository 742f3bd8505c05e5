/* SPDX-License-Identifier: MIT */
/* Asks become plans, and plans take off as flights: what of it memory may answer, and what must wait. */
#include "store/internal.h"

#include <errno.h>

/* A client has given up or retransmitted by then: committing for it would only feed an overload. */
#define ASK_STALE_NS   (3 * NS_PER_S)
/* What takes something from its client may lie unread for so long and still count; more than a worker's sleep (worker.c) and what it may be late. */
#define LATE_NS     (2 * NS_PER_S)
/* Offers stop when a commit would take longer than this: an offer that cannot be kept in time is none. */
#define OFFER_DELAY_NS (1 * NS_PER_S)

void transact_answer(struct store *store, struct ask *ask, enum ask_result result)
{
	struct store_worker *worker;

	counter_add(&store->counters.overtaken, result == ASK_OVERTAKEN);
	if (ask->worker == STORE_OPERATOR) {
		operator_answer(store, result);
		return;
	}
	worker = &store->workers[ask->worker];
	ask->result = result;
	worker->answered = true;
	if (!ring_push(worker->answers, ask))
		log_error("answer lost: ring smaller than the asks there are",
			  F_U64("worker", ask->worker));
}

/* How long a transaction planned now would wait for a place in flight. */
static uint64_t expected_delay_ns(const struct store *store)
{
	return store->commit_ewma_ns * store->lanes[LANE_WAITED_FOR].n_ready / store->in_flight_max;
}

/* ---- waiting for another transaction ---- */

static bool is_repetition(const struct flight *owner, const struct ask *ask)
{
	return owner->ask && owner->op == ask->op && owner->addr == ask->addr &&
	       owner->net == ask->net &&
	       client_id_equal(&owner->client, ask->client.bytes, ask->client.len);
}

/* Another flight has a key: the same request again, a truth not yet known, or a place in the line. */
static void stand_in_line(struct store *store, struct flight *owner, struct ask *ask)
{
	if (is_repetition(owner, ask)) {
		counter_add(&store->counters.duplicates, 1);
		transact_answer(store, ask, ASK_DUPLICATE);
	} else if (owner->stage == FLIGHT_RESOLVE) {
		transact_answer(store, ask, ASK_UNAVAILABLE);
	} else {
		flight_wait(owner, ask);
	}
}

/* ---- offers ---- */

/* By the client's identifier, else by its hardware address. */
static const struct lease_reservation *reservation_of(const struct ask *ask)
{
	const struct lease_reservation *found;
	struct client_id mac;

	if (!lease_net_has_reservations(ask->net))
		return NULL;
	found = lease_reservation_of(ask->net, ask->client.bytes, ask->client.len);
	if (found || ask->client.bytes[0] == CLIENT_ID_MAC)
		return found;
	mac.len = (uint16_t)(1 + ask->hwaddr_len);
	mac.bytes[0] = CLIENT_ID_MAC;
	memcpy(mac.bytes + 1, ask->hwaddr, ask->hwaddr_len);
	return lease_reservation_of(ask->net, mac.bytes, mac.len);
}

static int choose(struct store *store, struct ask *ask, const struct lease_reservation *reservation)
{
	return allocator_offer(ask->net, &ask->client, ask->client_hash, reservation, ask->subnet,
			       ask->addr, &store->now,
			       store->now.mono_ns + ask->offer_s * NS_PER_S, &ask->addr);
}

static void offer(struct store *store, struct ask *ask)
{
	struct flight *owner;
	uint64_t held_back;
	int rc;

	if (!store_serving(store)) {
		transact_answer(store, ask, ASK_UNAVAILABLE);
		return;
	}
	if (expected_delay_ns(store) > OFFER_DELAY_NS) {
		counter_add(&store->counters.shed, 1);
		transact_answer(store, ask, ASK_OVERLOAD);
		return;
	}
	/* What becomes of the client's address first: it may just be giving it up. */
	owner = flight_owner(store->flights, flight_client_key(ask->net, ask->client_hash));
	if (owner) {
		stand_in_line(store, owner, ask);
		return;
	}
	rc = choose(store, ask, reservation_of(ask));
	if (rc == -EBUSY) {
		if (log_limit_pass(&store->limit_reserved, 10 * NS_PER_S, &held_back))
			log_warn("reserved address is still held by another client; "
				 "offering one from the pool",
				 F_STR("network", lease_net_name(ask->net)),
				 F_HEX("client", ask->client.bytes, ask->client.len),
				 F_U64("held_back", held_back));
		rc = choose(store, ask, NULL);
	}
	if (!rc)
		counter_add(&store->counters.offers, 1);
	transact_answer(store, ask, rc ? ASK_NO_ADDRESS : ASK_GRANTED);
}

/* ---- everything else ---- */

static void look_up(struct store *store, const struct ask *ask, struct plan_input *in,
		    struct lease *record, struct lease *former)
{
	bool client_known = ask->client_known;
	uint32_t client_at = ask->client_at;

	lease_read(ask->net, ask->addr, record);
	if (!lease_find(ask->net, ask->client.bytes, ask->client.len, ask->client_hash, former))
		*former = (struct lease){.state = LEASE_NONE};
	if (store->ops->sole_writer) {
		client_known = true;
		client_at = former->state == LEASE_BOUND ? former->addr : 0;
	}
	/* What a linearizable read said of the client's key outweighs memory. */
	if (client_known && client_at && client_at != former->addr)
		lease_read(ask->net, client_at, former);
	*in = (struct plan_input){
		.op = ask->op,
		.addr = ask->addr,
		.client = &ask->client,
		.record = record,
		.former = former,
		.proven = ask->proven,
		.client_known = client_known,
		.client_at = client_at,
		.hold_s = ask->hold_s,
		.meant_revision = ask->meant_revision,
		.now = store->now,
	};
}

static size_t keys_of(const struct ask *ask, const struct plan *plan, const struct plan_input *in,
		      uint64_t keys[FLIGHT_MAX_KEYS])
{
	size_t n = 0;

	keys[n++] = flight_lease_key(ask->net, ask->addr);
	keys[n++] = flight_client_key(ask->net, ask->client_hash);
	if (plan->kind == PLAN_COMMIT && plan->former != PLAN_FORMER_NONE)
		keys[n++] = flight_lease_key(ask->net, in->former->addr);
	if (plan->kind == PLAN_COMMIT && plan->evict)
		keys[n++] = flight_client_key(ask->net,
					      lease_client_hash(ask->net, in->record->client,
								in->record->client_len));
	return n;
}

/* Extensions leave half of the flights to what somebody waits for; the next renewal asks for them again. */
static bool has_room(const struct store *store, const struct ask *ask)
{
	return ask->op != ASK_EXTEND || flights_in_use(store->flights) < STORE_FLIGHTS / 2;
}

static struct flight *take_off(struct store *store, struct ask *ask, const struct plan *plan,
			       const uint64_t *keys, size_t n_keys)
{
	struct flight *flight = has_room(store, ask) ? flight_take(store->flights) : NULL;

	if (!flight)
		return NULL;
	flight->stage = plan->kind == PLAN_PROBE ? FLIGHT_PROBE : FLIGHT_COMMIT;
	flight->ask = ask;
	flight->op = ask->op;
	flight->net = ask->net;
	flight->addr = ask->addr;
	flight->client.len = ask->client.len;
	memcpy(flight->client.bytes, ask->client.bytes, ask->client.len);
	flight->plan = *plan;
	for (size_t i = 0; i < n_keys; i++)
		flight_own(store->flights, flight, keys[i]);
	return flight;
}

static void commit_or_probe(struct store *store, struct ask *ask, const struct plan *plan,
			    const struct plan_input *in)
{
	uint64_t keys[FLIGHT_MAX_KEYS];
	size_t n_keys = keys_of(ask, plan, in, keys);
	struct flight *flight;

	for (size_t i = 0; i < n_keys; i++) {
		struct flight *owner = flight_owner(store->flights, keys[i]);
		if (owner) {
			stand_in_line(store, owner, ask);
			return;
		}
	}
	flight = take_off(store, ask, plan, keys, n_keys);
	if (!flight) {
		counter_add(&store->counters.shed, 1);
		transact_answer(store, ask, ASK_OVERLOAD);
		return;
	}
	if (flight->stage == FLIGHT_PROBE)
		counter_add(&store->counters.probes, 1);
	if (allocator_mark_busy(flight->net, flight->addr, true) ||
	    !transact_launch(store, flight, in)) {
		counter_add(&store->counters.shed, 1);
		transact_answer(store, ask, ASK_OVERLOAD);
		transact_land(store, flight);
	}
}

/*
 * It may be so old that its client has gone on with another server: a server that was stopped finds such
 * requests in its queue after its mirror has caught up.
 */
static bool is_late(const struct store *store, const struct ask *ask)
{
	return store->now.mono_ns > ask->arrived_ns + LATE_NS;
}

/* A late REQUEST would end the binding that its client has by now. */
static bool moves_late(const struct store *store, const struct ask *ask, const struct plan *plan)
{
	return plan->kind == PLAN_COMMIT && plan->client_at && plan->client_at != ask->addr &&
	       is_late(store, ask);
}

/* An answer, a probe or a commit. */
static void transact(struct store *store, struct ask *ask)
{
	struct lease record, former;
	struct plan_input in;
	struct plan plan;

	look_up(store, ask, &in, &record, &former);
	plan_make(&in, &plan);
	if (plan.kind == PLAN_ANSWER)
		transact_answer(store, ask, plan.result);
	else if (moves_late(store, ask, &plan))
		transact_answer(store, ask, ASK_OVERTAKEN);
	else
		commit_or_probe(store, ask, &plan, &in);
}

void transact_prefetch(const struct store *store, const struct ask *ask)
{
	flight_prefetch(store->flights, flight_client_key(ask->net, ask->client_hash));
	lease_prefetch_client(ask->net, ask->client_hash);
	allocator_prefetch(ask->net, ask->client_hash);
	if (!ask->addr)
		return;
	flight_prefetch(store->flights, flight_lease_key(ask->net, ask->addr));
	lease_prefetch_slot(ask->net, ask->addr);
}

/*
 * Which binding a RELEASE or DECLINE means: the one that is in the table when it is first looked at.
 * False when it is so late that this can be a later one.
 */
static bool aim(const struct store *store, struct ask *ask)
{
	struct lease lease;

	if (ask->aimed)
		return true;
	if (is_late(store, ask))
		return false;
	lease_read(ask->net, ask->addr, &lease);
	ask->meant_revision = lease.revision;
	ask->aimed = true;
	return true;
}

void transact_begin(struct store *store, struct ask *ask)
{
	switch (ask->op) {
	case ASK_OFFER:
		offer(store, ask);
		return;
	case ASK_FORGET:
		transact_answer(store, ask,
				allocator_offer_end(ask->net, &ask->client, ask->client_hash) ?
					ASK_GRANTED : ASK_UNKNOWN_CLIENT);
		return;
	case ASK_BIND:
		if (ask->own_offers_only &&
		    !allocator_has_offered(ask->net, ask->addr, &ask->client)) {
			transact_answer(store, ask, ASK_NOT_OFFERED);
			return;
		}
		ask->own_offers_only = false; /* the offer may end while it waits for its turn */
		/* A peer's offer is as good as ours: whoever asks first has the address. */
		if (!ask->peers_offer &&
		    !allocator_may_take(ask->net, ask->addr, &ask->client)) {
			transact_answer(store, ask, ASK_ON_OFFER);
			return;
		}
		break;
	case ASK_RELEASE:
	case ASK_DECLINE:
		if (!aim(store, ask)) {
			transact_answer(store, ask, ASK_OVERTAKEN);
			return;
		}
		break;
	case ASK_REVOKE:
		operator_aim(ask);
		break;
	default:
		break;
	}
	if (!store_serving(store)) {
		transact_answer(store, ask, ASK_UNAVAILABLE);
	} else if (store->now.mono_ns > ask->asked_ns + ASK_STALE_NS && !ask->background) {
		counter_add(&store->counters.shed, 1);
		transact_answer(store, ask, ASK_OVERLOAD);
	} else {
		transact(store, ask);
	}
}

void transact_begin_again(struct store *store)
{
	struct ask *ask;

	while ((ask = ask_line_take(&store->again)))
		transact_begin(store, ask);
}

