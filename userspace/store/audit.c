/* SPDX-License-Identifier: MIT */
/* The load's events into the model; what cannot be understood is reported on the way. */
#include "store/audit.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "store/audit_model.h"
#include "store/record.h"

static const struct {
	bool note;
	const char *what, *remedy;
} rules[AUDIT_RULE_COUNT] = {
#define FAULT false
#define NOTE  true
#define X(symbol, severity, what, remedy) [AUDIT_##symbol] = {severity, what, remedy},
    AUDIT_RULES(X)
#undef X
#undef FAULT
#undef NOTE
};

void audit_found(struct audit *audit, enum audit_rule rule, const char *key, const char *detail)
{
	struct audit_finding finding = {
	    .rule = rule,
	    .note = rules[rule].note,
	    .key = key,
	    .what = rules[rule].what,
	    .detail = detail,
	    .remedy = rules[rule].remedy,
	};

	if (finding.note)
		audit->summary.notes++;
	else
		audit->summary.faults++;
	audit->report(audit->ctx, &finding);
}

/* Of a key that may be anything. */
static void found_at(struct audit *audit, enum audit_rule rule, struct span key)
{
	char text[KV_MAX_KEY + 1];
	size_t len = min_size(key.len, sizeof(text) - 1);

	for (size_t i = 0; i < len; i++)
		text[i] = key.data[i] > ' ' && key.data[i] < 0x7f ? (char)key.data[i] : '?';
	text[len] = '\0';
	audit_found(audit, rule, text, "");
}

/* Of several leases of a client the one that its key names is its own. */
static int take_binding(struct audit *audit, uint16_t net, const struct lease *lease,
			const struct client_id *id, const struct client_id *chaddr,
			struct audit_slot *slot)
{
	struct audit_client *client;

	slot->client = model_client(audit, net, id);
	if (!slot->client)
		return -ENOMEM;
	client = model_client_at(audit, slot->client);
	if (client->lease_addr && client->key_addr != lease->addr)
		return 0;
	client->lease_addr = lease->addr;
	client->chaddr = chaddr->len ? model_hash_client(audit, chaddr->bytes, chaddr->len) : 0;
	return 0;
}

static int take_lease(struct audit *audit, const struct kv_event *event,
		      const struct record_key *key)
{
	struct client_id client, chaddr;
	struct audit_slot *slot;
	struct lease lease;
	int64_t updated_s;
	uint16_t net;

	if (!record_decode_whole(event->value, &lease, &client, &chaddr, &updated_s)) {
		found_at(audit, AUDIT_BAD_RECORD, event->key);
		return 0;
	}
	net = model_net(audit, key->network);
	slot = net ? model_slot(audit, net, key->addr) : NULL;
	if (!slot)
		return -ENOMEM;
	lease.addr = key->addr;
	slot->state = (uint8_t)lease.state;
	slot->hold_until_s = lease.hold_until_s;
	slot->promised_more_s = (uint32_t)min_i64(lease.promised_until_s - lease.hold_until_s,
						  UINT32_MAX);
	model_net_at(audit, net)->leases++;
	audit->summary.leases++;
	return lease.state == LEASE_BOUND
		   ? take_binding(audit, net, &lease, &client, &chaddr, slot)
		   : 0;
}

/* Servers write identifiers in one form alone, so any other is no key of theirs. */
static bool parse_own_form(struct span text, struct client_id *client)
{
	char form[CLIENT_ID_TEXT_MAX];

	return client_id_parse(client, (const char *)text.data, text.len) == 0 &&
	       client_id_format(client->bytes, client->len, form) == text.len &&
	       memcmp(form, text.data, text.len) == 0;
}

static int take_client(struct audit *audit, const struct kv_event *event,
		       const struct record_key *key)
{
	struct client_id client;
	uint32_t addr, ref;
	uint16_t net;

	if (!audit->client_keys)
		return 0; /* nobody reads or writes them there */
	if (!parse_own_form(key->rest, &client)) {
		found_at(audit, AUDIT_BAD_KEY, event->key);
		return 0;
	}
	if (!record_parse_address(event->value, &addr) || !addr) {
		found_at(audit, AUDIT_BAD_ADDRESS, event->key);
		return 0;
	}
	net = model_net(audit, key->network);
	ref = net ? model_client(audit, net, &client) : 0;
	if (!ref)
		return -ENOMEM;
	model_client_at(audit, ref)->key_addr = addr;
	audit->summary.clients++;
	return 0;
}

static int take_reservation(struct audit *audit, const struct kv_event *event,
			    const struct record_key *key)
{
	struct client_id client;
	uint32_t addr, ref;
	uint16_t net;

	if (client_id_parse(&client, (const char *)key->rest.data, key->rest.len)) {
		found_at(audit, AUDIT_BAD_KEY, event->key);
		return 0;
	}
	if (!record_parse_address(event->value, &addr)) {
		found_at(audit, AUDIT_BAD_ADDRESS, event->key);
		return 0;
	}
	net = model_net(audit, key->network);
	ref = net ? model_client(audit, net, &client) : 0;
	if (!ref)
		return -ENOMEM;
	audit->summary.reservations++;
	return model_add_reservation(audit, ref, addr);
}

static int take_config(struct audit *audit, struct span text)
{
	audit->shared_text = malloc(text.len + 1);
	if (!audit->shared_text)
		return -ENOMEM;
	memcpy(audit->shared_text, text.data, text.len);
	audit->shared_text[text.len] = '\0';
	audit->shared_len = text.len;
	return 0;
}

static int take_entry(struct audit *audit, const struct kv_event *event)
{
	struct record_key key;

	record_parse_key(event->key, &key);
	switch (key.kind) {
	case RECORD_LEASE:
		return take_lease(audit, event, &key);
	case RECORD_CLIENT:
		return take_client(audit, event, &key);
	case RECORD_RESERVATION:
		return take_reservation(audit, event, &key);
	case RECORD_CONFIG:
		return take_config(audit, event->value);
	case RECORD_SERVER:
	case RECORD_CLOCK:
		return 0;
	case RECORD_OTHER:
		found_at(audit, AUDIT_OTHER_KEY, event->key);
		return 0;
	default:
		found_at(audit, AUDIT_BAD_KEY, event->key);
		return 0;
	}
}

int audit_take(struct audit *audit, const struct kv_event *event)
{
	bool again;

	switch (event->type) {
	case KV_EVENT_RESET:
		again = audit->summary.revision != 0;
		model_clear(audit);
		audit->summary.revision = -1;
		return again ? -EAGAIN : 0;
	case KV_EVENT_PUT:
		return take_entry(audit, event);
	case KV_EVENT_LOADED:
		audit->summary.revision = event->revision;
		return 1;
	default:
		return 0;
	}
}

const char *audit_shared_text(const struct audit *audit, size_t *len)
{
	*len = audit->shared_len;
	return audit->shared_text;
}

void audit_refuse_shared(struct audit *audit, const char *why)
{
	audit_found(audit, AUDIT_BAD_CONFIG, "config/networks", why);
}

void audit_summarize(const struct audit *audit, struct audit_summary *out)
{
	*out = audit->summary;
}

struct audit *audit_new(bool client_keys, audit_report report, void *ctx)
{
	struct audit *audit = calloc(1, sizeof(*audit));

	if (audit)
		*audit = (struct audit){.client_keys = client_keys,
					.report = report,
					.ctx = ctx,
					.seed = hash_random_seed()};
	return audit;
}

void audit_free(struct audit *audit)
{
	if (audit)
		model_clear(audit);
	free(audit);
}
