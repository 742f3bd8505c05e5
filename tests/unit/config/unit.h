/* SPDX-License-Identifier: MIT */
/** cmocka with the headers it forgets to include, and configurations from strings. */
#ifndef ETCDHCP_TESTS_UNIT_CONFIG_UNIT_H
#define ETCDHCP_TESTS_UNIT_CONFIG_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/load.h"

static inline struct config *parse(const char *text, struct config_error *error)
{
	const struct config_source source = {.name = "t", .text = text, .len = strlen(text)};

	return config_parse(&source, NULL, CONFIG_MEMORY_MAX, error);
}

/** Fails the test, with the error shown, when the text is refused. */
static inline struct config *must_parse(const char *text)
{
	struct config_error error = {{0}};
	struct config *config = parse(text, &error);

	if (!config)
		print_error("refused: %s\n", error.text);
	assert_non_null(config);
	return config;
}

#endif
