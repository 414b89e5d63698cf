/* SPDX-License-Identifier: MIT */
#include "media/wire.h"

#include <errno.h>
#include <string.h>

#define MEDIA_TAGS                                                   \
	(CHUNK_BIT(CHUNK_SEQUENCE) | CHUNK_BIT(CHUNK_TIMESTAMP) |    \
	 CHUNK_BIT(CHUNK_PAYLOAD_TYPE) | CHUNK_BIT(CHUNK_SOURCE) |   \
	 CHUNK_BIT(CHUNK_SINK))
#define ACK_TAGS                                                     \
	(CHUNK_BIT(CHUNK_SEQUENCE) | CHUNK_BIT(CHUNK_SOURCE) |       \
	 CHUNK_BIT(CHUNK_SINK) | CHUNK_BIT(CHUNK_DIRECTION))

void wire_init(struct wire *wire)
{
	memset(wire, 0, sizeof(*wire));
}

void wire_direct(struct wire *wire, const struct wire_direct *params)
{
	if (wire->rx_source != params->rx_source ||
	    wire->rx_sink != params->rx_sink)
		wire->rx_cnt = 0;
	wire->client = params->client;
	wire->rx_source = params->rx_source;
	wire->rx_sink = params->rx_sink;
	if (!wire->ready || wire->tx.source != params->tx_source ||
	    wire->tx.sink != params->tx_sink)
		stream_tx_init(&wire->tx, params->tx_source, params->tx_sink);
	stream_tx_renew(&wire->tx);
	wire->ready = true;
}

/* ---- acks owed ---- */

static void owe(struct wire *wire, const struct chunk *chunk,
		const struct wire_when *when)
{
	struct wire_ack *ack;

	if (wire->owed_cnt == WIRE_ACKS)	/* nobody took them */
		return;
	if (wire->owed_cnt == 0)
		wire->owed_since_ns = when->now_ns;
	ack = &wire->owed[(wire->owed_first + wire->owed_cnt) % WIRE_ACKS];
	wire->owed_cnt++;
	ack->seq = chunk->seq.value;
	ack->width = chunk->seq.width;
	ack->source = chunk->source;
	ack->sink = chunk->sink;
	ack->time_ms = (uint16_t)when->wall_ms;
}

static size_t write_ack(const struct wire *wire, uint8_t *out, size_t room,
			const struct wire_ack *ack)
{
	struct chunk chunk;

	chunk.env = CHUNK_BIT(CHUNK_CONTROL) | CHUNK_BIT(CHUNK_CONTROL_TYPE);
	chunk.control_type = CHUNK_CONTROL_ACK;
	chunk.pkg = ACK_TAGS | CHUNK_BIT(CHUNK_RECEIVE_TIME);
	chunk.acked_seq.value = ack->seq;
	chunk.acked_seq.width = ack->width;
	chunk.acked_source = ack->source;
	chunk.acked_sink = ack->sink;
	chunk.acked_direction = wire->client ? CHUNK_S2C : CHUNK_C2S;
	chunk.receive_time.value = ack->time_ms;
	chunk.receive_time.width = CHUNK_SHORT;
	return chunk_write(out, room, &chunk);
}

/* Write as many as fit; they stay owed until wire_sent(). */
static size_t write_owed(struct wire *wire, uint8_t *out, size_t room)
{
	size_t len = 0, one;
	unsigned i;

	for (i = 0; i < wire->owed_cnt; i++) {
		one = write_ack(wire, out + len, room - len,
				&wire->owed[(wire->owed_first + i) %
					    WIRE_ACKS]);
		if (one == 0)
			break;
		len += one;
	}
	wire->in_hand = i;
	return len;
}

/* ---- out ---- */

size_t wire_media(struct wire *wire, uint8_t *body, size_t room,
		  struct chunk *chunk, uint64_t seq, uint64_t time_ms,
		  bool acks, const struct wire_when *when)
{
	size_t len;

	wire->in_hand = 0;
	stream_tx_stamp(&wire->tx, chunk, seq, time_ms, when->now_ns,
			when->wall_ms);
	wire->media_in_hand = true;
	wire->seq_in_hand = seq;
	len = chunk_write(body, room, chunk);
	if (len == 0) {
		wire_sent(wire, false);
		return 0;
	}
	if (acks && wire->owed_cnt)
		len += write_owed(wire, body + len, room - len);
	return len;
}

size_t wire_acks(struct wire *wire, uint8_t *body, size_t room)
{
	wire->media_in_hand = false;
	return write_owed(wire, body, room);
}

void wire_sent(struct wire *wire, bool left)
{
	if (left) {
		wire->acks_sent += wire->in_hand;
		wire->owed_first =
			(wire->owed_first + wire->in_hand) % WIRE_ACKS;
		wire->owed_cnt -= wire->in_hand;
	} else if (wire->media_in_hand) {
		stream_tx_unsent(&wire->tx, wire->seq_in_hand);
	}
	wire->in_hand = 0;
	wire->media_in_hand = false;
}

/* ---- in ---- */

/* A client plays what comes to its sink, whatever source the server's
 * directive names (DR-10, DR-11). */
static struct stream_rx *find_stream(struct wire *wire, uint8_t source,
				     uint8_t sink)
{
	unsigned i;

	for (i = 0; i < wire->rx_cnt; i++)
		if (wire->rx[i].source == source && wire->rx[i].sink == sink)
			return &wire->rx[i];
	if (sink != wire->rx_sink ||
	    (!wire->client && source != wire->rx_source) ||
	    wire->rx_cnt == WIRE_STREAMS)
		return NULL;
	stream_rx_init(&wire->rx[wire->rx_cnt], source, sink);
	return &wire->rx[wire->rx_cnt++];
}

static enum bridge_fate read_control(struct wire *wire,
				     const struct chunk *chunk,
				     const struct wire_when *when)
{
	if (!(chunk->env & CHUNK_BIT(CHUNK_CONTROL_TYPE)) ||
	    chunk->control_type != CHUNK_CONTROL_ACK)
		return FATE_UNKNOWN_CONTROL;
	if ((chunk->pkg & ACK_TAGS) != ACK_TAGS)
		return FATE_BAD_CHUNK;
	if (chunk->acked_direction != (wire->client ? CHUNK_C2S : CHUNK_S2C) ||
	    chunk->acked_source != wire->tx.source ||
	    chunk->acked_sink != wire->tx.sink)
		return FATE_WRONG_STREAM;
	wire->acks_received++;
	stream_tx_acked(&wire->tx, chunk, when->wall_ms);
	return FATE_CONTROL;
}

static enum bridge_fate read_media(struct wire *wire,
				   const struct chunk *chunk,
				   const struct wire_body *body,
				   const struct wire_handlers *handlers)
{
	struct wire_chunk out;
	struct stream_rx *rx;
	enum stream_verdict verdict;

	if ((chunk->env & MEDIA_TAGS) != MEDIA_TAGS ||
	    !(chunk->pkg & CHUNK_BIT(CHUNK_MEDIA)))
		return FATE_BAD_CHUNK;
	rx = find_stream(wire, chunk->source, chunk->sink);
	if (!rx)
		return FATE_WRONG_STREAM;
	verdict = stream_rx_put(rx, chunk, &out.seq, &out.time_ms);
	if (verdict == STREAM_UNREBUILT)
		return FATE_UNREBUILT;
	if (verdict == STREAM_DUPLICATE)
		return FATE_DUPLICATE;
	if (verdict == STREAM_LATE)	/* perhaps acked long ago */
		return FATE_LATE;

	owe(wire, chunk, &body->when);
	if (wire->owed_cnt == WIRE_ACKS && !body->reply)
		handlers->acks_full(handlers->arg);
	out.first = verdict == STREAM_FIRST ||
		    rx != &wire->rx[wire->rx_last];
	wire->rx_last = (unsigned)(rx - wire->rx);
	out.payload_type = chunk->payload_type;
	out.rtp_clock = chunk->env & CHUNK_BIT(CHUNK_RTP_CLOCK)
				? chunk->rtp_clock
				: 0;
	out.marker = chunk->env & CHUNK_BIT(CHUNK_RTP_MARKER);
	out.media = chunk->media;
	out.media_len = chunk->media_len;
	return handlers->media(&out, handlers->arg);
}

static enum bridge_fate read_chunk(struct wire *wire,
				   const struct chunk *chunk,
				   const struct wire_body *body,
				   const struct wire_handlers *handlers)
{
	if (chunk->env & CHUNK_BIT(CHUNK_KEY_ID))
		return FATE_ENCRYPTED;
	if (!wire->ready)
		return FATE_NOT_READY;
	if (chunk->env & CHUNK_BIT(CHUNK_CONTROL))
		return read_control(wire, chunk, &body->when);
	return read_media(wire, chunk, body, handlers);
}

static void acks_to_reply(struct wire *wire, struct wire_body *body)
{
	body->reply_len += write_owed(wire, body->reply + body->reply_len,
				      body->reply_max - body->reply_len);
	wire_sent(wire, true);
}

int wire_read(struct wire *wire, struct wire_body *body,
	      const struct wire_handlers *handlers)
{
	struct chunk_reader reader;
	enum chunk_result result;
	struct chunk chunk;
	bool framed = false;

	body->reply_len = 0;
	if (body->connection != wire->connection) {
		if (wire->connection)
			wire_renew(wire);
		wire->connection = body->connection;
	}
	chunk_reader_init(&reader, body->data, body->len);
	while ((result = chunk_next(&reader, &chunk)) != CHUNK_END) {
		if (result != CHUNK_OK) {
			handlers->fate(FATE_BAD_CHUNK, handlers->arg);
			continue;
		}
		framed = true;
		handlers->fate(read_chunk(wire, &chunk, body, handlers),
			       handlers->arg);
		if (body->reply && wire->owed_cnt == WIRE_ACKS)
			acks_to_reply(wire, body);
	}
	if (body->reply && wire->owed_cnt)
		acks_to_reply(wire, body);
	return framed ? 0 : EINVAL;
}

uint64_t wire_lost(const struct wire *wire)
{
	uint64_t lost = 0;
	unsigned i;

	for (i = 0; i < wire->rx_cnt; i++)
		lost += wire->rx[i].lost;
	return lost;
}
