/* SPDX-License-Identifier: MIT */
/* Reading a request: every byte below comes from a network that anybody may write to. */
#include "dhcp/message.h"

enum { OVERLOAD_FILE = 1, OVERLOAD_SNAME = 2, OVERLOAD_BOTH = 3 };

/* X(code, want, min, max): what is read, and the lengths accepted once all pieces are joined. */
#define WANTS(X)                                                                                   \
	X(DHCP_OPT_HOST_NAME, DHCP_WANT_HOST_NAME, 0, LEN_ANY)                                     \
	X(DHCP_OPT_REQUESTED_ADDRESS, DHCP_WANT_REQUESTED_ADDRESS, 4, 4)                           \
	X(DHCP_OPT_LEASE_TIME, DHCP_WANT_LEASE_TIME, 4, 4)                                         \
	X(DHCP_OPT_OVERLOAD, DHCP_WANT_OVERLOAD, 1, 1)                                             \
	X(DHCP_OPT_MESSAGE_TYPE, DHCP_WANT_MESSAGE_TYPE, 1, 1)                                     \
	X(DHCP_OPT_SERVER_ID, DHCP_WANT_SERVER_ID, 4, 4)                                           \
	X(DHCP_OPT_PARAMETER_LIST, DHCP_WANT_PARAMETER_LIST, 0, LEN_ANY)                           \
	X(DHCP_OPT_MAX_MESSAGE_SIZE, DHCP_WANT_MAX_MESSAGE_SIZE, 2, 2)                             \
	X(DHCP_OPT_CLIENT_ID, DHCP_WANT_CLIENT_ID, 2, 255)                                         \
	X(DHCP_OPT_CLIENT_FQDN, DHCP_WANT_CLIENT_FQDN, 0, LEN_ANY)                                 \
	X(DHCP_OPT_RELAY_AGENT_INFO, DHCP_WANT_RELAY_AGENT_INFO, 0, LEN_ANY)                       \
	X(DHCP_OPT_SUBNET_SELECTION, DHCP_WANT_SUBNET_SELECTION, 4, 4)

#define LEN_ANY  UINT16_MAX
#define LEN_BYTE 255 /* what one instance can have */

/* By code, for the first instance: its slot and, so that one comparison judges it, min and max -
 * min. */
static const struct first_look {
	uint8_t slot; /* enum dhcp_want + 1; 0: passed over */
	uint8_t min, spread;
} first_looks[256] = {
#define X(code, want, min, max) [code] = {(want) + 1, min, ((max)&LEN_BYTE) - (min)},
    WANTS(X)
#undef X
};

static const struct {
	uint16_t min, max;
} limits[DHCP_WANT_COUNT] = {
#define X(code, want, min, max) [want] = {min, max},
    WANTS(X)
#undef X
};

static const unsigned client_types = 1u << DHCP_DISCOVER | 1u << DHCP_REQUEST | 1u << DHCP_DECLINE |
				     1u << DHCP_RELEASE | 1u << DHCP_INFORM;

static const char *const reject_names[DHCP_REJECT_COUNT] = {
    [DHCP_ACCEPTED] = "accepted",      [DHCP_REJECT_SHORT] = "short",
    [DHCP_REJECT_OP] = "bad-op",       [DHCP_REJECT_HLEN] = "bad-hlen",
    [DHCP_REJECT_MAGIC] = "bad-magic", [DHCP_REJECT_OPTIONS] = "bad-options",
    [DHCP_REJECT_TYPE] = "bad-type",   [DHCP_REJECT_OPTION_LENGTH] = "bad-option-length",
};

static const char *const type_names[DHCP_TYPE_COUNT] = {
    [DHCP_DISCOVER] = "discover", [DHCP_OFFER] = "offer",   [DHCP_REQUEST] = "request",
    [DHCP_DECLINE] = "decline",   [DHCP_ACK] = "ack",       [DHCP_NAK] = "nak",
    [DHCP_RELEASE] = "release",   [DHCP_INFORM] = "inform",
};

const char *dhcp_reject_name(enum dhcp_reject reject)
{
	return (unsigned)reject < DHCP_REJECT_COUNT ? reject_names[reject] : "unknown";
}

const char *dhcp_type_name(enum dhcp_type type)
{
	const char *name = (unsigned)type < DHCP_TYPE_COUNT ? type_names[type] : NULL;

	return name ? name : "unknown";
}

/*
 * Appends another instance to an option (RFC 3396). What already ends the scratch area grows in
 * place; anything else moves there first, so pieces may come interleaved. False: no room.
 */
static __attribute__((noinline)) bool join(struct dhcp_request *request, struct span *option,
					   const uint8_t *more, size_t more_len)
{
	uint8_t *tail = request->scratch + request->scratch_used;
	size_t room = sizeof(request->scratch) - request->scratch_used;
	size_t moved = option->data + option->len == tail ? 0 : option->len;

	if (moved + more_len > room)
		return false;
	if (moved) {
		memcpy(tail, option->data, moved);
		option->data = tail;
	} else if (option->len == 0) {
		option->data = tail;
	}
	memcpy(tail + moved, more, more_len);
	option->len += more_len;
	request->scratch_used += (uint16_t)(moved + more_len);
	return true;
}

/* PAD and END: codes without a length. */
static inline bool is_single(uint8_t code)
{
	return (uint8_t)(code + 1) <= 1;
}

static_assert(DHCP_OPT_PAD == 0 && DHCP_OPT_END == UINT8_MAX, "neighbours, modulo 256");

/*
 * One pass over one field. @p ignored is a code that means nothing in it, PAD for none. *suspect is
 * set when some length must be judged again at the end.
 */
static inline enum dhcp_reject read_field(struct dhcp_request *request, const uint8_t *at,
					  const uint8_t *end, uint8_t ignored, bool *suspect)
{
	while (at + 1 < end) {
		uint8_t code = at[0];
		if (unlikely(is_single(code))) {
			if (code == DHCP_OPT_END)
				return DHCP_ACCEPTED;
			at++;
			continue;
		}
		const uint8_t *data = at + 2;
		size_t len = at[1];
		const struct first_look *look = &first_looks[code];
		at = data + len;
		if (unlikely(at > end))
			return DHCP_REJECT_OPTIONS;
		if (look->slot == 0 || code == ignored)
			continue;
		struct span *option = &request->opt[look->slot - 1];
		if (unlikely((uint8_t)(len - look->min) > look->spread))
			*suspect = true;
		if (likely(!option->data)) {
			*option = (struct span){data, len};
		} else {
			*suspect = true;
			if (!join(request, option, data, len))
				return DHCP_REJECT_OPTIONS;
		}
	}
	return at == end || is_single(*at) ? DHCP_ACCEPTED : DHCP_REJECT_OPTIONS;
}

/* RFC 2131 section 4.1: the options field first, then `file`, then `sname`. */
static __attribute__((noinline)) enum dhcp_reject read_overloaded(struct dhcp_request *request,
								  bool *suspect)
{
	const struct dhcp_header *header = request->header;
	struct span overload = request->opt[DHCP_WANT_OVERLOAD];
	enum dhcp_reject reject = DHCP_ACCEPTED;

	if (overload.len != 1 || overload.data[0] > OVERLOAD_BOTH)
		return DHCP_ACCEPTED;
	if (overload.data[0] & OVERLOAD_FILE)
		reject = read_field(request, header->file, header->file + DHCP_FILE_LEN,
				    DHCP_OPT_OVERLOAD, suspect);
	if (reject == DHCP_ACCEPTED && (overload.data[0] & OVERLOAD_SNAME))
		reject = read_field(request, header->sname, header->sname + DHCP_SNAME_LEN,
				    DHCP_OPT_OVERLOAD, suspect);
	return reject;
}

/* What the fixed fields alone tell against a message. */
static inline enum dhcp_reject check_header(const struct dhcp_header *header)
{
	if (unlikely(header->op != DHCP_BOOTREQUEST))
		return DHCP_REJECT_OP;
	if (unlikely(header->hlen > DHCP_CHADDR_LEN ||
		     (header->htype == DHCP_HTYPE_ETHERNET && header->hlen != 6)))
		return DHCP_REJECT_HLEN;
	if (unlikely(header->magic != htobe32(DHCP_MAGIC)))
		return DHCP_REJECT_MAGIC;
	return DHCP_ACCEPTED;
}

static bool lengths_fit(const struct dhcp_request *request)
{
	for (unsigned i = 0; i < DHCP_WANT_COUNT; i++) {
		const struct span *option = &request->opt[i];
		if (option->data && (option->len < limits[i].min || option->len > limits[i].max))
			return false;
	}
	return true;
}

/* What the options tell against it once all are read. */
static inline enum dhcp_reject check_options(struct dhcp_request *request, bool suspect)
{
	struct span type = request->opt[DHCP_WANT_MESSAGE_TYPE];

	if (unlikely(type.len != 1 || type.data[0] >= DHCP_TYPE_COUNT ||
		     !(client_types >> type.data[0] & 1)))
		return DHCP_REJECT_TYPE;
	if (unlikely(suspect) && !lengths_fit(request))
		return DHCP_REJECT_OPTION_LENGTH;
	if (unlikely(request->header->hlen == 0 && !dhcp_has(request, DHCP_WANT_CLIENT_ID)))
		return DHCP_REJECT_HLEN;
	request->type = (enum dhcp_type)type.data[0];
	return DHCP_ACCEPTED;
}

enum dhcp_reject dhcp_request_parse(struct dhcp_request *request, const uint8_t *payload,
				    size_t len)
{
	const struct dhcp_header *header = (const struct dhcp_header *)payload;
	enum dhcp_reject reject;
	bool suspect = false;

	if (unlikely(len < sizeof(*header)))
		return DHCP_REJECT_SHORT;
	reject = check_header(header);
	if (unlikely(reject))
		return reject;
	request->header = header;
	request->scratch_used = 0;
	memset(request->opt, 0, sizeof(request->opt));
	reject = read_field(request, header->options, payload + len, DHCP_OPT_PAD, &suspect);
	if (likely(reject == DHCP_ACCEPTED) && unlikely(dhcp_has(request, DHCP_WANT_OVERLOAD)))
		reject = read_overloaded(request, &suspect);
	return reject ? reject : check_options(request, suspect);
}

struct span dhcp_relay_suboption(const struct dhcp_request *request, uint8_t code)
{
	struct span relay = request->opt[DHCP_WANT_RELAY_AGENT_INFO];
	struct span found = {0};

	for (size_t at = 0; at < relay.len;) {
		if (relay.len - at < 2 || relay.len - at - 2 < relay.data[at + 1])
			return (struct span){0};
		if (relay.data[at] == code && !found.data)
			found = (struct span){relay.data + at + 2, relay.data[at + 1]};
		at += 2 + (size_t)relay.data[at + 1];
	}
	return found;
}
