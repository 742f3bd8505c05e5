/* SPDX-License-Identifier: MIT */
#include "lease/wheel.h"

/* Further than this the wheel does not turn second by second but is emptied into its backlog. */
#define JUMP_S 4096

/* Due of an entry that is in a list without a turn: any time asked for is earlier. */
#define DUE_NEVER UINT32_MAX

static struct wheel_link *link_of(const struct directory *dir, uint32_t addr)
{
	return &directory_page(dir, addr)->links[addr % PAGE_ADDRS];
}

static void push(struct wheel *wheel, struct directory *dir, uint32_t list, uint32_t addr)
{
	struct wheel_link *link = link_of(dir, addr);

	link->prev = list + 1;
	link->next = wheel->heads[list];
	if (link->next)
		link_of(dir, link->next)->prev = addr;
	wheel->heads[list] = addr;
}

static void unlink_addr(struct wheel *wheel, struct directory *dir, uint32_t addr)
{
	struct wheel_link *link = link_of(dir, addr);

	if (!link->prev)
		return;
	if (link->next)
		link_of(dir, link->next)->prev = link->prev;
	if (link->prev < PAGE_FIRST_ADDR)
		wheel->heads[link->prev - 1] = link->next;
	else
		link_of(dir, link->prev)->next = link->next;
	link->prev = link->next = 0;
}

static uint32_t pop(struct wheel *wheel, struct directory *dir, uint32_t list)
{
	uint32_t addr = wheel->heads[list];

	if (addr)
		unlink_addr(wheel, dir, addr);
	return addr;
}

bool wheel_has(const struct directory *dir, uint32_t addr)
{
	const struct page *page = directory_page(dir, addr);

	return page && page->links && page->links[addr % PAGE_ADDRS].prev;
}

/* The list whose turn is the latest at or before due, and when that is. */
static uint32_t list_for(const struct wheel *wheel, int64_t due_s, uint32_t *turn_s)
{
	const uint32_t top = (WHEEL_LEVELS - 1) * WHEEL_BITS;
	int64_t last = ((wheel->now_s >> top) + WHEEL_LISTS - 1) << top;
	uint32_t level = 0, shift;

	due_s = min_i64(max_i64(due_s, wheel->now_s + 1), last);
	while ((due_s >> level * WHEEL_BITS) - (wheel->now_s >> level * WHEEL_BITS) >= WHEEL_LISTS)
		level++;
	shift = level * WHEEL_BITS;
	*turn_s = (uint32_t)(due_s >> shift << shift);
	return level * WHEEL_LISTS + ((uint32_t)(due_s >> shift) & (WHEEL_LISTS - 1));
}

void wheel_schedule(struct wheel *wheel, struct directory *dir, uint32_t addr, int64_t due_s)
{
	struct wheel_link *link = link_of(dir, addr);
	uint32_t list, turn_s;

	if (link->prev && link->due <= due_s && link->due != DUE_NEVER)
		return;
	list = list_for(wheel, due_s, &turn_s);
	unlink_addr(wheel, dir, addr);
	push(wheel, dir, list, addr);
	link->due = turn_s;
}

void wheel_set_over(struct wheel *wheel, struct directory *dir, uint32_t addr)
{
	unlink_addr(wheel, dir, addr);
	push(wheel, dir, WHEEL_OVER, addr);
	link_of(dir, addr)->due = DUE_NEVER;
}

uint32_t wheel_pop_over(struct wheel *wheel, struct directory *dir)
{
	return pop(wheel, dir, WHEEL_OVER);
}

/* The clock is far from where the wheel stood: everything has to be judged anew. */
static void jump(struct wheel *wheel, struct directory *dir, int64_t now_s)
{
	for (uint32_t list = 0; list < WHEEL_BACKLOG; list++) {
		uint32_t addr = wheel->heads[list];

		wheel->heads[list] = 0;
		wheel->heads[WHEEL_BACKLOG + list] = addr;
		if (addr)
			link_of(dir, addr)->prev = WHEEL_BACKLOG + list + 1;
	}
	wheel->backlog = 0;
	wheel->now_s = now_s;
}

static uint32_t pop_backlog(struct wheel *wheel, struct directory *dir)
{
	for (; wheel->backlog < WHEEL_BACKLOG; wheel->backlog++) {
		uint32_t addr = pop(wheel, dir, WHEEL_BACKLOG + wheel->backlog);

		if (addr)
			return addr;
	}
	return 0;
}

/* From the lists whose turn has come this second: one per level that has reached a new list. */
static uint32_t pop_turn(struct wheel *wheel, struct directory *dir)
{
	for (uint32_t level = 0; level < WHEEL_LEVELS; level++) {
		uint32_t shift = level * WHEEL_BITS, addr;

		if (wheel->now_s & ((INT64_C(1) << shift) - 1))
			break;
		addr = pop(wheel, dir,
			   level * WHEEL_LISTS +
			       ((uint32_t)(wheel->now_s >> shift) & (WHEEL_LISTS - 1)));
		if (addr)
			return addr;
	}
	return 0;
}

uint32_t wheel_pop(struct wheel *wheel, struct directory *dir, int64_t now_s)
{
	for (;;) {
		uint32_t addr = pop_backlog(wheel, dir);

		if (!addr)
			addr = pop_turn(wheel, dir);
		if (addr || wheel->now_s >= now_s)
			return addr;
		if (now_s - wheel->now_s > JUMP_S)
			jump(wheel, dir, now_s);
		else
			wheel->now_s++;
	}
}
