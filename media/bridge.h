/* SPDX-License-Identifier: MIT */
/*
 * media/bridge.h - one call's packets: RTP on one side, chunks on the other.
 *
 *   RTP -> rtp_parse -> source check -> payload type -> chunk_write -> send()
 *   RTP <- rtp_write <- payload type <- chunk_parse <- bridge_chunks()
 *
 * Every packet meets exactly one fate, and each fate is a counter.
 *
 * Owner:  gateway/worker.c, on the call's home worker.
 * Loop:   worker (asserted).
 * Spec:   RFC 3550, 4733, 3389; rows GW-09 to GW-12, MC, CC; Q50 to Q54,
 *         Q59, Q61; profile section 1.
 */
#ifndef RIPTIDE_MEDIA_BRIDGE_H
#define RIPTIDE_MEDIA_BRIDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "media/desc.h"
#include "media/fate.h"
#include "media/stream.h"

struct bridge;
struct loop;
struct rtp_port;

/* Where records go: the byway, joined by gateway/worker.c. */
struct bridge_out {
	/* As byway_send(). */
	int (*send)(const void *body, size_t len, bool media, void *arg);
	/* Acks go into PUT replies and nowhere else (Q54). */
	bool (*acks_in_reply)(void *arg);
	size_t (*room)(void *arg);
	void *arg;
};

struct bridge_side {		/* what the SIP side negotiated */
	struct media_desc local;	/* what we said */
	struct media_desc remote;	/* what the peer said */
	bool ready;			/* remote is filled */
};

struct bridge_ript {		/* what the RIPT side negotiated */
	bool client;			/* our role */
	uint8_t tx_source, tx_sink;	/* of our directive */
	uint32_t tx_codecs;		/* may be sent; 0: no stream */
	unsigned tx_ptime_ms;		/* most in one chunk; 0: no limit */
	uint8_t rx_source, rx_sink;	/* of the peer's */
	uint32_t rx_codecs;
};

struct bridge_direction {	/* counters of one direction */
	uint64_t packets;		/* forwarded */
	uint64_t octets;
	uint64_t lost;			/* gaps in the sequence */
	uint64_t last_ns;		/* loop time of the last; 0: none */
	uint64_t fate[FATE_CNT];
};

struct bridge_rtcp {
	uint64_t sent, received, bad;
	uint32_t jitter_ms;		/* of what we receive */
	uint32_t far_jitter_ms;		/* what the peer reports */
	uint8_t far_loss_256;		/* its last fraction lost, of 256 */
	int32_t far_lost;
	uint32_t round_trip_ms;		/* 0: not known */
};

struct bridge_stats {
	struct bridge_direction from_rtp, from_ript;
	uint64_t acks_sent, acks_received;
	struct stream_loss sent;	/* our chunks, by the peer's acks */
	struct bridge_rtcp rtcp;
	struct addr rtp_negotiated;
	struct addr rtp_latched;	/* len 0: nothing latched yet */
	uint16_t rtp_port;		/* ours */
	uint64_t last_media_ns;		/* RTP from the peer: for rtp-timeout */
	uint64_t digits;		/* telephone events begun */
};

/* Make the metric series; once, before any bridge. */
void bridge_setup(void);

/* Takes @port; both ways start when each side is ready. */
struct bridge *bridge_new(struct loop *loop, struct rtp_port *port,
			  const struct bridge_out *out);
void bridge_set_sip(struct bridge *bridge, const struct bridge_side *side);
void bridge_set_ript(struct bridge *bridge, const struct bridge_ript *ript);
/* Called once, when the first chunk of speech comes from RIPT (early media;
 * comfort noise is none: it must not silence a ringback). */
void bridge_on_first_chunk(struct bridge *bridge, void (*fn)(void *arg),
			   void *arg);

/* As byway_handlers.chunks and .open. */
int bridge_chunks(struct bridge *bridge, const uint8_t *body, size_t len,
		  uint64_t connection, uint8_t *reply, size_t reply_max,
		  size_t *reply_len);
void bridge_way_changed(struct bridge *bridge);

void bridge_stats(const struct bridge *bridge, struct bridge_stats *out);
/* Releases the port (quarantined); NULL is fine. */
void bridge_free(struct bridge **bridgep);

#endif
