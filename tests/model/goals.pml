/* SPDX-License-Identifier: MIT */
/* Of lease.pml: what must be able to happen, or it would be safe because nothing does. Each is claimed never to. */

#ifdef REACH_BOTH_IN_TURN
bool was_bound[2];
#define reach_ack(who) was_bound[who] = true; assert(!was_bound[0] || !was_bound[1])
#else
#define reach_ack(who) skip
#endif

#ifdef REACH_RENEWAL_IN_OUTAGE
bool outage; /* of the whole store. Else spin has it as a store that takes no step for a while */
#define reachable !outage
#define reach_renewal(me) assert(!outage)
#else
#define reachable true
#ifdef REACH_RENEWAL_FROM_STALE_TABLE
#define reach_renewal(me) assert(srv[me].seen == last)
#else
#ifdef REACH_SHORTENED_GRANT
#define reach_renewal(me) assert(grant == LONG)
#else
#ifdef REACH_RENEWAL_OF_REVOKED
#define reach_renewal(me) assert(version[last].state != REVOKED)
#else
#define reach_renewal(me) skip
#endif
#endif
#endif
#endif

#ifdef REACH_RECLAIM
#define reach_commit(to_what) assert(version[last].state != BOUND || to_what.state != BOUND || version[last].client == to_what.client)
#else
#define reach_commit(to_what) skip
#endif

#ifdef REACH_RESOLVED
bool unheard[2]; /* the outcome that is unknown to the server is that it happened */
#define reach_resolved(me) assert(!unheard[me])
#else
#define reach_resolved(me) skip
#endif

#ifdef REACH_LATE_COMMIT
#define reach_late assert(false)
#else
#define reach_late skip
#endif

#ifdef REACH_CONFLICT
#define reach_conflict assert(false)
#else
#define reach_conflict skip
#endif

#ifdef REACH_NAK
#define reach_nak assert(false)
#else
#define reach_nak skip
#endif

#ifdef REACH_MARK_AHEAD
#define reach_mark assert(earliest(me) == 0)
#else
#define reach_mark skip
#endif

#ifdef REACH_DELETED
#define reach_deleted(me) assert(srv[me].op != EXPIRE)
#else
#define reach_deleted(me) skip
#endif
