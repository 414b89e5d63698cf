/* SPDX-License-Identifier: MIT */
/*
 * riptcall/gauge.h - how many GETs for media were open at once, looked at
 * every 20 ms.
 *
 * Owner:  riptcall serve.
 * Loop:   control.
 * Spec:   MB-03, MB-06.
 */
#ifndef RIPTIDE_RIPTCALL_GAUGE_H
#define RIPTIDE_RIPTCALL_GAUGE_H

#include <stdint.h>

#include "base/loop.h"

struct metric;

struct gauge {
	struct loop *loop;
	struct timer timer;
	struct metric *gets;
	int64_t most;
	int64_t least;		/* median-free: lowest of the looks between
				   the first and the last of at least 20 */
	int64_t low;		/* since the last such look */
};

void gauge_start(struct gauge *gauge, struct loop *loop);
void gauge_stop(struct gauge *gauge);

#endif
