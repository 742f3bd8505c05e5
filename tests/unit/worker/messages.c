/* SPDX-License-Identifier: MIT */
#include "messages.h"

#include <string.h>

#define HEADERS	  (14 + 20 + 8)
#define SERVER_AT 11 /* the value of option 54, behind 53 and 50 */

static void write_headers(uint8_t *frame, size_t payload, uint32_t src, uint32_t dst)
{
	static const uint8_t ethernet[14] = {255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 9, 8, 0};
	uint8_t *ip = frame + 14, *udp = ip + 20;
	uint32_t sum = 0;

	memcpy(frame, ethernet, sizeof(ethernet));
	memset(ip, 0, 28);
	ip[0] = 0x45;
	store_be16(ip + 2, (uint16_t)(28 + payload));
	ip[8] = 64;
	ip[9] = 17;
	store_be32(ip + 12, src);
	store_be32(ip + 16, dst);
	for (int i = 0; i < 20; i += 2)
		sum += load_be16(ip + i);
	sum = (sum & 0xffff) + (sum >> 16);
	store_be16(ip + 10, (uint16_t)~((sum & 0xffff) + (sum >> 16)));
	store_be16(udp, 68);
	store_be16(udp + 2, 67);
	store_be16(udp + 4, (uint16_t)(8 + payload));
}

struct dhcp_header *written(struct memory_port *p, size_t slot)
{
	return (struct dhcp_header *)(p->memory[slot] + HEADERS);
}

void write_request(struct memory_port *p, size_t slot, enum dhcp_type type, uint32_t who,
		   uint32_t ciaddr, uint32_t wanted)
{
	uint8_t *frame = p->memory[slot];
	struct dhcp_header *header = written(p, slot);
	uint8_t *at = header->options;

	memset(header, 0, sizeof(*header));
	header->op = DHCP_BOOTREQUEST;
	header->htype = DHCP_HTYPE_ETHERNET;
	header->hlen = 6;
	header->xid = htobe32(who);
	header->ciaddr = htobe32(ciaddr);
	header->chaddr[0] = 2;
	store_be32(header->chaddr + 2, who);
	header->magic = htobe32(DHCP_MAGIC);
	memcpy(at, (uint8_t[]){53, 1, (uint8_t)type}, 3);
	at += 3;
	if (wanted) {
		memcpy(at, (uint8_t[]){50, 4, 0, 0, 0, 0, 54, 4, 0, 0, 0, 0}, 12);
		store_be32(at + 2, wanted);
		store_be32(header->options + SERVER_AT, SERVER);
		at += 12;
	}
	*at++ = 255;
	write_headers(frame, (size_t)(at - (uint8_t *)header), ciaddr, ciaddr ? SERVER : UINT32_MAX);
	p->len[slot] = (uint32_t)(at - frame);
}

void add_lease_time(struct memory_port *p, size_t slot, uint32_t ciaddr, uint32_t seconds)
{
	uint8_t *frame = p->memory[slot], *end = frame + p->len[slot] - 1;

	memcpy(end, (uint8_t[]){51, 4, 0, 0, 0, 0, 255}, 7);
	store_be32(end + 2, seconds);
	p->len[slot] += 6;
	write_headers(frame, p->len[slot] - HEADERS, ciaddr, ciaddr ? SERVER : UINT32_MAX);
}

void select_server(struct memory_port *p, size_t slot, uint32_t server)
{
	store_be32(written(p, slot)->options + SERVER_AT, server);
}

const struct dhcp_header *last_reply(const struct memory_port *p)
{
	return (const struct dhcp_header *)(p->last + HEADERS);
}

uint32_t last_lease_time(const struct memory_port *p)
{
	const uint8_t *at = last_reply(p)->options, *end = p->last + p->last_len;

	while (at + 6 <= end && *at != 255 && *at != 51)
		at += *at ? 2 + at[1] : 1;
	return at + 6 <= end && *at == 51 ? load_be32(at + 2) : 0;
}
