/* SPDX-License-Identifier: MIT */
/*
 * Configured text to wire form. Each type has one row at the end of this file: what it accepts
 * and the function that encodes one value of it.
 */
#include "dhcp/option_table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <strings.h>

#include "dhcp/hex.h"

#define LABEL_MAX    63
#define NAME_MAX_LEN 255    /* RFC 1035 section 3.1, the root's byte included */
#define POINTER      0xc000 /* section 4.1.4 */
#define POINTER_MAX  0x3fff
#define WORD_MAX     64

/* Where encoders write. Running out of room is remembered, not reported at each step. */
struct sink {
	uint8_t *bytes;
	size_t used, cap;
	bool full;
};

/* Encodes one value; NULL or why not. */
typedef const char *encode_fn(struct sink *sink, const struct option_def *def, const char *value);

static void sink_put(struct sink *sink, const void *data, size_t len)
{
	if (sink->full || len > sink->cap - sink->used) {
		sink->full = true;
		return;
	}
	if (len)
		memcpy(sink->bytes + sink->used, data, len);
	sink->used += len;
}

static void sink_put_number(struct sink *sink, uint32_t value, size_t width)
{
	uint8_t wire[4];

	store_be32(wire, value);
	sink_put(sink, wire + sizeof(wire) - width, width);
}

/* The next run of non-blanks; false when there is none or it is too long to mean anything. */
static bool next_word(const char **cursor, char word[WORD_MAX])
{
	size_t len;

	*cursor += strspn(*cursor, " \t");
	len = strcspn(*cursor, " \t");
	if (len == 0 || len >= WORD_MAX)
		return false;
	memcpy(word, *cursor, len);
	word[len] = '\0';
	*cursor += len;
	return true;
}

static bool at_end(const char *cursor)
{
	return cursor[strspn(cursor, " \t")] == '\0';
}

/* Digits alone: no sign, no blanks, no other base. */
static bool parse_decimal(const char *text, uint64_t max, uint64_t *value)
{
	uint64_t v = 0;

	if (*text == '\0')
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		v = v * 10 + (uint64_t)(*text - '0');
		if (v > max)
			return false;
	}
	*value = v;
	return true;
}

static bool parse_ip4(const char *text, uint8_t wire[4])
{
	return inet_pton(AF_INET, text, wire) == 1;
}

static bool parse_prefix_len(const char *text, uint32_t *mask, uint64_t *len)
{
	if (!parse_decimal(text, 32, len))
		return false;
	*mask = *len ? UINT32_MAX << (32 - *len) : 0;
	return true;
}

static const char *encode_ip4(struct sink *sink, const struct option_def *def, const char *value)
{
	uint8_t wire[4];

	if (!parse_ip4(value, wire))
		return "not an IPv4 address";
	sink_put(sink, wire, sizeof(wire));
	return NULL;
}

static const char *encode_ip4_pair(struct sink *sink, const struct option_def *def,
				   const char *value)
{
	char word[WORD_MAX], other[WORD_MAX];
	uint8_t first[4], second[4];
	uint32_t mask;
	uint64_t len;

	if (!next_word(&value, word))
		return "not a pair of IPv4 addresses";
	char *slash = strchr(word, '/');
	if (slash) {
		*slash = '\0';
		strcpy(other, slash + 1); /* a part of word, which is as large */
	} else if (!next_word(&value, other)) {
		return "not a pair of IPv4 addresses";
	}
	if (slash && parse_prefix_len(other, &mask, &len))
		store_be32(second, mask);
	else if (!parse_ip4(other, second))
		return "the second of the pair is no IPv4 address";
	if (!parse_ip4(word, first))
		return "the first of the pair is no IPv4 address";
	if (!at_end(value))
		return "something follows the pair";
	sink_put(sink, first, sizeof(first));
	sink_put(sink, second, sizeof(second));
	return NULL;
}

static const char *encode_unsigned(struct sink *sink, const struct option_def *def,
				   const char *value, size_t width)
{
	uint64_t max = (UINT64_C(1) << (8 * width)) - 1, number;

	if (!parse_decimal(value, max, &number))
		return "not a whole number in the option's range";
	if (number < def->min)
		return "the number is smaller than the option allows";
	sink_put_number(sink, (uint32_t)number, width);
	return NULL;
}

static const char *encode_u8(struct sink *sink, const struct option_def *def, const char *value)
{
	return encode_unsigned(sink, def, value, 1);
}

static const char *encode_u16(struct sink *sink, const struct option_def *def, const char *value)
{
	return encode_unsigned(sink, def, value, 2);
}

static const char *encode_u32(struct sink *sink, const struct option_def *def, const char *value)
{
	return encode_unsigned(sink, def, value, 4);
}

static const char *encode_s32(struct sink *sink, const struct option_def *def, const char *value)
{
	bool negative = value[0] == '-';
	uint64_t magnitude;

	if (!parse_decimal(value + negative, (uint64_t)INT32_MAX + negative, &magnitude))
		return "not a whole number in the option's range";
	sink_put_number(sink, (uint32_t)(negative ? -magnitude : magnitude), 4);
	return NULL;
}

static const char *encode_bool(struct sink *sink, const struct option_def *def, const char *value)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcasecmp(value, words[i]) == 0) {
			sink_put_number(sink, i & 1, 1);
			return NULL;
		}
	}
	return "neither true nor false";
}

static const char *encode_text(struct sink *sink, const struct option_def *def, const char *value)
{
	if (value[0] == '\0')
		return "the text is empty";
	for (const char *c = value; *c; c++)
		if (*c < 0x20 || *c > 0x7e)
			return "the text has a character other than printable ASCII";
	sink_put(sink, value, strlen(value));
	return NULL;
}

static const char *encode_hex(struct sink *sink, const struct option_def *def, const char *value)
{
	const char *text = value;
	bool colons;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	if (*text == '\0')
		return "there are no bytes";
	colons = text == value && strlen(text) > 2 && text[2] == ':';
	while (*text) {
		int byte = hex_byte(text);
		if (byte < 0)
			return "not hexadecimal digits, two for each byte";
		sink_put(sink, &(uint8_t){(uint8_t)byte}, 1);
		text += 2;
		if (!colons || *text == '\0')
			continue;
		if (*text != ':' || text[1] == '\0')
			return "a colon must stand between all bytes or none";
		text++;
	}
	return NULL;
}

/* A name as labels and the root; its length in *len. RFC 1035 section 3.1, underscores allowed. */
static const char *parse_name(const char *text, uint8_t wire[NAME_MAX_LEN], size_t *len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_";
	size_t used = 0;

	do {
		size_t label = strspn(text, allowed);
		if (label == 0)
			return "a domain name has an empty label or a character that none may have";
		if (label > LABEL_MAX)
			return "a label of a domain name is longer than 63 characters";
		if (used + 1 + label + 1 > NAME_MAX_LEN)
			return "a domain name is longer than 255 bytes";
		wire[used] = (uint8_t)label;
		memcpy(wire + used + 1, text, label);
		used += 1 + label;
		text += label;
		if (*text == '\0')
			break;
		if (*text != '.')
			return "a domain name has an empty label or a character that none may have";
		text++;
	} while (*text);
	wire[used++] = 0;
	*len = used;
	return NULL;
}

/* Whether the encoded name at an offset is this one. Pointers there are ours: they lead back. */
static bool same_name(const uint8_t *bytes, size_t at, const uint8_t *name)
{
	for (;;) {
		while (bytes[at] >= POINTER >> 8)
			at = load_be16(bytes + at) & POINTER_MAX;
		if (bytes[at] != *name)
			return false;
		if (*name == 0)
			return true;
		if (strncasecmp((const char *)bytes + at + 1, (const char *)name + 1, *name) != 0)
			return false;
		at += 1 + (size_t)*name;
		name += 1 + *name;
	}
}

/* Offset of a name that is already in the option, or -1. */
static int find_name(const struct sink *sink, const uint8_t *name)
{
	for (size_t at = 0; at < sink->used && at <= POINTER_MAX;) {
		uint8_t label = sink->bytes[at];
		if (label >= POINTER >> 8) {
			at += 2;
			continue;
		}
		if (label && same_name(sink->bytes, at, name))
			return (int)at;
		at += 1 + (size_t)label;
	}
	return -1;
}

static const char *encode_name(struct sink *sink, const struct option_def *def, const char *value)
{
	uint8_t wire[NAME_MAX_LEN];
	size_t len;
	const char *why = parse_name(value, wire, &len);

	if (!why)
		sink_put(sink, wire, len);
	return why;
}

static const char *encode_name_compressed(struct sink *sink, const struct option_def *def,
					  const char *value)
{
	uint8_t wire[NAME_MAX_LEN];
	size_t len, kept = 0;
	const char *why = parse_name(value, wire, &len);
	int found = -1;

	if (why || sink->full)
		return why;
	while (wire[kept] && (found = find_name(sink, wire + kept)) < 0)
		kept += 1 + (size_t)wire[kept];
	if (found < 0) {
		sink_put(sink, wire, len);
		return NULL;
	}
	store_be16(wire + kept, (uint16_t)(POINTER | found));
	sink_put(sink, wire, kept + 2);
	return NULL;
}

/* RFC 3442: prefix length, the prefix's significant bytes, the router. */
static const char *encode_route(struct sink *sink, const struct option_def *def, const char *value)
{
	char prefix[WORD_MAX], router[WORD_MAX];
	uint8_t destination[4], via[4];
	uint32_t mask;
	uint64_t len;

	if (!next_word(&value, prefix) || !next_word(&value, router) ||
	    (strcmp(router, "via") == 0 && !next_word(&value, router)) || !at_end(value))
		return "not of the form \"10.0.0.0/8 via 10.6.0.1\"";
	char *slash = strchr(prefix, '/');
	if (!slash || !parse_prefix_len(slash + 1, &mask, &len))
		return "the destination needs a prefix length of 0 to 32";
	*slash = '\0';
	if (!parse_ip4(prefix, destination))
		return "the destination is no IPv4 address";
	if (!parse_ip4(router, via))
		return "the router is no IPv4 address";
	if (load_be32(destination) & ~mask)
		return "the destination has bits set behind its prefix";
	sink_put_number(sink, (uint32_t)len, 1);
	sink_put(sink, destination, (len + 7) / 8);
	sink_put(sink, via, sizeof(via));
	return NULL;
}

/* RFC 3925: enterprise number, length, data. */
static const char *encode_vendor(struct sink *sink, const struct option_def *def, const char *value)
{
	uint8_t data[UINT8_MAX];
	struct sink inner = {.bytes = data, .cap = sizeof(data)};
	char number[WORD_MAX];
	uint64_t enterprise;
	const char *why;

	if (!next_word(&value, number) || !parse_decimal(number, UINT32_MAX, &enterprise))
		return "does not begin with an enterprise number";
	value += strspn(value, " \t");
	why = encode_hex(&inner, def, value);
	if (why)
		return why;
	if (inner.full)
		return "more than 255 bytes for one enterprise number";
	sink_put_number(sink, (uint32_t)enterprise, 4);
	sink_put_number(sink, (uint32_t)inner.used, 1);
	sink_put(sink, data, inner.used);
	return NULL;
}

static const char *encode_reserved(struct sink *sink, const struct option_def *def,
				   const char *value)
{
	return "the server sets this option itself";
}

static const struct {
	const char *help;
	encode_fn *encode;
	bool list; /* takes several values */
} types[OPTION_TYPE_COUNT] = {
    [OPTION_IP4] = {"one IPv4 address", encode_ip4, false},
    [OPTION_IP4_LIST] = {"IPv4 addresses", encode_ip4, true},
    [OPTION_IP4_PAIRS] = {"pairs of IPv4 addresses, each \"a b\" or \"a/mask\"", encode_ip4_pair,
			  true},
    [OPTION_U8] = {"a number up to 255", encode_u8, false},
    [OPTION_U16] = {"a number up to 65535", encode_u16, false},
    [OPTION_U16_LIST] = {"numbers up to 65535", encode_u16, true},
    [OPTION_U32] = {"a number up to 4294967295", encode_u32, false},
    [OPTION_S32] = {"a number from -2147483648 to 2147483647", encode_s32, false},
    [OPTION_BOOL] = {"true or false", encode_bool, false},
    [OPTION_TEXT] = {"ASCII text", encode_text, false},
    [OPTION_HEX] = {"hexadecimal bytes, such as 0a:0b:0c", encode_hex, false},
    [OPTION_DOMAIN_LIST] = {"domain names", encode_name_compressed, true},
    [OPTION_DOMAIN_NAMES] = {"domain names", encode_name, true},
    [OPTION_ROUTES] = {"routes, each \"10.0.0.0/8 via 10.6.0.1\"", encode_route, true},
    [OPTION_VENDOR] = {"vendor data, each \"enterprise-number hexadecimal-bytes\"", encode_vendor,
		       true},
    [OPTION_RESERVED] = {"nothing: the server sets it itself", encode_reserved, true},
};

const char *option_type_help(enum option_type type)
{
	return (unsigned)type < OPTION_TYPE_COUNT ? types[type].help : "nothing";
}

int option_encode(const struct option_def *def, const char *const *values, size_t n, uint8_t *out,
		  size_t cap, const char **why)
{
	struct sink sink = {.bytes = out, .cap = min_size(cap, INT32_MAX)};
	const char *problem = NULL;

	if (n == 0)
		problem = "a value is missing";
	else if (n > 1 && !types[def->type].list)
		problem = "the option takes one value only";
	for (size_t i = 0; i < n && !problem; i++)
		problem = types[def->type].encode(&sink, def, values[i]);
	if (problem) {
		*why = problem;
		return -EINVAL;
	}
	return sink.full ? -ENOSPC : (int)sink.used;
}
