/* SPDX-License-Identifier: MIT */
#include "lease/client_index.h"

#include <errno.h>
#include <stdlib.h>

#define CAP_MIN 64u
#define CAP_MAX (UINT32_C(1) << 31)

/* No lease has these addresses, so no entry has these values. */
#define ENTRY_EMPTY     UINT64_C(0)
#define ENTRY_TOMBSTONE UINT64_C(1)

typedef _Atomic uint64_t entry_t;

static uint32_t tag_of(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

static uint64_t entry_make(uint32_t tag, uint32_t addr)
{
	return (uint64_t)tag << 32 | addr;
}

static bool entry_leads(uint64_t entry)
{
	return (uint32_t)entry >= PAGE_FIRST_ADDR;
}

static uint32_t home_of(const struct client_array *array, uint32_t tag)
{
	return (uint32_t)((uint64_t)tag * array->cap >> 32);
}

static uint32_t after(const struct client_array *array, uint32_t i)
{
	return i + 1 == array->cap ? 0 : i + 1;
}

static entry_t *entries_of(const struct client_array *array)
{
	return array->retired.array;
}

static uint64_t load(const entry_t *entry)
{
	return atomic_load_explicit(entry, memory_order_acquire);
}

/* Release: whoever finds the entry finds the record that it leads to. */
static void store(entry_t *entry, uint64_t value)
{
	atomic_store_explicit(entry, value, memory_order_release);
}

/* The writer needs no ordering against itself. */
static struct client_array *current(const struct client_index *index)
{
	return atomic_load_explicit(&index->array, memory_order_relaxed);
}

static struct client_array *array_new(struct memory *memory, uint64_t cap)
{
	struct client_array *array;

	if (cap > CAP_MAX)
		return NULL;
	array = memory_alloc(memory, sizeof(*array));
	if (!array)
		return NULL;
	if (memory_alloc_array(memory, &array->retired, cap * sizeof(entry_t))) {
		memory_release(memory, &array->retired, sizeof(*array));
		return NULL;
	}
	array->cap = (uint32_t)cap;
	return array;
}

/* Into the first place that leads nowhere. */
static void insert(struct client_array *array, uint64_t entry)
{
	entry_t *entries = entries_of(array);
	uint32_t i = home_of(array, (uint32_t)(entry >> 32));
	uint64_t there;

	while (entry_leads(there = atomic_load_explicit(&entries[i], memory_order_relaxed)))
		i = after(array, i);
	array->live++;
	array->used += there == ENTRY_EMPTY;
	store(&entries[i], entry);
}

/* Fills the new array before anybody sees it. */
static int replace(struct client_index *index, struct memory *memory, uint64_t cap)
{
	struct client_array *old = current(index), *array = array_new(memory, cap);
	const entry_t *entries = entries_of(old);

	if (!array)
		return -ENOMEM;
	for (uint32_t i = 0; i < old->cap; i++) {
		uint64_t entry = atomic_load_explicit(&entries[i], memory_order_relaxed);

		if (entry_leads(entry))
			insert(array, entry);
	}
	atomic_store_explicit(&index->array, array, memory_order_release);
	memory_retire(memory, &old->retired, sizeof(*old));
	return 0;
}

int client_index_init(struct client_index *index, struct memory *memory)
{
	struct client_array *array = array_new(memory, CAP_MIN);

	atomic_init(&index->array, array);
	return array ? 0 : -ENOMEM;
}

void client_index_fini(struct client_index *index, struct memory *memory)
{
	struct client_array *array = current(index);

	if (array)
		memory_release(memory, &array->retired, sizeof(*array));
	atomic_store_explicit(&index->array, NULL, memory_order_relaxed);
}

int client_index_reserve(struct client_index *index, struct memory *memory, uint64_t n)
{
	return n * 2 > current(index)->cap ? replace(index, memory, n * 2) : 0;
}

/*
 * Doubles when there are many clients; else sweeps the tombstones out, at the latest every time an
 * eighth of the places have become such: a pass over the array costs each of them a few
 * nanoseconds.
 */
int client_index_make_room(struct client_index *index, struct memory *memory)
{
	const struct client_array *array = current(index);
	uint64_t cap = array->cap;

	if (likely(((uint64_t)array->used + 1) * 4 <= cap * 3))
		return 0;
	return replace(index, memory, (uint64_t)array->live * 8 > cap * 5 ? cap * 2 : cap);
}

void client_index_add(struct client_index *index, uint64_t hash, uint32_t addr)
{
	insert(current(index), entry_make(tag_of(hash), addr));
}

/* An address is in the index at most once, so the value alone tells the entry. */
static uint32_t position(const struct client_array *array, uint64_t entry)
{
	const entry_t *entries = entries_of(array);
	uint32_t i = home_of(array, (uint32_t)(entry >> 32));

	for (;; i = after(array, i)) {
		uint64_t there = atomic_load_explicit(&entries[i], memory_order_relaxed);

		if (there == entry)
			return i;
		assert(there != ENTRY_EMPTY);
	}
}

/* Before an empty place nobody's walk needs a tombstone. */
static void sweep_back(struct client_array *array, uint32_t i)
{
	entry_t *entries = entries_of(array);

	if (atomic_load_explicit(&entries[after(array, i)], memory_order_relaxed) != ENTRY_EMPTY)
		return;
	while (atomic_load_explicit(&entries[i], memory_order_relaxed) == ENTRY_TOMBSTONE) {
		store(&entries[i], ENTRY_EMPTY);
		array->used--;
		i = i ? i - 1 : array->cap - 1;
	}
}

void client_index_remove(struct client_index *index, uint64_t hash, uint32_t addr)
{
	struct client_array *array = current(index);
	uint32_t i = position(array, entry_make(tag_of(hash), addr));

	store(&entries_of(array)[i], ENTRY_TOMBSTONE);
	array->live--;
	sweep_back(array, i);
}

void client_index_move(struct client_index *index, uint64_t hash, uint32_t addr, uint32_t to)
{
	struct client_array *array = current(index);
	uint32_t i = position(array, entry_make(tag_of(hash), addr));

	store(&entries_of(array)[i], entry_make(tag_of(hash), to));
}

void client_index_prefetch(const struct client_index *index, uint64_t hash)
{
	const struct client_array *array =
	    atomic_load_explicit(&index->array, memory_order_acquire);

	__builtin_prefetch(&entries_of(array)[home_of(array, tag_of(hash))]);
}

/* Whether the slot that @p entry leads to is the client's. */
static bool leads_to(const struct directory *dir, uint64_t entry, const uint8_t *client, size_t len,
		     struct lease *out)
{
	const struct slot *slot = directory_slot(dir, (uint32_t)entry);

	if (!slot)
		return false;
	slot_read(slot, out);
	out->addr = (uint32_t)entry;
	return out->client_len == len && memcmp(out->client, client, len) == 0;
}

static bool walk(const struct client_array *array, const struct directory *dir,
		 const uint8_t *client, size_t len, uint32_t tag, struct lease *out)
{
	const entry_t *entries = entries_of(array);
	uint32_t i = home_of(array, tag);
	uint64_t entry;

	while ((entry = load(&entries[i])) != ENTRY_EMPTY) {
		if (likely(entry >> 32 != tag) || !entry_leads(entry)) {
			i = after(array, i);
			continue;
		}
		if (likely(leads_to(dir, entry, client, len, out)))
			return true;
		if (load(&entries[i]) == entry) /* else look again at where it leads now */
			i = after(array, i);
	}
	return false;
}

bool client_index_find(const struct client_index *index, const struct directory *dir,
		       const uint8_t *client, size_t len, uint64_t hash, struct lease *out)
{
	const struct client_array *array, *now;

	now = atomic_load_explicit(&index->array, memory_order_acquire);
	do {
		array = now;
		if (walk(array, dir, client, len, tag_of(hash), out))
			return true;
		now = atomic_load_explicit(&index->array, memory_order_acquire);
	} while (now != array);
	return false;
}
