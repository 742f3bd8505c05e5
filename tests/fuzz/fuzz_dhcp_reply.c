/* SPDX-License-Identifier: MIT */
/**
 * A reply to any request that the parser accepts, from any option set, into any room.
 *
 * The input begins with a struct control and the options of a set; the rest is the request. The
 * buffer is exactly as large as the reply is told. What comes out must be well formed, say what
 * was asked of it, and parse back.
 */
#include <errno.h>

#include "fuzz.h"

#include "dhcp/reply.h"

struct control {
	uint8_t type;   /* 0 OFFER, 1 ACK, 2 NAK, modulo */
	uint8_t flags;  /* FLAG_ */
	uint8_t cap[2]; /* big endian, modulo CAP_MAX + 1 */
	uint8_t mtu[2];
	uint8_t file_len, sname_len, fqdn_len, message_len;
	uint8_t n_options;   /* struct choice behind this one */
	uint8_t options_len; /* the reply's options are not NULL */
};

enum { FLAG_TIMES = 1, FLAG_MASK = 2, FLAG_BROADCAST = 4 };

struct choice {
	uint8_t code, len, times; /* len x (times % 8) bytes */
};

#define CAP_MAX 4096

static const enum dhcp_type types[] = {DHCP_OFFER, DHCP_ACK, DHCP_NAK};

/* What a reader without tables makes of a reply. */
struct reading {
	size_t len[256]; /* joined */
	uint8_t data[256][CAP_MAX];
	bool there[256];
	uint8_t first, last; /* codes of the options field */
	bool mask_late;      /* behind routers */
};

static void read_field(struct reading *reading, const uint8_t *field, size_t size, bool options)
{
	size_t at = 0;

	while (at < size && field[at] != DHCP_OPT_END) {
		uint8_t code = field[at];
		CHECK(at + 2 <= size && at + 2 + field[at + 1] < size);
		CHECK(code != DHCP_OPT_PAD); /* none are needed in between */
		memcpy(reading->data[code] + reading->len[code], field + at + 2, field[at + 1]);
		reading->len[code] += field[at + 1];
		if (code == DHCP_OPT_SUBNET_MASK && reading->there[DHCP_OPT_ROUTERS])
			reading->mask_late = true;
		if (options && at == 0)
			reading->first = code;
		if (options)
			reading->last = code;
		reading->there[code] = true;
		at += 2 + (size_t)field[at + 1];
	}
	CHECK(at < size);
	for (at++; at < size; at++)
		CHECK(field[at] == 0);
}

static void read_reply(struct reading *reading, const uint8_t *reply, size_t len)
{
	const struct dhcp_header *header = (const struct dhcp_header *)reply;
	uint8_t overload;

	memset(reading->len, 0, sizeof(reading->len));
	memset(reading->there, 0, sizeof(reading->there));
	reading->mask_late = false;
	read_field(reading, header->options, len - sizeof(*header), true);
	overload = reading->there[DHCP_OPT_OVERLOAD] ? reading->data[DHCP_OPT_OVERLOAD][0] : 0;
	CHECK(!reading->there[DHCP_OPT_OVERLOAD] || (overload >= 1 && overload <= 3));
	if (overload & 1)
		read_field(reading, header->file, sizeof(header->file), false);
	if (overload & 2)
		read_field(reading, header->sname, sizeof(header->sname), false);
}

static bool is(const struct reading *reading, uint8_t code, const void *data, size_t len)
{
	return reading->there[code] && reading->len[code] == len &&
	       (len == 0 || memcmp(reading->data[code], data, len) == 0);
}

/* What of the request a reply repeats, copied before the reply overwrites it. */
struct kept {
	uint8_t header[sizeof(struct dhcp_header)];
	size_t client_id_len, relay_len, selection_len;
	uint8_t client_id[255], relay[DHCP_REQUEST_SCRATCH + 255], selection[4];
	bool has_client_id, has_relay, has_selection;
};

static size_t keep_option(uint8_t *copy, bool *has, const struct dhcp_request *request,
			  enum dhcp_want want)
{
	struct span value = request->opt[want];

	*has = value.data != NULL;
	if (value.len)
		memcpy(copy, value.data, value.len);
	return value.len;
}

static void keep(struct kept *kept, const struct dhcp_request *request)
{
	memcpy(kept->header, request->header, sizeof(kept->header));
	kept->client_id_len =
	    keep_option(kept->client_id, &kept->has_client_id, request, DHCP_WANT_CLIENT_ID);
	kept->relay_len =
	    keep_option(kept->relay, &kept->has_relay, request, DHCP_WANT_RELAY_AGENT_INFO);
	kept->selection_len =
	    keep_option(kept->selection, &kept->has_selection, request, DHCP_WANT_SUBNET_SELECTION);
}

static void check_header(const struct dhcp_header *header, const struct kept *kept,
			 const struct dhcp_reply *reply)
{
	const struct dhcp_header *theirs = (const struct dhcp_header *)kept->header;
	bool nak = reply->type == DHCP_NAK;
	be16_t flag = reply->set_broadcast ? htobe16(DHCP_FLAG_BROADCAST) : 0;

	CHECK(header->op == DHCP_BOOTREPLY && header->hops == 0 && header->secs == 0);
	CHECK(header->htype == theirs->htype && header->hlen == theirs->hlen);
	CHECK(header->xid == theirs->xid && header->giaddr == theirs->giaddr);
	CHECK(header->flags == (theirs->flags | flag));
	CHECK(memcmp(header->chaddr, theirs->chaddr, DHCP_CHADDR_LEN) == 0);
	CHECK(be32toh(header->yiaddr) == (nak ? 0 : reply->yiaddr));
	CHECK(header->magic == htobe32(DHCP_MAGIC));
}

static void check_options(const struct reading *reading, const struct kept *kept,
			  const struct dhcp_reply *reply)
{
	bool nak = reply->type == DHCP_NAK;
	uint8_t type = (uint8_t)reply->type, server_id[4];

	store_be32(server_id, reply->server_id);
	CHECK(reading->first == DHCP_OPT_MESSAGE_TYPE);
	CHECK(is(reading, DHCP_OPT_MESSAGE_TYPE, &type, 1));
	CHECK(is(reading, DHCP_OPT_SERVER_ID, server_id, 4));
	CHECK(reading->there[DHCP_OPT_LEASE_TIME] == (reply->lease_s && !nak));
	CHECK(reading->there[DHCP_OPT_CLIENT_ID] == kept->has_client_id);
	CHECK(!kept->has_client_id ||
	      is(reading, DHCP_OPT_CLIENT_ID, kept->client_id, kept->client_id_len));
	CHECK(reading->there[DHCP_OPT_RELAY_AGENT_INFO] == kept->has_relay);
	CHECK(!kept->has_relay ||
	      (is(reading, DHCP_OPT_RELAY_AGENT_INFO, kept->relay, kept->relay_len) &&
	       reading->last == DHCP_OPT_RELAY_AGENT_INFO));
	CHECK(reading->there[DHCP_OPT_SUBNET_SELECTION] == (kept->has_selection && !nak));
	CHECK(!reading->mask_late);
}

/* The name that a field held before options took it. */
static bool is_displaced(const struct reading *reading, uint8_t code, const char *name,
			 size_t field_size)
{
	return name && is(reading, code, name, strnlen(name, field_size - 1));
}

static bool is_from_reply(const struct reading *reading, uint8_t code,
			  const struct dhcp_reply *reply)
{
	uint8_t mask[4];

	store_be32(mask, reply->subnet_mask);
	if (code == DHCP_OPT_SUBNET_MASK)
		return reply->subnet_mask && is(reading, code, mask, sizeof(mask));
	if (code == DHCP_OPT_BOOTFILE_NAME)
		return is_displaced(reading, code, reply->boot_file, DHCP_FILE_LEN);
	if (code == DHCP_OPT_TFTP_SERVER_NAME)
		return is_displaced(reading, code, reply->server_name, DHCP_SNAME_LEN);
	return false;
}

/* Options of the set come whole or not at all, and nothing comes that is from nowhere. */
static void check_parameters(const struct reading *reading, const struct dhcp_reply *reply)
{
	static const uint8_t own[256] = {
	    [DHCP_OPT_LEASE_TIME] = 1,      [DHCP_OPT_OVERLOAD] = 1,
	    [DHCP_OPT_MESSAGE_TYPE] = 1,    [DHCP_OPT_SERVER_ID] = 1,
	    [DHCP_OPT_RENEWAL_TIME] = 1,    [DHCP_OPT_REBINDING_TIME] = 1,
	    [DHCP_OPT_CLIENT_ID] = 1,       [DHCP_OPT_RELAY_AGENT_INFO] = 1,
	    [DHCP_OPT_MESSAGE] = 2,         [DHCP_OPT_CLIENT_FQDN] = 1,
	    [DHCP_OPT_SUBNET_SELECTION] = 1};
	bool nak = reply->type == DHCP_NAK;

	for (unsigned code = 0; code < 256; code++) {
		struct span value = {0};
		if (!reading->there[code] || own[code])
			continue;
		CHECK(!nak);
		if (reply->options)
			value = option_set_get(reply->options, (uint8_t)code);
		CHECK((value.data && is(reading, (uint8_t)code, value.data, value.len)) ||
		      is_from_reply(reading, (uint8_t)code, reply));
	}
	CHECK(nak || !reading->there[DHCP_OPT_MESSAGE]);
	CHECK(!nak || !reading->there[DHCP_OPT_OVERLOAD]);
}

/* With op and type of a client the reply is a request that the parser takes. */
static void check_parses_back(uint8_t *payload, size_t len, const struct kept *kept)
{
	struct dhcp_header *header = (struct dhcp_header *)payload;
	struct dhcp_request again;
	enum dhcp_reject reject;

	header->op = DHCP_BOOTREQUEST;
	header->options[2] = DHCP_REQUEST;
	reject = dhcp_request_parse(&again, payload, len);
	/* Pieces of long options may be more than the parser joins. */
	CHECK(reject == DHCP_ACCEPTED || (reject == DHCP_REJECT_OPTIONS && len > 1000));
	if (reject)
		return;
	CHECK(dhcp_has(&again, DHCP_WANT_CLIENT_ID) == kept->has_client_id);
	CHECK(again.opt[DHCP_WANT_CLIENT_ID].len == kept->client_id_len);
	CHECK(again.opt[DHCP_WANT_RELAY_AGENT_INFO].len == kept->relay_len);
}

static void build(uint8_t *payload, size_t cap, struct dhcp_request *request,
		  const struct dhcp_reply *reply)
{
	static struct reading reading;
	static struct kept kept;
	int len;

	keep(&kept, request);
	len = dhcp_reply_build(payload, cap, request, reply);
	if (len < 0) {
		CHECK(len == -ENOSPC);
		CHECK(cap < 548 || reply->mtu < 576 || kept.client_id_len + kept.relay_len > 250);
		return;
	}
	CHECK(len >= DHCP_MIN_MESSAGE && (size_t)len <= cap);
	CHECK((size_t)len + 28 <= reply->mtu);
	check_header((const struct dhcp_header *)payload, &kept, reply);
	read_reply(&reading, payload, (size_t)len);
	check_options(&reading, &kept, reply);
	check_parameters(&reading, reply);
	check_parses_back(payload, (size_t)len, &kept);
}

/* Reads the choices; what is left of the input is the request. */
static struct option_set *take_set(const struct control *control, const uint8_t **data,
				   size_t *size)
{
	struct option_builder *builder = option_builder_new(NULL);
	static uint8_t value[255 * 7];
	struct option_set *set;

	CHECK(builder);
	for (unsigned i = 0; i < control->n_options && *size >= sizeof(struct choice); i++) {
		const struct choice *choice = (const struct choice *)*data;
		size_t len = (size_t)choice->len * (choice->times % 8);
		*data += sizeof(*choice);
		*size -= sizeof(*choice);
		if (choice->code == DHCP_OPT_PAD || choice->code == DHCP_OPT_END)
			continue;
		for (size_t at = 0; at < len; at++)
			value[at] = (uint8_t)(choice->code ^ at);
		CHECK(option_builder_put(builder, choice->code, value, len, choice->times & 8) ==
		      0);
	}
	set = option_builder_finish(builder);
	CHECK(set);
	option_builder_free(builder);
	return set;
}

static char *text(size_t len)
{
	char *string = malloc(len + 1);

	CHECK(string);
	memset(string, 't', len);
	string[len] = '\0';
	return string;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t fqdn[255];
	struct control control;
	struct dhcp_request request;
	size_t cap;

	if (size < sizeof(control))
		return 0;
	memcpy(&control, data, sizeof(control));
	data += sizeof(control);
	size -= sizeof(control);
	struct option_set *set = take_set(&control, &data, &size);
	cap = load_be16(control.cap) % (CAP_MAX + 1);
	uint8_t *payload = malloc(cap ? cap : 1);
	CHECK(payload);
	memset(payload, 0xee, cap);
	size = min_size(size, cap);
	if (size)
		memcpy(payload, data, size);
	char *file = text(control.file_len), *sname = text(control.sname_len);
	char *message = text(control.message_len);
	struct dhcp_reply reply = {
	    .type = types[control.type % 3],
	    .server_id = 0x0a060001,
	    .yiaddr = 0x0a06090a,
	    .lease_s = control.flags & FLAG_TIMES ? 3600 : 0,
	    .subnet_mask = control.flags & FLAG_MASK ? 0xffff0000 : 0,
	    .boot_file = control.file_len ? file : NULL,
	    .server_name = control.sname_len ? sname : NULL,
	    .message = control.message_len ? message : NULL,
	    .options = control.options_len ? set : NULL,
	    .fqdn = {control.fqdn_len ? fqdn : NULL, control.fqdn_len},
	    .set_broadcast = control.flags & FLAG_BROADCAST,
	    .mtu = load_be16(control.mtu),
	};
	if (dhcp_request_parse(&request, payload, size) == DHCP_ACCEPTED)
		build(payload, cap, &request, &reply);
	free(file);
	free(sname);
	free(message);
	free(payload);
	free(set);
	return 0;
}
