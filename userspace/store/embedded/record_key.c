/* SPDX-License-Identifier: MIT */
#include "store/embedded/record_key.h"

#include <errno.h>

#define PACKED      0x01
#define HEADER_SIZE 3

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* How many digits at the end can be packed: an even number of them. */
static size_t hex_tail(struct span key)
{
	size_t n = 0;

	while (n < key.len && hex_value(key.data[key.len - 1 - n]) >= 0)
		n++;
	return n & ~(size_t)1;
}

int stored_key_make(struct span key, uint8_t room[STORED_KEY_MAX], MDB_val *stored)
{
	size_t tail, head;

	if (key.len <= STORED_KEY_MAX) {
		/* LMDB's interface has no const; it does not write to keys. */
		*stored = (MDB_val){key.len, (void *)(uintptr_t)key.data};
		return 0;
	}
	tail = hex_tail(key);
	head = key.len - tail;
	if (HEADER_SIZE + head + tail / 2 > STORED_KEY_MAX)
		return -ENAMETOOLONG;
	room[0] = PACKED;
	store_be16(room + 1, (uint16_t)head);
	memcpy(room + HEADER_SIZE, key.data, head);
	for (size_t i = 0; i < tail / 2; i++) {
		const uint8_t *digits = key.data + head + 2 * i;
		room[HEADER_SIZE + head + i] =
		    (uint8_t)(hex_value(digits[0]) << 4 | hex_value(digits[1]));
	}
	*stored = (MDB_val){HEADER_SIZE + head + tail / 2, room};
	return 0;
}

int stored_key_read(const MDB_val *stored, struct kv_arena *arena, struct span *key)
{
	static const char digits[16] = "0123456789abcdef";
	const uint8_t *data = stored->mv_data;
	size_t head, tail;
	uint8_t *out;

	if (stored->mv_size == 0 || data[0] != PACKED) {
		*key = (struct span){data, stored->mv_size};
		return 0;
	}
	if (stored->mv_size < HEADER_SIZE)
		return -EINVAL;
	head = load_be16(data + 1);
	if (head > stored->mv_size - HEADER_SIZE)
		return -EINVAL;
	tail = stored->mv_size - HEADER_SIZE - head;
	out = kv_arena_alloc(arena, head + 2 * tail);
	if (!out)
		return -ENOMEM;
	memcpy(out, data + HEADER_SIZE, head);
	for (size_t i = 0; i < tail; i++) {
		uint8_t byte = data[HEADER_SIZE + head + i];
		out[head + 2 * i] = (uint8_t)digits[byte >> 4];
		out[head + 2 * i + 1] = (uint8_t)digits[byte & 0xf];
	}
	*key = (struct span){out, head + 2 * tail};
	return 0;
}
