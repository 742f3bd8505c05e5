/* SPDX-License-Identifier: MIT */
/* A walk over a snapshot, then the changes: lists of events for the owner. */
#include <errno.h>

#include "store/embedded/embedded.h"
#include "store/embedded/record_key.h"

#define LIST_EVENTS 4096
/* An owner that leaves this many changes unread is given a fresh load instead of them. */
#define MAX_CHANGES ((size_t)256 << 10)

void embedded_mirror_init(struct embedded_mirror *mirror, struct kv_sink *sink)
{
	*mirror = (struct embedded_mirror){.wanted = true};
	kv_outlet_init(&mirror->outlet, sink);
}

void embedded_mirror_want(struct embedded_mirror *mirror)
{
	mirror->wanted = true;
}

bool embedded_mirror_released(const struct embedded_mirror *mirror)
{
	return !mirror->reader;
}

/* ---- changes ---- */

static void drop_changes(struct embedded_mirror *mirror)
{
	if (mirror->changes)
		kv_outlet_put_back(&mirror->outlet, mirror->changes);
	mirror->changes = NULL;
}

static struct kv_event *add_event(struct embedded_mirror *mirror, enum kv_event_type type,
				  int64_t revision)
{
	if (!mirror->changes)
		mirror->changes = kv_outlet_take(&mirror->outlet);
	if (!mirror->changes || mirror->changes->events.n >= MAX_CHANGES)
		return NULL;
	return kv_list_add(mirror->changes, type, revision);
}

static bool note_change(struct embedded_mirror *mirror, const struct kv_change *change,
			int64_t revision)
{
	struct kv_event *event =
	    add_event(mirror, change->action == KV_PUT ? KV_EVENT_PUT : KV_EVENT_REMOVE, revision);
	struct kv_arena *arena = event ? mirror->changes->arena : NULL;

	if (!event || !kv_arena_copy(arena, change->key, &event->key))
		return false;
	return change->action == KV_DELETE || kv_arena_copy(arena, change->value, &event->value);
}

/* What cannot be kept is not lost: it will be in the next snapshot. */
static void overflow(struct embedded_mirror *mirror)
{
	drop_changes(mirror);
	mirror->wanted = true;
}

void embedded_mirror_note(struct embedded_mirror *mirror, const struct kv_batch *batch)
{
	if (mirror->outlet.sink->own_changes_known)
		return;
	if (mirror->wanted)
		return; /* the snapshot to come has it */
	for (uint32_t t = 0; t < batch->n; t++) {
		const struct kv_txn *txn = &batch->txn[t];
		for (uint8_t i = 0; txn->outcome == KV_DONE && i < txn->n_changes; i++) {
			if (!note_change(mirror, &txn->change[i], txn->revision)) {
				overflow(mirror);
				return;
			}
		}
	}
}

void embedded_mirror_lost(struct embedded_mirror *mirror)
{
	if (mirror->cursor)
		mdb_cursor_close(mirror->cursor);
	mirror->cursor = NULL;
	drop_changes(mirror);
	mirror->wanted = true;
	if (mirror->announced)
		add_event(mirror, KV_EVENT_LOST, 0);
	mirror->announced = false;
}

/* ---- the snapshot ---- */

static int open_snapshot(struct embedded *embedded)
{
	struct embedded_mirror *mirror = &embedded->mirror;
	struct database *db = &embedded->db;
	int rc = mdb_txn_begin(db->env, NULL, MDB_RDONLY, &mirror->reader);

	if (rc) {
		mirror->reader = NULL;
		return rc;
	}
	rc = database_get_revision(db, mirror->reader, &mirror->revision);
	if (!rc)
		rc = mdb_cursor_open(mirror->reader, db->dbi, &mirror->cursor);
	if (rc) {
		mdb_txn_abort(mirror->reader);
		mirror->reader = NULL;
		mirror->cursor = NULL;
		return rc;
	}
	db->txnid = mdb_txn_id(mirror->reader);
	return 0;
}

static void begin_load(struct embedded *embedded)
{
	struct embedded_mirror *mirror = &embedded->mirror;
	int rc = open_snapshot(embedded);

	if (rc) {
		kv_health_problem(&embedded->health, KV_PROBLEM_MIRROR, "%s: cannot read: %s; %s",
				  embedded->path, mdb_strerror(rc), database_remedy(rc));
		embedded->broken = rc != ENOMEM;
		return;
	}
	if (mirror->loaded_once)
		kv_health_reloaded(&embedded->health);
	drop_changes(mirror);
	mirror->wanted = false;
	mirror->begun = false;
	mirror->newest = mirror->revision;
	mirror->malformed = 0;
}

static int add_record(struct embedded_mirror *mirror, struct kv_list *list, const MDB_val *key,
		      const MDB_val *stored)
{
	struct kv_item item = {0};
	struct kv_event *event;
	int rc;

	if (!database_read_item(stored, &item)) {
		mirror->malformed++;
		return 0;
	}
	event = kv_list_add(list, KV_EVENT_PUT, item.revision);
	if (!event)
		return ENOMEM;
	event->value = item.value;
	rc = stored_key_read(key, list->arena, &event->key);
	if (rc) {
		list->events.n--;
		mirror->malformed++;
		return rc == -ENOMEM ? ENOMEM : 0;
	}
	mirror->newest = max_i64(mirror->newest, item.revision);
	return 0;
}

static int walk(struct embedded_mirror *mirror, struct kv_list *list)
{
	MDB_val key, stored;
	int rc = 0;

	while (!rc && list->events.n < LIST_EVENTS) {
		rc = mdb_cursor_get(mirror->cursor, &key, &stored, MDB_NEXT);
		if (!rc && !database_key_is_meta(&key))
			rc = add_record(mirror, list, &key, &stored);
	}
	return rc;
}

/*
 * Records that another program wrote may claim any revision: ours go on behind the greatest, so
 * that a later change is never taken for an older one.
 */
static int end_walk(struct embedded *embedded, struct kv_list *list)
{
	struct embedded_mirror *mirror = &embedded->mirror;

	mdb_cursor_close(mirror->cursor);
	mirror->cursor = NULL;
	embedded->db.revision = max_i64(embedded->db.revision, mirror->newest);
	if (!kv_list_add(list, KV_EVENT_LOADED, mirror->newest))
		return ENOMEM;
	if (!mirror->announced && !kv_list_add(list, KV_EVENT_CONNECTED, mirror->newest))
		return ENOMEM;
	mirror->announced = true;
	mirror->loaded_once = true;
	if (mirror->malformed > 0)
		kv_health_problem(&embedded->health, KV_PROBLEM_MIRROR,
				  "%s: %llu entries are no records; find them with mdb_dump, "
				  "delete or correct them",
				  embedded->path, (unsigned long long)mirror->malformed);
	else
		kv_health_mended(&embedded->health, KV_PROBLEM_MIRROR);
	return 0;
}

/* Fills one list from the snapshot. 0, or what broke the walk. */
static int fill(struct embedded *embedded, struct kv_list *list)
{
	struct embedded_mirror *mirror = &embedded->mirror;
	int rc;

	list->borrows = true;
	if (!mirror->begun && !kv_list_add(list, KV_EVENT_RESET, 0))
		return ENOMEM;
	mirror->begun = true;
	rc = walk(mirror, list);
	return rc == MDB_NOTFOUND ? end_walk(embedded, list) : rc;
}

static void step(struct embedded *embedded)
{
	struct embedded_mirror *mirror = &embedded->mirror;
	struct kv_list *list = kv_outlet_take(&mirror->outlet);
	int rc = list ? fill(embedded, list) : ENOMEM;

	if (!rc) {
		mirror->borrowed++;
		kv_outlet_send(&mirror->outlet, list);
		return;
	}
	if (list)
		kv_outlet_put_back(&mirror->outlet, list);
	if (mirror->cursor)
		mdb_cursor_close(mirror->cursor);
	mirror->cursor = NULL;
	mirror->wanted = true;
	embedded->broken = rc != ENOMEM;
	kv_health_problem(&embedded->health, KV_PROBLEM_MIRROR, "%s: cannot read: %s; %s",
			  embedded->path, mdb_strerror(rc), database_remedy(rc));
}

/* ---- the way out ---- */

static void take_back(struct embedded_mirror *mirror)
{
	mirror->borrowed -= kv_outlet_collect(&mirror->outlet);
	if (!mirror->reader || mirror->cursor || mirror->borrowed > 0)
		return;
	mdb_txn_abort(mirror->reader);
	mirror->reader = NULL;
}

static void send_changes(struct embedded_mirror *mirror)
{
	kv_outlet_send(&mirror->outlet, mirror->changes);
	mirror->changes = NULL;
}

void embedded_mirror_pump(struct embedded *embedded)
{
	struct embedded_mirror *mirror = &embedded->mirror;

	take_back(mirror);
	if (mirror->wanted && mirror->cursor) { /* what it would still tell is out of date */
		mdb_cursor_close(mirror->cursor);
		mirror->cursor = NULL;
		take_back(mirror);
	}
	if (mirror->wanted && !mirror->reader && embedded->db.env && !embedded->broken)
		begin_load(embedded);
	if (!kv_outlet_ready(&mirror->outlet))
		return;
	if (mirror->cursor)
		step(embedded);
	else if (mirror->changes)
		send_changes(mirror);
}

bool embedded_mirror_busy(const struct embedded_mirror *mirror)
{
	return kv_outlet_ready(&mirror->outlet) && (mirror->cursor || mirror->changes);
}

void embedded_mirror_fini(struct embedded_mirror *mirror)
{
	if (mirror->cursor)
		mdb_cursor_close(mirror->cursor);
	if (mirror->reader)
		mdb_txn_abort(mirror->reader);
	mirror->cursor = NULL;
	mirror->reader = NULL;
	kv_outlet_fini(&mirror->outlet);
}
