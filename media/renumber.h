/* SPDX-License-Identifier: MIT */
/*
 * media/renumber.h - from RTP's numbers to a chunk's and back.
 *
 *   RTP seq 16 bit, any start   <->  chunk seq 64 bit, from Unix ms upward
 *   RTP ts  32 bit, codec clock <->  Unix ms of the first sample
 *
 * Losses stay visible as gaps, jitter never gets into a timestamp, and the
 * clock of the RTP sender is followed from anchor to anchor (Q52):
 *
 *   anchor        advance by RTP delta        anchor again, if off > 100 ms
 *     |----20----20----20----20---- ... ----|   only at a marker, after a
 *   first packet    one talk spurt              gap, or with a new SSRC
 *
 * Sans I/O.
 *
 * Owner:  embedded in media/bridge; nothing to free.
 * Loop:   that of its call.
 * Spec:   GW-09, GW-10; Q51, Q52.
 */
#ifndef RIPTIDE_MEDIA_RENUMBER_H
#define RIPTIDE_MEDIA_RENUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "media/rtp.h"
#include "media/stream.h"

#define RENUMBER_OFF_MS 100	/* re-anchor when the clocks differ by more */
#define RENUMBER_GAP_MS 200	/* of RTP time: a pause between spurts */
#define RENUMBER_PAUSE_MS 1000	/* nothing came: a pause whatever RTP says,
				   where less may be a network that stalled */

/* ---- RTP -> chunk ---- */

struct to_chunk {
	bool started;
	uint32_t ssrc;
	uint32_t clock_hz;	/* of the anchor */
	struct seq_window window;	/* extended RTP sequence numbers */
	uint64_t offset;	/* chunk seq = extended RTP seq + offset */
	uint64_t floor;		/* chunk seqs up to here are used up */
	uint64_t high;		/* newest chunk seq; 0: none */
	uint16_t late_next;	/* a second late one in a row has this */
	bool late;		/* sequence: the sender began anew */
	uint32_t newest_ts;	/* RTP timestamp of the newest packet */
	uint64_t newest_ns;	/* ... and when it came */
	uint32_t anchor_ts;
	uint64_t anchor_ms;
	uint64_t lost;		/* gaps in the RTP sequence */
};

/*
 * Number one packet.  @clock_hz is that of its payload type.  *@seqp and
 * *@time_msp are written for SEQ_NEXT and SEQ_OLD.
 * Returns SEQ_DUPLICATE or SEQ_LATE for a packet to be dropped.
 */
enum seq_verdict to_chunk_number(struct to_chunk *in, const struct rtp *rtp,
				 uint32_t clock_hz, uint64_t now_ns,
				 uint64_t wall_ms, uint64_t *seqp,
				 uint64_t *time_msp);

/* A number for a chunk of our own, between those that come from RTP. */
uint64_t to_chunk_insert(struct to_chunk *in, uint64_t wall_ms);

/* ---- chunk -> RTP ---- */

struct to_rtp {
	bool started;
	uint16_t seq_offset;	/* RTP seq = chunk seq + offset, mod 2^16 */
	uint16_t rtp_seq;	/* of the newest */
	uint64_t floor;		/* chunk seqs below are an older count's */
	uint64_t newest_seq;	/* of chunks */
	uint64_t newest_ms;	/* its time; the anchor of timestamps */
	uint32_t newest_ts;	/* RTP timestamp sent for newest_ms */
	uint64_t newest_ns;	/* when it came */
};

/* Begin at random numbers (RFC 3550, section 5.1). */
void to_rtp_init(struct to_rtp *out, uint16_t first_seq, uint32_t first_ts);

/*
 * Number one chunk.  @first: the first of its stream, or the first after a
 * jump: it follows the newest without a gap, as if nothing were lost.
 * Writes seq and timestamp of @rtp.  Returns false for a chunk to be dropped:
 * it is older than that first one, and its number is taken.
 */
bool to_rtp_number(struct to_rtp *out, bool first, uint64_t seq,
		   uint64_t time_ms, uint32_t clock_hz, uint64_t now_ns,
		   struct rtp *rtp);

#endif
