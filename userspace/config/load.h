/* SPDX-License-Identifier: MIT */
/**
 * config/load.h - what the files of this folder share while one configuration is being built.
 *
 * The way of a file: text -> nodes (yaml.c) -> keys read by tables (schema.c, server.c,
 * network.c, reservation.c, options.c) -> cross checks and indexes (check.c). Every step gets
 * the loader, returns 0 or negative errno, and on failure has filled the loader's error.
 */
#ifndef ETCDHCP_CONFIG_LOAD_H
#define ETCDHCP_CONFIG_LOAD_H

#include "config/arena.h"
#include "config/config.h"

#define CONFIG_FILE_MAX ((size_t)64 << 20)

/**
 * What a configuration may take, and as much again while it is read. Every reservation with
 * options of its own has a whole set, inherited ones included: a small file can ask for much.
 */
#define CONFIG_MEMORY_MAX ((size_t)2 << 30)

struct loader {
	struct arena *arena;   /* becomes the configuration's own */
	size_t memory_max;     /* of each of the two, bytes */
	struct arena *scratch; /* nodes and tables needed while loading, freed after it */
	const char *file;      /* whose lines are being read, for messages */
	struct config_error *error;
	struct config *config;
};

/**
 * Fills the error with "file:line: key: problem; remedy"; @p line 0 stands for no line at all.
 * Control bytes are masked and what is too long is cut. Returns -EINVAL, for the caller to pass on.
 */
int config_fail(struct loader *loader, unsigned line, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/** The same for memory that ran out. Returns -ENOMEM. */
int config_fail_memory(struct loader *loader);

/** A text and what errors call it. */
struct config_source {
	const char *name;
	const char *text;
	size_t len;
};

/**
 * config_load and config_load_shared without the file system; @p shared may be NULL. The
 * configuration may take @p memory_max bytes, and as much again while it is read.
 */
struct config *config_parse(const struct config_source *file, const struct config_source *shared,
			    size_t memory_max, struct config_error *error);

#endif
