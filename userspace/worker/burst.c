/* SPDX-License-Identifier: MIT */
/* Frames -> decisions -> replies, a burst at a time: each stage for all frames, so that memory has time to answer. */
#include "worker/internal.h"

enum server_drop item_locate(struct worker *worker, struct item *item, size_t port)
{
	const struct packet *packet = &item->packet;

	item->query.request = &item->request;
	item->query.src = be32toh(packet->src);
	item->query.dst = be32toh(packet->dst);
	item->query.interface = worker->ports[port].interface;
	item->query.vlan = packet->vlan;
	item->query.inner_vlan = packet->inner_vlan;
	return server_locate(worker->view, &item->query);
}

/* Frame -> located query; false when it ends here, counted. */
static bool read_frame(struct worker *worker, struct item *item, const struct frame *frame,
		       size_t port)
{
	struct worker_counters *counters = &worker->counters;
	enum steer_reason reason = packet_parse(&item->packet, frame);
	enum dhcp_reject reject;
	enum server_drop drop;

	if (reason != STEER_OK) {
		counter_add(&counters->frames_refused[reason], 1);
		return false;
	}
	packet_payload_home(&item->packet);
	reject = dhcp_request_parse(&item->request, item->packet.payload,
				    item->packet.payload_len);
	if (reject != DHCP_ACCEPTED) {
		counter_add(&counters->messages_refused[reject], 1);
		return false;
	}
	counter_add(&counters->requests[item->request.type], 1);
	drop = item_locate(worker, item, port);
	if (drop != SERVER_DROP_NONE) {
		counter_add(&counters->drops[drop], 1);
		return false;
	}
	server_prefetch_page(&item->query);
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
	struct packet *packet = &item->packet;
	struct packet_reply reply;
	int len;

	address_reply(item, &reply);
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

bool item_ask(struct worker *worker, const struct item *item, size_t port)
{
	bool background = item->decision.action != SERVER_ASK;
	struct exchange *exchange = exchange_take(&worker->exchanges, background);

	if (!exchange)
		return false;
	server_fill_ask(worker->view, &item->query, &item->decision, &worker->now, &exchange->ask);
	exchange->packet = item->packet;
	exchange->port = (uint16_t)port;
	if (!store_submit(worker->store, worker->index, &exchange->ask)) {
		exchange_give_back(&worker->exchanges, exchange);
		return false;
	}
	worker->submitted = true;
	return true;
}

/* What follows behind a reply or a silence; the frame is not needed for it. */
static void ask_behind(struct worker *worker, const struct item *item, size_t port)
{
	bool asked = item_ask(worker, item, port);

	if (item->decision.op == ASK_EXTEND)
		counter_add(asked ? &worker->counters.extensions :
				    &worker->counters.extensions_missed, 1);
	else if (!asked)
		counter_add(&worker->counters.drops[SERVER_DROP_OVERLOAD], 1);
}

static void act(struct worker *worker, struct item *item, size_t port, struct outbox *outbox)
{
	struct server_decision *decision = &item->decision;
	struct frame *frame = &item->packet.frame;

	/* Before the reply: building it overwrites the request that the question is taken from. */
	if (decision->ask_behind)
		ask_behind(worker, item, port);
	switch (decision->action) {
	case SERVER_REPLY:
		if (item_write_reply(worker, item))
			outbox->send[outbox->n_send++] = *frame;
		else
			outbox->drop[outbox->n_drop++] = *frame;
		break;
	case SERVER_ASK:
		if (!item_ask(worker, item, port)) {
			counter_add(&worker->counters.drops[SERVER_DROP_OVERLOAD], 1);
			outbox->drop[outbox->n_drop++] = *frame;
		}
		break;
	case SERVER_SILENT:
		if (decision->drop != SERVER_DROP_NONE)
			counter_add(&worker->counters.drops[decision->drop], 1);
		outbox->drop[outbox->n_drop++] = *frame;
		break;
	}
}

size_t burst_run(struct worker *worker, size_t index)
{
	struct port *port = worker->ports[index].port;
	struct frame frames[BURST];
	struct outbox outbox = {.n_send = 0, .n_drop = 0};
	size_t n = port_receive(port, frames, BURST), live = 0;

	for (size_t i = 0; i < n; i++)
		__builtin_prefetch(frames[i].data);
	for (size_t i = 0; i < n; i++) {
		if (read_frame(worker, &worker->items[live], &frames[i], index))
			live++;
		else
			outbox.drop[outbox.n_drop++] = frames[i];
	}
	for (size_t i = 0; i < live; i++)
		server_prefetch_lease(&worker->items[i].query);
	for (size_t i = 0; i < live; i++) {
		struct item *item = &worker->items[i];
		server_decide(worker->view, &item->query, &worker->now, &item->decision);
		act(worker, item, index, &outbox);
	}
	if (n == 0)
		return 0;
	worker->touched[index] = true;
	port_send(port, outbox.send, outbox.n_send);
	port_drop(port, outbox.drop, outbox.n_drop);
	if (outbox.n_send)
		histogram_add_n(&worker->reply_times[WORKER_PATH_MEMORY],
				clock_mono_ns() - worker->now.mono_ns, outbox.n_send);
	counter_add(&worker->counters.bursts, 1);
	return n;
}
