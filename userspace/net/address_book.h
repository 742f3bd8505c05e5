/* SPDX-License-Identifier: MIT */
/**
 * net/address_book.h - the set of destination addresses that are ours, as the AF_PACKET path reads
 * it while the main thread replaces it (RCU). Its twin for the XDP program is that program's map.
 */
#ifndef ETCDHCP_NET_ADDRESS_BOOK_H
#define ETCDHCP_NET_ADDRESS_BOOK_H

#include <stdatomic.h>

#include "base/types.h"

struct address_set; /* immutable */

/** Zero-initialised: no address at all. */
struct address_book {
	struct address_set *_Atomic current; /* RCU; replaced by the main thread */
};

/**
 * The addresses from now on, host order, in any order, repetitions welcome. 0 or -ENOMEM. Main
 * thread; waits for readers, so the caller must not be an online reader itself.
 */
int address_book_replace(struct address_book *book, const uint32_t *addresses, size_t n);

/** Any online RCU reader, or the only thread. */
bool address_book_has(const struct address_book *book, uint32_t address);

/** All addresses, ascending; main thread. NULL and *n 0 when there are none. */
const uint32_t *address_book_all(const struct address_book *book, size_t *n);

/** When no reader is left. */
void address_book_fini(struct address_book *book);

#endif
