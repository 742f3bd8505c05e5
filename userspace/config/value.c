/* SPDX-License-Identifier: MIT */
#include "config/value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#define US_PER_S UINT64_C(1000000)

/* Longest first: the order in which a duration may use them. */
static const struct unit {
	char name[3];
	uint64_t size;
} time_units[] =
    {
	{"w", 7 * 24 * 3600 * US_PER_S},
	{"d", 24 * 3600 * US_PER_S},
	{"h", 3600 * US_PER_S},
	{"m", 60 * US_PER_S},
	{"s", US_PER_S},
	{"ms", 1000},
	{"us", 1},
},
  size_units[] = {
      {"T", UINT64_C(1) << 40},
      {"G", UINT64_C(1) << 30},
      {"M", UINT64_C(1) << 20},
      {"K", UINT64_C(1) << 10},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads digits at *text and moves it behind them. */
static int take_uint(const char **text, uint64_t *value)
{
	const char *p = *text;
	uint64_t v = 0;

	if (!is_digit(*p))
		return -EINVAL;
	for (; is_digit(*p); p++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *p - '0', &v))
			return -ERANGE;
	*text = p;
	*value = v;
	return 0;
}

int value_parse_uint(const char *text, uint64_t *value)
{
	uint64_t v;
	int err = take_uint(&text, &v);

	if (err)
		return err;
	if (*text)
		return -EINVAL;
	*value = v;
	return 0;
}

/* The unit whose name is the run of letters at *text; NULL when there is none such. */
static const struct unit *take_time_unit(const char **text)
{
	const size_t len = strcspn(*text, "0123456789");

	for (size_t i = 0; i < ARRAY_SIZE(time_units); i++) {
		const struct unit *unit = &time_units[i];

		if (len == strlen(unit->name) && memcmp(*text, unit->name, len) == 0) {
			*text += len;
			return unit;
		}
	}
	return NULL;
}

static int take_durations(const char *text, uint64_t *total_us)
{
	const struct unit *last = NULL;
	uint64_t total = 0;

	do {
		uint64_t v;
		int err = take_uint(&text, &v);

		if (err)
			return err;
		const struct unit *unit = take_time_unit(&text);
		if (!unit || (last && unit <= last))
			return -EINVAL;
		if (__builtin_mul_overflow(v, unit->size, &v) ||
		    __builtin_add_overflow(total, v, &total))
			return -ERANGE;
		last = unit;
	} while (*text);
	*total_us = total;
	return 0;
}

int value_parse_duration(const char *text, unsigned per_second, uint64_t *value)
{
	const uint64_t step = US_PER_S / per_second;
	uint64_t us;
	int err = value_parse_uint(text, &us);

	if (err == 0 && __builtin_mul_overflow(us, US_PER_S, &us))
		return -ERANGE;
	if (err == -EINVAL)
		err = take_durations(text, &us);
	if (err)
		return err;
	if (us % step != 0)
		return -EINVAL;
	*value = us / step;
	return 0;
}

int value_parse_size(const char *text, uint64_t *value)
{
	uint64_t v;
	int err = take_uint(&text, &v);

	if (err)
		return err;
	for (size_t i = 0; *text && i < ARRAY_SIZE(size_units); i++)
		if (strcmp(text, size_units[i].name) == 0) {
			if (__builtin_mul_overflow(v, size_units[i].size, &v))
				return -ERANGE;
			text += 1;
		}
	if (*text)
		return -EINVAL;
	*value = v;
	return 0;
}

int value_parse_hundredths(const char *text, uint64_t *value)
{
	uint64_t whole, fraction = 0;
	int err = take_uint(&text, &whole);

	if (err)
		return err;
	if (*text == '.') {
		const char *digits = ++text;

		for (uint64_t weight = 10; is_digit(*text); text++, weight /= 10)
			fraction += (*text - '0') * weight;
		if (text == digits)
			return -EINVAL;
	}
	const bool percent = *text == '%';
	if (percent)
		text++;
	if (*text)
		return -EINVAL;
	if (!percent && (__builtin_mul_overflow(whole, 100, &whole) ||
			 __builtin_add_overflow(whole, fraction, &whole)))
		return -ERANGE;
	*value = whole;
	return 0;
}

int value_parse_bool(const char *text, bool *value)
{
	static const char *const words[][2] = {{"false", "true"}, {"no", "yes"}, {"off", "on"}};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		for (int truth = 0; truth < 2; truth++)
			if (strcasecmp(text, words[i][truth]) == 0) {
				*value = truth;
				return 0;
			}
	return -EINVAL;
}

int value_parse_ip4(const char *text, uint32_t *addr)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) != 1)
		return -EINVAL;
	*addr = be32toh(in.s_addr);
	return 0;
}

/* The address in the first @p len bytes of @p text, blanks around it left out. */
static int parse_ip4_part(const char *text, size_t len, uint32_t *addr)
{
	char part[IP4_TEXT_MAX];

	for (; len > 0 && *text == ' '; text++)
		len--;
	while (len > 0 && text[len - 1] == ' ')
		len--;
	if (len >= sizeof(part))
		return -EINVAL;
	memcpy(part, text, len);
	part[len] = '\0';
	return value_parse_ip4(part, addr);
}

int value_parse_prefix(const char *text, uint32_t *addr, unsigned *len)
{
	const char *slash = strchr(text, '/');
	uint64_t bits;
	uint32_t a;

	if (!slash || parse_ip4_part(text, slash - text, &a) ||
	    value_parse_uint(slash + 1, &bits) || bits > 32)
		return -EINVAL;
	*addr = a;
	*len = bits;
	return 0;
}

int value_parse_range(const char *text, struct addr_range *range)
{
	const char *dash = strchr(text, '-');
	struct addr_range r;
	unsigned len;

	if (dash) {
		if (parse_ip4_part(text, dash - text, &r.first) ||
		    parse_ip4_part(dash + 1, strlen(dash + 1), &r.last))
			return -EINVAL;
	} else if (value_parse_prefix(text, &r.first, &len) == 0) {
		if (r.first & ~prefix_mask(len))
			return -EINVAL;
		r.last = r.first | ~prefix_mask(len);
	} else {
		if (value_parse_ip4(text, &r.first))
			return -EINVAL;
		r.last = r.first;
	}
	if (r.last < r.first)
		return -ERANGE;
	*range = r;
	return 0;
}

int value_parse_interval(const char *text, uint64_t *first, uint64_t *last)
{
	uint64_t a, b;
	int err = take_uint(&text, &a);

	if (err)
		return err;
	b = a;
	if (*text == '-') {
		text++;
		err = take_uint(&text, &b);
	}
	if (err)
		return err;
	if (*text || b < a)
		return -EINVAL;
	*first = a;
	*last = b;
	return 0;
}

static bool host_is_valid(const char *host, bool bracketed)
{
	struct in6_addr in6;
	uint32_t addr;

	if (bracketed)
		return inet_pton(AF_INET6, host, &in6) == 1;
	if (host[strspn(host, "0123456789.")] == '\0')
		return value_parse_ip4(host, &addr) == 0;
	for (const char *p = host; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '.' && *p != '-')
			return false;
	return host[0] != '-' && host[0] != '.';
}

int value_parse_host_port(const char *text, char *host, size_t cap, uint16_t *port)
{
	const bool bracketed = *text == '[';
	const char *colon = strrchr(text, ':');
	char buffer[256];
	uint64_t number;

	if (!colon || (bracketed && (colon - text < 2 || colon[-1] != ']')))
		return -EINVAL;
	const char *start = text + bracketed;
	const size_t len = colon - bracketed - start;
	if (len == 0 || len >= sizeof(buffer) || len >= cap)
		return -EINVAL;
	memcpy(buffer, start, len);
	buffer[len] = '\0';
	if (!host_is_valid(buffer, bracketed) || value_parse_uint(colon + 1, &number) ||
	    number < 1 || number > UINT16_MAX)
		return -EINVAL;
	memcpy(host, buffer, len + 1);
	*port = number;
	return 0;
}

const char *value_format_ip4(uint32_t addr, char *text)
{
	snprintf(text, IP4_TEXT_MAX, "%u.%u.%u.%u", addr >> 24, addr >> 16 & 0xff, addr >> 8 & 0xff,
		 addr & 0xff);
	return text;
}

const char *value_format_range(const struct addr_range *range, char *text)
{
	char first[IP4_TEXT_MAX], last[IP4_TEXT_MAX];

	value_format_ip4(range->first, first);
	if (range->first == range->last)
		snprintf(text, RANGE_TEXT_MAX, "%s", first);
	else
		snprintf(text, RANGE_TEXT_MAX, "%s-%s", first, value_format_ip4(range->last, last));
	return text;
}

const char *value_format_duration(uint64_t value, unsigned per_second, char *text)
{
	uint64_t us = value * (US_PER_S / per_second);
	size_t len = 0;

	/* weeks are understood but not spoken: "3650d" is easier to compare than "521w3d" */
	for (size_t i = 1; i < ARRAY_SIZE(time_units); i++) {
		const uint64_t n = us / time_units[i].size;

		us %= time_units[i].size;
		if (n > 0)
			len += snprintf(text + len, DURATION_TEXT_MAX - len, "%" PRIu64 "%s", n,
					time_units[i].name);
	}
	if (len == 0)
		snprintf(text, DURATION_TEXT_MAX, "0");
	return text;
}

const char *value_format_size(uint64_t value, char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(size_units); i++)
		if (value >= size_units[i].size && value % size_units[i].size == 0) {
			snprintf(text, DURATION_TEXT_MAX, "%" PRIu64 "%s",
				 value / size_units[i].size, size_units[i].name);
			return text;
		}
	snprintf(text, DURATION_TEXT_MAX, "%" PRIu64, value);
	return text;
}
