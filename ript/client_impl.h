/* SPDX-License-Identifier: MIT */
/*
 * ript/client_impl.h - a call of the client role, for call_client.c and
 * signal.c.
 *
 *   HANDLER -> POST -201-> OPEN -ript_call_end()-> ENDING -> OVER
 *                            \-final event, 404, 30 s lost--^
 *
 * Owner:  the peer.
 * Loop:   control.
 */
#ifndef RIPTIDE_RIPT_CLIENT_IMPL_H
#define RIPTIDE_RIPT_CLIENT_IMPL_H

#include "ript/call_client.h"
#include "ript/call_impl.h"
#include "ript/jar.h"
#include "ript/peer_impl.h"

struct client_call;

enum client_stage {
	CLIENT_HANDLER,		/* a handler is being registered */
	CLIENT_POST,		/* the POST is out */
	CLIENT_OPEN,
	CLIENT_ENDING,		/* our `end` is out, its echo awaited */
	CLIENT_OVER,
};

/* A signalling byway; detached from its call when that is over. */
struct client_stream {
	struct le le;			/* peer->streams when detached */
	struct ript_peer *peer;
	struct client_call *call;	/* NULL: over */
	struct exchange *x;
	bool put;
	bool any;			/* PUT: an event was written */
	bool finished;			/* our half */
	bool ended;			/* PUT: the server's half, after 200 */
	int status;			/* 0: no head yet */
	uint64_t since_ns;
	struct ript_event_reader *reader;	/* GET */
	struct buf problem;		/* body of a refusal */
	struct timer linger;
};

/* The signalling of one call: both byways, what is unsent, retries. */
struct signalling {
	struct client_stream *put, *get;
	struct seen seen;		/* s2c */
	uint64_t seq;			/* c2s, of the next event */
	char *end_event;		/* our `end`, kept until it is over */
	size_t end_len;
	struct timer ping;
	uint64_t unanswered_ns;		/* oldest ping without pong; 0: none */
	struct timer retry, give_up;
	unsigned retries;
	bool put_gone;			/* 404: the server has ended it */
	struct ending ending;		/* what a 404 said */
};

struct client_call {
	struct ript_call call;
	struct le le;			/* peer->calls */
	struct ript_peer *peer;
	struct peer_tg *tg;
	struct peer_handler *handler;
	struct handler_wait wait;
	enum client_stage stage;
	struct inquiry *post;
	bool reposted;			/* Q92 */
	bool ending;			/* end it as soon as it can be */
	struct ript_cause end_cause;
	bool has_end_cause;
	struct timer deadline;
	bool extended;			/* the deadline was, once */
	struct jar jar;
	struct signalling sig;
};

/* signal.c */

/* Open what is not open, at once. */
void signal_open(struct client_call *cc);
/* Send `end`; kept and sent again until the call is over. */
void signal_end(struct client_call *cc, const struct ript_cause *cause);
/* Finish what is open; the streams close on their own. */
void signal_close(struct client_call *cc);
void signal_free_all(struct ript_peer *peer);

/* call_client.c */

/* The latest event of the server. */
void client_call_event(struct client_call *cc,
		       const struct ript_event *event);
/* It is over: closed(@reason). */
void client_call_over(struct client_call *cc, const char *reason,
		      const struct ript_refusal *refusal);
/* A byway got 404: over, and how the server said that it was. */
void client_call_gone(struct client_call *cc, const struct ending *ending);

#endif
