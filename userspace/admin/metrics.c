/* SPDX-License-Identifier: MIT */
#include "admin/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAPACITY 4096

struct metrics_writer {
	char *text;
	size_t len;
	size_t cap;
	bool failed;
	const char *family;
	enum metrics_type type;
};

static const char *const type_names[METRICS_TYPE_COUNT] = {
    [METRICS_COUNTER] = "counter",
    [METRICS_GAUGE] = "gauge",
    [METRICS_HISTOGRAM] = "histogram",
};

#define US(n) ((n)*UINT64_C(1000))
#define MS(n) ((n)*UINT64_C(1000000))

static const uint64_t latency_bounds_ns[] = {
    US(1),   2500,    US(5),    US(10),   US(25),   US(50),    US(100), US(250),
    US(500), MS(1),   US(2500), MS(5),    MS(10),   MS(25),    MS(50),  MS(100),
    MS(250), MS(500), MS(1000), MS(2500), MS(5000), MS(10000),
};

static const uint64_t size_bounds[] = {1, 3, 7, 15, 31, 63, 127, 255, 511, 1023};

const struct metrics_scale metrics_seconds = {
    .per_unit = 1e9,
    .bounds = latency_bounds_ns,
    .n_bounds = ARRAY_SIZE(latency_bounds_ns),
};

const struct metrics_scale metrics_sizes = {
    .per_unit = 1,
    .bounds = size_bounds,
    .n_bounds = ARRAY_SIZE(size_bounds),
};

struct metrics_writer *metrics_writer_new(void)
{
	return calloc(1, sizeof(struct metrics_writer));
}

void metrics_writer_free(struct metrics_writer *w)
{
	if (!w)
		return;
	free(w->text);
	free(w);
}

/* Room for @p len bytes and a terminator. */
static bool reserve(struct metrics_writer *w, size_t len)
{
	size_t cap = w->cap ? w->cap : FIRST_CAPACITY;
	char *text;

	if (w->failed)
		return false;
	if (len < w->cap - w->len)
		return true;
	while (cap - w->len <= len)
		cap *= 2;
	text = realloc(w->text, cap);
	if (!text) {
		w->failed = true;
		return false;
	}
	w->text = text;
	w->cap = cap;
	return true;
}

static void put(struct metrics_writer *w, const char *piece, size_t len)
{
	if (!reserve(w, len))
		return;
	memcpy(w->text + w->len, piece, len);
	w->len += len;
	w->text[w->len] = '\0';
}

static void put_text(struct metrics_writer *w, const char *text)
{
	put(w, text, strlen(text));
}

char *metrics_writer_finish(struct metrics_writer *w, size_t *len)
{
	char *text;

	put(w, "", 0); /* nothing written is a text, too */
	text = w->failed ? NULL : w->text;
	if (text)
		*len = w->len;
	else
		free(w->text);
	*w = (struct metrics_writer){0};
	return text;
}

/* Length of the UTF-8 sequence that begins at @p s; 0 when none does (Unicode, table 3-7). */
static size_t utf8_len(const unsigned char *s)
{
	static const struct {
		unsigned char first_lo, first_hi, second_lo, second_hi;
		size_t len;
	} forms[] = {
	    {0x00, 0x7f, 0x00, 0xff, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
	    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
	    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	size_t form = 0;

	while (form < ARRAY_SIZE(forms) &&
	       (s[0] < forms[form].first_lo || s[0] > forms[form].first_hi))
		form++;
	if (form == ARRAY_SIZE(forms))
		return 0;
	if (forms[form].len > 1 && (s[1] < forms[form].second_lo || s[1] > forms[form].second_hi))
		return 0;
	/* The terminator is no continuation byte: nothing behind it is read. */
	for (size_t i = 2; i < forms[form].len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	return forms[form].len;
}

/* Backslash and newline are escaped everywhere, the quote in label values alone. */
static void put_escaped(struct metrics_writer *w, const char *text, bool quoted)
{
	while (*text) {
		size_t len = utf8_len((const unsigned char *)text);

		if (len == 0)
			put_text(w, "\xef\xbf\xbd");
		else if (*text == '\n')
			put_text(w, "\\n");
		else if (*text == '\\')
			put_text(w, "\\\\");
		else if (*text == '"' && quoted)
			put_text(w, "\\\"");
		else
			put(w, text, len);
		text += len ? len : 1;
	}
}

/* Letters, digits and underscores, no digit first; colons are for metric names alone. */
static inline bool name_is_valid(const char *name, bool colons)
{
	if (*name == '\0' || (*name >= '0' && *name <= '9'))
		return false;
	for (; *name; name++) {
		bool letter = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z');
		bool digit = *name >= '0' && *name <= '9';

		if (!letter && !digit && *name != '_' && !(colons && *name == ':'))
			return false;
	}
	return true;
}

void metrics_family(struct metrics_writer *w, const char *name, enum metrics_type type,
		    const char *help)
{
	assert(name_is_valid(name, true) && type < METRICS_TYPE_COUNT);
	w->family = name;
	w->type = type;
	put_text(w, "# HELP ");
	put_text(w, name);
	put_text(w, " ");
	put_escaped(w, help, false);
	put_text(w, "\n# TYPE ");
	put_text(w, name);
	put_text(w, " ");
	put_text(w, type_names[type]);
	put_text(w, "\n");
}

static void put_label(struct metrics_writer *w, const char *before, struct metrics_label label)
{
	assert(name_is_valid(label.name, false));
	put_text(w, before);
	put_text(w, label.name);
	put_text(w, "=\"");
	put_escaped(w, label.value ? label.value : "", true);
	put_text(w, "\"");
}

/* A line up to its value: name, suffix, labels, and a histogram's bound where there is one. */
static void put_series(struct metrics_writer *w, const char *suffix,
		       const struct metrics_label *labels, const char *le)
{
	const char *before = "{";

	assert(w->family);
	put_text(w, w->family);
	put_text(w, suffix);
	for (; labels->name; labels++, before = ",")
		put_label(w, before, *labels);
	if (le) {
		put_label(w, before, (struct metrics_label){"le", le});
		before = ",";
	}
	put_text(w, *before == ',' ? "} " : " ");
}

static void put_u64(struct metrics_writer *w, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu\n", (unsigned long long)value);
	put_text(w, text);
}

/* The shortest of two forms that reads back as the same number: 0.1 is not 0.10000000000000001. */
static void format_f64(char *text, size_t cap, double value)
{
	if (isnan(value))
		snprintf(text, cap, "NaN");
	else if (isinf(value))
		snprintf(text, cap, value > 0 ? "+Inf" : "-Inf");
	else if (snprintf(text, cap, "%.15g", value) < 0 || strtod(text, NULL) != value)
		snprintf(text, cap, "%.17g", value);
}

static void put_f64(struct metrics_writer *w, double value)
{
	char text[32];

	format_f64(text, sizeof(text), value);
	put_text(w, text);
	put_text(w, "\n");
}

void metrics_sample_u64(struct metrics_writer *w, const struct metrics_label *labels,
			uint64_t value)
{
	assert(w->type != METRICS_HISTOGRAM);
	put_series(w, "", labels, NULL);
	put_u64(w, value);
}

void metrics_sample_f64(struct metrics_writer *w, const struct metrics_label *labels, double value)
{
	assert(w->type != METRICS_HISTOGRAM);
	put_series(w, "", labels, NULL);
	put_f64(w, value);
}

void metrics_histogram(struct metrics_writer *w, const struct metrics_label *labels,
		       const struct histogram *h, const struct metrics_scale *scale)
{
	struct histogram copy = {0};
	uint64_t total;

	assert(w->type == METRICS_HISTOGRAM);
	histogram_merge(&copy, h);
	total = histogram_total(&copy);
	for (size_t i = 0; i < scale->n_bounds; i++) {
		uint64_t bound = histogram_bucket_max(histogram_bucket(scale->bounds[i]));
		char le[32];

		format_f64(le, sizeof(le), (double)bound / scale->per_unit);
		put_series(w, "_bucket", labels, le);
		put_u64(w, histogram_count_le(&copy, bound));
	}
	put_series(w, "_bucket", labels, "+Inf");
	put_u64(w, total);
	put_series(w, "_sum", labels, NULL);
	put_f64(w, (double)copy.sum / scale->per_unit);
	put_series(w, "_count", labels, NULL);
	put_u64(w, total);
}
