/* SPDX-License-Identifier: MIT */
/*
 * steer.h - which frames are DHCP requests for this server: one definition, compiled into the XDP
 * program and into user space alike, so that user space never drops what the filter accepted.
 *
 * A frame is steered when it is all of this, checked in this order:
 *
 *   - Ethernet with at most two tags: none, 802.1Q, 802.1ad, or either of them around an 802.1Q
 * tag;
 *   - of a VLAN that is served (the outer tag's id, 0 when there is none);
 *   - IPv4 (RFC 791) with a whole header, without options unless the rules allow them, not a
 * fragment;
 *   - UDP (RFC 768) to port 67 and to an address of ours or 255.255.255.255;
 *   - with lengths that agree: UDP's inside IP's inside the frame (padding may follow);
 *   - a BOOTREQUEST with DHCP's magic cookie (RFC 2131 section 3).
 *
 * Checksums are left to user space, which has the time. Nothing here trusts a length it has not
 * compared, and no frame, however short or hostile, is read past its end.
 *
 * Includes only <linux/types.h>; the wire structures are spelled out here for that reason.
 */
#ifndef ETCDHCP_STEER_H
#define ETCDHCP_STEER_H

#include <linux/types.h>

/* X(symbol, text): why a frame goes where it goes. STEER_OK goes to the server, STEER_SHED nowhere,
 * all else to the kernel. */
#define STEER_REASONS(X)                                                                           \
	X(STEER_OK, "steered")                                                                     \
	X(STEER_SHORT, "short")                                                                    \
	X(STEER_NOT_IPV4, "not-ipv4")                                                              \
	X(STEER_VLAN, "other-vlan")                                                                \
	X(STEER_IP_HEADER, "bad-ip-header")                                                        \
	X(STEER_IP_OPTIONS, "ip-options")                                                          \
	X(STEER_FRAGMENT, "fragment")                                                              \
	X(STEER_NOT_UDP, "not-udp")                                                                \
	X(STEER_PORT, "other-port")                                                                \
	X(STEER_ADDRESS, "other-address")                                                          \
	X(STEER_LENGTH, "length-lies")                                                             \
	X(STEER_NOT_DHCP, "not-dhcp-request")                                                      \
	X(STEER_NO_SOCKET, "no-socket")                                                            \
	X(STEER_SHED, "shed")                                                                      \
	X(STEER_CHECKSUM, "bad-checksum")

enum steer_reason {
#define X(symbol, text) symbol,
	STEER_REASONS(X)
#undef X
	    STEER_REASON_COUNT
};

#define STEER_VLAN_WORDS    (4096 / 64)
#define STEER_SERVER_PORT   67
#define STEER_CLIENT_PORT   68
#define STEER_BROADCAST     0xffffffffu /* 255.255.255.255 in either byte order */
#define STEER_ADDRESSES_MAX 65536

#define STEER_ETHERTYPE_IPV4   0x0800
#define STEER_ETHERTYPE_8021Q  0x8100
#define STEER_ETHERTYPE_8021AD 0x88a8
#define STEER_PROTOCOL_UDP     17
#define STEER_FRAGMENT_BITS    0x3fff /* more fragments, or an offset */
#define STEER_BOOTREQUEST      1
#define STEER_OPTION_TYPE      53 /* RFC 2132 section 9.6 */
#define STEER_DISCOVER         1
#define STEER_MAGIC            0x63825363u /* RFC 2131 section 3 */

/* Frames may begin at any address in user space; the verifier judges packet pointers by itself. */
#ifdef __bpf__
#define STEER_WIRE
#else
#define STEER_WIRE __attribute__((packed))
#endif
#define STEER_INLINE static inline __attribute__((always_inline, unused))

struct steer_ethernet {
	__u8 dst[6], src[6];
	__be16 type;
} STEER_WIRE;

struct steer_tag {
	__be16 tci; /* priority (3 bits), drop eligible (1), VLAN id (12) */
	__be16 type;
} STEER_WIRE;

struct steer_ipv4 {
	__u8 version_ihl, tos;
	__be16 total_len, id, fragment;
	__u8 ttl, protocol;
	__be16 checksum;
	__be32 src, dst;
} STEER_WIRE;

struct steer_udp {
	__be16 src_port, dst_port, len, checksum;
} STEER_WIRE;

/* As much of a DHCP message as tells it from other things on port 67. */
struct steer_dhcp {
	__u8 op, bootp[235];
	__be32 magic;
} STEER_WIRE;

_Static_assert(sizeof(struct steer_ethernet) == 14, "Ethernet header");
_Static_assert(sizeof(struct steer_tag) == 4, "802.1Q tag");
_Static_assert(sizeof(struct steer_ipv4) == 20, "IPv4 header");
_Static_assert(sizeof(struct steer_udp) == 8, "UDP header");
_Static_assert(sizeof(struct steer_dhcp) == 240, "BOOTP header and magic cookie");

/* What a receiver serves. In the XDP program it is constant and vanishes in compilation. */
struct steer_rules {
	const __u64 *vlans; /* STEER_VLAN_WORDS words, a bit for each outer id served; NULL: all */
	_Bool (*is_ours)(const void *addresses, __be32 address); /* NULL: every address is */
	const void *addresses;
	_Bool ip_options; /* accepted */
};

/*
 * One receive queue as the program and the socket's owner see it, each writing a cache line of its own.
 * What was steered and not taken yet waits in the socket's ring. An owner who finds the ring empty says
 * that all was taken: so frames that the kernel lost on the way do not count for ever. In between
 * `taken` may be a few frames ahead.
 */
struct steer_queue {
	__u64 steered; /* by the program, to the socket */
	__u64 padding[7];
	__u64 taken; /* by the owner */
	__u64 more_padding[7];
} __attribute__((aligned(64)));

/* Where the layers are; valid as far as classification came. */
struct steer_layers {
	const struct steer_ipv4 *ip;
	const struct steer_udp *udp;
	const struct steer_dhcp *dhcp;
	__u16 vlan, inner_vlan; /* ids of outer and inner tag, 0: no tag, or a priority tag */
};

/* Both ways between network and host order. */
STEER_INLINE __u16 steer_be16(__u16 value)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap16(value);
#else
	return value;
#endif
}

STEER_INLINE __u32 steer_be32(__u32 value)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap32(value);
#else
	return value;
#endif
}

STEER_INLINE _Bool steer_fits(const void *data, __u32 len, const void *end)
{
	return (const char *)data + len <= (const char *)end;
}

STEER_INLINE _Bool steer_is_tag(__be16 type)
{
	return type == steer_be16(STEER_ETHERTYPE_8021Q) ||
	       type == steer_be16(STEER_ETHERTYPE_8021AD);
}

STEER_INLINE __u16 steer_vlan_id(const struct steer_tag *tag)
{
	return steer_be16(tag->tci) & 0xfff;
}

/* Ethernet and its tags: fills ip and both VLAN ids. */
STEER_INLINE enum steer_reason steer_link(const void *data, const void *end,
					  struct steer_layers *layers)
{
	const struct steer_ethernet *ethernet = data;
	const struct steer_tag *tag = (const void *)(ethernet + 1);
	__be16 type;

	if (!steer_fits(ethernet, sizeof(*ethernet), end))
		return STEER_SHORT;
	type = ethernet->type;
	if (steer_is_tag(type)) {
		if (!steer_fits(tag, sizeof(*tag), end))
			return STEER_SHORT;
		layers->vlan = steer_vlan_id(tag);
		type = tag->type;
		tag++;
		if (type == steer_be16(STEER_ETHERTYPE_8021Q)) {
			if (!steer_fits(tag, sizeof(*tag), end))
				return STEER_SHORT;
			layers->inner_vlan = steer_vlan_id(tag);
			type = tag->type;
			tag++;
		}
	}
	layers->ip = (const void *)tag;
	return type == steer_be16(STEER_ETHERTYPE_IPV4) ? STEER_OK : STEER_NOT_IPV4;
}

STEER_INLINE _Bool steer_vlan_served(const __u64 *vlans, __u16 id)
{
	return !vlans || (vlans[(id & 0xfff) / 64] >> (id % 64) & 1);
}

/* RFC 791 section 3.1: fills udp. */
STEER_INLINE enum steer_reason steer_network(const void *end, const struct steer_rules *rules,
					     struct steer_layers *layers)
{
	const struct steer_ipv4 *ip = layers->ip;
	__u32 header_len = sizeof(*ip);

	if (!steer_fits(ip, sizeof(*ip), end))
		return STEER_SHORT;
	if (ip->version_ihl >> 4 != 4 || (ip->version_ihl & 0xf) < sizeof(*ip) / 4)
		return STEER_IP_HEADER;
	if (rules->ip_options)
		header_len = (ip->version_ihl & 0xfu) * 4;
	else if ((ip->version_ihl & 0xf) != sizeof(*ip) / 4)
		return STEER_IP_OPTIONS;
	if (ip->fragment & steer_be16(STEER_FRAGMENT_BITS))
		return STEER_FRAGMENT;
	if (ip->protocol != STEER_PROTOCOL_UDP)
		return STEER_NOT_UDP;
	layers->udp = (const void *)((const char *)ip + header_len);
	return STEER_OK;
}

STEER_INLINE enum steer_reason steer_transport(const void *end, const struct steer_rules *rules,
					       struct steer_layers *layers)
{
	__be32 dst = layers->ip->dst;

	if (!steer_fits(layers->udp, sizeof(*layers->udp), end))
		return STEER_SHORT;
	if (layers->udp->dst_port != steer_be16(STEER_SERVER_PORT))
		return STEER_PORT;
	if (rules->is_ours && dst != STEER_BROADCAST && !rules->is_ours(rules->addresses, dst))
		return STEER_ADDRESS;
	return STEER_OK;
}

/* The datagram may be shorter than the packet and the packet shorter than the frame, never longer.
 */
STEER_INLINE enum steer_reason steer_message(const void *end, struct steer_layers *layers)
{
	const struct steer_ipv4 *ip = layers->ip;
	const struct steer_udp *udp = layers->udp;
	const struct steer_dhcp *dhcp = (const void *)(udp + 1);
	__u32 header_len = (__u32)((ip->version_ihl & 0xf) * 4);
	__u32 total_len = steer_be16(ip->total_len);
	__u32 udp_len = steer_be16(udp->len);

	if (udp_len < sizeof(*udp) || header_len + udp_len > total_len ||
	    !steer_fits(ip, total_len, end))
		return STEER_LENGTH;
	/* The second half follows from the first, but the verifier cannot know. */
	if (udp_len < sizeof(*udp) + sizeof(*dhcp) || !steer_fits(dhcp, sizeof(*dhcp), end))
		return STEER_NOT_DHCP;
	if (dhcp->op != STEER_BOOTREQUEST || dhcp->magic != steer_be32(STEER_MAGIC))
		return STEER_NOT_DHCP;
	layers->dhcp = dhcp;
	return STEER_OK;
}

/*
 * A DISCOVER, of those that begin their options with the message type, as nearly all clients do. It is
 * what a server under overload can best do without: its client has nothing yet, and asks again.
 */
STEER_INLINE _Bool steer_is_discover(const void *end, const struct steer_layers *layers)
{
	const __u8 *option = (const __u8 *)(layers->dhcp + 1);

	return steer_fits(option, 3, end) && option[0] == STEER_OPTION_TYPE && option[1] == 1 &&
	       option[2] == STEER_DISCOVER;
}

/* Judges the frame in [data, end): STEER_OK with all of *layers filled, or the first reason against
 * it. */
STEER_INLINE enum steer_reason steer_classify(const void *data, const void *end,
					      const struct steer_rules *rules,
					      struct steer_layers *layers)
{
	enum steer_reason reason;

	*layers = (struct steer_layers){0};
	reason = steer_link(data, end, layers);
	if (reason != STEER_OK)
		return reason;
	if (!steer_vlan_served(rules->vlans, layers->vlan))
		return STEER_VLAN;
	reason = steer_network(end, rules, layers);
	if (reason != STEER_OK)
		return reason;
	reason = steer_transport(end, rules, layers);
	if (reason != STEER_OK)
		return reason;
	return steer_message(end, layers);
}

#endif
