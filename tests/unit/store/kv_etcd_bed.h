/* SPDX-License-Identifier: MIT */
/** kv_etcd_bed.h - what the tests of the etcd backend share: an etcd of its own for each of them.
 */
#ifndef ETCDHCP_TESTS_KV_ETCD_BED_H
#define ETCDHCP_TESTS_KV_ETCD_BED_H

#include "kv_owner.h"
#include "kv_server.h"

#define PREFIX "/etcdhcp/"

struct bed {
	struct server server;
	struct config_store config;
	struct owner owner, other;
	char *urls[2];
	char second[64];
	char password[96];
	int listener;
};

/** Starts an etcd with these options, NULL at the end; *state becomes a bed. */
int bed_set_up_with(void **state, const char *const *args);
int bed_set_up(void **state);
int bed_tear_down(void **state);

#define TEST(f) cmocka_unit_test_setup_teardown(f, bed_set_up, bed_tear_down)

/** Connected and loaded, with the bed's configuration. */
void bed_begin(struct bed *bed);
/** For a server that was just away: until a put succeeds, within the owner's patience. */
void bed_put_again(struct bed *bed, const char *key, const char *value);
/** The mirror that lived through it all holds what a fresh one loads. */
void bed_assert_mirror_is_true(struct bed *bed);

/** @p n transactions of two guards and two puts each, on keys below @p name. */
struct kv_batch *numbered(const char *name, uint32_t n);
void assert_all(const struct kv_batch *batch, enum kv_outcome outcome, int error);
void start_session(struct owner *owner, const char *key, const char *value);

static inline const uint8_t *bytes(const char *text)
{
	return (const uint8_t *)text;
}

#endif
