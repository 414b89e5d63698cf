/* SPDX-License-Identifier: MIT */
#include "media/renumber.h"
#include "tests/unit/shows.h"
#include "tests/unit/unit.h"

#define MS UINT64_C(1000000)
#define START UINT64_C(0x170211a5e40)

/* One packet at @at_ms after the start. */
static enum seq_verdict take(struct to_chunk *in, uint32_t ssrc, int seq,
			     uint32_t ts, bool marker, uint64_t at_ms,
			     uint64_t *out_seq, uint64_t *out_ms)
{
	struct rtp rtp = {
		.ssrc = ssrc,
		.seq = (uint16_t)seq,
		.timestamp = ts,
		.marker = marker,
	};

	return to_chunk_number(in, &rtp, 8000, (at_ms + 5000) * MS,
			       START + at_ms, out_seq, out_ms);
}

/* A row: what comes when, and its chunk numbers less START; no_chunk: it is
 * dropped. */
#define DUP -1000000
#define LATE -2000000

struct row {
	const char *name;
	uint64_t at_ms;
	uint32_t ssrc;
	int seq;
	uint32_t ts;
	bool marker;
	int64_t want_seq;
	int64_t want_ms;
};

static void run(const struct row *rows, size_t count)
{
	struct to_chunk in = { 0 };
	uint64_t seq, ms;
	enum seq_verdict verdict;
	size_t i;

	for (i = 0; i < count; i++) {
		const struct row *r = &rows[i];

		seq = ms = 0;
		verdict = take(&in, r->ssrc, r->seq, r->ts, r->marker,
			       r->at_ms, &seq, &ms);
		if (r->want_seq == DUP ? verdict != SEQ_DUPLICATE
		    : r->want_seq == LATE
			    ? verdict != SEQ_LATE
			    : (verdict != SEQ_NEXT && verdict != SEQ_OLD) ||
				      seq - START != (uint64_t)r->want_seq ||
				      ms - START != (uint64_t)r->want_ms)
			fail_msg("%s: verdict %d seq %lld ms %lld", r->name,
				 (int)verdict, (long long)(seq - START),
				 (long long)(ms - START));
	}
}

/* Q51: start + (extended RTP seq - first). */
static void sequence(void **state)
{
	static const struct row rows[] = {
		{ "first", 0, 1, 65534, 160, true, 0, 0 },
		{ "second", 20, 1, 65535, 320, false, 1, 20 },
		{ "wraps", 40, 1, 0, 480, false, 2, 40 },
		{ "again", 41, 1, 0, 480, false, DUP, 0 },
		{ "two lost", 100, 1, 3, 960, false, 5, 100 },
		{ "late, not lost", 101, 1, 2, 800, false, 4, 80 },
		{ "its duplicate", 102, 1, 2, 800, false, DUP, 0 },
		{ "before the first", 103, 1, 65533, 0, false, -1, -20 },
		{ "1000 lost", 20100, 1, 1003, 160960, false, 1005, 20100 },
		{ "too old", 20101, 1, 400, 64480, false, LATE, 0 },
	};

	(void)state;
	run(rows, COUNT(rows));
}

static void new_counts(void **state)
{
	static const struct row rows[] = {
		{ "first", 0, 1, 100, 160, true, 0, 0 },
		{ "second", 20, 1, 101, 320, false, 1, 20 },
		{ "new SSRC", 40, 2, 9000, 777, true, 2, 40 },
		{ "goes on", 60, 2, 9001, 937, false, 3, 60 },
		/* 9000 was the first of this count: what came before it has
		 * no number left. */
		{ "before it", 61, 2, 8999, 617, false, LATE, 0 },
		{ "jump ahead", 80, 2, 10500, 1097, false, 4, 80 },
		{ "goes on", 100, 2, 10501, 1257, false, 5, 100 },
		{ "jump back", 120, 2, 20, 1417, false, 6, 120 },
		{ "goes on", 140, 2, 21, 1577, false, 7, 140 },
		{ "first SSRC again", 160, 1, 102, 480, false, 8, 160 },
	};

	(void)state;
	run(rows, COUNT(rows));
}

/* A sender that began anew a little lower is late once, then believed. */
static void sender_restarts(void **state)
{
	struct to_chunk in = { 0 };
	uint64_t seq, ms;
	int i;

	(void)state;
	for (i = 0; i < 600; i++)
		assert_int_equal(take(&in, 1, i, 160u * (uint32_t)i, false,
				      20u * (unsigned)i, &seq, &ms),
				 SEQ_NEXT);
	assert_int_equal(take(&in, 1, 50, 500000, true, 12000, &seq, &ms),
			 SEQ_LATE);
	assert_int_equal(take(&in, 1, 51, 500160, false, 12020, &seq, &ms),
			 SEQ_NEXT);
	assert_true(seq == START + 600);
	assert_true(ms == START + 12020);
}

/* Q52: the clock is followed from anchor to anchor. */
static void timestamps(void **state)
{
	static const struct row rows[] = {
		{ "anchor", 0, 1, 1, 1000, true, 0, 0 },
		{ "jitter stays out", 75, 1, 2, 1160, false, 1, 20 },
		{ "early", 40, 1, 3, 1320, false, 2, 40 },
		/* The sender's clock ran ahead by 90 ms: not enough. */
		{ "marker, off 90", 1000, 1, 4, 9720, true, 3, 1090 },
		/* 150 ms ahead, within a spurt: never. */
		{ "in a spurt", 1020, 1, 5, 10360, false, 4, 1170 },
		{ "marker, off 130", 1060, 1, 6, 10520, true, 5, 1171 },
		{ "marker, now after it", 2100, 1, 7, 20000, true, 6, 2100 },
		{ "goes on", 2120, 1, 8, 20160, false, 7, 2120 },
		/* A gap of RTP time without a marker; off by 60 only. */
		{ "gap, off 60", 2400, 1, 9, 22880, false, 8, 2460 },
		{ "gap, off 300", 3000, 1, 10, 29600, false, 9, 3000 },
		/* Nothing for a second: a pause whatever RTP says ... */
		{ "pause", 4500, 1, 11, 29760, false, 10, 4500 },
		/* ... less is a network that stalled. */
		{ "stall", 5400, 1, 12, 29920, false, 11, 4520 },
		{ "new SSRC", 5500, 2, 1, 5, true, 12, 5500 },
	};

	(void)state;
	run(rows, COUNT(rows));
}

/* One timestamp for all packets of an event, however long, with and without
 * audio beside it. */
static void events_keep_their_time(void **state)
{
	static const struct row rows[] = {
		{ "audio", 0, 1, 1, 0, true, 0, 0 },
		{ "event", 20, 1, 2, 160, true, 1, 20 },
		{ "50 ms on", 70, 1, 3, 160, false, 2, 20 },
		{ "marker again", 520, 1, 4, 160, true, 3, 20 },
		{ "end", 990, 1, 5, 160, false, 4, 20 },
		{ "end again", 990, 1, 6, 160, false, 5, 20 },
		{ "end again", 990, 1, 7, 160, false, 6, 20 },
		{ "audio", 1000, 1, 8, 8000, false, 7, 1000 },
		{ "event", 1020, 1, 9, 8160, true, 8, 1020 },
		{ "audio beside it", 1020, 1, 10, 8160, false, 9, 1020 },
		{ "audio", 1400, 1, 11, 11200, false, 10, 1400 },
		{ "event, older", 1401, 1, 12, 8160, false, 11, 1020 },
		{ "audio", 1420, 1, 13, 11360, false, 12, 1420 },
		{ "event, older", 1421, 1, 14, 8160, false, 13, 1020 },
	};

	(void)state;
	run(rows, COUNT(rows));
}

/* Hours of a sender whose clock is 200 ppm fast, one marker in 10 s: always
 * within 100 ms, and the 32-bit RTP clock wraps on the way. */
static void drift(void **state)
{
	struct to_chunk in = { 0 };
	uint64_t seq, ms, at_ms, packet;
	int64_t off, worst = 0;
	uint32_t ts = 0xffff0000;

	(void)state;
	for (packet = 0; packet < 3 * 3600 * 50; packet++) {
		at_ms = packet * 20 - packet * 20 / 5000;
		assert_int_equal(take(&in, 1, (int)packet, ts,
				      packet % 500 == 0, at_ms, &seq, &ms),
				 SEQ_NEXT);
		assert_true(seq == START + packet);
		off = (int64_t)(ms - START - at_ms);
		if (off < 0)
			off = -off;
		if (off > worst)
			worst = off;
		ts += 160;
	}
	assert_in_range(worst, 50, 103);
	shows("RIPT-MC-08");	/* with our decision Q52: within 100 ms */
}

/* Chunks of our own take a number; what RTP brings follows behind. */
static void inserted(void **state)
{
	struct to_chunk in = { 0 };
	uint64_t seq, ms;

	(void)state;
	assert_true(to_chunk_insert(&in, START) == START);
	assert_true(to_chunk_insert(&in, START + 4000) == START + 1);
	assert_int_equal(take(&in, 1, 10, 160, true, 5000, &seq, &ms),
			 SEQ_NEXT);
	assert_true(seq == START + 2);
	assert_int_equal(take(&in, 1, 12, 480, false, 5040, &seq, &ms),
			 SEQ_NEXT);
	assert_true(seq == START + 4);
	assert_true(to_chunk_insert(&in, START + 9000) == START + 5);
	/* The lost one comes now: its place is behind the inserted one. */
	assert_int_equal(take(&in, 1, 11, 320, false, 9001, &seq, &ms),
			 SEQ_LATE);
	assert_int_equal(take(&in, 1, 13, 640, false, 9002, &seq, &ms),
			 SEQ_NEXT);
	assert_true(seq == START + 6);
}

static void clock_changes(void **state)
{
	struct to_chunk in = { 0 };
	struct rtp rtp = { .ssrc = 1, .seq = 1, .timestamp = 48000 };
	uint64_t seq, ms;

	(void)state;
	to_chunk_number(&in, &rtp, 48000, 5000 * MS, START, &seq, &ms);
	rtp.seq = 2;
	rtp.timestamp += 960;
	to_chunk_number(&in, &rtp, 48000, 5020 * MS, START + 20, &seq, &ms);
	assert_true(ms == START + 20);
	rtp.seq = 3;
	rtp.timestamp += 960;
	to_chunk_number(&in, &rtp, 8000, 5041 * MS, START + 41, &seq, &ms);
	assert_true(seq == START + 2);
	assert_true(ms == START + 41);
}

/* ---- chunk -> RTP ---- */

static void to_rtp_numbers(void **state)
{
	static const struct {
		const char *name;
		bool first;
		int64_t seq, ms;
		uint64_t at_ms;
		bool ok;
		uint16_t rtp_seq;
		uint32_t ts;
	} rows[] = {
		{ "first", true, 0, 0, 0, true, 65530, 5000 },
		{ "next", false, 1, 20, 20, true, 65531, 5160 },
		{ "three lost", false, 5, 100, 100, true, 65535, 5800 },
		{ "wraps", false, 6, 120, 120, true, 0, 5960 },
		{ "late", false, 4, 80, 130, true, 65534, 5640 },
		{ "silence", false, 7, 3000, 3000, true, 1, 29000 },
		{ "takeover", true, 90000, 3500, 3450, true, 2, 33000 },
		{ "next", false, 90001, 3520, 3470, true, 3, 33160 },
		{ "taken", false, 89999, 3480, 3475, false, 0, 0 },
		{ "clock far off", true, 5, 90000000, 3670, true, 4, 34760 },
		{ "clock back", true, 99, 50, 3690, true, 5, 34920 },
		{ "at once", true, 9999, 40, 3690, true, 6, 35080 },
	};
	struct to_rtp out;
	struct rtp rtp;
	size_t i;

	(void)state;
	to_rtp_init(&out, 65530, 5000);
	for (i = 0; i < COUNT(rows); i++) {
		bool ok = to_rtp_number(&out, rows[i].first,
					START + (uint64_t)rows[i].seq,
					START + (uint64_t)rows[i].ms, 8000,
					rows[i].at_ms * MS, &rtp);

		if (ok != rows[i].ok ||
		    (ok && (rtp.seq != rows[i].rtp_seq ||
			    rtp.timestamp != rows[i].ts)))
			fail_msg("%s: seq %u ts %u", rows[i].name, rtp.seq,
				 rtp.timestamp);
	}
	shows("RIPT-GW-10");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequence),
		cmocka_unit_test(new_counts),
		cmocka_unit_test(sender_restarts),
		cmocka_unit_test(timestamps),
		cmocka_unit_test(events_keep_their_time),
		cmocka_unit_test(drift),
		cmocka_unit_test(inserted),
		cmocka_unit_test(clock_changes),
		cmocka_unit_test(to_rtp_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
