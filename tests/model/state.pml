/* SPDX-License-Identifier: MIT */
/* Of lease.pml: what there is to know of store, servers, clients and network. */

#define NONE     0 /* enum lease_state */
#define BOUND    1
#define RELEASED 2
#define REVOKED  3 /* LEASE_DECLINED is RELEASED with a longer rest */

#define BIND    1 /* enum ask_op: REQUEST in SELECTING */
#define CONFIRM 2 /* REQUEST in INIT-REBOOT */
#define RENEW   3 /* REQUEST in RENEWING or REBINDING that memory cannot answer */
#define EXTEND  4
#define RELEASE 5
#define EXPIRE  6 /* PLAN_OP_EXPIRE */
#define REVOKE  7 /* by an operator */

/* A flight's stage. One address is one key, so a server has one flight at most; other asks come later. */
#define FREE    0
#define SENT    1 /* a transaction is under way */
#define APPLIED 2 /* it has been committed, and its answer is under way */
#define RESOLVE 3 /* the outcome is unknown; a linearizable read will tell */

/* What a transaction compares the record's revision to. */
#define STALE   0 /* to one that the record had once: it never has it again */
#define CURRENT 1 /* to the one it has */
#define ABSENT  2 /* that there is no record: unlike a revision, that may become true again */

typedef record {
	unsigned state : 2;
	unsigned client : 1;
	unsigned hold : 4;     /* until it is past hold_until by server 0's clock */
	unsigned promised : 4; /* until promised_until, where that is later than the hold; else 0 */
};

/* The changes of the record that somebody still knows as the newest. The last one is what the store holds. */
record version[VERSIONS];
byte last;

typedef server {
	bool up;             /* it has been started */
#ifdef TIME
	unsigned other : 3;  /* what it knows of the other's clock */
	unsigned key : 2;    /* its publication, as far as it knows */
	bool cut;            /* its mirror lacks what is older than a tick: it commits nothing until it has caught up */
	bool listed;         /* one of it, or of its former life, is in the store */
	bool owed;           /* the other one was listed and is gone, of which it has heard nothing yet */
#else
	bool known;          /* it knows the other's clock */
#endif
	unsigned seen : 3;   /* the version that its table has */
	unsigned stage : 2;  /* its flight */
	unsigned op : 3;
	unsigned client : 1;
	unsigned lease : 2;
	bool waits;          /* the client would take an answer */
	unsigned guard : 2;  /* SENT: of the transaction */
	record to;           /* SENT: what it makes of the record */
	unsigned done : 3;   /* APPLIED: the version that it made */
#ifdef CHECK_OFFERS
	unsigned missed : 3; /* 1 + the newest version that it made and has not seen; 0: none */
#endif
};
server srv[2];

/* A transaction whose sender has given up on it and which may be committed yet. One at most. */
record late;
unsigned late_guard : 2;
#ifdef CHECK_OFFERS
unsigned late_from : 1;
bool late_denied;      /* its sender has read since that it had not happened */
#endif

#ifdef WITHOUT_RULE_2_LATE
bool lies[4];          /* a RELEASE of client 0, 1 lies unread at server 0, 1: at 2 * server + client */
#endif

byte uses[2];          /* how long client 0, 1 believes that it may use the address; 0: it does not */

/* Scratch paper within a step; blank again when it ends. */
byte i, m, grant, hold, former;
bool own, over, held, may, mine;

#ifdef SWAP_CLIENTS
/* The clients differ in name alone: the one that the record is about is called 0, which halves the states. */
#define other_name(about, flag) (flag -> 1 - about : 0)
inline rename_clients()
{
	if
	:: version[last].client == 1 ->
		i = uses[0];
		uses[0] = uses[1];
		uses[1] = i;
		i = 0;
		do
		:: i < VERSIONS -> version[i].client = other_name(version[i].client, version[i].state != NONE); i++
		:: else -> break
		od;
		late.client = other_name(late.client, late.state != NONE);
		rename_in_flight(0);
		rename_in_flight(1)
	:: else
	fi
}
inline rename_in_flight(me)
{
	srv[me].to.client = other_name(srv[me].to.client, srv[me].to.state != NONE);
	srv[me].client = other_name(srv[me].client, srv[me].waits || (srv[me].stage == SENT && srv[me].op != EXPIRE))
}
#else
#define rename_clients() skip
#endif

inline tidy()
{
	rename_clients();
	i = 0; m = 0; grant = 0; hold = 0; former = 0;
	own = false; over = false; held = false; may = false; mine = false
}

/* ---- small things ---- */

#define TABLE(me)   version[srv[me].seen]
#ifdef TIME
#define serving(me) (srv[me].up && reachable && !srv[me].cut)
#else
#define serving(me) (srv[me].up && reachable)
#endif
#define idle(me)    (serving(me) && may_commit(me) && srv[me].stage == FREE)

inline copy(target, source)
{
	target.state = source.state;
	target.client = source.client;
	target.hold = source.hold;
	target.promised = source.promised
}

inline clear(which)
{
	which.state = NONE;
	which.client = 0;
	which.hold = 0;
	which.promised = 0
}

inline land(me)
{
	srv[me].stage = FREE;
	srv[me].op = 0;
	srv[me].client = 0;
	srv[me].lease = 0;
	srv[me].waits = false;
	srv[me].guard = STALE;
	clear(srv[me].to);
	srv[me].done = 0
}

inline learn(me, what)
{
	srv[me].seen = what;
#ifdef CHECK_OFFERS
	srv[me].missed = (srv[me].missed > what + 1 -> srv[me].missed : 0)
#endif
}

inline oldest_needed(me)
{
	m = ((srv[me].up && srv[me].seen < m) -> srv[me].seen : m);
	m = ((srv[me].stage == APPLIED && srv[me].done < m) -> srv[me].done : m)
}

inline renumber(me)
{
	srv[me].seen = (srv[me].up -> srv[me].seen - m : 0);
	srv[me].done = (srv[me].stage == APPLIED -> srv[me].done - m : 0);
#ifdef CHECK_OFFERS
	srv[me].missed = (srv[me].missed -> srv[me].missed - m : 0)
#endif
}

/* Versions that nobody knows as the newest any more are forgotten, so that equal situations are equal states. */
inline forget_old()
{
	m = last;
	oldest_needed(0);
	oldest_needed(1);
	renumber(0);
	renumber(1);
	i = 0;
	do
	:: i < VERSIONS && i + m <= last -> copy(version[i], version[i + m]); i++
	:: i < VERSIONS && i + m > last -> clear(version[i]); i++
	:: else -> break
	od;
	last = last - m;
	i = 0
}
