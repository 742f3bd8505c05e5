/* SPDX-License-Identifier: MIT */
/*
 * A reply whose options do not fit into the options field. Every way of using `file` and `sname`
 * is tried on paper, none first; the first one that leaves nothing out wins, or else the one that
 * leaves out least. An option stays in one piece where it can: not every client joins pieces.
 */
#include "dhcp/reply_layout.h"

enum { FIELD_OPTIONS, FIELD_FILE, FIELD_SNAME, FIELD_COUNT };

#define OVERLOAD_FILE  1u /* values of option 52, RFC 2132 section 9.3 */
#define OVERLOAD_SNAME 2u
#define OVERLOAD_COUNT 4u
#define OVERLOAD_LEN   3 /* option 52 itself */

#define IMPOSSIBLE UINT32_MAX

enum plan_level {
	PLAN_ASKED,  /* by the client: left out first */
	PLAN_ALWAYS, /* by the operator, or said by the server: left out when nothing else helps */
	PLAN_MUST,   /* no reply without it */
};

struct plan_item {
	struct span value;
	uint8_t code;
	uint8_t level;
};

#define PLAN_MAX 256 /* a code is planned once */

struct plan {
	unsigned n;
	uint64_t seen[4];                 /* codes of the set that have been looked at */
	uint8_t mask[4];                  /* the subnet's own, for a set without option 1 */
	struct plan_item items[PLAN_MAX]; /* only the first n are meaningful */
};

static void plan_add(struct plan *plan, uint8_t code, struct span value, enum plan_level level)
{
	plan->items[plan->n++] = (struct plan_item){value, code, (uint8_t)level};
}

/* Where a code is in the plan; n when it is not. */
static unsigned plan_find(const struct plan *plan, uint8_t code)
{
	unsigned i = 0;

	while (i < plan->n && plan->items[i].code != code)
		i++;
	return i;
}

static bool is_planned(const struct plan *plan, uint8_t code)
{
	return plan_find(plan, code) < plan->n;
}

/*
 * RFC 2132 section 3.3: a subnet mask precedes routers, whatever the order asked for. As important
 * as they are, it is also placed before them.
 */
static void put_mask_ahead(struct plan *plan)
{
	unsigned mask_at = plan_find(plan, DHCP_OPT_SUBNET_MASK);
	unsigned routers_at = plan_find(plan, DHCP_OPT_ROUTERS);
	struct plan_item mask;

	if (mask_at == plan->n || routers_at == plan->n)
		return;
	mask = plan->items[mask_at];
	if (mask.level < plan->items[routers_at].level)
		mask.level = plan->items[routers_at].level;
	plan->items[mask_at].level = mask.level;
	if (mask_at < routers_at)
		return;
	memmove(plan->items + 1, plan->items, mask_at * sizeof(mask));
	plan->items[0] = mask;
}

static void plan_code(struct plan *plan, const struct dhcp_reply *reply, uint8_t code)
{
	const struct option_set *set = reply->options;
	uint64_t bit = UINT64_C(1) << (code % 64);
	bool in_set = set && option_set_entry(set, code)->wire_size != 0;
	enum plan_level level = set && set->always[code / 64] & bit ? PLAN_ALWAYS : PLAN_ASKED;

	if (plan->seen[code / 64] & bit)
		return;
	plan->seen[code / 64] |= bit;
	if (in_set)
		plan_add(plan, code, option_set_get(set, code), level);
	else if (code == DHCP_OPT_SUBNET_MASK && reply->subnet_mask)
		plan_add(plan, code, (struct span){plan->mask, sizeof(plan->mask)}, level);
}

/* What the client asks for, in its order, everything when it does not say; what is sent always. */
static void plan_parameters(struct plan *plan, const struct dhcp_reply *reply, struct span asked)
{
	const struct option_set *set = reply->options;

	store_be32(plan->mask, reply->subnet_mask);
	for (size_t i = 0; i < asked.len; i++)
		plan_code(plan, reply, asked.data[i]);
	for (unsigned code = 0; code < 256 && !asked.data; code++)
		plan_code(plan, reply, (uint8_t)code);
	for (unsigned i = 0; i < 4 && set; i++)
		for (uint64_t left = set->always[i]; left; left &= left - 1)
			plan_code(plan, reply, (uint8_t)(64 * i + (unsigned)__builtin_ctzll(left)));
	put_mask_ahead(plan);
}

static void plan_reply(struct plan *plan, const struct dhcp_reply *reply,
		       const struct reply_echo *echo)
{
	const uint8_t *text = (const uint8_t *)reply->message;

	plan->n = 0;
	memset(plan->seen, 0, sizeof(plan->seen));
	if (reply->type == DHCP_NAK) {
		if (text)
			plan_add(plan, DHCP_OPT_MESSAGE,
				 (struct span){text, strnlen(reply->message, OPTION_DATA_MAX)},
				 PLAN_ALWAYS);
	} else {
		plan_parameters(plan, reply, echo->asked);
		if (reply->fqdn.data)
			plan_add(plan, DHCP_OPT_CLIENT_FQDN, reply->fqdn, PLAN_ALWAYS);
		if (echo->subnet_selection.data)
			plan_add(plan, DHCP_OPT_SUBNET_SELECTION, echo->subnet_selection,
				 PLAN_MUST);
	}
	if (echo->client_id.data)
		plan_add(plan, DHCP_OPT_CLIENT_ID, echo->client_id, PLAN_MUST);
}

/* The bytes of one item that each field takes, and in which fields it is at all. */
struct placement {
	uint16_t take[FIELD_COUNT];
	uint8_t fields;
};

struct layout {
	size_t room[FIELD_COUNT];
	struct placement placed[PLAN_MAX]; /* by the index of the plan's item */
};

/* Bytes of data that fit into a field's room when they are written in pieces. */
static size_t data_room(size_t room)
{
	size_t full = room / (OPTION_HEADER + OPTION_DATA_MAX);
	size_t rest = room % (OPTION_HEADER + OPTION_DATA_MAX);

	return full * OPTION_DATA_MAX + (rest > OPTION_HEADER ? rest - OPTION_HEADER : 0);
}

static bool place_whole(struct layout *layout, struct placement *placed, size_t len)
{
	size_t size = option_wire_size(len);

	for (unsigned f = 0; f < FIELD_COUNT; f++) {
		if (layout->room[f] < size)
			continue;
		layout->room[f] -= size;
		placed->take[f] = (uint16_t)len;
		placed->fields = (uint8_t)(1u << f);
		return true;
	}
	return false;
}

/* RFC 3396 section 7: pieces in the order in which the fields are read. */
static bool place_pieces(struct layout *layout, struct placement *placed, size_t len)
{
	size_t room = 0;

	for (unsigned f = 0; f < FIELD_COUNT; f++)
		room += data_room(layout->room[f]);
	if (room < len)
		return false;
	for (unsigned f = 0; f < FIELD_COUNT && len > 0; f++) {
		size_t take = min_size(len, data_room(layout->room[f]));
		if (take == 0)
			continue;
		layout->room[f] -= option_wire_size(take);
		placed->take[f] = (uint16_t)take;
		placed->fields |= (uint8_t)(1u << f);
		len -= take;
	}
	return true;
}

static bool place(struct layout *layout, const struct plan_item *item, struct placement *placed)
{
	*placed = (struct placement){0};
	return place_whole(layout, placed, item->value.len) ||
	       place_pieces(layout, placed, item->value.len);
}

/* What leaving an item out costs: one that is always sent outweighs all that the client asked for.
 */
static uint32_t price(const struct plan_item *item)
{
	return item->level == PLAN_ALWAYS ? PLAN_MAX : 1;
}

/*
 * Routers that found a field before that of the mask are taken out again: pieces fit where a whole
 * option does not. Returns what that costs.
 */
static uint32_t drop_early_routers(struct layout *layout, const struct plan *plan)
{
	unsigned mask_at = plan_find(plan, DHCP_OPT_SUBNET_MASK);
	unsigned routers_at = plan_find(plan, DHCP_OPT_ROUTERS);
	struct placement *routers = &layout->placed[routers_at];

	if (mask_at == plan->n || routers_at == plan->n || routers->fields == 0 ||
	    layout->placed[mask_at].fields == 0 ||
	    __builtin_ctz(layout->placed[mask_at].fields) <= __builtin_ctz(routers->fields))
		return 0;
	routers->fields = 0;
	return price(&plan->items[routers_at]);
}

/*
 * Places all items for which there is room, the most important first and among equals in their
 * order. Returns what leaving out the rest costs; without one that must be there it is impossible.
 */
static uint32_t lay_out(struct layout *layout, const struct plan *plan)
{
	uint32_t cost = 0;

	for (int level = PLAN_MUST; level >= PLAN_ASKED; level--) {
		for (unsigned i = 0; i < plan->n; i++) {
			const struct plan_item *item = &plan->items[i];
			if (item->level != level || place(layout, item, &layout->placed[i]))
				continue;
			if (level == PLAN_MUST)
				return IMPOSSIBLE;
			cost += price(item);
		}
	}
	return cost + drop_early_routers(layout, plan);
}

/*
 * The name that a field held becomes an option, behind all others: the caller takes it off again.
 * It is lost, at the price returned, when the operator has configured that option as well.
 */
static uint32_t displace_name(struct plan *plan, uint8_t code, const char *name, size_t field_size)
{
	struct span text = {(const uint8_t *)name, name ? strnlen(name, field_size - 1) : 0};

	if (!name)
		return 0;
	if (is_planned(plan, code))
		return PLAN_MAX;
	plan_add(plan, code, text, PLAN_ALWAYS);
	return 0;
}

/* Lays out with the fields that an overload value frees; the plan is left with the names added. */
static uint32_t try_overload(struct layout *layout, struct plan *plan, size_t room,
			     const struct dhcp_reply *reply, unsigned overload)
{
	uint32_t lost = 0, cost;

	if (overload && room < OVERLOAD_LEN)
		return IMPOSSIBLE;
	layout->room[FIELD_OPTIONS] = room - (overload ? OVERLOAD_LEN : 0);
	layout->room[FIELD_FILE] = overload & OVERLOAD_FILE ? DHCP_FILE_LEN - 1 : 0;
	layout->room[FIELD_SNAME] = overload & OVERLOAD_SNAME ? DHCP_SNAME_LEN - 1 : 0;
	if (overload & OVERLOAD_FILE)
		lost +=
		    displace_name(plan, DHCP_OPT_BOOTFILE_NAME, reply->boot_file, DHCP_FILE_LEN);
	if (overload & OVERLOAD_SNAME)
		lost += displace_name(plan, DHCP_OPT_TFTP_SERVER_NAME, reply->server_name,
				      DHCP_SNAME_LEN);
	cost = lay_out(layout, plan);
	return cost == IMPOSSIBLE ? cost : cost + lost;
}

static uint8_t *write_field(uint8_t *at, const struct plan *plan, const struct layout *layout,
			    unsigned field)
{
	for (unsigned i = 0; i < plan->n; i++) {
		const struct plan_item *item = &plan->items[i];
		const struct placement *placed = &layout->placed[i];
		size_t before = 0;
		if (!(placed->fields >> field & 1))
			continue;
		for (unsigned f = 0; f < field; f++)
			before += placed->take[f];
		at = put_option(at, item->code,
				(struct span){item->value.data + before, placed->take[field]});
	}
	return at;
}

/*
 * The overload value to use, IMPOSSIBLE when nothing makes room for what must be there. A NAK must
 * leave `file` and `sname` alone (RFC 2131 table 3).
 */
static uint32_t choose_overload(struct layout *layout, struct plan *plan, size_t room,
				const struct dhcp_reply *reply)
{
	unsigned n = plan->n, end = reply->type == DHCP_NAK ? 1 : OVERLOAD_COUNT;
	uint32_t best = IMPOSSIBLE, best_cost = IMPOSSIBLE;

	for (unsigned overload = 0; overload < end && best_cost > 0; overload++) {
		uint32_t cost = try_overload(layout, plan, room, reply, overload);
		plan->n = n;
		if (cost < best_cost) {
			best = overload;
			best_cost = cost;
		}
	}
	return best;
}

/* A field of fixed size that now holds options. */
static void rewrite_field(uint8_t *field, size_t size, const struct plan *plan,
			  const struct layout *layout, unsigned number)
{
	memset(field, 0, size);
	*write_field(field, plan, layout, number) = DHCP_OPT_END;
}

uint8_t *reply_lay_out(struct dhcp_header *header, uint8_t *at, size_t room,
		       const struct dhcp_reply *reply, const struct reply_echo *echo)
{
	struct layout layout;
	struct plan plan;
	uint32_t overload;

	plan_reply(&plan, reply, echo);
	overload = choose_overload(&layout, &plan, room, reply);
	if (overload == IMPOSSIBLE)
		return NULL;
	try_overload(&layout, &plan, room, reply, overload);
	if (overload)
		at = put_option(at, DHCP_OPT_OVERLOAD,
				(struct span){&(uint8_t){(uint8_t)overload}, 1});
	at = write_field(at, &plan, &layout, FIELD_OPTIONS);
	if (overload & OVERLOAD_FILE)
		rewrite_field(header->file, DHCP_FILE_LEN, &plan, &layout, FIELD_FILE);
	if (overload & OVERLOAD_SNAME)
		rewrite_field(header->sname, DHCP_SNAME_LEN, &plan, &layout, FIELD_SNAME);
	return at;
}
