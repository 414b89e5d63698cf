/* SPDX-License-Identifier: MIT */
/*
 * bench/print.h - a run as one line of JSON, the same for every generator:
 * bench/media reads it.
 *
 * Loop:   any.
 */
#ifndef RIPTIDE_BENCH_PRINT_H
#define RIPTIDE_BENCH_PRINT_H

#include "bench/load.h"

/* @idle: the process before the first call. */
void print_report(const char *side, unsigned calls,
		  const struct load_report *report, const struct usage *idle);

#endif
