/* SPDX-License-Identifier: MIT */
#include "perf/arp.h"

#include <linux/if_ether.h>

#include "perf/tenure.h"

#define ARP_REQUEST 1
#define ARP_REPLY   2

/* For Ethernet and IPv4. */
struct arp {
	be16_t hardware, protocol;
	uint8_t hardware_len, protocol_len;
	be16_t operation;
	uint8_t sender_mac[6];
	be32_t sender;
	uint8_t target_mac[6];
	be32_t target;
} __attribute__((packed));
static_assert(sizeof(struct arp) == 28, "RFC 826");

/* Past at most two tags; NULL when there is no ARP packet. */
static struct arp *find_arp(const struct frame *frame)
{
	uint8_t *at = frame->data + 2 * ETH_ALEN;
	const uint8_t *end = frame->data + frame->len;
	struct arp *arp;

	for (int tags = 0; tags < 2 && end - at >= 6 && steer_is_tag(htobe16(load_be16(at)));
	     tags++)
		at += sizeof(struct steer_tag);
	arp = (struct arp *)(at + 2);
	if (end - at < 2 + (ptrdiff_t)sizeof(*arp) || load_be16(at) != ETH_P_ARP)
		return NULL;
	if (arp->hardware != htobe16(1) || arp->protocol != htobe16(ETH_P_IP) ||
	    arp->hardware_len != ETH_ALEN || arp->protocol_len != 4)
		return NULL;
	return arp;
}

/* Whose hardware address belongs to an address of ours. */
static bool find_owner(const struct generator *g, uint32_t address, uint8_t mac[ETH_ALEN])
{
	uint32_t holder;

	memcpy(mac, g->wire->link.mac, ETH_ALEN);
	if (relays_find(&g->relays, address) != NO_RELAY)
		return true;
	holder = tenure_holder(g, address);
	if (holder == NO_CLIENT)
		return false;
	if (g->relays.n == 0)
		population_mac(&g->population, holder, mac);
	return true;
}

static bool answer(struct generator *g, struct frame *frame, struct arp *arp)
{
	uint8_t mac[ETH_ALEN];
	be32_t asker = arp->sender;

	if (!find_owner(g, be32toh(arp->target), mac))
		return false;
	arp->operation = htobe16(ARP_REPLY);
	memcpy(arp->target_mac, arp->sender_mac, ETH_ALEN);
	memcpy(arp->sender_mac, mac, ETH_ALEN);
	arp->sender = arp->target;
	arp->target = asker;
	memcpy(frame->data, arp->target_mac, ETH_ALEN);
	memcpy(frame->data + ETH_ALEN, mac, ETH_ALEN);
	total_add(&g->stats.arps);
	return true;
}

static uint32_t next_hop_address(const struct options *o)
{
	return o->next_hop ? o->next_hop : o->server;
}

static void note_reply(struct generator *g, const struct arp *arp)
{
	uint32_t relay = relays_find(&g->relays, be32toh(arp->target));

	if (relay != NO_RELAY && be32toh(arp->sender) == next_hop_address(g->options) &&
	    !g->options->server_mac)
		relays_resolve(&g->relays, relay, arp->sender_mac);
}

bool arp_receive(struct generator *g, struct frame *frame, bool *answered)
{
	struct arp *arp = find_arp(frame);

	*answered = false;
	if (!arp)
		return false;
	if (arp->operation == htobe16(ARP_REQUEST))
		*answered = answer(g, frame, arp);
	else if (arp->operation == htobe16(ARP_REPLY))
		note_reply(g, arp);
	return true;
}

/* Ethernet header and tags as DHCP messages of the relay agent have them; what follows them. */
static uint8_t *write_link(const struct generator *g, uint32_t relay, uint8_t *frame)
{
	const struct options *o = g->options;
	struct place place = generator_place(g, relay);
	uint8_t *at = frame + 2 * ETH_ALEN;

	memset(frame, 0xff, ETH_ALEN);
	memcpy(frame + ETH_ALEN, g->wire->link.mac, ETH_ALEN);
	if (place.outer_vlan) {
		store_be16(at, (uint16_t)o->outer_tpid);
		store_be16(at + 2, place.outer_vlan);
		at += sizeof(struct steer_tag);
	}
	if (place.vlan) {
		store_be16(at, ETH_P_8021Q);
		store_be16(at + 2, place.vlan);
		at += sizeof(struct steer_tag);
	}
	store_be16(at, ETH_P_ARP);
	return at + 2;
}

static void ask(struct generator *g, uint32_t relay, const struct frame *frame)
{
	uint8_t *at = write_link(g, relay, frame->data);
	struct arp arp = {
	    .hardware = htobe16(1),
	    .protocol = htobe16(ETH_P_IP),
	    .hardware_len = ETH_ALEN,
	    .protocol_len = 4,
	    .operation = htobe16(ARP_REQUEST),
	    .sender = htobe32(relays_address(&g->relays, relay)),
	    .target = htobe32(next_hop_address(g->options)),
	};
	uint32_t len = (uint32_t)(at + sizeof(arp) - frame->data);

	memcpy(arp.sender_mac, g->wire->link.mac, ETH_ALEN);
	memcpy(at, &arp, sizeof(arp));
	if (len < ETH_ZLEN) {
		memset(at + sizeof(arp), 0, ETH_ZLEN - len);
		len = ETH_ZLEN;
	}
	wire_commit(g->wire, len);
}

void arp_ask(struct generator *g)
{
	for (uint32_t relay = 0; relay < g->relays.n; relay++) {
		const struct frame *frame = wire_next(g->wire);

		if (g->relays.next_hop[relay].known)
			continue;
		if (!frame)
			return;
		ask(g, relay, frame);
	}
}
