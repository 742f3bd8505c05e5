/* SPDX-License-Identifier: MIT */
#include "config/schema.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "config/value.h"

#define REMEDY_MAX 384

static void *field_of(const struct schema_key *key, void *target)
{
	return (char *)target + key->offset;
}

static void store_uint(const struct schema_key *key, void *target, uint64_t value)
{
	void *field = field_of(key, target);

	switch (key->size) {
	case sizeof(uint16_t):
		*(uint16_t *)field = value;
		break;
	case sizeof(uint32_t):
		*(uint32_t *)field = value;
		break;
	default:
		assert(key->size == sizeof(uint64_t));
		*(uint64_t *)field = value;
		break;
	}
}

static int parse_number(const struct schema_key *key, const char *text, uint64_t *value)
{
	if (key->words && strcmp(text, key->words[0]) == 0) {
		*value = 0;
		return 0;
	}
	int err;

	switch (key->kind) {
	case VALUE_SECONDS:
		err = value_parse_duration(text, 1, value);
		break;
	case VALUE_MILLISECONDS:
		err = value_parse_duration(text, 1000, value);
		break;
	case VALUE_MICROSECONDS:
		err = value_parse_duration(text, 1000000, value);
		break;
	case VALUE_SIZE:
		err = value_parse_size(text, value);
		break;
	case VALUE_PERCENT:
		err = value_parse_hundredths(text, value);
		break;
	default:
		err = value_parse_uint(text, value);
		break;
	}
	if (err)
		return err;
	return *value < key->min || *value > key->max ? -ERANGE : 0;
}

static int read_number(struct loader *loader, const struct schema_key *key, const struct node *node,
		       void *target)
{
	uint64_t value;
	int err = parse_number(key, node->text, &value);

	if (!err)
		store_uint(key, target, value);
	return err;
}

static int read_bool(struct loader *loader, const struct schema_key *key, const struct node *node,
		     void *target)
{
	return value_parse_bool(node->text, field_of(key, target));
}

static int read_word(struct loader *loader, const struct schema_key *key, const struct node *node,
		     void *target)
{
	for (unsigned i = 0; key->words[i]; i++)
		if (strcmp(node->text, key->words[i]) == 0) {
			store_uint(key, target, i);
			return 0;
		}
	return -EINVAL;
}

static int read_ip4(struct loader *loader, const struct schema_key *key, const struct node *node,
		    void *target)
{
	return value_parse_ip4(node->text, field_of(key, target));
}

static int read_text(struct loader *loader, const struct schema_key *key, const struct node *node,
		     void *target)
{
	if (node->count < key->min || node->count > key->max)
		return -EINVAL;
	char *copy = arena_text(loader->arena, node->text, node->count);
	if (!copy)
		return -ENOMEM;
	*(char **)field_of(key, target) = copy;
	return 0;
}

bool label_is_valid(const char *text)
{
	const size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					"0123456789._-");

	return len >= 1 && len <= LABEL_MAX && text[len] == '\0';
}

static int read_label(struct loader *loader, const struct schema_key *key, const struct node *node,
		      void *target)
{
	assert(key->size > LABEL_MAX);
	if (!label_is_valid(node->text))
		return -EINVAL;
	memcpy(field_of(key, target), node->text, node->count + 1);
	return 0;
}

static void describe_uint(const struct schema_key *key, uint64_t limit, char *text)
{
	snprintf(text, DURATION_TEXT_MAX, "%" PRIu64, limit);
}

static void describe_seconds(const struct schema_key *key, uint64_t limit, char *text)
{
	const unsigned per_second = key->kind == VALUE_SECONDS        ? 1
				    : key->kind == VALUE_MILLISECONDS ? 1000
								      : 1000000;

	value_format_duration(limit, per_second, text);
}

static void describe_size(const struct schema_key *key, uint64_t limit, char *text)
{
	value_format_size(limit, text);
}

static void describe_percent(const struct schema_key *key, uint64_t limit, char *text)
{
	snprintf(text, DURATION_TEXT_MAX, "%" PRIu64 ".%02" PRIu64, limit / 100, limit % 100);
}

/* What a kind is called, how it is read, and how its limits are spoken of. */
static const struct kind {
	const char *noun;    /* `"abc" is not <noun>` */
	const char *example; /* behind the limits */
	/* 0, -EINVAL: not of this kind, -ERANGE: out of the row's limits, -ENOMEM */
	int (*read)(struct loader *loader, const struct schema_key *key, const struct node *node,
		    void *target);
	void (*describe)(const struct schema_key *key, uint64_t limit, char *text);
} kinds[VALUE_KIND_COUNT] = {
    [VALUE_UINT] = {"a number in digits", "", read_number, describe_uint},
    [VALUE_BOOL] = {"a truth value", "give true or false", read_bool, NULL},
    [VALUE_SECONDS] = {"a duration in whole seconds", ", such as 90s or 1h30m", read_number,
		       describe_seconds},
    [VALUE_MILLISECONDS] = {"a duration", ", such as 500ms or 2s", read_number, describe_seconds},
    [VALUE_MICROSECONDS] = {"a duration", ", such as 50us", read_number, describe_seconds},
    [VALUE_SIZE] = {"a size in bytes", ", such as 64G", read_number, describe_size},
    [VALUE_PERCENT] = {"a fraction", ", or a percentage", read_number, describe_percent},
    [VALUE_WORD] = {"a word known here", NULL, read_word, NULL},
    [VALUE_IP4] = {"an IPv4 address", "give one such as 10.6.0.1", read_ip4, NULL},
    [VALUE_TEXT] = {"text of a fitting length", " bytes of text", read_text, describe_uint},
    [VALUE_LABEL] = {"a usable name", "give 1 to 63 letters, digits, dots, dashes or underscores",
		     read_label, NULL},
};

/* "give one of a, b, c" / "give <min> to <max>, such as ..." / the row's help. */
static const char *describe(const struct schema_key *key, char *text)
{
	const struct kind *kind = &kinds[key->kind];
	size_t len;

	if (key->help)
		return key->help;
	if (key->kind == VALUE_WORD) {
		len = snprintf(text, REMEDY_MAX, "give one of");
		for (unsigned i = 0; key->words[i] && len < REMEDY_MAX; i++)
			len += snprintf(text + len, REMEDY_MAX - len, "%s %s", i ? "," : "",
					key->words[i]);
	} else if (kind->describe) {
		char min[DURATION_TEXT_MAX], max[DURATION_TEXT_MAX];

		kind->describe(key, key->min, min);
		kind->describe(key, key->max, max);
		snprintf(text, REMEDY_MAX, "give %s%s%s to %s%s", key->words ? key->words[0] : "",
			 key->words ? " or " : "", min, max, kind->example);
	} else {
		return kind->example ? kind->example : "see etcdhcp.yaml(5)";
	}
	return text;
}

int schema_need_scalar(struct loader *loader, const struct node *node, const char *key,
		       const char *help)
{
	if (node->kind != NODE_SCALAR)
		return config_fail(loader, node->line, key, "is a %s; %s",
				   node->kind == NODE_LIST ? "list" : "mapping", help);
	if (node_is_null(node))
		return config_fail(loader, node->line, key, "has no value; %s", help);
	return 0;
}

static int read_scalar(struct loader *loader, const struct schema_key *key, const struct node *node,
		       void *target)
{
	char remedy[REMEDY_MAX];
	const struct kind *kind = &kinds[key->kind];

	if (node_is_null(node) && (key->flags & SCHEMA_NULLABLE)) {
		memset(field_of(key, target), 0, key->size);
		return 0;
	}
	int err = schema_need_scalar(loader, node, key->name, describe(key, remedy));
	if (err)
		return err;
	err = kind->read(loader, key, node, target);
	if (err == -ENOMEM)
		return config_fail_memory(loader);
	if (err == -ERANGE)
		return config_fail(loader, node->line, key->name, "\"%.64s\" is out of range; %s",
				   node->text, describe(key, remedy));
	if (err)
		return config_fail(loader, node->line, key->name, "\"%.64s\" is not %s; %s",
				   node->text, kind->noun, describe(key, remedy));
	return 0;
}

static int read_value(struct loader *loader, const struct schema_key *key, const struct node *node,
		      void *target)
{
	switch (key->kind) {
	case VALUE_NODE:
		return 0;
	case VALUE_FORBIDDEN:
		return config_fail(loader, node->line, key->name, "not allowed here; %s",
				   key->help);
	case VALUE_CUSTOM:
		return key->parse(loader, key, node, target);
	default:
		return read_scalar(loader, key, node, target);
	}
}

int schema_set_defaults(struct loader *loader, const struct schema *schema, void *target)
{
	for (size_t i = 0; i < schema->n; i++) {
		const struct schema_key *key = &schema->keys[i];

		if (!key->fallback)
			continue;
		const struct node node = {
		    .text = key->fallback,
		    .count = strlen(key->fallback),
		    .kind = NODE_SCALAR,
		};
		int err = read_value(loader, key, &node, target);
		if (err)
			return err;
	}
	return 0;
}

const struct schema_key *schema_find(const struct schema *schema, const char *name)
{
	for (size_t i = 0; i < schema->n; i++)
		if (strcmp(schema->keys[i].name, name) == 0)
			return &schema->keys[i];
	return NULL;
}

const struct node *schema_found(const struct schema_part *part, const char *name)
{
	const struct schema_key *key = schema_find(part->schema, name);

	assert(key);
	return part->found[key - part->schema->keys];
}

static int fail_unknown(struct loader *loader, const struct node *name, const char *what,
			const struct schema_part *parts, size_t n_parts)
{
	const char *names[SCHEMA_MAX_PARTS * SCHEMA_MAX_KEYS];
	char list[REMEDY_MAX];
	size_t n = 0, len = 0;

	list[0] = '\0';
	for (size_t p = 0; p < n_parts; p++)
		for (size_t i = 0; i < parts[p].schema->n; i++) {
			const struct schema_key *key = &parts[p].schema->keys[i];

			if (key->kind == VALUE_FORBIDDEN)
				continue;
			if (len < sizeof(list))
				len += snprintf(list + len, sizeof(list) - len, "%s%s",
						n ? ", " : "", key->name);
			names[n++] = key->name;
		}
	const char *near = suggest_name(name->text, names, n);

	return config_fail(loader, name->line, name->text, "unknown in %s; %s%s%sallowed here: %s",
			   what, near ? "did you mean " : "", near ? near : "", near ? "? " : "",
			   list);
}

/* The lines of the keys of one mapping, 0: not yet given. */
struct seen {
	unsigned line[SCHEMA_MAX_PARTS][SCHEMA_MAX_KEYS];
};

static int read_pair(struct loader *loader, const struct node *name, const char *what,
		     struct schema_part *parts, size_t n_parts, struct seen *seen)
{
	const struct node *value = name->next;

	for (size_t p = 0; p < n_parts; p++) {
		const struct schema *schema = parts[p].schema;
		const struct schema_key *key = schema_find(schema, name->text);

		if (!key)
			continue;
		const size_t row = key - schema->keys;
		if (seen->line[p][row])
			return config_fail(loader, name->line, key->name,
					   "given twice, first at line %u; remove one",
					   seen->line[p][row]);
		seen->line[p][row] = name->line;
		parts[p].found[row] = value;
		return read_value(loader, key, value, parts[p].target);
	}
	return fail_unknown(loader, name, what, parts, n_parts);
}

static int check_required(struct loader *loader, const struct node *map, const char *what,
			  const struct schema_part *part)
{
	char remedy[REMEDY_MAX];

	for (size_t i = 0; i < part->schema->n; i++) {
		const struct schema_key *key = &part->schema->keys[i];

		if ((key->flags & SCHEMA_REQUIRED) && !part->found[i])
			return config_fail(loader, map->line, key->name, "missing in %s; %s", what,
					   describe(key, remedy));
	}
	return 0;
}

int schema_read(struct loader *loader, const struct node *map, const char *section,
		const char *what, struct schema_part *parts, size_t n_parts)
{
	const bool same = strcmp(section, what) == 0;
	struct seen seen = {0};
	int err = 0;

	assert(n_parts <= SCHEMA_MAX_PARTS);
	for (size_t p = 0; p < n_parts; p++)
		assert(parts[p].schema->n <= SCHEMA_MAX_KEYS);
	if (map->kind != NODE_MAP && !node_is_null(map))
		return config_fail(loader, map->line, section,
				   "%s%sis not a mapping; give \"key: value\" pairs",
				   same ? "" : what, same ? "" : " ");
	if (map->kind == NODE_MAP)
		for (const struct node *name = map->first; name && !err; name = name->next->next)
			err = read_pair(loader, name, what, parts, n_parts, &seen);
	for (size_t p = 0; p < n_parts && !err; p++)
		err = check_required(loader, map, what, &parts[p]);
	return err;
}

int schema_read_list(struct loader *loader, const struct node *list,
		     int (*read)(struct loader *loader, const struct node *item, void *context),
		     void *context)
{
	int err = 0;

	if (list->kind != NODE_LIST)
		return node_is_null(list) ? 0 : read(loader, list, context);
	for (const struct node *item = list->first; item && !err; item = item->next)
		err = read(loader, item, context);
	return err;
}

size_t schema_count_items(const struct node *list)
{
	if (!list || node_is_null(list))
		return 0;
	return list->kind == NODE_LIST ? list->count : 1;
}

static bool fields_equal(const struct schema_key *key, const void *a, const void *b)
{
	const char *x = (const char *)a + key->offset, *y = (const char *)b + key->offset;

	if (key->equal)
		return key->equal(a, b);
	if (key->kind != VALUE_TEXT)
		return memcmp(x, y, key->size) == 0;
	const char *s = *(const char *const *)x, *t = *(const char *const *)y;
	return s && t ? strcmp(s, t) == 0 : s == t;
}

const char *schema_find_change(const struct schema *schema, const void *a, const void *b)
{
	for (size_t i = 0; i < schema->n; i++) {
		const struct schema_key *key = &schema->keys[i];

		if (!(key->flags & SCHEMA_LIVE) && !fields_equal(key, a, b))
			return key->name;
	}
	return NULL;
}

#define SUGGEST_MAX 40

/* Levenshtein's distance, one row at a time; both texts at most SUGGEST_MAX bytes. */
static unsigned edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned row[SUGGEST_MAX + 1];

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			const unsigned replace = diagonal + (a[i - 1] != b[j - 1]);
			const unsigned shift = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

			diagonal = row[j];
			row[j] = replace < shift ? replace : shift;
		}
	}
	return row[b_len];
}

const char *suggest_name(const char *text, const char *const *names, size_t n)
{
	const size_t len = strlen(text);
	const char *best = NULL;
	/* one slip in three letters is a slip, more is another word */
	unsigned least = len / 3 + 1;

	for (size_t i = 0; i < n && len <= SUGGEST_MAX; i++) {
		if (!names[i] || strlen(names[i]) > SUGGEST_MAX)
			continue;
		const unsigned d = edit_distance(text, len, names[i], strlen(names[i]));
		if (d < least || (d == least && !best)) {
			least = d;
			best = names[i];
		}
	}
	return best;
}
