/* SPDX-License-Identifier: MIT */
#include "media/rtp.h"

#include <errno.h>

#define VERSION 2

static inline uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	       (uint32_t)at[2] << 8 | at[3];
}

static inline void put32(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
}

/* Cut CSRCs, the extension and padding off the payload. */
static int trim(struct rtp *rtp, const uint8_t *data, size_t len)
{
	size_t head = RTP_HEADER + 4u * (data[0] & 0x0f), tail = 0;

	if (data[0] & 0x10) {
		if (head + 4 > len)
			return EBADMSG;
		head += 4 + 4u * ((size_t)data[head + 2] << 8 |
				  data[head + 3]);
	}
	if (head > len)
		return EBADMSG;
	if (data[0] & 0x20) {
		tail = data[len - 1];
		if (tail == 0 || tail > len - head)
			return EBADMSG;
	}
	rtp->payload = data + head;
	rtp->payload_len = len - head - tail;
	return 0;
}

int rtp_parse(struct rtp *rtp, const uint8_t *data, size_t len)
{
	if (len < RTP_HEADER || data[0] >> 6 != VERSION)
		return EBADMSG;
	rtp->marker = data[1] >> 7;
	rtp->pt = data[1] & 0x7f;
	rtp->seq = (uint16_t)(data[2] << 8 | data[3]);
	rtp->timestamp = get32(data + 4);
	rtp->ssrc = get32(data + 8);
	rtp->payload = data + RTP_HEADER;
	rtp->payload_len = len - RTP_HEADER;
	if (data[0] & 0x3f)
		return trim(rtp, data, len);
	return 0;
}

void rtp_write(uint8_t out[RTP_HEADER], const struct rtp *rtp)
{
	out[0] = VERSION << 6;
	out[1] = (uint8_t)(rtp->marker << 7 | rtp->pt);
	out[2] = (uint8_t)(rtp->seq >> 8);
	out[3] = (uint8_t)rtp->seq;
	put32(out + 4, rtp->timestamp);
	put32(out + 8, rtp->ssrc);
}

bool rtp_is_rtcp(const uint8_t *data, size_t len)
{
	return len >= 8 && data[0] >> 6 == VERSION && data[1] >= 192 &&
	       data[1] <= 223;
}
