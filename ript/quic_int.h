/* SPDX-License-Identifier: MIT */
/*
 * ript/quic_int.h - what the quic*.c files share; nobody else includes it.
 *
 * Owner:  the endpoint owns its connections, sockets and batches; a
 *         connection its IDs and, in the client role, its socket.
 * Loop:   worker.
 */
#ifndef RIPTIDE_RIPT_QUIC_INT_H
#define RIPTIDE_RIPT_QUIC_INT_H

#include <netinet/in.h>
#include <sys/socket.h>

#include <ngtcp2/ngtcp2_crypto.h>

#include "base/list.h"
#include "base/loop.h"
#include "base/metric.h"
#include "base/table.h"
#include "ript/quic.h"

struct tls_session;

#define QUIC_MAX_PAYLOAD 1452	/* fits Ethernet under IPv6 */
#define QUIC_CID_LEN 8		/* of the connection IDs that we issue */
#define QUIC_APP_NO_ERROR 0x100 /* H3_NO_ERROR: an orderly close */
#define QUIC_ACK_WAIT_NS (20 * NS_PER_MS)
#define QUIC_ACK_ROOM 24	/* beside a full datagram */
#define QUIC_STREAM_WINDOW 131072
#define QUIC_CONN_WINDOW 1048576
#define QUIC_UNI_STREAMS 64	/* control, QPACK, WebTransport */
#define QUIC_RX_BATCH 16	/* recvmmsg; each may be a GRO batch */
#define QUIC_RX_SIZE 65536
#define QUIC_TX_BATCH 64	/* sendmmsg */
#define QUIC_TX_ARENA 262144
#define QUIC_GSO_SEGMENTS 64	/* UDP_MAX_SEGMENTS of older kernels */
#define QUIC_GSO_OCTETS 65000
#define QUIC_ANSWERS_PER_S 1000 /* stateless resets, refusals, versions */
#define QUIC_SEND_WAIT_MS 2	/* for a full socket, once a turn */

enum quic_counter {
	QUIC_PACKETS_IN,
	QUIC_PACKETS_OUT,
	QUIC_DATAGRAMS_IN,
	QUIC_DATAGRAMS_OUT,
	QUIC_HANDSHAKES_SERVER,
	QUIC_HANDSHAKES_CLIENT,
	QUIC_RETRIES,
	QUIC_RESETS,
	QUIC_VERSIONS,
	QUIC_MIGRATIONS,
	QUIC_DROP_GARBAGE,	/* no QUIC packet */
	QUIC_DROP_UNKNOWN,	/* of no connection, nothing to answer */
	QUIC_DROP_WORKER,	/* an ID of another worker */
	QUIC_DROP_LIMIT,	/* answer withheld: too many of them */
	QUIC_DROP_TOKEN,	/* Initial with an invalid token */
	QUIC_DROP_FULL,		/* refused: max_conns, or draining */
	QUIC_DROP_CLOSED,	/* to a connection that is closing */
	QUIC_DROP_SEND,		/* the socket took it not */
	QUIC_CLOSE_LOCAL,
	QUIC_CLOSE_PEER,
	QUIC_CLOSE_TIMEOUT,
	QUIC_CLOSE_RESET,
	QUIC_CLOSE_ERROR,
	QUIC_COUNTERS
};

struct quic_socket {
	struct quic_endpoint *ep;
	struct quic_conn *conn;		/* client role; NULL: listening */
	struct loop_fd *watch;
	int fd;				/* -1: closed, freed with the turn */
	struct addr local;
	bool any_local;			/* bound to the wildcard address */
	bool gso;
};

/* The batch on its way out: one arena, messages of packets that lie behind
 * each other in it. */
struct quic_msg {
	uint8_t *data;
	size_t len;
	size_t segment;			/* size of each but the last */
	unsigned cnt;
	bool full;			/* its last packet was smaller */
	uint8_t ecn;
	ngtcp2_sockaddr_union local;
	ngtcp2_sockaddr_union remote;
	ngtcp2_socklen remote_len;
};

struct quic_tx {
	struct quic_socket *sock;
	uint8_t *arena;
	size_t used;
	struct quic_msg msg[QUIC_TX_BATCH];
	unsigned cnt;
	bool waited;			/* in this turn */
};

/* At most so many a second. */
struct quic_rate {
	uint64_t second;
	unsigned used;
};

struct quic_rx;

struct quic_endpoint {
	struct loop *loop;
	struct quic_config config;
	const struct quic_app *app;
	void *arg;
	struct quic_socket *listen;
	struct table cids;
	struct list conns;		/* all, closing ones too */
	struct list dirty;
	unsigned open_cnt;		/* conns that are not closing */
	struct loop_hook hook;
	struct timer kick;		/* a turn for the dirty list */
	struct quic_tx tx;
	struct quic_rx *rx;
	struct quic_rate handshakes;
	struct quic_rate answers;
	bool draining;
	bool freeing;
	struct metric *counter[QUIC_COUNTERS];
	struct metric *conns_gauge;
};

enum quic_state {
	QUIC_OPEN,		/* from the first packet on */
	QUIC_CLOSING,		/* we closed: stray packets get close_pkt */
	QUIC_DRAINING,		/* the peer closed: silence */
	QUIC_DEAD,		/* unlinked, freed with the turn */
};

struct quic_cid {
	struct table_node node;
	struct le le;			/* of conn->cids */
	struct quic_conn *conn;
	uint8_t len;
	uint8_t data[NGTCP2_MAX_CIDLEN];
};

struct quic_conn {
	struct le le;
	struct le dirty_le;
	struct quic_endpoint *ep;
	struct quic_socket *sock;	/* its own, or the listening one */
	ngtcp2_conn *ng;
	struct tls_session *tls;
	ngtcp2_crypto_conn_ref ref;
	enum quic_state state;
	bool client;
	bool handshaken;
	bool settled;			/* handshake confirmed by both */
	bool told;			/* closed() ran */
	bool close_wanted;		/* as soon as depth is 0 */
	bool stateless_reset;
	bool refused;			/* ICMP said that nobody listens */
	bool retry_wanted;
	bool heard;			/* a packet of the peer was read */
	bool prompt;			/* write in this turn, ACKs included */
	unsigned depth;			/* inside of ngtcp2 */
	struct timer timer;
	uint64_t due_ns;		/* timer may ring earlier: re-armed */
	uint64_t ack_by_ns;		/* 0: nothing to ack */
	uint64_t handshake_ms;
	ngtcp2_ccerr ccerr;		/* how we close */
	char reason[160];
	struct list cids;
	struct addr peer;
	void *arg;
	/* Closing period. */
	uint8_t *close_pkt;
	size_t close_len;
	unsigned close_seen;
	struct quic_msg *close_to;
};

/* ---- quic.c ---- */

struct quic_packet {
	ngtcp2_path path;
	ngtcp2_pkt_info pi;
	const uint8_t *data;
	size_t len;
};

static inline void quic_count(struct quic_endpoint *ep, enum quic_counter c,
			      uint64_t n)
{
	metric_add(ep->counter[c], n);
}

void quic_conn_read(struct quic_conn *conn, const struct quic_packet *pkt);
/* A server connection for the Initial @hd; NULL: TLS failed. */
struct quic_conn *quic_conn_accept(struct quic_endpoint *ep,
				   const ngtcp2_path *path,
				   const ngtcp2_pkt_hd *hd,
				   const ngtcp2_cid *odcid,
				   ngtcp2_token_type token_type);
/* The socket says that nobody listens at the peer's port: acted upon by the
 * connection's timer, at once. */
void quic_conn_refused(struct quic_conn *conn);

/* Ring no later than @at_ns. */
void quic_conn_arm(struct quic_conn *conn, uint64_t at_ns);

/* ---- quic_callbacks.c ---- */

extern const ngtcp2_callbacks quic_callbacks;
ngtcp2_conn *quic_get_conn(ngtcp2_crypto_conn_ref *ref);

/* ---- quic_close.c ---- */

/* Back from ngtcp2, which returned @rv: do what had to wait for it. */
void quic_conn_leave(struct quic_conn *conn, int rv);
/* closed() when nobody listens at the peer. */
void quic_conn_on_refused(struct quic_conn *conn);
/* A packet for a connection that is not open any more. */
void quic_conn_repeat_close(struct quic_conn *conn);
/* No packet finds it from here on; freed with the turn. */
void quic_conn_bury(struct quic_conn *conn);

/* ---- quic_accept.c ---- */

/* A packet of the listening socket. */
void quic_packet_in(struct quic_endpoint *ep, const struct quic_packet *pkt);

/* ---- quic_cid.c ---- */

/* Attach the steering program for @worker_cnt sockets.  Returns an errno. */
int quic_cid_steer(int fd, unsigned worker_cnt);
/* A new random ID that leads to this endpoint's worker. */
void quic_cid_make(const struct quic_endpoint *ep, ngtcp2_cid *cid,
		   size_t len);
/* Whether packets to this ID should come here. */
bool quic_cid_ours(const struct quic_endpoint *ep, const uint8_t *data,
		   size_t len);
void quic_cid_add(struct quic_conn *conn, const ngtcp2_cid *cid);
void quic_cid_remove(struct quic_conn *conn, const ngtcp2_cid *cid);
void quic_cid_remove_all(struct quic_conn *conn);
struct quic_conn *quic_cid_find(struct quic_endpoint *ep, const uint8_t *data,
				size_t len);

/* ---- quic_io.c ---- */

void quic_io_init(struct quic_endpoint *ep);
void quic_io_free(struct quic_endpoint *ep);
/* Takes @fd over only when it is not the listening one. */
struct quic_socket *quic_socket_new(struct quic_endpoint *ep, int fd,
				    struct quic_conn *conn);
/* A connected socket towards @to. */
int quic_socket_connect(struct quic_socket **sockp, struct quic_endpoint *ep,
			const struct addr *to, struct quic_conn *conn);
void quic_socket_close(struct quic_socket **sockp);

/* Room for a packet of at most @max octets from @sock. */
uint8_t *quic_tx_reserve(struct quic_endpoint *ep, struct quic_socket *sock,
			 size_t max);
/* The packet of @len octets is there; it goes with the batch. */
void quic_tx_commit(struct quic_endpoint *ep, const ngtcp2_path *path,
		    uint8_t ecn, size_t len);
void quic_tx_flush(struct quic_endpoint *ep);

#endif
