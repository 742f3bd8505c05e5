/* SPDX-License-Identifier: MIT */
/* Which network, subnet and client a request is about, and what we are called there. */
#include "server/server.h"

static const char *const drop_names[] = {
#define X(symbol, text) [symbol] = text,
	SERVER_DROPS(X)
#undef X
};

const char *server_drop_name(enum server_drop drop)
{
	return (unsigned)drop < SERVER_DROP_COUNT ? drop_names[drop] : "unknown";
}

/* The four bytes of a relay agent's sub-option as an address, 0 when it is not there. */
static uint32_t relay_address(const struct dhcp_request *request, uint8_t code)
{
	struct span value = dhcp_relay_suboption(request, code);

	return value.data && value.len == 4 ? load_be32(value.data) : 0;
}

/* An address on the client's link as a relay agent or the client names it (RFC 3527, RFC 3011). */
static uint32_t link_address(const struct server_query *query)
{
	const struct dhcp_request *request = query->request;

	if (query->giaddr && dhcp_has(request, DHCP_WANT_RELAY_AGENT_INFO)) {
		uint32_t selected = relay_address(request, DHCP_RELAY_LINK_SELECTION);
		if (selected)
			return selected;
	}
	uint32_t selected = dhcp_u32(request, DHCP_WANT_SUBNET_SELECTION);
	return selected ? selected : query->giaddr;
}

/* The subnet of the link that a request without a relay agent came in on. */
static enum server_drop locate_link(const struct server_view *view, struct server_query *query)
{
	const struct server_interface *interface = &view->interfaces[query->interface];
	const struct config *config = view->config;
	const struct config_network *network =
		config_find_link(config, interface->name, query->vlan, query->inner_vlan);

	if (network) {
		query->network = network;
		query->subnet = network->n_subnets ? network->subnets[0] : NULL;
	} else if (query->vlan == 0) {
		for (size_t i = 0; i < interface->n_addrs && !query->subnet; i++)
			query->subnet = config_find_subnet(config, interface->addrs[i]);
	}
	return query->subnet ? SERVER_DROP_NONE : SERVER_DROP_NO_NETWORK;
}

/*
 * A unicast from a client that has an address may have crossed routers: the address says where
 * it is. A broadcast cannot have: the link says it, and a wrong ciaddr is found out later.
 */
static bool located_by_ciaddr(const struct server_view *view, const struct server_hint *hint,
			      struct server_query *query)
{
	if (!query->ciaddr || query->dst == UINT32_MAX)
		return false;
	if (hint && hint->ciaddr == query->ciaddr)
		query->subnet = hint->subnet;
	else
		query->subnet = config_find_subnet(view->config, query->ciaddr);
	return query->subnet != NULL;
}

static enum server_drop locate_subnet(const struct server_view *view,
				      const struct server_hint *hint, struct server_query *query)
{
	uint32_t link = link_address(query);

	query->subnet = NULL;
	query->network = NULL;
	if (link) {
		query->subnet = config_find_subnet(view->config, link);
		if (!query->subnet)
			return SERVER_DROP_UNKNOWN_RELAY;
	} else if (!located_by_ciaddr(view, hint, query)) {
		enum server_drop drop = locate_link(view, query);
		if (drop)
			return drop;
	}
	if (!query->network)
		query->network = &view->config->networks[query->subnet->network];
	query->net = view->nets[query->network->index];
	query->reservations = lease_net_has_reservations(query->net);
	return SERVER_DROP_NONE;
}

static bool is_interface_address(const struct server_interface *interface, uint32_t addr)
{
	for (size_t i = 0; i < interface->n_addrs; i++)
		if (interface->addrs[i] == addr)
			return true;
	return false;
}

/*
 * Configured; else what the relay agent wants us to be called (RFC 5107); else the address the
 * request was sent to; else the interface's address, one inside the network first.
 */
static uint32_t identify(const struct server_view *view, const struct server_query *query)
{
	const struct server_interface *interface = &view->interfaces[query->interface];

	if (query->giaddr && dhcp_has(query->request, DHCP_WANT_RELAY_AGENT_INFO)) {
		uint32_t wanted =
			relay_address(query->request, DHCP_RELAY_SERVER_ID_OVERRIDE);
		if (wanted)
			return wanted;
	}
	if (query->network->server_identifier)
		return query->network->server_identifier;
	if (is_interface_address(interface, query->dst))
		return query->dst;
	for (size_t i = 0; i < interface->n_addrs; i++) {
		const struct config_subnet *subnet =
			config_find_subnet(view->config, interface->addrs[i]);
		if (subnet && subnet->network == query->network->index)
			return interface->addrs[i];
	}
	return interface->n_addrs ? interface->addrs[0] : 0;
}

enum server_drop server_locate(const struct server_view *view, const struct server_hint *hint,
			       struct server_query *query)
{
	const struct dhcp_header *header = query->request->header;

	query->ciaddr = be32toh(header->ciaddr);
	query->giaddr = be32toh(header->giaddr);
	enum server_drop drop = locate_subnet(view, hint, query);
	if (drop)
		return drop;
	query->server_id = identify(view, query);
	if (!query->server_id)
		return SERVER_DROP_NO_IDENTIFIER;
	client_id_from_request(&query->client, query->request);
	return SERVER_DROP_NONE;
}

void server_guess(const struct server_view *view, const void *message, struct server_hint *hint)
{
	const struct dhcp_header *header = message;

	hint->ciaddr = be32toh(header->ciaddr);
	hint->subnet = hint->ciaddr ? config_find_subnet(view->config, hint->ciaddr) : NULL;
	hint->net = hint->subnet ? view->nets[hint->subnet->network] : NULL;
	if (hint->net)
		lease_prefetch_page(hint->net, hint->ciaddr);
}

void server_prefetch(const struct server_hint *hint)
{
	if (hint->net)
		lease_prefetch_slot(hint->net, hint->ciaddr);
}
