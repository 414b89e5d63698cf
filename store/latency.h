/* SPDX-License-Identifier: MIT */
/*
 * store/latency.h - percentiles of the last minute, roughly: counts in
 * buckets that grow by a quarter, in two half-minutes.
 *
 * Owner:  whoever embeds it; zeroed is empty.
 * Loop:   one at a time.
 */
#ifndef RIPTIDE_STORE_LATENCY_H
#define RIPTIDE_STORE_LATENCY_H

#include <stdint.h>

#define LATENCY_BUCKETS 96

struct latency {
	uint32_t now[LATENCY_BUCKETS];		/* this half-minute */
	uint32_t before[LATENCY_BUCKETS];	/* the one before */
	uint64_t since_ns;			/* when this one began */
};

void latency_add(struct latency *latency, uint64_t us, uint64_t now_ns);

/* An upper bound, at most a quarter too high, of the value that @percent of
 * the last 30 to 60 seconds stay below; 0: nothing was added. */
uint64_t latency_percentile(struct latency *latency, unsigned percent,
			    uint64_t now_ns);

#endif
