/* SPDX-License-Identifier: MIT */
/* Batches that form by themselves, and a flight's transaction in them. */
#include "store/internal.h"

/* ---- batches ---- */

static struct kv_batch *take_batch(struct store *store)
{
	return store->n_spare ? store->spare[--store->n_spare] : kv_batch_new(store->batch_cap);
}

void transact_keep_batch(struct store *store, struct kv_batch *batch)
{
	kv_batch_reset(batch);
	if (store->n_spare < store->ready_cap)
		store->spare[store->n_spare++] = batch;
	else
		kv_batch_free(batch);
}

/* A transaction in the batch being filled; NULL when memory is short or the line is full. */
static struct kv_txn *next_txn(struct store *store, struct store_lane *lane)
{
	if (lane->open && lane->open->n == store->batch_cap) {
		if (lane->n_ready == store->ready_cap)
			return NULL;
		lane->ready[(lane->first + lane->n_ready++) % store->ready_cap] = lane->open;
		lane->open = NULL;
	}
	if (!lane->open)
		lane->open = take_batch(store);
	return lane->open ? kv_batch_add(lane->open) : NULL;
}

/* What is to be sent next of a lane; NULL: nothing. */
static struct kv_batch *take_next(struct store *store, struct store_lane *lane)
{
	struct kv_batch *batch = NULL;

	if (lane->n_ready) {
		batch = lane->ready[lane->first];
		lane->first = (lane->first + 1) % store->ready_cap;
		lane->n_ready--;
	} else if (lane->open && lane->open->n) {
		batch = lane->open;
		lane->open = NULL;
	}
	return batch;
}

static bool lane_is_empty(const struct store_lane *lane)
{
	return !lane->n_ready && (!lane->open || !lane->open->n);
}

static struct store_lane *next_lane(struct store *store)
{
	bool nobody_waits = lane_is_empty(&store->lanes[LANE_WAITED_FOR]);
	bool all_wait = lane_is_empty(&store->lanes[LANE_BACKGROUND]);

	if (!nobody_waits && !all_wait)
		nobody_waits = ++store->turn % BACKGROUND_TURN == 0;
	return &store->lanes[nobody_waits ? LANE_BACKGROUND : LANE_WAITED_FOR];
}

static void send_batch(struct store *store, struct kv_batch *batch)
{
	histogram_add(&store->batch_sizes, batch->n);
	store->in_flight++;
	store->ops->commit(store->kv, batch);
}

void transact_send(struct store *store)
{
	while (store->in_flight < store->in_flight_max) {
		struct kv_batch *batch = take_next(store, next_lane(store));
		if (!batch)
			break;
		send_batch(store, batch);
	}
	atomic_store_explicit(&store->queued, flights_in_use(store->flights),
			      memory_order_relaxed);
}

/* ---- a flight's transaction ---- */

static int8_t add_compare(struct kv_txn *txn, enum kv_guard guard, struct span key,
			  int64_t revision, struct span value)
{
	txn->compare[txn->n_compares] = (struct kv_compare){guard, key, revision, value};
	return (int8_t)txn->n_compares++;
}

static void add_put(struct kv_txn *txn, struct span key, struct span value)
{
	txn->change[txn->n_changes++] = (struct kv_change){KV_PUT, false, key, value};
}

static void add_delete(struct kv_txn *txn, struct span key)
{
	txn->change[txn->n_changes++] = (struct kv_change){KV_DELETE, false, key, {0}};
}

static int8_t compare_record(struct kv_txn *txn, struct span key, int64_t revision)
{
	return add_compare(txn, revision ? KV_REVISION : KV_ABSENT, key, revision,
			   (struct span){0});
}

static struct span encode_record(struct store *store, struct kv_batch *batch,
				 const struct flight *flight, enum lease_state state,
				 int64_t hold_until_s, int64_t promised_until_s)
{
	const struct lease lease = {
		.state = state,
		.hold_until_s = hold_until_s,
		.promised_until_s = promised_until_s,
		.client_len = flight->client.len,
		.client = flight->client.bytes,
	};
	const struct ask *ask = flight->ask;
	struct record_details details = {
		.server = store->server_id,
		/* For operators' eyes: neither what peers' clocks nor what a former life makes of it. */
		.updated_s = clock_wall_at(store->clock, store->now.mono_ns) / (int64_t)NS_PER_S,
	};

	if (ask) {
		details.hwaddr = (struct span){ask->hwaddr, ask->hwaddr_len};
		details.host_name =
			(struct span){(const uint8_t *)ask->host_name, ask->host_name_len};
		details.circuit = (struct span){ask->circuit, ask->circuit_len};
		details.remote = (struct span){ask->remote, ask->remote_len};
	}
	return record_encode(batch, &lease, &details);
}

static void write_former(struct store *store, struct kv_batch *batch, struct kv_txn *txn,
			 struct flight *flight, const struct lease *former)
{
	struct span key = record_lease_key(batch, flight->net, former->addr);

	flight->former_addr = former->addr;
	flight->former_hold_s = former->hold_until_s;
	flight->former_promised_s = former->promised_until_s;
	flight->at_former = compare_record(txn, key, former->revision);
	if (flight->plan.former == PLAN_FORMER_REMOVE)
		add_delete(txn, key);
	else
		add_put(txn, key, encode_record(store, batch, flight, LEASE_RELEASED,
						former->hold_until_s,
						former->promised_until_s));
}

/* clients/<C>, for those who cannot see what is in our memory. */
static void write_client(struct kv_batch *batch, struct kv_txn *txn, struct flight *flight,
			 const struct lease *record)
{
	const struct plan *plan = &flight->plan;
	struct span key = {0}, former = {0};

	if (plan->client != PLAN_CLIENT_LEAVE)
		key = record_client_key(batch, flight->net, flight->client.bytes,
					flight->client.len);
	if (plan->client_at)
		former = record_address(batch, plan->client_at);
	if (plan->guard_client)
		flight->at_client = add_compare(txn, plan->client_at ? KV_VALUE : KV_ABSENT, key,
						0, former);
	if (plan->client == PLAN_CLIENT_PUT)
		add_put(txn, key, record_address(batch, flight->addr));
	else if (plan->client == PLAN_CLIENT_DELETE)
		add_delete(txn, key);
	if (plan->evict)
		add_delete(txn, record_client_key(batch, flight->net, record->client,
						  record->client_len));
}

/* The plan as compares and changes. */
static void write_commit(struct store *store, struct kv_batch *batch, struct kv_txn *txn,
			 struct flight *flight, const struct plan_input *in)
{
	const struct plan *plan = &flight->plan;
	struct span lease_key = record_lease_key(batch, flight->net, flight->addr);

	flight->at_lease = compare_record(txn, lease_key, in->record->revision);
	if (plan->state == LEASE_NONE)
		add_delete(txn, lease_key);
	else
		add_put(txn, lease_key,
			encode_record(store, batch, flight, plan->state, plan->hold_until_s,
				      plan->promised_until_s));

	if (!store->ops->sole_writer)
		write_client(batch, txn, flight, in->record);
	if (plan->former != PLAN_FORMER_NONE)
		write_former(store, batch, txn, flight, in->former);
}

/* A linearizable read of the record and, where there is one, the client's key and other record. */
static void write_read(const struct store *store, struct kv_batch *batch, struct kv_txn *txn,
		       struct flight *flight)
{
	flight->at_lease =
		add_compare(txn, KV_READ, record_lease_key(batch, flight->net, flight->addr), 0,
			    (struct span){0});
	if (flight->client.len && !store->ops->sole_writer)
		flight->at_client = add_compare(txn, KV_READ,
						record_client_key(batch, flight->net,
								  flight->client.bytes,
								  flight->client.len),
						0, (struct span){0});
	if (flight->former_addr)
		flight->at_former = add_compare(
			txn, KV_READ, record_lease_key(batch, flight->net, flight->former_addr), 0,
			(struct span){0});
}

/* Whether all keys and values found their memory. */
static bool complete(const struct kv_txn *txn)
{
	for (uint8_t i = 0; i < txn->n_compares; i++)
		if (!txn->compare[i].key.data)
			return false;
	for (uint8_t i = 0; i < txn->n_changes; i++)
		if (!txn->change[i].key.data ||
		    (txn->change[i].action == KV_PUT && !txn->change[i].value.data))
			return false;
	return true;
}

static enum lane lane_of(const struct flight *flight)
{
	bool waited_for = flight->stage != FLIGHT_COMMIT ||
			  (flight->op != ASK_EXTEND && flight->op != PLAN_OP_EXPIRE);

	return waited_for ? LANE_WAITED_FOR : LANE_BACKGROUND;
}

bool transact_launch(struct store *store, struct flight *flight, const struct plan_input *in)
{
	struct store_lane *lane = &store->lanes[lane_of(flight)];
	struct kv_txn *txn = next_txn(store, lane);

	if (!txn)
		return false;
	if (flight->stage == FLIGHT_COMMIT)
		write_commit(store, lane->open, txn, flight, in);
	else
		write_read(store, lane->open, txn, flight);
	if (!complete(txn)) {
		lane->open->n--;
		return false;
	}
	txn->user = flight;
	return true;
}

bool transact_idle(const struct store *store)
{
	return !store->in_flight && !store->again.first &&
	       lane_is_empty(&store->lanes[LANE_WAITED_FOR]) &&
	       lane_is_empty(&store->lanes[LANE_BACKGROUND]);
}
