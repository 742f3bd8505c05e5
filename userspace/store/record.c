/* SPDX-License-Identifier: MIT */
#include "store/record.h"

#include <stdio.h>

#include "lease.pb-c.h"

#define ADDRESS_TEXT_MAX 16

static size_t format_address(char *text, uint32_t addr)
{
	size_t n = 0;

	for (int shift = 24; shift >= 0; shift -= 8) {
		unsigned octet = addr >> shift & 0xff;
		if (octet >= 100)
			text[n++] = (char)('0' + octet / 100);
		if (octet >= 10)
			text[n++] = (char)('0' + octet / 10 % 10);
		text[n++] = (char)('0' + octet % 10);
		if (shift)
			text[n++] = '.';
	}
	return n;
}

struct span record_address(struct kv_batch *batch, uint32_t addr)
{
	char *text = kv_batch_alloc(batch, ADDRESS_TEXT_MAX);

	return text ? (struct span){(uint8_t *)text, format_address(text, addr)} : (struct span){0};
}

/* "<kind>/4/<network>/" and room for @p more bytes behind it. */
static char *begin_key(struct kv_batch *batch, const char *prefix, const struct lease_net *net,
		       size_t more, size_t *used)
{
	const char *name = lease_net_name(net);
	size_t prefix_len = strlen(prefix), name_len = strlen(name);
	char *key = kv_batch_alloc(batch, prefix_len + name_len + 1 + more);

	if (!key)
		return NULL;
	memcpy(key, prefix, prefix_len);
	memcpy(key + prefix_len, name, name_len);
	key[prefix_len + name_len] = '/';
	*used = prefix_len + name_len + 1;
	return key;
}

struct span record_lease_key(struct kv_batch *batch, const struct lease_net *net, uint32_t addr)
{
	size_t used;
	char *key = begin_key(batch, "leases/4/", net, ADDRESS_TEXT_MAX, &used);

	if (!key)
		return (struct span){0};
	used += format_address(key + used, addr);
	return (struct span){(uint8_t *)key, used};
}

struct span record_client_key(struct kv_batch *batch, const struct lease_net *net,
			      const uint8_t *client, size_t len)
{
	size_t used;
	char *key = begin_key(batch, "clients/4/", net, 5 + 3 * len, &used);

	if (!key)
		return (struct span){0};
	used += client_id_format(client, len, key + used);
	return (struct span){(uint8_t *)key, used};
}

static ProtobufCBinaryData bytes_field(const void *data, size_t len)
{
	union {
		const void *from;
		void *to;
	} drop_const = {.from = data}; /* protobuf-c packs from non-const fields and writes nothing */

	return (ProtobufCBinaryData){.data = drop_const.to, .len = len};
}

static const Etcdhcp__Lease__State wire_states[LEASE_REVOKED + 1] = {
	[LEASE_BOUND] = ETCDHCP__LEASE__STATE__BOUND,
	[LEASE_RELEASED] = ETCDHCP__LEASE__STATE__RELEASED,
	[LEASE_DECLINED] = ETCDHCP__LEASE__STATE__DECLINED,
	[LEASE_REVOKED] = ETCDHCP__LEASE__STATE__RELEASED, /* with .revoked */
};

/* Host names come from clients: what is not text would not be a valid proto3 string. */
static char *clean_text(struct kv_batch *batch, struct span text)
{
	char *out = kv_batch_alloc(batch, text.len + 1);

	if (!out)
		return NULL;
	for (size_t i = 0; i < text.len; i++)
		out[i] = text.data[i] >= 0x20 && text.data[i] < 0x7f ? (char)text.data[i] : '?';
	out[text.len] = '\0';
	return out;
}

struct span record_encode(struct kv_batch *batch, const struct lease *lease,
			  const struct record_details *details)
{
	Etcdhcp__Lease message = ETCDHCP__LEASE__INIT;

	message.client = bytes_field(lease->client, lease->client_len);
	message.state = wire_states[lease->state];
	message.revoked = lease->state == LEASE_REVOKED;
	message.hold_until = lease->hold_until_s;
	if (lease->promised_until_s > lease->hold_until_s)
		message.promised_until = lease->promised_until_s;
	if (details) {
		message.hwaddr = bytes_field(details->hwaddr.data, details->hwaddr.len);
		message.relay_circuit = bytes_field(details->circuit.data, details->circuit.len);
		message.relay_remote = bytes_field(details->remote.data, details->remote.len);
		message.updated_at = details->updated_s;
		message.hostname = clean_text(batch, details->host_name);
		message.server = clean_text(batch, (struct span){(const uint8_t *)details->server,
								 strlen(details->server)});
		if (!message.hostname || !message.server)
			return (struct span){0};
	}
	uint8_t *out = kv_batch_alloc(batch, etcdhcp__lease__get_packed_size(&message));
	return out ? (struct span){out, etcdhcp__lease__pack(&message, out)} : (struct span){0};
}

/* ---- reading ---- */

static bool take_prefix(struct span *key, const char *prefix)
{
	size_t len = strlen(prefix);

	if (key->len < len || memcmp(key->data, prefix, len))
		return false;
	key->data += len;
	key->len -= len;
	return true;
}

bool record_parse_address(struct span text, uint32_t *addr)
{
	uint32_t value = 0;
	size_t at = 0;

	for (int i = 0; i < 4; i++) {
		unsigned octet = 0;
		size_t digits = 0;
		for (; at < text.len && text.data[at] >= '0' && text.data[at] <= '9'; at++) {
			octet = octet * 10 + (text.data[at] - '0');
			if (++digits > 3)
				return false;
		}
		if (!digits || octet > 255)
			return false;
		value = value << 8 | octet;
		if (i < 3 && (at >= text.len || text.data[at++] != '.'))
			return false;
	}
	*addr = value;
	return at == text.len;
}

/* "<network>/<rest>" behind a prefix; the rest may itself hold no slash. */
static bool split_network(struct span key, struct record_key *out)
{
	const uint8_t *slash = memchr(key.data, '/', key.len);

	if (!slash || slash == key.data || slash - key.data > 63)
		return false;
	out->network = (struct span){key.data, (size_t)(slash - key.data)};
	out->rest = (struct span){slash + 1, key.len - out->network.len - 1};
	return out->rest.len > 0;
}

static const struct {
	const char *prefix;
	enum record_kind kind;
	enum { REST_NETWORK, REST_ANY, REST_NONE } rest;
} key_kinds[] = {
	{"leases/4/", RECORD_LEASE, REST_NETWORK},
	{"clients/4/", RECORD_CLIENT, REST_NETWORK},
	{"reservations/4/", RECORD_RESERVATION, REST_NETWORK},
	{"config/networks", RECORD_CONFIG, REST_ANY},
	{"servers/", RECORD_SERVER, REST_ANY},
	{"clock", RECORD_CLOCK, REST_NONE},
};

void record_parse_key(struct span key, struct record_key *out)
{
	*out = (struct record_key){.kind = RECORD_OTHER};
	for (size_t i = 0; i < ARRAY_SIZE(key_kinds); i++) {
		struct span rest = key;
		if (!take_prefix(&rest, key_kinds[i].prefix) ||
		    (key_kinds[i].rest == REST_NONE && rest.len))
			continue;
		out->kind = key_kinds[i].kind;
		out->rest = rest;
		if (key_kinds[i].rest == REST_NETWORK && !split_network(rest, out))
			out->kind = RECORD_INVALID;
		else if (out->kind == RECORD_LEASE && !record_parse_address(out->rest, &out->addr))
			out->kind = RECORD_INVALID;
		return;
	}
}

/* A bump allocator for one small message: unpacking a million records must not call malloc. */
struct bump {
	size_t used;
	_Alignas(16) uint8_t memory[2048];
};

static void *bump_alloc(void *data, size_t size)
{
	struct bump *bump = data;
	size_t at = (bump->used + 15) & ~(size_t)15;

	if (size > sizeof(bump->memory) - at)
		return NULL;
	bump->used = at + size;
	return bump->memory + at;
}

static void bump_free(void *data, void *pointer)
{
}

static bool state_of_wire(const Etcdhcp__Lease *message, enum lease_state *state)
{
	for (int s = LEASE_BOUND; s <= LEASE_REVOKED; s++) {
		if (wire_states[s] == message->state &&
		    (message->revoked != 0) == (s == LEASE_REVOKED)) {
			*state = (enum lease_state)s;
			return true;
		}
	}
	return false;
}

/* What reservations by hardware address match. */
static void read_chaddr(const Etcdhcp__Lease *message, struct client_id *chaddr)
{
	size_t len = message->hwaddr.len <= DHCP_CHADDR_LEN ? message->hwaddr.len : 0;

	chaddr->len = len ? (uint16_t)(1 + len) : 0;
	chaddr->bytes[0] = CLIENT_ID_MAC;
	if (len)
		memcpy(chaddr->bytes + 1, message->hwaddr.data, len);
}

bool record_decode_whole(struct span value, struct lease *out, struct client_id *client,
			 struct client_id *chaddr, int64_t *updated_s)
{
	struct bump bump;
	ProtobufCAllocator allocator = {bump_alloc, bump_free, &bump};
	const Etcdhcp__Lease *message;

	bump.used = 0;
	message = etcdhcp__lease__unpack(&allocator, value.len, value.data);
	if (!message || !state_of_wire(message, &out->state))
		return false;
	if (message->client.len < 2 || message->client.len > CLIENT_ID_MAX || message->hold_until < 0)
		return false;
	client->len = (uint16_t)message->client.len;
	memcpy(client->bytes, message->client.data, client->len);
	out->client = client->bytes;
	out->client_len = client->len;
	out->hold_until_s = message->hold_until;
	out->promised_until_s = max_i64(message->hold_until, message->promised_until);
	if (chaddr)
		read_chaddr(message, chaddr);
	*updated_s = message->updated_at;
	return true;
}

bool record_decode(struct span value, struct lease *out, struct client_id *client,
		   int64_t *updated_s)
{
	return record_decode_whole(value, out, client, NULL, updated_s);
}

void record_unreadable(struct lease *out)
{
	static const uint8_t nobody[] = {'?'}; /* no client identifier begins so */

	*out = (struct lease){
		.state = LEASE_UNREADABLE,
		.hold_until_s = INT64_MAX,
		.client_len = sizeof(nobody),
		.client = nobody,
	};
}
