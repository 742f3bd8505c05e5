/* SPDX-License-Identifier: MIT */
#include "store/mark.h"

/* As far as two clocks may drift apart meanwhile: a thousandth. */
static int64_t slack_ns(int64_t since_ns, int64_t now_ns)
{
	return now_ns > since_ns ? (now_ns - since_ns) / 1000 + 1 : 0;
}

static void raise_floor(struct mark *mark, int64_t now_ns)
{
	int64_t offset_ns = mark->value_ns - now_ns;

	if (mark->floor_at_ns &&
	    offset_ns < mark->floor_ns - slack_ns(mark->floor_at_ns, now_ns))
		return;
	mark->floor_ns = offset_ns;
	mark->floor_at_ns = now_ns;
}

/* While it serves a server must not fall behind: whoever wrote the mark may reclaim by it. */
static void absorb(struct mark *mark, int64_t now_ns)
{
	int64_t offset_ns = mark->value_ns - now_ns;

	if (offset_ns <= 0 ||
	    (mark->ahead_ns && offset_ns < mark->ahead_ns + slack_ns(mark->ahead_at_ns, now_ns)))
		return;
	mark->ahead_ns = offset_ns;
	mark->ahead_at_ns = now_ns;
}

void mark_see_record(struct mark *mark, int64_t updated_s)
{
	if (updated_s > 0 && updated_s < INT64_MAX / 2 / (int64_t)NS_PER_S)
		mark->records_ns = max_i64(mark->records_ns, updated_s * (int64_t)NS_PER_S);
}

void mark_see(struct mark *mark, int64_t value_ns, int64_t revision, int64_t now_ns)
{
	if (revision < mark->revision)
		return;
	mark->revision = revision;
	mark->value_ns = value_ns;
	if (!mark->first_ns)
		return; /* the load decides */
	if (mark->floor_at_ns)
		raise_floor(mark, now_ns);
	if (mark->served)
		absorb(mark, now_ns);
}

void mark_see_deleted(struct mark *mark, int64_t revision)
{
	if (revision < mark->revision)
		return;
	mark->revision = 0;
	mark->value_ns = 0;
	mark->records_ns = 0;
}

void mark_begin_load(struct mark *mark)
{
	mark->revision = 0;
}

void mark_end_load(struct mark *mark, int64_t now_ns)
{
	if (!mark->revision && mark->first_ns)
		mark->value_ns = 0;
	else if (!mark->revision)
		mark->value_ns = mark->records_ns;
	if (!mark->first_ns)
		mark->first_ns = now_ns;
	if (mark->value_ns)
		raise_floor(mark, now_ns);
	if (mark->served)
		absorb(mark, now_ns);
}

void mark_forget(struct mark *mark)
{
	mark->value_ns = 0; /* the revision stays: it guards what will be written */
	mark->floor_at_ns = 0;
}

int64_t mark_behind(struct mark *mark, int64_t ahead_ns, int64_t tolerance_ns, int64_t now_ns)
{
	int64_t behind_ns = mark->value_ns - (now_ns + ahead_ns);

	if (!mark->served && behind_ns > tolerance_ns)
		return behind_ns;
	if (!mark->served)
		absorb(mark, now_ns);
	mark->served = true;
	return 0;
}

void mark_begin_again(struct mark *mark, int64_t now_ns)
{
	mark->first_ns = now_ns;
}

void mark_widen(const struct mark *mark, int64_t carry_ns, int64_t now_ns, int64_t *lower_ns,
		int64_t *upper_ns)
{
	if (mark->floor_at_ns && now_ns - mark->first_ns <= carry_ns)
		*lower_ns = min_i64(*lower_ns,
				    mark->floor_ns - slack_ns(mark->floor_at_ns, now_ns));
	if (mark->ahead_ns && now_ns - mark->ahead_at_ns <= carry_ns)
		*upper_ns = max_i64(*upper_ns,
				    mark->ahead_ns + slack_ns(mark->ahead_at_ns, now_ns));
}

bool mark_is_due(const struct mark *mark, int64_t earliest_ns)
{
	return earliest_ns - mark->value_ns >= MARK_EVERY_NS;
}
