/* SPDX-License-Identifier: MIT */
/** opening.h - interfaces opened on the lab's server side, for the tests of net/interface. */
#ifndef ETCDHCP_TESTS_UNIT_NET_OPENING_H
#define ETCDHCP_TESTS_UNIT_NET_OPENING_H

#include "net/interface.h"
#include "sample.h"

/** What the last opening_try said when it failed, empty otherwise. */
extern struct config_error opening_error;

/** Opens any interface for untagged frames and VLAN 100; NULL when that fails.
 */
struct interface *opening_try(const char *name, enum xdp_mode mode);
/** Opens srv0, with its addresses; fails the test when that fails. */
struct interface *opening_server(enum xdp_mode mode);
void opening_assert_says(const char *words);

/** Id of the XDP program on srv0, 0: none. */
uint32_t program_on_server(void);

/** Sends one and waits for it on any port; the kind of port it came to. */
enum port_kind arrives_at(struct interface *interface, int client, const struct sample *sample);

#endif
