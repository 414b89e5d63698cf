/* SPDX-License-Identifier: MIT */
/* nghttp3: its callbacks, and the heads that come out of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ript/h3_int.h"

#define QPACK_TABLE 4096
#define QPACK_BLOCKED 100
#define FIELD_OVERHEAD 32	/* RFC 9114, 4.2.2 */

int h3_http_fail(struct h3_conn *conn, int rv)
{
	char reason[80];

	snprintf(reason, sizeof(reason), "the peer broke HTTP/3: %s",
		 nghttp3_strerror(rv));
	return quic_conn_fail(conn->quic,
			      nghttp3_err_infer_quic_app_error_code(rv),
			      reason);
}

/* ---- heads ---- */

static void head_begin(struct h3_stream *stream)
{
	struct h3_head_in *head = stream->head;

	if (!head) {
		head = xzalloc(sizeof(*head));
		/* Each text has a NUL; offset 0 means absent. */
		buf_init(&head->text, H3_FIELD_SECTION + 2 * H3_MAX_FIELDS +
					      16);
		stream->head = head;
	}
	stream->conn->heads_in -= head->text.len;
	buf_clear(&head->text);
	buf_add(&head->text, "", 1);
	stream->conn->heads_in++;
	head->cnt = 0;
	head->size = 0;
	head->method = head->scheme = head->authority = 0;
	head->path = head->protocol = 0;
	head->status = 0;
	head->too_large = false;
}

void h3_head_free(struct h3_stream *stream)
{
	if (!stream->head)
		return;
	stream->conn->heads_in -= stream->head->text.len;
	buf_free(&stream->head->text);
	free(stream->head);
	stream->head = NULL;
}

/* A copy with NUL; its offset, 0: no room. */
static size_t text_keep(struct h3_head_in *head, nghttp3_vec v)
{
	size_t at = head->text.len;

	if (buf_add(&head->text, v.base, v.len) != 0 ||
	    buf_add(&head->text, "", 1) != 0) {
		head->too_large = true;
		return 0;
	}
	return at;
}

static void head_field(struct h3_head_in *head, int32_t token,
		       nghttp3_vec name, nghttp3_vec value)
{
	head->size += name.len + value.len + FIELD_OVERHEAD;
	if (head->size > H3_FIELD_SECTION)
		head->too_large = true;
	if (head->too_large)
		return;
	switch (token) {
	case NGHTTP3_QPACK_TOKEN__METHOD:
		head->method = text_keep(head, value);
		return;
	case NGHTTP3_QPACK_TOKEN__SCHEME:
		head->scheme = text_keep(head, value);
		return;
	case NGHTTP3_QPACK_TOKEN__AUTHORITY:
		head->authority = text_keep(head, value);
		return;
	case NGHTTP3_QPACK_TOKEN__PATH:
		head->path = text_keep(head, value);
		return;
	case NGHTTP3_QPACK_TOKEN__PROTOCOL:
		head->protocol = text_keep(head, value);
		return;
	case NGHTTP3_QPACK_TOKEN__STATUS:
		/* nghttp3 has checked that it is three digits. */
		for (size_t i = 0; i < value.len; i++)
			head->status = head->status * 10 + value.base[i] - '0';
		return;
	default:
		break;
	}
	if (head->cnt == H3_MAX_FIELDS) {
		head->too_large = true;
		return;
	}
	head->at[head->cnt].name = text_keep(head, name);
	head->at[head->cnt].value = text_keep(head, value);
	head->cnt++;
}

static const char *text_at(const struct h3_head_in *head, size_t at)
{
	return at ? (const char *)head->text.data + at : NULL;
}

/* The head as its users see it; @field has H3_MAX_FIELDS places. */
static void head_show(const struct h3_stream *stream, struct h3_head *out,
		      struct h3_field *field, bool fin)
{
	const struct h3_head_in *head = stream->head;

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < head->cnt; i++) {
		field[i].name = text_at(head, head->at[i].name);
		field[i].value = text_at(head, head->at[i].value);
	}
	out->method = text_at(head, head->method);
	out->scheme = text_at(head, head->scheme);
	out->authority = text_at(head, head->authority);
	out->path = text_at(head, head->path);
	out->protocol = text_at(head, head->protocol);
	out->status = head->status;
	out->field = field;
	out->field_cnt = head->cnt;
	out->fin = fin;
	out->early = stream->early;
}

/* ---- callbacks ---- */

static int on_begin_headers(nghttp3_conn *http, int64_t id, void *arg,
			    void *ptr)
{
	struct h3_conn *conn = arg;
	struct h3_stream *stream = ptr;

	if (conn->closed)
		return 0;
	/* nghttp3 made its stream just now, of the octets that we gave. */
	if (!stream) {
		stream = h3_stream_find(conn, id);
		nghttp3_conn_set_stream_user_data(http, id, stream);
	}
	if (stream && !stream->finished)
		head_begin(stream);
	return 0;
}

static int on_header(nghttp3_conn *http, int64_t id, int32_t token,
		     nghttp3_rcbuf *name, nghttp3_rcbuf *value, uint8_t flags,
		     void *arg, void *ptr)
{
	struct h3_stream *stream = ptr;
	struct h3_conn *conn = arg;
	size_t before;

	(void)http;
	(void)id;
	(void)flags;
	if (!stream || !stream->head || stream->finished)
		return 0;
	/* Thousands of heads that never end would fill the memory. */
	if (conn->heads_in > H3_HEADS_IN)
		stream->head->too_large = true;
	before = stream->head->text.len;
	head_field(stream->head, token, nghttp3_rcbuf_get_buf(name),
		   nghttp3_rcbuf_get_buf(value));
	conn->heads_in += stream->head->text.len - before;
	return 0;
}

static void request_in(struct h3_conn *conn, struct h3_stream *stream,
		       bool fin)
{
	struct h3_field field[H3_MAX_FIELDS];
	struct h3_head head;

	h3_count(conn->ep, H3_REQUESTS_SERVER);
	if (stream->head->too_large) {
		h3_count(conn->ep, H3_REFUSED_FIELDS);
		h3_reply(stream, 431, NULL, 0, NULL, 0, true);
	} else {
		head_show(stream, &head, field, fin);
		conn->handlers->request(conn, stream, &head, conn->arg);
	}
	if (conn->closed || stream->finished || stream->handlers)
		return;
	/* Answered at once: the rest of the request is of no use.  Or not
	 * at all, which is a bug above. */
	if (!stream->begun)
		h3_stream_reset(stream, H3_INTERNAL_ERROR);
	else if (!fin)
		h3_stream_stop_reading(stream);
	stream->finished = true;
}

static void reply_in(struct h3_stream *stream, bool fin)
{
	struct h3_field field[H3_MAX_FIELDS];
	struct h3_head head;

	if (stream->head->too_large) {
		h3_stream_reset(stream, H3_REQUEST_CANCELLED);
		return;
	}
	head_show(stream, &head, field, fin);
	if (stream->handlers && stream->handlers->head)
		stream->handlers->head(stream, &head, stream->arg);
}

static int on_end_headers(nghttp3_conn *http, int64_t id, int fin, void *arg,
			  void *ptr)
{
	struct h3_conn *conn = arg;
	struct h3_stream *stream = ptr;

	(void)http;
	(void)id;
	if (conn->closed || !stream || stream->finished || !stream->head)
		return 0;
	/* 1xx: another head follows. */
	if (conn->client && stream->head->status < 200 &&
	    !stream->head->too_large)
		return 0;
	stream->headed = true;
	if (conn->client)
		reply_in(stream, fin != 0);
	else
		request_in(conn, stream, fin != 0);
	if (!conn->closed)
		h3_head_free(stream);
	return 0;
}

static int on_data(nghttp3_conn *http, int64_t id, const uint8_t *data,
		   size_t len, void *arg, void *ptr)
{
	struct h3_conn *conn = arg;
	struct h3_stream *stream = ptr;
	ngtcp2_conn *ng = quic_conn_native(conn->quic);

	(void)http;
	if (!ng)
		return 0;
	/* A stream that nobody reads must not stop the others: only its own
	 * window waits for h3_stream_consumed(). */
	ngtcp2_conn_extend_max_offset(ng, len);
	if (stream && !stream->finished && stream->handlers &&
	    stream->handlers->data)
		stream->handlers->data(stream, data, len, stream->arg);
	else
		ngtcp2_conn_extend_max_stream_offset(ng, id, len);
	return 0;
}

static int on_deferred_consume(nghttp3_conn *http, int64_t id, size_t len,
			       void *arg, void *ptr)
{
	struct h3_conn *conn = arg;
	ngtcp2_conn *ng = quic_conn_native(conn->quic);

	(void)http;
	(void)ptr;
	if (!ng)
		return 0;
	ngtcp2_conn_extend_max_stream_offset(ng, id, len);
	ngtcp2_conn_extend_max_offset(ng, len);
	return 0;
}

static int on_end_stream(nghttp3_conn *http, int64_t id, void *arg, void *ptr)
{
	struct h3_conn *conn = arg;
	struct h3_stream *stream = ptr;

	(void)http;
	(void)id;
	if (conn->closed || !stream || stream->finished)
		return 0;
	if (stream->handlers && stream->handlers->end)
		stream->handlers->end(stream, stream->arg);
	return 0;
}

static int on_acked(nghttp3_conn *http, int64_t id, uint64_t len, void *arg,
		    void *ptr)
{
	(void)http;
	(void)id;
	(void)arg;
	if (ptr)
		h3_stream_acked(ptr, len);
	return 0;
}

static int on_stop_sending(nghttp3_conn *http, int64_t id, uint64_t code,
			   void *arg, void *ptr)
{
	struct h3_conn *conn = arg;
	ngtcp2_conn *ng = quic_conn_native(conn->quic);

	(void)http;
	(void)ptr;
	if (ng)
		ngtcp2_conn_shutdown_stream_read(ng, 0, id, code);
	return 0;
}

static int on_reset_stream(nghttp3_conn *http, int64_t id, uint64_t code,
			   void *arg, void *ptr)
{
	struct h3_conn *conn = arg;
	ngtcp2_conn *ng = quic_conn_native(conn->quic);

	(void)http;
	(void)ptr;
	if (ng)
		ngtcp2_conn_shutdown_stream_write(ng, 0, id, code);
	return 0;
}

static int on_goaway(nghttp3_conn *http, int64_t id, void *arg)
{
	struct h3_conn *conn = arg;

	(void)http;
	(void)id;
	if (conn->closed)
		return 0;
	conn->goaway = true;
	h3_conn_check_drained(conn);
	return 0;
}

static const nghttp3_callbacks callbacks = {
	.acked_stream_data = on_acked,
	.recv_data = on_data,
	.deferred_consume = on_deferred_consume,
	.begin_headers = on_begin_headers,
	.recv_header = on_header,
	.end_headers = on_end_headers,
	.stop_sending = on_stop_sending,
	.end_stream = on_end_stream,
	.reset_stream = on_reset_stream,
	.shutdown = on_goaway,
};

/* ---- life ---- */

/* Take nghttp3's SETTINGS and put ours in their place. */
static int shim_fill(struct h3_conn *conn)
{
	uint8_t orig[sizeof(conn->ctrl.buf)];
	nghttp3_vec vec[4];
	nghttp3_ssize cnt;
	size_t len = 0;
	int64_t id;
	int fin;

	cnt = nghttp3_conn_writev_stream(conn->http, &id, &fin, vec, 4);
	if (cnt <= 0 || id != conn->ctrl.id)
		return NGHTTP3_ERR_FATAL;
	for (nghttp3_ssize i = 0; i < cnt; i++) {
		if (vec[i].len > sizeof(orig) - SETTINGS_EXTRA - len)
			return NGHTTP3_ERR_FATAL;
		memcpy(orig + len, vec[i].base, vec[i].len);
		len += vec[i].len;
	}
	conn->ctrl.orig_len = len;
	conn->ctrl.len = settings_extend(conn->ctrl.buf, orig, len);
	if (!conn->ctrl.len)
		return NGHTTP3_ERR_FATAL;
	return nghttp3_conn_add_write_offset(conn->http, id, len);
}

int h3_http_start(struct h3_conn *conn)
{
	ngtcp2_conn *ng = quic_conn_native(conn->quic);
	nghttp3_settings set;
	int64_t qenc, qdec;
	int rv;

	nghttp3_settings_default(&set);
	set.max_field_section_size = H3_FIELD_SECTION;
	set.qpack_max_dtable_capacity = QPACK_TABLE;
	/* Replies are short; requests repeat a long token. */
	if (conn->client)
		set.qpack_encoder_max_dtable_capacity = QPACK_TABLE;
	else
		set.qpack_encoder_max_dtable_capacity = 0;
	set.qpack_blocked_streams = QPACK_BLOCKED;
	set.h3_datagram = 1;
	if (conn->client) {
		rv = nghttp3_conn_client_new(&conn->http, &callbacks, &set,
					     NULL, conn);
	} else {
		set.enable_connect_protocol = 1;
		rv = nghttp3_conn_server_new(&conn->http, &callbacks, &set,
					     NULL, conn);
	}
	if (rv != 0)
		return h3_http_fail(conn, rv);
	/* Bounds nghttp3's list of QPACK acknowledgements; without it more
	 * than 100 heads in a turn would end the connection. */
	nghttp3_conn_set_max_concurrent_streams(conn->http,
						conn->ep->max_streams);
	if (!conn->client) {
		conn->client_streams = conn->ep->max_streams;
		nghttp3_conn_set_max_client_streams_bidi(conn->http,
							 conn->client_streams);
	}
	if (ngtcp2_conn_open_uni_stream(ng, &conn->ctrl.id, NULL) != 0 ||
	    ngtcp2_conn_open_uni_stream(ng, &qenc, NULL) != 0 ||
	    ngtcp2_conn_open_uni_stream(ng, &qdec, NULL) != 0)
		return quic_conn_fail(conn->quic, H3_GENERAL_PROTOCOL_ERROR,
				      "the peer allows fewer than three "
				      "unidirectional streams");
	rv = nghttp3_conn_bind_control_stream(conn->http, conn->ctrl.id);
	if (rv == 0)
		rv = nghttp3_conn_bind_qpack_streams(conn->http, qenc, qdec);
	if (rv == 0)
		rv = shim_fill(conn);
	if (rv != 0)
		return h3_http_fail(conn, rv);
	if (conn->ep->draining && !conn->client) {
		conn->goaway = true;
		nghttp3_conn_shutdown(conn->http);
	}
	return 0;
}

int h3_http_read(struct h3_conn *conn, struct h3_stream *stream,
		 const uint8_t *data, size_t len, bool fin)
{
	ngtcp2_conn *ng;
	nghttp3_ssize n;

	if (stream->kind == H3_KIND_CONTROL)
		settings_read(&conn->settings, data, len);
	n = nghttp3_conn_read_stream(conn->http, stream->id, data, len, fin);
	if (conn->closed)
		return 0;
	if (n < 0)
		return h3_http_fail(conn, (int)n);
	ng = quic_conn_native(conn->quic);
	ngtcp2_conn_extend_max_stream_offset(ng, stream->id, (uint64_t)n);
	ngtcp2_conn_extend_max_offset(ng, (uint64_t)n);
	return 0;
}
