/* SPDX-License-Identifier: MIT */
#include "dhcp/client_id.h"

#include <errno.h>

#include "dhcp/hex.h"

#define OPTION_MIN 2 /* RFC 2132 section 9.14 */

void client_id_from_chaddr(struct client_id *id, const struct dhcp_request *request)
{
	const struct dhcp_header *header = request->header;

	id->len = 0;
	if (header->hlen == 0)
		return;
	id->bytes[0] = CLIENT_ID_MAC;
	memcpy(id->bytes + 1, header->chaddr, sizeof(header->chaddr)); /* all: a fixed length is faster */
	id->len = 1u + header->hlen;
}

void client_id_from_request(struct client_id *id, const struct dhcp_request *request)
{
	struct span option = request->opt[DHCP_WANT_CLIENT_ID];

	if (!option.data) {
		client_id_from_chaddr(id, request);
		return;
	}
	id->bytes[0] = CLIENT_ID_OPTION;
	memcpy(id->bytes + 1, option.data, option.len);
	id->len = (uint16_t)(1 + option.len);
}

/*
 * Two digits a byte, @p gap characters (colons) between bytes. How many bytes, 0 when the text
 * is anything else or longer than @p max bytes.
 */
static size_t parse_bytes(uint8_t *out, size_t max, const char *text, size_t len, size_t gap)
{
	size_t step = 2 + gap, n = (len + gap) / step;

	if (n == 0 || n > max || n * step != len + gap)
		return 0;
	for (size_t i = 0; i < n; i++) {
		const char *digits = text + i * step;
		int byte = hex_byte(digits);
		if (byte < 0 || (gap && i + 1 < n && digits[2] != ':'))
			return 0;
		out[i] = (uint8_t)byte;
	}
	return n;
}

int client_id_parse(struct client_id *id, const char *text, size_t len)
{
	struct client_id parsed;
	size_t n = 0;

	if (len > 4 && memcmp(text, "mac:", 4) == 0) {
		parsed.bytes[0] = CLIENT_ID_MAC;
		n = parse_bytes(parsed.bytes + 1, DHCP_CHADDR_LEN, text + 4, len - 4, 1);
	} else if (len > 3 && memcmp(text, "id:", 3) == 0) {
		parsed.bytes[0] = CLIENT_ID_OPTION;
		n = parse_bytes(parsed.bytes + 1, CLIENT_ID_MAX - 1, text + 3, len - 3, 0);
		if (n < OPTION_MIN)
			n = 0;
	}
	if (n == 0)
		return -EINVAL;
	id->len = (uint16_t)(1 + n);
	memcpy(id->bytes, parsed.bytes, id->len);
	return 0;
}

size_t client_id_format(const uint8_t *id, size_t id_len, char *text)
{
	static const char digits[] = "0123456789abcdef";
	bool mac = id_len > 1 && id[0] == CLIENT_ID_MAC;
	char *at = text;

	text[0] = '\0';
	if (id_len < 2 || id_len > CLIENT_ID_MAX || (mac && id_len > 1 + DHCP_CHADDR_LEN) ||
	    (!mac && id[0] != CLIENT_ID_OPTION))
		return 0;
	at = mac ? mempcpy(at, "mac:", 4) : mempcpy(at, "id:", 3);
	for (size_t i = 1; i < id_len; i++) {
		if (mac && i > 1)
			*at++ = ':';
		*at++ = digits[id[i] >> 4];
		*at++ = digits[id[i] & 15];
	}
	*at = '\0';
	return (size_t)(at - text);
}
