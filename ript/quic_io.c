/* SPDX-License-Identifier: MIT */
/*
 * Sockets and batches.  The kernel's cost per UDP packet is the limit of this
 * path, so packets come in by recvmmsg with UDP_GRO and leave by sendmmsg
 * with UDP_SEGMENT:
 *
 *   arena: [pkt][pkt][pkt] [pkt][pkt] [pkt]      packets of one loop turn
 *          `--- msg 0 ---' `- msg 1-' `msg 2     one path and size each
 */
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "ript/quic_int.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define SOCKET_BUFFER (4 * 1024 * 1024)
#define RX_ROUNDS 4		/* then others get their turn */

/* Octets of control data: destination, ECN, segment size. */
union control {
	struct cmsghdr align;
	uint8_t data[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
		     CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(int))];
};

struct quic_rx {
	struct mmsghdr msg[QUIC_RX_BATCH];
	struct iovec iov[QUIC_RX_BATCH];
	struct sockaddr_storage from[QUIC_RX_BATCH];
	union control control[QUIC_RX_BATCH];
	uint8_t *buf;
};

void quic_io_init(struct quic_endpoint *ep)
{
	struct quic_rx *rx = xzalloc(sizeof(*rx));

	rx->buf = xrealloc(NULL, (size_t)QUIC_RX_BATCH * QUIC_RX_SIZE);
	for (unsigned i = 0; i < QUIC_RX_BATCH; i++) {
		rx->iov[i].iov_base = rx->buf + (size_t)i * QUIC_RX_SIZE;
		rx->iov[i].iov_len = QUIC_RX_SIZE;
	}
	ep->rx = rx;
	ep->tx.arena = xrealloc(NULL, QUIC_TX_ARENA);
}

void quic_io_free(struct quic_endpoint *ep)
{
	if (ep->rx)
		free(ep->rx->buf);
	free(ep->rx);
	ep->rx = NULL;
	free(ep->tx.arena);
	ep->tx.arena = NULL;
}

/* ---- in ---- */

static void rx_control(const struct quic_socket *sock, struct msghdr *msg,
		       struct addr *local, size_t *segment, uint8_t *ecn)
{
	struct cmsghdr *c;
	int value;

	*local = sock->local;
	*segment = 0;
	*ecn = 0;
	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&value, CMSG_DATA(c), sizeof(value));
			*segment = value > 0 ? (size_t)value : 0;
		} else if (c->cmsg_level == IPPROTO_IP &&
			   c->cmsg_type == IP_TOS) {
			*ecn = *CMSG_DATA(c) & 3;
		} else if (c->cmsg_level == IPPROTO_IPV6 &&
			   c->cmsg_type == IPV6_TCLASS) {
			memcpy(&value, CMSG_DATA(c), sizeof(value));
			*ecn = (uint8_t)(value & 3);
		} else if (c->cmsg_level == IPPROTO_IP &&
			   c->cmsg_type == IP_PKTINFO && sock->any_local) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			((struct sockaddr_in *)&local->ss)->sin_addr =
				info.ipi_addr;
		} else if (c->cmsg_level == IPPROTO_IPV6 &&
			   c->cmsg_type == IPV6_PKTINFO && sock->any_local) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			((struct sockaddr_in6 *)&local->ss)->sin6_addr =
				info.ipi6_addr;
		}
	}
}

static void rx_message(struct quic_socket *sock, struct msghdr *msg,
		       const uint8_t *data, size_t len)
{
	struct quic_endpoint *ep = sock->ep;
	struct quic_packet pkt;
	size_t segment, part;
	struct addr local;
	uint8_t ecn;

	rx_control(sock, msg, &local, &segment, &ecn);
	if (!segment)
		segment = len;
	memset(&pkt, 0, sizeof(pkt));
	pkt.path.local.addr = (ngtcp2_sockaddr *)&local.ss;
	pkt.path.local.addrlen = local.len;
	pkt.path.remote.addr = msg->msg_name;
	pkt.path.remote.addrlen = msg->msg_namelen;
	if (sock->conn) {
		/* Connected: the kernel lets nobody else through. */
		pkt.path.remote.addr = (ngtcp2_sockaddr *)&sock->conn->peer.ss;
		pkt.path.remote.addrlen = sock->conn->peer.len;
	}
	pkt.pi.ecn = ecn;
	for (; len; data += part, len -= part) {
		part = len < segment ? len : segment;
		pkt.data = data;
		pkt.len = part;
		quic_count(ep, QUIC_PACKETS_IN, 1);
		if (!sock->conn)
			quic_packet_in(ep, &pkt);
		else
			quic_conn_read(sock->conn, &pkt);
	}
}

/* Returns how many were read; fewer than the batch: that was all. */
static unsigned rx_batch(struct quic_socket *sock)
{
	struct quic_rx *rx = sock->ep->rx;
	struct msghdr *h;
	int n;

	for (unsigned i = 0; i < QUIC_RX_BATCH; i++) {
		h = &rx->msg[i].msg_hdr;
		h->msg_name = &rx->from[i];
		h->msg_namelen = sizeof(rx->from[i]);
		h->msg_iov = &rx->iov[i];
		h->msg_iovlen = 1;
		h->msg_control = &rx->control[i];
		h->msg_controllen = sizeof(rx->control[i]);
		h->msg_flags = 0;
	}
	n = recvmmsg(sock->fd, rx->msg, QUIC_RX_BATCH, MSG_DONTWAIT, NULL);
	if (n < 0) {
		if (errno == ECONNREFUSED && sock->conn)
			quic_conn_refused(sock->conn);
		return 0;
	}
	for (int i = 0; i < n && sock->fd >= 0; i++) {
		h = &rx->msg[i].msg_hdr;
		if (h->msg_flags & MSG_TRUNC)
			quic_count(sock->ep, QUIC_DROP_GARBAGE, 1);
		else
			rx_message(sock, h, rx->iov[i].iov_base,
				   rx->msg[i].msg_len);
	}
	return (unsigned)n;
}

static void on_socket(unsigned events, void *arg)
{
	struct quic_socket *sock = arg;

	(void)events;
	for (unsigned i = 0; i < RX_ROUNDS && sock->fd >= 0; i++)
		if (rx_batch(sock) < QUIC_RX_BATCH)
			return;
}

/* ---- out ---- */

static void tx_header(const struct quic_socket *sock, struct quic_msg *m,
		      struct msghdr *h, union control *control, bool segments)
{
	struct cmsghdr *c;
	size_t used = 0;

	memset(control, 0, sizeof(*control));
	if (!sock->conn) {
		h->msg_name = &m->remote;
		h->msg_namelen = m->remote_len;
	}
	h->msg_control = control;
	h->msg_controllen = sizeof(*control);
	c = CMSG_FIRSTHDR(h);
	if (segments) {
		uint16_t size = (uint16_t)m->segment;

		c->cmsg_level = SOL_UDP;
		c->cmsg_type = UDP_SEGMENT;
		c->cmsg_len = CMSG_LEN(sizeof(size));
		memcpy(CMSG_DATA(c), &size, sizeof(size));
		used += CMSG_SPACE(sizeof(size));
		c = (struct cmsghdr *)(void *)((uint8_t *)control + used);
	}
	if (m->ecn) {
		int tos = m->ecn;
		bool v6 = m->remote.sa.sa_family == AF_INET6;

		c->cmsg_level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
		c->cmsg_type = v6 ? IPV6_TCLASS : IP_TOS;
		c->cmsg_len = CMSG_LEN(sizeof(tos));
		memcpy(CMSG_DATA(c), &tos, sizeof(tos));
		used += CMSG_SPACE(sizeof(tos));
		c = (struct cmsghdr *)(void *)((uint8_t *)control + used);
	}
	/* Answer from the address that was asked. */
	if (sock->any_local && m->local.sa.sa_family == AF_INET) {
		struct in_pktinfo info = {
			.ipi_spec_dst = m->local.in.sin_addr,
		};

		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		used += CMSG_SPACE(sizeof(info));
	} else if (sock->any_local && m->local.sa.sa_family == AF_INET6) {
		struct in6_pktinfo info = {
			.ipi6_addr = m->local.in6.sin6_addr,
		};

		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		used += CMSG_SPACE(sizeof(info));
	}
	h->msg_controllen = used;
	if (!used)
		h->msg_control = NULL;
}

/* Packet by packet, where the device cannot segment. */
static void tx_single(struct quic_socket *sock, struct quic_msg *m)
{
	union control control;
	struct msghdr h;
	struct iovec iov;
	size_t off, len;

	for (off = 0; off < m->len; off += len) {
		len = m->len - off < m->segment ? m->len - off : m->segment;
		memset(&h, 0, sizeof(h));
		iov.iov_base = m->data + off;
		iov.iov_len = len;
		h.msg_iov = &iov;
		h.msg_iovlen = 1;
		tx_header(sock, m, &h, &control, false);
		if (sendmsg(sock->fd, &h, MSG_DONTWAIT) < 0)
			quic_count(sock->ep, QUIC_DROP_SEND, 1);
	}
}

/* One message was not taken: what becomes of it? */
static void tx_failed(struct quic_socket *sock, struct quic_msg *m, int err)
{
	if ((err == EIO || err == EINVAL) && m->cnt > 1) {
		sock->gso = false;
		tx_single(sock, m);
		return;
	}
	/* The path's MTU is smaller than a probe hoped: nothing is lost. */
	if (err == EMSGSIZE)
		return;
	/* A full buffer, a route that went: lost, as any packet may be. */
	quic_count(sock->ep, QUIC_DROP_SEND, m->cnt);
}

/* The device is behind.  A moment of patience saves the batch; but once a
 * turn, or one dead neighbour on the LAN would hold the worker. */
static bool tx_wait(struct quic_socket *sock)
{
	struct pollfd poll_fd = { .fd = sock->fd, .events = POLLOUT };

	if (sock->ep->tx.waited)
		return false;
	sock->ep->tx.waited = true;
	return poll(&poll_fd, 1, QUIC_SEND_WAIT_MS) == 1;
}

void quic_tx_flush(struct quic_endpoint *ep)
{
	struct quic_tx *tx = &ep->tx;
	struct quic_socket *sock = tx->sock;
	union control control[QUIC_TX_BATCH];
	struct mmsghdr msg[QUIC_TX_BATCH];
	struct iovec iov[QUIC_TX_BATCH];
	bool retried = false;
	unsigned i, done = 0;
	int n;

	if (!tx->cnt)
		goto out;
	memset(msg, 0, tx->cnt * sizeof(msg[0]));
	for (i = 0; i < tx->cnt; i++) {
		iov[i].iov_base = tx->msg[i].data;
		iov[i].iov_len = tx->msg[i].len;
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
		tx_header(sock, &tx->msg[i], &msg[i].msg_hdr, &control[i],
			  tx->msg[i].cnt > 1);
	}
	while (done < tx->cnt) {
		n = sendmmsg(sock->fd, msg + done, tx->cnt - done,
			     MSG_DONTWAIT);
		if (n > 0) {
			done += (unsigned)n;
			retried = false;
		} else if (errno == EAGAIN && tx_wait(sock)) {
			continue;
		} else if ((errno == EINTR || errno == ECONNREFUSED) &&
			   !retried) {
			/* It told of an earlier packet. */
			retried = true;
			if (errno == ECONNREFUSED && sock->conn)
				quic_conn_refused(sock->conn);
		} else {
			tx_failed(sock, &tx->msg[done++], errno);
			retried = false;
		}
	}
out:
	tx->cnt = 0;
	tx->used = 0;
	tx->sock = NULL;
}

uint8_t *quic_tx_reserve(struct quic_endpoint *ep, struct quic_socket *sock,
			 size_t max)
{
	struct quic_tx *tx = &ep->tx;

	if (tx->sock != sock || tx->used + max > QUIC_TX_ARENA ||
	    tx->cnt == QUIC_TX_BATCH)
		quic_tx_flush(ep);
	tx->sock = sock;
	return tx->arena + tx->used;
}

static bool addr_same(const ngtcp2_sockaddr_union *a, const ngtcp2_addr *b)
{
	if (a->sa.sa_family != b->addr->sa_family)
		return false;
	if (a->sa.sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)b->addr;

		return a->in.sin_port == in->sin_port &&
		       a->in.sin_addr.s_addr == in->sin_addr.s_addr;
	}
	return memcmp(a, b->addr, sizeof(a->in6)) == 0;
}

static void addr_keep(ngtcp2_sockaddr_union *out, const ngtcp2_addr *addr)
{
	size_t len = addr->addrlen < sizeof(*out) ? addr->addrlen
						  : sizeof(*out);

	memset(out, 0, sizeof(*out));
	memcpy(out, addr->addr, len);
}

void quic_tx_commit(struct quic_endpoint *ep, const ngtcp2_path *path,
		    uint8_t ecn, size_t len)
{
	struct quic_tx *tx = &ep->tx;
	struct quic_msg *m = tx->cnt ? &tx->msg[tx->cnt - 1] : NULL;
	uint8_t *data = tx->arena + tx->used;

	tx->used += len;
	if (m && tx->sock->gso && !m->full && len <= m->segment &&
	    m->cnt < QUIC_GSO_SEGMENTS && m->len + len <= QUIC_GSO_OCTETS &&
	    m->ecn == ecn && addr_same(&m->remote, &path->remote) &&
	    addr_same(&m->local, &path->local)) {
		m->full = len < m->segment;
		m->len += len;
		m->cnt++;
		return;
	}
	m = &tx->msg[tx->cnt++];
	m->data = data;
	m->len = len;
	m->segment = len;
	m->cnt = 1;
	m->full = false;
	m->ecn = ecn;
	addr_keep(&m->local, &path->local);
	addr_keep(&m->remote, &path->remote);
	m->remote_len = path->remote.addrlen;
}

/* ---- sockets ---- */

static void set_int(int fd, int level, int name, int value)
{
	/* All of these make things better, none is needed. */
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

static void socket_setup(int fd, int family)
{
	int size = SOCKET_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		set_int(fd, SOL_SOCKET, SO_RCVBUF, size);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		set_int(fd, SOL_SOCKET, SO_SNDBUF, size);
	set_int(fd, SOL_UDP, UDP_GRO, 1);
	if (family == AF_INET6) {
		/* QUIC packets are never fragmented (RFC 9000, 14). */
		set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
			IPV6_PMTUDISC_DO);
		set_int(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
	} else {
		set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
		set_int(fd, IPPROTO_IP, IP_RECVTOS, 1);
	}
}

static bool addr_is_any(const struct addr *addr)
{
	if (addr->ss.ss_family == AF_INET)
		return ((const struct sockaddr_in *)&addr->ss)
			       ->sin_addr.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(
		&((const struct sockaddr_in6 *)&addr->ss)->sin6_addr);
}

static int addr_of_socket(int fd, struct addr *addr)
{
	addr->len = sizeof(addr->ss);
	if (getsockname(fd, (struct sockaddr *)&addr->ss, &addr->len) != 0)
		return errno;
	return 0;
}

struct quic_socket *quic_socket_new(struct quic_endpoint *ep, int fd,
				    struct quic_conn *conn)
{
	struct quic_socket *sock = xzalloc(sizeof(*sock));

	sock->ep = ep;
	sock->fd = fd;
	sock->conn = conn;
	sock->gso = true;
	addr_of_socket(fd, &sock->local);
	sock->any_local = !conn && addr_is_any(&sock->local);
	if (sock->any_local && sock->local.ss.ss_family == AF_INET6)
		set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	else if (sock->any_local)
		set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
	sock->watch = loop_watch(ep->loop, fd, LOOP_READ, on_socket, sock);
	return sock;
}

int quic_socket_connect(struct quic_socket **sockp, struct quic_endpoint *ep,
			const struct addr *to, struct quic_conn *conn)
{
	int fd, err;

	fd = socket(to->ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		    0);
	if (fd < 0)
		return errno;
	socket_setup(fd, to->ss.ss_family);
	if (connect(fd, (const struct sockaddr *)&to->ss, to->len) != 0) {
		err = errno;
		close(fd);
		return err;
	}
	*sockp = quic_socket_new(ep, fd, conn);
	return 0;
}

void quic_socket_close(struct quic_socket **sockp)
{
	struct quic_socket *sock = *sockp;

	if (!sock)
		return;
	*sockp = NULL;
	loop_unwatch(&sock->watch);
	if (sock->conn)
		close(sock->fd);
	sock->fd = -1;
	/* It may be the one that is being read. */
	loop_defer_free(sock->ep->loop, sock, free);
}

int quic_listen(int *fds, unsigned worker_cnt, const struct addr *at,
		struct addr *bound)
{
	struct addr addr = *at;
	unsigned i, cnt = 0;
	int fd, err = 0, on = 1;

	for (i = 0; i < worker_cnt && !err; i++) {
		fd = socket(addr.ss.ss_family,
			    SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fd < 0) {
			err = errno;
			break;
		}
		fds[cnt++] = fd;
		socket_setup(fd, addr.ss.ss_family);
		if (addr.ss.ss_family == AF_INET6)
			set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
		/* The first one alone: so that another process's port is
		 * not joined by mistake. */
		if (i > 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on,
					sizeof(on)) != 0)
			err = errno;
		else if (bind(fd, (struct sockaddr *)&addr.ss, addr.len) != 0)
			err = errno;
		/* Port 0 was the kernel's choice: all have the same. */
		if (!err && i == 0)
			err = addr_of_socket(fd, &addr);
		if (!err && i == 0 && worker_cnt > 1) {
			if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on,
				       sizeof(on)) != 0)
				err = errno;
		}
	}
	/* The index that the program returns is the order of binding. */
	if (!err && worker_cnt > 1)
		err = quic_cid_steer(fds[0], worker_cnt);
	if (err) {
		while (cnt)
			close(fds[--cnt]);
		return err;
	}
	*bound = addr;
	return 0;
}
