/* SPDX-License-Identifier: MIT */
/*
 * ript/h3.h - HTTP/3 with datagrams and WebTransport, on one worker.
 *
 *   ript/worker, ript/byway
 *          |  requests, bodies, datagrams
 *        h3 (nghttp3, SETTINGS, WebTransport in ript/wt.c)
 *          |
 *        quic (ngtcp2, UDP sockets, batching, connection IDs)
 *
 * Owner:  the endpoint belongs to its worker; connections and streams to the
 *         endpoint.  Pointers are valid until closed() ran, never after.
 * Loop:   worker (asserted).
 * Spec:   RFC 9114, 9220, 9297; draft-ietf-webtrans-http3; profile Q57, Q85,
 *         Q87; docs/http3.md.
 *
 * Callbacks may call any function here, h3_stream_reset() and
 * h3_conn_close() of the same object too.  Nothing is written to the network
 * before the end of the loop turn.
 */
#ifndef RIPTIDE_RIPT_H3_H
#define RIPTIDE_RIPT_H3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct loop;
struct tls_server;
struct tls_client;
struct h3_endpoint;
struct h3_conn;
struct h3_stream;
struct h3_session;	/* one WebTransport session */

#define H3_MAX_FIELDS 64
#define H3_FIELD_SECTION 16384	/* octets, Q87; more: 431 by the endpoint */

struct h3_field {
	const char *name;	/* lower case, NUL-terminated */
	const char *value;	/* NUL-terminated, free of NULs */
};

/* A request or a reply head.  Borrowed in callbacks. */
struct h3_head {
	const char *method;	/* NULL in replies */
	const char *scheme;
	const char *authority;
	const char *path;	/* with query */
	const char *protocol;	/* extended CONNECT, else NULL */
	int status;		/* replies */
	const struct h3_field *field;
	unsigned field_cnt;
	bool fin;		/* no body follows */
	bool early;		/* arrived in 0-RTT (Q85) */
};

/* The value of the first field @name; NULL if absent. */
const char *h3_field(const struct h3_head *head, const char *name);

/* What happens on one stream.  Every member may be NULL. */
struct h3_stream_handlers {
	/* Client role: the reply's head (informational ones are skipped). */
	void (*head)(struct h3_stream *stream, const struct h3_head *head,
		     void *arg);
	/* Body octets.  The peer's window opens only by
	 * h3_stream_consumed(). */
	void (*data)(struct h3_stream *stream, const uint8_t *data,
		     size_t len, void *arg);
	/* The peer has finished its half. */
	void (*end)(struct h3_stream *stream, void *arg);
	/* Last callback.  @err 0: both halves finished; ECONNRESET: reset by
	 * the peer; ECONNABORTED: the connection is gone; ECANCELED: reset by
	 * us. */
	void (*closed)(struct h3_stream *stream, int err, void *arg);
};

struct h3_conn_handlers {
	/* Server role: a request.  The callee calls h3_stream_handle() or
	 * replies at once. */
	void (*request)(struct h3_conn *conn, struct h3_stream *stream,
			const struct h3_head *head, void *arg);
	/* Handshake done; client role: and the peer's SETTINGS seen. */
	void (*ready)(struct h3_conn *conn, void *arg);
	/* Last callback.  @err as errno: 0 orderly close or GOAWAY done;
	 * ETIMEDOUT idle or handshake; ECONNREFUSED; EACCES certificate
	 * refused; ECONNRESET stateless reset or peer error. */
	void (*closed)(struct h3_conn *conn, int err, const char *reason,
		       void *arg);
};

/* ---- endpoint ---- */

struct h3_secrets {		/* shared by all workers of a process */
	uint8_t reset[32];	/* stateless reset tokens */
	uint8_t retry[32];	/* Retry and NEW_TOKEN tokens */
};

struct h3_config {
	unsigned worker;		/* index, 0-based */
	unsigned worker_cnt;		/* connection IDs: cid[0] % cnt */
	const struct h3_secrets *secrets;
	struct tls_server *tls;		/* NULL: no server role */
	int listen_fd;			/* from h3_listen(), -1: none */
	uint64_t idle_ms;		/* 0: 30 000 */
	unsigned max_conns;		/* 0: 10 000 */
	unsigned max_streams;		/* bidi per connection; 0: 4096 (Q58) */
	unsigned handshakes_per_s;	/* above: Retry; 0: 200 */
};

/*
 * Bind @worker_cnt UDP sockets to one address with SO_REUSEPORT and the
 * program that steers by connection ID; @fds gets them in worker order.  The
 * caller closes them after the endpoints.  @bound: the address with the port
 * chosen.  Returns 0, EADDRINUSE, EACCES or another errno.
 */
int h3_listen(int *fds, unsigned worker_cnt, const struct addr *at,
	      struct addr *bound);

/* Make the endpoint of one worker; @handlers serve incoming connections.
 * @config is copied, what it points to must outlive the endpoint. */
int h3_endpoint_new(struct h3_endpoint **epp, struct loop *loop,
		    const struct h3_config *config,
		    const struct h3_conn_handlers *handlers, void *arg);

/* Stop admitting: GOAWAY on every connection, new ones refused. */
void h3_endpoint_drain(struct h3_endpoint *ep);

/* Closes every connection (CONNECTION_CLOSE, closed() runs), then frees. */
void h3_endpoint_free(struct h3_endpoint **epp);

/* ---- connections ---- */

struct h3_connect {
	struct addr to;
	const char *host;		/* SNI, certificate name, :authority */
	struct tls_client *tls;
	uint64_t handshake_ms;		/* 0: 5000 */
	uint64_t keepalive_ms;		/* PING when idle; 0: none */
};

/* Open a client connection from a UDP socket of its own.  On success
 * handlers run until closed().  On failure none runs. */
int h3_connect(struct h3_conn **connp, struct h3_endpoint *ep,
	       const struct h3_connect *params,
	       const struct h3_conn_handlers *handlers, void *arg);

/* Orderly close: H3_NO_ERROR, closed(0) runs in this call. */
void h3_conn_close(struct h3_conn *conn);
const struct addr *h3_conn_peer(const struct h3_conn *conn);
bool h3_conn_client(const struct h3_conn *conn);
/* The peer's SETTINGS allow WebTransport; client role: valid at ready(). */
bool h3_conn_webtransport(const struct h3_conn *conn);
/* A value of the caller's, NULL at first: per-connection state of the
 * server role (request limits). */
void h3_conn_set_data(struct h3_conn *conn, void *data);
void *h3_conn_data(const struct h3_conn *conn);
/* Streams that we may open now: by the peer, and by what is on its way. */
uint64_t h3_conn_streams_left(const struct h3_conn *conn);

/* ---- streams ---- */

/* Client role: send a request.  @body NULL with @fin false: the body follows
 * by h3_stream_write().  Returns 0; EAGAIN: no stream credit, or 500 heads
 * are on their way; ENOTCONN: not ready, closed, or the peer goes away;
 * EINVAL: more than H3_MAX_FIELDS. */
int h3_request(struct h3_stream **streamp, struct h3_conn *conn,
	       const struct h3_head *head, const void *body, size_t len,
	       bool fin, const struct h3_stream_handlers *handlers, void *arg);

/* Server role: take the request's body and end. */
void h3_stream_handle(struct h3_stream *stream,
		      const struct h3_stream_handlers *handlers, void *arg);

/* Server role: reply.  @fin false: the body goes on by h3_stream_write().
 * Everything is copied.  Returns 0; EINVAL: a second reply, no final status,
 * too many fields; ENOTCONN: the peer has given up, closed() follows. */
int h3_reply(struct h3_stream *stream, int status,
	     const struct h3_field *field, unsigned field_cnt,
	     const void *body, size_t len, bool fin);

/* Both roles: more body.  Returns 0; ENOBUFS: 256 KiB are unsent already,
 * nothing was taken; ENOTCONN: our half has ended. */
int h3_stream_write(struct h3_stream *stream, const void *data, size_t len,
		    bool fin);

/* @len octets given to data() are consumed: the window opens. */
void h3_stream_consumed(struct h3_stream *stream, size_t len);

/* Reset both halves; closed(ECANCELED) runs in this call.  @code is an
 * HTTP/3 error code, 0x10c = H3_REQUEST_CANCELLED. */
void h3_stream_reset(struct h3_stream *stream, uint64_t code);

/* Stop reading: STOP_SENDING (H3_NO_ERROR); the reply goes on. */
void h3_stream_stop_reading(struct h3_stream *stream);

struct h3_conn *h3_stream_conn(const struct h3_stream *stream);
int64_t h3_stream_id(const struct h3_stream *stream);

/* ---- WebTransport (ript/wt.c) ---- */

struct h3_session_handlers {
	/* Client role: accepted (0) or refused (@status). */
	void (*ready)(struct h3_session *session, int status, void *arg);
	/* Client role: also before ready(), when it overtook the 200. */
	void (*datagram)(struct h3_session *session, const uint8_t *data,
			 size_t len, void *arg);
	/* Last callback, @err as for streams. */
	void (*closed)(struct h3_session *session, int err, void *arg);
};

/* Server role: accept the extended CONNECT on @stream with 200. */
int h3_session_accept(struct h3_session **sessionp, struct h3_stream *stream,
		      const struct h3_session_handlers *handlers, void *arg);

/* Client role: open a session; @head as for h3_request().
 * Returns 0; ENOTSUP: the peer announced none; EAGAIN; ENOTCONN. */
int h3_session_open(struct h3_session **sessionp, struct h3_conn *conn,
		    const struct h3_head *head,
		    const struct h3_session_handlers *handlers, void *arg);

/*
 * Queue one datagram (copied) for the end of this turn.  A queue per session
 * keeps what congestion holds back for at most 100 ms, the oldest dropped.
 * Returns 0; EMSGSIZE: over the path's limit now; ENOTCONN.
 */
int h3_datagram_send(struct h3_session *session, const void *data,
		     size_t len);
/* Largest payload that h3_datagram_send() takes now. */
size_t h3_datagram_room(const struct h3_session *session);
/* Datagrams of this session dropped for age or queue room. */
uint64_t h3_datagram_dropped(const struct h3_session *session);

/* Close with a capsule; closed(0) runs in this call. */
void h3_session_close(struct h3_session *session);

#endif
