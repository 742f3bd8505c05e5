/* SPDX-License-Identifier: MIT */
#include "../base/unit.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin/metrics.h"

/* How many more calls of realloc succeed; negative: all. */
static int realloc_budget = -1;

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_realloc(void *old, size_t size)
{
	if (realloc_budget == 0)
		return NULL;
	if (realloc_budget > 0)
		realloc_budget--;
	return __real_realloc(old, size);
}

static int setup(void **state)
{
	*state = metrics_writer_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	metrics_writer_free(*state);
	return 0;
}

static void assert_text(struct metrics_writer *w, const char *want)
{
	size_t len = 0;
	char *text = metrics_writer_finish(w, &len);

	assert_non_null(text);
	assert_string_equal(text, want);
	assert_int_equal(len, strlen(want));
	free(text);
}

static void families_and_samples_have_their_form(void **state)
{
	struct metrics_writer *w = *state;

	metrics_family(w, "etcdhcp_frames_total", METRICS_COUNTER, "Frames received.");
	metrics_sample_u64(w, METRICS_NO_LABELS, UINT64_MAX);
	metrics_sample_u64(w, METRICS_LABELS({"interface", "eth1"}), 0);
	metrics_sample_u64(w, METRICS_LABELS({"interface", "eth1"}, {"path", "xdp"}), 7);
	metrics_family(w, "etcdhcp_clock_step_seconds", METRICS_GAUGE, "Step.");
	metrics_sample_f64(w, METRICS_LABELS({"server", NULL}), -0.25);
	assert_text(w, "# HELP etcdhcp_frames_total Frames received.\n"
		       "# TYPE etcdhcp_frames_total counter\n"
		       "etcdhcp_frames_total 18446744073709551615\n"
		       "etcdhcp_frames_total{interface=\"eth1\"} 0\n"
		       "etcdhcp_frames_total{interface=\"eth1\",path=\"xdp\"} 7\n"
		       "# HELP etcdhcp_clock_step_seconds Step.\n"
		       "# TYPE etcdhcp_clock_step_seconds gauge\n"
		       "etcdhcp_clock_step_seconds{server=\"\"} -0.25\n");
}

static void nothing_is_a_text_and_a_writer_starts_over(void **state)
{
	struct metrics_writer *w = *state;

	assert_text(w, "");
	metrics_family(w, "a", METRICS_GAUGE, "");
	assert_text(w, "# HELP a \n# TYPE a gauge\n");
	assert_text(w, "");
}

#define BAD "\xef\xbf\xbd" /* U+FFFD */

static void label_values_are_escaped(void **state)
{
	static const struct {
		const char *value, *written;
	} rows[] = {
	    {"plain text, {braces} and =", "plain text, {braces} and ="},
	    {"say \"hi\"", "say \\\"hi\\\""},
	    {"back\\slash", "back\\\\slash"},
	    {"x\"} 1\nforged 1", "x\\\"} 1\\nforged 1"},
	    {"tab\tcr\r", "tab\tcr\r"},
	    /* UTF-8 passes: two, three and four bytes, and the ends of each range */
	    {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
	    {"\xc2\x80\xdf\xbf", "\xc2\x80\xdf\xbf"},
	    {"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80", "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80"},
	    {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
	    /* what is not UTF-8 becomes one mark a byte, and swallows nothing behind it */
	    {"\xff", BAD},
	    {"a\x80z", "a" BAD "z"},
	    {"\xc3", BAD},
	    {"\xc3\"", BAD "\\\""},
	    {"\xe2\x82", BAD BAD},
	    {"\xe2\x82\n", BAD BAD "\\n"},
	    {"\xf0\x9f\x98", BAD BAD BAD},
	    {"\xc0\xaf", BAD BAD},                 /* overlong */
	    {"\xe0\x9f\xbf", BAD BAD BAD},         /* overlong */
	    {"\xf0\x8f\xbf\xbf", BAD BAD BAD BAD}, /* overlong */
	    {"\xed\xa0\x80", BAD BAD BAD},         /* surrogate */
	    {"\xf4\x90\x80\x80", BAD BAD BAD BAD},
	    {"\xf5\x80\x80\x80", BAD BAD BAD BAD},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char want[256];

		metrics_family(*state, "m", METRICS_GAUGE, "h");
		metrics_sample_u64(*state, METRICS_LABELS({"l", rows[i].value}), 1);
		snprintf(want, sizeof(want), "# HELP m h\n# TYPE m gauge\nm{l=\"%s\"} 1\n",
			 rows[i].written);
		assert_text(*state, want);
	}
}

static void help_is_escaped_but_for_quotes(void **state)
{
	metrics_family(*state, "m", METRICS_GAUGE, "a \"b\" \\ c\nd \xff");
	assert_text(*state, "# HELP m a \"b\" \\\\ c\\nd " BAD "\n# TYPE m gauge\n");
}

static void numbers_read_back_as_themselves(void **state)
{
	static const struct {
		double value;
		const char *written;
	} rows[] = {
	    {0, "0"},
	    {1.5, "1.5"},
	    {0.1, "0.1"},
	    {1.0 / 3, "0.33333333333333331"},
	    {1e300, "1e+300"},
	    {5e-324, "4.94065645841247e-324"},
	    {1234567890123456, "1234567890123456"},
	    {NAN, "NaN"},
	    {INFINITY, "+Inf"},
	    {-INFINITY, "-Inf"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char want[128];

		metrics_family(*state, "m", METRICS_GAUGE, "h");
		metrics_sample_f64(*state, METRICS_NO_LABELS, rows[i].value);
		snprintf(want, sizeof(want), "# HELP m h\n# TYPE m gauge\nm %s\n", rows[i].written);
		assert_text(*state, want);
		assert_true(isnan(rows[i].value) || strtod(rows[i].written, NULL) == rows[i].value);
	}
}

static void histograms_are_cumulative(void **state)
{
	static const uint64_t bounds[] = {3, 100};
	static const struct metrics_scale scale = {10, bounds, ARRAY_SIZE(bounds)};
	struct histogram h = {0};

	histogram_add_n(&h, 3, 2);
	histogram_add(&h, 4);
	histogram_add(&h, 103); /* the bucket that 100 falls into ends here */
	histogram_add(&h, 104);
	metrics_family(*state, "m", METRICS_HISTOGRAM, "h");
	metrics_histogram(*state, METRICS_LABELS({"path", "store"}), &h, &scale);
	metrics_histogram(*state, METRICS_NO_LABELS, &(struct histogram){0}, &scale);
	assert_text(*state, "# HELP m h\n"
			    "# TYPE m histogram\n"
			    "m_bucket{path=\"store\",le=\"0.3\"} 2\n"
			    "m_bucket{path=\"store\",le=\"10.3\"} 4\n"
			    "m_bucket{path=\"store\",le=\"+Inf\"} 5\n"
			    "m_sum{path=\"store\"} 21.7\n"
			    "m_count{path=\"store\"} 5\n"
			    "m_bucket{le=\"0.3\"} 0\n"
			    "m_bucket{le=\"10.3\"} 0\n"
			    "m_bucket{le=\"+Inf\"} 0\n"
			    "m_sum 0\n"
			    "m_count 0\n");
}

/* Two bounds in one bucket would give one `le` twice, which Prometheus refuses. */
static void scales_have_distinct_ascending_buckets(void **state)
{
	static const struct metrics_scale *const scales[] = {&metrics_seconds, &metrics_sizes};

	for (size_t s = 0; s < ARRAY_SIZE(scales); s++) {
		for (size_t i = 1; i < scales[s]->n_bounds; i++)
			assert_true(histogram_bucket(scales[s]->bounds[i]) >
				    histogram_bucket(scales[s]->bounds[i - 1]));
	}
	/* sizes are shown as they are: each bound ends its bucket */
	for (size_t i = 0; i < metrics_sizes.n_bounds; i++) {
		uint64_t bound = metrics_sizes.bounds[i];

		assert_true(histogram_bucket_max(histogram_bucket(bound)) == bound);
	}
	assert_true(metrics_seconds.bounds[0] == 1000);
	assert_true(metrics_seconds.bounds[metrics_seconds.n_bounds - 1] == 10000000000);
}

enum { ADDS = 100000 };

static void *add_many(void *arg)
{
	for (uint64_t i = 0; i < ADDS; i++)
		histogram_add(arg, i * 1000);
	return NULL;
}

/* Counts of the text's lines with @p prefix never fall; returns the last. */
static uint64_t last_of_ascending(const char *text, const char *prefix)
{
	uint64_t last = 0;

	for (const char *line = strstr(text, prefix); line; line = strstr(line + 1, prefix)) {
		uint64_t count = strtoull(strchr(line, ' '), NULL, 10);

		assert_true(count >= last);
		last = count;
	}
	return last;
}

static void a_histogram_in_use_agrees_with_itself(void **state)
{
	struct histogram h = {0};
	uint64_t total = 0;
	pthread_t writer;

	assert_int_equal(pthread_create(&writer, NULL, add_many, &h), 0);
	while (total < ADDS) {
		size_t len;
		char *text;

		metrics_family(*state, "m", METRICS_HISTOGRAM, "h");
		metrics_histogram(*state, METRICS_NO_LABELS, &h, &metrics_seconds);
		text = metrics_writer_finish(*state, &len);
		assert_non_null(text);
		total = last_of_ascending(text, "m_bucket");
		assert_true(total == last_of_ascending(text, "m_count"));
		free(text);
	}
	pthread_join(writer, NULL);
}

static void write_a_lot(struct metrics_writer *w)
{
	metrics_family(w, "m", METRICS_GAUGE, "h");
	for (uint64_t i = 0; i < 20000; i++)
		metrics_sample_u64(w, METRICS_LABELS({"some_label", "some value"}), i);
}

static void no_memory_is_told_at_the_end_and_forgotten(void **state)
{
	/* the first page, one in the middle, and then enough */
	static const int budgets[] = {0, 1, 4, -1};

	for (size_t i = 0; i < ARRAY_SIZE(budgets); i++) {
		size_t len = 77;
		char *text;

		realloc_budget = budgets[i];
		write_a_lot(*state);
		realloc_budget = -1;
		text = metrics_writer_finish(*state, &len);
		assert_true(!text == (budgets[i] >= 0));
		assert_true((len == 77) == !text);
		free(text);
	}
}

#define WITH_WRITER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_WRITER(families_and_samples_have_their_form),
	    WITH_WRITER(nothing_is_a_text_and_a_writer_starts_over),
	    WITH_WRITER(label_values_are_escaped),
	    WITH_WRITER(help_is_escaped_but_for_quotes),
	    WITH_WRITER(numbers_read_back_as_themselves),
	    WITH_WRITER(histograms_are_cumulative),
	    WITH_WRITER(scales_have_distinct_ascending_buckets),
	    WITH_WRITER(a_histogram_in_use_agrees_with_itself),
	    WITH_WRITER(no_memory_is_told_at_the_end_and_forgotten),
	};

	return cmocka_run_group_tests_name("admin/metrics", tests, NULL, NULL);
}
