/* SPDX-License-Identifier: MIT */
/*
 * INVITE in.
 *
 *   INVITE -> [Contact, body, SDP, lengths] -> incoming() -> 18x, 2xx -> ACK
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "sip/filter.h"
#include "sip/leg_inside.h"
#include "sip/reason.h"

/* ---- what the INVITE says ---- */

/* The value of a header that the library does not know; NULL if none. */
static const char *unknown_header(const sip_t *sip, const char *name,
				  const char *compact)
{
	const sip_unknown_t *un;

	for (un = sip->sip_unknown; un; un = un->un_next)
		if (un->un_name && un->un_value &&
		    (strcasecmp(un->un_name, name) == 0 ||
		     (compact && strcasecmp(un->un_name, compact) == 0)))
			return un->un_value;
	return NULL;
}

static int take_header(char **out, const char *value, size_t max)
{
	if (!value || !*value)
		return 0;
	if (strlen(value) > max)
		return EMSGSIZE;
	*out = xstrdup(value);
	return 0;
}

static int take_privacy(struct leg *leg, const sip_t *sip)
{
	char text[LEG_PRIVACY_LEN];
	size_t len = 0;
	unsigned i;
	int n;

	if (!sip->sip_privacy || !sip->sip_privacy->priv_values)
		return 0;
	for (i = 0; sip->sip_privacy->priv_values[i]; i++) {
		n = snprintf(text + len, sizeof(text) - len, "%s%s",
			     len ? ";" : "", sip->sip_privacy->priv_values[i]);
		if (n < 0 || (size_t)n >= sizeof(text) - len)
			return EMSGSIZE;
		len += (size_t)n;
	}
	return len ? take_header(&leg->privacy, text, sizeof(text)) : 0;
}

static int take_pai(struct leg *leg, const sip_t *sip)
{
	const sip_p_asserted_identity_t *pai = sip_p_asserted_identity(sip);
	char user[URI_USER_LEN + 1];
	int err;

	if (!pai)
		return 0;
	err = uri_user(user, pai->paid_url);
	if (!err && *user)
		leg->pai = xstrdup(user);
	return err;
}

/* Quotes and escapes off, cut, no control characters. */
static void take_display(struct leg *leg, const char *display)
{
	size_t len = 0, end;
	const char *p = display;

	if (!p)
		return;
	end = strlen(p);
	if (end >= 2 && *p == '"' && p[end - 1] == '"') {
		p++;
		end -= 2;
	}
	for (; end && len < sizeof(leg->display) - 1; p++, end--) {
		if (*p == '\\' && end > 1) {
			p++;
			end--;
		}
		if ((unsigned char)*p >= 0x20 && *p != 0x7f)
			leg->display[len++] = *p;
	}
	leg->display[len] = '\0';
}

static bool lengths_fit(const sip_t *sip)
{
	return sip->sip_call_id && sip->sip_from && sip->sip_to &&
	       strlen(sip->sip_call_id->i_id) <= LEG_ID_LEN &&
	       sip->sip_from->a_tag &&
	       strlen(sip->sip_from->a_tag) <= LEG_ID_LEN;
}

/* Returns 0, or EMSGSIZE/EINVAL: something is longer than we keep. */
static int take_headers(struct leg *leg, const sip_t *sip)
{
	int err;

	err = uri_user(leg->to, sip->sip_request->rq_url);
	if (!err)
		err = uri_user(leg->from, sip->sip_from->a_url);
	if (!err)
		err = take_pai(leg, sip);
	if (!err)
		err = take_privacy(leg, sip);
	if (!err)
		err = take_header(&leg->identity,
				  unknown_header(sip, "Identity", "y"),
				  LEG_IDENTITY_LEN);
	take_display(leg, sip->sip_from->a_display);
	if (sip->sip_max_forwards)
		leg->max_forwards =
			(int)(sip->sip_max_forwards->mf_count > 255
				      ? 255
				      : sip->sip_max_forwards->mf_count);
	leg->require_100rel = sip_has_feature(sip->sip_require, "100rel");
	leg->support_100rel = leg->require_100rel ||
			      sip_has_feature(sip->sip_supported, "100rel");
	return err;
}

/* ---- refusals before anybody knows of the call ---- */

struct refusal {
	int status;		/* 0: none */
	const char *code, *why;
};

static struct refusal take_sdp(struct leg *leg, const sip_t *sip)
{
	struct sipsdp *sdp = NULL;
	struct refusal no = { 0, NULL, NULL };
	const char *why;
	unsigned line;
	int err;

	err = leg_sdp_read(&sdp, &leg->remote_sdp, sip, &why);
	leg->offerless = err == ENOENT;
	if (err == ENOTSUP)
		no = (struct refusal){ 415, "body-not-sdp", why };
	else if (err == EMSGSIZE)
		no = (struct refusal){ 413, "sdp-too-large", why };
	else if (err && err != ENOENT)
		no = (struct refusal){ 400, "bad-sdp", why };
	else if (!err && sipoffer_read(&leg->remote, &line, sdp) != 0)
		no = (struct refusal){ 488, "no-audio-in-offer",
				       "no audio stream for us" };
	sipsdp_free(&sdp);
	return no;
}

static struct refusal take_invite(struct leg *leg, const sip_t *sip)
{
	/* Rule: nothing but an error to who we could never send a BYE. */
	if (!sip->sip_contact)
		return (struct refusal){ 400, "bad-contact",
					 "no Contact that we could send to" };
	if (take_headers(leg, sip) != 0)
		return (struct refusal){ 400, "header-too-long",
					 "a header of more than we keep" };
	return take_sdp(leg, sip);
}

static void refuse_early(struct network *net, nua_handle_t *nh, int status,
			 const char *code)
{
	char reason[REASON_LEN];

	reason_print(reason, 0, code);
	nua_respond(nh, status, root_phrase(status),
		    SIPTAG_REASON_STR(reason),
		    TAG_IF(status == 415,
			   SIPTAG_ACCEPT_STR("application/sdp")),
		    TAG_IF(status == 503, SIPTAG_RETRY_AFTER_STR("5")),
		    TAG_END());
	nua_handle_destroy(nh);
	root_refused(code);
	(void)net;
}

/* ---- the INVITE ---- */

static void leg_offer_to_gateway(struct leg *leg)
{
	struct siproot *root = leg->root;

	leg_note(leg, true, "INVITE");
	leg_note_status(leg, false, 100, NULL);
	if (root->events.incoming)
		root->events.incoming(leg, root->arg);
	if (!leg->handlers && leg->state == LEG_NEW)
		leg_refuse(leg, 500, "nobody-took-it", 0);
}

static bool arrived_by_tcp(const struct network *net)
{
	msg_t *msg = nua_current_request(net->nua);

	return msg && msg_addrinfo(msg)->ai_socktype == SOCK_STREAM;
}

void leg_on_invite(struct network *net, const struct nuaevent *ev)
{
	msg_t *msg = nua_current_request(net->nua);
	struct addr from = { .len = 0 };
	struct refusal no;
	struct trunk *trunk;
	struct leg *leg;

	if (msg)
		filter_source(&from, msg);
	trunk = trunk_by_source(net->root, net, &from);
	if (!trunk || trunk->closing) {
		refuse_early(net, ev->nh, 403, "unknown-source");
		return;
	}
	if (net->root->stopping || !lengths_fit(ev->sip)) {
		refuse_early(net, ev->nh, net->root->stopping ? 503 : 400,
			     net->root->stopping ? "stopping"
						 : "header-too-long");
		return;
	}
	leg = leg_new(net, trunk, LEG_NEW);
	leg->nh = ev->nh;
	leg->peer = from;
	leg->tcp = arrived_by_tcp(net);
	leg->call_id = xstrdup(ev->sip->sip_call_id->i_id);
	log_ctx_set(leg->log, "sip_call_id", leg->call_id);
	no = take_invite(leg, ev->sip);
	if (no.status) {
		log_reason(leg->log, LOG_WARN, no.code,
			   "sip: INVITE refused with %d: %s", no.status,
			   no.why);
		leg_note(leg, true, "INVITE");
		leg_note_status(leg, false, no.status, NULL);
		refuse_early(net, ev->nh, no.status, no.code);
		leg_discard(&leg->le);
		return;
	}
	nua_handle_bind(leg->nh, &leg->user);
	if (leg->tcp)
		nua_set_hparams(leg->nh, NUTAG_M_PARAMS("transport=tcp"),
				TAG_END());
	leg_dialog_learn(leg, ev->sip);
	leg_offer_to_gateway(leg);
}

/* ---- answers ---- */

/* The answer to the INVITE's offer, or our offer; NULL: nothing in common
 * with the offer. */
static const char *sdp_for(struct leg *leg, const struct media_desc *desc)
{
	struct media_desc mine = *desc;
	struct sipsdp *offer = NULL;
	struct media_desc unused;
	const char *text = NULL;
	unsigned line;

	if (leg->offerless)
		return leg_say_offer(leg, &mine);
	if (sipoffer_align(&mine, &leg->remote) == 0 &&
	    sipsdp_parse(&offer, leg->remote_sdp, strlen(leg->remote_sdp),
			 NULL) == 0 &&
	    sipoffer_read(&unused, &line, offer) == 0)
		text = leg_say_answer(leg, offer, line, &mine);
	sipsdp_free(&offer);
	return text;
}

void leg_progress(struct leg *leg, int status, const struct media_desc *desc)
{
	const char *sdp = NULL;
	bool reliable;

	loop_assert(LOOP_CONTROL);
	if (leg->out || status <= 100 || status >= 200 ||
	    (leg->state != LEG_NEW && leg->state != LEG_EARLY))
		return;
	/* RFC 3262, 5: a reliable 18x to an INVITE without an offer would
	 * have to carry ours, and the library makes each 183 reliable. */
	if (leg->offerless && (leg->require_100rel || status == 183))
		return;
	if (desc && !leg->offerless)
		sdp = sdp_for(leg, desc);
	reliable = sdp && leg->support_100rel;
	nua_respond(leg->nh, status, root_phrase(status),
		    TAG_IF(sdp, SIPTAG_CONTENT_TYPE_STR("application/sdp")),
		    TAG_IF(sdp, SIPTAG_PAYLOAD_STR(sdp)),
		    TAG_IF(reliable, SIPTAG_REQUIRE_STR("100rel")),
		    TAG_END());
	leg_note_status(leg, false, status, NULL);
	leg_set_state(leg, LEG_EARLY);
}

void leg_answer(struct leg *leg, const struct media_desc *desc)
{
	const char *sdp;

	loop_assert(LOOP_CONTROL);
	if (leg->out || (leg->state != LEG_NEW && leg->state != LEG_EARLY))
		return;
	sdp = sdp_for(leg, desc);
	if (!sdp) {
		leg_refuse(leg, 488, "no-common-codec", 0);
		return;
	}
	nua_respond(leg->nh, 200, root_phrase(200),
		    SIPTAG_CONTENT_TYPE_STR("application/sdp"),
		    SIPTAG_PAYLOAD_STR(sdp), TAG_END());
	leg_note_status(leg, false, 200, NULL);
	leg_set_state(leg, LEG_ANSWERED);
}

/* ---- the ACK ---- */

static const struct media_desc *late_answer(struct leg *leg, const sip_t *sip)
{
	struct sipsdp *sdp = NULL;
	char *text = NULL;
	const char *why;
	bool good;

	if (leg_sdp_read(&sdp, &text, sip, &why) != 0)
		return NULL;
	good = sipoffer_read_answer(&leg->remote, sdp) == 0 &&
	       leg->remote.format_cnt;
	sipsdp_free(&sdp);
	leg_replace(&leg->remote_sdp, text);
	return good ? &leg->remote : NULL;
}

void leg_in_on_ack(struct leg *leg, const struct nuaevent *ev)
{
	const struct media_desc *answer = NULL;

	leg_note(leg, true, "ACK");
	if (leg->state == LEG_LEAVING && leg->bye_on_ack) {
		leg->bye_on_ack = false;
		leg_set_state(leg, LEG_UP);
		leg_leave(leg, leg->bye_q850,
			  leg->bye_code[0] ? leg->bye_code : NULL);
		return;
	}
	if (leg->state != LEG_ANSWERED)
		return;
	leg_set_state(leg, LEG_UP);
	if (leg->offerless && ev->sip) {
		answer = late_answer(leg, ev->sip);
		if (!answer) {
			log_reason(leg->log, LOG_WARN, "no-answer-in-ack",
				   "sip: ACK without a usable answer");
			leg_blame(leg, 488, "no answer in ACK", false);
			leg_leave(leg, 0, "no-answer-in-ack");
			return;
		}
	}
	leg_dialog_learn(leg, NULL);
	if (leg->handlers && leg->handlers->confirmed)
		leg->handlers->confirmed(leg, answer, leg->arg);
}
