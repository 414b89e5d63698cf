/* SPDX-License-Identifier: MIT */
/*
 * INVITE out.
 *
 *   leg_call() -> host 0 --503, no answer, cannot send--> host 1 ...
 *                        --3xx to one of our hosts------> there
 *              -> progress() ... -> answered() -> ACK
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "sip/leg_inside.h"
#include "sip/reason.h"

/* Not even a 100 for that long: the next host, if there is one. */
#define NEXT_HOST_MS 4000

static void call_host(struct leg *leg);

/* ---- sending the INVITE ---- */

static char *with_tag(const char *name_addr)
{
	unsigned char random[8];
	char tag[2 * sizeof(random) + 1];

	random_bytes(random, sizeof(random));
	hex_encode(tag, random, sizeof(random));
	return xasprintf("%s;tag=%s", name_addr, tag);
}

static void make_call_id(struct leg *leg)
{
	char uuid[UUID_LEN + 1];

	uuid_make(uuid);
	leg_replace(&leg->call_id, xstrdup(uuid));
	log_ctx_set(leg->log, "sip_call_id", leg->call_id);
}

static void send_invite(struct leg *leg, const char *target)
{
	char *from_uri = uri_make(leg->from, &leg->net->advertise);
	char *to_uri = uri_make(leg->to, &leg->peer);
	char *from = uri_name_addr(leg->display, from_uri);
	char *to = uri_name_addr(NULL, to_uri);
	char *identity = NULL;
	char forwards[8];
	const char *sdp = leg->offerless ? NULL : leg->local_sdp;

	make_call_id(leg);
	leg_replace(&leg->local_uri, with_tag(from));
	leg_replace(&leg->remote_uri, xstrdup(to));
	snprintf(forwards, sizeof(forwards), "%d", leg->max_forwards);
	if (leg->identity)
		identity = xasprintf("Identity: %s", leg->identity);

	leg->nh = nua_handle(leg->net->nua, &leg->user, TAG_END());
	nua_invite(leg->nh, NUTAG_URL(target), NUTAG_PROXY(leg->hop),
		   TAG_IF(leg->tcp, NUTAG_M_PARAMS("transport=tcp")),
		   SIPTAG_CALL_ID_STR(leg->call_id),
		   SIPTAG_FROM_STR(leg->local_uri), SIPTAG_TO_STR(to),
		   SIPTAG_MAX_FORWARDS_STR(forwards),
		   TAG_IF(identity, SIPTAG_HEADER_STR(identity)),
		   /* A reliable 18x could carry an offer, and the library
		    * answers it with an empty PRACK. */
		   TAG_IF(!sdp, SIPTAG_SUPPORTED_STR("timer")),
		   /* Only an ACK with our answer has to wait for us. */
		   NUTAG_AUTOACK(sdp != NULL),
		   TAG_IF(sdp, SIPTAG_CONTENT_TYPE_STR("application/sdp")),
		   TAG_IF(sdp, SIPTAG_PAYLOAD_STR(sdp)), TAG_END());
	leg_note(leg, false, "INVITE");
	free(from_uri);
	free(to_uri);
	free(from);
	free(to);
	free(identity);
}

/* ---- hosts in turn ---- */

static void drop_handle(struct leg *leg)
{
	if (leg->nh)
		nua_handle_destroy(leg->nh);
	leg->nh = NULL;
}

static void on_no_answer(void *arg)
{
	struct leg *leg = arg;

	leg_blame(leg, 408, "no answer", false);
	leg_leave(leg, 19, "no-answer");
}

static void start_no_answer(struct leg *leg)
{
	timer_start(&leg->timer, leg->root->loop, leg->trunk->no_answer_ms,
		    on_no_answer, leg);
}

/* Returns false when there is no further host. */
static bool call_next_host(struct leg *leg, const char *why)
{
	int next = trunk_host_from(leg->trunk, leg->host + 1);

	if (next < 0 || leg->redirect || leg->trunk->closing)
		return false;
	log_reason(leg->log, LOG_WARN, "next-host",
		   "sip: host %u of the trunk: %s; trying host %d", leg->host,
		   why, next);
	drop_handle(leg);
	leg->host = (unsigned)next;
	call_host(leg);
	return true;
}

static void on_silent_host(void *arg)
{
	struct leg *leg = arg;

	/* The library takes the INVITE back by itself, should its answer
	 * still come. */
	if (!call_next_host(leg, "no answer to INVITE"))
		start_no_answer(leg);
}

static void call_host(struct leg *leg)
{
	const struct probe *host = &leg->trunk->host[leg->host];
	char *target;

	leg->peer = host->host;
	snprintf(leg->hop, sizeof(leg->hop), "%s", host->uri);
	if (leg->redirect)
		target = xstrdup(leg->redirect);
	else
		target = uri_make(leg->to, &host->host);
	if (leg->tcp && !strstr(target, ";transport="))
		leg_replace(&target, xasprintf("%s;transport=tcp", target));
	send_invite(leg, target);
	free(target);
	leg->answered_early = false;
	leg_set_state(leg, LEG_CALLING);
	if (trunk_host_from(leg->trunk, leg->host + 1) >= 0)
		timer_start(&leg->timer, leg->root->loop, NEXT_HOST_MS,
			    on_silent_host, leg);
	else
		start_no_answer(leg);
}

int leg_call(struct leg **legp, struct siproot *root, struct trunk *trunk,
	     const struct leg_call *params)
{
	int host = trunk_host_from(trunk, 0);
	struct leg *leg;

	loop_assert(LOOP_CONTROL);
	if (host < 0 || trunk->closing || root->stopping)
		return ENOTCONN;
	leg = leg_new(trunk->net, trunk, LEG_CALLING);
	leg->handlers = params->handlers;
	leg->arg = params->arg;
	leg->host = (unsigned)host;
	leg->max_forwards = params->max_forwards;
	snprintf(leg->to, sizeof(leg->to), "%s", params->to);
	snprintf(leg->from, sizeof(leg->from), "%s",
		 params->from ? params->from : "anonymous");
	snprintf(leg->display, sizeof(leg->display), "%s",
		 params->from_display ? params->from_display : "");
	leg->identity = xstrdup(params->identity);
	leg->offerless = !params->offer;
	if (params->offer)
		leg_say_offer(leg, params->offer);
	call_host(leg);
	*legp = leg;
	return 0;
}

/* ---- 1xx ---- */

/* SDP of an 18x or 2xx as the answer to our offer; NULL if none. */
static const struct media_desc *take_answer(struct leg *leg, const sip_t *sip)
{
	struct sipsdp *sdp = NULL;
	struct media_desc desc;
	char *text = NULL;
	const char *why;
	int err;

	err = leg_sdp_read(&sdp, &text, sip, &why);
	if (err == ENOENT)
		return NULL;
	if (!err)
		err = sipoffer_read_answer(&desc, sdp);
	sipsdp_free(&sdp);
	if (err) {
		log_reason(leg->log, LOG_WARN, "bad-answer",
			   "sip: SDP of the answer: %s", why);
		free(text);
		return NULL;
	}
	leg->remote = desc;
	leg_replace(&leg->remote_sdp, text);
	return &leg->remote;
}

static void on_provisional(struct leg *leg, const struct nuaevent *ev)
{
	const struct media_desc *early = NULL;

	if (leg->state != LEG_CALLING && leg->state != LEG_EARLY)
		return;
	if (leg->state == LEG_CALLING) {
		/* The host lives: only the callee may take its time now. */
		start_no_answer(leg);
	}
	if (ev->status == 100 || !ev->sip)
		return;
	leg_set_state(leg, LEG_EARLY);
	leg_dialog_learn(leg, ev->sip);
	if (!leg->offerless)
		early = take_answer(leg, ev->sip);
	if (early)
		leg->answered_early = true;
	if (leg->handlers && leg->handlers->progress)
		leg->handlers->progress(leg, ev->status,
					early && early->format_cnt ? early
								   : NULL,
					leg->arg);
}

/* ---- 2xx ---- */

/* To a late offer; the library acknowledges everything else by itself. */
static void send_ack(struct leg *leg, const char *sdp)
{
	if (leg->offerless)
		nua_ack(leg->nh,
			TAG_IF(sdp,
			       SIPTAG_CONTENT_TYPE_STR("application/sdp")),
			TAG_IF(sdp, SIPTAG_PAYLOAD_STR(sdp)), TAG_END());
	leg_note(leg, false, "ACK");
}

/* The ACK that a late offer gets when we want nothing of it. */
static void ack_rejecting(struct leg *leg)
{
	struct sipsdp *offer = NULL;
	const char *sdp = NULL;

	if (leg->offerless && leg->remote_sdp &&
	    sipsdp_parse(&offer, leg->remote_sdp, strlen(leg->remote_sdp),
			 NULL) == 0)
		sdp = leg_say_answer(leg, offer, 0, NULL);
	sipsdp_free(&offer);
	send_ack(leg, sdp);
}

static void give_up_answered(struct leg *leg, int status, const char *code)
{
	ack_rejecting(leg);
	leg_set_state(leg, LEG_UP);
	leg_blame(leg, status, code, false);
	leg_leave(leg, 0, code);
}

static void on_late_offer(struct leg *leg, const struct nuaevent *ev)
{
	struct sipsdp *offer = NULL;
	char *text = NULL;
	const char *why;
	unsigned line;
	int err;

	err = leg_sdp_read(&offer, &text, ev->sip, &why);
	if (!err) {
		leg_replace(&leg->remote_sdp, text);
		err = sipoffer_read(&leg->remote, &line, offer);
	}
	sipsdp_free(&offer);
	if (err) {
		log_reason(leg->log, LOG_WARN, "no-audio-in-offer",
			   "sip: offer in 2xx: %s", why);
		give_up_answered(leg, 488, "no-audio-in-offer");
		return;
	}
	leg_set_state(leg, LEG_OFFERED);
	if (leg->handlers && leg->handlers->answered)
		leg->handlers->answered(leg, &leg->remote, true, leg->arg);
}

static void on_answer(struct leg *leg, const struct nuaevent *ev)
{
	const struct media_desc *answer = take_answer(leg, ev->sip);

	/* RFC 3264: the answer may have been in a reliable 18x. */
	if (!answer && leg->answered_early && !ev->sip->sip_payload)
		answer = &leg->remote;
	if (!answer || !answer->format_cnt) {
		log_reason(leg->log, LOG_WARN, "no-audio-in-answer",
			   "sip: 2xx without a usable answer");
		give_up_answered(leg, 488, "no-audio-in-answer");
		return;
	}
	send_ack(leg, NULL);
	leg_set_state(leg, LEG_UP);
	if (leg->handlers && leg->handlers->answered)
		leg->handlers->answered(leg, answer, false, leg->arg);
}

static void on_success(struct leg *leg, const struct nuaevent *ev)
{
	if (!ev->sip)
		return;
	leg_dialog_learn(leg, ev->sip);
	switch (leg->state) {
	case LEG_CALLING:
	case LEG_EARLY:
		timer_stop(&leg->timer);
		if (leg->offerless)
			on_late_offer(leg, ev);
		else
			on_answer(leg, ev);
		break;
	case LEG_LEAVING:
		/* It crossed our CANCEL. */
		ack_rejecting(leg);
		nua_bye(leg->nh, SIPTAG_REASON_STR("SIP;cause=487"),
			TAG_END());
		leg_note(leg, false, "BYE");
		break;
	default:
		if (leg->offerless && leg->ack_again) {
			leg->ack_again = false;
			send_ack(leg, leg->local_sdp);
		}
		break;
	}
}

void leg_ack(struct leg *leg, const struct media_desc *answer)
{
	struct media_desc mine = *answer;
	struct sipsdp *offer = NULL;
	struct media_desc unused;
	unsigned line;

	loop_assert(LOOP_CONTROL);
	if (leg->state != LEG_OFFERED)
		return;
	if (sipoffer_align(&mine, &leg->remote) != 0 ||
	    sipsdp_parse(&offer, leg->remote_sdp, strlen(leg->remote_sdp),
			 NULL) != 0 ||
	    sipoffer_read(&unused, &line, offer) != 0) {
		give_up_answered(leg, 488, "no-common-codec");
	} else {
		send_ack(leg, leg_say_answer(leg, offer, line, &mine));
		/* Refreshes that the library sends need nothing of us. */
		nua_set_hparams(leg->nh, NUTAG_AUTOACK(1), TAG_END());
		leg_set_state(leg, LEG_UP);
	}
	sipsdp_free(&offer);
}

/* ---- 3xx to 6xx, and nothing at all ---- */

/* A redirection is followed to a host of the trunk, nowhere else. */
static bool follow(struct leg *leg, const sip_t *sip)
{
	const sip_contact_t *contact;
	char uri[URI_LEN + 1];
	struct addr addr;
	int host;

	if (leg->redirects == LEG_REDIRECTS)
		return false;
	for (contact = sip->sip_contact; contact; contact = contact->m_next) {
		if (uri_address(&addr, contact->m_url) != 0 ||
		    contact->m_url->url_type != url_sip ||
		    contact->m_url->url_headers ||
		    uri_print(uri, contact->m_url) != 0)
			continue;
		if (!addr_port(&addr))
			addr_set_port(&addr, 5060);
		host = trunk_host_at(leg->trunk, &addr);
		if (host < 0 ||
		    !addr_equal(&leg->trunk->host[host].host, &addr))
			continue;
		leg->redirects++;
		leg_replace(&leg->redirect, xstrdup(uri));
		log_info(leg->log, "sip: redirected to %s", uri);
		drop_handle(leg);
		leg->host = (unsigned)host;
		call_host(leg);
		return true;
	}
	return false;
}

static void on_failure(struct leg *leg, const struct nuaevent *ev)
{
	bool fresh = leg->state == LEG_CALLING;

	if (leg->state == LEG_LEAVING) {
		leg_finish(leg);
		return;
	}
	if (leg->state == LEG_UP)
		return;		/* a refresh; the library judges it */
	if (ev->sip && ev->status < 400 && follow(leg, ev->sip))
		return;
	if (fresh && (!ev->sip || ev->status == 503) &&
	    call_next_host(leg, ev->phrase ? ev->phrase : "no answer"))
		return;
	if (ev->sip)
		reason_read(&leg->cause, ev->sip->sip_reason);
	leg->cause.status = ev->sip || ev->status < 900 ? ev->status : 503;
	if (!leg->cause.text[0])
		reason_text(&leg->cause, ev->phrase);
	leg->by_peer = ev->sip != NULL;
	leg_finish(leg);
}

void leg_out_on_response(struct leg *leg, const struct nuaevent *ev)
{
	if (ev->sip)
		leg_note_status(leg, true, ev->status, ev->phrase);
	if (ev->status < 200)
		on_provisional(leg, ev);
	else if (ev->status < 300)
		on_success(leg, ev);
	else
		on_failure(leg, ev);
}
