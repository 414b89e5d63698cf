/* SPDX-License-Identifier: MIT */
#include "media/bridge.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/metric.h"
#include "media/latch.h"
#include "media/renumber.h"
#include "media/rtcp.h"
#include "media/rtp_port.h"
#include "media/wire.h"

#define BODY_MAX 4096		/* a chunk of RTP's size and all acks owed */
#define BODY_SAFE 1000		/* fits into any datagram (QUIC: 1200) */
#define RTP_PAYLOAD_MAX 1460
#define NOISE_EVERY_NS (3500 * NS_PER_MS)	/* Q61: at least every 4 s */
#define NOISE_LEVEL 0x7f
#define PAUSE_MS 60		/* beyond the last packet: a new talk spurt */
#define OCTETS_PER_MS 8u	/* of G.711 */
#define LONGEST_PACKET_MS 120	/* of codecs whose length says nothing */

enum dir { FROM_RTP, FROM_RIPT, DIR_CNT };

static struct metric *fate_metric[DIR_CNT][FATE_CNT];
static struct metric *rtcp_metric, *bad_rtcp_metric;
static struct metric *noise_metric;

/*
 *      RTP peer                                           RIPT peer
 *   latch, rtcp  -->  codec_of_pt, to_chunk  -->  wire  -->  out.send()
 *   latch, rtcp  <--  pt_of_codec, to_rtp    <--  wire  <--  bridge_chunks()
 */
struct bridge {
	struct loop *loop;
	struct rtp_port *port;
	struct bridge_out out;
	struct timer tick;		/* acks, comfort noise, RTCP */

	/* SIP side */
	bool sip_ready;
	bool receive;			/* by our direction attribute */
	bool send;			/* by the peer's */
	struct latch latch;
	uint8_t codec_of_pt[128];	/* enum codec; CODEC_NONE: unknown */
	struct {
		bool allowed;
		uint8_t pt;
		uint32_t clock_hz;
	} pt_of_codec[CODEC_CNT];
	struct to_chunk in;
	struct to_rtp to_rtp;
	struct rtcp_rx rtcp_rx;
	struct rtcp_tx rtcp_tx;
	struct addr rtcp_to;
	bool rtcp_mux;
	uint64_t rtcp_at_ns;
	struct bridge_rtcp rtcp;
	uint64_t last_media_ns;
	uint32_t event_ts;		/* of the last telephone event */
	bool event_seen;
	uint8_t noise_level;

	/* RIPT side */
	bool ript_ready;
	uint32_t tx_codecs;
	unsigned tx_ptime_ms;		/* 0: no limit */
	struct wire wire;
	uint64_t carried_ns;		/* our last media chunk */
	bool far_marks;			/* the peer uses the marker tag */
	enum codec last_codec;		/* of the last chunk, its numbers */
	uint64_t last_seq, last_ms;
	unsigned last_len_ms;
	uint64_t far_event_ms;
	bool far_event_seen;
	void (*on_first)(void *arg);
	void *on_first_arg;

	struct bridge_direction count[DIR_CNT];
	uint64_t digits;
};

/* ---- counting ---- */

void bridge_setup(void)
{
	static const char *const dirs[DIR_CNT] = { "from_rtp", "from_ript" };
	char labels[80];
	unsigned dir, fate;

	for (dir = 0; dir < DIR_CNT; dir++) {
		for (fate = 0; fate < FATE_CNT; fate++) {
			snprintf(labels, sizeof(labels),
				 "dir=\"%s\",fate=\"%s\"", dirs[dir],
				 bridge_fate_name((enum bridge_fate)fate));
			fate_metric[dir][fate] = metric_counter(
				"rtp_fate_total", labels,
				"Packets and chunks by what became of them");
		}
	}
	rtcp_metric = metric_counter("rtcp_total", "result=\"accepted\"",
				     "RTCP packets by what became of them");
	bad_rtcp_metric = metric_counter("rtcp_total", "result=\"refused\"",
					 NULL);
	noise_metric = metric_counter(
		"media_noise_total", NULL,
		"Comfort noise chunks made where nothing was to carry");
}

static inline void count_fate(struct bridge *b, enum dir dir,
			      enum bridge_fate fate)
{
	b->count[dir].fate[fate]++;
	if (fate_metric[dir][fate])
		metric_inc(fate_metric[dir][fate]);
}

static inline void count_media(struct bridge *b, enum dir dir, size_t octets)
{
	b->count[dir].packets++;
	b->count[dir].octets += octets;
}

/* ---- what leaves towards RIPT ---- */

static void on_tick(void *arg);

static void arm(struct bridge *b, uint64_t at_ns)
{
	if (at_ns != UINT64_MAX &&
	    (!timer_running(&b->tick) || at_ns < b->tick.at_ns))
		timer_start_at(&b->tick, b->loop, at_ns, on_tick, b);
}

static struct wire_when when(const struct bridge *b)
{
	return (struct wire_when){ loop_now_ns(b->loop),
				   loop_wall_ms(b->loop) };
}

static bool acks_in_reply(const struct bridge *b)
{
	return b->out.acks_in_reply(b->out.arg);
}

/* One media chunk, and the acks owed behind it where they may go. */
static enum bridge_fate send_chunk(struct bridge *b, struct chunk *chunk,
				   uint64_t seq, uint64_t time_ms)
{
	struct wire_when now = when(b);
	uint8_t body[BODY_MAX];
	size_t room = BODY_SAFE, len;
	bool acks;
	int err;

	if (chunk->media_len + b->wire.owed_cnt * 32 + CHUNK_OVERHEAD_MAX >
	    BODY_SAFE) {
		room = b->out.room(b->out.arg);
		if (room > BODY_MAX)
			room = BODY_MAX;
	}
	acks = b->wire.owed_cnt && !acks_in_reply(b);
	len = wire_media(&b->wire, body, room, chunk, seq, time_ms, acks,
			 &now);
	if (len == 0)
		return FATE_NO_ROOM;
	err = b->out.send(body, len, true, b->out.arg);
	wire_sent(&b->wire, err == 0);
	switch (err) {
	case 0:
		b->carried_ns = now.now_ns;
		return FATE_FORWARDED;
	case EAGAIN:
	case ENOTCONN:
		return FATE_NO_WAY;
	case EMSGSIZE:
	case ENOBUFS:
		return FATE_NO_ROOM;
	default:
		return FATE_SEND_FAILED;
	}
}

static void send_acks(struct bridge *b)
{
	uint8_t body[BODY_MAX];
	size_t room = b->out.room(b->out.arg), len;
	int err = 0;

	if (room > sizeof(body))
		room = sizeof(body);
	while (!err && (len = wire_acks(&b->wire, body, room)) > 0) {
		err = b->out.send(body, len, false, b->out.arg);
		wire_sent(&b->wire, err == 0);
	}
	/* What could not leave waits as long again. */
	b->wire.owed_since_ns = loop_now_ns(b->loop);
}

static uint64_t acks_due_ns(const struct bridge *b)
{
	if (!b->wire.owed_cnt || acks_in_reply(b))
		return UINT64_MAX;
	return wire_acks_due_ns(&b->wire);
}

/* ---- silence (Q61) ---- */

static uint64_t noise_due_ns(const struct bridge *b)
{
	if (!b->ript_ready || b->wire.client || !b->tx_codecs)
		return UINT64_MAX;
	return b->carried_ns + NOISE_EVERY_NS;
}

/* A stream of the server's directive that has nothing to carry says so, or
 * the client would take the silence for a broken way. */
static void send_noise(struct bridge *b)
{
	uint8_t silence[160];
	uint64_t wall = loop_wall_ms(b->loop);
	enum codec codec = CODEC_CN;
	struct chunk chunk;

	memset(silence, b->noise_level, sizeof(silence));
	if (!(b->tx_codecs & 1u << CODEC_CN)) {
		/* The handler refused CN: 20 ms of its codec's zero. */
		codec = b->tx_codecs & 1u << CODEC_PCMU ? CODEC_PCMU
							: CODEC_PCMA;
		memset(silence, codec == CODEC_PCMU ? 0xff : 0xd5,
		       sizeof(silence));
	}
	b->carried_ns = loop_now_ns(b->loop);
	if (!(b->tx_codecs & 1u << codec))
		return;
	chunk.env = CHUNK_BIT(CHUNK_PAYLOAD_TYPE);
	chunk.pkg = CHUNK_BIT(CHUNK_MEDIA);
	chunk.payload_type = codec_info(codec)->ript_pt;
	chunk.media = silence;
	chunk.media_len = codec == CODEC_CN ? 1 : sizeof(silence);
	if (send_chunk(b, &chunk, to_chunk_insert(&b->in, wall), wall) ==
		    FATE_FORWARDED &&
	    noise_metric)
		metric_inc(noise_metric);
}

/* ---- RTCP ---- */

static const struct addr *rtcp_target(const struct bridge *b,
				      struct addr *buffer)
{
	const struct addr *rtp = latch_target(&b->latch);

	if (!rtp || !b->sip_ready)
		return NULL;
	if (b->rtcp_mux)
		return rtp;
	if (b->rtcp_to.len && b->latch.state != LATCH_ELSEWHERE)
		return &b->rtcp_to;
	*buffer = *rtp;
	addr_set_port(buffer, (uint16_t)(addr_port(rtp) + 1));
	return buffer;
}

static void send_rtcp(struct bridge *b, bool bye)
{
	const struct addr *to;
	struct addr buffer;
	uint8_t packet[RTCP_MAX];
	size_t len;

	b->rtcp_at_ns = loop_now_ns(b->loop) + RTCP_EVERY_MS * NS_PER_MS;
	to = rtcp_target(b, &buffer);
	if (!to || (bye && !b->rtcp.sent))
		return;
	len = rtcp_write(packet, &b->rtcp_tx, &b->rtcp_rx, bye,
			 loop_now_ns(b->loop), loop_wall_ms(b->loop));
	if (rtp_port_send(b->port, to, !b->rtcp_mux, packet, len) == 0)
		b->rtcp.sent++;
}

static void on_rtcp(struct bridge *b, const uint8_t *data, size_t len,
		    const struct addr *from)
{
	const struct addr *peer = latch_target(&b->latch);
	struct rtcp_seen seen;
	uint32_t trip;

	if (!b->sip_ready || !peer ||
	    (!addr_same_host(from, peer) &&
	     !(b->rtcp_to.len && addr_equal(from, &b->rtcp_to))) ||
	    rtcp_parse(&seen, data, len, b->rtcp_tx.ssrc) != 0) {
		b->rtcp.bad++;
		if (bad_rtcp_metric)
			metric_inc(bad_rtcp_metric);
		return;
	}
	b->rtcp.received++;
	if (rtcp_metric)
		metric_inc(rtcp_metric);
	if (seen.sr)
		rtcp_rx_sr(&b->rtcp_rx, &seen, loop_now_ns(b->loop));
	if (!seen.report)
		return;
	b->rtcp.far_loss_256 = seen.fraction_lost;
	b->rtcp.far_lost = seen.lost;
	if (b->rtcp_tx.clock_hz)
		b->rtcp.far_jitter_ms = (uint32_t)((uint64_t)seen.jitter *
						   1000 /
						   b->rtcp_tx.clock_hz);
	trip = rtcp_round_trip_ms(&seen, loop_wall_ms(b->loop));
	if (trip)
		b->rtcp.round_trip_ms = trip;
}

static void on_tick(void *arg)
{
	struct bridge *b = arg;
	uint64_t now = loop_now_ns(b->loop);

	if (acks_due_ns(b) <= now)
		send_acks(b);
	if (noise_due_ns(b) <= now)
		send_noise(b);
	if (b->rtcp_at_ns <= now)
		send_rtcp(b, false);
	arm(b, b->rtcp_at_ns);
	arm(b, noise_due_ns(b));
	arm(b, acks_due_ns(b));
}

/* ---- RTP -> chunk ---- */

/* What the payload itself says, beside being carried. */
static void look_at_rtp(struct bridge *b, const struct rtp *rtp,
			enum codec codec)
{
	if (codec == CODEC_CN && rtp->payload_len) {
		b->noise_level = rtp->payload[0];
	} else if (codec == CODEC_TELEPHONE_EVENT &&
		   (!b->event_seen || rtp->timestamp != b->event_ts)) {
		b->event_seen = true;
		b->event_ts = rtp->timestamp;
		b->digits++;
	}
}

/* As many octets of media as one chunk may hold (AD-16); of codecs that can
 * be cut anywhere. */
static size_t longest(const struct bridge *b, enum codec codec)
{
	bool g711 = codec == CODEC_PCMU || codec == CODEC_PCMA;

	return g711 && b->tx_ptime_ms ? OCTETS_PER_MS * b->tx_ptime_ms
				      : SIZE_MAX;
}

/* The media of one packet, in pieces where it is longer than @max.  Each
 * piece behind the first takes a number of its own. */
static enum bridge_fate send_pieces(struct bridge *b, struct chunk *chunk,
				    size_t max, uint64_t seq,
				    uint64_t time_ms)
{
	size_t left = chunk->media_len;
	enum bridge_fate fate;

	for (;;) {
		chunk->media_len = left < max ? left : max;
		fate = send_chunk(b, chunk, seq, time_ms);
		left -= chunk->media_len;
		if (left == 0 || fate != FATE_FORWARDED)
			return fate;
		chunk->env &= ~CHUNK_BIT(CHUNK_RTP_MARKER);
		chunk->media += chunk->media_len;
		time_ms += chunk->media_len / OCTETS_PER_MS;
		seq = to_chunk_insert(&b->in, time_ms);
	}
}

static enum bridge_fate rtp_to_chunk(struct bridge *b, const struct rtp *rtp,
				     enum codec codec, uint32_t clock_hz)
{
	struct chunk chunk;
	uint64_t seq, time_ms;
	enum bridge_fate fate;

	switch (to_chunk_number(&b->in, rtp, clock_hz, loop_now_ns(b->loop),
				loop_wall_ms(b->loop), &seq, &time_ms)) {
	case SEQ_DUPLICATE:
		return FATE_DUPLICATE;
	case SEQ_LATE:
		return FATE_LATE;
	case SEQ_NEXT:
	case SEQ_OLD:
		break;
	}
	if (!(b->tx_codecs & 1u << codec))
		return FATE_NOT_DIRECTED;
	if (!codec_info(codec)->audio)
		look_at_rtp(b, rtp, codec);
	chunk.env = CHUNK_BIT(CHUNK_PAYLOAD_TYPE);
	if (rtp->marker)
		chunk.env |= CHUNK_BIT(CHUNK_RTP_MARKER);
	if (clock_hz != codec_info(codec)->clock_hz) {
		chunk.env |= CHUNK_BIT(CHUNK_RTP_CLOCK);
		chunk.rtp_clock = clock_hz;
	}
	chunk.pkg = CHUNK_BIT(CHUNK_MEDIA);
	chunk.payload_type = codec_info(codec)->ript_pt;
	chunk.media = rtp->payload;
	chunk.media_len = rtp->payload_len;
	fate = send_pieces(b, &chunk, longest(b, codec), seq, time_ms);
	if (fate == FATE_FORWARDED)
		count_media(b, FROM_RTP, rtp->payload_len);
	return fate;
}

static enum bridge_fate on_rtp(struct bridge *b, const uint8_t *data,
			       size_t len, const struct addr *from)
{
	uint64_t now = loop_now_ns(b->loop);
	enum latch_verdict verdict;
	enum codec codec;
	struct rtp rtp;

	if (rtp_parse(&rtp, data, len) != 0)
		return FATE_BAD_RTP;
	if (!b->sip_ready)
		return FATE_NOT_READY;
	verdict = latch_check(&b->latch, from);
	if (verdict == LATCH_REFUSE)
		return FATE_WRONG_SOURCE;
	codec = (enum codec)b->codec_of_pt[rtp.pt];
	if (codec == CODEC_NONE)
		return FATE_UNKNOWN_PT;
	if (verdict == LATCH_CANDIDATE)
		latch_take(&b->latch, from);
	b->last_media_ns = b->count[FROM_RTP].last_ns = now;
	rtcp_rx_packet(&b->rtcp_rx, &rtp, b->pt_of_codec[codec].clock_hz,
		       now);
	if (!b->receive)
		return FATE_NOT_NEGOTIATED;
	if (!b->ript_ready)
		return FATE_NOT_READY;
	if (!b->tx_codecs)
		return FATE_NOT_DIRECTED;
	return rtp_to_chunk(b, &rtp, codec, b->pt_of_codec[codec].clock_hz);
}

static void on_packet(uint8_t *data, size_t len, const struct addr *from,
		      bool rtcp, void *arg)
{
	struct bridge *b = arg;

	if (rtcp || rtp_is_rtcp(data, len))
		on_rtcp(b, data, len, from);
	else
		count_fate(b, FROM_RTP, on_rtp(b, data, len, from));
}

/* ---- chunk -> RTP ---- */

/* How long a packet plays, as far as its length tells. */
static unsigned length_ms(enum codec codec, size_t octets)
{
	if (codec == CODEC_PCMU || codec == CODEC_PCMA)
		return (unsigned)(octets / OCTETS_PER_MS);
	return LONGEST_PACKET_MS;
}

/* Whether the marker bit is due where the peer does not send the tag. */
static bool begins_spurt(const struct bridge *b,
			 const struct wire_chunk *chunk, enum codec codec)
{
	if (codec == CODEC_TELEPHONE_EVENT)
		return !b->far_event_seen || chunk->time_ms != b->far_event_ms;
	if (!codec_info(codec)->audio ||
	    b->last_codec == CODEC_TELEPHONE_EVENT)
		return false;
	if (b->last_codec == CODEC_CN)
		return true;
	return chunk->seq == b->last_seq + 1 && chunk->time_ms > b->last_ms &&
	       chunk->time_ms - b->last_ms > b->last_len_ms + PAUSE_MS;
}

static void note_chunk(struct bridge *b, const struct wire_chunk *chunk,
		       enum codec codec)
{
	if (codec == CODEC_TELEPHONE_EVENT &&
	    (!b->far_event_seen || chunk->time_ms != b->far_event_ms)) {
		b->far_event_seen = true;
		b->far_event_ms = chunk->time_ms;
		b->digits++;
	}
	b->last_codec = codec;
	b->last_seq = chunk->seq;
	b->last_ms = chunk->time_ms;
	b->last_len_ms = length_ms(codec, chunk->media_len);
}

static enum bridge_fate chunk_to_rtp(struct bridge *b,
				     const struct wire_chunk *chunk,
				     enum codec codec, const struct addr *to)
{
	uint8_t packet[RTP_HEADER + RTP_PAYLOAD_MAX];
	uint64_t now = loop_now_ns(b->loop);
	uint32_t clock_hz = b->pt_of_codec[codec].clock_hz;
	struct rtp rtp;

	if (!to_rtp_number(&b->to_rtp, chunk->first, chunk->seq,
			   chunk->time_ms, clock_hz, now, &rtp))
		return FATE_LATE;
	if (chunk->marker)
		b->far_marks = true;
	rtp.marker = chunk->marker || chunk->first ||
		     (!b->far_marks && begins_spurt(b, chunk, codec));
	note_chunk(b, chunk, codec);
	rtp.pt = b->pt_of_codec[codec].pt;
	rtp.ssrc = b->rtcp_tx.ssrc;
	rtp_write(packet, &rtp);
	memcpy(packet + RTP_HEADER, chunk->media, chunk->media_len);
	if (rtp_port_send(b->port, to, false, packet,
			  RTP_HEADER + chunk->media_len) != 0)
		return FATE_SEND_FAILED;
	b->rtcp_tx.packets++;
	b->rtcp_tx.octets += (uint32_t)chunk->media_len;
	b->rtcp_tx.last_ts = rtp.timestamp;
	b->rtcp_tx.last_ns = now;
	b->rtcp_tx.clock_hz = clock_hz;
	count_media(b, FROM_RIPT, chunk->media_len);
	return FATE_FORWARDED;
}

static void tell_first(struct bridge *b)
{
	void (*fn)(void *arg) = b->on_first;

	b->on_first = NULL;
	fn(b->on_first_arg);
}

static enum bridge_fate on_media(const struct wire_chunk *chunk, void *arg)
{
	struct bridge *b = arg;
	enum codec codec = codec_by_ript_pt(chunk->payload_type);
	const struct addr *to;

	b->count[FROM_RIPT].last_ns = loop_now_ns(b->loop);
	if (codec == CODEC_NONE)
		return FATE_UNKNOWN_PT;
	if (b->on_first && codec_info(codec)->audio)
		tell_first(b);
	to = b->sip_ready ? latch_target(&b->latch) : NULL;
	if (!to)
		return FATE_NOT_READY;
	if (!b->send || !b->pt_of_codec[codec].allowed ||
	    (chunk->rtp_clock ? chunk->rtp_clock
			      : codec_info(codec)->clock_hz) !=
		    b->pt_of_codec[codec].clock_hz)
		return FATE_NOT_NEGOTIATED;
	if (chunk->media_len > RTP_PAYLOAD_MAX)
		return FATE_NO_ROOM;
	return chunk_to_rtp(b, chunk, codec, to);
}

static void on_acks_full(void *arg)
{
	struct bridge *b = arg;

	if (!acks_in_reply(b))
		send_acks(b);
}

static void on_fate(enum bridge_fate fate, void *arg)
{
	count_fate(arg, FROM_RIPT, fate);
}

int bridge_chunks(struct bridge *b, const uint8_t *body, size_t len,
		  uint64_t connection, uint8_t *reply, size_t reply_max,
		  size_t *reply_len)
{
	struct wire_handlers handlers = { on_media, on_acks_full, on_fate,
					  b };
	struct wire_body in = {
		.data = body,
		.len = len,
		.connection = connection,
		.reply = reply,
		.reply_max = reply_max,
		.when = when(b),
	};
	bool owed = b->wire.owed_cnt;
	int err;

	loop_assert(LOOP_WORKER);
	err = wire_read(&b->wire, &in, &handlers);
	if (reply_len)
		*reply_len = in.reply_len;
	if (!owed && b->wire.owed_cnt)
		arm(b, acks_due_ns(b));
	return err;
}

void bridge_way_changed(struct bridge *b)
{
	loop_assert(LOOP_WORKER);
	wire_renew(&b->wire);
	arm(b, acks_due_ns(b));
}

/* ---- settings ---- */

/* Numbers of the payloads that we take: what we said; what the peer said,
 * for one that keeps its own numbers; and CN, which has a static one. */
static void set_receive_pts(struct bridge *b, const struct bridge_side *side)
{
	const struct media_format *format;
	unsigned i;

	memset(b->codec_of_pt, CODEC_NONE, sizeof(b->codec_of_pt));
	b->codec_of_pt[codec_info(CODEC_CN)->rtp_pt] = CODEC_CN;
	for (i = 0; i < side->remote.format_cnt; i++) {
		format = &side->remote.format[i];
		if (media_desc_codec(&side->local, format->codec))
			b->codec_of_pt[format->pt & 0x7f] =
				(uint8_t)format->codec;
	}
	for (i = 0; i < side->local.format_cnt; i++) {
		format = &side->local.format[i];
		b->codec_of_pt[format->pt & 0x7f] = (uint8_t)format->codec;
	}
}

/* Numbers of the payloads that we send: the peer's, of codecs that both
 * sides named. */
static void set_send_pts(struct bridge *b, const struct bridge_side *side)
{
	const struct media_format *format;
	enum codec codec;

	for (codec = CODEC_NONE; codec < CODEC_CNT; codec++) {
		format = media_desc_codec(&side->remote, codec);
		b->pt_of_codec[codec].allowed =
			format && codec_info(codec)->clock_hz &&
			media_desc_codec(&side->local, codec);
		b->pt_of_codec[codec].pt = format ? format->pt & 0x7f : 0;
		b->pt_of_codec[codec].clock_hz =
			format && format->clock_hz
				? format->clock_hz
				: codec_info(codec)->clock_hz;
		if (!b->pt_of_codec[codec].clock_hz)
			b->pt_of_codec[codec].clock_hz = 8000;
	}
}

/* An address of zeros is the hold of RFC 2543, port zero refuses. */
static bool addr_usable(const struct addr *addr)
{
	const struct sockaddr_in *in = (const void *)&addr->ss;
	const struct sockaddr_in6 *in6 = (const void *)&addr->ss;

	if (!addr->len || !addr_port(addr))
		return false;
	if (addr->ss.ss_family == AF_INET)
		return in->sin_addr.s_addr != INADDR_ANY;
	return !IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr);
}

void bridge_set_sip(struct bridge *b, const struct bridge_side *side)
{
	bool was_ready = b->sip_ready;
	uint32_t phase;

	loop_assert(LOOP_WORKER);
	b->sip_ready = side->ready;
	if (!side->ready)
		return;
	set_receive_pts(b, side);
	set_send_pts(b, side);
	b->receive = side->local.dir & MEDIA_RECVONLY;
	b->send = (side->remote.dir & MEDIA_RECVONLY) &&
		  (side->local.dir & MEDIA_SENDONLY);
	b->rtcp_to = side->remote.rtcp;
	b->rtcp_mux = side->local.rtcp_mux && side->remote.rtcp_mux;
	if (addr_usable(&side->remote.rtp))
		latch_negotiate(&b->latch, &side->remote.rtp);
	else
		b->send = false;
	if (was_ready)
		return;
	/* Calls that begin together shall not report together. */
	random_bytes(&phase, sizeof(phase));
	b->rtcp_at_ns = loop_now_ns(b->loop) +
			phase % RTCP_EVERY_MS * NS_PER_MS;
	arm(b, b->rtcp_at_ns);
}

void bridge_set_ript(struct bridge *b, const struct bridge_ript *ript)
{
	struct wire_direct direct = {
		.client = ript->client,
		.tx_source = ript->tx_source,
		.tx_sink = ript->tx_sink,
		.rx_source = ript->rx_source,
		.rx_sink = ript->rx_sink,
	};

	loop_assert(LOOP_WORKER);
	wire_direct(&b->wire, &direct);
	b->tx_codecs = ript->tx_codecs;
	b->tx_ptime_ms = ript->tx_ptime_ms;
	if (!b->ript_ready)
		b->carried_ns = loop_now_ns(b->loop);
	b->ript_ready = true;
	arm(b, noise_due_ns(b));
}

void bridge_on_first_chunk(struct bridge *b, void (*fn)(void *arg), void *arg)
{
	b->on_first = fn;
	b->on_first_arg = arg;
}

/* ---- life ---- */

struct bridge *bridge_new(struct loop *loop, struct rtp_port *port,
			  const struct bridge_out *out)
{
	struct bridge *b = xzalloc(sizeof(*b));
	uint8_t random[RTCP_CNAME_LEN / 2];
	uint32_t first_ts;
	uint16_t first_seq;

	loop_assert(LOOP_WORKER);
	b->loop = loop;
	b->port = port;
	b->out = *out;
	b->noise_level = NOISE_LEVEL;
	b->rtcp_at_ns = UINT64_MAX;
	wire_init(&b->wire);
	random_bytes(&first_seq, sizeof(first_seq));
	random_bytes(&first_ts, sizeof(first_ts));
	to_rtp_init(&b->to_rtp, first_seq, first_ts);
	random_bytes(&b->rtcp_tx.ssrc, sizeof(b->rtcp_tx.ssrc));
	random_bytes(random, sizeof(random));
	hex_encode(b->rtcp_tx.cname, random, sizeof(random));
	rtp_port_listen(port, loop, on_packet, b);
	return b;
}

void bridge_stats(const struct bridge *b, struct bridge_stats *out)
{
	memset(out, 0, sizeof(*out));
	out->from_rtp = b->count[FROM_RTP];
	out->from_rtp.lost = b->in.lost;
	out->from_ript = b->count[FROM_RIPT];
	out->from_ript.lost = wire_lost(&b->wire);
	out->acks_sent = b->wire.acks_sent;
	out->acks_received = b->wire.acks_received;
	out->sent = b->wire.tx.loss;
	out->rtcp = b->rtcp;
	if (b->rtcp_rx.clock_hz)
		out->rtcp.jitter_ms = (uint32_t)(
			(uint64_t)b->rtcp_rx.jitter16 / 16 * 1000 /
			b->rtcp_rx.clock_hz);
	out->rtp_negotiated = b->latch.negotiated;
	if (b->latch.state != LATCH_OPEN)
		out->rtp_latched = b->latch.source;
	out->rtp_port = rtp_port_number(b->port);
	out->last_media_ns = b->last_media_ns;
	out->digits = b->digits;
}

void bridge_free(struct bridge **bridgep)
{
	struct bridge *b = *bridgep;

	if (!b)
		return;
	loop_assert(LOOP_WORKER);
	*bridgep = NULL;
	send_rtcp(b, true);
	timer_stop(&b->tick);
	rtp_port_close(&b->port);
	free(b);
}
