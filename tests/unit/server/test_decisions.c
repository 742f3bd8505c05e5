/* SPDX-License-Identifier: MIT */
/* RFC 2131 section 4.3 as a table: who sends what, in which state of the leases, and what the server does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <urcu/urcu-qsbr.h>

#include "config/load.h"
#include "lease/allocator.h"
#include "server/server.h"

#define NOW    1000000
#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define SERVER IP(10, 6, 0, 1)
#define OTHER  IP(10, 6, 0, 2)
#define ALL    UINT32_MAX

static const char text[] =
	"server: {interfaces: [{name: eth1}]}\n"
	"networks:\n"
	"  - name: campus\n"
	"    lease-time: 1000\n"
	"    min-lease-time: 100\n"
	"    max-lease-time: 4000\n"
	"    subnets:\n"
	"      - subnet: 10.6.0.0/24\n"
	"        pools: [10.6.0.10-10.6.0.20]\n"
	"        reservations: [{mac: '02:00:00:00:00:07', address: 10.6.0.50},\n"
	"                       {mac: '02:00:00:00:00:08', address: 10.6.0.51}]\n"
	"  - name: lab\n"
	"    lease-time: 1000\n"
	"    horizon: 1.0\n"
	"    extend-below: 1.0\n"
	"    subnets: [{subnet: 10.7.0.0/24, pools: [10.7.0.10-10.7.0.20]}]\n";

struct fixture {
	struct config *config;
	struct lease_table *table;
	struct lease_net *nets[2];
	struct server_interface interface;
	struct server_view view;
};

static void bind_lease(struct lease_net *net, uint32_t addr, uint8_t who, enum lease_state state,
		       int64_t hold_until_s)
{
	uint8_t client[] = {CLIENT_ID_MAC, 2, 0, 0, 0, 0, who};
	struct lease lease = {
		.addr = addr,
		.state = state,
		.hold_until_s = hold_until_s,
		.revision = 5,
		.client = client,
		.client_len = sizeof(client),
	};

	assert_int_equal(lease_put(net, &lease), 0);
}

static int set_up(void **state)
{
	static struct fixture f;
	struct config_source source = {"test.yaml", text, sizeof(text) - 1};
	struct config_error error;

	urcu_qsbr_register_thread();
	f.config = config_parse(&source, NULL, CONFIG_MEMORY_MAX, &error);
	if (!f.config)
		fail_msg("%s", error.text);
	f.table = lease_table_new();
	for (size_t i = 0; i < 2; i++) {
		const struct config_network *network = &f.config->networks[i];
		const struct config_subnet *subnet = network->subnets[0];
		struct lease_reservation reserved[2];
		f.nets[i] = lease_table_net(f.table, network->name, strlen(network->name));
		assert_int_equal(allocator_configure(f.nets[i], f.config, network), 0);
		for (size_t r = 0; r < subnet->n_reservations; r++)
			reserved[r] = (struct lease_reservation){subnet->reservations[r].client,
								 subnet->reservations[r].address,
								 subnet->reservations[r].scope};
		assert_int_equal(lease_net_set_reservations(f.nets[i], reserved,
							    subnet->n_reservations), 0);
	}
	bind_lease(f.nets[0], IP(10, 6, 0, 10), 1, LEASE_BOUND, NOW + 2000);
	bind_lease(f.nets[0], IP(10, 6, 0, 11), 2, LEASE_BOUND, NOW + 1200);
	bind_lease(f.nets[0], IP(10, 6, 0, 12), 3, LEASE_BOUND, NOW + 50);
	bind_lease(f.nets[0], IP(10, 6, 0, 13), 4, LEASE_RELEASED, NOW + 10);
	bind_lease(f.nets[0], IP(10, 6, 0, 14), 5, LEASE_BOUND, NOW + 600);
	bind_lease(f.nets[1], IP(10, 7, 0, 10), 1, LEASE_BOUND, NOW + 1000);
	bind_lease(f.nets[0], IP(10, 6, 0, 51), 6, LEASE_BOUND, NOW + 600);
	f.interface = (struct server_interface){
		.name = "eth1", .mtu = 1500, .n_addrs = 1, .addrs = {SERVER}};
	f.view = (struct server_view){f.config, f.nets, &f.interface, 1};
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	lease_table_free(f->table);
	config_free(f->config);
	urcu_qsbr_unregister_thread();
	return 0;
}

struct row {
	const char *name;
	enum dhcp_type type;
	uint8_t who;
	uint32_t dst, ciaddr, giaddr, opt50, opt54, opt51;
	bool broadcast_flag;
	/* expected */
	enum server_action action;
	enum server_drop drop;
	bool behind;
	enum ask_op op;
	uint32_t asked; /* the address of the question */
	enum dhcp_type reply;
	uint32_t addr, lease_s;
	enum server_via via;
	uint32_t to;
};

#define SILENT(why)      .action = SERVER_SILENT, .drop = (why)
#define ASKS(o, a)       .action = SERVER_ASK, .op = (o), .asked = (a)
#define BEHIND(o, a)     .behind = true, .op = (o), .asked = (a)
#define REPLIES(t, a, s) .action = SERVER_REPLY, .reply = (t), .addr = (a), .lease_s = (s)

static const struct row rows[] = {
	{"DISCOVER of a new client asks for an address", DHCP_DISCOVER, 9, ALL,
	 ASKS(ASK_OFFER, 0)},
	{"DISCOVER passes the wanted address on", DHCP_DISCOVER, 9, ALL, .opt50 = IP(10, 6, 0, 15),
	 ASKS(ASK_OFFER, IP(10, 6, 0, 15))},
	{"DISCOVER of a bound client asks too", DHCP_DISCOVER, 1, ALL, ASKS(ASK_OFFER, 0)},
	{"DISCOVER of a client that released asks", DHCP_DISCOVER, 4, ALL, ASKS(ASK_OFFER, 0)},
	{"DISCOVER from an unknown relay agent", DHCP_DISCOVER, 9, SERVER,
	 .giaddr = IP(10, 99, 0, 1), SILENT(SERVER_DROP_UNKNOWN_RELAY)},

	{"SELECTING asks the store", DHCP_REQUEST, 9, ALL, .opt50 = IP(10, 6, 0, 15),
	 .opt54 = SERVER, ASKS(ASK_BIND, IP(10, 6, 0, 15))},
	{"SELECTING another server: its offer is forgotten", DHCP_REQUEST, 9, ALL,
	 .opt50 = IP(10, 6, 0, 15), .opt54 = OTHER, SILENT(SERVER_DROP_OTHER_SERVER),
	 BEHIND(ASK_FORGET, 0)},
	{"SELECTING without option 50", DHCP_REQUEST, 9, ALL, .opt54 = SERVER,
	 SILENT(SERVER_DROP_NO_SUCH_STATE)},
	{"SELECTING an address of another network", DHCP_REQUEST, 9, ALL,
	 .opt50 = IP(10, 7, 0, 15), .opt54 = SERVER, REPLIES(DHCP_NAK, 0, 0),
	 .via = SERVER_VIA_BROADCAST, .to = ALL},
	{"SELECTING an address outside the pools", DHCP_REQUEST, 9, ALL,
	 .opt50 = IP(10, 6, 0, 99), .opt54 = SERVER, REPLIES(DHCP_NAK, 0, 0),
	 .via = SERVER_VIA_BROADCAST, .to = ALL},
	{"SELECTING another's reserved address", DHCP_REQUEST, 9, ALL, .opt50 = IP(10, 6, 0, 50),
	 .opt54 = SERVER, REPLIES(DHCP_NAK, 0, 0), .via = SERVER_VIA_BROADCAST, .to = ALL},
	{"SELECTING one's own reserved address outside the pools", DHCP_REQUEST, 7, ALL,
	 .opt50 = IP(10, 6, 0, 50), .opt54 = SERVER, ASKS(ASK_BIND, IP(10, 6, 0, 50))},
	{"a client with a reservation may have no other address", DHCP_REQUEST, 7, ALL,
	 .opt50 = IP(10, 6, 0, 15), .opt54 = SERVER, REPLIES(DHCP_NAK, 0, 0),
	 .via = SERVER_VIA_BROADCAST, .to = ALL},

	{"a client whose reserved address another holds may have one from the pool", DHCP_REQUEST,
	 8, ALL, .opt50 = IP(10, 6, 0, 15), .opt54 = SERVER, ASKS(ASK_BIND, IP(10, 6, 0, 15))},

	{"INIT-REBOOT asks the store, even of a bound client", DHCP_REQUEST, 1, ALL,
	 .opt50 = IP(10, 6, 0, 10), ASKS(ASK_CONFIRM, IP(10, 6, 0, 10))},
	{"INIT-REBOOT on another network", DHCP_REQUEST, 1, ALL, .opt50 = IP(192, 168, 1, 5),
	 REPLIES(DHCP_NAK, 0, 0), .via = SERVER_VIA_BROADCAST, .to = ALL},
	{"a REQUEST of no state", DHCP_REQUEST, 1, ALL, SILENT(SERVER_DROP_NO_SUCH_STATE)},

	{"RENEWING is answered from memory", DHCP_REQUEST, 1, SERVER,
	 .ciaddr = IP(10, 6, 0, 10), REPLIES(DHCP_ACK, IP(10, 6, 0, 10), 1000),
	 .via = SERVER_VIA_SOURCE, .to = IP(10, 6, 0, 10)},
	{"REBINDING is answered from memory", DHCP_REQUEST, 1, ALL, .ciaddr = IP(10, 6, 0, 10),
	 REPLIES(DHCP_ACK, IP(10, 6, 0, 10), 1000), .via = SERVER_VIA_SOURCE,
	 .to = IP(10, 6, 0, 10)},
	{"a hold that runs low is extended behind the reply", DHCP_REQUEST, 2, SERVER,
	 .ciaddr = IP(10, 6, 0, 11), REPLIES(DHCP_ACK, IP(10, 6, 0, 11), 1000),
	 BEHIND(ASK_EXTEND, IP(10, 6, 0, 11)), .via = SERVER_VIA_SOURCE,
	 .to = IP(10, 6, 0, 11)},
	{"a grant is cut to what is held", DHCP_REQUEST, 5, SERVER, .ciaddr = IP(10, 6, 0, 14),
	 REPLIES(DHCP_ACK, IP(10, 6, 0, 14), 600), BEHIND(ASK_EXTEND, IP(10, 6, 0, 14)),
	 .via = SERVER_VIA_SOURCE, .to = IP(10, 6, 0, 14)},
	{"a horizon of one lease: commit before every ACK", DHCP_REQUEST, 1, SERVER,
	 .ciaddr = IP(10, 7, 0, 10), ASKS(ASK_RENEW, IP(10, 7, 0, 10))},
	{"too little held: commit first", DHCP_REQUEST, 3, SERVER, .ciaddr = IP(10, 6, 0, 12),
	 ASKS(ASK_RENEW, IP(10, 6, 0, 12))},
	{"the client asks for a shorter lease", DHCP_REQUEST, 1, SERVER,
	 .ciaddr = IP(10, 6, 0, 10), .opt51 = 300, REPLIES(DHCP_ACK, IP(10, 6, 0, 10), 300),
	 .via = SERVER_VIA_SOURCE, .to = IP(10, 6, 0, 10)},
	{"the client asks for less than the minimum", DHCP_REQUEST, 1, SERVER,
	 .ciaddr = IP(10, 6, 0, 10), .opt51 = 5, REPLIES(DHCP_ACK, IP(10, 6, 0, 10), 100),
	 .via = SERVER_VIA_SOURCE, .to = IP(10, 6, 0, 10)},
	{"renewal of another's address: no NAK without proof", DHCP_REQUEST, 9, SERVER,
	 .ciaddr = IP(10, 6, 0, 10), ASKS(ASK_RENEW, IP(10, 6, 0, 10))},
	{"renewal of a released address asks", DHCP_REQUEST, 4, SERVER,
	 .ciaddr = IP(10, 6, 0, 13), ASKS(ASK_RENEW, IP(10, 6, 0, 13))},
	{"REBINDING on the wrong link", DHCP_REQUEST, 1, ALL, .ciaddr = IP(10, 7, 0, 10),
	 REPLIES(DHCP_NAK, 0, 0), .via = SERVER_VIA_BROADCAST, .to = ALL},
	{"renewal with another server's identifier", DHCP_REQUEST, 1, SERVER,
	 .ciaddr = IP(10, 6, 0, 10), .opt54 = OTHER, SILENT(SERVER_DROP_OTHER_SERVER)},
	{"REBINDING through a relay agent goes back to it", DHCP_REQUEST, 1, SERVER,
	 .ciaddr = IP(10, 6, 0, 10), .giaddr = IP(10, 6, 0, 3),
	 REPLIES(DHCP_ACK, IP(10, 6, 0, 10), 1000), .via = SERVER_VIA_SOURCE,
	 .to = IP(10, 6, 0, 3)},
	{"a relayed NAK goes to the relay agent", DHCP_REQUEST, 9, SERVER,
	 .giaddr = IP(10, 7, 0, 1), .opt50 = IP(10, 6, 0, 15), REPLIES(DHCP_NAK, 0, 0),
	 .via = SERVER_VIA_SOURCE, .to = IP(10, 7, 0, 1)},

	{"DECLINE is for the store to judge", DHCP_DECLINE, 1, ALL, .opt50 = IP(10, 6, 0, 10),
	 .opt54 = SERVER, SILENT(SERVER_DROP_NONE), BEHIND(ASK_DECLINE, IP(10, 6, 0, 10))},
	{"DECLINE to another server", DHCP_DECLINE, 1, ALL, .opt50 = IP(10, 6, 0, 10),
	 .opt54 = OTHER, SILENT(SERVER_DROP_OTHER_SERVER)},
	{"DECLINE of nothing", DHCP_DECLINE, 1, ALL, .opt54 = SERVER,
	 SILENT(SERVER_DROP_NO_ADDRESS_GIVEN)},
	{"RELEASE", DHCP_RELEASE, 1, SERVER, .ciaddr = IP(10, 6, 0, 10), .opt54 = SERVER,
	 SILENT(SERVER_DROP_NONE), BEHIND(ASK_RELEASE, IP(10, 6, 0, 10))},
	{"RELEASE from an unknown client goes the same way", DHCP_RELEASE, 99, SERVER,
	 .ciaddr = IP(10, 6, 0, 20), .opt54 = SERVER, SILENT(SERVER_DROP_NONE),
	 BEHIND(ASK_RELEASE, IP(10, 6, 0, 20))},
	{"INFORM gets parameters and no lease", DHCP_INFORM, 9, SERVER,
	 .ciaddr = IP(10, 6, 0, 200), REPLIES(DHCP_ACK, 0, 0), .via = SERVER_VIA_SOURCE,
	 .to = IP(10, 6, 0, 200)},
	{"INFORM of nothing", DHCP_INFORM, 9, ALL, SILENT(SERVER_DROP_NO_ADDRESS_GIVEN)},
};

static uint8_t *put_option(uint8_t *at, uint8_t code, uint32_t value)
{
	if (!value)
		return at;
	at[0] = code;
	at[1] = 4;
	store_be32(at + 2, value);
	return at + 6;
}

static size_t write_message(uint8_t *buffer, const struct row *row)
{
	struct dhcp_header *header = (struct dhcp_header *)buffer;
	uint8_t *at = header->options;

	memset(buffer, 0, 576);
	header->op = DHCP_BOOTREQUEST;
	header->htype = DHCP_HTYPE_ETHERNET;
	header->hlen = 6;
	header->ciaddr = htobe32(row->ciaddr);
	header->giaddr = htobe32(row->giaddr);
	header->flags = htobe16(row->broadcast_flag ? DHCP_FLAG_BROADCAST : 0);
	header->chaddr[0] = 2;
	header->chaddr[5] = row->who;
	header->magic = htobe32(DHCP_MAGIC);
	*at++ = DHCP_OPT_MESSAGE_TYPE;
	*at++ = 1;
	*at++ = (uint8_t)row->type;
	at = put_option(at, DHCP_OPT_REQUESTED_ADDRESS, row->opt50);
	at = put_option(at, DHCP_OPT_SERVER_ID, row->opt54);
	at = put_option(at, DHCP_OPT_LEASE_TIME, row->opt51);
	*at++ = DHCP_OPT_END;
	return (size_t)(at - buffer);
}

static void check_reply(const struct row *row, const struct server_decision *got)
{
	assert_int_equal(got->reply.type, row->reply);
	assert_int_equal(got->reply.yiaddr, row->addr);
	assert_int_equal(got->reply.lease_s, row->lease_s);
	assert_int_equal(got->reply.t1_s, row->lease_s / 2);
	assert_int_equal(got->reply.server_id, SERVER);
	assert_int_equal(got->via, row->via);
	assert_int_equal(got->dst, row->to);
	assert_int_equal(got->dst_port, row->giaddr ? DHCP_SERVER_PORT : DHCP_CLIENT_PORT);
	assert_int_equal(got->reply.set_broadcast, row->reply == DHCP_NAK && row->giaddr);
	assert_int_equal(got->reply.ciaddr, row->reply == DHCP_ACK ? row->ciaddr : 0);
}

static void check_row(struct fixture *f, const struct row *row)
{
	uint8_t buffer[576];
	struct dhcp_request request;
	struct server_query query = {.request = &request, .dst = row->dst};
	struct server_decision got;
	struct moment now = {.earliest_s = NOW, .latest_s = NOW};
	enum server_drop drop;

	print_message("# %s\n", row->name);
	assert_int_equal(dhcp_request_parse(&request, buffer, write_message(buffer, row)),
			 DHCP_ACCEPTED);
	drop = server_locate(&f->view, NULL, &query);
	if (drop) {
		assert_int_equal(row->action, SERVER_SILENT);
		assert_int_equal(drop, row->drop);
		return;
	}
	server_decide(&f->view, &query, &now, &got);
	assert_int_equal(got.action, row->action);
	assert_int_equal(got.ask_behind, row->behind);
	if (row->action == SERVER_SILENT)
		assert_int_equal(got.drop, row->drop);
	if (row->action == SERVER_REPLY)
		check_reply(row, &got);
	if (row->action == SERVER_ASK || row->behind) {
		assert_int_equal(got.op, row->op);
		assert_int_equal(got.addr, row->asked);
	}
	urcu_qsbr_quiescent_state();
}

static void test_decisions(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(*state, &rows[i]);
}

/* ---- where replies go: RFC 2131 section 4.1 ---- */

struct destination {
	const char *name;
	uint32_t ciaddr, giaddr;
	bool broadcast_flag;
	enum server_via via;
	uint32_t to;
	uint16_t port;
};

static const struct destination destinations[] = {
	{"by unicast, without ARP", 0, 0, false, SERVER_VIA_CHADDR, IP(10, 6, 0, 15), 68},
	{"by broadcast when the flag is set", 0, 0, true, SERVER_VIA_BROADCAST, ALL, 68},
	{"to an address in use", IP(10, 6, 0, 15), 0, true, SERVER_VIA_SOURCE, IP(10, 6, 0, 15), 68},
	{"to the relay agent", 0, IP(10, 6, 0, 3), true, SERVER_VIA_SOURCE, IP(10, 6, 0, 3), 67},
};

static void test_destinations(void **state)
{
	struct fixture *f = *state;
	struct moment now = {.earliest_s = NOW, .latest_s = NOW};

	for (size_t i = 0; i < ARRAY_SIZE(destinations); i++) {
		const struct destination *want = &destinations[i];
		struct row row = {.type = DHCP_DISCOVER, .who = 9, .dst = ALL,
				  .ciaddr = want->ciaddr, .giaddr = want->giaddr,
				  .broadcast_flag = want->broadcast_flag};
		struct ask answer = {.op = ASK_OFFER, .net = f->nets[0], .addr = IP(10, 6, 0, 15),
				     .lease_s = 1000, .result = ASK_GRANTED};
		struct dhcp_request request;
		struct server_query query = {.request = &request, .dst = ALL};
		struct server_decision got;
		uint8_t buffer[576];

		print_message("# %s\n", want->name);
		dhcp_request_parse(&request, buffer, write_message(buffer, &row));
		assert_int_equal(server_locate(&f->view, NULL, &query), SERVER_DROP_NONE);
		server_conclude(&f->view, &query, &now, &answer, &got);
		assert_int_equal(got.via, want->via);
		assert_int_equal(got.dst, want->to);
		assert_int_equal(got.dst_port, want->port);
	}
}

/* ---- what the store's answers mean ---- */

struct conclusion {
	const char *name;
	enum ask_op op;
	enum ask_result result;
	int64_t hold_until_s;
	enum server_action action;
	enum server_drop drop;
	enum dhcp_type reply;
	uint32_t lease_s;
};

static const struct conclusion conclusions[] = {
	{"an offer", ASK_OFFER, ASK_GRANTED, 0, SERVER_REPLY, 0, DHCP_OFFER, 1000},
	{"a binding", ASK_BIND, ASK_GRANTED, NOW + 2000, SERVER_REPLY, 0, DHCP_ACK, 1000},
	{"a binding that took long is cut", ASK_BIND, ASK_GRANTED, NOW + 400, SERVER_REPLY, 0,
	 DHCP_ACK, 400},
	{"too long to be worth anything", ASK_BIND, ASK_GRANTED, NOW + 40, SERVER_SILENT,
	 SERVER_DROP_STORE_UNAVAILABLE, 0, 0},
	{"a proven refusal", ASK_CONFIRM, ASK_DENIED, 0, SERVER_REPLY, 0, DHCP_NAK, 0},
	{"an unknown client", ASK_CONFIRM, ASK_UNKNOWN_CLIENT, 0, SERVER_SILENT,
	 SERVER_DROP_UNKNOWN_CLIENT, 0, 0},
	{"a store that cannot be asked: never a NAK", ASK_CONFIRM, ASK_UNAVAILABLE, 0,
	 SERVER_SILENT, SERVER_DROP_STORE_UNAVAILABLE, 0, 0},
	{"an empty pool", ASK_OFFER, ASK_NO_ADDRESS, 0, SERVER_SILENT, SERVER_DROP_POOL_EMPTY, 0,
	 0},
	{"another server of the same name made the offer", ASK_BIND, ASK_NOT_OFFERED, 0,
	 SERVER_SILENT, SERVER_DROP_ANOTHERS, 0, 0},
	{"overload", ASK_BIND, ASK_OVERLOAD, 0, SERVER_SILENT, SERVER_DROP_OVERLOAD, 0, 0},
};

static void test_conclusions(void **state)
{
	struct fixture *f = *state;
	struct row row = {.type = DHCP_REQUEST, .who = 9, .dst = ALL,
			  .opt50 = IP(10, 6, 0, 15), .opt54 = SERVER};
	struct moment now = {.earliest_s = NOW, .latest_s = NOW};

	for (size_t i = 0; i < ARRAY_SIZE(conclusions); i++) {
		const struct conclusion *want = &conclusions[i];
		uint8_t buffer[576];
		struct dhcp_request request;
		struct server_query query = {.request = &request, .dst = ALL};
		struct server_decision got;
		struct ask answer = {.op = want->op, .net = f->nets[0], .addr = row.opt50,
				     .lease_s = 1000, .result = want->result,
				     .hold_until_s = want->hold_until_s};

		print_message("# %s\n", want->name);
		dhcp_request_parse(&request, buffer, write_message(buffer, &row));
		assert_int_equal(server_locate(&f->view, NULL, &query), SERVER_DROP_NONE);
		server_conclude(&f->view, &query, &now, &answer, &got);
		assert_int_equal(got.action, want->action);
		if (want->action == SERVER_SILENT) {
			assert_int_equal(got.drop, want->drop);
			continue;
		}
		assert_int_equal(got.reply.type, want->reply);
		assert_int_equal(got.reply.lease_s, want->lease_s);
		assert_int_equal(got.reply.yiaddr, want->reply == DHCP_NAK ? 0 : row.opt50);
	}
}

/* ---- names that several servers have ---- */

#define SHARED IP(10, 6, 0, 100)

static const struct share two = {.n_members = 2}, one = {.n_members = 1};

static const struct name_row {
	const char *name;
	uint32_t identifier, opt54, ciaddr;
	const struct share *share;
	bool peers_offer;
} name_rows[] = {
	{"the shared name", SHARED, SHARED, 0, &two, true},
	{"the shared name, of one that is alone", SHARED, SHARED, 0, &one, false},
	{"the shared name, nothing known of others", SHARED, SHARED, 0, NULL, false},
	{"an address of this server alone", SHARED, SERVER, 0, &two, false},
	{"no shared name", 0, SERVER, 0, &two, false},
	{"INIT-REBOOT names nobody", 0, 0, 0, &two, false},
	{"a renewal", SHARED, SHARED, IP(10, 6, 0, 12), &two, false},
};

static void test_names_of_several_servers(void **state)
{
	struct fixture *f = *state;
	struct moment now = {.earliest_s = NOW, .latest_s = NOW};

	for (size_t i = 0; i < ARRAY_SIZE(name_rows); i++) {
		const struct name_row *want = &name_rows[i];
		struct row row = {.type = DHCP_REQUEST, .who = 3, .dst = ALL, .opt54 = want->opt54,
				  .ciaddr = want->ciaddr,
				  .opt50 = want->ciaddr ? 0 : IP(10, 6, 0, 15)};
		struct share_place place = {want->share};
		struct server_view view = f->view;
		struct dhcp_request request;
		struct server_query query = {.request = &request, .dst = ALL,
					     .own_offers_only = true};
		struct server_decision got;
		struct ask ask;
		uint8_t buffer[576];

		print_message("# %s\n", want->name);
		view.share = want->share ? &place : NULL;
		f->config->networks[0].server_identifier = want->identifier;
		dhcp_request_parse(&request, buffer, write_message(buffer, &row));
		assert_int_equal(server_locate(&view, NULL, &query), SERVER_DROP_NONE);
		server_decide(&view, &query, &now, &got);
		assert_int_equal(got.action, SERVER_ASK);
		server_fill_ask(&view, &query, &got, &now, &ask);
		assert_int_equal(ask.peers_offer, want->peers_offer);
		assert_true(ask.own_offers_only);
	}
	f->config->networks[0].server_identifier = 0;
}

/* The answer belongs to a network that the request is no longer on: not one word of it is used. */
static void test_reload_in_between(void **state)
{
	struct fixture *f = *state;
	struct row row = {.type = DHCP_REQUEST, .who = 9, .dst = ALL,
			  .opt50 = IP(10, 6, 0, 15), .opt54 = SERVER};
	struct ask answer = {.op = ASK_BIND, .net = f->nets[1], .addr = row.opt50, .lease_s = 1000,
			     .result = ASK_GRANTED, .hold_until_s = NOW + 2000};
	struct moment now = {.earliest_s = NOW, .latest_s = NOW};
	struct dhcp_request request;
	struct server_query query = {.request = &request, .dst = ALL};
	struct server_decision got;
	uint8_t buffer[576];

	dhcp_request_parse(&request, buffer, write_message(buffer, &row));
	assert_int_equal(server_locate(&f->view, NULL, &query), SERVER_DROP_NONE);
	server_conclude(&f->view, &query, &now, &answer, &got);
	assert_int_equal(got.action, SERVER_SILENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decisions),
		cmocka_unit_test(test_destinations),
		cmocka_unit_test(test_conclusions),
		cmocka_unit_test(test_names_of_several_servers),
		cmocka_unit_test(test_reload_in_between),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
