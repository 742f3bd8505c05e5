/* SPDX-License-Identifier: MIT */
/**
 * store/audit_model.h - what an audit has taken in; shared by its files and nobody else.
 *
 * References are numbers from 1 on, 0 stands for none. Clients live in one growing block of bytes,
 * each as long as its identifier asks for; pages are found by network and address.
 */
#ifndef ETCDHCP_STORE_AUDIT_MODEL_H
#define ETCDHCP_STORE_AUDIT_MODEL_H

#include "lease/lease.h"
#include "store/audit.h"

#define AUDIT_PAGE 256u

struct audit_net {
	char name[64];
	uint64_t leases;
};

struct audit_client {
	uint32_t key_addr;   /* what its key says, 0: no key */
	uint32_t lease_addr; /* bound to it, 0: none; of several the one its key says */
	uint64_t chaddr;     /* hash of the hardware address in that lease, 0: none */
	uint16_t net;        /* number of its network */
	uint16_t len;
	bool reserved; /* at run time */
	uint8_t bytes[];
};

/** What is known of one address. */
struct audit_slot {
	int64_t hold_until_s;
	uint32_t client;       /* of a bound one */
	uint32_t reserved_for; /* client, 0: nobody */
	uint32_t promised_more_s; /* promised beyond hold_until_s, as far as 32 bits go */
	uint8_t state;         /* enum lease_state */
};

struct audit_page {
	uint16_t net;
	uint32_t base;
	struct audit_slot slots[AUDIT_PAGE];
};

struct audit_reservation {
	uint32_t client, addr;
};

/** Open addressing from hashes to references. */
struct audit_index {
	struct audit_entry {
		uint32_t hash, ref;
	} *entries;
	uint32_t size, n; /* size: a power of two */
};

struct audit {
	bool client_keys;
	audit_report report;
	void *ctx;
	uint64_t seed; /* identifiers are chosen by clients */

	struct audit_net *nets;
	uint16_t n_nets, cap_nets;
	struct audit_index by_name;
	uint8_t *clients;
	size_t clients_used, clients_cap;
	struct audit_index by_client;
	struct audit_page **pages;
	uint32_t n_pages, cap_pages;
	struct audit_index by_page;
	struct audit_reservation *reservations; /* at run time */
	size_t n_reservations, cap_reservations;
	char *shared_text;
	size_t shared_len;
	struct audit_summary summary;
};

/** Empties it. */
void model_clear(struct audit *audit);

/** The network of that name, made when there is none; 0 when memory is short. */
uint16_t model_net(struct audit *audit, struct span name);
/** The same without making one; 0: there is none. */
uint16_t model_find_net(const struct audit *audit, const char *name);
static inline struct audit_net *model_net_at(const struct audit *audit, uint16_t net)
{
	return &audit->nets[net - 1];
}

/** The client, made when there is none; 0 when memory is short. Moves all struct audit_client. */
uint32_t model_client(struct audit *audit, uint16_t net, const struct client_id *client);
static inline struct audit_client *model_client_at(const struct audit *audit, uint32_t ref)
{
	return (struct audit_client *)(void *)(audit->clients + (size_t)(ref - 1) * 8);
}
/** The reference after that one, in the order of making; @p ref 0: the first. 0: no more. */
uint32_t model_next_client(const struct audit *audit, uint32_t ref);

/** What is known of an address, made when nothing is; NULL when memory is short. */
struct audit_slot *model_slot(struct audit *audit, uint16_t net, uint32_t addr);
/** The page of an address, NULL when nothing is known of it. */
struct audit_page *model_find_page(const struct audit *audit, uint16_t net, uint32_t addr);

/** 0 or -ENOMEM. */
int model_add_reservation(struct audit *audit, uint32_t client, uint32_t addr);

/** What reservations by hardware address match; never 0. */
uint64_t model_hash_client(const struct audit *audit, const uint8_t *bytes, size_t len);

/** Counts and reports; @p detail may be "". */
void audit_found(struct audit *audit, enum audit_rule rule, const char *key, const char *detail);

#endif
