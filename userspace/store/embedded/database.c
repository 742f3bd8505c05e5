/* SPDX-License-Identifier: MIT */
#include "store/embedded/database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/embedded/record_key.h"

#define FORMAT       1
#define EXTEND_AHEAD (UINT64_C(1) << 20)

/* Records begin with neither 0x00 nor 0x01, so this one never meets a key of the caller's. */
static const char meta_name[] = "\0etcdhcp";
#define META_NAME_SIZE (sizeof(meta_name) - 1)
#define META_SIZE      16 /* format and revision, 8 bytes each, big endian */

static const struct {
	int code;
	const char *remedy;
} remedies[] = {
    {EACCES, "give the server's user the right to write there"},
    {EPERM, "give the server's user the right to write there"},
    {ENOENT, "there is no store: look at store.embedded.path"},
    {EROFS, "the file system is read-only: remount it, or set store.embedded.path elsewhere"},
    {ENOSPC, "the disk is full: make room"},
    {EDQUOT, "the disk quota is used up: raise it or make room"},
    {EFBIG, "the file may not grow: raise the file size limit (ulimit -f)"},
    {EIO, "the disk is full or fails: make room, check limits and the kernel log"},
    {ENOMEM, "out of memory or address space: lower store.embedded.map-size"},
    {MDB_MAP_FULL, "raise store.embedded.map-size and restart"},
    {MDB_INVALID, "not an etcdhcp store: move data.mdb away, or set store.embedded.path elsewhere"},
    {MDB_VERSION_MISMATCH, "written by another version of etcdhcp or LMDB: use that one"},
    {MDB_CORRUPTED, "data.mdb is damaged: restore a backup, or move it away to start empty"},
    {MDB_PAGE_NOTFOUND, "data.mdb is damaged: restore a backup, or move it away to start empty"},
    {MDB_PANIC, "a write failed: check the disk and the kernel log"},
    {MDB_READERS_FULL, "too many programs read data.mdb: end some of them"},
};

const char *database_remedy(int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(remedies); i++)
		if (remedies[i].code == code)
			return remedies[i].remedy;
	return "check the disk and the kernel log";
}

bool database_is_full(int code)
{
	return code == MDB_MAP_FULL || code == ENOSPC || code == EDQUOT || code == EFBIG;
}

static int complain(struct config_error *error, const char *path, const char *what, int code)
{
	snprintf(error->text, sizeof(error->text), "store.embedded.path: %s: %s: %s; %s", path,
		 what, mdb_strerror(code), database_remedy(code));
	return code;
}

int database_put_revision(struct database *db, MDB_txn *txn, int64_t revision)
{
	uint64_t meta[2] = {htobe64(FORMAT), htobe64((uint64_t)revision)};
	MDB_val key = {META_NAME_SIZE, (void *)(uintptr_t)meta_name};
	MDB_val value = {sizeof(meta), meta};

	static_assert(sizeof(meta) == META_SIZE, "two words");
	return mdb_put(txn, db->dbi, &key, &value, 0);
}

int database_get_revision(struct database *db, MDB_txn *txn, int64_t *revision)
{
	MDB_val key = {META_NAME_SIZE, (void *)(uintptr_t)meta_name};
	uint64_t meta[2];
	MDB_val value;
	int rc = mdb_get(txn, db->dbi, &key, &value);

	if (rc)
		return rc;
	if (value.mv_size != sizeof(meta))
		return MDB_INVALID;
	memcpy(meta, value.mv_data, sizeof(meta));
	if (be64toh(meta[0]) != FORMAT)
		return MDB_VERSION_MISMATCH;
	*revision = (int64_t)be64toh(meta[1]);
	return *revision > 0 ? 0 : MDB_INVALID;
}

bool database_read_item(const MDB_val *stored, struct kv_item *item)
{
	const uint8_t *data = stored->mv_data;
	uint64_t revision;

	item->exists = true;
	if (stored->mv_size < RECORD_HEADER) {
		/* Written by something else: it is there, and matches no guard but KV_EXISTS. */
		item->revision = -1;
		item->value = (struct span){0};
		return false;
	}
	memcpy(&revision, data, sizeof(revision));
	item->revision = (int64_t)be64toh(revision);
	item->value = (struct span){data + RECORD_HEADER, stored->mv_size - RECORD_HEADER};
	return true;
}

/* A database without our entry must be empty: somebody else's data is not to be served. */
static int begin_new(struct database *db, MDB_txn *txn)
{
	MDB_stat stat;
	int rc = mdb_stat(txn, db->dbi, &stat);

	if (rc)
		return rc;
	if (stat.ms_entries > 0)
		return MDB_INVALID;
	db->revision = 1; /* so that 0 stands for absent */
	return database_put_revision(db, txn, db->revision);
}

/* In a write transaction, so that a store that cannot be written to is refused at once. */
static int read_state(struct database *db)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(db->env, NULL, db->read_only ? MDB_RDONLY : 0, &txn);

	if (rc)
		return rc;
	rc = mdb_dbi_open(txn, NULL, 0, &db->dbi);
	if (!rc) {
		rc = database_get_revision(db, txn, &db->revision);
		if (rc == MDB_NOTFOUND)
			rc = db->read_only ? MDB_INVALID : begin_new(db, txn);
	}
	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	return mdb_txn_commit(txn);
}

/* LMDB syncs files, never the directory that names them. */
static int sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	if (fd < 0)
		return errno;
	if (fsync(fd) < 0)
		rc = errno;
	close(fd);
	return rc;
}

static int open_environment(struct database *db)
{
	unsigned flags = MDB_NOTLS | (db->read_only ? MDB_RDONLY : MDB_NOMEMINIT);
	MDB_envinfo info;
	int rc;

	rc = mdb_env_set_mapsize(db->env, db->map_size);
	/* NOTLS: the load's reader and the writer live in one thread. Pages are not cleared before
	 * use (NOMEMINIT): the file is as private as the memory that may show through. */
	if (!rc)
		rc = mdb_env_open(db->env, db->path, flags, 0600);
	if (!rc && mdb_env_get_maxkeysize(db->env) < STORED_KEY_MAX)
		rc = MDB_INVALID;
	if (!rc)
		rc = mdb_reader_check(db->env, NULL); /* readers that died hold pages back */
	if (!rc)
		rc = read_state(db);
	if (!rc && !db->read_only)
		rc = sync_directory(db->path);
	if (!rc)
		rc = mdb_env_info(db->env, &info);
	if (!rc)
		db->txnid = info.me_last_txnid;
	return rc;
}

static bool write_zeros(int fd, uint64_t at, uint64_t until)
{
	static const uint8_t zeros[64 << 10];

	while (at < until) {
		ssize_t n = pwrite(fd, zeros, min_u64(sizeof(zeros), until - at), (off_t)at);
		if (n <= 0)
			return false;
		at += (uint64_t)n;
	}
	return true;
}

void database_extend(struct database *db)
{
	uint64_t used, until;
	MDB_envinfo info;
	MDB_stat stat;
	struct stat file;
	mdb_filehandle_t fd;

	if (mdb_env_info(db->env, &info) || mdb_env_stat(db->env, &stat))
		return;
	used = (info.me_last_pgno + 1) * stat.ms_psize;
	if (used + EXTEND_AHEAD <= db->file_size)
		return;
	if (mdb_env_get_fd(db->env, &fd) || fstat(fd, &file))
		return;
	db->file_size = (uint64_t)file.st_size;
	until = min_u64(used + 2 * EXTEND_AHEAD, db->map_size);
	if (until > db->file_size && write_zeros(fd, db->file_size, until))
		db->file_size = until;
}

int database_open(struct database *db, struct config_error *error)
{
	int rc = mdb_env_create(&db->env);

	if (rc) {
		db->env = NULL;
		return complain(error, db->path, "LMDB", rc);
	}
	rc = open_environment(db);
	if (rc) {
		database_close(db);
		return complain(error, db->path, "cannot open the store", rc);
	}
	return 0;
}

void database_close(struct database *db)
{
	if (db->env)
		mdb_env_close(db->env);
	db->env = NULL;
	db->file_size = 0;
}
