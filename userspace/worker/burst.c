/* SPDX-License-Identifier: MIT */
/*
 * Frames -> decisions -> replies, a burst at a time. First a look at all of them tells where in memory
 * the leases are, then each is taken from its checksum to its reply while its lines are in the cache.
 *
 * Memory is fetched a few frames ahead. All at once would be too much: a core has some twenty misses
 * under way at most, and drops what is asked for beyond that.
 */
#include "worker/internal.h"

#define AHEAD 8 /* frames */
/* The magic cookie and the options, as far from the fixed fields as a frame without tags has them. */
#define OPTIONS_OFFSET 256

enum server_drop item_locate(struct worker *worker, struct item *item,
			     const struct server_hint *hint)
{
	const struct packet *packet = item->packet;

	item->query.request = &item->request;
	item->query.src = be32toh(packet->src);
	item->query.dst = be32toh(packet->dst);
	item->query.interface = worker->ports[item->port].interface;
	item->query.vlan = packet->vlan;
	item->query.inner_vlan = packet->inner_vlan;
	item->query.own_offers_only = false;
	return server_locate(worker->view, hint, &item->query);
}

/* Packet -> located query; false when it ends here, counted. */
static bool read_request(struct worker *worker, struct item *item, const struct server_hint *hint)
{
	struct worker_counters *counters = &worker->counters;
	struct packet *packet = item->packet;
	enum dhcp_reject reject;
	enum server_drop drop;

	if (!packet_is_intact(packet)) {
		counter_add(&counters->frames_refused[STEER_CHECKSUM], 1);
		return false;
	}
	packet_payload_home(packet);
	reject = dhcp_request_parse(&item->request, packet->payload, packet->payload_len);
	if (reject != DHCP_ACCEPTED) {
		counter_add(&counters->messages_refused[reject], 1);
		return false;
	}
	counter_add(&counters->requests[item->request.type], !worker->recalled);
	drop = item_locate(worker, item, hint);
	if (drop != SERVER_DROP_NONE) {
		counter_add(&counters->drops[drop], 1);
		return false;
	}
	return true;
}

static void address_reply(const struct item *item, struct packet_reply *out)
{
	const struct server_decision *decision = &item->decision;

	out->src = decision->reply.server_id;
	out->dst = decision->dst;
	out->dst_port = decision->dst_port;
	out->to_source = decision->via == SERVER_VIA_SOURCE;
	if (decision->via == SERVER_VIA_CHADDR)
		memcpy(out->dst_mac, item->request.header->chaddr, sizeof(out->dst_mac));
	else
		memset(out->dst_mac, 0xff, sizeof(out->dst_mac));
}

bool item_write_reply(struct worker *worker, struct item *item)
{
	struct packet *packet = item->packet;
	struct packet_reply reply;
	int len;

	address_reply(item, &reply);
	item->decision.reply.memo = &worker->memo;
	len = dhcp_reply_build(packet->payload, packet_room(packet), &item->request,
			       &item->decision.reply);
	if (len < 0) {
		counter_add(&worker->counters.unsendable, 1);
		return false;
	}
	reply.payload_len = (uint32_t)len;
	packet_address(packet, &reply);
	counter_add(&worker->counters.replies[item->decision.reply.type], 1);
	return true;
}

/* Hands the question of a decision to the store; false when the bound is reached. */
static bool ask(struct worker *worker, const struct item *item)
{
	struct exchange *exchange = exchange_take(&worker->exchanges, item->decision.op);

	if (!exchange)
		return false;
	server_fill_ask(worker->view, &item->query, &item->decision, &worker->now, &exchange->ask);
	exchange->packet = *item->packet;
	exchange->ask.port = (uint16_t)item->port;
	exchange->ask.arrived_ns = worker->emptied_ns[item->port];
	if (!store_submit(worker->store, worker->index, &exchange->ask)) {
		exchange_give_back(&worker->exchanges, exchange);
		return false;
	}
	worker->submitted = true;
	return true;
}

/* False when the bound is reached. */
static bool ask_offer(struct worker *worker, const struct item *item)
{
	if (!pace_allows(&worker->pace, worker->now.mono_ns) || !ask(worker, item))
		return false;
	pace_offered(&worker->pace);
	lobby_served(worker->lobby, item->packet);
	return true;
}

/* There is no room for a DISCOVER now: perhaps there is soon. */
static bool defer(struct worker *worker, const struct item *item)
{
	if (!worker->ports[item->port].port->ops->take ||
	    !lobby_add(worker->lobby, item->packet, (uint16_t)item->port, worker->now.mono_ns))
		return false;
	counter_add(&worker->counters.deferred, !worker->recalled);
	return true;
}

/* What follows behind a reply or a silence; the frame is not needed for it. */
static void ask_behind(struct worker *worker, const struct item *item)
{
	bool asked = ask(worker, item);

	if (item->decision.op == ASK_FORGET) /* by the transaction id of its DISCOVER */
		lobby_served(worker->lobby, item->packet);
	if (item->decision.op == ASK_EXTEND)
		counter_add(asked ? &worker->counters.extensions :
				    &worker->counters.extensions_missed, 1);
	else if (!asked)
		counter_add(&worker->counters.drops[SERVER_DROP_OVERLOAD], 1);
}

/* The frame holds a reply, is done with, or has been kept for the store's answer. */
enum outcome { OUTCOME_REPLY, OUTCOME_NONE, OUTCOME_PENDING };

static enum outcome act(struct worker *worker, struct item *item)
{
	struct server_decision *decision = &item->decision;
	enum server_drop drop = decision->drop;

	/* Before the reply: building it overwrites the request that the question is taken from. */
	if (decision->ask_behind)
		ask_behind(worker, item);
	switch (decision->action) {
	case SERVER_REPLY:
		return item_write_reply(worker, item) ? OUTCOME_REPLY : OUTCOME_NONE;
	case SERVER_ASK:
		if (decision->op == ASK_OFFER ? ask_offer(worker, item) : ask(worker, item))
			return OUTCOME_PENDING;
		if (decision->op == ASK_OFFER && defer(worker, item))
			return OUTCOME_NONE;
		drop = SERVER_DROP_OVERLOAD;
		break;
	case SERVER_SILENT:
		break;
	}
	if (drop != SERVER_DROP_NONE)
		counter_add(&worker->counters.drops[drop], 1);
	return OUTCOME_NONE;
}

static enum outcome handle(struct worker *worker, struct item *item,
			   const struct server_hint *hint)
{
	if (!read_request(worker, item, hint))
		return OUTCOME_NONE;
	/* Whoever waited in the lobby was taken on when it came. */
	if (unlikely(worker->share) && server_is_copied(&item->query) && !worker->recalled &&
	    share_leaves(worker, item)) {
		counter_add(&worker->counters.drops[SERVER_DROP_ANOTHERS], 1);
		return OUTCOME_NONE;
	}
	server_decide(worker->view, &item->query, &worker->now, &item->decision);
	return act(worker, item);
}

static inline void prefetch_frame(const struct frame *frame)
{
	__builtin_prefetch(frame->data);
	__builtin_prefetch(frame->data + OPTIONS_OFFSET);
}

/* Finds the layers of all frames and guesses which leases they are about; how many are left. */
static size_t look_over(struct worker *worker, const struct frame *frames, size_t n,
			struct outbox *outbox)
{
	size_t live = 0;

	for (size_t i = 0; i < min_size(n, AHEAD); i++)
		prefetch_frame(&frames[i]);
	for (size_t i = 0; i < n; i++) {
		struct packet *packet = &worker->packets[live];
		if (i + AHEAD < n)
			prefetch_frame(&frames[i + AHEAD]);
		enum steer_reason reason = packet_find(packet, &frames[i]);
		if (unlikely(reason != STEER_OK)) {
			counter_add(&worker->counters.frames_refused[reason], 1);
			outbox->drop[outbox->n_drop++] = frames[i];
			continue;
		}
		server_guess(worker->view, packet->payload, &worker->hints[live++]);
	}
	return live;
}

static void post(struct outbox *outbox, struct packet *packet)
{
	packet_seal(packet);
	outbox->send[outbox->n_send++] = packet->frame;
}

/* Takes each from its checksum to its reply, which is posted when the next one has been made. */
static void handle_all(struct worker *worker, size_t index, size_t n, struct outbox *outbox)
{
	struct item *item = &worker->item;
	struct packet *reply = NULL;

	item->port = index;
	for (size_t i = 0; i < min_size(n, AHEAD); i++)
		server_prefetch(&worker->hints[i]);
	for (size_t i = 0; i < n; i++) {
		if (i + AHEAD < n)
			server_prefetch(&worker->hints[i + AHEAD]);
		item->packet = &worker->packets[i];
		enum outcome outcome = handle(worker, item, &worker->hints[i]);
		if (outcome == OUTCOME_NONE)
			outbox->drop[outbox->n_drop++] = item->packet->frame;
		if (outcome != OUTCOME_REPLY)
			continue;
		if (reply)
			post(outbox, reply);
		reply = item->packet;
	}
	if (reply)
		post(outbox, reply);
}

static void run(struct worker *worker, size_t index, const struct frame *frames, size_t n)
{
	struct port *port = worker->ports[index].port;
	struct outbox outbox;

	outbox.n_send = outbox.n_drop = 0;
	handle_all(worker, index, look_over(worker, frames, n, &outbox), &outbox);
	worker->touched[index] = true;
	port_send(port, outbox.send, outbox.n_send);
	port_drop(port, outbox.drop, outbox.n_drop);
	if (outbox.n_send)
		histogram_add_n(&worker->reply_times[WORKER_PATH_MEMORY],
				clock_mono_ns() - worker->now.mono_ns, outbox.n_send);
}

size_t burst_run(struct worker *worker, size_t index)
{
	struct frame frames[BURST];
	struct port *port = worker->ports[index].port;
	uint64_t looked_ns = worker->now.mono_ns;
	size_t n = port_receive(port, frames, BURST);
	bool emptied = port->emptied;

	if (n) {
		/* Read behind the receiving: a grant is counted from a time at which its request had been sent (rule 1). */
		worker->now = clock_read(worker->clock);
		run(worker, index, frames, n);
		counter_add(&worker->counters.bursts, 1);
	}
	if (emptied) /* what comes by it from now on came after that */
		worker->emptied_ns[index] = looked_ns;
	return n;
}

/* From the lobby into frames of the port that they came in by; how many. */
static size_t recall(struct worker *worker, uint16_t index, struct frame *frames, size_t max)
{
	struct port *port = worker->ports[index].port;
	size_t n = port_take(port, frames, max), used = 0;
	uint16_t next = index;

	while (used < n && lobby_port(worker->lobby, worker->now.mono_ns, &next) && next == index)
		used += lobby_take(worker->lobby, &frames[used]);
	port_drop(port, frames + used, n - used);
	return used;
}

/* Not before the store is done with most of what it was asked: room is for those who answer an offer. */
size_t burst_recall(struct worker *worker)
{
	const struct exchanges *exchanges = &worker->exchanges;
	struct frame frames[BURST];
	uint16_t index;
	size_t n;

	if (!lobby_len(worker->lobby) || exchanges->in_use >= exchanges->max / 4 ||
	    !pace_allows(&worker->pace, worker->now.mono_ns) ||
	    !lobby_port(worker->lobby, worker->now.mono_ns, &index))
		return 0;
	n = recall(worker, index, frames, min_size(BURST, worker->pace.left));
	if (n == 0)
		return 0;
	worker->recalled = true;
	run(worker, index, frames, n);
	worker->recalled = false;
	return n;
}
