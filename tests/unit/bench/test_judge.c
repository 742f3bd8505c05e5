/* SPDX-License-Identifier: MIT */
/* Every way in which a reply can be wrong, each found and nothing else with it. */
#include "perf/dhcp.h"
#include "scene.h"
#include "unit.h"

#define ADDRESS 0x0a010001u
#define OTHER   0x0a010002u

static const char *const plain[] = {"-n", "10", "--lease", "3600", "dora", NULL};

struct wrong {
	const char *name;
	enum finding finding;
	void (*spoil)(struct answer *answer);
	bool taken; /* as an answer, all the same */
};

static void xid(struct answer *a)
{
	a->xid ^= 0x00800000;
}
static void stranger(struct answer *a)
{
	a->chaddr[0] = 6, a->xid ^= 1;
}
static void other_client(struct answer *a)
{
	a->chaddr[5] ^= 1;
}
static void type(struct answer *a)
{
	a->type = DHCP_OFFER;
}
static void mac(struct answer *a)
{
	a->dst_mac[5] ^= 1;
}
static void address(struct answer *a)
{
	a->dst = 0x0a0a0a0a;
}
static void port(struct answer *a)
{
	a->dst_port = 67;
}
static void vlan(struct answer *a)
{
	a->vlan = 5;
}
static void no_server(struct answer *a)
{
	a->server = 0;
}
static void server(struct answer *a)
{
	a->server++;
}
static void no_lease(struct answer *a)
{
	a->lease_s = 0;
}
static void lease(struct answer *a)
{
	a->lease_s = 3599;
}
static void no_yiaddr(struct answer *a)
{
	a->yiaddr = 0;
}
static void yiaddr(struct answer *a)
{
	a->yiaddr = OTHER;
}
static void udp_sum(struct answer *a)
{
	a->bad_udp_sum = true;
}
static void ip_sum(struct answer *a)
{
	a->bad_ip_sum = true;
}
static void magic(struct answer *a)
{
	a->no_magic = true;
}
static void hlen(struct answer *a)
{
	a->hlen = 16;
}
static void end(struct answer *a)
{
	a->no_end = true;
}
static void option(struct answer *a)
{
	a->long_option = true;
}
static void udp_len(struct answer *a)
{
	a->udp_len_lie = 20;
}
static void overload(struct answer *a)
{
	a->overload = true;
}
static void broadcast(struct answer *a)
{
	memset(a->dst_mac, 0xff, 6);
}

/* An ACK to a client that has asked for ADDRESS. */
static const struct wrong wrongs[] = {
    {"xid", FINDING_WRONG_XID, xid, false},
    {"stranger", FINDING_FOREIGN, stranger, false},
    {"another client", FINDING_WRONG_CLIENT, other_client, false},
    {"type", FINDING_WRONG_TYPE, type, false},
    {"MAC", FINDING_MISDIRECTED, mac, false},
    {"destination", FINDING_MISDIRECTED, address, false},
    {"port", FINDING_MISDIRECTED, port, false},
    {"VLAN", FINDING_MISDIRECTED, vlan, false},
    {"no server", FINDING_NO_SERVER_ID, no_server, false},
    {"server", FINDING_WRONG_SERVER, server, false},
    {"no lease time", FINDING_LEASE_TIME, no_lease, false},
    {"lease time", FINDING_LEASE_TIME, lease, true},
    {"no address", FINDING_WRONG_ADDRESS, no_yiaddr, false},
    {"address", FINDING_WRONG_ADDRESS, yiaddr, false},
    {"UDP checksum", FINDING_CHECKSUM, udp_sum, false},
    {"IP checksum", FINDING_CHECKSUM, ip_sum, false},
    {"magic", FINDING_MALFORMED, magic, false},
    {"hlen", FINDING_MALFORMED, hlen, false},
    {"no END", FINDING_MALFORMED, end, false},
    {"option too long", FINDING_MALFORMED, option, false},
    {"UDP length", FINDING_MALFORMED, udp_len, false},
    {"overload", FINDING_NONE, overload, true},
    {"broadcast", FINDING_NONE, broadcast, true},
};

/* A client in the state REQUESTING, in a scene of its own. */
static struct scene *requesting(uint32_t *index)
{
	struct scene *scene = scene_new(plain);
	struct answer offer;

	*index = scene_begin(scene, ACTIVITY_DORA);
	scene_sent(scene, NULL);
	offer = scene_answer(scene, *index, DHCP_OFFER, ADDRESS);
	scene_deliver(scene, &offer);
	scene_sent(scene, NULL);
	return scene;
}

static void check(const struct wrong *wrong)
{
	uint32_t index;
	struct scene *scene = requesting(&index);
	struct answer answer = scene_answer(scene, index, DHCP_ACK, ADDRESS);
	bool found = wrong->finding != FINDING_NONE;

	wrong->spoil(&answer);
	/* A type that comes twice is no other OFFER: the client must not be waiting for an ACK. */
	if (wrong->finding == FINDING_WRONG_TYPE) {
		scene_free(scene);
		scene = scene_new(plain);
		scene_bind(scene, ADDRESS);
		index = scene_begin(scene, ACTIVITY_RENEW);
		scene_sent(scene, NULL);
		answer = scene_answer(scene, index, DHCP_OFFER, ADDRESS);
	}
	scene_deliver(scene, &answer);
	scene_silent(scene);
	if (found && scene_findings(scene, wrong->finding) != 1)
		fail_msg("%s: not found", wrong->name);
	if (scene_all_findings(scene) != found)
		fail_msg("%s: something else was found, too", wrong->name);
	if ((counter_read(&scene->g.in_flight) == 0) != wrong->taken)
		fail_msg("%s: %s", wrong->name, wrong->taken ? "not taken" : "taken");
	scene_free(scene);
}

static void test_each_wrong_reply_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++)
		check(&wrongs[i]);
}

static void test_one_address_for_two_clients(void **state)
{
	struct scene *scene = scene_new(plain);

	(void)state;
	scene_bind(scene, ADDRESS);
	scene_bind(scene, ADDRESS);
	assert_int_equal(scene_findings(scene, FINDING_DUPLICATE_ADDRESS), 1);
	assert_int_equal(scene_all_findings(scene), 1);
	scene_free(scene);
}

static void test_two_addresses_for_one_client(void **state)
{
	static const char *const repeating[] = {"-n", "1", "--repeat", "dora", NULL};
	struct scene *scene = scene_new(repeating);
	struct answer answer;

	(void)state;
	scene_bind(scene, ADDRESS);
	scene_begin(scene, ACTIVITY_DORA);
	scene_sent(scene, NULL);
	answer = scene_answer(scene, 0, DHCP_OFFER, OTHER);
	scene_deliver(scene, &answer);
	scene_sent(scene, NULL);
	answer.type = DHCP_ACK;
	scene_deliver(scene, &answer);
	assert_int_equal(scene_findings(scene, FINDING_SECOND_ADDRESS), 1);
	scene_free(scene);
}

static void test_an_answer_that_comes_twice(void **state)
{
	struct scene *scene = scene_new(plain);
	uint32_t index = scene_bind(scene, ADDRESS);
	struct answer answer = scene_answer(scene, index, DHCP_ACK, ADDRESS);

	(void)state;
	scene_deliver(scene, &answer);
	assert_int_equal(scene_findings(scene, FINDING_DUPLICATE), 1);
	assert_int_equal(scene_all_findings(scene), 1);
	scene_free(scene);
}

/* The promise counts, though nobody waited for it: its address is another's no more. */
static void test_an_answer_that_comes_too_late(void **state)
{
	uint32_t index;
	struct scene *scene = requesting(&index);
	struct answer answer = scene_answer(scene, index, DHCP_ACK, ADDRESS);

	(void)state;
	scene_advance(scene, 3 * NS_PER_S);
	scene_silent(scene);
	scene_deliver(scene, &answer);
	assert_int_equal(scene_findings(scene, FINDING_LATE), 1);
	assert_int_equal(scene_all_findings(scene), 1);
	scene_bind(scene, ADDRESS);
	assert_int_equal(scene_findings(scene, FINDING_DUPLICATE_ADDRESS), 1);
	scene_free(scene);
}

static void test_offers_of_two_servers(void **state)
{
	uint32_t index;
	struct scene *scene = requesting(&index);
	struct answer answer = scene_answer(scene, index, DHCP_OFFER, OTHER);

	(void)state;
	answer.server++;
	scene_deliver(scene, &answer);
	scene_silent(scene);
	assert_int_equal(scene_findings(scene, FINDING_SPARE_OFFER), 1);
	assert_int_equal(scene_all_findings(scene), 1);
	scene_free(scene);
}

static void test_relayed_replies(void **state)
{
	static const char *const relayed[] = {
	    "-n",       "10",           "--giaddr",          "10.9.0.1", "--server",
	    "10.0.0.1", "--server-mac", "02:aa:00:00:00:01", "dora",     NULL};
	struct scene *scene = scene_new(relayed);
	uint32_t index = scene_begin(scene, ACTIVITY_DORA);
	struct answer answer = scene_answer(scene, index, DHCP_OFFER, ADDRESS);
	uint8_t info_len, info[64], len;
	const uint8_t *sent;
	uint32_t frame_len;

	(void)state;
	sent = scene_sent(scene, &frame_len);
	sent = scene_option(sent, frame_len, OPTION_AGENT_INFO, &info_len);
	memcpy(info, sent, len = info_len);
	scene_deliver(scene, &answer); /* as if directly attached */
	assert_int_equal(scene_findings(scene, FINDING_MISDIRECTED), 1);
	answer.dst = answer.giaddr = 0x0a090001;
	answer.dst_port = 67;
	memcpy(answer.dst_mac, scene->wire.link.mac, 6);
	answer.agent_info = info;
	answer.agent_info_len = len;
	scene_deliver(scene, &answer);
	scene_sent(scene, NULL);
	assert_int_equal(scene_all_findings(scene), 1);
	answer.type = DHCP_ACK;
	info[len - 1] ^= 1; /* another subscriber's */
	scene_deliver(scene, &answer);
	assert_int_equal(scene_findings(scene, FINDING_AGENT_INFO), 1);
	assert_int_equal(counter_read(&scene->g.in_flight), 0);
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_wrong_reply_is_found),
	    cmocka_unit_test(test_one_address_for_two_clients),
	    cmocka_unit_test(test_two_addresses_for_one_client),
	    cmocka_unit_test(test_an_answer_that_comes_twice),
	    cmocka_unit_test(test_an_answer_that_comes_too_late),
	    cmocka_unit_test(test_offers_of_two_servers),
	    cmocka_unit_test(test_relayed_replies),
	};

	return cmocka_run_group_tests_name("judge", tests, NULL, NULL);
}
