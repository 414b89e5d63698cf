/* SPDX-License-Identifier: MIT */
/*
 * bench/rtp_end.h - the RTP socket of one phone of a load.
 *
 * Owner:  the generator.
 * Loop:   one.
 */
#ifndef RIPTIDE_BENCH_RTP_END_H
#define RIPTIDE_BENCH_RTP_END_H

#include "base/loop.h"
#include "base/text.h"
#include "bench/load.h"
#include "media/rtp.h"

struct rtp_end {
	struct loop_fd *watch;
	struct load *load;	/* told of what arrives */
	struct addr local;
	int fd;
	struct rtp rtp;		/* of the next packet */
};

/* Bind to 127.0.0.1 and @port (0: any).  Returns 0 or errno. */
int rtp_end_open(struct rtp_end *end, unsigned index, uint16_t port);
/* Connect to @to and listen.  Returns 0 or errno. */
int rtp_end_join(struct rtp_end *end, struct loop *loop, struct load *load,
		 const struct addr *to);
int rtp_end_send(struct rtp_end *end, const uint8_t payload[PROBE_LEN]);
void rtp_end_close(struct rtp_end *end);

#endif
