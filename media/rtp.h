/* SPDX-License-Identifier: MIT */
/*
 * media/rtp.h - the RTP header: parse, write, and the extended sequence
 * number.  Sans I/O, no state but the caller's.
 *
 * Owner:  plain structs; a parsed payload points into the packet.
 * Loop:   any.
 * Spec:   RFC 3550 sections 5.1, 5.3.1, A.1.
 */
#ifndef RIPTIDE_MEDIA_RTP_H
#define RIPTIDE_MEDIA_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTP_HEADER 12

struct rtp {
	bool marker;
	uint8_t pt;
	uint16_t seq;
	uint32_t timestamp;
	uint32_t ssrc;
	const uint8_t *payload;
	size_t payload_len;
};

/* CSRCs, an extension and padding are checked and skipped.
 * Returns 0 or EBADMSG: no RTP of version 2, or cut short. */
int rtp_parse(struct rtp *rtp, const uint8_t *data, size_t len);

/* The fixed header of 12 octets, without CSRCs. */
void rtp_write(uint8_t out[RTP_HEADER], const struct rtp *rtp);

/* Whether a packet on a shared port is RTCP (RFC 5761, section 4). */
bool rtp_is_rtcp(const uint8_t *data, size_t len);

/* @seq as the 64-bit count nearest to @high, the newest so far. */
static inline uint64_t rtp_extend(uint16_t seq, uint64_t high)
{
	return high + (uint64_t)(int64_t)(int16_t)(seq - (uint16_t)high);
}

#endif
