/* SPDX-License-Identifier: MIT */
/* What a reply contains and where it goes: RFC 2131 section 4.1 and table 3. */
#include "server/answer.h"

static __attribute__((noinline)) const struct lease_reservation *
find_reservation(const struct server_query *query)
{
	const struct lease_reservation *found;
	struct client_id mac;

	found = lease_reservation_of(query->net, query->client.bytes, query->client.len);
	if (found || !dhcp_has(query->request, DHCP_WANT_CLIENT_ID))
		return found;
	client_id_from_chaddr(&mac, query->request);
	return lease_reservation_of(query->net, mac.bytes, mac.len);
}

/* By option 61 or by hardware address; NULL when the client has none. */
static inline const struct lease_reservation *reservation_of(const struct server_query *query)
{
	return likely(!query->reservations) ? NULL : find_reservation(query);
}

static bool in_pools(const struct config_subnet *subnet, uint32_t addr)
{
	size_t low = 0, high = subnet->n_pools;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (addr < subnet->pools[middle].first)
			high = middle;
		else if (addr > subnet->pools[middle].last)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

/* The address's own subnet: a shared network has several. */
static const struct config_subnet *subnet_of(const struct server_view *view,
					     const struct server_query *query, uint32_t addr)
{
	const struct config_subnet *subnet = query->subnet;

	if (addr >= subnet->first && addr <= subnet->last)
		return subnet;
	subnet = config_find_subnet(view->config, addr);
	return subnet && subnet->network == query->network->index ? subnet : NULL;
}

/* While somebody else still holds the client's reserved address, it may have one from the pool. */
static bool can_have(const struct server_query *query, const struct moment *now, uint32_t reserved)
{
	struct lease lease;

	return !lease_read(query->net, reserved, &lease) || lease_is_over(&lease, now) ||
	       client_id_equal(&query->client, lease.client, lease.client_len);
}

enum server_right server_judge(const struct server_view *view, const struct server_query *query,
			       const struct moment *now, uint32_t addr)
{
	const struct config_subnet *subnet = subnet_of(view, query, addr);

	if (!subnet)
		return SERVER_WRONG_LINK;
	if (query->reservations) {
		const struct lease_reservation *own = reservation_of(query);
		if (own && own->addr == addr)
			return SERVER_RIGHT;
		if ((own && can_have(query, now, own->addr)) ||
		    lease_reservation_at(query->net, addr))
			return SERVER_WRONG_ADDRESS;
	}
	return in_pools(subnet, addr) ? SERVER_RIGHT : SERVER_WRONG_ADDRESS;
}

void server_silent(struct server_decision *out, enum server_drop drop)
{
	out->action = SERVER_SILENT;
	out->drop = drop;
}

static void set_question(struct server_decision *out, enum ask_op op, uint32_t addr,
			 uint32_t lease_s)
{
	out->op = op;
	out->addr = addr;
	out->lease_s = lease_s;
}

void server_ask(struct server_decision *out, enum ask_op op, uint32_t addr, uint32_t lease_s)
{
	out->action = SERVER_ASK;
	set_question(out, op, addr, lease_s);
}

void server_ask_behind(struct server_decision *out, enum ask_op op, uint32_t addr, uint32_t lease_s)
{
	out->ask_behind = true;
	set_question(out, op, addr, lease_s);
}

/* RFC 2131 section 4.1: relay agent, then ciaddr, then the broadcast flag, then chaddr. */
static void set_destination(const struct server_query *query, uint32_t unicast,
			    struct server_decision *out)
{
	const struct dhcp_header *header = query->request->header;
	bool ethernet = header->htype == DHCP_HTYPE_ETHERNET && header->hlen == 6;

	out->dst_port = DHCP_CLIENT_PORT;
	if (query->giaddr) {
		out->dst = query->giaddr;
		out->dst_port = DHCP_SERVER_PORT;
		out->via = SERVER_VIA_SOURCE;
	} else if (query->ciaddr && unicast) {
		out->dst = query->ciaddr;
		out->via = SERVER_VIA_SOURCE;
	} else if (!unicast || !ethernet || (be16toh(header->flags) & DHCP_FLAG_BROADCAST)) {
		out->dst = UINT32_MAX;
		out->via = SERVER_VIA_BROADCAST;
	} else {
		out->dst = unicast;
		out->via = SERVER_VIA_CHADDR;
	}
}

/*
 * We make no DNS updates: N is set, S is not, O says so to a client that wanted us to
 * (RFC 4702 section 4). The name comes back as it was sent.
 */
static void answer_fqdn(const struct server_query *query, struct server_decision *out)
{
	enum { FLAG_S = 1, FLAG_O = 2, FLAG_E = 4, FLAG_N = 8 };
	struct span theirs = query->request->opt[DHCP_WANT_CLIENT_FQDN];

	if (!theirs.data || theirs.len < 3 || theirs.len > sizeof(out->fqdn))
		return;
	out->fqdn[0] = FLAG_N | (theirs.data[0] & FLAG_E) | (theirs.data[0] & FLAG_S ? FLAG_O : 0);
	out->fqdn[1] = 255;
	out->fqdn[2] = 255;
	memcpy(out->fqdn + 3, theirs.data + 3, theirs.len - 3);
	out->reply.fqdn = (struct span){out->fqdn, theirs.len};
}

static void set_parameters(const struct server_view *view, const struct server_query *query,
			   const struct config_subnet *subnet, struct server_decision *out)
{
	const struct lease_reservation *reservation = reservation_of(query);
	const struct config_scope *scope =
		reservation && reservation->scope ? reservation->scope : &subnet->scope;

	out->reply.options = scope->options;
	out->reply.siaddr = scope->next_server;
	out->reply.boot_file = scope->boot_file;
	out->reply.server_name = scope->server_name;
	out->reply.subnet_mask = subnet->mask;
	answer_fqdn(query, out);
}

/* Field by field: clearing the whole of a decision takes longer than all else that happens to it. */
static void begin_reply(const struct server_view *view, const struct server_query *query,
			enum dhcp_type type, struct server_decision *out)
{
	struct dhcp_reply *reply = &out->reply;

	out->action = SERVER_REPLY;
	reply->type = type;
	reply->server_id = query->server_id;
	reply->yiaddr = reply->ciaddr = reply->siaddr = 0;
	reply->lease_s = reply->t1_s = reply->t2_s = 0;
	reply->subnet_mask = 0;
	reply->boot_file = reply->server_name = reply->message = NULL;
	reply->options = NULL;
	reply->fqdn = (struct span){0};
	reply->set_broadcast = false;
	reply->mtu = view->interfaces[query->interface].mtu;
	reply->memo = NULL;
}

void server_grant(const struct server_view *view, const struct server_query *query,
		  enum dhcp_type type, uint32_t addr, uint32_t lease_s, struct server_decision *out)
{
	const struct config_times *times = &query->network->times;
	const struct config_subnet *subnet = subnet_of(view, query, addr);

	begin_reply(view, query, type, out);
	out->reply.yiaddr = addr;
	out->reply.ciaddr = type == DHCP_ACK ? query->ciaddr : 0;
	out->reply.lease_s = lease_s;
	out->reply.t1_s = (uint32_t)((uint64_t)lease_s * times->t1_pct / 100);
	out->reply.t2_s = (uint32_t)((uint64_t)lease_s * times->t2_pct / 100);
	set_parameters(view, query, subnet ? subnet : query->subnet, out);
	set_destination(query, addr, out);
}

void server_inform(const struct server_view *view, const struct server_query *query, uint32_t addr,
		   struct server_decision *out)
{
	const struct config_subnet *subnet = subnet_of(view, query, addr);

	begin_reply(view, query, DHCP_ACK, out);
	out->reply.ciaddr = query->ciaddr;
	set_parameters(view, query, subnet ? subnet : query->subnet, out);
	set_destination(query, addr, out);
	if (!query->giaddr) { /* it has an address and uses it: no need to look at the flag */
		out->dst = addr;
		out->via = SERVER_VIA_SOURCE;
	}
}

/* RFC 2131 section 4.3.2: broadcast, and through a relay agent with the broadcast flag set. */
void server_nak(const struct server_view *view, const struct server_query *query, const char *why,
		struct server_decision *out)
{
	begin_reply(view, query, DHCP_NAK, out);
	out->reply.message = why;
	out->reply.set_broadcast = query->giaddr != 0;
	set_destination(query, 0, out);
}
