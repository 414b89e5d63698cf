/* SPDX-License-Identifier: MIT */
#include "media/renumber.h"

#include <string.h>

#define NS_PER_MS UINT64_C(1000000)

/* Extended numbers begin here, so that an older packet than the first one
 * still has a place below it. */
#define EXTENDED_START (UINT64_C(1) << 32)

#define ANCHOR_MOVES_S 60	/* keeps the 32-bit distance to it short */
#define BACK_MS 10000		/* further back than any telephone event */
#define TAKEOVER_MS 60000	/* clocks of two instances agree better */
#define FRAME_MS 20		/* when nothing says how long one was */

/* ---- RTP -> chunk ---- */

static inline int64_t ticks_to_ms(int32_t ticks, uint32_t clock_hz)
{
	return (int64_t)ticks * 1000 / (int64_t)clock_hz;
}

static uint64_t time_of(const struct to_chunk *in, uint32_t ts)
{
	return in->anchor_ms +
	       (uint64_t)ticks_to_ms((int32_t)(ts - in->anchor_ts),
				     in->clock_hz);
}

/* A time close before the newest is pushed behind it: a new anchor must not
 * let the far side's clock run back. */
static void anchor(struct to_chunk *in, uint32_t ts, uint32_t clock_hz,
		   uint64_t wall_ms)
{
	if (in->clock_hz) {
		uint64_t newest = time_of(in, in->newest_ts);

		if (newest >= wall_ms && newest - wall_ms < 1000)
			wall_ms = newest + 1;
	}
	in->anchor_ts = ts;
	in->anchor_ms = wall_ms;
	in->clock_hz = clock_hz;
}

/* Begin a new count at @rtp, behind what was counted so far. */
static uint64_t count_anew(struct to_chunk *in, const struct rtp *rtp,
			   uint64_t wall_ms)
{
	uint64_t extended = EXTENDED_START | rtp->seq;
	uint64_t seq = in->high ? in->high + 1 : wall_ms;

	seq_window_start(&in->window, extended);
	in->floor = in->high;
	in->offset = seq - extended;
	in->ssrc = rtp->ssrc;
	in->late = false;
	return extended;
}

static enum seq_verdict count(struct to_chunk *in, const struct rtp *rtp,
			      uint64_t wall_ms, uint64_t *extendedp)
{
	uint64_t high = in->window.high;
	int step = (int16_t)(rtp->seq - (uint16_t)high);
	enum seq_verdict verdict;

	if (step > STREAM_JUMP || step < -STREAM_JUMP) {
		*extendedp = count_anew(in, rtp, wall_ms);
		return SEQ_NEXT;
	}
	*extendedp = rtp_extend(rtp->seq, high);
	verdict = seq_window_put(&in->window, *extendedp);
	if (verdict == SEQ_NEXT) {
		in->lost += (unsigned)step - 1;
	} else if (verdict == SEQ_OLD) {
		if (in->lost)
			in->lost--;
	} else if (verdict == SEQ_LATE) {
		if (in->late && rtp->seq == in->late_next) {
			*extendedp = count_anew(in, rtp, wall_ms);
			return SEQ_NEXT;
		}
		in->late = true;
		in->late_next = (uint16_t)(rtp->seq + 1);
	}
	return verdict;
}

/* Whether @rtp, the newest packet, begins a talk spurt. */
static bool begins_spurt(const struct to_chunk *in, const struct rtp *rtp,
			 uint64_t now_ns)
{
	int64_t step_ms;

	if (rtp->timestamp == in->newest_ts)
		return false;	/* goes on with a telephone event */
	step_ms = ticks_to_ms((int32_t)(rtp->timestamp - in->newest_ts),
			      in->clock_hz);
	return rtp->marker || step_ms >= RENUMBER_GAP_MS ||
	       step_ms <= -BACK_MS ||
	       now_ns - in->newest_ns >= RENUMBER_PAUSE_MS * NS_PER_MS;
}

/* Off by more than is allowed between @time_ms and @wall_ms. */
static bool off(uint64_t time_ms, uint64_t wall_ms)
{
	return (time_ms > wall_ms ? time_ms - wall_ms : wall_ms - time_ms) >
	       RENUMBER_OFF_MS;
}

/* By whole seconds, so that nothing is rounded. */
static void move_anchor(struct to_chunk *in, uint32_t ts)
{
	int32_t ahead = (int32_t)(ts - in->anchor_ts);
	uint32_t seconds;

	if (ahead <= 0)
		return;
	seconds = (uint32_t)ahead / in->clock_hz;
	in->anchor_ts += seconds * in->clock_hz;
	in->anchor_ms += UINT64_C(1000) * seconds;
}

static void follow(struct to_chunk *in, const struct rtp *rtp,
		   uint32_t clock_hz, uint64_t now_ns, uint64_t wall_ms)
{
	if (clock_hz != in->clock_hz) {
		anchor(in, rtp->timestamp, clock_hz, wall_ms);
	} else if (rtp->timestamp - in->anchor_ts >
			   ANCHOR_MOVES_S * clock_hz ||
		   rtp->marker ||
		   now_ns - in->newest_ns > RENUMBER_GAP_MS * NS_PER_MS ||
		   rtp->timestamp - in->newest_ts >
			   clock_hz / (1000 / RENUMBER_GAP_MS)) {
		/* Anything but the next packet of a spurt. */
		if (begins_spurt(in, rtp, now_ns) &&
		    off(time_of(in, rtp->timestamp), wall_ms))
			anchor(in, rtp->timestamp, clock_hz, wall_ms);
		move_anchor(in, rtp->timestamp);
	}
	in->newest_ts = rtp->timestamp;
	in->newest_ns = now_ns;
}

enum seq_verdict to_chunk_number(struct to_chunk *in, const struct rtp *rtp,
				 uint32_t clock_hz, uint64_t now_ns,
				 uint64_t wall_ms, uint64_t *seqp,
				 uint64_t *time_msp)
{
	enum seq_verdict verdict = SEQ_NEXT;
	uint64_t extended, seq;

	if (in->started && rtp->ssrc == in->ssrc) {
		verdict = count(in, rtp, wall_ms, &extended);
		if (verdict == SEQ_NEXT)
			follow(in, rtp, clock_hz, now_ns, wall_ms);
		else if (verdict != SEQ_OLD)
			return verdict;
	} else {
		extended = count_anew(in, rtp, wall_ms);
		anchor(in, rtp->timestamp, clock_hz, wall_ms);
		in->newest_ts = rtp->timestamp;
		in->newest_ns = now_ns;
		in->started = true;
	}
	seq = extended + in->offset;
	if (seq <= in->floor)
		return SEQ_LATE;
	if (seq > in->high)
		in->high = seq;
	*seqp = seq;
	*time_msp = time_of(in, rtp->timestamp);
	return verdict;
}

uint64_t to_chunk_insert(struct to_chunk *in, uint64_t wall_ms)
{
	in->high = in->high ? in->high + 1 : wall_ms;
	in->offset++;
	in->floor = in->high;
	return in->high;
}

/* ---- chunk -> RTP ---- */

void to_rtp_init(struct to_rtp *out, uint16_t first_seq, uint32_t first_ts)
{
	memset(out, 0, sizeof(*out));
	out->rtp_seq = (uint16_t)(first_seq - 1);
	out->newest_ts = first_ts;
}

static uint32_t ms_to_ticks(uint64_t ms, uint32_t clock_hz)
{
	if (clock_hz % 1000 == 0)
		return (uint32_t)(ms * (clock_hz / 1000));
	return (uint32_t)((int64_t)ms * clock_hz / 1000);
}

/* How far RTP time goes on over a jump: as the sender's clock says, if it can
 * be trusted, else as ours does. */
static uint64_t jump_ms(const struct to_rtp *out, uint64_t time_ms,
			uint64_t now_ns)
{
	uint64_t step = time_ms - out->newest_ms;
	uint64_t passed = (now_ns - out->newest_ns) / NS_PER_MS;

	if (time_ms > out->newest_ms && step <= TAKEOVER_MS)
		return step;
	return passed ? passed : FRAME_MS;
}

static void begin(struct to_rtp *out, uint64_t seq, uint64_t time_ms,
		  uint32_t clock_hz, uint64_t now_ns)
{
	out->seq_offset = (uint16_t)(out->rtp_seq + 1 - (uint16_t)seq);
	if (out->started) {
		out->newest_ts += ms_to_ticks(jump_ms(out, time_ms, now_ns),
					      clock_hz);
		out->floor = seq;
	}
	out->started = true;
	out->newest_ms = time_ms;
	out->newest_seq = seq;
	out->newest_ns = now_ns;
	out->rtp_seq++;
}

bool to_rtp_number(struct to_rtp *out, bool first, uint64_t seq,
		   uint64_t time_ms, uint32_t clock_hz, uint64_t now_ns,
		   struct rtp *rtp)
{
	if (first || !out->started) {
		begin(out, seq, time_ms, clock_hz, now_ns);
		rtp->seq = out->rtp_seq;
		rtp->timestamp = out->newest_ts;
		return true;
	}
	if (seq < out->floor)
		return false;
	rtp->seq = (uint16_t)(seq + out->seq_offset);
	rtp->timestamp = out->newest_ts +
			 ms_to_ticks(time_ms - out->newest_ms, clock_hz);
	if (seq > out->newest_seq) {
		out->newest_seq = seq;
		out->newest_ms = time_ms;
		out->newest_ts = rtp->timestamp;
		out->newest_ns = now_ns;
		out->rtp_seq = rtp->seq;
	}
	return true;
}
