/* SPDX-License-Identifier: MIT */
/*
 * tests/sim/lossy.h - a bad road in user space: UDP from one client to one
 * server with delay, loss, reordering, duplicates and broken octets, drawn
 * from a seed.
 */
#ifndef RIPTIDE_TESTS_LOSSY_H
#define RIPTIDE_TESTS_LOSSY_H

#include <stdint.h>

#include "base/text.h"

struct loop;
struct lossy;

struct lossy_road {
	unsigned delay_ms;	/* each way */
	unsigned jitter_ms;	/* on top of it, 0 to this: reorders */
	unsigned loss_permille;
	unsigned twice_permille;
	unsigned broken_permille;
	uint32_t seed;
};

/* A road to @server; clients are sent to *@at. */
struct lossy *lossy_new(struct loop *loop, const struct addr *server,
			const struct lossy_road *road, struct addr *at);
/* From now on another one. */
void lossy_set(struct lossy *lossy, const struct lossy_road *road);
uint64_t lossy_packets(const struct lossy *lossy);
uint64_t lossy_lost(const struct lossy *lossy);
void lossy_free(struct lossy **lossyp);

#endif
