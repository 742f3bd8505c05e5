/* SPDX-License-Identifier: MIT */
/** exchange.h - a request and the reply to it, in a buffer with room for everything. */
#ifndef ETCDHCP_TESTS_DHCP_EXCHANGE_H
#define ETCDHCP_TESTS_DHCP_EXCHANGE_H

#include "support.h"

#define CAP 2048

struct exchange {
	struct message message;
	struct dhcp_request request;
	struct dhcp_reply reply;
	int len;
};

static const uint8_t asks_for[] = {1, 3, 6, 15, 28, 51, 58, 59, 42};

/* A REQUEST and the ACK for it, which tests then change. */
static inline void start(struct exchange *x)
{
	message_init_type(&x->message, DHCP_REQUEST);
	x->reply = (struct dhcp_reply){
	    .type = DHCP_ACK,
	    .server_id = 0x0a060001,
	    .yiaddr = 0x0a06090a,
	    .lease_s = 3600,
	    .t1_s = 1800,
	    .t2_s = 3150,
	    .subnet_mask = 0xffff0000,
	    .mtu = 1500,
	};
}

static inline void build(struct exchange *x)
{
	must_parse(&x->request, &x->message);
	x->len = dhcp_reply_build(x->message.bytes, CAP, &x->request, &x->reply);
	assert_true(x->len >= DHCP_MIN_MESSAGE);
}

/* Behind END there are zeros, whatever the request had there. */
static inline void expect_clean_end(const struct exchange *x)
{
	for (size_t at = reply_end(x->message.bytes, (size_t)x->len) + 1; at < (size_t)x->len; at++)
		assert_int_equal(x->message.bytes[at], 0);
}

static inline void expect(const struct exchange *x, uint8_t code, const void *data, size_t len)
{
	reply_expect(x->message.bytes, (size_t)x->len, code, data, len);
}

static inline void expect_absent(const struct exchange *x, uint8_t code)
{
	reply_expect_absent(x->message.bytes, (size_t)x->len, code);
}

static inline void expect_codes(const struct exchange *x, struct span codes)
{
	uint8_t found[256];
	size_t n = reply_codes(x->message.bytes, (size_t)x->len, found);

	assert_int_equal(n, codes.len);
	assert_memory_equal(found, codes.data, n);
}

#endif
