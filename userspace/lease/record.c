/* SPDX-License-Identifier: MIT */
/* The writer's changes: records come and go by revision, reservations are replaced whole. */
#include "lease/net.h"

#include <errno.h>

/* ---- the client index ---- */

static uint64_t hash_of(const struct lease_net *net, const struct lease *lease)
{
	return lease_client_hash(net, lease->client, lease->client_len);
}

/* A binding says more of where the client is than what is left of one; then the newer says more. */
static bool outranks(const struct lease *a, const struct lease *b)
{
	int rank_a = a->state == LEASE_BOUND ? 2 : a->state != LEASE_NONE;
	int rank_b = b->state == LEASE_BOUND ? 2 : b->state != LEASE_NONE;

	return rank_a != rank_b ? rank_a > rank_b : a->revision > b->revision;
}

static void unindex(struct lease_net *net, struct page *page, const struct lease *lease)
{
	if (!page_marked(page, lease->addr, MARK_INDEXED))
		return;
	client_index_remove(&net->index, hash_of(net, lease), lease->addr);
	page_set_mark(page, lease->addr, MARK_INDEXED, false);
}

/* Leads the record's client to its address, unless another of its records says more. */
static void enter_index(struct lease_net *net, struct page *page, const struct lease *record)
{
	uint64_t hash = hash_of(net, record);
	struct lease other;

	if (!client_index_find(&net->index, &net->dir, record->client, record->client_len, hash,
			       &other)) {
		client_index_add(&net->index, hash, record->addr);
	} else {
		if (!outranks(record, &other))
			return;
		client_index_move(&net->index, hash, other.addr, record->addr);
		page_set_mark(directory_page(&net->dir, other.addr), other.addr, MARK_INDEXED,
			      false);
	}
	page_set_mark(page, record->addr, MARK_INDEXED, true);
}

/* ---- records ---- */

/* The words that stand for a client in a slot. 0 or -ENOMEM. */
static int client_words(struct memory *memory, const struct lease *record, uint64_t *words)
{
	struct long_client *long_client;

	memset(words, 0, SLOT_CLIENT_INLINE);
	if (record->client_len <= SLOT_CLIENT_INLINE) {
		memcpy(words, record->client, record->client_len);
		return 0;
	}
	long_client = memory_alloc(memory, sizeof(*long_client));
	if (!long_client)
		return -ENOMEM;
	memcpy(long_client->bytes, record->client, record->client_len);
	words[0] = (uintptr_t)long_client;
	return 0;
}

static void write_slot(struct slot *slot, const struct lease *record, const uint64_t *words)
{
	slot_begin(slot);
	slot_write(slot, record);
	if (words)
		slot_write_client(slot, words);
	slot_end(slot);
}

static bool same_client(const struct lease *a, const struct lease *b)
{
	return a->client_len == b->client_len && memcmp(a->client, b->client, a->client_len) == 0;
}

/*
 * The index lets go of the former client before the slot does and leads to the new one after:
 * client_index.h says what readers make of that.
 */
static int change_client(struct lease_net *net, struct page *page, const struct lease *was,
			 const struct lease *record)
{
	struct memory *memory = &net->table->memory;
	struct long_client *former = slot_long_client(was);
	uint64_t words[SLOT_CLIENT_WORDS];
	int err = client_words(memory, record, words);

	if (err)
		return err;
	unindex(net, page, was);
	write_slot(&page->slots[record->addr % PAGE_ADDRS], record, words);
	if (former)
		memory_retire(memory, &former->retired, sizeof(*former));
	return 0;
}

static void count_state(struct lease_net *net, enum lease_state from, enum lease_state to)
{
	counter_add(&net->records[from], UINT64_MAX); /* minus one; nobody reads LEASE_NONE's */
	counter_add(&net->records[to], 1);
}

/* Somebody has the address now, whoever it was on offer to. */
static void end_offer_at(struct lease_net *net, const struct page *page, uint32_t addr)
{
	if (page_marked(page, addr, MARK_OFFERED))
		net_end_offer(net, offers_at(&net->offers, addr));
}

static void record_changed(struct lease_net *net, struct page *page, const struct lease *record)
{
	uint32_t addr = record->addr;

	pools_mark(&net->pools, page, addr, MARK_LIVE, true);
	pools_mark(&net->pools, page, addr, MARK_RECORD, true);
	if (record->state == LEASE_BOUND)
		end_offer_at(net, page, addr);
	wheel_schedule(&net->wheel, &net->dir, addr, wheel_due(record->hold_until_s));
}

static struct page *page_with_slots(struct lease_net *net, uint32_t addr)
{
	struct page *page = net_page(net, addr);

	return page && !directory_add_slots(&net->dir, &net->table->memory, page) ? page : NULL;
}

static bool is_record(const struct lease *record)
{
	return record->addr >= PAGE_FIRST_ADDR && record->state > LEASE_NONE &&
	       record->state < LEASE_STATE_COUNT && record->revision > 0 &&
	       record->client_len > 0 && record->client_len <= CLIENT_ID_MAX;
}

int lease_put(struct lease_net *net, const struct lease *record)
{
	struct page *page;
	struct lease was;

	if (!is_record(record))
		return -EINVAL;
	page = page_with_slots(net, record->addr);
	if (!page || client_index_make_room(&net->index, &net->table->memory))
		return -ENOMEM;
	page_set_mark(page, record->addr, MARK_SEEN, true);
	page_read(page, record->addr, &was);
	if (record->revision <= was.revision)
		return 1;
	if (same_client(&was, record))
		write_slot(&page->slots[record->addr % PAGE_ADDRS], record, NULL);
	else if (change_client(net, page, &was, record))
		return -ENOMEM;
	if (!page_marked(page, record->addr, MARK_INDEXED))
		enter_index(net, page, record);
	count_state(net, was.state, record->state);
	record_changed(net, page, record);
	return 0;
}

bool lease_has(struct lease_net *net, uint32_t addr, int64_t revision)
{
	struct page *page = directory_page(&net->dir, addr);

	if (!page || !page->slots || !page_marked(page, addr, MARK_RECORD))
		return false;
	if (slot_revision(&page->slots[addr % PAGE_ADDRS]) < revision)
		return false;
	page_set_mark(page, addr, MARK_SEEN, true);
	return true;
}

int lease_remove(struct lease_net *net, uint32_t addr, int64_t revision)
{
	struct page *page = directory_page(&net->dir, addr);
	struct lease lease;

	if (!page || !page->slots)
		return 0;
	page_read(page, addr, &lease);
	if (revision <= lease.revision)
		return 1;
	count_state(net, lease.state, LEASE_NONE);
	lease.state = LEASE_NONE;
	lease.hold_until_s = lease.promised_until_s = 0;
	lease.revision = revision;
	write_slot(&page->slots[addr % PAGE_ADDRS], &lease, NULL);
	pools_mark(&net->pools, page, addr, MARK_RECORD, false);
	pools_mark(&net->pools, page, addr, MARK_LIVE, false);
	return 0;
}

/* ---- full loads ---- */

void lease_table_begin_load(struct lease_table *table)
{
	for (size_t i = 0; i < table->n_nets; i++)
		for (struct page *page = table->nets[i]->dir.pages; page; page = page->next)
			for (size_t word = 0; word < PAGE_WORDS; word++)
				page->words[word].marks[MARK_SEEN] = 0;
}

static size_t sweep_page(struct lease_net *net, struct page *page, int64_t revision)
{
	size_t n = 0;

	for (size_t word = 0; word < PAGE_WORDS; word++) {
		const uint64_t *marks = page->words[word].marks;
		uint64_t unseen = marks[MARK_RECORD] & ~marks[MARK_SEEN];

		for (; unseen; unseen &= unseen - 1)
			n += !lease_remove(net,
					   page->base + (uint32_t)(word * 64) +
					       (uint32_t)__builtin_ctzll(unseen),
					   revision);
	}
	return n;
}

size_t lease_table_end_load(struct lease_table *table, int64_t revision)
{
	size_t n = 0;

	for (size_t i = 0; i < table->n_nets; i++)
		for (struct page *page = table->nets[i]->dir.pages; page; page = page->next)
			n += sweep_page(table->nets[i], page, revision);
	return n;
}

/* ---- reservations ---- */

/* Addresses in both maps are left alone: their blocks keep their places in the queues. */
static void mark_reserved(struct lease_net *net, const struct reservation_map *old,
			  const struct reservation_map *map)
{
	for (uint32_t i = 0; old && i < old->n; i++) {
		uint32_t addr = old->all[i].addr;

		if (!reservation_at(map, addr))
			pools_mark(&net->pools, directory_page(&net->dir, addr), addr,
				   MARK_RESERVED, false);
	}
	for (uint32_t i = 0; map && i < map->n; i++) {
		uint32_t addr = map->all[i].addr;

		pools_mark(&net->pools, directory_page(&net->dir, addr), addr, MARK_RESERVED, true);
	}
}

static int make_pages(struct lease_net *net, const struct lease_reservation *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!net_page(net, all[i].addr))
			return -ENOMEM;
	return 0;
}

int lease_net_set_reservations(struct lease_net *net, const struct lease_reservation *all, size_t n)
{
	struct memory *memory = &net->table->memory;
	struct reservation_map *map = NULL, *old = atomic_load_explicit(&net->reservations,
									memory_order_relaxed);

	if (make_pages(net, all, n))
		return -ENOMEM;
	if (n && !(map = reservation_map_new(memory, net->seed, all, n)))
		return -ENOMEM;
	mark_reserved(net, old, map);
	atomic_store_explicit(&net->reservations, map, memory_order_release);
	if (old)
		memory_retire(memory, &old->retired, sizeof(*old));
	return 0;
}
