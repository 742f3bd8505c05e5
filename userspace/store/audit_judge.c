/* SPDX-License-Identifier: MIT */
/* The rules, one function each, over what was taken in. */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "store/audit_model.h"

/*
 * Servers' clocks may differ, and a hold is written by the latest known one: what is beyond the
 * longest hold by less than this is not worth a word.
 */
#define TOLERANCE_S 60

struct judge {
	struct audit *audit;
	const struct config *config;
	int64_t now_s;
};

/* ---- names of things ---- */

struct text {
	char text[KV_MAX_KEY + 1];
};

#define IP_FORMAT  "%u.%u.%u.%u"
#define IP_ARGS(a) (a) >> 24, (a) >> 16 & 255, (a) >> 8 & 255, (a) & 255

static struct text lease_key(const struct audit *audit, uint16_t net, uint32_t addr)
{
	struct text out;

	snprintf(out.text, sizeof(out.text), "leases/4/%s/" IP_FORMAT,
		 model_net_at(audit, net)->name, IP_ARGS(addr));
	return out;
}

static struct text client_key(const struct audit *audit, uint32_t ref)
{
	const struct audit_client *client = model_client_at(audit, ref);
	char id[CLIENT_ID_TEXT_MAX];
	struct text out;

	client_id_format(client->bytes, client->len, id);
	snprintf(out.text, sizeof(out.text), "clients/4/%s/%s",
		 model_net_at(audit, client->net)->name, id);
	return out;
}

static struct text address_text(const char *before, uint32_t addr)
{
	struct text out;

	snprintf(out.text, sizeof(out.text), "%s" IP_FORMAT, before, IP_ARGS(addr));
	return out;
}

static struct text time_text(const char *before, int64_t unix_s)
{
	time_t when = (time_t)unix_s;
	char date[32] = "";
	struct text out;
	struct tm tm;

	if (gmtime_r(&when, &tm) && tm.tm_year < 8000)
		strftime(date, sizeof(date), " (%Y-%m-%dT%H:%M:%SZ)", &tm);
	snprintf(out.text, sizeof(out.text), "%s%lld%s", before, (long long)unix_s, date);
	return out;
}

static void found_lease(struct judge *j, enum audit_rule rule, uint16_t net, uint32_t addr,
			const char *detail)
{
	audit_found(j->audit, rule, lease_key(j->audit, net, addr).text, detail);
}

/* ---- clients' keys ---- */

/* The key says an address that the client is not bound to. */
static void judge_key(struct judge *j, uint32_t ref)
{
	const struct audit_client *client = model_client_at(j->audit, ref);
	const struct audit_page *page = model_find_page(j->audit, client->net, client->key_addr);
	const struct audit_slot *slot =
	    page ? &page->slots[client->key_addr % AUDIT_PAGE] : NULL;
	struct text key = client_key(j->audit, ref);
	struct text says = address_text("it says ", client->key_addr);
	enum audit_rule rule = AUDIT_KEY_GIVEN_UP;

	if (!slot || slot->state == LEASE_NONE)
		rule = AUDIT_KEY_ALONE;
	else if (slot->state == LEASE_BOUND)
		rule = AUDIT_KEY_ANOTHERS;
	if (client->lease_addr) {
		struct text bound = address_text(", bound is ", client->lease_addr);
		strncat(says.text, bound.text, sizeof(says.text) - strlen(says.text) - 1);
		rule = AUDIT_KEY_ELSEWHERE;
	}
	audit_found(j->audit, rule, key.text, says.text);
}

static void judge_client(struct judge *j, uint32_t ref)
{
	const struct audit_client *client = model_client_at(j->audit, ref);

	if (client->key_addr == client->lease_addr)
		return;
	if (client->key_addr) {
		judge_key(j, ref);
	} else if (j->audit->client_keys) {
		struct text missing = client_key(j->audit, ref);
		found_lease(j, AUDIT_NO_KEY, client->net, client->lease_addr, missing.text);
	}
}

/* ---- leases ---- */

static bool in_pool(const struct config_subnet *subnet, uint32_t addr)
{
	for (size_t i = 0; i < subnet->n_pools; i++)
		if (addr >= subnet->pools[i].first && addr <= subnet->pools[i].last)
			return true;
	return false;
}

static int64_t longest_hold(const struct config_times *times)
{
	uint64_t longest = lease_percent(times->horizon_pct, times->max_s);

	longest = longest > times->decline_s ? longest : times->decline_s;
	return (int64_t)(longest > times->rest_s ? longest : times->rest_s);
}

static bool reserved_for_its_client(const struct audit *audit, const struct audit_slot *slot)
{
	const struct audit_client *meant = model_client_at(audit, slot->reserved_for);
	const struct audit_client *has = model_client_at(audit, slot->client);

	return slot->client == slot->reserved_for ||
	       model_hash_client(audit, meant->bytes, meant->len) == has->chaddr;
}

static void judge_reserved(struct judge *j, const struct audit_slot *slot, uint16_t net,
			   uint32_t addr)
{
	const struct audit_client *meant = model_client_at(j->audit, slot->reserved_for);
	char detail[CLIENT_ID_TEXT_MAX];

	if (slot->state != LEASE_BOUND || slot->hold_until_s < j->now_s ||
	    reserved_for_its_client(j->audit, slot))
		return;
	client_id_format(meant->bytes, meant->len, detail);
	found_lease(j, AUDIT_RESERVED, net, addr, detail);
}

static void judge_place(struct judge *j, const struct config_network *network,
			const struct audit_slot *slot, uint16_t net, uint32_t addr)
{
	const struct config_subnet *subnet = config_find_subnet(j->config, addr);

	if (slot->reserved_for)
		judge_reserved(j, slot, net, addr);
	else if (!subnet || subnet->network != network->index || !in_pool(subnet, addr))
		found_lease(j, AUDIT_OUTSIDE, net, addr, "");
}

static void judge_lease(struct judge *j, const struct config_network *network,
			const struct audit_page *page, uint32_t addr)
{
	const struct audit_slot *slot = &page->slots[addr % AUDIT_PAGE];
	uint32_t own = slot->client ? model_client_at(j->audit, slot->client)->lease_addr : addr;
	int64_t longest_s;

	if (own != addr)
		found_lease(j, AUDIT_TWO_LEASES, page->net, addr,
			    address_text("the other is ", own).text);
	if (!network)
		return;
	longest_s = j->now_s + longest_hold(&network->times) + TOLERANCE_S;
	if (slot->hold_until_s > longest_s)
		found_lease(j, AUDIT_TOO_FAR, page->net, addr,
			    time_text("until ", slot->hold_until_s).text);
	else if (slot->hold_until_s + slot->promised_more_s > longest_s)
		found_lease(j, AUDIT_TOO_FAR, page->net, addr,
			    time_text("remembered until ",
				      slot->hold_until_s + slot->promised_more_s).text);
	judge_place(j, network, slot, page->net, addr);
}

static void judge_page(struct judge *j, const struct audit_page *page)
{
	const struct config_network *network =
	    config_find_network(j->config, model_net_at(j->audit, page->net)->name);

	for (uint32_t i = 0; i < AUDIT_PAGE; i++)
		if (page->slots[i].state != LEASE_NONE)
			judge_lease(j, network, page, page->base + i);
}

/* ---- networks ---- */

static void judge_nets(struct judge *j)
{
	struct audit *audit = j->audit;

	for (uint16_t net = 1; net <= audit->n_nets; net++) {
		const struct audit_net *have = model_net_at(audit, net);
		struct text key, detail;

		if (!have->leases || config_find_network(j->config, have->name))
			continue;
		snprintf(key.text, sizeof(key.text), "leases/4/%s/", have->name);
		snprintf(detail.text, sizeof(detail.text), "%llu of them",
			 (unsigned long long)have->leases);
		audit_found(audit, AUDIT_NO_NETWORK, key.text, detail.text);
	}
}

/* ---- reservations: as servers merge them, those of the store before those of the file ---- */

static int reserve(struct audit *audit, uint16_t net, uint32_t addr, uint32_t client)
{
	struct audit_slot *slot = model_slot(audit, net, addr);

	if (!slot)
		return -ENOMEM;
	if (!slot->reserved_for)
		slot->reserved_for = client;
	return 0;
}

static int reserve_stored(struct judge *j)
{
	struct audit *audit = j->audit;
	int err = 0;

	for (size_t i = 0; i < audit->n_reservations && !err; i++) {
		const struct audit_reservation *each = &audit->reservations[i];
		uint16_t net = model_client_at(audit, each->client)->net;
		const struct config_network *network =
		    config_find_network(j->config, model_net_at(audit, net)->name);
		const struct config_subnet *subnet = config_find_subnet(j->config, each->addr);

		if (network && subnet && subnet->network == network->index)
			err = reserve(audit, net, each->addr, each->client);
	}
	return err;
}

static int reserve_configured(struct judge *j, const struct config_network *network,
			      const struct config_subnet *subnet)
{
	struct span name = {(const uint8_t *)network->name, strlen(network->name)};
	uint16_t net = model_net(j->audit, name);
	int err = net ? 0 : -ENOMEM;

	for (size_t i = 0; i < subnet->n_reservations && !err; i++) {
		const struct config_reservation *each = &subnet->reservations[i];
		uint32_t client = model_client(j->audit, net, &each->client);

		if (!client)
			err = -ENOMEM;
		else if (!model_client_at(j->audit, client)->reserved)
			err = reserve(j->audit, net, each->address, client);
	}
	return err;
}

static int reserve_all(struct judge *j)
{
	int err = reserve_stored(j);

	for (size_t n = 0; n < j->config->n_networks && !err; n++) {
		const struct config_network *network = &j->config->networks[n];

		for (size_t i = 0; i < network->n_subnets && !err; i++)
			err = reserve_configured(j, network, network->subnets[i]);
	}
	return err;
}

/* ---- counts ---- */

static void count_slot(const struct judge *j, const struct audit_slot *slot,
		       struct audit_counts *counts)
{
	if (slot->reserved_for)
		counts->reserved++;
	else if (slot->state == LEASE_NONE)
		counts->free++;
	else if (slot->hold_until_s < j->now_s)
		counts->over++;
	else if (slot->state == LEASE_BOUND)
		counts->bound++;
	else if (slot->state == LEASE_DECLINED)
		counts->declined++;
	else
		counts->released++;
}

/* 64 bits: a range may end at 255.255.255.255. */
static void count_range(const struct judge *j, uint16_t net, const struct addr_range *range,
			struct audit_counts *counts)
{
	for (uint64_t addr = range->first; addr <= range->last;) {
		const struct audit_page *page =
		    net ? model_find_page(j->audit, net, (uint32_t)addr) : NULL;
		uint64_t end = min_u64((addr | (AUDIT_PAGE - 1)) + 1, (uint64_t)range->last + 1);

		if (!page)
			counts->free += end - addr;
		for (uint64_t at = addr; page && at < end; at++)
			count_slot(j, &page->slots[at % AUDIT_PAGE], counts);
		addr = end;
	}
	counts->pool += (uint64_t)range->last - range->first + 1;
}

static void count_network(const struct judge *j, const struct config_network *network,
			  struct audit_counts *counts)
{
	uint16_t net = model_find_net(j->audit, network->name);

	*counts = (struct audit_counts){0};
	for (size_t s = 0; s < network->n_subnets; s++)
		for (size_t i = 0; i < network->subnets[s]->n_pools; i++)
			count_range(j, net, &network->subnets[s]->pools[i], counts);
}

int audit_judge(struct audit *audit, const struct config *config, int64_t now_s,
		struct audit_counts *counts)
{
	struct judge j = {.audit = audit, .config = config, .now_s = now_s};
	int err = reserve_all(&j);

	if (err)
		return err;
	for (uint32_t ref = 0; (ref = model_next_client(audit, ref));)
		judge_client(&j, ref);
	for (uint32_t i = 0; i < audit->n_pages; i++)
		judge_page(&j, audit->pages[i]);
	judge_nets(&j);
	for (size_t n = 0; n < config->n_networks; n++)
		count_network(&j, &config->networks[n], &counts[n]);
	return 0;
}
