/* SPDX-License-Identifier: MIT */
#include "media/rtcp.h"

#include <errno.h>
#include <string.h>

#define NS_PER_S UINT64_C(1000000000)
#define NTP_UNIX_S UINT64_C(2208988800)	/* 1900 to 1970 */

enum { PT_SR = 200, PT_RR = 201, PT_SDES = 202, PT_BYE = 203 };

static inline uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	       (uint32_t)at[2] << 8 | at[3];
}

static inline uint8_t *put32(uint8_t *at, uint64_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
	return at + 4;
}

/* 64-bit NTP time of Unix ms. */
static uint64_t ntp_time(uint64_t wall_ms)
{
	return (wall_ms / 1000 + NTP_UNIX_S) << 32 |
	       ((wall_ms % 1000) << 32) / 1000;
}

/* ---- reception statistics ---- */

void rtcp_rx_packet(struct rtcp_rx *rx, const struct rtp *rtp,
		    uint32_t clock_hz, uint64_t now_ns)
{
	uint32_t transit, seconds, step;
	uint64_t extended;
	int32_t d;

	/* Two steps, so that 48 kHz does not overflow. */
	seconds = (uint32_t)(now_ns / NS_PER_S);
	transit = seconds * clock_hz +
		  (uint32_t)(now_ns % NS_PER_S * clock_hz / NS_PER_S) -
		  rtp->timestamp;
	if (!rx->started || rtp->ssrc != rx->ssrc) {
		memset(rx, 0, sizeof(*rx));
		rx->started = true;
		rx->ssrc = rtp->ssrc;
		rx->first = rx->high = UINT64_C(0x10000) | rtp->seq;
		rx->received = 1;
		rx->clock_hz = clock_hz;
		rx->transit = transit;
		return;
	}
	extended = rtp_extend(rtp->seq, rx->high);
	if (extended > rx->high)
		rx->high = extended;
	rx->received++;
	d = (int32_t)(transit - rx->transit);
	rx->transit = transit;
	step = (uint32_t)(d < 0 ? -(int64_t)d : d);
	rx->jitter16 += step - ((rx->jitter16 + 8) >> 4);
}

void rtcp_rx_sr(struct rtcp_rx *rx, const struct rtcp_seen *seen,
		uint64_t now_ns)
{
	rx->last_sr = seen->ntp_mid;
	rx->last_sr_ns = now_ns;
}

/* ---- sending ---- */

static uint8_t *put_header(uint8_t *at, unsigned count, uint8_t type,
			   size_t octets)
{
	at[0] = (uint8_t)(2 << 6 | count);
	at[1] = type;
	at[2] = (uint8_t)((octets / 4 - 1) >> 8);
	at[3] = (uint8_t)(octets / 4 - 1);
	return at + 4;
}

static uint32_t clamp_lost(int64_t lost)
{
	if (lost > 0x7fffff)
		lost = 0x7fffff;
	if (lost < -0x800000)
		lost = -0x800000;
	return (uint32_t)lost & 0xffffff;
}

/* One report block (RFC 3550, A.3). */
static uint8_t *put_block(uint8_t *at, struct rtcp_rx *rx, uint64_t now_ns)
{
	uint64_t expected = rx->high - rx->first + 1;
	uint64_t expected_now = expected - rx->expected_prior;
	int64_t lost_now = (int64_t)(expected_now -
				     (rx->received - rx->received_prior));
	uint32_t fraction = 0, delay = 0;

	if (expected_now && lost_now > 0)
		fraction = (uint32_t)(((uint64_t)lost_now << 8) /
				      expected_now);
	if (fraction > 255)
		fraction = 255;
	rx->expected_prior = expected;
	rx->received_prior = rx->received;
	if (rx->last_sr)
		delay = (uint32_t)((now_ns - rx->last_sr_ns) * 65536 /
				   NS_PER_S);
	at = put32(at, rx->ssrc);
	at = put32(at, (uint64_t)fraction << 24 |
			       clamp_lost((int64_t)(expected -
						    rx->received)));
	at = put32(at, rx->high - 0x10000);
	at = put32(at, rx->jitter16 >> 4);
	at = put32(at, rx->last_sr);
	return put32(at, delay);
}

static uint8_t *put_report(uint8_t *at, const struct rtcp_tx *tx,
			   struct rtcp_rx *rx, uint64_t now_ns,
			   uint64_t wall_ms)
{
	unsigned blocks = rx->started ? 1 : 0;
	uint64_t ntp, since;

	if (tx->packets == 0) {
		at = put_header(at, blocks, PT_RR, 8 + 24 * blocks);
		at = put32(at, tx->ssrc);
	} else {
		ntp = ntp_time(wall_ms);
		since = now_ns - tx->last_ns;
		at = put_header(at, blocks, PT_SR, 28 + 24 * blocks);
		at = put32(at, tx->ssrc);
		at = put32(at, ntp >> 32);
		at = put32(at, ntp);
		at = put32(at, tx->last_ts + (uint32_t)(since / 1000000 *
							tx->clock_hz / 1000));
		at = put32(at, tx->packets);
		at = put32(at, tx->octets);
	}
	return blocks ? put_block(at, rx, now_ns) : at;
}

static uint8_t *put_sdes(uint8_t *at, const struct rtcp_tx *tx)
{
	/* SSRC, item type, length and text, then one to four zeros. */
	size_t item = 2 + RTCP_CNAME_LEN, pad = 4 - item % 4;

	at = put_header(at, 1, PT_SDES, 8 + item + pad);
	at = put32(at, tx->ssrc);
	*at++ = 1;	/* CNAME */
	*at++ = RTCP_CNAME_LEN;
	memcpy(at, tx->cname, RTCP_CNAME_LEN);
	memset(at + RTCP_CNAME_LEN, 0, pad);
	return at + RTCP_CNAME_LEN + pad;
}

size_t rtcp_write(uint8_t *out, const struct rtcp_tx *tx, struct rtcp_rx *rx,
		  bool bye, uint64_t now_ns, uint64_t wall_ms)
{
	uint8_t *at = put_report(out, tx, rx, now_ns, wall_ms);

	at = put_sdes(at, tx);
	if (bye) {
		at = put_header(at, 1, PT_BYE, 8);
		at = put32(at, tx->ssrc);
	}
	return (size_t)(at - out);
}

/* ---- receiving ---- */

static void read_blocks(struct rtcp_seen *seen, const uint8_t *at,
			const uint8_t *end, unsigned count, uint32_t our_ssrc)
{
	for (; count > 0 && end - at >= 24; count--, at += 24) {
		if (get32(at) != our_ssrc)
			continue;
		seen->report = true;
		seen->fraction_lost = at[4];
		seen->lost = (int32_t)(get32(at + 4) << 8) >> 8;
		seen->jitter = get32(at + 12);
		seen->last_sr = get32(at + 16);
		seen->delay = get32(at + 20);
	}
}

int rtcp_parse(struct rtcp_seen *seen, const uint8_t *data, size_t len,
	       uint32_t our_ssrc)
{
	const uint8_t *at = data, *end = data + len, *next;
	size_t octets;
	unsigned count;

	memset(seen, 0, sizeof(*seen));
	if (len < 8)
		return EBADMSG;
	for (; end - at >= 4; at = next) {
		octets = 4u * (((size_t)at[2] << 8 | at[3]) + 1);
		if (at[0] >> 6 != 2 || octets > (size_t)(end - at))
			return EBADMSG;
		next = at + octets;
		count = at[0] & 0x1f;
		if (at[1] == PT_SR && octets >= 28) {
			seen->sr = true;
			seen->sender_ssrc = get32(at + 4);
			seen->ntp_mid = get32(at + 8) << 16 |
					get32(at + 12) >> 16;
			read_blocks(seen, at + 28, next, count, our_ssrc);
		} else if (at[1] == PT_RR && octets >= 8) {
			seen->sender_ssrc = get32(at + 4);
			read_blocks(seen, at + 8, next, count, our_ssrc);
		} else if (at[1] == PT_BYE) {
			seen->bye = true;
		}
	}
	return at == end ? 0 : EBADMSG;
}

uint32_t rtcp_round_trip_ms(const struct rtcp_seen *seen, uint64_t wall_ms)
{
	uint32_t now = (uint32_t)(ntp_time(wall_ms) >> 16), trip;

	if (!seen->report || !seen->last_sr)
		return 0;
	trip = now - seen->last_sr - seen->delay;
	if (trip > 60u * 65536)		/* clocks that moved */
		return 0;
	return (uint32_t)((uint64_t)trip * 1000 / 65536);
}
