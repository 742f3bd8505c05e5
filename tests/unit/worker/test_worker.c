/* SPDX-License-Identifier: MIT */
/* A worker over a port made of memory: frames go in, frames come out, and every one is accounted for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <urcu/urcu-qsbr.h>

#include "base/thread.h"
#include "config/load.h"
#include "net/checksum.h"
#include "worker/internal.h"

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define SERVER     IP(10, 6, 0, 1)
#define FIRST      IP(10, 6, 0, 10)
#define FRAMES     256
#define FRAME_SIZE 2048
#define PENDING    32

static const char text[] = "server: {interfaces: [{name: eth1}], pending-max: %d}\n"
			   "store: {embedded: {path: %s}}\n"
			   "networks:\n"
			   "  - name: campus\n"
			   "    lease-time: 1000\n"
			   "    subnets:\n"
			   "      - {subnet: 10.6.0.0/24, pools: [10.6.0.10-10.6.0.209]}\n";

/* ---- a port made of memory ---- */

struct memory_port {
	struct port port; /* first */
	pthread_mutex_t lock;
	uint8_t memory[FRAMES][FRAME_SIZE];
	uint32_t len[FRAMES];
	bool arriving[FRAMES], lent[FRAMES];
	unsigned sent, dropped, strays;
	uint8_t last[FRAME_SIZE];
	uint32_t last_len;
	_Atomic unsigned held_up_s; /* what the process is stopped for before it receives, once */
	_Atomic int64_t received_s; /* when the last frame was handed out, by the wall clock */
};

static int64_t wall_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

static size_t memory_receive(struct port *port, struct frame *frames, size_t max)
{
	struct memory_port *p = (struct memory_port *)port;
	uint64_t value;
	size_t n = 0;

	sleep(atomic_exchange(&p->held_up_s, 0));
	atomic_store(&p->received_s, wall_s());
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < FRAMES && n < max; i++) {
		if (!p->arriving[i])
			continue;
		p->arriving[i] = false;
		p->lent[i] = true;
		frames[n++] = (struct frame){.data = p->memory[i], .len = p->len[i],
					     .cap = FRAME_SIZE, .handle = i, .port = port};
	}
	if (!n && read(port->fd, &value, sizeof(value)) < 0)
		value = 0;
	port->emptied = n < max;
	pthread_mutex_unlock(&p->lock);
	return n;
}

static void take_back(struct memory_port *p, const struct frame *frame)
{
	if (frame->handle >= FRAMES || !p->lent[frame->handle])
		p->strays++;
	else
		p->lent[frame->handle] = false;
}

static void memory_send(struct port *port, const struct frame *frames, size_t n)
{
	struct memory_port *p = (struct memory_port *)port;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < n; i++) {
		memcpy(p->last, frames[i].data, frames[i].len);
		p->last_len = frames[i].len;
		take_back(p, &frames[i]);
		p->sent++;
	}
	pthread_mutex_unlock(&p->lock);
}

static void memory_drop(struct port *port, const struct frame *frames, size_t n)
{
	struct memory_port *p = (struct memory_port *)port;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < n; i++, p->dropped++)
		take_back(p, &frames[i]);
	pthread_mutex_unlock(&p->lock);
}

static void memory_flush(struct port *port)
{
}

static void memory_close(struct port *port)
{
}

static size_t memory_take(struct port *port, struct frame *frames, size_t max)
{
	struct memory_port *p = (struct memory_port *)port;
	size_t n = 0;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < FRAMES && n < max; i++) {
		if (p->arriving[i] || p->lent[i])
			continue;
		p->lent[i] = true;
		frames[n++] = (struct frame){
			.data = p->memory[i], .cap = FRAME_SIZE, .handle = i, .port = port};
	}
	pthread_mutex_unlock(&p->lock);
	return n;
}

static const struct port_ops memory_ops = {
	.receive = memory_receive,
	.send = memory_send,
	.drop = memory_drop,
	.flush = memory_flush,
	.close = memory_close,
};

static const struct port_ops lending_ops = {
	.receive = memory_receive,
	.send = memory_send,
	.drop = memory_drop,
	.flush = memory_flush,
	.close = memory_close,
	.take = memory_take,
};

/* ---- a server around it ---- */

struct fixture {
	char directory[32];
	struct config *config;
	struct clock clock;
	struct store *store;
	struct lease_net *net;
	struct server_interface interface;
	struct server_view view;
	struct share_place share;
	struct worker_world world;
	struct memory_port *port;
	struct worker *worker;
	bool by_hand; /* the worker's thread does not run, the test does its work */
};

static void make_config(struct fixture *f)
{
	char yaml[1024];
	struct config_source source = {.name = "test.yaml", .text = yaml};
	struct config_error error;

	strcpy(f->directory, "/tmp/etcdhcp-worker-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	source.len = (size_t)snprintf(yaml, sizeof(yaml), text, PENDING, f->directory);
	f->config = config_parse(&source, NULL, CONFIG_MEMORY_MAX, &error);
	if (!f->config)
		fail_msg("%s", error.text);
}

static void start_store(struct fixture *f)
{
	struct config_error error;
	struct store_view view = {0};

	clock_init(&f->clock, 0);
	f->store = store_new(f->config, &f->clock, 1, &error);
	assert_non_null(f->store);
	assert_int_equal(store_start(f->store, THREAD_ANY_CPU), 0);
	assert_int_equal(store_configure(f->store, f->config, &f->net), 0);
	for (int i = 0; i < 30000 && !(view.loaded && view.connected); i++) {
		usleep(1000);
		store_view(f->store, &view);
	}
	assert_true(view.loaded && view.connected);
}

static const struct share alone = {.n_members = 1};

static int set_up_with(void **state, const struct port_ops *ops, bool by_hand)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct worker_port port;

	f->by_hand = by_hand;
	make_config(f);
	start_store(f);
	f->port = calloc(1, sizeof(*f->port));
	pthread_mutex_init(&f->port->lock, NULL);
	f->port->port.ops = ops;
	f->port->port.kind = PORT_XDP_COPY;
	f->port->port.fd = eventfd(0, EFD_NONBLOCK);
	f->port->port.mtu = 1500;
	f->interface = (struct server_interface){"eth1", 1500, 1, {SERVER}};
	f->view = (struct server_view){f->config, &f->net, &f->interface, 1, &f->share};
	atomic_store(&f->share.now, &alone);
	atomic_store(&f->world.view, &f->view);
	port = (struct worker_port){&f->port->port, 0};
	f->worker = worker_new(&(struct worker_options){
		.cpu = THREAD_ANY_CPU,
		.ports = &port,
		.n_ports = 1,
		.pending_max = PENDING,
		.world = &f->world,
		.store = f->store,
		.clock = &f->clock,
	});
	if (!by_hand)
		assert_int_equal(worker_start(f->worker), 0);
	*state = f;
	return 0;
}

static int set_up(void **state)
{
	return set_up_with(state, &memory_ops, false);
}

static int set_up_lending(void **state)
{
	return set_up_with(state, &lending_ops, false);
}

static int set_up_by_hand(void **state)
{
	return set_up_with(state, &lending_ops, true);
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
	return remove(path);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	if (!f->by_hand) {
		worker_stop(f->worker);
		worker_join(f->worker);
	}
	store_stop(f->store);
	store_free(f->store);
	worker_free(f->worker);
	close(f->port->port.fd);
	free(f->port);
	config_free(f->config);
	nftw(f->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

/* ---- frames ---- */

#define HEADERS (14 + 20 + 8)

static void write_headers(uint8_t *frame, size_t payload, uint32_t src, uint32_t dst)
{
	static const uint8_t ethernet[14] = {255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 9, 8, 0};
	uint8_t *ip = frame + 14, *udp = ip + 20;
	uint32_t sum = 0;

	memcpy(frame, ethernet, sizeof(ethernet));
	memset(ip, 0, 28);
	ip[0] = 0x45;
	store_be16(ip + 2, (uint16_t)(28 + payload));
	ip[8] = 64;
	ip[9] = 17;
	store_be32(ip + 12, src);
	store_be32(ip + 16, dst);
	for (int i = 0; i < 20; i += 2)
		sum += load_be16(ip + i);
	sum = (sum & 0xffff) + (sum >> 16);
	store_be16(ip + 10, (uint16_t)~((sum & 0xffff) + (sum >> 16)));
	store_be16(udp, 68);
	store_be16(udp + 2, 67);
	store_be16(udp + 4, (uint16_t)(8 + payload));
}

static void write_request(struct memory_port *p, size_t slot, enum dhcp_type type, uint32_t who,
			  uint32_t ciaddr, uint32_t wanted)
{
	uint8_t *frame = p->memory[slot];
	struct dhcp_header *header = (struct dhcp_header *)(frame + HEADERS);
	uint8_t *at = header->options;

	memset(header, 0, sizeof(*header));
	header->op = DHCP_BOOTREQUEST;
	header->htype = DHCP_HTYPE_ETHERNET;
	header->hlen = 6;
	header->xid = htobe32(who);
	header->ciaddr = htobe32(ciaddr);
	header->chaddr[0] = 2;
	store_be32(header->chaddr + 2, who);
	header->magic = htobe32(DHCP_MAGIC);
	memcpy(at, (uint8_t[]){53, 1, (uint8_t)type}, 3);
	at += 3;
	if (wanted) {
		memcpy(at, (uint8_t[]){50, 4, 0, 0, 0, 0, 54, 4, 0, 0, 0, 0}, 12);
		store_be32(at + 2, wanted);
		store_be32(at + 8, SERVER);
		at += 12;
	}
	*at++ = 255;
	write_headers(frame, (size_t)(at - (uint8_t *)header), ciaddr, ciaddr ? SERVER : UINT32_MAX);
	p->len[slot] = (uint32_t)(at - frame);
}

/* Appends option 51 to a request that is written already. */
static void add_lease_time(struct memory_port *p, size_t slot, uint32_t ciaddr, uint32_t seconds)
{
	uint8_t *frame = p->memory[slot], *end = frame + p->len[slot] - 1;

	memcpy(end, (uint8_t[]){51, 4, 0, 0, 0, 0, 255}, 7);
	store_be32(end + 2, seconds);
	p->len[slot] += 6;
	write_headers(frame, p->len[slot] - HEADERS, ciaddr, ciaddr ? SERVER : UINT32_MAX);
}

static void arrive(struct memory_port *p, size_t first, size_t n)
{
	uint64_t one = 1;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < n; i++)
		p->arriving[first + i] = true;
	pthread_mutex_unlock(&p->lock);
	assert_int_equal(write(p->port.fd, &one, sizeof(one)), sizeof(one));
}

/* Waits until so many frames have come back, so many of them as replies; the bound only ends a run that has failed. */
static void wait_for_frames(struct memory_port *p, unsigned home, unsigned sent)
{
	for (int i = 0; i < 30000; i++) {
		pthread_mutex_lock(&p->lock);
		bool done = p->sent + p->dropped >= home && p->sent >= sent;
		pthread_mutex_unlock(&p->lock);
		if (done)
			return;
		usleep(1000);
	}
	fail_msg("frames did not come back: %u sent, %u dropped", p->sent, p->dropped);
}

static void wait_home(struct memory_port *p, unsigned n)
{
	wait_for_frames(p, n, 0);
}

static void check_accounts(struct memory_port *p)
{
	assert_int_equal(p->strays, 0);
	for (size_t i = 0; i < FRAMES; i++)
		assert_false(p->lent[i]);
}

static const struct dhcp_header *last_reply(const struct memory_port *p)
{
	return (const struct dhcp_header *)(p->last + HEADERS);
}

/* Option 51 of the last reply; 0 without it. */
static uint32_t last_lease_time(const struct memory_port *p)
{
	const uint8_t *at = last_reply(p)->options, *end = p->last + p->last_len;

	while (at + 6 <= end && *at != 255 && *at != 51)
		at += *at ? 2 + at[1] : 1;
	return at + 6 <= end && *at == 51 ? load_be32(at + 2) : 0;
}

static void test_discover_to_renewal(void **state)
{
	struct fixture *f = *state;
	struct memory_port *p = f->port;
	uint32_t addr;

	write_request(p, 0, DHCP_DISCOVER, 1, 0, 0);
	arrive(p, 0, 1);
	wait_home(p, 1);
	addr = be32toh(last_reply(p)->yiaddr);
	assert_in_range(addr, FIRST, FIRST + 199);
	write_request(p, 1, DHCP_REQUEST, 1, 0, addr);
	arrive(p, 1, 1);
	wait_home(p, 2);
	assert_int_equal(be32toh(last_reply(p)->yiaddr), addr);
	write_request(p, 2, DHCP_REQUEST, 1, addr, 0);
	arrive(p, 2, 1);
	wait_home(p, 3);
	assert_int_equal(be32toh(last_reply(p)->ciaddr), addr);
	assert_int_equal(counter_read(&worker_counters(f->worker)->replies[DHCP_ACK]), 2);
	assert_int_equal(p->dropped, 0);
	check_accounts(p);
}

/* What is left of a hold is counted from after the request came, however long the process was stopped before. */
static void test_grant_is_counted_from_the_receiving(void **state)
{
	enum { LEASE = 300, MARGIN = 5 };
	struct fixture *f = *state;
	struct memory_port *p = f->port;
	uint32_t granted_s;
	int64_t hold_until_s;

	write_request(p, 0, DHCP_REQUEST, 1, 0, FIRST);
	add_lease_time(p, 0, 0, LEASE);
	arrive(p, 0, 1);
	wait_home(p, 1);
	hold_until_s = wall_s() + 2 * LEASE + MARGIN; /* at the most */
	write_request(p, 1, DHCP_REQUEST, 1, FIRST, 0);
	add_lease_time(p, 1, FIRST, 2000);
	atomic_store(&p->held_up_s, 2 * MARGIN);
	arrive(p, 1, 1);
	wait_home(p, 2);
	granted_s = last_lease_time(p);
	assert_in_range(granted_s, LEASE, 2 * LEASE + MARGIN);
	assert_true(atomic_load(&p->received_s) + granted_s <= hold_until_s);
}

/* More than may wait for the store: each is answered, or dropped and counted. */
static void test_bound_on_waiting(void **state)
{
	struct fixture *f = *state;
	struct memory_port *p = f->port;
	const struct worker_counters *counters = worker_counters(f->worker);

	for (size_t i = 0; i < FRAMES; i++)
		write_request(p, i, DHCP_DISCOVER, 100 + (uint32_t)i, 0, 0);
	arrive(p, 0, FRAMES);
	wait_home(p, FRAMES);
	assert_int_equal(p->sent + p->dropped, FRAMES);
	assert_int_equal(p->sent, counter_read(&counters->replies[DHCP_OFFER]));
	assert_int_equal(p->dropped, counter_read(&counters->drops[SERVER_DROP_OVERLOAD]) +
					     counter_read(&counters->drops[SERVER_DROP_POOL_EMPTY]));
	assert_true(p->sent > 0);
	check_accounts(p);
}

/* Where frames can be had for it, nobody is dropped: all are offered an address, each once. */
static void test_crowd_waits_its_turn(void **state)
{
	enum { CROWD = 150 };
	struct fixture *f = *state;
	struct memory_port *p = f->port;
	const struct worker_counters *counters = worker_counters(f->worker);

	for (size_t i = 0; i < CROWD; i++)
		write_request(p, i, DHCP_DISCOVER, 100 + (uint32_t)i, 0, 0);
	arrive(p, 0, CROWD);
	wait_for_frames(p, CROWD, CROWD);
	assert_int_equal(p->sent, CROWD);
	assert_int_equal(counter_read(&counters->replies[DHCP_OFFER]), CROWD);
	assert_int_equal(counter_read(&counters->requests[DHCP_DISCOVER]), CROWD);
	assert_int_equal(counter_read(&counters->drops[SERVER_DROP_OVERLOAD]), 0);
	assert_true(counter_read(&counters->deferred) > 0);
	check_accounts(p);
}

/* One burst of one request, and the store's answer to it. */
static void work_off(struct fixture *f)
{
	size_t answered = 0;

	arrive(f->port, 0, 1);
	f->worker->view = &f->view;
	f->worker->now = clock_read(&f->clock);
	burst_run(f->worker, 0);
	store_kick(f->store);
	for (int i = 0; i < 30000 && !answered; i++) {
		usleep(1000);
		answered = answer_run(f->worker);
	}
	assert_int_equal(answered, 1);
}

/* An address that was taken makes room for an offer more, and so does one that another server gave. */
static void test_offers_keep_pace_with_those_who_need_none(void **state)
{
	struct fixture *f = *state;
	struct dhcp_header *header = (struct dhcp_header *)(f->port->memory[0] + HEADERS);

	urcu_qsbr_register_thread();
	write_request(f->port, 0, DHCP_DISCOVER, 7, 0, 0);
	work_off(f);
	assert_int_equal(f->worker->pace.settled, 0);
	write_request(f->port, 0, DHCP_REQUEST, 7, 0, FIRST);
	store_be32(header->options + 11, SERVER + 1);
	work_off(f);
	assert_int_equal(f->worker->pace.settled, 1);
	write_request(f->port, 0, DHCP_REQUEST, 7, 0, FIRST);
	work_off(f);
	assert_int_equal(f->worker->pace.settled, 2);
	urcu_qsbr_unregister_thread();
}

/* A client that waits for an offer does so no longer when it has found another server. */
static void test_who_selects_another_server_waits_no_longer(void **state)
{
	struct fixture *f = *state;
	struct dhcp_header *header = (struct dhcp_header *)(f->port->memory[0] + HEADERS);
	uint16_t port;

	urcu_qsbr_register_thread();
	f->worker->view = &f->view;
	f->worker->now = clock_read(&f->clock);
	f->worker->pace = (struct pace){.window_ends_ns = UINT64_MAX};
	write_request(f->port, 0, DHCP_DISCOVER, 7, 0, 0);
	arrive(f->port, 0, 1);
	burst_run(f->worker, 0);
	assert_true(lobby_port(f->worker->lobby, f->worker->now.mono_ns, &port));
	write_request(f->port, 0, DHCP_REQUEST, 7, 0, FIRST);
	store_be32(header->options + 11, SERVER + 1);
	work_off(f);
	assert_false(lobby_port(f->worker->lobby, f->worker->now.mono_ns, &port));
	urcu_qsbr_unregister_thread();
}

/* Binds FIRST to client 7, and has it released by a frame whose port was last found empty then. */
static uint64_t release_after(struct fixture *f, uint64_t emptied_ns)
{
	const counter_t *dropped = &store_counters(f->store)->overtaken;
	uint64_t before = counter_read(dropped), began_ns;

	write_request(f->port, 0, DHCP_REQUEST, 7, 0, FIRST);
	work_off(f);
	f->worker->emptied_ns[0] = emptied_ns;
	write_request(f->port, 0, DHCP_RELEASE, 7, FIRST, 0);
	began_ns = clock_mono_ns();
	work_off(f);
	assert_in_range(f->worker->emptied_ns[0], began_ns, f->worker->now.mono_ns);
	return counter_read(dropped) - before;
}

static enum lease_state state_of_first(const struct fixture *f)
{
	struct lease lease;

	lease_read(f->net, FIRST, &lease);
	return lease.state;
}

/*
 * After a stop, or as long as more comes than is read, a RELEASE may be older than what the table shows by
 * now: it counts only if it cannot have lain unread for long.
 */
static void test_old_release_does_not_count(void **state)
{
	struct fixture *f = *state;

	urcu_qsbr_register_thread();
	assert_int_equal(release_after(f, clock_mono_ns()), 0);
	assert_int_equal(state_of_first(f), LEASE_RELEASED);
	assert_int_equal(release_after(f, clock_mono_ns() - 3600 * NS_PER_S), 1);
	assert_int_equal(state_of_first(f), LEASE_BOUND);
	assert_int_equal(release_after(f, 0), 1); /* never yet */
	assert_int_equal(state_of_first(f), LEASE_BOUND);
	urcu_qsbr_unregister_thread();
}

/* A full burst leaves open what is behind it. */
static void test_port_is_empty_when_a_burst_is_not_full(void **state)
{
	struct fixture *f = *state;
	struct worker *worker = f->worker;

	urcu_qsbr_register_thread();
	worker->view = &f->view;
	for (size_t n = BURST + 1; n; n--) {
		write_request(f->port, n - 1, DHCP_OFFER, 1, 0, 0); /* refused */
		arrive(f->port, n - 1, 1);
	}
	worker->now.mono_ns = 5;
	assert_int_equal(burst_run(worker, 0), BURST);
	assert_int_equal(worker->emptied_ns[0], 0);
	worker->now.mono_ns = 6;
	assert_int_equal(burst_run(worker, 0), 1);
	assert_int_equal(worker->emptied_ns[0], 6);
	worker->now.mono_ns = 7;
	assert_int_equal(burst_run(worker, 0), 0);
	assert_int_equal(worker->emptied_ns[0], 7);
	urcu_qsbr_unregister_thread();
}

static void test_refused_frames_are_counted(void **state)
{
	struct fixture *f = *state;
	struct memory_port *p = f->port;
	const struct worker_counters *counters = worker_counters(f->worker);

	write_request(p, 0, DHCP_DISCOVER, 1, 0, 0);
	p->len[0] = 60; /* cut off */
	write_request(p, 1, DHCP_OFFER, 1, 0, 0);
	write_request(p, 2, DHCP_INFORM, 1, 0, 0);
	arrive(p, 0, 3);
	wait_home(p, 3);
	assert_int_equal(p->sent, 0);
	assert_int_equal(counter_read(&counters->frames_refused[STEER_LENGTH]), 1);
	assert_int_equal(counter_read(&counters->messages_refused[DHCP_REJECT_TYPE]), 1);
	assert_int_equal(counter_read(&counters->drops[SERVER_DROP_NO_ADDRESS_GIVEN]), 1);
	check_accounts(p);
}

/* What was received before the end is answered: the store's answers are waited for. */
static void test_stop_answers_what_was_received(void **state)
{
	enum { REQUESTS = PENDING * 3 / 4 }; /* as many as there is room for */
	struct fixture *f = *state;
	struct memory_port *p = f->port;

	for (size_t i = 0; i < REQUESTS; i++)
		write_request(p, i, DHCP_REQUEST, 1 + (uint32_t)i, 0, FIRST + (uint32_t)i);
	arrive(p, 0, REQUESTS);
	worker_stop(f->worker);
	worker_join(f->worker);
	assert_int_equal(p->sent, REQUESTS);
	assert_int_equal(counter_read(&worker_counters(f->worker)->replies[DHCP_ACK]), REQUESTS);
	check_accounts(p);
}

static uint64_t left_to_others(const struct fixture *f)
{
	return counter_read(&worker_counters(f->worker)->drops[SERVER_DROP_ANOTHERS]);
}

static void handle_one(struct memory_port *p, size_t slot)
{
	unsigned home = p->sent + p->dropped;

	arrive(p, slot, 1);
	wait_home(p, home + 1);
}

/* The same frame again and again, until it is answered; how often it was. */
static unsigned insist(struct fixture *f, enum dhcp_type type, uint32_t who, uint32_t ciaddr)
{
	struct memory_port *p = f->port;
	unsigned sent = p->sent, tries = 0;

	while (p->sent == sent && tries++ < 3000) {
		write_request(p, 0, type, who, ciaddr, 0);
		handle_one(p, 0);
		usleep(1000);
	}
	return tries;
}

/* A peer has every client: they are left to it, except for what is meant for this server alone. */
static void test_peers_clients_are_left_to_it_at_first(void **state)
{
	static const struct share none = {.n_members = 2};
	struct fixture *f = *state;
	struct memory_port *p = f->port;
	uint32_t addr;

	atomic_store(&f->share.now, &none);
	assert_in_range(insist(f, DHCP_DISCOVER, 1, 0), 2, 3000);
	assert_int_equal(left_to_others(f), p->dropped);
	assert_int_equal(counter_read(&worker_counters(f->worker)->stood_in), 1);
	addr = be32toh(last_reply(p)->yiaddr);

	write_request(p, 1, DHCP_REQUEST, 1, 0, addr); /* selects this server */
	handle_one(p, 1);
	assert_int_equal(be32toh(last_reply(p)->yiaddr), addr);
	write_request(p, 2, DHCP_REQUEST, 1, addr, 0); /* renews by unicast */
	handle_one(p, 2);
	assert_int_equal(be32toh(last_reply(p)->ciaddr), addr);

	assert_int_equal(left_to_others(f), p->dropped);
	atomic_store(&f->share.now, &alone); /* the peer is gone */
	assert_int_equal(insist(f, DHCP_DISCOVER, 2, 0), 1);
	check_accounts(p);
}

static void test_client_that_has_tried_for_long_is_answered(void **state)
{
	static const struct share none = {.n_members = 2};
	struct fixture *f = *state;
	struct memory_port *p = f->port;
	struct dhcp_header *header = (struct dhcp_header *)(p->memory[0] + HEADERS);

	atomic_store(&f->share.now, &none);
	write_request(p, 0, DHCP_DISCOVER, 1, 0, 0);
	header->secs = htobe16(4);
	arrive(p, 0, 1);
	wait_home(p, 1);
	assert_int_equal(p->sent, 1);
	check_accounts(p);
}

/* DISCOVERs go first, then what follows on an offer; whoever has an address comes last. */
static void test_newcomers_are_shed_first(void **state)
{
	enum { MAX = 80 };
	static const struct {
		enum ask_op op;
		unsigned most;
	} cases[] = {
		{ASK_REVOKE, 0}, /* no worker's */
		{ASK_OFFER, 40},   {ASK_FORGET, 40},  {ASK_BIND, 60},	 {ASK_EXTEND, 70},
		{ASK_RELEASE, 70}, {ASK_DECLINE, 70}, {ASK_CONFIRM, 80}, {ASK_RENEW, 80},
	};
	struct exchanges exchanges = {0};
	unsigned taken = 0;

	assert_int_equal(ARRAY_SIZE(cases), ASK_OP_COUNT);
	assert_int_equal(exchanges_init(&exchanges, MAX), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		while (exchange_take(&exchanges, cases[i].op))
			taken++;
		assert_int_equal(taken, cases[i].most);
	}
	exchange_give_back(&exchanges, &exchanges.all[0]);
	assert_null(exchange_take(&exchanges, ASK_OFFER));
	assert_non_null(exchange_take(&exchanges, ASK_RENEW));
	exchanges_fini(&exchanges);
}

/* After an outage every renewal asks for an extension: newcomers find room all the same. */
static void test_extensions_leave_room(void **state)
{
	enum { MAX = 80 };
	struct exchanges exchanges = {0};
	struct exchange *first;
	unsigned extensions = 1, offers = 0;

	assert_int_equal(exchanges_init(&exchanges, MAX), 0);
	first = exchange_take(&exchanges, ASK_EXTEND);
	while (exchange_take(&exchanges, ASK_EXTEND))
		extensions++;
	while (exchange_take(&exchanges, ASK_OFFER))
		offers++;
	assert_int_equal(extensions, 20);
	assert_int_equal(offers, 20);
	exchange_give_back(&exchanges, first);
	assert_non_null(exchange_take(&exchanges, ASK_EXTEND));
	assert_null(exchange_take(&exchanges, ASK_EXTEND));
	exchanges_fini(&exchanges);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_discover_to_renewal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_grant_is_counted_from_the_receiving, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_bound_on_waiting, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_crowd_waits_its_turn, set_up_lending,
						tear_down),
		cmocka_unit_test_setup_teardown(test_offers_keep_pace_with_those_who_need_none,
						set_up_by_hand, tear_down),
		cmocka_unit_test_setup_teardown(test_who_selects_another_server_waits_no_longer,
						set_up_by_hand, tear_down),
		cmocka_unit_test_setup_teardown(test_old_release_does_not_count, set_up_by_hand,
						tear_down),
		cmocka_unit_test_setup_teardown(test_port_is_empty_when_a_burst_is_not_full,
						set_up_by_hand, tear_down),
		cmocka_unit_test_setup_teardown(test_refused_frames_are_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_peers_clients_are_left_to_it_at_first, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_client_that_has_tried_for_long_is_answered,
						set_up, tear_down),
		cmocka_unit_test(test_newcomers_are_shed_first),
		cmocka_unit_test(test_extensions_leave_room),
		cmocka_unit_test_setup_teardown(test_stop_answers_what_was_received, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
