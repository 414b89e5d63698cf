/* SPDX-License-Identifier: MIT */
/*
 * ript/quic.h - QUIC connections of one worker: UDP sockets, connection IDs,
 * packets in batches, timers, closing.  Streams and datagrams are whoever
 * asks for them: ript/h3 hangs in by struct quic_app.
 *
 *   in:   recvmmsg + UDP_GRO -> quic_cid (table) -> ngtcp2 -> quic_app
 *   out:  touched connections (dirty list) -> end of the loop turn:
 *         quic_app's datagrams and streams -> ngtcp2 packs frames into
 *         packets -> quic_io packs packets into UDP_SEGMENT batches
 *
 * quic.c           connections: made, read, written; timers
 * quic_close.c     how they end
 * quic_callbacks.c what ngtcp2 tells
 * quic_accept.c    the door: Initials, Retry, version negotiation, resets
 * quic_cid.c       connection IDs and the steering of packets to workers
 * quic_io.c        sockets and batches
 *
 * Owner:  the endpoint belongs to its worker; connections to the endpoint.
 *         A struct quic_conn * is valid until closed() ran.
 * Loop:   worker.
 * Spec:   RFC 9000, 9001, 9002, 9221.
 */
#ifndef RIPTIDE_RIPT_QUIC_H
#define RIPTIDE_RIPT_QUIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ngtcp2/ngtcp2.h>

#include "base/text.h"

struct loop;
struct tls_client;
struct tls_server;
struct quic_conn;
struct quic_endpoint;

/* What quic_app.stream() hands out to be written. */
struct quic_out {
	int64_t id;
	bool fin;
	size_t cnt;
	ngtcp2_vec vec[16];
};

/*
 * Asked and told on the endpoint's loop.  @arg is what accepted() returned or
 * quic_connect() was given.  int functions return 0, or an HTTP/3 error that
 * ends the connection (quic_conn_fail() has its code and sentence).
 */
struct quic_app {
	/* Server role: a connection begins; returns its @arg. */
	void *(*accepted)(struct quic_conn *conn, void *ep_arg);
	/* Streams may be opened (1-RTT keys; a server has them early). */
	int (*ready_to_send)(void *arg);
	void (*handshake_done)(void *arg);

	/* @stream is what ngtcp2 keeps for the stream; NULL: a new one. */
	int (*stream_data)(void *arg, int64_t id, void *stream,
			   const uint8_t *data, size_t len, bool fin,
			   bool early);
	int (*stream_acked)(void *arg, int64_t id, void *stream,
			    uint64_t len);
	int (*stream_closed)(void *arg, int64_t id, void *stream,
			     bool has_code, uint64_t code);
	int (*stream_reset)(void *arg, int64_t id, void *stream,
			    uint64_t code);
	int (*stream_credit)(void *arg, int64_t id);
	int (*datagram)(void *arg, const uint8_t *data, size_t len);

	/* The next datagram to write; false: none.  The octets stay until
	 * datagram_done(). */
	bool (*next_datagram)(void *arg, ngtcp2_vec *vec);
	void (*datagram_done)(void *arg, bool sent);
	/* The next stream octets to write; out->id -1: none. */
	int (*next_stream)(void *arg, struct quic_out *out);
	int (*stream_wrote)(void *arg, int64_t id, size_t len);
	int (*stream_blocked)(void *arg, int64_t id);
	/* Our half is shut: the peer wants no more of it (ngtcp2 tells that
	 * only when more is written), or it was reset. */
	int (*stream_gone)(void *arg, int64_t id);

	/* Stream octets wait for an ACK, so ours must not wait (an endpoint
	 * of datagrams alone acks with its next chunk). */
	bool (*urgent)(void *arg);

	/* Last callback: as h3_conn_handlers.closed(). */
	void (*closed)(void *arg, int err, const char *reason);
};

struct quic_config {
	unsigned worker;
	unsigned worker_cnt;
	uint8_t reset_secret[32];
	uint8_t retry_secret[32];
	struct tls_server *tls;		/* NULL: no server role */
	int listen_fd;			/* -1: none */
	uint64_t idle_ms;
	unsigned max_conns;
	unsigned max_streams;
	unsigned handshakes_per_s;
};

struct quic_connect {
	struct addr to;
	const char *host;
	struct tls_client *tls;
	uint64_t handshake_ms;
	uint64_t keepalive_ms;
};

/* Sockets for @worker_cnt workers on one address; see h3_listen(). */
int quic_listen(int *fds, unsigned worker_cnt, const struct addr *at,
		struct addr *bound);

int quic_endpoint_new(struct quic_endpoint **epp, struct loop *loop,
		      const struct quic_config *config,
		      const struct quic_app *app, void *arg);
/* Refuse new connections from now on. */
void quic_endpoint_drain(struct quic_endpoint *ep);
/* Every connection is closed; the closing period is skipped. */
void quic_endpoint_free(struct quic_endpoint **epp);

/* Returns 0 or the errno of the socket; EINVAL: TLS. */
int quic_connect(struct quic_conn **connp, struct quic_endpoint *ep,
		 const struct quic_connect *params, void *arg);

/*
 * Close with HTTP/3 error @code; closed() gets @err and @reason, within this
 * call, but the connection goes only when no callback of it is running.
 */
void quic_conn_close(struct quic_conn *conn, uint64_t code, int err,
		     const char *reason);
/* For quic_app functions that return an error: why. */
int quic_conn_fail(struct quic_conn *conn, uint64_t code, const char *reason);

/* Something may be written: at the end of this turn. */
void quic_conn_touch(struct quic_conn *conn);

/* What ngtcp2 knows, for stream calls; NULL once closed. */
ngtcp2_conn *quic_conn_native(struct quic_conn *conn);
const struct addr *quic_conn_peer(const struct quic_conn *conn);
uint64_t quic_conn_now_ns(const struct quic_conn *conn);
/* Octets of one DATAGRAM frame's payload that fit now; 0: none. */
size_t quic_conn_datagram_room(struct quic_conn *conn);

/* Client role: go on from a new UDP socket (the address changed).
 * Returns 0; EAGAIN: not now (handshake, no spare connection ID). */
int quic_conn_rebind(struct quic_conn *conn);
/* New packet keys.  Returns 0; EAGAIN: too soon after the last. */
int quic_conn_update_keys(struct quic_conn *conn);

#endif
