/* SPDX-License-Identifier: MIT */
#include "perf/value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "perf/options.h"

bool value_text(const char *text, double min, double max, void *field)
{
	(void)min;
	(void)max;
	if (!*text)
		return false;
	*(const char **)field = text;
	return true;
}

/* A number up to @p end, perhaps with a multiplier; false when there is anything else. */
static bool read_number(const char *text, const char *end, double *number)
{
	char *rest;

	if (!isdigit((unsigned char)*text))
		return false;
	*number = strtod(text, &rest);
	if (*rest == 'k')
		*number *= 1e3;
	else if (*rest == 'M')
		*number *= 1e6;
	rest += *rest == 'k' || *rest == 'M';
	return rest == end && isfinite(*number);
}

bool value_real(const char *text, double min, double max, void *field)
{
	double number;

	if (!read_number(text, text + strlen(text), &number) || number < min || number > max)
		return false;
	*(double *)field = number;
	return true;
}

static bool read_whole(const char *text, const char *end, double min, double max, double *number)
{
	return read_number(text, end, number) && *number == floor(*number) && *number >= min &&
	       *number <= max;
}

bool value_u32(const char *text, double min, double max, void *field)
{
	double number;

	if (!read_whole(text, text + strlen(text), min, max, &number))
		return false;
	*(uint32_t *)field = (uint32_t)number;
	return true;
}

bool value_u64(const char *text, double min, double max, void *field)
{
	double number;

	if (!read_whole(text, text + strlen(text), min, max, &number))
		return false;
	/* Beyond 2^53 a double is rounded; plain digits are not. */
	*(uint64_t *)field = number < 9e15 ? (uint64_t)number : strtoull(text, NULL, 10);
	return true;
}

bool value_address(const char *text, double min, double max, void *field)
{
	struct in_addr address;

	(void)min;
	(void)max;
	if (inet_pton(AF_INET, text, &address) != 1 || address.s_addr == 0)
		return false;
	*(uint32_t *)field = ntohl(address.s_addr);
	return true;
}

bool value_mac(const char *text, double min, double max, void *field)
{
	unsigned byte[6];
	uint64_t mac = 0;
	int end = 0;

	(void)min;
	(void)max;
	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &byte[0], &byte[1], &byte[2], &byte[3],
		   &byte[4], &byte[5], &end) != 6 ||
	    text[end] != '\0')
		return false;
	for (size_t i = 0; i < 6; i++)
		mac = mac << 8 | byte[i];
	*(uint64_t *)field = mac;
	return true;
}

bool value_range(const char *text, double min, double max, void *field)
{
	const char *end = text + strlen(text);
	const char *dash = strchr(text, '-');
	double first, last;

	if (!read_whole(text, dash ? dash : end, min, max, &first))
		return false;
	last = first;
	if (dash && (!read_whole(dash + 1, end, min, max, &last) || last < first))
		return false;
	*(struct number_range *)field = (struct number_range){(uint32_t)first, (uint32_t)last};
	return true;
}

static const char *const activities[ACTIVITY_COUNT] = {
    [ACTIVITY_DORA] = "dora",     [ACTIVITY_OFFER] = "offer",   [ACTIVITY_RENEW] = "renew",
    [ACTIVITY_REBIND] = "rebind", [ACTIVITY_REBOOT] = "reboot", [ACTIVITY_RELEASE] = "release",
};

static bool read_weight(const char *text, const char *end, uint32_t *weights)
{
	for (size_t i = 0; i < ACTIVITY_COUNT; i++) {
		size_t len = strlen(activities[i]);
		double weight;

		if (strncmp(text, activities[i], len) != 0 || text[len] != '=')
			continue;
		if (!read_whole(text + len + 1, end, 0, 1e6, &weight))
			return false;
		weights[i] = (uint32_t)weight;
		return true;
	}
	return false;
}

bool value_weights(const char *text, double min, double max, void *field)
{
	uint32_t weights[ACTIVITY_COUNT] = {0};

	(void)min;
	(void)max;
	for (;;) {
		const char *end = text + strcspn(text, ",");

		if (!read_weight(text, end, weights))
			return false;
		if (*end == '\0')
			break;
		text = end + 1;
	}
	memcpy(field, weights, sizeof(weights));
	return true;
}
