/* SPDX-License-Identifier: MIT */
#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/log.h"

uint64_t hash_random_seed(void)
{
	uint64_t seed;
	ssize_t n;

	do
		n = getrandom(&seed, sizeof(seed), 0);
	while (n < 0 && errno == EINTR);

	/* A seed that clients can guess lets them choose collisions: better not to start. */
	if (n != sizeof(seed)) {
		log_error("no random numbers: allow the getrandom system call", F_ERR(errno));
		abort();
	}
	return seed;
}
