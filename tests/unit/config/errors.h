/* SPDX-License-Identifier: MIT */
/**
 * Tables of texts that are refused and the exact words they are refused with.
 *
 * Every text is called "t" and named so in its error; line numbers count the macros' lines too.
 */
#ifndef ETCDHCP_TESTS_UNIT_CONFIG_ERRORS_H
#define ETCDHCP_TESTS_UNIT_CONFIG_ERRORS_H

#include "unit.h"

/* One line each. */
#define SERVER   "server: {id: a, interfaces: [eth1]}\n"
#define NETWORKS "networks: [{name: n, subnets: [{subnet: 10.0.0.0/24}]}]\n"
#define VALID    SERVER NETWORKS
#define SUBNETS  "  subnets: [{subnet: 10.0.0.0/24}]\n"
/* Three lines: what follows is in the network's mapping. */
#define IN_NETWORK SERVER "networks:\n- name: n\n"
/* Five lines: what follows is in the subnet's mapping. */
#define IN_SUBNET IN_NETWORK "  subnets:\n  - subnet: 10.0.0.0/24\n"

#define TIME_KEYS                                                                                  \
	"lease-time, min-lease-time, max-lease-time, horizon, extend-below, t1, t2, offer-time, "  \
	"rest-time, decline-time"
#define SCOPE_KEYS "options, next-server, boot-file, server-name"
#define ROOT_KEYS  "server, store, networks, " TIME_KEYS ", " SCOPE_KEYS

struct error_case {
	const char *text;
	const char *error;
};

static inline void expect_error(const char *text, const char *expected)
{
	struct config_error error = {{0}};
	struct config *config = parse(text, &error);

	if (config || strcmp(error.text, expected) != 0)
		print_error("for text:\n%.2000s\n", text);
	assert_null(config);
	assert_string_equal(error.text, expected);
}

static inline void expect_errors(const struct error_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		expect_error(cases[i].text, cases[i].error);
}

#endif
