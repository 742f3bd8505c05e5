/* SPDX-License-Identifier: MIT */
/* Load sharing: what is left to another server, which may have it too (server/share.h, worker/heard.h). */
#include "dhcp/load_hash.h"
#include "worker/internal.h"

/* A client that selects has been served so far: it is heard anew, apart from what it asked before. */
#define SELECTING UINT64_C(0x9e3779b97f4a7c15)

static uint64_t client_of(const struct server_query *query)
{
	return lease_client_hash(query->net, query->client.bytes, query->client.len);
}

const struct share *share_of_round(const struct worker *worker)
{
	const struct server_view *view = worker->view;
	const struct share *share;

	if (!view->share || !view->config->server.share_after_s)
		return NULL;
	share = share_read(view->share);
	return share->n_members < 2 ? NULL : share;
}

static bool leave_to_owner(struct worker *worker, const struct server_query *query)
{
	const struct dhcp_header *header = query->request->header;
	uint64_t now_ns = worker->now.mono_ns;
	struct share_facts facts = {
		.bucket = load_hash_client(&query->client),
		.secs = be16toh(header->secs),
	};

	if (share_has(worker->share, facts.bucket))
		return false;
	if (!heard_in_vain(worker->heard, query->network->index, now_ns)) {
		facts.repeats = heard_note(worker->heard, client_of(query), header->xid, now_ns);
		heard_count(worker->heard, query->network->index, facts.repeats, now_ns);
		if (!share_is_ours(worker->share, &facts, worker->view->config->server.share_after_s))
			return true;
	}
	counter_add(&worker->counters.stood_in, 1);
	return false;
}

bool share_leaves(struct worker *worker, struct item *item)
{
	struct server_query *query = &item->query;
	uint64_t client;

	switch (server_share_kind(query)) {
	case SHARE_BY_BUCKET:
		return leave_to_owner(worker, query);
	case SHARE_BY_OFFER:
		client = client_of(query);
		query->own_offers_only = !heard_note(worker->heard, client ^ SELECTING,
						     query->request->header->xid,
						     worker->now.mono_ns);
		heard_settled(worker->heard, client);
		break;
	case SHARE_NONE:
		if (query->request->type == DHCP_REQUEST &&
		    dhcp_has(query->request, DHCP_WANT_SERVER_ID))
			heard_settled(worker->heard, client_of(query));
		break;
	}
	return false;
}
