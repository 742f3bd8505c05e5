/* SPDX-License-Identifier: MIT */
/*
 * Building a reply over its request. The order of options is explained in the header; nearly every
 * reply has room for all that its option set holds and is copied straight from it.
 */
#include "dhcp/reply_layout.h"

#include <errno.h>

#define IP_UDP_HEADERS 28 /* what a datagram's size counts besides the message */

/* The echo's data: one instance of each option, and what a copy of fixed width writes behind. */
struct echo_copy {
	uint8_t bytes[4][OPTION_DATA_MAX + OPTION_SET_SLACK];
};

/* Only a joined option is longer than 255 bytes, and that one is not in the message. */
static inline struct span keep(struct span option, uint8_t *copy, const uint8_t *payload,
			       const uint8_t *end)
{
	if (!option.data || option.len > OPTION_DATA_MAX)
		return option;
	if (likely(option.len <= OPTION_SET_SLACK && option.data >= payload &&
		   option.data + OPTION_SET_SLACK <= end))
		memcpy(copy, option.data, OPTION_SET_SLACK); /* cheaper than its own length */
	else
		memcpy(copy, option.data, option.len);
	return (struct span){copy, option.len};
}

static inline void keep_echo(struct reply_echo *echo, struct echo_copy *copy,
			     const struct dhcp_request *request, const uint8_t *payload, size_t cap)
{
	const struct span *opt = request->opt;
	const uint8_t *end = payload + cap;

	echo->asked = keep(opt[DHCP_WANT_PARAMETER_LIST], copy->bytes[0], payload, end);
	echo->client_id = keep(opt[DHCP_WANT_CLIENT_ID], copy->bytes[1], payload, end);
	echo->relay_info = keep(opt[DHCP_WANT_RELAY_AGENT_INFO], copy->bytes[2], payload, end);
	echo->subnet_selection =
	    keep(opt[DHCP_WANT_SUBNET_SELECTION], copy->bytes[3], payload, end);
}

/* Copies a name into its cleared field, which it leaves terminated. */
static void put_name(uint8_t *field, size_t size, const char *name)
{
	memcpy(field, name, strnlen(name, size - 1));
}

/* RFC 2131 table 3. What is not named here stays as the client sent it. */
static inline void write_header(struct dhcp_header *header, const struct dhcp_reply *reply)
{
	bool nak = reply->type == DHCP_NAK;

	header->op = DHCP_BOOTREPLY;
	header->hops = 0;
	header->secs = 0;
	if (reply->set_broadcast)
		header->flags |= htobe16(DHCP_FLAG_BROADCAST);
	header->ciaddr = nak ? 0 : htobe32(reply->ciaddr);
	header->yiaddr = nak ? 0 : htobe32(reply->yiaddr);
	header->siaddr = nak ? 0 : htobe32(reply->siaddr);
	memset(header->sname, 0, sizeof(header->sname));
	memset(header->file, 0, sizeof(header->file));
	if (unlikely(reply->server_name != NULL) && !nak)
		put_name(header->sname, sizeof(header->sname), reply->server_name);
	if (unlikely(reply->boot_file != NULL) && !nak)
		put_name(header->file, sizeof(header->file), reply->boot_file);
}

static inline uint8_t *put_u32(uint8_t *at, uint8_t code, uint32_t value)
{
	at[0] = code;
	at[1] = sizeof(value);
	store_be32(at + OPTION_HEADER, value);
	return at + OPTION_HEADER + sizeof(value);
}

/* Message type, server identifier and times: at most 27 bytes. */
static inline uint8_t *write_mandatory(uint8_t *at, const struct dhcp_reply *reply)
{
	at[0] = DHCP_OPT_MESSAGE_TYPE;
	at[1] = 1;
	at[2] = (uint8_t)reply->type;
	at = put_u32(at + 3, DHCP_OPT_SERVER_ID, reply->server_id);
	if (reply->lease_s != 0 && reply->type != DHCP_NAK) {
		at = put_u32(at, DHCP_OPT_LEASE_TIME, reply->lease_s);
		at = put_u32(at, DHCP_OPT_RENEWAL_TIME, reply->t1_s);
		at = put_u32(at, DHCP_OPT_REBINDING_TIME, reply->t2_s);
	}
	return at;
}

/* How long the message may be. Option 57 counts the IP and UDP headers (RFC 2131 section 2). */
static inline size_t message_limit(size_t cap, const struct dhcp_request *request,
				   const struct dhcp_reply *reply)
{
	struct span size = request->opt[DHCP_WANT_MAX_MESSAGE_SIZE];
	size_t datagram = DHCP_MIN_MAX_DATAGRAM;

	if (size.data && load_be16(size.data) > datagram)
		datagram = load_be16(size.data);
	datagram = min_size(datagram, reply->mtu);
	return datagram < IP_UDP_HEADERS ? 0 : min_size(datagram - IP_UDP_HEADERS, cap);
}

/* Copies options of a set straight into a message. */
struct copier {
	const struct option_set *set;
	uint32_t mask;   /* of the subnet, for a set without option 1; 0: none */
	uint8_t *start;  /* where the first option goes */
	uint64_t unsent; /* ranks */
};

/* RFC 2132 section 3.3: a subnet mask precedes routers, whatever the order asked for. */
static uint8_t *copy_mask(const struct copier *copier, uint8_t *at, uint64_t unsent)
{
	const struct option_entry *entry = option_set_entry(copier->set, DHCP_OPT_SUBNET_MASK);
	bool in_set = copier->set->at[DHCP_OPT_SUBNET_MASK] != 0;
	size_t size = in_set ? entry->wire_size : OPTION_HEADER + sizeof(copier->mask);
	uint8_t *to = at;

	if (!(unsent >> OPTION_RANK_MASK & 1) || (!in_set && !copier->mask))
		return at;
	if (unlikely(!(unsent >> OPTION_RANK_ROUTERS & 1))) {
		to = copier->start;
		memmove(to + size, to, (size_t)(at - to));
	}
	if (in_set)
		put_option(to, DHCP_OPT_SUBNET_MASK, (struct span){entry->data, entry->len});
	else
		put_u32(to, DHCP_OPT_SUBNET_MASK, copier->mask);
	return at + size;
}

/*
 * Clients differ in what they ask for, so a branch on whether an option is there or has been sent
 * would be guessed wrong all the time: something is written in any case, but only goes on when it
 * counts.
 */
static inline uint8_t *copy_codes(struct copier *copier, uint8_t *at, const uint8_t *codes,
				  size_t n)
{
	const struct option_set *set = copier->set;
	uint64_t unsent = copier->unsent;

	for (size_t i = 0; i < n; i++) {
		const struct option_entry *entry = option_set_entry(set, codes[i]);
		const uint8_t *wire = (const uint8_t *)entry + offsetof(struct option_entry, code);
		if (codes[i] == DHCP_OPT_SUBNET_MASK) {
			at = copy_mask(copier, at, unsent);
			unsent &= ~(UINT64_C(1) << OPTION_RANK_MASK);
			continue;
		}
		size_t size = entry->wire_size & -(size_t)(unsent >> entry->rank & 1);
		if (unlikely(size > OPTION_SET_SLACK))
			memcpy(at, wire, size);
		else
			memcpy(at, wire, OPTION_SET_SLACK);
		unsent &= ~(UINT64_C(1) << entry->rank);
		at += size;
	}
	copier->unsent = unsent;
	return at;
}

static __attribute__((noinline)) uint8_t *copy_everything(struct copier *copier, uint8_t *at)
{
	uint8_t codes[256];

	for (unsigned code = 0; code < sizeof(codes); code++)
		codes[code] = (uint8_t)code;
	return copy_codes(copier, at, codes, sizeof(codes));
}

static __attribute__((noinline)) uint8_t *copy_always(struct copier *copier, uint8_t *at)
{
	uint8_t codes[OPTION_RANKS];
	size_t n = 0;

	for (unsigned i = 0; i < 4; i++)
		for (uint64_t left = copier->set->always[i]; left; left &= left - 1)
			codes[n++] = (uint8_t)(64 * i + (unsigned)__builtin_ctzll(left));
	return copy_codes(copier, at, codes, n);
}

/* What the client asks for, in its order, everything when it does not say; what is sent always. */
static uint8_t *copy_parameters(uint8_t *at, const struct dhcp_reply *reply,
				       struct span asked)
{
	const struct option_set *set = reply->options;
	struct copier copier = {set, reply->subnet_mask, at, UINT64_MAX};

	if (likely(asked.data != NULL))
		at = copy_codes(&copier, at, asked.data, asked.len);
	else
		at = copy_everything(&copier, at);
	if (unlikely(set->always[0] | set->always[1] | set->always[2] | set->always[3]))
		at = copy_always(&copier, at);
	return at;
}

/* What the memo has for a request whose option 55 has not been overwritten yet. */
struct recollection {
	struct reply_memo_entry *entry; /* NULL: nothing can be remembered */
	bool holds;                     /* what is asked for now */
};

static inline struct recollection recollect(const struct dhcp_request *request,
					    const struct dhcp_reply *reply)
{
	struct span asked = request->opt[DHCP_WANT_PARAMETER_LIST];
	struct recollection found = {NULL, false};

	if (!reply->memo || !reply->options)
		return found;
	found.entry = reply_memo_at(reply->memo, reply->options, reply->subnet_mask, asked);
	found.holds = found.entry && reply_memo_has(found.entry, reply->options,
						    reply->subnet_mask, asked);
	return found;
}

/* The same as it was written before, where that is remembered. */
static inline uint8_t *put_parameters(uint8_t *at, const struct dhcp_reply *reply,
				      struct span asked, const struct recollection *memory)
{
	uint8_t *end;

	if (likely(memory->holds))
		return reply_memo_copy(memory->entry, at);
	end = copy_parameters(at, reply, asked);
	if (memory->entry)
		reply_memo_keep(memory->entry, reply->options, reply->subnet_mask, asked,
				(struct span){at, (size_t)(end - at)});
	return end;
}

/* What has to be there whatever the client asks for, without the relay agent's option. */
static inline size_t echo_size(const struct dhcp_reply *reply, const struct reply_echo *echo)
{
	size_t size = 0;

	if (reply->fqdn.data)
		size += option_wire_size(reply->fqdn.len);
	if (echo->subnet_selection.data)
		size += option_wire_size(echo->subnet_selection.len);
	if (echo->client_id.data)
		size += option_wire_size(echo->client_id.len);
	return size;
}

/* Whether all that could be sent fits, and copies of fixed width too: then nothing needs care. */
static inline bool fits_straight(const struct dhcp_reply *reply, const struct reply_echo *echo,
				 size_t room)
{
	const struct option_set *set = reply->options;

	return set && reply->type != DHCP_NAK &&
	       (size_t)set->straight + OPTION_HEADER + 4 + echo_size(reply, echo) +
		       OPTION_SET_SLACK <=
		   room;
}

static inline uint8_t *write_straight(uint8_t *at, const struct dhcp_reply *reply,
				      const struct reply_echo *echo,
				      const struct recollection *memory)
{
	at = put_parameters(at, reply, echo->asked, memory);
	if (unlikely(reply->fqdn.data != NULL))
		at = put_option(at, DHCP_OPT_CLIENT_FQDN, reply->fqdn);
	if (unlikely(echo->subnet_selection.data != NULL))
		at = put_option(at, DHCP_OPT_SUBNET_SELECTION, echo->subnet_selection);
	if (echo->client_id.data)
		at = put_option(at, DHCP_OPT_CLIENT_ID, echo->client_id);
	return at;
}

/* END, and zeros where the message is shorter than BOOTP's minimum; returns its length. */
static inline int finish(uint8_t *payload, uint8_t *at)
{
	size_t len;

	*at++ = DHCP_OPT_END;
	len = (size_t)(at - payload);
	if (len >= DHCP_MIN_MESSAGE)
		return (int)len;
	memset(at, 0, DHCP_MIN_MESSAGE - len);
	return DHCP_MIN_MESSAGE;
}

int dhcp_reply_build(uint8_t *payload, size_t cap, const struct dhcp_request *request,
		     const struct dhcp_reply *reply)
{
	struct dhcp_header *header = (struct dhcp_header *)payload;
	size_t limit = message_limit(cap, request, reply), used;
	struct recollection memory;
	struct reply_echo echo;
	struct echo_copy copy;
	uint8_t *at;

	if (unlikely(limit < DHCP_MIN_MESSAGE))
		return -ENOSPC;
	memory = recollect(request, reply);
	keep_echo(&echo, &copy, request, payload, cap);
	write_header(header, reply);
	at = write_mandatory(header->options, reply);
	used = (size_t)(at - payload) + 1; /* END */
	if (echo.relay_info.data)
		used += option_wire_size(echo.relay_info.len);
	if (unlikely(used > limit))
		return -ENOSPC;
	if (likely(fits_straight(reply, &echo, limit - used)))
		at = write_straight(at, reply, &echo, &memory);
	else
		at = reply_lay_out(header, at, limit - used, reply, &echo);
	if (unlikely(!at))
		return -ENOSPC;
	if (echo.relay_info.data)
		at = put_option(at, DHCP_OPT_RELAY_AGENT_INFO, echo.relay_info);
	return finish(payload, at);
}
