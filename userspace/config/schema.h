/* SPDX-License-Identifier: MIT */
/**
 * config/schema.h - mappings as tables: what may be written, where it goes, what it defaults to.
 *
 * A key is one row. The walker finds rows by name, refuses unknown and repeated keys, converts the
 * value into the field at the row's offset, and composes the error that tells what the row
 * allows. What needs code of its own (lists, sections) is only noted by the walker; its
 * reader takes it from `found` when its turn comes.
 */
#ifndef ETCDHCP_CONFIG_SCHEMA_H
#define ETCDHCP_CONFIG_SCHEMA_H

#include "config/node.h"

enum value_kind {
	VALUE_NODE,      /* only noted in `found` */
	VALUE_FORBIDDEN, /* known, but not here: `help` says why */
	VALUE_CUSTOM,    /* `parse` reads it */
	VALUE_UINT,      /* min..max, uint16_t to uint64_t; words[0] may stand for 0 */
	VALUE_BOOL,
	VALUE_SECONDS, /* min..max in the unit of the name, uint32_t or wider */
	VALUE_MILLISECONDS,
	VALUE_MICROSECONDS, /* words[0] may stand for 0 */
	VALUE_SIZE,         /* bytes, uint64_t */
	VALUE_PERCENT,      /* "1.5" or "150%", in hundredths */
	VALUE_WORD,         /* one of `words`; the field is an enum and gets the index */
	VALUE_IP4,          /* host order */
	VALUE_TEXT,         /* min..max bytes; a char * into the arena */
	VALUE_LABEL,        /* [A-Za-z0-9._-]{1,63}; a char array of at least 64 bytes */
	VALUE_KIND_COUNT
};

enum schema_flag {
	SCHEMA_REQUIRED = 1u << 0,
	SCHEMA_NULLABLE = 1u << 1, /* a null value clears the field: nothing is inherited */
	SCHEMA_LIVE = 1u << 2,     /* a reload may change it */
};

#define SCHEMA_MAX_KEYS  32
#define SCHEMA_MAX_PARTS 4
#define LABEL_MAX        63

struct schema_key {
	const char *name;
	enum value_kind kind;
	uint64_t min, max;
	const char *fallback; /* the default as somebody would write it; NULL: the field stays 0 */
	size_t offset, size;  /* of the field in the target */
	unsigned flags;
	const char *const *words; /* NULL-terminated */
	const char *help;         /* what is allowed, where kind and limits do not tell */
	/** VALUE_CUSTOM: reads into the target as a whole. */
	int (*parse)(struct loader *loader, const struct schema_key *key, const struct node *node,
		     void *target);
	/** Compares two targets for a reload, where size bytes at offset would not do. */
	bool (*equal)(const void *a, const void *b);
};

/** The field of a row. */
#define FIELD(type, member) .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)
/** A row that must be given; @p text says how. */
#define REQUIRED(text) .flags = SCHEMA_REQUIRED, .help = (text)
/** A row read by code of its own; @p text says what that allows. */
#define READ_BY(function, text) .parse = (function), .help = (text)

struct schema {
	const struct schema_key *keys;
	size_t n;
};

#define SCHEMA(rows)                                                                               \
	{                                                                                          \
		rows, ARRAY_SIZE(rows)                                                             \
	}

/** One mapping may be described by several tables at once, each with a target of its own. */
struct schema_part {
	const struct schema *schema;
	void *target;
	const struct node
	    *found[SCHEMA_MAX_KEYS]; /* by row: the value; rows not given stay as they are */
};

/** Fills @p target with the table's defaults. */
int schema_set_defaults(struct loader *loader, const struct schema *schema, void *target);
/** Reads a mapping (null counts as an empty one) that stands in @p section and is @p what. */
int schema_read(struct loader *loader, const struct node *map, const char *section,
		const char *what, struct schema_part *parts, size_t n_parts);
/** What was given for a key of the part's table; NULL when nothing was. */
const struct node *schema_found(const struct schema_part *part, const char *name);
/** The row of that name; NULL when there is none. */
const struct schema_key *schema_find(const struct schema *schema, const char *name);
/** The first row without SCHEMA_LIVE in which the targets differ; NULL when none does. */
const char *schema_find_change(const struct schema *schema, const void *a, const void *b);

/** "[A-Za-z0-9._-]{1,63}": fit for a part of a key in the store. */
bool label_is_valid(const char *text);
/** Calls @p read for each item of a list; a scalar or mapping counts as a list of one. */
int schema_read_list(struct loader *loader, const struct node *list,
		     int (*read)(struct loader *loader, const struct node *item, void *context),
		     void *context);
/** -EINVAL with an error when @p node is not a scalar with a value; @p help says what to give. */
int schema_need_scalar(struct loader *loader, const struct node *node, const char *key,
		       const char *help);
/** How many items schema_read_list would find; NULL has none. */
size_t schema_count_items(const struct node *list);

/** Among @p n names (some may be NULL) the one closest to @p text, NULL when none is close. */
const char *suggest_name(const char *text, const char *const *names, size_t n);

#endif
