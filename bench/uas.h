/* SPDX-License-Identifier: MIT */
/*
 * bench/uas.h - phones that answer at once: the least of SIP that a load
 * needs behind a gateway.  Trusts its peer; for benchmarks only.
 *
 * Owner:  the generator.
 * Loop:   one.
 */
#ifndef RIPTIDE_BENCH_UAS_H
#define RIPTIDE_BENCH_UAS_H

#include "base/text.h"

struct loop;
struct uas;

struct uas_handlers {
	/* An INVITE to the number @user, whose RTP is at @rtp.  Returns the
	 * RTP port that answers; 0: 404. */
	uint16_t (*invite)(const char *user, const struct addr *rtp,
			   void *arg);
	/* Its ACK arrived (@user as in INVITE), or a BYE. */
	void (*confirmed)(const char *user, void *arg);
	void (*ended)(const char *user, void *arg);
};

/* Returns 0 or errno. */
int uas_open(struct uas **uasp, struct loop *loop, const struct addr *at,
	     const struct uas_handlers *handlers, void *arg);
void uas_close(struct uas **uasp);

#endif
