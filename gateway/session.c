/* SPDX-License-Identifier: MIT */
#include "gateway/session.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "conf/conf.h"
#include "gateway/history.h"
#include "gateway/session_impl.h"
#include "gateway/tally.h"
#include "gateway/worker.h"
#include "ript/call.h"
#include "sip/leg.h"

#define SETUP_MS 1900		/* INVITE to 201: GW-06 gives 2 s in all */
#define ROUTING_MS 1000
#define STORE_MS 1000
#define ACK_MS 34000		/* after SIP's own 32 s */
#define PROBE_MS 5000
#define CLOSING_MS 40000
#define NO_ANSWER_MS 180000	/* where the trunk does not say */
#define DURATION_MS (UINT64_C(24) * 3600 * 1000)

typedef void act_h(struct session *s);

static void nothing(struct session *s)
{
	(void)s;
}

struct transition {
	enum state state;
	enum event event;
	act_h *act;
	enum state next;
};

/*
 * The whole call.  The new state is set first, then the act runs; an act
 * never fails, it posts EV_FAILED or EV_REFUSED.  An event without a row is
 * counted and changes nothing.
 */
static const struct transition transitions[] = {
	/* in state		on event	  do		to */

	/* ---- a SIP caller ---- */
	{ ST_IDLE,		EV_SIP_INVITE,	  route_out,	ST_OUT_ROUTING },

	{ ST_OUT_ROUTING,	EV_ROUTED,	  place_call,	ST_OUT_CALLING },
	{ ST_OUT_ROUTING,	EV_REFUSED,	  hang_up,	ST_CLOSING },
	{ ST_OUT_ROUTING,	EV_SIP_ENDED,	  hang_up,	ST_CLOSING },
	{ ST_OUT_ROUTING,	EV_TIMER,	  end_internal,	ST_CLOSING },

	{ ST_OUT_CALLING,	EV_RIPT_ACCEPTED, out_accepted,	ST_OUT_PROCEEDING },
	{ ST_OUT_CALLING,	EV_RIPT_REFUSED,  out_note_refusal, ST_OUT_CALLING },
	{ ST_OUT_CALLING,	EV_RIPT_END,	  hang_up,	ST_CLOSING },
	{ ST_OUT_CALLING,	EV_RIPT_CLOSED,	  out_next,	ST_OUT_CALLING },
	{ ST_OUT_CALLING,	EV_FAILED,	  out_next,	ST_OUT_CALLING },
	{ ST_OUT_CALLING,	EV_NEXT,	  place_call,	ST_OUT_CALLING },
	{ ST_OUT_CALLING,	EV_REFUSED,	  hang_up,	ST_CLOSING },
	{ ST_OUT_CALLING,	EV_SIP_ENDED,	  hang_up,	ST_CLOSING },
	{ ST_OUT_CALLING,	EV_TIMER,	  end_setup_timeout, ST_CLOSING },

	{ ST_OUT_PROCEEDING,	EV_RIPT_ALERTING, send_180,	ST_OUT_RINGING },
	{ ST_OUT_PROCEEDING,	EV_RIPT_MEDIA,	  send_183,	ST_OUT_EARLY },
	{ ST_OUT_PROCEEDING,	EV_RIPT_ANSWERED, store_row,	ST_OUT_STORING },
	/* Nothing rang there yet: another via may be tried. */
	{ ST_OUT_PROCEEDING,	EV_RIPT_REFUSED,  out_note_refusal, ST_OUT_CALLING },
	{ ST_OUT_PROCEEDING,	EV_RIPT_END,	  hang_up,	ST_CLOSING },
	{ ST_OUT_PROCEEDING,	EV_RIPT_CLOSED,	  hang_up,	ST_CLOSING },
	{ ST_OUT_PROCEEDING,	EV_FAILED,	  hang_up,	ST_CLOSING },
	{ ST_OUT_PROCEEDING,	EV_SIP_ENDED,	  hang_up,	ST_CLOSING },
	{ ST_OUT_PROCEEDING,	EV_TIMER,	  end_no_answer, ST_CLOSING },

	{ ST_OUT_RINGING,	EV_RIPT_ALERTING, nothing,	ST_OUT_RINGING },
	{ ST_OUT_RINGING,	EV_RIPT_MEDIA,	  send_183,	ST_OUT_EARLY },
	{ ST_OUT_RINGING,	EV_RIPT_ANSWERED, store_row,	ST_OUT_STORING },
	{ ST_OUT_RINGING,	EV_RIPT_REFUSED,  hang_up,	ST_CLOSING },
	{ ST_OUT_RINGING,	EV_RIPT_END,	  hang_up,	ST_CLOSING },
	{ ST_OUT_RINGING,	EV_RIPT_CLOSED,	  hang_up,	ST_CLOSING },
	{ ST_OUT_RINGING,	EV_FAILED,	  hang_up,	ST_CLOSING },
	{ ST_OUT_RINGING,	EV_SIP_ENDED,	  hang_up,	ST_CLOSING },
	{ ST_OUT_RINGING,	EV_TIMER,	  end_no_answer, ST_CLOSING },

	/* A 180 now would start the phone's own ring tone over the media. */
	{ ST_OUT_EARLY,		EV_RIPT_ALERTING, nothing,	ST_OUT_EARLY },
	{ ST_OUT_EARLY,		EV_RIPT_MEDIA,	  nothing,	ST_OUT_EARLY },
	{ ST_OUT_EARLY,		EV_RIPT_ANSWERED, store_row,	ST_OUT_STORING },
	{ ST_OUT_EARLY,		EV_RIPT_REFUSED,  hang_up,	ST_CLOSING },
	{ ST_OUT_EARLY,		EV_RIPT_END,	  hang_up,	ST_CLOSING },
	{ ST_OUT_EARLY,		EV_RIPT_CLOSED,	  hang_up,	ST_CLOSING },
	{ ST_OUT_EARLY,		EV_FAILED,	  hang_up,	ST_CLOSING },
	{ ST_OUT_EARLY,		EV_SIP_ENDED,	  hang_up,	ST_CLOSING },
	{ ST_OUT_EARLY,		EV_TIMER,	  end_no_answer, ST_CLOSING },

	/* An admitted call is answered even if the disk fails it. */
	{ ST_OUT_STORING,	EV_STORED,	  answer_sip,	ST_OUT_ANSWERED },
	{ ST_OUT_STORING,	EV_STORE_FAILED,  answer_sip_unstored, ST_OUT_ANSWERED },
	{ ST_OUT_STORING,	EV_TIMER,	  answer_sip_unstored, ST_OUT_ANSWERED },
	{ ST_OUT_STORING,	EV_RIPT_MEDIA,	  nothing,	ST_OUT_STORING },
	{ ST_OUT_STORING,	EV_RIPT_END,	  hang_up,	ST_CLOSING },
	{ ST_OUT_STORING,	EV_RIPT_CLOSED,	  hang_up,	ST_CLOSING },
	{ ST_OUT_STORING,	EV_SIP_ENDED,	  hang_up,	ST_CLOSING },

	{ ST_OUT_ANSWERED,	EV_SIP_CONFIRMED, out_confirmed, ST_TALKING },
	{ ST_OUT_ANSWERED,	EV_STORED,	  nothing,	ST_OUT_ANSWERED },
	{ ST_OUT_ANSWERED,	EV_STORE_FAILED,  nothing,	ST_OUT_ANSWERED },
	{ ST_OUT_ANSWERED,	EV_RIPT_MEDIA,	  nothing,	ST_OUT_ANSWERED },
	{ ST_OUT_ANSWERED,	EV_FAILED,	  hang_up,	ST_CLOSING },
	{ ST_OUT_ANSWERED,	EV_RIPT_END,	  hang_up,	ST_CLOSING },
	{ ST_OUT_ANSWERED,	EV_RIPT_CLOSED,	  hang_up,	ST_CLOSING },
	{ ST_OUT_ANSWERED,	EV_SIP_ENDED,	  hang_up,	ST_CLOSING },
	{ ST_OUT_ANSWERED,	EV_TIMER,	  end_no_ack,	ST_CLOSING },

	/* ---- a RIPT caller ---- */
	{ ST_IDLE,		EV_RIPT_CALL,	  route_in,	ST_IN_ROUTING },

	{ ST_IN_ROUTING,	EV_ROUTED,	  store_row,	ST_IN_STORING },
	{ ST_IN_ROUTING,	EV_REFUSED,	  hang_up,	ST_CLOSING },
	{ ST_IN_ROUTING,	EV_TIMER,	  end_internal,	ST_CLOSING },

	{ ST_IN_STORING,	EV_STORED,	  accept_ript,	ST_IN_CALLING },
	{ ST_IN_STORING,	EV_STORE_FAILED,  end_store_failed, ST_CLOSING },
	{ ST_IN_STORING,	EV_TIMER,	  end_store_failed, ST_CLOSING },

	{ ST_IN_CALLING,	EV_SIP_PROGRESS,  nothing,	ST_IN_CALLING },
	{ ST_IN_CALLING,	EV_SIP_EARLY,	  in_early,	ST_IN_CALLING },
	{ ST_IN_CALLING,	EV_SIP_RINGING,	  tell_alerting, ST_IN_RINGING },
	{ ST_IN_CALLING,	EV_SIP_ANSWERED,  take_answer,	ST_IN_ANSWERED },
	{ ST_IN_CALLING,	EV_SIP_ENDED,	  in_next,	ST_IN_CALLING },
	{ ST_IN_CALLING,	EV_FAILED,	  in_next,	ST_IN_CALLING },
	{ ST_IN_CALLING,	EV_NEXT,	  call_trunk,	ST_IN_CALLING },
	{ ST_IN_CALLING,	EV_REFUSED,	  hang_up,	ST_CLOSING },
	{ ST_IN_CALLING,	EV_RIPT_END,	  hang_up,	ST_CLOSING },
	{ ST_IN_CALLING,	EV_RIPT_CLOSED,	  hang_up,	ST_CLOSING },
	{ ST_IN_CALLING,	EV_TIMER,	  end_no_answer, ST_CLOSING },

	{ ST_IN_RINGING,	EV_SIP_PROGRESS,  nothing,	ST_IN_RINGING },
	{ ST_IN_RINGING,	EV_SIP_RINGING,	  nothing,	ST_IN_RINGING },
	{ ST_IN_RINGING,	EV_SIP_EARLY,	  in_early,	ST_IN_RINGING },
	{ ST_IN_RINGING,	EV_SIP_ANSWERED,  take_answer,	ST_IN_ANSWERED },
	{ ST_IN_RINGING,	EV_SIP_ENDED,	  hang_up,	ST_CLOSING },
	{ ST_IN_RINGING,	EV_RIPT_END,	  hang_up,	ST_CLOSING },
	{ ST_IN_RINGING,	EV_RIPT_CLOSED,	  hang_up,	ST_CLOSING },
	{ ST_IN_RINGING,	EV_TIMER,	  end_no_answer, ST_CLOSING },

	{ ST_IN_ANSWERED,	EV_STORED,	  answer_ript,	ST_TALKING },
	{ ST_IN_ANSWERED,	EV_STORE_FAILED,  answer_ript_unstored, ST_TALKING },
	{ ST_IN_ANSWERED,	EV_TIMER,	  answer_ript_unstored, ST_TALKING },
	{ ST_IN_ANSWERED,	EV_FAILED,	  hang_up,	ST_CLOSING },
	{ ST_IN_ANSWERED,	EV_SIP_ENDED,	  hang_up,	ST_CLOSING },
	{ ST_IN_ANSWERED,	EV_RIPT_END,	  hang_up,	ST_CLOSING },
	{ ST_IN_ANSWERED,	EV_RIPT_CLOSED,	  hang_up,	ST_CLOSING },

	/* ---- both ---- */
	{ ST_TALKING,		EV_SIP_ENDED,	  hang_up,	ST_CLOSING },
	{ ST_TALKING,		EV_RIPT_END,	  hang_up,	ST_CLOSING },
	{ ST_TALKING,		EV_RIPT_CLOSED,	  hang_up,	ST_CLOSING },
	{ ST_TALKING,		EV_FAILED,	  hang_up,	ST_CLOSING },
	{ ST_TALKING,		EV_TIMER,	  end_duration,	ST_CLOSING },
	{ ST_TALKING,		EV_SILENCE,	  probe,	ST_PROBING },
	{ ST_TALKING,		EV_MEDIA_BACK,	  nothing,	ST_TALKING },
	{ ST_TALKING,		EV_RIPT_MEDIA,	  nothing,	ST_TALKING },
	{ ST_TALKING,		EV_STORED,	  nothing,	ST_TALKING },
	{ ST_TALKING,		EV_STORE_FAILED,  nothing,	ST_TALKING },

	{ ST_PROBING,		EV_SIP_ALIVE,	  back_to_talk,	ST_TALKING },
	{ ST_PROBING,		EV_MEDIA_BACK,	  back_to_talk,	ST_TALKING },
	{ ST_PROBING,		EV_SIP_DEAD,	  end_silence,	ST_CLOSING },
	{ ST_PROBING,		EV_TIMER,	  end_silence,	ST_CLOSING },
	{ ST_PROBING,		EV_SIP_ENDED,	  hang_up,	ST_CLOSING },
	{ ST_PROBING,		EV_RIPT_END,	  hang_up,	ST_CLOSING },
	{ ST_PROBING,		EV_RIPT_CLOSED,	  hang_up,	ST_CLOSING },

	/* 200 crossing CANCEL, 201 crossing CANCEL: told once more. */
	{ ST_CLOSING,		EV_SIP_ANSWERED,  end_leg_again, ST_CLOSING },
	{ ST_CLOSING,		EV_RIPT_ACCEPTED, end_call_again, ST_CLOSING },
	{ ST_CLOSING,		EV_SIP_ENDED,	  check_gone,	ST_CLOSING },
	{ ST_CLOSING,		EV_RIPT_CLOSED,	  check_gone,	ST_CLOSING },
	{ ST_CLOSING,		EV_STORED,	  check_gone,	ST_CLOSING },
	{ ST_CLOSING,		EV_STORE_FAILED,  check_gone,	ST_CLOSING },
	{ ST_CLOSING,		EV_RIPT_END,	  nothing,	ST_CLOSING },
	{ ST_CLOSING,		EV_RIPT_REFUSED,  nothing,	ST_CLOSING },
	{ ST_CLOSING,		EV_HANGUP,	  nothing,	ST_CLOSING },
	{ ST_CLOSING,		EV_BOTH_GONE,	  finish,	ST_CLOSED },
	{ ST_CLOSING,		EV_TIMER,	  complain,	ST_CLOSING },
};

/* Rows that every state but IDLE, CLOSING and CLOSED has. */
static const struct {
	enum event event;
	act_h *act;
	bool closes;
} everywhere[] = {
	{ EV_HANGUP,		hang_up,	  true },
	{ EV_SIP_CHANGE,	refuse_change,	  false },
	{ EV_RIPT_DIRECTIVE,	follow_directive, false },
	{ EV_RIPT_REFRESH,	refresh_directives, false },
};

static const char *const state_names[ST_CNT] = {
	[ST_IDLE] = "idle",
	[ST_OUT_ROUTING] = "out-routing",
	[ST_OUT_CALLING] = "out-calling",
	[ST_OUT_PROCEEDING] = "out-proceeding",
	[ST_OUT_RINGING] = "out-ringing",
	[ST_OUT_EARLY] = "out-early",
	[ST_OUT_STORING] = "out-storing",
	[ST_OUT_ANSWERED] = "out-answered",
	[ST_IN_ROUTING] = "in-routing",
	[ST_IN_STORING] = "in-storing",
	[ST_IN_CALLING] = "in-calling",
	[ST_IN_RINGING] = "in-ringing",
	[ST_IN_ANSWERED] = "in-answered",
	[ST_TALKING] = "talking",
	[ST_PROBING] = "probing",
	[ST_CLOSING] = "closing",
	[ST_CLOSED] = "closed",
};

static const char *const event_names[EV_CNT] = {
	[EV_SIP_INVITE] = "sip-invite",
	[EV_SIP_PROGRESS] = "sip-progress",
	[EV_SIP_RINGING] = "sip-ringing",
	[EV_SIP_EARLY] = "sip-early-media",
	[EV_SIP_ANSWERED] = "sip-answered",
	[EV_SIP_CONFIRMED] = "sip-ack",
	[EV_SIP_CHANGE] = "sip-change",
	[EV_SIP_ALIVE] = "sip-alive",
	[EV_SIP_DEAD] = "sip-dead",
	[EV_SIP_ENDED] = "sip-ended",
	[EV_RIPT_CALL] = "ript-call",
	[EV_RIPT_ACCEPTED] = "ript-accepted",
	[EV_RIPT_ALERTING] = "ript-alerting",
	[EV_RIPT_ANSWERED] = "ript-answered",
	[EV_RIPT_REFUSED] = "ript-refused",
	[EV_RIPT_END] = "ript-end",
	[EV_RIPT_DIRECTIVE] = "ript-directive",
	[EV_RIPT_REFRESH] = "ript-refresh",
	[EV_RIPT_MEDIA] = "ript-media",
	[EV_RIPT_CLOSED] = "ript-closed",
	[EV_STORED] = "stored",
	[EV_STORE_FAILED] = "store-failed",
	[EV_ROUTED] = "routed",
	[EV_REFUSED] = "refused",
	[EV_NEXT] = "next-via",
	[EV_FAILED] = "failed",
	[EV_TIMER] = "timer",
	[EV_SILENCE] = "silence",
	[EV_MEDIA_BACK] = "media-back",
	[EV_HANGUP] = "hangup",
	[EV_BOTH_GONE] = "both-gone",
};

const char *state_name(enum state state)
{
	return state < ST_CNT ? state_names[state] : "?";
}

const char *event_name(enum event event)
{
	return event < EV_CNT ? event_names[event] : "?";
}

/* ---- the table as a matrix, and its counters ---- */

struct cell {
	act_h *act;		/* NULL: no row */
	enum state next;
};

static struct cell matrix[ST_CNT][EV_CNT];
static struct metric *entered[ST_CNT];
static struct metric *ignored;

static void build_matrix(void)
{
	for (size_t i = 0; i < sizeof(everywhere) / sizeof(everywhere[0]); i++)
		for (int st = ST_IDLE + 1; st < ST_CLOSING; st++)
			matrix[st][everywhere[i].event] = (struct cell){
				everywhere[i].act,
				everywhere[i].closes ? ST_CLOSING
						     : (enum state)st,
			};
	for (size_t i = 0; i < sizeof(transitions) / sizeof(transitions[0]);
	     i++) {
		const struct transition *row = &transitions[i];

		matrix[row->state][row->event] =
			(struct cell){ row->act, row->next };
	}
}

static void make_metrics(void)
{
	char labels[64];

	for (int st = 0; st < ST_CNT; st++) {
		snprintf(labels, sizeof(labels), "state=\"%s\"",
			 state_names[st]);
		entered[st] = metric_counter("call_states_total", labels,
					     "Calls that entered a state.");
	}
	ignored = metric_counter("call_events_ignored_total", NULL,
				 "Events that a call's state does not expect.");
	cause_metrics();
	tally_calls();
}

bool session_expects(enum state state, enum event event)
{
	return matrix[state][event].act != NULL;
}

/* ---- timers ---- */

static uint64_t left_ms(const struct session *s, uint64_t since_ns,
			uint64_t limit_ms)
{
	uint64_t passed_ms = (loop_now_ns(s->owner->config.loop) - since_ns) /
			     NS_PER_MS;

	return passed_ms < limit_ms ? limit_ms - passed_ms : 1;
}

static uint64_t no_answer_ms(const struct session *s)
{
	uint64_t ms = s->trunk ? s->trunk->conf->no_answer_ms : 0;

	return ms ? ms : NO_ANSWER_MS;
}

static uint64_t duration_left_ms(const struct session *s)
{
	uint64_t limit = s->trunk ? s->trunk->conf->call_duration_ms : 0;
	uint64_t now = loop_wall_ms(s->owner->config.loop);
	uint64_t passed = now > s->answered_ms ? now - s->answered_ms : 0;

	if (!limit)
		limit = DURATION_MS;
	return passed < limit ? limit - passed : 1;
}

/* How long a call may stay in its state; every state has its end. */
static uint64_t state_limit_ms(const struct session *s)
{
	switch (s->state) {
	case ST_OUT_CALLING:
		/* Refused after the 201: the next via has its own time. */
		return s->accepted ? SETUP_MS
				   : left_ms(s, s->begun_ns, SETUP_MS);
	case ST_OUT_PROCEEDING:
	case ST_OUT_RINGING:
	case ST_OUT_EARLY:
	case ST_IN_CALLING:
	case ST_IN_RINGING:
		return left_ms(s, s->begun_ns, no_answer_ms(s));
	case ST_OUT_STORING:
	case ST_IN_STORING:
	case ST_IN_ANSWERED:
		return STORE_MS;
	case ST_OUT_ANSWERED:
		return ACK_MS;
	case ST_TALKING:
		return duration_left_ms(s);
	case ST_PROBING:
		return PROBE_MS;
	case ST_CLOSING:
		return CLOSING_MS;
	case ST_IDLE:
	case ST_OUT_ROUTING:
	case ST_IN_ROUTING:
	case ST_CLOSED:
	case ST_CNT:
		break;
	}
	return ROUTING_MS;
}

static void on_state_timer(void *arg)
{
	session_post(arg, EV_TIMER);
}

/* ---- one event ---- */

/* The only door to a new state. */
static void set_state(struct session *s, enum state next, enum event event)
{
	if (next != s->state) {
		log_info(s->log, "%s -> %s on %s", state_name(s->state),
			 state_name(next), event_name(event));
		if (entered[next])
			metric_inc(entered[next]);
	}
	/* The same state again keeps its deadline, CLOSING but for: it
	 * complains and waits on. */
	if (next != s->state || event == EV_TIMER) {
		s->state = next;
		if (next == ST_CLOSED)
			timer_stop(&s->timer);
		else
			timer_start(&s->timer, s->owner->config.loop,
				    state_limit_ms(s), on_state_timer, s);
	}
}

static void handle(struct session *s, enum event event)
{
	const struct cell *cell = &matrix[s->state][event];

	if (!cell->act) {
		log_debug(s->log, "%s ignored in %s", event_name(event),
			  state_name(s->state));
		if (ignored)
			metric_inc(ignored);
		return;
	}
	set_state(s, cell->next, event);
	cell->act(s);
}

static void free_session(void *ptr)
{
	struct session *s = ptr;

	log_ctx_free(&s->log);
	free(s->passport);
	free(s);
}

static void on_idle_due(void *arg)
{
	struct sessions *all = arg;
	void (*idle)(void *arg) = all->idle;

	if (!idle || !list_empty(&all->list))
		return;
	all->idle = NULL;
	idle(all->idle_arg);
}

/* Who waits for the last call frees what is on the stack here: the dialog's
 * or the RIPT call's own callback.  So not before the next turn. */
static void leave(struct session *s)
{
	struct sessions *all = s->owner;

	list_unlink(&s->le);
	loop_defer_free(all->config.loop, s, free_session);
	if (all->idle && list_empty(&all->list))
		timer_start(&all->idle_timer, all->config.loop, 0,
			    on_idle_due, all);
}

void session_post(struct session *s, enum event event)
{
	if (s->state == ST_CLOSED)
		return;
	assert(s->queue_len < EVENTS_QUEUED);
	s->queue[s->queue_len++] = event;
	if (s->acting)
		return;
	s->acting = true;
	while (s->queue_len) {
		enum event next = s->queue[0];

		s->queue_len--;
		memmove(s->queue, s->queue + 1,
			s->queue_len * sizeof(s->queue[0]));
		handle(s, next);
	}
	s->acting = false;
	if (s->state == ST_CLOSED)
		leave(s);
}

/* ---- verdicts ---- */

void session_cause_is(struct session *s, const struct cause *cause)
{
	if (s->cause.reason == REASON_NONE)
		s->cause = *cause;
}

void session_cause(struct session *s, enum reason reason, const char *fmt, ...)
{
	char text[RIPT_CAUSE_TEXT_LEN];
	struct cause cause;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cause_set(&cause, reason, text);
	session_cause_is(s, &cause);
}

void session_refuse(struct session *s, enum reason reason, const char *fmt,
		    ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	record_step(s->record, "refused: %s", text);
	session_cause(s, reason, "%.*s", RIPT_CAUSE_TEXT_LEN - 1, text);
	session_post(s, EV_REFUSED);
}

/* ---- life ---- */

static void count_begun(struct sessions *all)
{
	uint64_t second = loop_now_ns(all->config.loop) / NS_PER_S;

	while (all->second < second) {
		all->second++;
		all->per_second[all->second % 16] = 0;
		if (second - all->second > 16)
			all->second = second - 16;
	}
	all->per_second[second % 16]++;
	all->begun++;
}

static struct session *session_new(struct sessions *all, const char *id,
				   bool sip_caller)
{
	struct session *s = xzalloc(sizeof(*s));

	s->owner = all;
	s->sip_caller = sip_caller;
	snprintf(s->id, sizeof(s->id), "%s", id);
	s->log = log_ctx_new(log_root(), "call", s->id);
	s->record = history_begin(all->config.history, s->id);
	s->begun_ns = loop_now_ns(all->config.loop);
	s->created_ms = loop_wall_ms(all->config.loop);
	list_append(&all->list, &s->le);
	count_begun(all);
	tally_begun(s);
	if (all->list.count > all->peak)
		all->peak = (unsigned)all->list.count;
	return s;
}

void sessions_on_leg(struct sessions *all, struct leg *leg)
{
	struct leg_info info;
	struct session *s;
	char id[UUID_LEN + 1];

	loop_assert(LOOP_CONTROL);
	uuid_make(id);
	s = session_new(all, id, true);
	s->leg = leg;
	leg_handle(leg, &session_leg_handlers, s);
	leg_info(leg, &info);
	record_claim_sip(s->record, info.call_id);
	session_post(s, EV_SIP_INVITE);
}

void sessions_on_call(struct sessions *all, struct ript_call *call)
{
	struct ript_call_info info;
	struct session *s;

	loop_assert(LOOP_CONTROL);
	ript_call_info(call, &info);
	s = session_new(all, info.uuid, false);
	s->call = call;
	record_set_uri(s->record, info.uri);
	session_post(s, EV_RIPT_CALL);
}

int sessions_hangup(struct sessions *all, const char *id)
{
	for (struct le *le = all->list.head; le; le = le->next) {
		struct session *s = list_entry(le, struct session, le);

		if (strcmp(s->id, id) != 0)
			continue;
		session_cause(s, REASON_OPERATOR, "ended by the operator");
		session_post(s, EV_HANGUP);
		return 0;
	}
	return ENOENT;
}

void sessions_hangup_all(struct sessions *all, enum reason reason)
{
	struct le *le, *next;

	for (le = all->list.head; le; le = next) {
		struct session *s = list_entry(le, struct session, le);

		next = le->next;
		session_cause(s, reason, "%s", reason_info(reason)->code);
		session_post(s, EV_HANGUP);
	}
}

void sessions_refresh(struct sessions *all)
{
	for (struct le *le = all->list.head; le; le = le->next) {
		struct session *s = list_entry(le, struct session, le);

		if (s->line)
			line_ask_stats(s->line);
	}
}

void sessions_publish(struct sessions *all)
{
	for (struct le *le = all->list.head; le; le = le->next)
		session_publish(list_entry(le, struct session, le));
}

void sessions_when_idle(struct sessions *all, void (*fn)(void *arg), void *arg)
{
	if (list_empty(&all->list)) {
		fn(arg);
		return;
	}
	all->idle = fn;
	all->idle_arg = arg;
}

void sessions_stats(const struct sessions *all, struct sessions_stats *out)
{
	uint64_t now = loop_now_ns(all->config.loop) / NS_PER_S, sum = 0;

	for (uint64_t t = now > 10 ? now - 10 : 0; t < now; t++)
		if (t <= all->second && all->second - t < 16)
			sum += all->per_second[t % 16];
	memset(out, 0, sizeof(*out));
	out->living = (unsigned)all->list.count;
	out->answered = all->answered;
	out->peak = all->peak;
	out->begun = all->begun;
	out->refused = all->refused;
	out->per_second = (double)sum / 10;
	out->unprotected = all->unprotected;
}

void sessions_set_phase(struct sessions *all, enum phase phase)
{
	all->phase = phase;
}

enum phase sessions_phase(const struct sessions *all)
{
	return all->phase;
}

struct sessions *sessions_new(const struct sessions_config *config)
{
	struct sessions *all = xzalloc(sizeof(*all));

	all->config = *config;
	all->phase = PHASE_STARTING;
	build_matrix();
	make_metrics();
	return all;
}

/* A start that failed, or a side that went without a word: nobody is told
 * any more, but ports and places are given back. */
static void drop(struct session *s)
{
	timer_stop(&s->timer);
	timer_stop(&s->tick);
	line_close(&s->line);
	release_trunk(s);
	release_peer(s);
	tally_ended(s);
	history_end(&s->record);
	list_unlink(&s->le);
	free_session(s);
}

void sessions_free(struct sessions **sessionsp)
{
	struct sessions *all = *sessionsp;

	if (!all)
		return;
	*sessionsp = NULL;
	all->idle = NULL;
	timer_stop(&all->idle_timer);
	while (all->list.head)
		drop(list_entry(all->list.head, struct session, le));
	free(all);
}
