/* SPDX-License-Identifier: MIT */
/*
 * ript/byway.h - how the chunks of one call travel: WebTransport datagrams,
 * or PUT and GET on {call}/media.  Bytes only: what is in them is media's.
 *
 *   media/bridge --byway_send()--> [WT session | newest open GET | PUT]
 *   media/bridge <--chunks()-----  [datagram   | PUT body  | GET reply]
 *
 * Two halves: control opens and closes the byway of a call on its home worker
 * (and installs its entry on every worker, before the 201 leaves); the worker
 * binds it to whoever makes and eats chunks.
 *
 * Owner:  the call (control); the worker's half dies with byway_close().
 * Loop:   as each section says.
 * Spec:   C "Server/Client Media Handling", "Connection and Byway Lifecycle";
 *         MB-01 to 15, LC-04; Q54 (acks), Q56 (GETs), Q57, Q59 (5 s ring).
 */
#ifndef RIPTIDE_RIPT_BYWAY_H
#define RIPTIDE_RIPT_BYWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exchange_net;
struct exchange_peer;
struct ript_worker;
struct byway;

/* One body or datagram: at most this many octets are ever sent in one. */
#define BYWAY_BODY_MAX 65536

enum byway_kind { BYWAY_NONE, BYWAY_WEBTRANSPORT, BYWAY_HTTP };

/* ---- control ---- */

struct byway_server {
	const char *uuid;	/* last path segment of the call URI */
	const char *path;	/* path of the call URI */
	uint8_t token_hash[32];	/* SHA-256 of the token that may use it */
	unsigned home;		/* worker */
};

struct byway_client {
	struct exchange_peer *peer;
	unsigned home;		/* worker */
	const char *path;	/* path of the call URI */
	const char *token;	/* bearer token */
	const char *cookie;	/* NULL if none */
	unsigned gets;		/* GETs kept open, 1 to 30; 0: 20 */
	bool webtransport;	/* try it first */
};

/* Told on control. */
struct byway_events {
	/* Which way is open now (BYWAY_NONE: all were lost). */
	void (*open)(enum byway_kind kind, void *arg);
	/* Server role: a chunk was dropped for want of a GET; at most one a
	 * second (MB-13, Q41).  @dropped since the last. */
	void (*panic)(uint64_t dropped, void *arg);
};

/* Make the byway; its ID is unique in the process.  Installs the entry on
 * every worker.  byway_installed() runs once all have it (the 201 may
 * leave). */
int byway_serve(struct byway **bywayp, struct exchange_net *net,
		const struct byway_server *params,
		const struct byway_events *events,
		void (*installed)(void *arg), void *arg);
int byway_dial(struct byway **bywayp, struct exchange_net *net,
	       const struct byway_client *params,
	       const struct byway_events *events, void *arg);
uint64_t byway_id(const struct byway *byway);
unsigned byway_home(const struct byway *byway);
/* Whether a GET {call}/events is open now (Q59: the ring is kept only while
 * none is). */
void byway_set_listening(struct byway *byway, bool listening);
/* Another token may use it as well. */
void byway_add_token(struct byway *byway, const uint8_t token_hash[32]);
/* Ends it everywhere: open GETs get 404 call-ended with @problem as body,
 * the WebTransport session closes, later requests get 404 for an hour. */
void byway_close(struct byway **bywayp, const char *problem);

/* ---- worker (the home) ---- */

struct byway_handlers {
	/*
	 * A body or datagram with any number of records.  @kind and
	 * @connection say how it came (a new @connection means that full
	 * values go out again).  For PUT bodies on the server role @reply is
	 * where the acks go: at most @reply_max octets, *@reply_len set;
	 * NULL otherwise.
	 * Returns 0 or EINVAL: not one record could be framed (400).
	 */
	int (*chunks)(const uint8_t *body, size_t len, enum byway_kind kind,
		      uint64_t connection, uint8_t *reply, size_t reply_max,
		      size_t *reply_len, void *arg);
	/* A way opened, or BYWAY_NONE: all gone.  Full values from here. */
	void (*open)(enum byway_kind kind, void *arg);
};

struct byway_port;	/* the worker's half */

/* Bind the byway @id on its home; once.  open() runs in this call if a way
 * is open already.  The port is valid until byway_unbind().  Returns 0 or
 * ENOENT. */
int byway_bind(struct byway_port **portp, struct ript_worker *worker,
	       uint64_t id, const struct byway_handlers *handlers, void *arg);
/* No callback after this; *@portp becomes NULL.  NULL is fine. */
void byway_unbind(struct byway_port **portp);

/*
 * Send one body (copied): exactly one media chunk with @media true, acks
 * beside it or alone.
 * Returns 0: sent or kept in the 5 s ring; EAGAIN: dropped, no GET open
 * (panic() follows); ENOTCONN: dropped, the byway is closed.
 */
int byway_send(struct byway_port *port, const void *body, size_t len,
	       bool media);

/* Which way is open; on BYWAY_HTTP the server role's acks go into the PUT
 * reply and nowhere else. */
enum byway_kind byway_kind(const struct byway_port *port);

/* Octets that fit into one datagram now; BYWAY_BODY_MAX on HTTP. */
size_t byway_room(const struct byway_port *port);

#endif
