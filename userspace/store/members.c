/* SPDX-License-Identifier: MIT */
#include "store/members.h"

#include <errno.h>
#include <stdio.h>

#include "base/hash.h"

void members_init(struct members *members, const char *self, uint64_t instance, int64_t ttl_ns)
{
	*members = (struct members){.instance = instance, .ttl_ns = ttl_ns, .anew = true};
	snprintf(members->self, sizeof(members->self), "%s", self);
}

/* ---- bounds ---- */

static int64_t drift_ns(int64_t at_ns, int64_t now_ns)
{
	return now_ns > at_ns ? (now_ns - at_ns) / (1000000 / MEMBERS_DRIFT) + 1 : 0;
}

static int64_t lower_at(const struct member_offset *offset, int64_t now_ns)
{
	return offset->lower_ns - drift_ns(offset->lower_at_ns, now_ns);
}

static int64_t upper_at(const struct member_offset *offset, int64_t now_ns)
{
	return offset->upper_ns + drift_ns(offset->upper_at_ns, now_ns);
}

static void raise_lower(struct member_offset *offset, int64_t lower_ns, int64_t now_ns)
{
	if (lower_ns < lower_at(offset, now_ns))
		return;
	offset->lower_ns = lower_ns;
	offset->lower_at_ns = now_ns;
}

static void cut_upper(struct member_offset *offset, int64_t upper_ns, int64_t now_ns)
{
	if (upper_ns > upper_at(offset, now_ns))
		return;
	offset->upper_ns = upper_ns;
	offset->upper_at_ns = now_ns;
}

/* The newest stamp of ours that the writer had seen when it took its own. */
static bool find_echo(const struct members *members, int64_t seen, int64_t *stamp_ns)
{
	int64_t best = 0;

	for (size_t i = 0; i < MEMBERS_ECHOES; i++) {
		if (!members->echo[i].revision || members->echo[i].revision > seen ||
		    members->echo[i].revision <= best)
			continue;
		best = members->echo[i].revision;
		*stamp_ns = members->echo[i].stamp_ns;
	}
	return best > 0;
}

static void begin_clock(const struct members *members, struct member *member, int64_t lower_ns,
			int64_t now_ns)
{
	member->stamped = true;
	member->echoed = false;
	member->offset = (struct member_offset){
		.lower_ns = lower_ns,
		.lower_at_ns = now_ns,
		.upper_ns = lower_ns + 2 * members->ttl_ns,
		.upper_at_ns = now_ns,
	};
}

/* The bounds that one publication gives, laid over what is known. False: they contradict it. */
static bool learn_clock(const struct members *members, struct member *member, int64_t now_ns)
{
	const struct member_value *value = &member->value;
	int64_t lower_ns = value->clock_ns - now_ns, upper_ns, stamp_ns;
	bool echo = find_echo(members, value->seen, &stamp_ns);

	if (!member->stamped)
		begin_clock(members, member, lower_ns, now_ns);
	upper_ns = echo ? value->clock_ns - stamp_ns : lower_ns + 2 * members->ttl_ns;
	if ((member->echoed && lower_ns > upper_at(&member->offset, now_ns)) ||
	    (echo && upper_ns < lower_at(&member->offset, now_ns)))
		return false;
	raise_lower(&member->offset, lower_ns, now_ns);
	if (echo && !member->echoed) { /* proof outweighs the guess, whichever is less */
		member->echoed = true;
		member->offset.upper_ns = upper_ns;
		member->offset.upper_at_ns = now_ns;
	} else if (echo) {
		cut_upper(&member->offset, upper_ns, now_ns);
	} else if (!member->echoed && upper_ns > upper_at(&member->offset, now_ns)) {
		member->offset.upper_ns = upper_ns;
		member->offset.upper_at_ns = now_ns;
	}
	return true;
}

/* ---- those that left ---- */

/* Where there is no room for one more, two become one that bounds both. */
static void widen(struct former *former, const struct former *more, int64_t now_ns)
{
	int64_t lower_ns = min_i64(lower_at(&former->offset, now_ns), lower_at(&more->offset, now_ns));
	int64_t upper_ns = max_i64(upper_at(&former->offset, now_ns), upper_at(&more->offset, now_ns));

	former->offset = (struct member_offset){lower_ns, now_ns, upper_ns, now_ns};
	former->left_ns = max_i64(former->left_ns, more->left_ns);
}

static void carry_forward(struct members *members, const struct member *member, int64_t now_ns)
{
	struct former former = {member->offset, now_ns};

	if (!member->stamped)
		return;
	if (members->n_former == MEMBERS_MAX)
		widen(&members->former[MEMBERS_MAX - 1], &former, now_ns);
	else
		members->former[members->n_former++] = former;
}

void members_begin_again(struct members *members, int64_t now_ns)
{
	for (size_t i = 0; i < members->n_former; i++)
		members->former[i].left_ns = max_i64(members->former[i].left_ns, now_ns);
	members->anew = false;
}

void members_forget(struct members *members, int64_t carry_ns, int64_t now_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < members->n_former; i++)
		if (now_ns - members->former[i].left_ns <= carry_ns)
			members->former[kept++] = members->former[i];
	members->n_former = kept;
}

/* ---- events ---- */

static bool is(const char *text, struct span id)
{
	return strlen(text) == id.len && !memcmp(text, id.data, id.len);
}

static struct member *find(struct members *members, struct span id)
{
	for (size_t i = 0; i < members->n_live; i++)
		if (is(members->live[i].id, id))
			return &members->live[i];
	return NULL;
}

static void note_own(struct members *members, const struct member_value *value, int64_t revision)
{
	size_t at = members->n_echoes++ % MEMBERS_ECHOES;

	members->echo[at].revision = revision;
	members->echo[at].stamp_ns = value->clock_ns;
}

/* A load goes by the keys' order: an echo may come up before what it echoes. */
static void learn_again(struct members *members, int64_t now_ns)
{
	for (size_t i = 0; i < members->n_live; i++)
		if (members->live[i].value.clock_ns)
			learn_clock(members, &members->live[i], now_ns);
}

static void drop(struct members *members, struct member *member, int64_t now_ns)
{
	carry_forward(members, member, now_ns);
	*member = members->live[--members->n_live];
}

static enum members_news put_own(struct members *members, const struct member_value *value,
				 struct member *twin, int64_t revision, int64_t now_ns)
{
	bool known = false;

	for (size_t i = 0; i < MEMBERS_ECHOES; i++)
		known = known || members->echo[i].revision == revision;
	if (twin)
		drop(members, twin, now_ns);
	if (!known) {
		note_own(members, value, revision);
		learn_again(members, now_ns);
	}
	members->present = members->listed = true;
	return MEMBERS_OWN;
}

static enum members_news put_new(struct members *members, struct span id,
				 const struct member_value *value, int64_t revision, int64_t now_ns)
{
	struct member member = {.value = *value, .revision = revision, .listed = true};

	memcpy(member.id, id.data, id.len);
	if (value->clock_ns)
		learn_clock(members, &member, now_ns);
	if (members->n_live == MEMBERS_MAX) { /* its clock counts, even so */
		carry_forward(members, &member, now_ns);
		return MEMBERS_FULL;
	}
	members->live[members->n_live++] = member;
	return MEMBERS_JOINED;
}

/* Within one life. */
static enum members_news turned(const struct member *before, const struct member_value *value)
{
	return !before->value.idle == !value->idle ? MEMBERS_SAME : MEMBERS_TURNED;
}

static enum members_news put_again(struct members *members, struct member *member,
				   const struct member_value *value, int64_t revision,
				   int64_t now_ns)
{
	struct member before = *member;
	bool same_life = before.value.instance == value->instance &&
			 before.value.started_s == value->started_s;

	member->listed = true;
	if (revision <= member->revision)
		return MEMBERS_SAME;
	member->value = *value;
	member->revision = revision;
	if (!value->clock_ns)
		return same_life ? turned(&before, value) : MEMBERS_RETURNED;
	if (same_life && learn_clock(members, member, now_ns))
		return turned(&before, value);
	/* Another clock: what it was stays in force beside what it is. */
	carry_forward(members, &before, now_ns);
	member->stamped = false;
	learn_clock(members, member, now_ns);
	return MEMBERS_RETURNED;
}

int members_put(struct members *members, struct span id, struct span text, int64_t revision,
		bool live, int64_t now_ns)
{
	struct member_value value;
	struct member *member = find(members, id);
	bool own_id = is(members->self, id);

	if (!id.len || id.len >= sizeof(member->id) || memchr(id.data, '/', id.len) ||
	    !member_value_parse(text, &value))
		return -EINVAL;
	if (own_id && value.instance == members->instance)
		return put_own(members, &value, member, revision, now_ns);
	if (own_id) {
		members->present = false;
		members->twin_spoke = members->twin_spoke || live;
	}
	return member ? put_again(members, member, &value, revision, now_ns) :
			put_new(members, id, &value, revision, now_ns);
}

enum members_news members_remove(struct members *members, struct span id, int64_t revision,
				 int64_t now_ns)
{
	struct member *member = find(members, id);

	if (member && revision < member->revision)
		return MEMBERS_SAME;
	if (is(members->self, id)) {
		members->present = members->twin_spoke = false;
		members->anew = true;
	}
	if (!member)
		return MEMBERS_SAME;
	drop(members, member, now_ns);
	return MEMBERS_LEFT;
}

void members_begin_load(struct members *members)
{
	members->listed = false;
	members->anew = true; /* nobody tells what there was between what was seen and the load */
	for (size_t i = 0; i < members->n_live; i++)
		members->live[i].listed = false;
}

bool members_end_load(struct members *members, int64_t now_ns, struct member *left)
{
	members->present = members->present && members->listed;
	for (size_t i = 0; i < members->n_live; i++) {
		if (members->live[i].listed)
			continue;
		*left = members->live[i];
		drop(members, &members->live[i], now_ns);
		return true;
	}
	return false;
}

/* ---- what follows ---- */

bool members_offset(const struct member *member, int64_t now_ns, int64_t *lower_ns,
		    int64_t *upper_ns)
{
	if (!member->stamped)
		return false;
	*lower_ns = lower_at(&member->offset, now_ns);
	*upper_ns = upper_at(&member->offset, now_ns);
	return true;
}

void members_bounds(const struct members *members, int64_t now_ns, int64_t *lower_ns,
		    int64_t *upper_ns)
{
	int64_t lower, upper;

	*lower_ns = *upper_ns = 0;
	for (size_t i = 0; i < members->n_live; i++) {
		if (!members_offset(&members->live[i], now_ns, &lower, &upper))
			continue;
		*lower_ns = min_i64(*lower_ns, lower);
		*upper_ns = max_i64(*upper_ns, upper);
	}
	for (size_t i = 0; i < members->n_former; i++) {
		*lower_ns = min_i64(*lower_ns, lower_at(&members->former[i].offset, now_ns));
		*upper_ns = max_i64(*upper_ns, upper_at(&members->former[i].offset, now_ns));
	}
}

int64_t members_disagreement(const struct member *member, int64_t now_ns)
{
	int64_t lower, upper;

	if (!members_offset(member, now_ns, &lower, &upper))
		return 0;
	return lower > 0 ? lower : upper < 0 ? upper : 0;
}

const struct member *members_twin(const struct members *members)
{
	for (size_t i = 0; i < members->n_live; i++)
		if (!strcmp(members->live[i].id, members->self))
			return &members->live[i];
	return NULL;
}

size_t members_count(const struct members *members)
{
	return members->n_live + (members_twin(members) ? 0 : 1);
}

size_t members_serving(const struct members *members, const char *ids[MEMBERS_MAX + 1])
{
	size_t n = 0;

	ids[n++] = members->self;
	for (size_t i = 0; i < members->n_live; i++)
		if (!members->live[i].value.idle && strcmp(members->live[i].id, members->self))
			ids[n++] = members->live[i].id;
	return n;
}

void members_share(const struct members *members, uint64_t own[4])
{
	const char *ids[MEMBERS_MAX + 1];
	uint64_t hashes[MEMBERS_MAX + 1];
	size_t n = members_serving(members, ids);

	for (size_t i = 0; i < n; i++)
		hashes[i] = hash_server(ids[i], strlen(ids[i]));
	memset(own, 0, 4 * sizeof(*own));
	for (uint64_t bucket = 0; bucket < 256; bucket++)
		if (hash_prefers(hash_mix(bucket), hashes[0], hashes + 1, n - 1))
			own[bucket / 64] |= UINT64_C(1) << (bucket % 64);
}
