/* SPDX-License-Identifier: MIT */
#include "store/audit_model.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"

#define FIRST_SIZE 1024u
/* References count units of this many bytes: 32 GB of clients can be told apart. */
#define UNIT 8

/* ---- arrays and indexes ---- */

/* Room for one more of @p size bytes; *array may move. */
static bool room_for_one(void **array, size_t n, size_t *cap, size_t size)
{
	size_t wanted = *cap ? *cap * 2 : 16;
	void *more;

	if (n < *cap)
		return true;
	more = realloc(*array, wanted * size);
	if (!more)
		return false;
	*array = more;
	*cap = wanted;
	return true;
}

static void enter(struct audit_index *index, uint32_t hash, uint32_t ref)
{
	uint32_t at = hash;

	while (index->entries[at & (index->size - 1)].ref)
		at++;
	index->entries[at & (index->size - 1)] = (struct audit_entry){hash, ref};
}

/* At most two thirds of the places are taken. */
static bool index_make_room(struct audit_index *index)
{
	struct audit_index next = {.size = index->size ? index->size * 2 : FIRST_SIZE,
				   .n = index->n};

	if (3 * ((uint64_t)index->n + 1) <= 2 * (uint64_t)index->size)
		return true;
	next.entries = next.size ? calloc(next.size, sizeof(*next.entries)) : NULL;
	if (!next.entries)
		return false;
	for (uint32_t i = 0; i < index->size; i++)
		if (index->entries[i].ref)
			enter(&next, index->entries[i].hash, index->entries[i].ref);
	free(index->entries);
	*index = next;
	return true;
}

static void index_add(struct audit_index *index, uint32_t hash, uint32_t ref)
{
	enter(index, hash, ref);
	index->n++;
}

typedef bool (*index_match)(const struct audit *audit, uint32_t ref, const void *key);

static uint32_t index_find(const struct audit *audit, const struct audit_index *index,
			   uint32_t hash, index_match match, const void *key)
{
	for (uint32_t at = hash; index->size; at++) {
		const struct audit_entry *entry = &index->entries[at & (index->size - 1)];

		if (!entry->ref)
			break;
		if (entry->hash == hash && match(audit, entry->ref, key))
			return entry->ref;
	}
	return 0;
}

/* ---- networks ---- */

static bool is_named(const struct audit *audit, uint32_t ref, const void *key)
{
	const struct span *name = key;
	const char *have = model_net_at(audit, (uint16_t)ref)->name;

	return strlen(have) == name->len && memcmp(have, name->data, name->len) == 0;
}

static uint32_t hash_name(const struct audit *audit, struct span name)
{
	return (uint32_t)hash_bytes(name.data, name.len, audit->seed);
}

uint16_t model_find_net(const struct audit *audit, const char *name)
{
	struct span span = {(const uint8_t *)name, strlen(name)};

	return (uint16_t)index_find(audit, &audit->by_name, hash_name(audit, span), is_named,
				    &span);
}

uint16_t model_net(struct audit *audit, struct span name)
{
	uint32_t hash = hash_name(audit, name);
	uint32_t ref = index_find(audit, &audit->by_name, hash, is_named, &name);
	size_t cap = audit->cap_nets;
	void *nets = audit->nets;
	struct audit_net *net;

	if (ref || audit->n_nets == UINT16_MAX - 1 || name.len >= sizeof(net->name))
		return (uint16_t)ref;
	if (!index_make_room(&audit->by_name) ||
	    !room_for_one(&nets, audit->n_nets, &cap, sizeof(*net)))
		return 0;
	audit->nets = nets;
	audit->cap_nets = (uint16_t)min_size(cap, UINT16_MAX);
	net = &audit->nets[audit->n_nets++];
	*net = (struct audit_net){0};
	memcpy(net->name, name.data, name.len);
	index_add(&audit->by_name, hash, audit->n_nets);
	return audit->n_nets;
}

/* ---- clients ---- */

struct client_key {
	uint16_t net;
	const struct client_id *client;
};

static bool is_client(const struct audit *audit, uint32_t ref, const void *key)
{
	const struct client_key *wanted = key;
	const struct audit_client *have = model_client_at(audit, ref);

	return have->net == wanted->net &&
	       client_id_equal(wanted->client, have->bytes, have->len);
}

uint64_t model_hash_client(const struct audit *audit, const uint8_t *bytes, size_t len)
{
	return hash_bytes(bytes, len, audit->seed) | 1;
}

static size_t size_of(size_t len)
{
	return (sizeof(struct audit_client) + len + UNIT - 1) / UNIT * UNIT;
}

static struct audit_client *new_client(struct audit *audit, size_t len)
{
	size_t size = size_of(len), cap = audit->clients_cap;
	struct audit_client *client;
	uint8_t *more;

	if (cap - audit->clients_used < size) {
		cap = cap ? cap * 2 : (size_t)1 << 20;
		if (cap / UNIT > UINT32_MAX)
			return NULL;
		more = realloc(audit->clients, cap);
		if (!more)
			return NULL;
		audit->clients = more;
		audit->clients_cap = cap;
	}
	client = (struct audit_client *)(void *)(audit->clients + audit->clients_used);
	memset(client, 0, size);
	audit->clients_used += size;
	return client;
}

uint32_t model_client(struct audit *audit, uint16_t net, const struct client_id *id)
{
	struct client_key key = {net, id};
	uint32_t hash = (uint32_t)(model_hash_client(audit, id->bytes, id->len) >> 32) ^ net;
	uint32_t ref = index_find(audit, &audit->by_client, hash, is_client, &key);
	struct audit_client *client;

	if (ref)
		return ref;
	client = index_make_room(&audit->by_client) ? new_client(audit, id->len) : NULL;
	if (!client)
		return 0;
	client->net = net;
	client->len = id->len;
	memcpy(client->bytes, id->bytes, id->len);
	ref = (uint32_t)((size_t)((uint8_t *)client - audit->clients) / UNIT) + 1;
	index_add(&audit->by_client, hash, ref);
	return ref;
}

uint32_t model_next_client(const struct audit *audit, uint32_t ref)
{
	size_t at = ref ? (size_t)(ref - 1) * UNIT + size_of(model_client_at(audit, ref)->len) : 0;

	return at < audit->clients_used ? (uint32_t)(at / UNIT) + 1 : 0;
}

/* ---- addresses ---- */

struct page_key {
	uint16_t net;
	uint32_t base;
};

static bool is_page(const struct audit *audit, uint32_t ref, const void *key)
{
	const struct page_key *wanted = key;
	const struct audit_page *have = audit->pages[ref - 1];

	return have->net == wanted->net && have->base == wanted->base;
}

static uint32_t hash_page(const struct audit *audit, const struct page_key *key)
{
	uint64_t word = (uint64_t)key->net << 32 | key->base;

	return (uint32_t)hash_bytes(&word, sizeof(word), audit->seed);
}

struct audit_page *model_find_page(const struct audit *audit, uint16_t net, uint32_t addr)
{
	struct page_key key = {net, addr - addr % AUDIT_PAGE};
	uint32_t ref = index_find(audit, &audit->by_page, hash_page(audit, &key), is_page, &key);

	return ref ? audit->pages[ref - 1] : NULL;
}

static struct audit_page *add_page(struct audit *audit, uint16_t net, uint32_t addr)
{
	struct page_key key = {net, addr - addr % AUDIT_PAGE};
	size_t cap = audit->cap_pages;
	void *pages = audit->pages;
	struct audit_page *page;

	if (!index_make_room(&audit->by_page) ||
	    !room_for_one(&pages, audit->n_pages, &cap, sizeof(struct audit_page *)))
		return NULL;
	audit->pages = pages;
	audit->cap_pages = (uint32_t)cap;
	page = calloc(1, sizeof(*page));
	if (!page)
		return NULL;
	page->net = key.net;
	page->base = key.base;
	audit->pages[audit->n_pages++] = page;
	index_add(&audit->by_page, hash_page(audit, &key), audit->n_pages);
	return page;
}

struct audit_slot *model_slot(struct audit *audit, uint16_t net, uint32_t addr)
{
	struct audit_page *page = model_find_page(audit, net, addr);

	if (!page)
		page = add_page(audit, net, addr);
	return page ? &page->slots[addr % AUDIT_PAGE] : NULL;
}

/* ---- the rest ---- */

int model_add_reservation(struct audit *audit, uint32_t client, uint32_t addr)
{
	void *all = audit->reservations;

	if (!room_for_one(&all, audit->n_reservations, &audit->cap_reservations,
			  sizeof(*audit->reservations)))
		return -ENOMEM;
	audit->reservations = all;
	audit->reservations[audit->n_reservations++] = (struct audit_reservation){client, addr};
	model_client_at(audit, client)->reserved = true;
	return 0;
}

void model_clear(struct audit *audit)
{
	for (uint32_t i = 0; i < audit->n_pages; i++)
		free(audit->pages[i]);
	free(audit->pages);
	free(audit->nets);
	free(audit->clients);
	free(audit->reservations);
	free(audit->by_name.entries);
	free(audit->by_client.entries);
	free(audit->by_page.entries);
	free(audit->shared_text);
	*audit = (struct audit){.client_keys = audit->client_keys,
				.report = audit->report,
				.ctx = audit->ctx,
				.seed = audit->seed};
}
