/* SPDX-License-Identifier: MIT */
#include "ript/crossing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ript/byway_get.h"
#include "ript/byway_port.h"
#include "ript/call_table.h"
#include "ript/flow.h"
#include "ript/byway_session.h"
#include "ript/worker_private.h"

enum cmsg_kind {
	/* to the home */
	CMSG_PUT,
	CMSG_GET,
	CMSG_GET_GONE,
	CMSG_SESSION,
	CMSG_SESSION_GONE,
	CMSG_DATAGRAM_IN,
	/* from it */
	CMSG_PUT_ANSWER,
	CMSG_GET_ANSWER,
	CMSG_DATAGRAM_OUT,
	CMSG_SESSION_CLOSE,
};

struct cmsg {
	struct msg msg;
	struct exchange_net *net;
	enum cmsg_kind kind;
	unsigned from;
	unsigned to;
	uint64_t byway;
	uint64_t id;		/* of the flow or session where it arrived */
	uint64_t connection;
	int status;
	size_t room;
	size_t len;
	uint8_t data[];
};

static void cmsg_drop(struct msg *msg)
{
	free(list_entry(msg, struct cmsg, msg));
}

static void answer(struct ript_worker *w, enum cmsg_kind kind,
		   unsigned worker, uint64_t flow, int status,
		   const void *body, size_t len);

/* ---- on the home ---- */

static void home_put(struct ript_worker *w, struct byway_port *port,
		     const struct cmsg *m)
{
	size_t len = 0;
	int status = 200;

	if (!port)
		status = 404;
	else if (port_chunks(port, m->data, m->len, BYWAY_HTTP,
			     m->connection, w->reply, sizeof(w->reply),
			     &len) != 0)
		status = 400;
	answer(w, CMSG_PUT_ANSWER, m->from, m->id, status, w->reply,
	       status == 200 ? len : 0);
}

static void home_datagram(struct byway_port *port, const struct cmsg *m)
{
	struct byway_session *session =
		byway_session_find_away(port, m->from, m->id);

	if (session)
		byway_session_chunks(session, m->data, m->len);
}

static void home_take(struct ript_worker *w, const struct cmsg *m)
{
	struct byway_port *port = port_find(w, m->byway);
	struct byway_session *session;

	if (port && port->closed)
		port = NULL;
	if (m->kind == CMSG_PUT) {
		home_put(w, port, m);
	} else if (!port) {
		;	/* the entry's end answers where it arrived */
	} else if (m->kind == CMSG_GET) {
		gets_add(port, NULL, m->from, m->id, m->connection);
	} else if (m->kind == CMSG_GET_GONE) {
		gets_gone_away(port, m->from, m->id);
	} else if (m->kind == CMSG_SESSION) {
		byway_session_add_away(port, m->from, m->id, m->connection,
				 m->room);
	} else if (m->kind == CMSG_DATAGRAM_IN) {
		home_datagram(port, m);
	} else if (m->kind == CMSG_SESSION_GONE) {
		session = byway_session_find_away(port, m->from, m->id);
		if (session)
			byway_session_gone_away(session);
	}
}

/* ---- where it arrived ---- */

static void arrival_take(struct ript_worker *w, const struct cmsg *m)
{
	struct byway_session *session;

	if (m->kind == CMSG_PUT_ANSWER || m->kind == CMSG_GET_ANSWER) {
		if (!flow_answer_away(w, m->id, m->status, m->data, m->len) &&
		    m->kind == CMSG_GET_ANSWER && m->status == 200)
			net_dropped(w->net, DROP_GET_GONE);
		return;
	}
	session = byway_session_find(w, m->id);
	if (!session || !session->h3)
		return;
	if (m->kind == CMSG_SESSION_CLOSE)
		byway_session_close(session);
	else if (byway_session_send(session, m->data, m->len) != 0)
		net_dropped(w->net, DROP_OVER_ROOM);
}

static void on_msg(struct msg *msg)
{
	struct cmsg *m = list_entry(msg, struct cmsg, msg);
	struct ript_worker *w = m->net->worker[m->to].self;

	if (w && m->kind < CMSG_PUT_ANSWER)
		home_take(w, m);
	else if (w)
		arrival_take(w, m);
	free(m);
}

static struct cmsg *cmsg_new(struct ript_worker *w, enum cmsg_kind kind,
			     unsigned to, const void *data, size_t len)
{
	struct cmsg *m = xzalloc(sizeof(*m) + len);

	m->msg.deliver = on_msg;
	m->msg.drop = cmsg_drop;
	m->net = w->net;
	m->kind = kind;
	m->from = w->index;
	m->to = to;
	m->len = len;
	if (len > 0)
		memcpy(m->data, data, len);
	return m;
}

/* ---- from where it arrived to the home ---- */

int crossing_put(struct flow *flow)
{
	struct ript_worker *w = flow->w;
	struct cmsg *m = cmsg_new(w, CMSG_PUT, flow->entry->home,
				  flow->body.data, flow->body.len);

	m->byway = flow->entry->id;
	m->id = flow->id;
	m->connection = flow->connection;
	if (net_cross(w->net, m->to, &m->msg) != 0) {
		free(m);
		return EAGAIN;
	}
	metric_inc(w->net->metric.crossed[CROSSED_PUT]);
	return 0;
}

static void flow_tell(const struct flow *flow, enum cmsg_kind kind)
{
	struct cmsg *m = cmsg_new(flow->w, kind, flow->entry->home, NULL, 0);

	m->byway = flow->entry->id;
	m->id = flow->id;
	m->connection = flow->connection;
	net_cross_always(flow->w->net, m->to, &m->msg);
}

void crossing_get(struct flow *flow)
{
	flow_tell(flow, CMSG_GET);
	metric_inc(flow->w->net->metric.crossed[CROSSED_GET]);
}

void crossing_get_gone(const struct flow *flow)
{
	flow_tell(flow, CMSG_GET_GONE);
}

static void session_tell(const struct byway_session *session,
			 enum cmsg_kind kind)
{
	struct cmsg *m = cmsg_new(session->w, kind, session->home, NULL, 0);

	m->byway = session->byway;
	m->id = session->id;
	m->connection = session->connection;
	m->room = session->room;
	net_cross_always(session->w->net, m->to, &m->msg);
}

void crossing_session(const struct byway_session *session)
{
	session_tell(session, CMSG_SESSION);
}

void crossing_session_gone(const struct byway_session *session)
{
	session_tell(session, CMSG_SESSION_GONE);
}

void crossing_datagram_in(const struct byway_session *session, const void *data,
			  size_t len)
{
	struct ript_worker *w = session->w;
	struct cmsg *m = cmsg_new(w, CMSG_DATAGRAM_IN, session->home, data,
				  len);

	m->byway = session->byway;
	m->id = session->id;
	m->connection = session->connection;
	if (net_cross(w->net, m->to, &m->msg) != 0) {
		free(m);
		net_dropped(w->net, DROP_CROSSING_FULL);
		return;
	}
	metric_inc(w->net->metric.crossed[CROSSED_DATAGRAM_IN]);
}

/* ---- from the home ---- */

static void answer(struct ript_worker *w, enum cmsg_kind kind,
		   unsigned worker, uint64_t flow, int status,
		   const void *body, size_t len)
{
	struct cmsg *m = cmsg_new(w, kind, worker, body, len);

	m->id = flow;
	m->status = status;
	net_cross_always(w->net, worker, &m->msg);
}

void crossing_get_answer(struct ript_worker *w, unsigned worker,
			 uint64_t flow, int status, const void *body,
			 size_t len)
{
	answer(w, CMSG_GET_ANSWER, worker, flow, status, body, len);
}

int crossing_datagram_out(const struct byway_session *session, const void *data,
			  size_t len)
{
	struct ript_worker *w = session->w;
	struct cmsg *m = cmsg_new(w, CMSG_DATAGRAM_OUT, session->worker, data,
				  len);

	m->id = session->id;
	if (net_cross(w->net, m->to, &m->msg) != 0) {
		free(m);
		net_dropped(w->net, DROP_CROSSING_FULL);
		return ENOBUFS;
	}
	metric_inc(w->net->metric.crossed[CROSSED_DATAGRAM_OUT]);
	return 0;
}

void crossing_session_close(const struct byway_session *session)
{
	struct cmsg *m = cmsg_new(session->w, CMSG_SESSION_CLOSE,
				  session->worker, NULL, 0);

	m->id = session->id;
	net_cross_always(session->w->net, m->to, &m->msg);
}
