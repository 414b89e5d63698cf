/* SPDX-License-Identifier: MIT */
/*
 * bench/load.h - streams of a packet every 20 ms, paced evenly, measured by
 * themselves.  Where packets go and come from is the caller's.
 *
 *   load --send()--> way --> thing measured --> way --load_received()--> load
 *
 * Stream i of S begins i/S of 20 ms later than stream 0, so that the thing
 * measured sees an even flow.  A generator that sends late measures itself:
 * the report says when that happened, and such a run does not count.
 *
 * Owner:  the caller; load_free() when done() ran.
 * Loop:   one.
 */
#ifndef RIPTIDE_BENCH_LOAD_H
#define RIPTIDE_BENCH_LOAD_H

#include "bench/meter.h"

struct load;
struct loop;

struct load_config {
	unsigned streams;	/* even ones run a to b, odd ones b to a */
	unsigned warm_up_s, seconds;
	int pid;		/* process measured; 0: none */
	/* Send @payload as the next packet of @stream.  Returns 0 or errno;
	 * an error counts as lost. */
	int (*send)(unsigned stream, const uint8_t payload[PROBE_LEN],
		    void *arg);
	void (*done)(void *arg);
	void *arg;
};

struct load_report {
	uint64_t sent, received, duplicates, foreign, send_errors;
	double seconds;
	struct meter a_to_b, b_to_a;
	struct usage used;	/* difference over the window; pss_kb at its
				   end */
	uint64_t overruns;	/* of the machine, in the window */
	uint64_t late;		/* sent more than 5 ms too late */
	double late_max_ms;
	uint64_t stalls;	/* times that the schedule moved on, 100 ms
				   behind */
	bool fell_behind;	/* more than 0.1 % late, or a stall */
};

struct load *load_new(struct loop *loop, const struct load_config *config);
void load_start(struct load *load);
/* A payload that arrived, on whatever way. */
void load_received(struct load *load, const uint8_t *payload, size_t len);
const struct load_report *load_report(const struct load *load);
void load_free(struct load **loadp);

#endif
