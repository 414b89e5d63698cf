/* SPDX-License-Identifier: MIT */
#include "ript/quic.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ript/quic_int.h"
#include "ript/tls.h"

#define H3_NO_ERROR 0x100
#define MAX_UDP_PAYLOAD 1452	/* fits Ethernet under IPv6 */
#define SERVER_HANDSHAKE_MS 10000
#define REASON_ON_WIRE 120

static void conn_bury(struct quic_conn *conn);
static void conn_shutdown(struct quic_conn *conn);

/* ---- time ---- */

static uint64_t now_ns(const struct quic_conn *conn)
{
	return loop_now_ns(conn->ep->loop);
}

static void on_timer(void *arg);

/* Ring no later than @at_ns.  A later time leaves the heap alone: the timer
 * looks at due_ns when it rings (expiry moves with every packet). */
static void conn_arm(struct quic_conn *conn, uint64_t at_ns)
{
	conn->due_ns = at_ns;
	if (at_ns == UINT64_MAX)
		return;
	if (!timer_running(&conn->timer) || at_ns < conn->timer.at_ns)
		timer_start_at(&conn->timer, conn->ep->loop, at_ns, on_timer,
			       conn);
}

static void on_kick(void *arg)
{
	(void)arg;	/* the turn's end does the work */
}

void quic_conn_touch(struct quic_conn *conn)
{
	struct quic_endpoint *ep = conn->ep;

	if (conn->dirty_le.list || conn->state != QUIC_OPEN || conn->told)
		return;
	list_append(&ep->dirty, &conn->dirty_le);
	/* Outside a turn somebody must begin one. */
	if (!timer_running(&ep->kick))
		timer_start(&ep->kick, ep->loop, 0, on_kick, ep);
}

/* ---- the end of a connection ---- */

static void conn_tell(struct quic_conn *conn, int err, const char *reason)
{
	if (conn->told)
		return;
	conn->told = true;
	conn->ep->open_cnt--;
	metric_gauge_add(conn->ep->conns_gauge, -1);
	conn->ep->app->closed(conn->arg, err, reason);
}

static void conn_free_late(void *ptr)
{
	struct quic_conn *conn = ptr;

	free(conn->close_pkt);
	free(conn->close_to);
	free(conn);
}

/* No packet finds it any more. */
static void conn_bury(struct quic_conn *conn)
{
	struct quic_endpoint *ep = conn->ep;

	if (conn->state == QUIC_DEAD)
		return;
	conn->state = QUIC_DEAD;
	timer_stop(&conn->timer);
	list_unlink(&conn->dirty_le);
	list_unlink(&conn->le);
	quic_cid_remove_all(conn);
	if (conn->ng) {
		ngtcp2_conn_del(conn->ng);
		conn->ng = NULL;
	}
	tls_session_free(&conn->tls);
	if (conn->client) {
		/* Packets of it may wait in the batch. */
		if (ep->tx.sock == conn->sock)
			quic_tx_flush(ep);
		quic_socket_close(&conn->sock);
	}
	loop_defer_free(ep->loop, conn, conn_free_late);
}

/* Keep only what the closing or draining period needs (RFC 9000, 10.2). */
static void conn_linger(struct quic_conn *conn, enum quic_state state)
{
	uint64_t pto = ngtcp2_conn_get_pto(conn->ng);

	if (conn->ep->freeing) {
		conn_bury(conn);
		return;
	}
	conn->state = state;
	list_unlink(&conn->dirty_le);
	ngtcp2_conn_del(conn->ng);
	conn->ng = NULL;
	tls_session_free(&conn->tls);
	timer_stop(&conn->timer);
	conn_arm(conn, now_ns(conn) + 3 * pto);
}

/* CONNECTION_CLOSE with conn->ccerr, then the closing period. */
static void conn_shutdown(struct quic_conn *conn)
{
	struct quic_endpoint *ep = conn->ep;
	ngtcp2_path_storage ps;
	ngtcp2_pkt_info pi = { 0 };
	ngtcp2_ssize n;
	uint8_t *buf;

	conn->close_wanted = false;
	ngtcp2_path_storage_zero(&ps);
	buf = quic_tx_reserve(ep, conn->sock, MAX_UDP_PAYLOAD);
	n = ngtcp2_conn_write_connection_close(conn->ng, &ps.path, &pi, buf,
					       MAX_UDP_PAYLOAD, &conn->ccerr,
					       now_ns(conn));
	if (n <= 0) {
		conn_bury(conn);
		return;
	}
	conn->close_pkt = xmemdup(buf, (size_t)n);
	conn->close_len = (size_t)n;
	conn->close_to = xzalloc(sizeof(*conn->close_to));
	memcpy(&conn->close_to->local, ps.path.local.addr,
	       ps.path.local.addrlen);
	memcpy(&conn->close_to->remote, ps.path.remote.addr,
	       ps.path.remote.addrlen);
	conn->close_to->remote_len = ps.path.remote.addrlen;
	quic_tx_commit(ep, &ps.path, pi.ecn, (size_t)n);
	/* The end of this turn may be the end of the process. */
	quic_tx_flush(ep);
	quic_count(ep, QUIC_PACKETS_OUT, 1);
	conn_linger(conn, QUIC_CLOSING);
}

/* A packet for a connection that we closed: repeat the close, each time after
 * twice as many packets. */
static void conn_repeat_close(struct quic_conn *conn)
{
	struct quic_endpoint *ep = conn->ep;
	struct quic_msg *to = conn->close_to;
	ngtcp2_path path;
	uint8_t *buf;

	quic_count(ep, QUIC_DROP_CLOSED, 1);
	conn->close_seen++;
	if (conn->state != QUIC_CLOSING ||
	    (conn->close_seen & (conn->close_seen - 1)) != 0)
		return;
	memset(&path, 0, sizeof(path));
	path.local.addr = &to->local.sa;
	path.local.addrlen = sizeof(to->local);
	path.remote.addr = &to->remote.sa;
	path.remote.addrlen = to->remote_len;
	buf = quic_tx_reserve(ep, conn->sock, conn->close_len);
	memcpy(buf, conn->close_pkt, conn->close_len);
	quic_tx_commit(ep, &path, 0, conn->close_len);
	quic_count(ep, QUIC_PACKETS_OUT, 1);
}

static void reason_set(struct quic_conn *conn, const char *reason)
{
	size_t len = strlen(reason);

	if (reason != conn->reason)
		snprintf(conn->reason, sizeof(conn->reason), "%s", reason);
	conn->ccerr.reason = (const uint8_t *)conn->reason;
	conn->ccerr.reasonlen = len < REASON_ON_WIRE ? len : REASON_ON_WIRE;
}

int quic_conn_fail(struct quic_conn *conn, uint64_t code, const char *reason)
{
	if (conn->told)
		return 0;
	ngtcp2_ccerr_set_application_error(&conn->ccerr, code, NULL, 0);
	reason_set(conn, reason);
	return NGTCP2_ERR_CALLBACK_FAILURE;
}

void quic_conn_close(struct quic_conn *conn, uint64_t code, int err,
		     const char *reason)
{
	if (conn->told)
		return;
	ngtcp2_ccerr_set_application_error(&conn->ccerr, code, NULL, 0);
	reason_set(conn, reason);
	quic_count(conn->ep, err ? QUIC_CLOSE_ERROR : QUIC_CLOSE_LOCAL, 1);
	conn_tell(conn, err, conn->reason);
	if (conn->depth)
		conn->close_wanted = true;
	else
		conn_shutdown(conn);
}

/* What a peer wrote goes into a log line: keep what can be read. */
static void text_of_peer(char *out, size_t size, const uint8_t *text,
			 size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < size; i++)
		if (isascii(text[i]) && isprint(text[i]))
			out[n++] = (char)text[i];
	out[n] = '\0';
}

static bool alert_of_certificate(uint64_t alert)
{
	return (alert >= 42 && alert <= 46) || alert == 48 || alert == 116;
}

/* The peer closed, or lost the connection: say so, then be silent. */
static void conn_on_peer_close(struct quic_conn *conn)
{
	const ngtcp2_ccerr *cc = ngtcp2_conn_get_ccerr(conn->ng);
	enum quic_counter counter = QUIC_CLOSE_PEER;
	char said[80], *text = conn->reason;
	size_t size = sizeof(conn->reason);
	uint64_t code = cc->error_code;
	int err = ECONNRESET;

	text_of_peer(said, sizeof(said), cc->reason, cc->reasonlen);
	if (conn->stateless_reset) {
		counter = QUIC_CLOSE_RESET;
		snprintf(text, size, "the peer does not know the connection "
			 "any more (stateless reset)");
	} else if (cc->type == NGTCP2_CCERR_TYPE_APPLICATION) {
		err = code == H3_NO_ERROR ? 0 : ECONNRESET;
		snprintf(text, size, "the peer closed the connection: HTTP/3 "
			 "code 0x%" PRIx64 "%s%s", code, *said ? ", " : "",
			 said);
	} else if (code == NGTCP2_CONNECTION_REFUSED) {
		err = ECONNREFUSED;
		snprintf(text, size, "the peer takes no new connections");
	} else if (code >= NGTCP2_CRYPTO_ERROR &&
		   code <= NGTCP2_CRYPTO_ERROR + 0xff) {
		code -= NGTCP2_CRYPTO_ERROR;
		err = alert_of_certificate(code) ? EACCES : ECONNRESET;
		snprintf(text, size, "the peer refused the TLS handshake: "
			 "alert %" PRIu64 "%s%s", code, *said ? ", " : "",
			 said);
	} else {
		err = code == NGTCP2_NO_ERROR ? 0 : ECONNRESET;
		snprintf(text, size, "the peer closed the connection: QUIC "
			 "code 0x%" PRIx64 "%s%s", code, *said ? ", " : "",
			 said);
	}
	quic_count(conn->ep, counter, 1);
	conn_tell(conn, err, text);
	conn_linger(conn, QUIC_DRAINING);
}

/* The handshake failed in TLS: ours. */
static void conn_on_tls_error(struct quic_conn *conn)
{
	const char *refusal = tls_session_refusal(conn->tls);
	uint8_t alert = ngtcp2_conn_get_tls_alert(conn->ng);

	ngtcp2_ccerr_set_tls_alert(&conn->ccerr, alert, NULL, 0);
	if (refusal)
		snprintf(conn->reason, sizeof(conn->reason), "%s", refusal);
	else
		snprintf(conn->reason, sizeof(conn->reason),
			 "the TLS handshake failed: alert %u", alert);
	quic_count(conn->ep, QUIC_CLOSE_ERROR, 1);
	conn_tell(conn, refusal ? EACCES : ECONNRESET, conn->reason);
	conn_shutdown(conn);
}

/* @rv is what an ngtcp2 function returned, a fatal error. */
static void conn_on_error(struct quic_conn *conn, int rv)
{
	struct quic_endpoint *ep = conn->ep;
	char *text = conn->reason;
	size_t size = sizeof(conn->reason);

	switch (rv) {
	case NGTCP2_ERR_DRAINING:
		conn_on_peer_close(conn);
		return;
	case NGTCP2_ERR_CRYPTO:
		conn_on_tls_error(conn);
		return;
	case NGTCP2_ERR_IDLE_CLOSE:
		snprintf(text, size, "nothing was heard of the peer for "
			 "%" PRIu64 " ms", ep->config.idle_ms);
		quic_count(ep, QUIC_CLOSE_TIMEOUT, 1);
		conn_tell(conn, ETIMEDOUT, text);
		conn_bury(conn);
		return;
	case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
		snprintf(text, size, "no handshake within %" PRIu64 " ms",
			 conn->handshake_ms);
		quic_count(ep, QUIC_CLOSE_TIMEOUT, 1);
		conn_tell(conn, ETIMEDOUT, text);
		conn_bury(conn);
		return;
	case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
		quic_count(ep, QUIC_CLOSE_PEER, 1);
		conn_tell(conn, ECONNREFUSED,
			  "the peer does not speak QUIC version 1");
		conn_bury(conn);
		return;
	case NGTCP2_ERR_DROP_CONN:
		quic_count(ep, QUIC_CLOSE_ERROR, 1);
		conn_tell(conn, ECONNRESET,
			  "the peer's first packet began no connection");
		conn_bury(conn);
		return;
	case NGTCP2_ERR_RETRY:
		/* A ClientHello in pieces: buffered for a proven address. */
		conn->retry_wanted = true;
		conn_tell(conn, ECONNRESET, "the peer has to prove its "
			  "address first (Retry)");
		conn_bury(conn);
		return;
	case NGTCP2_ERR_CALLBACK_FAILURE:
		/* quic_conn_fail() has said why, unless TLS or the library
		 * was not able to. */
		if (!conn->ccerr.error_code) {
			ngtcp2_ccerr_set_liberr(&conn->ccerr, rv, NULL, 0);
			reason_set(conn, "internal error");
		}
		break;
	default:
		ngtcp2_ccerr_set_liberr(&conn->ccerr, rv, NULL, 0);
		snprintf(text, size, "the peer broke QUIC: %s",
			 ngtcp2_strerror(rv));
		reason_set(conn, text);
		break;
	}
	quic_count(ep, QUIC_CLOSE_ERROR, 1);
	conn_tell(conn, ECONNRESET, conn->reason);
	conn_shutdown(conn);
}

/* Back from ngtcp2: do what had to wait for it. */
static void conn_leave(struct quic_conn *conn, int rv)
{
	conn->depth--;
	if (conn->close_wanted)
		conn_shutdown(conn);
	else if (rv != 0)
		conn_on_error(conn, rv);
}

void quic_conn_refused(struct quic_conn *conn)
{
	char to[ADDR_TEXT_LEN];

	/* Later it is a lost packet like others: ICMP is easily forged. */
	if (conn->heard || conn->told)
		return;
	addr_print(to, &conn->peer);
	snprintf(conn->reason, sizeof(conn->reason), "nobody listens at %s",
		 to);
	quic_count(conn->ep, QUIC_CLOSE_ERROR, 1);
	conn_tell(conn, ECONNREFUSED, conn->reason);
	conn_bury(conn);
}

/* ---- callbacks of ngtcp2 ---- */

static int cb_result(struct quic_conn *conn, int err)
{
	return err && !conn->told ? NGTCP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_stream_data(ngtcp2_conn *ng, uint32_t flags, int64_t id,
			  uint64_t offset, const uint8_t *data, size_t len,
			  void *arg, void *stream)
{
	struct quic_conn *conn = arg;

	(void)ng;
	(void)offset;
	conn->prompt = true;
	if (conn->told)
		return 0;
	return cb_result(conn, conn->ep->app->stream_data(
		conn->arg, id, stream, data, len,
		(flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0,
		(flags & NGTCP2_STREAM_DATA_FLAG_0RTT) != 0));
}

static int on_stream_acked(ngtcp2_conn *ng, int64_t id, uint64_t offset,
			   uint64_t len, void *arg, void *stream)
{
	struct quic_conn *conn = arg;

	(void)ng;
	(void)offset;
	if (conn->told)
		return 0;
	return cb_result(conn, conn->ep->app->stream_acked(conn->arg, id,
							   stream, len));
}

static int on_stream_close(ngtcp2_conn *ng, uint32_t flags, int64_t id,
			   uint64_t code, void *arg, void *stream)
{
	struct quic_conn *conn = arg;

	(void)ng;
	conn->prompt = true;
	if (conn->told)
		return 0;
	return cb_result(conn, conn->ep->app->stream_closed(
		conn->arg, id, stream,
		(flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET) != 0,
		code));
}

static int on_stream_reset(ngtcp2_conn *ng, int64_t id, uint64_t final_size,
			   uint64_t code, void *arg, void *stream)
{
	struct quic_conn *conn = arg;

	(void)ng;
	(void)final_size;
	conn->prompt = true;
	if (conn->told)
		return 0;
	return cb_result(conn, conn->ep->app->stream_reset(conn->arg, id,
							   stream, code));
}

static int on_stream_stop_sending(ngtcp2_conn *ng, int64_t id, uint64_t code,
				  void *arg, void *stream)
{
	struct quic_conn *conn = arg;

	(void)ng;
	conn->prompt = true;
	if (conn->told)
		return 0;
	return cb_result(conn, conn->ep->app->stream_stopped(conn->arg, id,
							     stream, code));
}

static int on_stream_credit(ngtcp2_conn *ng, int64_t id, uint64_t max_data,
			    void *arg, void *stream)
{
	struct quic_conn *conn = arg;

	(void)ng;
	(void)max_data;
	(void)stream;
	conn->prompt = true;
	if (conn->told)
		return 0;
	return cb_result(conn, conn->ep->app->stream_credit(conn->arg, id));
}

static int on_datagram(ngtcp2_conn *ng, uint32_t flags, const uint8_t *data,
		       size_t len, void *arg)
{
	struct quic_conn *conn = arg;

	(void)ng;
	(void)flags;
	if (conn->told)
		return 0;
	quic_count(conn->ep, QUIC_DATAGRAMS_IN, 1);
	return cb_result(conn, conn->ep->app->datagram(conn->arg, data, len));
}

static int on_tx_key(ngtcp2_conn *ng, ngtcp2_encryption_level level, void *arg)
{
	struct quic_conn *conn = arg;

	(void)ng;
	if (level != NGTCP2_ENCRYPTION_LEVEL_1RTT || conn->told)
		return 0;
	return cb_result(conn, conn->ep->app->ready_to_send(conn->arg));
}

/* A token that saves the client the Retry next time. */
static void submit_token(struct quic_conn *conn)
{
	const ngtcp2_path *path = ngtcp2_conn_get_path(conn->ng);
	uint8_t token[NGTCP2_CRYPTO_MAX_REGULAR_TOKENLEN];
	ngtcp2_ssize len;

	len = ngtcp2_crypto_generate_regular_token(
		token, conn->ep->config.retry_secret,
		sizeof(conn->ep->config.retry_secret), path->remote.addr,
		path->remote.addrlen, now_ns(conn));
	if (len > 0)
		ngtcp2_conn_submit_new_token(conn->ng, token, (size_t)len);
}

static int on_handshake_completed(ngtcp2_conn *ng, void *arg)
{
	struct quic_conn *conn = arg;

	(void)ng;
	conn->handshaken = true;
	if (conn->client) {
		quic_count(conn->ep, QUIC_HANDSHAKES_CLIENT, 1);
	} else {
		quic_count(conn->ep, QUIC_HANDSHAKES_SERVER, 1);
		tls_session_send_ticket(conn->tls);
		submit_token(conn);
		conn->settled = true;
	}
	if (!conn->told)
		conn->ep->app->handshake_done(conn->arg);
	return 0;
}

static int on_handshake_confirmed(ngtcp2_conn *ng, void *arg)
{
	struct quic_conn *conn = arg;

	(void)ng;
	conn->settled = true;
	return 0;
}

static int on_stateless_reset(ngtcp2_conn *ng,
			      const ngtcp2_pkt_stateless_reset *sr, void *arg)
{
	struct quic_conn *conn = arg;

	(void)ng;
	(void)sr;
	conn->stateless_reset = true;
	return 0;
}

static int on_new_cid(ngtcp2_conn *ng, ngtcp2_cid *cid, uint8_t *token,
		      size_t len, void *arg)
{
	struct quic_conn *conn = arg;
	struct quic_endpoint *ep = conn->ep;

	(void)ng;
	quic_cid_make(ep, cid, len);
	if (ngtcp2_crypto_generate_stateless_reset_token(
		    token, ep->config.reset_secret,
		    sizeof(ep->config.reset_secret), cid) != 0)
		return NGTCP2_ERR_CALLBACK_FAILURE;
	quic_cid_add(conn, cid);
	return 0;
}

static int on_remove_cid(ngtcp2_conn *ng, const ngtcp2_cid *cid, void *arg)
{
	(void)ng;
	quic_cid_remove(arg, cid);
	return 0;
}

static int on_path_validation(ngtcp2_conn *ng, uint32_t flags,
			      const ngtcp2_path *path,
			      const ngtcp2_path *old_path,
			      ngtcp2_path_validation_result res, void *arg)
{
	struct quic_conn *conn = arg;

	(void)ng;
	(void)flags;
	(void)old_path;
	if (res != NGTCP2_PATH_VALIDATION_RESULT_SUCCESS || conn->client ||
	    path->remote.addrlen > sizeof(conn->peer.ss))
		return 0;
	memcpy(&conn->peer.ss, path->remote.addr, path->remote.addrlen);
	conn->peer.len = path->remote.addrlen;
	quic_count(conn->ep, QUIC_MIGRATIONS, 1);
	return 0;
}

static void on_rand(uint8_t *out, size_t len, const ngtcp2_rand_ctx *ctx)
{
	(void)ctx;
	random_bytes(out, len);
}

static ngtcp2_conn *on_get_conn(ngtcp2_crypto_conn_ref *ref)
{
	return ((struct quic_conn *)ref->user_data)->ng;
}

static const ngtcp2_callbacks callbacks = {
	.client_initial = ngtcp2_crypto_client_initial_cb,
	.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb,
	.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
	.handshake_completed = on_handshake_completed,
	.handshake_confirmed = on_handshake_confirmed,
	.encrypt = ngtcp2_crypto_encrypt_cb,
	.decrypt = ngtcp2_crypto_decrypt_cb,
	.hp_mask = ngtcp2_crypto_hp_mask_cb,
	.recv_stream_data = on_stream_data,
	.acked_stream_data_offset = on_stream_acked,
	.stream_close = on_stream_close,
	.stream_reset = on_stream_reset,
	.stream_stop_sending = on_stream_stop_sending,
	.extend_max_stream_data = on_stream_credit,
	.recv_stateless_reset = on_stateless_reset,
	.recv_retry = ngtcp2_crypto_recv_retry_cb,
	.rand = on_rand,
	.get_new_connection_id = on_new_cid,
	.remove_connection_id = on_remove_cid,
	.update_key = ngtcp2_crypto_update_key_cb,
	.path_validation = on_path_validation,
	.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
	.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
	.recv_datagram = on_datagram,
	.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,
	.version_negotiation = ngtcp2_crypto_version_negotiation_cb,
	.recv_tx_key = on_tx_key,
};

/* ---- reading ---- */

void quic_conn_read(struct quic_conn *conn, const struct quic_packet *pkt)
{
	struct quic_endpoint *ep = conn->ep;
	uint64_t now = now_ns(conn);
	int rv;

	if (conn->state != QUIC_OPEN) {
		if (conn->state != QUIC_DEAD)
			conn_repeat_close(conn);
		return;
	}
	conn->heard = true;
	conn->depth++;
	rv = ngtcp2_conn_read_pkt(conn->ng, &pkt->path, &pkt->pi, pkt->data,
				  pkt->len, now);
	conn_leave(conn, rv);
	if (conn->state != QUIC_OPEN)
		return;

	if (conn->prompt || !conn->settled || ep->app->urgent(conn->arg)) {
		quic_conn_touch(conn);
	} else if (!conn->ack_by_ns) {
		conn->ack_by_ns = now + QUIC_ACK_WAIT_NS;
		if (conn->ack_by_ns < conn->due_ns)
			conn_arm(conn, conn->ack_by_ns);
	}
}

/* ---- writing ---- */

/*
 * One packet: datagrams first, then streams, then what ngtcp2 has of its own.
 * After a frame was taken "with more to come" only writev calls of the same
 * packet may follow, so the path out is always one that returns >= 0.
 */
static ngtcp2_ssize write_packet(struct quic_conn *conn, ngtcp2_path *path,
				 ngtcp2_pkt_info *pi, uint8_t *buf, size_t len)
{
	const struct quic_app *app = conn->ep->app;
	uint64_t now = now_ns(conn);
	bool datagrams = true;
	struct quic_out out;
	ngtcp2_ssize n, taken;
	ngtcp2_vec vec;
	uint32_t flags;
	int accepted;

	for (;;) {
		if (datagrams && !conn->told &&
		    app->next_datagram(conn->arg, &vec)) {
			n = ngtcp2_conn_writev_datagram(
				conn->ng, path, pi, buf, len, &accepted,
				NGTCP2_WRITE_DATAGRAM_FLAG_MORE, 0, &vec, 1,
				now);
			if (accepted) {
				quic_count(conn->ep, QUIC_DATAGRAMS_OUT, 1);
				app->datagram_done(conn->arg, true);
			}
			if (n == NGTCP2_ERR_WRITE_MORE)
				continue;
			if (n == NGTCP2_ERR_INVALID_STATE ||
			    n == NGTCP2_ERR_INVALID_ARGUMENT) {
				/* The peer takes none, or none so large. */
				app->datagram_done(conn->arg, false);
				continue;
			}
			if (n != 0)
				return n;
			datagrams = false;	/* not now */
			continue;
		}

		out.id = -1;
		out.cnt = 0;
		out.fin = false;
		if (!conn->told && app->next_stream(conn->arg, &out) != 0)
			return NGTCP2_ERR_CALLBACK_FAILURE;
		flags = NGTCP2_WRITE_STREAM_FLAG_NONE;
		if (out.id >= 0)
			flags |= NGTCP2_WRITE_STREAM_FLAG_MORE;
		if (out.fin)
			flags |= NGTCP2_WRITE_STREAM_FLAG_FIN;
		taken = -1;
		n = ngtcp2_conn_writev_stream(conn->ng, path, pi, buf, len,
					      &taken, flags, out.id, out.vec,
					      out.cnt, now);
		if (n == NGTCP2_ERR_STREAM_DATA_BLOCKED) {
			if (app->stream_blocked(conn->arg, out.id) != 0)
				return NGTCP2_ERR_CALLBACK_FAILURE;
			continue;
		}
		if (n == NGTCP2_ERR_STREAM_SHUT_WR ||
		    n == NGTCP2_ERR_STREAM_NOT_FOUND) {
			if (app->stream_gone(conn->arg, out.id) != 0)
				return NGTCP2_ERR_CALLBACK_FAILURE;
			continue;
		}
		if (taken >= 0 &&
		    app->stream_wrote(conn->arg, out.id, (size_t)taken) != 0)
			return NGTCP2_ERR_CALLBACK_FAILURE;
		if (n != NGTCP2_ERR_WRITE_MORE)
			return n;
	}
}

static void conn_write(struct quic_conn *conn)
{
	struct quic_endpoint *ep = conn->ep;
	size_t max = ngtcp2_conn_get_max_tx_udp_payload_size(conn->ng);
	size_t quantum = ngtcp2_conn_get_send_quantum(conn->ng);
	ngtcp2_path_storage ps;
	ngtcp2_pkt_info pi = { 0 };
	ngtcp2_ssize n = 0;
	size_t sent = 0, cnt = 0;
	uint8_t *buf;

	ngtcp2_path_storage_zero(&ps);
	conn->depth++;
	do {
		buf = quic_tx_reserve(ep, conn->sock, max);
		n = write_packet(conn, &ps.path, &pi, buf, max);
		if (n <= 0)
			break;
		quic_tx_commit(ep, &ps.path, pi.ecn, (size_t)n);
		sent += (size_t)n;
		cnt++;
	} while (sent < quantum && !conn->told);
	if (cnt) {
		ngtcp2_conn_update_pkt_tx_time(conn->ng, now_ns(conn));
		quic_count(ep, QUIC_PACKETS_OUT, cnt);
	}
	conn_leave(conn, n < 0 ? (int)n : 0);
	if (conn->state != QUIC_OPEN)
		return;
	conn->prompt = false;
	conn->ack_by_ns = 0;
	conn_arm(conn, ngtcp2_conn_get_expiry(conn->ng));
}

static void on_turn_end(void *arg)
{
	struct quic_endpoint *ep = arg;
	size_t budget = ep->dirty.count;
	struct le *le;

	timer_stop(&ep->kick);
	/* Callbacks may touch others: those too, but not for ever. */
	budget += budget + 16;
	while (budget-- && (le = list_pop(&ep->dirty)))
		conn_write(list_entry(le, struct quic_conn, dirty_le));
	if (!list_empty(&ep->dirty))
		timer_start(&ep->kick, ep->loop, 0, on_kick, ep);
	quic_tx_flush(ep);
}

static void on_timer(void *arg)
{
	struct quic_conn *conn = arg;
	uint64_t now = now_ns(conn);
	int rv;

	if (conn->due_ns > now) {
		if (conn->due_ns != UINT64_MAX)
			conn_arm(conn, conn->due_ns);
		return;
	}
	if (conn->state != QUIC_OPEN) {
		conn_bury(conn);
		return;
	}
	if (ngtcp2_conn_get_expiry(conn->ng) <= now) {
		conn->depth++;
		rv = ngtcp2_conn_handle_expiry(conn->ng, now);
		conn_leave(conn, rv);
	}
	quic_conn_touch(conn);
}

/* ---- making connections ---- */

static void settings_fill(const struct quic_endpoint *ep, ngtcp2_settings *set,
			  ngtcp2_transport_params *tp)
{
	ngtcp2_settings_default(set);
	set->initial_ts = loop_now_ns(ep->loop);
	set->cc_algo = NGTCP2_CC_ALGO_BBR;
	set->max_tx_udp_payload_size = MAX_UDP_PAYLOAD;

	ngtcp2_transport_params_default(tp);
	tp->initial_max_stream_data_bidi_local = QUIC_STREAM_WINDOW;
	tp->initial_max_stream_data_bidi_remote = QUIC_STREAM_WINDOW;
	tp->initial_max_stream_data_uni = QUIC_STREAM_WINDOW;
	tp->initial_max_data = QUIC_CONN_WINDOW;
	tp->initial_max_streams_uni = QUIC_UNI_STREAMS;
	tp->max_idle_timeout = ep->config.idle_ms * NS_PER_MS;
	tp->max_datagram_frame_size = 65535;
	tp->active_connection_id_limit = 4;
}

static struct quic_conn *conn_new(struct quic_endpoint *ep)
{
	struct quic_conn *conn = xzalloc(sizeof(*conn));

	conn->ep = ep;
	conn->state = QUIC_OPEN;
	conn->due_ns = UINT64_MAX;
	conn->ref.get_conn = on_get_conn;
	conn->ref.user_data = conn;
	ngtcp2_ccerr_default(&conn->ccerr);
	list_append(&ep->conns, &conn->le);
	return conn;
}

static void peer_set(struct quic_conn *conn, const ngtcp2_addr *addr)
{
	memcpy(&conn->peer.ss, addr->addr, addr->addrlen);
	conn->peer.len = addr->addrlen;
}

struct quic_conn *quic_conn_accept(struct quic_endpoint *ep,
				   const ngtcp2_path *path,
				   const ngtcp2_pkt_hd *hd,
				   const ngtcp2_cid *odcid,
				   ngtcp2_token_type token_type)
{
	struct quic_conn *conn = conn_new(ep);
	ngtcp2_transport_params tp;
	ngtcp2_settings set;
	ngtcp2_cid scid;

	conn->sock = ep->listen;
	conn->handshake_ms = SERVER_HANDSHAKE_MS;
	peer_set(conn, &path->remote);
	settings_fill(ep, &set, &tp);
	set.handshake_timeout = SERVER_HANDSHAKE_MS * NS_PER_MS;
	if (token_type != NGTCP2_TOKEN_TYPE_UNKNOWN) {
		set.token = hd->token;
		set.tokenlen = hd->tokenlen;
		set.token_type = token_type;
	}
	tp.initial_max_streams_bidi = ep->config.max_streams;
	tp.original_dcid = odcid ? *odcid : hd->dcid;
	tp.original_dcid_present = 1;
	if (odcid) {
		tp.retry_scid = hd->dcid;
		tp.retry_scid_present = 1;
	}
	quic_cid_make(ep, &scid, QUIC_CID_LEN);
	if (ngtcp2_crypto_generate_stateless_reset_token(
		    tp.stateless_reset_token, ep->config.reset_secret,
		    sizeof(ep->config.reset_secret), &scid) == 0)
		tp.stateless_reset_token_present = 1;

	if (tls_session_server(&conn->tls, ep->config.tls, &conn->ref) != 0 ||
	    ngtcp2_conn_server_new(&conn->ng, &hd->scid, &scid, path,
				   hd->version, &callbacks, &set, &tp, NULL,
				   conn) != 0) {
		conn_bury(conn);
		return NULL;
	}
	ngtcp2_conn_set_tls_native_handle(conn->ng,
					  tls_session_native(conn->tls));
	quic_cid_add(conn, &scid);
	quic_cid_add(conn, &hd->dcid);
	ep->open_cnt++;
	metric_gauge_add(ep->conns_gauge, 1);
	conn->arg = ep->app->accepted(conn, ep->arg);
	return conn;
}

int quic_connect(struct quic_conn **connp, struct quic_endpoint *ep,
		 const struct quic_connect *params, void *arg)
{
	struct quic_conn *conn = conn_new(ep);
	ngtcp2_cid dcid, scid;
	ngtcp2_transport_params tp;
	ngtcp2_settings set;
	ngtcp2_path path;
	int err;

	conn->client = true;
	conn->arg = arg;
	conn->peer = params->to;
	err = quic_socket_connect(&conn->sock, ep, &params->to, conn);
	if (err)
		goto fail;

	settings_fill(ep, &set, &tp);
	conn->handshake_ms = params->handshake_ms;
	set.handshake_timeout = params->handshake_ms * NS_PER_MS;
	tp.initial_max_streams_bidi = QUIC_UNI_STREAMS;
	dcid.datalen = 16;
	random_bytes(dcid.data, dcid.datalen);
	scid.datalen = QUIC_CID_LEN;
	random_bytes(scid.data, scid.datalen);
	memset(&path, 0, sizeof(path));
	path.local.addr = (ngtcp2_sockaddr *)&conn->sock->local.ss;
	path.local.addrlen = conn->sock->local.len;
	path.remote.addr = (ngtcp2_sockaddr *)&conn->peer.ss;
	path.remote.addrlen = conn->peer.len;
	if (tls_session_client(&conn->tls, params->tls, params->host,
			       &conn->ref) != 0 ||
	    ngtcp2_conn_client_new(&conn->ng, &dcid, &scid, &path,
				   NGTCP2_PROTO_VER_V1, &callbacks, &set, &tp,
				   NULL, conn) != 0) {
		err = EINVAL;
		goto fail;
	}
	ngtcp2_conn_set_tls_native_handle(conn->ng,
					  tls_session_native(conn->tls));
	if (params->keepalive_ms)
		ngtcp2_conn_set_keep_alive_timeout(
			conn->ng, params->keepalive_ms * NS_PER_MS);
	ep->open_cnt++;
	metric_gauge_add(ep->conns_gauge, 1);
	*connp = conn;
	quic_conn_touch(conn);
	return 0;
fail:
	conn_bury(conn);
	return err;
}

/* ---- small questions and orders ---- */

ngtcp2_conn *quic_conn_native(struct quic_conn *conn)
{
	return conn->told ? NULL : conn->ng;
}

const struct addr *quic_conn_peer(const struct quic_conn *conn)
{
	return &conn->peer;
}

uint64_t quic_conn_now_ns(const struct quic_conn *conn)
{
	return now_ns(conn);
}

size_t quic_conn_datagram_room(struct quic_conn *conn)
{
	const ngtcp2_transport_params *tp;
	size_t room, overhead;

	if (conn->told || !conn->ng)
		return 0;
	tp = ngtcp2_conn_get_remote_transport_params(conn->ng);
	if (!tp || tp->max_datagram_frame_size < 4)
		return 0;
	/* Header, packet number, tag; type and length of the frame. */
	overhead = 1 + ngtcp2_conn_get_dcid(conn->ng)->datalen + 4 + 16 + 3;
	room = ngtcp2_conn_get_path_max_tx_udp_payload_size(conn->ng) -
	       overhead;
	if (room > tp->max_datagram_frame_size - 3)
		room = (size_t)tp->max_datagram_frame_size - 3;
	return room;
}

int quic_conn_rebind(struct quic_conn *conn)
{
	struct quic_endpoint *ep = conn->ep;
	struct quic_socket *fresh = NULL;
	ngtcp2_path path;
	int err;

	if (!conn->client || conn->told || conn->depth)
		return EAGAIN;
	err = quic_socket_connect(&fresh, ep, &conn->peer, conn);
	if (err)
		return err;
	memset(&path, 0, sizeof(path));
	path.local.addr = (ngtcp2_sockaddr *)&fresh->local.ss;
	path.local.addrlen = fresh->local.len;
	path.remote.addr = (ngtcp2_sockaddr *)&conn->peer.ss;
	path.remote.addrlen = conn->peer.len;
	if (ngtcp2_conn_initiate_immediate_migration(conn->ng, &path,
						     now_ns(conn)) != 0) {
		quic_socket_close(&fresh);
		return EAGAIN;
	}
	if (ep->tx.sock == conn->sock)
		quic_tx_flush(ep);
	quic_socket_close(&conn->sock);
	conn->sock = fresh;
	quic_count(ep, QUIC_MIGRATIONS, 1);
	quic_conn_touch(conn);
	return 0;
}

int quic_conn_update_keys(struct quic_conn *conn)
{
	if (conn->told || conn->depth ||
	    ngtcp2_conn_initiate_key_update(conn->ng, now_ns(conn)) != 0)
		return EAGAIN;
	quic_conn_touch(conn);
	return 0;
}

/* ---- the endpoint ---- */

static const struct {
	const char *name, *labels, *help;
} counters[QUIC_COUNTERS] = {
	[QUIC_PACKETS_IN] = { "quic_packets_total", "dir=\"in\"",
			      "QUIC packets (UDP payloads)" },
	[QUIC_PACKETS_OUT] = { "quic_packets_total", "dir=\"out\"",
			       "QUIC packets (UDP payloads)" },
	[QUIC_DATAGRAMS_IN] = { "quic_datagrams_total", "dir=\"in\"",
				"DATAGRAM frames" },
	[QUIC_DATAGRAMS_OUT] = { "quic_datagrams_total", "dir=\"out\"",
				 "DATAGRAM frames" },
	[QUIC_HANDSHAKES_SERVER] = { "quic_handshakes_total",
				     "role=\"server\"",
				     "Handshakes completed" },
	[QUIC_HANDSHAKES_CLIENT] = { "quic_handshakes_total",
				     "role=\"client\"",
				     "Handshakes completed" },
	[QUIC_RETRIES] = { "quic_retries_total", NULL,
			   "Retry packets sent under load" },
	[QUIC_RESETS] = { "quic_resets_total", NULL,
			  "Stateless resets sent" },
	[QUIC_VERSIONS] = { "quic_version_negotiations_total", NULL,
			    "Version Negotiation packets sent" },
	[QUIC_MIGRATIONS] = { "quic_migrations_total", NULL,
			      "Changes of a client's address" },
	[QUIC_DROP_GARBAGE] = { "quic_dropped_total", "reason=\"garbage\"",
				"Packets dropped" },
	[QUIC_DROP_UNKNOWN] = { "quic_dropped_total",
				"reason=\"unknown-connection\"",
				"Packets dropped" },
	[QUIC_DROP_LIMIT] = { "quic_dropped_total", "reason=\"answer-limit\"",
			      "Packets dropped" },
	[QUIC_DROP_TOKEN] = { "quic_dropped_total", "reason=\"bad-token\"",
			      "Packets dropped" },
	[QUIC_DROP_FULL] = { "quic_dropped_total", "reason=\"refused\"",
			     "Packets dropped" },
	[QUIC_DROP_CLOSED] = { "quic_dropped_total", "reason=\"closing\"",
			       "Packets dropped" },
	[QUIC_DROP_SEND] = { "quic_dropped_total", "reason=\"send-error\"",
			     "Packets dropped" },
	[QUIC_CLOSE_LOCAL] = { "quic_closed_total", "reason=\"local\"",
			       "Connections closed" },
	[QUIC_CLOSE_PEER] = { "quic_closed_total", "reason=\"peer\"",
			      "Connections closed" },
	[QUIC_CLOSE_TIMEOUT] = { "quic_closed_total", "reason=\"timeout\"",
				 "Connections closed" },
	[QUIC_CLOSE_RESET] = { "quic_closed_total",
			       "reason=\"stateless-reset\"",
			       "Connections closed" },
	[QUIC_CLOSE_ERROR] = { "quic_closed_total", "reason=\"error\"",
			       "Connections closed" },
};

int quic_endpoint_new(struct quic_endpoint **epp, struct loop *loop,
		      const struct quic_config *config,
		      const struct quic_app *app, void *arg)
{
	struct quic_endpoint *ep = xzalloc(sizeof(*ep));

	ep->loop = loop;
	ep->config = *config;
	ep->app = app;
	ep->arg = arg;
	for (unsigned i = 0; i < QUIC_COUNTERS; i++)
		ep->counter[i] = metric_counter(counters[i].name,
						counters[i].labels,
						counters[i].help);
	ep->conns_gauge = metric_gauge("quic_connections", NULL,
				       "Open QUIC connections");
	quic_io_init(ep);
	if (config->tls && config->listen_fd >= 0)
		ep->listen = quic_socket_new(ep, config->listen_fd, NULL);
	ep->hook.fn = on_turn_end;
	ep->hook.arg = ep;
	loop_hook_add(loop, &ep->hook);
	*epp = ep;
	return 0;
}

void quic_endpoint_drain(struct quic_endpoint *ep)
{
	ep->draining = true;
}

void quic_endpoint_free(struct quic_endpoint **epp)
{
	struct quic_endpoint *ep = *epp;
	struct quic_conn *conn;

	if (!ep)
		return;
	*epp = NULL;
	ep->freeing = true;
	while (ep->conns.head) {
		conn = list_entry(ep->conns.head, struct quic_conn, le);
		/* ngtcp2 cannot go from inside one of its callbacks. */
		assert(!conn->depth);
		if (conn->state == QUIC_OPEN)
			quic_conn_close(conn, H3_NO_ERROR, 0,
					"the endpoint closes");
		else
			conn_bury(conn);
	}
	quic_tx_flush(ep);
	quic_socket_close(&ep->listen);
	loop_hook_remove(&ep->hook);
	timer_stop(&ep->kick);
	quic_io_free(ep);
	table_free(&ep->cids);
	mem_wipe(&ep->config, sizeof(ep->config));
	loop_defer_free(ep->loop, ep, free);
}
