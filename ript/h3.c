/* SPDX-License-Identifier: MIT */
#include "ript/h3.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ript/h3_int.h"

/* ---- streams of a connection ---- */

static size_t slot_of(const struct h3_conn *conn, int64_t id)
{
	return (size_t)(id >> 2) & (conn->slot_cnt - 1);
}

struct h3_stream *h3_stream_find(struct h3_conn *conn, int64_t id)
{
	struct h3_stream *stream;

	if (!conn->slot_cnt)
		return NULL;
	stream = conn->slots[slot_of(conn, id)];
	while (stream && stream->id != id)
		stream = stream->slot_next;
	return stream;
}

static void slots_grow(struct h3_conn *conn)
{
	struct h3_stream **old = conn->slots, *stream, *next;
	size_t old_cnt = conn->slot_cnt, at;

	conn->slot_cnt = old_cnt ? old_cnt * 2 : 16;
	conn->slots = xcalloc(conn->slot_cnt, sizeof(*conn->slots));
	for (size_t i = 0; i < old_cnt; i++) {
		for (stream = old[i]; stream; stream = next) {
			next = stream->slot_next;
			at = slot_of(conn, stream->id);
			stream->slot_next = conn->slots[at];
			conn->slots[at] = stream;
		}
	}
	free(old);
}

void h3_stream_enter(struct h3_stream *stream)
{
	struct h3_conn *conn = stream->conn;
	size_t at;

	if (conn->request_cnt >= conn->slot_cnt)
		slots_grow(conn);
	at = slot_of(conn, stream->id);
	stream->slot_next = conn->slots[at];
	conn->slots[at] = stream;
	conn->request_cnt++;
}

static void stream_leave(struct h3_stream *stream)
{
	struct h3_conn *conn = stream->conn;
	struct h3_stream **p = &conn->slots[slot_of(conn, stream->id)];

	while (*p != stream)
		p = &(*p)->slot_next;
	*p = stream->slot_next;
	conn->request_cnt--;
}

struct h3_stream *h3_stream_new(struct h3_conn *conn, int64_t id,
				enum h3_kind kind)
{
	struct h3_stream *stream = xzalloc(sizeof(*stream));

	stream->conn = conn;
	stream->id = id;
	stream->kind = kind;
	list_append(&conn->streams, &stream->le);
	return stream;
}

void h3_stream_finish(struct h3_stream *stream, int err)
{
	if (stream->finished)
		return;
	stream->finished = true;
	if (stream->handlers && stream->handlers->closed)
		stream->handlers->closed(stream, err, stream->arg);
}

static void stream_free_late(void *ptr)
{
	struct h3_stream *stream = ptr;

	h3_blocks_free(stream);
	h3_head_free(stream);
	free(stream);
}

static void head_arrived(struct h3_stream *stream)
{
	if (stream->head_out)
		stream->conn->heads_out--;
	stream->head_out = false;
}

void h3_stream_free(struct h3_stream *stream)
{
	struct h3_conn *conn = stream->conn;

	head_arrived(stream);
	if (stream->kind == H3_KIND_REQUEST)
		stream_leave(stream);
	conn->unacked -= stream->unacked;
	list_unlink(&stream->le);
	/* nghttp3 or ngtcp2 may be in the middle of it. */
	loop_defer_free(conn->ep->loop, stream, stream_free_late);
}

/* ---- quic_app: streams ---- */

/* The octets that decide whose a stream is; may use only some. */
static int stream_begin(struct h3_conn *conn, struct h3_stream *stream,
			const uint8_t *data, size_t len, bool fin)
{
	ngtcp2_conn *ng = quic_conn_native(conn->quic);
	bool bidi = (stream->id & 2) == 0;
	size_t room = sizeof(stream->first) - stream->first_len, part, used = 0;
	uint64_t session;
	int err;

	part = len < room ? len : room;
	if (part)
		memcpy(stream->first + stream->first_len, data, part);
	stream->first_len = (uint8_t)(stream->first_len + part);
	switch (wt_prefix_read(stream->first, stream->first_len, bidi,
			       &session, &used)) {
	case WT_PREFIX_MORE:
		if (!fin)
			return 0;
		/* A header that never came is no error (RFC 9114, 6.2). */
		stream->kind = bidi ? H3_KIND_REQUEST : H3_KIND_WT;
		break;
	case WT_PREFIX_STREAM:
		/* Nobody here has a use for it: read and thrown away, and
		 * nothing comes back. */
		stream->kind = H3_KIND_WT;
		ngtcp2_conn_extend_max_stream_offset(ng, stream->id,
						     stream->first_len);
		ngtcp2_conn_extend_max_offset(ng, stream->first_len);
		if (bidi)
			ngtcp2_conn_shutdown_stream_write(ng, 0, stream->id,
							  WT_STREAM_GONE);
		break;
	case WT_PREFIX_CONTROL:
		stream->kind = H3_KIND_CONTROL;
		break;
	case WT_PREFIX_HTTP:
		stream->kind = bidi ? H3_KIND_REQUEST : H3_KIND_OTHER;
		break;
	}
	if (stream->kind == H3_KIND_REQUEST) {
		if (conn->client)
			return quic_conn_fail(conn->quic,
					      H3_STREAM_CREATION_ERROR,
					      "the server opened a request "
					      "stream");
		h3_stream_enter(stream);
	}
	if (stream->kind != H3_KIND_WT) {
		err = h3_http_read(conn, stream, stream->first,
				   stream->first_len, fin && part == len);
		if (err)
			return err;
	}
	data += part;
	len -= part;
	if (stream->kind == H3_KIND_WT) {
		ngtcp2_conn_extend_max_stream_offset(ng, stream->id, len);
		ngtcp2_conn_extend_max_offset(ng, len);
		return 0;
	}
	return len ? h3_http_read(conn, stream, data, len, fin) : 0;
}

static int on_stream_data(void *arg, int64_t id, void *ptr,
			  const uint8_t *data, size_t len, bool fin, bool early)
{
	struct h3_conn *conn = arg;
	struct h3_stream *stream = ptr;
	ngtcp2_conn *ng = quic_conn_native(conn->quic);

	if (!conn->http)	/* 0.5-RTT keys come before any data */
		return quic_conn_fail(conn->quic, H3_INTERNAL_ERROR,
				      "stream data before the keys");
	if (!stream) {
		stream = h3_stream_new(conn, id, H3_KIND_NEW);
		ngtcp2_conn_set_stream_user_data(ng, id, stream);
	}
	stream->early = stream->early || early;
	switch (stream->kind) {
	case H3_KIND_NEW:
		return stream_begin(conn, stream, data, len, fin);
	case H3_KIND_WT:
		ngtcp2_conn_extend_max_stream_offset(ng, id, len);
		ngtcp2_conn_extend_max_offset(ng, len);
		return 0;
	default:
		return h3_http_read(conn, stream, data, len, fin);
	}
}

/* nghttp3 knows only the octets that it wrote itself, not our longer
 * SETTINGS: report the latter as the former, once all are there. */
static uint64_t ctrl_acked(struct h3_conn *conn, uint64_t len)
{
	size_t old = conn->ctrl.acked;

	conn->ctrl.acked += (size_t)len;
	if (conn->ctrl.acked < conn->ctrl.len)
		return 0;
	if (old >= conn->ctrl.len)
		return len;
	return conn->ctrl.acked - conn->ctrl.len + conn->ctrl.orig_len;
}

static int on_stream_acked(void *arg, int64_t id, void *ptr, uint64_t len)
{
	struct h3_conn *conn = arg;
	struct h3_stream *stream = ptr;
	int rv;

	conn->unacked -= len < conn->unacked ? len : conn->unacked;
	if (stream) {
		stream->unacked -= len < stream->unacked ? len
							 : stream->unacked;
		head_arrived(stream);
	}
	if (id == conn->ctrl.id)
		len = ctrl_acked(conn, len);
	if (!len)
		return 0;
	rv = nghttp3_conn_add_ack_offset(conn->http, id, len);
	return rv ? h3_http_fail(conn, rv) : 0;
}

bool h3_conn_check_drained(struct h3_conn *conn)
{
	if (conn->closed || !conn->goaway || conn->request_cnt ||
	    (!conn->client && !conn->ep->drain_late))
		return false;
	quic_conn_close(conn->quic, H3_NO_ERROR, 0,
			conn->client ? "the peer goes away" : "drained");
	return true;
}

static int on_stream_closed(void *arg, int64_t id, void *ptr, bool has_code,
			    uint64_t code)
{
	struct h3_conn *conn = arg;
	struct h3_stream *stream = ptr;
	ngtcp2_conn *ng = quic_conn_native(conn->quic);
	bool local = ngtcp2_conn_is_local_stream(ng, id);
	int rv = 0;

	if (!has_code)
		code = H3_NO_ERROR;
	/* nghttp3 keeps a stream that waits for QPACK, our half goes. */
	if (stream && stream->kind == H3_KIND_REQUEST)
		nghttp3_conn_set_stream_user_data(conn->http, id, NULL);
	if (conn->http && (!stream || stream->kind != H3_KIND_WT))
		rv = nghttp3_conn_close_stream(conn->http, id, code);
	if (rv != 0 && rv != NGHTTP3_ERR_STREAM_NOT_FOUND)
		return h3_http_fail(conn, rv);
	if (!local && (id & 2)) {
		ngtcp2_conn_extend_max_streams_uni(ng, 1);
	} else if (!local) {
		ngtcp2_conn_extend_max_streams_bidi(ng, 1);
		if (!conn->client)
			nghttp3_conn_set_max_client_streams_bidi(
				conn->http, ++conn->client_streams);
	}
	if (!stream)
		return 0;
	h3_stream_finish(stream, code == H3_NO_ERROR ? 0 : ECONNRESET);
	if (conn->closed)
		return 0;
	h3_stream_free(stream);
	h3_conn_check_drained(conn);
	return 0;
}

static int on_stream_reset(void *arg, int64_t id, void *ptr, uint64_t code)
{
	struct h3_conn *conn = arg;
	struct h3_stream *stream = ptr;
	ngtcp2_conn *ng = quic_conn_native(conn->quic);
	int rv;

	if (!stream || !conn->http || stream->kind == H3_KIND_WT)
		return 0;
	if (stream->kind == H3_KIND_NEW) {
		stream->kind = H3_KIND_WT;
		if ((id & 2) == 0)
			ngtcp2_conn_shutdown_stream_write(
				ng, 0, id, H3_REQUEST_CANCELLED);
		return 0;
	}
	rv = nghttp3_conn_shutdown_stream_read(conn->http, id);
	if (rv != 0)
		return h3_http_fail(conn, rv);
	/* Its answer to our STOP_SENDING. */
	if (stream->stopped && code == H3_NO_ERROR)
		return 0;
	if ((id & 2) == 0)
		ngtcp2_conn_shutdown_stream_write(ng, 0, id,
						  H3_REQUEST_CANCELLED);
	h3_stream_finish(stream, ECONNRESET);
	return 0;
}

static int on_stream_credit(void *arg, int64_t id)
{
	struct h3_conn *conn = arg;
	int rv;

	if (!conn->http)
		return 0;
	if (id == conn->ctrl.id)
		conn->ctrl.blocked = false;
	rv = nghttp3_conn_unblock_stream(conn->http, id);
	return rv ? h3_http_fail(conn, rv) : 0;
}

/* ---- quic_app: writing ---- */

static int on_next_stream(void *arg, struct quic_out *out)
{
	struct h3_conn *conn = arg;
	nghttp3_ssize cnt;
	int fin = 0;

	if (!conn->http)
		return 0;
	if (conn->ctrl.sent < conn->ctrl.len) {
		if (conn->ctrl.blocked)
			return 0;
		out->id = conn->ctrl.id;
		out->vec[0].base = conn->ctrl.buf + conn->ctrl.sent;
		out->vec[0].len = conn->ctrl.len - conn->ctrl.sent;
		out->cnt = 1;
		return 0;
	}
	cnt = nghttp3_conn_writev_stream(conn->http, &out->id, &fin,
					 (nghttp3_vec *)(void *)out->vec,
					 sizeof(out->vec) /
						 sizeof(out->vec[0]));
	if (cnt < 0)
		return h3_http_fail(conn, (int)cnt);
	out->cnt = (size_t)cnt;
	out->fin = fin != 0;
	return 0;
}

static int on_stream_wrote(void *arg, int64_t id, size_t len)
{
	struct h3_conn *conn = arg;
	struct h3_stream *stream;
	int rv;

	conn->unacked += len;
	if (id == conn->ctrl.id && conn->ctrl.sent < conn->ctrl.len) {
		conn->ctrl.sent += len;
		return 0;
	}
	if ((id & 3) == 0) {
		stream = h3_stream_find(conn, id);
		if (stream)
			stream->unacked += len;
	}
	rv = nghttp3_conn_add_write_offset(conn->http, id, len);
	return rv ? h3_http_fail(conn, rv) : 0;
}

static int on_stream_blocked(void *arg, int64_t id)
{
	struct h3_conn *conn = arg;

	if (id == conn->ctrl.id)
		conn->ctrl.blocked = true;
	nghttp3_conn_block_stream(conn->http, id);
	return 0;
}

static int on_stream_gone(void *arg, int64_t id)
{
	struct h3_conn *conn = arg;
	struct h3_stream *stream = h3_stream_find(conn, id);

	if (stream)
		stream->write_dead = true;
	nghttp3_conn_shutdown_stream_write(conn->http, id);
	return 0;
}

static bool on_urgent(void *arg)
{
	struct h3_conn *conn = arg;

	return conn->unacked || conn->sending.head;
}

static int on_datagram(void *arg, const uint8_t *data, size_t len)
{
	return h3_session_datagram_in(arg, data, len);
}

static bool on_next_datagram(void *arg, ngtcp2_vec *vec)
{
	struct h3_conn *conn = arg;

	return conn->sending.head && h3_session_next_datagram(conn, vec);
}

static void on_datagram_done(void *arg, bool sent)
{
	h3_session_datagram_done(arg, sent);
}

/* ---- quic_app: the connection ---- */

static struct h3_conn *conn_new(struct h3_endpoint *ep,
				const struct h3_conn_handlers *handlers,
				void *arg)
{
	struct h3_conn *conn = xzalloc(sizeof(*conn));

	conn->ep = ep;
	conn->handlers = handlers;
	conn->arg = arg;
	conn->ctrl.id = -1;
	list_append(&ep->conns, &conn->le);
	return conn;
}

static void *on_accepted(struct quic_conn *quic, void *arg)
{
	struct h3_endpoint *ep = arg;
	struct h3_conn *conn = conn_new(ep, ep->handlers, ep->arg);

	conn->quic = quic;
	return conn;
}

static int on_ready_to_send(void *arg)
{
	return h3_http_start(arg);
}

static void check_ready(struct h3_conn *conn)
{
	if (!conn->client || conn->ready || !conn->handshaken ||
	    !conn->settings.done || conn->closed)
		return;
	conn->ready = true;
	if (conn->handlers->ready)
		conn->handlers->ready(conn, conn->arg);
}

static void on_handshake_done(void *arg)
{
	struct h3_conn *conn = arg;

	conn->handshaken = true;
	if (!conn->client && conn->handlers->ready)
		conn->handlers->ready(conn, conn->arg);
	check_ready(conn);
}

static int on_stream_data_ready(void *arg, int64_t id, void *ptr,
				const uint8_t *data, size_t len, bool fin,
				bool early)
{
	struct h3_conn *conn = arg;
	int err = on_stream_data(arg, id, ptr, data, len, fin, early);

	if (!err)
		check_ready(conn);
	return err;
}

static void conn_free_late(void *ptr)
{
	struct h3_conn *conn = ptr;

	if (conn->http)
		nghttp3_conn_del(conn->http);
	free(conn->slots);
	free(conn->host);
	free(conn);
}

static void on_closed(void *arg, int err, const char *reason)
{
	struct h3_conn *conn = arg;
	struct h3_stream *stream;

	conn->closed = true;
	while (conn->streams.head) {
		stream = list_entry(conn->streams.head, struct h3_stream, le);
		h3_stream_finish(stream, ECONNABORTED);
		h3_stream_free(stream);
	}
	if (conn->handlers->closed)
		conn->handlers->closed(conn, err, reason, conn->arg);
	list_unlink(&conn->le);
	loop_defer_free(conn->ep->loop, conn, conn_free_late);
}

static const struct quic_app app = {
	.accepted = on_accepted,
	.ready_to_send = on_ready_to_send,
	.handshake_done = on_handshake_done,
	.stream_data = on_stream_data_ready,
	.stream_acked = on_stream_acked,
	.stream_closed = on_stream_closed,
	.stream_reset = on_stream_reset,
	.stream_credit = on_stream_credit,
	.datagram = on_datagram,
	.next_datagram = on_next_datagram,
	.datagram_done = on_datagram_done,
	.next_stream = on_next_stream,
	.stream_wrote = on_stream_wrote,
	.stream_blocked = on_stream_blocked,
	.stream_gone = on_stream_gone,
	.urgent = on_urgent,
	.closed = on_closed,
};

/* ---- endpoints ---- */

static const struct {
	const char *name, *labels, *help;
} counters[H3_COUNTERS] = {
	[H3_REQUESTS_SERVER] = { "h3_requests_total", "role=\"server\"",
				 "HTTP/3 requests" },
	[H3_REQUESTS_CLIENT] = { "h3_requests_total", "role=\"client\"",
				 "HTTP/3 requests" },
	[H3_REFUSED_FIELDS] = { "h3_refused_total",
				"reason=\"fields-too-large\"",
				"Requests that the endpoint answered alone" },
	[H3_DGRAM_DROP_AGE] = { "h3_datagrams_dropped_total",
				"reason=\"age\"", "Datagrams dropped" },
	[H3_DGRAM_DROP_ROOM] = { "h3_datagrams_dropped_total",
				 "reason=\"queue-full\"",
				 "Datagrams dropped" },
	[H3_DGRAM_DROP_SIZE] = { "h3_datagrams_dropped_total",
				 "reason=\"path-too-small\"",
				 "Datagrams dropped" },
	[H3_DGRAM_DROP_REFUSED] = { "h3_datagrams_dropped_total",
				    "reason=\"peer-takes-none\"",
				    "Datagrams dropped" },
	[H3_DGRAM_DROP_NO_SESSION] = { "h3_datagrams_dropped_total",
				       "reason=\"no-session\"",
				       "Datagrams dropped" },
};

int h3_listen(int *fds, unsigned worker_cnt, const struct addr *at,
	      struct addr *bound)
{
	return quic_listen(fds, worker_cnt, at, bound);
}

int h3_endpoint_new(struct h3_endpoint **epp, struct loop *loop,
		    const struct h3_config *config,
		    const struct h3_conn_handlers *handlers, void *arg)
{
	struct h3_endpoint *ep;
	struct quic_config quic = {
		.worker = config->worker,
		.worker_cnt = config->worker_cnt ? config->worker_cnt : 1,
		.tls = config->tls,
		.listen_fd = config->listen_fd,
		.idle_ms = config->idle_ms ? config->idle_ms : 30000,
		.max_conns = config->max_conns ? config->max_conns : 10000,
		.max_streams = config->max_streams ? config->max_streams
						   : 4096,
		.handshakes_per_s = config->handshakes_per_s
					    ? config->handshakes_per_s
					    : 200,
	};

	loop_assert(LOOP_WORKER);
	ep = xzalloc(sizeof(*ep));
	memcpy(quic.reset_secret, config->secrets->reset,
	       sizeof(quic.reset_secret));
	memcpy(quic.retry_secret, config->secrets->retry,
	       sizeof(quic.retry_secret));
	ep->loop = loop;
	ep->handlers = handlers;
	ep->arg = arg;
	ep->max_streams = quic.max_streams;
	for (unsigned i = 0; i < H3_COUNTERS; i++)
		ep->counter[i] = metric_counter(counters[i].name,
						counters[i].labels,
						counters[i].help);
	ep->sessions_gauge = metric_gauge("h3_sessions", NULL,
					  "Open WebTransport sessions");
	quic_endpoint_new(&ep->quic, loop, &quic, &app, ep);
	mem_wipe(&quic, sizeof(quic));
	*epp = ep;
	return 0;
}

static void on_drain_late(void *arg)
{
	struct h3_endpoint *ep = arg;
	struct le *le;

	ep->drain_late = true;
	/* From the beginning after each: closed() may close others. */
	for (le = ep->conns.head; le;)
		le = h3_conn_check_drained(list_entry(le, struct h3_conn, le))
			     ? ep->conns.head
			     : le->next;
}

void h3_endpoint_drain(struct h3_endpoint *ep)
{
	struct h3_conn *conn;
	struct le *le;

	loop_assert(LOOP_WORKER);
	if (ep->draining)
		return;
	ep->draining = true;
	quic_endpoint_drain(ep->quic);
	for (le = ep->conns.head; le; le = le->next) {
		conn = list_entry(le, struct h3_conn, le);
		if (conn->client)
			continue;
		conn->goaway = true;
		if (conn->http)
			nghttp3_conn_shutdown(conn->http);
		quic_conn_touch(conn->quic);
	}
	/* Idle ones wait for what is on its way. */
	timer_start(&ep->drain_timer, ep->loop, H3_DRAIN_MS, on_drain_late,
		    ep);
}

void h3_endpoint_free(struct h3_endpoint **epp)
{
	struct h3_endpoint *ep = *epp;

	if (!ep)
		return;
	loop_assert(LOOP_WORKER);
	*epp = NULL;
	timer_stop(&ep->drain_timer);
	quic_endpoint_free(&ep->quic);
	loop_defer_free(ep->loop, ep, free);
}

/* ---- connections ---- */

/* Names in certificates have no port. */
static char *host_without_port(const char *host)
{
	const char *colon = strrchr(host, ':');

	if (host[0] == '[' && strchr(host, ']'))
		return xstrndup(host + 1, (size_t)(strchr(host, ']') - host) -
						  1);
	if (colon && strchr(host, ':') == colon)
		return xstrndup(host, (size_t)(colon - host));
	return xstrdup(host);
}

int h3_connect(struct h3_conn **connp, struct h3_endpoint *ep,
	       const struct h3_connect *params,
	       const struct h3_conn_handlers *handlers, void *arg)
{
	struct quic_connect quic = {
		.to = params->to,
		.tls = params->tls,
		.handshake_ms = params->handshake_ms ? params->handshake_ms
						     : 5000,
		.keepalive_ms = params->keepalive_ms,
	};
	struct h3_conn *conn;
	char *name;
	int err;

	loop_assert(LOOP_WORKER);
	conn = conn_new(ep, handlers, arg);
	conn->client = true;
	conn->host = xstrdup(params->host);
	name = host_without_port(params->host);
	quic.host = name;
	err = quic_connect(&conn->quic, ep->quic, &quic, conn);
	free(name);
	if (err) {
		list_unlink(&conn->le);
		conn_free_late(conn);
		return err;
	}
	*connp = conn;
	return 0;
}

void h3_conn_close(struct h3_conn *conn)
{
	loop_assert(LOOP_WORKER);
	quic_conn_close(conn->quic, H3_NO_ERROR, 0, "closed by us");
}

const struct addr *h3_conn_peer(const struct h3_conn *conn)
{
	return quic_conn_peer(conn->quic);
}

bool h3_conn_client(const struct h3_conn *conn)
{
	return conn->client;
}

bool h3_conn_webtransport(const struct h3_conn *conn)
{
	const struct settings_reader *s = &conn->settings;

	/* A client announces no extended CONNECT: it only uses it. */
	return s->done && s->datagram && s->webtransport &&
	       (s->connect_protocol || !conn->client) &&
	       quic_conn_datagram_room(conn->quic) > 0;
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
	ngtcp2_conn *ng = quic_conn_native(conn->quic);
	uint64_t left;

	if (!ng || !conn->http || conn->goaway ||
	    conn->heads_out >= H3_HEADS_OUT)
		return 0;
	left = ngtcp2_conn_get_streams_bidi_left(ng);
	return left < H3_HEADS_OUT - conn->heads_out
		       ? left
		       : H3_HEADS_OUT - conn->heads_out;
}
