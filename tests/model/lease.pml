/* SPDX-License-Identifier: MIT */
/*
 * lease.pml - the life of one address: who may be told, and when, that it is theirs.
 *
 * Two clients want one address. Two servers share a store and answer whatever reaches them. spin walks through every
 * order in which clients, servers, store, network and time can take their steps, and looks after each whether a
 * promise is broken. What is modelled is the code: userspace/store/plan.c, finish.c, upkeep.c, mirror.c,
 * userspace/lease/lease.h and userspace/server/decide.c, whose names are used. The rules are those of "Safety: the
 * contract" in docs/architecture.md, where it also says what is left out; to find one here, search for "Rule 1".
 *
 * For who does not know Promela: a proctype is a process, of which instances run side by side. "do :: a :: b od"
 * takes, for ever, any alternative whose first statement can be executed; spin tries them all.
 * "d_step { guard -> ... }" is one indivisible step. An inline is a macro.
 *
 * Time is counted in ticks, and every time is counted from now: a hold of 3 ends three ticks from now, and a tick makes
 * it 2. So nothing bounds how long the model runs, and yet it has finitely many states. A step takes no time, any
 * number of them may happen between two ticks.
 *
 * test_model.py builds it: with nothing defined, all must hold. -DWITHOUT_RULE_x takes a rule out: then a
 * promise must break. -DREACH_x claims that something never happens that must be able to happen. -DONLY_NEVER_TWO
 * leaves out all properties but "never two clients". -DTIME adds time.pml. -DPLAIN (clients bind and renew,
 * no more) and -DINSTANT leave out what makes too many states.
 */

/* ---- bounds ---- */

#ifndef LONG
#define LONG 2     /* lease times that clients may ask for; the minimum lease time is SHORT */
#endif
#define SHORT 1
#define REST 1
#ifndef SKEW
#define SKEW 1     /* the clock of server 1 is so much ahead of that of server 0 */
#endif
#ifndef VERSIONS
#define VERSIONS 4 /* a mirror is at most so many changes of the record behind the store, less one */
#endif

#define horizon(lease)      (2 * (lease))
#define extend_below(lease) ((3 * (lease) + 1) / 2)

#include "state.pml"

/* ---- what must hold ---- */

#ifdef ONLY_NEVER_TWO
#define claim(property) skip
#else
#define claim(property) assert(property)
#endif

#define never_two assert(!uses[0] || !uses[1])

#include "goals.pml"

/* ---- clocks ---- */

/*
 * Rule 7: a server reckons with its own clock and, as soon as it knows it, with the other's. By server 0's clock it is
 * now, by server 1's SKEW later.
 */
#define latest_known(me)   ((me == 1 || is_known(me)) -> SKEW : 0)
#define earliest_known(me) ((me == 0 || is_known(me)) -> 0 : own_clock(me))

#ifdef WITHOUT_RULE_7_GRANTS /* computed by the earliest clock */
#define latest(me) earliest_known(me)
#else
#define latest(me) latest_known(me)
#endif
#ifdef WITHOUT_RULE_7_RECLAIM /* judged by the latest clock */
#define earliest(me) latest_known(me)
#else
#define earliest(me) earliest_known(me)
#endif

#ifdef TIME
#include "time.pml"
#else
#define is_known(me)   srv[me].known
#define own_clock(me)  SKEW
#define may_commit(me) true
#define may_learn(me)  true
#endif

/* ---- the store ---- */

/* Rule 2: a record changes only if its revision is the one that the change was planned on. */
#ifdef WITHOUT_RULE_2_COMPARE
#define passes(guarded) true
#else
#define passes(guarded) (guarded == CURRENT || (guarded == ABSENT && version[last].state == NONE))
#endif
#define room (last < VERSIONS - 1)

inline outdate(me)
{
	if
	:: srv[me].guard == CURRENT -> srv[me].guard = STALE; clear(srv[me].to)
	:: else
	fi
}

inline drop_late()
{
	late_guard = STALE;
	clear(late);
#ifdef CHECK_OFFERS
	late_from = 0;
	late_denied = false
#endif
}

inline commit(what)
{
	reach_commit(what);
	last++;
	copy(version[last], what);
	outdate(0);
	outdate(1);
	if
	:: late_guard == CURRENT -> drop_late()
	:: else
	fi
}

/* ---- what clients hear ---- */

/* Rule 1, checked: a committed record binds the address to the client for so long. */
inline check_promise(me, who)
{
	own = false;
#ifndef ONLY_NEVER_TWO
	i = 0;
	do
	:: i <= last ->
		own = own || (version[i].state == BOUND && version[i].client == who &&
			      version[i].hold >= latest_known(me) + grant);
		i++
	:: else -> break
	od;
	i = 0;
	assert(own)
#endif
}

/* For whom something was committed is no matter when nobody takes the answer. */
inline forget_unawaited(me)
{
	if
	:: srv[me].stage == APPLIED && !srv[me].waits -> srv[me].client = 0; srv[me].lease = 0
	:: else
	fi
}

/* From now on the client takes no answer to anything it has said before. */
inline stop_waiting(who)
{
	srv[0].waits = srv[0].waits && srv[0].client != who;
	srv[1].waits = srv[1].waits && srv[1].client != who;
	forget_unawaited(0);
	forget_unawaited(1)
}

inline ack(me, who)
{
	check_promise(me, who);
	uses[who] = grant;
	never_two;
	reach_ack(who);
	stop_waiting(who)
}

/* The other server heard the same request, and a transaction of its own may yet bind the address to that client. */
#define binding(me, who) (srv[me].stage == SENT && passes(srv[me].guard) && srv[me].to.state == BOUND && \
			  srv[me].to.client == who && srv[me].waits)

/* Rule 5, checked: no NAK for a client that may use the address, unless an operator took it, or is about to get it. */
inline nak(me)
{
	reach_nak;
	claim(!srv[me].waits || !uses[srv[me].client] || TABLE(me).state == REVOKED);
	claim(!srv[me].waits || !binding(1 - me, srv[me].client) || srv[1 - me].op != srv[me].op)
}

/* ---- plan.c ---- */

inline look_up(me)
{
	own = TABLE(me).state != NONE && TABLE(me).client == srv[me].client;
#ifdef WITHOUT_RULE_2_HOLD
	over = true; /* Rule 2, removed: whoever wants it may have it, hold or no hold */
#else
	over = TABLE(me).hold <= earliest(me); /* Rule 2: lease_is_over, by the earliest clock */
#endif
#ifdef WITHOUT_RULE_5_DOUBT
	held = !over;
#else
	held = TABLE(me).hold > latest(me); /* Rule 5: lease_is_held, by the latest clock */
#endif
	mine = own && TABLE(me).state == BOUND;
	may = mine || ((over || (own && TABLE(me).state == RELEASED)) && (srv[me].op == BIND || srv[me].op == RENEW))
}

inline launch(me, become)
{
	srv[me].stage = SENT;
	srv[me].to.state = become;
	srv[me].to.client = (become == NONE -> 0 : srv[me].client);
	srv[me].to.hold = hold;
	srv[me].to.promised = former;
	srv[me].guard = (srv[me].seen == last -> CURRENT : STALE);
	srv[me].guard = (TABLE(me).state == NONE -> ABSENT : srv[me].guard);
	if
	:: srv[me].guard == STALE -> clear(srv[me].to) /* it will not be committed anyway */
	:: else
	fi
}

/* Rule 3: lease_is_forgettable */
#ifdef WITHOUT_RULE_3_FORGETTABLE
#define forgettable(me) over
#else
#define forgettable(me) (over && TABLE(me).promised <= earliest(me))
#endif

/* extend() and bind_anew(). Rule 3: the hold is longer than the lease, so that renewals need not wait for the store. */
inline launch_binding(me)
{
	hold = latest(me) + horizon(srv[me].lease);
	/* Rule 1: a hold never shrinks while its client may rely on it ... */
	hold = (TABLE(me).hold > hold -> TABLE(me).hold : hold);
	/* ... nor while a table that lags may show it a longer one, from before a release; whoever has it between. */
#ifdef WITHOUT_RULE_3_BETWEEN
	hold = ((own && TABLE(me).promised > hold) -> TABLE(me).promised : hold);
#else
	hold = (TABLE(me).promised > hold -> TABLE(me).promised : hold);
#endif
	former = 0;
	launch(me, BOUND)
}

/*
 * plan_make(). What is refused has been read from the store just now (rule 5): here the read is no flight of its own,
 * that it takes time is like the client's having asked later.
 */
inline plan(me)
{
	look_up(me);
#ifndef WITHOUT_RULE_5
	if
	:: !may && srv[me].op <= RENEW -> learn(me, last); look_up(me)
	:: else
	fi;
#endif
	former = 0;
	hold = latest(me) + REST;
	/* What was promised on a record that another state takes the place of. */
#define promised_on(me) (TABLE(me).hold > TABLE(me).promised -> TABLE(me).hold : TABLE(me).promised)
	if
	:: srv[me].op <= EXTEND && may -> launch_binding(me)
	:: srv[me].op == RELEASE && mine ->
#ifndef WITHOUT_RULE_3_PROMISED
		former = (promised_on(me) > hold -> promised_on(me) : 0);
#endif
		launch(me, RELEASED)
	:: srv[me].op == REVOKE && mine -> /* Rule 2: it rests for everybody until what was promised */
#ifndef WITHOUT_RULE_2_REVOKED
		hold = TABLE(me).hold;
#endif
		former = (promised_on(me) > hold -> promised_on(me) : 0);
		launch(me, REVOKED)
	:: srv[me].op == EXPIRE && TABLE(me).state != NONE && forgettable(me) ->
		hold = 0;
		launch(me, NONE)
	:: srv[me].op <= RENEW && !may && (held || (own && srv[me].op == CONFIRM)) ->
		nak(me);
		land(me)
	:: else -> land(me)
	fi
}

/* lease_grant on a hold */
inline judge_grant(me, until, length)
{
	grant = (until > latest(me) -> until - latest(me) : 0);
	grant = (grant > length -> length : grant)
}

/* apply() and server_conclude: what the commit took is taken off the grant. */
inline conclude(me, heard)
{
	hold = version[srv[me].done].hold;
	if
	:: srv[me].seen < srv[me].done -> learn(me, srv[me].done)
	:: else
	fi;
	judge_grant(me, hold, srv[me].lease);
	if
	:: heard && srv[me].waits && grant -> ack(me, srv[me].client)
	:: else
	fi;
	land(me);
	forget_old()
}

inline apply(me)
{
	reach_deleted(me);
	commit(srv[me].to);
	srv[me].stage = APPLIED;
	srv[me].done = last;
	srv[me].op = 0;
	srv[me].guard = STALE;
	clear(srv[me].to);
	forget_unawaited(me)
}

#ifdef INSTANT /* a transaction takes no time */
inline settle(me)
{
	if
	:: srv[me].stage == SENT && passes(srv[me].guard) && room -> apply(me); conclude(me, true)
	:: srv[me].stage == SENT && !(passes(srv[me].guard) && room) -> land(me)
	:: else
	fi
}
#else
#define settle(me) skip
#endif

inline ask(me, who, what, length)
{
	srv[me].op = what;
	srv[me].client = who;
	srv[me].lease = length;
	srv[me].waits = what <= RENEW;
	plan(me);
#ifdef WITHOUT_RULE_1 /* the ACK does not wait for the commit */
	if
	:: srv[me].stage == SENT && srv[me].waits -> grant = length; ack(me, who)
	:: else
	fi;
#endif
	settle(me);
	forget_old()
}

/* ---- what clients say, and servers answer at once ---- */

/* decide_renew. The reply may be lost, and so may the extension behind it. */
inline renew(me, who, length, heard, extended)
{
	mine = TABLE(me).state == BOUND && TABLE(me).client == who;
	hold = TABLE(me).hold;
	judge_grant(me, hold, length); /* Rule 3: from the table, however stale, up to the hold */
#ifdef WITHOUT_RULE_3
	grant = length; /* Rule 3, removed: whatever is left of the hold */
#endif
	if
	:: mine && grant ->
		if
		:: heard -> reach_renewal(me); ack(me, who)
		:: else
		fi;
		if
		:: extended && idle(me) && hold < latest(me) + extend_below(length) -> ask(me, who, EXTEND, length)
		:: else
		fi
	:: !(mine && grant) && idle(me) -> ask(me, who, RENEW, length)
	:: else
	fi
}

/* decide_init_reboot. Rule 4: the table may lag behind a release. */
inline reboot(me, who, length)
{
#ifdef WITHOUT_RULE_4
	renew(me, who, length, true, false) /* Rule 4, removed: the table will do */
#else
	if
	:: idle(me) -> ask(me, who, CONFIRM, length)
	:: else
	fi
#endif
}

/* It does not use the address from now on, whether a server hears of it or not. */
inline release(me, who, heard)
{
	uses[who] = 0;
	stop_waiting(who);
	if
	:: heard && idle(me) -> ask(me, who, RELEASE, 0)
	:: else
	fi
}

/*
 * What a client says to a server. Messages that are lost are steps not taken; a retransmission, or a broadcast that
 * both servers hear, is the step taken twice.
 */
proctype client_to_server(bit who; bit me)
{
	do
	:: d_step { !uses[who] && idle(me) -> ask(me, who, BIND, LONG); tidy() }
#if LONG != SHORT && !defined(PLAIN)
	:: d_step { !uses[who] && idle(me) -> ask(me, who, BIND, SHORT); tidy() }
#endif
#ifndef PLAIN
	:: d_step { srv[me].up -> reboot(me, who, LONG); tidy() }
#endif
	:: d_step { uses[who] && srv[me].up -> renew(me, who, LONG, true, false); tidy() }
	:: d_step { uses[who] && srv[me].up -> renew(me, who, LONG, true, true); tidy() }
	:: d_step { uses[who] && srv[me].up -> renew(me, who, LONG, false, true); tidy() }
#ifndef PLAIN
	:: d_step { uses[who] && srv[me].up -> release(me, who, true); tidy() }
	:: d_step { uses[who] && srv[me].up -> release(me, who, false); tidy() }
#endif
#ifdef WITHOUT_RULE_2_LATE /* a RELEASE counts, however long it has lain unread */
	:: d_step { uses[who] && srv[me].up -> release(me, who, false); lies[2 * me + who] = true; tidy() }
	:: d_step { lies[2 * me + who] && idle(me) -> lies[2 * me + who] = false; ask(me, who, RELEASE, 0); tidy() }
#endif
	od
}

/* ---- servers ---- */

/* A transaction that its sender gives up on may be on its way to the store still, or have been committed. */
inline let_go(me)
{
#ifndef PUNCTUAL
	if
	:: srv[me].stage == SENT && srv[me].guard != STALE && late_guard == STALE ->
		copy(late, srv[me].to);
		late_guard = srv[me].guard;
#ifdef CHECK_OFFERS
		late_from = me
#endif
	:: else
	fi;
#endif
	own = srv[me].stage == APPLIED && srv[me].done > srv[me].seen;
#ifdef CHECK_OFFERS
	srv[me].missed = (own -> srv[me].done + 1 : srv[me].missed);
#endif
#ifdef REACH_RESOLVED
	unheard[me] = own;
#endif
	own = false
}

/* finish_unknown */
inline time_out(me)
{
	land(me);
#ifndef WITHOUT_RULE_6
	srv[me].stage = RESOLVE; /* Rule 6: the address is taken until a linearizable read says what happened */
#endif
	forget_old()
}

/* A load is a linearizable read of everything, clocks included. */
inline start(me)
{
	srv[me].up = true;
#ifdef TIME
	load_time(me);
#else
#if SKEW
	srv[me].known = srv[1 - me].up;
#endif
#endif
	learn(me, last);
	forget_old()
}

inline crash(me)
{
	let_go(me);
	land(me);
#ifdef CHECK_OFFERS
	late_denied = late_denied || (late_guard != STALE && late_from == me)
#endif
}

inline resolve(me)
{
	reach_resolved(me);
	learn(me, last);
#ifdef CHECK_OFFERS
	late_denied = late_denied || (late_guard != STALE && late_from == me);
#endif
	land(me);
	forget_old()
}

/* finish_conflict: what the store showed is in the table now */
inline overtaken(me)
{
	reach_conflict;
	learn(me, last);
	srv[me].guard = STALE;
	clear(srv[me].to);
#ifdef WITHOUT_RULE_2_RELEASE /* planned anew, on whatever there is now */
	plan(me);
#else
	/* Rule 2: a client has given up the binding that it had when it said so, none that it has had since. */
	if
	:: srv[me].op == RELEASE -> land(me)
	:: else -> plan(me)
	fi;
#endif
	forget_old()
}

proctype server_to_store(bit me)
{
	do
	:: d_step { !srv[me].up -> start(me); tidy() }
#ifndef NO_FAULTS
	:: d_step { srv[me].up -> crash(me); start(me); tidy() }
#endif

	/* mirror.c: changes come some time, in their order */
	:: d_step { serving(me) && may_learn(me) && srv[me].seen < last -> learn(me, srv[me].seen + 1); forget_old(); tidy() }
#ifdef TIME
	:: d_step { watches(me) && srv[1 - me].listed && srv[me].other != ALIVE -> srv[me].other = ALIVE; tidy() }
	:: d_step { watches(me) && !srv[1 - me].listed && (srv[me].other == ALIVE || srv[me].owed) ->
		    see_other_gone(me); tidy() }
#ifndef WITHOUT_RULE_7_M1
	:: d_step { watches(me) && is_ahead(me) -> count_on(me); tidy() }
#endif
	:: d_step { watches(me) && srv[me].cut && !has_unseen(me) -> srv[me].cut = false; tidy() }
	:: d_step { serving(me) && srv[me].key == NO_KEY -> put_key(me); tidy() }
	:: d_step { serving(me) && (srv[me].key == ALONE || srv[me].key == BESIDE) -> see_own_key(me); tidy() }
	:: d_step { srv[me].listed -> lose_key(me); tidy() } /* whoever is cut off, or down, for a TTL */
	:: d_step { srv[me].other == EXPIRED && may_forget(me) -> srv[me].other = UNKNOWN; tidy() }
	:: d_step { serving(me) && is_sure(me) && (earliest(me) > mark || !marked) -> write_mark(me); tidy() }
#else
#if SKEW
	/* Of two servers one knows the other. That it is so as long as it need be, TIME shows. */
	:: d_step { serving(me) && !srv[me].known && srv[1 - me].up -> srv[me].known = true; tidy() }
#endif
#endif

	/* a transaction is committed, and its answer comes, and the client hears it or does not */
	:: d_step { serving(me) && srv[me].stage == SENT && passes(srv[me].guard) && room -> apply(me); tidy() }
	:: d_step { serving(me) && srv[me].stage == APPLIED -> conclude(me, true); tidy() }
	:: d_step { serving(me) && srv[me].stage == APPLIED -> conclude(me, false); tidy() }

	/*
	 * It is overtaken, and planned anew; or its outcome stays unknown. That one is refused, or gives up being
	 * overtaken, is like its not having been asked for.
	 */
	:: d_step { serving(me) && srv[me].stage == SENT && !passes(srv[me].guard) -> overtaken(me); tidy() }
#if !defined(NO_FAULTS) && !defined(PLAIN)
	:: d_step { srv[me].stage == SENT || srv[me].stage == APPLIED -> let_go(me); time_out(me); tidy() }
	:: d_step { serving(me) && srv[me].stage == RESOLVE -> resolve(me); tidy() }
#endif

	/* upkeep.c: a record that is over is deleted */
	:: d_step { idle(me) && TABLE(me).state != NONE -> ask(me, 0, EXPIRE, 0); tidy() }

	/* revoke.c: an operator ends the binding that the table shows */
#ifndef PLAIN
	:: d_step { idle(me) && TABLE(me).state == BOUND -> ask(me, TABLE(me).client, REVOKE, 0); tidy() }
#endif

#ifdef CHECK_OFFERS
	/* allocator.c: no address is on offer that the server has just given away itself, without having heard so */
	:: d_step { idle(me) && srv[me].missed && TABLE(me).hold <= earliest(me) &&
		    version[last].state == BOUND && version[last].hold > SKEW ->
		    assert(false); tidy() }
#endif
	od
}

/* ---- the network before the store, and time ---- */

inline count_down(which)
{
	which.hold = (which.hold -> which.hold - 1 : 0);
	which.promised = (which.promised -> which.promised - 1 : 0)
}

inline commit_late()
{
	reach_late;
#ifdef CHECK_OFFERS
	srv[late_from].missed = (late_denied -> srv[late_from].missed : last + 2);
#endif
	late_guard = STALE;
	commit(late);
	drop_late();
	forget_old()
}

proctype world()
{
	do
	:: d_step { late_guard != STALE && passes(late_guard) && room -> commit_late(); tidy() }
	:: d_step { late_guard != STALE -> drop_late(); tidy() }

	:: d_step { true ->
		    uses[0] = (uses[0] -> uses[0] - 1 : 0);
		    uses[1] = (uses[1] -> uses[1] - 1 : 0);
		    count_down(late);
#ifdef TIME
		    pass_time();
#endif
		    count_down(srv[0].to);
		    count_down(srv[1].to);
		    i = 0;
		    do
		    :: i < VERSIONS -> count_down(version[i]); i++
		    :: else -> break
		    od;
		    i = 0; tidy() }
#ifdef REACH_RENEWAL_IN_OUTAGE
	:: outage = !outage
#endif
	od
}

init {
	atomic {
		run client_to_server(0, 0);
		run client_to_server(0, 1);
		run client_to_server(1, 0);
		run client_to_server(1, 1);
		run server_to_store(0);
		run server_to_store(1);
		run world()
	}
}
