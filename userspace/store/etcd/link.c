/* SPDX-License-Identifier: MIT */
/* Which endpoint is used, and whether it can be: see etcd.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <grpc/slice.h>

#include "base/hash.h"
#include "etcd.pb-c.h"
#include "store/etcd/etcd.h"
#include "store/etcd/verdict.h"

#define CONNECT_MIN_MS 250
#define CONNECT_MAX_MS 5000
/* A link that ends sooner was none: the pauses go on growing. */
#define PROVEN_NS (5 * NS_PER_S)
/* So many transactions in a row without an answer, and another endpoint may do better. */
#define TIMEOUTS_TO_GO 3

static struct etcd *of_link(struct call *call)
{
	return container_of(call, struct etcd, link.call);
}

static uint32_t connect_ms(const struct etcd *etcd)
{
	uint32_t ms = etcd->timeout_ms / 2;

	if (ms < CONNECT_MIN_MS)
		return CONNECT_MIN_MS;
	return ms > CONNECT_MAX_MS ? CONNECT_MAX_MS : ms;
}

void etcd_link_init(struct etcd *etcd)
{
	pthread_mutex_init(&etcd->link.lock, NULL);
	etcd->link.token = grpc_empty_slice();
	etcd->link.dice = hash_random_seed();
}

void etcd_link_fini(struct etcd *etcd)
{
	pthread_mutex_destroy(&etcd->link.lock);
}

bool etcd_link_ready(struct etcd *etcd)
{
	return etcd->link.state == LINK_READY;
}

static void set_token(struct etcd_link *link, grpc_slice token)
{
	pthread_mutex_lock(&link->lock);
	grpc_slice_unref(link->token);
	link->token = token;
	pthread_mutex_unlock(&link->lock);
}

static void set_down(struct etcd_link *link)
{
	pthread_mutex_lock(&link->lock);
	link->state = LINK_DOWN;
	channels_close(&link->channels);
	pthread_mutex_unlock(&link->lock);
}

/* ---- giving up, trying again ---- */

static void report(struct etcd *etcd, const char *remedy)
{
	kv_health_problem(&etcd->health, KV_PROBLEM_LINK, "etcd: %.80s: %.100s; %s",
			  etcd->endpoints[etcd->link.endpoint].url, etcd->link.error,
			  remedy ? remedy : "check that etcd runs there, and store.etcd.endpoints");
}

/* Every endpoint gets its turn at once; after a round of failures there is a pause. */
static void schedule(struct etcd *etcd)
{
	struct etcd_link *link = &etcd->link;
	uint64_t pause_ns = 0;

	if (link->failures > 0 && link->failures % etcd->n_endpoints == 0)
		pause_ns = etcd_backoff_ns(etcd, link->failures / (unsigned)etcd->n_endpoints);
	if (!atomic_load(&etcd->stopping))
		etcd_set_timer(etcd, TIMER_LINK, clock_mono_ns() + pause_ns);
}

/* gRPC says at length that all addresses of one failed, and only then why. */
static const char *essence(const char *words)
{
	static const char before[] = "last error: ";
	const char *reason = strstr(words, before);

	return reason ? reason + sizeof(before) - 1 : words;
}

static void attempt_failed(struct etcd *etcd, const char *words, const char *remedy)
{
	struct etcd_link *link = &etcd->link;

	snprintf(link->error, sizeof(link->error), "%s", essence(words));
	link->failures++;
	if (link->failures >= etcd->n_endpoints && !atomic_load(&etcd->stopping))
		report(etcd, remedy);
	set_down(link);
	link->endpoint = (link->endpoint + 1) % etcd->n_endpoints;
	schedule(etcd);
}

static void attempt_refused(struct etcd *etcd, const struct reply *reply)
{
	attempt_failed(etcd, reply->words, verdict_of(reply)->remedy);
}

void etcd_link_drop(struct etcd *etcd, uint64_t generation, bool leave, const char *why)
{
	struct etcd_link *link = &etcd->link;

	if (link->state != LINK_READY || link->generation != generation)
		return;
	log_warn("etcd connection given up", F_STR("endpoint", etcd->endpoints[link->endpoint].url),
		 F_STR("reason", why));
	snprintf(link->error, sizeof(link->error), "%s", why);
	set_down(link);
	kv_health_connected(&etcd->health, false);
	if (clock_mono_ns() - link->ready_since_ns >= PROVEN_NS)
		link->failures = 0;
	else
		link->failures++;
	if (leave)
		link->endpoint = (link->endpoint + 1) % etcd->n_endpoints;
	schedule(etcd);
	etcd_mirror_unlinked(etcd);
}

void etcd_link_judge(struct etcd *etcd, uint64_t generation, const struct reply *reply)
{
	const struct verdict *verdict;

	if (generation != etcd->link.generation)
		return;
	if (reply->status == GRPC_STATUS_OK) {
		etcd->link.timeouts = 0;
		return;
	}
	verdict = verdict_of(reply);
	if (verdict->action == VERDICT_AUTHENTICATE)
		etcd_link_drop(etcd, generation, false, reply->words);
	else if (verdict->leave)
		etcd_link_drop(etcd, generation, true, reply->words);
	else if (verdict->error == -ETIMEDOUT && ++etcd->link.timeouts >= TIMEOUTS_TO_GO)
		etcd_link_drop(etcd, generation, true, "no answers");
}

/* ---- connecting ---- */

static void ready(struct etcd *etcd)
{
	struct etcd_link *link = &etcd->link;

	pthread_mutex_lock(&link->lock);
	link->state = LINK_READY;
	pthread_mutex_unlock(&link->lock);
	link->timeouts = 0;
	link->ready_since_ns = clock_mono_ns();
	kv_health_mended(&etcd->health, KV_PROBLEM_LINK);
	kv_health_connected(&etcd->health, true);
	if (link->was_ready)
		kv_health_reconnected(&etcd->health);
	link->was_ready = true;
	log_info("connected to etcd", F_STR("endpoint", etcd->endpoints[link->endpoint].url));
	etcd_commit_pump(etcd);
	etcd_mirror_go(etcd);
	etcd_session_go(etcd);
}

static void on_probed(struct call *call, const struct reply *reply)
{
	struct etcd *etcd = of_link(call);
	Etcdserverpb__RangeResponse *response;

	if (reply->status != GRPC_STATUS_OK) {
		attempt_refused(etcd, reply);
		return;
	}
	kv_arena_reset(etcd->work);
	response = (Etcdserverpb__RangeResponse *)message_unpack(
	    &etcdserverpb__range_response__descriptor, reply->message, etcd->work);
	if (!response || !response->header) {
		attempt_failed(etcd, "its answer is not etcd's", NULL);
		return;
	}
	if (response->header->revision < etcd->link.seen)
		etcd_mirror_back(etcd, response->header->revision);
	kv_health_contact(&etcd->health, response->header->revision);
	ready(etcd);
}

/* Before the link is ready nobody else uses its channels. */
static void send_own(struct etcd *etcd, enum method method, const ProtobufCMessage *request,
		     void (*finished)(struct call *call, const struct reply *reply))
{
	struct etcd_link *link = &etcd->link;

	link->call.call = channels_call(&link->channels, LANE_TXN, method, etcd->cq,
					connect_ms(etcd) * NS_PER_MS);
	link->call.generation = link->generation;
	link->call.token =
	    method == METHOD_AUTHENTICATE ? grpc_empty_slice() : grpc_slice_ref(link->token);
	if (call_send(&link->call, message_pack(request), finished))
		attempt_failed(etcd, "gRPC refused the call", NULL);
}

/* One key, linearizable: costs next to nothing, and only a member with a quorum answers. */
static void probe(struct etcd *etcd)
{
	Etcdserverpb__RangeRequest request = ETCDSERVERPB__RANGE_REQUEST__INIT;
	struct kv_status status;

	kv_health_read(&etcd->health, &status);
	etcd->link.seen = status.revision;
	request.key = (ProtobufCBinaryData){etcd->prefix_len, (uint8_t *)etcd->prefix};
	request.keys_only = true;
	send_own(etcd, METHOD_RANGE, &request.base, on_probed);
}

static void take_token(struct etcd *etcd, const struct reply *reply)
{
	Etcdserverpb__AuthenticateResponse *response;

	kv_arena_reset(etcd->work);
	response = (Etcdserverpb__AuthenticateResponse *)message_unpack(
	    &etcdserverpb__authenticate_response__descriptor, reply->message, etcd->work);
	if (!response) {
		attempt_failed(etcd, "its answer is not etcd's", NULL);
		return;
	}
	set_token(&etcd->link, grpc_slice_from_copied_string(response->token));
	probe(etcd);
}

static void on_authenticated(struct call *call, const struct reply *reply)
{
	struct etcd *etcd = of_link(call);

	if (reply->status == GRPC_STATUS_OK) {
		take_token(etcd, reply);
	} else if (reply->status == GRPC_STATUS_FAILED_PRECONDITION &&
		   strstr(reply->words, "authentication is not enabled")) {
		set_token(&etcd->link, grpc_empty_slice());
		probe(etcd);
	} else {
		attempt_refused(etcd, reply);
	}
}

static void authenticate(struct etcd *etcd)
{
	Etcdserverpb__AuthenticateRequest request;
	struct config_error error;
	char *password = secrets_password(&etcd->secrets, &error);

	if (!password) {
		attempt_failed(etcd, error.text, "correct that");
		return;
	}
	etcdserverpb__authenticate_request__init(&request);
	request.name = etcd->secrets.user;
	request.password = password;
	send_own(etcd, METHOD_AUTHENTICATE, &request.base, on_authenticated);
	explicit_bzero(password, strlen(password));
	free(password);
}

void etcd_link_connect(struct etcd *etcd)
{
	struct etcd_link *link = &etcd->link;
	struct channels channels = {0};
	struct config_error error;
	int rc;

	if (link->state != LINK_DOWN || link->call.call)
		return;
	rc = channels_open(&channels, &etcd->endpoints[link->endpoint], &etcd->secrets,
			   connect_ms(etcd), &error);
	pthread_mutex_lock(&link->lock);
	link->state = LINK_CONNECTING;
	link->generation++;
	link->channels = channels;
	pthread_mutex_unlock(&link->lock);
	if (rc)
		attempt_failed(etcd, error.text, "correct that");
	else if (etcd->secrets.user)
		authenticate(etcd);
	else
		probe(etcd);
}

bool etcd_link_stop(struct etcd *etcd)
{
	struct etcd_link *link = &etcd->link;

	call_cancel(&link->call);
	if (link->call.call)
		return false;
	set_down(link);
	set_token(link, grpc_empty_slice());
	return true;
}

/* ---- using it ---- */

static int take(struct etcd *etcd, enum lane lane, enum method method, uint64_t timeout_ns,
		grpc_call **call, grpc_slice *token, uint64_t *generation)
{
	struct etcd_link *link = &etcd->link;
	int rc = -ENOTCONN;

	pthread_mutex_lock(&link->lock);
	if (link->state == LINK_READY) {
		*call = channels_call(&link->channels, lane, method, etcd->cq, timeout_ns);
		*token = grpc_slice_ref(link->token);
		*generation = link->generation;
		rc = 0;
	}
	pthread_mutex_unlock(&link->lock);
	return rc;
}

int etcd_link_call(struct etcd *etcd, struct call *call, enum lane lane, enum method method,
		   uint64_t timeout_ns)
{
	return take(etcd, lane, method, timeout_ns, &call->call, &call->token, &call->generation);
}

int etcd_link_stream(struct etcd *etcd, struct stream *stream, enum method method)
{
	return take(etcd, LANE_MIRROR, method, 0, &stream->call, &stream->token,
		    &stream->generation);
}
