/* SPDX-License-Identifier: MIT */
/*
 * What only the embedded backend must do: survive a kill, a full and a failing disk, foreign
 * writers, and other servers.
 *
 * The disk fails through this program's own pwrite, writev and fdatasync, which the dynamic linker
 * prefers to libc's: LMDB is untouched. It may have been built for large files or not, which
 * decides how it calls pwrite: both names lead here.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lmdb.h>

#include <stdatomic.h>

#include "base/clock.h"
#include "kv_owner.h"

/* ---- a disk that fails ---- */

static atomic_int sync_errno;  /* of the next fdatasync, 0: none */
static atomic_int write_errno; /* of every write of at least a page from now on, 0: none */
static atomic_int
    meta_errno; /* of the next write of a root page: they lie in the first two pages */

#define PAGE 4096

int fdatasync(int fd)
{
	static int (*real)(int);
	int err = atomic_exchange(&sync_errno, 0);

	if (!real)
		real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	if (err) {
		errno = err;
		return -1;
	}
	return real(fd);
}

/* With large files, which meson asks for, pwrite is another name for this. */
ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	static ssize_t (*real)(int, const void *, size_t, off64_t);
	int err = at < 2 * PAGE ? atomic_exchange(&meta_errno, 0) : atomic_load(&write_errno);

	if (!real)
		real = (ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
	if (err) {
		errno = err;
		return -1;
	}
	return real(fd, data, len, at);
}

/* What LMDB calls where it was built without them. */
ssize_t pwrite_without_large_files(int fd, const void *data, size_t len,
				   off_t at) __asm__("pwrite");
ssize_t pwrite_without_large_files(int fd, const void *data, size_t len, off_t at)
{
	return pwrite64(fd, data, len, at);
}

ssize_t writev(int fd, const struct iovec *vectors, int n)
{
	static ssize_t (*real)(int, const struct iovec *, int);
	int err = atomic_load(&write_errno);

	if (!real)
		real = (ssize_t(*)(int, const struct iovec *, int))dlsym(RTLD_NEXT, "writev");
	if (err && fd > STDERR_FILENO) {
		errno = err;
		return -1;
	}
	return real(fd, vectors, n);
}

/* ---- beds ---- */

struct bed {
	char directory[64];
	struct config_store config;
	struct owner owner;
};

static int set_up(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	make_directory(bed->directory);
	bed->config = (struct config_store){
	    .path = bed->directory, .map_size = UINT64_C(64) << 20, .timeout_ms = 5000};
	owner_begin(&bed->owner, &kv_embedded, &bed->config);
	*state = bed;
	return 0;
}

static int tear_down(void **state)
{
	struct bed *bed = *state;

	atomic_store(&write_errno, 0);
	atomic_store(&sync_errno, 0);
	atomic_store(&meta_errno, 0);
	owner_close(&bed->owner);
	remove_directory(bed->directory);
	free(bed);
	return 0;
}

static struct kv_batch *run_put(struct owner *owner, const char *key, const char *value)
{
	struct kv_batch *batch = kv_batch_new(2);
	struct kv_txn *conflict;

	add_put(batch, add_txn(batch), key, value);
	conflict = add_txn(batch);
	add_guard(batch, conflict, KV_EXISTS, "never", NULL, 0);
	owner_run(owner, batch);
	return batch;
}

static void assert_outcome(const struct kv_batch *batch, enum kv_outcome outcome, int error)
{
	assert_int_equal(batch->txn[0].outcome, outcome);
	assert_int_equal(batch->txn[0].error, error);
	assert_int_equal(batch->error, error);
}

/* ---- who may have it ---- */

static void expect_refusal(const struct config_store *config, const char *words)
{
	struct kv_sink sink = {0};
	struct config_error error = {""};

	assert_null(kv_embedded.open(config, &sink, &error));
	if (!strstr(error.text, words))
		fail_msg("\"%s\" does not say \"%s\"", error.text, words);
}

static void a_second_server_is_refused(void **state)
{
	struct bed *bed = *state;
	char pid[32];

	snprintf(pid, sizeof(pid), "process %d", (int)getpid());
	expect_refusal(&bed->config, pid);
	owner_close(&bed->owner);
	owner_begin(&bed->owner, &kv_embedded, &bed->config); /* and admitted once it is free */
}

static void the_directory_is_made_private(void **state)
{
	struct bed *bed = *state;
	struct config_store config = bed->config;
	struct owner owner;
	char path[96];
	struct stat info;

	snprintf(path, sizeof(path), "%s/new", bed->directory);
	config.path = path;
	owner_begin(&owner, &kv_embedded, &config);
	owner_close(&owner);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0700);
	snprintf(path, sizeof(path), "%s/new/data.mdb", bed->directory);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
}

static void wrong_places_are_explained(void **state)
{
	struct bed *bed = *state;
	struct config_store config = bed->config;
	char path[128];
	int fd;

	config.path = path;
	snprintf(path, sizeof(path), "%s/no/such", bed->directory);
	expect_refusal(&config, "parent directory is missing");
	snprintf(path, sizeof(path), "%s/data.mdb", bed->directory);
	expect_refusal(&config, "not a directory");
	snprintf(path, sizeof(path), "%s/other", bed->directory);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/other/data.mdb", bed->directory);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(write(fd, "this is not LMDB", 16), 16);
	close(fd);
	snprintf(path, sizeof(path), "%s/other", bed->directory);
	expect_refusal(&config, "move data.mdb away");
}

/* Runs as somebody without rights, in a child: root may do everything. */
static void missing_rights_are_explained(void **state)
{
	struct bed *bed = *state;
	int status;
	pid_t pid;

	if (getuid() != 0) {
		print_message("# SKIPPED: needs root to become somebody else\n");
		skip();
	}
	owner_close(&bed->owner);
	pid = fork();
	if (pid == 0) {
		struct config_error error = {""};
		struct kv_sink sink = {0};
		if (setresuid(65534, 65534, 65534))
			_exit(3);
		if (kv_embedded.open(&bed->config, &sink, &error))
			_exit(2);
		_exit(strstr(error.text, "right to write") ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- killed ---- */

/* Commits for ever; what is reported done is told through the pipe. */
static void commit_until_killed(const struct config_store *config, int out)
{
	struct owner owner;

	owner_begin(&owner, &kv_embedded, config);
	for (uint32_t i = 0;; i += 8) {
		struct kv_batch *batch = kv_batch_new(8);
		for (uint32_t t = 0; t < 8; t++) {
			char key[32];
			snprintf(key, sizeof(key), "killed/%08u", i + t);
			add_put(batch, add_txn(batch), key, key);
		}
		owner_run(&owner, batch);
		if (write(out, &i, sizeof(i)) != sizeof(i))
			_exit(1);
		kv_batch_free(batch);
	}
}

static void a_kill_loses_nothing_reported(void **state)
{
	struct bed *bed = *state;

	owner_close(&bed->owner);
	for (unsigned round = 0; round < 5; round++) {
		uint32_t reported = 0, number;
		int pipes[2], status;
		pid_t pid;

		assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
		pid = fork();
		if (pid == 0)
			commit_until_killed(&bed->config, pipes[1]);
		close(pipes[1]);
		while (reported < 200 + 300 * round &&
		       read(pipes[0], &number, sizeof(number)) == sizeof(number))
			reported = number + 8;
		kill(pid, SIGKILL);
		while (read(pipes[0], &number, sizeof(number)) == sizeof(number))
			reported = number + 8;
		waitpid(pid, &status, 0);
		close(pipes[0]);
		assert_true(WIFSIGNALED(status));
		owner_begin(&bed->owner, &kv_embedded, &bed->config);
		for (uint32_t i = 0; i < reported; i++) {
			char key[32];
			snprintf(key, sizeof(key), "killed/%08u", i);
			if (!owner_find(&bed->owner, key))
				fail_msg("%s was reported and is gone", key);
		}
		owner_close(&bed->owner);
	}
	owner_begin(&bed->owner, &kv_embedded, &bed->config);
}

/* ---- full ---- */

/* The bound on the file: refused, explained, and room made by deleting is used again. */
static void a_full_map_refuses(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch = NULL;
	char *big = calloc(1, 65536);
	int n = 0;

	memset(big, 'x', 65535);
	owner_close(&bed->owner);
	bed->config.map_size = 4 << 20;
	owner_begin(&bed->owner, &kv_embedded, &bed->config);
	for (bool full = false; !full; n++) {
		char key[32];
		assert_true(n < 100);
		kv_batch_free(batch);
		snprintf(key, sizeof(key), "big/%d", n);
		batch = run_put(&bed->owner, key, big);
		full = batch->txn[0].outcome != KV_DONE;
	}
	assert_outcome(batch, KV_REFUSED, -ENOSPC);
	assert_int_equal(batch->txn[1].outcome, KV_REFUSED); /* not a conflict to rely on */
	owner_wait_problem(&bed->owner, "raise store.embedded.map-size");
	kv_batch_reset(batch);
	for (int i = 0; i < 2; i++) {
		char key[32];
		snprintf(key, sizeof(key), "big/%d", i);
		add_delete(batch, add_txn(batch), key);
	}
	owner_run(&bed->owner, batch);
	assert_outcome(batch, KV_DONE, 0);
	kv_batch_free(batch);
	put_one(&bed->owner, "small", "1");
	owner_wait_problem(&bed->owner, "");
	owner_wait_value(&bed->owner, "small", "1");
	assert_int_equal(bed->owner.resets, 1); /* it never had to begin anew */
	free(big);
}

/* A full disk: the commit fails before its root page is written, so it is certain. */
static void a_full_disk_refuses(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch;

	put_one(&bed->owner, "a", "1");
	atomic_store(&write_errno, ENOSPC);
	batch = run_put(&bed->owner, "a", "2");
	assert_outcome(batch, KV_REFUSED, -ENOSPC);
	owner_wait_problem(&bed->owner, "the disk is full: make room");
	atomic_store(&write_errno, 0);
	kv_batch_free(batch);
	owner_wait_value(&bed->owner, "a", "1");
	put_one(&bed->owner, "b", "3");
	owner_wait_problem(&bed->owner, "");
	owner_wait_value(&bed->owner, "b", "3");
	assert_entry(&bed->owner, "a", "1", owner_find(&bed->owner, "a")->revision);
	assert_int_equal(bed->owner.losses, 0);
}

static void a_file_that_may_not_grow_refuses(void **state)
{
	struct bed *bed = *state;
	struct rlimit before, low = {1 << 20, RLIM_INFINITY};
	struct kv_batch *batch;
	char *big = calloc(1, 60000);

	memset(big, 'x', 59999);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	low.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	for (int i = 0;; i++) {
		char key[32];
		assert_true(i < 100);
		snprintf(key, sizeof(key), "big/%d", i);
		batch = run_put(&bed->owner, key, big);
		if (batch->txn[0].outcome != KV_DONE)
			break;
		kv_batch_free(batch);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	/* What LMDB makes of a short write, or of none at all. */
	assert_int_equal(batch->txn[0].outcome, KV_REFUSED);
	assert_true(batch->error == -EIO || batch->error == -ENOSPC);
	owner_wait_problem(&bed->owner, "limit");
	kv_batch_free(batch);
	put_one(&bed->owner, "after", "1");
	owner_wait_problem(&bed->owner, "");
	free(big);
}

/* ---- failing ---- */

static bool loaded_twice(struct owner *owner, const void *arg)
{
	return owner->loads >= 2 && owner->connects >= 2;
}

/* Nobody knows what is on the disk after this: unknown, lost, opened and loaded again. */
static void lose(struct bed *bed)
{
	struct kv_status status;
	struct kv_batch *batch = run_put(&bed->owner, "a", "2");

	assert_outcome(batch, KV_UNKNOWN, -EIO);
	assert_int_equal(batch->txn[1].outcome, KV_REFUSED);
	kv_batch_free(batch);
	batch = run_put(&bed->owner, "b", "1"); /* while it is closed, or just open again */
	assert_true(batch->txn[0].outcome == KV_REFUSED || batch->txn[0].outcome == KV_DONE);
	owner_wait(&bed->owner, loaded_twice, NULL);
	assert_int_equal(bed->owner.losses, 1);
	kv_embedded.status(bed->owner.kv, &status);
	assert_true(status.connected);
	assert_int_equal(status.reconnects, 1);
	kv_batch_free(batch);
	put_one(&bed->owner, "a", "3");
	owner_wait_value(&bed->owner, "a", "3");
	owner_wait_problem(&bed->owner, "");
}

/* Pages nobody refers to did not get to the disk: nothing was applied, and it goes on. */
static void a_failed_flush_refuses(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch;

	put_one(&bed->owner, "a", "1");
	atomic_store(&sync_errno, EIO);
	batch = run_put(&bed->owner, "a", "2");
	assert_outcome(batch, KV_REFUSED, -EIO);
	owner_wait_problem(&bed->owner, "check limits and the kernel log");
	kv_batch_free(batch);
	owner_close(&bed->owner);
	owner_begin(&bed->owner, &kv_embedded, &bed->config);
	owner_wait_value(&bed->owner, "a", "1");
	put_one(&bed->owner, "a", "3");
	owner_wait_value(&bed->owner, "a", "3");
}

static void a_failed_root_page_leaves_doubt(void **state)
{
	struct bed *bed = *state;

	put_one(&bed->owner, "a", "1");
	atomic_store(&meta_errno, EIO);
	lose(bed);
}

/* Even for want of room: the root page may or may not be there. */
static void no_room_for_a_root_page_leaves_doubt(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch;

	put_one(&bed->owner, "a", "1");
	atomic_store(&meta_errno, ENOSPC);
	batch = run_put(&bed->owner, "a", "2");
	assert_outcome(batch, KV_UNKNOWN, -ENOSPC);
	kv_batch_free(batch);
	owner_wait(&bed->owner, loaded_twice, NULL);
}

/* The map goes only once nobody reads from it: here the owner still has a list of the load. */
static void lists_out_keep_the_map(void **state)
{
	struct bed *bed = *state;
	struct kv_events *held;
	struct kv_status status;
	struct kv_batch *batch;

	put_one(&bed->owner, "a", "1");
	owner_close(&bed->owner);
	owner_open(&bed->owner, &kv_embedded, &bed->config);
	pthread_mutex_lock(&bed->owner.lock);
	while (bed->owner.n_lists == 0)
		pthread_cond_wait(&bed->owner.changed, &bed->owner.lock);
	held = bed->owner.lists[0];
	bed->owner.n_lists = 0;
	pthread_mutex_unlock(&bed->owner.lock);
	atomic_store(&meta_errno, EIO);
	batch = run_put(&bed->owner, "a", "2");
	assert_outcome(batch, KV_UNKNOWN, -EIO);
	kv_batch_free(batch);
	owner_wait_problem(&bed->owner, "cannot write");
	kv_embedded.status(bed->owner.kv, &status);
	assert_false(status.connected);
	assert_int_equal(status.reconnects, 0);
	assert_int_equal(held->event[1].type, KV_EVENT_PUT); /* RESET first */
	assert_span(held->event[1].key, "a");
	assert_span(held->event[1].value, "1");
	kv_embedded.events_done(bed->owner.kv, held);
	owner_wait_value(&bed->owner, "a", "1");
}

/* ---- foreign writers ---- */

static void foreign_put(struct bed *bed, const char *key, const void *stored, size_t len)
{
	MDB_val k = {strlen(key), (void *)(uintptr_t)key}, v = {len, (void *)(uintptr_t)stored};
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	int status;
	pid_t pid = fork(); /* LMDB: one environment per file and process */

	if (pid == 0) {
		if (mdb_env_create(&env) || mdb_env_set_mapsize(env, 64 << 20) ||
		    mdb_env_open(env, bed->directory, 0, 0600) ||
		    mdb_txn_begin(env, NULL, 0, &txn) || mdb_dbi_open(txn, NULL, 0, &dbi) ||
		    mdb_put(txn, dbi, &k, &v, 0) || mdb_txn_commit(txn))
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void foreign_writes_are_seen(void **state)
{
	static const char stored[] = "\0\0\0\0\0\0\x30\x39"
				     "10.0.0.9"; /* revision 12345 */
	struct bed *bed = *state;
	struct kv_status status;
	int64_t next;

	put_one(&bed->owner, "a", "1");
	foreign_put(bed, "reservations/4/n/mac:x", stored, sizeof(stored) - 1);
	owner_wait_value(&bed->owner, "reservations/4/n/mac:x", "10.0.0.9");
	assert_entry(&bed->owner, "reservations/4/n/mac:x", "10.0.0.9", 12345);
	assert_int_equal(bed->owner.resets, 2);
	kv_embedded.status(bed->owner.kv, &status);
	assert_int_equal(status.reloads, 1);
	/* Whatever revision it claimed: ours come behind it. */
	next = put_one(&bed->owner, "reservations/4/n/mac:x", "10.0.0.8");
	assert_true(next > 12345);
	owner_wait_value(&bed->owner, "reservations/4/n/mac:x", "10.0.0.8");
}

static void malformed_entries_are_reported(void **state)
{
	struct bed *bed = *state;
	struct kv_batch *batch;

	foreign_put(bed, "short", "1234567", 7);
	owner_wait_problem(&bed->owner, "1 entries are no records");
	assert_null(owner_find(&bed->owner, "short"));
	/* It is there all the same: nobody takes the key for free. */
	batch = kv_batch_new(1);
	add_guard(batch, add_txn(batch), KV_ABSENT, "short", NULL, 0);
	add_put(batch, &batch->txn[0], "short", "mine");
	owner_run(&bed->owner, batch);
	assert_int_equal(batch->txn[0].outcome, KV_CONFLICT);
	kv_batch_free(batch);
}

/* A database of somebody else's is not served, whatever is in it. */
static void foreign_databases_are_refused(void **state)
{
	struct bed *bed = *state, other = *bed;

	make_directory(other.directory);
	other.config.path = other.directory;
	foreign_put(&other, "some", "thing", 5);
	expect_refusal(&other.config, "not an etcdhcp store");
	remove_directory(other.directory);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_second_server_is_refused),
	    TEST(the_directory_is_made_private),
	    TEST(wrong_places_are_explained),
	    TEST(missing_rights_are_explained),
	    TEST(a_kill_loses_nothing_reported),
	    TEST(a_full_map_refuses),
	    TEST(a_full_disk_refuses),
	    TEST(a_file_that_may_not_grow_refuses),
	    TEST(a_failed_flush_refuses),
	    TEST(a_failed_root_page_leaves_doubt),
	    TEST(no_room_for_a_root_page_leaves_doubt),
	    TEST(lists_out_keep_the_map),
	    TEST(foreign_writes_are_seen),
	    TEST(malformed_entries_are_reported),
	    TEST(foreign_databases_are_refused),
	};

	return cmocka_run_group_tests_name("kv/embedded alone", tests, NULL, NULL);
}
