/* SPDX-License-Identifier: MIT */
/*
 * A SIP caller: its INVITE becomes POST calls at a RIPT peer.
 *
 *   INVITE -> route_out -> place_call -> 201 -> out_accepted
 *          180 <- alerting, 183 <- first chunk, 200 <- answered + row
 */
#include <errno.h>
#include <json-c/json.h>
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
#include "ript/passport.h"
#include "ript/ript.h"
#include "ript/worker.h"
#include "sip/leg.h"
#include "sip/root.h"

#define PASSPORT_MAX 8192

static struct gw_trunk *trunk_of(struct sessions *all,
				 const struct trunk *trunk)
{
	for (unsigned i = 0; i < all->config.conf->trunk_cnt; i++)
		if (all->config.trunk[i].trunk == trunk)
			return &all->config.trunk[i];
	return NULL;
}

/* The PASSporT in an Identity header (RFC 8224, 4): the full form, three
 * base64url parts, up to the first parameter. */
static char *identity_passport(const char *identity)
{
	size_t len = strspn(identity, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789-_.");
	const char *first = memchr(identity, '.', len);
	const char *second;

	if (!first || len > PASSPORT_MAX ||
	    (identity[len] != ';' && identity[len] != '\0'))
		return NULL;
	second = memchr(first + 1, '.', len - (size_t)(first + 1 - identity));
	if (!second || first == identity || second == first + 1 ||
	    second + 1 == identity + len)
		return NULL;
	return xstrndup(identity, len);
}

static bool check_hops(struct session *s, int max_forwards)
{
	s->hops = max_forwards - 1;
	if (s->hops > 0)
		return true;
	session_refuse(s, REASON_LOOP, "Max-Forwards of the INVITE is %d",
		       max_forwards);
	return false;
}

static bool check_phase(struct session *s)
{
	enum phase phase = s->owner->phase;

	if (phase == PHASE_READY)
		return true;
	if (phase == PHASE_STARTING)
		session_refuse(s, REASON_NOT_READY, "still starting");
	else
		session_refuse(s, REASON_DRAINING, "no new calls: stopping");
	return false;
}

static bool find_route(struct session *s, const struct leg_info *info)
{
	enum reason reason;

	if (route_from_trunk(&s->route, s->owner->config.conf, s->trunk->conf,
			     info->to, info->from, info->pai)) {
		record_step(s->record, "%s", s->route.sentence);
		return true;
	}
	reason = reason_by_code(s->route.reason ? s->route.reason : "");
	session_cause(s, reason ? reason : REASON_NO_ROUTE, "%s",
		      s->route.sentence);
	if (s->route.status)
		s->cause.sip = s->route.status;
	session_refuse(s, s->cause.reason, "%s", s->route.sentence);
	return false;
}

void route_out(struct session *s)
{
	struct leg_info info;
	char peer[ADDR_TEXT_LEN];
	enum reason reason;

	leg_info(s->leg, &info);
	s->trunk = trunk_of(s->owner, info.trunk);
	addr_print(peer, &info.peer);
	record_step(s->record, "INVITE to %s from trunk %s (%s), Call-ID %s",
		    info.to, s->trunk ? s->trunk->conf->name : "?", peer,
		    info.call_id);
	if (!s->trunk) {
		session_refuse(s, REASON_INTERNAL, "the trunk is not known");
		return;
	}
	log_ctx_set(s->log, "trunk", s->trunk->conf->name);
	if (!check_phase(s) || !check_hops(s, info.max_forwards))
		return;
	if (info.offer) {
		s->remote = *info.offer;
		if (!terms_has_audio(terms_caller_codecs(info.offer))) {
			session_refuse(s, REASON_NO_CODEC,
				       "the offer has neither PCMU nor PCMA");
			return;
		}
	}
	s->late_offer = !info.offer;
	if (!find_route(s, &info))
		return;
	if (info.identity && !(s->passport = identity_passport(info.identity))) {
		session_refuse(s, REASON_BAD_IDENTITY,
			       "the Identity header holds no full PASSporT");
		return;
	}
	if (!admit_trunk(s, s->trunk, &reason)) {
		session_refuse(s, reason, "%s", reason_info(reason)->advice);
		return;
	}
	s->attempted = true;
	session_post(s, EV_ROUTED);
}

/* ---- one via ---- */

/* This via does not do; the next may. */
static void via_fails(struct session *s, enum reason reason, const char *why)
{
	session_cause(s, reason, "%s", why);
	record_step(s->record, "not by %s: %s",
		    s->peer ? s->peer->conf->name : "this via", why);
	session_post(s, EV_FAILED);
}

/* The caller's PASSporT, from Identity or signed by us.  EACCES: the
 * certificate does not cover the caller. */
static int make_passport(struct session *s, char **jwsp, const char *number)
{
	if (s->passport) {
		*jwsp = xstrdup(s->passport);
		return 0;
	}
	if (!s->peer->signer)
		return EACCES;
	return passport_sign(jwsp, s->peer->signer, s->route.caller, number,
			     loop_wall_ms(s->owner->config.loop));
}

static int post_call(struct session *s, const char *number, const char *jws)
{
	struct ript_call_open params = {
		.destination = number,
		.passport = jws,
		.codecs = terms_caller_codecs(s->late_offer ? NULL
							    : &s->remote),
		.ptime_ms = s->late_offer ? 0 : s->remote.ptime_ms,
		.hops = s->hops,
		.handlers = &session_call_handlers,
		.arg = s,
	};
	int err;

	params.worker = ript_net_least_loaded(s->owner->config.net);
	err = open_line(s, params.worker);
	if (err)
		return err;
	return ript_call_open(&s->call, s->peer->ript, &params);
}

static void tell_open_error(struct session *s, int err)
{
	switch (err) {
	case ENOSPC:
		via_fails(s, REASON_NO_PORTS, "no RTP port is free");
		break;
	case ENOTCONN:
		via_fails(s, REASON_PEER_UNREACHABLE,
			  s->peer->why[0] ? s->peer->why : "no connection");
		break;
	case EBUSY:
		via_fails(s, REASON_PEER_BUSY, "it asked us to wait");
		s->cause.retry_after_s = ript_peer_retry_after(s->peer->ript);
		break;
	case EACCES:
		via_fails(s, REASON_DESTINATION_NOT_ALLOWED,
			  "none of its terminal groups takes this number");
		break;
	default:
		via_fails(s, REASON_INTERNAL, strerror(err));
		break;
	}
}

void place_call(struct session *s)
{
	const struct route_hop *hop = &s->route.hop[s->hop];
	struct sessions *all = s->owner;
	char number[ROUTE_NUMBER_SIZE];
	char *jws = NULL;
	int err;

	s->peer = NULL;
	if (!hop->peer) {
		via_fails(s, REASON_SAME_SIDE, "it is a trunk, as the caller's");
		return;
	}
	s->peer = &all->config.peer[hop->peer - all->config.conf->peer];
	log_ctx_set(s->log, "peer", s->peer->conf->name);
	if (!s->peer->ript) {
		via_fails(s, REASON_PEER_UNREACHABLE,
			  "the peer has no `domain`: it only calls us");
		return;
	}
	if (route_number_for(number, hop, s->route.called)) {
		via_fails(s, REASON_BAD_NUMBER, "the number is too long");
		return;
	}
	if (make_passport(s, &jws, number)) {
		via_fails(s, REASON_CALLER_NOT_COVERED,
			  "our certificate does not cover the caller");
		return;
	}
	err = post_call(s, number, jws);
	if (err) {
		tell_open_error(s, err);
		goto out;
	}
	s->accepted = s->final = false;
	record_step(s->record, "POST calls to %s for %s, signed %s, hops %d",
		    s->peer->conf->name, number,
		    s->passport ? "by the caller's side" : s->route.caller,
		    s->hops);
	record_ript(s->record, false, "POST calls, passport");
out:
	free(jws);
}

/* The call at this via is gone or never was: another via, or the verdict. */
void out_next(struct session *s)
{
	const struct conf_route *route = s->route.route;

	line_close(&s->line);
	if (cause_try_next(&s->cause) && s->hop + 1 < s->route.hop_cnt &&
	    !s->told) {
		cause_count(s->cause.reason);
		memset(&s->cause, 0, sizeof(s->cause));
		s->hop++;
		session_post(s, EV_NEXT);
		return;
	}
	if (cause_try_next(&s->cause) && route && route->on_failure)
		s->cause.sip = route->on_failure;
	session_post(s, EV_REFUSED);
}

/* The verdict is kept already; closed() follows and decides. */
void out_note_refusal(struct session *s)
{
	record_step(s->record, "%s refused after 201: %d, %s",
		    s->peer->conf->name, s->cause.sip,
		    reason_info(s->cause.reason)->code);
}

/* ---- after the 201 ---- */

/* What the SIP caller would be answered now.  EV_FAILED: nothing. */
static void make_answer(struct session *s)
{
	struct addr rtp;

	line_address(s, &rtp);
	if (s->late_offer ? terms_late(&s->local, &s->directives, &rtp)
			  : terms_answer(&s->local, &s->remote,
					 &s->directives, &rtp)) {
		session_cause(s, REASON_NO_CODEC,
			      "the directive shares no codec with the phone");
		session_post(s, EV_FAILED);
	}
}

void out_accepted(struct session *s)
{
	struct ript_call_info info;

	ript_call_info(s->call, &info);
	s->accepted = true;
	record_set_uri(s->record, info.uri);
	record_ript(s->record, true, "201, %s",
		    info.directives ? "directives" : "no directive");
	if (info.directives)
		s->directives = *info.directives;
	line_bind(s->line, info.byway);
	make_answer(s);
	set_line(s);
}

void follow_directive(struct session *s)
{
	struct ript_call_info info;

	if (!s->call || !s->line)
		return;
	ript_call_info(s->call, &info);
	if (!info.directives)
		return;
	s->directives = *info.directives;
	record_step(s->record, "the peer changed its directives");
	/* What the phone was told stays: what it sends outside the new
	 * directive is counted by the bridge. */
	if (s->sip_caller && !s->told)
		make_answer(s);
	set_line(s);
}

void send_180(struct session *s)
{
	s->ringing_ms = loop_wall_ms(s->owner->config.loop);
	tally_ringing(s);
	leg_progress(s->leg, 180, NULL);
}

void send_183(struct session *s)
{
	s->told = true;
	leg_progress(s->leg, 183, &s->local);
}

void answer_sip(struct session *s)
{
	s->told = true;
	s->answered_ms = loop_wall_ms(s->owner->config.loop);
	s->owner->answered++;
	tally_answered(s);
	leg_answer(s->leg, &s->local);
	set_line(s);
	start_talking(s);
}

void answer_sip_unstored(struct session *s)
{
	s->owner->unprotected++;
	record_step(s->record, "answered though its row could not be written");
	answer_sip(s);
}

void out_confirmed(struct session *s)
{
	if (!s->late_offer)
		return;
	if (!media_desc_audio(&s->remote)) {
		session_cause(s, REASON_NO_CODEC,
			      "the ACK of a late offer has no usable answer");
		session_post(s, EV_FAILED);
		return;
	}
	set_line(s);
}
