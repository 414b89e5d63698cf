/* SPDX-License-Identifier: MIT */
/*
 * A RIPT caller: POST calls becomes an INVITE on a trunk.
 *
 *   POST -> route_in -> row -> accept_ript: 201, then call_trunk: INVITE
 *        alerting <- 180, chunks <- SDP in a 1xx, answered <- row <- 200
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "gateway/history.h"
#include "gateway/terms.h"
#include "gateway/session_impl.h"
#include "gateway/tally.h"
#include "gateway/worker.h"
#include "ript/call.h"
#include "ript/ript.h"
#include "sip/leg.h"
#include "sip/root.h"

#define HOPS_DEFAULT 10		/* Q91: where the POST does not say */
#define IDENTITY_MAX 4096	/* a header that UDP may still carry */

static bool check_phase(struct session *s)
{
	enum phase phase = s->owner->phase;

	if (phase == PHASE_READY)
		return true;
	session_refuse(s, phase == PHASE_STARTING ? REASON_NOT_READY
						  : REASON_DRAINING,
		       "no new calls now");
	s->cause.retry_after_s = 5;
	return false;
}

static bool check_hops(struct session *s, int hops)
{
	unsigned limit = s->peer->conf->hops;

	if (hops < 0)
		hops = HOPS_DEFAULT;
	if (limit && hops > (int)limit)
		hops = (int)limit;
	s->hops = hops;
	if (hops > 0)
		return true;
	session_refuse(s, REASON_LOOP, "no hops are left");
	return false;
}

/* Take the trunk of the current hop, or say why not. */
static bool take_trunk(struct session *s, enum reason *reason)
{
	struct sessions *all = s->owner;
	const struct route_hop *hop = &s->route.hop[s->hop];
	struct gw_trunk *trunk;

	if (!hop->trunk) {
		*reason = REASON_SAME_SIDE;
		return false;
	}
	trunk = &all->config.trunk[hop->trunk - all->config.conf->trunk];
	if (!trunk->up) {
		*reason = REASON_TRUNK_DOWN;
		return false;
	}
	if (!admit_trunk(s, trunk, reason))
		return false;
	s->trunk = trunk;
	log_ctx_set(s->log, "trunk", trunk->conf->name);
	return true;
}

/* The first hop from the current one on that takes the call. */
static bool pick_trunk(struct session *s, enum reason *reason)
{
	*reason = REASON_NO_ROUTE;
	for (; s->hop < s->route.hop_cnt; s->hop++) {
		const struct route_hop *hop = &s->route.hop[s->hop];

		if (take_trunk(s, reason))
			return true;
		record_step(s->record, "not by %s: %s",
			    hop->trunk ? hop->trunk->name : hop->peer->name,
			    reason_info(*reason)->advice);
	}
	return false;
}

static bool find_way(struct session *s, const struct ript_call_info *info)
{
	struct sessions *all = s->owner;
	enum reason reason;

	if (!route_from_peer(&s->route, all->config.conf, s->peer->conf,
			     info->from, info->destination)) {
		reason = reason_by_code(s->route.reason ? s->route.reason
							: "");
		session_refuse(s, reason ? reason : REASON_NO_ROUTE, "%s",
			       s->route.sentence);
		return false;
	}
	record_step(s->record, "%s", s->route.sentence);
	if (!admit_peer(s, s->peer, &reason) || !pick_trunk(s, &reason)) {
		session_refuse(s, reason, "%s", reason_info(reason)->advice);
		s->cause.retry_after_s = 5;
		return false;
	}
	if (open_line(s, info->worker)) {
		session_refuse(s, REASON_NO_PORTS, "no RTP port is free");
		s->cause.retry_after_s = 5;
		return false;
	}
	return true;
}

static struct gw_peer *peer_of(struct sessions *all, const struct ript_tg *tg)
{
	for (unsigned i = 0; i < all->config.conf->peer_cnt; i++)
		if (all->config.peer[i].tg == tg)
			return &all->config.peer[i];
	return NULL;
}

void route_in(struct session *s)
{
	struct ript_call_info info;

	ript_call_info(s->call, &info);
	s->peer = peer_of(s->owner, info.tg);
	record_ript(s->record, true, "POST calls, passport");
	record_step(s->record, "POST calls from peer %s: %s calls %s",
		    s->peer ? s->peer->conf->name : "?", info.from,
		    info.destination);
	if (!s->peer) {
		session_refuse(s, REASON_INTERNAL, "the peer is not known");
		return;
	}
	log_ctx_set(s->log, "peer", s->peer->conf->name);
	if (!check_phase(s) || !check_hops(s, info.hops))
		return;
	if (!find_way(s, &info))
		return;
	s->passport = xstrdup(info.passport);
	s->common = terms_direct(&s->directives, info.advert);
	s->attempted = true;
	session_post(s, EV_ROUTED);
}

/* ---- 201, then INVITE ---- */

void accept_ript(struct session *s)
{
	struct ript_call_info info;

	if (ript_call_accept(s->call, &s->directives, &session_call_handlers,
			     s)) {
		session_cause(s, REASON_INTERNAL, "the 201 could not be sent");
		session_post(s, EV_REFUSED);
		return;
	}
	s->accepted = true;
	record_ript(s->record, false, "201, directives");
	record_ript(s->record, false, "proceeding");
	ript_call_info(s->call, &info);
	line_bind(s->line, info.byway);
	set_line(s);
	if (!terms_has_audio(s->common)) {
		/* Q82: accepted already, so it fails by an event. */
		session_cause(s, REASON_NO_CODEC,
			      "the client's handler has neither PCMU nor PCMA");
		session_post(s, EV_REFUSED);
		return;
	}
	call_trunk(s);
}

/* The value of "x5u" in the PASSporT's header; NULL: none. */
static char *passport_x5u(const char *jws)
{
	size_t len = strcspn(jws, ".");
	struct json_object *header, *x5u;
	uint8_t *data = NULL;
	size_t data_len;
	char *out = NULL, *text;

	if (base64url_decode(&data, &data_len, jws, len))
		return NULL;
	text = xstrndup((const char *)data, data_len);
	header = json_tokener_parse(text);
	if (header && json_object_object_get_ex(header, "x5u", &x5u) &&
	    json_object_is_type(x5u, json_type_string))
		out = xstrdup(json_object_get_string(x5u));
	json_object_put(header);
	free(text);
	free(data);
	return out;
}

/* The PASSporT as Identity header (RFC 8224); NULL: it does not fit. */
static char *make_identity(const char *jws)
{
	char *x5u = passport_x5u(jws), *identity = NULL;

	/* The URL goes between angle brackets: none, and no line end. */
	if (x5u && strlen(x5u) + strlen(jws) < IDENTITY_MAX &&
	    !strpbrk(x5u, "<> \t\r\n\"") && !strpbrk(jws, "<> \t\r\n;"))
		identity = xasprintf("%s;info=<%s>;alg=ES256", jws, x5u);
	free(x5u);
	return identity;
}

static void send_invite(struct session *s)
{
	struct ript_call_info info;
	struct leg_call params = {
		.to = NULL,
		.from = s->route.caller,
		.max_forwards = s->hops - 1,
		.offer = &s->local,
		.handlers = &session_leg_handlers,
		.arg = s,
	};
	char number[ROUTE_NUMBER_SIZE];
	char *identity = make_identity(s->passport);
	struct leg_info leg;
	int err;

	ript_call_info(s->call, &info);
	params.identity = identity;
	params.to = number;
	if (!params.from[0])
		params.from = info.from;
	err = route_number_for(number, &s->route.hop[s->hop], s->route.called);
	if (!err)
		err = leg_call(&s->leg, s->owner->config.root, s->trunk->trunk,
			       &params);
	free(identity);
	if (err) {
		session_cause(s, REASON_TRUNK_DOWN, "trunk %s: %s",
			      s->trunk->conf->name, strerror(err));
		session_post(s, EV_FAILED);
		return;
	}
	leg_info(s->leg, &leg);
	record_claim_sip(s->record, leg.call_id);
	record_step(s->record, "INVITE to %s on trunk %s", number,
		    s->trunk->conf->name);
}

void call_trunk(struct session *s)
{
	struct addr rtp;

	line_address(s, &rtp);
	if (terms_callee(&s->local, s->common, &s->directives, &rtp)) {
		session_cause(s, REASON_NO_CODEC, "no codec in common");
		session_post(s, EV_REFUSED);
		return;
	}
	send_invite(s);
}

/* The line of another trunk: in the same network it stays. */
static bool move_line(struct session *s, const struct rtp_range *before)
{
	struct ript_call_info info;

	if (s->trunk->range == before && s->line)
		return true;
	ript_call_info(s->call, &info);
	line_close(&s->line);
	if (open_line(s, info.worker))
		return false;
	line_bind(s->line, info.byway);
	return true;
}

/* This trunk has refused or cannot be reached: the next, or the verdict. */
void in_next(struct session *s)
{
	const struct rtp_range *before = s->trunk->range;
	const struct conf_route *route = s->route.route;
	struct cause first = s->cause;
	enum reason reason;

	release_trunk(s);
	if (!cause_try_next(&first)) {
		session_post(s, EV_REFUSED);
		return;
	}
	record_step(s->record, "trunk %s: %d %s", s->trunk->conf->name,
		    first.sip, reason_info(first.reason)->code);
	s->hop++;
	if (pick_trunk(s, &reason)) {
		memset(&s->remote, 0, sizeof(s->remote));
		if (move_line(s, before)) {
			cause_count(first.reason);
			memset(&s->cause, 0, sizeof(s->cause));
			set_line(s);
			session_post(s, EV_NEXT);
			return;
		}
		release_trunk(s);
	}
	if (route && route->on_failure)
		s->cause.sip = route->on_failure;
	session_post(s, EV_REFUSED);
}

/* ---- what the phone answers ---- */

void tell_alerting(struct session *s)
{
	s->ringing_ms = loop_wall_ms(s->owner->config.loop);
	tally_ringing(s);
	record_ript(s->record, false, "alerting");
	ript_call_state(s->call, RIPT_EV_ALERTING, NULL);
}

void in_early(struct session *s)
{
	set_line(s);
}

void take_answer(struct session *s)
{
	struct ript_directives narrowed;

	if (!terms_has_audio(terms_caller_codecs(&s->remote))) {
		session_cause(s, REASON_NO_CODEC,
			      "the answer has neither PCMU nor PCMA");
		session_post(s, EV_FAILED);
		return;
	}
	s->answered_ms = loop_wall_ms(s->owner->config.loop);
	s->redirected = terms_narrow(&narrowed, &s->directives, &s->remote);
	s->directives = narrowed;
	set_line(s);
	store_row(s);
}

void answer_ript(struct session *s)
{
	s->owner->answered++;
	if (s->redirected) {
		record_ript(s->record, false, "directive");
		ript_call_direct(s->call, &s->directives, "answer");
	}
	tally_answered(s);
	record_ript(s->record, false, "answered");
	ript_call_state(s->call, RIPT_EV_ANSWERED, NULL);
	start_talking(s);
}

void answer_ript_unstored(struct session *s)
{
	s->owner->unprotected++;
	record_step(s->record, "answered though its row could not be written");
	answer_ript(s);
}

/* The client asks for fresh directives (CA-21): its handler may be new. */
void refresh_directives(struct session *s)
{
	struct ript_directives fresh;
	struct ript_call_info info;

	if (!s->call || s->sip_caller)
		return;
	ript_call_info(s->call, &info);
	if (!terms_redirect(&fresh, &s->common, &s->directives, info.advert,
			    s->answered_ms ? &s->remote : NULL))
		return;
	s->directives = fresh;
	record_ript(s->record, false, "directive");
	ript_call_direct(s->call, &s->directives, "handler");
	set_line(s);
}
