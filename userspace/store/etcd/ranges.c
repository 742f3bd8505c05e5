/* SPDX-License-Identifier: MIT */
#include "store/etcd/ranges.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A range with more keys than this many pages is worth narrowing, one with less than this part of
 * a page holds next to nothing. */
#define WIDE 4
/* So many of the latter in a row, and the next is wider. A single one is often a gap in the text
 * alone: behind 10.65.255.255 comes 10.66.0.0, but 10.65/ is asked for before. */
#define MISSES 2
/* What varies in keys is decimal digits, mostly: behind 10.69.255.255 comes 10.70.0.0, and neither
 * 10.6: nor a range as wide as all of 10.7. This byte follows the last of them, */
#define BEHIND_DIGITS ('9' + 1)
/* and this is the first. */
#define FIRST_DIGIT '0'

/* ---- keys ---- */

static bool reserve(struct range_key *key, size_t len)
{
	uint8_t *more;

	if (len <= key->cap)
		return true;
	more = realloc(key->data, len + 256);
	if (!more)
		return false;
	key->data = more;
	key->cap = len + 256;
	return true;
}

static bool set_key(struct range_key *key, const uint8_t *data, size_t len)
{
	if (!reserve(key, len))
		return false;
	if (len)
		memcpy(key->data, data, len);
	key->len = len;
	return true;
}

static struct span as_span(const struct range_key *key)
{
	return (struct span){key->data, key->len};
}

static bool is_before(struct span a, struct span b)
{
	size_t len = min_size(a.len, b.len);
	int order = len ? memcmp(a.data, b.data, len) : 0;

	return order ? order < 0 : a.len < b.len;
}

/* ---- life ---- */

static bool set_unwanted(struct ranges *ranges, const char *unwanted)
{
	struct range_key *key = &ranges->unwanted;
	size_t len = unwanted ? strlen(unwanted) : 0;

	if (!len)
		return true;
	if (!reserve(key, ranges->prefix.len + len))
		return false;
	memcpy(key->data, ranges->prefix.data, ranges->prefix.len);
	memcpy(key->data + ranges->prefix.len, unwanted, len);
	key->len = ranges->prefix.len + len;
	return true;
}

int ranges_init(struct ranges *ranges, size_t n_readers, struct span prefix, const char *unwanted)
{
	*ranges = (struct ranges){.prefix = prefix, .n_readers = n_readers};
	if (!set_unwanted(ranges, unwanted) || !reserve(&ranges->rest[0].from, prefix.len) ||
	    !reserve(&ranges->rest[0].end, prefix.len))
		return -ENOMEM;
	ranges_restart(ranges);
	return 0;
}

void ranges_fini(struct ranges *ranges)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranges->reader); i++) {
		free(ranges->reader[i].from.data);
		free(ranges->reader[i].until.data);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ranges->rest); i++) {
		free(ranges->rest[i].from.data);
		free(ranges->rest[i].end.data);
	}
	free(ranges->unwanted.data);
}

/* Memory for the prefix was reserved, and none is ever given up. */
void ranges_restart(struct ranges *ranges)
{
	struct range_rest *all = &ranges->rest[0];

	for (size_t i = 0; i < ranges->n_readers; i++) {
		ranges->reader[i].unread = false;
		ranges->reader[i].rest = 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(ranges->rest); i++)
		ranges->rest[i].end.len = 0;
	set_key(&all->from, ranges->prefix.data, ranges->prefix.len);
	set_key(&all->end, ranges->prefix.data, ranges->prefix.len);
	all->end.data[all->end.len - 1]++;
	all->depth = ranges->prefix.len;
	all->misses = 0;
}

/* ---- rests ---- */

static bool is_used_up(const struct range_rest *rest)
{
	return !is_before(as_span(&rest->from), as_span(&rest->end));
}

static bool has_reader(const struct ranges *ranges, size_t rest)
{
	for (size_t i = 0; i < ranges->n_readers; i++)
		if (ranges->reader[i].rest == rest)
			return true;
	return false;
}

/*
 * Those without a reader come first. So there are never more than half as many of them as there
 * are readers: one is left behind only by readers that shared it, when each goes on with what was
 * cut off of its page.
 */
static struct range_rest *choose_rest(struct ranges *ranges, struct range_reader *own)
{
	struct range_rest *rest = &ranges->rest[own->rest];

	for (size_t i = 0; i < ARRAY_SIZE(ranges->rest) && is_used_up(rest); i++) {
		if (!is_used_up(&ranges->rest[i]) && !has_reader(ranges, i)) {
			own->rest = i;
			rest = &ranges->rest[i];
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(ranges->rest) && is_used_up(rest); i++) {
		own->rest = i;
		rest = &ranges->rest[i];
	}
	return rest;
}

static size_t unused_rest(const struct ranges *ranges)
{
	size_t i = 0;

	while (has_reader(ranges, i) || !is_used_up(&ranges->rest[i]))
		i++;
	assert(i < ARRAY_SIZE(ranges->rest));
	return i;
}

/* ---- the next page ---- */

/* What the owner has no use for is not asked for: a range ends before it, the next begins behind.
 */
static bool pass_unwanted(const struct ranges *ranges, struct range_rest *rest)
{
	const struct range_key *unwanted = &ranges->unwanted;

	if (!unwanted->len || rest->from.len < unwanted->len ||
	    memcmp(rest->from.data, unwanted->data, unwanted->len) != 0)
		return true;
	if (!set_key(&rest->from, unwanted->data, unwanted->len))
		return false;
	rest->from.data[rest->from.len - 1]++;
	rest->depth = ranges->prefix.len + 1;
	return true;
}

/* The first key behind all that share their first bytes with from. The prefix can be counted up,
 * so some byte can. */
static bool count_up(const struct ranges *ranges, const struct range_rest *rest,
		     struct range_reader *own)
{
	const uint8_t *from = rest->from.data;
	size_t len = min_size(rest->depth, rest->from.len);

	own->between = len > ranges->prefix.len && from[len - 1] == BEHIND_DIGITS;
	while (len > ranges->prefix.len &&
	       (from[len - 1] == 0xff || from[len - 1] == BEHIND_DIGITS))
		len--;
	own->shared = len;
	if (!set_key(&own->until, from, len))
		return false;
	own->until.data[len - 1]++;
	return true;
}

/* From "10.7", where ranges are as narrow as "10.70", to there. */
static bool lead_to_digits(const struct range_rest *rest, struct range_reader *own)
{
	size_t len = rest->from.len;

	own->between = true;
	own->shared = len;
	if (!reserve(&own->until, len + 1))
		return false;
	set_key(&own->until, rest->from.data, len);
	own->until.data[own->until.len++] = FIRST_DIGIT;
	return true;
}

static bool end_before(struct range_reader *own, const struct range_key *end)
{
	struct span key = as_span(end);

	if (!is_before(as_span(&own->from), key) || !is_before(key, as_span(&own->until)))
		return true;
	return set_key(&own->until, end->data, end->len);
}

int ranges_next(struct ranges *ranges, size_t reader)
{
	struct range_reader *own = &ranges->reader[reader];
	struct range_rest *rest;
	bool narrow;

	if (own->unread)
		return 1;
	rest = choose_rest(ranges, own);
	if (is_used_up(rest))
		return 0;
	if (!pass_unwanted(ranges, rest))
		return -ENOMEM;
	assert(!is_used_up(rest)); /* none ends among the unwanted keys */
	narrow = rest->from.len < rest->depth;
	if (!set_key(&own->from, rest->from.data, rest->from.len) ||
	    !(narrow ? lead_to_digits(rest, own) : count_up(ranges, rest, own)) ||
	    !end_before(own, &ranges->unwanted) || !end_before(own, &rest->end) ||
	    !set_key(&rest->from, own->until.data, own->until.len))
		return -ENOMEM;
	own->depth = rest->depth;
	own->unread = true;
	return 1;
}

/* ---- what it brought ---- */

/* What was cut off goes back to its rest, or becomes one when other pages lie in between. */
static int put_back(struct ranges *ranges, struct range_reader *own, struct span last)
{
	struct span until = as_span(&own->until);
	struct range_rest *rest = &ranges->rest[own->rest];
	size_t at = own->rest;

	if (is_before(last, as_span(&own->from)) || !is_before(last, until))
		return -EBADMSG;
	if (is_before(until, as_span(&rest->from))) {
		at = unused_rest(ranges);
		rest = &ranges->rest[at];
		rest->depth = own->depth;
		rest->misses = 0;
	}
	if (!reserve(&rest->from, last.len + 1) ||
	    (at != own->rest && !set_key(&rest->end, until.data, until.len)))
		return -ENOMEM;
	set_key(&rest->from, last.data, last.len);
	rest->from.data[rest->from.len++] = 0;
	own->rest = at;
	return 0;
}

static size_t common_len(struct span a, struct span b)
{
	size_t len = 0;

	while (len < a.len && len < b.len && a.data[len] == b.data[len])
		len++;
	return len;
}

static void narrow(struct range_rest *rest, const struct range_reader *own,
		   const struct range_page *page)
{
	size_t alike = common_len(page->first, page->last);

	if (page->count > WIDE * page->limit)
		rest->depth = alike > own->shared ? alike : own->shared + 1;
}

/* By a byte at first, then by more and more. */
static void count_miss(const struct ranges *ranges, struct range_rest *rest,
		       const struct range_reader *own)
{
	size_t wider = 0;

	if (++rest->misses % MISSES == 0)
		wider = rest->misses / MISSES;
	rest->depth = own->shared - min_size(wider, own->shared - ranges->prefix.len);
}

static void learn(const struct ranges *ranges, struct range_rest *rest,
		  const struct range_reader *own, const struct range_page *page)
{
	if (rest->depth != own->depth)
		return; /* another page has told more by now */
	if (page->n > page->limit / WIDE)
		rest->misses = 0;
	else if (!page->more && !own->between)
		count_miss(ranges, rest, own);
	if (page->more)
		narrow(rest, own, page);
}

int ranges_read(struct ranges *ranges, size_t reader, const struct range_page *page)
{
	struct range_reader *own = &ranges->reader[reader];
	size_t origin = own->rest;
	int rc = page->more ? put_back(ranges, own, page->last) : 0;

	if (rc)
		return rc;
	own->unread = false;
	learn(ranges, &ranges->rest[origin], own, page);
	if (own->rest != origin)
		learn(ranges, &ranges->rest[own->rest], own, page);
	return 0;
}

bool ranges_done(const struct ranges *ranges)
{
	for (size_t i = 0; i < ranges->n_readers; i++)
		if (ranges->reader[i].unread)
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(ranges->rest); i++)
		if (!is_used_up(&ranges->rest[i]))
			return false;
	return true;
}
