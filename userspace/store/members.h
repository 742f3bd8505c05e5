/* SPDX-License-Identifier: MIT */
/**
 * store/members.h - who is alive, and how far each one's clock may be from ours.
 *
 * Fed with what the mirror says of servers/; knows no store, no threads and no time but what it is
 * handed, so that a table of events tests it. All of it is the store thread's.
 *
 * An *offset* is a peer's clock minus ours at one instant, in ns. It is not known but bounded. Say the
 * peer wrote its clock T at an instant x, we received that when our clock stood at W(r), r >= x, and our
 * clock never goes back:
 *
 *     offset = T - W(x) >= T - W(r)          a publication takes time to arrive: *lower* bound
 *
 * Every publication tells the newest revision that its writer had seen. If that is at or behind the
 * revision of a publication of ours that we stamped W(s), then x came after s:
 *
 *     offset = T - W(x) <= T - W(s)          an echo: *upper* bound
 *
 * Without an echo yet, upper is lower + 2 x TTL: what stands under servers/ is not older than that, or
 * its key would be gone. Both bounds hold for as long as the peer's process lives, since its clock too is
 * carried on by a monotonic one; the greatest lower and the least upper are kept, each slackened by
 * MEMBERS_DRIFT for the time since. A peer that starts anew (another instance) is another clock.
 *
 * A peer that left may be partitioned and go on renewing from memory: its bounds stay in force until
 * every hold that it can have committed is over (members_forget).
 */
#ifndef ETCDHCP_STORE_MEMBERS_H
#define ETCDHCP_STORE_MEMBERS_H

#include "base/clock.h"
#include "store/member_value.h"

#define MEMBERS_MAX     64 /* live servers, and as many clocks of such as left */
#define MEMBERS_ECHOES  16 /* own publications remembered */
#define MEMBERS_DRIFT   1000 /* parts per million that two clocks may drift apart */

/** Bounds of an offset, as of an instant of our own clock. */
struct member_offset {
	int64_t lower_ns, lower_at_ns;
	int64_t upper_ns, upper_at_ns;
};

struct member {
	char id[64];
	struct member_value value;
	int64_t revision;
	bool stamped; /* it publishes its clock: .offset is set */
	bool echoed;  /* .offset.upper is by an echo */
	bool listed;  /* during a load: it has come up */
	bool disagrees; /* the caller's: that has been said */
	struct member_offset offset;
};

/** The clock of a server that left. */
struct former {
	struct member_offset offset;
	int64_t left_ns; /* our clock */
};

struct members {
	char self[64];
	uint64_t instance;
	int64_t ttl_ns;
	struct member live[MEMBERS_MAX]; /* in no order; never ourselves, but a twin with our id */
	size_t n_live;
	struct former former[MEMBERS_MAX];
	size_t n_former;
	struct {
		int64_t revision, stamp_ns;
	} echo[MEMBERS_ECHOES]; /* own publications; a ring */
	size_t n_echoes;
	bool present;        /* our own registration stands in the store, as far as the mirror knows */
	bool listed;         /* during a load: it has come up */
	bool twin_spoke;     /* who has our id published while we live */
	bool anew;           /* it may have been absent since the last members_begin_again */
};

enum members_news {
	MEMBERS_SAME,     /* nothing that changes the set */
	MEMBERS_OWN,      /* our own publication */
	MEMBERS_JOINED,
	MEMBERS_RETURNED, /* the same id in another life: it was restarted, or its clock jumped */
	MEMBERS_LEFT,
	MEMBERS_TURNED,   /* it began or ceased to serve */
	MEMBERS_FULL,     /* more than MEMBERS_MAX; it is not counted */
};

void members_init(struct members *members, const char *self, uint64_t instance, int64_t ttl_ns);

/**
 * servers/<@p id> has @p value since @p revision; @p live: it came by the watch, not by a load, so its
 * writer lived when we did. @p now_ns is our own clock, here and below. Events may come twice.
 * -EINVAL when id or value cannot be one; otherwise an enum members_news.
 */
int members_put(struct members *members, struct span id, struct span value, int64_t revision,
		bool live, int64_t now_ns);
/** servers/<@p id> is gone since @p revision: MEMBERS_LEFT or MEMBERS_SAME. */
enum members_news members_remove(struct members *members, struct span id, int64_t revision,
				 int64_t now_ns);

/** A load begins: who does not come up in it has left. */
void members_begin_load(struct members *members);
/** It is over: takes one who has left out and copies it to *left; false when there is none. */
bool members_end_load(struct members *members, int64_t now_ns, struct member *left);

/**
 * Our registration is certain: whoever begins from now on knows us. Those that left count for as long as if they had
 * left just now, for one that began meanwhile knows of none of us.
 */
void members_begin_again(struct members *members, int64_t now_ns);

/** Forgets clocks of servers that left longer than @p carry_ns ago. */
void members_forget(struct members *members, int64_t carry_ns, int64_t now_ns);

/** Bounds of all offsets, live and former; lower_ns <= 0 <= upper_ns: our own clock is one of them. */
void members_bounds(const struct members *members, int64_t now_ns, int64_t *lower_ns,
		    int64_t *upper_ns);
/** Those of one. False when it does not publish its clock. */
bool members_offset(const struct member *member, int64_t now_ns, int64_t *lower_ns,
		    int64_t *upper_ns);
/** For certain this far from our clock, signed; 0: it may agree. */
int64_t members_disagreement(const struct member *member, int64_t now_ns);

/** The one with our id in another life, NULL when there is none. */
const struct member *members_twin(const struct members *members);
/** Live servers by id, ourselves included. */
size_t members_count(const struct members *members);
/**
 * The ids of those that serve, ourselves (whether we do or not) first; returns how many: the work is
 * divided among them. They live until the next event.
 */
size_t members_serving(const struct members *members, const char *ids[MEMBERS_MAX + 1]);
/** Which of the 256 buckets of clients are ours (server/share.h). */
void members_share(const struct members *members, uint64_t own[4]);

#endif
