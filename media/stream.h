/* SPDX-License-Identifier: MIT */
/*
 * media/stream.h - one stream of chunks, (call, direction, source, sink): its
 * numbers, what is new in it, and what the acks say.
 *
 *   sender     full values (8 octets) until one of them is acked, then 2
 *   receiver   rebuild from the highest seen, window of what came already
 *
 * Full values are due again (stream_tx_renew): at the start, after a handler
 * change, on a new WebTransport session, when media moved to another
 * connection, after all event byways were gone, and by itself for the first
 * chunk after more than 15 s.
 *
 * Sans I/O.
 *
 * Owner:  embedded in media/wire and in tests; nothing to free.
 * Loop:   that of its call.
 * Spec:   profile section 1; MC-03 to 08, MC-19, MB-16; Q50, Q51, Q53.
 */
#ifndef RIPTIDE_MEDIA_STREAM_H
#define RIPTIDE_MEDIA_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "media/chunk.h"

#define STREAM_JUMP 1000	/* a larger step starts the count anew */
#define STREAM_IDLE_NS (UINT64_C(15) * 1000000000)
#define STREAM_SENT 256		/* chunks whose ack is awaited; 5 s of 20 ms */
#define STREAM_TAIL 250		/* chunks of an old instance dropped as late */

/* ---- which numbers came already ---- */

#define SEQ_WINDOW 256

struct seq_window {
	uint64_t high;			/* the newest seen */
	uint64_t seen[SEQ_WINDOW / 64];	/* ring of bits, by number */
};

enum seq_verdict {
	SEQ_NEXT,	/* newer than all before */
	SEQ_OLD,	/* older, but not seen yet */
	SEQ_DUPLICATE,
	SEQ_LATE,	/* too old to know */
};

/* Begin with @seq as the only one seen. */
void seq_window_start(struct seq_window *window, uint64_t seq);
enum seq_verdict seq_window_put(struct seq_window *window, uint64_t seq);

/* ---- sending ---- */

/* What acks tell (MB-16). */
struct stream_loss {
	uint64_t sent;
	uint64_t acked;
	uint64_t lost;		/* not acked while STREAM_SENT later ones
				   were sent */
	uint32_t rtt_ms;	/* smoothed, ack delay included */
	uint32_t rtt_min_ms;
	int32_t delay_ms;	/* one way by both clocks, smoothed */
	uint32_t jitter_ms;	/* mean deviation of delay_ms */
};

struct stream_tx {
	uint8_t source;
	uint8_t sink;
	bool started;
	bool proven;		/* a full value was acked: truncate */
	bool measured;		/* the smoothed values have begun */
	uint64_t high;		/* highest sequence used */
	uint64_t full_from;	/* acks of full values from here on count */
	uint64_t last_ns;	/* loop time of the last chunk */
	uint16_t sent_ms[STREAM_SENT];	/* low bits of Unix ms, by sequence */
	uint64_t waiting[STREAM_SENT / 64];	/* sent and not yet acked */
	struct stream_loss loss;
};

void stream_tx_init(struct stream_tx *tx, uint8_t source, uint8_t sink);

/* Full values from the next chunk on. */
void stream_tx_renew(struct stream_tx *tx);

/* Fill tags 1, 2, 6 and 7 of the chunk that leaves now, and note it. */
void stream_tx_stamp(struct stream_tx *tx, struct chunk *chunk, uint64_t seq,
		     uint64_t time_ms, uint64_t now_ns, uint64_t wall_ms);

/* The chunk @seq could not leave after all: no ack is awaited. */
void stream_tx_unsent(struct stream_tx *tx, uint64_t seq);

/* An ack of this stream.  Returns false when it names no chunk that still
 * waits for one. */
bool stream_tx_acked(struct stream_tx *tx, const struct chunk *ack,
		     uint64_t wall_ms);

/* ---- receiving ---- */

struct stream_rx {
	uint8_t source;
	uint8_t sink;
	bool seq_known;		/* a full value came */
	bool time_known;
	struct seq_window window;
	uint64_t time_high;
	uint64_t before;	/* newest before the last jump */
	unsigned before_left;	/* so many of there are taken for late ones */
	uint64_t received;
	uint64_t lost;		/* gaps within the count; late ones taken
				   back */
};

enum stream_verdict {
	STREAM_NEW,
	STREAM_FIRST,		/* the first one, or the first after a jump */
	STREAM_DUPLICATE,
	STREAM_LATE,
	STREAM_UNREBUILT,	/* truncated before any full value */
};

void stream_rx_init(struct stream_rx *rx, uint8_t source, uint8_t sink);

/* Rebuild the numbers of a media chunk (tags 1 and 2 present) and judge it.
 * *@seqp and *@time_msp are written unless STREAM_UNREBUILT. */
enum stream_verdict stream_rx_put(struct stream_rx *rx,
				  const struct chunk *chunk, uint64_t *seqp,
				  uint64_t *time_msp);

#endif
