/* SPDX-License-Identifier: MIT */
#include "dhcp/option_set.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "dhcp/message.h"
#include "dhcp/option_table.h"
#include "dhcp/wire.h"

#define OPTION_LEN_MAX 4096
#define CODES          256
#define ENTRY_ALIGN    8

static_assert(sizeof(struct option_entry) == ENTRY_ALIGN, "entries begin at multiples of it");
struct value {
	uint8_t *data; /* owned; NULL: not in the set */
	uint16_t len;
	bool always;
};

struct option_builder {
	struct value values[CODES];
	size_t size; /* of the finished set's bytes */
};

struct option_builder *option_builder_new(const struct option_set *outer)
{
	struct option_builder *builder = calloc(1, sizeof(*builder));

	if (!builder)
		return NULL;
	builder->size = sizeof(struct option_entry);
	for (unsigned code = 0; outer && code < CODES; code++) {
		struct span inherited = option_set_get(outer, (uint8_t)code);
		bool always = outer->always[code / 64] >> (code % 64) & 1;
		if (inherited.data && option_builder_put(builder, (uint8_t)code, inherited.data,
							 inherited.len, always) != 0) {
			option_builder_free(builder);
			return NULL;
		}
	}
	return builder;
}

void option_builder_free(struct option_builder *builder)
{
	if (!builder)
		return;
	for (unsigned code = 0; code < CODES; code++)
		free(builder->values[code].data);
	free(builder);
}

static size_t entry_size(size_t len)
{
	return (sizeof(struct option_entry) + len + ENTRY_ALIGN - 1) & ~(size_t)(ENTRY_ALIGN - 1);
}

int option_builder_put(struct option_builder *builder, uint8_t code, const void *data, size_t len,
		       bool always)
{
	struct value *value = &builder->values[code];
	size_t others = builder->size - (value->data ? entry_size(value->len) : 0);
	uint8_t *copy;

	assert(code != DHCP_OPT_PAD && code != DHCP_OPT_END);
	if (len > OPTION_LEN_MAX || (others + entry_size(len)) / ENTRY_ALIGN > UINT16_MAX)
		return -ENOSPC;
	copy = malloc(len ? len : 1);
	if (!copy)
		return -ENOMEM;
	if (len)
		memcpy(copy, data, len);
	free(value->data);
	*value = (struct value){copy, (uint16_t)len, always};
	builder->size = others + entry_size(len);
	return 0;
}

void option_builder_remove(struct option_builder *builder, uint8_t code)
{
	struct value *value = &builder->values[code];

	if (!value->data)
		return;
	builder->size -= entry_size(value->len);
	free(value->data);
	*value = (struct value){0};
}

/* How many entries came before decides, but for two codes whose order in a reply is fixed. */
static uint8_t entry_rank(uint8_t code, uint32_t before)
{
	if (code == DHCP_OPT_SUBNET_MASK)
		return OPTION_RANK_MASK;
	if (code == DHCP_OPT_ROUTERS)
		return OPTION_RANK_ROUTERS;
	return (uint8_t)(OPTION_RANK_ROUTERS + 1 + before);
}

static bool is_reserved(uint8_t code)
{
	return option_by_code(code)->type == OPTION_RESERVED;
}

static void add_entry(struct option_set *set, uint8_t code, const struct value *value)
{
	struct option_entry *entry = (struct option_entry *)(set->bytes + set->used);

	set->at[code] = (uint16_t)(set->used / ENTRY_ALIGN);
	if (value->always)
		set->always[code / 64] |= UINT64_C(1) << (code % 64);
	entry->wire_size = is_reserved(code) ? 0 : (uint16_t)option_wire_size(value->len);
	entry->len = value->len;
	entry->rank = entry_rank(code, set->n);
	entry->code = code;
	entry->wire_len = (uint8_t)value->len;
	memcpy(entry->data, value->data, value->len);
	set->used += (uint32_t)entry_size(value->len);
	set->n++;
	if (value->len > OPTION_DATA_MAX || entry->rank >= OPTION_RANK_NONE)
		set->straight = UINT32_MAX;
	if (set->straight != UINT32_MAX)
		set->straight += entry->wire_size;
}

struct option_set *option_builder_finish(const struct option_builder *builder)
{
	size_t cap = builder->size + OPTION_SET_SLACK;
	struct option_set *set = calloc(1, sizeof(*set) + cap);

	if (!set)
		return NULL;
	set->cap = (uint32_t)cap;
	set->used = sizeof(struct option_entry);
	((struct option_entry *)set->bytes)->rank = OPTION_RANK_NONE;
	for (unsigned code = 0; code < CODES; code++)
		if (builder->values[code].data)
			add_entry(set, (uint8_t)code, &builder->values[code]);
	set->digest = hash_bytes(set->bytes, set->used,
				 hash_bytes(set->always, sizeof(set->always), 0));
	return set;
}
