/* SPDX-License-Identifier: MIT */
#include "media/rtp_port.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mem.h"

#define PACKET_MAX 2048		/* longer ones are cut, so no RTP */
#define BATCH 8
#define BUSY_NS (5 * NS_PER_MS)	/* read again so soon: more may wait */
#define TRIES 64		/* pairs that others may hold */
#define TOS_EF 0xb8		/* RFC 3246: expedited forwarding */

/*
 * Free pairs in the order of their release, so that the one that rested
 * longest is next:
 *
 *   head -> [pair 7][pair 2] ... [pair 9, rests until t] <- tail
 */
struct rtp_range {
	struct addr address;
	uint16_t first;
	unsigned pair_cnt;
	uint64_t quarantine_ns;
	uint64_t (*clock_ns)(void);

	pthread_mutex_t lock;
	unsigned *queue;		/* LOCK: lock; pair indexes */
	uint64_t *rests_until_ns;	/* LOCK: lock; by pair */
	unsigned head, queued;		/* LOCK: lock */
};

struct rtp_socket {
	struct rtp_port *port;
	struct loop_fd *watch;
	int fd;
	bool rtcp;
	uint64_t read_ns;
};

struct rtp_port {
	struct rtp_range *range;
	unsigned pair;
	struct rtp_socket rtp, rtcp;
	struct loop *loop;
	rtp_port_h *fn;
	void *arg;
	bool *gone;		/* set when closed within fn */
};

/* ---- range ---- */

static uint16_t port_of(const struct rtp_range *range, unsigned pair)
{
	return (uint16_t)(range->first + 2 * pair);
}

struct rtp_range *rtp_range_new(const struct addr *address, uint16_t first,
				uint16_t last, uint64_t quarantine_ms)
{
	struct rtp_range *range = xzalloc(sizeof(*range));
	uint32_t random;
	unsigned i, j;

	range->address = *address;
	range->first = (uint16_t)(first + (first & 1));
	if (last > range->first)
		range->pair_cnt = (unsigned)(last - range->first + 1) / 2;
	range->quarantine_ns = quarantine_ms * NS_PER_MS;
	range->clock_ns = clock_mono_ns;
	pthread_mutex_init(&range->lock, NULL);
	range->queue = xcalloc(range->pair_cnt + 1, sizeof(*range->queue));
	range->rests_until_ns =
		xcalloc(range->pair_cnt + 1, sizeof(*range->rests_until_ns));
	range->queued = range->pair_cnt;

	/* Shuffled: whoever guesses at ports learns nothing from one. */
	for (i = 0; i < range->pair_cnt; i++) {
		random_bytes(&random, sizeof(random));
		j = random % (i + 1);
		range->queue[i] = range->queue[j];
		range->queue[j] = i;
	}
	return range;
}

void rtp_range_set_clock(struct rtp_range *range, uint64_t (*clock_ns)(void))
{
	range->clock_ns = clock_ns;
}

void rtp_range_free(struct rtp_range **rangep)
{
	struct rtp_range *range = *rangep;

	if (!range)
		return;
	*rangep = NULL;
	pthread_mutex_destroy(&range->lock);
	free(range->queue);
	free(range->rests_until_ns);
	free(range);
}

void rtp_range_count(struct rtp_range *range, unsigned *used,
		     unsigned *resting, unsigned *unused)
{
	uint64_t now = range->clock_ns();
	unsigned i, pair;

	pthread_mutex_lock(&range->lock);
	*used = range->pair_cnt - range->queued;
	*resting = 0;
	for (i = 0; i < range->queued; i++) {
		pair = range->queue[(range->head + i) % range->pair_cnt];
		if (range->rests_until_ns[pair] > now)
			(*resting)++;
	}
	*unused = range->queued - *resting;
	pthread_mutex_unlock(&range->lock);
}

/* Returns the pair or -1: none is free. */
static int range_take(struct rtp_range *range)
{
	uint64_t now = range->clock_ns();
	unsigned pair;
	int taken = -1;

	pthread_mutex_lock(&range->lock);
	if (range->queued) {
		pair = range->queue[range->head];
		if (range->rests_until_ns[pair] <= now) {
			range->head = (range->head + 1) % range->pair_cnt;
			range->queued--;
			taken = (int)pair;
		}
	}
	pthread_mutex_unlock(&range->lock);
	return taken;
}

static void range_give(struct rtp_range *range, unsigned pair)
{
	uint64_t now = range->clock_ns();

	pthread_mutex_lock(&range->lock);
	range->rests_until_ns[pair] = now + range->quarantine_ns;
	range->queue[(range->head + range->queued) % range->pair_cnt] = pair;
	range->queued++;
	pthread_mutex_unlock(&range->lock);
}

/* ---- opening ---- */

static int open_socket(int *fdp, const struct addr *address, uint16_t port)
{
	struct addr at = *address;
	int family = address->ss.ss_family, one = 1, tos = TOS_EF, fd, err;

	addr_set_port(&at, port);
	fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	/* Marking is a wish: a refusal changes nothing. */
	if (family == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
		setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
	} else {
		setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	}
	if (bind(fd, (const struct sockaddr *)&at.ss, at.len) != 0) {
		err = errno;
		close(fd);
		return err;
	}
	*fdp = fd;
	return 0;
}

static int open_pair(struct rtp_port *port, struct rtp_range *range,
		     unsigned pair)
{
	uint16_t number = port_of(range, pair);
	int err;

	err = open_socket(&port->rtp.fd, &range->address, number);
	if (err)
		return err;
	err = open_socket(&port->rtcp.fd, &range->address,
			  (uint16_t)(number + 1));
	if (err)
		close(port->rtp.fd);
	return err;
}

int rtp_port_open(struct rtp_port **portp, struct rtp_range *range)
{
	struct rtp_port *port = xzalloc(sizeof(*port));
	int err = ENOSPC, pair, tries;

	for (tries = 0; tries < TRIES; tries++) {
		pair = range_take(range);
		if (pair < 0) {
			err = ENOSPC;
			break;
		}
		err = open_pair(port, range, (unsigned)pair);
		if (!err)
			break;
		/* Another program has it, or there is no descriptor left. */
		range_give(range, (unsigned)pair);
		if (err != EADDRINUSE)
			break;
	}
	if (err) {
		free(port);
		return err;
	}
	port->range = range;
	port->pair = (unsigned)pair;
	port->rtp.port = port->rtcp.port = port;
	port->rtcp.rtcp = true;
	*portp = port;
	return 0;
}

uint16_t rtp_port_number(const struct rtp_port *port)
{
	return port_of(port->range, port->pair);
}

/* ---- packets ---- */

/* One set a thread: packets are handled before the next are read. */
static __thread uint8_t packets[BATCH][PACKET_MAX];

static void deliver(struct rtp_socket *sock, uint8_t *data, size_t len,
		    bool cut, struct addr *from, socklen_t from_len)
{
	from->len = from_len;
	sock->port->fn(data, cut ? 0 : len, from, sock->rtcp,
		       sock->port->arg);
}

static void read_one(struct rtp_socket *sock)
{
	struct addr from;
	socklen_t from_len = sizeof(from.ss);
	ssize_t len;

	len = recvfrom(sock->fd, packets[0], PACKET_MAX, MSG_TRUNC,
		       (struct sockaddr *)&from.ss, &from_len);
	if (len < 0)
		return;
	deliver(sock, packets[0], (size_t)len, len > PACKET_MAX, &from,
		from_len);
}

static void read_batch(struct rtp_socket *sock)
{
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	struct addr from[BATCH];
	bool gone = false;
	int i, count;

	for (i = 0; i < BATCH; i++) {
		iov[i].iov_base = packets[i];
		iov[i].iov_len = PACKET_MAX;
		msgs[i].msg_hdr = (struct msghdr){
			.msg_name = &from[i].ss,
			.msg_namelen = sizeof(from[i].ss),
			.msg_iov = &iov[i],
			.msg_iovlen = 1,
		};
	}
	count = recvmmsg(sock->fd, msgs, BATCH, 0, NULL);
	sock->port->gone = &gone;
	for (i = 0; i < count && !gone; i++)
		deliver(sock, packets[i], msgs[i].msg_len,
			msgs[i].msg_hdr.msg_flags & MSG_TRUNC, &from[i],
			msgs[i].msg_hdr.msg_namelen);
	if (!gone)
		sock->port->gone = NULL;
}

/* One packet a turn is the rule with a packet every 20 ms; the second look of
 * recvmmsg() would cost more than it finds. */
static void on_socket_ready(unsigned events, void *arg)
{
	struct rtp_socket *sock = arg;
	uint64_t now = loop_now_ns(sock->port->loop), last = sock->read_ns;

	(void)events;
	sock->read_ns = now;
	if (now - last < BUSY_NS)
		read_batch(sock);
	else
		read_one(sock);
}

void rtp_port_listen(struct rtp_port *port, struct loop *loop,
		     rtp_port_h *fn, void *arg)
{
	port->loop = loop;
	port->fn = fn;
	port->arg = arg;
	port->rtp.watch = loop_watch(loop, port->rtp.fd, LOOP_READ,
				     on_socket_ready, &port->rtp);
	port->rtcp.watch = loop_watch(loop, port->rtcp.fd, LOOP_READ,
				      on_socket_ready, &port->rtcp);
}

int rtp_port_send(struct rtp_port *port, const struct addr *to, bool rtcp,
		  const void *data, size_t len)
{
	int fd = rtcp ? port->rtcp.fd : port->rtp.fd;

	if (sendto(fd, data, len, 0, (const struct sockaddr *)&to->ss,
		   to->len) < 0)
		return errno;
	return 0;
}

void rtp_port_close(struct rtp_port **portp)
{
	struct rtp_port *port = *portp;

	if (!port)
		return;
	*portp = NULL;
	if (port->gone)
		*port->gone = true;
	loop_unwatch(&port->rtp.watch);
	loop_unwatch(&port->rtcp.watch);
	close(port->rtp.fd);
	close(port->rtcp.fd);
	range_give(port->range, port->pair);
	free(port);
}
