/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

enum { CAPTURE_BYTES = 1 << 20 };

static char captured[CAPTURE_BYTES];

/* Standard error into memory; returns what capture_end needs to give it back. */
static int capture_begin(void)
{
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	int memory = memfd_create("stderr", MFD_CLOEXEC);

	assert_true(saved >= 0 && memory >= 0);
	assert_true(dup2(memory, STDERR_FILENO) >= 0);
	assert_int_equal(fcntl(STDERR_FILENO, F_SETFL, O_APPEND), 0);
	close(memory);
	return saved;
}

static size_t capture_end(int saved)
{
	ssize_t n = pread(STDERR_FILENO, captured, sizeof(captured) - 1, 0);

	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	assert_true(n >= 0);
	captured[n] = '\0';
	return (size_t)n;
}

/* One line's text after its time stamp and level, newline taken off. */
static const char *line_of(const char *msg, struct log_field field)
{
	const struct log_field fields[] = {field, {.type = LOG_FIELD_END}};
	int saved = capture_begin();
	size_t len;
	char *at;

	log_write(LOG_LEVEL_INFO, msg, fields);
	len = capture_end(saved);
	assert_true(len > 0 && captured[len - 1] == '\n');
	captured[len - 1] = '\0';
	assert_null(strchr(captured, '\n'));
	at = strstr(captured, " level=info ");
	assert_non_null(at);
	return at + strlen(" level=info ");
}

static void text_is_quoted_only_when_it_must_be(void **state)
{
	static const struct {
		const char *text, *written;
	} rows[] = {
	    {"campus", "campus"},
	    {"10.0.0.9", "10.0.0.9"},
	    {"id:01089e", "id:01089e"},
	    {"a\\b", "a\\b"},
	    {NULL, "\"\""},
	    {"", "\"\""},
	    {" ", "\" \""},
	    {"two words", "\"two words\""},
	    {"a=b", "\"a=b\""},
	    {"say \"hi\"", "\"say \\\"hi\\\"\""},
	    {"back \\ slash", "\"back \\\\ slash\""},
	    /* nothing a client names itself can end the line or start another */
	    {"x\nts=2026 level=error msg=forged", "\"x\\nts=2026 level=error msg=forged\""},
	    {"\t", "\"\\t\""},
	    {"\r", "\"\\x0d\""},
	    {"\x1b[2J", "\"\\x1b[2J\""},
	    {"\x7f", "\"\\x7f\""},
	    {"\x01\x1f", "\"\\x01\\x1f\""},
	    {"caf\xc3\xa9", "\"caf\\xc3\\xa9\""},
	    {"\xff\xfe", "\"\\xff\\xfe\""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char want[256];

		snprintf(want, sizeof(want), "msg=m key=%s", rows[i].written);
		assert_string_equal(line_of("m", F_STR("key", rows[i].text)), want);
	}
	assert_string_equal(line_of("lease \"x\"\n", F_I64("n", 1)),
			    "msg=\"lease \\\"x\\\"\\n\" n=1");
}

static void every_type_has_its_form(void **state)
{
	static const uint8_t mac[] = {0x08, 0x9e, 0x00, 0xb5, 0xaf, 0xff};
	const struct {
		struct log_field field;
		const char *written;
	} rows[] = {
	    {F_I64("v", INT64_MIN), "v=-9223372036854775808"},
	    {F_I64("v", 0), "v=0"},
	    {F_U64("v", UINT64_MAX), "v=18446744073709551615"},
	    {F_F64("v", 0.25), "v=0.25"},
	    {F_F64("v", 1e300), "v=1e+300"},
	    {F_F64("v", NAN), "v=nan"},
	    {F_IP4("v", 0x0a000009), "v=10.0.0.9"},
	    {F_IP4("v", 0xffffffff), "v=255.255.255.255"},
	    {F_HEX("v", mac, sizeof(mac)), "v=08:9e:00:b5:af:ff"},
	    {F_HEX("v", mac, 1), "v=08"},
	    {F_HEX("v", NULL, 0), "v=\"\""},
	    {F_ERR(ENOENT), "error=\"No such file or directory\""},
	    {F_ERR(-ENOENT), "error=\"No such file or directory\""},
	    {F_ERR(0), "error=Success"},
	    {F_ERR(99999), "error=\"errno 99999\""},
	    {F_ERR(INT32_MIN), "error=\"errno -2147483648\""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *line = line_of("m", rows[i].field);

		assert_int_equal(strncmp(line, "msg=m ", 6), 0);
		assert_string_equal(line + 6, rows[i].written);
	}
}

/* The present in the form of a time stamp's first 19 characters. */
static void utc_now(char *text, size_t cap)
{
	time_t now = time(NULL);
	struct tm utc;

	gmtime_r(&now, &utc);
	assert_int_equal(strftime(text, cap, "ts=%Y-%m-%dT%H:%M:%S", &utc), 22);
}

static void a_line_begins_with_utc_time_and_level(void **state)
{
	static const char pattern[] = "^ts=[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z "
				      "level=warn msg=\"lease declined\" network=campus "
				      "address=10.0.0.9\n$";
	char before[32], after[32];
	regex_t regex;
	int saved;

	setenv("TZ", "FAR-14", 1); /* fourteen hours from UTC: must make no difference */
	tzset();
	utc_now(before, sizeof(before));
	saved = capture_begin();
	log_warn("lease declined", F_STR("network", "campus"), F_IP4("address", 0x0a000009));
	capture_end(saved);
	utc_now(after, sizeof(after));
	unsetenv("TZ");
	tzset();

	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	assert_int_equal(regexec(&regex, captured, 0, NULL, 0), 0);
	regfree(&regex);
	assert_true(strncmp(before, captured, 22) <= 0);
	assert_true(strncmp(captured, after, 22) <= 0);
}

/* Whatever its length a line has one end, its quotes are balanced and the cut is marked. */
static void long_lines_are_cut_cleanly(void **state)
{
	static const char fills[] = {'a', ' ', '\n', '"'};
	char text[6000];

	for (size_t f = 0; f < ARRAY_SIZE(fills); f++) {
		for (size_t len = 950; len < sizeof(text) - 1; len += len < 4110 ? 1 : 400) {
			const struct log_field fields[] = {
			    F_STR("text", text), F_U64("after", 12345), {.type = LOG_FIELD_END}};
			size_t quotes = 0, got;
			int saved;

			memset(text, fills[f], len);
			text[len] = '\0';
			saved = capture_begin();
			log_write(LOG_LEVEL_INFO, "m", fields);
			got = capture_end(saved);

			assert_true(got <= 4096);
			assert_ptr_equal(strchr(captured, '\n'), captured + got - 1);
			for (size_t i = 0; i < got; i++)
				quotes += captured[i] == '"' && captured[i - 1] != '\\';
			assert_int_equal(quotes, fills[f] == 'a' ? 0 : 2);
			assert_true(!strstr(captured, " after=12345\n") ==
				    !!strstr(captured, " cut=true\n"));
		}
	}
}

static void many_fields_are_cut_between_fields(void **state)
{
	struct log_field fields[1000];
	const char *mark;
	int saved;

	for (size_t i = 0; i < ARRAY_SIZE(fields) - 1; i++)
		fields[i] = F_U64("number", 1234567);
	fields[ARRAY_SIZE(fields) - 1] = (struct log_field){.type = LOG_FIELD_END};
	saved = capture_begin();
	log_write(LOG_LEVEL_INFO, "m", fields);
	assert_true(capture_end(saved) <= 4096);
	mark = strstr(captured, " cut=true\n");
	assert_non_null(mark);
	assert_int_equal(strncmp(mark - 15, " number=1234567", 15), 0);
}

static int evaluations;

static int64_t evaluate(void)
{
	return ++evaluations;
}

static void lines_above_the_level_cost_nothing(void **state)
{
	for (int level = LOG_LEVEL_ERROR; level < LOG_LEVEL_COUNT; level++) {
		int saved = capture_begin();
		size_t lines = 0;

		evaluations = 0;
		log_set_level((enum log_level)level);
		log_error("e", F_I64("n", evaluate()));
		log_warn("w", F_I64("n", evaluate()));
		log_info("i", F_I64("n", evaluate()));
		log_debug("d", F_I64("n", evaluate()));
		log_set_level(LOG_LEVEL_INFO);
		capture_end(saved);
		for (const char *at = captured; *at; at++)
			lines += *at == '\n';
		assert_int_equal(lines, level + 1);
		assert_int_equal(evaluations, level + 1);
	}
}

__attribute__((format(printf, 1, 2))) static void say_foreign(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_foreign("libother", format, arguments);
	va_end(arguments);
}

/* What a library prints is seen at debug alone, one line of ours for each of its calls. */
static void a_library_s_lines_are_for_debugging(void **state)
{
	int saved = capture_begin();

	say_foreign("unseen %d\n", 1);
	log_set_level(LOG_LEVEL_DEBUG);
	say_foreign("map %d: %s\n\n", 7, "created");
	say_foreign("\n");
	log_set_level(LOG_LEVEL_INFO);
	capture_end(saved);
	assert_null(strstr(captured, "unseen"));
	assert_non_null(strstr(captured, "level=debug msg=libother text=\"map 7: created\"\n"));
	assert_non_null(strstr(captured, "level=debug msg=libother text=\"\"\n"));
}

static void levels_are_parsed_by_their_names(void **state)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};
	static const char *const wrong[] = {"", "Error", "warning", "inf", "debug ", "3"};
	enum log_level level = LOG_LEVEL_COUNT;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(log_level_parse(wrong[i], &level), -EINVAL);
		assert_int_equal(level, LOG_LEVEL_COUNT);
	}
	for (int i = 0; i < LOG_LEVEL_COUNT; i++) {
		assert_int_equal(log_level_parse(names[i], &level), 0);
		assert_int_equal(level, i);
	}
}

static void errno_survives(void **state)
{
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

	close(STDERR_FILENO); /* even when the line cannot be written */
	errno = ENOTTY;
	log_error("nowhere to go");
	assert_int_equal(errno, ENOTTY);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
}

enum { WRITERS = 3, LINES_EACH = 500 };

static void *write_lines(void *arg)
{
	for (int i = 0; i < LINES_EACH; i++)
		log_info("from a thread", F_STR("who", arg), F_I64("n", i));
	return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
	static char names[WRITERS][160];
	pthread_t threads[WRITERS];
	size_t lines = 0;
	int saved = capture_begin();

	for (int i = 0; i < WRITERS; i++) {
		memset(names[i], 'a' + i, sizeof(names[i]) - 1);
		assert_int_equal(pthread_create(&threads[i], NULL, write_lines, names[i]), 0);
	}
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	capture_end(saved);

	for (char *line = strtok(captured, "\n"); line; line = strtok(NULL, "\n"), lines++) {
		const char *who = strstr(line, " msg=\"from a thread\" who=");

		assert_int_equal(strncmp(line, "ts=", 3), 0);
		assert_non_null(who);
		who += strlen(" msg=\"from a thread\" who=");
		assert_in_range(*who, 'a', 'a' + WRITERS - 1);
		assert_int_equal(strncmp(who, names[*who - 'a'], sizeof(names[0]) - 1), 0);
	}
	assert_int_equal(lines, WRITERS * LINES_EACH);
}

static void limit_lets_one_through_per_interval(void **state)
{
	struct log_limit limit = {0};
	uint64_t held_back = 77;

	assert_true(log_limit_pass(&limit, UINT64_MAX, &held_back));
	assert_true(held_back == 0);
	held_back = 77;
	for (int i = 0; i < 5; i++)
		assert_false(log_limit_pass(&limit, UINT64_MAX, &held_back));
	assert_true(held_back == 77); /* untouched on refusal */

	limit.next_ns = 0; /* as if the interval had passed */
	assert_true(log_limit_pass(&limit, 0, &held_back));
	assert_true(held_back == 5);
	assert_true(log_limit_pass(&limit, 0, &held_back));
	assert_true(held_back == 0);
}

enum { LIMIT_THREADS = 4, TRIES_EACH = 20000 };

struct limited {
	struct log_limit limit;
	_Atomic uint64_t passed;
};

static void *try_often(void *arg)
{
	struct limited *limited = arg;
	uint64_t held_back;

	for (int i = 0; i < TRIES_EACH; i++)
		limited->passed += log_limit_pass(&limited->limit, UINT64_MAX, &held_back);
	return NULL;
}

static void limit_is_shared_by_threads(void **state)
{
	struct limited limited = {0};
	pthread_t threads[LIMIT_THREADS];

	for (int i = 0; i < LIMIT_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, try_often, &limited), 0);
	for (int i = 0; i < LIMIT_THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_true(limited.passed == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_is_quoted_only_when_it_must_be),
	    cmocka_unit_test(every_type_has_its_form),
	    cmocka_unit_test(a_line_begins_with_utc_time_and_level),
	    cmocka_unit_test(long_lines_are_cut_cleanly),
	    cmocka_unit_test(many_fields_are_cut_between_fields),
	    cmocka_unit_test(lines_above_the_level_cost_nothing),
	    cmocka_unit_test(a_library_s_lines_are_for_debugging),
	    cmocka_unit_test(levels_are_parsed_by_their_names),
	    cmocka_unit_test(errno_survives),
	    cmocka_unit_test(lines_of_threads_do_not_mix),
	    cmocka_unit_test(limit_lets_one_through_per_interval),
	    cmocka_unit_test(limit_is_shared_by_threads),
	};

	return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
