/* SPDX-License-Identifier: MIT */
#include "net/checksum.h"

/* Two 64-bit sums of 32-bit words each, so that carries need no care: SSE2, NEON, or plain
 * registers. */
typedef uint64_t lanes __attribute__((vector_size(16)));

static lanes load_lanes(const uint8_t *p)
{
	lanes v;
	memcpy(&v, p, sizeof(v));
	return v;
}

/* The last 0 to 15 bytes, as if zeros followed them. */
static uint64_t add_tail(const uint8_t *p, size_t len, uint64_t sum)
{
	uint64_t word = 0;
	uint32_t half = 0;
	uint16_t quarter = 0, last = 0;

	if (len & 8) {
		memcpy(&word, p, sizeof(word));
		p += sizeof(word);
	}
	if (len & 4) {
		memcpy(&half, p, sizeof(half));
		p += sizeof(half);
	}
	if (len & 2) {
		memcpy(&quarter, p, sizeof(quarter));
		p += sizeof(quarter);
	}
	if (len & 1)
		memcpy(&last, p, 1);
	sum = checksum_add_word(sum, word);
	return checksum_add_word(sum, (uint64_t)half + quarter + last);
}

uint64_t checksum_add(const void *data, size_t len, uint64_t sum)
{
	const lanes low = {0xffffffff, 0xffffffff};
	const uint8_t *p = data;
	lanes even = {0, 0}, odd = {0, 0};

	for (; len >= 32; p += 32, len -= 32) {
		lanes a = load_lanes(p), b = load_lanes(p + 16);

		even += (a & low) + (b & low);
		odd += (a >> 32) + (b >> 32);
	}
	if (len & 16) {
		lanes a = load_lanes(p);

		even += a & low;
		odd += a >> 32;
		p += 16;
	}
	even += odd;
	sum = checksum_add_word(sum, even[0] + even[1]);
	return add_tail(p, len & 15, sum);
}
