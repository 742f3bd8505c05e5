/* SPDX-License-Identifier: MIT */
/* The store's changes, ours and everybody's, applied to the table by revision, never backwards. */
#include "store/internal.h"

static void invalid(struct store *store, const struct kv_event *event, const char *why)
{
	char key[128];
	size_t len = min_size(event->key.len, sizeof(key) - 1);
	uint64_t held_back;

	counter_add(&store->counters.mirror_invalid, 1);
	if (!log_limit_pass(&store->limit_invalid, 10 * NS_PER_S, &held_back))
		return;
	memcpy(key, event->key.data, len);
	key[len] = '\0';
	log_warn("entry in the store cannot be used; correct or delete it", F_STR("key", key),
		 F_STR("problem", why), F_U64("held_back", held_back));
}

static struct lease_net *net_of(struct store *store, struct span name)
{
	return lease_table_net(store->table, (const char *)name.data, name.len);
}

static void apply_lease(struct store *store, const struct kv_event *event,
			const struct record_key *key)
{
	struct lease_net *net = net_of(store, key->network);
	const char *why;

	if (!net) {
		invalid(store, event, "out of memory");
	} else if (event->type == KV_EVENT_REMOVE) {
		lease_remove(net, key->addr, event->revision);
	} else if (lease_has(net, key->addr, event->revision)) {
		return; /* our own commit, mostly */
	} else {
		why = learn_lease(store, net, key->addr, event->value, event->revision);
		if (why)
			invalid(store, event, why);
	}
}

static void apply_reservation(struct store *store, const struct kv_event *event,
			      const struct record_key *key)
{
	struct lease_net *net = net_of(store, key->network);
	struct client_id client;
	uint32_t addr;

	if (!net) {
		invalid(store, event, "out of memory");
	} else if (client_id_parse(&client, (const char *)key->rest.data, key->rest.len)) {
		invalid(store, event, "the key must end with id:<hex> or mac:<aa:bb:cc:dd:ee:ff>");
	} else if (event->type == KV_EVENT_REMOVE) {
		run_time_remove(store->run_time, net, &client);
		store->reservations_changed = true;
	} else if (!record_parse_address(event->value, &addr)) {
		invalid(store, event, "the value must be an IPv4 address");
	} else {
		if (run_time_put(store->run_time, net, &client, addr))
			invalid(store, event, "out of memory");
		store->reservations_changed = true;
	}
}

static void apply_change(struct store *store, const struct kv_event *event)
{
	struct record_key key;

	record_parse_key(event->key, &key);
	/* Servers and clocks speak all the time: that is no change of what is served. */
	if (key.kind != RECORD_SERVER && key.kind != RECORD_CLOCK)
		counter_add(&store->counters.mirror_events, 1);
	switch (key.kind) {
	case RECORD_LEASE:
		apply_lease(store, event, &key);
		break;
	case RECORD_RESERVATION:
		apply_reservation(store, event, &key);
		break;
	case RECORD_CONFIG:
		store->shared_seen = event->type == KV_EVENT_PUT;
		shared_set(&store->shared,
			   store->shared_seen ? event->value : (struct span){0});
		break;
	case RECORD_SERVER:
		if (!membership_see(store, event, key.rest))
			invalid(store, event, "not a server's publication");
		break;
	case RECORD_CLOCK:
		if (!membership_see_clock(store, event))
			invalid(store, event, "not a clock: put {\"clock_ns\":<Unix nanoseconds>}");
		break;
	case RECORD_INVALID:
		invalid(store, event, "malformed key");
		break;
	default: /* clients/ follow from leases/; the rest is for others */
		break;
	}
}

static void set_connected(struct store *store, bool connected)
{
	atomic_store_explicit(&store->connected, connected, memory_order_relaxed);
	store->blocked_until_ns = 0;
	if (connected)
		log_info("store connected", F_STR("store", store->ops->name));
	else
		log_warn("connection to the store lost; renewals go on from memory, new clients "
			 "wait until it is back",
			 F_STR("store", store->ops->name));
}

static void loaded(struct store *store, int64_t revision)
{
	size_t swept = lease_table_end_load(store->table, revision);

	if (!store->shared_seen) /* deleted while nobody watched */
		shared_set(&store->shared, (struct span){0});

	store->reservations_changed = true;
	membership_end_load(store);
	if (!atomic_exchange_explicit(&store->loaded, true, memory_order_acq_rel))
		sem_post(&store->first_load);
	log_info("mirror loaded", F_STR("store", store->ops->name), F_I64("revision", revision),
		 F_U64("records", lease_table_records(store->table)), F_U64("vanished", swept));
}

static void apply_event(struct store *store, const struct kv_event *event)
{
	store->seen_revision = max_i64(store->seen_revision, event->revision);
	switch (event->type) {
	case KV_EVENT_RESET:
		lease_table_begin_load(store->table);
		membership_begin_load(store);
		run_time_clear(store->run_time);
		store->shared_seen = false;
		break;
	case KV_EVENT_PUT:
	case KV_EVENT_REMOVE:
		apply_change(store, event);
		break;
	case KV_EVENT_LOADED:
		loaded(store, event->revision);
		break;
	case KV_EVENT_CONNECTED:
		set_connected(store, true);
		break;
	case KV_EVENT_LOST:
		set_connected(store, false);
		break;
	case KV_EVENT_BACK:
		store_go_astray(store, event->revision, store->seen_revision);
		break;
	case KV_EVENT_PROGRESS: /* kv_status keeps the time */
	case KV_EVENT_COUNT:
		break;
	}
}

static void publish_reservations(struct store *store)
{
	const struct config *config = store->config;

	store->reservations_changed = false;
	for (size_t i = 0; config && i < config->n_networks; i++) {
		const struct config_network *network = &config->networks[i];
		struct lease_net *net =
			lease_table_net(store->table, network->name, strlen(network->name));
		if (!net || run_time_publish(store->run_time, net, config, network))
			log_error("reservations not updated: out of memory",
				  F_STR("network", network->name));
	}
}

void mirror_apply(struct store *store, const struct kv_events *events)
{
	for (size_t i = 0; i < events->n; i++)
		apply_event(store, &events->event[i]);
	if (store->reservations_changed && atomic_load(&store->loaded))
		publish_reservations(store);
	membership_follow(store);
}
