/* SPDX-License-Identifier: MIT */
#include "worker/heard.h"

#include <stdlib.h>
#include <sys/mman.h>

#define LINES (1u << 14) /* 1 MiB: 65,536 clients */
#define PLACES 4
/* Networks beyond share a place, and are judged together. */
#define NETWORKS 256
/* As many are remembered; older ones count half, and half again. */
#define REMEMBERED 1024u

/* Times are in milliseconds and go round in 49 days: an age that old cannot be told from a young one. */
struct asked {
	uint32_t client; /* the upper half of the hash; the lower one tells the line */
	uint32_t xid;
	uint32_t last_ms;
	uint32_t times; /* 0: an empty place */
};

struct line {
	struct asked places[PLACES];
} __attribute__((aligned(CACHE_LINE)));

static_assert(sizeof(struct line) == CACHE_LINE, "one line per look-up");

struct network {
	uint16_t left; /* to other servers */
	uint16_t back; /* of those */
	uint8_t vain;  /* how often in succession it was in vain */
	bool alone;    /* until then: */
	uint32_t until_ms;
};

struct heard {
	struct line *lines;
	struct network networks[NETWORKS];
};

struct heard *heard_new(void)
{
	struct heard *heard = calloc(1, sizeof(*heard));
	void *lines = mmap(NULL, LINES * sizeof(struct line), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (!heard || lines == MAP_FAILED) {
		free(heard);
		if (lines != MAP_FAILED)
			munmap(lines, LINES * sizeof(struct line));
		return NULL;
	}
	heard->lines = lines;
	return heard;
}

void heard_free(struct heard *heard)
{
	if (!heard)
		return;
	munmap(heard->lines, LINES * sizeof(struct line));
	free(heard);
}

static uint32_t ms_of(uint64_t now_ns)
{
	return (uint32_t)(now_ns / NS_PER_MS);
}

/* ---- clients ---- */

/* The client's place, or NULL. */
static struct asked *find(struct heard *heard, uint64_t client)
{
	struct line *line = &heard->lines[(uint32_t)client % LINES];

	for (size_t i = 0; i < PLACES; i++)
		if (line->places[i].times && line->places[i].client == client >> 32)
			return &line->places[i];
	return NULL;
}

/* An empty place, else that of the one heard longest ago. */
static struct asked *make_room(struct heard *heard, uint64_t client, uint32_t now_ms)
{
	struct line *line = &heard->lines[(uint32_t)client % LINES];
	struct asked *room = &line->places[0];

	for (size_t i = 1; i < PLACES && room->times; i++) {
		struct asked *place = &line->places[i];

		if (!place->times || now_ms - place->last_ms > now_ms - room->last_ms)
			room = place;
	}
	return room;
}

unsigned heard_note(struct heard *heard, uint64_t client, uint32_t xid, uint64_t now_ns)
{
	struct asked *asked = find(heard, client);
	uint32_t now_ms = ms_of(now_ns), age_ms, within_ms;

	if (asked) {
		age_ms = now_ms - asked->last_ms;
		within_ms = xid == asked->xid ? HEARD_SAME_WITHIN_MS : HEARD_WITHIN_MS;
		if (age_ms < HEARD_COPY_MS)
			return asked->times - 1;
		if (age_ms > within_ms)
			asked->times = 0;
	} else {
		asked = make_room(heard, client, now_ms);
		asked->times = 0;
	}
	asked->client = (uint32_t)(client >> 32);
	asked->xid = xid;
	asked->last_ms = now_ms;
	return asked->times++;
}

void heard_settled(struct heard *heard, uint64_t client)
{
	struct asked *asked = find(heard, client);

	if (asked)
		asked->times = 0;
}

/* ---- networks ---- */

bool heard_in_vain(const struct heard *heard, uint32_t index, uint64_t now_ns)
{
	const struct network *network = &heard->networks[index % NETWORKS];

	return network->alone && (int32_t)(network->until_ms - ms_of(now_ns)) > 0;
}

static void give_up(struct network *network, uint32_t now_ms)
{
	network->until_ms = now_ms + (HEARD_VAIN_MS << network->vain);
	network->alone = true;
	network->vain += network->vain < HEARD_VAIN_MOST;
	network->left = network->back = 0;
}

void heard_count(struct heard *heard, uint32_t index, unsigned repeats, uint64_t now_ns)
{
	struct network *network = &heard->networks[index % NETWORKS];

	network->left += repeats == 0;
	network->back += repeats == 1;
	if (network->back >= HEARD_VAIN_MIN && network->back * HEARD_VAIN_PART >= network->left)
		give_up(network, ms_of(now_ns));
	if (network->left < REMEMBERED)
		return;
	if (network->back * HEARD_VAIN_PART < network->left / 2)
		network->vain = 0; /* the others do serve here */
	network->left /= 2;
	network->back /= 2;
}
