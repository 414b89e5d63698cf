/* SPDX-License-Identifier: MIT */
/*
 * The end of a connection, whoever wants it.
 *
 *   OPEN --we close---> CLOSING   stray packets get CONNECTION_CLOSE again
 *        --peer closes-> DRAINING silence
 *        --time out----> DEAD     nothing is said
 *
 * closed() is told at once in each case; what remains is a small record, for
 * three PTOs, that keeps late packets from looking like strangers'.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ript/quic_int.h"
#include "ript/tls.h"

#define REASON_ON_WIRE 120

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
void quic_conn_bury(struct quic_conn *conn)
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
		quic_conn_bury(conn);
		return;
	}
	conn->state = state;
	list_unlink(&conn->dirty_le);
	ngtcp2_conn_del(conn->ng);
	conn->ng = NULL;
	tls_session_free(&conn->tls);
	timer_stop(&conn->timer);
	quic_conn_arm(conn, quic_conn_now_ns(conn) + 3 * pto);
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
	buf = quic_tx_reserve(ep, conn->sock, QUIC_MAX_PAYLOAD);
	n = ngtcp2_conn_write_connection_close(conn->ng, &ps.path, &pi, buf,
					       QUIC_MAX_PAYLOAD, &conn->ccerr,
					       quic_conn_now_ns(conn));
	if (n <= 0) {
		quic_conn_bury(conn);
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
void quic_conn_repeat_close(struct quic_conn *conn)
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
		err = code == QUIC_APP_NO_ERROR ? 0 : ECONNRESET;
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
		quic_conn_bury(conn);
		return;
	case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
		snprintf(text, size, "no handshake within %" PRIu64 " ms",
			 conn->handshake_ms);
		quic_count(ep, QUIC_CLOSE_TIMEOUT, 1);
		conn_tell(conn, ETIMEDOUT, text);
		quic_conn_bury(conn);
		return;
	case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
		quic_count(ep, QUIC_CLOSE_PEER, 1);
		conn_tell(conn, ECONNREFUSED,
			  "the peer does not speak QUIC version 1");
		quic_conn_bury(conn);
		return;
	case NGTCP2_ERR_DROP_CONN:
		quic_count(ep, QUIC_CLOSE_ERROR, 1);
		conn_tell(conn, ECONNRESET,
			  "the peer's first packet began no connection");
		quic_conn_bury(conn);
		return;
	case NGTCP2_ERR_RETRY:
		/* A ClientHello in pieces: buffered for a proven address. */
		conn->retry_wanted = true;
		conn_tell(conn, ECONNRESET, "the peer has to prove its "
			  "address first (Retry)");
		quic_conn_bury(conn);
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
void quic_conn_leave(struct quic_conn *conn, int rv)
{
	conn->depth--;
	if (conn->close_wanted)
		conn_shutdown(conn);
	else if (rv != 0)
		conn_on_error(conn, rv);
}

void quic_conn_refused(struct quic_conn *conn)
{
	/* Later it is a lost packet like others: ICMP is easily forged. */
	if (conn->heard || conn->told)
		return;
	conn->refused = true;
	quic_conn_arm(conn, 0);
}

void quic_conn_on_refused(struct quic_conn *conn)
{
	char to[ADDR_TEXT_LEN];

	addr_print(to, &conn->peer);
	snprintf(conn->reason, sizeof(conn->reason), "nobody listens at %s",
		 to);
	quic_count(conn->ep, QUIC_CLOSE_ERROR, 1);
	conn_tell(conn, ECONNREFUSED, conn->reason);
	quic_conn_bury(conn);
}
