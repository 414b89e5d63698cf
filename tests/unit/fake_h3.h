/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/fake_h3.h - ript/h3.h (and the ends of ript/tls.h that the net
 * uses) in memory: the test plays the network, the peers, and QUIC.
 *
 *   server role: fake_h3_guest() -> fake_h3_request() -> what was replied
 *   client role: what was connected and sent -> fake_h3_answer()
 *
 * Streams, sessions and connections stay readable for the test until
 * fake_h3_forget().  Using one after its closed() aborts the test.
 */
#ifndef RIPTIDE_TESTS_FAKE_H3_H
#define RIPTIDE_TESTS_FAKE_H3_H

#include "ript/h3.h"

/* The endpoint of a worker. */
struct h3_endpoint *fake_h3_endpoint(unsigned worker);
bool fake_h3_drained(const struct h3_endpoint *ep);

/* closed(0) of every stream whose halves are both finished; whether there
 * was one. */
bool fake_h3_settle(void);

/* Frees what tests could still read. */
void fake_h3_forget(void);

/* ---- server role ---- */

/* Somebody connects. */
struct h3_conn *fake_h3_guest(unsigned worker);

/* A request whose body is @body and, with @fin, no more. */
struct h3_stream *fake_h3_request(struct h3_conn *conn,
				  const struct h3_head *head,
				  const void *body, size_t len, bool fin);
void fake_h3_data(struct h3_stream *stream, const void *data, size_t len);
void fake_h3_fin(struct h3_stream *stream);

/* What was replied: 0 if nothing yet. */
int fake_h3_status(const struct h3_stream *stream);
const char *fake_h3_field(const struct h3_stream *stream, const char *name);

/* ---- client role ---- */

/* The @index-th h3_connect(); NULL: not so many. */
struct h3_conn *fake_h3_connected(unsigned index);
unsigned fake_h3_connected_cnt(void);
const struct h3_connect *fake_h3_params(const struct h3_conn *conn);
void fake_h3_ready(struct h3_conn *conn, bool webtransport);
/* h3_request() says EAGAIN when it has no credit, ENOTCONN after GOAWAY. */
void fake_h3_set_credit(struct h3_conn *conn, unsigned streams);
void fake_h3_goaway(struct h3_conn *conn);

/* The @index-th open request of @conn with @method (NULL: any) that is not
 * closed yet; NULL: not so many. */
struct h3_stream *fake_h3_open(struct h3_conn *conn, const char *method,
			       unsigned index);
unsigned fake_h3_open_cnt(struct h3_conn *conn, const char *method);
const struct h3_head *fake_h3_head(const struct h3_stream *stream);
void fake_h3_answer(struct h3_stream *stream, int status,
		    const struct h3_field *field, unsigned field_cnt,
		    const void *body, size_t len, bool fin);

/* ---- both ---- */

/* The connection goes: streams and sessions first. */
void fake_h3_conn_lost(struct h3_conn *conn, int err);
bool fake_h3_conn_closed(const struct h3_conn *conn);
/* The peer resets the stream. */
void fake_h3_stream_lost(struct h3_stream *stream, int err);
bool fake_h3_closed(const struct h3_stream *stream);
bool fake_h3_was_reset(const struct h3_stream *stream);	/* by us */
bool fake_h3_stopped(const struct h3_stream *stream);
bool fake_h3_finished(const struct h3_stream *stream);	/* our half */
/* Body that our side wrote so far, NUL-terminated. */
const char *fake_h3_text(const struct h3_stream *stream, size_t *lenp);
size_t fake_h3_consumed(const struct h3_stream *stream);
/* h3_stream_write() says ENOBUFS from now on. */
void fake_h3_set_full(struct h3_stream *stream, bool full);

/* ---- sessions ---- */

/* The session on @stream (server role: once accepted); NULL if none. */
struct h3_session *fake_h3_session(struct h3_stream *stream);
void fake_h3_datagram(struct h3_session *session, const void *data,
		      size_t len);
/* The peer closes it (0), or it goes. */
void fake_h3_session_lost(struct h3_session *session, int err);
bool fake_h3_session_closed(const struct h3_session *session);
unsigned fake_h3_datagram_cnt(const struct h3_session *session);
/* The last one that was sent. */
const uint8_t *fake_h3_last_datagram(const struct h3_session *session,
				     size_t *lenp);
void fake_h3_set_room(struct h3_session *session, size_t room);

#endif
