/* SPDX-License-Identifier: MIT */
#include "tests/unit/bridge_world.h"

#include "base/mem.h"
#include "tests/unit/unit.h"

static int on_send(const void *body, size_t len, bool media, void *arg)
{
	struct world *w = arg;
	struct body *b = &w->body[w->body_cnt];

	assert_true(len > 0 && len <= w->room);
	if (w->send_err)
		return w->send_err;
	assert_true(w->body_cnt < BODIES && len <= sizeof(b->data));
	b->media = media;
	b->len = len;
	memcpy(b->data, body, len);
	w->body_cnt++;
	return 0;
}

static bool on_acks_in_reply(void *arg)
{
	return ((struct world *)arg)->acks_in_reply;
}

static size_t on_room(void *arg)
{
	return ((struct world *)arg)->room;
}

void world_open_bare(struct world *w)
{
	struct bridge_out out = { on_send, on_acks_in_reply, on_room, w };

	memset(w, 0, sizeof(*w));
	fake_rtp_clear();
	w->start_ns = 1000 * NS_PER_S;
	w->loop = loop_new_virtual(w->start_ns, WALL_MS);
	w->room = 1200;
	w->connection = 7;
	w->body = xcalloc(BODIES, sizeof(*w->body));
	w->port = fake_rtp_port_new(30000);
	w->bridge = bridge_new(w->loop, w->port, &out);
}

static void add_format(struct media_desc *desc, enum codec codec, uint8_t pt)
{
	struct media_format *format = &desc->format[desc->format_cnt++];

	format->codec = codec;
	format->pt = pt;
	format->channels = 1;
	format->clock_hz = 8000;
}

void world_open(struct world *w, bool client)
{
	struct media_desc *local;

	world_open_bare(w);
	local = &w->sip.local;
	add_format(local, CODEC_PCMU, 0);
	add_format(local, CODEC_PCMA, 8);
	add_format(local, CODEC_TELEPHONE_EVENT, PT_EVENT);
	add_format(local, CODEC_CN, 13);
	local->dir = MEDIA_SENDRECV;
	w->sip.remote = *local;
	assert_int_equal(addr_parse(&w->sip.remote.rtp, PHONE), 0);
	w->sip.ready = true;
	bridge_set_sip(w->bridge, &w->sip);

	w->ript.client = client;
	w->ript.tx_sink = 1;
	w->ript.rx_sink = 1;
	w->ript.tx_codecs = w->ript.rx_codecs = VOICE;
	bridge_set_ript(w->bridge, &w->ript);
}

void world_close(struct world *w)
{
	bridge_free(&w->bridge);
	loop_free(&w->loop);
	free(w->body);
	fake_rtp_clear();
	fake_rtp_fail(0);
}

uint64_t world_ms(const struct world *w)
{
	return (loop_now_ns(w->loop) - w->start_ns) / NS_PER_MS;
}

void world_pass(struct world *w, uint64_t ms)
{
	uint64_t until = loop_now_ns(w->loop) + ms * NS_PER_MS, next;

	while ((next = loop_next_ns(w->loop)) <= until)
		loop_turn(w->loop, next);
	loop_turn(w->loop, until);
}

void world_rtp(struct world *w, const char *from, const struct rtp *rtp)
{
	uint8_t packet[2048];
	struct addr addr;

	assert_int_equal(addr_parse(&addr, from ? from : PHONE), 0);
	rtp_write(packet, rtp);
	if (rtp->payload_len)
		memcpy(packet + RTP_HEADER, rtp->payload, rtp->payload_len);
	fake_rtp_port_in(w->port, packet, RTP_HEADER + rtp->payload_len,
			 &addr, false);
}

void world_pcmu(struct world *w, uint16_t seq, uint8_t fill)
{
	uint8_t media[160];
	struct rtp rtp = {
		.seq = seq,
		.timestamp = 160u * seq,
		.ssrc = 0x11223344,
		.payload = media,
		.payload_len = sizeof(media),
	};

	memset(media, fill, sizeof(media));
	world_rtp(w, NULL, &rtp);
}

void world_parse(struct world *w, unsigned index)
{
	struct chunk_reader reader;

	assert_true(index < w->body_cnt);
	chunk_reader_init(&reader, w->body[index].data, w->body[index].len);
	w->chunk_cnt = 0;
	while (chunk_next(&reader, &w->chunk[w->chunk_cnt]) == CHUNK_OK)
		w->chunk_cnt++;
	assert_true(reader.at == reader.end);
}

struct chunk world_chunk(uint64_t seq, uint64_t time_ms, enum codec codec,
			 const void *media, size_t len)
{
	struct chunk chunk = {
		.env = CHUNK_BIT(CHUNK_SEQUENCE) |
		       CHUNK_BIT(CHUNK_TIMESTAMP) |
		       CHUNK_BIT(CHUNK_PAYLOAD_TYPE) |
		       CHUNK_BIT(CHUNK_SOURCE) | CHUNK_BIT(CHUNK_SINK),
		.pkg = CHUNK_BIT(CHUNK_MEDIA),
		.seq = { seq, 8 },
		.time = { time_ms, 8 },
		.payload_type = codec_info(codec)->ript_pt,
		.sink = 1,
		.media = media,
		.media_len = len,
	};

	return chunk;
}

int world_body_in(struct world *w, const void *body, size_t len)
{
	uint8_t *copy = len ? xmemdup(body, len) : xzalloc(1);
	uint8_t reply[256];
	size_t reply_len = 0;
	int err;

	err = bridge_chunks(w->bridge, copy, len, w->connection,
			    w->acks_in_reply ? reply : NULL, sizeof(reply),
			    w->acks_in_reply ? &reply_len : NULL);
	free(copy);
	return err;
}

int world_chunk_in(struct world *w, const struct chunk *chunk)
{
	uint8_t body[2048];
	size_t len = chunk_write(body, sizeof(body), chunk);

	assert_true(len > 0);
	return world_body_in(w, body, len);
}

struct rtp world_sent(unsigned index)
{
	const struct fake_rtp_packet *packet = fake_rtp_sent(false, index);
	struct rtp rtp;

	assert_int_equal(rtp_parse(&rtp, packet->data, packet->len), 0);
	return rtp;
}

uint64_t world_fate(struct world *w, bool from_ript, enum bridge_fate fate)
{
	struct bridge_stats stats;

	bridge_stats(w->bridge, &stats);
	return from_ript ? stats.from_ript.fate[fate]
			 : stats.from_rtp.fate[fate];
}
