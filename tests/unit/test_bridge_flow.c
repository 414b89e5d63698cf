/* SPDX-License-Identifier: MIT */
/* Speech, digits and silence through one bridge and through two. */
#include "tests/unit/bridge_world.h"
#include "tests/unit/shows.h"
#include "tests/unit/unit.h"

static struct world w;

static void event_packet(struct world *world, uint16_t seq, uint32_t ts,
			 bool marker, const char octets[4])
{
	struct rtp rtp = {
		.marker = marker, .pt = PT_EVENT, .seq = seq,
		.timestamp = ts, .ssrc = 0x11223344,
		.payload = (const uint8_t *)octets, .payload_len = 4,
	};

	world_rtp(world, NULL, &rtp);
}

static void noise_packet(struct world *world, uint16_t seq, uint32_t ts,
			 uint8_t level)
{
	struct rtp rtp = {
		.pt = 13, .seq = seq, .timestamp = ts, .ssrc = 0x11223344,
		.payload = &level, .payload_len = 1,
	};

	world_rtp(world, NULL, &rtp);
}

/* ---- RTP -> chunk ---- */

static void rtp_to_chunk(void **state)
{
	uint8_t speech[160];
	unsigned i, n = 0;

	(void)state;
	world_open(&w, true);
	for (i = 0; i < 100; i++) {
		if (i % 10 != 7) {
			world_pcmu(&w, (uint16_t)(65500 + i), (uint8_t)i);
			if (i % 10 == 3)	/* the network repeats it */
				world_pcmu(&w, (uint16_t)(65500 + i),
					   (uint8_t)i);
			world_parse(&w, n++);
			assert_int_equal(w.chunk_cnt, 1);
			assert_true(w.chunk[0].seq.value == WALL_MS + i);
			assert_true(w.chunk[0].time.value ==
				    WALL_MS + 20 * i);
			memset(speech, (int)i, sizeof(speech));
			assert_int_equal(w.chunk[0].media_len, 160);
			assert_memory_equal(w.chunk[0].media, speech, 160);
		}
		world_pass(&w, 20);
	}
	assert_int_equal(w.body_cnt, 90);
	assert_int_equal(world_fate(&w, false, FATE_DUPLICATE), 10);
	shows("RIPT-GW-09");
	shows("RIPT-MC-16");
	world_close(&w);
}

/* A phone that sends 60 ms at once, where the directive allows 30: two chunks
 * each, and all octets arrive, in one count and one time. */
static void long_packets_are_cut(void **state)
{
	uint8_t speech[480];
	struct rtp rtp = {
		.seq = 7, .timestamp = 1000, .ssrc = 9, .marker = true,
		.payload = speech, .payload_len = sizeof(speech),
	};
	unsigned i, half;

	(void)state;
	world_open(&w, true);
	w.ript.tx_ptime_ms = 30;
	bridge_set_ript(w.bridge, &w.ript);
	random_bytes(speech, sizeof(speech));
	for (i = 0; i < 20; i++) {
		world_rtp(&w, NULL, &rtp);
		assert_int_equal(w.body_cnt, 2 * i + 2);
		for (half = 0; half < 2; half++) {
			world_parse(&w, 2 * i + half);
			assert_int_equal(w.chunk_cnt, 1);
			assert_true(w.chunk[0].seq.value ==
				    WALL_MS + 2 * i + half);
			assert_true(w.chunk[0].time.value ==
				    WALL_MS + 60 * i + 30 * half);
			assert_int_equal(w.chunk[0].media_len, 240);
			assert_memory_equal(w.chunk[0].media,
					    speech + 240 * half, 240);
			assert_int_equal(!!(w.chunk[0].env &
					    CHUNK_BIT(CHUNK_RTP_MARKER)),
					 i == 0 && half == 0);
		}
		rtp.marker = false;
		rtp.seq++;
		rtp.timestamp += 480;
		world_pass(&w, 60);
	}
	assert_int_equal(world_fate(&w, false, FATE_FORWARDED), 20);
	/* What is short enough stays whole, and a rest may be shorter. */
	rtp.payload_len = 240;
	world_rtp(&w, NULL, &rtp);
	assert_int_equal(w.body_cnt, 41);
	rtp.payload_len = 320;
	rtp.seq++;
	rtp.timestamp += 240;
	world_rtp(&w, NULL, &rtp);
	assert_int_equal(w.body_cnt, 43);
	world_parse(&w, 42);
	assert_int_equal(w.chunk[0].media_len, 80);
	assert_true(w.chunk[0].seq.value == WALL_MS + 42);
	shows("RIPT-AD-16");
	shows("RIPT-DR-09");
	world_close(&w);
}

/* A new SSRC and a jump of more than 1000: the count goes on. */
static void ssrc_and_jump(void **state)
{
	uint8_t speech[160] = { 0 };
	struct rtp rtp = {
		.seq = 10, .timestamp = 999, .ssrc = 1,
		.payload = speech, .payload_len = sizeof(speech),
	};
	unsigned i;

	(void)state;
	world_open(&w, true);
	for (i = 0; i < 5; i++) {
		world_rtp(&w, NULL, &rtp);
		world_parse(&w, i);
		assert_true(w.chunk[0].seq.value == WALL_MS + i);
		world_pass(&w, 20);
		rtp.seq++;
		rtp.timestamp += 160;
		if (i == 1) {
			rtp.ssrc = 2;
			rtp.seq = 60000;
			rtp.timestamp = 77;
		} else if (i == 3) {
			rtp.seq = (uint16_t)(rtp.seq + 1001);
		}
		assert_true(w.chunk[0].time.value == WALL_MS + 20 * i);
	}
	world_close(&w);
}

/* ---- chunk -> RTP ---- */

static void speech_in(uint64_t seq, uint64_t ms)
{
	static const uint8_t speech[160];
	struct chunk c = world_chunk(WALL_MS + seq, WALL_MS + ms, CODEC_PCMU,
				     speech, sizeof(speech));

	assert_int_equal(world_chunk_in(&w, &c), 0);
}

/* A peer that sends no marker tag: the marker follows from the times. */
static void chunk_to_rtp(void **state)
{
	static const struct {
		const char *name;
		uint64_t seq, ms;
		unsigned rtp_seq, ticks;	/* less the first */
		bool marker;
	} rows[] = {
		{ "first", 0, 0, 0, 0, true },
		{ "next", 1, 20, 1, 160, false },
		{ "two lost", 4, 80, 4, 640, false },
		{ "after silence", 5, 700, 5, 5600, true },
		{ "next", 6, 720, 6, 5760, false },
		{ "late", 3, 60, 3, 480, false },
		{ "takeover", 5000, 740, 7, 5920, true },
		{ "next", 5001, 760, 8, 6080, false },
	};
	struct rtp first = { 0 }, rtp;
	unsigned i;

	(void)state;
	world_open(&w, true);
	for (i = 0; i < COUNT(rows); i++) {
		world_pass(&w, 20);
		speech_in(rows[i].seq, rows[i].ms);
		rtp = world_sent(i);
		if (i == 0)
			first = rtp;
		if ((uint16_t)(rtp.seq - first.seq) != rows[i].rtp_seq ||
		    rtp.timestamp - first.timestamp != rows[i].ticks ||
		    rtp.marker != rows[i].marker || rtp.ssrc != first.ssrc)
			fail_msg("%s", rows[i].name);
	}
	/* Of two ones lost one came late; the takeover is no loss. */
	{
		struct bridge_stats stats;

		bridge_stats(w.bridge, &stats);
		assert_int_equal(stats.from_ript.lost, 1);
	}
	shows("RIPT-GW-10");
	world_close(&w);
}

/* ---- two bridges ---- */

/*
 *   phone -> [a, client] === bodies, shuffled ===> [b, server] -> phone
 *                        <== acks ===============
 */
static struct world a, b;
static unsigned carried_b;

static void body_over(struct world *to, const struct body *body)
{
	assert_int_equal(world_body_in(to, body->data, body->len), 0);
}

/* What b owes goes back to a at once; not the comfort noise that it makes. */
static void acks_back(void)
{
	for (; carried_b < b.body_cnt; carried_b++)
		if (!b.body[carried_b].media)
			body_over(&a, &b.body[carried_b]);
}

static void two_open(void)
{
	world_open(&b, false);
	world_open(&a, true);
	carried_b = 0;
}

static void two_close(void)
{
	world_close(&a);
	bridge_free(&b.bridge);
	loop_free(&b.loop);
	free(b.body);
}

/* Every octet of 400 packets, in both codecs, with neighbours swapped, comes
 * out as it went in, with the same steps of number and time. */
static void speech_is_unchanged(void **state)
{
	uint8_t speech[400][160];
	struct rtp rtp, out, first = { 0 };
	unsigned i, at, round;
	uint16_t index;

	(void)state;
	for (i = 0; i < 400; i++)
		random_bytes(speech[i], sizeof(speech[i]));
	for (round = 0; round < 2; round++) {
		two_open();
		for (i = 0; i < 400; i++) {
			rtp = (struct rtp){
				.marker = i % 100 == 0,
				.pt = round ? 8 : 0,
				.seq = (uint16_t)(65400 + i),
				.timestamp = 5000 + 160 * i,
				.ssrc = 77,
				.payload = speech[i],
				.payload_len = 160,
			};
			world_rtp(&a, NULL, &rtp);
			world_pass(&a, 20);
			if (i % 2 == 0)
				continue;
			/* Two at once, the later one first now and then. */
			at = i % 5 == 0 && i > 1;
			body_over(&b, &a.body[i - 1 + at]);
			body_over(&b, &a.body[i - at]);
			world_pass(&b, 200);
			acks_back();
		}
		assert_int_equal(fake_rtp_cnt(false), 400);
		for (i = 0; i < 400; i++) {
			out = world_sent(i);
			if (i == 0)
				first = out;
			index = (uint16_t)(out.seq - first.seq);
			assert_true(index < 400);
			assert_int_equal(out.timestamp - first.timestamp,
					 160u * index);
			assert_int_equal(out.ssrc, first.ssrc);
			assert_int_equal(out.pt, round ? 8 : 0);
			assert_int_equal(out.marker, index % 100 == 0);
			assert_int_equal(out.payload_len, 160);
			assert_memory_equal(out.payload, speech[index], 160);
		}
		/* The last bodies were truncated ones: 2 octets each. */
		world_parse(&a, 399);
		assert_int_equal(a.chunk[0].seq.width, 2);
		two_close();
	}
	shows("RIPT-GW-09");
	shows("RIPT-GW-10");
	shows("RIPT-MC-16");
}

/* One digit of 160 ms, three end packets, everything of @lose lost. */
static void one_digit(uint32_t lose, unsigned want_packets)
{
	static const char *const payload[] = {
		"\x05\x0a\x00\xa0", "\x05\x0a\x01\x40", "\x05\x0a\x01\xe0",
		"\x05\x0a\x02\x80", "\x05\x0a\x03\x20", "\x05\x8a\x05\x00",
		"\x05\x8a\x05\x00", "\x05\x8a\x05\x00",
	};
	struct bridge_stats stats;
	struct rtp rtp, first = { 0 };
	unsigned i, n = 0;

	two_open();
	world_pcmu(&a, 1, 0);
	body_over(&b, &a.body[0]);
	for (i = 0; i < 8; i++) {
		world_pass(&a, i < 6 ? 20 : 0);
		event_packet(&a, (uint16_t)(2 + i), 320, i == 0, payload[i]);
		world_parse(&a, 1 + i);
		assert_int_equal(a.chunk[0].payload_type,
				 codec_info(CODEC_TELEPHONE_EVENT)->ript_pt);
		if (lose & 1u << i)
			continue;
		body_over(&b, &a.body[1 + i]);
		n++;
		rtp = world_sent(n);
		if (n == 1)
			first = rtp;
		assert_int_equal(rtp.pt, PT_EVENT);
		assert_int_equal(rtp.payload_len, 4);
		assert_memory_equal(rtp.payload, payload[i], 4);
		assert_int_equal(rtp.timestamp, first.timestamp);
		assert_int_equal(rtp.marker, n == 1);
		assert_int_equal((uint16_t)(rtp.seq - world_sent(0).seq),
				 1 + i);
	}
	assert_int_equal(n, want_packets);
	/* Speech goes on at its own time. */
	world_pass(&a, 20);
	world_pcmu(&a, 10, 0);
	body_over(&b, &a.body[a.body_cnt - 1]);
	rtp = world_sent(n + 1);
	assert_int_equal(rtp.timestamp - world_sent(0).timestamp, 160 * 9);
	bridge_stats(b.bridge, &stats);
	assert_int_equal(stats.digits, 1);
	bridge_stats(a.bridge, &stats);
	assert_int_equal(stats.digits, 1);
	two_close();
}

static void digits(void **state)
{
	(void)state;
	one_digit(0, 8);
	one_digit(1u << 2 | 1u << 3, 6);
	one_digit(1u << 0 | 1u << 5, 6);
	one_digit(1u << 5 | 1u << 6, 6);
	shows("RIPT-GW-11");
	shows("RIPT-DR-13");	/* the number of the SDP stays behind */
}

/* Two presses of the same key are two digits, also without marker tags. */
static void two_digits(void **state)
{
	static const char event[4] = "\x01\x8a\x03\x20";
	struct bridge_stats stats;
	unsigned i;

	(void)state;
	world_open(&w, true);
	for (i = 0; i < 6; i++) {
		struct chunk c = world_chunk(
			WALL_MS + i, WALL_MS + (i < 3 ? 0 : 200),
			CODEC_TELEPHONE_EVENT, event, sizeof(event));

		assert_int_equal(world_chunk_in(&w, &c), 0);
		assert_int_equal(world_sent(i).marker, i % 3 == 0);
	}
	bridge_stats(w.bridge, &stats);
	assert_int_equal(stats.digits, 2);
	world_close(&w);
}

/* ---- silence ---- */

static void noise_both_ways(void **state)
{
	struct rtp rtp;

	(void)state;
	two_open();
	world_pcmu(&a, 1, 0);
	noise_packet(&a, 2, 320, 0x40);
	world_pass(&a, 20);
	body_over(&b, &a.body[0]);
	body_over(&b, &a.body[1]);
	world_parse(&a, 1);
	assert_int_equal(a.chunk[0].payload_type, 13);
	rtp = world_sent(1);
	assert_int_equal(rtp.pt, 13);
	assert_int_equal(rtp.payload_len, 1);
	assert_int_equal(rtp.payload[0], 0x40);
	two_close();
}

/* Nothing comes from the phone for 60 s.  The server says so at least every
 * 4 s, in the same count; the client need not. */
static void sixty_seconds_of_silence(void **state)
{
	struct bridge_stats stats;
	uint64_t last_ms = 0, heard_ns;
	unsigned seen, i;

	(void)state;
	world_open(&w, false);
	world_pcmu(&w, 1, 0);
	noise_packet(&w, 2, 320, 0x33);
	heard_ns = loop_now_ns(w.loop);
	seen = w.body_cnt;
	for (i = 0; i < 60000; i += 10) {
		world_pass(&w, 10);
		assert_true(world_ms(&w) - last_ms < 4000);
		if (seen == w.body_cnt)
			continue;
		world_parse(&w, seen++);
		last_ms = world_ms(&w);
		assert_true(w.body[seen - 1].media);
		assert_int_equal(w.chunk_cnt, 1);
		assert_int_equal(w.chunk[0].payload_type, 13);
		assert_int_equal(w.chunk[0].media_len, 1);
		assert_int_equal(w.chunk[0].media[0], 0x33);
		assert_true((w.chunk[0].seq.value & 0xffff) ==
			    ((WALL_MS + seen - 1) & 0xffff));
	}
	assert_in_range(seen, 2 + 15, 2 + 20);
	/* It is no media of the phone's. */
	bridge_stats(w.bridge, &stats);
	assert_true(stats.last_media_ns == heard_ns);
	assert_int_equal(stats.from_rtp.packets, 2);
	assert_int_equal(stats.from_rtp.fate[FATE_FORWARDED], 2);

	/* Speech goes on behind it. */
	world_pcmu(&w, 3, 0);
	world_parse(&w, seen);
	assert_true((w.chunk[0].seq.value & 0xffff) ==
		    ((WALL_MS + seen) & 0xffff));
	world_close(&w);

	world_open(&w, true);
	world_pcmu(&w, 1, 0);
	world_pass(&w, 60000);
	assert_int_equal(w.body_cnt, 1);
	world_close(&w);

	/* Nothing was ever heard: the lowest level.  A directive without a
	 * stream has nothing to carry. */
	world_open(&w, false);
	world_pass(&w, 4000);
	assert_int_equal(w.body_cnt, 1);
	world_parse(&w, 0);
	assert_int_equal(w.chunk[0].media[0], 0x7f);
	assert_int_equal(w.chunk[0].seq.width, 8);
	w.ript.tx_codecs = 0;
	bridge_set_ript(w.bridge, &w.ript);
	world_pass(&w, 60000);
	assert_int_equal(w.body_cnt, 1);
	/* A handler that refused CN gets silence in its codec. */
	w.ript.tx_codecs = 1u << CODEC_PCMA;
	bridge_set_ript(w.bridge, &w.ript);
	world_pass(&w, 4000);
	world_parse(&w, w.body_cnt - 1);
	assert_int_equal(w.chunk[0].payload_type, 8);
	assert_int_equal(w.chunk[0].media_len, 160);
	assert_int_equal(w.chunk[0].media[159], 0xd5);
	world_close(&w);
	shows("RIPT-GW-12");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rtp_to_chunk),
		cmocka_unit_test(long_packets_are_cut),
		cmocka_unit_test(ssrc_and_jump),
		cmocka_unit_test(chunk_to_rtp),
		cmocka_unit_test(speech_is_unchanged),
		cmocka_unit_test(digits),
		cmocka_unit_test(two_digits),
		cmocka_unit_test(noise_both_ways),
		cmocka_unit_test(sixty_seconds_of_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
