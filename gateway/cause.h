/* SPDX-License-Identifier: MIT */
/*
 * gateway/cause.h - why a call was refused or ended: one table of SIP
 * statuses, RIPT events, HTTP statuses, Q.850 causes and the stable reason
 * codes that log lines, metrics, the Reason header and `explain` share.
 *
 *   SIP status   <--> RIPT event with a cause	(GW-05, GW-06)
 *   HTTP refusal  --> SIP status
 *   our own reason --> SIP status, HTTP status and problem, Q.850
 *
 * Owner:  a constant table; a struct cause is the caller's.
 * Loop:   any; cause_count() where metrics may be counted.
 * Spec:   rows GW-05, GW-06, GW-07; Q28, Q43, Q82, Q86, Q89, Q91; RFC 3398
 *         section 8 for Q.850.
 */
#ifndef RIPTIDE_GATEWAY_CAUSE_H
#define RIPTIDE_GATEWAY_CAUSE_H

#include <stdbool.h>

#include "ript/event.h"

struct leg_cause;
struct ript_refusal;

enum reason {
	REASON_NONE,
	/* how calls end */
	REASON_ENDED,
	REASON_CANCELLED,
	REASON_DECLINED,
	REASON_FAILED,
	REASON_NO_ANSWER,
	REASON_RTP_TIMEOUT,
	REASON_CALL_DURATION,
	REASON_OPERATOR,
	REASON_SHUTDOWN,
	REASON_SIGNALLING_LOST,
	REASON_NO_ACK,
	REASON_NODE_LOST,
	/* refused by us */
	REASON_BAD_NUMBER,
	REASON_NO_CALLER_ID,
	REASON_ORIGIN_NOT_ALLOWED,
	REASON_DESTINATION_NOT_ALLOWED,
	REASON_NO_ROUTE,
	REASON_ROUTE_REFUSES,
	REASON_SAME_SIDE,
	REASON_LOOP,
	REASON_CALLER_NOT_COVERED,
	REASON_BAD_IDENTITY,
	REASON_TRUNK_CALLS,
	REASON_TRUNK_RATE,
	REASON_PEER_CALLS,
	REASON_PEER_RATE,
	REASON_NO_PORTS,
	REASON_NOT_READY,
	REASON_DRAINING,
	REASON_STORE_FAILED,
	REASON_NO_CODEC,
	REASON_CHANGE,
	/* no way there */
	REASON_TRUNK_DOWN,
	REASON_PEER_UNREACHABLE,
	REASON_PEER_BUSY,
	REASON_SETUP_TIMEOUT,
	/* refused by the RIPT peer */
	REASON_PEER_UNAUTHORIZED,
	REASON_BAD_PASSPORT,
	REASON_POLICY,
	REASON_UNREACHABLE,
	REASON_HANDLER_UNKNOWN,
	REASON_SLOW_DOWN,
	REASON_UNAVAILABLE,
	REASON_PEER_ERROR,
	REASON_INTERNAL,
	REASON_CNT
};

struct reason_info {
	const char *code;	/* stable: never changes its meaning */
	int sip;		/* for a SIP caller */
	int http;		/* for a RIPT caller */
	const char *problem;	/* last segment of the problem's type */
	int q850;
	const char *advice;	/* what to do; "" if nothing */
};

const struct reason_info *reason_info(enum reason reason);
/* REASON_NONE when no row has @code. */
enum reason reason_by_code(const char *code);

/* One verdict, for all sides of the call. */
struct cause {
	enum reason reason;
	int sip;		/* status, 200 after an answered call */
	int q850;
	char text[RIPT_CAUSE_TEXT_LEN];	/* for people; "" if none */
	unsigned retry_after_s;	/* 0: none */
};

/* The row's own values; @text may be NULL. */
void cause_set(struct cause *out, enum reason reason, const char *text);

/* A final SIP status, or a BYE (status 0), as verdict. */
void cause_from_leg(struct cause *out, const struct leg_cause *in);
/* A final event: declined, failed, noanswer, end (GW-06). */
void cause_from_event(struct cause *out, const struct ript_event *ev);
/* closed() without a final event: @refusal says how the POST was refused,
 * else @code is what ript/call said. */
void cause_from_closed(struct cause *out, const char *code,
		       const struct ript_refusal *refusal);

/* The RIPT event that a SIP status becomes (GW-05). */
enum ript_event_type cause_event(int sip_status);
/* The same for a verdict, whatever it comes from. */
enum ript_event_type cause_event_of(const struct cause *cause);
/* What travels in `cause` of an event. */
void cause_to_ript(struct ript_cause *out, const struct cause *cause);
/* Q.850 for a SIP status without a Reason header. */
int cause_q850(int sip_status);

/* Whether the next of a route's vias is worth a try: nothing can have rung
 * there yet. */
bool cause_try_next(const struct cause *cause);

/* Make every series rejects_total{reason=}; then count one refusal. */
void cause_metrics(void);
void cause_count(enum reason reason);

#endif
