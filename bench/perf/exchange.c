/* SPDX-License-Identifier: MIT */
#include "perf/exchange.h"

#include <linux/if_ether.h>

#include "perf/dhcp.h"
#include "perf/tenure.h"

#define BROADCAST        UINT32_C(0xffffffff)
#define NO_SERVER        UINT32_C(0xc0000201) /* 192.0.2.1, which nobody has (RFC 5737) */
#define DOUBLINGS        4 /* 4, 8, 16, 32, 64 s */
#define ATTEMPTS         (DOUBLINGS + 1)
#define REQUEST_ATTEMPTS 5 /* then begin again with a DISCOVER (RFC 2131 section 4.4.1) */

const struct step_def step_defs[CLIENT_STATE_COUNT] = {
    [CLIENT_DISCOVERING] = {MESSAGE_DISCOVER, EXCHANGE_DISCOVER, DHCP_OFFER, true, false},
    [CLIENT_REQUESTING] = {MESSAGE_SELECT, EXCHANGE_REQUEST, DHCP_ACK, true, true},
    [CLIENT_RENEWING] = {MESSAGE_RENEW, EXCHANGE_RENEW, DHCP_ACK, false, true},
    [CLIENT_REBINDING] = {MESSAGE_REBIND, EXCHANGE_REBIND, DHCP_ACK, true, false},
    [CLIENT_REBOOTING] = {MESSAGE_REBOOT, EXCHANGE_REBOOT, DHCP_ACK, true, false},
    [CLIENT_COMPARING] = {MESSAGE_DISCOVER, EXCHANGE_OFFER, DHCP_OFFER, true, false},
};

/* The state that an activity puts its client into. */
static const enum client_state first_state[ACTIVITY_COUNT] = {
    [ACTIVITY_DORA] = CLIENT_DISCOVERING, [ACTIVITY_OFFER] = CLIENT_COMPARING,
    [ACTIVITY_RENEW] = CLIENT_RENEWING,   [ACTIVITY_REBIND] = CLIENT_REBINDING,
    [ACTIVITY_REBOOT] = CLIENT_REBOOTING, [ACTIVITY_RELEASE] = CLIENT_IDLE,
};

static struct exchange_stats *stats_of(struct generator *g, const struct client *client)
{
	return &g->stats.exchange[step_defs[client->state].exchange];
}

static bool is_dora(const struct client *client)
{
	return client->state == CLIENT_DISCOVERING || client->state == CLIENT_REQUESTING;
}

/* Ethernet and IP addresses of a message from a directly attached client. */
static void address_direct(const struct generator *g, uint32_t index, enum message_kind kind,
			   struct message_values *v)
{
	const struct client *client = &g->population.clients[index];
	bool unicast = kind == MESSAGE_RENEW || kind == MESSAGE_RELEASE;

	memcpy(v->src_mac, v->chaddr, ETH_ALEN);
	memset(v->dst_mac, 0xff, ETH_ALEN);
	v->dst = BROADCAST;
	v->src = unicast || kind == MESSAGE_REBIND ? client->address : 0;
	if (!unicast)
		return;
	memcpy(v->dst_mac, g->servers.list[client->server].mac, ETH_ALEN);
	v->dst = g->servers.list[client->server].id;
}

/* The same by way of a relay agent, or past it through the router that it is. */
static void address_relayed(const struct generator *g, uint32_t index, bool relayed, uint32_t relay,
			    struct message_values *v)
{
	const struct client *client = &g->population.clients[index];

	memcpy(v->src_mac, g->wire->link.mac, ETH_ALEN);
	memcpy(v->dst_mac, g->relays.next_hop[relay].mac, ETH_ALEN);
	v->src = relayed ? relays_address(&g->relays, relay) : client->address;
	v->dst = relayed ? g->options->server : g->servers.list[client->server].id;
	v->giaddr = relayed ? v->src : 0;
	v->relay = relay;
	v->subscriber = index;
}

static uint16_t seconds_since(const struct generator *g, uint64_t ns)
{
	uint64_t s = g->now_ns > ns ? (g->now_ns - ns) / NS_PER_S : 0;

	return (uint16_t)min_u64(s, UINT16_MAX);
}

/* False when there is no frame. */
static bool send_message(struct generator *g, uint32_t index, enum message_kind kind)
{
	const struct message_template *template = &g->templates[kind];
	const struct client *client = &g->population.clients[index];
	struct frame *frame = wire_next(g->wire);
	struct place place = generator_place(g, index);
	struct message_values v = {
	    .vlan = place.vlan,
	    .outer_vlan = place.outer_vlan,
	    .xid = population_xid(&g->population, index),
	    .secs = seconds_since(g, client->began_ns),
	    .requested = client->address,
	};

	if (!frame)
		return false;
	population_mac(&g->population, index, v.chaddr);
	if (kind == MESSAGE_ELSEWHERE)
		v.server = NO_SERVER;
	else if (kind != MESSAGE_DISCOVER)
		v.server = g->servers.list[client->server].id;
	if (kind == MESSAGE_RENEW || kind == MESSAGE_REBIND || kind == MESSAGE_RELEASE)
		v.ciaddr = client->address;
	if (g->relays.n)
		address_relayed(g, index, template->relayed, place.relay, &v);
	else
		address_direct(g, index, kind, &v);
	wire_commit(g->wire, message_write(template, &v, frame->data));
	total_add(&g->stats.sent);
	return true;
}

static void enlist(struct generator *g, uint32_t index)
{
	struct client *client = &g->population.clients[index];
	uint32_t tick;

	/* An entry that comes out early enlists its client again. */
	if (client->enlisted && client->enlisted <= client->deadline)
		return;
	tick = wheel_add(g->wheel, index, client->deadline);
	if (tick)
		client->enlisted = tick;
}

static void arm(struct generator *g, uint32_t index, uint64_t delay_ns)
{
	g->population.clients[index].deadline = wheel_tick(g->now_ns + delay_ns);
	enlist(g, index);
}

uint64_t exchange_backoff_ns(uint64_t base_ns, unsigned n, uint64_t *random)
{
	uint64_t delay = base_ns << (n - 1 < DOUBLINGS ? n - 1 : DOUBLINGS);

	/* 4 s is randomised by 1 s either way, and so is every longer delay. */
	return delay - base_ns / 4 + random_next(random) % (base_ns / 2 + 1);
}

static void arm_attempt(struct generator *g, uint32_t index)
{
	const struct client *client = &g->population.clients[index];

	arm(g, index,
	    g->retransmit ? exchange_backoff_ns(g->retransmit_base_ns, client->attempts, &g->random)
			  : g->timeout_ns);
}

static void count_attempt(struct client *client)
{
	if (client->attempts < CLIENT_ATTEMPTS_MAX)
		client->attempts++;
}

/* A transaction id that has not been used before. */
static void renew_xid(struct client *client)
{
	client->generation++;
	client->given_up = (uint8_t)(client->given_up << 1);
}

static void enter(struct client *client, enum client_state state)
{
	client->state = state & 7;
	client->attempts = 1;
}

/* Back to the queue of those who do nothing. */
static void finish(struct generator *g, uint32_t index)
{
	struct client *client = &g->population.clients[index];
	struct population *p = &g->population;

	client->state = CLIENT_IDLE;
	client->deadline = 0;
	counter_add(&g->in_flight, (uint64_t)-1);
	queue_push(client->lease_end_s != LEASE_NONE ? &p->bound : &p->cold, index);
}

/* An idle client with a lease; those whose lease has run out become cold on the way. */
static uint32_t pop_bound(struct generator *g)
{
	struct population *p = &g->population;
	uint32_t index;

	while ((index = queue_pop(&p->bound)) != NO_CLIENT && !tenure_is_live(g, index)) {
		tenure_end(g, index);
		total_add(&g->stats.expired);
		queue_push(&p->cold, index);
	}
	return index;
}

static uint32_t pop_client(struct generator *g, enum activity activity)
{
	uint32_t index;

	if (activity != ACTIVITY_DORA && activity != ACTIVITY_OFFER)
		return pop_bound(g);
	index = queue_pop(&g->population.cold);
	if (index == NO_CLIENT && activity == ACTIVITY_DORA && g->options->repeat) {
		index = pop_bound(g);
		if (index != NO_CLIENT)
			total_add(&g->stats.repeats);
	}
	return index;
}

/* There is no answer to a RELEASE. */
static void release(struct generator *g, uint32_t index)
{
	struct exchange_stats *stats = &g->stats.exchange[EXCHANGE_RELEASE];

	send_message(g, index, MESSAGE_RELEASE);
	tenure_end(g, index);
	queue_push(&g->population.cold, index);
	stats->started++;
	stats->done++;
}

bool exchange_begin(struct generator *g, enum activity activity, uint64_t intended_ns)
{
	struct client *client;
	uint32_t index;

	if (!wire_next(g->wire))
		return false;
	index = pop_client(g, activity);
	if (index == NO_CLIENT)
		return false;
	client = &g->population.clients[index];
	renew_xid(client);
	g->stats.ended_ns = g->now_ns;
	client->began_ns = intended_ns;
	client->step = 0;
	client->moved = false;
	latency_add(&g->stats.lag, g->now_ns > intended_ns ? g->now_ns - intended_ns : 0);
	if (activity == ACTIVITY_RELEASE) {
		release(g, index);
		return true;
	}
	enter(client, first_state[activity]);
	send_message(g, index, step_defs[client->state].message);
	arm_attempt(g, index);
	counter_add(&g->in_flight, 1);
	stats_of(g, client)->started++;
	g->stats.exchange[EXCHANGE_DORA].started += is_dora(client);
	return true;
}

static uint64_t since(const struct generator *g, uint64_t ns)
{
	return g->now_ns > ns ? g->now_ns - ns : 0;
}

/* The present exchange has its answer. */
static void count_done(struct generator *g, const struct client *client)
{
	struct exchange_stats *stats = stats_of(g, client);

	g->stats.ended_ns = g->now_ns;
	stats->done++;
	latency_add(&stats->latency, since(g, client_step_ns(client)));
}

/* The client's next message is meant to leave now. */
static void begin_step(struct generator *g, struct client *client, enum client_state state)
{
	uint64_t step = since(g, client->began_ns) >> CLIENT_STEP_SHIFT;

	enter(client, state);
	client->step = (uint32_t)min_u64(step, UINT32_MAX);
	stats_of(g, client)->started++;
}

/* The server may take the address back at once. Nobody answers. */
static void select_another(struct generator *g, uint32_t index)
{
	bool sent = send_message(g, index, MESSAGE_ELSEWHERE);

	assert(sent);
	g->population.clients[index].address = 0;
	finish(g, index);
}

enum finding exchange_offered(struct generator *g, uint32_t index, const struct reply *reply)
{
	struct client *client = &g->population.clients[index];
	bool sent;

	count_done(g, client);
	if (client->state == CLIENT_COMPARING) {
		bool taken = tenure_holder(g, reply->yiaddr) != NO_CLIENT;

		client->address = reply->yiaddr;
		select_another(g, index);
		return taken ? FINDING_TAKEN_OFFER : FINDING_NONE;
	}
	tenure_offered(g, index, reply->yiaddr);
	begin_step(g, client, CLIENT_REQUESTING);
	sent = send_message(g, index, MESSAGE_SELECT);
	assert(sent);
	arm_attempt(g, index);
	return FINDING_NONE;
}

static void count_ack(struct generator *g, const struct client *client)
{
	struct exchange_stats *dora = &g->stats.exchange[EXCHANGE_DORA];
	uint64_t acks;

	count_done(g, client);
	total_add(&g->stats.acks);
	if (!is_dora(client))
		return;
	dora->done++;
	latency_add(&dora->latency, since(g, client->began_ns));
	acks = counter_read(&g->stats.acks);
	for (size_t i = 0; i < MILESTONES; i++) {
		if (acks == g->milestones.clients[i])
			g->milestones.ns[i] = g->now_ns;
	}
}

enum finding exchange_acknowledged(struct generator *g, uint32_t index, const struct reply *reply)
{
	struct client *client = &g->population.clients[index];
	enum finding finding;

	count_ack(g, client);
	finding = tenure_bind(g, index, reply->yiaddr, reply->lease_s, client_step_ns(client));
	finish(g, index);
	return finding;
}

/* Begins again from DISCOVER, as soon as the timer lets it. */
static void begin_again(struct generator *g, uint32_t index)
{
	struct client *client = &g->population.clients[index];

	if (client->lease_end_s == LEASE_NONE)
		client->address = 0;
	renew_xid(client);
	begin_step(g, client, CLIENT_DISCOVERING);
}

void exchange_refused(struct generator *g, uint32_t index)
{
	struct client *client = &g->population.clients[index];

	stats_of(g, client)->naks++;
	total_add(&g->stats.naks);
	tenure_end(g, index);
	if (g->endless && is_dora(client)) {
		begin_again(g, index);
		arm_attempt(g, index);
		return;
	}
	g->stats.exchange[EXCHANGE_DORA].naks += is_dora(client);
	finish(g, index);
}

static void give_up(struct generator *g, uint32_t index)
{
	struct client *client = &g->population.clients[index];

	stats_of(g, client)->lost++;
	g->stats.exchange[EXCHANGE_DORA].lost += is_dora(client);
	total_add(&g->stats.lost);
	client->given_up |= 1;
	if (client->lease_end_s == LEASE_NONE)
		client->address = 0;
	finish(g, index);
}

/* False when there is no frame. */
static bool send_again(struct generator *g, uint32_t index)
{
	struct client *client = &g->population.clients[index];

	if (!wire_next(g->wire))
		return false;
	if (g->endless && client->state == CLIENT_REQUESTING &&
	    client->attempts >= REQUEST_ATTEMPTS) {
		stats_of(g, client)->lost++;
		client->given_up |= 1;
		begin_again(g, index);
		client->attempts = 0; /* counted below */
	}
	send_message(g, index, step_defs[client->state].message);
	total_add(&g->stats.retransmissions);
	count_attempt(client);
	arm_attempt(g, index);
	return true;
}

void exchange_expire(struct generator *g, uint32_t index, uint32_t tick)
{
	struct client *client = &g->population.clients[index];
	uint32_t now = wheel_tick(g->now_ns);

	if (client->enlisted != tick)
		return;
	client->enlisted = 0;
	if (client->deadline == 0)
		return;
	if (client->deadline > now) {
		enlist(g, index);
		return;
	}
	if (!g->retransmit || (!g->endless && client->attempts >= ATTEMPTS))
		give_up(g, index);
	else if (!send_again(g, index))
		arm(g, index, NS_PER_MS);
}

void exchange_abandon_all(struct generator *g)
{
	for (uint32_t i = 0; i < g->population.n && counter_read(&g->in_flight) > 0; i++) {
		if (g->population.clients[i].state != CLIENT_IDLE)
			give_up(g, i);
	}
}
