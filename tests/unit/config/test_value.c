/* SPDX-License-Identifier: MIT */
/** What scalars may look like, and what they are worth. */
#include "unit.h"

#include <errno.h>

#include "config/value.h"

#define UNTOUCHED 12345

struct number_case {
	const char *text;
	int err;
	uint64_t value;
};

static const struct number_case uints[] = {
    {"0", 0, 0},
    {"007", 0, 7},
    {"18446744073709551615", 0, UINT64_MAX},
    {"18446744073709551616", -ERANGE, 0},
    {"99999999999999999999", -ERANGE, 0},
    {"", -EINVAL, 0},
    {"-1", -EINVAL, 0},
    {"+1", -EINVAL, 0},
    {" 1", -EINVAL, 0},
    {"1 ", -EINVAL, 0},
    {"0x10", -EINVAL, 0},
    {"1e3", -EINVAL, 0},
};

static const struct number_case seconds[] = {
    {"0", 0, 0},
    {"90", 0, 90},
    {"90s", 0, 90},
    {"1h30m", 0, 5400},
    {"1w2d3h4m5s", 0, 788645},
    {"1000ms", 0, 1},
    {"1s500ms", -EINVAL, 0},
    {"30m1h", -EINVAL, 0},
    {"1h1h", -EINVAL, 0},
    {"1h30", -EINVAL, 0},
    {"h", -EINVAL, 0},
    {"1", 0, 1},
    {"1hour", -EINVAL, 0},
    {"1 h", -EINVAL, 0},
    {"1H", -EINVAL, 0},
    {"-1s", -EINVAL, 0},
    {"1.5h", -EINVAL, 0},
    {"18446744073709551615", -ERANGE, 0},
    {"30500568904944w", -ERANGE, 0},
    {"18446744073709s1000000ms", -ERANGE, 0},
};

static const struct number_case milliseconds[] = {
    {"2", 0, 2000}, {"500ms", 0, 500}, {"1s500ms", 0, 1500}, {"1000us", 0, 1}, {"10us", -EINVAL, 0},
};

static const struct number_case sizes[] = {
    {"4096", 0, 4096},
    {"64K", 0, 65536},
    {"3M", 0, 3 << 20},
    {"64G", 0, UINT64_C(64) << 30},
    {"2T", 0, UINT64_C(2) << 40},
    {"16777215T", 0, UINT64_C(16777215) << 40},
    {"16777216T", -ERANGE, 0},
    {"64GB", -EINVAL, 0},
    {"64g", -EINVAL, 0},
    {"1GM", -EINVAL, 0},
    {"1MG", -EINVAL, 0},
    {"G", -EINVAL, 0},
    {"", -EINVAL, 0},
};

static const struct number_case hundredths[] = {
    {"1", 0, 100},
    {"1.5", 0, 150},
    {"0.29", 0, 29},
    {"0.875", 0, 87},
    {"0.99999999999999999999999999999", 0, 99},
    {"50%", 0, 50},
    {"87.5%", 0, 87},
    {"150%", 0, 150},
    {"1.", -EINVAL, 0},
    {".5", -EINVAL, 0},
    {"1.5.5", -EINVAL, 0},
    {"50 %", -EINVAL, 0},
    {"50%%", -EINVAL, 0},
    {"-1", -EINVAL, 0},
    {"1e2", -EINVAL, 0},
    {"184467440737095517", -ERANGE, 0},
};

static int parse_seconds(const char *text, uint64_t *value)
{
	return value_parse_duration(text, 1, value);
}

static int parse_milliseconds(const char *text, uint64_t *value)
{
	return value_parse_duration(text, 1000, value);
}

static void check_numbers(int (*parse_number)(const char *text, uint64_t *value),
			  const struct number_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t value = UNTOUCHED;
		const int err = parse_number(cases[i].text, &value);

		if (err != cases[i].err || value != (err ? UNTOUCHED : cases[i].value))
			print_error("for \"%s\"\n", cases[i].text);
		assert_int_equal(err, cases[i].err);
		assert_int_equal(value, err ? UNTOUCHED : cases[i].value);
	}
}

static void test_numbers(void **state)
{
	check_numbers(value_parse_uint, uints, ARRAY_SIZE(uints));
	check_numbers(parse_seconds, seconds, ARRAY_SIZE(seconds));
	check_numbers(parse_milliseconds, milliseconds, ARRAY_SIZE(milliseconds));
	check_numbers(value_parse_size, sizes, ARRAY_SIZE(sizes));
	check_numbers(value_parse_hundredths, hundredths, ARRAY_SIZE(hundredths));
}

static void test_bools(void **state)
{
	static const struct {
		const char *text;
		int err;
		bool value;
	} cases[] = {
	    {"true", 0, true},   {"yes", 0, true},      {"on", 0, true},   {"TRUE", 0, true},
	    {"false", 0, false}, {"no", 0, false},      {"Off", 0, false}, {"1", -EINVAL, 0},
	    {"", -EINVAL, 0},    {"truth", -EINVAL, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool value = !cases[i].value;

		assert_int_equal(value_parse_bool(cases[i].text, &value), cases[i].err);
		if (!cases[i].err)
			assert_int_equal(value, cases[i].value);
	}
}

static void test_addresses(void **state)
{
	static const char *const wrong[] = {"",          "10.0.0",     "10.0.0.256", "10.0.0.1 ",
					    "10.0.0.01", "10.0.0.0.1", "0x0a000001", "::1"};
	uint32_t addr = UNTOUCHED;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(value_parse_ip4(wrong[i], &addr), -EINVAL);
		assert_int_equal(addr, UNTOUCHED);
	}
	assert_int_equal(value_parse_ip4("10.0.1.2", &addr), 0);
	assert_int_equal(addr, 0x0a000102);
}

static void test_prefixes(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint32_t addr;
		unsigned len;
	} cases[] = {
	    {"10.0.0.0/8", 0, 0x0a000000, 8},
	    {"10.0.0.1/24", 0, 0x0a000001, 24},
	    {"0.0.0.0/0", 0, 0, 0},
	    {"10.0.0.1/32", 0, 0x0a000001, 32},
	    {"10.0.0.1/33", -EINVAL, 0, 0},
	    {"10.0.0.1/", -EINVAL, 0, 0},
	    {"10.0.0.1/-1", -EINVAL, 0, 0},
	    {"/8", -EINVAL, 0, 0},
	    {"10.0.0.0/255.0.0.0", -EINVAL, 0, 0},
	    {"10.0.0.0", -EINVAL, 0, 0},
	    {"10/8", -EINVAL, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t addr = UNTOUCHED;
		unsigned len = UNTOUCHED;
		const int err = value_parse_prefix(cases[i].text, &addr, &len);

		assert_int_equal(err, cases[i].err);
		assert_int_equal(addr, err ? UNTOUCHED : cases[i].addr);
		assert_int_equal(len, err ? UNTOUCHED : cases[i].len);
	}
	assert_int_equal(prefix_mask(0), 0);
	assert_int_equal(prefix_mask(1), 0x80000000);
	assert_int_equal(prefix_mask(32), 0xffffffff);
}

static void test_ranges(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint32_t first, last;
	} cases[] = {
	    {"10.0.0.1-10.0.0.9", 0, 0x0a000001, 0x0a000009},
	    {"10.0.0.1 - 10.0.0.9", 0, 0x0a000001, 0x0a000009},
	    {"10.0.0.1", 0, 0x0a000001, 0x0a000001},
	    {"10.0.0.1-10.0.0.1", 0, 0x0a000001, 0x0a000001},
	    {"10.0.0.8/29", 0, 0x0a000008, 0x0a00000f},
	    {"0.0.0.0-255.255.255.255", 0, 0, 0xffffffff},
	    {"0.0.0.0/0", 0, 0, 0xffffffff},
	    {"10.0.0.9/29", -EINVAL, 0, 0},
	    {"10.0.0.9-10.0.0.1", -ERANGE, 0, 0},
	    {"10.0.0.1-9", -EINVAL, 0, 0},
	    {"10.0.0.1-", -EINVAL, 0, 0},
	    {"-10.0.0.1", -EINVAL, 0, 0},
	    {"10.0.0.1-10.0.0.2-10.0.0.3", -EINVAL, 0, 0},
	    {"", -EINVAL, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct addr_range range = {UNTOUCHED, UNTOUCHED};
		const int err = value_parse_range(cases[i].text, &range);

		assert_int_equal(err, cases[i].err);
		assert_int_equal(range.first, err ? UNTOUCHED : cases[i].first);
		assert_int_equal(range.last, err ? UNTOUCHED : cases[i].last);
	}
}

static void test_intervals(void **state)
{
	uint64_t first = UNTOUCHED, last = UNTOUCHED;

	assert_int_equal(value_parse_interval("x", &first, &last), -EINVAL);
	assert_int_equal(value_parse_interval("9-1", &first, &last), -EINVAL);
	assert_int_equal(value_parse_interval("1-", &first, &last), -EINVAL);
	assert_int_equal(value_parse_interval("1-2-3", &first, &last), -EINVAL);
	assert_int_equal(first, UNTOUCHED);
	assert_int_equal(value_parse_interval("7", &first, &last), 0);
	assert_int_equal(first, 7);
	assert_int_equal(last, 7);
	assert_int_equal(value_parse_interval("200-299", &first, &last), 0);
	assert_int_equal(first, 200);
	assert_int_equal(last, 299);
}

static void test_host_ports(void **state)
{
	static const struct {
		const char *text, *host; /* NULL: refused */
		uint16_t port;
	} cases[] = {
	    {"127.0.0.1:9842", "127.0.0.1", 9842},
	    {"localhost:1", "localhost", 1},
	    {"etcd-1.example.net:65535", "etcd-1.example.net", 65535},
	    {"[::1]:80", "::1", 80},
	    {"[fe80::1]:80", "fe80::1", 80},
	    {"[::1]", NULL, 0},
	    {"[::1:80", NULL, 0},
	    {"[]:80", NULL, 0},
	    {"[:80", NULL, 0},
	    {"]:80", NULL, 0},
	    {"::1:80", NULL, 0},
	    {"[127.0.0.1]:80", NULL, 0},
	    {"127.0.0.1", NULL, 0},
	    {"127.0.0.1:", NULL, 0},
	    {"127.0.0.1:0", NULL, 0},
	    {"127.0.0.1:65536", NULL, 0},
	    {"127.0.0.256:80", NULL, 0},
	    {":80", NULL, 0},
	    {"-a:80", NULL, 0},
	    {"a/b:80", NULL, 0},
	    {"sixteen-letters-:80", NULL, 0}, /* does not fit with its NUL */
	    {"", NULL, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char host[64] = "";
		uint16_t port = 0;
		const size_t cap = i == ARRAY_SIZE(cases) - 2 ? 16 : sizeof(host);
		const int err = value_parse_host_port(cases[i].text, host, cap, &port);

		if (!err != !!cases[i].host)
			print_error("for \"%s\"\n", cases[i].text);
		assert_int_equal(err, cases[i].host ? 0 : -EINVAL);
		assert_string_equal(host, cases[i].host ? cases[i].host : "");
		assert_int_equal(port, cases[i].port);
	}
}

static void test_formats(void **state)
{
	char text[DURATION_TEXT_MAX];
	const struct addr_range one = {0x0a000001, 0x0a000001}, all = {0, UINT32_MAX};

	assert_string_equal(value_format_ip4(0x0a0102ff, text), "10.1.2.255");
	assert_string_equal(value_format_range(&one, text), "10.0.0.1");
	assert_string_equal(value_format_range(&all, text), "0.0.0.0-255.255.255.255");
	assert_string_equal(value_format_duration(0, 1, text), "0");
	assert_string_equal(value_format_duration(5400, 1, text), "1h30m");
	assert_string_equal(value_format_duration(14 * 86400, 1, text), "14d");
	assert_string_equal(value_format_duration(1500, 1000, text), "1s500ms");
	assert_string_equal(value_format_size(UINT64_C(64) << 30, text), "64G");
	assert_string_equal(value_format_size(1025, text), "1025");
	assert_string_equal(value_format_size(0, text), "0");
}

/* What is printed in an error can be written into the file. */
static void test_durations_round_trip(void **state)
{
	char text[DURATION_TEXT_MAX];

	for (uint64_t us = 1; us < UINT64_C(1) << 50; us = us * 3 + 1) {
		uint64_t back = 0;

		value_format_duration(us, 1000000, text);
		assert_int_equal(value_parse_duration(text, 1000000, &back), 0);
		assert_int_equal(back, us);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_bools),
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_prefixes),
	    cmocka_unit_test(test_ranges),
	    cmocka_unit_test(test_intervals),
	    cmocka_unit_test(test_host_ports),
	    cmocka_unit_test(test_formats),
	    cmocka_unit_test(test_durations_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
