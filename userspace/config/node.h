/* SPDX-License-Identifier: MIT */
/**
 * config/node.h - a YAML text as a tree of nodes that know their lines.
 *
 * Built from libyaml's events rather than by its document loader, because a text can be refused
 * at the first event that goes too far: that loader takes quadratic time over anchors, has no bound
 * on nodes, and a file may be 64 MiB. Aliases are resolved here (a node that stands for one shares
 * its children), and counted as what they expand to, so that no walk of the tree takes
 * longer than a text of YAML_MAX_NODES nodes would.
 */
#ifndef ETCDHCP_CONFIG_NODE_H
#define ETCDHCP_CONFIG_NODE_H

#include "config/load.h"

#define YAML_MAX_DEPTH   16
#define YAML_MAX_ANCHORS 256
#define YAML_MAX_NODES   (8u << 20) /* aliases expanded */

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
	const struct node *next; /* the next in the same list; in a map keys and values alternate */
	union {
		const char *text;         /* scalar: NUL-terminated, without NUL bytes inside */
		const struct node *first; /* list and map: NULL when empty */
	};
	uint32_t count;  /* scalar: bytes of text; list: items; map: keys and values together */
	uint32_t line;   /* from 1; an alias has the line where it stands */
	uint32_t weight; /* nodes below and including this one, aliases expanded */
	uint8_t kind;    /* enum node_kind */
	bool quoted;     /* a scalar in quotes: never null */
};

/** Parses one document; *root and all below lives in the scratch arena. */
int config_compose(struct loader *loader, const struct config_source *source,
		   const struct node **root);

/** `~`, `null` or nothing at all. */
bool node_is_null(const struct node *node);

#endif
