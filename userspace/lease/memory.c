/* SPDX-License-Identifier: MIT */
#include "lease/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE (UINT64_C(2) << 20)
#define ARENA_MAX (UINT64_C(64) << 20)

struct memory_arena {
	struct memory_arena *older;
	void *start;
	size_t size;
};

/*
 * ThreadSanitizer sees neither that a grace period orders readers' last accesses before the free
 * (QSBR's fences are inline assembly) nor how liburcu hands the pointer to its helper thread: it is
 * told to look away while that thread frees.
 */
#if defined(__SANITIZE_THREAD__)
#define TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TSAN 1
#endif
#endif

#ifdef TSAN
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);

static void look_away(void)
{
	AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
	AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
}

static void look_back(void)
{
	AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
	AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
}
#else
static void look_away(void)
{
}

static void look_back(void)
{
}
#endif

static void count(struct memory *memory, size_t plus, size_t minus)
{
	counter_set(&memory->bytes, counter_read(&memory->bytes) + plus - minus);
}

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

/* A mapping aligned to huge pages: maps one page more than asked and gives the ends back. */
static void *map_huge(size_t size)
{
	uint8_t *p = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t before;

	if (p == MAP_FAILED)
		return NULL;
	before = round_up((uintptr_t)p, HUGE_PAGE) - (uintptr_t)p;
	if (before)
		munmap(p, before);
	if (before < HUGE_PAGE)
		munmap(p + before + size, HUGE_PAGE - before);
	madvise(p + before, size, MADV_HUGEPAGE); /* a kernel without them costs speed alone */
	return p + before;
}

void *memory_alloc(struct memory *memory, size_t size)
{
	size_t lines = round_up(size, CACHE_LINE);
	void *p = size < CACHE_LINE ? calloc(1, size) : aligned_alloc(CACHE_LINE, lines);

	if (!p)
		return NULL;
	if (size >= CACHE_LINE)
		memset(p, 0, lines);
	count(memory, size, 0);
	return p;
}

void memory_free(struct memory *memory, void *p, size_t size)
{
	if (!p)
		return;
	count(memory, 0, size);
	free(p);
}

/* Arenas grow with the table, so that neither a small nor a large one wastes much. */
static bool add_arena(struct memory *memory, size_t size)
{
	size_t wanted = min_size(counter_read(&memory->bytes) / 16, ARENA_MAX);
	struct memory_arena *arena = memory_alloc(memory, sizeof(*arena));

	if (!arena)
		return false;
	arena->size = round_up(wanted > size ? wanted : size, HUGE_PAGE);
	arena->start = map_huge(arena->size);
	if (!arena->start) {
		memory_free(memory, arena, sizeof(*arena));
		return false;
	}
	count(memory, arena->size, 0);
	arena->older = memory->arenas;
	memory->arenas = arena;
	memory->next = arena->start;
	memory->end = memory->next + arena->size;
	return true;
}

void *memory_carve(struct memory *memory, size_t size)
{
	void *p;

	size = round_up(size, CACHE_LINE);
	if ((size_t)(memory->end - memory->next) < size && !add_arena(memory, size))
		return NULL;
	p = memory->next;
	memory->next += size;
	return p;
}

void memory_fini(struct memory *memory)
{
	while (memory->arenas) {
		struct memory_arena *arena = memory->arenas;

		memory->arenas = arena->older;
		count(memory, 0, arena->size);
		munmap(arena->start, arena->size);
		memory_free(memory, arena, sizeof(*arena));
	}
	memory->next = memory->end = NULL;
}

int memory_alloc_array(struct memory *memory, struct retired *owner, size_t size)
{
	if (size >= HUGE_PAGE) {
		size = round_up(size, HUGE_PAGE);
		owner->array = map_huge(size);
	} else {
		owner->array = calloc(1, size);
	}
	if (!owner->array)
		return -ENOMEM;
	owner->array_size = size;
	count(memory, size, 0);
	return 0;
}

static void free_now(struct retired *retired)
{
	if (retired->array_size >= HUGE_PAGE)
		munmap(retired->array, retired->array_size);
	else
		free(retired->array);
	free(retired);
}

static void free_after_grace(struct rcu_head *head)
{
	look_away();
	free_now(container_of(head, struct retired, rcu));
	look_back();
}

void memory_release(struct memory *memory, struct retired *retired, size_t size)
{
	if (!retired)
		return;
	count(memory, 0, size + retired->array_size);
	free_now(retired);
}

void memory_retire(struct memory *memory, struct retired *retired, size_t size)
{
	if (!retired)
		return;
	count(memory, 0, size + retired->array_size);
	urcu_qsbr_call_rcu(&retired->rcu, free_after_grace);
}
