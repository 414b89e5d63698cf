/* SPDX-License-Identifier: MIT */
/* Acks in all four cases, and when full values go out. */
#include "tests/unit/bridge_world.h"
#include "tests/unit/shows.h"
#include "tests/unit/unit.h"

static struct world w;
static const uint8_t media[160];

static struct chunk peer_chunk(unsigned n)
{
	return world_chunk(WALL_MS + n, WALL_MS + 20 * n, CODEC_PCMU, media,
			   sizeof(media));
}

static void in(unsigned n)
{
	struct chunk c = peer_chunk(n);

	assert_int_equal(world_chunk_in(&w, &c), 0);
}

/* Whether @c acks the peer's chunk @n. */
static void assert_ack(const struct chunk *c, unsigned n, bool we_are_client)
{
	assert_true(c->env == (CHUNK_BIT(CHUNK_CONTROL) |
			       CHUNK_BIT(CHUNK_CONTROL_TYPE)));
	assert_int_equal(c->control_type, CHUNK_CONTROL_ACK);
	assert_int_equal(c->acked_direction,
			 we_are_client ? CHUNK_S2C : CHUNK_C2S);
	assert_int_equal(c->acked_source, 0);
	assert_int_equal(c->acked_sink, 1);
	assert_int_equal(c->acked_seq.width, 8);
	assert_true(c->acked_seq.value == WALL_MS + n);
	assert_true(c->pkg & CHUNK_BIT(CHUNK_RECEIVE_TIME));
	assert_int_equal(c->receive_time.width, 2);
}

static bool is_media(const struct chunk *c)
{
	return !(c->env & CHUNK_BIT(CHUNK_CONTROL));
}

static uint64_t acks_sent(void)
{
	struct bridge_stats stats;

	bridge_stats(w.bridge, &stats);
	return stats.acks_sent;
}

/* WebTransport on both roles, and HTTP on the client's: owed acks ride on the
 * next media body (a datagram, a PUT). */
static void with_the_next_media(void **state)
{
	bool client;
	int role;
	unsigned i;

	(void)state;
	for (role = 0; role < 2; role++) {
		client = role == 0;
		world_open(&w, client);
		for (i = 0; i < 3; i++)
			in(i);
		assert_int_equal(w.body_cnt, 0);
		world_pass(&w, 20);
		world_pcmu(&w, 1, 0x55);
		assert_int_equal(w.body_cnt, 1);
		assert_true(w.body[0].media);
		world_parse(&w, 0);
		assert_int_equal(w.chunk_cnt, 4);
		assert_true(is_media(&w.chunk[0]));
		for (i = 0; i < 3; i++)
			assert_ack(&w.chunk[1 + i], i, client);
		/* Once each: a repeated chunk is not acked again, and the
		 * next body has none. */
		in(1);
		world_pcmu(&w, 2, 0x55);
		world_parse(&w, 1);
		assert_int_equal(w.chunk_cnt, 1);
		assert_int_equal(acks_sent(), 3);
		world_close(&w);
	}
	shows("RIPT-MB-08");	/* n acks for n chunks */
	shows("RIPT-MB-12");	/* one media chunk, then control ones */
	shows("RIPT-CC-03");	/* ours adds the sequence number */
	shows("RIPT-CC-04");	/* no call is named inside */
}

/* Without media of our own (hold): alone, within 200 ms. */
static void alone_in_time(void **state)
{
	uint64_t sent_ms = 0;
	unsigned i;

	(void)state;
	world_open(&w, true);
	in(0);
	world_pass(&w, 100);
	in(1);
	for (i = 0; i < 110 && !w.body_cnt; i++) {
		world_pass(&w, 1);
		sent_ms = world_ms(&w);
	}
	assert_in_range(sent_ms, 100, 200);
	assert_int_equal(w.body_cnt, 1);
	assert_false(w.body[0].media);
	world_parse(&w, 0);
	assert_int_equal(w.chunk_cnt, 2);
	assert_ack(&w.chunk[0], 0, true);
	assert_ack(&w.chunk[1], 1, true);
	/* The receive times are those of arrival, not of the ack. */
	assert_int_equal(w.chunk[0].receive_time.value, WALL_MS & 0xffff);
	assert_int_equal(w.chunk[1].receive_time.value,
			 (WALL_MS + 100) & 0xffff);
	world_pass(&w, 3000);
	assert_int_equal(w.body_cnt, 1);

	/* A way that is shut: they stay owed, and go when it opens. */
	w.send_err = ENOTCONN;
	in(2);
	world_pass(&w, 1000);
	w.send_err = 0;
	world_pass(&w, 200);
	assert_int_equal(w.body_cnt, 2);
	world_parse(&w, 1);
	assert_int_equal(w.chunk_cnt, 1);
	assert_ack(&w.chunk[0], 2, true);
	world_close(&w);
}

/* A burst after an outage: never more owed than WIRE_ACKS, none lost. */
static void a_burst(void **state)
{
	unsigned i, k, acked = 0;

	(void)state;
	world_open(&w, true);
	for (i = 0; i < 250; i++)
		in(i);
	world_pass(&w, 200);
	for (i = 0; i < w.body_cnt; i++) {
		assert_false(w.body[i].media);
		world_parse(&w, i);
		for (k = 0; k < w.chunk_cnt; k++)
			assert_ack(&w.chunk[k], acked++, true);
	}
	assert_int_equal(acked, 250);
	world_close(&w);
}

/* HTTP, server role: in the PUT reply and nowhere else. */
static void server_on_http(void **state)
{
	struct chunk c = peer_chunk(0), ack;
	struct chunk_reader reader;
	uint8_t body[1024], reply[256];
	size_t len, reply_len = 0;
	unsigned i;

	(void)state;
	world_open(&w, false);
	w.acks_in_reply = true;
	len = chunk_write(body, sizeof(body), &c);
	c = peer_chunk(1);
	len += chunk_write(body + len, sizeof(body) - len, &c);
	assert_int_equal(bridge_chunks(w.bridge, body, len, 7, reply,
				       sizeof(reply), &reply_len), 0);
	chunk_reader_init(&reader, reply, reply_len);
	for (i = 0; i < 2; i++) {
		assert_int_equal(chunk_next(&reader, &ack), CHUNK_OK);
		assert_ack(&ack, i, false);
	}
	assert_int_equal(chunk_next(&reader, &ack), CHUNK_END);
	shows("RIPT-MB-09");

	/* The GET reply has its one media chunk, no acks; nothing alone. */
	world_pcmu(&w, 1, 0);
	world_pass(&w, 1000);
	assert_int_equal(w.body_cnt, 1);
	world_parse(&w, 0);
	assert_int_equal(w.chunk_cnt, 1);
	assert_true(is_media(&w.chunk[0]));
	shows("RIPT-MB-11");	/* with Q54: the owed acks went before */

	/* A repeated PUT: 200, and no ack again. */
	assert_int_equal(bridge_chunks(w.bridge, body, len, 7, reply,
				       sizeof(reply), &reply_len), 0);
	assert_int_equal(reply_len, 0);

	/* Acks that a closed session still owed wait for the next PUT. */
	w.acks_in_reply = false;
	in(2);
	w.acks_in_reply = true;
	world_pass(&w, 1000);
	world_pcmu(&w, 2, 0);
	world_parse(&w, 1);
	assert_int_equal(w.chunk_cnt, 1);
	c = peer_chunk(3);
	len = chunk_write(body, sizeof(body), &c);
	assert_int_equal(bridge_chunks(w.bridge, body, len, 7, reply,
				       sizeof(reply), &reply_len), 0);
	chunk_reader_init(&reader, reply, reply_len);
	for (i = 2; i < 4; i++) {
		assert_int_equal(chunk_next(&reader, &ack), CHUNK_OK);
		assert_ack(&ack, i, false);
	}
	world_close(&w);
}

/* Two clients of one call in turn, as in a migration: one stream. */
static void two_clients(void **state)
{
	unsigned i;

	(void)state;
	world_open(&w, false);
	for (i = 0; i < 40; i++) {
		/* Each pair of neighbours comes the wrong way round. */
		w.connection = 7 + i % 2;
		in(i ^ 1);
	}
	assert_int_equal(fake_rtp_cnt(false), 40);
	for (i = 0; i < 40; i++)
		assert_int_equal((uint16_t)(world_sent(i).seq -
					    world_sent(1).seq),
				 i ^ 1);
	assert_int_equal(world_fate(&w, true, FATE_FORWARDED), 40);
	shows("RIPT-MB-14");
	world_close(&w);
}

/* ---- acks that we get ---- */

static void ack_in(const struct chunk *chunk, uint8_t direction)
{
	struct chunk ack = {
		.env = CHUNK_BIT(CHUNK_CONTROL) |
		       CHUNK_BIT(CHUNK_CONTROL_TYPE),
		.pkg = CHUNK_BIT(CHUNK_SEQUENCE) | CHUNK_BIT(CHUNK_SOURCE) |
		       CHUNK_BIT(CHUNK_SINK) | CHUNK_BIT(CHUNK_DIRECTION) |
		       CHUNK_BIT(CHUNK_RECEIVE_TIME),
		.control_type = CHUNK_CONTROL_ACK,
		.acked_seq = chunk->seq,
		.acked_source = chunk->source,
		.acked_sink = chunk->sink,
		.acked_direction = direction,
		.receive_time = { WALL_MS & 0xffff, 2 },
	};

	assert_int_equal(world_chunk_in(&w, &ack), 0);
}

/* Send one and say whether its values were full. */
static bool sends_full(uint16_t seq)
{
	world_pcmu(&w, seq, 0);
	world_parse(&w, w.body_cnt - 1);
	return w.chunk[0].seq.width == 8 && w.chunk[0].time.width == 8;
}

static void prove(uint16_t seq)
{
	struct chunk chunk;

	assert_true(sends_full(seq));
	chunk = w.chunk[0];
	ack_in(&chunk, w.ript.client ? CHUNK_C2S : CHUNK_S2C);
	assert_false(sends_full((uint16_t)(seq + 1)));
}

static void full_values(void **state)
{
	struct chunk chunk;

	(void)state;
	world_open(&w, false);
	assert_true(sends_full(1));
	chunk = w.chunk[0];
	ack_in(&chunk, CHUNK_C2S);	/* of the other direction */
	assert_true(sends_full(2));
	chunk.sink = 9;			/* of another stream */
	ack_in(&chunk, CHUNK_S2C);
	assert_int_equal(world_fate(&w, true, FATE_WRONG_STREAM), 2);
	prove(3);
	bridge_way_changed(w.bridge);	/* a new session, byways back */
	prove(5);
	w.connection = 8;		/* PUT comes from elsewhere */
	in(0);
	prove(7);
	in(1);
	assert_false(sends_full(9));
	bridge_set_ript(w.bridge, &w.ript);	/* the handler changed */
	prove(10);
	/* More than 15 s without a chunk: on hold a client sends none. */
	world_close(&w);
	world_open(&w, true);
	prove(1);
	world_pass(&w, 15001);
	assert_true(sends_full(3));
	shows("RIPT-MC-04");
	shows("RIPT-MC-05");
	world_close(&w);
}

static void ack_of_an_ack(void **state)
{
	struct chunk chunk;
	struct bridge_stats stats;

	(void)state;
	world_open(&w, true);
	assert_true(sends_full(1));
	chunk = w.chunk[0];
	world_pass(&w, 30);
	ack_in(&chunk, CHUNK_C2S);
	world_pass(&w, 1000);
	assert_int_equal(w.body_cnt, 1);	/* nothing answers it */
	bridge_stats(w.bridge, &stats);
	assert_int_equal(stats.acks_received, 1);
	assert_int_equal(stats.acks_sent, 0);
	assert_int_equal(stats.sent.sent, 1);
	assert_int_equal(stats.sent.acked, 1);
	assert_int_equal(stats.sent.rtt_ms, 30);
	assert_int_equal(world_fate(&w, true, FATE_CONTROL), 1);
	shows("RIPT-MB-16");
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_the_next_media),
		cmocka_unit_test(alone_in_time),
		cmocka_unit_test(a_burst),
		cmocka_unit_test(server_on_http),
		cmocka_unit_test(two_clients),
		cmocka_unit_test(full_values),
		cmocka_unit_test(ack_of_an_ack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
