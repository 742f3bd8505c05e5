/* SPDX-License-Identifier: MIT */
#include "config/node.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <yaml.h>

struct frame {
	struct node *node;
	const struct node **tail; /* where the next child is hung in */
};

struct anchor {
	const char *name;
	const struct node *node;
};

struct composer {
	struct loader *loader;
	yaml_parser_t parser;
	struct frame stack[YAML_MAX_DEPTH];
	unsigned depth;
	struct anchor anchors[YAML_MAX_ANCHORS];
	unsigned n_anchors;
	const struct node *root;
	uint64_t nodes; /* so far, aliases expanded */
};

/* A hostile key must not reach a terminal as an escape sequence, nor split a line of a log. */
static void mask_control_bytes(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

int config_fail(struct loader *loader, unsigned line, const char *key, const char *format, ...)
{
	char *text = loader->error->text;
	const size_t cap = sizeof(loader->error->text);
	char at[16] = "";
	va_list args;

	if (line)
		snprintf(at, sizeof(at), ":%u", line);
	size_t len = snprintf(text, cap, "%.200s%s: %.64s: ", loader->file, at, key);
	va_start(args, format);
	len += vsnprintf(text + len, cap - len, format, args);
	va_end(args);
	if (len >= cap)
		memcpy(text + cap - 4, "...", 4);
	mask_control_bytes(text);
	return -EINVAL;
}

int config_fail_memory(struct loader *loader)
{
	config_fail(loader, 0, "memory", "exhausted (at most %zu MiB is used); shorten the file",
		    loader->memory_max >> 20);
	return -ENOMEM;
}

bool node_is_null(const struct node *node)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};

	if (node->kind != NODE_SCALAR || node->quoted)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(node->text, words[i]) == 0)
			return true;
	return false;
}

static int fail_parser(struct composer *c)
{
	const yaml_parser_t *p = &c->parser;

	if (p->error == YAML_MEMORY_ERROR)
		return config_fail_memory(c->loader);
	if (p->error == YAML_READER_ERROR)
		return config_fail(c->loader, p->mark.line + 1, "syntax",
				   "%s (byte %zu); give plain UTF-8 text", p->problem,
				   p->problem_offset);
	return config_fail(c->loader, p->problem_mark.line + 1, "syntax",
			   "%s%s%s; check quotes, brackets and indentation (spaces, not tabs)",
			   p->context ? p->context : "", p->context ? ", " : "",
			   p->problem ? p->problem : "not YAML");
}

/* Hangs a finished scalar or alias, or a collection just opened, into the innermost open one. */
static int attach(struct composer *c, struct node *node)
{
	if (c->depth == 0) {
		c->root = node;
		return 0;
	}
	struct frame *top = &c->stack[c->depth - 1];

	if (top->node->kind == NODE_MAP && top->node->count % 2 == 0 && node->kind != NODE_SCALAR)
		return config_fail(c->loader, node->line, "syntax",
				   "a list or mapping stands where a key should; give a plain "
				   "word as the key");
	*top->tail = node;
	top->tail = &node->next;
	top->node->count++;
	return 0;
}

static int count_nodes(struct composer *c, unsigned line, uint32_t weight)
{
	c->nodes += weight;
	if (c->nodes > YAML_MAX_NODES)
		return config_fail(c->loader, line, "syntax",
				   "more than %u values, aliases expanded; shorten the file",
				   YAML_MAX_NODES);
	if (c->depth > 0)
		c->stack[c->depth - 1].node->weight += weight;
	return 0;
}

static int remember_anchor(struct composer *c, const char *name, const struct node *node)
{
	if (!name)
		return 0;
	if (c->n_anchors == YAML_MAX_ANCHORS)
		return config_fail(c->loader, node->line, name,
				   "one anchor too many; at most %u are allowed", YAML_MAX_ANCHORS);
	char *copy = arena_text(c->loader->scratch, name, strlen(name));
	if (!copy)
		return config_fail_memory(c->loader);
	c->anchors[c->n_anchors++] = (struct anchor){.name = copy, .node = node};
	return 0;
}

static int new_node(struct composer *c, const yaml_event_t *event, enum node_kind kind,
		    const yaml_char_t *tag, struct node **node)
{
	const unsigned line = event->start_mark.line + 1;

	if (tag)
		return config_fail(c->loader, line, (const char *)tag,
				   "tags have no meaning here; remove it");
	*node = arena_alloc(c->loader->scratch, sizeof(**node));
	if (!*node)
		return config_fail_memory(c->loader);
	(*node)->kind = kind;
	(*node)->line = line;
	return 0;
}

static int on_scalar(struct composer *c, const yaml_event_t *event)
{
	struct node *node;
	const char *text = (const char *)event->data.scalar.value;
	const size_t len = event->data.scalar.length;
	int err = new_node(c, event, NODE_SCALAR, event->data.scalar.tag, &node);

	if (err)
		return err;
	if (memchr(text, 0, len))
		return config_fail(c->loader, node->line, "syntax",
				   "a NUL byte inside text; remove it");
	node->text = arena_text(c->loader->scratch, text, len);
	if (!node->text)
		return config_fail_memory(c->loader);
	node->count = len;
	node->weight = 1;
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	err = remember_anchor(c, (const char *)event->data.scalar.anchor, node);
	if (!err)
		err = count_nodes(c, node->line, 1);
	return err ? err : attach(c, node);
}

static int on_open(struct composer *c, const yaml_event_t *event)
{
	/* the two events' data are laid out alike, but nothing promises it */
	const bool map = event->type == YAML_MAPPING_START_EVENT;
	const yaml_char_t *anchor =
	    map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
	const yaml_char_t *tag =
	    map ? event->data.mapping_start.tag : event->data.sequence_start.tag;
	struct node *node;
	int err = new_node(c, event, map ? NODE_MAP : NODE_LIST, tag, &node);

	if (err)
		return err;
	if (c->depth == YAML_MAX_DEPTH)
		return config_fail(c->loader, node->line, "syntax",
				   "nested deeper than anything known here; at most %u levels",
				   YAML_MAX_DEPTH);
	err = remember_anchor(c, (const char *)anchor, node);
	if (!err)
		err = attach(c, node);
	if (err)
		return err;
	c->stack[c->depth++] = (struct frame){.node = node, .tail = &node->first};
	return count_nodes(c, node->line, 1);
}

static int on_close(struct composer *c)
{
	const struct node *closed = c->stack[--c->depth].node;

	if (c->depth > 0)
		c->stack[c->depth - 1].node->weight += closed->weight;
	return 0;
}

static bool is_open(const struct composer *c, const struct node *node)
{
	for (unsigned i = 0; i < c->depth; i++)
		if (c->stack[i].node == node)
			return true;
	return false;
}

static int on_alias(struct composer *c, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	const unsigned line = event->start_mark.line + 1;
	unsigned i = c->n_anchors;

	/* the latest of equal names counts */
	while (i > 0 && strcmp(c->anchors[i - 1].name, name) != 0)
		i--;
	if (i == 0)
		return config_fail(c->loader, line, name,
				   "no such anchor; define &%.64s above this line", name);
	const struct node *target = c->anchors[i - 1].node;
	if (is_open(c, target))
		return config_fail(c->loader, line, name,
				   "the alias stands inside its own anchor; remove it");
	int err = count_nodes(c, line, target->weight);
	if (err)
		return err;
	struct node *node = arena_copy(c->loader->scratch, target, sizeof(*target));
	if (!node)
		return config_fail_memory(c->loader);
	node->line = line;
	node->next = NULL;
	return attach(c, node);
}

static int on_document(struct composer *c, const yaml_event_t *event)
{
	if (!c->root)
		return 0;
	return config_fail(c->loader, event->start_mark.line + 1, "syntax",
			   "a second document begins; one file holds one document");
}

static int on_event(struct composer *c, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return on_document(c, event);
	case YAML_SCALAR_EVENT:
		return on_scalar(c, event);
	case YAML_ALIAS_EVENT:
		return on_alias(c, event);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return on_open(c, event);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_close(c);
	default:
		return 0; /* stream start and end, document end */
	}
}

static int compose(struct composer *c)
{
	for (;;) {
		yaml_event_t event;

		if (!yaml_parser_parse(&c->parser, &event))
			return fail_parser(c);
		const bool end = event.type == YAML_STREAM_END_EVENT;
		const int err = on_event(c, &event);
		yaml_event_delete(&event);
		if (err || end)
			return err;
	}
}

int config_compose(struct loader *loader, const struct config_source *source,
		   const struct node **root)
{
	struct composer *c = arena_alloc(loader->scratch, sizeof(*c));

	loader->file = source->name;
	if (!c || !yaml_parser_initialize(&c->parser))
		return config_fail_memory(loader);
	c->loader = loader;
	yaml_parser_set_input_string(&c->parser, (const unsigned char *)source->text, source->len);
	int err = compose(c);
	yaml_parser_delete(&c->parser);
	if (err)
		return err;
	if (!c->root || node_is_null(c->root))
		return config_fail(loader, 0, "file", "is empty; see etcdhcp.yaml(5)");
	if (c->root->kind != NODE_MAP)
		return config_fail(loader, c->root->line, "file",
				   "does not hold a mapping; begin with a key such as networks:");
	*root = c->root;
	return 0;
}
