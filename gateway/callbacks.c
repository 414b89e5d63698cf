/* SPDX-License-Identifier: MIT */
/*
 * What SIP and RIPT tell, as events of the call: the facts are kept first,
 * then the event is posted.
 */
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "gateway/history.h"
#include "gateway/session_impl.h"
#include "ript/call.h"
#include "sip/leg.h"

/* ---- SIP ---- */

static void on_leg_progress(struct leg *leg, int status,
			    const struct media_desc *early, void *arg)
{
	struct session *s = arg;
	struct leg_info info;

	leg_info(leg, &info);
	record_claim_sip(s->record, info.call_id);
	if (early) {
		s->remote = *early;
		session_post(s, EV_SIP_EARLY);
	}
	session_post(s, status == 180 ? EV_SIP_RINGING : EV_SIP_PROGRESS);
}

static void on_leg_answered(struct leg *leg, const struct media_desc *desc,
			    bool is_offer, void *arg)
{
	struct session *s = arg;

	(void)leg;
	(void)is_offer;		/* we never call without an offer */
	if (desc)
		s->remote = *desc;
	session_post(s, EV_SIP_ANSWERED);
}

static void on_leg_confirmed(struct leg *leg, const struct media_desc *answer,
			     void *arg)
{
	struct session *s = arg;

	(void)leg;
	if (s->late_offer && answer)
		s->remote = *answer;
	session_post(s, EV_SIP_CONFIRMED);
}

static void on_leg_change(struct leg *leg, const struct media_desc *offer,
			  void *arg)
{
	(void)leg;
	(void)offer;
	session_post(arg, EV_SIP_CHANGE);
}

static void on_leg_alive(struct leg *leg, bool alive, void *arg)
{
	(void)leg;
	session_post(arg, alive ? EV_SIP_ALIVE : EV_SIP_DEAD);
}

/* Why a leg that ended did so, in the state that the call was in. */
static void leg_verdict(const struct session *s, struct cause *out,
			const struct leg_cause *in, bool by_peer)
{
	cause_from_leg(out, in);
	if (s->sip_caller && !s->answered_ms && by_peer) {
		cause_set(out, REASON_CANCELLED, in->text);
		if (in->q850)
			out->q850 = in->q850;
	} else if (s->state == ST_PROBING && !(by_peer && in->status == 0)) {
		/* 481 or nothing at all to our OPTIONS. */
		cause_set(out, REASON_RTP_TIMEOUT,
			  reason_info(REASON_RTP_TIMEOUT)->code);
	} else if (s->state == ST_IN_CALLING && !by_peer &&
		   (in->status == 408 || in->status == 503)) {
		/* Our own library's verdict: no host said a word. */
		cause_set(out, REASON_TRUNK_DOWN, in->text);
	}
}

static void on_leg_ended(struct leg *leg, const struct leg_cause *in,
			 bool by_peer, void *arg)
{
	struct session *s = arg;
	struct cause cause;

	(void)leg;
	s->leg = NULL;
	leg_verdict(s, &cause, in, by_peer);
	if (s->state != ST_CLOSING && s->ended_by == RIPT_BY_NONE && by_peer)
		s->ended_by = s->sip_caller ? RIPT_BY_CLIENT : RIPT_BY_PEER;
	session_cause_is(s, &cause);
	session_post(s, EV_SIP_ENDED);
}

const struct leg_handlers session_leg_handlers = {
	.progress = on_leg_progress,
	.answered = on_leg_answered,
	.confirmed = on_leg_confirmed,
	.change = on_leg_change,
	.alive = on_leg_alive,
	.ended = on_leg_ended,
};

/* ---- RIPT ---- */

static void on_call_accepted(struct ript_call *call, void *arg)
{
	(void)call;
	session_post(arg, EV_RIPT_ACCEPTED);
}

static void on_final(struct session *s, const struct ript_event *ev,
		     enum event event)
{
	struct cause cause;

	cause_from_event(&cause, ev);
	s->final = true;
	if (s->state != ST_CLOSING && s->ended_by == RIPT_BY_NONE &&
	    ev->type == RIPT_EV_END)
		s->ended_by = ev->by;
	session_cause_is(s, &cause);
	session_post(s, event);
}

static void on_call_event(struct ript_call *call, const struct ript_event *ev,
			  void *arg)
{
	struct session *s = arg;

	(void)call;
	record_ript(s->record, true, "%s", ript_event_name(ev->type));
	switch (ev->type) {
	case RIPT_EV_ALERTING:
		session_post(s, EV_RIPT_ALERTING);
		break;
	case RIPT_EV_ANSWERED:
		session_post(s, EV_RIPT_ANSWERED);
		break;
	case RIPT_EV_DECLINED:
	case RIPT_EV_FAILED:
	case RIPT_EV_NOANSWER:
		on_final(s, ev, EV_RIPT_REFUSED);
		break;
	case RIPT_EV_END:
		on_final(s, ev, EV_RIPT_END);
		break;
	case RIPT_EV_DIRECTIVE:
		session_post(s, EV_RIPT_DIRECTIVE);
		break;
	default:
		break;	/* ript/call acts on the rest by itself */
	}
}

static void on_call_byway(struct ript_call *call, enum byway_kind kind,
			  void *arg)
{
	struct session *s = arg;

	(void)call;
	if (kind == s->way)
		return;
	if (kind == BYWAY_NONE)
		record_step(s->record, "no way of media is open");
	else
		record_step(s->record, "media go by %s",
			    kind == BYWAY_WEBTRANSPORT ? "WebTransport"
						       : "PUT and GET");
	/* What was last open is what `calls` shows of an ended call. */
	if (kind != BYWAY_NONE)
		s->way = kind;
}

static void on_call_closed(struct ript_call *call, const char *reason,
			   const struct ript_refusal *refusal, void *arg)
{
	struct session *s = arg;
	struct cause cause;

	(void)call;
	s->call = NULL;
	cause_from_closed(&cause, reason, refusal);
	if (refusal && refusal->status) {
		record_ript(s->record, true, "%d %s", refusal->status,
			    refusal->problem);
		record_step(s->record, "POST calls -> %d %s: %s",
			    refusal->status, refusal->problem,
			    refusal->detail);
	} else if (!s->final && s->state != ST_CLOSING) {
		record_step(s->record, "the RIPT call closed: %s", reason);
	}
	session_cause_is(s, &cause);
	session_post(s, EV_RIPT_CLOSED);
}

static void on_call_refresh(struct ript_call *call, void *arg)
{
	(void)call;
	session_post(arg, EV_RIPT_REFRESH);
}

const struct ript_call_handlers session_call_handlers = {
	.accepted = on_call_accepted,
	.event = on_call_event,
	.byway = on_call_byway,
	.closed = on_call_closed,
	.refresh = on_call_refresh,
};
