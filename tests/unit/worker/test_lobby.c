/* SPDX-License-Identifier: MIT */
/* The lobby: whoever came in last goes out first, as it was, once, and not after it has given up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "dhcp/message.h"
#include "worker/lobby.h"

#define L3      14
#define PAYLOAD (L3 + 28)
#define CAP     2048

struct fixture {
	struct lobby *lobby;
	uint8_t sent[CAP], got[CAP];
	struct packet packet;
	struct frame out;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->lobby = lobby_new();
	assert_non_null(f->lobby);
	f->out = (struct frame){.data = f->got, .cap = CAP};
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	lobby_free(f->lobby);
	free(f);
	return 0;
}

/* A request of client @p who with @p options bytes of them. */
static const struct packet *request(struct fixture *f, uint32_t who, size_t options)
{
	struct dhcp_header *header = (struct dhcp_header *)(f->sent + PAYLOAD);

	memset(f->sent, 0, sizeof(f->sent));
	memset(f->sent, 0xee, PAYLOAD);
	f->sent[L3] = 0x45;
	header->op = DHCP_BOOTREQUEST;
	header->xid = who * 3;
	store_be32(header->chaddr + 2, who);
	header->magic = htobe32(DHCP_MAGIC);
	for (size_t i = 0; i < options; i++)
		header->options[i] = (uint8_t)(who + i);
	f->packet = (struct packet){
		.frame = {.data = f->sent,
			  .len = (uint32_t)(PAYLOAD + sizeof(*header) + options),
			  .cap = CAP},
		.payload = f->sent + PAYLOAD,
		.payload_len = (uint32_t)(sizeof(*header) + options),
		.l3_offset = L3,
	};
	return &f->packet;
}

/* What leaves next is the request of @p who, byte for byte. */
static void assert_next(struct fixture *f, uint32_t who, size_t options)
{
	const struct packet *packet = request(f, who, options);

	memset(f->got, 0x55, sizeof(f->got));
	assert_true(lobby_take(f->lobby, &f->out));
	assert_int_equal(f->out.len, packet->frame.len);
	assert_memory_equal(f->got, f->sent, f->out.len);
}

static void last_come_first_served(void **state)
{
	struct fixture *f = *state;
	uint16_t port;

	assert_false(lobby_port(f->lobby, 1, &port));
	for (uint32_t who = 1; who <= 100; who++)
		assert_true(lobby_add(f->lobby, request(f, who, who), (uint16_t)(who % 7), who));
	assert_int_equal(lobby_len(f->lobby), 100);
	for (uint32_t who = 100; who >= 1; who--) {
		assert_true(lobby_port(f->lobby, 200, &port));
		assert_int_equal(port, who % 7);
		assert_next(f, who, who);
	}
	assert_int_equal(lobby_len(f->lobby), 0);
	assert_false(lobby_port(f->lobby, 200, &port));
}

/* Who came again and was served at once is not served once more; others are. */
static void who_was_served_is_left_out(void **state)
{
	struct fixture *f = *state;
	uint16_t port;

	lobby_served(f->lobby, request(f, 1, 5));
	for (uint32_t who = 1; who <= 5; who++)
		lobby_add(f->lobby, request(f, who, 5), 0, who);
	lobby_served(f->lobby, request(f, 5, 5));
	lobby_served(f->lobby, request(f, 3, 5));
	lobby_served(f->lobby, request(f, 3, 5));
	lobby_add(f->lobby, request(f, 5, 5), 0, 6); /* and waits once more */
	for (uint32_t i = 0; i < 4; i++) {
		assert_true(lobby_port(f->lobby, 10, &port));
		assert_next(f, (const uint32_t[]){5, 4, 2, 1}[i], 5);
	}
	assert_false(lobby_port(f->lobby, 10, &port));
	assert_int_equal(lobby_len(f->lobby), 0);
}

static void names_in_the_header_are_kept(void **state)
{
	struct fixture *f = *state;
	const struct packet *packet = request(f, 1, 20);

	f->sent[PAYLOAD + offsetof(struct dhcp_header, file) + DHCP_FILE_LEN - 1] = 'x';
	assert_true(lobby_add(f->lobby, packet, 0, 1));
	assert_true(lobby_take(f->lobby, &f->out));
	assert_memory_equal(f->got, f->sent, packet->frame.len);
}

/* The same client and transaction does not wait twice, another transaction does; afterwards it may again. */
static void nobody_waits_twice(void **state)
{
	struct fixture *f = *state;
	struct dhcp_header *header = (struct dhcp_header *)(f->sent + PAYLOAD);

	assert_true(lobby_add(f->lobby, request(f, 1, 5), 0, 1));
	assert_true(lobby_add(f->lobby, request(f, 1, 5), 0, 2));
	assert_int_equal(lobby_len(f->lobby), 1);
	request(f, 1, 5);
	header->xid++;
	assert_true(lobby_add(f->lobby, &f->packet, 0, 3));
	assert_int_equal(lobby_len(f->lobby), 2);
	assert_true(lobby_take(f->lobby, &f->out));
	assert_next(f, 1, 5);
	assert_true(lobby_add(f->lobby, request(f, 1, 5), 0, 4));
	assert_int_equal(lobby_len(f->lobby), 1);
}

static void who_has_given_up_is_let_go(void **state)
{
	struct fixture *f = *state;
	uint16_t port;

	lobby_add(f->lobby, request(f, 1, 5), 1, 10);
	lobby_add(f->lobby, request(f, 2, 5), 2, 20);
	assert_true(lobby_port(f->lobby, LOBBY_WAIT_NS + 10, &port));
	assert_int_equal(lobby_len(f->lobby), 2);
	assert_true(lobby_port(f->lobby, LOBBY_WAIT_NS + 11, &port));
	assert_int_equal(port, 2);
	assert_int_equal(lobby_len(f->lobby), 1);
	assert_false(lobby_port(f->lobby, LOBBY_WAIT_NS + 21, &port));
	assert_int_equal(lobby_len(f->lobby), 0);
}

static void what_makes_no_frame_is_refused(void **state)
{
	struct fixture *f = *state;

	request(f, 1, 5);
	f->sent[L3] = 0x46; /* IPv4 options: the payload was moved over them */
	assert_false(lobby_add(f->lobby, &f->packet, 0, 1));
	assert_true(lobby_add(f->lobby, request(f, 2, 500), 0, 1));
	f->out.cap = 400;
	assert_false(lobby_take(f->lobby, &f->out));
	assert_int_equal(lobby_len(f->lobby), 0);
}

/* Full, by bytes: the oldest make room, again and again; what is in there comes out in order. */
static void the_ring_goes_round(void **state)
{
	enum { OPTIONS = 1200, FULL = LOBBY_BYTES / 1100 };
	struct fixture *f = *state;
	uint32_t in = 0, left;

	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < FULL; i++)
			assert_true(lobby_add(f->lobby, request(f, ++in, OPTIONS), 0, 1));
		assert_in_range(lobby_len(f->lobby), LOBBY_BYTES / 1400, LOBBY_BYTES / 1200);
		for (uint32_t i = 0; i < 40000; i++)
			assert_next(f, in - i, OPTIONS);
	}
	left = lobby_len(f->lobby);
	for (uint32_t i = 0; i < left; i++)
		assert_true(lobby_take(f->lobby, &f->out));
	assert_int_equal(lobby_len(f->lobby), 0);
}

static void it_is_bounded(void **state)
{
	struct fixture *f = *state;

	for (uint32_t who = 1; who <= LOBBY_MAX + 10; who++)
		assert_true(lobby_add(f->lobby, request(f, who, 0), 0, 1));
	assert_int_equal(lobby_len(f->lobby), LOBBY_MAX);
	for (uint32_t who = LOBBY_MAX + 10; who > 10; who--)
		assert_next(f, who, 0);
	assert_int_equal(lobby_len(f->lobby), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(last_come_first_served), TEST(who_was_served_is_left_out), TEST(names_in_the_header_are_kept),
		TEST(nobody_waits_twice),	  TEST(who_has_given_up_is_let_go),
		TEST(what_makes_no_frame_is_refused), TEST(the_ring_goes_round),
		TEST(it_is_bounded),
	};

	return cmocka_run_group_tests_name("lobby", tests, NULL, NULL);
}
