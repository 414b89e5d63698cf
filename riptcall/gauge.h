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
	int64_t least;		/* between two looks at 20 or more; 0: there
				   was none such */
	int64_t low;		/* since the last one */
};

void gauge_start(struct gauge *gauge, struct loop *loop);
void gauge_stop(struct gauge *gauge);

#endif
