/* SPDX-License-Identifier: MIT */
/**
 * What stands under servers/ and clock: anybody may have put it there.
 *
 * What is taken stays within its bounds, is text where it goes to logs and metrics, and comes back the
 * same when it is written and read again.
 */
#include "fuzz.h"
#include "store/member_value.h"

static void check_text(const char *text, size_t size)
{
	CHECK(memchr(text, 0, size));
	for (; *text; text++)
		CHECK(*text >= ' ' && *text < 0x7f);
}

static void check_number(int64_t value)
{
	CHECK(value >= 0 && value <= INT64_MAX / 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct member_value value, again;
	char text[MEMBER_VALUE_MAX];
	size_t len;

	if (!member_value_parse((struct span){data, size}, &value))
		return 0;
	check_text(value.version, sizeof(value.version));
	check_text(value.server, sizeof(value.server));
	check_number(value.started_s);
	check_number(value.clock_ns);
	check_number(value.seen);
	check_number(value.idle);
	len = member_value_write(&value, text);
	CHECK(len < sizeof(text));
	CHECK(member_value_parse((struct span){(const uint8_t *)text, len}, &again));
	CHECK(again.instance == value.instance && again.clock_ns == value.clock_ns);
	CHECK(again.started_s == value.started_s && again.seen == value.seen);
	CHECK(again.idle == value.idle && !strcmp(again.version, value.version));
	len = member_value_write_clock(&value, text);
	CHECK(len < sizeof(text));
	CHECK(member_value_parse((struct span){(const uint8_t *)text, len}, &again));
	CHECK(again.clock_ns == value.clock_ns && !strcmp(again.server, value.server));
	return 0;
}
