/* SPDX-License-Identifier: MIT */
/*
 * Who is alive and what time it is, for the store thread: what the mirror says of servers/ and clock goes into
 * members.h and mark.h, what follows goes to the clock, to the allocator and to the workers' share. Rule 7 is carried
 * out here; docs/architecture.md, "Time is an interval", proves it.
 */
#include "store/internal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"

#define JUDGE_EVERY_NS (100 * NS_PER_MS)
#define VIEW_EVERY_NS  (1 * NS_PER_S)
/* A commit's margin, and how long a server that lost its registration may take to notice. */
#define CARRY_MARGIN_S 60

static int64_t wall_ns(const struct store *store)
{
	return clock_wall_ns(store->clock);
}

/* ---- life ---- */

/* A share and what its deferred release needs. */
struct share_box {
	struct retired retired;
	struct share share;
};

static struct share_box *current_box(struct store *store)
{
	const struct share *share = share_read(&store->share);

	/* Made by publish_share: const is for the readers. */
	return share ? container_of((struct share *)(uintptr_t)share, struct share_box, share) :
		       NULL;
}

/* Readers of the former one may go on until their next quiescent state. */
static bool publish_share(struct store *store)
{
	struct membership *m = &store->membership;
	struct share_box *former = current_box(store);
	struct share_box *box = memory_alloc(&m->memory, sizeof(*box));
	const char *ids[MEMBERS_MAX + 1];

	if (!box)
		return false;
	box->share.n_members = (uint32_t)members_serving(&m->members, ids);
	members_share(&m->members, box->share.own);
	m->buckets = 0;
	for (size_t i = 0; i < ARRAY_SIZE(box->share.own); i++)
		m->buckets += (unsigned)__builtin_popcountll(box->share.own[i]);
	m->news = true;
	atomic_store_explicit(&store->share.now, &box->share, memory_order_release);
	memory_retire(&m->memory, former ? &former->retired : NULL, sizeof(*former));
	return true;
}

static void show_member(const struct member *member, int64_t now_ns, struct store_member *out)
{
	*out = (struct store_member){.started_s = member->value.started_s};
	memcpy(out->id, member->id, sizeof(out->id));
	memcpy(out->version, member->value.version, sizeof(out->version));
	out->stamped = members_offset(member, now_ns, &out->lower_ns, &out->upper_ns);
	out->disagreement_ns = member->disagrees ? members_disagreement(member, now_ns) : 0;
}

static_assert(STORE_MEMBERS_MAX == MEMBERS_MAX + 1, "all members, and ourselves");

/* Once a second, and at once when there is news. */
static void update_view(struct store *store)
{
	struct membership *m = &store->membership;
	struct store_membership *view = &m->view;
	int64_t now_ns = wall_ns(store);
	size_t n = 1;

	m->news = false;
	pthread_mutex_lock(&m->lock);
	view->member[0] = (struct store_member){
		.version = ETCDHCP_VERSION, .started_s = m->started_s, .stamped = true};
	memcpy(view->member[0].id, m->members.self, sizeof(m->members.self));
	for (size_t i = 0; i < m->members.n_live; i++)
		if (strcmp(m->members.live[i].id, m->members.self))
			show_member(&m->members.live[i], now_ns, &view->member[n++]);
	view->n_members = n;
	view->n_carried = m->members.n_former;
	view->buckets = m->buckets;
	view->registered = m->registered;
	view->taken = m->said_taken;
	view->mark_behind_ns = m->mark_behind_ns;
	view->behind_ns = m->behind_ns;
	view->ahead_ns = m->ahead_ns;
	view->step_ns = m->step_ns;
	pthread_mutex_unlock(&m->lock);
}

int membership_init(struct store *store, const struct config *config)
{
	struct membership *m = &store->membership;

	members_init(&m->members, config->server.id, hash_random_seed(),
		     (int64_t)(config->store.ttl_s * NS_PER_S));
	m->started_s = wall_ns(store) / (int64_t)NS_PER_S;
	m->carry_ns = INT64_MAX; /* until networks are known */
	m->tolerance_ns = (int64_t)(config->server.clock_tolerance_s * NS_PER_S);
	m->registered = store->ops->sole_writer;
	m->registered_until_ns = m->registered ? UINT64_MAX : 0;
	snprintf(m->view.key, sizeof(m->view.key), "%sservers/%s",
		 config->store.prefix ? config->store.prefix : "", config->server.id);
	pthread_mutex_init(&m->lock, NULL);
	/* Renewals would be answered from the table before the mark is known. */
	clock_set_peers(store->clock, CLOCK_UNKNOWN_NS, CLOCK_UNKNOWN_NS);
	m->taken_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (m->taken_fd < 0)
		return -errno;
	if (!publish_share(store))
		return -ENOMEM;
	update_view(store);
	return 0;
}

void membership_fini(struct store *store)
{
	struct membership *m = &store->membership;
	struct share_box *box = current_box(store);

	memory_release(&m->memory, box ? &box->retired : NULL, sizeof(*box));
	if (m->taken_fd > 0)
		close(m->taken_fd);
	pthread_mutex_destroy(&m->lock);
}

/* Every hold that was or will be committed under this configuration is over after that; it never shrinks. */
void membership_configure(struct store *store, const struct config *config)
{
	struct membership *m = &store->membership;
	int64_t longest_s = 0;

	m->tolerance_ns = (int64_t)(config->server.clock_tolerance_s * NS_PER_S);
	for (size_t i = 0; i < config->n_networks; i++) {
		const struct config_times *times = &config->networks[i].times;
		longest_s = max_i64(longest_s,
				    (int64_t)lease_percent(times->horizon_pct, times->max_s));
	}
	if (!longest_s)
		return;
	longest_s += config->store.ttl_s + CARRY_MARGIN_S;
	if (m->carry_ns == INT64_MAX)
		m->carry_ns = 0;
	m->carry_ns = max_i64(m->carry_ns, longest_s * (int64_t)NS_PER_S);
}

/* ---- what we publish ---- */

static size_t publication(const struct store *store, char value[MEMBER_VALUE_MAX])
{
	const struct membership *m = &store->membership;
	struct member_value own = {
		.version = ETCDHCP_VERSION,
		.started_s = m->started_s,
		.instance = m->members.instance,
		.seen = store->seen_revision,
		.idle = !m->known || atomic_load_explicit(&store->astray, memory_order_relaxed),
		.clock_ns = wall_ns(store),
	};

	return member_value_write(&own, value);
}

void membership_join(struct store *store)
{
	char key[sizeof("servers/") + sizeof(store->server_id)], value[MEMBER_VALUE_MAX];
	size_t len = publication(store, value);

	snprintf(key, sizeof(key), "servers/%s", store->server_id);
	if (store->ops->session_start(store->kv, key, (const uint8_t *)value, len))
		log_error("not registered among the servers: out of memory", F_STR("key", key));
}

/* Three times a TTL, and at once for one who is new and waits for an echo, or when we begin to serve. */
static void publish_clock(struct store *store)
{
	struct membership *m = &store->membership;
	char value[MEMBER_VALUE_MAX];

	if (store->ops->sole_writer || (!m->joined && store->now.mono_ns < m->publish_at_ns))
		return;
	m->joined = false;
	m->publish_at_ns = store->now.mono_ns + (uint64_t)m->members.ttl_ns / 3;
	store->ops->session_update(store->kv, (const uint8_t *)value, publication(store, value));
}

/* ---- what others publish ---- */

/* @p value NULL: it has none any more. */
static void say_member(struct store *store, const char *what, const char *id,
		       const struct member_value *value)
{
	uint64_t now = members_count(&store->membership.members);

	if (!strcmp(id, store->membership.members.self))
		return; /* a former life, or a twin: see judge_twin */
	if (value)
		log_info(what, F_STR("server", id), F_STR("version", value->version),
			 F_U64("servers_now", now));
	else
		log_info(what, F_STR("server", id), F_U64("servers_now", now));
}

bool membership_see(struct store *store, const struct kv_event *event, struct span id)
{
	struct membership *m = &store->membership;
	struct member_value value = {.version = ""};
	char name[64] = "";
	int news;

	memcpy(name, id.data, min_size(id.len, sizeof(name) - 1));
	if (event->type == KV_EVENT_REMOVE) {
		news = (int)members_remove(&m->members, id, event->revision, wall_ns(store));
	} else {
		news = members_put(&m->members, id, event->value, event->revision, !m->loading,
				   wall_ns(store));
		if (news < 0)
			return false;
		member_value_parse(event->value, &value);
		/* What has been seen was there before what tells of it; but who is astray itself is no witness. */
		if (value.seen >= event->revision && !value.idle)
			store_go_astray(store, event->revision, value.seen);
	}
	switch (news) {
	case MEMBERS_JOINED:
		say_member(store, "server joined", name, &value);
		break;
	case MEMBERS_RETURNED:
		say_member(store, "server is back: it was restarted, or its clock jumped", name, &value);
		break;
	case MEMBERS_LEFT:
		say_member(store, "server left", name, NULL);
		break;
	case MEMBERS_TURNED:
		m->changed = true;
		return true;
	case MEMBERS_FULL:
		log_error("too many servers: this one is not counted", F_STR("server", name),
			  F_U64("at_most", MEMBERS_MAX));
		return true;
	default:
		return true;
	}
	m->changed = m->news = true;
	m->joined = m->joined || news != MEMBERS_LEFT;
	return true;
}

void membership_begin_load(struct store *store)
{
	store->membership.loading = true;
	members_begin_load(&store->membership.members);
	mark_begin_load(&store->membership.mark);
}

/* ---- registration ---- */

static void since_text(int64_t started_s, char *out, size_t cap)
{
	time_t t = (time_t)started_s;
	struct tm tm;

	if (!started_s || !gmtime_r(&t, &tm) || !strftime(out, cap, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(out, cap, "an unknown time");
}

#define TWIN_REMEDY "give each server a server.id of its own, or stop the other one"

/* Never registered: it must not run at all. Later it goes on, for nobody's promise depends on its name. */
static void refuse(struct store *store, const struct member *twin)
{
	struct membership *m = &store->membership;
	char since[32];

	since_text(twin ? twin->value.started_s : 0, since, sizeof(since));
	pthread_mutex_lock(&m->lock);
	snprintf(m->refusal, sizeof(m->refusal),
		 "%.160s is held by another server since %.31s; " TWIN_REMEDY, m->view.key, since);
	pthread_mutex_unlock(&m->lock);
	eventfd_write(m->taken_fd, 1);
}

static void say_taken(struct store *store, const struct member *twin)
{
	char since[32];

	since_text(twin ? twin->value.started_s : 0, since, sizeof(since));
	log_error("another server has taken this server's id; both serve on, but addresses that "
		  "are over stay unused by this one; " TWIN_REMEDY,
		  F_STR("key", store->membership.view.key), F_STR("since", since));
}

/*
 * The key of a former life of ours goes when its lease runs out (a TTL, or more where etcd has a new leader), silently. A
 * twin speaks within a third of that; one that never does, being of another version, is known by how long it stays.
 */
static void judge_twin(struct store *store, const struct kv_status *status)
{
	struct membership *m = &store->membership;
	const struct member *twin = members_twin(&m->members);
	bool taken = twin && (m->members.twin_spoke ||
			      (!twin->stamped && status->session == KV_SESSION_TAKEN));

	if (taken && !m->said_taken && !m->was_registered)
		refuse(store, twin);
	else if (taken && !m->said_taken)
		say_taken(store, twin);
	else if (!taken && m->said_taken)
		log_info("this server's id is its own again", F_STR("key", m->view.key));
	m->news = m->news || taken != m->said_taken;
	m->said_taken = taken;
}

/* H counts from here: who began while our key was not there, and is cut off, need not know us. */
static void begin_again(struct membership *m, int64_t now_ns)
{
	mark_begin_again(&m->mark, now_ns);
	members_begin_again(&m->members, now_ns);
}

/*
 * For certain: the key stands as we know from the mirror, which by then has shown all who were before us, and etcd will
 * not have dropped it by the time that what we are about to ask has been done.
 */
static void judge_registration(struct store *store)
{
	struct membership *m = &store->membership;
	uint64_t margin_ns = (uint64_t)m->members.ttl_ns / 3;
	struct kv_status status;

	if (store->ops->sole_writer)
		return;
	store->ops->status(store->kv, &status);
	m->registered_until_ns = 0;
	if (m->members.present && status.session_until_ns > margin_ns)
		m->registered_until_ns = status.session_until_ns - margin_ns;
	m->registered = store->now.mono_ns < m->registered_until_ns;
	if (m->registered && !m->was_registered)
		log_info("registered among the servers", F_STR("key", m->view.key));
	m->was_registered = m->was_registered || m->registered;
	if (m->registered && m->members.anew)
		begin_again(m, wall_ns(store));
	judge_twin(store, &status);
}

/* ---- time ---- */

static double seconds(int64_t ns)
{
	return (double)ns / (double)NS_PER_S;
}

static void say_behind(struct membership *m, int64_t behind_ns)
{
	bool behind = behind_ns > 0;

	m->news = m->news || behind != m->said_behind;
	if (behind && !m->said_behind)
		log_error("this server's clock is behind what the store has already seen: nobody is served, or "
			  "promises would last too long; correct the clock and restart. If this clock is right "
			  "and another one was ahead, see --trust-clock in etcdhcpd(8)",
			  F_F64("behind_s", seconds(behind_ns)),
			  F_F64("tolerance_s", seconds(m->tolerance_ns)));
	else if (!behind && m->said_behind)
		log_info("this server's clock is no longer behind what the store has seen; serving");
	m->said_behind = behind;
}

/*
 * The known clocks' bounds into this server's. What is gone is forgotten only while registered: a server that has been cut
 * off renews by what it knew, and others cannot know of it but by what they knew.
 */
static void judge_time(struct store *store)
{
	struct membership *m = &store->membership;
	int64_t now_ns = wall_ns(store), carry_ns = m->registered ? m->carry_ns : INT64_MAX;
	int64_t lower_ns, upper_ns, behind_ns;

	if (!m->mark.first_ns)
		return; /* nothing is loaded yet */
	members_forget(&m->members, carry_ns, now_ns);
	members_bounds(&m->members, now_ns, &lower_ns, &upper_ns);
	behind_ns = mark_behind(&m->mark, upper_ns, m->tolerance_ns, now_ns);
	mark_widen(&m->mark, carry_ns, now_ns, &lower_ns, &upper_ns);
	m->joined = m->joined || m->known != (behind_ns == 0);
	m->known = behind_ns == 0;
	m->mark_behind_ns = behind_ns;
	m->behind_ns = -lower_ns;
	m->ahead_ns = upper_ns;
	clock_set_peers(store->clock, -lower_ns, m->known ? upper_ns : CLOCK_UNKNOWN_NS);
	store->now = membership_now(store);
	say_behind(m, behind_ns);
	membership_write_mark(store, now_ns + lower_ns);
}

void membership_end_load(struct store *store)
{
	struct membership *m = &store->membership;
	int64_t now_ns = wall_ns(store);
	struct member left;

	m->loading = false;
	while (members_end_load(&m->members, now_ns, &left)) {
		say_member(store, "server left", left.id, NULL);
		m->changed = true;
	}
	mark_end_load(&m->mark, now_ns);
	if (m->trust_clock)
		mark_forget(&m->mark);
	m->trust_clock = false; /* once */
	judge_time(store); /* at once: workers wait for it */
}

/* While we are not registered nobody need know us: what is before the mark alone is over for all. */
struct moment membership_now(const struct store *store)
{
	const struct membership *m = &store->membership;
	struct moment now = clock_read(store->clock);

	/* Looked at here and not in the last judgement: this process may have been stopped since. */
	if (now.mono_ns >= m->registered_until_ns)
		now.earliest_s = min_i64(now.earliest_s, m->mark.value_ns / (int64_t)NS_PER_S);
	return now;
}

static void judge_step(struct store *store)
{
	struct membership *m = &store->membership;
	int64_t step_ns = clock_step_ns(store->clock);
	bool stepped = step_ns > m->tolerance_ns || step_ns < -m->tolerance_ns;

	if (stepped && !m->said_step)
		log_warn("the system clock was stepped; this server goes on by the clock it had at start. If the new "
			 "time is the right one, restart it",
			 F_F64("step_s", seconds(step_ns)));
	else if (!stepped && m->said_step)
		log_info("the system clock agrees again with this server's");
	m->said_step = stepped;
	m->step_ns = stepped ? step_ns : 0;
}

static void judge_disagreement(struct membership *m, struct member *member, int64_t now_ns)
{
	int64_t off_ns = members_disagreement(member, now_ns);
	bool disagrees = off_ns > m->tolerance_ns || off_ns < -m->tolerance_ns;

	if (disagrees && !member->disagrees)
		log_warn("servers' clocks disagree: leases stay safe, but addresses come back later; correct "
			 "the clock that is wrong and restart its server",
			 F_STR("server", member->id), F_F64("ahead_s", seconds(off_ns)));
	else if (!disagrees && member->disagrees)
		log_info("servers' clocks agree again", F_STR("server", member->id));
	m->news = m->news || disagrees != member->disagrees;
	member->disagrees = disagrees;
}

/* ---- what others see ---- */

void store_membership(struct store *store, struct store_membership *out)
{
	struct membership *m = &store->membership;

	pthread_mutex_lock(&m->lock);
	*out = m->view;
	pthread_mutex_unlock(&m->lock);
}

void store_trust_clock(struct store *store)
{
	store->membership.trust_clock = true;
}

int store_refused_fd(const struct store *store)
{
	return store->membership.taken_fd;
}

void store_refusal(struct store *store, char *out, size_t cap)
{
	struct membership *m = &store->membership;

	pthread_mutex_lock(&m->lock);
	snprintf(out, cap, "%s", m->refusal);
	pthread_mutex_unlock(&m->lock);
}

const struct share_place *store_share(const struct store *store)
{
	return &store->share;
}

/* ---- in turn ---- */

static void divide(struct store *store)
{
	struct membership *m = &store->membership;
	const char *ids[MEMBERS_MAX + 1];
	size_t n;

	if (!m->changed)
		return;
	n = members_serving(&m->members, ids);
	m->changed = allocator_set_members(store->table, ids, n, m->members.self) ||
		     !publish_share(store);
	if (m->changed) /* tried again by the tick */
		log_error("the work is not divided anew among the servers: out of memory");
}

void membership_follow(struct store *store)
{
	struct membership *m = &store->membership;

	if (!atomic_load_explicit(&store->loaded, memory_order_relaxed))
		return;
	divide(store);
	judge_registration(store);
	judge_time(store);
	publish_clock(store);
	for (size_t i = 0; i < m->members.n_live; i++)
		judge_disagreement(m, &m->members.live[i], wall_ns(store));
	if (m->news)
		update_view(store);
}

void membership_tick(struct store *store)
{
	struct membership *m = &store->membership;

	if (store->now.mono_ns < m->judge_at_ns)
		return;
	m->judge_at_ns = store->now.mono_ns + JUDGE_EVERY_NS;
	membership_follow(store);
	if (store->now.mono_ns < m->view_at_ns)
		return;
	m->view_at_ns = store->now.mono_ns + VIEW_EVERY_NS;
	judge_step(store);
	update_view(store);
}
