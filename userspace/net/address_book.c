/* SPDX-License-Identifier: MIT */
#include "net/address_book.h"

#include <errno.h>
#include <stdlib.h>

#include "base/rcu.h"

struct address_set {
	size_t n;
	uint32_t addresses[]; /* ascending, each once */
};

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static struct address_set *make_set(const uint32_t *addresses, size_t n)
{
	struct address_set *set = malloc(sizeof(*set) + n * sizeof(set->addresses[0]));

	if (!set)
		return NULL;
	set->n = 0;
	if (n == 0)
		return set;
	memcpy(set->addresses, addresses, n * sizeof(*addresses));
	qsort(set->addresses, n, sizeof(set->addresses[0]), compare);
	for (size_t i = 0; i < n; i++) {
		if (set->n == 0 || set->addresses[set->n - 1] != set->addresses[i])
			set->addresses[set->n++] = set->addresses[i];
	}
	return set;
}

/*
 * A function of its own for ThreadSanitizer's suppressions: it cannot see that a grace period
 * orders readers' last accesses before this.
 */
__attribute__((noinline)) static void free_after_grace_period(struct address_set *set)
{
	free(set);
}

int address_book_replace(struct address_book *book, const uint32_t *addresses, size_t n)
{
	struct address_set *set = make_set(addresses, n), *former;

	if (!set)
		return -ENOMEM;
	/* Release, so that readers see the set complete. */
	former = atomic_exchange_explicit(&book->current, set, memory_order_release);
	rcu_synchronize();
	free_after_grace_period(former);
	return 0;
}

bool address_book_has(const struct address_book *book, uint32_t address)
{
	const struct address_set *set = atomic_load_explicit(&book->current, memory_order_acquire);

	return set && bsearch(&address, set->addresses, set->n, sizeof(address), compare);
}

const uint32_t *address_book_all(const struct address_book *book, size_t *n)
{
	const struct address_set *set = atomic_load_explicit(&book->current, memory_order_relaxed);

	*n = set ? set->n : 0;
	return *n ? set->addresses : NULL;
}

void address_book_fini(struct address_book *book)
{
	free(book->current);
	book->current = NULL;
}
