/* SPDX-License-Identifier: MIT */
/**
 * Somebody else who uses XDP through libxdp. Apart from the tests because libxdp's names and
 * config.h's collide.
 */
#ifndef ETCDHCP_TESTS_UNIT_NET_FOREIGN_H
#define ETCDHCP_TESTS_UNIT_NET_FOREIGN_H

#include "base/types.h"

/**
 * False when libxdp cannot do here what it is for: tried on loopback in a fresh namespace. @p why
 * is then what it complained of.
 */
bool foreign_dispatcher_works(const char *object, char *why, size_t size);

/** Attaches foreign.bpf.c under libxdp's dispatcher; -EOPNOTSUPP when libxdp attached it without
 * one. */
int foreign_attach(const char *object, unsigned ifindex, bool generic);
/** Programs of this name in the interface's dispatcher; 0 when there is no dispatcher. */
unsigned foreign_count(unsigned ifindex, const char *name);

#endif
