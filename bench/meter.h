/* SPDX-License-Identifier: MIT */
/*
 * bench/meter.h - what a load generator measures by itself: loss, order and
 * latency of packets that carry their number and their time of sending.
 *
 * Owner:  plain structs.
 * Loop:   one thread.
 */
#ifndef RIPTIDE_BENCH_METER_H
#define RIPTIDE_BENCH_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_LEN 160		/* a packet of G.711, 20 ms */

/* What a payload says of itself. */
struct probe {
	uint32_t stream;
	uint32_t number;
	uint64_t sent_ns;	/* CLOCK_MONOTONIC */
};

void probe_write(uint8_t payload[PROBE_LEN], const struct probe *probe);
/* Returns false: not ours (comfort noise, something altered). */
bool probe_read(struct probe *probe, const uint8_t *payload, size_t len);

/* Latencies: buckets of 1/32 of their power of two, so within 3 %. */
#define METER_BUCKETS (40 * 32)

struct meter {
	uint64_t bucket[METER_BUCKETS];
	uint64_t count;
	uint64_t max_ns;
};

void meter_add(struct meter *meter, uint64_t ns);
/* The latency that @share (0 to 1) of all stay below, in us. */
double meter_us(const struct meter *meter, double share);

/* ---- the process under test ---- */

struct usage {
	double user_s, system_s;
	uint64_t pss_kb;
};

/* CPU and memory of @pid, threads included.  Returns 0 or errno. */
int usage_read(struct usage *usage, int pid);

/* Receive buffer overruns of the whole machine (RcvbufErrors). */
uint64_t udp_overruns(void);

#endif
