/* SPDX-License-Identifier: MIT */
/**
 * lease/slot.h - one record in one cache line, read without locks while it is written.
 *
 * A sequence lock in C11 atomics (Boehm, "Can Seqlocks Get Along With Programming Language Memory
 * Models?", 2012). The writer makes the sequence odd, writes the words with release, makes it even
 * with release: whoever sees a new word sees the odd number too. A reader loads the words with
 * acquire, so that its second look at the sequence comes after them. On x86 these are plain moves.
 *
 * A reader repeats only when the writer has moved on: it waits for nothing but the few stores in
 * between.
 */
#ifndef ETCDHCP_LEASE_SLOT_H
#define ETCDHCP_LEASE_SLOT_H

#include "lease/lease.h"
#include "lease/memory.h"

#define SLOT_CLIENT_WORDS  5
#define SLOT_CLIENT_INLINE (SLOT_CLIENT_WORDS * sizeof(uint64_t))

static_assert(SLOT_CLIENT_INLINE == sizeof(((struct lease *)0)->client_inline), "copied whole");

/**
 * The word that has both times of a record: in the lower 34 bits hold_until_s (to the year 2514, as
 * good as for ever), above them by how many seconds promised_until_s is later (34 years).
 */
#define SLOT_HOLD_BITS 34
#define SLOT_HOLD_MAX  ((INT64_C(1) << SLOT_HOLD_BITS) - 1)
#define SLOT_MORE_MAX  ((INT64_C(1) << (64 - SLOT_HOLD_BITS)) - 1)

/**
 * All zero: nothing is known of the address. The client and the revision of a deleted record stay,
 * under LEASE_NONE: the one for the client's return, the other against older news of the record.
 */
struct slot {
	_Atomic uint32_t seq;  /* odd while the writer is at it */
	_Atomic uint32_t meta; /* state << 16 | length of the client identifier */
	_Atomic uint64_t times; /* hold_until_s and promised_until_s */
	_Atomic int64_t revision;
	_Atomic uint64_t client[SLOT_CLIENT_WORDS]; /* or, in [0], a struct long_client * */
};

static_assert(sizeof(struct slot) == CACHE_LINE, "one record, one cache line");

/** An identifier too long for a slot; immutable, retired when another takes its place. */
struct long_client {
	struct retired retired;
	uint8_t bytes[CLIENT_ID_MAX];
};

static inline int64_t slot_hold(uint64_t times)
{
	return (int64_t)(times & SLOT_HOLD_MAX);
}

static inline int64_t slot_promised(uint64_t times)
{
	return slot_hold(times) + (int64_t)(times >> SLOT_HOLD_BITS);
}

static inline uint64_t slot_times(int64_t hold_until_s, int64_t promised_until_s)
{
	int64_t promised_s = min_i64(promised_until_s, SLOT_HOLD_MAX);
	int64_t hold_s = min_i64(max_i64(hold_until_s, 0), SLOT_HOLD_MAX);

	/* A hold may be too long, never what was promised too short. */
	hold_s = max_i64(hold_s, promised_s - SLOT_MORE_MAX);
	promised_s = max_i64(promised_s, hold_s);
	return (uint64_t)(promised_s - hold_s) << SLOT_HOLD_BITS | (uint64_t)hold_s;
}

/** One look at the slot, consistent only if its sequence, which is returned, is even and stays. */
static inline uint32_t slot_load(const struct slot *slot, struct lease *out)
{
	uint32_t seq = atomic_load_explicit(&slot->seq, memory_order_acquire);
	uint32_t meta = atomic_load_explicit(&slot->meta, memory_order_acquire);
	uint64_t times = atomic_load_explicit(&slot->times, memory_order_acquire);

	out->state = (enum lease_state)(meta >> 16);
	out->client_len = (uint16_t)meta;
	out->hold_until_s = slot_hold(times);
	out->promised_until_s = slot_promised(times);
	out->revision = atomic_load_explicit(&slot->revision, memory_order_acquire);
	for (size_t i = 0; i < SLOT_CLIENT_WORDS; i++) {
		uint64_t word = atomic_load_explicit(&slot->client[i], memory_order_acquire);

		memcpy(out->client_inline + i * sizeof(word), &word, sizeof(word));
	}
	return seq;
}

/** What a copied slot has in place of an identifier that is too long for it. */
static inline struct long_client *slot_long_client(const struct lease *lease)
{
	struct long_client *long_client;

	memcpy(&long_client, lease->client_inline, sizeof(long_client));
	return lease->client_len > SLOT_CLIENT_INLINE ? long_client : NULL;
}

/**
 * A consistent copy of the slot as it is: of a deleted record, client and revision are still
 * there. Any online reader; out->addr is left alone.
 */
static inline void slot_read(const struct slot *slot, struct lease *out)
{
	for (;;) {
		uint32_t seq = slot_load(slot, out);

		if (likely(!(seq & 1) &&
			   seq == atomic_load_explicit(&slot->seq, memory_order_relaxed)))
			break;
		caa_cpu_relax();
	}
	out->client = likely(out->client_len <= SLOT_CLIENT_INLINE) ? out->client_inline
								    : slot_long_client(out)->bytes;
}

/** Eight bytes of an identifier that is no longer than a slot's, zeros where it has ended. */
static inline uint64_t slot_client_word(const struct client_id *client, size_t i)
{
	size_t bits = 8 * (client->len - sizeof(uint64_t) * i);
	uint64_t word;

	memcpy(&word, client->bytes + sizeof(word) * i, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return bits < 64 ? word & ((UINT64_C(1) << bits) - 1) : word;
#else
	return bits < 64 ? word & ~(UINT64_MAX >> bits) : word;
#endif
}

/** Whether the slot is bound to an identifier that is no longer than a slot's. Any online reader. */
static inline bool slot_is_bound_to(const struct slot *slot, const struct client_id *client,
				    int64_t *hold_until_s)
{
	const uint32_t meta = (uint32_t)LEASE_BOUND << 16 | client->len;
	size_t n = (client->len + sizeof(uint64_t) - 1) / sizeof(uint64_t);

	for (;;) {
		uint32_t seq = atomic_load_explicit(&slot->seq, memory_order_acquire);
		uint64_t differs = atomic_load_explicit(&slot->meta, memory_order_acquire) ^ meta;

		*hold_until_s = slot_hold(atomic_load_explicit(&slot->times, memory_order_acquire));
		for (size_t i = 0; i < n; i++)
			differs |= atomic_load_explicit(&slot->client[i], memory_order_acquire) ^
				   slot_client_word(client, i);
		if (likely(!(seq & 1) &&
			   seq == atomic_load_explicit(&slot->seq, memory_order_relaxed)))
			return differs == 0;
		caa_cpu_relax();
	}
}

/** The writer's look at its own word. */
static inline int64_t slot_revision(const struct slot *slot)
{
	return atomic_load_explicit(&slot->revision, memory_order_relaxed);
}

/** The record's words, the client's left as they are. Writer, between begin and end. */
static inline void slot_write(struct slot *slot, const struct lease *record)
{
	atomic_store_explicit(&slot->meta, (uint32_t)record->state << 16 | record->client_len,
			      memory_order_release);
	atomic_store_explicit(&slot->times,
			      slot_times(record->hold_until_s, record->promised_until_s),
			      memory_order_release);
	atomic_store_explicit(&slot->revision, record->revision, memory_order_release);
}

/** The client's words. Writer, between begin and end. */
static inline void slot_write_client(struct slot *slot, const uint64_t *client)
{
	for (size_t i = 0; i < SLOT_CLIENT_WORDS; i++)
		atomic_store_explicit(&slot->client[i], client[i], memory_order_release);
}

/** Writer: readers wait from here ... */
static inline void slot_begin(struct slot *slot)
{
	uint32_t seq = atomic_load_explicit(&slot->seq, memory_order_relaxed);

	atomic_store_explicit(&slot->seq, seq + 1, memory_order_relaxed);
}

/** ... to here. */
static inline void slot_end(struct slot *slot)
{
	uint32_t seq = atomic_load_explicit(&slot->seq, memory_order_relaxed);

	atomic_store_explicit(&slot->seq, seq + 1, memory_order_release);
}

#endif
