/* SPDX-License-Identifier: MIT */
/* What ngtcp2 calls: most of it goes on to quic_app. */
#include <string.h>

#include "ript/quic_int.h"
#include "ript/tls.h"

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
		path->remote.addrlen, quic_conn_now_ns(conn));
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

ngtcp2_conn *quic_get_conn(ngtcp2_crypto_conn_ref *ref)
{
	return ((struct quic_conn *)ref->user_data)->ng;
}

const ngtcp2_callbacks quic_callbacks = {
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
