/* SPDX-License-Identifier: MIT */
/**
 * Options as text: a name on the first line, a value on each other one.
 *
 * The result does not depend on the room, a refusal says why, and domain names lead nowhere but to
 * names. The first line is tried as a client's name, too.
 */
#include <errno.h>

#include "fuzz.h"

#include "dhcp/client_id.h"
#include "dhcp/option_table.h"

#define VALUES_MAX 64
#define WIRE_MAX   65536

/* How many names an option holds, following each to its end. */
static size_t count_names(const uint8_t *wire, size_t len)
{
	size_t n = 0, at = 0;

	for (; at < len; n++) {
		size_t here = at, name_len = 0;
		bool jumped = false;
		while (wire[here] != 0) {
			if (wire[here] >= 0xc0) {
				size_t target = load_be16(wire + here) & 0x3fff;
				CHECK(target < here);
				at = jumped ? at : here + 2;
				jumped = true;
				here = target;
				continue;
			}
			CHECK(wire[here] <= 63 && here + 1 + wire[here] < len);
			name_len += 1 + (size_t)wire[here];
			CHECK(name_len < 255);
			here += 1 + (size_t)wire[here];
		}
		at = jumped ? at : here + 1;
	}
	return n;
}

static void check_wire(const struct option_def *def, const uint8_t *wire, size_t len, size_t n)
{
	static const uint8_t unit[OPTION_TYPE_COUNT] = {
	    [OPTION_IP4] = 4, [OPTION_IP4_LIST] = 4, [OPTION_IP4_PAIRS] = 8,
	    [OPTION_U8] = 1,  [OPTION_U16] = 2,      [OPTION_U16_LIST] = 2,
	    [OPTION_U32] = 4, [OPTION_S32] = 4,      [OPTION_BOOL] = 1,
	};

	CHECK(len > 0 && def->type != OPTION_RESERVED);
	CHECK(!unit[def->type] || len == unit[def->type] * n);
	if (def->type == OPTION_DOMAIN_LIST || def->type == OPTION_DOMAIN_NAMES)
		CHECK(count_names(wire, len) == n);
}

static void encode(const struct option_def *def, const char *const *values, size_t n)
{
	static uint8_t wire[WIRE_MAX];
	const char *why = NULL;
	int len = option_encode(def, values, n, wire, sizeof(wire), &why);

	if (len < 0) {
		CHECK(len == -EINVAL || len == -ENOSPC);
		CHECK(len != -EINVAL || why);
		return;
	}
	check_wire(def, wire, (size_t)len, n);
	uint8_t *exact = malloc((size_t)len);
	CHECK(exact);
	CHECK(option_encode(def, values, n, exact, (size_t)len, &why) == len);
	CHECK(memcmp(exact, wire, (size_t)len) == 0);
	CHECK(option_encode(def, values, n, exact, (size_t)len - 1, &why) == -ENOSPC);
	free(exact);
}

static void name_client(const char *text)
{
	char again[CLIENT_ID_TEXT_MAX];
	struct client_id id, parsed;

	if (client_id_parse(&id, text, strlen(text)) != 0)
		return;
	CHECK(client_id_format(id.bytes, id.len, again) == strlen(text));
	CHECK(client_id_parse(&parsed, again, strlen(again)) == 0);
	CHECK(client_id_equal(&parsed, id.bytes, id.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *values[VALUES_MAX];
	char *text = malloc(size + 1), *rest, *line;
	size_t n = 0;

	CHECK(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	rest = text;
	line = strsep(&rest, "\n");
	while (rest && n < VALUES_MAX)
		values[n++] = strsep(&rest, "\n");
	const struct option_def *def = option_find(line);
	if (def)
		encode(def, values, n);
	name_client(line);
	free(text);
	return 0;
}
