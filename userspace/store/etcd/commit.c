/* SPDX-License-Identifier: MIT */
/*
 * Batches in flight. A batch is sent as one request, or in parts of what etcd has shown to take.
 * Parts are packed and sent by the owner; a part that finds no link waits, still unsent, with the
 * completion thread, which also sees to all that comes back.
 */
#include <errno.h>

#include <grpc/slice.h>

#include "store/etcd/etcd.h"
#include "store/etcd/request.h"
#include "store/etcd/verdict.h"
#include "store/kv_check.h"

struct commit {
	struct etcd *etcd;
	struct kv_batch *batch;
	uint64_t deadline_ns;
	uint32_t parts_out; /* completion thread's, once the first is sent */
};

/* In the batch's memory, as its commit is. */
struct part {
	struct call call;
	struct kv_node node; /* in unsent or waiting */
	struct commit *commit;
	struct kv_txn **txns;
	uint32_t n;
	grpc_slice request; /* while it is not sent */
	size_t bytes;       /* of the request */
	int error;          /* it cannot be sent at all */
	bool authenticated; /* once more, after the token was refused */
};

/* ---- answers ---- */

static void finish_batch(struct etcd *etcd, struct kv_batch *batch)
{
	for (uint32_t i = 0; i < batch->n; i++)
		batch->revision = max_i64(batch->revision, batch->txn[i].revision);
	etcd->sink->committed(etcd->sink, batch);
	atomic_fetch_sub(&etcd->in_flight, 1);
}

static void finish_part(struct part *part)
{
	struct commit *commit = part->commit;

	if (--commit->parts_out == 0)
		finish_batch(commit->etcd, commit->batch);
}

static void settle_part(struct part *part, enum kv_outcome outcome, int error, const char *detail)
{
	for (uint32_t i = 0; i < part->n; i++) {
		struct kv_txn *txn = part->txns[i];
		txn->revision = 0;
		memset(txn->found, 0, sizeof(txn->found));
		kv_txn_settle(txn, outcome, error);
	}
	kv_batch_blame(part->commit->batch, error, detail);
	finish_part(part);
}

/* That a small one went through says nothing of one that was too large. */
static void mended(struct etcd *etcd, const struct part *part)
{
	if (part->bytes < etcd->too_large)
		return;
	etcd->too_large = 0;
	kv_health_mended(&etcd->health, KV_PROBLEM_COMMIT);
}

/* An answer that does not fit the question: applied or not, nobody can say. */
static void read_answer(struct part *part, const struct reply *reply)
{
	struct etcd *etcd = part->commit->etcd;
	int64_t revision;
	int rc;

	kv_arena_reset(etcd->work);
	rc = answer_read(reply->message, etcd->work, part->commit->batch, part->txns, part->n,
			 &revision);
	if (rc) {
		settle_part(part, KV_UNKNOWN, rc == -ENOMEM ? -ENOMEM : -EIO,
			    "etcd's answer does not fit the request");
		return;
	}
	kv_health_contact(&etcd->health, revision);
	mended(etcd, part);
	finish_part(part);
}

static int pack_part(struct etcd *etcd, struct kv_arena *arena, struct part *part)
{
	struct request_context context = {
	    .prefix = etcd->prefix,
	    .prefix_len = etcd->prefix_len,
	    .session_lease = atomic_load(&etcd->session_lease),
	    .arena = arena,
	};
	int rc;

	kv_arena_reset(arena);
	rc = request_pack(&context, part->txns, part->n, &part->request);
	part->bytes = rc ? 0 : GRPC_SLICE_LENGTH(part->request);
	return rc;
}

static void send_part(struct part *part);

static struct part *new_part(struct commit *commit, struct kv_txn **txns, uint32_t n)
{
	struct part *part = kv_batch_alloc(commit->batch, sizeof(*part));

	if (part)
		*part = (struct part){.commit = commit, .txns = txns, .n = n};
	return part;
}

/* What was too much at @n may do at three quarters of it; said once per new bound. */
static void learn_limit(struct etcd *etcd, uint32_t n)
{
	uint32_t bound = n - (n + 3) / 4;

	if (bound == 0 || bound >= atomic_load(&etcd->max_txns))
		return;
	atomic_store(&etcd->max_txns, bound);
	log_warn("etcd takes fewer operations in one transaction than it does by default; batches "
		 "go in parts: raise --max-txn-ops to 128 on every member",
		 F_U64("transactions", bound));
}

static bool split(struct part *part)
{
	struct commit *commit = part->commit;
	struct etcd *etcd = commit->etcd;
	uint32_t half = part->n / 2;
	struct part *first, *second;

	if (half == 0)
		return false;
	first = new_part(commit, part->txns, half);
	second = new_part(commit, part->txns + half, part->n - half);
	if (!first || !second || pack_part(etcd, etcd->work, first))
		return false;
	if (pack_part(etcd, etcd->work, second)) {
		grpc_slice_unref(first->request);
		return false;
	}
	commit->parts_out++;
	send_part(first);
	send_part(second);
	return true;
}

/* It never left, or was turned away for its token: over the next link, if there is time. */
static bool again(struct part *part, const struct verdict *verdict)
{
	struct etcd *etcd = part->commit->etcd;

	if (verdict->action == VERDICT_AUTHENTICATE && part->authenticated)
		return false;
	if (clock_mono_ns() >= part->commit->deadline_ns || atomic_load(&etcd->stopping))
		return false;
	part->authenticated = verdict->action == VERDICT_AUTHENTICATE;
	if (pack_part(etcd, etcd->work, part))
		return false;
	kv_queue_push(&etcd->unsent, &part->node);
	return true;
}

static void report(struct etcd *etcd, const struct part *part, const struct verdict *verdict,
		   const struct reply *reply)
{
	if (!verdict->remedy)
		return;
	etcd->too_large = verdict->error == -E2BIG ? part->bytes : 0;
	kv_health_problem(&etcd->health, KV_PROBLEM_COMMIT, "etcd: %.100s; %s", reply->words,
			  verdict->remedy);
}

static void on_answered(struct call *call, const struct reply *reply)
{
	struct part *part = container_of(call, struct part, call);
	struct etcd *etcd = part->commit->etcd;
	const struct verdict *verdict;
	bool handled = false;

	etcd_link_judge(etcd, call->generation, reply);
	if (reply->status == GRPC_STATUS_OK) {
		read_answer(part, reply);
		return;
	}
	verdict = verdict_of(reply);
	if (verdict->action == VERDICT_SPLIT)
		learn_limit(etcd, part->n);
	if (verdict->action == VERDICT_SESSION_LOST)
		etcd_session_lost(etcd);
	else if (verdict->action == VERDICT_SPLIT || verdict->action == VERDICT_HALVE)
		handled = split(part);
	else if (verdict->action == VERDICT_AGAIN || verdict->action == VERDICT_AUTHENTICATE)
		handled = again(part, verdict);
	if (handled) {
		etcd_commit_pump(etcd);
		return;
	}
	report(etcd, part, verdict, reply);
	settle_part(part, verdict->outcome, verdict->error, reply->words);
}

/* ---- sending, by the owner first and by the completion thread again ---- */

static void send_part(struct part *part)
{
	struct commit *commit = part->commit;
	struct etcd *etcd = commit->etcd;
	uint64_t now_ns = clock_mono_ns();
	uint64_t left_ns = commit->deadline_ns > now_ns ? commit->deadline_ns - now_ns : 1;

	if (etcd_link_call(etcd, &part->call, LANE_TXN, METHOD_TXN, left_ns) == 0) {
		if (call_send(&part->call, part->request, on_answered) == 0)
			return;
		part->error = -EIO;
	}
	kv_queue_push(&etcd->unsent, &part->node);
	etcd_wake(etcd);
}

/* Those that are wrong in themselves or have no session are refused here, the others are sent. */
static uint32_t gather(struct etcd *etcd, struct kv_batch *batch, struct kv_txn **txns)
{
	bool session = atomic_load(&etcd->session_lease) != 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < batch->n; i++) {
		struct kv_txn *txn = &batch->txn[i];
		bool in_session = false;
		for (uint8_t c = 0; c < txn->n_changes && c < KV_MAX_CHANGES; c++)
			in_session = in_session || txn->change[c].in_session;
		if (!kv_txn_is_sound(txn))
			kv_txn_settle(txn, KV_REFUSED, -EINVAL);
		else if (in_session && !session)
			kv_txn_settle(txn, KV_REFUSED, -ENOLINK);
		else
			txns[n++] = txn;
	}
	return n;
}

/* Everything is packed before anything is sent: answers use the batch's memory, too. */
static int prepare(struct commit *commit, struct kv_txn **txns, uint32_t n, struct part **parts,
		   uint32_t per_part)
{
	struct etcd *etcd = commit->etcd;

	for (uint32_t at = 0; at < n; at += per_part) {
		struct part *part =
		    new_part(commit, txns + at, n - at < per_part ? n - at : per_part);
		if (!part || pack_part(etcd, etcd->scratch, part))
			return -ENOMEM;
		parts[commit->parts_out++] = part;
	}
	return 0;
}

/* How many parts went out, or negative errno: then none did. */
static int send_all(struct etcd *etcd, struct kv_batch *batch)
{
	struct commit *commit = kv_batch_alloc(batch, sizeof(*commit));
	struct kv_txn **txns = kv_batch_alloc(batch, (batch->n + 1) * sizeof(struct kv_txn *));
	struct part **parts = kv_batch_alloc(batch, (batch->n + 1) * sizeof(struct part *));
	uint32_t n, n_parts;
	int rc;

	if (!commit || !txns || !parts)
		return -ENOMEM;
	*commit = (struct commit){
	    .etcd = etcd,
	    .batch = batch,
	    .deadline_ns = batch->sent_ns + etcd->timeout_ms * NS_PER_MS,
	};
	n = gather(etcd, batch, txns);
	rc = prepare(commit, txns, n, parts, atomic_load(&etcd->max_txns));
	n_parts = commit->parts_out;
	if (rc) {
		for (uint32_t i = 0; i < n_parts; i++)
			grpc_slice_unref(parts[i]->request);
		return rc;
	}
	for (uint32_t i = 0; i < n_parts; i++)
		send_part(parts[i]); /* with the last one the batch is out of our hands */
	return (int)n_parts;
}

void etcd_commit(struct etcd *etcd, struct kv_batch *batch)
{
	int sent;

	batch->sent_ns = clock_mono_ns();
	atomic_fetch_add(&etcd->in_flight, 1);
	sent = send_all(etcd, batch);
	if (sent > 0)
		return;
	for (uint32_t i = 0; i < batch->n; i++)
		if (batch->txn[i].outcome == KV_PENDING)
			kv_txn_settle(&batch->txn[i], KV_REFUSED, sent);
	kv_batch_blame(batch, sent, NULL);
	kv_queue_push(&etcd->answered, &batch->node);
	etcd_wake(etcd);
}

/* ---- what waits ---- */

static void refuse(struct part *part, int error)
{
	struct etcd *etcd = part->commit->etcd;

	if (!part->error)
		grpc_slice_unref(part->request); /* call_send has released its own */
	settle_part(part, KV_REFUSED, error, etcd->link.error);
}

/* Returns false when it must go on waiting. */
static bool try_part(struct etcd *etcd, struct part *part, uint64_t now_ns)
{
	if (part->error)
		refuse(part, part->error);
	else if (now_ns >= part->commit->deadline_ns)
		refuse(part, -EHOSTUNREACH);
	else if (etcd_link_ready(etcd))
		send_part(part);
	else if (atomic_load(&etcd->stopping))
		refuse(part, -EHOSTUNREACH);
	else
		return false;
	return true;
}

void etcd_commit_pump(struct etcd *etcd)
{
	uint64_t now_ns = clock_mono_ns(), due_ns = 0;
	struct kv_node *node, *next;
	struct kv_line left;

	for (node = kv_queue_take(&etcd->answered); node; node = next) {
		next = node->next;
		finish_batch(etcd, container_of(node, struct kv_batch, node));
	}
	kv_line_add_all(&etcd->waiting, kv_queue_take(&etcd->unsent));
	kv_line_init(&left);
	while ((node = kv_line_take(&etcd->waiting))) {
		struct part *part = container_of(node, struct part, node);
		if (try_part(etcd, part, now_ns))
			continue;
		if (!due_ns || part->commit->deadline_ns < due_ns)
			due_ns = part->commit->deadline_ns;
		kv_line_add(&left, node);
	}
	kv_line_init(&etcd->waiting);
	kv_line_add_all(&etcd->waiting, left.first);
	etcd_set_timer(etcd, TIMER_WAITING, due_ns);
}
