/* SPDX-License-Identifier: MIT */
/* The key that lives as long as its server does. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "kv_etcd_bed.h"

static void a_session_lives_as_long_as_its_server(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch;

	bed->config.ttl_s = 2 * OWNER_PATIENCE_S;
	bed_begin(bed);
	start_session(&bed->owner, "servers/a", "1");
	owner_wait_session(&bed->owner, KV_SESSION_HELD);
	owner_wait_value(&bed->owner, "servers/a", "1");
	kv_etcd.session_update(bed->owner.kv, bytes("2"), 1);
	kv_etcd.session_update(bed->owner.kv, bytes("3"), 1);
	owner_wait_value(&bed->owner, "servers/a", "3");
	batch = kv_batch_new(1);
	add_put(batch, add_txn(batch), "with", "session");
	batch->txn[0].change[0].in_session = true;
	owner_run(&bed->owner, batch);
	assert_all(batch, KV_DONE, 0);
	kv_batch_free(batch);
	owner_begin(&bed->other, &kv_etcd, &bed->config);
	owner_wait_value(&bed->other, "servers/a", "3");
	owner_wait_value(&bed->other, "with", "session");
	owner_close(&bed->owner); /* and it is gone at once, not a TTL later */
	owner_wait_value(&bed->other, "servers/a", NULL);
	owner_wait_value(&bed->other, "with", NULL);
}

static bool kept_alive(struct owner *owner, const void *arg)
{
	return server_metric(arg, "etcd_debugging_lease_renewed_total") >= 4;
}

/* It is renewed three times a TTL: after the fourth time it has outlived the first one. */
static void a_session_is_kept_alive(void **state)
{
	struct bed *bed = *state;
	struct kv_status status;

	bed->config.ttl_s = 5;
	bed_begin(bed);
	start_session(&bed->owner, "servers/a", "1");
	owner_wait_session(&bed->owner, KV_SESSION_HELD);
	owner_wait_value(&bed->owner, "servers/a", "1");
	owner_wait(&bed->owner, kept_alive, &bed->server);
	kv_etcd.status(bed->owner.kv, &status);
	assert_int_equal(status.session, KV_SESSION_HELD);
	put_one(&bed->owner, "b", "1");
	owner_wait_value(&bed->owner, "b", "1");
	assert_non_null(owner_find(&bed->owner, "servers/a"));
	assert_int_equal(bed->owner.removes, 0);
}

static void a_key_of_another_server_is_left_alone(void **state)
{
	struct bed *bed = *state;

	bed->config.ttl_s = 2 * OWNER_PATIENCE_S;
	bed_begin(bed);
	bed->config.ttl_s = 1; /* what bounds how long it takes the key for its own last life's */
	owner_begin(&bed->other, &kv_etcd, &bed->config);
	start_session(&bed->owner, "servers/a", "first");
	owner_wait_session(&bed->owner, KV_SESSION_HELD);
	start_session(&bed->other, "servers/a", "second");
	owner_wait_session(&bed->other, KV_SESSION_WAITING);
	owner_wait_session(&bed->other, KV_SESSION_TAKEN);
	owner_wait_problem(&bed->other, "give each its own server.id");
	owner_wait_value(&bed->other, "servers/a", "first");
	owner_close(&bed->owner);
	owner_wait_session(&bed->other, KV_SESSION_HELD);
	owner_wait_value(&bed->other, "servers/a", "second");
	owner_wait_problem(&bed->other, "");
}

static bool gone_and_back(struct owner *owner, const void *key)
{
	return owner->removes > 0 && owner_find(owner, key);
}

/* Every lease revoked behind our back: key and lease come back. */
static void a_lost_session_is_made_again(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch = kv_batch_new(1);
	char command[512];

	bed_begin(bed);
	start_session(&bed->owner, "servers/a", "1");
	owner_wait_session(&bed->owner, KV_SESSION_HELD);
	owner_wait_value(&bed->owner, "servers/a", "1");
	snprintf(
	    command, sizeof(command),
	    "for l in $(ETCDCTL_API=3 /usr/bin/etcdctl --endpoints %s lease list | tail -n +2); "
	    "do ETCDCTL_API=3 /usr/bin/etcdctl --endpoints %s lease revoke $l; done >/dev/null",
	    bed->server.url, bed->server.url);
	assert_int_equal(system(command), 0);
	/* A transaction in the session tells first; certainly not applied, and the others neither.
	 */
	add_put(batch, add_txn(batch), "with", "session");
	batch->txn[0].change[0].in_session = true;
	owner_run(&bed->owner, batch);
	assert_true(batch->txn[0].outcome == KV_DONE || batch->txn[0].error == -ENOLINK);
	kv_batch_free(batch);
	owner_wait(&bed->owner, gone_and_back, "servers/a");
	owner_wait_value(&bed->owner, "servers/a", "1");
	owner_wait_session(&bed->owner, KV_SESSION_HELD);
	owner_wait_problem(&bed->owner, "");
}

static void a_session_survives_a_restart(void **state)
{
	struct bed *bed = *state;

	bed->config.ttl_s = 2 * OWNER_PATIENCE_S;
	bed_begin(bed);
	start_session(&bed->owner, "servers/a", "1");
	owner_wait_session(&bed->owner, KV_SESSION_HELD);
	owner_wait_value(&bed->owner, "servers/a", "1");
	server_kill(&bed->server);
	kv_etcd.session_update(bed->owner.kv, bytes("2"), 1);
	server_restart(&bed->server);
	owner_wait_value(&bed->owner, "servers/a", "2");
	assert_int_equal(bed->owner.removes, 0); /* the key never went */
}

static bool session_is_over(struct owner *owner, const void *arg)
{
	struct kv_status status;

	kv_etcd.status(owner->kv, &status);
	return status.session == KV_SESSION_NONE;
}

/* The others learn that the server leaves while it still works. */
static void a_session_can_end_before_its_server(void **state)
{
	struct bed *bed = *state;

	bed->config.ttl_s = 2 * OWNER_PATIENCE_S;
	bed_begin(bed);
	assert_int_equal(kv_etcd.session_end(bed->owner.kv, OWNER_PATIENCE_S * NS_PER_S), -ENOTCONN);
	owner_close(&bed->owner);
	owner_begin(&bed->owner, &kv_etcd, &bed->config);
	start_session(&bed->owner, "servers/a", "1");
	owner_wait_session(&bed->owner, KV_SESSION_HELD);
	owner_wait_value(&bed->owner, "servers/a", "1");
	assert_int_equal(kv_etcd.session_end(bed->owner.kv, OWNER_PATIENCE_S * NS_PER_S), 0);
	owner_wait_value(&bed->owner, "servers/a", NULL);
	owner_wait(&bed->owner, session_is_over, NULL);
	kv_etcd.session_update(bed->owner.kv, bytes("2"), 1);
	put_one(&bed->owner, "b", "1");
	owner_wait_value(&bed->owner, "b", "1");
	assert_null(owner_find(&bed->owner, "servers/a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_session_lives_as_long_as_its_server), TEST(a_session_is_kept_alive),
	    TEST(a_key_of_another_server_is_left_alone), TEST(a_lost_session_is_made_again),
	    TEST(a_session_survives_a_restart), TEST(a_session_can_end_before_its_server),
	};

	if (!server_available())
		return 0;
	return cmocka_run_group_tests_name("kv/etcd session", tests, NULL, NULL);
}
