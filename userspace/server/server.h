/* SPDX-License-Identifier: MIT */
/**
 * server/server.h - what to answer: RFC 2131 section 4.3 as functions of their arguments.
 *
 * A decision depends on the request, the configuration, the lease table and the time, all handed
 * in; nothing is sent, stored or waited for here. Three steps, so that a worker can take each for
 * a whole burst and prefetch in between:
 *
 *     server_locate    which network, subnet and client the request is about
 *     server_decide    reply at once | stay silent | ask the store (and decide again on its answer)
 *     server_conclude  what the store's answer means for the client
 *
 * A worker that waited for the store runs locate and conclude against the configuration of that moment: a
 * reload in between is nothing special.
 */
#ifndef ETCDHCP_SERVER_SERVER_H
#define ETCDHCP_SERVER_SERVER_H

#include "dhcp/reply.h"
#include "lease/ask.h"
#include "server/share.h"

#define SERVER_INTERFACE_ADDRESSES 8

/** What the server is called on one interface. */
struct server_interface {
	char name[IF_NAMESIZE];
	uint16_t mtu;
	uint8_t n_addrs;
	uint32_t addrs[SERVER_INTERFACE_ADDRESSES]; /* host order */
};

/** All that decisions look at; immutable, replaced whole under RCU. */
struct server_view {
	const struct config *config;
	struct lease_net *const *nets;              /* by config_network.index */
	const struct server_interface *interfaces;  /* by the index that ports carry */
	size_t n_interfaces;
	const struct share_place *share;            /* whose clients are ours; NULL: everybody's */
};

/* X(symbol, text): why a request gets no answer; each is a counter. */
#define SERVER_DROPS(X)                                                                            \
	X(SERVER_DROP_NONE, "none")                                                                \
	X(SERVER_DROP_UNKNOWN_RELAY, "unknown-relay")         /* giaddr or link selection outside all subnets */ \
	X(SERVER_DROP_NO_NETWORK, "no-network")               /* a link that no network claims */           \
	X(SERVER_DROP_NO_IDENTIFIER, "no-server-identifier")  /* no address to answer from */               \
	X(SERVER_DROP_OTHER_SERVER, "other-server")           /* the client selected or means another */    \
	X(SERVER_DROP_NO_SUCH_STATE, "request-without-state") /* a REQUEST of none of the four kinds */     \
	X(SERVER_DROP_NO_ADDRESS_GIVEN, "no-address-given")   /* DECLINE, RELEASE, INFORM of nothing */     \
	X(SERVER_DROP_UNKNOWN_CLIENT, "unknown-client")       /* INIT-REBOOT without a record: silence */   \
	X(SERVER_DROP_POOL_EMPTY, "no-free-address")                                                        \
	X(SERVER_DROP_STORE_UNAVAILABLE, "store-unavailable")                                               \
	X(SERVER_DROP_NOT_READY, "not-ready")                                                               \
	X(SERVER_DROP_ON_OFFER, "on-offer-to-another")        /* selected after its own offer had run out */ \
	X(SERVER_DROP_OVERLOAD, "overload")                                                                 \
	X(SERVER_DROP_DUPLICATE, "duplicate-in-progress")     /* a retransmission of what is being committed */ \
	X(SERVER_DROP_ANOTHERS, "another-servers-client")     /* load sharing: left to a live peer */

enum server_drop {
#define X(symbol, text) symbol,
	SERVER_DROPS(X)
#undef X
	SERVER_DROP_COUNT
};

const char *server_drop_name(enum server_drop drop);

/** One request and all that is known of it. The first part is the caller's, the rest server_locate's. */
struct server_query {
	const struct dhcp_request *request;
	uint32_t src, dst;              /* IPv4 addresses of the datagram, host order */
	uint16_t interface;             /* index into server_view.interfaces */
	uint16_t vlan, inner_vlan;
	bool own_offers_only;           /* SHARE_BY_OFFER, heard first: whoever offered is to bind */

	const struct config_network *network;
	const struct config_subnet *subnet; /* of giaddr, link selection, ciaddr or the interface */
	struct lease_net *net;
	bool reservations;              /* the network has some */
	uint32_t ciaddr, giaddr;        /* host order */
	uint32_t server_id;             /* what we call ourselves in this exchange */
	struct client_id client;
};

enum server_action { SERVER_SILENT, SERVER_REPLY, SERVER_ASK };

enum server_via {
	SERVER_VIA_SOURCE,    /* to the neighbour the request came from */
	SERVER_VIA_CHADDR,    /* to the client's hardware address, without ARP */
	SERVER_VIA_BROADCAST,
};

struct server_decision {
	enum server_action action;
	enum server_drop drop;          /* of SERVER_SILENT */
	/* SERVER_ASK; or, with op set and action REPLY or SILENT, work to do behind it */
	bool ask_behind;
	enum ask_op op;
	uint32_t addr;                  /* the address asked about */
	uint32_t lease_s;               /* wanted */
	/* SERVER_REPLY */
	struct dhcp_reply reply;
	uint32_t dst;                   /* host order */
	uint16_t dst_port;
	enum server_via via;
	uint8_t fqdn[3 + 255];          /* what reply.fqdn points to */
};

/** Which lease a message is about, as far as one look at its fixed fields tells. */
struct server_hint {
	const struct config_subnet *subnet; /* that ciaddr is in; NULL: in none */
	const struct lease_net *net;        /* of that; NULL: nothing to be fetched */
	uint32_t ciaddr;                    /* host order */
};

/**
 * Guesses for @p message, a DHCP message with all of its fixed fields but otherwise unchecked, and
 * begins to fetch where the directory says the lease is; server_prefetch goes on with the lease
 * itself, a burst later. A wrong guess costs time alone. RCU: online reader.
 */
void server_guess(const struct server_view *view, const void *message, struct server_hint *hint);
void server_prefetch(const struct server_hint *hint);

/**
 * Fills the second part of @p query; @p hint (or NULL) may spare a search. SERVER_DROP_NONE or why
 * nothing can be said. RCU: online reader.
 */
enum server_drop server_locate(const struct server_view *view, const struct server_hint *hint,
			       struct server_query *query);

/** Whether other servers may have a copy: it was broadcast, or relayed. */
static inline bool server_is_copied(const struct server_query *query)
{
	return query->giaddr || query->dst == UINT32_MAX;
}

/** Whether other servers have this located query too, and who among them is to answer. */
enum share_kind server_share_kind(const struct server_query *query);

/** Decides on a located query. RCU: online reader; *out is valid until the next quiescent state. */
void server_decide(const struct server_view *view, const struct server_query *query,
		   const struct moment *now, struct server_decision *out);

/** Writes the question of a decision into @p ask (all but the worker's routing fields). */
void server_fill_ask(const struct server_view *view, const struct server_query *query,
		     const struct server_decision *decision, const struct moment *now,
		     struct ask *ask);

/** Decides on the store's answer to a query that was located again. As server_decide otherwise. */
void server_conclude(const struct server_view *view, const struct server_query *query,
		     const struct moment *now, const struct ask *answer, struct server_decision *out);

#endif
