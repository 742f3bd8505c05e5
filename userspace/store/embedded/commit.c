/* SPDX-License-Identifier: MIT */
/* Batches that wait become one write transaction, so that one flush to the disk serves all. */
#include <errno.h>

#include "store/embedded/embedded.h"
#include "store/embedded/record_key.h"
#include "store/kv_check.h"

/* Bounds on one write transaction: an answer waits for all that is committed with it. */
#define GROUP_BATCHES 256
#define GROUP_TXNS    4096

struct group {
	struct kv_batch *batch[GROUP_BATCHES];
	unsigned n;
	uint32_t txns;
	bool changed;     /* anything at all */
	int64_t revision; /* of the last batch that changed something */
};

/* ---- one transaction ---- */

static int look_up(struct database *db, MDB_txn *mdb, struct span key, struct kv_item *item)
{
	uint8_t room[STORED_KEY_MAX];
	MDB_val stored_key, stored;
	int rc = stored_key_make(key, room, &stored_key);

	*item = (struct kv_item){0};
	if (!rc)
		rc = mdb_get(mdb, db->dbi, &stored_key, &stored);
	if (!rc)
		database_read_item(&stored, item);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static bool guard_holds(const struct kv_compare *compare, const struct kv_item *item)
{
	switch (compare->guard) {
	case KV_ABSENT:
		return !item->exists;
	case KV_REVISION:
		return item->revision == compare->revision;
	case KV_VALUE:
		return item->exists && item->value.len == compare->value.len &&
		       memcmp(item->value.data, compare->value.data, compare->value.len) == 0;
	case KV_EXISTS:
		return item->exists;
	default:
		return true;
	}
}

static int put(struct database *db, MDB_txn *mdb, const struct kv_change *change, int64_t revision)
{
	uint64_t header = htobe64((uint64_t)revision);
	uint8_t room[STORED_KEY_MAX];
	MDB_val key, stored;
	int rc = stored_key_make(change->key, room, &key);

	if (rc)
		return rc;
	stored = (MDB_val){RECORD_HEADER + change->value.len, NULL};
	rc = mdb_put(mdb, db->dbi, &key, &stored, MDB_RESERVE);
	if (rc)
		return rc;
	memcpy(stored.mv_data, &header, sizeof(header));
	if (change->value.len)
		memcpy((uint8_t *)stored.mv_data + RECORD_HEADER, change->value.data,
		       change->value.len);
	return 0;
}

static int change_one(struct database *db, MDB_txn *mdb, const struct kv_change *change,
		      int64_t revision)
{
	uint8_t room[STORED_KEY_MAX];
	MDB_val key;
	int rc;

	if (change->action == KV_PUT)
		return put(db, mdb, change, revision);
	rc = stored_key_make(change->key, room, &key);
	if (!rc)
		rc = mdb_del(mdb, db->dbi, &key, NULL);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Compares everything, so that a conflict tells all there is. 0 and *pass, or an LMDB code. */
static int compare_all(struct database *db, MDB_txn *mdb, struct kv_txn *txn, bool *pass)
{
	*pass = true;
	for (uint8_t i = 0; i < txn->n_compares; i++) {
		int rc = look_up(db, mdb, txn->compare[i].key, &txn->found[i]);
		if (rc)
			return rc;
		*pass = *pass && guard_holds(&txn->compare[i], &txn->found[i]);
	}
	return 0;
}

/* Values found lie in the database until its next change: what the caller shall see is copied. */
static int keep_found(struct kv_batch *batch, struct kv_txn *txn, bool pass)
{
	for (uint8_t i = 0; i < txn->n_compares; i++) {
		struct kv_item *item = &txn->found[i];
		if (pass && txn->compare[i].guard != KV_READ)
			*item = (struct kv_item){0};
		else if (!kv_arena_copy(batch->arena, item->value, &item->value))
			return ENOMEM;
	}
	return 0;
}

static bool keys_storable(const struct kv_txn *txn)
{
	uint8_t room[STORED_KEY_MAX];
	MDB_val stored;
	bool storable = true;

	for (uint8_t i = 0; i < txn->n_compares; i++)
		storable = storable && !stored_key_make(txn->compare[i].key, room, &stored);
	for (uint8_t i = 0; i < txn->n_changes; i++)
		storable = storable && !stored_key_make(txn->change[i].key, room, &stored);
	return storable;
}

static int run_txn(struct database *db, MDB_txn *mdb, struct kv_batch *batch, struct kv_txn *txn,
		   int64_t revision)
{
	bool pass;
	int rc;

	if (!kv_txn_is_sound(txn) || !keys_storable(txn)) {
		kv_txn_settle(txn, KV_REFUSED, -EINVAL);
		return 0;
	}
	rc = compare_all(db, mdb, txn, &pass);
	if (!rc)
		rc = keep_found(batch, txn, pass);
	for (uint8_t i = 0; !rc && pass && i < txn->n_changes; i++)
		rc = change_one(db, mdb, &txn->change[i], revision);
	txn->revision = pass && txn->n_changes ? revision : revision - 1;
	kv_txn_settle(txn, pass ? KV_DONE : KV_CONFLICT, 0);
	return rc;
}

/* ---- a group ---- */

static int run_batch(struct database *db, MDB_txn *mdb, struct group *group, struct kv_batch *batch)
{
	int64_t revision = group->revision + 1;
	bool changed = false;

	for (uint32_t i = 0; i < batch->n; i++) {
		struct kv_txn *txn = &batch->txn[i];
		int rc = run_txn(db, mdb, batch, txn, revision);
		if (rc)
			return rc;
		changed = changed || (txn->outcome == KV_DONE && txn->n_changes);
	}
	/* A batch that changes nothing uses up no revision. */
	batch->revision = changed ? revision : group->revision;
	group->revision = batch->revision;
	group->changed = group->changed || changed;
	return 0;
}

/* Everything up to the commit; nothing is applied when this fails. */
static int run_group(struct embedded *embedded, MDB_txn *mdb, struct group *group)
{
	struct database *db = &embedded->db;

	if (mdb_txn_id(mdb) != db->txnid + 1)
		embedded_mirror_want(&embedded->mirror);
	group->revision = db->revision;
	group->changed = false;
	for (unsigned i = 0; i < group->n; i++) {
		int rc = run_batch(db, mdb, group, group->batch[i]);
		if (rc)
			return rc;
	}
	return group->changed ? database_put_revision(db, mdb, group->revision) : 0;
}

static void hand_back(struct embedded *embedded, const struct group *group)
{
	for (unsigned i = 0; i < group->n; i++)
		embedded->sink->committed(embedded->sink, group->batch[i]);
}

static void finish_committed(struct embedded *embedded, const struct group *group, size_t txnid)
{
	if (group->changed) {
		embedded->db.revision = group->revision;
		embedded->db.txnid = txnid;
	}
	embedded->backoff_ns = 0;
	kv_health_contact(&embedded->health, group->revision);
	kv_health_mended(&embedded->health, KV_PROBLEM_COMMIT);
	for (unsigned i = 0; i < group->n; i++)
		embedded_mirror_note(&embedded->mirror, group->batch[i]);
	hand_back(embedded, group);
}

static int error_of(int code)
{
	if (database_is_full(code))
		return -ENOSPC;
	return code == ENOMEM ? -ENOMEM : -EIO;
}

/* A conflict found within a transaction that is lost says nothing: it may have been among us. */
static void finish_failed(struct embedded *embedded, const struct group *group, int code,
			  enum kv_outcome outcome)
{
	int error = error_of(code);

	for (unsigned i = 0; i < group->n; i++) {
		struct kv_batch *batch = group->batch[i];
		for (uint32_t t = 0; t < batch->n; t++) {
			struct kv_txn *txn = &batch->txn[t];
			bool applied = txn->outcome == KV_DONE && txn->n_changes;
			kv_txn_settle(txn, applied ? outcome : KV_REFUSED, error);
			memset(txn->found, 0, sizeof(txn->found));
		}
		kv_batch_blame(batch, error, mdb_strerror(code));
	}
	hand_back(embedded, group);
}

static void explain(struct embedded *embedded, int code)
{
	kv_health_problem(&embedded->health, KV_PROBLEM_COMMIT, "%s: cannot write: %s; %s",
			  embedded->path, mdb_strerror(code), database_remedy(code));
}

/* Nothing was applied. */
static void finish_refused(struct embedded *embedded, const struct group *group, int code)
{
	explain(embedded, code);
	finish_failed(embedded, group, code, KV_REFUSED);
}

static void give_up(struct embedded *embedded)
{
	embedded->broken = true;
	kv_health_connected(&embedded->health, false);
}

/* Before the commit: what is neither full nor short of memory is damaged. */
static void finish_not_run(struct embedded *embedded, const struct group *group, int code)
{
	if (!database_is_full(code) && code != ENOMEM)
		give_up(embedded);
	finish_refused(embedded, group, code);
}

/*
 * LMDB writes pages nobody refers to yet, flushes them, and then the root page; only when that
 * one failed it refuses further work. Short of that nothing was applied and nothing is lost, be
 * the disk full (which LMDB may well call EIO, after a short write) or worse.
 */
static bool still_alive(struct embedded *embedded)
{
	MDB_txn *txn;

	if (mdb_txn_begin(embedded->db.env, NULL, MDB_RDONLY, &txn))
		return false;
	mdb_txn_abort(txn);
	return true;
}

static void finish_lost(struct embedded *embedded, const struct group *group, int code)
{
	if (still_alive(embedded)) {
		finish_refused(embedded, group, code);
		return;
	}
	explain(embedded, code);
	give_up(embedded);
	finish_failed(embedded, group, code, KV_UNKNOWN);
}

static void commit_group(struct embedded *embedded, struct group *group);

/* Room was not enough for all together: perhaps it is for some. */
static void commit_singly(struct embedded *embedded, const struct group *group)
{
	for (unsigned i = 0; i < group->n; i++) {
		struct group one = {.batch = {group->batch[i]}, .n = 1};
		commit_group(embedded, &one);
	}
}

static void commit_group(struct embedded *embedded, struct group *group)
{
	MDB_txn *mdb;
	size_t txnid;
	int rc = mdb_txn_begin(embedded->db.env, NULL, 0, &mdb);

	if (rc) {
		finish_not_run(embedded, group, rc);
		return;
	}
	txnid = mdb_txn_id(mdb);
	database_extend(&embedded->db);
	rc = run_group(embedded, mdb, group);
	if (rc) {
		mdb_txn_abort(mdb);
		if (rc == MDB_MAP_FULL && group->n > 1)
			commit_singly(embedded, group);
		else
			finish_not_run(embedded, group, rc);
		return;
	}
	rc = mdb_txn_commit(mdb);
	if (rc)
		finish_lost(embedded, group, rc);
	else
		finish_committed(embedded, group, txnid);
}

static bool take_into(struct group *group, struct kv_line *todo)
{
	struct kv_batch *batch;

	if (!todo->first || group->n == GROUP_BATCHES)
		return false;
	batch = container_of(todo->first, struct kv_batch, node);
	if (group->n > 0 && group->txns + batch->n > GROUP_TXNS)
		return false;
	kv_line_take(todo);
	group->batch[group->n++] = batch;
	group->txns += batch->n;
	return true;
}

void embedded_commit_run(struct embedded *embedded)
{
	while (embedded->todo.first) {
		struct group group = {0};
		while (take_into(&group, &embedded->todo))
			;
		if (embedded->db.env && !embedded->broken)
			commit_group(embedded, &group);
		else
			finish_failed(embedded, &group, MDB_PANIC, KV_REFUSED);
	}
}
