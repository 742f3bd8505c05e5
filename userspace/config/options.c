/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/section.h"
#include "dhcp/option_table.h"

#define VALUE_MAX_BYTES 4096
#define MAX_VALUES      1024 /* more than any type fits into VALUE_MAX_BYTES, but long routes */

/* The fixed fields of the header hold these with their NUL (RFC 2131 section 2). */
#define BOOT_FILE_MAX   127
#define SERVER_NAME_MAX 63

#define NULLABLE .flags = SCHEMA_NULLABLE

/* clang-format off */
#define AT(member) FIELD(struct config_scope, member)
static const struct schema_key scope_keys[] = {
	{.name = "options"},
	{"next-server", VALUE_IP4, AT(next_server), NULLABLE},
	{"boot-file", VALUE_TEXT, 1, BOOT_FILE_MAX, AT(boot_file), NULLABLE},
	{"server-name", VALUE_TEXT, 1, SERVER_NAME_MAX, AT(server_name), NULLABLE},
};
#undef AT

static const struct schema_key option_keys[] = {
	{.name = "value", REQUIRED("give one value, a list, or ~ to remove the option")},
	{"always", VALUE_BOOL, FIELD(struct { bool always; }, always)},
};
/* clang-format on */

const struct schema config_scope_schema = SCHEMA(scope_keys);
const struct schema config_option_schema = SCHEMA(option_keys);

struct values {
	const char *option; /* as it was named */
	const char **text;
	size_t n;
};

struct merge {
	struct option_builder *builder;
	unsigned line[256]; /* where a code was given in this mapping, 0: not yet */
};

/* The option whose name is closest; NULL when none is close. */
static const char *suggest_option(const char *text)
{
	const char *names[255] = {0};

	for (unsigned code = 1; code < 255; code++) {
		char number[4];

		snprintf(number, sizeof(number), "%u", code);
		const struct option_def *def = option_find(number);
		/* a number is no suggestion, and neither is what would be refused next */
		if (def && def->type != OPTION_RESERVED && !isdigit((unsigned char)def->name[0]))
			names[code] = def->name;
	}
	return suggest_name(text, names, ARRAY_SIZE(names));
}

static int fail_unknown(struct loader *loader, const struct node *name)
{
	const char *near = suggest_option(name->text);

	return config_fail(loader, name->line, name->text,
			   "no such option; %s%s%sgive a name known to etcdhcp.yaml(5), or a "
			   "code from 1 to 254 with its bytes in hexadecimal",
			   near ? "did you mean " : "", near ? near : "", near ? "? " : "");
}

static int value_read(struct loader *loader, const struct node *node, void *context)
{
	struct values *values = context;
	int err =
	    schema_need_scalar(loader, node, values->option, "give single values or one flat list");

	if (!err)
		values->text[values->n++] = node->text;
	return err;
}

static int fail_value(struct loader *loader, const struct option_def *def, const char *name,
		      unsigned line, const char *text, const char *why)
{
	return config_fail(loader, line, name, "\"%.64s\": %s; give %s", text,
			   why ? why : "not allowed", option_type_help(def->type));
}

/* A list was refused as a whole: blame the value that is refused alone too, if there is one. */
static int fail_values(struct loader *loader, const struct option_def *def, const struct node *name,
		       const struct node *node, const char *why)
{
	uint8_t out[VALUE_MAX_BYTES];
	const struct node *item = node->kind == NODE_LIST ? node->first : NULL;

	for (; item; item = item->next) {
		const char *item_why = NULL;

		if (option_encode(def, &item->text, 1, out, sizeof(out), &item_why) < 0)
			return fail_value(loader, def, name->text, item->line, item->text,
					  item_why);
	}
	if (node->kind == NODE_SCALAR)
		return fail_value(loader, def, name->text, node->line, node->text, why);
	return config_fail(loader, node->line, name->text, "%s; give %s", why ? why : "not allowed",
			   option_type_help(def->type));
}

static int put_values(struct loader *loader, struct merge *merge, const struct option_def *def,
		      const struct node *name, const struct node *node, bool always)
{
	const size_t n = schema_count_items(node);
	struct values values = {.option = name->text};
	uint8_t out[VALUE_MAX_BYTES];
	const char *why = NULL;

	if (n < 1 || n > MAX_VALUES)
		return config_fail(loader, node->line, name->text,
				   "has %zu values; give 1 to %d, or ~ to remove the option", n,
				   MAX_VALUES);
	values.text = arena_array(loader->scratch, n, sizeof(*values.text));
	if (!values.text)
		return config_fail_memory(loader);
	int err = schema_read_list(loader, node, value_read, &values);
	if (err)
		return err;
	int len = option_encode(def, values.text, values.n, out, sizeof(out), &why);
	if (len == -ENOSPC)
		return config_fail(loader, node->line, name->text,
				   "longer than %d bytes; shorten it", VALUE_MAX_BYTES);
	if (len < 0)
		return fail_values(loader, def, name, node, why);
	err = option_builder_put(merge->builder, def->code, out, len, always);
	if (err == -ENOSPC)
		return config_fail(loader, node->line, name->text,
				   "too much with all other options of this place; shorten them");
	return err ? config_fail_memory(loader) : 0;
}

/* `{value: ..., always: true}`: the value's node and the flag; any other node as it is. */
static int unwrap(struct loader *loader, const struct node **node, bool *always)
{
	struct schema_part part = {.schema = &config_option_schema, .target = always};

	if ((*node)->kind != NODE_MAP)
		return 0;
	int err = schema_read(loader, *node, "options", "an option", &part, 1);
	if (!err)
		*node = schema_found(&part, "value");
	return err;
}

static int option_read(struct loader *loader, struct merge *merge, const struct node *name)
{
	const struct option_def *found = option_find(name->text);
	const struct node *node = name->next;
	bool always = false;

	if (!found || found->code == 0 || found->code == 255)
		return fail_unknown(loader, name);
	const struct option_def def = *found;
	if (def.type == OPTION_RESERVED)
		return config_fail(loader, name->line, name->text,
				   "the server alone decides on option %u; remove it", def.code);
	if (merge->line[def.code])
		return config_fail(loader, name->line, name->text,
				   "option %u given twice, first at line %u; remove one", def.code,
				   merge->line[def.code]);
	merge->line[def.code] = name->line;
	int err = unwrap(loader, &node, &always);
	if (err)
		return err;
	if (!node_is_null(node))
		return put_values(loader, merge, &def, name, node, always);
	option_builder_remove(merge->builder, def.code);
	return 0;
}

static int read_options(struct loader *loader, const struct node *node, struct merge *merge)
{
	int err = 0;

	if (!node || node_is_null(node))
		return 0;
	if (node->kind != NODE_MAP)
		return config_fail(loader, node->line, "options",
				   "is not a mapping; give \"name: value\" pairs");
	for (const struct node *name = node->first; name && !err; name = name->next->next)
		err = option_read(loader, merge, name);
	return err;
}

static int finish(struct loader *loader, const struct merge *merge, const struct option_set **out)
{
	struct option_set *set = option_builder_finish(merge->builder);

	if (!set)
		return config_fail_memory(loader);
	*out = arena_copy(loader->arena, set, sizeof(*set) + set->cap);
	free(set);
	return *out ? 0 : config_fail_memory(loader);
}

int config_scope_resolve(struct loader *loader, const struct schema_part *given,
			 struct config_scope *scope)
{
	const struct node *options = schema_found(given, "options");
	struct merge merge = {0};

	if (!options && scope->options)
		return 0;
	merge.builder = option_builder_new(scope->options);
	if (!merge.builder)
		return config_fail_memory(loader);
	int err = read_options(loader, options, &merge);
	if (!err)
		err = finish(loader, &merge, &scope->options);
	option_builder_free(merge.builder);
	return err;
}
