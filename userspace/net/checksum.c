/* SPDX-License-Identifier: MIT */
#include "net/checksum.h"

/*
 * 64-bit sums of 32-bit words, so that carries need no care. Four beside each other in AVX2's
 * registers, chosen at start where the processor has them; elsewhere two in SSE2's or NEON's.
 */
typedef uint64_t lanes __attribute__((vector_size(32)));

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) && \
	!defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define WIDEST __attribute__((target_clones("avx2", "default")))
#else /* a sanitizer's run time is not there yet when clones are chosen */
#define WIDEST
#endif

#define MASK_4  255, 255, 255, 255
#define MASK_16 MASK_4, MASK_4, MASK_4, MASK_4

/* The last bytes of a run too short for vectors, as if a zero followed an odd one. */
static uint64_t add_words(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;
	uint16_t pair = 0, last = 0;

	for (; len >= sizeof(uint32_t); p += sizeof(uint32_t), len -= sizeof(uint32_t)) {
		uint32_t word;
		memcpy(&word, p, sizeof(word));
		sum += word;
	}
	if (len & 2) {
		memcpy(&pair, p, sizeof(pair));
		p += sizeof(pair);
	}
	if (len & 1)
		memcpy(&last, p, 1); /* the first of the two bytes in memory, in any byte order */
	return sum + pair + last;
}

/* Through pointers: what is passed in registers depends on the processor. */
static inline void load_lanes(lanes *words, const void *p)
{
	memcpy(words, p, sizeof(*words));
}

/* Of the 32 bytes that end at @p end the last @p len, an even number, the others zero. */
static inline void load_end(lanes *words, const uint8_t *end, size_t len)
{
	static const uint8_t masks[2 * sizeof(lanes)] = {[sizeof(lanes)] = MASK_16, MASK_16};
	lanes mask;

	load_lanes(words, end - sizeof(lanes));
	load_lanes(&mask, masks + len);
	*words &= mask;
}

WIDEST uint64_t checksum_add(const void *data, size_t len, uint64_t sum)
{
	const lanes low = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
	const size_t pair = 2 * sizeof(lanes);
	const uint8_t *p = data, *pairs_end = p + len / pair * pair;
	lanes even = {0}, odd = {0}, a, b;

	if (len < sizeof(lanes))
		return checksum_add_word(sum, add_words(p, len));
	for (; p != pairs_end; p += pair) {
		load_lanes(&a, p);
		load_lanes(&b, p + sizeof(lanes));
		even += (a & low) + (b & low);
		odd += (a >> 32) + (b >> 32);
	}
	if (len & sizeof(lanes)) {
		load_lanes(&a, p);
		even += a & low;
		odd += a >> 32;
	}
	load_end(&a, (const uint8_t *)data + (len & ~(size_t)1), len & (sizeof(lanes) - 2));
	even += (a & low) + (a >> 32) + odd;
	sum = checksum_add_word(sum, even[0] + even[1] + even[2] + even[3]);
	if (len & 1)
		sum = checksum_add_word(sum, add_words((const uint8_t *)data + len - 1, 1));
	return sum;
}
