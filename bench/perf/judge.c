/* SPDX-License-Identifier: MIT */
#include "perf/judge.h"

#include <linux/if_ether.h>

#include "base/log.h"
#include "perf/dhcp.h"
#include "perf/tenure.h"

#define BROADCAST  UINT32_C(0xffffffff)
#define EXAMPLES   5 /* of each finding that go to the log */
#define REMEMBERED 8 /* transactions whose end client.given_up tells */

/* Counts, and shows the first few that make the run invalid. */
static void find(struct generator *g, enum finding finding, const struct judged *judged)
{
	static const uint8_t nobody[ETH_ALEN];
	const struct finding_def *def = &finding_defs[finding];
	const struct reply *reply = &judged->reply;
	uint64_t seen = counter_read(&g->findings[finding]);

	counter_add(&g->findings[finding], 1);
	if (!def->fails || seen >= EXAMPLES)
		return;
	log_warn(def->key, F_HEX("chaddr", reply->chaddr ? reply->chaddr : nobody, ETH_ALEN),
		 F_U64("xid", reply->xid), F_U64("type", reply->type),
		 F_IP4("yiaddr", reply->yiaddr), F_IP4("server", reply->server),
		 F_U64("lease", reply->lease_s), F_HEX("from", reply->src_mac, ETH_ALEN),
		 F_HEX("to", reply->dst_mac, ETH_ALEN), F_IP4("dst", reply->dst));
}

void judge_prepare(const struct generator *g, const struct frame *frame, struct judged *judged)
{
	judged->index = NO_CLIENT;
	judged->verdict = reply_parse(&judged->reply, frame);
	if (judged->verdict != REPLY_OK)
		return;
	judged->index = population_find_xid(&g->population, judged->reply.xid, &judged->generation);
	if (judged->index != NO_CLIENT)
		__builtin_prefetch(&g->population.clients[judged->index], 1);
	__builtin_prefetch(&g->leases.holder[judged->reply.yiaddr], 1);
}

/* It is for no client, or its xid and its hardware address name two. */
static enum finding judge_stranger(const struct generator *g, const struct judged *judged)
{
	uint32_t owner = population_find_mac(&g->population, judged->reply.chaddr);

	if (judged->index != NO_CLIENT) {
		const struct client *client = &g->population.clients[judged->index];

		if (client->state != CLIENT_IDLE && client->generation == judged->generation)
			return FINDING_WRONG_CLIENT;
	}
	return owner != NO_CLIENT ? FINDING_WRONG_XID : FINDING_FOREIGN;
}

/* An ACK that nobody waited for is a promise, too: the server thinks the address taken. */
static enum finding note_promise(struct generator *g, const struct judged *judged)
{
	struct client *client = &g->population.clients[judged->index];
	const struct reply *reply = &judged->reply;

	if (reply->type != DHCP_ACK || reply->lease_s == 0 || reply->yiaddr == 0)
		return FINDING_NONE;
	if (tenure_is_live(g, judged->index))
		return client->address != reply->yiaddr ? FINDING_SECOND_ADDRESS : FINDING_NONE;
	if (client->state == CLIENT_REQUESTING) {
		client->moved |= client->address != reply->yiaddr;
		return FINDING_NONE;
	}
	return tenure_bind(g, judged->index, reply->yiaddr, reply->lease_s, client->began_ns);
}

/* It belongs to a transaction that has ended: @p age generations ago, 0: the last one. */
static void judge_old(struct generator *g, const struct judged *judged, uint8_t age)
{
	const struct client *client = &g->population.clients[judged->index];
	const struct reply *reply = &judged->reply;
	bool given_up = age >= REMEMBERED || client->given_up >> age & 1;
	enum finding promise;

	if (age >= 128) { /* a generation that is yet to come */
		find(g, FINDING_WRONG_XID, judged);
		return;
	}
	if (!given_up && reply->type == DHCP_OFFER &&
	    reply->server != g->servers.list[client->server].id)
		find(g, FINDING_SPARE_OFFER, judged);
	else
		find(g, given_up ? FINDING_LATE : FINDING_DUPLICATE, judged);
	if (!given_up && age > 0)
		return; /* the client has moved on since: its address may have, too */
	promise = note_promise(g, judged);
	if (promise != FINDING_NONE)
		find(g, promise, judged);
}

static bool same_mac(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, ETH_ALEN) == 0;
}

static bool is_broadcast(const uint8_t *mac)
{
	static const uint8_t broadcast[ETH_ALEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	return same_mac(mac, broadcast);
}

/* The tag next to the IPv4 header is the one that --vlan names. */
static bool in_place(const struct generator *g, const struct place *place,
		     const struct reply *reply)
{
	if (g->options->outer_vlan.first)
		return reply->vlan == place->outer_vlan && reply->inner_vlan == place->vlan;
	return reply->vlan == place->vlan && reply->inner_vlan == 0;
}

/* RFC 2131 section 4.1: where a server sends its replies. */
static bool finds_its_way(const struct generator *g, const struct judged *judged)
{
	const struct reply *reply = &judged->reply;
	const struct client *client = &g->population.clients[judged->index];
	struct place place = generator_place(g, judged->index);
	const uint8_t *mac = g->relays.n ? g->wire->link.mac : reply->chaddr;
	uint32_t address = reply->type == DHCP_NAK ? client->address : reply->yiaddr;

	if (!in_place(g, &place, reply))
		return false;
	if (g->relays.n && step_defs[client->state].relayed) {
		uint32_t giaddr = relays_address(&g->relays, place.relay);

		return reply->dst_port == STEER_SERVER_PORT && reply->dst == giaddr &&
		       reply->giaddr == giaddr && same_mac(reply->dst_mac, mac);
	}
	return reply->dst_port == STEER_CLIENT_PORT &&
	       (reply->dst == BROADCAST || reply->dst == address) &&
	       (is_broadcast(reply->dst_mac) || same_mac(reply->dst_mac, mac));
}

static bool is_usable(uint32_t address)
{
	return address != 0 && address != BROADCAST && address >> 28 != 0xe && address >> 24 != 127;
}

static bool has_right_type(const struct client *client, const struct reply *reply)
{
	uint8_t awaited = step_defs[client->state].answer;

	return reply->type == awaited || (reply->type == DHCP_NAK && awaited == DHCP_ACK);
}

static bool has_right_address(const struct client *client, const struct reply *reply)
{
	if (reply->type == DHCP_OFFER)
		return is_usable(reply->yiaddr);
	return reply->type == DHCP_NAK || reply->yiaddr == client->address;
}

static bool has_right_server(const struct generator *g, const struct client *client,
			     const struct reply *reply)
{
	return !step_defs[client->state].bound ||
	       reply->server == g->servers.list[client->server].id;
}

/* What keeps a reply to a client that waits from being its answer. */
static enum finding judge_answer(const struct generator *g, const struct judged *judged)
{
	const struct client *client = &g->population.clients[judged->index];
	const struct reply *reply = &judged->reply;

	if (!has_right_type(client, reply))
		return FINDING_WRONG_TYPE;
	if (!finds_its_way(g, judged))
		return FINDING_MISDIRECTED;
	if (reply->server == 0)
		return FINDING_NO_SERVER_ID;
	if (!has_right_server(g, client, reply))
		return FINDING_WRONG_SERVER;
	if (!has_right_address(client, reply))
		return FINDING_WRONG_ADDRESS;
	if (reply->type != DHCP_NAK && reply->lease_s == 0)
		return FINDING_LEASE_TIME;
	return FINDING_NONE;
}

/* Another OFFER after the first: the same again, or that of a server that was not chosen. */
static bool is_spare_offer(struct generator *g, const struct judged *judged)
{
	const struct client *client = &g->population.clients[judged->index];
	bool same = judged->reply.server == g->servers.list[client->server].id;

	if (client->state != CLIENT_REQUESTING || judged->reply.type != DHCP_OFFER)
		return false;
	find(g, same ? FINDING_DUPLICATE : FINDING_SPARE_OFFER, judged);
	return true;
}

/* What is odd about an answer that is taken all the same. */
static void judge_oddities(struct generator *g, const struct judged *judged)
{
	const struct client *client = &g->population.clients[judged->index];
	const struct reply *reply = &judged->reply;
	struct number_range lease = g->options->lease;

	if (lease.first && reply->type != DHCP_NAK &&
	    (reply->lease_s < lease.first || reply->lease_s > lease.last))
		find(g, FINDING_LEASE_TIME, judged);
	if (g->relays.n && step_defs[client->state].relayed) {
		uint8_t sent[MESSAGE_AGENT_INFO_MAX];
		size_t len = message_agent_info(&g->templates[MESSAGE_DISCOVER],
						judged->index % g->relays.n, judged->index, sent);

		if (reply->agent_info.len != len || memcmp(reply->agent_info.data, sent, len) != 0)
			find(g, FINDING_AGENT_INFO, judged);
	}
}

static void take_answer(struct generator *g, const struct judged *judged)
{
	struct client *client = &g->population.clients[judged->index];
	const struct reply *reply = &judged->reply;
	int server = servers_note(&g->servers, reply->server, reply->src_mac);
	enum finding finding = FINDING_NONE;

	if (server < 0) {
		find(g, FINDING_TOO_MANY_SERVERS, judged);
		return;
	}
	judge_oddities(g, judged);
	client->server = (uint8_t)server;
	if (reply->type == DHCP_OFFER)
		finding = exchange_offered(g, judged->index, reply);
	else if (reply->type == DHCP_ACK)
		finding = exchange_acknowledged(g, judged->index, reply);
	else
		exchange_refused(g, judged->index);
	if (finding != FINDING_NONE)
		find(g, finding, judged);
}

/* xid and hardware address name the same client. */
static void judge_own(struct generator *g, const struct judged *judged)
{
	const struct client *client = &g->population.clients[judged->index];
	uint8_t age = (uint8_t)(client->generation - judged->generation);
	enum finding finding;

	if (age > 0 || client->state == CLIENT_IDLE) {
		judge_old(g, judged, age);
		return;
	}
	if (is_spare_offer(g, judged))
		return;
	finding = judge_answer(g, judged);
	if (finding == FINDING_NONE)
		take_answer(g, judged);
	else
		find(g, finding, judged);
}

void judge_reply(struct generator *g, const struct judged *judged)
{
	static const enum finding bad[] = {
	    [REPLY_MALFORMED] = FINDING_MALFORMED,
	    [REPLY_CHECKSUM] = FINDING_CHECKSUM,
	};

	if (judged->verdict == REPLY_OTHER)
		return;
	total_add(&g->stats.received);
	if (judged->verdict != REPLY_OK)
		find(g, bad[judged->verdict], judged);
	else if (judged->index == NO_CLIENT ||
		 population_find_mac(&g->population, judged->reply.chaddr) != judged->index)
		find(g, judge_stranger(g, judged), judged);
	else
		judge_own(g, judged);
}
