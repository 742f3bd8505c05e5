/* SPDX-License-Identifier: MIT */
/**
 * perf/verdict.h - whether a run was valid: everything expected was done, nothing wrong was seen,
 * and what was lost, was not lost by the generator itself.
 */
#ifndef ETCDHCP_PERF_VERDICT_H
#define ETCDHCP_PERF_VERDICT_H

#include "perf/scenario.h"

#define PROBLEMS_MAX (FINDING_COUNT + 8)

struct verdict {
	char problem[PROBLEMS_MAX][200];
	size_t n; /* 0: the run was valid */
};

void verdict_reach(struct verdict *verdict, const struct driver *driver,
		   const struct outcome *outcome);

#endif
