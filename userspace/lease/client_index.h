/* SPDX-License-Identifier: MIT */
/**
 * lease/client_index.h - from a client identifier to the address it was last bound to.
 *
 * Open addressing with linear probing over entries of 8 bytes: 32 bits of the client's hash and the
 * address; the identifier itself is compared in the slot. The home of an entry is computed from the
 * 32 bits it carries, so growing is one pass in order over both arrays and touches no slot.
 *
 * The writer changes entries in place, one atomic store each. Nothing is ever moved: a removed
 * entry leaves a tombstone, and a client's new address replaces the old one in its entry. So an
 * entry that is in the array throughout a reader's walk is found by it. Two things need the
 * reader's care:
 *
 * - The slot an entry leads to may pass to another client between the two loads. The writer changes
 * the entry first, so a reader that meets a stranger there looks at the entry again.
 * - The array may be replaced, and only the new one kept up to date. A reader that found nothing
 * looks whether it still is the one in use.
 */
#ifndef ETCDHCP_LEASE_CLIENT_INDEX_H
#define ETCDHCP_LEASE_CLIENT_INDEX_H

#include "lease/page.h"

struct client_array {
	struct retired retired; /* its array: the entries */
	uint32_t cap;
	uint32_t live; /* writer: entries that lead somewhere */
	uint32_t used; /* writer: the same and tombstones; at least a quarter of cap is neither */
};

struct client_index {
	_Atomic(struct client_array *) array; /* never NULL after init */
};

/** 0 or -ENOMEM. */
int client_index_init(struct client_index *index, struct memory *memory);
/** No reader left. */
void client_index_fini(struct client_index *index, struct memory *memory);

/** Makes room for @p n clients, so that loading them grows nothing. 0 or -ENOMEM. Writer. */
int client_index_reserve(struct client_index *index, struct memory *memory, uint64_t n);
/** Makes room for one more. 0 or -ENOMEM. Writer; before each add. */
int client_index_make_room(struct client_index *index, struct memory *memory);

/** Adds a client that is not in the index. Writer. */
void client_index_add(struct client_index *index, uint64_t hash, uint32_t addr);
/** Takes out the entry that leads to @p addr under @p hash; it must exist. Writer. */
void client_index_remove(struct client_index *index, uint64_t hash, uint32_t addr);
/** Leads the client of that entry to @p to instead. Writer. */
void client_index_move(struct client_index *index, uint64_t hash, uint32_t addr, uint32_t to);

/** Brings the cache line where a walk begins. Any online reader. */
void client_index_prefetch(const struct client_index *index, uint64_t hash);

/**
 * Finds the client's slot and copies it (out->state may be LEASE_NONE: a remembered client). False
 * when the client is not in the index, *out is then unspecified. Any online reader.
 */
bool client_index_find(const struct client_index *index, const struct directory *dir,
		       const uint8_t *client, size_t len, uint64_t hash, struct lease *out);

#endif
