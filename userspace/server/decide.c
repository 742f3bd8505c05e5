/* SPDX-License-Identifier: MIT */
/* RFC 2131 section 4.3, a function per message; the safety rules are those of docs/architecture.md. */
#include "server/answer.h"

/* Whether option 54 names this server: by the name it has in this exchange or on any interface. */
static bool means_us(const struct server_view *view, const struct server_query *query, uint32_t id)
{
	if (id == query->server_id || id == query->network->server_identifier)
		return true;
	for (size_t i = 0; i < view->n_interfaces; i++)
		for (size_t a = 0; a < view->interfaces[i].n_addrs; a++)
			if (view->interfaces[i].addrs[a] == id)
				return true;
	return false;
}

static uint32_t lease_wanted(const struct server_query *query)
{
	return lease_time_wanted(&query->network->times,
				 dhcp_u32(query->request, DHCP_WANT_LEASE_TIME));
}

/*
 * Section 4.3.1. Even a client with a live lease is offered it by the store thread: that one knows of a
 * release or decline under way, and whether the offer could be kept.
 */
static void decide_discover(const struct server_query *query, struct server_decision *out)
{
	server_ask(out, ASK_OFFER, dhcp_u32(query->request, DHCP_WANT_REQUESTED_ADDRESS),
		   lease_wanted(query));
}

/* True when the configuration proves that the client must not have the address: rule 5's NAK. */
static bool refuse_wrong(const struct server_view *view, const struct server_query *query,
			 const struct moment *now, uint32_t addr, struct server_decision *out)
{
	static const char *const why[] = {
		[SERVER_WRONG_LINK] = "address not of this network",
		[SERVER_WRONG_ADDRESS] = "address not available to this client",
	};
	enum server_right right = server_judge(view, query, now, addr);

	if (right == SERVER_RIGHT)
		return false;
	server_nak(view, query, why[right], out);
	return true;
}

static void decide_selecting(const struct server_view *view, const struct server_query *query,
			     const struct moment *now, uint32_t server_id,
			     struct server_decision *out)
{
	uint32_t addr = dhcp_u32(query->request, DHCP_WANT_REQUESTED_ADDRESS);

	if (!means_us(view, query, server_id)) {
		server_silent(out, SERVER_DROP_OTHER_SERVER);
		server_ask_behind(out, ASK_FORGET, 0, 0);
	} else if (!addr) {
		server_silent(out, SERVER_DROP_NO_SUCH_STATE);
	} else if (!refuse_wrong(view, query, now, addr, out)) {
		server_ask(out, ASK_BIND, addr, lease_wanted(query));
	}
}

/* Rule 4: memory may lag behind a release seen by another server, so the store confirms. */
static void decide_init_reboot(const struct server_view *view, const struct server_query *query,
			       const struct moment *now, struct server_decision *out)
{
	uint32_t addr = dhcp_u32(query->request, DHCP_WANT_REQUESTED_ADDRESS);

	if (!addr)
		server_silent(out, SERVER_DROP_NO_SUCH_STATE);
	else if (!refuse_wrong(view, query, now, addr, out))
		server_ask(out, ASK_CONFIRM, addr, lease_wanted(query));
}

/*
 * RENEWING and REBINDING. Rule 3: from memory, however stale, while the committed hold covers it; a horizon of one lease
 * is the operator's wish that every ACK be committed first.
 */
static void decide_renew(const struct server_view *view, const struct server_query *query,
			 const struct moment *now, struct server_decision *out)
{
	const struct config_times *times = &query->network->times;
	uint32_t addr = query->ciaddr, lease_s = lease_wanted(query), grant_s = 0;
	int64_t hold_until_s;

	if (refuse_wrong(view, query, now, addr, out))
		return;
	if (times->horizon_pct > 100 &&
	    lease_is_bound_to(query->net, addr, &query->client, &hold_until_s))
		grant_s = lease_grant(times, lease_s, hold_until_s, now);
	if (!grant_s) {
		server_ask(out, ASK_RENEW, addr, lease_s);
		return;
	}
	server_grant(view, query, DHCP_ACK, addr, grant_s, out);
	if (lease_wants_extension(times, lease_s, hold_until_s, now))
		server_ask_behind(out, ASK_EXTEND, addr, lease_s);
}

/* Section 4.3.2: option 54 tells SELECTING, ciaddr tells RENEWING and REBINDING from INIT-REBOOT. */
static void decide_request(const struct server_view *view, const struct server_query *query,
			   const struct moment *now, struct server_decision *out)
{
	uint32_t server_id = dhcp_u32(query->request, DHCP_WANT_SERVER_ID);

	if (server_id && !query->ciaddr)
		decide_selecting(view, query, now, server_id, out);
	else if (server_id && !means_us(view, query, server_id))
		server_silent(out, SERVER_DROP_OTHER_SERVER);
	else if (query->ciaddr)
		decide_renew(view, query, now, out);
	else
		decide_init_reboot(view, query, now, out);
}

/* Sections 4.3.3 and 4.3.4: no reply; the store checks whose the address is. */
static void decide_give_up(const struct server_view *view, const struct server_query *query,
			   enum ask_op op, uint32_t addr, struct server_decision *out)
{
	uint32_t server_id = dhcp_u32(query->request, DHCP_WANT_SERVER_ID);

	if (server_id && !means_us(view, query, server_id)) {
		server_silent(out, SERVER_DROP_OTHER_SERVER);
	} else if (!addr) {
		server_silent(out, SERVER_DROP_NO_ADDRESS_GIVEN);
	} else {
		server_silent(out, SERVER_DROP_NONE);
		server_ask_behind(out, op, addr, 0);
	}
}

/* Section 4.3.5. A client that forgets ciaddr still has a source address. */
static void decide_inform(const struct server_view *view, const struct server_query *query,
			  struct server_decision *out)
{
	uint32_t addr = query->ciaddr ? query->ciaddr : query->src;

	if (addr)
		server_inform(view, query, addr, out);
	else
		server_silent(out, SERVER_DROP_NO_ADDRESS_GIVEN);
}

void server_decide(const struct server_view *view, const struct server_query *query,
		   const struct moment *now, struct server_decision *out)
{
	const struct dhcp_request *request = query->request;

	out->ask_behind = false;
	switch (request->type) {
	case DHCP_DISCOVER:
		decide_discover(query, out);
		break;
	case DHCP_REQUEST:
		decide_request(view, query, now, out);
		break;
	case DHCP_DECLINE:
		decide_give_up(view, query, ASK_DECLINE,
			       dhcp_u32(request, DHCP_WANT_REQUESTED_ADDRESS), out);
		break;
	case DHCP_RELEASE:
		decide_give_up(view, query, ASK_RELEASE, query->ciaddr, out);
		break;
	case DHCP_INFORM:
		decide_inform(view, query, out);
		break;
	default: /* the parser lets nothing else through */
		server_silent(out, SERVER_DROP_NO_SUCH_STATE);
		break;
	}
}

/* A commit takes time: without this margin it would be taken off the grant. */
#define COMMIT_MARGIN_S 3

/* The hold to commit, by operation: horizon, rest or probation. */
static uint32_t hold_for(const struct config_times *times, enum ask_op op, uint32_t lease_s)
{
	switch (op) {
	case ASK_RELEASE:
		return times->rest_s;
	case ASK_DECLINE:
		return times->decline_s;
	default:
		return (uint32_t)(((uint64_t)lease_s * times->horizon_pct + 99) / 100) +
		       COMMIT_MARGIN_S;
	}
}

/* Whether option 54 is a name that other live servers may have too. */
static bool names_peers(const struct server_view *view, const struct server_query *query)
{
	return dhcp_u32(query->request, DHCP_WANT_SERVER_ID) == query->network->server_identifier &&
	       view->share && share_read(view->share)->n_members > 1;
}

static uint8_t copy_some(void *to, struct span from, size_t max)
{
	size_t n = min_size(from.len, max);

	if (n)
		memcpy(to, from.data, n);
	return (uint8_t)n;
}

void server_fill_ask(const struct server_view *view, const struct server_query *query,
		     const struct server_decision *decision, const struct moment *now,
		     struct ask *ask)
{
	const struct dhcp_request *request = query->request;
	const struct dhcp_header *header = request->header;

	ask->op = decision->op;
	ask->background = decision->action != SERVER_ASK;
	ask->net = query->net;
	ask->subnet = (uint32_t)(query->subnet - view->config->subnets);
	ask->addr = decision->addr;
	ask->lease_s = decision->lease_s;
	ask->hold_s = hold_for(&query->network->times, decision->op, decision->lease_s);
	ask->offer_s = query->network->times.offer_s;
	ask->own_offers_only = query->own_offers_only;
	ask->peers_offer = decision->op == ASK_BIND && names_peers(view, query);
	ask->client_hash =
		lease_client_hash(query->net, query->client.bytes, query->client.len);
	ask->client.len = query->client.len;
	memcpy(ask->client.bytes, query->client.bytes, query->client.len);
	ask->asked_ns = now->mono_ns;
	ask->hwaddr_len = copy_some(ask->hwaddr, (struct span){header->chaddr, header->hlen},
				    sizeof(ask->hwaddr));
	ask->host_name_len = copy_some(ask->host_name, request->opt[DHCP_WANT_HOST_NAME],
				       sizeof(ask->host_name));
	ask->circuit_len = ask->remote_len = 0;
	if (dhcp_has(request, DHCP_WANT_RELAY_AGENT_INFO)) {
		ask->circuit_len = copy_some(ask->circuit,
					     dhcp_relay_suboption(request, DHCP_RELAY_CIRCUIT_ID),
					     sizeof(ask->circuit));
		ask->remote_len = copy_some(ask->remote,
					    dhcp_relay_suboption(request, DHCP_RELAY_REMOTE_ID),
					    sizeof(ask->remote));
	}
	ask->result = ASK_UNAVAILABLE;
	ask->hold_until_s = 0;
	ask->next = NULL;
	ask->tries = 0;
	ask->proven = ask->client_known = ask->aimed = false;
	ask->client_at = 0;
}

/* What silence each unanswerable result is counted as. */
static const enum server_drop drop_of_result[ASK_RESULT_COUNT] = {
	[ASK_UNKNOWN_CLIENT] = SERVER_DROP_UNKNOWN_CLIENT,
	[ASK_NO_ADDRESS] = SERVER_DROP_POOL_EMPTY,
	[ASK_UNAVAILABLE] = SERVER_DROP_STORE_UNAVAILABLE,
	[ASK_OVERLOAD] = SERVER_DROP_OVERLOAD,
	[ASK_ON_OFFER] = SERVER_DROP_ON_OFFER,
	[ASK_OVERTAKEN] = SERVER_DROP_UNKNOWN_CLIENT,
	[ASK_DUPLICATE] = SERVER_DROP_DUPLICATE,
	[ASK_NOT_OFFERED] = SERVER_DROP_ANOTHERS,
};

void server_conclude(const struct server_view *view, const struct server_query *query,
		     const struct moment *now, const struct ask *answer, struct server_decision *out)
{
	const struct config_times *times = &query->network->times;
	uint32_t grant_s;

	out->ask_behind = false;
	if (query->net != answer->net) { /* a reload moved the link to another network */
		server_silent(out, SERVER_DROP_STORE_UNAVAILABLE);
		return;
	}
	if (answer->result == ASK_DENIED) {
		server_nak(view, query, "address in use by another client", out);
		return;
	}
	if (answer->result != ASK_GRANTED) {
		server_silent(out, drop_of_result[answer->result]);
		return;
	}
	if (answer->op == ASK_OFFER) {
		server_grant(view, query, DHCP_OFFER, answer->addr, answer->lease_s, out);
		return;
	}
	/* A slow commit eats into the hold: what is left may no longer be worth a lease. */
	grant_s = lease_grant(times, answer->lease_s, answer->hold_until_s, now);
	if (grant_s)
		server_grant(view, query, DHCP_ACK, answer->addr, grant_s, out);
	else
		server_silent(out, SERVER_DROP_STORE_UNAVAILABLE);
}
