/* SPDX-License-Identifier: MIT */
/*
 * ript/byway_port.h - the worker's half of a byway on its home: which way is
 * open, what waits for one, and who eats the chunks.
 *
 *   byway_send() -> [ring] -> session (newest that is heard of)
 *                          -> newest open GET       server role
 *                          -> PUT                   client role
 *
 * Owner:  made by the entry's install (server role) or by dial (client
 *         role); gone when control has closed it and the borrower has
 *         unbound it.
 * Loop:   worker.
 * Spec:   MB-01 to 15, LC-04, Q41, Q54, Q56, Q57, Q59.
 */
#ifndef RIPTIDE_RIPT_BYWAY_PORT_H
#define RIPTIDE_RIPT_BYWAY_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/loop.h"
#include "base/table.h"
#include "ript/byway.h"
#include "ript/byway_get.h"

struct dialer;
struct h3_session;
struct ring;
struct ript_worker;

#define PORT_RING_OCTETS (256u * 1024)
#define PORT_RING_NS (5 * NS_PER_S)	/* LC-04 */
#define PORT_EARLY_OCTETS 8192
#define PORT_BURST 40			/* Q59: of kept bodies in flight */
#define PORT_SESSIONS 4			/* newest; the fifth ends the oldest */

struct byway_port {
	struct table_node node;		/* of worker->ports */
	uint64_t id;
	struct ript_worker *w;
	bool client;
	bool closed;			/* by control */
	const struct byway_handlers *handlers;	/* NULL: not bound */
	void *arg;
	enum byway_kind kind;

	struct h3_session *direct;	/* best session, if on this worker */
	struct list sessions;		/* server role, newest first */
	struct timer stale;		/* looks again who has fallen silent */
	struct gets gets;		/* server role */
	struct dialer *dialer;		/* client role */

	bool listening;			/* a GET {call}/events is open */
	bool keep;			/* Q59: no way has come yet */
	struct ring *ring;		/* NULL: nothing waits */
	bool bound;			/* somebody was, or is */
	struct ring *early;		/* came before that; NULL: nothing */
	enum byway_kind early_kind;
	uint64_t early_connection;
	struct timer drain;

	uint64_t dropped;		/* since the last panic */
	struct timer panic;
};

struct byway_port *port_new(struct ript_worker *w, uint64_t id, bool client);
struct byway_port *port_find(struct ript_worker *w, uint64_t id);
/* Control has closed it: nothing is sent any more. */
void port_close(struct byway_port *port);
/* The worker ends. */
void port_free_all(struct ript_worker *w);

void port_set_listening(struct byway_port *port, bool listening);

/* A body came.  @reply: see byway_handlers.chunks.  Returns 0 or EINVAL. */
int port_chunks(struct byway_port *port, const uint8_t *body, size_t len,
		enum byway_kind kind, uint64_t connection, uint8_t *reply,
		size_t reply_max, size_t *reply_len);

/* Sessions or GETs came or went: see which way is open now.  @fresh: a way
 * on another connection, so the borrower writes full values again. */
void port_choose(struct byway_port *port, bool fresh);
/* Another body may be sent: what waits goes first. */
void port_drain(struct byway_port *port);
/* A body that was under way is not known to have come: it waits again. */
void port_again(struct byway_port *port, const void *body, size_t len);

#endif
