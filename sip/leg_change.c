/* SPDX-License-Identifier: MIT */
/*
 * re-INVITE and UPDATE in.
 *
 *   no SDP in UPDATE            -> 200
 *   no SDP in re-INVITE         -> 200, our SDP as it stands
 *   o= or meaning unchanged     -> 200, the same answer
 *   no audio that we could take -> 488, the call goes on
 *   anything else               -> change(), which answers now or later
 *
 * The library answers glare with what it sends itself (491) and overlapping
 * re-INVITEs (500), and cares for the session timer's headers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "sip/leg_inside.h"
#include "sip/reason.h"

void leg_change_forget(struct leg *leg)
{
	struct leg_change *change = &leg->change;

	if (change->saved[0])
		nua_destroy_event(change->saved);
	leg_replace(&change->sdp, NULL);
	change->pending = false;
}

/* Answer the request at hand: the one of the current event (@now), or the
 * one that was saved. */
static void respond(struct leg *leg, bool now, int status, const char *sdp,
		    const char *code)
{
	nua_saved_event_t *saved = leg->change.saved;
	char reason[REASON_LEN], retry[4];
	unsigned char random;

	reason_print(reason, 0, code);
	random_bytes(&random, sizeof(random));
	snprintf(retry, sizeof(retry), "%u", random % 11u);
	nua_respond(leg->nh, status, root_phrase(status),
		    TAG_IF(now, NUTAG_WITH_THIS(leg->net->nua)),
		    TAG_IF(!now && saved[0], NUTAG_WITH_SAVED(saved)),
		    TAG_IF(sdp, SIPTAG_CONTENT_TYPE_STR("application/sdp")),
		    TAG_IF(sdp, SIPTAG_PAYLOAD_STR(sdp)),
		    TAG_IF(reason[0], SIPTAG_REASON_STR(reason)),
		    TAG_IF(status == 415,
			   SIPTAG_ACCEPT_STR("application/sdp")),
		    TAG_IF(status == 500, SIPTAG_RETRY_AFTER_STR(retry)),
		    TAG_END());
	leg_note_status(leg, false, status, NULL);
}

static bool same_origin(const struct leg *leg, const struct sipsdp *offer)
{
	struct sipsdp *old = NULL;
	bool same = false;

	if (leg->remote_sdp &&
	    sipsdp_parse(&old, leg->remote_sdp, strlen(leg->remote_sdp),
			 NULL) == 0)
		same = strcmp(old->origin, offer->origin) == 0;
	sipsdp_free(&old);
	return same;
}

static void answer_unchanged(struct leg *leg, const struct sipsdp *offer,
			     unsigned line, const struct media_desc *desc,
			     char **text)
{
	struct media_desc mine = leg->local;

	if (sipoffer_align(&mine, desc) != 0) {
		respond(leg, true, 488, NULL, "no-common-codec");
		return;
	}
	respond(leg, true, 200, leg_say_answer(leg, offer, line, &mine), NULL);
	leg_replace(&leg->remote_sdp, *text);
	*text = NULL;
}

static void ask(struct leg *leg, const struct nuaevent *ev, char **text,
		const struct media_desc *desc)
{
	if (!leg->handlers || !leg->handlers->change) {
		respond(leg, true, 488, NULL, "no-change");
		return;
	}
	if (ev->event == nua_i_update &&
	    !nua_save_event(leg->net->nua, leg->change.saved)) {
		respond(leg, true, 500, NULL, "busy");
		return;
	}
	leg->change.pending = true;
	leg->change.desc = *desc;
	leg->change.sdp = *text;
	*text = NULL;
	leg->handlers->change(leg, &leg->change.desc, leg->arg);
}

/* RFC 3311, 5.2: an offer while an older one has no answer yet; 0: none.
 * Without its own offer/answer engine the library sees this for re-INVITEs
 * only. */
static int overlap_status(const struct leg *leg)
{
	switch (leg->state) {
	case LEG_NEW:
	case LEG_EARLY:
	case LEG_CALLING:
		if (leg->out)
			return leg->answered_early ? 0 : 491;
		return leg->local_sdp ? 0 : 500;
	case LEG_ANSWERED:
		return leg->offerless ? 491 : 0;
	case LEG_OFFERED:
		return 500;
	default:
		return 0;
	}
}

static void on_offer(struct leg *leg, const struct nuaevent *ev)
{
	struct sipsdp *offer = NULL;
	struct media_desc desc;
	char *text = NULL;
	const char *why;
	unsigned line;
	int err;

	err = leg_sdp_read(&offer, &text, ev->sip, &why);
	if (err == ENOENT)
		respond(leg, true, 200,
			ev->event == nua_i_invite ? leg->local_sdp : NULL,
			NULL);
	else if (err)
		respond(leg, true, err == ENOTSUP ? 415 : 488, NULL,
			err == ENOTSUP ? "body-not-sdp" : "bad-sdp");
	else if (overlap_status(leg) || leg->change.pending)
		respond(leg, true,
			leg->change.pending ? 500 : overlap_status(leg), NULL,
			"overlapping-offers");
	else if (sipoffer_read(&desc, &line, offer) != 0)
		respond(leg, true, 488, NULL, "no-audio-in-offer");
	else if (leg->local_sdp && (same_origin(leg, offer) ||
				    sipoffer_same(&desc, &leg->remote)))
		answer_unchanged(leg, offer, line, &desc, &text);
	else
		ask(leg, ev, &text, &desc);
	sipsdp_free(&offer);
	free(text);
}

void leg_change_on_request(struct leg *leg, const struct nuaevent *ev)
{
	leg_note(leg, true, ev->event == nua_i_invite ? "INVITE" : "UPDATE");
	if (ev->status >= 200) {
		/* The library has answered: overlap, glare, Min-SE. */
		leg_note_status(leg, false, ev->status, ev->phrase);
		return;
	}
	if (!ev->sip)
		return;
	leg_dialog_learn(leg, NULL);
	if (leg->state == LEG_LEAVING)
		respond(leg, true, 487, NULL, NULL);
	else
		on_offer(leg, ev);
}

/* ---- the borrower's answer ---- */

void leg_answer_change(struct leg *leg, const struct media_desc *answer)
{
	struct leg_change *change = &leg->change;
	struct media_desc mine = *answer, unused;
	struct sipsdp *offer = NULL;
	unsigned line;

	loop_assert(LOOP_CONTROL);
	if (!change->pending)
		return;
	if (sipoffer_align(&mine, &change->desc) != 0 ||
	    sipsdp_parse(&offer, change->sdp, strlen(change->sdp), NULL) != 0 ||
	    sipoffer_read(&unused, &line, offer) != 0) {
		leg_refuse_change(leg, 488, "no-common-codec");
		sipsdp_free(&offer);
		return;
	}
	respond(leg, false, 200, leg_say_answer(leg, offer, line, &mine),
		NULL);
	sipsdp_free(&offer);
	leg->remote = change->desc;
	leg_replace(&leg->remote_sdp, change->sdp);
	change->sdp = NULL;
	leg_change_forget(leg);
}

void leg_refuse_change(struct leg *leg, int status, const char *code)
{
	loop_assert(LOOP_CONTROL);
	if (!leg->change.pending)
		return;
	respond(leg, false, status, NULL, code);
	leg_change_forget(leg);
}
