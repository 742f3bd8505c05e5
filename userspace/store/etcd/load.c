/* SPDX-License-Identifier: MIT */
/*
 * Everything under the prefix, page by page, at the revision of the first page.
 *
 * The first page is asked for alone, since it tells the revision; then each reader asks for one
 * (which: ranges.h) as soon as its last one came. Pages go to the owner as they come, so keys are
 * told in no order. Whatever becomes of a page, the others are still good: one that failed is
 * asked for again.
 */
#include <errno.h>

#include "etcd.pb-c.h"
#include "store/etcd/etcd.h"
#include "store/etcd/verdict.h"

#define PAGE_LIMIT     50000
#define PAGE_LIMIT_MIN 100
#define PAGE_TIME_NS   (30 * NS_PER_S)

static_assert(LOAD_READERS <= RANGES_MAX_READERS, "each reader has its range");

static const struct reply out_of_memory = {
    .status = GRPC_STATUS_UNKNOWN,
    .words = "a page could not be asked for: out of memory",
};

int etcd_load_init(struct etcd *etcd)
{
	struct etcd_mirror *mirror = &etcd->mirror;
	struct span prefix = {(const uint8_t *)etcd->prefix, etcd->prefix_len};

	mirror->page_limit = PAGE_LIMIT;
	mirror->loading = true;
	for (size_t i = 0; i < LOAD_READERS; i++)
		mirror->reader[i].etcd = etcd;
	return ranges_init(&mirror->ranges, LOAD_READERS, prefix, etcd->sink->unwanted);
}

void etcd_load_fini(struct etcd *etcd)
{
	ranges_fini(&etcd->mirror.ranges);
}

bool etcd_load_cancel(struct etcd *etcd)
{
	bool idle = true;

	for (size_t i = 0; i < LOAD_READERS; i++) {
		struct call *page = &etcd->mirror.reader[i].page;
		call_cancel(page);
		idle = idle && !page->call;
	}
	return idle;
}

void etcd_load_restart(struct etcd *etcd)
{
	struct etcd_mirror *mirror = &etcd->mirror;

	if (mirror->loaded_once)
		kv_health_reloaded(&etcd->health);
	etcd_load_cancel(etcd);
	for (size_t i = 0; i < LOAD_READERS; i++)
		mirror->reader[i].outdated = mirror->reader[i].page.call;
	mirror->loading = true;
	mirror->load_revision = 0;
	ranges_restart(&mirror->ranges);
}

/* ---- what came ---- */

static struct span as_span(ProtobufCBinaryData data)
{
	return (struct span){data.data, data.len};
}

static bool add_keys(struct etcd *etcd, struct kv_list *list,
		     const Etcdserverpb__RangeResponse *page)
{
	for (size_t i = 0; i < page->n_kvs; i++) {
		const Etcdserverpb__KeyValue *kv = page->kvs[i];
		struct kv_event *event;

		if (kv->key.len <= etcd->prefix_len)
			continue;
		event = kv_list_add(list, KV_EVENT_PUT, kv->mod_revision);
		if (!event)
			return false;
		event->key =
		    (struct span){kv->key.data + etcd->prefix_len, kv->key.len - etcd->prefix_len};
		event->value = as_span(kv->value);
	}
	return true;
}

static bool mark_read(struct etcd_mirror *mirror, const struct load_reader *reader,
		      const Etcdserverpb__RangeResponse *page)
{
	struct range_page read = {
	    .n = page->n_kvs,
	    .more = page->more && page->n_kvs > 0,
	    .count = (uint64_t)page->count,
	    .limit = reader->limit,
	};

	if (read.n > 0) {
		read.first = as_span(page->kvs[0]->key);
		read.last = as_span(page->kvs[read.n - 1]->key);
	}
	return ranges_read(&mirror->ranges, (size_t)(reader - mirror->reader), &read) == 0;
}

static void loaded(struct etcd_mirror *mirror, struct kv_event *end)
{
	end->revision = mirror->load_revision;
	mirror->loading = false;
	mirror->loaded_once = true;
	mirror->next_revision = mirror->load_revision + 1;
}

/* False leaves the page to be read again. Nothing may fail once it is marked as read, so the end
 * is added before it is known to be one. */
static bool take_page(struct load_reader *reader, struct kv_list *list,
		      const Etcdserverpb__RangeResponse *page)
{
	struct etcd *etcd = reader->etcd;
	struct etcd_mirror *mirror = &etcd->mirror;
	struct kv_event *end;

	if (!mirror->load_revision && !kv_list_add(list, KV_EVENT_RESET, 0))
		return false;
	if (!add_keys(etcd, list, page))
		return false;
	end = kv_list_add(list, KV_EVENT_LOADED, 0);
	if (!end || !mark_read(mirror, reader, page))
		return false;
	if (!mirror->load_revision)
		mirror->load_revision = page->header->revision;
	if (ranges_done(&mirror->ranges))
		loaded(mirror, end);
	else
		list->events.n--;
	return true;
}

static void page_failed(struct load_reader *reader, const struct reply *reply)
{
	struct etcd *etcd = reader->etcd;
	struct etcd_mirror *mirror = &etcd->mirror;
	const uint32_t half =
	    reader->limit / 2 > PAGE_LIMIT_MIN ? reader->limit / 2 : PAGE_LIMIT_MIN;

	if (verdict_of(reply)->action == VERDICT_COMPACTED) {
		etcd_load_restart(etcd);
		return;
	}
	/* What else went over a link that is gone has told of that. */
	if (!etcd_link_ready(etcd) || reader->page.generation != etcd->link.generation)
		return;
	/* Too much to send or to wait for, perhaps. */
	if ((reply->status == GRPC_STATUS_RESOURCE_EXHAUSTED ||
	     reply->status == GRPC_STATUS_DEADLINE_EXCEEDED) &&
	    half < mirror->page_limit)
		mirror->page_limit = half;
	etcd_mirror_failed(etcd, reply);
	etcd_link_judge(etcd, reader->page.generation, reply);
}

static void page_came(struct load_reader *reader, const struct reply *reply)
{
	static const struct reply unusable = {
	    .status = GRPC_STATUS_UNKNOWN,
	    .words = "a page could not be read: malformed, or out of memory",
	};
	struct etcd *etcd = reader->etcd;
	struct etcd_mirror *mirror = &etcd->mirror;
	struct kv_list *list = kv_outlet_take(&mirror->outlet);
	const Etcdserverpb__RangeResponse *page = NULL;

	if (list)
		page = (const Etcdserverpb__RangeResponse *)message_unpack(
		    &etcdserverpb__range_response__descriptor, reply->message, list->arena);
	if (!page || !page->header || !take_page(reader, list, page)) {
		if (list)
			kv_outlet_put_back(&mirror->outlet, list);
		etcd_mirror_failed(etcd, &unusable);
		return;
	}
	kv_health_contact(&etcd->health, page->header->revision);
	mirror->failures = 0;
	kv_outlet_send(&mirror->outlet, list);
}

static void on_page(struct call *call, const struct reply *reply)
{
	struct load_reader *reader = container_of(call, struct load_reader, page);

	if (reader->outdated)
		reader->outdated = false;
	else if (reply->status == GRPC_STATUS_OK)
		page_came(reader, reply);
	else
		page_failed(reader, reply);
	etcd_mirror_go(reader->etcd);
}

/* ---- asking ---- */

/* Linearizable the first time; then any member can tell what was at that revision. */
static grpc_slice pack(const struct etcd_mirror *mirror, const struct load_reader *reader)
{
	const struct range_reader *range = &mirror->ranges.reader[reader - mirror->reader];
	Etcdserverpb__RangeRequest request = ETCDSERVERPB__RANGE_REQUEST__INIT;

	request.key = (ProtobufCBinaryData){range->from.len, range->from.data};
	request.range_end = (ProtobufCBinaryData){range->until.len, range->until.data};
	request.limit = reader->limit;
	request.revision = mirror->load_revision;
	request.serializable = mirror->load_revision > 0;
	return message_pack(&request.base);
}

static void ask(struct etcd *etcd, struct load_reader *reader)
{
	struct etcd_mirror *mirror = &etcd->mirror;
	int rc;

	if (reader->page.call)
		return;
	rc = ranges_next(&mirror->ranges, (size_t)(reader - mirror->reader));
	if (rc == 1 &&
	    !etcd_link_call(etcd, &reader->page, LANE_MIRROR, METHOD_RANGE, PAGE_TIME_NS)) {
		reader->limit = mirror->page_limit;
		rc = call_send(&reader->page, pack(mirror, reader), on_page);
	}
	if (rc < 0)
		etcd_mirror_failed(etcd, &out_of_memory);
}

void etcd_load_go(struct etcd *etcd)
{
	struct etcd_mirror *mirror = &etcd->mirror;
	size_t n = mirror->load_revision ? LOAD_READERS : 1;

	for (size_t i = 0; i < n; i++)
		ask(etcd, &mirror->reader[i]);
}
