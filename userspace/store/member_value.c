/* SPDX-License-Identifier: MIT */
#include "store/member_value.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- a flat JSON object, a token at a time ---- */

struct cursor {
	const uint8_t *at, *end;
};

static void skip_blanks(struct cursor *c)
{
	while (c->at < c->end && (*c->at == ' ' || (*c->at >= '\t' && *c->at <= '\r')))
		c->at++;
}

static bool take(struct cursor *c, char wanted)
{
	skip_blanks(c);
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

/* Escapes have no place in what servers write. */
static bool take_text(struct cursor *c, struct span *out)
{
	const uint8_t *end;

	if (!take(c, '"'))
		return false;
	end = memchr(c->at, '"', (size_t)(c->end - c->at));
	if (!end)
		return false;
	*out = (struct span){c->at, (size_t)(end - c->at)};
	c->at = end + 1;
	return !memchr(out->data, '\\', out->len);
}

static bool take_number(struct cursor *c, int64_t *out)
{
	uint64_t value = 0;
	size_t digits = 0;

	skip_blanks(c);
	for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
		if (++digits > 19)
			return false;
		value = 10 * value + (*c->at - '0');
	}
	/* Sums and differences of any two must not overflow: to the year 2116. */
	if (!digits || value > INT64_MAX / 2)
		return false;
	*out = (int64_t)value;
	return true;
}

/* ---- what is known ---- */

enum field_kind { FIELD_TEXT, FIELD_NUMBER, FIELD_HEX };

static const struct field {
	const char *name;
	enum field_kind kind;
	size_t offset, size;
} fields[] = {
#define AT(member) offsetof(struct member_value, member), sizeof(((struct member_value *)0)->member)
	{"version", FIELD_TEXT, AT(version)},
	{"server", FIELD_TEXT, AT(server)},
	{"started", FIELD_NUMBER, AT(started_s)},
	{"instance", FIELD_HEX, AT(instance)},
	{"clock_ns", FIELD_NUMBER, AT(clock_ns)},
	{"seen", FIELD_NUMBER, AT(seen)},
	{"idle", FIELD_NUMBER, AT(idle)},
#undef AT
};

static const struct field *find_field(struct span name)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (strlen(fields[i].name) == name.len &&
		    !memcmp(fields[i].name, name.data, name.len))
			return &fields[i];
	return NULL;
}

static bool parse_hex(struct span text, uint64_t *out)
{
	uint64_t value = 0;

	if (!text.len || text.len > 16)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*out = value;
	return true;
}

static bool set_text(const struct field *field, struct span text, struct member_value *out)
{
	char *to = (char *)out + field->offset;

	if (field->kind == FIELD_HEX)
		return parse_hex(text, &out->instance);
	if (field->kind != FIELD_TEXT || text.len >= field->size)
		return false;
	for (size_t i = 0; i < text.len; i++) /* it goes to logs and metrics */
		if (text.data[i] < 0x20 || text.data[i] >= 0x7f)
			return false;
	memcpy(to, text.data, text.len);
	to[text.len] = '\0';
	return true;
}

static bool take_value(struct cursor *c, const struct field *field, struct member_value *out)
{
	struct span text;
	int64_t number;

	skip_blanks(c);
	if (c->at < c->end && *c->at == '"')
		return take_text(c, &text) && (!field || set_text(field, text, out));
	if ((field && field->kind != FIELD_NUMBER) || !take_number(c, &number))
		return false;
	if (field)
		memcpy((char *)out + field->offset, &number, sizeof(number));
	return true;
}

bool member_value_parse(struct span text, struct member_value *out)
{
	struct cursor c = {text.data, text.data + text.len};
	struct member_value value = {.started_s = 0};
	struct span name;

	if (!take(&c, '{'))
		return false;
	if (!take(&c, '}')) {
		do {
			if (!take_text(&c, &name) || !take(&c, ':') ||
			    !take_value(&c, find_field(name), &value))
				return false;
		} while (take(&c, ','));
		if (!take(&c, '}'))
			return false;
	}
	skip_blanks(&c);
	if (c.at != c.end)
		return false;
	*out = value;
	return true;
}

size_t member_value_write(const struct member_value *value, char out[MEMBER_VALUE_MAX])
{
	return (size_t)snprintf(out, MEMBER_VALUE_MAX,
				"{\"version\":\"%s\",\"started\":%" PRId64 ",\"instance\":\"%016" PRIx64
				"\",\"clock_ns\":%" PRId64 ",\"seen\":%" PRId64
				",\"idle\":%" PRId64 "}",
				value->version, value->started_s, value->instance, value->clock_ns,
				value->seen, value->idle);
}

size_t member_value_write_clock(const struct member_value *value, char out[MEMBER_VALUE_MAX])
{
	return (size_t)snprintf(out, MEMBER_VALUE_MAX, "{\"clock_ns\":%" PRId64 ",\"server\":\"%s\"}",
				value->clock_ns, value->server);
}
