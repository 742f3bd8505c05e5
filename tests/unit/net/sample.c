/* SPDX-License-Identifier: MIT */
#include "sample.h"

#define DEFAULT(value, otherwise) ((value) ? (value) : (otherwise))

uint16_t sample_checksum(const uint8_t *data, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint8_t *put_ethernet(const struct sample *sample, uint8_t *p)
{
	bool broadcast = DEFAULT(sample->dst, SAMPLE_BROADCAST) == SAMPLE_BROADCAST;

	memset(p, broadcast ? 0xff : 0, 6);
	if (!broadcast) {
		p[0] = 2;
		p[5] = 1;
	}
	memcpy(p + 6, (uint8_t[6]){2, 0, 0, 0, 0, 2}, 6);
	p += 12;
	for (size_t i = 0; i < ARRAY_SIZE(sample->tags) && sample->tags[i].tpid; i++, p += 4) {
		store_be16(p, sample->tags[i].tpid);
		store_be16(p + 2, sample->tags[i].tci);
	}
	store_be16(p, DEFAULT(sample->ethertype, 0x0800));
	return p + 2;
}

static void put_ip(const struct sample *sample, uint8_t *ip, size_t header_len, size_t udp_len)
{
	uint8_t ihl = DEFAULT(sample->ihl, 5);

	memset(ip, 1, header_len); /* options: no-operations */
	memset(ip, 0, 20);
	ip[0] = (uint8_t)(DEFAULT(sample->version, 4) << 4 | ihl);
	store_be16(ip + 2, (uint16_t)((int)(header_len + udp_len) + sample->ip_len_lie));
	store_be16(ip + 4, (uint16_t)sample->xid);
	store_be16(ip + 6, sample->fragment);
	ip[8] = 128;
	ip[9] = DEFAULT(sample->protocol, 17);
	store_be32(ip + 12, DEFAULT(sample->src, SAMPLE_SOURCE));
	store_be32(ip + 16, DEFAULT(sample->dst, SAMPLE_BROADCAST));
	store_be16(ip + 10, (uint16_t)~sample_checksum(ip, header_len, 0));
	if (sample->wrong_ip_sum)
		ip[10] ^= 0x55;
}

static void put_message(const struct sample *sample, uint8_t *message, size_t len)
{
	for (size_t i = 0; i < len; i++)
		message[i] = (uint8_t)(i * 7);
	if (len < 240)
		return;
	message[0] = DEFAULT(sample->op, 1);
	store_be32(message + 4, sample->xid);
	store_be32(message + 236, sample->wrong_magic ? 0x63825364 : 0x63825363);
	if (sample->type && len >= 243)
		memcpy(message + 240, (uint8_t[]){53, 1, sample->type}, 3);
}

static void put_udp_checksum(const struct sample *sample, const uint8_t *ip, uint8_t *udp,
			     size_t len)
{
	uint32_t pseudo = sample_checksum(ip + 12, 8, 17 + (uint32_t)len);
	uint16_t sum = (uint16_t)~sample_checksum(udp, len, pseudo);

	switch (sample->udp_sum) {
	case SUM_NONE:
		return;
	case SUM_PARTIAL:
		store_be16(udp + 6, (uint16_t)pseudo);
		return;
	case SUM_WRONG:
	case SUM_RIGHT:
		store_be16(udp + 6, sum ? sum : 0xffff);
	}
	if (sample->udp_sum == SUM_WRONG)
		udp[len - 1] ^= 0x10;
}

size_t sample_build(const struct sample *sample, uint8_t *out)
{
	size_t payload = DEFAULT(sample->payload, SAMPLE_PAYLOAD), udp_len = 8 + payload;
	size_t ip_len = sample->ihl > 5 ? sample->ihl * 4u : 20;
	uint8_t *ip = put_ethernet(sample, out), *udp = ip + ip_len;

	put_ip(sample, ip, ip_len, udp_len);
	store_be16(udp, 68);
	store_be16(udp + 2, DEFAULT(sample->port, 67));
	store_be16(udp + 4, (uint16_t)((int)udp_len + sample->udp_len_lie));
	store_be16(udp + 6, 0);
	put_message(sample, udp + 8, payload);
	put_udp_checksum(sample, ip, udp, udp_len);
	memset(udp + udp_len, 0xa5, sample->padding);
	return (size_t)(udp + udp_len + sample->padding - out);
}
