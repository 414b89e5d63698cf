/* SPDX-License-Identifier: MIT */
/*
 * sip/leg_inside.h - a leg as its own files see it.
 *
 *   leg.c         life, states, BYE and CANCEL, what both directions share
 *   leg_in.c      INVITE in: 18x, 2xx, ACK
 *   leg_out.c     INVITE out: hosts in turn, 18x, 2xx, ACK, redirection
 *   leg_change.c  re-INVITE and UPDATE in
 *   leg_dialog.c  what identifies the dialog, and the next hop
 *
 * Owner:  the siproot; see sip/leg.h for the borrower.
 * Loop:   control.
 */
#ifndef RIPTIDE_SIP_LEG_INSIDE_H
#define RIPTIDE_SIP_LEG_INSIDE_H

#include "sip/inside.h"
#include "sip/leg.h"
#include "sip/offer.h"
#include "sip/uri.h"

/*
 *  in:  NEW -> EARLY -> ANSWERED --ACK--> UP
 *  out: CALLING -> EARLY --2xx--> UP
 *                        --2xx with an offer--> OFFERED --leg_ack--> UP
 *  any: our CANCEL, BYE or refusal -> LEAVING -> GONE; theirs -> GONE
 */
enum leg_state {
	LEG_NEW,
	LEG_EARLY,
	LEG_ANSWERED,
	LEG_CALLING,
	LEG_OFFERED,
	LEG_UP,
	LEG_LEAVING,
	LEG_GONE,
	LEG_STATES
};

#define LEG_ID_LEN 255		/* Call-ID, tags */
#define LEG_IDENTITY_LEN 8192
#define LEG_PRIVACY_LEN 128
#define LEG_DISPLAY_LEN 128
#define LEG_ROUTE_LEN 2048
#define LEG_REDIRECTS 3

/* A change that the borrower has not answered yet. */
struct leg_change {
	bool pending;
	nua_saved_event_t saved[1];	/* of an UPDATE; NULL: re-INVITE */
	char *sdp;
	struct media_desc desc;
};

struct leg {
	struct nuauser user;	/* first: events arrive here */
	struct le le;
	struct siproot *root;
	struct network *net;
	struct trunk *trunk;	/* held */
	nua_handle_t *nh;
	enum leg_state state;
	bool out;
	bool tcp;		/* what the dialog began on */
	const struct leg_handlers *handlers;	/* NULL: nobody listens */
	void *arg;
	struct log_ctx *log;
	struct timer timer;	/* by state: no answer, next host, farewell */
	struct timer end_timer;	/* ended(), outside the borrower's call */

	/* The dialog (leg_dialog.c). */
	char *call_id;
	char *local_uri, *remote_uri;	/* with tags */
	char target[URI_LEN + 1];
	char route[LEG_ROUTE_LEN];
	char hop[128];		/* where requests go: always an address */
	uint32_t local_cseq, remote_cseq;
	struct addr peer;

	/* What the INVITE said, or what ours says. */
	char from[URI_USER_LEN + 1];
	char to[URI_USER_LEN + 1];
	char display[LEG_DISPLAY_LEN];
	char *pai, *privacy, *identity;	/* NULL if none */
	int max_forwards;

	/* Offer and answer. */
	struct sipsdp_origin origin;
	struct media_desc local, remote;
	char *local_sdp, *remote_sdp;	/* NULL: none yet */
	bool offerless;		/* the INVITE had no offer */
	bool require_100rel, support_100rel;
	struct leg_change change;

	/* Out: hosts and redirections. */
	unsigned host;		/* index in the trunk */
	unsigned redirects;
	char *redirect;		/* the URI to call instead */
	bool answered_early;	/* remote is of an 18x */
	bool ack_again;		/* to the next 2xx */

	/* The end. */
	struct leg_cause cause;
	bool by_peer;
	bool bye_on_ack;	/* leg_end() came between 2xx and ACK */
	int bye_q850;
	char bye_code[64];
	bool alive_asked;
};

/* ---- leg.c ---- */

struct leg *leg_new(struct network *net, struct trunk *trunk,
		    enum leg_state state);
void leg_set_state(struct leg *leg, enum leg_state state);
/* Over: ended() is told, the handle freed, the memory at the turn's end. */
void leg_finish(struct leg *leg);
/* Set the cause unless there is one. */
void leg_blame(struct leg *leg, int status, const char *text, bool by_peer);
/* Our BYE (or what fits) for a reason of our own. */
void leg_leave(struct leg *leg, int q850, const char *code);
void leg_note(struct leg *leg, bool in, const char *start);
void leg_note_status(struct leg *leg, bool in, int status,
		     const char *phrase);
/* Final answer to the INVITE or UPDATE at hand. */
void leg_respond_refusal(struct leg *leg, int status, const char *code,
			 unsigned retry_after_s);

/* ---- leg_in.c, leg_out.c, leg_change.c: events of theirs ---- */

void leg_in_on_ack(struct leg *leg, const struct nuaevent *ev);
void leg_out_on_response(struct leg *leg, const struct nuaevent *ev);
void leg_change_on_request(struct leg *leg, const struct nuaevent *ev);
/* The peer took its request back. */
void leg_change_forget(struct leg *leg);

/* ---- leg_dialog.c ---- */

/* Take tags, route, target and CSeq from the library after @sip (may be
 * NULL), and set the next hop. */
void leg_dialog_learn(struct leg *leg, const sip_t *sip);
/* The SDP of @sip.  Returns 0; ENOENT: no body; ENOTSUP: another type of
 * body; EMSGSIZE, EINVAL: see sipsdp_parse(). */
int leg_sdp_read(struct sipsdp **sdpp, char **textp, const sip_t *sip,
		 const char **why);
/* Our SDP from now on, its o= version one up if it changed.  @desc is kept in
 * leg->local; NULL in an answer: everything is rejected. */
const char *leg_say_offer(struct leg *leg, const struct media_desc *desc);
const char *leg_say_answer(struct leg *leg, const struct sipsdp *offer,
			   unsigned line, const struct media_desc *desc);
/* Free *@textp and put the malloc'ed @text there. */
void leg_replace(char **textp, char *text);

#endif
