/* SPDX-License-Identifier: MIT */
/*
 * The mirror: load, then watch from the next revision, again and again.
 *
 * The watch resumes behind the last revision of which every event arrived. What the header says is
 * no guide while events are coming; an answer to a progress request may even overtake
 * events (etcd before 3.4.25 and 3.5.8), so it is believed only when the next one
 * comes and no event came in between.
 */
#include <stdlib.h>

#include "etcd.pb-c.h"
#include "store/etcd/etcd.h"
#include "store/etcd/verdict.h"

#define PROGRESS_NS (2 * NS_PER_S)
#define SILENCE_NS  (10 * NS_PER_S)
/* Failures in a row before the operator hears of it: one is what a restart of etcd costs. */
#define FAILURES_TO_SAY 3

static struct etcd *of_stream(struct stream *stream)
{
	return container_of(stream, struct etcd, mirror.stream);
}

static void on_message(struct stream *stream, struct span message);
static void on_ended(struct stream *stream, const struct reply *reply);

int etcd_mirror_init(struct etcd *etcd)
{
	kv_outlet_init(&etcd->mirror.outlet, etcd->sink);
	etcd->mirror.stream.message = on_message;
	etcd->mirror.stream.ended = on_ended;
	return etcd_load_init(etcd);
}

void etcd_mirror_fini(struct etcd *etcd)
{
	kv_outlet_fini(&etcd->mirror.outlet);
	etcd_load_fini(etcd);
}

/* ---- what is next ---- */

static void start_watch(struct etcd *etcd)
{
	Etcdserverpb__WatchCreateRequest create = ETCDSERVERPB__WATCH_CREATE_REQUEST__INIT;
	Etcdserverpb__WatchRequest request = ETCDSERVERPB__WATCH_REQUEST__INIT;
	struct etcd_mirror *mirror = &etcd->mirror;

	if (etcd_link_stream(etcd, &mirror->stream, METHOD_WATCH))
		return;
	create.key = (ProtobufCBinaryData){etcd->prefix_len, (uint8_t *)etcd->prefix};
	create.range_end = (ProtobufCBinaryData){etcd->prefix_len, etcd->prefix_end};
	create.start_revision = mirror->next_revision;
	create.progress_notify = true;
	create.fragment = true;
	request.request_union_case = ETCDSERVERPB__WATCH_REQUEST__REQUEST_UNION_CREATE_REQUEST;
	request.create_request = &create;
	mirror->created = false;
	mirror->compacted = false;
	mirror->hinted_revision = 0;
	mirror->asked_ns = clock_mono_ns(); /* for the answer to this */
	if (stream_open(&mirror->stream, message_pack(&request.base))) {
		etcd_set_timer(etcd, TIMER_MIRROR, clock_mono_ns() + etcd_backoff_ns(etcd, 1));
		return;
	}
	etcd_set_timer(etcd, TIMER_PROGRESS, mirror->asked_ns + PROGRESS_NS);
}

void etcd_mirror_go(struct etcd *etcd)
{
	struct etcd_mirror *mirror = &etcd->mirror;

	kv_outlet_collect(&mirror->outlet);
	if (kv_outlet_waiting(&mirror->outlet))
		return; /* the owner holds us back, and we etcd */
	if (mirror->stream.call) {
		stream_read(&mirror->stream);
		return;
	}
	if (!etcd_link_ready(etcd) || etcd->due_ns[TIMER_MIRROR] || atomic_load(&etcd->stopping))
		return;
	if (mirror->loading)
		etcd_load_go(etcd);
	else
		start_watch(etcd);
}

void etcd_mirror_retry(struct etcd *etcd)
{
	etcd_mirror_go(etcd);
}

void etcd_mirror_failed(struct etcd *etcd, const struct reply *reply)
{
	struct etcd_mirror *mirror = &etcd->mirror;
	const struct verdict *verdict = verdict_of(reply);

	mirror->failures++;
	if (mirror->failures >= FAILURES_TO_SAY || verdict->remedy)
		kv_health_problem(&etcd->health, KV_PROBLEM_MIRROR,
				  "etcd: cannot follow changes: "
				  "%.100s; %s",
				  reply->words,
				  verdict->remedy ? verdict->remedy : "see etcd's log");
	etcd_set_timer(etcd, TIMER_MIRROR,
		       clock_mono_ns() + etcd_backoff_ns(etcd, mirror->failures));
}

void etcd_mirror_unlinked(struct etcd *etcd)
{
	etcd_load_cancel(etcd);
	stream_cancel(&etcd->mirror.stream);
}

bool etcd_mirror_stop(struct etcd *etcd)
{
	stream_cancel(&etcd->mirror.stream);
	return etcd_load_cancel(etcd) && !etcd->mirror.stream.call;
}

/* ---- lists ---- */

static struct kv_event *add_event(struct etcd_mirror *mirror, enum kv_event_type type,
				  int64_t revision)
{
	if (!mirror->list)
		mirror->list = kv_outlet_take(&mirror->outlet);
	return mirror->list ? kv_list_add(mirror->list, type, revision) : NULL;
}

static void send_list(struct etcd_mirror *mirror)
{
	if (mirror->list)
		kv_outlet_send(&mirror->outlet, mirror->list);
	mirror->list = NULL;
}

static bool send_event(struct etcd_mirror *mirror, enum kv_event_type type, int64_t revision)
{
	if (!add_event(mirror, type, revision))
		return false;
	send_list(mirror);
	return true;
}

/* Part of a revision is none of it: it comes again, whole, when the watch resumes. */
static void drop_fragments(struct etcd_mirror *mirror)
{
	if (mirror->list)
		kv_outlet_put_back(&mirror->outlet, mirror->list);
	mirror->list = NULL;
}

static void say_lost(struct etcd_mirror *mirror)
{
	if (!mirror->connected)
		return;
	mirror->connected = false;
	send_event(mirror, KV_EVENT_LOST, mirror->next_revision - 1);
}

/* There is nothing to watch behind what is known: all is loaded again. */
void etcd_mirror_back(struct etcd *etcd, int64_t revision)
{
	send_event(&etcd->mirror, KV_EVENT_BACK, revision);
	etcd_load_restart(etcd);
}

/* ---- the watch ---- */

static bool on_created(struct etcd *etcd, const Etcdserverpb__WatchResponse *response)
{
	struct etcd_mirror *mirror = &etcd->mirror;

	mirror->created = true;
	mirror->failures = 0;
	kv_health_mended(&etcd->health, KV_PROBLEM_MIRROR);
	if (mirror->connected)
		return true;
	mirror->connected = true;
	return send_event(mirror, KV_EVENT_CONNECTED, mirror->next_revision - 1);
}

static bool on_progress(struct etcd_mirror *mirror, const Etcdserverpb__WatchResponse *response)
{
	int64_t revision = response->header->revision;

	if (response->watch_id < 0) { /* an answer to our request */
		int64_t confirmed = mirror->hinted_revision;
		mirror->hinted_revision = revision;
		if (!confirmed)
			return true;
		revision = confirmed;
	} else {
		mirror->next_revision = max_i64(mirror->next_revision, revision + 1);
	}
	return send_event(mirror, KV_EVENT_PROGRESS, revision);
}

static bool add_change(struct etcd *etcd, const Etcdserverpb__Event *change)
{
	struct kv_event *event;
	bool put = change->type == ETCDSERVERPB__EVENT__EVENT_TYPE__PUT;

	if (!change->kv || change->kv->key.len <= etcd->prefix_len)
		return true;
	event = add_event(&etcd->mirror, put ? KV_EVENT_PUT : KV_EVENT_REMOVE,
			  change->kv->mod_revision);
	if (!event)
		return false;
	event->key = (struct span){change->kv->key.data + etcd->prefix_len,
				   change->kv->key.len - etcd->prefix_len};
	if (put)
		event->value = (struct span){change->kv->value.data, change->kv->value.len};
	return true;
}

static bool on_changes(struct etcd *etcd, const Etcdserverpb__WatchResponse *response)
{
	struct etcd_mirror *mirror = &etcd->mirror;
	const Etcdserverpb__KeyValue *last = response->events[response->n_events - 1]->kv;

	mirror->hinted_revision = 0;
	for (size_t i = 0; i < response->n_events; i++)
		if (!add_change(etcd, response->events[i]))
			return false;
	if (response->fragment)
		return true;
	if (last)
		mirror->next_revision = max_i64(mirror->next_revision, last->mod_revision + 1);
	send_list(mirror);
	return true;
}

/* etcd ends the watch: for a compaction, or it says why. */
static void on_canceled(struct etcd *etcd, const Etcdserverpb__WatchResponse *response)
{
	etcd->mirror.compacted = response->compact_revision > 0;
	if (!etcd->mirror.compacted)
		log_warn("etcd ended the watch", F_STR("reason", response->cancel_reason));
	stream_cancel(&etcd->mirror.stream);
}

static bool handle(struct etcd *etcd, const Etcdserverpb__WatchResponse *response)
{
	if (response->canceled) {
		on_canceled(etcd, response);
		return true;
	}
	kv_health_contact(&etcd->health, response->header->revision);
	if (response->created)
		return on_created(etcd, response);
	if (response->n_events > 0)
		return on_changes(etcd, response);
	if (response->fragment)
		return true;
	return on_progress(&etcd->mirror, response);
}

/* Unpacked into the list's own memory, where its events then point. */
static const Etcdserverpb__WatchResponse *unpack(struct etcd_mirror *mirror, struct span message)
{
	const Etcdserverpb__WatchResponse *response;

	if (!mirror->list)
		mirror->list = kv_outlet_take(&mirror->outlet);
	if (!mirror->list)
		return NULL;
	response = (const Etcdserverpb__WatchResponse *)message_unpack(
	    &etcdserverpb__watch_response__descriptor, message, mirror->list->arena);
	return response && response->header ? response : NULL;
}

static void on_message(struct stream *stream, struct span message)
{
	struct etcd *etcd = of_stream(stream);
	struct etcd_mirror *mirror = &etcd->mirror;
	const Etcdserverpb__WatchResponse *response = unpack(mirror, message);

	mirror->asked_ns = 0;
	if (!response || !handle(etcd, response)) {
		log_error("watch message not usable: malformed, or out of memory; watching anew");
		stream_cancel(stream);
	}
	etcd_mirror_go(etcd);
}

static void on_ended(struct stream *stream, const struct reply *reply)
{
	struct etcd *etcd = of_stream(stream);
	struct etcd_mirror *mirror = &etcd->mirror;

	drop_fragments(mirror);
	etcd_set_timer(etcd, TIMER_PROGRESS, 0);
	say_lost(mirror);
	if (mirror->compacted) {
		log_warn("etcd compacted what the mirror had not seen yet; loading everything anew",
			 F_I64("revision", mirror->next_revision));
		etcd_load_restart(etcd);
	} else if (etcd_link_ready(etcd) && stream->generation == etcd->link.generation) {
		etcd_mirror_failed(etcd, reply);
		etcd_link_judge(etcd, stream->generation, reply);
	}
	etcd_mirror_go(etcd);
}

void etcd_mirror_progress(struct etcd *etcd)
{
	Etcdserverpb__WatchProgressRequest progress = ETCDSERVERPB__WATCH_PROGRESS_REQUEST__INIT;
	Etcdserverpb__WatchRequest request = ETCDSERVERPB__WATCH_REQUEST__INIT;
	struct etcd_mirror *mirror = &etcd->mirror;
	uint64_t now_ns = clock_mono_ns();

	if (!mirror->stream.call)
		return;
	etcd_set_timer(etcd, TIMER_PROGRESS, now_ns + PROGRESS_NS);
	if (kv_outlet_waiting(&mirror->outlet))
		mirror->asked_ns = 0; /* not reading: no answer can be expected */
	if (mirror->asked_ns && now_ns - mirror->asked_ns > SILENCE_NS) {
		stream_cancel(&mirror->stream);
		etcd_link_drop(etcd, mirror->stream.generation, true, "the watch went silent");
		return;
	}
	if (!mirror->created || mirror->asked_ns || kv_outlet_waiting(&mirror->outlet))
		return;
	request.request_union_case = ETCDSERVERPB__WATCH_REQUEST__REQUEST_UNION_PROGRESS_REQUEST;
	request.progress_request = &progress;
	if (stream_write(&mirror->stream, message_pack(&request.base)))
		mirror->asked_ns = now_ns;
}
