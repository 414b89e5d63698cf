/* SPDX-License-Identifier: MIT */
#include "sip/leg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "sip/leg_inside.h"
#include "sip/reason.h"

/* The library repeats a CANCEL or BYE for 32 s; the borrower need not wait
 * that long for a peer that is gone. */
#define FAREWELL_MS 4000

static const char *const state_names[LEG_STATES] = {
	[LEG_NEW] = "new",	   [LEG_EARLY] = "early",
	[LEG_ANSWERED] = "answered", [LEG_CALLING] = "calling",
	[LEG_OFFERED] = "offered", [LEG_UP] = "up",
	[LEG_LEAVING] = "leaving", [LEG_GONE] = "gone",
};

static struct metric *state_counts[2][LEG_STATES];	/* in, out */

static void leg_on(struct nuauser *user, const struct nuaevent *ev);

void leg_metrics(void)
{
	char labels[48];
	unsigned out, state;

	for (out = 0; out < 2; out++)
		for (state = 0; state < LEG_STATES; state++) {
			snprintf(labels, sizeof(labels),
				 "dir=\"%s\",state=\"%s\"",
				 out ? "out" : "in", state_names[state]);
			state_counts[out][state] = metric_counter(
				"sip_leg_states_total", labels,
				"States that SIP dialogs entered");
		}
}

void leg_set_state(struct leg *leg, enum leg_state state)
{
	if (state == leg->state)
		return;
	log_debug(leg->log, "sip: %s -> %s", state_names[leg->state],
		  state_names[state]);
	leg->state = state;
	metric_inc(state_counts[leg->out][state]);
}

/* ---- ladder ---- */

void leg_note(struct leg *leg, bool in, const char *start)
{
	log_debug(leg->log, "sip: %s %s", in ? "<-" : "->", start);
	root_note(leg->root, leg->trunk, in, leg->call_id, start);
}

void leg_note_status(struct leg *leg, bool in, int status, const char *phrase)
{
	char text[96];

	snprintf(text, sizeof(text), "%d %s", status,
		 phrase ? phrase : root_phrase(status));
	leg_note(leg, in, text);
}

/* ---- life ---- */

struct leg *leg_new(struct network *net, struct trunk *trunk,
		    enum leg_state state)
{
	struct leg *leg = xzalloc(sizeof(*leg));

	leg->user.on = leg_on;
	leg->root = net->root;
	leg->net = net;
	leg->trunk = trunk;
	trunk_hold(trunk);
	leg->out = state == LEG_CALLING;
	metric_inc(state_counts[leg->out][state]);
	leg->tcp = trunk->tcp;
	leg->state = state;
	leg->max_forwards = 70;
	leg->log = log_ctx_new(trunk->log, "leg",
			       leg->out ? "out" : "in");
	list_append(&net->root->legs, &leg->le);
	return leg;
}

static void leg_free(void *ptr)
{
	struct leg *leg = ptr;

	leg_change_forget(leg);
	trunk_release(leg->trunk);
	log_ctx_free(&leg->log);
	free(leg->call_id);
	free(leg->local_uri);
	free(leg->remote_uri);
	free(leg->pai);
	free(leg->privacy);
	free(leg->identity);
	free(leg->local_sdp);
	free(leg->remote_sdp);
	free(leg->redirect);
	free(leg);
}

void leg_forsake(struct le *le)
{
	struct leg *leg = list_entry(le, struct leg, le);

	if (leg->state == LEG_GONE)
		return;
	leg_set_state(leg, LEG_GONE);
	timer_stop(&leg->timer);
	timer_stop(&leg->end_timer);
	leg_change_forget(leg);
	if (leg->nh)
		nua_handle_destroy(leg->nh);
	leg->nh = NULL;
}

void leg_discard(struct le *le)
{
	struct leg *leg = list_entry(le, struct leg, le);

	timer_stop(&leg->timer);
	timer_stop(&leg->end_timer);
	list_unlink(&leg->le);
	leg_free(leg);
}

/* The borrower's last word; the leg may live on for the library. */
static void tell_ended(struct leg *leg)
{
	const struct leg_handlers *handlers = leg->handlers;

	if (!handlers)
		return;
	leg->handlers = NULL;
	log_debug(leg->log, "sip: ended, status %d q850 %d %s: %s",
		  leg->cause.status, leg->cause.q850,
		  leg->by_peer ? "by peer" : "by us", leg->cause.text);
	if (handlers->ended)
		handlers->ended(leg, &leg->cause, leg->by_peer, leg->arg);
}

static void on_end_timer(void *arg)
{
	tell_ended(arg);
}

static void on_gone(void *arg)
{
	struct leg *leg = arg;

	tell_ended(leg);
	list_unlink(&leg->le);
	loop_defer_free(leg->root->loop, leg, leg_free);
}

void leg_finish(struct leg *leg)
{
	if (leg->state == LEG_GONE)
		return;
	leg_set_state(leg, LEG_GONE);
	timer_stop(&leg->end_timer);
	if (leg->nh)
		nua_handle_destroy(leg->nh);
	leg->nh = NULL;
	/* Never inside a call of the borrower's. */
	timer_start(&leg->timer, leg->root->loop, 0, on_gone, leg);
}

void leg_blame(struct leg *leg, int status, const char *text, bool by_peer)
{
	if (leg->cause.text[0] || leg->cause.status || leg->cause.q850)
		return;
	/* The library has numbers of its own from 900 on. */
	leg->cause.status = status < 700 ? status : 500;
	reason_text(&leg->cause, text);
	leg->by_peer = by_peer;
}

/* ---- farewell ---- */

static void on_farewell_timer(void *arg)
{
	/* The peer is silent: the borrower goes on, the library tries on. */
	tell_ended(arg);
}

static void leave(struct leg *leg)
{
	leg_set_state(leg, LEG_LEAVING);
	timer_start(&leg->timer, leg->root->loop, FAREWELL_MS,
		    on_farewell_timer, leg);
}

static void send_bye(struct leg *leg, int q850, const char *code)
{
	char reason[REASON_LEN];

	reason_print(reason, q850, code);
	nua_bye(leg->nh, TAG_IF(reason[0], SIPTAG_REASON_STR(reason)),
		TAG_END());
	leg_note(leg, false, "BYE");
}

static void send_cancel(struct leg *leg, int q850, const char *code)
{
	char reason[REASON_LEN];

	reason_print(reason, q850, code);
	nua_cancel(leg->nh, TAG_IF(reason[0], SIPTAG_REASON_STR(reason)),
		   TAG_END());
	leg_note(leg, false, "CANCEL");
}

void leg_leave(struct leg *leg, int q850, const char *code)
{
	switch (leg->state) {
	case LEG_NEW:
		leg_respond_refusal(leg, 480, code, 0);
		break;
	case LEG_EARLY:
		if (leg->out)
			send_cancel(leg, q850, code);
		else
			leg_respond_refusal(leg, 480, code, 0);
		break;
	case LEG_CALLING:
		send_cancel(leg, q850, code);
		break;
	case LEG_ANSWERED:
		/* RFC 3261, 15: no BYE before the ACK. */
		leg->bye_on_ack = true;
		leg->bye_q850 = q850;
		snprintf(leg->bye_code, sizeof(leg->bye_code), "%s",
			 code ? code : "");
		break;
	case LEG_OFFERED:
	case LEG_UP:
		send_bye(leg, q850, code);
		break;
	default:
		return;
	}
	leave(leg);
}

void leg_respond_refusal(struct leg *leg, int status, const char *code,
			 unsigned retry_after_s)
{
	char reason[REASON_LEN], retry[16];

	reason_print(reason, 0, code);
	snprintf(retry, sizeof(retry), "%u", retry_after_s);
	nua_respond(leg->nh, status, root_phrase(status),
		    TAG_IF(reason[0], SIPTAG_REASON_STR(reason)),
		    TAG_IF(retry_after_s, SIPTAG_RETRY_AFTER_STR(retry)),
		    TAG_IF(status == 415,
			   SIPTAG_ACCEPT_STR("application/sdp")),
		    TAG_END());
	leg_note_status(leg, false, status, NULL);
}

/* ---- events ---- */

static void on_terminated(struct leg *leg, const struct nuaevent *ev)
{
	leg_blame(leg, ev->status, ev->phrase, false);
	leg_finish(leg);
}

/* The library hangs up by itself: the peer did not refresh the session, or
 * sent no ACK (an error event said so before). */
static void on_library_bye(struct leg *leg)
{
	leg_blame(leg, 408, "session expired", false);
	leg_note(leg, false, "BYE");
	leave(leg);
}

static void on_state(struct leg *leg, const struct nuaevent *ev)
{
	int state = nua_callstate_init;

	tl_gets(ev->tags, NUTAG_CALLSTATE_REF(state), TAG_END());
	if (state == nua_callstate_terminated)
		on_terminated(leg, ev);
	else if (state == nua_callstate_terminating &&
		 leg->state != LEG_LEAVING)
		on_library_bye(leg);
}

static void on_bye(struct leg *leg, const struct nuaevent *ev)
{
	leg_note(leg, true, "BYE");
	leg_note_status(leg, false, 200, NULL);
	if (leg->state == LEG_LEAVING)
		return;		/* ours crossed it and names the cause */
	if (ev->sip)
		reason_read(&leg->cause, ev->sip->sip_reason);
	leg_blame(leg, 0, "BYE", true);
	leg->cause.status = 0;
	leg->by_peer = true;
}

static void on_cancel(struct leg *leg, const struct nuaevent *ev)
{
	leg_note(leg, true, "CANCEL");
	leg_note_status(leg, false, 487, NULL);
	if (leg->state != LEG_NEW && leg->state != LEG_EARLY) {
		leg_change_forget(leg);
		return;
	}
	if (ev->sip)
		reason_read(&leg->cause, ev->sip->sip_reason);
	leg->cause.status = 487;
	if (!leg->cause.text[0])
		reason_text(&leg->cause, "CANCEL");
	leg->by_peer = true;
}

static void on_options(struct leg *leg, const struct nuaevent *ev)
{
	(void)ev;
	nua_respond(leg->nh, 200, root_phrase(200),
		    NUTAG_WITH_THIS(leg->net->nua),
		    SIPTAG_ACCEPT_STR("application/sdp"), TAG_END());
	leg_note(leg, true, "OPTIONS");
	leg_note_status(leg, false, 200, NULL);
}

static void on_alive(struct leg *leg, const struct nuaevent *ev)
{
	bool alive = ev->sip && ev->status != 481 && ev->status != 408;

	if (ev->status < 200 || !leg->alive_asked)
		return;
	leg->alive_asked = false;
	if (ev->sip)
		leg_note_status(leg, true, ev->status, ev->phrase);
	if (leg->handlers && leg->handlers->alive)
		leg->handlers->alive(leg, alive, leg->arg);
}

static void on_error(struct leg *leg, const struct nuaevent *ev)
{
	/* A 18x that overtook the 2xx makes the library forget the 2xx until
	 * it is repeated. */
	if (leg->out && ev->status == 900)
		leg->ack_again = true;
	else
		leg_blame(leg, ev->status, ev->phrase, false);
}

static void on_answer_of_theirs(struct leg *leg, const struct nuaevent *ev)
{
	if (ev->event == nua_r_bye && leg->state != LEG_LEAVING)
		on_library_bye(leg);
	if (ev->sip && ev->status >= 200)
		leg_note_status(leg, true, ev->status, ev->phrase);
}

static void leg_on(struct nuauser *user, const struct nuaevent *ev)
{
	struct leg *leg = (struct leg *)user;

	if (leg->state == LEG_GONE || ev->nh != leg->nh)
		return;
	switch (ev->event) {
	case nua_i_invite:
	case nua_i_update:
		leg_change_on_request(leg, ev);
		break;
	case nua_i_ack:
		leg_in_on_ack(leg, ev);
		break;
	case nua_i_prack:
		leg_note(leg, true, "PRACK");
		leg_note_status(leg, false, ev->status, ev->phrase);
		break;
	case nua_i_cancel:
		on_cancel(leg, ev);
		break;
	case nua_i_bye:
		on_bye(leg, ev);
		break;
	case nua_i_options:
		on_options(leg, ev);
		break;
	case nua_i_error:
		on_error(leg, ev);
		break;
	case nua_i_state:
		on_state(leg, ev);
		break;
	case nua_r_invite:
		leg_out_on_response(leg, ev);
		break;
	case nua_r_options:
		on_alive(leg, ev);
		break;
	case nua_r_bye:
	case nua_r_cancel:
		on_answer_of_theirs(leg, ev);
		break;
	case nua_r_prack:
		leg_note(leg, false, "PRACK");
		on_answer_of_theirs(leg, ev);
		break;
	default:
		break;
	}
}

/* ---- the borrower's side, both directions ---- */

void leg_handle(struct leg *leg, const struct leg_handlers *handlers,
		void *arg)
{
	loop_assert(LOOP_CONTROL);
	leg->handlers = handlers;
	leg->arg = arg;
}

struct trunk *leg_trunk(const struct leg *leg)
{
	return leg->trunk;
}

void leg_info(const struct leg *leg, struct leg_info *out)
{
	memset(out, 0, sizeof(*out));
	out->call_id = leg->call_id;
	out->from = leg->from;
	out->from_display = leg->display;
	out->pai = leg->pai;
	out->to = leg->to;
	out->privacy = leg->privacy;
	out->identity = leg->identity;
	out->max_forwards = leg->max_forwards;
	out->trunk = leg->trunk;
	out->peer = leg->peer;
	out->offer = !leg->out && !leg->offerless ? &leg->remote : NULL;
	out->local_uri = leg->local_uri ? leg->local_uri : "";
	out->remote_uri = leg->remote_uri ? leg->remote_uri : "";
	out->target = leg->target;
	out->route = leg->route;
	out->local_cseq = leg->local_cseq;
	out->remote_cseq = leg->remote_cseq;
	out->local_sdp = leg->local_sdp ? leg->local_sdp : "";
	out->remote_sdp = leg->remote_sdp ? leg->remote_sdp : "";
}

void leg_refuse(struct leg *leg, int status, const char *code,
		unsigned retry_after_s)
{
	loop_assert(LOOP_CONTROL);
	if (leg->out || (leg->state != LEG_NEW && leg->state != LEG_EARLY))
		return;
	leg_respond_refusal(leg, status, code, retry_after_s);
	leg_blame(leg, status, code ? code : root_phrase(status), false);
	leave(leg);
	timer_start(&leg->end_timer, leg->root->loop, 0, on_end_timer, leg);
}

void leg_end(struct leg *leg, int q850, const char *code)
{
	loop_assert(LOOP_CONTROL);
	if (leg->state == LEG_LEAVING || leg->state == LEG_GONE)
		return;
	leg_blame(leg, leg->state == LEG_UP ? 0 : 487,
		  code ? code : "ended", false);
	leg->cause.q850 = q850;
	leg_leave(leg, q850, code);
}

void leg_alive(struct leg *leg)
{
	loop_assert(LOOP_CONTROL);
	if (leg->state != LEG_UP || leg->alive_asked)
		return;
	leg->alive_asked = true;
	nua_options(leg->nh, TAG_END());
	leg_note(leg, false, "OPTIONS");
}
