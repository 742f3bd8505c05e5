/* SPDX-License-Identifier: MIT */
/**
 * fuzz.h - what targets of the codec share.
 */
#ifndef ETCDHCP_TESTS_FUZZ_H
#define ETCDHCP_TESTS_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "base/types.h"

/** An assertion that stays in with any build type. */
#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
