/* SPDX-License-Identifier: MIT */
/*
 * ript/h3_int.h - what h3*.c and wt.c share; nobody else includes it.
 *
 *   h3.c         endpoint and connections: quic_app
 *   h3_http.c    nghttp3: its callbacks, heads
 *   h3_stream.c  streams: requests, replies, bodies out
 *   wt.c         WebTransport sessions
 *
 * Owner:  the endpoint owns its connections, they their streams; memory goes
 *         at the end of the turn.
 * Loop:   worker.
 */
#ifndef RIPTIDE_RIPT_H3_INT_H
#define RIPTIDE_RIPT_H3_INT_H

#include <nghttp3/nghttp3.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/metric.h"
#include "ript/h3.h"
#include "ript/h3_settings.h"
#include "ript/quic.h"
#include "ript/wt.h"

#define H3_NO_ERROR 0x100
#define H3_GENERAL_PROTOCOL_ERROR 0x101
#define H3_INTERNAL_ERROR 0x102
#define H3_STREAM_CREATION_ERROR 0x103
#define H3_REQUEST_CANCELLED 0x10c
#define WT_STREAM_GONE UINT64_C(0x52e4a40fa8db)	/* WebTransport code 0 */

#define H3_UNSENT_MAX 262144
#define H3_HAND_OUT 16384	/* octets that nghttp3 gets at a time */
#define H3_DRAIN_MS 1000
#define H3_HEADS_IN 1048576	/* octets of unfinished heads, a connection */
/* Requests whose head is on its way.  nghttp3 takes at most 4096 octets of
 * QPACK acknowledgements, up to five for a head, between two heads of ours;
 * then it ends the connection. */
#define H3_HEADS_OUT 500

enum h3_counter {
	H3_REQUESTS_SERVER,
	H3_REQUESTS_CLIENT,
	H3_REFUSED_FIELDS,
	H3_DGRAM_DROP_AGE,
	H3_DGRAM_DROP_ROOM,
	H3_DGRAM_DROP_SIZE,
	H3_DGRAM_DROP_REFUSED,
	H3_DGRAM_DROP_NO_SESSION,
	H3_COUNTERS
};

struct h3_endpoint {
	struct loop *loop;
	struct quic_endpoint *quic;
	const struct h3_conn_handlers *handlers;
	void *arg;
	unsigned max_streams;
	struct list conns;
	struct timer drain_timer;
	bool draining;
	bool drain_late;	/* idle connections go at once */
	struct metric *counter[H3_COUNTERS];
	struct metric *sessions_gauge;
};

struct h3_conn {
	struct le le;
	struct h3_endpoint *ep;
	struct quic_conn *quic;
	nghttp3_conn *http;		/* NULL before the 1-RTT keys */
	const struct h3_conn_handlers *handlers;
	void *arg;
	void *data;
	char *host;
	bool client;
	bool handshaken;
	bool ready;
	bool closed;
	bool goaway;			/* no new requests: peer or we */
	struct list streams;
	/* Requests by stream ID: (id / 4) & (slot_cnt - 1). */
	struct h3_stream **slots;
	size_t slot_cnt;
	size_t request_cnt;
	size_t heads_out;		/* client role: not acknowledged */
	size_t heads_in;		/* octets in h3_head_in.text */
	uint64_t client_streams;	/* that nghttp3 was told of */
	uint64_t unacked;		/* stream octets */
	struct list sending;		/* sessions with datagrams to send */
	struct settings_reader settings;	/* the peer's */
	/* Our control stream's first octets, rewritten (h3_settings.h). */
	struct {
		int64_t id;
		size_t orig_len, len, sent, acked;
		bool blocked;
		uint8_t buf[64 + SETTINGS_EXTRA];
	} ctrl;
};

enum h3_kind {
	H3_KIND_NEW,		/* the first octets are not complete */
	H3_KIND_REQUEST,
	H3_KIND_CONTROL,	/* the peer's control stream */
	H3_KIND_OTHER,		/* QPACK and unknown ones: nghttp3's */
	H3_KIND_WT,		/* read and thrown away */
};

/* Body octets, kept until the peer has acknowledged them. */
struct h3_block {
	struct h3_block *next;
	size_t len;
	uint8_t data[];
};

/* A head while its fields come in. */
struct h3_head_in {
	struct buf text;
	struct {
		size_t name, value;
	} at[H3_MAX_FIELDS];
	unsigned cnt;
	size_t size;		/* as RFC 9114, 4.2.2 counts */
	size_t method, scheme, authority, path, protocol; /* 0: absent */
	int status;
	bool too_large;
};

struct h3_stream {
	struct le le;
	struct h3_stream *slot_next;
	struct h3_conn *conn;
	int64_t id;
	enum h3_kind kind;
	uint8_t first[16];	/* of a NEW stream */
	uint8_t first_len;
	const struct h3_stream_handlers *handlers;
	void *arg;
	struct h3_session *session;
	struct h3_head_in *head;
	bool early;
	bool headed;		/* the request, or the final reply, is in */
	bool begun;		/* ours is submitted */
	bool head_out;		/* counts in conn->heads_out */
	bool finished;		/* closed() ran, or nobody cares */
	bool stopped;		/* we asked for no more */
	bool write_dead;	/* the peer wants no more */
	bool fin;		/* our body ends with the last block */
	/* head .. next (handed to nghttp3) .. tail */
	struct h3_block *out_head, *out_next, *out_tail;
	size_t out_acked;	/* of out_head */
	size_t unsent;
	uint64_t unacked;	/* octets of QUIC, framing included */
};

/* ---- h3.c ---- */

static inline void h3_count(struct h3_endpoint *ep, enum h3_counter c)
{
	metric_inc(ep->counter[c]);
}

struct h3_stream *h3_stream_find(struct h3_conn *conn, int64_t id);
struct h3_stream *h3_stream_new(struct h3_conn *conn, int64_t id,
				enum h3_kind kind);
/* Enter it among the requests. */
void h3_stream_enter(struct h3_stream *stream);
/* closed(@err), once. */
void h3_stream_finish(struct h3_stream *stream, int err);
/* Drop references and memory at the end of the turn. */
void h3_stream_free(struct h3_stream *stream);
/* The last request may have been the reason to wait; true: closed. */
bool h3_conn_check_drained(struct h3_conn *conn);

/* ---- h3_http.c ---- */

/* Make nghttp3's connection and our uni streams.  0 or an HTTP/3 error that
 * quic_conn_fail() has. */
int h3_http_start(struct h3_conn *conn);
/* Give it octets of @stream. */
int h3_http_read(struct h3_conn *conn, struct h3_stream *stream,
		 const uint8_t *data, size_t len, bool fin);
/* An error of nghttp3 ends the connection. */
int h3_http_fail(struct h3_conn *conn, int rv);
void h3_head_free(struct h3_stream *stream);

/* ---- h3_stream.c ---- */

/* nghttp3 asks for body octets. */
nghttp3_ssize h3_stream_read_body(struct h3_stream *stream, nghttp3_vec *vec,
				  size_t cnt, uint32_t *flags);
void h3_stream_acked(struct h3_stream *stream, uint64_t len);
void h3_blocks_free(struct h3_stream *stream);

/* ---- wt.c ---- */

int h3_session_datagram_in(struct h3_conn *conn, const uint8_t *data,
			   size_t len);
bool h3_session_next_datagram(struct h3_conn *conn, ngtcp2_vec *vec);
void h3_session_datagram_done(struct h3_conn *conn, bool sent);

#endif
