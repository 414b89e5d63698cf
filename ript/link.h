/* SPDX-License-Identifier: MIT */
/*
 * ript/link.h - one worker's connections to one peer (client role).
 *
 *   IDLE --need--> RESOLVING --addresses--> CONNECTING --ready--> IDLE
 *     ^                |                        | next address
 *     +---- REST <-----+------ all failed ------+
 *
 * The first connection serves requests and WebTransport sessions.  A call on
 * PUT and GET takes one with fewer than 50 such calls (Q58), and another is
 * made when there is none.  A lost connection is made again when somebody
 * wants it: at once the first time, then after a growing rest (Q66).
 *
 * Owner:  the worker; made and closed by control (struct exchange_peer).
 * Loop:   worker.
 */
#ifndef RIPTIDE_RIPT_LINK_H
#define RIPTIDE_RIPT_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct h3_conn;
struct link;
struct ript_worker;

#define LINK_CALLS 50		/* calls on byways of one connection */

struct link_conn {
	struct le le;		/* of the link; in order of making */
	struct link *link;
	struct h3_conn *h3;
	uint64_t id;		/* `connection` of byway_handlers */
	bool ready;
	bool retired;		/* draining: takes nobody new */
	uint64_t ready_ns;
	unsigned calls;		/* users with .call */
	struct list users;
};

/* Embedded in whoever wants a connection. */
struct link_user {
	struct le le;
	struct link *link;
	struct link_conn *conn;	/* NULL: waiting, or left */
	bool call;		/* counts towards LINK_CALLS */
	/* It has a connection; may run inside link_want(). */
	void (*ready)(struct link_user *user, struct link_conn *conn);
	/* The connection is gone, or could not be made; the user has left.
	 * @err as in h3_conn_handlers.closed(), never 0. */
	void (*lost)(struct link_user *user, int err);
};

/* NULL: control knows no such peer (any more). */
struct link *link_find(struct ript_worker *w, uint64_t peer);
const char *link_authority(const struct link *link);
/* Why there is no connection: errno; 0 if nothing failed lately. */
int link_error(const struct link *link);

/* Wait for a connection.  @user must have left. */
void link_want(struct link *link, struct link_user *user);
/* Stop waiting, or leave the connection.  Left already is fine. */
void link_leave(struct link_user *user);
/* h3_request() said ENOTCONN: nobody new goes there. */
void link_retire(struct link_conn *conn);

/* The worker ends: no callback runs, connections are closed elsewhere. */
void link_free_all(struct ript_worker *w);

#endif
