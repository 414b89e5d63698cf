/* SPDX-License-Identifier: MIT */
/*
 * The door of a server: packets of no connection that we know.
 *
 *   packet -> known connection ID ------------------------> quic_conn_read
 *          -> unknown version ----------------------------> Version Negotiation
 *          -> ID of another worker -----------------------> dropped
 *          -> short header -------------------------------> stateless reset
 *          -> Initial -> draining or full ----------------> CONNECTION_REFUSED
 *                     -> too many a second, no token -----> Retry
 *                     -> bad token -----------------------> INVALID_TOKEN
 *                     -> else ----------------------------> new connection
 *
 * Every answer is smaller than what caused it or, for a Retry, about as large
 * as an eighth of it; all but Retry are limited in number.
 */
#include <string.h>

#include "ript/quic_int.h"

#define TOKEN_LIFE_NS (UINT64_C(10) * NS_PER_S)		/* Retry */
#define REGULAR_LIFE_NS (UINT64_C(86400) * NS_PER_S)	/* NEW_TOKEN */
#define RESET_MIN_PACKET (1 + QUIC_CID_LEN + 21)

static bool rate_take(struct quic_rate *rate, uint64_t now_ns, unsigned per_s)
{
	uint64_t second = now_ns / NS_PER_S;

	if (rate->second != second) {
		rate->second = second;
		rate->used = 0;
	}
	if (rate->used >= per_s)
		return false;
	rate->used++;
	return true;
}

static bool answer_allowed(struct quic_endpoint *ep)
{
	if (rate_take(&ep->answers, loop_now_ns(ep->loop), QUIC_ANSWERS_PER_S))
		return true;
	quic_count(ep, QUIC_DROP_LIMIT, 1);
	return false;
}

static uint8_t *answer_begin(struct quic_endpoint *ep)
{
	return quic_tx_reserve(ep, ep->listen, NGTCP2_MAX_UDP_PAYLOAD_SIZE);
}

static void answer_end(struct quic_endpoint *ep, const ngtcp2_path *path,
		       ngtcp2_ssize len)
{
	if (len <= 0)
		return;
	quic_tx_commit(ep, path, 0, (size_t)len);
	quic_count(ep, QUIC_PACKETS_OUT, 1);
}

static void send_versions(struct quic_endpoint *ep, const ngtcp2_path *path,
			  const ngtcp2_version_cid *vc)
{
	/* A greased one keeps clients honest (RFC 9000, 6.3). */
	uint32_t versions[2] = { 0x0a1a2a3a, NGTCP2_PROTO_VER_V1 };
	uint8_t noise;

	if (!answer_allowed(ep))
		return;
	random_bytes(&noise, 1);
	quic_count(ep, QUIC_VERSIONS, 1);
	answer_end(ep, path,
		   ngtcp2_pkt_write_version_negotiation(
			   answer_begin(ep), NGTCP2_MAX_UDP_PAYLOAD_SIZE,
			   noise, vc->scid, vc->scidlen, vc->dcid, vc->dcidlen,
			   versions, 2));
}

/* A short packet of nobody: perhaps of a connection before our restart.  The
 * answer is smaller, so two endpoints cannot reset each other for ever. */
static void send_reset(struct quic_endpoint *ep, const struct quic_packet *pkt,
		       const ngtcp2_version_cid *vc)
{
	uint8_t token[NGTCP2_STATELESS_RESET_TOKENLEN];
	uint8_t noise[NGTCP2_MIN_STATELESS_RESET_RANDLEN + 16];
	size_t noise_len = sizeof(noise);
	ngtcp2_cid cid;

	if (pkt->len < RESET_MIN_PACKET) {
		quic_count(ep, QUIC_DROP_UNKNOWN, 1);
		return;
	}
	if (!answer_allowed(ep))
		return;
	if (noise_len + sizeof(token) >= pkt->len)
		noise_len = pkt->len - sizeof(token) - 1;
	ngtcp2_cid_init(&cid, vc->dcid, vc->dcidlen);
	if (ngtcp2_crypto_generate_stateless_reset_token(
		    token, ep->config.reset_secret,
		    sizeof(ep->config.reset_secret), &cid) != 0)
		return;
	random_bytes(noise, noise_len);
	quic_count(ep, QUIC_RESETS, 1);
	answer_end(ep, &pkt->path,
		   ngtcp2_pkt_write_stateless_reset(
			   answer_begin(ep), NGTCP2_MAX_UDP_PAYLOAD_SIZE,
			   token, noise, noise_len));
}

static void send_retry(struct quic_endpoint *ep, const ngtcp2_path *path,
		       const ngtcp2_pkt_hd *hd)
{
	uint8_t token[NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN2];
	ngtcp2_ssize len;
	ngtcp2_cid scid;

	/* The next Initial carries this ID: it must come here again. */
	quic_cid_make(ep, &scid, QUIC_CID_LEN);
	len = ngtcp2_crypto_generate_retry_token2(
		token, ep->config.retry_secret,
		sizeof(ep->config.retry_secret), hd->version,
		path->remote.addr, path->remote.addrlen, &scid, &hd->dcid,
		loop_now_ns(ep->loop));
	if (len < 0)
		return;
	quic_count(ep, QUIC_RETRIES, 1);
	answer_end(ep, path,
		   ngtcp2_crypto_write_retry(answer_begin(ep),
					     NGTCP2_MAX_UDP_PAYLOAD_SIZE,
					     hd->version, &hd->scid, &scid,
					     &hd->dcid, token, (size_t)len));
}

static void send_refusal(struct quic_endpoint *ep, const ngtcp2_path *path,
			 const ngtcp2_pkt_hd *hd, uint64_t code)
{
	if (!answer_allowed(ep))
		return;
	answer_end(ep, path,
		   ngtcp2_crypto_write_connection_close(
			   answer_begin(ep), NGTCP2_MAX_UDP_PAYLOAD_SIZE,
			   hd->version, &hd->scid, &hd->dcid, code, NULL, 0));
}

enum token { TOKEN_NONE, TOKEN_RETRY, TOKEN_REGULAR, TOKEN_BAD };

/* What the token of an Initial is worth; @odcid is set for TOKEN_RETRY. */
static enum token token_judge(struct quic_endpoint *ep,
			      const ngtcp2_path *path, const ngtcp2_pkt_hd *hd,
			      ngtcp2_cid *odcid)
{
	const uint8_t *secret = ep->config.retry_secret;
	size_t secret_len = sizeof(ep->config.retry_secret);
	uint64_t now = loop_now_ns(ep->loop);
	int rv;

	if (!hd->tokenlen)
		return TOKEN_NONE;
	switch (hd->token[0]) {
	case NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY2:
		rv = ngtcp2_crypto_verify_retry_token2(
			odcid, hd->token, hd->tokenlen, secret, secret_len,
			hd->version, path->remote.addr, path->remote.addrlen,
			&hd->dcid, TOKEN_LIFE_NS, now);
		if (rv == 0)
			return TOKEN_RETRY;
		/* Not made with our secret: as if it had none. */
		return rv == NGTCP2_CRYPTO_ERR_UNREADABLE_TOKEN ? TOKEN_NONE
								: TOKEN_BAD;
	case NGTCP2_CRYPTO_TOKEN_MAGIC_REGULAR:
		rv = ngtcp2_crypto_verify_regular_token(
			hd->token, hd->tokenlen, secret, secret_len,
			path->remote.addr, path->remote.addrlen,
			REGULAR_LIFE_NS, now);
		return rv == 0 ? TOKEN_REGULAR : TOKEN_NONE;
	default:
		return TOKEN_NONE;
	}
}

static void on_initial(struct quic_endpoint *ep, const struct quic_packet *pkt,
		       const ngtcp2_pkt_hd *hd)
{
	ngtcp2_token_type type = NGTCP2_TOKEN_TYPE_UNKNOWN;
	struct quic_conn *conn;
	ngtcp2_cid odcid;
	enum token token;

	if (ep->draining || ep->open_cnt >= ep->config.max_conns) {
		quic_count(ep, QUIC_DROP_FULL, 1);
		send_refusal(ep, &pkt->path, hd, NGTCP2_CONNECTION_REFUSED);
		return;
	}
	token = token_judge(ep, &pkt->path, hd, &odcid);
	if (token == TOKEN_BAD) {
		quic_count(ep, QUIC_DROP_TOKEN, 1);
		send_refusal(ep, &pkt->path, hd, NGTCP2_INVALID_TOKEN);
		return;
	}
	/* With a token the address is known to be no forgery. */
	if (token == TOKEN_NONE) {
		if (hd->dcid.datalen < NGTCP2_MIN_INITIAL_DCIDLEN) {
			quic_count(ep, QUIC_DROP_GARBAGE, 1);
			return;
		}
		if (!rate_take(&ep->handshakes, loop_now_ns(ep->loop),
			       ep->config.handshakes_per_s)) {
			send_retry(ep, &pkt->path, hd);
			return;
		}
	}
	if (token == TOKEN_RETRY)
		type = NGTCP2_TOKEN_TYPE_RETRY;
	else if (token == TOKEN_REGULAR)
		type = NGTCP2_TOKEN_TYPE_NEW_TOKEN;
	conn = quic_conn_accept(ep, &pkt->path, hd,
				token == TOKEN_RETRY ? &odcid : NULL, type);
	if (!conn)
		return;
	quic_conn_read(conn, pkt);
	if (conn->retry_wanted)
		send_retry(ep, &pkt->path, hd);
}

void quic_packet_in(struct quic_endpoint *ep, const struct quic_packet *pkt)
{
	ngtcp2_version_cid vc;
	struct quic_conn *conn;
	ngtcp2_pkt_hd hd;
	int rv;

	rv = ngtcp2_pkt_decode_version_cid(&vc, pkt->data, pkt->len,
					   QUIC_CID_LEN);
	if (rv == NGTCP2_ERR_VERSION_NEGOTIATION) {
		send_versions(ep, &pkt->path, &vc);
		return;
	}
	if (rv != 0) {
		quic_count(ep, QUIC_DROP_GARBAGE, 1);
		return;
	}
	conn = quic_cid_find(ep, vc.dcid, vc.dcidlen);
	if (conn) {
		quic_conn_read(conn, pkt);
		return;
	}
	/* GRO glues packets of one address together, whosever they are, and
	 * steering looks at the first: no connection may be reset for that. */
	if (!quic_cid_ours(ep, vc.dcid, vc.dcidlen))
		quic_count(ep, QUIC_DROP_WORKER, 1);
	else if (!(pkt->data[0] & 0x80))
		send_reset(ep, pkt, &vc);
	else if (vc.version && ngtcp2_accept(&hd, pkt->data, pkt->len) == 0)
		on_initial(ep, pkt, &hd);
	else
		quic_count(ep, QUIC_DROP_UNKNOWN, 1);
}
