/* SPDX-License-Identifier: MIT */
/**
 * life_bed.h - what becomes of leases, over either database: each program takes "embedded" or "etcd". Every test has a
 * store of its own: a new directory, or a prefix of its own in one etcd.
 */
#ifndef ETCDHCP_TESTS_LIFE_BED_H
#define ETCDHCP_TESTS_LIFE_BED_H

#include "kv_server.h"
#include "store_bed.h"

#define REVOKE_PATIENCE_MS 20000

/** Runs @p tests over the database that the arguments name: main's value. 0 when it is missing, which has been said then. */
#define life_run(argc, argv, tests) \
	(life_begin(argc, argv) ? life_end(cmocka_run_group_tests(tests, NULL, NULL)) : 0)
bool life_begin(int argc, char **argv);
int life_end(int failed);
/** The etcd under test; NULL: the database is the embedded one, which has one server and cannot be frozen. */
struct server *life_etcd(void);

/** Fixture of a test, torn down by bed_tear_down; *state is a bed whose store is open. */
int life_set_up(void **state);
#define TEST(f) cmocka_unit_test_setup_teardown(f, life_set_up, bed_tear_down)

/** An empty store in @p etcd, which may be another than the one under test. */
struct store_bed *life_bed_in(const struct server *etcd);
/** A second server of the test's store, which is in etcd. */
struct store_bed *life_peer(void);

/** Ends whatever binding @p addr has, as an operator does; returns what store_revoke does. */
int life_revoke(struct store_bed *bed, uint32_t addr, int64_t *until_s);

#endif
