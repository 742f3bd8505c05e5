/* SPDX-License-Identifier: MIT */
/*
 * Everything under the prefix, page by page, at the revision of the first page.
 *
 * For every page, however short, etcd 3.4 walks its index to the end of the range asked for. So
 * each page asks for a narrow range: all keys that share the first bytes of the one it begins
 * with. How many bytes (the depth) follows from what came: when a page is cut off and the range
 * holds far more than a page, the next range is as narrow as the keys of this page are alike; when
 * a range holds next to nothing, the next is a byte wider.
 */
#include <errno.h>
#include <stdlib.h>

#include "etcd.pb-c.h"
#include "store/etcd/etcd.h"
#include "store/etcd/verdict.h"

#define PAGE_LIMIT     50000
#define PAGE_LIMIT_MIN 100
#define PAGE_TIME_NS   (30 * NS_PER_S)
/* A range with more keys than this many pages is worth narrowing. */
#define WIDE 4

static struct etcd *of_page(struct call *call)
{
	return container_of(call, struct etcd, mirror.page);
}

static bool reserve(struct etcd_bytes *bytes, size_t len)
{
	uint8_t *more;

	if (len <= bytes->cap)
		return true;
	more = realloc(bytes->data, len + 256);
	if (!more)
		return false;
	bytes->data = more;
	bytes->cap = len + 256;
	return true;
}

static bool set_bytes(struct etcd_bytes *bytes, const uint8_t *data, size_t len)
{
	if (!reserve(bytes, len))
		return false;
	memmove(bytes->data, data, len);
	bytes->len = len;
	return true;
}

static bool set_unwanted(struct etcd *etcd, const char *unwanted)
{
	struct etcd_bytes *bytes = &etcd->mirror.unwanted;
	size_t len = unwanted ? strlen(unwanted) : 0;

	if (!len)
		return true;
	if (!reserve(bytes, etcd->prefix_len + len))
		return false;
	memcpy(bytes->data, etcd->prefix, etcd->prefix_len);
	memcpy(bytes->data + etcd->prefix_len, unwanted, len);
	bytes->len = etcd->prefix_len + len;
	return true;
}

int etcd_load_init(struct etcd *etcd)
{
	struct etcd_mirror *mirror = &etcd->mirror;

	mirror->page_limit = PAGE_LIMIT;
	mirror->loading = true;
	mirror->depth = etcd->prefix_len;
	if (!set_bytes(&mirror->from, (const uint8_t *)etcd->prefix, etcd->prefix_len) ||
	    !set_unwanted(etcd, etcd->sink->unwanted))
		return -ENOMEM;
	return 0;
}

void etcd_load_restart(struct etcd *etcd)
{
	struct etcd_mirror *mirror = &etcd->mirror;

	if (mirror->loaded_once)
		kv_health_reloaded(&etcd->health);
	mirror->loading = true;
	mirror->begun = false;
	mirror->load_revision = 0;
	mirror->depth = etcd->prefix_len;
	memcpy(mirror->from.data, etcd->prefix, etcd->prefix_len); /* never shorter than that */
	mirror->from.len = etcd->prefix_len;
}

/* ---- the range of a page ---- */

static bool is_before(const struct etcd_bytes *a, const struct etcd_bytes *b)
{
	int order = memcmp(a->data, b->data, min_size(a->len, b->len));

	return order ? order < 0 : a->len < b->len;
}

/* What the owner has no use for is not asked for: a range ends before it, the next begins behind. */
static bool pass_unwanted(struct etcd *etcd)
{
	struct etcd_mirror *mirror = &etcd->mirror;
	const struct etcd_bytes *unwanted = &mirror->unwanted;

	if (!unwanted->len || mirror->from.len < unwanted->len ||
	    memcmp(mirror->from.data, unwanted->data, unwanted->len))
		return true;
	if (!set_bytes(&mirror->from, unwanted->data, unwanted->len))
		return false;
	mirror->from.data[mirror->from.len - 1]++;
	mirror->depth = etcd->prefix_len + 1;
	return true;
}

/* The first key behind all that share @p len bytes with from. The prefix ends with a slash, so
 * some byte can be counted up. */
static bool bound_page(struct etcd *etcd)
{
	struct etcd_mirror *mirror = &etcd->mirror;
	size_t len;

	if (!pass_unwanted(etcd))
		return false;
	len = min_size(mirror->depth, mirror->from.len);
	while (len > etcd->prefix_len && mirror->from.data[len - 1] == 0xff)
		len--;
	if (!set_bytes(&mirror->until, mirror->from.data, len))
		return false;
	mirror->until.data[len - 1]++;
	if (mirror->unwanted.len && is_before(&mirror->from, &mirror->unwanted) &&
	    is_before(&mirror->unwanted, &mirror->until))
		return set_bytes(&mirror->until, mirror->unwanted.data, mirror->unwanted.len);
	return true;
}

static size_t common_len(const ProtobufCBinaryData *a, const ProtobufCBinaryData *b)
{
	size_t len = 0;

	while (len < a->len && len < b->len && a->data[len] == b->data[len])
		len++;
	return len;
}

/* The rest of a range that was cut off. */
static bool go_on(struct etcd_mirror *mirror, const Etcdserverpb__RangeResponse *page)
{
	const ProtobufCBinaryData *first = &page->kvs[0]->key;
	const ProtobufCBinaryData *last = &page->kvs[page->n_kvs - 1]->key;

	if (!reserve(&mirror->from, last->len + 1))
		return false;
	memcpy(mirror->from.data, last->data, last->len);
	mirror->from.data[last->len] = 0;
	mirror->from.len = last->len + 1;
	if (page->count > (int64_t)WIDE * mirror->page_limit) {
		size_t alike = common_len(first, last);
		mirror->depth = alike > mirror->depth ? alike : mirror->depth + 1;
	}
	return true;
}

/* What lies behind a range that is done with. */
static bool go_behind(struct etcd *etcd, const Etcdserverpb__RangeResponse *page)
{
	struct etcd_mirror *mirror = &etcd->mirror;

	if (!set_bytes(&mirror->from, mirror->until.data, mirror->until.len))
		return false;
	mirror->depth = mirror->from.len;
	if (page->n_kvs < mirror->page_limit / WIDE && mirror->depth > etcd->prefix_len)
		mirror->depth--;
	return true;
}

static bool everything_read(const struct etcd *etcd)
{
	const struct etcd_bytes *from = &etcd->mirror.from;

	return from->len == etcd->prefix_len &&
	       memcmp(from->data, etcd->prefix_end, etcd->prefix_len) == 0;
}

/* ---- pages ---- */

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
		event->value = (struct span){kv->value.data, kv->value.len};
	}
	return true;
}

static bool add_end(struct etcd *etcd, struct kv_list *list)
{
	struct etcd_mirror *mirror = &etcd->mirror;

	if (!kv_list_add(list, KV_EVENT_LOADED, mirror->load_revision))
		return false;
	mirror->loading = false;
	mirror->loaded_once = true;
	mirror->next_revision = mirror->load_revision + 1;
	return true;
}

static bool take_page(struct etcd *etcd, struct kv_list *list,
		      const Etcdserverpb__RangeResponse *page)
{
	struct etcd_mirror *mirror = &etcd->mirror;
	bool cut = page->more && page->n_kvs > 0;

	if (!mirror->begun && !kv_list_add(list, KV_EVENT_RESET, 0))
		return false;
	if (!add_keys(etcd, list, page))
		return false;
	if (!(cut ? go_on(mirror, page) : go_behind(etcd, page)))
		return false;
	mirror->begun = true;
	if (!mirror->load_revision)
		mirror->load_revision = page->header->revision;
	return !everything_read(etcd) || add_end(etcd, list);
}

static void page_failed(struct etcd *etcd, const struct reply *reply)
{
	struct etcd_mirror *mirror = &etcd->mirror;
	const struct verdict *verdict = verdict_of(reply);

	if (verdict->action == VERDICT_COMPACTED) {
		etcd_load_restart(etcd);
		etcd_mirror_go(etcd);
		return;
	}
	/* Too much to send or to wait for, perhaps. */
	if (reply->status == GRPC_STATUS_RESOURCE_EXHAUSTED ||
	    reply->status == GRPC_STATUS_DEADLINE_EXCEEDED)
		mirror->page_limit = mirror->page_limit / 2 > PAGE_LIMIT_MIN
					 ? mirror->page_limit / 2
					 : PAGE_LIMIT_MIN;
	etcd_mirror_failed(etcd, reply);
	etcd_link_judge(etcd, mirror->page.generation, reply);
}

static void on_page(struct call *call, const struct reply *reply)
{
	static const struct reply short_of_memory = {
	    .status = GRPC_STATUS_UNKNOWN,
	    .words = "a page could not be read: malformed, or out of memory",
	};
	struct etcd *etcd = of_page(call);
	struct etcd_mirror *mirror = &etcd->mirror;
	const Etcdserverpb__RangeResponse *page = NULL;
	struct kv_list *list;

	if (reply->status != GRPC_STATUS_OK) {
		page_failed(etcd, reply);
		return;
	}
	list = kv_outlet_take(&mirror->outlet);
	if (list)
		page = (const Etcdserverpb__RangeResponse *)message_unpack(
		    &etcdserverpb__range_response__descriptor, reply->message, list->arena);
	if (!page || !page->header || !take_page(etcd, list, page)) {
		if (list)
			kv_outlet_put_back(&mirror->outlet, list);
		etcd_mirror_failed(etcd, &short_of_memory);
		return;
	}
	kv_health_contact(&etcd->health, page->header->revision);
	mirror->failures = 0;
	mirror->list = list;
	mirror->list_whole = true;
	etcd_mirror_go(etcd);
}

/* Linearizable the first time; then any member can tell what was at that revision. */
void etcd_load_next_page(struct etcd *etcd)
{
	Etcdserverpb__RangeRequest request = ETCDSERVERPB__RANGE_REQUEST__INIT;
	struct etcd_mirror *mirror = &etcd->mirror;

	if (!bound_page(etcd) ||
	    etcd_link_call(etcd, &mirror->page, LANE_MIRROR, METHOD_RANGE, PAGE_TIME_NS))
		return;
	request.key = (ProtobufCBinaryData){mirror->from.len, mirror->from.data};
	request.range_end = (ProtobufCBinaryData){mirror->until.len, mirror->until.data};
	request.limit = mirror->page_limit;
	request.revision = mirror->load_revision;
	request.serializable = mirror->load_revision > 0;
	call_send(&mirror->page, message_pack(&request.base), on_page);
}
