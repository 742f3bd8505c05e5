/* SPDX-License-Identifier: MIT */
/**
 * perf/area.h - large zeroed memory that costs nothing until it is touched.
 */
#ifndef ETCDHCP_PERF_AREA_H
#define ETCDHCP_PERF_AREA_H

#include <sys/mman.h>

#include "base/types.h"

/** In huge pages where the kernel has them; NULL when it refuses. */
static inline void *area_map(size_t size)
{
	void *area = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (area == MAP_FAILED)
		return NULL;
	madvise(area, size, MADV_HUGEPAGE); /* a wish */
	return area;
}

/** As area_map, in small pages: for what is touched here and there. */
static inline void *area_map_sparse(size_t size)
{
	void *area = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (area == MAP_FAILED)
		return NULL;
	madvise(area, size, MADV_NOHUGEPAGE);
	return area;
}

/** NULL is fine. */
static inline void area_unmap(void *area, size_t size)
{
	if (area)
		munmap(area, size);
}

#endif
