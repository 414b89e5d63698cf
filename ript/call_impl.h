/* SPDX-License-Identifier: MIT */
/*
 * ript/call_impl.h - what both roles of a call share, and what the files of
 * the server role's call share.
 *
 * Owner:  a terminal group (server role) or a peer (client role).
 * Loop:   control.
 */
#ifndef RIPTIDE_RIPT_CALL_IMPL_H
#define RIPTIDE_RIPT_CALL_IMPL_H

#include "base/list.h"
#include "base/loop.h"
#include "base/table.h"
#include "base/text.h"
#include "ript/call.h"
#include "ript/feed.h"
#include "ript/seen.h"
#include "ript/server_impl.h"
#include "ript/tomb.h"

/* Both roles; first member of either's struct. */
struct ript_call {
	bool client;
	enum ript_state state;
	struct loop *loop;
	struct log_ctx *log;
	const struct ript_call_handlers *handlers;	/* NULL: nobody */
	void *arg;
	char uuid[UUID_LEN + 1];	/* "" while the client has no 201 */
	char *uri;
	const char *path;		/* within uri */
	char *from, *to, *destination, *passport;
	int hops;			/* -1: absent */
	struct ript_directives directives;
	unsigned worker;
	struct byway *byway;
	struct timer tell;		/* closed() is due */
	const char *reason;
};

void call_init(struct ript_call *call, struct loop *loop, bool client);
/* The texts, the log context. */
void call_fini(struct ript_call *call);
/* Sets uri, path and uuid. */
void call_set_uri(struct ript_call *call, const char *uri);
/* The one door for the state: logs and counts. */
void call_set_state(struct ript_call *call, enum ript_state state);
/* Take the directives that are there; an absent one stays as it was. */
void call_direct(struct ript_call *call, const struct ript_directives *d);
/* closed(@reason) now; nobody hears of the call any more. */
void call_tell_closed(struct ript_call *call, const char *reason,
		      const struct ript_refusal *refusal);

/* ---- server role ---- */

enum call_stage {
	STAGE_PENDING,		/* incoming() ran, no answer yet */
	STAGE_INSTALLING,	/* accepted, workers do not know it yet */
	STAGE_LIVE,		/* 201 has left */
	STAGE_HELD,		/* over, the final event not yet fetched */
	STAGE_OVER,		/* a tomb remembers it */
};

struct server_call {
	struct ript_call call;
	struct table_node node;		/* server->calls */
	struct le le;			/* tg->calls, or server->pending */
	struct ript_server *server;
	struct ript_tg *tg;
	struct ript_handler *handler;
	enum call_stage stage;
	bool abandoned;			/* the client left before the 201 */
	struct wait *post;		/* until the 201 */
	uint8_t token_hash[SHA256_LEN];
	struct feed feed;
	struct seen seen;
	struct list puts;
	struct timer timer;		/* 30 s (Q62), or the hold */
	struct ending ending;		/* from STAGE_HELD on */
};

/* A signalling byway: PUT or GET {call}/events. */
struct stream {
	struct le le;			/* call->puts, or server->streams */
	struct feed_get get;		/* le: call->feed.gets */
	struct ript_server *server;
	struct server_call *call;	/* NULL: the call is over */
	struct exchange *x;
	bool put;
	bool finished;			/* our half */
	struct ript_event_reader *reader;	/* PUT */
	uint64_t second;		/* PUT: of the loop's clock */
	unsigned events;		/* PUT: read in that second */
	struct timer linger;
};

/* A new call for which the POST @ask waits; PENDING.  Texts are copied. */
struct server_call *server_call_new(const struct ask *ask,
				    struct ript_handler *handler);
void server_call_end(struct ript_call *call, enum ript_by by,
		     const struct ript_cause *cause);
/* Over: the final event @type goes out, closed(@reason) follows. */
void server_call_final(struct server_call *sc, enum ript_event_type type,
		       const struct ending *ending, const char *reason);
void server_call_info(const struct ript_call *call,
		      struct ript_call_info *out);
/* Send an event of this call, common members filled in. */
bool server_call_emit(struct server_call *sc, struct ript_event *event);
/* An event of the client, no repeat. */
void server_call_command(struct server_call *sc,
			 const struct ript_event *event);
/* The living call that @ask names, or it is refused and NULL; @held: one
 * that waits for its final event to be fetched will do. */
struct server_call *ask_call(const struct ask *ask, bool held);
/* A held call whose final event has been fetched: it is over. */
void server_call_fetched(struct server_call *sc);
void call_server_metrics(void);
void call_server_end_all(struct ript_server *server);

/* call_streams.c */
void streams_changed(struct server_call *sc);
/* Writes `]` and ends them all; they leave the call. */
void streams_end(struct server_call *sc);
void streams_init(struct server_call *sc);
void streams_free_all(struct ript_server *server);

#endif
