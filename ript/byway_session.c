/* SPDX-License-Identifier: MIT */
#include "ript/byway_session.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "ript/byway_port.h"
#include "ript/call_table.h"
#include "ript/crossing.h"
#include "ript/h3.h"
#include "ript/refuse.h"
#include "ript/worker_private.h"

static void byway_session_free_mem(void *ptr)
{
	free(ptr);
}

/* The home forgets it. */
static void port_forget(struct byway_session *session)
{
	struct byway_port *port = session->port;

	if (!port)
		return;
	session->port = NULL;
	list_unlink(&session->le);
	port_choose(port, false);
}

static void byway_session_free(struct byway_session *session)
{
	loop_defer_free(session->w->loop, session, byway_session_free_mem);
}

/* ---- the home ---- */

static void port_add(struct byway_port *port, struct byway_session *session)
{
	session->port = port;
	session->heard_ns = loop_now_ns(port->w->loop);
	list_prepend(&port->sessions, &session->le);
	port->keep = false;
	if (port->sessions.count > PORT_SESSIONS)
		byway_session_close(byway_session_of(port->sessions.tail));
	port_choose(port, true);
	port_drain(port);
}

void byway_session_add_away(struct byway_port *port, unsigned worker,
			    uint64_t id, uint64_t connection, size_t room)
{
	struct byway_session *session = xzalloc(sizeof(*session));

	session->id = id;
	session->w = port->w;
	session->byway = port->id;
	session->home = port->w->index;
	session->worker = worker;
	session->connection = connection;
	session->room = room;
	port_add(port, session);
}

struct byway_session *byway_session_find_away(struct byway_port *port,
					      unsigned worker, uint64_t id)
{
	struct le *le;

	for (le = port->sessions.head; le; le = le->next) {
		struct byway_session *session = byway_session_of(le);

		if (!session->h3 && session->worker == worker &&
		    session->id == id)
			return session;
	}
	return NULL;
}

void byway_session_gone_away(struct byway_session *session)
{
	port_forget(session);
	byway_session_free(session);
}

void byway_session_chunks(struct byway_session *session, const uint8_t *data,
			  size_t len)
{
	struct byway_port *port = session->port;

	if (!port)
		return;
	session->heard_ns = loop_now_ns(port->w->loop);
	if (session->stale)
		port_choose(port, true);
	port_chunks(port, data, len, BYWAY_WEBTRANSPORT, session->connection,
		    NULL, 0, NULL);
}

int byway_session_send(struct byway_session *session, const void *body,
		       size_t len)
{
	if (session->h3)
		return h3_datagram_send(session->h3, body, len);
	if (len > session->room)
		return EMSGSIZE;
	return crossing_datagram_out(session, body, len);
}

void byway_session_close(struct byway_session *session)
{
	if (session->h3) {
		h3_session_close(session->h3);	/* on_closed() follows */
		return;
	}
	crossing_session_close(session);
	byway_session_gone_away(session);
}

/* ---- where it arrived ---- */

static void on_datagram(struct h3_session *h3, const uint8_t *data,
			size_t len, void *arg)
{
	struct byway_session *session = arg;

	(void)h3;
	if (session->port)
		byway_session_chunks(session, data, len);
	else if (session->entry_le.list)
		crossing_datagram_in(session, data, len);
}

static void on_closed(struct h3_session *h3, int err, void *arg)
{
	struct byway_session *session = arg;
	struct ript_worker *w = session->w;

	(void)h3;
	(void)err;
	session->h3 = NULL;
	list_unlink(&session->entry_le);
	metric_gauge_add(w->net->metric.sessions, -1);
	if (session->home != w->index) {
		table_remove(&w->sessions, &session->node);
		crossing_session_gone(session);
	}
	port_forget(session);
	byway_session_free(session);
}

static const struct h3_session_handlers handlers = {
	.datagram = on_datagram,
	.closed = on_closed,
};

void byway_session_serve(struct ript_worker *w, struct call_entry *entry,
		   struct h3_stream *stream, uint64_t connection)
{
	struct byway_session *session;

	if (w->net->no_webtransport) {
		worker_refuse(w->net, stream, false, REFUSE_NO_WEBTRANSPORT);
		return;
	}
	session = xzalloc(sizeof(*session));
	session->id = worker_id(w);
	session->w = w;
	session->byway = entry->id;
	session->home = entry->home;
	session->worker = w->index;
	session->connection = connection;
	if (h3_session_accept(&session->h3, stream, &handlers, session) !=
	    0) {
		free(session);
		worker_refuse(w->net, stream, false, REFUSE_NO_WEBTRANSPORT);
		return;
	}
	metric_gauge_add(w->net->metric.sessions, 1);
	session->room = h3_datagram_room(session->h3);
	list_append(&entry->sessions, &session->entry_le);
	if (entry->port) {
		port_add(entry->port, session);
		return;
	}
	if (table_insert(&w->sessions, &session->node, &session->id,
			 sizeof(session->id)) != 0)
		abort();	/* IDs are never used twice */
	crossing_session(session);
}

struct byway_session *byway_session_find(struct ript_worker *w, uint64_t id)
{
	struct table_node *node = table_find(&w->sessions, &id, sizeof(id));

	return node ? table_entry(node, struct byway_session, node) : NULL;
}

void byway_session_forget_all(struct byway_port *port)
{
	struct le *le;

	while ((le = list_pop(&port->sessions))) {
		struct byway_session *session = byway_session_of(le);

		session->port = NULL;
		if (!session->h3)
			byway_session_free(session);
	}
}

void byway_session_end_all(struct call_entry *entry)
{
	struct le *le;

	while ((le = entry->sessions.head))
		h3_session_close(
			list_entry(le, struct byway_session, entry_le)->h3);
}
