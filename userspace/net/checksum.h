/* SPDX-License-Identifier: MIT */
/**
 * net/checksum.h - the Internet checksum (RFC 1071), any length, any alignment.
 *
 * Sums are kept in 64 bits, as the data lies in memory: one's complement addition does not care
 * about the byte order as long as nobody swaps in the middle. So a folded sum is stored into
 * and compared with header fields as it is, without htons.
 */
#ifndef ETCDHCP_NET_CHECKSUM_H
#define ETCDHCP_NET_CHECKSUM_H

#include "base/types.h"
#include "steer.h"

/** Adds @p len bytes to @p sum; only the last run of several may be of odd length. */
uint64_t checksum_add(const void *data, size_t len, uint64_t sum);

/** The sum of @p len bytes, a constant and a multiple of four up to 64 KiB: for headers. */
static inline uint64_t checksum_add_fixed(const void *data, size_t len)
{
	uint64_t sum = 0;

	for (size_t at = 0; at < len; at += sizeof(uint32_t)) {
		uint32_t word;
		memcpy(&word, (const uint8_t *)data + at, sizeof(word));
		sum += word;
	}
	return sum;
}

/** One's complement addition. */
static inline uint64_t checksum_add_word(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word);
}

/** 64 bits to 16, not complemented; 0 only if every byte added was 0. */
static inline be16_t checksum_fold(uint64_t sum)
{
	uint32_t low = (uint32_t)sum, half = low + (uint32_t)(sum >> 32);

	half += half < low; /* the carry comes back in */
	half += half << 16 | half >> 16; /* likewise: that of the lower half goes into the upper */
	return (be16_t)(half >> 16);
}

/** Sum of the pseudo header that UDP's checksum covers too (RFC 768); @p udp_len in host order. */
static inline uint64_t checksum_pseudo_header(be32_t src, be32_t dst, uint16_t udp_len)
{
	return (uint64_t)src + dst + htobe16(udp_len) + htobe16(STEER_PROTOCOL_UDP);
}

#endif
