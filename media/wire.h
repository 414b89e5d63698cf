/* SPDX-License-Identifier: MIT */
/*
 * media/wire.h - the RIPT end of a call's media: bodies in, bodies out, and
 * the acks between them.
 *
 *   wire_read(body) --> record --> media   --> judged, acked, media()
 *                              \-> ack     --> stream_tx: truncate, loss, delay
 *   wire_media() ----> [media record][acks owed ...]  \  one body or
 *   wire_acks() -----> [acks owed ...]                /  datagram
 *
 * Each chunk is acked once; acks are never acked.  Both ends of a byway use
 * it: media/bridge (RTP behind it) and media/phone (a player behind it).
 * Sans I/O, no allocation.
 *
 * Owner:  embedded; nothing to free.
 * Loop:   that of its call.
 * Spec:   profile section 1; MB-07 to 12, MB-16, MC-19, CC-01 to 04; Q51,
 *         Q53, Q54, Q55; DR-10, DR-11.
 */
#ifndef RIPTIDE_MEDIA_WIRE_H
#define RIPTIDE_MEDIA_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/fate.h"
#include "media/stream.h"

#define WIRE_STREAMS 4		/* received ones of a call that we follow */
#define WIRE_ACKS 64		/* owed at most before they are sent */
#define WIRE_ACK_MS 160		/* an ack waits no longer; 200 is the limit */

struct wire_ack {
	uint64_t seq;
	uint16_t time_ms;	/* low bits of Unix ms */
	uint8_t width;
	uint8_t source;
	uint8_t sink;
};

struct wire {
	bool client;			/* our role */
	bool ready;			/* wire_direct() was called */
	uint8_t rx_source, rx_sink;
	struct stream_tx tx;
	struct stream_rx rx[WIRE_STREAMS];
	unsigned rx_cnt;
	unsigned rx_last;		/* delivered last */
	uint64_t connection;		/* of the last body; 0: none yet */

	struct wire_ack owed[WIRE_ACKS];
	unsigned owed_first, owed_cnt;
	uint64_t owed_since_ns;
	unsigned in_hand;		/* acks of the body not yet sent ... */
	bool media_in_hand;		/* ... and its media chunk */
	uint64_t seq_in_hand;

	uint64_t acks_sent;
	uint64_t acks_received;
};

void wire_init(struct wire *wire);

/* What the directives say; again when they or the handler change.  Full
 * values follow. */
struct wire_direct {
	bool client;
	uint8_t tx_source, tx_sink;	/* of our stream */
	uint8_t rx_source, rx_sink;	/* of the peer's */
};
void wire_direct(struct wire *wire, const struct wire_direct *params);

/* Another way of media: full values from the next chunk on. */
static inline void wire_renew(struct wire *wire)
{
	stream_tx_renew(&wire->tx);
}

/* ---- out ---- */

/*
 * Build a body: @chunk, completed with @seq and @time_ms, and behind it the
 * acks owed if @acks.  Returns its length; 0: the chunk does not fit into
 * @room.  wire_sent() must follow.
 */
struct wire_when {
	uint64_t now_ns;	/* of the loop */
	uint64_t wall_ms;
};
size_t wire_media(struct wire *wire, uint8_t *body, size_t room,
		  struct chunk *chunk, uint64_t seq, uint64_t time_ms,
		  bool acks, const struct wire_when *when);

/* Build a body of acks alone; 0: none owed.  wire_sent() must follow. */
size_t wire_acks(struct wire *wire, uint8_t *body, size_t room);

/* The body just built left, or did not: then its acks stay owed. */
void wire_sent(struct wire *wire, bool left);

/* Loop time when wire_acks() is due; UINT64_MAX: nothing is owed. */
static inline uint64_t wire_acks_due_ns(const struct wire *wire)
{
	return wire->owed_cnt ? wire->owed_since_ns +
					WIRE_ACK_MS * UINT64_C(1000000)
			      : UINT64_MAX;
}

/* ---- in ---- */

/* One new media chunk, numbers rebuilt.  Borrowed. */
struct wire_chunk {
	uint64_t seq;
	uint64_t time_ms;
	uint32_t payload_type;
	uint32_t rtp_clock;	/* tag 18; 0: the codec's */
	bool marker;
	bool first;		/* of its stream, after a jump, or after
				   another stream */
	const uint8_t *media;
	size_t media_len;
};

struct wire_handlers {
	/* Returns its fate. */
	enum bridge_fate (*media)(const struct wire_chunk *chunk, void *arg);
	/* WIRE_ACKS are owed and no reply takes them: send them now. */
	void (*acks_full)(void *arg);
	/* The fate of each record, also of those that media() judged. */
	void (*fate)(enum bridge_fate fate, void *arg);
	void *arg;
};

struct wire_body {
	const uint8_t *data;
	size_t len;
	uint64_t connection;	/* not 0; another one than the last: full
				   values go out again */
	uint8_t *reply;		/* where acks go; NULL: into bodies */
	size_t reply_max;
	size_t reply_len;	/* out */
	struct wire_when when;
};

/* Take a body of any number of records, one fate each.
 * Returns 0 or EINVAL: not one record was well formed (400). */
int wire_read(struct wire *wire, struct wire_body *body,
	      const struct wire_handlers *handlers);

/* Gaps in the streams received. */
uint64_t wire_lost(const struct wire *wire);

#endif
