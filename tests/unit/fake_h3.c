/* SPDX-License-Identifier: MIT */
#include "tests/unit/fake_h3.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "ript/tls.h"

#define FAKE_ROOM 1200
#define UNSENT_MAX (256u * 1024)

struct h3_endpoint {
	struct le le;
	unsigned worker;
	const struct h3_conn_handlers *handlers;
	void *arg;
	bool drained;
};

struct h3_conn {
	struct le le;
	struct h3_endpoint *ep;
	const struct h3_conn_handlers *handlers;
	void *arg;
	void *data;
	struct addr peer;
	struct h3_connect params;
	char *host;
	bool client;
	bool ready;
	bool webtransport;
	bool goaway;
	bool closed;
	unsigned credit;
	struct list streams;
};

struct h3_stream {
	struct le le;
	struct h3_conn *conn;
	int64_t id;
	char *method, *authority, *path, *protocol;
	struct h3_field *field;
	unsigned field_cnt;
	struct h3_head head;
	const struct h3_stream_handlers *handlers;
	void *arg;
	struct h3_session *session;
	int status;
	struct h3_field *reply;
	unsigned reply_cnt;
	struct buf text;
	size_t given, consumed;
	bool our_fin, peer_fin, stopped, was_reset, closed, full;
};

struct h3_session {
	struct h3_stream *stream;
	const struct h3_session_handlers *handlers;
	void *arg;
	bool open;
	bool closed;
	size_t room;
	unsigned sent;
	uint8_t last[65536];
	size_t last_len;
};

static struct list endpoints, conns;

static void misuse(const char *what)
{
	fprintf(stderr, "fake_h3: %s\n", what);
	abort();
}

static void use(const struct h3_stream *stream, const char *fn)
{
	if (stream->closed) {
		fprintf(stderr, "fake_h3: %s() on a closed stream (%s %s)\n",
			fn, stream->method, stream->path);
		abort();
	}
}

/* ---- heads ---- */

static struct h3_field *copy_fields(const struct h3_field *field,
				    unsigned cnt)
{
	struct h3_field *copy = xcalloc(cnt ? cnt : 1, sizeof(*copy));
	unsigned i;

	for (i = 0; i < cnt; i++) {
		copy[i].name = xstrdup(field[i].name);
		copy[i].value = xstrdup(field[i].value);
	}
	return copy;
}

static void free_fields(struct h3_field *field, unsigned cnt)
{
	unsigned i;

	for (i = 0; i < cnt; i++) {
		free((void *)(uintptr_t)field[i].name);
		free((void *)(uintptr_t)field[i].value);
	}
	free(field);
}

const char *h3_field(const struct h3_head *head, const char *name)
{
	unsigned i;

	for (i = 0; i < head->field_cnt; i++)
		if (strcmp(head->field[i].name, name) == 0)
			return head->field[i].value;
	return NULL;
}

static struct h3_stream *stream_new(struct h3_conn *conn,
				    const struct h3_head *head)
{
	static int64_t next_id;
	struct h3_stream *stream = xzalloc(sizeof(*stream));

	stream->conn = conn;
	stream->id = next_id;
	next_id += 4;
	stream->method = xstrdup(head->method);
	stream->authority = xstrdup(head->authority);
	stream->path = xstrdup(head->path);
	stream->protocol = xstrdup(head->protocol);
	stream->field = copy_fields(head->field, head->field_cnt);
	stream->field_cnt = head->field_cnt;
	stream->head = *head;
	stream->head.method = stream->method;
	stream->head.authority = stream->authority;
	stream->head.path = stream->path;
	stream->head.protocol = stream->protocol;
	stream->head.field = stream->field;
	buf_init(&stream->text, 64u * 1024 * 1024);
	list_append(&conn->streams, &stream->le);
	return stream;
}

static void stream_free(struct h3_stream *stream)
{
	list_unlink(&stream->le);
	free(stream->method);
	free(stream->authority);
	free(stream->path);
	free(stream->protocol);
	free_fields(stream->field, stream->field_cnt);
	free_fields(stream->reply, stream->reply_cnt);
	buf_free(&stream->text);
	free(stream->session);
	free(stream);
}

static void session_over(struct h3_session *session, int err)
{
	if (session->closed)
		return;
	session->closed = true;
	session->open = false;
	if (session->handlers->closed)
		session->handlers->closed(session, err, session->arg);
}

static void stream_close(struct h3_stream *stream, int err)
{
	if (stream->closed)
		return;
	stream->closed = true;
	if (stream->session)
		session_over(stream->session, err);
	else if (stream->handlers && stream->handlers->closed)
		stream->handlers->closed(stream, err, stream->arg);
}

static void conn_close(struct h3_conn *conn, int err)
{
	struct le *le;

	if (conn->closed)
		return;
	conn->closed = true;
	for (le = conn->streams.head; le; le = le->next)
		stream_close(list_entry(le, struct h3_stream, le),
			     ECONNABORTED);
	if (conn->handlers->closed)
		conn->handlers->closed(conn, err, "as the test says",
				       conn->arg);
}

/* ---- the test's side ---- */

struct h3_endpoint *fake_h3_endpoint(unsigned worker)
{
	struct le *le;

	for (le = endpoints.head; le; le = le->next) {
		struct h3_endpoint *ep =
			list_entry(le, struct h3_endpoint, le);

		if (ep->worker == worker)
			return ep;
	}
	return NULL;
}

bool fake_h3_drained(const struct h3_endpoint *ep)
{
	return ep->drained;
}

bool fake_h3_settle(void)
{
	bool some = false;
	struct le *c, *s;

	for (c = conns.head; c; c = c->next) {
		struct h3_conn *conn = list_entry(c, struct h3_conn, le);

		for (s = conn->streams.head; s; s = s->next) {
			struct h3_stream *stream =
				list_entry(s, struct h3_stream, le);

			if (stream->closed || !stream->our_fin ||
			    (!stream->peer_fin && !stream->stopped))
				continue;
			stream_close(stream, 0);
			some = true;
		}
	}
	return some;
}

void fake_h3_forget(void)
{
	struct le *le;

	while ((le = list_pop(&conns))) {
		struct h3_conn *conn = list_entry(le, struct h3_conn, le);

		while (conn->streams.head)
			stream_free(list_entry(conn->streams.head,
					       struct h3_stream, le));
		free(conn->host);
		free(conn);
	}
}

static struct h3_conn *conn_new(struct h3_endpoint *ep,
				const struct h3_conn_handlers *handlers,
				void *arg)
{
	struct h3_conn *conn = xzalloc(sizeof(*conn));

	conn->ep = ep;
	conn->handlers = handlers;
	conn->arg = arg;
	conn->credit = UINT32_MAX;
	addr_parse(&conn->peer, "192.0.2.7:4711");
	list_append(&conns, &conn->le);
	return conn;
}

struct h3_conn *fake_h3_guest(unsigned worker)
{
	struct h3_endpoint *ep = fake_h3_endpoint(worker);

	return conn_new(ep, ep->handlers, ep->arg);
}

struct h3_stream *fake_h3_request(struct h3_conn *conn,
				  const struct h3_head *head,
				  const void *body, size_t len, bool fin)
{
	struct h3_stream *stream = stream_new(conn, head);

	stream->head.fin = fin && len == 0;
	stream->peer_fin = stream->head.fin;
	conn->handlers->request(conn, stream, &stream->head, conn->arg);
	if (!stream->handlers && !stream->session && !stream->status &&
	    !stream->was_reset)
		misuse("a request was neither handled nor answered");
	if (stream->head.fin) {
		if (stream->handlers && stream->handlers->end &&
		    !stream->closed)
			stream->handlers->end(stream, stream->arg);
		return stream;
	}
	if (len > 0)
		fake_h3_data(stream, body, len);
	if (fin)
		fake_h3_fin(stream);
	return stream;
}

void fake_h3_data(struct h3_stream *stream, const void *data, size_t len)
{
	if (stream->closed || stream->stopped)
		return;
	stream->given += len;
	if (stream->handlers && stream->handlers->data)
		stream->handlers->data(stream, data, len, stream->arg);
}

void fake_h3_fin(struct h3_stream *stream)
{
	if (stream->closed || stream->peer_fin)
		return;
	stream->peer_fin = true;
	if (!stream->stopped && stream->handlers && stream->handlers->end)
		stream->handlers->end(stream, stream->arg);
}

int fake_h3_status(const struct h3_stream *stream)
{
	return stream->status;
}

const char *fake_h3_field(const struct h3_stream *stream, const char *name)
{
	const struct h3_head head = { .field = stream->reply,
				      .field_cnt = stream->reply_cnt };

	return h3_field(&head, name);
}

struct h3_conn *fake_h3_connected(unsigned index)
{
	struct le *le;

	for (le = conns.head; le; le = le->next) {
		struct h3_conn *conn = list_entry(le, struct h3_conn, le);

		if (conn->client && index-- == 0)
			return conn;
	}
	return NULL;
}

unsigned fake_h3_connected_cnt(void)
{
	unsigned cnt = 0;

	while (fake_h3_connected(cnt))
		cnt++;
	return cnt;
}

const struct h3_connect *fake_h3_params(const struct h3_conn *conn)
{
	return &conn->params;
}

void fake_h3_ready(struct h3_conn *conn, bool webtransport)
{
	conn->ready = true;
	conn->webtransport = webtransport;
	conn->handlers->ready(conn, conn->arg);
}

void fake_h3_set_credit(struct h3_conn *conn, unsigned streams)
{
	conn->credit = streams;
}

void fake_h3_goaway(struct h3_conn *conn)
{
	conn->goaway = true;
}

struct h3_stream *fake_h3_open(struct h3_conn *conn, const char *method,
			       unsigned index)
{
	struct le *le;

	for (le = conn->streams.head; le; le = le->next) {
		struct h3_stream *stream =
			list_entry(le, struct h3_stream, le);

		if (stream->closed ||
		    (method && strcmp(stream->method, method) != 0))
			continue;
		if (index-- == 0)
			return stream;
	}
	return NULL;
}

unsigned fake_h3_open_cnt(struct h3_conn *conn, const char *method)
{
	unsigned cnt = 0;

	while (fake_h3_open(conn, method, cnt))
		cnt++;
	return cnt;
}

const struct h3_head *fake_h3_head(const struct h3_stream *stream)
{
	return &stream->head;
}

void fake_h3_answer(struct h3_stream *stream, int status,
		    const struct h3_field *field, unsigned field_cnt,
		    const void *body, size_t len, bool fin)
{
	const struct h3_head head = { .status = status, .field = field,
				      .field_cnt = field_cnt,
				      .fin = fin && len == 0 };

	use(stream, __func__);
	stream->status = status;
	if (stream->session) {
		bool accepted = status == 200;

		stream->session->open = accepted;
		stream->session->handlers->ready(stream->session,
						 accepted ? 0 : status,
						 stream->session->arg);
		if (!accepted && !stream->session->closed)
			stream_close(stream, 0);
		return;
	}
	if (stream->handlers->head)
		stream->handlers->head(stream, &head, stream->arg);
	if (len > 0)
		fake_h3_data(stream, body, len);
	if (fin)
		fake_h3_fin(stream);
}

void fake_h3_conn_lost(struct h3_conn *conn, int err)
{
	conn_close(conn, err);
}

bool fake_h3_conn_closed(const struct h3_conn *conn)
{
	return conn->closed;
}

void fake_h3_stream_lost(struct h3_stream *stream, int err)
{
	stream_close(stream, err);
}

bool fake_h3_closed(const struct h3_stream *stream)
{
	return stream->closed;
}

bool fake_h3_was_reset(const struct h3_stream *stream)
{
	return stream->was_reset;
}

bool fake_h3_stopped(const struct h3_stream *stream)
{
	return stream->stopped;
}

bool fake_h3_finished(const struct h3_stream *stream)
{
	return stream->our_fin;
}

const char *fake_h3_text(const struct h3_stream *stream, size_t *lenp)
{
	struct buf *text = (struct buf *)(uintptr_t)&stream->text;

	if (lenp)
		*lenp = stream->text.len;
	return buf_str(text);
}

size_t fake_h3_consumed(const struct h3_stream *stream)
{
	return stream->consumed;
}

void fake_h3_set_full(struct h3_stream *stream, bool full)
{
	stream->full = full;
}

struct h3_session *fake_h3_session(struct h3_stream *stream)
{
	return stream->session;
}

void fake_h3_datagram(struct h3_session *session, const void *data,
		      size_t len)
{
	if (session->closed)
		misuse("a datagram without a session");
	session->handlers->datagram(session, data, len, session->arg);
}

void fake_h3_session_lost(struct h3_session *session, int err)
{
	stream_close(session->stream, err);
}

bool fake_h3_session_closed(const struct h3_session *session)
{
	return session->closed;
}

unsigned fake_h3_datagram_cnt(const struct h3_session *session)
{
	return session->sent;
}

const uint8_t *fake_h3_last_datagram(const struct h3_session *session,
				     size_t *lenp)
{
	*lenp = session->last_len;
	return session->last;
}

void fake_h3_set_room(struct h3_session *session, size_t room)
{
	session->room = room;
}

/* ---- ript/h3.h ---- */

int h3_listen(int *fds, unsigned worker_cnt, const struct addr *at,
	      struct addr *bound)
{
	unsigned i;

	for (i = 0; i < worker_cnt; i++)
		fds[i] = -1;
	*bound = *at;
	return 0;
}

int h3_endpoint_new(struct h3_endpoint **epp, struct loop *loop,
		    const struct h3_config *config,
		    const struct h3_conn_handlers *handlers, void *arg)
{
	struct h3_endpoint *ep = xzalloc(sizeof(*ep));

	(void)loop;
	ep->worker = config->worker;
	ep->handlers = handlers;
	ep->arg = arg;
	list_append(&endpoints, &ep->le);
	*epp = ep;
	return 0;
}

void h3_endpoint_drain(struct h3_endpoint *ep)
{
	ep->drained = true;
}

void h3_endpoint_free(struct h3_endpoint **epp)
{
	struct h3_endpoint *ep = *epp;
	struct le *le;

	if (!ep)
		return;
	*epp = NULL;
	for (le = conns.head; le; le = le->next) {
		struct h3_conn *conn = list_entry(le, struct h3_conn, le);

		if (conn->ep == ep)
			conn_close(conn, 0);
	}
	list_unlink(&ep->le);
	free(ep);
}

int h3_connect(struct h3_conn **connp, struct h3_endpoint *ep,
	       const struct h3_connect *params,
	       const struct h3_conn_handlers *handlers, void *arg)
{
	struct h3_conn *conn = conn_new(ep, handlers, arg);

	conn->client = true;
	conn->params = *params;
	conn->host = xstrdup(params->host);
	conn->params.host = conn->host;
	conn->peer = params->to;
	*connp = conn;
	return 0;
}

void h3_conn_close(struct h3_conn *conn)
{
	if (conn->closed)
		misuse("h3_conn_close() twice");
	conn_close(conn, 0);
}

const struct addr *h3_conn_peer(const struct h3_conn *conn)
{
	return &conn->peer;
}

bool h3_conn_client(const struct h3_conn *conn)
{
	return conn->client;
}

bool h3_conn_webtransport(const struct h3_conn *conn)
{
	return conn->webtransport;
}

void h3_conn_set_data(struct h3_conn *conn, void *data)
{
	conn->data = data;
}

void *h3_conn_data(const struct h3_conn *conn)
{
	return conn->data;
}

uint64_t h3_conn_streams_left(const struct h3_conn *conn)
{
	return conn->credit;
}

int h3_request(struct h3_stream **streamp, struct h3_conn *conn,
	       const struct h3_head *head, const void *body, size_t len,
	       bool fin, const struct h3_stream_handlers *handlers, void *arg)
{
	struct h3_stream *stream;

	if (conn->closed || !conn->ready || conn->goaway)
		return ENOTCONN;
	if (conn->credit == 0)
		return EAGAIN;
	conn->credit--;
	stream = stream_new(conn, head);
	stream->head.fin = fin && len == 0;
	stream->our_fin = fin;
	stream->handlers = handlers;
	stream->arg = arg;
	if (len > 0)
		buf_add(&stream->text, body, len);
	*streamp = stream;
	return 0;
}

void h3_stream_handle(struct h3_stream *stream,
		      const struct h3_stream_handlers *handlers, void *arg)
{
	use(stream, __func__);
	stream->handlers = handlers;
	stream->arg = arg;
}

int h3_reply(struct h3_stream *stream, int status,
	     const struct h3_field *field, unsigned field_cnt,
	     const void *body, size_t len, bool fin)
{
	use(stream, __func__);
	if (stream->status)
		misuse("a second reply");
	stream->status = status;
	stream->reply = copy_fields(field, field_cnt);
	stream->reply_cnt = field_cnt;
	if (len > 0)
		buf_add(&stream->text, body, len);
	stream->our_fin = fin;
	return 0;
}

int h3_stream_write(struct h3_stream *stream, const void *data, size_t len,
		    bool fin)
{
	use(stream, __func__);
	if (stream->our_fin)
		misuse("h3_stream_write() after the end");
	if (stream->full || len > UNSENT_MAX)
		return ENOBUFS;
	if (len > 0)
		buf_add(&stream->text, data, len);
	stream->our_fin = fin;
	return 0;
}

void h3_stream_consumed(struct h3_stream *stream, size_t len)
{
	use(stream, __func__);
	stream->consumed += len;
	if (stream->consumed > stream->given)
		misuse("more consumed than was given");
}

void h3_stream_reset(struct h3_stream *stream, uint64_t code)
{
	(void)code;
	use(stream, __func__);
	stream->was_reset = true;
	stream_close(stream, ECANCELED);
}

void h3_stream_stop_reading(struct h3_stream *stream)
{
	use(stream, __func__);
	stream->stopped = true;
}

struct h3_conn *h3_stream_conn(const struct h3_stream *stream)
{
	return stream->conn;
}

int64_t h3_stream_id(const struct h3_stream *stream)
{
	return stream->id;
}

static struct h3_session *session_new(struct h3_stream *stream,
				      const struct h3_session_handlers *h,
				      void *arg)
{
	struct h3_session *session = xzalloc(sizeof(*session));

	session->stream = stream;
	session->handlers = h;
	session->arg = arg;
	session->room = FAKE_ROOM;
	stream->session = session;
	return session;
}

int h3_session_accept(struct h3_session **sessionp, struct h3_stream *stream,
		      const struct h3_session_handlers *handlers, void *arg)
{
	use(stream, __func__);
	*sessionp = session_new(stream, handlers, arg);
	stream->status = 200;
	(*sessionp)->open = true;
	return 0;
}

int h3_session_open(struct h3_session **sessionp, struct h3_conn *conn,
		    const struct h3_head *head,
		    const struct h3_session_handlers *handlers, void *arg)
{
	struct h3_stream *stream;
	int err;

	if (!conn->webtransport)
		return ENOTSUP;
	err = h3_request(&stream, conn, head, NULL, 0, false, NULL, NULL);
	if (err)
		return err;
	*sessionp = session_new(stream, handlers, arg);
	return 0;
}

int h3_datagram_send(struct h3_session *session, const void *data,
		     size_t len)
{
	if (session->closed)
		misuse("h3_datagram_send() on a closed session");
	if (!session->open)
		return ENOTCONN;
	if (len > session->room)
		return EMSGSIZE;
	session->sent++;
	memcpy(session->last, data, len);
	session->last_len = len;
	return 0;
}

size_t h3_datagram_room(const struct h3_session *session)
{
	return session->room;
}

uint64_t h3_datagram_dropped(const struct h3_session *session)
{
	(void)session;
	return 0;
}

void h3_session_close(struct h3_session *session)
{
	if (session->closed)
		misuse("h3_session_close() on a closed session");
	stream_close(session->stream, 0);
}

/* ---- ript/tls.h ---- */

int tls_server_new(struct tls_server **tlsp, const char *cert_file,
		   const char *key_file, char **why)
{
	(void)cert_file;
	(void)key_file;
	(void)why;
	*tlsp = NULL;
	return 0;
}

void tls_server_free(struct tls_server **tlsp)
{
	*tlsp = NULL;
}

int tls_client_new(struct tls_client **tlsp, const char *ca_file, char **why)
{
	if (ca_file && strcmp(ca_file, "missing.pem") == 0) {
		*why = xstrdup("missing.pem: no such file");
		return ENOENT;
	}
	*tlsp = NULL;
	return 0;
}

void tls_client_free(struct tls_client **tlsp)
{
	*tlsp = NULL;
}

int tls_server_reload(struct tls_server *tls, char **why)
{
	(void)tls;
	(void)why;
	return 0;
}
