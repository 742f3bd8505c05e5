/* SPDX-License-Identifier: MIT */
/**
 * dhcp/client_id.h - what identifies a client (RFC 2131 section 2: option 61, else chaddr).
 *
 * In memory: one byte of kind, then the raw bytes. In the store and in logs, text:
 * `id:<hex of option 61>` or `mac:<aa:bb:..>`; both forms name the same client everywhere.
 */
#ifndef ETCDHCP_DHCP_CLIENT_ID_H
#define ETCDHCP_DHCP_CLIENT_ID_H

#include "dhcp/message.h"

#define CLIENT_ID_MAX 256 /* kind + 255 */
#define CLIENT_ID_TEXT_MAX (3 + 2 * 255 + 1)

enum client_id_kind { CLIENT_ID_MAC = 'm', CLIENT_ID_OPTION = 'i' };

struct client_id {
	uint16_t len;                 /* of bytes, kind included; 0: nobody */
	uint8_t bytes[CLIENT_ID_MAX]; /* only the first len are meaningful */
};

/** From option 61 when present, else from chaddr (hlen bytes). Never fails on a parsed request. */
void client_id_from_request(struct client_id *id, const struct dhcp_request *request);
/** From chaddr alone: what reservations by MAC match. */
void client_id_from_chaddr(struct client_id *id, const struct dhcp_request *request);
/** Text -> id; -EINVAL unless it is exactly one of the two forms (hex in either case). */
int client_id_parse(struct client_id *id, const char *text, size_t len);
/** id -> text with NUL, at most CLIENT_ID_TEXT_MAX bytes; returns its length. */
size_t client_id_format(const uint8_t *id, size_t id_len, char *text);

static inline bool client_id_equal(const struct client_id *a, const uint8_t *bytes, size_t len)
{
	return a->len == len && memcmp(a->bytes, bytes, len) == 0;
}

#endif
