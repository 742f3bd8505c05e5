/* SPDX-License-Identifier: MIT */
#include "perf/message.h"

#include <linux/if_ether.h>

#include "net/checksum.h"
#include "perf/dhcp.h"

#define MIN_MESSAGE    300
#define RELAY_HOPS     1
#define DONT_FRAGMENT  0x4000
#define TTL            64
#define CIRCUIT_DIGITS 8 /* of the subscriber, after "relay/port-" */

/* What each kind has beside the type; RFC 2131 table 5. */
static const struct {
	uint8_t type;
	bool requested, server, parameters;
	bool past_relay; /* unicast from the client to the server */
} kinds[MESSAGE_KIND_COUNT] = {
    [MESSAGE_DISCOVER] = {DHCP_DISCOVER, false, false, true, false},
    [MESSAGE_SELECT] = {DHCP_REQUEST, true, true, true, false},
    [MESSAGE_ELSEWHERE] = {DHCP_REQUEST, true, true, true, false},
    [MESSAGE_RENEW] = {DHCP_REQUEST, false, false, true, true},
    [MESSAGE_REBIND] = {DHCP_REQUEST, false, false, true, false},
    [MESSAGE_REBOOT] = {DHCP_REQUEST, true, false, true, false},
    [MESSAGE_RELEASE] = {DHCP_RELEASE, false, true, false, true},
};

/* Mask, routers, DNS, host name, domain, broadcast, NTP. */
static const uint8_t parameters[] = {1, 3, 6, 12, 15, 28, 42};

/* Appends an option and returns the offset of its data. */
static uint16_t append(struct message_template *t, uint8_t code, const void *data, uint8_t len)
{
	uint16_t at = t->len;

	t->bytes[at] = code;
	t->bytes[at + 1] = len;
	memcpy(t->bytes + at + 2, data, len);
	t->len = (uint16_t)(at + 2 + len);
	return (uint16_t)(at + 2);
}

static void append_agent_info(struct message_template *t)
{
	/* Circuit id: which port of which relay agent. Remote id: what is plugged in there. */
	static const uint8_t info[] = {1,   13,  '0', '0', '0', '0',  '-', '0', '0', '0', '0', '0',
				       '0', '0', '0', 2,   6,   0x06, 0,   0,   0,   0,   0};
	uint16_t data = append(t, OPTION_AGENT_INFO, info, sizeof(info));

	t->circuit = (uint16_t)(data + 2);
	t->remote = (uint16_t)(data + 2 + 13 + 2);
}

static void append_options(struct message_template *t, const struct message_style *style,
			   enum message_kind kind)
{
	static const uint8_t nothing[7] = {HTYPE_ETHERNET};

	append(t, OPTION_TYPE, &kinds[kind].type, 1);
	if (style->client_id)
		t->client_id = append(t, OPTION_CLIENT_ID, nothing, 7);
	if (kinds[kind].requested)
		t->requested = append(t, OPTION_REQUESTED, nothing, 4);
	if (kinds[kind].server)
		t->server = append(t, OPTION_SERVER_ID, nothing, 4);
	if (kinds[kind].parameters)
		append(t, OPTION_PARAMETERS, parameters, sizeof(parameters));
	if (t->relayed)
		append_agent_info(t);
	t->bytes[t->len++] = OPTION_END;
}

static uint16_t make_ethernet(uint8_t *bytes, const struct message_style *style)
{
	uint16_t at = 2 * ETH_ALEN;

	for (unsigned tag = style->tags; tag > 0; tag--) {
		store_be16(bytes + at, tag == 2 ? style->outer_tpid : ETH_P_8021Q);
		at += sizeof(struct steer_tag);
	}
	store_be16(bytes + at, ETH_P_IP);
	return at + 2;
}

static void make_headers(struct message_template *t)
{
	struct steer_ipv4 *ip = (struct steer_ipv4 *)(t->bytes + t->l3);
	struct steer_udp *udp = (struct steer_udp *)(ip + 1);
	uint16_t ip_len = (uint16_t)(t->len - t->l3);

	*ip = (struct steer_ipv4){
	    .version_ihl = 0x45,
	    .total_len = htobe16(ip_len),
	    .fragment = htobe16(DONT_FRAGMENT),
	    .ttl = TTL,
	    .protocol = STEER_PROTOCOL_UDP,
	};
	*udp = (struct steer_udp){
	    .src_port = htobe16(t->relayed ? STEER_SERVER_PORT : STEER_CLIENT_PORT),
	    .dst_port = htobe16(STEER_SERVER_PORT),
	    .len = htobe16((uint16_t)(ip_len - sizeof(*ip))),
	};
}

static struct dhcp_message *dhcp_of(uint8_t *bytes, uint16_t l3)
{
	return (struct dhcp_message *)(bytes + l3 + sizeof(struct steer_ipv4) +
				       sizeof(struct steer_udp));
}

void message_make_template(struct message_template *t, const struct message_style *style,
			   enum message_kind kind)
{
	struct dhcp_message *dhcp;
	uint16_t start;

	*t = (struct message_template){
	    .relayed = style->relayed && !kinds[kind].past_relay,
	};
	t->l3 = make_ethernet(t->bytes, style);
	dhcp = dhcp_of(t->bytes, t->l3);
	start = (uint16_t)((uint8_t *)dhcp - t->bytes);
	*dhcp = (struct dhcp_message){
	    .op = DHCP_BOOTREQUEST,
	    .htype = HTYPE_ETHERNET,
	    .hlen = ETH_ALEN,
	    .hops = t->relayed ? RELAY_HOPS : 0,
	    .flags = htobe16(style->broadcast && !kinds[kind].past_relay ? DHCP_BROADCAST : 0),
	    .magic = htobe32(STEER_MAGIC),
	};
	t->len = start + (uint16_t)sizeof(*dhcp);
	append_options(t, style, kind);
	if (t->len < start + MIN_MESSAGE)
		t->len = (uint16_t)(start + MIN_MESSAGE);
	make_headers(t);
}

static void write_hex(uint8_t *out, uint32_t value, unsigned digits)
{
	static const char hex[] = "0123456789abcdef";

	for (unsigned i = digits; i-- > 0; value >>= 4)
		out[i] = (uint8_t)hex[value & 0xf];
}

/* @p circuit and @p remote point to the data of the two. */
static void write_agent_info(uint8_t *circuit, uint8_t *remote, uint32_t relay, uint32_t subscriber)
{
	write_hex(circuit, relay, 4);
	write_hex(circuit + 5, subscriber, CIRCUIT_DIGITS);
	store_be32(remote + 2, subscriber);
}

static void write_ethernet(uint8_t *frame, uint16_t l3, const struct message_values *v)
{
	memcpy(frame, v->dst_mac, ETH_ALEN);
	memcpy(frame + ETH_ALEN, v->src_mac, ETH_ALEN);
	if (l3 > ETH_HLEN)
		store_be16(frame + l3 - 4, v->vlan);
	if (l3 > ETH_HLEN + 4)
		store_be16(frame + l3 - 8, v->outer_vlan);
}

static void write_dhcp(const struct message_template *t, const struct message_values *v,
		       uint8_t *frame)
{
	struct dhcp_message *dhcp = dhcp_of(frame, t->l3);

	dhcp->xid = htobe32(v->xid);
	dhcp->secs = htobe16(v->secs);
	dhcp->ciaddr = htobe32(v->ciaddr);
	dhcp->giaddr = htobe32(v->giaddr);
	memcpy(dhcp->chaddr, v->chaddr, ETH_ALEN);
	if (t->client_id)
		memcpy(frame + t->client_id + 1, v->chaddr, ETH_ALEN);
	if (t->requested)
		store_be32(frame + t->requested, v->requested);
	if (t->server)
		store_be32(frame + t->server, v->server);
	if (t->circuit)
		write_agent_info(frame + t->circuit, frame + t->remote, v->relay, v->subscriber);
}

static void write_checksums(const struct message_template *t, uint8_t *frame)
{
	struct steer_ipv4 *ip = (struct steer_ipv4 *)(frame + t->l3);
	struct steer_udp *udp = (struct steer_udp *)(ip + 1);
	uint16_t udp_len = (uint16_t)(t->len - t->l3 - sizeof(*ip));
	uint64_t pseudo = checksum_pseudo_header(ip->src, ip->dst, udp_len);
	be16_t sum;

	ip->checksum = (be16_t)~checksum_fold(checksum_add(ip, sizeof(*ip), 0));
	sum = (be16_t)~checksum_fold(checksum_add(udp, udp_len, pseudo));
	udp->checksum = sum ? sum : 0xffff; /* 0 would say that there is none */
}

uint32_t message_write(const struct message_template *t, const struct message_values *values,
		       uint8_t *frame)
{
	struct steer_ipv4 *ip = (struct steer_ipv4 *)(frame + t->l3);

	memcpy(frame, t->bytes, t->len);
	write_ethernet(frame, t->l3, values);
	ip->src = htobe32(values->src);
	ip->dst = htobe32(values->dst);
	write_dhcp(t, values, frame);
	write_checksums(t, frame);
	return t->len;
}

size_t message_agent_info(const struct message_template *t, uint32_t relay, uint32_t subscriber,
			  uint8_t out[MESSAGE_AGENT_INFO_MAX])
{
	uint16_t start = (uint16_t)(t->circuit - 2);
	size_t len = (size_t)(t->remote + ETH_ALEN - start);

	memcpy(out, t->bytes + start, len);
	write_agent_info(out + 2, out + (t->remote - start), relay, subscriber);
	return len;
}
