/* SPDX-License-Identifier: MIT */
/*
 * bench/ng.h - rtpengine's control protocol, as much as two phones need: a
 * cookie, a blank and a bencoded dictionary, in one UDP datagram.
 *
 * Owner:  the caller, who closes it.
 * Loop:   none; blocks for an answer, 2 s at most.
 */
#ifndef RIPTIDE_BENCH_NG_H
#define RIPTIDE_BENCH_NG_H

#include <stdint.h>

#include "base/text.h"

struct ng {
	int fd;
	unsigned cookie;
	char call_prefix[32];
};

/* Returns 0 or errno. */
int ng_open(struct ng *ng, const struct addr *server);
/*
 * Call @call between two phones at @a and @b: *@to_b is where b sends, *@to_a
 * where a does.  Returns 0; ETIMEDOUT: no answer; EPROTO: refused.
 */
int ng_call(struct ng *ng, unsigned call, const struct addr *a,
	    const struct addr *b, struct addr *to_a, struct addr *to_b);
int ng_delete(struct ng *ng, unsigned call);
void ng_close(struct ng *ng);

#endif
