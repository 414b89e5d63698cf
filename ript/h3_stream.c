/* SPDX-License-Identifier: MIT */
/* Streams: requests, replies, and the bodies that go out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ript/h3_int.h"

#define PSEUDO_FIELDS 5

const char *h3_field(const struct h3_head *head, const char *name)
{
	for (unsigned i = 0; i < head->field_cnt; i++)
		if (strcmp(head->field[i].name, name) == 0)
			return head->field[i].value;
	return NULL;
}

/* ---- bodies ---- */

static void body_add(struct h3_stream *stream, const void *data, size_t len)
{
	struct h3_block *block;

	if (!len)
		return;
	block = xrealloc(NULL, sizeof(*block) + len);
	block->next = NULL;
	block->len = len;
	memcpy(block->data, data, len);
	if (stream->out_tail)
		stream->out_tail->next = block;
	else
		stream->out_head = block;
	stream->out_tail = block;
	if (!stream->out_next)
		stream->out_next = block;
	stream->unsent += len;
}

nghttp3_ssize h3_stream_read_body(struct h3_stream *stream, nghttp3_vec *vec,
				  size_t cnt, uint32_t *flags)
{
	struct h3_block *block = stream->out_next;
	size_t n = 0, len = 0;

	for (; block && n < cnt && len < H3_HAND_OUT; block = block->next) {
		vec[n].base = block->data;
		vec[n++].len = block->len;
		len += block->len;
	}
	stream->out_next = block;
	stream->unsent -= len;
	if (!block && stream->fin)
		*flags |= NGHTTP3_DATA_FLAG_EOF;
	else if (!n)
		return NGHTTP3_ERR_WOULDBLOCK;
	return (nghttp3_ssize)n;
}

static nghttp3_ssize on_read_data(nghttp3_conn *http, int64_t id,
				  nghttp3_vec *vec, size_t cnt,
				  uint32_t *flags, void *arg, void *ptr)
{
	(void)http;
	(void)id;
	(void)arg;
	if (!ptr)
		return NGHTTP3_ERR_WOULDBLOCK;
	return h3_stream_read_body(ptr, vec, cnt, flags);
}

static const nghttp3_data_reader body_reader = { on_read_data };

void h3_stream_acked(struct h3_stream *stream, uint64_t len)
{
	struct h3_block *block;

	len += stream->out_acked;
	while ((block = stream->out_head) && block != stream->out_next &&
	       len >= block->len) {
		len -= block->len;
		stream->out_head = block->next;
		if (!stream->out_head)
			stream->out_tail = NULL;
		free(block);
	}
	stream->out_acked = (size_t)len;
}

void h3_blocks_free(struct h3_stream *stream)
{
	struct h3_block *block, *next;

	for (block = stream->out_head; block; block = next) {
		next = block->next;
		free(block);
	}
	stream->out_head = stream->out_next = stream->out_tail = NULL;
}

/* ---- heads out ---- */

static void nv_put(nghttp3_nv *nv, const char *name, const char *value)
{
	nv->name = (const uint8_t *)name;
	nv->namelen = strlen(name);
	nv->value = (const uint8_t *)value;
	nv->valuelen = strlen(value);
	/* Credentials too go into the table of compression: a connection is
	 * one peer's, nobody else can probe it (RFC 9204, 7.1). */
	nv->flags = NGHTTP3_NV_FLAG_NONE;
}

static size_t fields_put(nghttp3_nv *nv, const struct h3_field *field,
			 unsigned cnt)
{
	for (unsigned i = 0; i < cnt; i++)
		nv_put(&nv[i], field[i].name, field[i].value);
	return cnt;
}

/* ---- client role ---- */

int h3_request(struct h3_stream **streamp, struct h3_conn *conn,
	       const struct h3_head *head, const void *body, size_t len,
	       bool fin, const struct h3_stream_handlers *handlers, void *arg)
{
	ngtcp2_conn *ng = quic_conn_native(conn->quic);
	nghttp3_nv nv[PSEUDO_FIELDS + H3_MAX_FIELDS];
	struct h3_stream *stream;
	size_t cnt = 0;
	int64_t id;
	int rv;

	loop_assert(LOOP_WORKER);
	if (!ng || !conn->http || !conn->handshaken || conn->goaway)
		return ENOTCONN;
	if (head->field_cnt > H3_MAX_FIELDS)
		return EINVAL;
	if (conn->heads_out >= H3_HEADS_OUT ||
	    ngtcp2_conn_open_bidi_stream(ng, &id, NULL) != 0)
		return EAGAIN;
	stream = h3_stream_new(conn, id, H3_KIND_REQUEST);
	ngtcp2_conn_set_stream_user_data(ng, id, stream);
	h3_stream_enter(stream);
	stream->handlers = handlers;
	stream->arg = arg;
	stream->begun = true;
	stream->head_out = true;
	conn->heads_out++;
	stream->fin = fin;
	body_add(stream, body, len);

	nv_put(&nv[cnt++], ":method", head->method);
	nv_put(&nv[cnt++], ":scheme", head->scheme ? head->scheme : "https");
	nv_put(&nv[cnt++], ":authority",
	       head->authority ? head->authority : conn->host);
	nv_put(&nv[cnt++], ":path", head->path);
	if (head->protocol)
		nv_put(&nv[cnt++], ":protocol", head->protocol);
	cnt += fields_put(nv + cnt, head->field, head->field_cnt);
	rv = nghttp3_conn_submit_request(conn->http, id, nv, cnt,
					 fin && !len ? NULL : &body_reader,
					 stream);
	if (rv != 0) {
		ngtcp2_conn_shutdown_stream(ng, 0, id, H3_REQUEST_CANCELLED);
		ngtcp2_conn_set_stream_user_data(ng, id, NULL);
		h3_stream_free(stream);
		return ENOTCONN;
	}
	h3_count(conn->ep, H3_REQUESTS_CLIENT);
	*streamp = stream;
	quic_conn_touch(conn->quic);
	return 0;
}

/* ---- server role ---- */

void h3_stream_handle(struct h3_stream *stream,
		      const struct h3_stream_handlers *handlers, void *arg)
{
	stream->handlers = handlers;
	stream->arg = arg;
}

int h3_reply(struct h3_stream *stream, int status,
	     const struct h3_field *field, unsigned field_cnt,
	     const void *body, size_t len, bool fin)
{
	struct h3_conn *conn = stream->conn;
	nghttp3_nv nv[1 + H3_MAX_FIELDS];
	size_t cnt = 0;
	char text[4];
	int rv;

	loop_assert(LOOP_WORKER);
	if (conn->closed || !conn->http || stream->begun ||
	    status < 200 || status > 999 || field_cnt > H3_MAX_FIELDS)
		return EINVAL;
	snprintf(text, sizeof(text), "%03u", (unsigned)status % 1000);
	nv_put(&nv[cnt++], ":status", text);
	cnt += fields_put(nv + cnt, field, field_cnt);
	stream->begun = true;
	stream->fin = fin;
	body_add(stream, body, len);
	rv = nghttp3_conn_submit_response(conn->http, stream->id, nv, cnt,
					  fin && !len ? NULL : &body_reader);
	if (rv != 0) {
		/* The peer has stopped it already; closed() says so. */
		h3_blocks_free(stream);
		return ENOTCONN;
	}
	quic_conn_touch(conn->quic);
	return 0;
}

/* ---- both roles ---- */

int h3_stream_write(struct h3_stream *stream, const void *data, size_t len,
		    bool fin)
{
	struct h3_conn *conn = stream->conn;

	loop_assert(LOOP_WORKER);
	if (conn->closed || !stream->begun || stream->fin)
		return ENOTCONN;
	if (stream->unsent && stream->unsent + len > H3_UNSENT_MAX)
		return ENOBUFS;
	/* The peer reads no more; its reply may still come. */
	if (stream->write_dead)
		return 0;
	body_add(stream, data, len);
	stream->fin = fin;
	nghttp3_conn_resume_stream(conn->http, stream->id);
	quic_conn_touch(conn->quic);
	return 0;
}

void h3_stream_consumed(struct h3_stream *stream, size_t len)
{
	ngtcp2_conn *ng = quic_conn_native(stream->conn->quic);

	if (!ng || !len)
		return;
	ngtcp2_conn_extend_max_stream_offset(ng, stream->id, len);
	quic_conn_touch(stream->conn->quic);
}

void h3_stream_reset(struct h3_stream *stream, uint64_t code)
{
	struct h3_conn *conn = stream->conn;
	ngtcp2_conn *ng = quic_conn_native(conn->quic);

	loop_assert(LOOP_WORKER);
	if (stream->finished)
		return;
	if (ng) {
		ngtcp2_conn_shutdown_stream(ng, 0, stream->id, code);
		nghttp3_conn_shutdown_stream_read(conn->http, stream->id);
		nghttp3_conn_shutdown_stream_write(conn->http, stream->id);
		quic_conn_touch(conn->quic);
	}
	h3_stream_finish(stream, ECANCELED);
}

void h3_stream_stop_reading(struct h3_stream *stream)
{
	struct h3_conn *conn = stream->conn;
	ngtcp2_conn *ng = quic_conn_native(conn->quic);

	loop_assert(LOOP_WORKER);
	if (!ng || stream->stopped)
		return;
	stream->stopped = true;
	ngtcp2_conn_shutdown_stream_read(ng, 0, stream->id, H3_NO_ERROR);
	nghttp3_conn_shutdown_stream_read(conn->http, stream->id);
	quic_conn_touch(conn->quic);
}

struct h3_conn *h3_stream_conn(const struct h3_stream *stream)
{
	return stream->conn;
}

int64_t h3_stream_id(const struct h3_stream *stream)
{
	return stream->id;
}
