/* SPDX-License-Identifier: MIT */
#include "kv_owner.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define BUCKETS (1u << 16)

/* ---- the sink: the backend's thread ---- */

static void on_committed(struct kv_sink *sink, struct kv_batch *batch)
{
	struct owner *owner = (struct owner *)sink;

	pthread_mutex_lock(&owner->lock);
	if (owner->n_batches == OWNER_QUEUE)
		abort();
	owner->batches[owner->n_batches++] = batch;
	pthread_cond_signal(&owner->changed);
	pthread_mutex_unlock(&owner->lock);
}

static void on_events(struct kv_sink *sink, struct kv_events *events)
{
	struct owner *owner = (struct owner *)sink;

	pthread_mutex_lock(&owner->lock);
	if (owner->n_lists == OWNER_QUEUE)
		abort();
	owner->lists[owner->n_lists++] = events;
	owner->lists_out++;
	if (owner->lists_out > owner->most_lists_out)
		owner->most_lists_out = owner->lists_out;
	pthread_cond_signal(&owner->changed);
	pthread_mutex_unlock(&owner->lock);
}

/* ---- the mirror ---- */

static struct entry **place_of(struct owner *owner, const char *key)
{
	unsigned hash = 5381;
	struct entry **at;

	for (const char *c = key; *c; c++)
		hash = hash * 33 + (unsigned char)*c;
	for (at = &owner->buckets[hash % BUCKETS]; *at; at = &(*at)->next)
		if (strcmp((*at)->key, key) == 0)
			break;
	return at;
}

static void forget(struct owner *owner, struct entry **at)
{
	struct entry *entry = *at;

	if (!entry)
		return;
	*at = entry->next;
	owner->n_entries--;
	free(entry->key);
	free(entry);
}

static void forget_all(struct owner *owner)
{
	for (size_t i = 0; i < BUCKETS; i++)
		while (owner->buckets[i])
			forget(owner, &owner->buckets[i]);
}

static void set_entry(struct owner *owner, const char *key, const struct kv_event *event)
{
	struct entry **at = place_of(owner, key);
	struct entry *entry;

	forget(owner, at);
	entry = malloc(sizeof(*entry) + event->value.len);
	assert_non_null(entry);
	*entry = (struct entry){
	    .key = strdup(key), .revision = event->revision, .len = event->value.len};
	if (event->value.len)
		memcpy(entry->value, event->value.data, event->value.len);
	entry->next = *at;
	*at = entry;
	owner->n_entries++;
}

static void apply_change(struct owner *owner, const struct kv_event *event)
{
	char key[KV_MAX_KEY + 1];

	assert_in_range(event->key.len, 1, KV_MAX_KEY);
	memcpy(key, event->key.data, event->key.len);
	key[event->key.len] = '\0';
	/* A load comes in no order; changes must come in the order of revisions. */
	if (owner->loads > 0 && owner->loads == owner->resets) {
		owner->disorders += event->revision < owner->revision;
		owner->revision = max_i64(owner->revision, event->revision);
	}
	if (event->type == KV_EVENT_PUT) {
		owner->puts++;
		set_entry(owner, key, event);
	} else {
		owner->removes++;
		forget(owner, place_of(owner, key));
	}
}

static void apply_event(struct owner *owner, const struct kv_event *event)
{
	switch (event->type) {
	case KV_EVENT_RESET:
		owner->resets++;
		owner->loads = owner->resets - 1;
		forget_all(owner);
		break;
	case KV_EVENT_PUT:
	case KV_EVENT_REMOVE:
		apply_change(owner, event);
		break;
	case KV_EVENT_LOADED:
		owner->loads = owner->resets;
		owner->revision = event->revision;
		break;
	case KV_EVENT_PROGRESS:
		owner->progress = event->revision;
		break;
	case KV_EVENT_CONNECTED:
		owner->connects++;
		break;
	case KV_EVENT_LOST:
		owner->losses++;
		break;
	case KV_EVENT_BACK:
		owner->backs++;
		break;
	default:
		fail_msg("event %d", event->type);
	}
}

/* True when there was a list. */
static bool apply_list(struct owner *owner)
{
	struct kv_events *events = NULL;

	pthread_mutex_lock(&owner->lock);
	if (owner->n_lists > 0) {
		events = owner->lists[0];
		owner->n_lists--;
		memmove(&owner->lists[0], &owner->lists[1], owner->n_lists * sizeof(events));
	}
	pthread_mutex_unlock(&owner->lock);
	if (!events)
		return false;
	for (size_t i = 0; i < events->n; i++)
		apply_event(owner, &events->event[i]);
	pthread_mutex_lock(&owner->lock);
	owner->lists_out--;
	owner->applied++;
	pthread_mutex_unlock(&owner->lock);
	owner->ops->events_done(owner->kv, events);
	return true;
}

/* ---- waiting ---- */

/* Waits for the sink; false when patience is over. Wakes at least ten times a second, since a
 * status changes without a word to the sink. */
static bool wait_for_sink(struct owner *owner, uint64_t until_ns)
{
	struct timespec soon;

	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec += 100 * 1000 * 1000;
	if (soon.tv_nsec >= 1000 * 1000 * 1000) {
		soon.tv_nsec -= 1000 * 1000 * 1000;
		soon.tv_sec++;
	}
	pthread_mutex_lock(&owner->lock);
	if (!owner->n_batches && !owner->n_lists)
		pthread_cond_timedwait(&owner->changed, &owner->lock, &soon);
	pthread_mutex_unlock(&owner->lock);
	return clock_mono_ns() < until_ns;
}

void owner_wait(struct owner *owner, bool (*reached)(struct owner *owner, const void *arg),
		const void *arg)
{
	uint64_t until_ns = clock_mono_ns() + OWNER_PATIENCE_S * NS_PER_S;
	struct kv_status status;

	while (!reached(owner, arg)) {
		if (apply_list(owner))
			continue;
		if (wait_for_sink(owner, until_ns))
			continue;
		owner->ops->status(owner->kv, &status);
		fail_msg("waited in vain; resets %u, loads %u, connects %u, losses %u, revision "
			 "%lld, session %d, problem \"%s\"",
			 owner->resets, owner->loads, owner->connects, owner->losses,
			 (long long)owner->revision, status.session, status.problem);
	}
}

static bool has_batch(struct owner *owner, const void *arg)
{
	bool has;

	pthread_mutex_lock(&owner->lock);
	has = owner->n_batches > 0;
	pthread_mutex_unlock(&owner->lock);
	return has;
}

struct kv_batch *owner_wait_batch(struct owner *owner)
{
	struct kv_batch *batch;

	owner_wait(owner, has_batch, NULL);
	pthread_mutex_lock(&owner->lock);
	batch = owner->batches[0];
	owner->n_batches--;
	memmove(&owner->batches[0], &owner->batches[1], owner->n_batches * sizeof(batch));
	pthread_mutex_unlock(&owner->lock);
	return batch;
}

void owner_commit(struct owner *owner, struct kv_batch *batch)
{
	owner->ops->commit(owner->kv, batch);
}

void owner_run(struct owner *owner, struct kv_batch *batch)
{
	owner_commit(owner, batch);
	assert_ptr_equal(owner_wait_batch(owner), batch);
}

static bool at_revision(struct owner *owner, const void *arg)
{
	const int64_t *revision = arg;

	return owner->loads > 0 && owner->loads == owner->resets && owner->revision >= *revision;
}

void owner_wait_revision(struct owner *owner, int64_t revision)
{
	owner_wait(owner, at_revision, &revision);
}

static bool has_value(struct owner *owner, const void *arg)
{
	const char *const *pair = arg;
	const struct entry *entry = owner_find(owner, pair[0]);

	if (!entry || !pair[1])
		return !entry == !pair[1];
	return entry->len == strlen(pair[1]) && memcmp(entry->value, pair[1], entry->len) == 0;
}

void owner_wait_value(struct owner *owner, const char *key, const char *value)
{
	const char *pair[2] = {key, value};

	owner_wait(owner, has_value, pair);
}

static bool has_problem(struct owner *owner, const void *arg)
{
	struct kv_status status;

	owner->ops->status(owner->kv, &status);
	return strstr(status.problem, arg) && (*(const char *)arg || !status.problem[0]);
}

void owner_wait_problem(struct owner *owner, const char *text)
{
	owner_wait(owner, has_problem, text);
}

static bool has_session(struct owner *owner, const void *arg)
{
	struct kv_status status;

	owner->ops->status(owner->kv, &status);
	return status.session == *(const enum kv_session *)arg;
}

void owner_wait_session(struct owner *owner, enum kv_session session)
{
	owner_wait(owner, has_session, &session);
}

/* ---- life ---- */

static void open_with(struct owner *owner, const struct kv_ops *ops,
		      const struct config_store *config, const char *unwanted,
		      void (*prepare)(struct kv *kv))
{
	struct config_error error;

	*owner = (struct owner){
	    .sink = {.committed = on_committed, .events = on_events, .unwanted = unwanted},
	    .ops = ops,
	    .config = *config,
	};
	pthread_mutex_init(&owner->lock, NULL);
	pthread_cond_init(&owner->changed, NULL);
	owner->buckets = calloc(BUCKETS, sizeof(*owner->buckets));
	assert_non_null(owner->buckets);
	owner->kv = ops->open(config, &owner->sink, &error);
	if (!owner->kv)
		fail_msg("%s", error.text);
	if (prepare)
		prepare(owner->kv);
	assert_int_equal(ops->start(owner->kv), 0);
}

void owner_open(struct owner *owner, const struct kv_ops *ops, const struct config_store *config)
{
	open_with(owner, ops, config, NULL, NULL);
}

void owner_open_prepared(struct owner *owner, const struct kv_ops *ops,
			 const struct config_store *config, void (*prepare)(struct kv *kv))
{
	open_with(owner, ops, config, NULL, prepare);
}

static bool ready(struct owner *owner, const void *arg)
{
	return owner->loads > 0 && owner->connects > owner->losses;
}

void owner_begin(struct owner *owner, const struct kv_ops *ops, const struct config_store *config)
{
	owner_open(owner, ops, config);
	owner_wait(owner, ready, NULL);
}

void owner_begin_without(struct owner *owner, const struct kv_ops *ops,
			 const struct config_store *config, const char *unwanted)
{
	open_with(owner, ops, config, unwanted, NULL);
	owner_wait(owner, ready, NULL);
}

void owner_close(struct owner *owner)
{
	if (!owner->ops)
		return;
	owner->ops->close(owner->kv);
	for (size_t i = 0; i < owner->n_batches; i++)
		kv_batch_free(owner->batches[i]);
	forget_all(owner);
	free(owner->buckets);
	pthread_cond_destroy(&owner->changed);
	pthread_mutex_destroy(&owner->lock);
	*owner = (struct owner){0};
}

const struct entry *owner_find(struct owner *owner, const char *key)
{
	return *place_of(owner, key);
}

void assert_entry(struct owner *owner, const char *key, const char *value, int64_t revision)
{
	const struct entry *entry = owner_find(owner, key);

	if (!entry)
		fail_msg("%s is not in the mirror", key);
	assert_span((struct span){entry->value, entry->len}, value);
	assert_int_equal(entry->revision, revision);
}

/* ---- transactions ---- */

struct kv_txn *add_txn(struct kv_batch *batch)
{
	struct kv_txn *txn = kv_batch_add(batch);

	assert_non_null(txn);
	return txn;
}

struct span copy_of(struct kv_batch *batch, const char *text)
{
	size_t len = text ? strlen(text) : 0;
	uint8_t *copy = kv_batch_alloc(batch, len);

	assert_non_null(copy);
	if (len)
		memcpy(copy, text, len);
	return (struct span){copy, len};
}

void add_guard(struct kv_batch *batch, struct kv_txn *txn, enum kv_guard guard, const char *key,
	       const char *value, int64_t revision)
{
	txn->compare[txn->n_compares++] = (struct kv_compare){
	    .guard = guard,
	    .key = copy_of(batch, key),
	    .value = copy_of(batch, value),
	    .revision = revision,
	};
}

void add_put(struct kv_batch *batch, struct kv_txn *txn, const char *key, const char *value)
{
	txn->change[txn->n_changes++] = (struct kv_change){
	    .action = KV_PUT,
	    .key = copy_of(batch, key),
	    .value = copy_of(batch, value),
	};
}

void add_delete(struct kv_batch *batch, struct kv_txn *txn, const char *key)
{
	txn->change[txn->n_changes++] =
	    (struct kv_change){.action = KV_DELETE, .key = copy_of(batch, key)};
}

int64_t put_one(struct owner *owner, const char *key, const char *value)
{
	struct kv_batch *batch = kv_batch_new(1);
	struct kv_txn *txn = add_txn(batch);
	int64_t revision;

	add_put(batch, txn, key, value);
	owner_run(owner, batch);
	if (txn->outcome != KV_DONE)
		fail_msg("%s: outcome %d, %s: %s", key, txn->outcome, strerror(-txn->error),
			 batch->detail ? batch->detail : "");
	revision = txn->revision;
	assert_true(revision > 0);
	assert_int_equal(batch->revision, revision);
	kv_batch_free(batch);
	return revision;
}

void assert_span(struct span span, const char *text)
{
	assert_int_equal(span.len, strlen(text));
	assert_memory_equal(span.data, text, span.len);
}

/* ---- places ---- */

void make_directory(char path[64])
{
	strcpy(path, "/tmp/etcdhcp-kv-XXXXXX");
	assert_non_null(mkdtemp(path));
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
	return remove(path);
}

void remove_directory(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
