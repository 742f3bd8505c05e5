/* SPDX-License-Identifier: MIT */
/**
 * config/section.h - the readers of the file's sections and the tables they read by.
 */
#ifndef ETCDHCP_CONFIG_SECTION_H
#define ETCDHCP_CONFIG_SECTION_H

#include "config/schema.h"

/* ---- server.c, store.c ---- */

extern const struct schema config_server_schema; /* struct config_server */
extern const struct schema config_xdp_schema;    /* struct config_interface: for all and for one */
extern const struct schema config_interface_schema; /* struct config_interface */
extern const struct schema config_store_schema;
extern const struct schema config_embedded_schema; /* struct config_store */
extern const struct schema config_etcd_schema;     /* struct config_store */

/** @p node may be NULL: an error that tells what is missing. */
int config_server_read(struct loader *loader, const struct node *node,
		       struct config_server *server);
/** @p node NULL: the embedded store with its defaults. */
int config_store_read(struct loader *loader, const struct node *node, struct config_store *store);
/** For VALUE_CUSTOM rows: the name of a network interface into a char[IF_NAMESIZE]. */
int config_interface_name_read(struct loader *loader, const struct schema_key *key,
			       const struct node *node, void *target);
/** The interface of that name (its first @p len bytes); NULL when the server has none. */
const struct config_interface *config_server_find_interface(const struct config_server *server,
							    const char *name, size_t len);
/** The first key that a reload may not change; NULL when all may. */
const char *config_server_find_change(const struct config_server *a, const struct config_server *b);
bool config_store_is_equal(const struct config_store *a, const struct config_store *b);

/* ---- times.c ---- */

extern const struct schema config_times_schema; /* struct config_times */

/** What a network starts from: the outer values, and where they were given. */
struct times {
	struct config_times value;
	struct schema_part given; /* of config_times_schema, target unused between readings */
};

/** Derives what was not given from what was, and checks all against all. */
int config_times_resolve(struct loader *loader, struct times *times);

/* ---- options.c ---- */

extern const struct schema config_scope_schema;  /* struct config_scope */
extern const struct schema config_option_schema; /* `{value: ..., always: ...}`; bool */

/**
 * Completes @p scope, which holds the outer scope's values with those of its own mapping
 * laid over: merges the `options` given over the outer set. Shares that set where nothing is.
 */
int config_scope_resolve(struct loader *loader, const struct schema_part *given,
			 struct config_scope *scope);

/* ---- network.c, reservation.c ---- */

extern const struct schema config_network_schema;     /* struct network_source */
extern const struct schema config_link_schema;        /* struct config_link */
extern const struct schema config_subnet_schema;      /* struct subnet_source */
extern const struct schema config_pool_schema;        /* struct pool_source */
extern const struct schema config_reservation_schema; /* struct config_reservation */

/* The sources below live in the scratch arena: a part of the configuration and its line. */

struct pool_source {
	struct addr_range range;
	unsigned line;
};

struct link_source {
	struct link_source *next;
	struct config_link link;
	uint32_t network;
	unsigned line;
};

struct subnet_source {
	struct subnet_source *next;
	struct config_subnet subnet; /* pools still missing, reservations as written */
	struct pool_source *pools;
	unsigned line;
};

struct network_source {
	char name[LABEL_MAX + 1];
	uint32_t index;
	uint32_t server_identifier;
	struct config_scope scope;
	struct times times;
	size_t n_links;
	unsigned line;
};

/** The addresses of a subnet that hosts may have: all of a /31 and a /32 (RFC 3021). */
static inline struct addr_range subnet_usable(const struct config_subnet *subnet)
{
	const uint32_t edge = subnet->last - subnet->first > 1;

	return (struct addr_range){.first = subnet->first + edge, .last = subnet->last - edge};
}

/** Everything read, before it is checked and put in order. */
struct sources {
	struct network_source *networks;
	size_t n_networks;
	struct subnet_source *subnets;
	size_t n_subnets;
	struct link_source *links;
	size_t n_links;
};

/** What networks inherit. */
struct global {
	struct config_scope scope;
	struct times times;
};

/** Reads `networks` (NULL: none). */
int config_networks_read(struct loader *loader, const struct node *node,
			 const struct global *global, struct sources *sources);
/** Reads `reservations` (NULL: none) into the source's subnet. */
int config_reservations_read(struct loader *loader, const struct node *node,
			     struct subnet_source *source);

/* ---- check.c, assemble.c ---- */

/** Everything that no single mapping can tell by itself; sorts pools and reservations. */
int config_sources_check(struct loader *loader, struct sources *sources);
/** Builds the configuration's arrays and indexes from sources that passed. */
int config_sources_assemble(struct loader *loader, const struct sources *sources);

/** Whose link comes first: by interface, outer tag, inner tag. */
int config_link_compare(const struct config_link *a, const struct config_link *b);

/* ---- config.c ---- */

extern const struct schema config_root_schema;   /* of a file; struct config */
extern const struct schema config_shared_schema; /* of the part shared through the store */

#endif
