/* SPDX-License-Identifier: MIT */
/*
 * ript/call.h - one RIPT call: an HTTP resource under a terminal group, in
 * both roles.
 *
 *   server role: incoming() -> accept (201) | refuse -> events out -> end
 *   client role: open (POST) -> accepted(201) | closed -> events in -> end
 *
 * Owner:  the server or the peer that it belongs to.  The borrower
 *         (gateway/session, riptcall) drops its pointer in closed().
 * Loop:   control (asserted).
 * Spec:   C "Call Establishment", "Basic Call State Management",
 *         "Signaling and Media Byway Establishment"; rows CA, SB, EV, LC;
 *         Q26 to Q47, Q61, Q62, Q75, Q89, Q91, Q92.
 */
#ifndef RIPTIDE_RIPT_CALL_H
#define RIPTIDE_RIPT_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ript/byway.h"
#include "ript/directive.h"
#include "ript/event.h"

struct ript_call;
struct ript_peer;
struct ript_server;
struct ript_tg;

struct ript_refusal;

struct ript_call_handlers {
	/* Client role: 201 was received; directives are there.  Byways are
	 * being opened. */
	void (*accepted)(struct ript_call *call, void *arg);
	/* A signalling event that changed or touches the call: client role
	 * everything but pong; server role `end`.  @ev is borrowed. */
	void (*event)(struct ript_call *call, const struct ript_event *ev,
		      void *arg);
	/* The way of media changed; BYWAY_NONE: none is open. */
	void (*byway)(struct ript_call *call, enum byway_kind kind,
		      void *arg);
	/* Over.  Always the last one.  @reason is a stable code: "ended",
	 * "refused", "no-connection", "signalling-lost", ... and @refusal
	 * says how a POST was refused (client role), else NULL. */
	void (*closed)(struct ript_call *call, const char *reason,
		       const struct ript_refusal *refusal, void *arg);
	/* Server role: the client asks for fresh directives (CA-21); info's
	 * handler and advert may be new.  What changes is said by
	 * ript_call_direct() before this returns.  NULL: nothing changes. */
	void (*refresh)(struct ript_call *call, void *arg);
};

/* An HTTP refusal of POST calls. */
struct ript_refusal {
	int status;		/* 0: no reply at all */
	const char *problem;	/* last segment of `type`; "" if none */
	const char *detail;	/* "" if none */
	unsigned retry_after_s;	/* 0 if none */
};

/* ---- client role ---- */

struct ript_call_open {
	const char *destination;
	const char *passport;		/* compact JWS */
	uint32_t codecs;		/* what our handler may do for this
					   call: 1u << enum codec */
	uint16_t ptime_ms;		/* 0: default */
	int hops;			/* Q91 */
	unsigned worker;		/* home */
	const struct ript_call_handlers *handlers;
	void *arg;
};

/*
 * POST to the TG of @peer that fits the destination.  On success *@callp is
 * set and handlers run until closed(), never inside this call.
 * On failure no handler ever runs.  Returns 0; ENOTCONN: not discovered or
 * unreachable; EBUSY: Retry-After runs; EACCES: no TG admits the destination
 * (CA-06); EMSGSIZE.
 */
int ript_call_open(struct ript_call **callp, struct ript_peer *peer,
		   const struct ript_call_open *params);

/* ---- server role ---- */

struct ript_call_info {
	const char *uuid;
	const char *uri;
	struct ript_tg *tg;		/* server role */
	const char *from;		/* verified, + and digits or address */
	const char *to;
	const char *destination;
	const char *passport;
	const char *handler;		/* URI */
	const struct ript_advert *advert;	/* the client's handler */
	const struct ript_directives *directives;
	int hops;			/* as received; -1: absent */
	bool client;			/* role */
	enum ript_state state;
	unsigned worker;		/* home */
	uint64_t byway;			/* byway_id(), 0: none yet */
	const char *cookie;		/* client role; "" if none */
};

void ript_call_info(const struct ript_call *call, struct ript_call_info *out);

/* Take an incoming() call: 201 with @directives, first event proceeding.
 * Call only after the row is written.  handlers run until closed(), never
 * inside a function of this header.  Returns 0; else no handler ever runs and
 * the call is still to be refused. */
int ript_call_accept(struct ript_call *call,
		     const struct ript_directives *directives,
		     const struct ript_call_handlers *handlers, void *arg);
/* Refuse it with @status and problem @name (stable literal); the pointer is
 * gone. */
void ript_call_refuse(struct ript_call *call, int status, const char *name,
		      const char *detail, unsigned retry_after_s);
/* The state changes: alerting, answered; final ones with a cause.  A final
 * one leads to closed(). */
void ript_call_state(struct ript_call *call, enum ript_event_type type,
		     const struct ript_cause *cause);
/* New directives (Q32): a `directive` event, and GET shows them. */
void ript_call_direct(struct ript_call *call,
		      const struct ript_directives *directives,
		      const char *reason);

/* ---- both roles ---- */

/* End it: `end` is sent and closed() follows.  @by: client role always
 * RIPT_BY_CLIENT; server role PEER or SERVER. */
void ript_call_end(struct ript_call *call, enum ript_by by,
		   const struct ript_cause *cause);

#endif
