/* SPDX-License-Identifier: MIT */
/**
 * perf/report.h - the results, as text for people and as JSON for programs.
 */
#ifndef ETCDHCP_PERF_REPORT_H
#define ETCDHCP_PERF_REPORT_H

#include <stdio.h>

#include "perf/verdict.h"

void report_text(FILE *out, const struct driver *driver, const struct outcome *outcome,
		 const struct verdict *verdict);
void report_json(FILE *out, const struct driver *driver, const struct outcome *outcome,
		 const struct verdict *verdict);

#endif
