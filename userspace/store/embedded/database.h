/* SPDX-License-Identifier: MIT */
/**
 * store/embedded/database.h - one LMDB environment: opening, its revision, what its errors mean.
 *
 * All records live in the unnamed database: key -> revision (8 bytes, big endian), value. One
 * more entry, whose key begins with a NUL byte, tells the format and the newest revision.
 */
#ifndef ETCDHCP_STORE_EMBEDDED_DATABASE_H
#define ETCDHCP_STORE_EMBEDDED_DATABASE_H

#include <lmdb.h>

#include "store/kv.h"

#define RECORD_HEADER 8 /* the revision before each value */

struct database {
	const char *path;  /* the directory, the caller's */
	uint64_t map_size; /* bound on the file, bytes */
	bool read_only;    /* beside the server that writes: nothing is made or changed */
	MDB_env *env;      /* NULL: closed */
	MDB_dbi dbi;
	uint64_t file_size; /* as far as we know, bytes */
	int64_t revision; /* newest committed */
	size_t txnid;     /* LMDB's own number of that commit: another one means a foreign writer */
};

/**
 * Opens the environment in an existing directory, or makes a new one. 0 or an errno or MDB_*
 * code, with *error filled; the database stays closed then.
 */
int database_open(struct database *db, struct config_error *error);
/** No transaction may be open any more. Harmless when closed. */
void database_close(struct database *db);

/**
 * Keeps the file some way longer than what is in use, in written zeros: a flush of pages that are
 * there already costs half of one that makes the file longer. Within a write transaction, before
 * its changes: no other program can write then. What fails here will fail there, too.
 */
void database_extend(struct database *db);

/** Stores the newest revision; part of every write transaction. 0 or an LMDB code. */
int database_put_revision(struct database *db, MDB_txn *txn, int64_t revision);
/** Reads it; MDB_NOTFOUND in a new database, MDB_INVALID when it is not ours. */
int database_get_revision(struct database *db, MDB_txn *txn, int64_t *revision);

/** True for entries of ours that are no records. */
static inline bool database_key_is_meta(const MDB_val *key)
{
	return key->mv_size == 0 || *(const uint8_t *)key->mv_data == 0;
}

/** A stored entry as an item; value points into the database. False when it is no record. */
bool database_read_item(const MDB_val *stored, struct kv_item *item);

/** What the operator does about an errno or MDB_* code, never NULL. */
const char *database_remedy(int code);
/** True when the code says that nothing more fits, on the disk or in the map. */
bool database_is_full(int code);

/** The directory, made if missing, locked for this process alone: a descriptor or negative errno.
 */
int database_lock_path(const char *path, struct config_error *error);

#endif
