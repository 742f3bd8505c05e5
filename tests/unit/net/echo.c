/* SPDX-License-Identifier: MIT */
#include "echo.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lab.h"
#include "unit.h"

#define HOLD_MAX   4096
#define XID_OFFSET 4

/* Frames the server keeps, and a generator for the order in which it gives them back. */
struct server {
	struct echo *echo;
	struct packet held[HOLD_MAX];
	unsigned n_held;
	uint32_t random;
};

static uint32_t next_random(struct server *server)
{
	server->random = server->random * 1664525 + 1013904223;
	return server->random >> 8;
}

void echo_send(int client, const uint8_t *frame, size_t len)
{
	while (send(client, frame, len, 0) < 0) {
		if (errno != ENOBUFS)
			fail_msg("client cannot send: %s", strerror(errno));
	}
}

void send_sample(int client, const struct sample *sample)
{
	uint8_t frame[SAMPLE_MAX];

	echo_send(client, frame, sample_build(sample, frame));
}

static bool is_chatter(const uint8_t *frame, size_t len)
{
	uint16_t type = len >= 14 ? load_be16(frame + 12) : 0;
	return type == 0x86dd || type == 0x0806;
}

size_t echo_receive(int client, uint8_t *frame, size_t size, int timeout_ms)
{
	while (lab_wait(client, timeout_ms)) {
		ssize_t len = recv(client, frame, size, MSG_DONTWAIT);

		if (len > 0 && !is_chatter(frame, (size_t)len))
			return (size_t)len;
	}
	return 0;
}

bool echo_take(struct port *const *ports, size_t n, struct frame *frame, int timeout_ms)
{
	struct pollfd fds[8];

	for (size_t i = 0; i < n; i++)
		fds[i] = (struct pollfd){.fd = ports[i]->fd, .events = POLLIN};
	do {
		for (size_t i = 0; i < n; i++) {
			if (port_receive(ports[i], frame, 1) == 1)
				return true;
		}
	} while (poll(fds, n, timeout_ms) > 0);
	return false;
}

/* Answers or drops one of the held packets, any of them. */
static void give_back_one(struct server *server)
{
	struct echo *echo = server->echo;
	unsigned which = next_random(server) % server->n_held;
	struct packet packet = server->held[which];
	struct packet_reply reply = {
	    .src = LAB_ADDRESS,
	    .dst = be32toh(packet.src),
	    .dst_port = 68,
	    .to_source = true,
	    .payload_len = packet.payload_len,
	};

	server->held[which] = server->held[--server->n_held];
	if (echo->drop_every && next_random(server) % echo->drop_every == 0) {
		port_drop(packet.frame.port, &packet.frame, 1);
		echo->dropped++;
		return;
	}
	packet_payload_home(&packet);
	packet_address(&packet, &reply);
	packet_seal(&packet);
	port_send(packet.frame.port, &packet.frame, 1);
}

static void serve(struct server *server)
{
	struct echo *echo = server->echo;
	struct frame frames[64];

	for (size_t p = 0; p < echo->n_ports; p++) {
		size_t n = port_receive(echo->ports[p], frames, ARRAY_SIZE(frames));

		for (size_t i = 0; i < n; i++) {
			struct packet *packet = &server->held[server->n_held++];

			assert_ptr_equal(frames[i].port, echo->ports[p]);
			assert_int_equal(packet_parse(packet, &frames[i]), STEER_OK);
		}
		echo->received += n;
		echo->by_port[p] += n;
	}
	while (server->n_held > echo->hold || (echo->received == echo->requests && server->n_held))
		give_back_one(server);
	for (size_t p = 0; p < echo->n_ports; p++)
		port_flush(echo->ports[p]);
}

/* Takes one echo off the client's socket; false when there is none now. */
static bool collect(struct echo *echo, uint8_t *seen)
{
	uint8_t frame[2048];
	ssize_t len = recv(echo->client, frame, sizeof(frame), MSG_DONTWAIT);
	uint32_t xid;

	if (len < 0)
		return false;
	if (is_chatter(frame, (size_t)len))
		return true;
	/* The kernel took an outer tag out of the frame: what is left looks untagged. */
	if (len < 14 + 28 + 240 || load_be16(frame + 12) != 0x0800) {
		echo->strangers++;
		return true;
	}
	xid = load_be32(frame + 42 + XID_OFFSET);
	if (xid >= echo->requests)
		echo->strangers++;
	else if (seen[xid]++)
		echo->duplicates++;
	else
		echo->echoed++;
	return true;
}

static void wait_for_any(struct echo *echo, bool *stuck)
{
	struct pollfd fds[9] = {{.fd = echo->client, .events = POLLIN}};

	for (size_t p = 0; p < echo->n_ports; p++)
		fds[p + 1] = (struct pollfd){.fd = echo->ports[p]->fd, .events = POLLIN};
	*stuck = poll(fds, echo->n_ports + 1, LAB_PATIENCE_MS) == 0;
}

void echo_run(struct echo *echo, const struct sample *sample)
{
	struct server *server = calloc(1, sizeof(*server));
	uint8_t *seen = calloc(echo->requests, 1), frame[2048];
	struct sample numbered = *sample;
	bool stuck = false;

	server->echo = echo;
	assert_in_range(echo->hold + echo->batch + 64, 0, HOLD_MAX);
	while (!stuck) {
		while (numbered.xid < echo->requests &&
		       numbered.xid - echo->received < echo->batch) {
			echo_send(echo->client, frame, sample_build(&numbered, frame));
			numbered.xid++;
		}
		serve(server);
		while (collect(echo, seen))
			;
		if (echo->echoed + echo->dropped == echo->requests)
			break;
		/* With none on their way there is nothing to wait for but more to send. */
		if (echo->received < numbered.xid || numbered.xid == echo->requests)
			wait_for_any(echo, &stuck);
	}
	free(seen);
	free(server);
}
