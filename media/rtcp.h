/* SPDX-License-Identifier: MIT */
/*
 * media/rtcp.h - enough RTCP to be a decent peer: SR or RR with SDES, BYE,
 * and what the peer's reports say.  Sans I/O.
 *
 * Owner:  embedded in media/bridge; nothing to free.
 * Loop:   that of its call.
 * Spec:   RFC 3550 sections 6.4 to 6.6, A.3, A.8.
 */
#ifndef RIPTIDE_MEDIA_RTCP_H
#define RIPTIDE_MEDIA_RTCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/rtp.h"

#define RTCP_EVERY_MS 5000
#define RTCP_CNAME_LEN 16
#define RTCP_MAX 128		/* the longest packet that we write */

/* ---- reception statistics ---- */

struct rtcp_rx {
	bool started;
	uint32_t ssrc;
	uint64_t first;		/* extended sequence */
	uint64_t high;
	uint64_t received;
	uint64_t expected_prior, received_prior;	/* last report */
	uint32_t clock_hz;
	uint32_t transit;
	uint32_t jitter16;	/* 16 times the jitter, in timestamp units */
	uint32_t last_sr;	/* middle of its NTP time; 0: none */
	uint64_t last_sr_ns;
};

/* A packet was received; a new SSRC begins anew. */
void rtcp_rx_packet(struct rtcp_rx *rx, const struct rtp *rtp,
		    uint32_t clock_hz, uint64_t now_ns);

/* ---- sending ---- */

struct rtcp_tx {
	uint32_t ssrc;
	char cname[RTCP_CNAME_LEN + 1];
	uint32_t packets;	/* RTP packets and payload octets sent */
	uint32_t octets;
	uint32_t last_ts;	/* RTP timestamp of the last, and when */
	uint64_t last_ns;
	uint32_t clock_hz;
};

/* SR (RR when nothing was sent yet), SDES and, with @bye, BYE.
 * @out has RTCP_MAX octets.  Returns the length. */
size_t rtcp_write(uint8_t *out, const struct rtcp_tx *tx, struct rtcp_rx *rx,
		  bool bye, uint64_t now_ns, uint64_t wall_ms);

/* ---- receiving ---- */

struct rtcp_seen {
	bool sr;
	bool bye;
	bool report;		/* about our SSRC */
	uint32_t sender_ssrc;
	uint32_t ntp_mid;	/* of the SR */
	uint8_t fraction_lost;	/* of 256 */
	int32_t lost;
	uint32_t jitter;	/* timestamp units */
	uint32_t last_sr, delay;	/* LSR, DLSR */
};

/* Parse a compound packet; unknown types are skipped.
 * Returns 0 or EBADMSG: no RTCP, or cut short. */
int rtcp_parse(struct rtcp_seen *seen, const uint8_t *data, size_t len,
	       uint32_t our_ssrc);

/* Note the peer's SR for LSR and DLSR. */
void rtcp_rx_sr(struct rtcp_rx *rx, const struct rtcp_seen *seen,
		uint64_t now_ns);

/* Round trip from LSR and DLSR in ms; 0: not known. */
uint32_t rtcp_round_trip_ms(const struct rtcp_seen *seen, uint64_t wall_ms);

#endif
