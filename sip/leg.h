/* SPDX-License-Identifier: MIT */
/*
 * sip/leg.h - one dialog: INVITE to BYE, as events.
 *
 *   in:   incoming() -> leg_ring/leg_early/leg_answer | leg_refuse -> ...
 *   out:  leg_call() -> progress() -> answered() | ended()
 *
 * Owner:  the siproot; the borrower (gateway/session) drops its pointer in
 *         ended(), always the last callback.
 * Loop:   control (asserted).  Events never arrive inside a call of these
 *         functions.
 * Spec:   RFC 3261, 3262 (100rel), 3264, 3311 (UPDATE), 3326 (Reason), 4028
 *         (session timer, refreshee).
 */
#ifndef RIPTIDE_SIP_LEG_H
#define RIPTIDE_SIP_LEG_H

#include <stdbool.h>
#include <stdint.h>

#include "media/desc.h"

struct leg;
struct siproot;
struct trunk;

#define LEG_REASON_LEN 128

/* Why something ended or was refused. */
struct leg_cause {
	int status;			/* SIP status; 0: by BYE */
	int q850;			/* Reason: Q.850;cause=; 0: none */
	char text[LEG_REASON_LEN];	/* Reason text, or the phrase */
};

struct leg_handlers {
	/* Out: a provisional answer.  @early is SDP's meaning, NULL if
	 * none. */
	void (*progress)(struct leg *leg, int status,
			 const struct media_desc *early, void *arg);
	/* Out: 2xx.  @desc is the answer, or (late offer) the offer that
	 * leg_ack() must answer. */
	void (*answered)(struct leg *leg, const struct media_desc *desc,
			 bool is_offer, void *arg);
	/* In: ACK arrived; @answer is there after a late offer, else NULL. */
	void (*confirmed)(struct leg *leg, const struct media_desc *answer,
			  void *arg);
	/* re-INVITE or UPDATE with a changed offer.  Answer with
	 * leg_answer_change() or leg_refuse_change(), now or later.
	 * Unchanged ones are answered by the leg itself. */
	void (*change)(struct leg *leg, const struct media_desc *offer,
		       void *arg);
	/* The answer to leg_alive(). */
	void (*alive)(struct leg *leg, bool alive, void *arg);
	/* Over: @by_peer BYE, CANCEL or a refusal of theirs. */
	void (*ended)(struct leg *leg, const struct leg_cause *cause,
		      bool by_peer, void *arg);
};

struct leg_info {
	const char *call_id;
	const char *from;		/* user part of From */
	const char *from_display;
	const char *pai;		/* user part of P-Asserted-Identity, or
					   NULL */
	const char *to;			/* user part of the Request-URI */
	const char *privacy;		/* Privacy header or NULL */
	const char *identity;		/* Identity header or NULL */
	int max_forwards;
	struct trunk *trunk;
	struct addr peer;
	const struct media_desc *offer;	/* in: NULL when offerless */
	/* What the row keeps (GW-18). */
	const char *local_uri, *remote_uri;	/* with tags */
	const char *target;			/* remote Contact */
	const char *route;			/* route set, "" if none */
	uint32_t local_cseq, remote_cseq;
	const char *local_sdp, *remote_sdp;	/* "" if none */
};

void leg_info(const struct leg *leg, struct leg_info *out);
struct trunk *leg_trunk(const struct leg *leg);

/* ---- out ---- */

struct leg_call {
	const char *to;			/* number or user@domain */
	const char *from;
	const char *from_display;	/* NULL if none */
	const char *identity;		/* Identity header, NULL if none */
	int max_forwards;
	const struct media_desc *offer;	/* NULL: offerless */
	const struct leg_handlers *handlers;
	void *arg;
};

/* Returns 0; ENOTCONN: the trunk is down. */
int leg_call(struct leg **legp, struct siproot *root, struct trunk *trunk,
	     const struct leg_call *params);
/* After answered() with an offer: send our answer in the ACK.  Otherwise the
 * leg ACKs by itself. */
void leg_ack(struct leg *leg, const struct media_desc *answer);

/* ---- in ---- */

/* Take the leg of incoming(); 100 is out already. */
void leg_handle(struct leg *leg, const struct leg_handlers *handlers,
		void *arg);
/* 180, 181, 182 or 183; with @desc its SDP (early media); reliable when the
 * peer requires or supports 100rel and SDP is in it. */
void leg_progress(struct leg *leg, int status, const struct media_desc *desc);
/* 200 with @desc: the answer, or the offer when the INVITE had none. */
void leg_answer(struct leg *leg, const struct media_desc *desc);
/* A final status.  @code is the stable reason: Reason: RIPT;text="code".
 * ended() follows. */
void leg_refuse(struct leg *leg, int status, const char *code,
		unsigned retry_after_s);

/* ---- in a dialog ---- */

void leg_answer_change(struct leg *leg, const struct media_desc *answer);
void leg_refuse_change(struct leg *leg, int status, const char *code);
/* In-dialog OPTIONS; alive() tells, at most 32 s later. */
void leg_alive(struct leg *leg);
/* CANCEL or BYE, whatever fits the state; ended() follows.  @q850 0: no
 * Reason Q.850.  @code as in leg_refuse(), NULL: none. */
void leg_end(struct leg *leg, int q850, const char *code);

#endif
