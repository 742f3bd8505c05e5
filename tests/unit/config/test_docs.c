/* SPDX-License-Identifier: MIT */
/**
 * The manual and the sample keep pace with the tables.
 *
 * Arguments: the man page and the sample. The page must hold, under the section's heading, an item
 * for each key with its default and its limits; the sample must name each key, be
 * accepted, and mean the same when the defaults it shows are taken literally.
 */
#include "unit.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/section.h"
#include "config/value.h"
#include "dhcp/option_table.h"

static const char *manual_path, *sample_path;

static const struct section {
	const char *heading;
	const struct schema *schema;
} sections[] = {
    {"TOP LEVEL", &config_root_schema},
    {"SERVER", &config_server_schema},
    {"SERVER", &config_xdp_schema},
    {"INTERFACES", &config_interface_schema},
    {"INTERFACES", &config_xdp_schema},
    {"STORE", &config_store_schema},
    {"EMBEDDED STORE", &config_embedded_schema},
    {"ETCD STORE", &config_etcd_schema},
    {"TIMES", &config_times_schema},
    {"OPTIONS AND BOOT FIELDS", &config_scope_schema},
    {"NETWORKS", &config_network_schema},
    {"LINKS", &config_link_schema},
    {"SUBNETS", &config_subnet_schema},
    {"POOLS", &config_pool_schema},
    {"RESERVATIONS", &config_reservation_schema},
    {"OPTIONS", &config_option_schema},
};

/* The whole file, NUL-terminated; free(3) it. */
static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	const long size = ftell(file);
	assert_true(size > 0);
	rewind(file);
	char *text = calloc(1, size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, size, file), size);
	fclose(file);
	return text;
}

/* From the line that begins with the words of @p line up to @p end; NULL: no such line. */
static char *cut_out(const char *text, const char *line, const char *end)
{
	const size_t len = strlen(line);
	const char *start = text;

	while ((start = strstr(start, line)) &&
	       ((start != text && start[-1] != '\n') ||
		(start[len - 1] != '\n' && !strchr(" \n", start[len]))))
		start += len;
	if (!start)
		return NULL;
	const char *stop = strstr(start + len - 1, end);
	return stop ? strndup(start, stop - start) : strdup(start);
}

/* A word of its own: not a part of a longer number or name. */
static bool has_word(const char *text, const char *word)
{
	static const char part[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789/";
	const size_t len = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at++)
		if ((at == text || !strchr(part, at[-1])) &&
		    (at[len] == '\0' || !strchr(part, at[len])))
			return true;
	return false;
}

static void format_limit(const struct schema_key *key, uint64_t limit, char *text)
{
	switch (key->kind) {
	case VALUE_SECONDS:
		value_format_duration(limit, 1, text);
		break;
	case VALUE_MILLISECONDS:
		value_format_duration(limit, 1000, text);
		break;
	case VALUE_MICROSECONDS:
		value_format_duration(limit, 1000000, text);
		break;
	case VALUE_SIZE:
		value_format_size(limit, text);
		break;
	case VALUE_PERCENT:
		sprintf(text, "%" PRIu64 ".%02" PRIu64, limit / 100, limit % 100);
		break;
	default:
		sprintf(text, "%" PRIu64, limit);
		break;
	}
}

static void need_word(const char *item, const char *key, const char *word)
{
	if (!has_word(item, word))
		print_error("the manual's item on %s lacks \"%s\"\n", key, word);
	assert_true(has_word(item, word));
}

static void check_item(const struct schema_key *key, const char *item)
{
	char text[DURATION_TEXT_MAX];

	if (key->fallback)
		need_word(item, key->name, key->fallback);
	for (unsigned i = 0; key->words && key->words[i]; i++)
		need_word(item, key->name, key->words[i]);
	/* how long a path may be is the system's business */
	if (key->max == 0 || key->max == PATH_MAX - 1)
		return;
	format_limit(key, key->min, text);
	need_word(item, key->name, text);
	format_limit(key, key->max, text);
	need_word(item, key->name, text);
}

static void test_manual_names_keys(void **state)
{
	char *manual = read_file(manual_path);

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		char heading[64];

		snprintf(heading, sizeof(heading), ".Sh %s\n", sections[i].heading);
		char *part = cut_out(manual, heading, "\n.Sh ");
		assert_non_null(part);
		for (size_t k = 0; k < sections[i].schema->n; k++) {
			const struct schema_key *key = &sections[i].schema->keys[k];
			char line[64];

			snprintf(line, sizeof(line), ".It Ic %s", key->name);
			char *item = cut_out(part, line, "\n.It ");
			if (!item)
				print_error("%sthe manual lacks %s there\n", heading, key->name);
			assert_non_null(item);
			check_item(key, item);
			free(item);
		}
		free(part);
	}
	free(manual);
}

/* A row of the table of options; quotes are written as roff wants them. */
static void format_row(const struct option_def *def, char *row, size_t cap)
{
	size_t len = snprintf(row, cap, "\n.It Ic %s Ta %u Ta ", def->name, def->code);

	for (const char *p = option_type_help(def->type); *p; p++)
		len += snprintf(row + len, cap - len, *p == '"' ? "\\(dq" : "%c", *p);
	snprintf(row + len, cap - len, "\n");
}

static void test_manual_names_options(void **state)
{
	char *manual = read_file(manual_path);

	for (unsigned code = 1; code < 255; code++) {
		char number[4], row[256];

		snprintf(number, sizeof(number), "%u", code);
		const struct option_def *def = option_find(number);
		assert_non_null(def);
		if (strcmp(def->name, number) == 0)
			continue;
		format_row(def, row, sizeof(row));
		const bool expected = def->type != OPTION_RESERVED;
		const bool found = strstr(manual, row);
		if (found != expected)
			print_error("%s in the manual:%s", expected ? "missing" : "too much", row);
		assert_int_equal(found, expected);
	}
	free(manual);
}

static void test_sample_names_keys(void **state)
{
	char *sample = read_file(sample_path);

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		for (size_t k = 0; k < sections[i].schema->n; k++) {
			const char *name = sections[i].schema->keys[k].name;
			char text[64];

			snprintf(text, sizeof(text), "%s:", name);
			if (!has_word(sample, text))
				print_error("the sample lacks %s\n", name);
			assert_true(has_word(sample, text));
		}
	free(sample);
}

/* "#key" becomes "key" wherever a line begins so. */
static void take_defaults_literally(char *text)
{
	char *to = text;
	bool at_start = true;

	for (const char *from = text; *from; from++) {
		if (at_start && *from == '#' && from[1] >= 'a' && from[1] <= 'z')
			continue;
		at_start = *from == '\n' || (at_start && *from == ' ');
		*to++ = *from;
	}
	*to = '\0';
}

static void test_sample_loads(void **state)
{
	struct config_error error = {{0}};
	struct config *sample = config_load(sample_path, &error);
	char *text = read_file(sample_path);
	const char *key = "";

	if (!sample)
		print_error("%s\n", error.text);
	assert_non_null(sample);
	take_defaults_literally(text);
	struct config *literal = must_parse(text);
	if (!config_reload_allowed(sample, literal, &key))
		print_error("the sample shows another default of %s\n", key);
	assert_string_equal(key, "");
	assert_int_equal(sample->server.log_level, literal->server.log_level);
	assert_int_equal(sample->n_networks, literal->n_networks);
	for (size_t i = 0; i < sample->n_networks; i++)
		assert_memory_equal(&sample->networks[i].times, &literal->networks[i].times,
				    sizeof(struct config_times));
	/* something was commented out at all */
	char *original = read_file(sample_path);
	assert_true(strlen(original) > strlen(text));
	free(original);
	free(text);
	config_free(sample);
	config_free(literal);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_manual_names_keys),
	    cmocka_unit_test(test_manual_names_options),
	    cmocka_unit_test(test_sample_names_keys),
	    cmocka_unit_test(test_sample_loads),
	};

	if (argc != 3) {
		fprintf(stderr, "usage: %s MANUAL SAMPLE\n", argv[0]);
		return 2;
	}
	manual_path = argv[1];
	sample_path = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
