/* SPDX-License-Identifier: MIT */
#include "ript/quic.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ript/quic_int.h"
#include "ript/tls.h"

#define SERVER_HANDSHAKE_MS 10000

/* ---- time ---- */

static uint64_t now_ns(const struct quic_conn *conn)
{
	return loop_now_ns(conn->ep->loop);
}

static void on_timer(void *arg);

/* A later time leaves the heap alone: the timer looks at due_ns when it rings
 * (expiry moves with every packet). */
void quic_conn_arm(struct quic_conn *conn, uint64_t at_ns)
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

/* ---- reading ---- */

void quic_conn_read(struct quic_conn *conn, const struct quic_packet *pkt)
{
	struct quic_endpoint *ep = conn->ep;
	uint64_t now = now_ns(conn);
	int rv;

	if (conn->state != QUIC_OPEN) {
		if (conn->state != QUIC_DEAD)
			quic_conn_repeat_close(conn);
		return;
	}
	conn->heard = true;
	conn->depth++;
	rv = ngtcp2_conn_read_pkt(conn->ng, &pkt->path, &pkt->pi, pkt->data,
				  pkt->len, now);
	quic_conn_leave(conn, rv);
	if (conn->state != QUIC_OPEN)
		return;

	if (conn->prompt || !conn->settled || ep->app->urgent(conn->arg)) {
		quic_conn_touch(conn);
	} else if (!conn->ack_by_ns) {
		conn->ack_by_ns = now + QUIC_ACK_WAIT_NS;
		if (conn->ack_by_ns < conn->due_ns)
			quic_conn_arm(conn, conn->ack_by_ns);
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
	quic_conn_leave(conn, n < 0 ? (int)n : 0);
	if (conn->state != QUIC_OPEN)
		return;
	conn->prompt = false;
	conn->ack_by_ns = 0;
	quic_conn_arm(conn, ngtcp2_conn_get_expiry(conn->ng));
}

static void on_turn_end(void *arg)
{
	struct quic_endpoint *ep = arg;
	size_t budget = ep->dirty.count;
	struct le *le;

	timer_stop(&ep->kick);
	ep->tx.waited = false;
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
			quic_conn_arm(conn, conn->due_ns);
		return;
	}
	if (conn->state != QUIC_OPEN) {
		quic_conn_bury(conn);
		return;
	}
	if (conn->refused) {
		quic_conn_on_refused(conn);
		return;
	}
	if (ngtcp2_conn_get_expiry(conn->ng) <= now) {
		conn->depth++;
		rv = ngtcp2_conn_handle_expiry(conn->ng, now);
		quic_conn_leave(conn, rv);
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
	set->max_tx_udp_payload_size = QUIC_MAX_PAYLOAD;
	/* Whatever is written carries the ACK.  When to write for an ACK
	 * alone is decided in quic_conn_read(). */
	set->ack_thresh = 1;

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
	conn->ref.get_conn = quic_get_conn;
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
				   hd->version, &quic_callbacks, &set, &tp,
				   NULL, conn) != 0) {
		quic_conn_bury(conn);
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
				   NGTCP2_PROTO_VER_V1, &quic_callbacks, &set,
				   &tp, NULL, conn) != 0) {
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
	quic_conn_bury(conn);
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
	/* Header, packet number, tag; type and length of the frame; and the
	 * ACK, which would else take a packet of its own. */
	overhead = 1 + ngtcp2_conn_get_dcid(conn->ng)->datalen + 4 + 16 + 3 +
		   QUIC_ACK_ROOM;
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
	[QUIC_DROP_WORKER] = { "quic_dropped_total",
			       "reason=\"other-worker\"",
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
			quic_conn_close(conn, QUIC_APP_NO_ERROR, 0,
					"the endpoint closes");
		else
			quic_conn_bury(conn);
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
