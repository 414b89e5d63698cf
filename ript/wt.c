/* SPDX-License-Identifier: MIT */
/*
 * WebTransport sessions: an extended CONNECT stream that carries capsules,
 * and datagrams beside it.
 *
 *   h3_datagram_send -> queue of the session -.
 *   h3_datagram_send -> queue of the session --> conn->sending, one of each
 *                                                in turn -> QUIC packets
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ript/h3_int.h"

#define DATAGRAM_AGE_NS (100 * NS_PER_MS)

enum session_state { SESSION_OPENING, SESSION_OPEN, SESSION_CLOSED };

struct h3_session {
	struct le sending_le;
	struct h3_conn *conn;
	struct h3_stream *stream;
	enum session_state state;
	const struct h3_session_handlers *handlers;
	void *arg;
	struct wt_capsules capsules;
	struct wt_queue queue;
	uint8_t prefix[8];	/* stream ID / 4 before each datagram */
	size_t prefix_len;
	uint64_t dropped;
};

static void session_free_late(void *ptr)
{
	struct h3_session *session = ptr;

	wt_queue_free(&session->queue);
	free(session);
}

/* Over, whoever ended it: closed() and the memory. */
static void session_finish(struct h3_session *session, int err)
{
	struct h3_conn *conn = session->conn;

	if (session->state == SESSION_CLOSED)
		return;
	session->state = SESSION_CLOSED;
	metric_gauge_add(conn->ep->sessions_gauge, -1);
	list_unlink(&session->sending_le);
	session->stream->session = NULL;
	session->stream->handlers = NULL;
	if (session->handlers->closed)
		session->handlers->closed(session, err, session->arg);
	loop_defer_free(conn->ep->loop, session, session_free_late);
}

/* ---- the CONNECT stream ---- */

static void on_head(struct h3_stream *stream, const struct h3_head *head,
		    void *arg)
{
	struct h3_session *session = arg;
	bool accepted = head->status >= 200 && head->status < 300 &&
			!head->fin;

	if (accepted)
		session->state = SESSION_OPEN;
	if (session->handlers->ready)
		session->handlers->ready(session,
					 accepted ? 0 : head->status,
					 session->arg);
	if (accepted || session->state == SESSION_CLOSED)
		return;
	session_finish(session, 0);
	h3_stream_reset(stream, H3_REQUEST_CANCELLED);
}

static void on_data(struct h3_stream *stream, const uint8_t *data, size_t len,
		    void *arg)
{
	struct h3_session *session = arg;

	h3_stream_consumed(stream, len);
	switch (wt_capsules_read(&session->capsules, data, len)) {
	case WT_CAPSULE_MORE:
		return;
	case WT_CAPSULE_CLOSE:
		session_finish(session, 0);
		h3_stream_write(stream, NULL, 0, true);
		return;
	case WT_CAPSULE_BROKEN:
		session_finish(session, ECONNRESET);
		h3_stream_reset(stream, H3_GENERAL_PROTOCOL_ERROR);
		return;
	}
}

/* No capsule, just the end: as a close with code 0. */
static void on_end(struct h3_stream *stream, void *arg)
{
	struct h3_session *session = arg;

	if (session->state == SESSION_OPENING)
		return;		/* a refusal: on_head() has told */
	session_finish(session, 0);
	h3_stream_write(stream, NULL, 0, true);
}

static void on_closed(struct h3_stream *stream, int err, void *arg)
{
	(void)stream;
	session_finish(arg, err);
}

static const struct h3_stream_handlers stream_handlers = {
	.head = on_head,
	.data = on_data,
	.end = on_end,
	.closed = on_closed,
};

/* ---- life ---- */

static struct h3_session *session_new(struct h3_conn *conn,
				      const struct h3_session_handlers *h,
				      void *arg)
{
	struct h3_session *session = xzalloc(sizeof(*session));

	session->conn = conn;
	session->handlers = h;
	session->arg = arg;
	return session;
}

static void session_bind(struct h3_session *session, struct h3_stream *stream)
{
	session->stream = stream;
	stream->session = session;
	session->prefix_len = varint_put(session->prefix,
					 (uint64_t)stream->id / 4);
	metric_gauge_add(session->conn->ep->sessions_gauge, 1);
}

int h3_session_accept(struct h3_session **sessionp, struct h3_stream *stream,
		      const struct h3_session_handlers *handlers, void *arg)
{
	struct h3_session *session;
	int err;

	loop_assert(LOOP_WORKER);
	err = h3_reply(stream, 200, NULL, 0, NULL, 0, false);
	if (err)
		return err;
	session = session_new(stream->conn, handlers, arg);
	session_bind(session, stream);
	session->state = SESSION_OPEN;
	h3_stream_handle(stream, &stream_handlers, session);
	*sessionp = session;
	return 0;
}

int h3_session_open(struct h3_session **sessionp, struct h3_conn *conn,
		    const struct h3_head *head,
		    const struct h3_session_handlers *handlers, void *arg)
{
	struct h3_session *session;
	struct h3_stream *stream;
	struct h3_head connect = *head;
	int err;

	loop_assert(LOOP_WORKER);
	if (!conn->ready)
		return ENOTCONN;
	if (!h3_conn_webtransport(conn))
		return ENOTSUP;
	connect.method = "CONNECT";
	connect.protocol = "webtransport";
	session = session_new(conn, handlers, arg);
	err = h3_request(&stream, conn, &connect, NULL, 0, false,
			 &stream_handlers, session);
	if (err) {
		free(session);
		return err;
	}
	session_bind(session, stream);
	*sessionp = session;
	return 0;
}

void h3_session_close(struct h3_session *session)
{
	struct h3_stream *stream = session->stream;
	uint8_t capsule[WT_CLOSE_LEN];
	bool open = session->state == SESSION_OPEN;

	loop_assert(LOOP_WORKER);
	if (session->state == SESSION_CLOSED)
		return;
	session_finish(session, 0);
	if (!open) {
		h3_stream_reset(stream, H3_REQUEST_CANCELLED);
		return;
	}
	wt_close_write(capsule);
	h3_stream_write(stream, capsule, sizeof(capsule), true);
	h3_stream_stop_reading(stream);
}

/* ---- datagrams out ---- */

size_t h3_datagram_room(const struct h3_session *session)
{
	size_t room = quic_conn_datagram_room(session->conn->quic);

	return room > session->prefix_len ? room - session->prefix_len : 0;
}

int h3_datagram_send(struct h3_session *session, const void *data, size_t len)
{
	struct h3_conn *conn = session->conn;
	int dropped;

	if (session->state != SESSION_OPEN || conn->closed)
		return ENOTCONN;
	if (len > h3_datagram_room(session))
		return EMSGSIZE;
	dropped = wt_queue_put(&session->queue, quic_conn_now_ns(conn->quic),
			       session->prefix, session->prefix_len, data,
			       len);
	if (dropped < 0)
		return EMSGSIZE;
	if (dropped > 0) {
		session->dropped += (unsigned)dropped;
		metric_add(conn->ep->counter[H3_DGRAM_DROP_ROOM],
			   (unsigned)dropped);
	}
	if (!session->sending_le.list)
		list_append(&conn->sending, &session->sending_le);
	quic_conn_touch(conn->quic);
	return 0;
}

uint64_t h3_datagram_dropped(const struct h3_session *session)
{
	return session->dropped;
}

static void drop_first(struct h3_session *session, enum h3_counter why)
{
	wt_queue_pop(&session->queue);
	session->dropped++;
	h3_count(session->conn->ep, why);
}

bool h3_session_next_datagram(struct h3_conn *conn, ngtcp2_vec *vec)
{
	uint64_t now = quic_conn_now_ns(conn->quic), put;
	size_t room = quic_conn_datagram_room(conn->quic), len;
	struct h3_session *session;
	const uint8_t *data;

	while (conn->sending.head) {
		session = list_entry(conn->sending.head, struct h3_session,
				     sending_le);
		if (!wt_queue_peek(&session->queue, &data, &len, &put)) {
			list_unlink(&session->sending_le);
		} else if (now - put > DATAGRAM_AGE_NS) {
			drop_first(session, H3_DGRAM_DROP_AGE);
		} else if (len > room) {
			/* The path became narrower meanwhile. */
			drop_first(session, H3_DGRAM_DROP_SIZE);
		} else {
			vec->base = (uint8_t *)(uintptr_t)data;
			vec->len = len;
			return true;
		}
	}
	return false;
}

void h3_session_datagram_done(struct h3_conn *conn, bool sent)
{
	struct h3_session *session;
	const uint8_t *data;
	uint64_t put;
	size_t len;

	if (!conn->sending.head)
		return;
	session = list_entry(conn->sending.head, struct h3_session,
			     sending_le);
	if (sent)
		wt_queue_pop(&session->queue);
	else
		drop_first(session, H3_DGRAM_DROP_REFUSED);
	/* One of each in turn: a burst of one call delays no other. */
	list_unlink(&session->sending_le);
	if (wt_queue_peek(&session->queue, &data, &len, &put))
		list_append(&conn->sending, &session->sending_le);
}

/* ---- datagrams in ---- */

int h3_session_datagram_in(struct h3_conn *conn, const uint8_t *data,
			   size_t len)
{
	struct h3_session *session;
	struct h3_stream *stream;
	uint64_t quarter;
	size_t n;

	n = varint_get(&quarter, data, len);
	if (!n || quarter > (UINT64_C(1) << 60) - 1)
		return quic_conn_fail(conn->quic, 0x33,
				      "a datagram without a stream");
	stream = h3_stream_find(conn, (int64_t)(quarter * 4));
	session = stream ? stream->session : NULL;
	/* The server's first ones may overtake the 200 that opens it. */
	if (!session || session->state == SESSION_CLOSED) {
		h3_count(conn->ep, H3_DGRAM_DROP_NO_SESSION);
		return 0;
	}
	if (session->handlers->datagram)
		session->handlers->datagram(session, data + n, len - n,
					    session->arg);
	return 0;
}
