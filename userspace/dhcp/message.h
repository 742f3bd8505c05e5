/* SPDX-License-Identifier: MIT */
/**
 * dhcp/message.h - a DHCPv4 message as it stands on the wire, and a checked view of a request.
 *
 * The parser touches each byte of the options once, writes nothing into the message and
 * allocates nothing. What a server looks at lands in a small table of spans; everything else
 * is validated and skipped. An option that is split over several instances (RFC 3396) is
 * joined into a scratch area of the view; the ordinary case borrows from the message.
 */
#ifndef ETCDHCP_DHCP_MESSAGE_H
#define ETCDHCP_DHCP_MESSAGE_H

#include "base/types.h"

#define DHCP_SERVER_PORT 67
#define DHCP_CLIENT_PORT 68

#define DHCP_CHADDR_LEN 16
#define DHCP_SNAME_LEN  64
#define DHCP_FILE_LEN   128
#define DHCP_MAGIC      UINT32_C(0x63825363)
#define DHCP_FLAG_BROADCAST UINT16_C(0x8000)
#define DHCP_HTYPE_ETHERNET 1

/** BOOTP's minimum (RFC 1542 section 2.1): replies are padded to it. */
#define DHCP_MIN_MESSAGE 300
/** What any client must accept, as an IP datagram (RFC 2131 section 2). */
#define DHCP_MIN_MAX_DATAGRAM 576

enum dhcp_op { DHCP_BOOTREQUEST = 1, DHCP_BOOTREPLY = 2 };

enum dhcp_type { /* option 53 */
	DHCP_DISCOVER = 1,
	DHCP_OFFER,
	DHCP_REQUEST,
	DHCP_DECLINE,
	DHCP_ACK,
	DHCP_NAK,
	DHCP_RELEASE,
	DHCP_INFORM,
	DHCP_TYPE_COUNT
};

/** RFC 2131 section 2, with the magic cookie of RFC 2132 section 2. All fields network order. */
struct dhcp_header {
	uint8_t op;
	uint8_t htype;
	uint8_t hlen;
	uint8_t hops;
	be32_t xid;
	be16_t secs;
	be16_t flags;
	be32_t ciaddr;
	be32_t yiaddr;
	be32_t siaddr;
	be32_t giaddr;
	uint8_t chaddr[DHCP_CHADDR_LEN];
	uint8_t sname[DHCP_SNAME_LEN];
	uint8_t file[DHCP_FILE_LEN];
	be32_t magic;
	uint8_t options[];
} __attribute__((packed, aligned(1)));

static_assert(sizeof(struct dhcp_header) == 240, "RFC 2131 section 2");

enum dhcp_code { /* the options this server itself understands */
	DHCP_OPT_PAD = 0,
	DHCP_OPT_SUBNET_MASK = 1,
	DHCP_OPT_ROUTERS = 3,
	DHCP_OPT_HOST_NAME = 12,
	DHCP_OPT_REQUESTED_ADDRESS = 50,
	DHCP_OPT_LEASE_TIME = 51,
	DHCP_OPT_OVERLOAD = 52,
	DHCP_OPT_MESSAGE_TYPE = 53,
	DHCP_OPT_SERVER_ID = 54,
	DHCP_OPT_PARAMETER_LIST = 55,
	DHCP_OPT_MESSAGE = 56,
	DHCP_OPT_MAX_MESSAGE_SIZE = 57,
	DHCP_OPT_RENEWAL_TIME = 58,
	DHCP_OPT_REBINDING_TIME = 59,
	DHCP_OPT_CLIENT_ID = 61,
	DHCP_OPT_TFTP_SERVER_NAME = 66,
	DHCP_OPT_BOOTFILE_NAME = 67,
	DHCP_OPT_CLIENT_FQDN = 81,
	DHCP_OPT_RELAY_AGENT_INFO = 82,
	DHCP_OPT_SUBNET_SELECTION = 118,
	DHCP_OPT_END = 255,
};

/** Sub-options of option 82. */
#define DHCP_RELAY_CIRCUIT_ID     1
#define DHCP_RELAY_REMOTE_ID      2
#define DHCP_RELAY_LINK_SELECTION 5  /* RFC 3527 */
#define DHCP_RELAY_SERVER_ID_OVERRIDE 11 /* RFC 5107 */

/** Options of a request that a server reads; the index into dhcp_request.opt. */
enum dhcp_want {
	DHCP_WANT_HOST_NAME,         /* any length, 0 included; no NUL, no particular characters */
	DHCP_WANT_REQUESTED_ADDRESS, /* present only with length 4 */
	DHCP_WANT_LEASE_TIME,        /* present only with length 4 */
	DHCP_WANT_SERVER_ID,         /* present only with length 4 */
	DHCP_WANT_PARAMETER_LIST,
	DHCP_WANT_MAX_MESSAGE_SIZE,  /* present only with length 2 */
	DHCP_WANT_CLIENT_ID,         /* present only with length 2 to 255 */
	DHCP_WANT_CLIENT_FQDN,       /* any length: check RFC 4702's minimum of 3 */
	DHCP_WANT_RELAY_AGENT_INFO,  /* any length, not checked within: see dhcp_relay_suboption */
	DHCP_WANT_SUBNET_SELECTION,  /* present only with length 4 */
	DHCP_WANT_MESSAGE_TYPE,      /* dhcp_request.type is the same, checked */
	DHCP_WANT_OVERLOAD,          /* what the parser has already followed */
	DHCP_WANT_COUNT
};

#define DHCP_REQUEST_SCRATCH 1536

struct dhcp_request {
	const struct dhcp_header *header; /* borrowed: lives as long as the frame */
	enum dhcp_type type;
	struct span opt[DHCP_WANT_COUNT]; /* data NULL when absent; length 0 is present */
	uint16_t scratch_used;
	uint8_t scratch[DHCP_REQUEST_SCRATCH]; /* joined instances; not initialised */
};

/** Why a message is not a request this server can look at; each is a counter of its own. */
enum dhcp_reject {
	DHCP_ACCEPTED,
	DHCP_REJECT_SHORT,         /* ends before the fixed fields and the cookie do */
	DHCP_REJECT_OP,            /* not a BOOTREQUEST */
	DHCP_REJECT_HLEN,          /* above 16; not 6 on Ethernet; 0 without option 61 (RFC 4390) */
	DHCP_REJECT_MAGIC,         /* plain BOOTP or junk */
	DHCP_REJECT_OPTIONS,       /* an option runs past its field, or pieces exceed the scratch */
	DHCP_REJECT_TYPE,          /* option 53 absent, malformed or not one a client sends */
	DHCP_REJECT_OPTION_LENGTH, /* a fixed length is another; option 61 not 2 to 255 */
	DHCP_REJECT_COUNT
};

/** Short lower-case name for metrics and logs, such as "bad-magic". */
const char *dhcp_reject_name(enum dhcp_reject reject);
/** "discover" .. "inform", those a server sends included; "unknown" otherwise. */
const char *dhcp_type_name(enum dhcp_type type);

/**
 * Checks @p len bytes of UDP payload and fills @p request.
 *
 * Missing END is accepted (it is common); options in `file` and `sname` are read when option 52
 * says so (RFC 2131 section 4.1: options, then file, then sname), and an overload option inside
 * an overloaded field is ignored, as is one with a value other than 1, 2 and 3. An option that
 * occurs several times is one option (RFC 3396 section 5), and its length is judged when it is
 * whole: two message types make a malformed one. Option 61 of length 0 or 1 is rejected
 * (RFC 2132 9.14: minimum 2), as is one that its pieces make longer than 255.
 * Accepted types are DISCOVER, REQUEST, DECLINE, RELEASE and INFORM.
 * Returns DHCP_ACCEPTED or the first reason against it, then @p request is unspecified.
 * Re-entrant; the request borrows from @p payload.
 */
enum dhcp_reject dhcp_request_parse(struct dhcp_request *request, const uint8_t *payload,
				    size_t len);

static inline bool dhcp_has(const struct dhcp_request *r, enum dhcp_want want)
{
	return r->opt[want].data != NULL;
}

/** The option's 32-bit value in host order, 0 when absent. Only for options of length 4. */
static inline uint32_t dhcp_u32(const struct dhcp_request *r, enum dhcp_want want)
{
	return dhcp_has(r, want) ? load_be32(r->opt[want].data) : 0;
}

/**
 * A sub-option of option 82 (RFC 3046 section 2), the first of its code. Data NULL when it is
 * absent or when any sub-option runs past the option's end: half an option is not to be trusted.
 */
struct span dhcp_relay_suboption(const struct dhcp_request *request, uint8_t code);

#endif
