/* SPDX-License-Identifier: MIT */
#include "perf/reply.h"

#include <linux/if_ether.h>

#include "net/checksum.h"
#include "perf/dhcp.h"

#define OVERLOAD_FILE  1
#define OVERLOAD_SNAME 2

struct layers {
	const struct steer_ipv4 *ip;
	const struct steer_udp *udp;
	const struct dhcp_message *dhcp;
	size_t options_len;
};

static bool is_from_server(const struct steer_udp *udp)
{
	return udp->src_port == htobe16(STEER_SERVER_PORT) &&
	       (udp->dst_port == htobe16(STEER_CLIENT_PORT) ||
		udp->dst_port == htobe16(STEER_SERVER_PORT));
}

/* Ethernet to UDP; the lengths told must lie inside each other. */
static enum reply_verdict find_datagram(const struct frame *frame, struct reply *reply,
					struct layers *found)
{
	static const struct steer_rules rules = {.ip_options = true};
	const uint8_t *end = frame->data + frame->len;
	struct steer_layers layers = {0};
	uint32_t header_len, total_len, udp_len;

	if (steer_link(frame->data, end, &layers) != STEER_OK ||
	    steer_network(end, &rules, &layers) != STEER_OK ||
	    !steer_fits(layers.udp, sizeof(*layers.udp), end) || !is_from_server(layers.udp))
		return REPLY_OTHER;
	header_len = (uint32_t)(layers.ip->version_ihl & 0xf) * 4;
	total_len = be16toh(layers.ip->total_len);
	udp_len = be16toh(layers.udp->len);
	if (udp_len < sizeof(*layers.udp) || header_len + udp_len > total_len ||
	    !steer_fits(layers.ip, total_len, end))
		return REPLY_MALFORMED;
	found->ip = layers.ip;
	found->udp = layers.udp;
	reply->vlan = layers.vlan;
	reply->inner_vlan = layers.inner_vlan;
	return REPLY_OK;
}

/* A sum of the pseudo header alone is what a sender on this machine leaves for hardware. */
static bool checksums_hold(const struct layers *layers)
{
	size_t header_len = (layers->ip->version_ihl & 0xf) * 4u;
	uint16_t udp_len = be16toh(layers->udp->len);
	uint64_t pseudo = checksum_pseudo_header(layers->ip->src, layers->ip->dst, udp_len);

	if (checksum_fold(checksum_add(layers->ip, header_len, 0)) != 0xffff)
		return false;
	return layers->udp->checksum == 0 ||
	       checksum_fold(checksum_add(layers->udp, udp_len, pseudo)) == 0xffff ||
	       layers->udp->checksum == checksum_fold(pseudo);
}

static enum reply_verdict find_message(struct layers *layers, struct reply *reply)
{
	const struct dhcp_message *dhcp = (const void *)(layers->udp + 1);
	size_t len = be16toh(layers->udp->len) - sizeof(*layers->udp);

	if (len < 1 || dhcp->op != DHCP_BOOTREPLY)
		return len < 1 ? REPLY_MALFORMED : REPLY_OTHER;
	if (len < sizeof(*dhcp))
		return REPLY_MALFORMED;
	reply->xid = be32toh(dhcp->xid);
	reply->chaddr = dhcp->chaddr;
	if (dhcp->magic != htobe32(STEER_MAGIC) || dhcp->htype != HTYPE_ETHERNET ||
	    dhcp->hlen != ETH_ALEN)
		return REPLY_MALFORMED;
	layers->dhcp = dhcp;
	layers->options_len = len - sizeof(*dhcp);
	return REPLY_OK;
}

struct reading {
	struct reply *reply;
	uint8_t overload;
};

/* One option that a client looks at; false when its length is wrong. */
static bool take_option(struct reading *reading, uint8_t code, const uint8_t *data, uint8_t len)
{
	struct reply *reply = reading->reply;

	switch (code) {
	case OPTION_TYPE:
		reply->type = data[0];
		return len == 1;
	case OPTION_SERVER_ID:
		reply->server = len == 4 ? load_be32(data) : 0;
		return len == 4;
	case OPTION_LEASE_TIME:
		reply->lease_s = len == 4 ? load_be32(data) : 0;
		return len == 4;
	case OPTION_OVERLOAD:
		reading->overload = data[0];
		return len == 1 && data[0] >= 1 && data[0] <= 3;
	case OPTION_AGENT_INFO:
		reply->agent_info = (struct span){data, len};
		return true;
	default:
		return true;
	}
}

/* Options up to END; false when one runs past @p size or END is missing. */
static bool read_field(struct reading *reading, const uint8_t *at, size_t size)
{
	const uint8_t *end = at + size;

	while (at < end && *at != OPTION_END) {
		if (*at == OPTION_PAD) {
			at++;
			continue;
		}
		if (end - at < 2 || end - at - 2 < at[1])
			return false;
		/* An option without data reads the byte behind it: there is one, END at least. */
		if (at + 2 == end || !take_option(reading, at[0], at + 2, at[1]))
			return false;
		at += 2 + at[1];
	}
	return at < end;
}

static bool read_options(const struct layers *layers, struct reply *reply)
{
	const struct dhcp_message *dhcp = layers->dhcp;
	struct reading reading = {.reply = reply};
	uint8_t overload;

	if (!read_field(&reading, (const uint8_t *)(dhcp + 1), layers->options_len))
		return false;
	overload = reading.overload;
	if (overload & OVERLOAD_FILE && !read_field(&reading, dhcp->file, sizeof(dhcp->file)))
		return false;
	if (overload & OVERLOAD_SNAME && !read_field(&reading, dhcp->sname, sizeof(dhcp->sname)))
		return false;
	return reply->type == DHCP_OFFER || reply->type == DHCP_ACK || reply->type == DHCP_NAK;
}

enum reply_verdict reply_parse(struct reply *reply, const struct frame *frame)
{
	struct layers layers;
	enum reply_verdict verdict;

	*reply = (struct reply){.dst_mac = frame->data, .src_mac = frame->data + ETH_ALEN};
	verdict = find_datagram(frame, reply, &layers);
	if (verdict == REPLY_OK && !checksums_hold(&layers))
		return REPLY_CHECKSUM;
	if (verdict == REPLY_OK)
		verdict = find_message(&layers, reply);
	if (verdict != REPLY_OK)
		return verdict;
	if (!read_options(&layers, reply))
		return REPLY_MALFORMED;
	reply->dst = be32toh(layers.ip->dst);
	reply->dst_port = be16toh(layers.udp->dst_port);
	reply->yiaddr = be32toh(layers.dhcp->yiaddr);
	reply->giaddr = be32toh(layers.dhcp->giaddr);
	return REPLY_OK;
}
