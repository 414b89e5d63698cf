/* SPDX-License-Identifier: MIT */
/*
 * bench/riptload.h - a RIPT load and the two ways to set its calls up:
 * bridges without signalling (way_bridges.c), or calls through a gateway
 * (way_lab.c).
 *
 * Owner:  main() of riptload.
 * Loop:   one.
 */
#ifndef RIPTIDE_BENCH_RIPTLOAD_H
#define RIPTIDE_BENCH_RIPTLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "bench/far_end.h"
#include "bench/rtp_end.h"

struct bench;

struct way {
	const char *name;		/* in the report */
	void (*begin)(struct bench *bench);
	/* Every 20 ms: open some more calls.  A call is there when its
	 * end[].byway_id is set and its phone[] joined. */
	void (*step)(struct bench *bench);
	/* End the calls; the loop still runs for a while. */
	void (*end)(struct bench *bench);
	void (*finish)(struct bench *bench);
};

extern const struct way way_bridges, way_lab;

struct bench {
	struct loop *loop;
	struct load *load;
	struct far_client client;
	const struct way *way;
	void *data;			/* the way's */
	unsigned calls, connections;
	uint16_t first_phone;
	struct rtp_end *phone;
	struct far_end *end;
	struct timer tick, patience;
	bool started;

	/* settings */
	struct addr to;			/* way_lab: instead of the lab's own */
	const char *ca, *list;		/* way_bridges */
	const char *lab;		/* way_lab */
};

void bench_die(const char *what, const char *why) __attribute__((noreturn));

#endif
