/* SPDX-License-Identifier: MIT */
/* Load sharing as tables: which requests may be left to another server, and when this one answers all the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/config.h"
#include "server/server.h"

#define ALL    UINT32_MAX
#define OWN    0x0a060001u
#define OTHER  0x0a060002u
#define SHARED 0x0a060064u
#define CLIENT 0x0a060014u
#define RELAY  0x0a070001u

/* ---- kinds ---- */

static const struct kind_row {
	const char *name;
	enum dhcp_type type;
	uint32_t dst, ciaddr, giaddr, named, shared;
	enum share_kind kind;
} kind_rows[] = {
	{"DISCOVER", DHCP_DISCOVER, ALL, .kind = SHARE_BY_BUCKET},
	{"DISCOVER through a relay agent, to this server's own address", DHCP_DISCOVER, OWN,
	 .giaddr = RELAY, .kind = SHARE_BY_BUCKET},
	{"DISCOVER by unicast", DHCP_DISCOVER, OWN, .kind = SHARE_NONE},
	{"DISCOVER through a relay agent, to the name that servers share", DHCP_DISCOVER, SHARED,
	 .giaddr = RELAY, .shared = SHARED, .kind = SHARE_NONE},
	{"DISCOVER through a relay agent, to one of those who share a name", DHCP_DISCOVER, OWN,
	 .giaddr = RELAY, .shared = SHARED, .kind = SHARE_BY_BUCKET},

	{"SELECTING this server", DHCP_REQUEST, ALL, .named = OWN, .kind = SHARE_NONE},
	{"SELECTING another server", DHCP_REQUEST, ALL, .named = OTHER, .kind = SHARE_NONE},
	{"SELECTING this server by its own address, where there is a shared name", DHCP_REQUEST,
	 ALL, .named = OWN, .shared = SHARED, .kind = SHARE_NONE},
	{"SELECTING the shared name", DHCP_REQUEST, ALL, .named = SHARED, .shared = SHARED,
	 .kind = SHARE_BY_OFFER},
	{"SELECTING the shared name through a relay agent that knows each server", DHCP_REQUEST,
	 OWN, .giaddr = RELAY, .named = SHARED, .shared = SHARED, .kind = SHARE_BY_OFFER},
	{"SELECTING the shared name, routed to this server", DHCP_REQUEST, SHARED, .giaddr = RELAY,
	 .named = SHARED, .shared = SHARED, .kind = SHARE_NONE},

	{"INIT-REBOOT", DHCP_REQUEST, ALL, .kind = SHARE_BY_BUCKET},
	{"RENEWING", DHCP_REQUEST, OWN, .ciaddr = CLIENT, .kind = SHARE_NONE},
	{"RENEWING with the shared name", DHCP_REQUEST, SHARED, .ciaddr = CLIENT, .shared = SHARED,
	 .kind = SHARE_NONE},
	{"REBINDING", DHCP_REQUEST, ALL, .ciaddr = CLIENT, .kind = SHARE_BY_BUCKET},
	{"REBINDING through a relay agent", DHCP_REQUEST, OWN, .ciaddr = CLIENT, .giaddr = RELAY,
	 .kind = SHARE_BY_BUCKET},
	{"REBINDING with the shared name, as no client should", DHCP_REQUEST, ALL,
	 .ciaddr = CLIENT, .named = SHARED, .shared = SHARED, .kind = SHARE_NONE},

	{"DECLINE", DHCP_DECLINE, ALL, .named = OWN, .kind = SHARE_NONE},
	{"RELEASE", DHCP_RELEASE, OWN, .ciaddr = CLIENT, .named = OWN, .kind = SHARE_NONE},
	{"INFORM", DHCP_INFORM, OWN, .ciaddr = CLIENT, .kind = SHARE_NONE},
	{"INFORM by broadcast", DHCP_INFORM, ALL, .ciaddr = CLIENT, .kind = SHARE_NONE},
};

static void test_kinds(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(kind_rows); i++) {
		const struct kind_row *row = &kind_rows[i];
		be32_t named = htobe32(row->named);
		struct config_network network = {.server_identifier = row->shared};
		struct dhcp_request request = {.type = row->type};
		struct server_query query = {
			.request = &request,
			.dst = row->dst,
			.ciaddr = row->ciaddr,
			.giaddr = row->giaddr,
			.network = &network,
		};

		if (row->named)
			request.opt[DHCP_WANT_SERVER_ID] = (struct span){(uint8_t *)&named, 4};
		print_message("# %s\n", row->name);
		assert_int_equal(server_share_kind(&query), row->kind);
	}
}

/* ---- whose ---- */

static const struct share alone = {.n_members = 1};
static const struct share unknown = {.n_members = 0};
static const struct share half = {.n_members = 2, .own = {0, UINT64_MAX, 1u << 5, 0}};

static const struct our_row {
	const char *name;
	const struct share *share;
	struct share_facts facts;
	uint32_t after_s;
	bool ours;
} our_rows[] = {
	{"alone: everything, whatever the map says", &alone, {7, 0, 0}, 4, true},
	{"membership not known yet: everything", &unknown, {7, 0, 0}, 4, true},
	{"an own bucket", &half, {64, 0, 0}, 4, true},
	{"the last own bucket of a word", &half, {127, 0, 0}, 4, true},
	{"a bit within a word", &half, {128 + 5, 0, 0}, 4, true},
	{"another's bucket", &half, {128 + 6, 0, 0}, 4, false},
	{"another's, the first", &half, {0, 0, 0}, 4, false},
	{"another's, the last", &half, {255, 0, 0}, 4, false},
	{"another's client, heard again", &half, {0, 0, 1}, 4, true},
	{"another's client, not long enough by its own word", &half, {0, 3, 0}, 4, false},
	{"another's client, long enough", &half, {0, 4, 0}, 4, true},
	{"another's client, for long", &half, {0, 301, 0}, 4, true},
	{"seconds with their bytes swapped: 3", &half, {0, 3 << 8, 0}, 4, false},
	{"seconds with their bytes swapped: 4", &half, {0, 4 << 8, 0}, 4, true},
	{"a longer patience", &half, {0, 9, 0}, 10, false},
	{"none at all", &half, {0, 0, 0}, 0, true},
};

static void test_whose(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(our_rows); i++) {
		const struct our_row *row = &our_rows[i];

		print_message("# %s\n", row->name);
		assert_int_equal(share_is_ours(row->share, &row->facts, row->after_s), row->ours);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_whose),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
