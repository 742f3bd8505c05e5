/* SPDX-License-Identifier: MIT */
#include "net/frame.h"

#include "net/checksum.h"
#include "net/port.h"

#define IPV4_VERSION_IHL   0x45 /* version 4, five words: no options */
#define IPV4_DONT_FRAGMENT 0x4000
#define IPV4_TTL           64
#define HEADERS_LEN        (sizeof(struct steer_ipv4) + sizeof(struct steer_udp))

static const char *const reason_names[STEER_REASON_COUNT] = {
#define X(symbol, text) [symbol] = text,
    STEER_REASONS(X)
#undef X
};

const char *steer_reason_name(enum steer_reason reason)
{
	return reason_names[reason];
}

static bool ip_checksum_holds(const struct steer_ipv4 *ip)
{
	uint64_t sum = checksum_add_fixed(ip, sizeof(*ip));

	if (unlikely(ip->version_ihl != IPV4_VERSION_IHL)) {
		size_t len = (ip->version_ihl & 0xf) * 4u;
		sum = checksum_add(ip + 1, len - sizeof(*ip), sum);
	}
	return checksum_fold(sum) == 0xffff;
}

/*
 * RFC 768. A frame from a container or virtual machine beside us may never have met the hardware
 * that should complete its checksum; it then carries the folded sum of the pseudo header, which
 * nothing but the kernel writes there, and which says that the frame has not left this machine.
 */
static bool udp_checksum_holds(const struct steer_ipv4 *ip, const struct steer_udp *udp)
{
	uint16_t len = be16toh(udp->len);
	uint64_t pseudo;

	if (udp->checksum == 0)
		return true;
	pseudo = checksum_pseudo_header(ip->src, ip->dst, len);
	return checksum_fold(checksum_add(udp, len, pseudo)) == 0xffff ||
	       udp->checksum == checksum_fold(pseudo);
}

bool packet_is_intact(const struct packet *packet)
{
	const void *ip = packet->frame.data + packet->l3_offset;
	const struct steer_udp *udp = (const void *)packet->payload;

	return ip_checksum_holds(ip) && udp_checksum_holds(ip, udp - 1);
}

enum steer_reason packet_find(struct packet *packet, const struct frame *frame)
{
	static const struct steer_rules rules = {.ip_options = true};
	uint8_t *data = frame->data;
	struct steer_layers layers;
	enum steer_reason reason;

	reason = steer_classify(data, data + frame->len, &rules, &layers);
	if (reason != STEER_OK)
		return reason;
	*packet = (struct packet){
	    .frame = *frame,
	    .payload = data + ((const uint8_t *)layers.dhcp - data),
	    .payload_len = be16toh(layers.udp->len) - (uint32_t)sizeof(*layers.udp),
	    .l3_offset = (uint16_t)((const uint8_t *)layers.ip - data),
	    .vlan = layers.vlan,
	    .inner_vlan = layers.inner_vlan,
	    .src = layers.ip->src,
	    .dst = layers.ip->dst,
	    .src_port = layers.udp->src_port,
	    .dst_port = layers.udp->dst_port,
	};
	return STEER_OK;
}

enum steer_reason packet_parse(struct packet *packet, const struct frame *frame)
{
	struct packet found;
	enum steer_reason reason = packet_find(&found, frame);

	if (reason != STEER_OK)
		return reason;
	if (!packet_is_intact(&found))
		return STEER_CHECKSUM;
	*packet = found;
	return STEER_OK;
}

size_t packet_room(const struct packet *packet)
{
	const struct frame *frame = &packet->frame;
	size_t offset = (size_t)(packet->payload - frame->data);
	size_t end = frame->cap;

	if (frame->port && frame->port->mtu)
		end = min_size(end, (size_t)packet->l3_offset + frame->port->mtu);
	return end > offset ? end - offset : 0;
}

static void write_ethernet(uint8_t *data, const struct port *port, const struct packet_reply *reply)
{
	struct steer_ethernet *ethernet = (struct steer_ethernet *)data;

	memcpy(ethernet->dst, reply->to_source ? ethernet->src : reply->dst_mac,
	       sizeof(ethernet->dst));
	memcpy(ethernet->src, port->mac, sizeof(ethernet->src));
}

/* Sums are made from values, not from the header just written: reading that back would stall. */
static void write_ip(struct steer_ipv4 *ip, const struct packet_reply *reply)
{
	uint64_t sum;

	*ip = (struct steer_ipv4){
	    .version_ihl = IPV4_VERSION_IHL,
	    .total_len = htobe16((uint16_t)(HEADERS_LEN + reply->payload_len)),
	    .fragment = htobe16(IPV4_DONT_FRAGMENT),
	    .ttl = IPV4_TTL,
	    .protocol = STEER_PROTOCOL_UDP,
	    .src = htobe32(reply->src),
	    .dst = htobe32(reply->dst),
	};
	sum = htobe16(IPV4_VERSION_IHL << 8) + htobe16(IPV4_DONT_FRAGMENT) +
	      htobe16(IPV4_TTL << 8 | STEER_PROTOCOL_UDP);
	sum += (uint64_t)htobe16((uint16_t)(HEADERS_LEN + reply->payload_len)) +
	       htobe32(reply->src) + htobe32(reply->dst);
	ip->checksum = (be16_t)~checksum_fold(sum);
}

/* With the sum of all but the payload where the checksum will be. */
static void write_udp(struct steer_udp *udp, const struct packet_reply *reply)
{
	uint16_t len = (uint16_t)(sizeof(*udp) + reply->payload_len);
	uint64_t sum = checksum_pseudo_header(htobe32(reply->src), htobe32(reply->dst), len);

	sum += (uint64_t)htobe16(STEER_SERVER_PORT) + htobe16(reply->dst_port) + htobe16(len);
	*udp = (struct steer_udp){
	    .src_port = htobe16(STEER_SERVER_PORT),
	    .dst_port = htobe16(reply->dst_port),
	    .len = htobe16(len),
	    .checksum = checksum_fold(sum),
	};
}

void packet_seal(struct packet *packet)
{
	struct steer_udp *udp = (struct steer_udp *)(void *)packet->payload - 1;
	size_t len = be16toh(udp->len) - sizeof(*udp);
	be16_t sum = (be16_t)~checksum_fold(checksum_add(udp + 1, len, udp->checksum));

	udp->checksum = sum ? sum : 0xffff; /* 0 would say that there is none */
}

void packet_address(struct packet *packet, const struct packet_reply *reply)
{
	struct frame *frame = &packet->frame;
	struct steer_ipv4 *ip = (struct steer_ipv4 *)(frame->data + packet->l3_offset);
	struct steer_udp *udp = (struct steer_udp *)(ip + 1);

	assert(packet->payload == (uint8_t *)(udp + 1));
	write_ethernet(frame->data, frame->port, reply);
	write_ip(ip, reply);
	write_udp(udp, reply);
	frame->len = packet->l3_offset + (uint32_t)HEADERS_LEN + reply->payload_len;
}
