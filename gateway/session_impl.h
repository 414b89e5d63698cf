/* SPDX-License-Identifier: MIT */
/*
 * gateway/session_impl.h - the inside of a call, for session.c, its acts
 * (outward.c, inward.c, both.c) and the test that walks the table.
 *
 * Owner:  struct sessions owns its sessions.
 * Loop:   control.
 */
#ifndef RIPTIDE_GATEWAY_SESSION_IMPL_H
#define RIPTIDE_GATEWAY_SESSION_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/loop.h"
#include "base/text.h"
#include "conf/route.h"
#include "gateway/cause.h"
#include "gateway/party.h"
#include "gateway/session.h"
#include "media/bridge.h"
#include "ript/byway.h"
#include "ript/directive.h"

struct leg_handlers;
struct line;
struct log_ctx;
struct record;
struct ript_call_handlers;

enum state {
	ST_IDLE,
	/* a SIP caller */
	ST_OUT_ROUTING,		/* deciding */
	ST_OUT_CALLING,		/* POST calls sent, no 201 yet */
	ST_OUT_PROCEEDING,	/* 201 */
	ST_OUT_RINGING,		/* 180 sent */
	ST_OUT_EARLY,		/* 183 with SDP sent */
	ST_OUT_STORING,		/* answered, the row is on its way to disk */
	ST_OUT_ANSWERED,	/* 200 sent, no ACK yet */
	/* a RIPT caller */
	ST_IN_ROUTING,
	ST_IN_STORING,		/* the row precedes the 201 */
	ST_IN_CALLING,		/* 201 and INVITE sent */
	ST_IN_RINGING,
	ST_IN_ANSWERED,		/* SIP 200; the row precedes `answered` */
	/* both */
	ST_TALKING,
	ST_PROBING,		/* no RTP for long: in-dialog OPTIONS */
	ST_CLOSING,
	ST_CLOSED,
	ST_CNT
};

enum event {
	EV_SIP_INVITE,
	EV_SIP_PROGRESS,	/* 1xx, not 180 */
	EV_SIP_RINGING,		/* 180 */
	EV_SIP_EARLY,		/* a provisional answer with SDP */
	EV_SIP_ANSWERED,	/* 2xx */
	EV_SIP_CONFIRMED,	/* ACK */
	EV_SIP_CHANGE,		/* re-INVITE, UPDATE */
	EV_SIP_ALIVE,
	EV_SIP_DEAD,
	EV_SIP_ENDED,
	EV_RIPT_CALL,		/* POST calls */
	EV_RIPT_ACCEPTED,	/* 201 */
	EV_RIPT_ALERTING,
	EV_RIPT_ANSWERED,
	EV_RIPT_REFUSED,	/* declined, failed, noanswer */
	EV_RIPT_END,
	EV_RIPT_DIRECTIVE,
	EV_RIPT_REFRESH,	/* fresh directives are asked for */
	EV_RIPT_MEDIA,		/* the first chunk of speech */
	EV_RIPT_CLOSED,
	EV_STORED,
	EV_STORE_FAILED,
	EV_ROUTED,		/* an act found a way */
	EV_REFUSED,		/* an act found none */
	EV_NEXT,		/* the route's next via */
	EV_FAILED,		/* an act could not be done */
	EV_TIMER,		/* the state's own */
	EV_SILENCE,		/* no RTP for the trunk's rtp-timeout */
	EV_MEDIA_BACK,
	EV_HANGUP,		/* operator, shutdown */
	EV_BOTH_GONE,
	EV_CNT
};

#define EVENTS_QUEUED 16

struct session {
	struct le le;
	struct sessions *owner;
	struct log_ctx *log;
	struct record *record;
	char id[UUID_LEN + 1];
	enum state state;
	bool sip_caller;
	bool acting;			/* further events wait in the queue */
	enum event queue[EVENTS_QUEUED];
	unsigned queue_len;
	struct timer timer;		/* of the state */
	struct timer tick;		/* asks the line for its counters */

	/* where it goes */
	struct route_verdict route;
	unsigned hop;			/* of the route, tried now */
	struct gw_trunk *trunk;
	struct gw_peer *peer;
	bool trunk_taken, peer_taken;	/* admitted there */
	int hops;			/* Q91: left for the next side */

	/* SIP: @local is what we say, @remote what the phone says */
	struct leg *leg;
	struct media_desc local, remote;
	bool late_offer;		/* the INVITE had none */
	bool told;			/* @local is out, it stays as it is */
	char *passport;			/* from Identity, or for it; NULL */

	/* RIPT */
	struct ript_call *call;
	bool accepted;			/* 201 is out, or was received */
	bool final;			/* the peer's final event came */
	struct ript_directives directives;
	uint32_t common;		/* server role: codecs we may direct */
	bool redirected;		/* the callee's answer narrowed them */
	enum byway_kind way;

	/* media */
	struct line *line;
	struct bridge_stats stats;
	uint64_t heard_ns;		/* silence counts from here */

	/* how it ends; the first verdict stays */
	struct cause cause;
	enum ript_by ended_by;		/* peer: the SIP side of server role */
	bool attempted;			/* admitted: there will be a record */
	unsigned writes;		/* acknowledgements awaited */
	uint64_t begun_ns;
	uint64_t created_ms, ringing_ms, answered_ms, ended_ms;
};

struct sessions {
	struct sessions_config config;
	struct list list;
	enum phase phase;
	void (*idle)(void *arg);
	void *idle_arg;
	struct timer idle_timer;	/* idle() is due */
	unsigned answered, peak;
	uint64_t begun, refused, unprotected;
	uint32_t per_second[16];	/* calls begun, by second modulo 16 */
	uint64_t second;
};

/* ---- session.c ---- */

const char *state_name(enum state state);
const char *event_name(enum event event);
/* Whether the table has a row of its own for the pair. */
bool session_expects(enum state state, enum event event);
/* Feed one event; during an act it waits until the act is done. */
void session_post(struct session *s, enum event event);
/* The first verdict stays. */
void session_cause(struct session *s, enum reason reason, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void session_cause_is(struct session *s, const struct cause *cause);
/* session_cause(), a step for `explain`, and EV_REFUSED. */
void session_refuse(struct session *s, enum reason reason, const char *fmt,
		    ...) __attribute__((format(printf, 3, 4)));

/* ---- callbacks.c ---- */

extern const struct leg_handlers session_leg_handlers;
extern const struct ript_call_handlers session_call_handlers;

/* ---- outward.c ---- */

void route_out(struct session *s);
void place_call(struct session *s);
void out_accepted(struct session *s);
void out_next(struct session *s);
void out_note_refusal(struct session *s);
void send_180(struct session *s);
void send_183(struct session *s);
void answer_sip(struct session *s);
void answer_sip_unstored(struct session *s);
void out_confirmed(struct session *s);
void follow_directive(struct session *s);

/* ---- inward.c ---- */

void route_in(struct session *s);
void accept_ript(struct session *s);
void call_trunk(struct session *s);
void in_next(struct session *s);
void tell_alerting(struct session *s);
void in_early(struct session *s);
void take_answer(struct session *s);
void answer_ript(struct session *s);
void answer_ript_unstored(struct session *s);
void refresh_directives(struct session *s);

/* ---- both.c ---- */

void store_row(struct session *s);
void hang_up(struct session *s);
void end_setup_timeout(struct session *s);
void end_no_answer(struct session *s);
void end_no_ack(struct session *s);
void end_store_failed(struct session *s);
void end_duration(struct session *s);
void end_silence(struct session *s);
void end_internal(struct session *s);
void probe(struct session *s);
void back_to_talk(struct session *s);
void refuse_change(struct session *s);
void end_leg_again(struct session *s);
void end_call_again(struct session *s);
void check_gone(struct session *s);
void complain(struct session *s);
void finish(struct session *s);

/* Open the line of a call on @worker.  0 or ENOSPC. */
int open_line(struct session *s, unsigned worker);
/* Give the line what is known of both sides. */
void set_line(struct session *s);
/* Start the clock of silence and counters. */
void start_talking(struct session *s);
bool admit_trunk(struct session *s, struct gw_trunk *trunk,
		 enum reason *reason);
bool admit_peer(struct session *s, struct gw_peer *peer, enum reason *reason);
void release_trunk(struct session *s);
void release_peer(struct session *s);
/* Our RTP address, for SDP. */
void line_address(const struct session *s, struct addr *out);

/* ---- view.c ---- */

/* The call as `riptidectl calls` shows it, into its record. */
void session_publish(struct session *s);

#endif
