/* SPDX-License-Identifier: MIT */
/*
 * Of lease.pml, with -DTIME: how rule 7 is carried out by store/membership.c, members.c and mark.c: what a server knows
 * of the other's clock, and when it forgets that. docs/architecture.md, "Time is an interval", has the rules M1 to M3.
 *
 * Server 0's clock is the one behind, so its earliest is its own, and a high-water mark of before that is as good as
 * one of now. How far the clocks are apart does not change, so whoever has seen a publication once knows it: it is a
 * key that stands or does not. SKEW is 1: a mark is level with one clock or the other.
 *
 * UNCOVERED_MARGIN is a situation that userspace/ does not cover, as docs/architecture.md says. Without it H is longer
 * than the clocks are apart.
 */

/* How long what is gone counts on: H, the longest hold and a margin. */
#ifdef UNCOVERED_MARGIN /* the clocks differ by more than it */
#define CARRY horizon(LONG)
#else
#define CARRY (horizon(LONG) + SKEW)
#endif

/* server.other: the clock of the other one. Between EXPIRED and GONE: it counts on, a tick less each tick */
#define UNKNOWN 0
#define EXPIRED 1 /* it does until that is judged */
#define GONE    (CARRY + 1)
#define ALIVE   7

/* server.key: its own publication */
#define NO_KEY 0
#define ALONE  1 /* put; there was no other then */
#define BESIDE 2 /* put; there was another */
#define SURE   3 /* it has seen that, and by then what was there before */

unsigned mark : 2; /* the key `clock`, counted from server 0's clock */
#ifdef NEW_STORE   /* to begin with there is no such key, nor anything else */
bool marked;
#else
#define marked true
#endif

/*
 * Nobody can know who was there before, so nothing is committed by a server that others need not know, unless it
 * has seen a mark, and by then whose that is.
 */
#if !defined(NEW_STORE) || defined(WITHOUT_RULE_7_NEW_STORE)
#define may_commit(me) true
#else
#define may_commit(me) (is_sure(me) || (marked && may_learn(me)))
#endif

#define is_known(me)   (srv[me].other != UNKNOWN)
#define is_sure(me)    (srv[me].key == SURE)

/* M3: while a server is not registered nobody need know it, and what is before the mark alone is over. */
#ifdef WITHOUT_RULE_7_M3
#define own_clock(me) SKEW
#else
#define own_clock(me) (is_sure(me) -> SKEW : mark)
#endif

#define watches(me) (srv[me].up && reachable)

/* Not yet seen: a mark ahead of all that the server knows, the other's key. */
#ifdef WITHOUT_RULE_7_M1
#define is_ahead(me) false
#else
#define is_ahead(me)   (me == 0 && mark > 0 && srv[me].other <= EXPIRED)
#endif
#define has_unseen(me) ((srv[1 - me].listed && srv[me].other != ALIVE) || srv[me].owed || is_ahead(me))
/* Events come in their order: what a server has committed comes behind the key that it had put by then. */
#ifdef NEW_STORE
#define may_learn(me)  (!(srv[1 - me].listed && srv[me].other != ALIVE) && !srv[me].owed)
#else /* not needed where M2 begins again with a server's registration */
#define may_learn(me)  true
#endif

inline count_on(me)
{
	srv[me].other = (srv[me].other == ALIVE -> ALIVE : GONE)
}

/* mark_end_load, mark_behind. Records stand in for a mark, by their updated_at: here one of the clock behind. */
inline load_mark(me)
{
	if
#ifndef WITHOUT_RULE_7_M1 /* M1: no server that serves is behind the mark */
	:: me == 0 && mark > 0 -> count_on(me)
#endif
#ifndef WITHOUT_RULE_7_M2 /* M2: the mark is one more clock for earliest */
	:: me == 1 && mark < SKEW && (marked || version[last].state != NONE) -> count_on(me)
#endif
	:: else
	fi
}

inline load_time(me)
{
	srv[me].key = NO_KEY;
	srv[me].cut = false;
	srv[me].owed = false;
	srv[me].other = (srv[1 - me].listed -> ALIVE : UNKNOWN);
	load_mark(me)
}

inline put_key(me)
{
	srv[me].key = (srv[1 - me].listed -> BESIDE : ALONE);
	srv[me].listed = true
}

/* From here on others may rely on knowing it, so M2 begins again. */
inline see_own_key(me)
{
	if
	:: srv[me].key == BESIDE -> count_on(me)
	:: else
	fi;
#ifndef WITHOUT_RULE_7_ANEW
	load_mark(me);
#endif
	srv[me].key = SURE
}

inline lose_key(me)
{
#ifdef NEW_STORE /* the other one hears of it all the same, key and removal in turn, if it was there */
	srv[1 - me].owed = srv[1 - me].owed || (srv[1 - me].up && srv[1 - me].other != ALIVE);
#endif
	srv[me].key = NO_KEY;
	srv[me].listed = false
}

inline see_other_gone(me)
{
	srv[me].owed = false;
#ifdef WITHOUT_RULE_7_FORMER /* clocks go with the membership */
	srv[me].other = UNKNOWN
#else
	srv[me].other = GONE
#endif
}

#ifdef WITHOUT_RULE_7_FORGETS
#define may_forget(me) true
#else
#define may_forget(me) is_sure(me) /* M3: a server that is cut off forgets nobody */
#endif

inline write_mark(me)
{
	reach_mark;
#ifdef NEW_STORE
	marked = true;
#endif
	mark = earliest(me)
}

#ifdef WITHOUT_RULE_7_ANEW /* what is gone is so for as long, whether the server was registered meanwhile or not */
#define grows_old(me) true
#else
#define grows_old(me) may_forget(me)
#endif

inline grow_old(me)
{
	srv[me].other = ((grows_old(me) && srv[me].other > EXPIRED && srv[me].other != ALIVE) ->
			 srv[me].other - 1 : srv[me].other)
}

inline pass_time()
{
	grow_old(0);
	grow_old(1);
	srv[0].cut = srv[0].cut || (srv[0].up && has_unseen(0));
	srv[1].cut = srv[1].cut || (srv[1].up && has_unseen(1));
	mark = (mark > 0 -> mark - 1 : 0)
}
