/* SPDX-License-Identifier: MIT */
/* Asks become plans, plans become transactions, transactions gather in batches; and all the way back. */
#include "store/internal.h"

#include <errno.h>

/* A client has given up or retransmitted by then: committing for it would only feed an overload. */
#define ASK_STALE_NS      (3 * NS_PER_S)
/* Offers stop when a commit would take longer than this: an offer that cannot be kept in time is none. */
#define OFFER_DELAY_NS    (1 * NS_PER_S)
/* How often the truth is asked for after unknown outcomes, and how long a failed store is left alone. */
#define RESOLVE_EVERY_NS  (250 * NS_PER_MS)
#define BLOCK_NS          (500 * NS_PER_MS)
#define MAX_TRIES         5
#define EXPIRE_AT_ONCE    256

void transact_answer(struct store *store, struct ask *ask, enum ask_result result)
{
	struct store_worker *worker = &store->workers[ask->worker];

	ask->result = result;
	worker->answered = true;
	if (!ring_push(worker->answers, ask))
		log_error("answer lost: ring smaller than the asks there are",
			  F_U64("worker", ask->worker));
}

static bool serving(const struct store *store)
{
	return atomic_load_explicit(&store->loaded, memory_order_relaxed) &&
	       atomic_load_explicit(&store->connected, memory_order_relaxed) &&
	       store->now.mono_ns >= store->blocked_until_ns;
}

static uint64_t expected_delay_ns(const struct store *store)
{
	return store->commit_ewma_ns * (1 + store->n_ready / store->in_flight_max);
}

/* ---- offers: memory alone ---- */

static void offer(struct store *store, struct ask *ask)
{
	static struct log_limit limit;
	uint64_t until_ns = store->now.mono_ns + ask->offer_s * NS_PER_S, held_back;
	int rc;

	if (!serving(store)) {
		transact_answer(store, ask, ASK_UNAVAILABLE);
		return;
	}
	if (expected_delay_ns(store) > OFFER_DELAY_NS) {
		counter_add(&store->counters.shed, 1);
		transact_answer(store, ask, ASK_OVERLOAD);
		return;
	}
	rc = allocator_offer(ask->net, &ask->client, ask->client_hash, ask->subnet, ask->addr,
			     &store->now, until_ns, false, &ask->addr);
	if (rc == -EBUSY) {
		if (log_limit_pass(&limit, 10 * NS_PER_S, &held_back))
			log_warn("reserved address is still held by another client; "
				 "offering one from the pool",
				 F_STR("network", lease_net_name(ask->net)),
				 F_HEX("client", ask->client.bytes, ask->client.len),
				 F_U64("held_back", held_back));
		rc = allocator_offer(ask->net, &ask->client, ask->client_hash, ask->subnet,
				     ask->addr, &store->now, until_ns, true, &ask->addr);
	}
	if (!rc)
		counter_add(&store->counters.offers, 1);
	transact_answer(store, ask, rc ? ASK_NO_ADDRESS : ASK_GRANTED);
}

/* ---- batches ---- */

static struct kv_batch *take_batch(struct store *store)
{
	return store->n_spare ? store->spare[--store->n_spare] : kv_batch_new(store->batch_cap);
}

static void keep_batch(struct store *store, struct kv_batch *batch)
{
	kv_batch_reset(batch);
	if (store->n_spare < store->ready_cap)
		store->spare[store->n_spare++] = batch;
	else
		kv_batch_free(batch);
}

static void put_in_line(struct store *store, struct kv_batch *batch)
{
	store->ready[(store->ready_first + store->n_ready++) % store->ready_cap] = batch;
}

/* A transaction in the batch being filled; NULL when memory is short or the line is full. */
static struct kv_txn *next_txn(struct store *store)
{
	struct kv_txn *txn;

	if (store->open && store->open->n == store->batch_cap) {
		if (store->n_ready == store->ready_cap)
			return NULL;
		put_in_line(store, store->open);
		store->open = NULL;
	}
	if (!store->open)
		store->open = take_batch(store);
	txn = store->open ? kv_batch_add(store->open) : NULL;
	return txn;
}

static void send_batch(struct store *store, struct kv_batch *batch)
{
	histogram_add(&store->batch_sizes, batch->n);
	store->in_flight++;
	store->ops->commit(store->kv, batch);
}

void transact_send(struct store *store)
{
	while (store->in_flight < store->in_flight_max && store->n_ready) {
		struct kv_batch *batch = store->ready[store->ready_first];
		store->ready_first = (store->ready_first + 1) % store->ready_cap;
		store->n_ready--;
		send_batch(store, batch);
	}
	if (store->in_flight < store->in_flight_max && store->open && store->open->n) {
		send_batch(store, store->open);
		store->open = NULL;
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
				 int64_t hold_until_s)
{
	const struct ask *ask = flight->ask;
	struct record_details details = {.server = store->server_id,
					 .updated_s = store->now.latest_s};

	if (ask) {
		details.hwaddr = (struct span){ask->hwaddr, ask->hwaddr_len};
		details.host_name =
			(struct span){(const uint8_t *)ask->host_name, ask->host_name_len};
		details.circuit = (struct span){ask->circuit, ask->circuit_len};
		details.remote = (struct span){ask->remote, ask->remote_len};
	}
	return record_encode(batch, state, hold_until_s, flight->client.bytes, flight->client.len,
			     &details);
}

static void write_former(struct store *store, struct kv_batch *batch, struct kv_txn *txn,
			 struct flight *flight, const struct lease *former)
{
	struct span key = record_lease_key(batch, flight->net, former->addr);

	flight->former_addr = former->addr;
	flight->former_hold_s = former->hold_until_s;
	flight->at_former = compare_record(txn, key, former->revision);
	if (flight->plan.former == PLAN_FORMER_REMOVE)
		add_delete(txn, key);
	else
		add_put(txn, key, encode_record(store, batch, flight, LEASE_RELEASED,
						former->hold_until_s));
}

/* The plan as compares and changes. */
static void write_commit(struct store *store, struct kv_batch *batch, struct kv_txn *txn,
			 struct flight *flight, const struct plan_input *in)
{
	const struct plan *plan = &flight->plan;
	struct span lease_key = record_lease_key(batch, flight->net, flight->addr);
	struct span client_key = {0};

	flight->at_lease = compare_record(txn, lease_key, in->record->revision);
	if (plan->state == LEASE_NONE)
		add_delete(txn, lease_key);
	else
		add_put(txn, lease_key,
			encode_record(store, batch, flight, plan->state, plan->hold_until_s));

	if (plan->client != PLAN_CLIENT_LEAVE)
		client_key = record_client_key(batch, flight->net, flight->client.bytes,
					       flight->client.len);
	if (plan->guard_client)
		flight->at_client = add_compare(txn, plan->client_at ? KV_VALUE : KV_ABSENT,
						client_key, 0,
						plan->client_at ?
							record_address(batch, plan->client_at) :
							(struct span){0});
	if (plan->client == PLAN_CLIENT_PUT)
		add_put(txn, client_key, record_address(batch, flight->addr));
	else if (plan->client == PLAN_CLIENT_DELETE)
		add_delete(txn, client_key);
	if (plan->former != PLAN_FORMER_NONE)
		write_former(store, batch, txn, flight, in->former);
	if (plan->evict)
		add_delete(txn, record_client_key(batch, flight->net, in->record->client,
						  in->record->client_len));
}

/* A linearizable read of the record and, where there is one, the client's key and other record. */
static void write_read(struct kv_batch *batch, struct kv_txn *txn, struct flight *flight)
{
	flight->at_lease =
		add_compare(txn, KV_READ, record_lease_key(batch, flight->net, flight->addr), 0,
			    (struct span){0});
	if (flight->client.len)
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

/* Puts a flight into the batch being filled. False: no memory or no room; nothing was queued. */
static bool launch(struct store *store, struct flight *flight, const struct plan_input *in)
{
	struct kv_txn *txn = next_txn(store);

	if (!txn)
		return false;
	if (flight->stage == FLIGHT_COMMIT)
		write_commit(store, store->open, txn, flight, in);
	else
		write_read(store->open, txn, flight);
	if (!complete(txn)) {
		store->open->n--;
		return false;
	}
	txn->user = flight;
	return true;
}

/* ---- beginning ---- */

static void look_up(struct store *store, const struct ask *ask, struct plan_input *in,
		    struct lease *record, struct lease *former)
{
	lease_read(ask->net, ask->addr, record);
	if (!lease_find(ask->net, ask->client.bytes, ask->client.len, ask->client_hash, former))
		*former = (struct lease){.state = LEASE_NONE};
	/* What a linearizable read said of the client's key outweighs memory. */
	if (ask->client_known && ask->client_at && ask->client_at != former->addr)
		lease_read(ask->net, ask->client_at, former);
	*in = (struct plan_input){
		.op = ask->op,
		.addr = ask->addr,
		.client = &ask->client,
		.record = record,
		.former = former,
		.proven = ask->proven,
		.client_known = ask->client_known,
		.client_at = ask->client_at,
		.hold_s = ask->hold_s,
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

static struct flight *take_off(struct store *store, struct ask *ask, const struct plan *plan,
			       const uint64_t *keys, size_t n_keys)
{
	struct flight *flight = flight_take(store->flights);

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

/* The address stays marked until the flight lands, so that nobody is offered it. */
static void land(struct store *store, struct flight *flight)
{
	allocator_mark_busy(flight->net, flight->addr, false);
	for (struct ask *ask = flight->waiting, *next; ask; ask = next) {
		next = ask->next;
		ask_line_add(&store->again, ask);
	}
	flight->waiting = NULL;
	flight_give_back(store->flights, flight);
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
	allocator_mark_busy(flight->net, flight->addr, true);
	if (flight->stage == FLIGHT_PROBE)
		counter_add(&store->counters.probes, 1);
	if (!launch(store, flight, in)) {
		counter_add(&store->counters.shed, 1);
		transact_answer(store, ask, ASK_OVERLOAD);
		land(store, flight);
	}
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
	else
		commit_or_probe(store, ask, &plan, &in);
}

void transact_begin(struct store *store, struct ask *ask)
{
	switch (ask->op) {
	case ASK_OFFER:
		offer(store, ask);
		return;
	case ASK_FORGET:
		allocator_offer_end(ask->net, &ask->client, ask->client_hash);
		transact_answer(store, ask, ASK_GRANTED);
		return;
	case ASK_BIND:
		if (!allocator_may_take(ask->net, ask->addr, &ask->client)) {
			transact_answer(store, ask, ASK_ON_OFFER);
			return;
		}
		break;
	default:
		break;
	}
	if (!serving(store)) {
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

/* ---- finishing ---- */

/* What a read or a failed guard showed of one record is newer than memory, or the same. */
static void learn_record(struct store *store, struct lease_net *net, uint32_t addr,
			 const struct kv_item *item, int64_t revision)
{
	struct client_id client;
	struct lease lease;

	if (!item->exists) {
		lease_remove(net, addr, revision);
	} else if (record_decode(item->value, &lease, &client)) {
		lease.addr = addr;
		lease.revision = item->revision;
		lease_put(net, &lease);
	} else {
		counter_add(&store->counters.mirror_invalid, 1);
	}
}

static void learn(struct store *store, const struct flight *flight, const struct kv_txn *txn,
		  int64_t revision)
{
	struct ask *ask = flight->ask;

	if (flight->at_lease >= 0)
		learn_record(store, flight->net, flight->addr, &txn->found[flight->at_lease],
			     revision);
	if (flight->at_former >= 0)
		learn_record(store, flight->net, flight->former_addr,
			     &txn->found[flight->at_former], revision);
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

static void finish_done(struct store *store, struct flight *flight, const struct kv_txn *txn,
			int64_t revision)
{
	struct ask *ask = flight->ask;

	switch (flight->stage) {
	case FLIGHT_COMMIT:
		apply(flight, revision);
		counter_add(flight->ask ? &store->counters.commits : &store->counters.expired, 1);
		if (ask) {
			ask->hold_until_s = flight->plan.hold_until_s;
			transact_answer(store, ask, ASK_GRANTED);
		}
		break;
	case FLIGHT_PROBE:
		learn(store, flight, txn, revision);
		ask->proven = true;
		ask_line_add(&store->again, ask);
		break;
	case FLIGHT_RESOLVE:
		learn(store, flight, txn, revision);
		counter_add(&store->counters.resolved, 1);
		break;
	}
	land(store, flight);
}

/* Memory lagged or somebody else was first: with what the store showed, try again. */
static void finish_conflict(struct store *store, struct flight *flight, const struct kv_txn *txn,
			    int64_t revision)
{
	struct ask *ask = flight->ask;

	counter_add(&store->counters.conflicts, 1);
	learn(store, flight, txn, revision);
	if (ask && ++ask->tries < MAX_TRIES)
		ask_line_add(&store->again, ask);
	else if (ask)
		transact_answer(store, ask, ASK_UNAVAILABLE);
	land(store, flight);
}

static void finish_unknown(struct store *store, struct flight *flight)
{
	if (flight->stage != FLIGHT_RESOLVE)
		counter_add(&store->counters.unknown, 1);
	if (flight->ask)
		transact_answer(store, flight->ask, ASK_UNAVAILABLE);
	flight->ask = NULL;
	if (flight->stage == FLIGHT_PROBE) { /* it changed nothing */
		land(store, flight);
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
	land(store, flight);
}

static void finish_txn(struct store *store, const struct kv_txn *txn, int64_t revision)
{
	struct flight *flight = txn->user;

	switch (txn->outcome) {
	case KV_DONE:
		finish_done(store, flight, txn, revision);
		break;
	case KV_CONFLICT:
		finish_conflict(store, flight, txn, revision);
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
	static struct log_limit limit;
	uint64_t held_back, took_ns = store->now.mono_ns - batch->sent_ns;

	if (!batch->error) {
		histogram_add(&store->commit_times, took_ns);
		store->commit_ewma_ns = (7 * store->commit_ewma_ns + took_ns) / 8;
		store->blocked_until_ns = 0;
		return;
	}
	store->blocked_until_ns = store->now.mono_ns + BLOCK_NS;
	if (log_limit_pass(&limit, 5 * NS_PER_S, &held_back))
		log_warn("the store did not take a batch; renewals go on from memory, new "
			 "clients wait",
			 F_STR("store", store->ops->name), F_ERR(batch->error),
			 F_STR("detail", batch->detail), F_U64("transactions", batch->n),
			 F_U64("held_back", held_back));
}

void transact_finish(struct store *store, struct kv_batch *batch)
{
	store->in_flight--;
	note_health(store, batch);
	for (uint32_t i = 0; i < batch->n; i++)
		finish_txn(store, &batch->txn[i], batch->revision);
	keep_batch(store, batch);
	atomic_store_explicit(&store->unresolved_count, store->n_unresolved, memory_order_relaxed);
}

/* ---- work of our own ---- */

static void resolve(struct store *store)
{
	struct flight *flight, *left = NULL;

	if (!store->unresolved || store->now.mono_ns < store->resolve_at_ns)
		return;
	store->resolve_at_ns = store->now.mono_ns + RESOLVE_EVERY_NS;
	while ((flight = store->unresolved)) {
		store->unresolved = flight->next;
		flight->at_lease = flight->at_client = flight->at_former = -1;
		if (launch(store, flight, NULL)) {
			store->n_unresolved--;
		} else {
			flight->next = left;
			left = flight;
		}
	}
	store->unresolved = left;
}

/* Deletes one record that is over, with its client's key: whoever watches sees the device leave. */
static bool expire(struct store *store, struct lease_net *net, uint32_t addr)
{
	struct lease record, nobody = {.state = LEASE_NONE};
	struct plan_input in = {.op = PLAN_OP_EXPIRE, .addr = addr, .record = &record,
				.former = &nobody, .now = store->now};
	struct plan plan;
	struct flight *flight;
	uint64_t lease_key = flight_lease_key(net, addr), client_key;

	lease_read(net, addr, &record);
	plan_make(&in, &plan);
	if (plan.kind != PLAN_COMMIT)
		return true;
	client_key = flight_client_key(
		net, lease_client_hash(net, record.client, record.client_len));
	if (flight_owner(store->flights, lease_key) || flight_owner(store->flights, client_key))
		return true; /* somebody is about to have it */
	flight = flight_take(store->flights);
	if (!flight)
		return false;
	flight->stage = FLIGHT_COMMIT;
	flight->op = PLAN_OP_EXPIRE;
	flight->net = net;
	flight->addr = addr;
	flight->plan = plan;
	flight_own(store->flights, flight, lease_key);
	flight_own(store->flights, flight, client_key);
	allocator_mark_busy(net, addr, true);
	if (launch(store, flight, &in))
		return true;
	land(store, flight);
	return false;
}

static void expire_some(struct store *store)
{
	uint32_t addrs[EXPIRE_AT_ONCE];
	struct lease_net *net;

	if (!serving(store) || flights_in_use(store->flights) > EXPIRE_AT_ONCE)
		return;
	for (size_t i = 0; (net = lease_table_at(store->table, i)); i++) {
		size_t n = allocator_expired(net, addrs, EXPIRE_AT_ONCE);
		for (size_t a = 0; a < n; a++)
			if (!expire(store, net, addrs[a]))
				return;
	}
}

void transact_tick(struct store *store)
{
	resolve(store);
	expire_some(store);
}

bool transact_idle(const struct store *store)
{
	return !store->in_flight && !store->n_ready && !store->again.first &&
	       (!store->open || !store->open->n);
}
