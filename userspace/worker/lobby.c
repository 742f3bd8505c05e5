/* SPDX-License-Identifier: MIT */
#include "worker/lobby.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/hash.h"
#include "dhcp/message.h"

/* sname and file: nothing in a DISCOVER, 192 bytes of zeros. */
#define HOLE_AT   offsetof(struct dhcp_header, sname)
#define HOLE_SIZE (offsetof(struct dhcp_header, magic) - HOLE_AT)

#define KEYS (2 * LOBBY_MAX) /* places in the table of keys */
/* Above this much, memory is given back to the system when it is no longer needed. */
#define KEEP_BYTES ((size_t)1 << 20)

static_assert(LOBBY_BYTES <= UINT32_MAX, "offsets have 32 bits");
static_assert(HOLE_SIZE == 192, "RFC 2131 section 2");

/** What lies in the ring; size is that of all of it, a multiple of 8. */
struct waiting {
	uint64_t key;
	uint64_t since_ns;
	uint32_t older; /* offset of the one before it; of the oldest: anything */
	uint32_t size;
	uint16_t port;
	uint16_t len;  /* of the frame */
	uint16_t hole; /* where the zeros were left out, 0: nowhere */
	uint8_t bytes[];
};

struct lobby {
	uint8_t *ring;     /* LOBBY_BYTES */
	size_t head, tail; /* where the next goes, where the oldest is */
	size_t newest;
	size_t end;        /* behind the last before the ring starts over; 0: it has not */
	uint32_t n;
	bool large;        /* more than KEEP_BYTES has been in use */
	uint64_t *keys;    /* of those that wait; open addressing, 0: empty */
};

static void *map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

struct lobby *lobby_new(void)
{
	struct lobby *lobby = calloc(1, sizeof(*lobby));

	if (!lobby)
		return NULL;
	lobby->ring = map(LOBBY_BYTES);
	lobby->keys = map(KEYS * sizeof(*lobby->keys));
	if (!lobby->ring || !lobby->keys) {
		lobby_free(lobby);
		return NULL;
	}
	return lobby;
}

void lobby_free(struct lobby *lobby)
{
	if (!lobby)
		return;
	if (lobby->ring)
		munmap(lobby->ring, LOBBY_BYTES);
	if (lobby->keys)
		munmap(lobby->keys, KEYS * sizeof(*lobby->keys));
	free(lobby);
}

/* ---- who waits ---- */

static uint32_t home_of(uint64_t key)
{
	return (uint32_t)(key >> 32) & (KEYS - 1);
}

static uint32_t place_of(const struct lobby *lobby, uint64_t key)
{
	uint32_t at = home_of(key);

	while (lobby->keys[at] && lobby->keys[at] != key)
		at = (at + 1) & (KEYS - 1);
	return at;
}

/* Without tombstones: keys behind the hole move up unless they are at home already. */
static void forget_key(struct lobby *lobby, uint64_t key)
{
	uint64_t *keys = lobby->keys;
	uint32_t hole = place_of(lobby, key), i = hole;

	while (keys[i = (i + 1) & (KEYS - 1)]) {
		if (((i - home_of(keys[i])) & (KEYS - 1)) >= ((i - hole) & (KEYS - 1))) {
			keys[hole] = keys[i];
			hole = i;
		}
	}
	keys[hole] = 0;
}

/* The same client, relay agent and transaction. */
static uint64_t key_of(const struct packet *packet)
{
	const struct dhcp_header *header = (const struct dhcp_header *)packet->payload;

	return hash_bytes(header->chaddr, sizeof(header->chaddr),
			  (uint64_t)header->giaddr << 32 | header->xid) | 1;
}

/* ---- the ring ---- */

static struct waiting *at(const struct lobby *lobby, size_t offset)
{
	return (struct waiting *)(void *)(lobby->ring + offset);
}

static void give_memory_back(struct lobby *lobby)
{
	lobby->head = lobby->tail = lobby->end = 0;
	if (lobby->large) {
		madvise(lobby->ring, LOBBY_BYTES, MADV_DONTNEED);
		madvise(lobby->keys, KEYS * sizeof(*lobby->keys), MADV_DONTNEED);
	}
	lobby->large = false;
}

static bool still_waits(const struct lobby *lobby, const struct waiting *waiting)
{
	return lobby->keys[place_of(lobby, waiting->key)] != 0;
}

static void leave_oldest(struct lobby *lobby)
{
	const struct waiting *waiting = at(lobby, lobby->tail);

	if (still_waits(lobby, waiting))
		forget_key(lobby, waiting->key);
	lobby->tail += waiting->size;
	if (lobby->tail == lobby->end)
		lobby->tail = lobby->end = 0;
	if (--lobby->n == 0)
		give_memory_back(lobby);
}

static void leave_newest(struct lobby *lobby)
{
	const struct waiting *waiting = at(lobby, lobby->newest);

	if (still_waits(lobby, waiting))
		forget_key(lobby, waiting->key);
	lobby->head = lobby->newest;
	if (lobby->head == 0 && lobby->end) { /* the first since the ring started over */
		lobby->head = lobby->end;
		lobby->end = 0;
	}
	lobby->newest = waiting->older;
	if (--lobby->n == 0)
		give_memory_back(lobby);
}

/* Room in one piece, which those who wait longest make if need be. */
static struct waiting *make_room(struct lobby *lobby, size_t size)
{
	if (lobby->n == LOBBY_MAX)
		leave_oldest(lobby);
	if (!lobby->end && LOBBY_BYTES - lobby->head < size) {
		lobby->end = lobby->head;
		lobby->head = 0;
	}
	while (lobby->end && lobby->tail - lobby->head < size)
		leave_oldest(lobby);
	return at(lobby, lobby->head);
}

/* ---- in and out ---- */

/* Where in the frame the zeros are that can be left out; 0: nowhere. */
static size_t hole_of(const struct packet *packet)
{
	static const uint8_t zeros[HOLE_SIZE];

	if (packet->payload_len < sizeof(struct dhcp_header) ||
	    memcmp(packet->payload + HOLE_AT, zeros, HOLE_SIZE))
		return 0;
	return (size_t)(packet->payload - packet->frame.data) + HOLE_AT;
}

/* A payload that was moved up over IPv4 options no longer makes a frame with what is before it. */
static bool is_whole(const struct packet *packet)
{
	return packet->frame.data[packet->l3_offset] == 0x45 && packet->frame.len <= UINT16_MAX;
}

static void copy_in(struct waiting *waiting, const struct frame *frame)
{
	size_t behind = waiting->hole ? waiting->hole + HOLE_SIZE : 0;

	memcpy(waiting->bytes, frame->data, waiting->hole);
	memcpy(waiting->bytes + waiting->hole, frame->data + behind, frame->len - behind);
}

bool lobby_add(struct lobby *lobby, const struct packet *packet, uint16_t port, uint64_t now_ns)
{
	size_t hole = hole_of(packet), size;
	uint64_t key = key_of(packet);
	struct waiting *waiting;

	if (!is_whole(packet))
		return false;
	if (lobby->keys[place_of(lobby, key)])
		return true;
	size = sizeof(*waiting) + packet->frame.len - (hole ? HOLE_SIZE : 0);
	size = (size + 7) & ~(size_t)7;
	waiting = make_room(lobby, size);
	waiting->key = key;
	waiting->since_ns = now_ns;
	waiting->older = (uint32_t)lobby->newest;
	waiting->size = (uint32_t)size;
	waiting->port = port;
	waiting->len = (uint16_t)packet->frame.len;
	waiting->hole = (uint16_t)hole;
	copy_in(waiting, &packet->frame);
	lobby->keys[place_of(lobby, key)] = key;
	lobby->newest = lobby->head;
	lobby->head += size;
	lobby->large = lobby->large || lobby->head > KEEP_BYTES;
	lobby->n++;
	return true;
}

uint32_t lobby_len(const struct lobby *lobby)
{
	return lobby->n;
}

void lobby_served(struct lobby *lobby, const struct packet *packet)
{
	uint64_t key;

	if (!lobby->n)
		return;
	key = key_of(packet);
	if (lobby->keys[place_of(lobby, key)])
		forget_key(lobby, key);
}

bool lobby_port(struct lobby *lobby, uint64_t now_ns, uint16_t *port)
{
	while (lobby->n && now_ns - at(lobby, lobby->tail)->since_ns > LOBBY_WAIT_NS)
		leave_oldest(lobby);
	while (lobby->n && !still_waits(lobby, at(lobby, lobby->newest)))
		leave_newest(lobby);
	if (!lobby->n)
		return false;
	*port = at(lobby, lobby->newest)->port;
	return true;
}

bool lobby_take(struct lobby *lobby, struct frame *frame)
{
	const struct waiting *waiting = at(lobby, lobby->newest);
	size_t behind = waiting->hole ? waiting->hole + HOLE_SIZE : 0;
	bool fits = waiting->len <= frame->cap;

	if (fits) {
		memcpy(frame->data, waiting->bytes, waiting->hole);
		if (waiting->hole)
			memset(frame->data + waiting->hole, 0, HOLE_SIZE);
		memcpy(frame->data + behind, waiting->bytes + waiting->hole, waiting->len - behind);
		frame->len = waiting->len;
	}
	leave_newest(lobby);
	return fits;
}
