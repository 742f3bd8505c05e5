/* SPDX-License-Identifier: MIT */
/*
 * What only the etcd backend must do: live through a server that is away, silent, full, small, or
 * wants a password; follow changes through all of that; hold its session.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
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

/* One etcd of its own for a test; some give it options through here. */
static const char *const no_args[] = {NULL};
static const char *const few_ops[] = {"--max-txn-ops=32", NULL};
static const char *const little_room[] = {"--quota-backend-bytes=4194304", NULL};

static int set_up_with(void **state, const char *const *args)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	bed->listener = -1;
	*state = bed;
	server_start(&bed->server, args);
	bed->config = server_config(&bed->server, PREFIX);
	return 0;
}

static int set_up(void **state)
{
	return set_up_with(state, no_args);
}

static int set_up_few_ops(void **state)
{
	return set_up_with(state, few_ops);
}

static int set_up_little_room(void **state)
{
	return set_up_with(state, little_room);
}

static int tear_down(void **state)
{
	struct bed *bed = *state;

	owner_close(&bed->owner);
	owner_close(&bed->other);
	server_remove(&bed->server);
	if (bed->listener >= 0)
		close(bed->listener);
	free(bed);
	return 0;
}

static void begin(struct bed *bed)
{
	owner_begin(&bed->owner, &kv_etcd, &bed->config);
}

static struct kv_batch *numbered(const char *name, uint32_t n)
{
	struct kv_batch *batch = kv_batch_new(n);

	for (uint32_t i = 0; i < n; i++) {
		struct kv_txn *txn = add_txn(batch);
		char key[64];
		snprintf(key, sizeof(key), "%s/%05u", name, i);
		add_guard(batch, txn, KV_ABSENT, key, NULL, 0);
		add_guard(batch, txn, KV_READ, "read", NULL, 0);
		add_put(batch, txn, key, name);
		snprintf(key, sizeof(key), "too/%s/%05u", name, i);
		add_put(batch, txn, key, name);
	}
	return batch;
}

static void assert_all(const struct kv_batch *batch, enum kv_outcome outcome, int error)
{
	for (uint32_t i = 0; i < batch->n; i++)
		if (batch->txn[i].outcome != outcome || batch->txn[i].error != error)
			fail_msg("transaction %u: outcome %d, %s: %s", i, batch->txn[i].outcome,
				 strerror(-batch->txn[i].error),
				 batch->detail ? batch->detail : "");
	assert_int_equal(batch->error, error);
}

/* The mirror that lived through it all holds what a fresh one loads. */
static void assert_mirror_is_true(struct bed *bed)
{
	struct entry *entry;

	owner_begin(&bed->other, &kv_etcd, &bed->config);
	owner_wait_revision(&bed->owner, put_one(&bed->other, "last", "one"));
	owner_wait_value(&bed->other, "last", "one");
	assert_int_equal(bed->owner.n_entries, bed->other.n_entries);
	for (size_t i = 0; i < 1 << 16; i++) {
		for (entry = bed->other.buckets[i]; entry; entry = entry->next) {
			const struct entry *ours = owner_find(&bed->owner, entry->key);
			if (!ours || ours->revision != entry->revision)
				fail_msg("%s: revision %lld, should be %lld", entry->key,
					 ours ? (long long)ours->revision : 0LL,
					 (long long)entry->revision);
		}
	}
	assert_int_equal(bed->owner.disorders, 0);
	owner_close(&bed->other);
}

/* ---- nobody there ---- */

static void expect_refusal_in_time(struct bed *bed)
{
	struct kv_batch *batch = numbered("n", 3);
	uint64_t began_ns = clock_mono_ns();

	owner_run(&bed->owner, batch);
	assert_all(batch, KV_REFUSED, -EHOSTUNREACH);
	assert_non_null(batch->detail);
	/* Not a measure of speed: it says that the time allowed was kept, with room for a busy
	 * machine. */
	assert_true(clock_mono_ns() - began_ns < (bed->config.timeout_ms + 3000) * NS_PER_MS);
	kv_batch_free(batch);
}

static void nobody_there_refuses(void **state)
{
	struct bed *bed = *state;
	struct kv_status status;

	snprintf(bed->second, sizeof(bed->second), "http://127.0.0.1:%u", free_port());
	bed->urls[0] = bed->second;
	bed->config.endpoints = bed->urls;
	bed->config.timeout_ms = 500;
	owner_open(&bed->owner, &kv_etcd, &bed->config);
	expect_refusal_in_time(bed);
	owner_wait_problem(&bed->owner, "check that etcd runs there");
	kv_etcd.status(bed->owner.kv, &status);
	assert_false(status.connected);
	assert_int_equal(status.last_contact_ns, 0);
	assert_int_equal(bed->owner.resets, 0);
}

static void make_silent_listener(struct bed *bed)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	bed->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(bed->listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(bed->listener, 16), 0);
	assert_int_equal(getsockname(bed->listener, (struct sockaddr *)&address, &len), 0);
	snprintf(bed->second, sizeof(bed->second), "http://127.0.0.1:%u", ntohs(address.sin_port));
}

/* Connects and says nothing, as a host does whose etcd hangs. */
static void a_silent_endpoint_refuses(void **state)
{
	struct bed *bed = *state;

	make_silent_listener(bed);
	bed->urls[0] = bed->second;
	bed->config.endpoints = bed->urls;
	bed->config.timeout_ms = 600;
	owner_open(&bed->owner, &kv_etcd, &bed->config);
	expect_refusal_in_time(bed);
}

static void a_dead_first_endpoint_is_passed_over(void **state)
{
	struct bed *bed = *state;

	snprintf(bed->second, sizeof(bed->second), "http://127.0.0.1:%u", free_port());
	bed->urls[0] = bed->second;
	bed->urls[1] = bed->server.url;
	bed->config.endpoints = bed->urls;
	bed->config.n_endpoints = 2;
	begin(bed);
	put_one(&bed->owner, "a", "1");
	owner_wait_problem(&bed->owner, "");
}

/* Handed in before anything is connected, and still in time for the second endpoint. */
static void a_silent_first_endpoint_is_passed_over(void **state)
{
	struct bed *bed = *state;

	make_silent_listener(bed);
	bed->urls[0] = bed->second;
	bed->urls[1] = bed->server.url;
	bed->config.endpoints = bed->urls;
	bed->config.n_endpoints = 2;
	owner_open(&bed->owner, &kv_etcd, &bed->config);
	put_one(&bed->owner, "a", "1");
}

static void closing_without_a_server(void **state)
{
	struct bed *bed = *state;
	struct owner *owner = &bed->owner;

	snprintf(bed->second, sizeof(bed->second), "http://127.0.0.1:%u", free_port());
	bed->urls[0] = bed->second;
	bed->config.endpoints = bed->urls;
	owner_open(owner, &kv_etcd, &bed->config);
	for (int i = 0; i < 10; i++)
		owner_commit(owner, numbered("c", 10));
	owner->ops->close(owner->kv);
	owner->kv = NULL;
	assert_int_equal(owner->n_batches, 10);
	for (int i = 0; i < 10; i++)
		assert_all(owner->batches[i], KV_REFUSED, -EHOSTUNREACH);
}

/* ---- gone and back ---- */

/* Whatever was reported done is there, whatever was refused is not; the rest may be either. */
static void check_against_store(struct bed *bed, struct kv_batch *const *batches, size_t n)
{
	for (size_t b = 0; b < n; b++) {
		for (uint32_t i = 0; i < batches[b]->n; i++) {
			const struct kv_txn *txn = &batches[b]->txn[i];
			const struct entry *entry;
			char key[KV_MAX_KEY + 1];
			memcpy(key, txn->change[0].key.data, txn->change[0].key.len);
			key[txn->change[0].key.len] = '\0';
			entry = owner_find(&bed->owner, key);
			if (txn->outcome == KV_DONE && !entry)
				fail_msg("%s was reported done and is gone", key);
			if (txn->outcome == KV_REFUSED && entry)
				fail_msg("%s was refused and is there", key);
			assert_int_not_equal(txn->outcome, KV_PENDING);
			assert_int_not_equal(txn->outcome, KV_CONFLICT);
		}
	}
}

#define ROUNDS 60

/* Killed and started again while batches are on their way; the mirror misses nothing. */
static void a_restart_under_commits(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batches[ROUNDS];
	unsigned unknown = 0, out = 0;

	begin(bed);
	bed->config.timeout_ms = 3000;
	for (int i = 0; i < ROUNDS; i++) {
		char name[16];
		snprintf(name, sizeof(name), "r%02d", i);
		batches[i] = numbered(name, 20);
		owner_commit(&bed->owner, batches[i]);
		if (++out == 8) {
			owner_wait_batch(&bed->owner);
			out--;
		}
		if (i == ROUNDS / 3)
			server_kill(&bed->server);
		if (i == ROUNDS / 2)
			server_restart(&bed->server);
	}
	while (out-- > 0)
		owner_wait_batch(&bed->owner);
	for (int i = 0; i < ROUNDS; i++)
		unknown += batches[i]->txn[0].outcome == KV_UNKNOWN;
	assert_true(unknown > 0); /* what was on its way when it was killed */
	assert_mirror_is_true(bed);
	check_against_store(bed, batches, ROUNDS);
	assert_true(bed->owner.losses > 0);
	assert_int_equal(bed->owner.resets, 1); /* it resumed */
	for (int i = 0; i < ROUNDS; i++)
		kv_batch_free(batches[i]);
}

/* A server that stopped answering: what timed out may have happened, and the store tells later. */
static void a_frozen_server_leaves_doubt(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch = numbered("frozen", 5), *truth = kv_batch_new(1);
	struct kv_txn *txn = add_txn(truth);

	bed->config.timeout_ms = 700;
	begin(bed);
	put_one(&bed->owner, "a", "1");
	server_freeze(&bed->server);
	owner_run(&bed->owner, batch);
	assert_all(batch, KV_UNKNOWN, -ETIMEDOUT);
	owner_wait_problem(&bed->owner, "check etcd's load");
	server_thaw(&bed->server);
	bed->config.timeout_ms = 5000;
	put_one(&bed->owner, "b", "2");
	owner_wait_problem(&bed->owner, "");
	add_guard(truth, txn, KV_READ, "frozen/00004", NULL, 0);
	owner_run(&bed->owner, truth);
	assert_all(truth, KV_DONE, 0);
	assert_mirror_is_true(bed);
	assert_int_equal(txn->found[0].exists, owner_find(&bed->owner, "frozen/00004") != NULL);
	kv_batch_free(batch);
	kv_batch_free(truth);
}

static bool reset_twice(struct owner *owner, const void *arg)
{
	return owner->resets >= 2 && owner->loads == owner->resets;
}

/* While nobody watches, everything changes and its history is thrown away. */
static void a_compaction_in_the_gap(void **state)
{
	static const char *const compact[] = {"compact", "60", NULL};
	struct bed *bed = *state;
	struct config_store elsewhere;
	struct kv_status status;
	uint16_t port;

	begin(bed);
	put_one(&bed->owner, "kept", "1");
	put_one(&bed->owner, "gone", "1");
	owner_wait_value(&bed->owner, "gone", "1");
	server_kill(&bed->server);
	port = bed->server.client_port;
	server_move(&bed->server);
	server_restart(&bed->server);
	elsewhere = server_config(&bed->server, PREFIX);
	owner_begin(&bed->other, &kv_etcd, &elsewhere);
	for (int i = 0; i < 60; i++)
		put_one(&bed->other, "changing", "x");
	{
		struct kv_batch *batch = kv_batch_new(1);
		add_delete(batch, add_txn(batch), "gone");
		owner_run(&bed->other, batch);
		assert_all(batch, KV_DONE, 0);
		kv_batch_free(batch);
	}
	server_control(&bed->server, compact);
	owner_close(&bed->other);
	server_kill(&bed->server);
	bed->server.client_port = port;
	snprintf(bed->server.url, sizeof(bed->server.url), "http://127.0.0.1:%u", port);
	server_restart(&bed->server);
	owner_wait(&bed->owner, reset_twice, NULL);
	assert_null(owner_find(&bed->owner, "gone"));
	assert_non_null(owner_find(&bed->owner, "changing"));
	kv_etcd.status(bed->owner.kv, &status);
	assert_int_equal(status.reloads, 1);
	assert_mirror_is_true(bed);
}

static bool progressed(struct owner *owner, const void *arg)
{
	return owner->progress >= *(const int64_t *)arg;
}

/* Nothing happens under the prefix; all the same we learn how far the store is. */
static void progress_bounds_staleness(void **state)
{
	static const char *const put[] = {"put", "/elsewhere", "x", NULL};
	struct bed *bed = *state;
	int64_t revision;

	begin(bed);
	revision = put_one(&bed->owner, "a", "1") + 1;
	server_control(&bed->server, put);
	owner_wait(&bed->owner, progressed, &revision);
	assert_int_equal(bed->owner.losses, 0);
}

/* A revision too large for one message comes in fragments, and whole. */
static void large_revisions_come_whole(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch = kv_batch_new(20);
	char *big = calloc(1, 60001);

	memset(big, 'x', 60000);
	owner_begin(&bed->other, &kv_etcd, &bed->config);
	begin(bed);
	for (int round = 0; round < 5; round++) {
		kv_batch_reset(batch);
		for (int i = 0; i < 20; i++) {
			char key[32];
			snprintf(key, sizeof(key), "big/%d/%d", round, i);
			add_put(batch, add_txn(batch), key, big);
		}
		owner_run(&bed->other, batch);
		assert_all(batch, KV_DONE, 0);
	}
	owner_wait_revision(&bed->owner, batch->revision);
	assert_int_equal(bed->owner.n_entries, 100);
	assert_int_equal(bed->owner.disorders, 0);
	kv_batch_free(batch);
	free(big);
}

/* ---- limits ---- */

static void few_operations_are_learnt(void **state)
{
	struct bed *bed = *state;

	begin(bed);
	for (int i = 0; i < 8; i++) {
		char name[16];
		struct kv_batch *batch;
		snprintf(name, sizeof(name), "few%d", i);
		batch = numbered(name, 100);
		owner_run(&bed->owner, batch);
		assert_all(batch, KV_DONE, 0);
		/* Parts have revisions of their own; each transaction knows its own. */
		owner_wait_revision(&bed->owner, batch->revision);
		for (int t = 0; t < 100; t++) {
			char key[64];
			snprintf(key, sizeof(key), "%s/%05d", name, t);
			assert_entry(&bed->owner, key, name, batch->txn[t].revision);
		}
		kv_batch_free(batch);
	}
	assert_int_equal(bed->owner.n_entries, 8 * 200);
}

static void too_many_bytes_are_sent_in_parts(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch = kv_batch_new(40);
	char *big = calloc(1, 100001);

	memset(big, 'x', 100000);
	begin(bed);
	for (int i = 0; i < 40; i++) { /* 4 MB, where etcd takes 1.5 */
		char key[32];
		snprintf(key, sizeof(key), "bytes/%d", i);
		add_put(batch, add_txn(batch), key, big);
	}
	owner_run(&bed->owner, batch);
	assert_all(batch, KV_DONE, 0);
	owner_wait_revision(&bed->owner, batch->revision);
	assert_int_equal(bed->owner.n_entries, 40);
	kv_batch_free(batch);
	free(big);
}

static void one_transaction_too_large_is_refused(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch = kv_batch_new(1);
	char *huge = calloc(1, 1800001);

	memset(huge, 'x', 1800000);
	begin(bed);
	add_put(batch, add_txn(batch), "huge", huge);
	owner_run(&bed->owner, batch);
	assert_all(batch, KV_REFUSED, -E2BIG);
	kv_batch_free(batch);
	free(huge);
	put_one(&bed->owner, "small", "1");
}

static const uint8_t *bytes(const char *text)
{
	return (const uint8_t *)text;
}

static void start_session(struct owner *owner, const char *key, const char *value)
{
	assert_int_equal(owner->ops->session_start(owner->kv, key, bytes(value), strlen(value)), 0);
}

/* Each look writes, as a server's clock does. */
static bool out_of_room(struct owner *owner, const void *value)
{
	struct kv_status status;

	kv_etcd.session_update(owner->kv, value, 4);
	kv_etcd.status(owner->kv, &status);
	return strstr(status.problem, "etcdctl alarm disarm");
}

/*
 * etcd 3.4 counts nothing that is nested towards its quota: allocations go on past it, and what
 * notices is the session.
 */
static void no_room_is_reported(void **state)
{
	struct bed *bed = *state;
	char *big = calloc(1, 200001);

	memset(big, 'x', 200000);
	begin(bed);
	for (int i = 0; i < 40; i++) { /* 8 MB, where 4 are allowed */
		char key[32];
		snprintf(key, sizeof(key), "big/%d", i);
		put_one(&bed->owner, key, big);
	}
	start_session(&bed->owner, "servers/a", "1");
	owner_wait(&bed->owner, out_of_room, big);
	put_one(&bed->owner, "a", "1");
	free(big);
}

/* ---- session ---- */

static void a_session_lives_as_long_as_its_server(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch;

	begin(bed);
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

/* It outlives its TTL many times while it is kept alive. */
static void a_session_is_kept_alive(void **state)
{
	struct bed *bed = *state;
	struct kv_status status;

	begin(bed);
	start_session(&bed->owner, "servers/a", "1");
	owner_wait_session(&bed->owner, KV_SESSION_HELD);
	owner_wait_value(&bed->owner, "servers/a", "1");
	sleep(3 * bed->config.ttl_s); /* the very thing tested */
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

	begin(bed);
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

/* Every lease revoked behind our back: key and lease come back. */
static void a_lost_session_is_made_again(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch = kv_batch_new(1);
	char command[512];

	begin(bed);
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
	owner_wait_value(&bed->owner, "servers/a", NULL);
	owner_wait_value(&bed->owner, "servers/a", "1");
	owner_wait_session(&bed->owner, KV_SESSION_HELD);
	owner_wait_problem(&bed->owner, "");
}

static void a_session_survives_a_restart(void **state)
{
	struct bed *bed = *state;

	bed->config.ttl_s = 10;
	begin(bed);
	start_session(&bed->owner, "servers/a", "1");
	owner_wait_session(&bed->owner, KV_SESSION_HELD);
	owner_wait_value(&bed->owner, "servers/a", "1");
	server_kill(&bed->server);
	kv_etcd.session_update(bed->owner.kv, bytes("2"), 1);
	server_restart(&bed->server);
	owner_wait_value(&bed->owner, "servers/a", "2");
	assert_int_equal(bed->owner.removes, 0); /* the key never went */
}

/* ---- authentication ---- */

static void write_password(struct bed *bed, const char *password)
{
	int fd;

	snprintf(bed->password, sizeof(bed->password), "%s/password", bed->server.directory);
	fd = open(bed->password, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, password, strlen(password)), strlen(password));
	close(fd);
	bed->config.user = (char *)"dhcp";
	bed->config.password_file = bed->password;
}

static void enable_authentication(struct bed *bed)
{
	static const char *const commands[][7] = {
	    {"user", "add", "root:rootpw"},
	    {"user", "grant-role", "root", "root"},
	    {"user", "add", "dhcp:secret"},
	    {"role", "add", "dhcp"},
	    {"role", "grant-permission", "dhcp", "readwrite", PREFIX, "/etcdhcp0"},
	    {"user", "grant-role", "dhcp", "dhcp"},
	    {"auth", "enable"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		server_control(&bed->server, commands[i]);
}

static void a_user_and_a_password_are_needed(void **state)
{
	struct bed *bed = *state;

	enable_authentication(bed);
	owner_open(&bed->owner, &kv_etcd, &bed->config);
	owner_wait_problem(&bed->owner, "set store.etcd.user");
	owner_close(&bed->owner);
	write_password(bed, "wrong\n");
	owner_open(&bed->owner, &kv_etcd, &bed->config);
	owner_wait_problem(&bed->owner, "the password in password-file");
	write_password(bed, "secret\n"); /* corrected while it runs */
	owner_wait_value(&bed->owner, "none", NULL);
	put_one(&bed->owner, "a", "1");
	owner_wait_value(&bed->owner, "a", "1");
	owner_wait_problem(&bed->owner, "");
}

/* etcd forgets its tokens when it restarts; nobody need notice. */
static void a_forgotten_token_is_renewed(void **state)
{
	struct bed *bed = *state;

	enable_authentication(bed);
	write_password(bed, "secret");
	begin(bed);
	start_session(&bed->owner, "servers/a", "1");
	owner_wait_value(&bed->owner, "servers/a", "1");
	put_one(&bed->owner, "a", "1");
	server_kill(&bed->server);
	server_restart(&bed->server);
	put_one(&bed->owner, "a", "2");
	owner_wait_value(&bed->owner, "a", "2");
	owner_wait_session(&bed->owner, KV_SESSION_HELD);
}

static void a_foreign_prefix_is_denied(void **state)
{
	struct bed *bed = *state;

	enable_authentication(bed);
	write_password(bed, "secret");
	bed->config.prefix = (char *)"/other/";
	owner_open(&bed->owner, &kv_etcd, &bed->config);
	owner_wait_problem(&bed->owner, "grant the etcd user readwrite");
}

/* Configured here and switched off there: it works, since etcd asks for nothing. */
static void authentication_may_be_off(void **state)
{
	struct bed *bed = *state;

	write_password(bed, "secret");
	begin(bed);
	put_one(&bed->owner, "a", "1");
}

/* ---- configuration ---- */

static void expect_fault(struct config_store *config, const char *words)
{
	struct config_error error = {""};
	struct kv_sink sink = {0};

	assert_null(kv_etcd.open(config, &sink, &error));
	if (!strstr(error.text, words))
		fail_msg("\"%s\" does not say \"%s\"", error.text, words);
}

static void faults_that_waiting_does_not_mend(void **state)
{
	char *urls[] = {(char *)"https://127.0.0.1:2379", (char *)"ftp://here"};
	struct config_store good = {.endpoints = urls,
				    .n_endpoints = 1,
				    .prefix = (char *)PREFIX,
				    .timeout_ms = 500,
				    .ttl_s = 2},
			    bad = good;

	bad.n_endpoints = 0;
	expect_fault(&bad, "name one at least");
	bad.n_endpoints = 2;
	expect_fault(&bad, "ftp://here");
	bad = good;
	bad.ca_file = (char *)"/no/such/ca.pem";
	expect_fault(&bad, "store.etcd.ca-file: /no/such/ca.pem");
	bad = good;
	bad.cert_file = (char *)"/dev/null";
	expect_fault(&bad, "store.etcd.cert-file: /dev/null");
	bad = good;
	bad.ca_file = bad.cert_file = (char *)"/etc/hostname";
	expect_fault(&bad, "belong together");
	bad = good;
	bad.ca_file = (char *)"/etc/hostname";
	bad.user = (char *)"dhcp";
	expect_fault(&bad, "store.etcd.password-file: missing");
	bad.password_file = (char *)"/no/such/password";
	expect_fault(&bad, "store.etcd.password-file: /no/such/password");
}

#define TEST(f)         cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define TEST_FEW_OPS(f) cmocka_unit_test_setup_teardown(f, set_up_few_ops, tear_down)
#define TEST_ROOM(f)    cmocka_unit_test_setup_teardown(f, set_up_little_room, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(nobody_there_refuses),
	    TEST(a_silent_endpoint_refuses),
	    TEST(a_dead_first_endpoint_is_passed_over),
	    TEST(a_silent_first_endpoint_is_passed_over),
	    TEST(closing_without_a_server),
	    TEST(a_restart_under_commits),
	    TEST(a_frozen_server_leaves_doubt),
	    TEST(a_compaction_in_the_gap),
	    TEST(progress_bounds_staleness),
	    TEST(large_revisions_come_whole),
	    TEST_FEW_OPS(few_operations_are_learnt),
	    TEST(too_many_bytes_are_sent_in_parts),
	    TEST(one_transaction_too_large_is_refused),
	    TEST_ROOM(no_room_is_reported),
	    TEST(a_session_lives_as_long_as_its_server),
	    TEST(a_session_is_kept_alive),
	    TEST(a_key_of_another_server_is_left_alone),
	    TEST(a_lost_session_is_made_again),
	    TEST(a_session_survives_a_restart),
	    TEST(a_user_and_a_password_are_needed),
	    TEST(a_forgotten_token_is_renewed),
	    TEST(a_foreign_prefix_is_denied),
	    TEST(authentication_may_be_off),
	    cmocka_unit_test(faults_that_waiting_does_not_mend),
	};

	if (!server_available())
		return 0;
	return cmocka_run_group_tests_name("kv/etcd alone", tests, NULL, NULL);
}
