/* SPDX-License-Identifier: MIT */
/**
 * support.h - requests put together byte by byte, and replies taken apart again.
 *
 * Nothing here calls the code under test: the reader of options is a second, plain one.
 */
#ifndef ETCDHCP_TESTS_DHCP_SUPPORT_H
#define ETCDHCP_TESTS_DHCP_SUPPORT_H

/* clang-format off: cmocka wants these before itself */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdlib.h>

#include "dhcp/reply.h"

/** Bytes given as a literal: BYTES("\x01\x02") is data, length. */
#define BYTES(literal) (const uint8_t *)(literal), sizeof(literal) - 1

/** The same as a span. */
#define SPAN(literal) ((struct span){BYTES(literal)})

struct message {
	uint8_t bytes[4096];
	size_t len;
};

/** A BOOTREQUEST over Ethernet with xid 0x12345678 and chaddr 08:9e:08:b5:af:01, no options. */
void message_init(struct message *message);
/** The same with option 53. */
void message_init_type(struct message *message, uint8_t type);
/** Appends an option of up to 255 bytes, then any bytes, then END. */
void message_option(struct message *message, uint8_t code, const void *data, size_t len);
void message_raw(struct message *message, const void *data, size_t len);
void message_end(struct message *message);

/** Copies bytes so that the first one behind them cannot be read or written; freed with guard_free.
 */
uint8_t *guard_copy(const void *data, size_t len);
void guard_free(uint8_t *copy, size_t len);

/** Parses and expects that to succeed. */
void must_parse(struct dhcp_request *request, const struct message *message);

/** What a reply says of one option, its instances joined in the order options, file, sname. */
struct found {
	size_t instances;
	size_t len;
	uint8_t data[4096];
};

struct found reply_find(const uint8_t *reply, size_t len, uint8_t code);
/** Expects exactly these bytes, in one instance or several. */
void reply_expect(const uint8_t *reply, size_t len, uint8_t code, const void *data, size_t n);
void reply_expect_absent(const uint8_t *reply, size_t len, uint8_t code);
/** The codes of the options field in order, instances counted; returns how many. */
size_t reply_codes(const uint8_t *reply, size_t len, uint8_t codes[256]);
/** Where the options field's END is, counted from the start of the message. */
size_t reply_end(const uint8_t *reply, size_t len);

/** A set of "name=value[|value...]" definitions; a trailing "!" on the name means always. */
struct option_set *set_of(const char *const *definitions, size_t n);
#define SET(...)                                                                                   \
	set_of((const char *const[]){__VA_ARGS__},                                                 \
	       sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

#endif
