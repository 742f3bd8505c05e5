/* SPDX-License-Identifier: MIT */
/**
 * kv_suite.h - tests that both backends must pass alike: each program takes "embedded" or "etcd".
 *
 * Every test has a store of its own: a new directory, or a prefix of its own in one etcd.
 */
#ifndef ETCDHCP_TESTS_KV_SUITE_H
#define ETCDHCP_TESTS_KV_SUITE_H

#include "kv_owner.h"

struct bed {
	struct owner owner;
	const struct kv_ops *ops; /* the backend under test */
	char place[64];           /* directory or prefix */
	struct config_store config;
};

/** Chooses the backend and prepares it; false when it is missing, which has been said then. */
bool suite_begin(int argc, char **argv);
void suite_end(void);

int suite_set_up(void **state);
int suite_tear_down(void **state);
/** Closes and opens again: what is there then was stored. */
void suite_reopen(struct bed *bed);

#define TEST(f) cmocka_unit_test_setup_teardown(f, suite_set_up, suite_tear_down)

#endif
