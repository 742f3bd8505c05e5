/* SPDX-License-Identifier: MIT */
/*
 * A key that lives as long as this server does. It hangs on an etcd lease; one call at a time does
 * whatever is due next: grant the lease, keep it alive, put the key, bring its value up to date.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "etcd.pb-c.h"
#include "store/etcd/etcd.h"
#include "store/etcd/verdict.h"

#define RETRY_NS NS_PER_S

static struct etcd *of_session(struct call *call)
{
	return container_of(call, struct etcd, session.call);
}

void etcd_session_init(struct etcd *etcd)
{
	pthread_mutex_init(&etcd->session.lock, NULL);
	sem_init(&etcd->session.end_done, 0, 0);
}

void etcd_session_fini(struct etcd *etcd)
{
	struct etcd_session *session = &etcd->session;

	sem_destroy(&session->end_done);
	pthread_mutex_destroy(&session->lock);
	free(session->news_key);
	free(session->news_value);
	free(session->key);
	free(session->value);
}

/* ---- from the owner ---- */

int etcd_session_hand_over(struct etcd *etcd, const char *key, const uint8_t *value, size_t len)
{
	struct etcd_session *session = &etcd->session;
	size_t key_len = key ? etcd->prefix_len + strlen(key) + 1 : 0;
	char *full = key ? malloc(key_len) : NULL;
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy || (key && !full)) {
		free(full);
		free(copy);
		return -ENOMEM;
	}
	if (key)
		snprintf(full, key_len, "%s%s", etcd->prefix, key);
	if (len)
		memcpy(copy, value, len);
	pthread_mutex_lock(&session->lock);
	if (key) {
		free(session->news_key);
		session->news_key = full;
	}
	free(session->news_value);
	session->news_value = copy;
	session->news_len = len;
	pthread_mutex_unlock(&session->lock);
	etcd_wake(etcd);
	return 0;
}

static void take_news(struct etcd_session *session)
{
	pthread_mutex_lock(&session->lock);
	if (session->news_key) {
		free(session->key);
		session->key = session->news_key;
		session->news_key = NULL;
	}
	if (session->news_value) {
		free(session->value);
		session->value = session->news_value;
		session->len = session->news_len;
		session->news_value = NULL;
		session->version++;
	}
	pthread_mutex_unlock(&session->lock);
}

/* ---- states ---- */

static void set_state(struct etcd *etcd, enum kv_session state)
{
	etcd->session.state = state;
	/* etcd counts from when it was asked at the earliest. */
	kv_health_session(&etcd->health, state, etcd->session.renewed_ns + etcd->ttl_s * NS_PER_S);
	if (state == KV_SESSION_HELD)
		kv_health_mended(&etcd->health, KV_PROBLEM_SESSION);
}

static void set_lease(struct etcd *etcd, int64_t lease)
{
	etcd->session.lease = lease;
	etcd->session.placed = false;
	atomic_store(&etcd->session_lease, lease);
}

void etcd_session_lost(struct etcd *etcd)
{
	set_lease(etcd, 0);
	if (etcd->session.key)
		set_state(etcd, KV_SESSION_WAITING);
}

static void held(struct etcd *etcd)
{
	etcd->session.taken_since_ns = 0;
	etcd->session.placed = true;
	set_state(etcd, KV_SESSION_HELD);
}

/* Our own last life's key goes within a TTL of its lease; what stays longer is somebody else's. */
static void taken(struct etcd *etcd)
{
	struct etcd_session *session = &etcd->session;
	uint64_t now_ns = clock_mono_ns();

	session->placed = false;
	if (!session->taken_since_ns)
		session->taken_since_ns = now_ns;
	if (now_ns - session->taken_since_ns <= (etcd->ttl_s + 2) * NS_PER_S) {
		set_state(etcd, KV_SESSION_WAITING);
		return;
	}
	set_state(etcd, KV_SESSION_TAKEN);
	kv_health_problem(&etcd->health, KV_PROBLEM_SESSION,
			  "etcd: %.120s belongs to another server: give each its own server.id",
			  session->key);
}

static void trouble(struct etcd *etcd, const struct reply *reply)
{
	const struct verdict *verdict = verdict_of(reply);

	if (verdict->action == VERDICT_SESSION_LOST)
		etcd_session_lost(etcd);
	else if (!atomic_load(&etcd->stopping))
		kv_health_problem(&etcd->health, KV_PROBLEM_SESSION, "etcd: membership: %.100s%s%s",
				  reply->words, verdict->remedy ? "; " : "",
				  verdict->remedy ? verdict->remedy : "");
	etcd_link_judge(etcd, etcd->session.call.generation, reply);
	etcd_set_timer(etcd, TIMER_SESSION, clock_mono_ns() + RETRY_NS);
}

/* The answer unpacked, or NULL: then whatever went wrong has been seen to. */
static void *open_reply(struct etcd *etcd, const struct reply *reply,
			const ProtobufCMessageDescriptor *type)
{
	void *message = NULL;

	if (reply->status == GRPC_STATUS_OK) {
		kv_arena_reset(etcd->work);
		message = message_unpack(type, reply->message, etcd->work);
	}
	if (!message)
		trouble(etcd, reply);
	return message;
}

static void ask(struct etcd *etcd, enum method method, const ProtobufCMessage *request,
		void (*finished)(struct call *call, const struct reply *reply))
{
	struct etcd_session *session = &etcd->session;

	session->sent_ns = clock_mono_ns();
	session->sent_version = session->version;
	if (etcd_link_call(etcd, &session->call, LANE_TXN, method, etcd->timeout_ms * NS_PER_MS))
		return; /* goes on when the link is back */
	if (call_send(&session->call, message_pack(request), finished))
		etcd_set_timer(etcd, TIMER_SESSION, clock_mono_ns() + RETRY_NS);
}

/* ---- the lease ---- */

static void on_granted(struct call *call, const struct reply *reply)
{
	struct etcd *etcd = of_session(call);
	Etcdserverpb__LeaseGrantResponse *response =
	    open_reply(etcd, reply, &etcdserverpb__lease_grant_response__descriptor);

	if (!response)
		return;
	etcd->session.renewed_ns = etcd->session.sent_ns;
	set_lease(etcd, response->id);
	etcd_session_go(etcd);
}

static void grant(struct etcd *etcd)
{
	Etcdserverpb__LeaseGrantRequest request = ETCDSERVERPB__LEASE_GRANT_REQUEST__INIT;

	request.ttl = etcd->ttl_s;
	ask(etcd, METHOD_LEASE_GRANT, &request.base, on_granted);
}

static void on_kept_alive(struct call *call, const struct reply *reply)
{
	struct etcd *etcd = of_session(call);
	Etcdserverpb__LeaseKeepAliveResponse *response =
	    open_reply(etcd, reply, &etcdserverpb__lease_keep_alive_response__descriptor);

	if (!response)
		return;
	if (response->ttl <= 0)
		etcd_session_lost(etcd);
	else
		etcd->session.renewed_ns = etcd->session.sent_ns;
	if (etcd->session.placed)
		held(etcd);
	etcd_session_go(etcd);
}

/* A stream in etcd's interface; one request, one answer and the end of it serve as well. */
static void keep_alive(struct etcd *etcd)
{
	Etcdserverpb__LeaseKeepAliveRequest request = ETCDSERVERPB__LEASE_KEEP_ALIVE_REQUEST__INIT;

	request.id = etcd->session.lease;
	ask(etcd, METHOD_LEASE_KEEP_ALIVE, &request.base, on_kept_alive);
}

/* ---- the key ---- */

static const Etcdserverpb__KeyValue *found_key(const Etcdserverpb__TxnResponse *response)
{
	const Etcdserverpb__ResponseOp *op = response->n_responses ? response->responses[0] : NULL;

	if (!op || op->response_case != ETCDSERVERPB__RESPONSE_OP__RESPONSE_RESPONSE_RANGE)
		return NULL;
	return op->response_range->n_kvs ? op->response_range->kvs[0] : NULL;
}

/* A failed guard shows whose the key is: nobody's, ours after all, or another server's. */
static void on_put(struct call *call, const struct reply *reply)
{
	struct etcd *etcd = of_session(call);
	struct etcd_session *session = &etcd->session;
	Etcdserverpb__TxnResponse *response =
	    open_reply(etcd, reply, &etcdserverpb__txn_response__descriptor);
	const Etcdserverpb__KeyValue *found;
	uint64_t pause_ns = 0;

	if (!response)
		return;
	found = response->succeeded ? NULL : found_key(response);
	if (response->succeeded) {
		session->stored_version = session->sent_version;
		held(etcd);
	} else if (!found) {
		session->placed = false;
	} else if (found->lease == session->lease) {
		session->stored_version = 0; /* some value of ours: put the current one */
		held(etcd);
	} else {
		taken(etcd);
		pause_ns = RETRY_NS;
	}
	if (pause_ns)
		etcd_set_timer(etcd, TIMER_SESSION, clock_mono_ns() + pause_ns);
	else
		etcd_session_go(etcd);
}

/* Put where it is absent, or replaced where it hangs on our lease: never somebody else's. */
static void put(struct etcd *etcd)
{
	struct etcd_session *session = &etcd->session;
	ProtobufCBinaryData key = {strlen(session->key), (uint8_t *)session->key};
	Etcdserverpb__Compare compare = ETCDSERVERPB__COMPARE__INIT, *compares[] = {&compare};
	Etcdserverpb__PutRequest put_request = ETCDSERVERPB__PUT_REQUEST__INIT;
	Etcdserverpb__RangeRequest range = ETCDSERVERPB__RANGE_REQUEST__INIT;
	Etcdserverpb__RequestOp success = ETCDSERVERPB__REQUEST_OP__INIT, *successes[] = {&success};
	Etcdserverpb__RequestOp failure = ETCDSERVERPB__REQUEST_OP__INIT, *failures[] = {&failure};
	Etcdserverpb__TxnRequest request = ETCDSERVERPB__TXN_REQUEST__INIT;

	compare.key = put_request.key = range.key = key;
	if (session->placed) {
		compare.target = ETCDSERVERPB__COMPARE__COMPARE_TARGET__LEASE;
		compare.target_union_case = ETCDSERVERPB__COMPARE__TARGET_UNION_LEASE;
		compare.lease = session->lease;
	} else {
		compare.target = ETCDSERVERPB__COMPARE__COMPARE_TARGET__CREATE;
		compare.target_union_case = ETCDSERVERPB__COMPARE__TARGET_UNION_CREATE_REVISION;
	}
	put_request.value = (ProtobufCBinaryData){session->len, session->value};
	put_request.lease = session->lease;
	success.request_case = ETCDSERVERPB__REQUEST_OP__REQUEST_REQUEST_PUT;
	success.request_put = &put_request;
	failure.request_case = ETCDSERVERPB__REQUEST_OP__REQUEST_REQUEST_RANGE;
	failure.request_range = &range;
	request.n_compare = request.n_success = request.n_failure = 1;
	request.compare = compares;
	request.success = successes;
	request.failure = failures;
	ask(etcd, METHOD_TXN, &request.base, on_put);
}

/* ---- what is due ---- */

static uint64_t interval_ns(const struct etcd *etcd)
{
	return etcd->ttl_s * NS_PER_S / 3;
}

static void end_now(struct etcd *etcd);

void etcd_session_go(struct etcd *etcd)
{
	struct etcd_session *session = &etcd->session;
	uint64_t now_ns = clock_mono_ns();

	take_news(session);
	if (atomic_load(&session->ending)) {
		end_now(etcd);
		return;
	}
	if (!session->key || session->call.call || atomic_load(&etcd->stopping))
		return;
	if (session->state == KV_SESSION_NONE)
		set_state(etcd, KV_SESSION_WAITING);
	/* It may be gone by now; whether it is, the next keep-alive tells. */
	if (session->state == KV_SESSION_HELD &&
	    now_ns - session->renewed_ns > etcd->ttl_s * NS_PER_S)
		set_state(etcd, KV_SESSION_WAITING);
	etcd_set_timer(etcd, TIMER_SESSION, now_ns + interval_ns(etcd));
	if (!etcd_link_ready(etcd))
		return;
	if (!session->lease)
		grant(etcd);
	else if (now_ns - session->renewed_ns >= interval_ns(etcd))
		keep_alive(etcd);
	else if (!session->placed || session->stored_version != session->version)
		put(etcd);
	else
		etcd_set_timer(etcd, TIMER_SESSION, session->renewed_ns + interval_ns(etcd));
}

static void tell_ended(struct etcd_session *session, int result)
{
	if (session->ended)
		return;
	session->ended = true;
	atomic_store(&session->end_result, result);
	sem_post(&session->end_done);
}

static void on_revoked(struct call *call, const struct reply *reply)
{
	struct etcd *etcd = of_session(call);

	set_state(etcd, KV_SESSION_NONE);
	tell_ended(&etcd->session, reply->status == GRPC_STATUS_OK ? 0 : -ENOTCONN);
}

static void revoke(struct etcd *etcd)
{
	Etcdserverpb__LeaseRevokeRequest request = ETCDSERVERPB__LEASE_REVOKE_REQUEST__INIT;

	etcd->session.revoked = true;
	request.id = etcd->session.lease;
	ask(etcd, METHOD_LEASE_REVOKE, &request.base, on_revoked);
}

/* A call under way comes back first: it may be what makes the key. */
static void end_now(struct etcd *etcd)
{
	struct etcd_session *session = &etcd->session;

	if (session->revoked || session->call.call)
		return;
	if (session->lease && etcd_link_ready(etcd))
		revoke(etcd);
	else
		tell_ended(session, -ENOTCONN);
}

int etcd_session_end(struct etcd *etcd, uint64_t within_ns)
{
	struct etcd_session *session = &etcd->session;
	struct timespec until = clock_deadline(within_ns);

	atomic_store(&session->ending, true);
	etcd_wake(etcd);
	while (sem_clockwait(&session->end_done, CLOCK_MONOTONIC, &until))
		if (errno != EINTR)
			return -errno;
	return atomic_load(&session->end_result);
}

/* Peers learn at once that we leave, instead of a TTL later. */
bool etcd_session_stop(struct etcd *etcd)
{
	struct etcd_session *session = &etcd->session;

	if (session->call.call) {
		if (!session->revoked)
			call_cancel(&session->call);
		return false;
	}
	if (session->revoked || !session->lease || !etcd_link_ready(etcd))
		return true;
	revoke(etcd);
	return !session->call.call;
}
