/* SPDX-License-Identifier: MIT */
/** cmocka with the headers it forgets to include, in the order it needs them. */
#ifndef ETCDHCP_TESTS_UNIT_BENCH_UNIT_H
#define ETCDHCP_TESTS_UNIT_BENCH_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
