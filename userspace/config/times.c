/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "config/section.h"
#include "config/value.h"

#define DAY_S       UINT64_C(86400)
#define LEASE_MAX_S (3650 * DAY_S)
#define MIN_FLOOR_S 60
#define EXTEND_PCT  150

/* The longest hold, ten times the longest lease, still fits 32 bits of seconds. */
static_assert(LEASE_MAX_S * 1000 / 100 <= UINT32_MAX, "a hold must fit");

/* What has no fallback here is derived from the lease time or the horizon, below. */
/* clang-format off */
#define AT(member) FIELD(struct config_times, member)
static const struct schema_key times_keys[] = {
	{"lease-time", VALUE_SECONDS, 1, LEASE_MAX_S, "1h", AT(lease_s)},
	{"min-lease-time", VALUE_SECONDS, 1, LEASE_MAX_S, AT(min_s)},
	{"max-lease-time", VALUE_SECONDS, 1, LEASE_MAX_S, AT(max_s)},
	{"horizon", VALUE_PERCENT, 100, 1000, "2.0", AT(horizon_pct)},
	{"extend-below", VALUE_PERCENT, 1, 1000, AT(extend_pct)},
	{"t1", VALUE_PERCENT, 1, 99, "0.5", AT(t1_pct)},
	{"t2", VALUE_PERCENT, 1, 99, "0.87", AT(t2_pct)},
	{"offer-time", VALUE_SECONDS, 1, 3600, "60s", AT(offer_s)},
	{"rest-time", VALUE_SECONDS, 0, DAY_S, "10s", AT(rest_s)},
	{"decline-time", VALUE_SECONDS, 1, 365 * DAY_S, "24h", AT(decline_s)},
};
#undef AT
/* clang-format on */

const struct schema config_times_schema = SCHEMA(times_keys);

/* Pairs of keys of which the first must not exceed the second. */
static const struct order {
	const char *low, *high;
	bool strict;
} orders[] = {
    {"min-lease-time", "lease-time", false},
    {"lease-time", "max-lease-time", false},
    {"t1", "t2", true},
    /* nothing remains longer than it was held */
    {"extend-below", "horizon", false},
};

static uint32_t value_of(const struct times *times, const char *name)
{
	const struct schema_key *key = schema_find(&config_times_schema, name);
	uint32_t value;

	memcpy(&value, (const char *)&times->value + key->offset, sizeof(value));
	return value;
}

/* "1h" or "1.50". */
static void describe(const struct times *times, const char *name, char *text)
{
	const uint32_t value = value_of(times, name);

	if (schema_find(&config_times_schema, name)->kind == VALUE_PERCENT)
		snprintf(text, DURATION_TEXT_MAX, "%u.%02u", value / 100, value % 100);
	else
		value_format_duration(value, 1, text);
}

/* Names the key at fault and what it clashes with. */
static int fail_order(struct loader *loader, const struct times *times, const struct order *order,
		      bool blame_low)
{
	const char *name = blame_low ? order->low : order->high;
	const char *other = blame_low ? order->high : order->low;
	const struct node *other_node = schema_found(&times->given, other);
	const char *relation = order->strict ? (blame_low ? "not below" : "not above")
					     : (blame_low ? "above" : "below");
	char value[DURATION_TEXT_MAX], other_value[DURATION_TEXT_MAX], place[24] = "default";

	if (other_node)
		snprintf(place, sizeof(place), "line %u", other_node->line);
	describe(times, name, value);
	describe(times, other, other_value);
	return config_fail(loader, schema_found(&times->given, name)->line, name,
			   "%s is %s %s %s (%s); lower %s or raise %s", value, relation, other,
			   other_value, place, order->low, order->high);
}

static int check_order(struct loader *loader, const struct times *times, const struct order *order)
{
	const uint32_t low = value_of(times, order->low), high = value_of(times, order->high);
	const struct node *a = schema_found(&times->given, order->low);
	const struct node *b = schema_found(&times->given, order->high);

	if (order->strict ? low < high : low <= high)
		return 0;
	/* derived values never clash, so one was given; of two the later is at fault: the
	 * inner one, or what was added last */
	return fail_order(loader, times, order, a && (!b || a->line >= b->line));
}

int config_times_resolve(struct loader *loader, struct times *times)
{
	struct config_times *v = &times->value;
	int err = 0;

	if (v->min_s == 0) {
		const uint32_t quarter = v->lease_s / 4;

		v->min_s = quarter > MIN_FLOOR_S ? quarter : MIN_FLOOR_S;
		v->min_s = min_u64(v->min_s, v->lease_s);
	}
	if (v->max_s == 0)
		v->max_s = min_u64(2 * (uint64_t)v->lease_s, LEASE_MAX_S);
	if (v->extend_pct == 0)
		v->extend_pct = min_u64(EXTEND_PCT, v->horizon_pct);
	for (size_t i = 0; i < ARRAY_SIZE(orders) && !err; i++)
		err = check_order(loader, times, &orders[i]);
	return err;
}
