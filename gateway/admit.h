/* SPDX-License-Identifier: MIT */
/*
 * gateway/admit.h - how many calls one trunk or peer may have, and how many
 * a second: a count and a token bucket.  Sans-I/O.
 *
 * Owner:  the party that it limits; admit_init() with the limits.
 * Loop:   control.
 */
#ifndef RIPTIDE_GATEWAY_ADMIT_H
#define RIPTIDE_GATEWAY_ADMIT_H

#include <stdint.h>

struct admit {
	unsigned calls;		/* limit; 0: none */
	unsigned per_second;	/* limit; 0: none */
	unsigned living;	/* taken and not given back */
	uint64_t millitokens;	/* 1000 = one call */
	uint64_t filled_ns;	/* when the bucket was last filled */
};

enum admit_verdict { ADMIT_OK, ADMIT_CALLS, ADMIT_RATE };

/* The bucket begins full: one second's worth of calls at once. */
void admit_init(struct admit *admit, unsigned calls, unsigned per_second);

/* Take a place; on ADMIT_OK admit_give() gives it back. */
enum admit_verdict admit_take(struct admit *admit, uint64_t now_ns);
void admit_give(struct admit *admit);

#endif
