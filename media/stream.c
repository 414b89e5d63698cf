/* SPDX-License-Identifier: MIT */
#include "media/stream.h"

#include <string.h>

/* ---- window ---- */

static inline uint64_t bit(uint64_t seq)
{
	return UINT64_C(1) << (seq & 63);
}

static inline unsigned word(uint64_t seq)
{
	return (unsigned)(seq / 64 % (SEQ_WINDOW / 64));
}

void seq_window_start(struct seq_window *window, uint64_t seq)
{
	memset(window, 0, sizeof(*window));
	window->high = seq;
	window->seen[word(seq)] = bit(seq);
}

enum seq_verdict seq_window_put(struct seq_window *window, uint64_t seq)
{
	uint64_t *seen = &window->seen[word(seq)];

	if (seq > window->high) {
		if (seq - window->high >= SEQ_WINDOW) {
			memset(window->seen, 0, sizeof(window->seen));
			window->high = seq - 1;
		}
		while (++window->high < seq)
			window->seen[word(window->high)] &=
				~bit(window->high);
		*seen |= bit(seq);
		return SEQ_NEXT;
	}
	if (window->high - seq >= SEQ_WINDOW)
		return SEQ_LATE;
	if (*seen & bit(seq))
		return SEQ_DUPLICATE;
	*seen |= bit(seq);
	return SEQ_OLD;
}

/* ---- sending ---- */

static inline unsigned slot(uint64_t seq)
{
	return (unsigned)(seq % STREAM_SENT);
}

void stream_tx_init(struct stream_tx *tx, uint8_t source, uint8_t sink)
{
	memset(tx, 0, sizeof(*tx));
	tx->source = source;
	tx->sink = sink;
}

void stream_tx_renew(struct stream_tx *tx)
{
	tx->proven = false;
	tx->full_from = tx->started ? tx->high + 1 : 0;
}

/* Make room for @seq in the ring: what it displaces was never acked. */
static void note_sent(struct stream_tx *tx, uint64_t seq, uint64_t wall_ms)
{
	uint64_t s;

	if (tx->started && seq > tx->high && seq - tx->high <= STREAM_SENT) {
		for (s = tx->high + 1; s <= seq; s++) {
			uint64_t *waiting = &tx->waiting[slot(s) / 64];

			if (*waiting & bit(s)) {
				tx->loss.lost++;
				*waiting &= ~bit(s);
			}
		}
	} else if (!tx->started || seq > tx->high) {
		for (s = 0; s < STREAM_SENT / 64; s++) {
			tx->loss.lost += (unsigned)__builtin_popcountll(
				tx->waiting[s]);
			tx->waiting[s] = 0;
		}
	} else if (tx->high - seq >= STREAM_SENT) {
		return;		/* older than the ring */
	}
	tx->waiting[slot(seq) / 64] |= bit(seq);
	tx->sent_ms[slot(seq)] = (uint16_t)wall_ms;
}

void stream_tx_stamp(struct stream_tx *tx, struct chunk *chunk, uint64_t seq,
		     uint64_t time_ms, uint64_t now_ns, uint64_t wall_ms)
{
	uint64_t mask;
	uint8_t width;

	if (tx->proven && now_ns - tx->last_ns > STREAM_IDLE_NS)
		stream_tx_renew(tx);
	note_sent(tx, seq, wall_ms);
	if (!tx->started || seq > tx->high)
		tx->high = seq;
	tx->started = true;
	tx->last_ns = now_ns;
	tx->loss.sent++;

	width = tx->proven ? CHUNK_SHORT : CHUNK_FULL;
	mask = tx->proven ? 0xffff : UINT64_MAX;
	chunk->env |= CHUNK_BIT(CHUNK_SEQUENCE) | CHUNK_BIT(CHUNK_TIMESTAMP) |
		      CHUNK_BIT(CHUNK_SOURCE) | CHUNK_BIT(CHUNK_SINK);
	chunk->seq.value = seq & mask;
	chunk->seq.width = width;
	chunk->time.value = time_ms & mask;
	chunk->time.width = width;
	chunk->source = tx->source;
	chunk->sink = tx->sink;
}

void stream_tx_unsent(struct stream_tx *tx, uint64_t seq)
{
	tx->waiting[slot(seq) / 64] &= ~bit(seq);
	tx->loss.sent--;
}

/* Means of one eighth; the deviation of a quarter (as RFC 6298 does). */
static void measure(struct stream_tx *tx, uint64_t seq,
		    const struct chunk *ack, uint64_t wall_ms)
{
	uint16_t sent = tx->sent_ms[slot(seq)];
	uint32_t rtt = (uint16_t)((uint16_t)wall_ms - sent);
	struct stream_loss *loss = &tx->loss;
	int32_t delay = loss->delay_ms, off;

	if (ack->pkg & CHUNK_BIT(CHUNK_RECEIVE_TIME))
		delay = (int16_t)((uint16_t)ack->receive_time.value - sent);
	if (!tx->measured) {
		tx->measured = true;
		loss->rtt_ms = loss->rtt_min_ms = rtt;
		loss->delay_ms = delay;
		return;
	}
	if (rtt < loss->rtt_min_ms)
		loss->rtt_min_ms = rtt;
	loss->rtt_ms = (loss->rtt_ms * 7 + rtt + 4) / 8;
	off = delay - loss->delay_ms;
	loss->delay_ms += off / 8;
	loss->jitter_ms =
		(loss->jitter_ms * 3 + (uint32_t)(off < 0 ? -off : off) + 2) /
		4;
}

bool stream_tx_acked(struct stream_tx *tx, const struct chunk *ack,
		     uint64_t wall_ms)
{
	uint64_t seq;

	if (!tx->started)
		return false;
	seq = chunk_rebuild(&ack->acked_seq, tx->high + 1);
	if (seq > tx->high || tx->high - seq >= STREAM_SENT)
		return false;
	if (ack->acked_seq.width == CHUNK_FULL && seq >= tx->full_from)
		tx->proven = true;
	if (!(tx->waiting[slot(seq) / 64] & bit(seq)))
		return false;
	tx->waiting[slot(seq) / 64] &= ~bit(seq);
	tx->loss.acked++;
	measure(tx, seq, ack, wall_ms);
	return true;
}

/* ---- receiving ---- */

void stream_rx_init(struct stream_rx *rx, uint8_t source, uint8_t sink)
{
	memset(rx, 0, sizeof(*rx));
	rx->source = source;
	rx->sink = sink;
}

/* Whether @a and @b are more than a jump apart. */
static inline bool far(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) > STREAM_JUMP;
}

static enum stream_verdict count(struct stream_rx *rx, uint64_t seq)
{
	uint64_t high = rx->window.high;

	if (rx->received == 0 || far(seq, high)) {
		/* After a takeover the old instance's last chunks are still
		 * on their way: they must not turn the count back. */
		if (rx->before_left && !far(seq, rx->before)) {
			rx->before_left--;
			return STREAM_LATE;
		}
		rx->before_left = rx->received ? STREAM_TAIL : 0;
		rx->before = high;
		seq_window_start(&rx->window, seq);
		rx->received++;
		return STREAM_FIRST;
	}
	switch (seq_window_put(&rx->window, seq)) {
	case SEQ_NEXT:
		rx->lost += seq - high - 1;
		break;
	case SEQ_OLD:
		if (rx->lost)
			rx->lost--;
		break;
	case SEQ_DUPLICATE:
		return STREAM_DUPLICATE;
	case SEQ_LATE:
		return STREAM_LATE;
	}
	rx->received++;
	return STREAM_NEW;
}

enum stream_verdict stream_rx_put(struct stream_rx *rx,
				  const struct chunk *chunk, uint64_t *seqp,
				  uint64_t *time_msp)
{
	uint64_t seq, time_ms;
	enum stream_verdict verdict;

	if ((chunk->seq.width < CHUNK_FULL && !rx->seq_known) ||
	    (chunk->time.width < CHUNK_FULL && !rx->time_known))
		return STREAM_UNREBUILT;
	seq = chunk_rebuild(&chunk->seq, rx->window.high + 1);
	time_ms = chunk_rebuild(&chunk->time, rx->time_high + 1);
	rx->seq_known = true;
	rx->time_known = true;

	verdict = count(rx, seq);
	if (verdict == STREAM_FIRST ||
	    (verdict == STREAM_NEW && time_ms > rx->time_high))
		rx->time_high = time_ms;
	*seqp = seq;
	*time_msp = time_ms;
	return verdict;
}
