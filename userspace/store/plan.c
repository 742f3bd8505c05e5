/* SPDX-License-Identifier: MIT */
#include "store/plan.h"

static bool is_clients(const struct lease *record, const struct client_id *client)
{
	return record->state != LEASE_NONE &&
	       client_id_equal(client, record->client, record->client_len);
}

static void answer(struct plan *plan, enum ask_result result)
{
	plan->kind = PLAN_ANSWER;
	plan->result = result;
}

/* Rule 5: a refusal needs proof. */
static void refuse(const struct plan_input *in, struct plan *plan, enum ask_result result)
{
	if (in->proven)
		answer(plan, result);
	else
		plan->kind = PLAN_PROBE;
}

static void commit(struct plan *plan, enum lease_state state, int64_t hold_until_s,
		   int64_t promised_until_s)
{
	plan->kind = PLAN_COMMIT;
	plan->state = state;
	plan->hold_until_s = hold_until_s;
	plan->promised_until_s = max_i64(hold_until_s, promised_until_s);
}

/*
 * A hold never shrinks while somebody may rely on it: rule 1 for promises made before. The client does, whose ACKs were
 * given on the record's hold. And rule 3 for tables that lag: one may show a binding from before a release, and renew on that
 * whom the address was bound to then and is, for less, bound to again. So no binding is held for less than any before it;
 * also another client's in between, whose hold is what remembers it meanwhile.
 */
static void extend(const struct plan_input *in, struct plan *plan)
{
	int64_t hold_s = max_i64(in->record->hold_until_s, in->record->promised_until_s);

	hold_s = max_i64(in->now.latest_s + in->hold_s, hold_s);
	commit(plan, LEASE_BOUND, hold_s, hold_s);
}

/* The client's binding elsewhere ends with this one; what it was promised there stays held. */
static void leave_former(const struct plan_input *in, struct plan *plan)
{
	const struct lease *former = in->former;

	if (!plan->client_at || plan->client_at == in->addr || former->addr != plan->client_at ||
	    former->state != LEASE_BOUND || !is_clients(former, in->client))
		return;
	plan->former = lease_is_forgettable(former, &in->now) ? PLAN_FORMER_REMOVE
							       : PLAN_FORMER_RELEASE;
}

static void bind_anew(const struct plan_input *in, struct plan *plan)
{
	const struct lease *former = in->former;

	extend(in, plan);
	plan->client = PLAN_CLIENT_PUT;
	plan->guard_client = true;
	if (in->client_known)
		plan->client_at = in->client_at;
	else if (former->state == LEASE_BOUND && is_clients(former, in->client))
		plan->client_at = former->addr;
	plan->evict = in->record->state == LEASE_BOUND && !is_clients(in->record, in->client);
	leave_former(in, plan);
}

/* SELECTING, and the renewals that memory could not answer. */
static void plan_bind(const struct plan_input *in, struct plan *plan)
{
	const struct lease *record = in->record;
	bool own = is_clients(record, in->client);

	if (own && record->state == LEASE_BOUND)
		extend(in, plan);
	else if (lease_is_over(record, &in->now) || (own && record->state == LEASE_RELEASED))
		bind_anew(in, plan);
	else if (lease_is_held(record, &in->now))
		refuse(in, plan, ASK_DENIED);
	else /* another server may just be binding it */
		answer(plan, ASK_UNAVAILABLE);
}

/* Behind a reply already sent: only ever moves the end of the client's own binding. */
static void plan_extend(const struct plan_input *in, struct plan *plan)
{
	if (is_clients(in->record, in->client) && in->record->state == LEASE_BOUND)
		extend(in, plan);
	else
		answer(plan, ASK_UNKNOWN_CLIENT);
}

/* INIT-REBOOT, rule 4: another's address or another address is refused, no record at all is silence. */
static void plan_confirm(const struct plan_input *in, struct plan *plan)
{
	const struct lease *record = in->record;
	bool own = is_clients(record, in->client);
	bool elsewhere = in->client_known && in->client_at && in->client_at != in->addr;

	if (own && record->state == LEASE_BOUND)
		extend(in, plan);
	else if (own || elsewhere || lease_is_held(record, &in->now))
		refuse(in, plan, ASK_DENIED);
	else
		refuse(in, plan, ASK_UNKNOWN_CLIENT);
}

/*
 * RELEASE and DECLINE end the binding that was known when they arrived, and no other: one that shows
 * up since may be the client's next, which it uses. Nothing is asked of the store about them, since
 * whatever it would tell could be such a one. What they leave alone is over when its hold is.
 */
static void plan_give_up(const struct plan_input *in, struct plan *plan, enum lease_state state)
{
	if (!is_clients(in->record, in->client) || in->record->state != LEASE_BOUND) {
		answer(plan, ASK_UNKNOWN_CLIENT);
	} else if (in->record->revision != in->meant_revision) {
		answer(plan, ASK_OVERTAKEN);
	} else {
		commit(plan, state, in->now.latest_s + in->hold_s,
		       max_i64(in->record->hold_until_s, in->record->promised_until_s));
		plan->client = PLAN_CLIENT_DELETE;
	}
}

/*
 * By an operator: the binding ends, and what was promised on it stays held, for everybody. Why the
 * record's own hold is what was promised, at most: every grant, by whichever server and from however
 * stale a mirror, ends by the hold of some revision of the record that bound it to this client
 * (rule 1), and holds never shrink from one such revision to the next, whatever came between
 * (extend above). The last of them is what this transaction compares; with it in place no later one
 * can come to be. A server that does not know yet still renews from memory, within that hold; what
 * it asks of the store behind its reply meets the changed revision and then the revoked record,
 * which is nobody's to extend, renew or confirm.
 */
static void plan_revoke(const struct plan_input *in, struct plan *plan)
{
	if (!is_clients(in->record, in->client) || in->record->state != LEASE_BOUND) {
		refuse(in, plan, ASK_UNKNOWN_CLIENT);
		return;
	}
	commit(plan, LEASE_REVOKED, in->record->hold_until_s, in->record->promised_until_s);
	plan->client = PLAN_CLIENT_DELETE;
}

static void plan_expire(const struct plan_input *in, struct plan *plan)
{
	if (in->record->state == LEASE_NONE || !lease_is_forgettable(in->record, &in->now)) {
		answer(plan, ASK_UNKNOWN_CLIENT);
		return;
	}
	commit(plan, LEASE_NONE, 0, 0);
	plan->evict = in->record->state == LEASE_BOUND;
}

void plan_make(const struct plan_input *in, struct plan *plan)
{
	*plan = (struct plan){0};
	if (in->record->state == LEASE_UNREADABLE) { /* no proof of anything */
		answer(plan, ASK_UNAVAILABLE);
		return;
	}
	switch ((int)in->op) {
	case ASK_BIND:
	case ASK_RENEW:
		plan_bind(in, plan);
		break;
	case ASK_EXTEND:
		plan_extend(in, plan);
		break;
	case ASK_CONFIRM:
		plan_confirm(in, plan);
		break;
	case ASK_RELEASE:
		plan_give_up(in, plan, LEASE_RELEASED);
		break;
	case ASK_DECLINE:
		plan_give_up(in, plan, LEASE_DECLINED);
		break;
	case ASK_REVOKE:
		plan_revoke(in, plan);
		break;
	case PLAN_OP_EXPIRE:
		plan_expire(in, plan);
		break;
	default:
		answer(plan, ASK_UNAVAILABLE);
		break;
	}
}
