/* SPDX-License-Identifier: MIT */
/* The store's answers: the request is read again from its frame, and judged by the configuration of now. */
#include "worker/internal.h"

/* True: the frame holds a reply. */
static bool conclude(struct worker *worker, struct item *item, struct exchange *exchange)
{
	enum server_drop drop;

	item->packet = &exchange->packet;
	item->port = exchange->ask.port;
	if (dhcp_request_parse(&item->request, item->packet->payload, item->packet->payload_len) !=
	    DHCP_ACCEPTED) /* it was, and nobody has written to it: a programmer's error, not the network's */
		return false;
	drop = item_locate(worker, item, NULL);
	if (drop == SERVER_DROP_NONE) {
		server_conclude(worker->view, &item->query, &worker->now, &exchange->ask,
				&item->decision);
		if (item->decision.action == SERVER_REPLY)
			return item_write_reply(worker, item);
		drop = item->decision.drop;
	}
	counter_add(&worker->counters.drops[drop], 1);
	return false;
}

/* A client of ours has an address, or took another server's: as many may be offered one. */
static bool is_settled(const struct ask *ask)
{
	return (ask->op == ASK_FORGET || ask->op == ASK_BIND) && ask->result == ASK_GRANTED;
}

static void finish(struct worker *worker, struct exchange *exchange)
{
	struct port *port = worker->ports[exchange->ask.port].port;
	struct item *item = &worker->item;

	if (is_settled(&exchange->ask))
		pace_settled(&worker->pace);
	if (exchange->ask.background)
		return;
	if (conclude(worker, item, exchange)) {
		packet_seal(&exchange->packet);
		port_send(port, &exchange->packet.frame, 1);
		histogram_add(&worker->reply_times[WORKER_PATH_STORE],
			      worker->now.mono_ns - exchange->ask.asked_ns);
	} else {
		port_drop(port, &exchange->packet.frame, 1);
	}
	worker->touched[exchange->ask.port] = true;
}

size_t answer_run(struct worker *worker)
{
	struct ask *asks[BURST];
	size_t n = store_answers(worker->store, worker->index, asks, BURST);

	for (size_t i = 0; i < n; i++) {
		const struct exchange *exchange = container_of(asks[i], struct exchange, ask);
		if (!exchange->ask.background)
			__builtin_prefetch(exchange->packet.payload);
	}
	for (size_t i = 0; i < n; i++) {
		struct exchange *exchange = container_of(asks[i], struct exchange, ask);
		finish(worker, exchange);
		exchange_give_back(&worker->exchanges, exchange);
	}
	return n;
}
