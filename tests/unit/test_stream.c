/* SPDX-License-Identifier: MIT */
#include "media/stream.h"
#include "tests/unit/shows.h"
#include "tests/unit/unit.h"

#define S UINT64_C(1000000000)
#define START UINT64_C(0x170211a5e40)

static struct chunk stamp(struct stream_tx *tx, uint64_t seq, uint64_t now_ns)
{
	struct chunk chunk = { 0 };

	stream_tx_stamp(tx, &chunk, seq, seq, now_ns, START + now_ns / 1000000);
	return chunk;
}

static struct chunk ack_of(const struct chunk *chunk, uint64_t received_ms)
{
	struct chunk ack = { 0 };

	ack.acked_seq = chunk->seq;
	ack.pkg = CHUNK_BIT(CHUNK_RECEIVE_TIME);
	ack.receive_time.value = received_ms & 0xffff;
	ack.receive_time.width = 2;
	return ack;
}

static bool acked(struct stream_tx *tx, const struct chunk *chunk)
{
	struct chunk ack = ack_of(chunk, START);

	return stream_tx_acked(tx, &ack, START);
}

static bool full(const struct chunk *chunk)
{
	assert_int_equal(chunk->seq.width, chunk->time.width);
	return chunk->seq.width == 8;
}

static void full_until_acked(void **state)
{
	struct stream_tx tx;
	struct chunk first, c;
	uint64_t seq;

	(void)state;
	stream_tx_init(&tx, 3, 4);
	first = stamp(&tx, START, 0);
	assert_true(full(&first));
	assert_true(first.seq.value == START);
	assert_int_equal(first.source, 3);
	assert_int_equal(first.sink, 4);
	for (seq = START + 1; seq < START + 10; seq++) {
		c = stamp(&tx, seq, 0);
		assert_true(full(&c));
	}
	shows("RIPT-MC-04");

	assert_true(acked(&tx, &first));
	c = stamp(&tx, START + 10, 0);
	assert_false(full(&c));
	assert_int_equal(c.seq.width, 2);
	assert_true(c.seq.value == ((START + 10) & 0xffff));
	assert_true(c.time.value == ((START + 10) & 0xffff));
	shows("RIPT-MC-05");
}

/* Every occasion of profile section 1 leads to stream_tx_renew(), but for the
 * pause, which the stream sees itself. */
static void full_again(void **state)
{
	struct stream_tx tx;
	struct chunk before, c;

	(void)state;
	stream_tx_init(&tx, 0, 1);
	before = stamp(&tx, START, 0);
	assert_true(acked(&tx, &before));
	before = stamp(&tx, START + 1, 0);
	assert_false(full(&before));

	stream_tx_renew(&tx);
	c = stamp(&tx, START + 2, 0);
	assert_true(full(&c));
	/* An ack of a chunk from before proves nothing now. */
	before.seq.value = START + 1;
	before.seq.width = 8;
	assert_true(acked(&tx, &before));
	c = stamp(&tx, START + 3, 0);
	assert_true(full(&c));
	/* Nor does one of a truncated value. */
	c.seq.width = 2;
	c.seq.value &= 0xffff;
	assert_true(acked(&tx, &c));
	c = stamp(&tx, START + 4, 0);
	assert_true(full(&c));
	assert_true(acked(&tx, &c));
	c = stamp(&tx, START + 5, 0);
	assert_false(full(&c));

	c = stamp(&tx, START + 6, 15 * S);
	assert_false(full(&c));
	c = stamp(&tx, START + 7, 30 * S + 1);
	assert_true(full(&c));
	c = stamp(&tx, START + 8, 30 * S + 2);
	assert_true(full(&c));
}

static void loss_and_delay(void **state)
{
	struct stream_tx tx;
	struct chunk c[600];
	struct chunk ack;
	unsigned i;

	(void)state;
	stream_tx_init(&tx, 0, 1);
	/* Every tenth chunk is lost; acks come 40 ms after sending and say
	 * 15 ms of one-way delay. */
	for (i = 0; i < 600; i++) {
		c[i] = stamp(&tx, START + i, i * UINT64_C(20000000));
		if (i < 2)
			continue;
		if ((i - 2) % 10 == 0)
			continue;
		ack = ack_of(&c[i - 2], START + (i - 2) * 20 + 15);
		assert_true(stream_tx_acked(&tx, &ack, START + i * 20));
		/* Once only. */
		assert_false(stream_tx_acked(&tx, &ack, START + i * 20));
	}
	assert_int_equal(tx.loss.sent, 600);
	assert_int_equal(tx.loss.acked, 538);
	assert_int_equal(tx.loss.rtt_ms, 40);
	assert_int_equal(tx.loss.rtt_min_ms, 40);
	assert_int_equal(tx.loss.delay_ms, 15);
	assert_int_equal(tx.loss.jitter_ms, 0);
	/* Lost: one of ten among those that STREAM_SENT others followed. */
	assert_int_equal(tx.loss.lost, (600 - STREAM_SENT) / 10 + 1);
	shows("RIPT-MB-16");

	/* A number that was never sent, one too old, one of another time. */
	ack = ack_of(&c[599], START);
	ack.acked_seq.value++;
	assert_false(stream_tx_acked(&tx, &ack, START));
	ack.acked_seq.value = START;
	ack.acked_seq.width = 8;
	assert_false(stream_tx_acked(&tx, &ack, START));

	/* A chunk that did not leave awaits no ack. */
	c[0] = stamp(&tx, START + 600, 12 * S);
	stream_tx_unsent(&tx, START + 600);
	assert_int_equal(tx.loss.sent, 600);
	assert_false(acked(&tx, &c[0]));

	/* A jump: what was open is lost. */
	tx.loss.lost = 0;
	stamp(&tx, START + 5000, 12 * S);
	assert_in_range(tx.loss.lost, 20, STREAM_SENT / 10 + 3);
}

/* ---- receiving ---- */

static enum stream_verdict put(struct stream_rx *rx, uint64_t seq,
			       uint8_t width, uint64_t *got)
{
	struct chunk chunk = { 0 };
	uint64_t mask = width == 8 ? UINT64_MAX
				   : (UINT64_C(1) << 8 * width) - 1;
	uint64_t time_ms = 0;
	enum stream_verdict verdict;

	chunk.seq.value = seq & mask;
	chunk.time.value = (seq * 3) & mask;
	chunk.seq.width = chunk.time.width = width;
	verdict = stream_rx_put(rx, &chunk, got, &time_ms);
	if (verdict != STREAM_UNREBUILT)
		assert_true(time_ms == seq * 3);
	return verdict;
}

static void rebuild_over_wraps(void **state)
{
	uint64_t base = UINT64_C(5) << 16, seq, got;
	struct stream_rx rx;

	(void)state;
	stream_rx_init(&rx, 0, 1);
	assert_int_equal(put(&rx, base - 300, 2, &got), STREAM_UNREBUILT);
	assert_int_equal(put(&rx, base - 300, 8, &got), STREAM_FIRST);
	for (seq = base - 299; seq < base + 200000; seq++) {
		if (seq % 7 == 3)
			continue;	/* lost */
		assert_int_equal(put(&rx, seq, 2, &got), STREAM_NEW);
		assert_true(got == seq);
	}
	assert_true(rx.lost > 28000 && rx.lost < 29000);
	assert_int_equal(put(&rx, seq - 1, 2, &got), STREAM_DUPLICATE);
	shows("RIPT-MC-07");
}

static void time_needs_a_full_value_too(void **state)
{
	struct chunk chunk = { .seq = { START, 8 }, .time = { 1, 2 } };
	struct stream_rx rx;
	uint64_t seq, time_ms;

	(void)state;
	stream_rx_init(&rx, 0, 1);
	assert_int_equal(stream_rx_put(&rx, &chunk, &seq, &time_ms),
			 STREAM_UNREBUILT);
	chunk.time.value = START;
	chunk.time.width = 8;
	assert_int_equal(stream_rx_put(&rx, &chunk, &seq, &time_ms),
			 STREAM_FIRST);
	assert_true(seq == START && time_ms == START);
}

static void order(void **state)
{
	static const struct {
		int64_t off;
		enum stream_verdict verdict;
		uint64_t lost;
	} rows[] = {
		{ 0, STREAM_FIRST, 0 },	    { 1, STREAM_NEW, 0 },
		{ 1, STREAM_DUPLICATE, 0 }, { 5, STREAM_NEW, 3 },
		{ 3, STREAM_NEW, 2 },	    { 3, STREAM_DUPLICATE, 2 },
		{ 4, STREAM_NEW, 1 },	    { 2, STREAM_NEW, 0 },
		{ 300, STREAM_NEW, 294 },   { 45, STREAM_NEW, 293 },
		{ 44, STREAM_LATE, 293 },   { 0, STREAM_LATE, 293 },
		{ -600, STREAM_LATE, 293 }, { 1300, STREAM_NEW, 1292 },
		/* A takeover upwards is no loss ... */
		{ 2301, STREAM_FIRST, 1292 },
		/* ... the old instance's tail no way back ... */
		{ 1301, STREAM_LATE, 1292 },
		{ 1299, STREAM_LATE, 1292 },
		{ 2302, STREAM_NEW, 1292 },
		/* ... and a clock set back a new count. */
		{ -9000, STREAM_FIRST, 1292 },
		{ -8999, STREAM_NEW, 1292 },
	};
	struct stream_rx rx;
	uint64_t got;
	size_t i;

	(void)state;
	stream_rx_init(&rx, 0, 1);
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(put(&rx, START + (uint64_t)rows[i].off, 8,
				     &got),
				 rows[i].verdict);
		assert_int_equal(rx.lost, rows[i].lost);
	}
}

/* One wild number must not turn the whole stream into late chunks. */
static void a_wild_number(void **state)
{
	struct stream_rx rx;
	uint64_t got;
	unsigned i;

	(void)state;
	stream_rx_init(&rx, 0, 1);
	assert_int_equal(put(&rx, START, 8, &got), STREAM_FIRST);
	assert_int_equal(put(&rx, START + 1000000, 8, &got), STREAM_FIRST);
	for (i = 1; i <= STREAM_TAIL; i++)
		assert_int_equal(put(&rx, START + i, 8, &got), STREAM_LATE);
	assert_int_equal(put(&rx, START + i, 8, &got), STREAM_FIRST);
	assert_int_equal(put(&rx, START + i + 1, 8, &got), STREAM_NEW);
}

static void streams_are_independent(void **state)
{
	struct stream_tx tx_a, tx_b;
	struct stream_rx rx_a, rx_b;
	struct chunk c;
	uint64_t got;

	(void)state;
	stream_tx_init(&tx_a, 0, 1);
	stream_tx_init(&tx_b, 2, 1);
	c = stamp(&tx_a, START, 0);
	assert_true(acked(&tx_a, &c));
	c = stamp(&tx_b, 77, 0);
	assert_true(full(&c) && c.seq.value == 77 && c.source == 2);
	c = stamp(&tx_a, START + 1, 0);
	assert_false(full(&c));

	stream_rx_init(&rx_a, 0, 1);
	stream_rx_init(&rx_b, 2, 1);
	assert_int_equal(put(&rx_a, START, 8, &got), STREAM_FIRST);
	assert_int_equal(put(&rx_b, 77, 8, &got), STREAM_FIRST);
	assert_int_equal(put(&rx_a, START + 1, 2, &got), STREAM_NEW);
	assert_true(got == START + 1);
	assert_int_equal(put(&rx_b, 78, 2, &got), STREAM_NEW);
	assert_true(got == 78);
	shows("RIPT-MC-19");
}

static void window_edges(void **state)
{
	static const struct {
		uint64_t seq;
		enum seq_verdict verdict;
	} rows[] = {
		{ 1000, SEQ_DUPLICATE },
		{ 999, SEQ_OLD },
		{ 999, SEQ_DUPLICATE },
		{ 1255, SEQ_NEXT },
		{ 1000, SEQ_DUPLICATE },
		{ 999, SEQ_LATE },
		{ 1256, SEQ_NEXT },
		{ 1000, SEQ_LATE },
		{ 1001, SEQ_OLD },
		{ 1512, SEQ_NEXT },	/* a whole window at once */
		{ 1257, SEQ_OLD },
		{ 1256, SEQ_LATE },
		{ 9999, SEQ_NEXT },
		{ 9998, SEQ_OLD },
		{ 9744, SEQ_OLD },
		{ 9743, SEQ_LATE },
	};
	struct seq_window w;
	size_t i;

	(void)state;
	seq_window_start(&w, 1000);
	for (i = 0; i < COUNT(rows); i++)
		assert_int_equal(seq_window_put(&w, rows[i].seq),
				 rows[i].verdict);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_until_acked),
		cmocka_unit_test(full_again),
		cmocka_unit_test(loss_and_delay),
		cmocka_unit_test(rebuild_over_wraps),
		cmocka_unit_test(time_needs_a_full_value_too),
		cmocka_unit_test(order),
		cmocka_unit_test(a_wild_number),
		cmocka_unit_test(streams_are_independent),
		cmocka_unit_test(window_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
