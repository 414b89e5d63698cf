/* SPDX-License-Identifier: MIT */
/*
 * Packets of one call: each begins with its length in one octet, 255 meaning
 * the rest.  Every one is taken as RTP, numbered and renumbered, and as RTCP.
 */
#include <stdlib.h>
#include <string.h>

#include "media/renumber.h"
#include "media/rtcp.h"
#include "media/rtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct call {
	struct to_chunk in;
	struct to_rtp out;
	struct rtcp_rx rx;
	struct rtcp_tx tx;
	uint64_t now_ns;
	uint64_t wall_ms;
	uint64_t newest;
};

static void must(int holds)
{
	if (!holds)
		abort();
}

static void take_rtp(struct call *call, const uint8_t *data, size_t len)
{
	struct rtp rtp, again;
	uint8_t head[RTP_HEADER];
	uint64_t seq, time_ms;
	uint32_t clock_hz;
	enum seq_verdict verdict;

	if (rtp_parse(&rtp, data, len) != 0)
		return;
	must(rtp.payload >= data &&
	     rtp.payload + rtp.payload_len <= data + len);
	rtp_write(head, &rtp);
	must(rtp_parse(&again, head, sizeof(head)) == 0);
	must(again.seq == rtp.seq && again.ssrc == rtp.ssrc &&
	     again.timestamp == rtp.timestamp && again.pt == rtp.pt &&
	     again.marker == rtp.marker);

	clock_hz = rtp.pt == 111 ? 48000 : 8000;
	rtcp_rx_packet(&call->rx, &rtp, clock_hz, call->now_ns);
	verdict = to_chunk_number(&call->in, &rtp, clock_hz, call->now_ns,
				  call->wall_ms, &seq, &time_ms);
	if (verdict != SEQ_NEXT && verdict != SEQ_OLD)
		return;
	/* No number twice in a row, and the count never stands still. */
	must(seq != call->newest);
	must(verdict != SEQ_NEXT || seq > call->newest);
	if (seq > call->newest)
		call->newest = seq;
	to_rtp_number(&call->out, rtp.pt == 1, seq, time_ms, clock_hz,
		      call->now_ns, &rtp);
	if (rtp.pt == 2)
		call->newest = to_chunk_insert(&call->in, call->wall_ms);
}

static void take_rtcp(struct call *call, const uint8_t *data, size_t len)
{
	struct rtcp_seen seen;
	uint8_t out[RTCP_MAX];
	size_t written;

	if (rtcp_parse(&seen, data, len, 1) != 0)
		return;
	if (seen.sr)
		rtcp_rx_sr(&call->rx, &seen, call->now_ns);
	rtcp_round_trip_ms(&seen, call->wall_ms);
	written = rtcp_write(out, &call->tx, &call->rx, seen.bye,
			     call->now_ns, call->wall_ms);
	must(written <= sizeof(out));
	must(rtcp_parse(&seen, out, written, 1) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct call call = {
		.tx = { .ssrc = 1, .cname = "0123456789abcdef",
			.clock_hz = 8000 },
		.now_ns = 1000000000,
		.wall_ms = 1581103341120,
	};
	size_t at = 0, one;

	to_rtp_init(&call.out, 65530, 0xffffff00);
	while (at < len) {
		one = data[at++];
		if (one == 255 || one > len - at)
			one = len - at;
		take_rtp(&call, data + at, one);
		take_rtcp(&call, data + at, one);
		call.tx.packets++;
		call.now_ns += 20000000 + one * 1000000;
		call.wall_ms += 20 + one;
		at += one;
	}
	return 0;
}
